"""Origins: where a module lies - in labelvc's own library, an installed package, a folder, a git repository - and its files.

Files are opened one by one, each by the name that the module's manifest gives it. Nothing is imported or run, no link is
followed, and no more is read than a document may have.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Callable
from difflib import get_close_matches
from importlib import metadata
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import NamedTuple

from labelvc.errors import DataError, StoreError
from labelvc.store import fetching, process
from labelvc.store import git as plumbing
from labelvc.store.git import Git

MOST = 1 << 20
"""Bytes of a file, as of every document."""
GROUP = "labelvc.modules"
"""Entry points of packages that bring modules: name of the module to the folder it lies in, written `package.folder`."""
_PACKAGE = "package:"
_OWN = "labelvc"
_SHELVES = ("_modules", "_templates")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_DOTTED = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*")
_STEP = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Origin(NamedTuple):
    """A place that holds a module.

    Attributes:
        source: how the lock names it; `find` finds it again by that.
        commit: full id of the commit that is read; empty where files are read as they lie.
        read: returns the bytes of a file by its path in the module, or raises StoreError or DataError.
    """

    source: str
    commit: str
    read: Callable[[str], bytes]


def shipped() -> list[str]:
    """Return the names of the modules that come with labelvc."""
    return sorted(
        entry.name for shelf in shelves() if shelf.is_dir() for entry in shelf.iterdir() if _NAME.fullmatch(entry.name)
    )


def shelves() -> list[Traversable]:
    """Return the folders of labelvc's own library."""
    return [files("labelvc.ops") / shelf for shelf in _SHELVES]


def find(git: Git, start: Path, source: str, rev: str = "", *, wait: float = fetching.WAIT) -> Origin:
    """Return the place that a person or the lock names.

    Args:
        git: the repository that takes the module; what is fetched is kept beside it.
        start: the folder that a path starts from.
        source: `NAME` of the library or of an installed package's module, `package:PACKAGE/NAME`, a git URL with perhaps
            `#FOLDER` behind it, or a path.
        rev: branch, tag or full commit of a git repository; empty: of a URL its default branch, of a path what lies there.
        wait: seconds that fetching may take.

    Raises:
        StoreError: there is no such place, or git could not fetch it.
        DataError: what was typed names none.
    """
    if source.startswith("-") or not source.isprintable() or len(source) > 1000:
        raise DataError("this names no module", where=repr(source)[:80], hint="labelvc module add --help")
    if fetching.is_remote(source):
        url, _, folder = source.partition("#")
        fetched = fetching.fetch(git, url, rev, wait=wait)
        return _committed(fetched.git, fetched.commit, source, _steps(folder))
    if source.startswith(_PACKAGE) or _NAME.fullmatch(source):
        if rev:
            raise DataError(
                "a package has no revisions", where=source, hint="pip install the version you want, without --at"
            )
        return _packaged(source)
    if rev:
        return _folder_at(git, start, source, rev)
    place = start / source
    if not place.is_dir():
        hint = f"name its folder; or one of the library: {', '.join(shipped())}"
        raise StoreError("there is no such folder", where=str(place), hint=hint)
    return Origin(_relative(git, place), "", lambda path: _lying(place, path))


def is_name(text: str) -> bool:
    """Tell whether a text can be a module's name."""
    return _NAME.fullmatch(text) is not None


def _relative(git: Git, place: Path) -> str:
    """Return a folder as the lock names it: from the top of the project, so that no machine's own paths get into git."""
    told = os.path.relpath(place.resolve(), git.top.resolve())
    return told if "/" in told or told.startswith(".") else f"./{told}"


