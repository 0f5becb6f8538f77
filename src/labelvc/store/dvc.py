"""DVC itself, in this process: what writes pointers and fetches objects. Importing it takes 0.4 s; reading needs only `pointer`."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from dvc.config import Config
from dvc.exceptions import DvcException
from dvc.fs import get_cloud_fs
from dvc.repo import Repo
from dvc_data.hashfile.hash_info import HashInfo
from dvc_objects.errors import ObjectDBError, ObjectFormatError
from scmrepo.exceptions import SCMError

from labelvc.errors import StoreError
from labelvc.model.snapshot import Entry
from labelvc.store import disk, files, pointer, stale
from labelvc.store import git as plumbing
from labelvc.store.git import Git
from labelvc.store.parcel import Remote

_Result = TypeVar("_Result")
_LAYOUTS = ("md5", "md5-dos2unix")
_AT_ONCE = 8
_REMOTE = "on the worker's machine: dvc remote list --global; dvc remote add --global NAME URL"


def initialise(git: Git) -> list[str]:
    """Make the repository a DVC repository and stage what that needs; one that is already is left as it is.

    Args:
        git: where; DVC's folder is at the top of the work tree.

    Returns:
        The paths that were written and staged.

    Raises:
        StoreError: DVC refused.
    """
    if (git.top / ".dvc" / "config").is_file():
        return []
    with _dvc(git, "dvc init"):
        Repo.init(str(git.top)).close()
    written = [path for path in (".dvc/.gitignore", ".dvc/config", ".dvcignore") if (git.top / path).is_file()]
    plumbing.add(git, written)
    return written


def add(git: Git, folder: Path) -> list[str]:
    """Put a folder behind a DVC pointer, with its SHA-256 manifest, and stage both.

    Args:
        git: where.
        folder: `datasets/<name>/annotations`, absolute or relative to the top.

    Returns:
        The staged paths: pointer, manifest and the `.gitignore` beside them.

    Raises:
        StoreError: no such folder, something in it that is no plain file, or DVC refused.
    """
    folder = git.top / folder
    if not folder.is_dir() or folder.is_symlink():
        raise StoreError("no such folder", where=str(folder))
    files.sweep(folder)
    for left in folder.parent.glob(f".{folder.name}.sha256.*{files.UNFINISHED}"):
        left.unlink(missing_ok=True)
    lines = _manifest(folder)
    with _dvc(git, f"dvc add {folder.relative_to(git.top)}"), Repo(str(git.top)) as repo:
        repo.add(str(folder))
    disk.replace(folder.with_name(f"{folder.name}.sha256"), "".join(lines).encode("utf-8", "surrogateescape"))
    beside = [folder.with_name(f"{folder.name}{end}") for end in (".dvc", ".sha256")]
    staged = [str(path.relative_to(git.top)) for path in (*beside, folder.parent / ".gitignore") if path.is_file()]
    plumbing.add(git, staged)
    stale.note(git, folder.relative_to(git.top).as_posix())
    return staged


def checkout(git: Git, pointers: Sequence[str], *, force: bool = False) -> None:
    """Make the folders of pointers in the work tree what the pointers say.

    Args:
        git: where.
        pointers: paths of pointers, relative to the top.
        force: replace files that DVC does not know; the caller has made sure that nobody edited them.

    Raises:
        StoreError: an object is nowhere, or files in the way are not in the cache.
    """
    with _dvc(git, f"dvc checkout {' '.join(pointers)}"), Repo(str(git.top)) as repo:
        repo.checkout([str(git.top / path) for path in pointers], force=force)
    for path in pointers:
        stale.note(git, path.removesuffix(".dvc"))


def fetch(git: Git, objects: Sequence[str]) -> Path:
    """Get objects of any revision from the default remote into the cache.

    Args:
        git: where.
        objects: their md5, with `.dir` for folder listings; members are not fetched with their folder.

    Returns:
        The cache folder DVC uses, which user settings may have moved; objects that are not there now are nowhere.

    Raises:
        StoreError: no remote, or it could not be reached.
    """
    with _dvc(git, "dvc pull"), Repo(str(git.top)) as repo:
        cache = Path(repo.cache.local_cache_dir)
        missing = {name for name in objects if not _present(cache, name)}
        for layout in _LAYOUTS:
            if missing:
                repo.cloud.pull({HashInfo(layout, name) for name in missing})
                missing = {name for name in missing if not _present(cache, name)}
    return cache


def remote(git: Git) -> Remote:
    """Return the default remote as another machine may know it: name and urls, without passwords and without other settings.

    Args:
        git: where; in a bare repository the user's own DVC settings speak.

    Returns:
        The remote; relative folders are absolute.

    Raises:
        StoreError: DVC's settings cannot be read.
    """
    folder = git.top / ".dvc"
    with _dvc(git, "dvc config --list"):
        config = Config(str(folder) if folder.is_dir() else None)
    default = name = str(config["core"].get("remote", "")).lower()
    urls: dict[str, str] = {}
    while name in config["remote"] and name not in urls:
        urls[name] = _without_password(str(config["remote"][name].get("url", "")))
        name = urlsplit(urls[name]).netloc if urls[name].startswith("remote://") else ""
    return Remote(default, tuple(urls.items()))


def read_remote(remote: Remote, wanted: Sequence[tuple[str, Entry]]) -> Iterator[bytes]:
    """Yield the bytes of DVC objects straight from a remote, on a worker that has no repository.

    The url comes from the repository; access keys and all other settings come from this machine's own DVC configuration
    (`dvc config --global`), and only where that does not give the name another url: a repository cannot have them sent
    elsewhere.

    Args:
        remote: from `remote`.
        wanted: (path, entry) pairs.

    Yields:
        Proved bytes, in order; up to 8 are fetched at once.

    Raises:
        StoreError: no such remote, it cannot be reached, or an object is not there or not what was committed.
    """
    for path, entry in wanted:
        pointer.demand_whole(path, entry)
    system, top = _reached(remote)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        yield from pool.map(lambda pair: _from_remote(system, top, *pair), wanted)


def size_remote(remote: Remote, path: str, entry: Entry) -> tuple[int, bool]:
    """Return how many bytes a DVC object in a remote has, on a worker, and whether its MD5 is that of these very bytes.

    In the layout of DVC 2 it may be the MD5 of other line ends.

    Raises:
        StoreError: as for `read_remote`; the object is not proved.
    """
    return _found(*_reached(remote), path, entry, lambda fs, place, own: (int(fs.size(place)), own))


def range_remote(remote: Remote, path: str, entry: Entry, begin: int, end: int) -> bytes:
    """Return bytes `begin` to `end` of a DVC object in a remote, on a worker.

    Raises:
        StoreError: as for `read_remote`; the object is not proved.
    """
    return _found(*_reached(remote), path, entry, lambda fs, place, _: bytes(fs.cat_file(place, start=begin, end=end)))


def _reached(remote: Remote) -> tuple[Any, str]:
    try:
        return _filesystem(remote)
    except Exception as error:  # noqa: BLE001 - each kind of remote has errors of its own
        said = " ".join(str(error).split()) or type(error).__name__
        raise StoreError(f"a worker cannot use the DVC remote: {said}", where=remote.name, hint=_REMOTE) from None


def _from_remote(system: Any, top: str, path: str, entry: Entry) -> bytes:
    def read(fs: Any, place: str, own: bool) -> bytes:
        data = bytes(fs.cat_file(place))
        pointer.prove(path, entry, data, strict=own)
        return data

    return _found(system, top, path, entry, read)


def _found(system: Any, top: str, path: str, entry: Entry, use: Callable[[Any, str, bool], _Result]) -> _Result:
    """Return what a use of an object's place comes to: in the layout of DVC 3, whose MD5 is of the bytes, or of DVC 2."""
    md5 = entry.id.partition(":")[0]
    try:
        for layout in (("files", "md5"), ()):
            try:
                return use(system.fs, system.join(top, *layout, md5[:2], md5[2:]), bool(layout))
            except FileNotFoundError:
                continue
    except StoreError:
        raise
    except Exception as error:  # noqa: BLE001 - as above
        said = " ".join(str(error).split()) or type(error).__name__
        raise StoreError(f"a worker cannot read the DVC remote: {said}", where=path, hint=_REMOTE) from None
    raise StoreError(f"DVC object {md5} is not in the remote the workers read", where=path, hint="dvc push")