def _packaged(source: str) -> Origin:
    package, _, name = source.removeprefix(_PACKAGE).rpartition("/")
    if package in ("", _OWN) and name in shipped():
        shelf = next(one for one in shelves() if (one / name).is_dir())
        return Origin(f"{_PACKAGE}{_OWN}/{name}", "", lambda path: _lying(Path(str(shelf / name)), path))
    points = [
        point
        for point in metadata.entry_points(group=GROUP, name=name)
        if point.dist is not None and package in ("", point.dist.name)
    ]
    if len(points) != 1:
        named = ", ".join(sorted(f"{_PACKAGE}{point.dist.name}/{name}" for point in points if point.dist))
        message = f"several packages bring a module {name!r}" if points else f"there is no module {name!r}"
        near = get_close_matches(name, shipped(), 2) or shipped()
        hint = f"choose one of: {named if points else ', '.join(near)}"
        if Path(source).is_dir():
            hint = f"labelvc module add ./{source}, if that folder is meant"
        raise StoreError(message, where=source, hint=hint)
    distribution = points[0].dist
    if distribution is None or not _DOTTED.fullmatch(points[0].value):
        raise DataError("the package does not say in which folder it lies", where=f"{GROUP}: {points[0].value[:80]}")
    folder = points[0].value.replace(".", "/")
    found = distribution.locate_file(folder)
    listed = frozenset(map(str, distribution.files or ()))

    def read(path: str) -> bytes:
        if f"{folder}/{path}" not in listed:
            message = "is no file of the package (of one that is installed as editable nobody lists the files)"
            raise StoreError(message, where=f"{distribution.name}: {folder}/{path}", hint=f"labelvc module add {found}")
        return _lying(Path(str(found)), path)

    return Origin(f"{_PACKAGE}{distribution.name}/{name}", "", read)


def _lying(place: Path, path: str) -> bytes:
    """Return the bytes of a file below a folder; folders and file are opened one by one, and none of them may be a link."""
    *above, name = _steps(path)
    where = str(place / path)
    handle = -1
    try:
        handle = os.open(place, _FOLDER & ~os.O_NOFOLLOW)
        for step in above:
            inner = os.open(step, _FOLDER, dir_fd=handle)
            os.close(handle)
            handle = inner
        file = os.open(name, _FILE, dir_fd=handle)
        with os.fdopen(file, "rb") as opened:
            found = os.fstat(file)
            if not stat.S_ISREG(found.st_mode):
                raise DataError("is no plain file", where=where)
            if found.st_size > MOST:
                raise _large(where)
            return opened.read(MOST + 1)[: MOST + 1]
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            raise DataError("a link, or a file where a folder must be, is not followed", where=where) from None
        raise StoreError(f"cannot be read: {error.strerror}", where=where) from None
    finally:
        if handle >= 0:
            os.close(handle)


def _folder_at(git: Git, start: Path, source: str, rev: str) -> Origin:
    place = start / source
    if not place.is_dir():
        raise StoreError("there is no such folder", where=str(place))
    with process.without_fetching():
        other = plumbing.find(place, alone=True)
        commit = plumbing.resolve(other, rev)
    inside = os.path.relpath(place.resolve(), other.top.resolve())
    return _committed(other, commit, _relative(git, place), () if inside == "." else Path(inside).parts)


def _committed(git: Git, commit: str, source: str, folder: tuple[str, ...]) -> Origin:
    def read(path: str) -> bytes:
        inside = "/".join((*folder, *_steps(path)))
        where = f"{source}@{commit[:10]}: {path}"
        with process.without_fetching():
            told = plumbing.run(git, "--literal-pathspecs", "ls-tree", "-z", "-l", "--full-tree", commit, "--", inside)
            about, _, named = told.rstrip(b"\0").partition(b"\t")
            if named != inside.encode():
                raise StoreError("there is no such file", where=where)
            mode, kind, oid, size = about.split()
            if kind != b"blob" or mode == b"120000":
                raise DataError("is a link or a folder, no plain file", where=where)
            if int(size) > MOST:
                raise _large(where)
            return plumbing.run(git, "cat-file", "blob", oid.decode())

    return Origin(source, commit, read)


def _large(where: str) -> DataError:
    return DataError(f"is larger than {MOST >> 20} MiB; a document is written by people", where=where)


def _steps(path: str) -> tuple[str, ...]:
    """Return the steps of a path inside of a module; none of them leads up, out or to something hidden."""
    steps = tuple(path.split("/")) if path else ()
    if not all(_STEP.fullmatch(step) for step in steps):
        raise DataError("is no path inside of a module", where=repr(path)[:80])
    return steps