@lru_cache(maxsize=4)
def _filesystem(remote: Remote) -> tuple[Any, str]:
    """Return the file system of a remote and the folder in it; made once a process, as it may hold connections."""
    config = Config()
    for name, url in remote.urls:
        own = dict(config["remote"].get(name, {}))
        config["remote"][name] = {**(own if own.get("url", url) == url else {}), "url": url}
    name = remote.name or config["core"].get("remote")
    if not name:
        raise ValueError("neither the repository nor this worker names a default remote")
    kind, settings, top = get_cloud_fs(config, name=name)
    return kind(**settings), top


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    user, mark, host = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{user.partition(':')[0]}{mark}{host}").geturl() if mark else url


def _present(cache: Path, md5: str) -> bool:
    return any((folder / md5[:2] / md5[2:]).is_file() for folder in (cache / "files" / "md5", cache))


def _manifest(folder: Path) -> list[str]:
    """Return the lines `sha256sum` would print for the folder's files from the folder above, sorted by path."""
    found = []
    for path in sorted(folder.rglob("*"), key=lambda path: path.as_posix()):
        name = path.relative_to(folder.parent).as_posix()
        if path.is_dir() and not path.is_symlink():
            continue
        if not path.is_file() or "\n" in name or "\\" in name:
            raise StoreError("not a plain file with a plain name", where=str(path), hint=f"rm {path}")
        found.append(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {name}\n")
    return found


@contextmanager
def _dvc(git: Git, command: str) -> Iterator[None]:
    """Turn what DVC raises into a StoreError, and keep it from talking on our streams."""
    loggers = [logging.getLogger(name) for name in ("dvc", "dvc_data", "dvc_objects", "scmrepo")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    except (DvcException, SCMError, ObjectDBError, ObjectFormatError, OSError) as error:
        said = " ".join(str(error).split()) or type(error).__name__
        raise StoreError(f"DVC could not do it: {said}", where=str(git.top), hint=_cure(git, said, command)) from None
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _cure(git: Git, said: str, command: str) -> str:
    """Return what helps against what DVC said: for some complaints its command alone would fail again."""
    if not (git.top / ".dvc").is_dir():
        return "dvc init"
    tracked = re.search(r"output '([^']+)' is already tracked by SCM", said)
    return f"git rm -r --cached {tracked[1]}, then the command again" if tracked else command
