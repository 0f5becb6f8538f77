"""DVC without DVC: pointer files, the listings and objects of its cache, and the SHA-256 manifest beside a pointer.

Source of the formats: dvc `output.py` and `cachemgr.py` (pointer, cache layout), dvc_data `hashfile/tree.py` (`.dir` listing).
"""

# No `from __future__ import annotations`: typing would compile the text of each at every start.

import importlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from labelvc import digests
from labelvc.errors import StoreError
from labelvc.model.snapshot import Entry
from labelvc.store.git import Git

if TYPE_CHECKING:
    from labelvc.store.executors import Executor

_LAYERS = ("annotations.dvc", "items.dvc")
_MD5 = r"[0-9a-f]{32}(?:\.dir)?"
_FOLDER = r"[0-9a-f]{32}\.dir"
_MANIFEST = rb"\\?([0-9a-f]{64}) [ *](.+)"
# Names as nearly all are, with which whole texts are taken at once; what holds any other name is looked at name by name.
_PLAIN = r"(?:[\w-][\w.-]*+/)*+[\w-][\w.-]*+"
_PLAIN_SUMS = rf"(?a)(?:[0-9a-f]{{64}} [ *]{_PLAIN}\n)*+"
_PLAIN_ROWS = rf"(?a)(?:{_MD5} {_PLAIN}\n)*+"
_DIGEST, _NAMED = 64, 66  # where in a line of sums the digest ends and the name begins
_SETTING = r"\s*dir\s*=\s*(.*?)\s*$"


class Pointer(NamedTuple):
    """What a `.dvc` file says.

    Attributes:
        path: of the folder it stands for, relative to the top of the project.
        md5: of the object that lists its files; ends in `.dir`.
    """

    path: str
    md5: str


def beside(under: Sequence[str]) -> list[str]:
    """Return the wanted paths with the pointers and manifests that may hold them."""
    found: dict[str, None] = {}
    for path in under:
        found[path] = None
        parts = path.rstrip("/").split("/")
        for count in range(1, len(parts) + 1):
            above = "/".join(parts[:count]) + ".dvc"
            if stands_for_shards(above):
                found[above] = found[manifest_path(above)] = None
    return list(found)


def stands_for_shards(path: str) -> bool:
    """Tell whether a path is the pointer of a layer of shards, whose members belong into a snapshot."""
    top, *names = path.split("/")
    return top == "datasets" and len(names) == 2 and bool(names[0]) and names[1] in _LAYERS


def is_about_shards(path: str) -> bool:
    """Tell whether a path is such a pointer or its manifest."""
    return path.endswith((".dvc", ".sha256")) and stands_for_shards(f"{path.rpartition('.')[0]}.dvc")


def manifest_path(path: str) -> str:
    """Return the path of the SHA-256 manifest that belongs to a pointer's path."""
    return path.removesuffix(".dvc") + ".sha256"


def read(path: str, data: bytes) -> Pointer:
    """Read the pointer file of a folder, as `dvc add` writes it.

    Args:
        path: of the pointer.
        data: its bytes.

    Returns:
        What it stands for.

    Raises:
        StoreError: a merge conflict, or no pointer to the one folder of its name beside it.
    """
    text = data.decode("utf-8", "replace")
    if "<<<<<<< " in text:
        raise StoreError(
            "a merge left both versions of a DVC pointer", where=path, hint="git merge --abort; labelvc merge REV"
        )
    outs: list[dict[str, str]] = []
    inside = False
    for line in text.splitlines():
        if line[:1] not in (" ", "-", "", "#"):
            inside = line.rstrip() == "outs:"
        elif inside and line.strip():
            if line.lstrip().startswith("- "):
                outs.append({})
            name, colon, value = line.lstrip(" -").partition(":")
            if colon and outs:
                outs[-1].setdefault(name, value.strip().strip("'\""))
    md5 = outs[0].get("md5", "") if len(outs) == 1 else ""
    name = outs[0].get("path", "") if len(outs) == 1 else ""
    if not re.fullmatch(_FOLDER, md5) or f"{name}.dvc" != path.rpartition("/")[2]:
        raise StoreError(
            "not a DVC pointer to one folder beside it", where=path, hint=f"dvc add {path.removesuffix('.dvc')}"
        )
    return Pointer(str(PurePosixPath(path).with_name(name)), md5)


def manifest(path: str, data: bytes) -> dict[str, str]:
    """Read a manifest as `sha256sum` writes it.

    Args:
        path: of the manifest; the names in it are relative to its folder.
        data: its bytes.

    Returns:
        Path relative to the top of the project to hexadecimal SHA-256.

    Raises:
        StoreError: a line that is none of `sha256sum`.
    """
    folder = path.rpartition("/")[0]
    text = data.decode("utf-8", "surrogateescape")
    if re.fullmatch(_PLAIN_SUMS, text):
        return {f"{folder}/{line[_NAMED:]}": line[:_DIGEST] for line in text.splitlines()}
    found: dict[str, str] = {}
    for number, line in enumerate(data.splitlines(), 1):
        match = re.fullmatch(_MANIFEST, line)
        name = "" if match is None else match[2].decode("utf-8", "surrogateescape")
        if match is None or not beneath(name):
            raise StoreError("not a line of sha256sum", where=f"{path}:{number}", hint=f"git checkout HEAD -- {path}")
        found[f"{folder}/{name}"] = match[1].decode()
    return found


def members(pointer: Pointer, listing: bytes, sums: Mapping[str, str] | None) -> dict[str, Entry]:
    """Return the files of a DVC folder as entries of a snapshot.

    The id of an entry is the md5, and with a manifest `md5:sha256`, so that an object that was exchanged for another of
    the same md5 is neither equal nor readable. A file that only the listing or only the manifest has gets half an id,
    which `open_object` refuses.

    Args:
        pointer: the folder.
        listing: bytes of its `.dir` object.
        sums: the manifest, or None when there is none.

    Returns:
        Path to entry.

    Raises:
        StoreError: the listing is broken or names files outside its folder.
    """
    try:
        rows = [(row["relpath"], row["md5"]) for row in json.loads(listing)]
        text = "".join([md5 + " " + name + "\n" for name, md5 in rows])
        plain = text.count("\n") == len(rows) and re.fullmatch(_PLAIN_ROWS, text)
        bad = next(
            (name for name, md5 in (() if plain else rows) if not beneath(name) or not re.fullmatch(_MD5, md5)), None
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        bad = ""
    if bad is not None:
        raise StoreError(
            "a DVC folder listing is broken", where=f"{pointer.path} ({pointer.md5})", hint="dvc pull --force"
        )
    if sums is None:
        return {f"{pointer.path}/{name}": Entry("dvc", md5) for name, md5 in rows}
    known = {f"{pointer.path}/{name}": md5 for name, md5 in rows}
    found = {path: Entry("dvc", f"{known.get(path, '')}:{digest}") for path, digest in sums.items()}
    return found | {path: Entry("dvc", f"{md5}:") for path, md5 in known.items() if path not in sums}


def demand_whole(path: str, entry: Entry) -> None:
    """Refuse a DVC entry that only the pointer or only the manifest has.

    Raises:
        StoreError: it has half an id.
    """
    md5, mark, digest = entry.id.partition(":")
    if mark and not (md5 and digest):
        side = (
            "its DVC pointer but not in its SHA-256 manifest"
            if md5
            else "its SHA-256 manifest but not in its DVC pointer"
        )
        raise StoreError(f"a shard is in {side}", where=path, hint="labelvc format")


def prove(path: str, entry: Entry, data: bytes, *, strict: bool) -> None:
    """Make sure that bytes from a remote are those that were committed.

    Args:
        path: for the message.
        entry: of kind `dvc`, with a whole id.
        data: what the remote holds.
        strict: without a manifest the MD5 must fit; in the layout of DVC 2 it may be that of other line ends.

    Raises:
        StoreError: they are not.
    """
    md5, mark, digest = entry.id.partition(":")
    hint = "dvc push --force, from a clone whose `labelvc check --all` is clean"
    if mark and digests.sha256(data).hexdigest() != digest:
        raise StoreError(exchanged(md5), where=path, hint=hint)
    if not mark and strict and _md5(data) != md5.removesuffix(".dir"):
        raise StoreError(f"DVC object {md5} is damaged", where=path, hint=hint)


def exchanged(md5: str) -> str:
    """Return what to say of an object that is not the one of the manifest."""
    return f"DVC object {md5} does not have the SHA-256 that the manifest says: it was exchanged or the manifest is old"


class Cache:
    """The DVC caches of a repository, read only; what is in none of them is fetched by DVC itself.

    DVC is asked (and only then imported) when an object is not where the repository's own settings put it: it knows the
    user's settings and every kind of remote.
    """

    def __init__(self, git: Git) -> None:
        self._git = git
        self._folders: list[Path] = []

    def find(self, md5: str) -> Path | None:
        """Return where an object lies, or None."""
        place = self._place(md5)
        return Path(place) if place else None

    def has(self, md5: str) -> bool:
        """Tell whether an object lies in one of the caches."""
        return bool(self._place(md5))

    def stored(self, entry: Entry) -> bool:
        """Tell whether a DVC entry has a SHA-256 and its object lies in one of the caches."""
        md5, _, digest = entry.id.partition(":")
        return bool(md5 and digest) and self.has(md5)

    def folders(self, md5s: Iterable[str]) -> list[str]:
        """Return the folders in which some objects may lie, by their md5 or an id that begins with it."""
        return [f"{place}{start}" for start in sorted({md5[:2] for md5 in md5s}) for place in self._layouts()]

    def _place(self, md5: str) -> str:
        for place in self._layouts():
            path = f"{place}{md5[:2]}/{md5[2:]}"
            if os.path.isfile(path):  # noqa: PTH113 - a listing may name a million
                return path
        return ""

    def _layouts(self) -> Iterator[str]:
        """Yield what the paths of objects begin with in each cache, in the layouts of DVC 3 and 2."""
        for folder in self._places():
            yield f"{folder}/files/md5/"
            yield f"{folder}/"

    def fetch(self, wanted: Iterable[tuple[str, str]]) -> None:
        """Get objects that are in no cache from the remote, all in one go.

        Args:
            wanted: (path, md5) pairs; the path is for the message. Where workers of a cluster read the remote, none is fetched.

        Raises:
            StoreError: one of them is nowhere; names its path and md5.
        """
        absent = {md5: path for path, md5 in wanted if not self.has(md5)}
        if not absent or self._git.far is not None:
            return
        path = next(iter(absent.values()))
        if self._git.bare:
            message = "this server holds no DVC objects, so it cannot judge this change"
            raise StoreError(message, where=path, hint="judge DVC datasets in CI, after `dvc pull`")
        trouble = ""
        try:
            folder = importlib.import_module("labelvc.store.dvc").fetch(self._git, list(absent))
            if folder not in self._folders:
                self._folders.append(folder)
        except StoreError as error:
            trouble = f" ({error.message})"
        for md5, path in absent.items():
            if not self.has(md5):
                message = f"DVC object {md5} is in no cache and no remote{trouble}"
                raise StoreError(message, where=path, hint="dvc pull")

    def listing(self, pointer: Pointer) -> bytes:
        """Return the bytes of a folder's `.dir` object.

        Raises:
            StoreError: it is nowhere, or its bytes do not have its md5.
        """
        self.fetch([(pointer.path, pointer.md5)])
        return self.read(pointer.path, Entry("dvc", pointer.md5))

    def read(self, path: str, entry: Entry) -> bytes:
        """Return the bytes of a DVC object, proved by the manifest's SHA-256 or, where there is none, by its md5.

        Args:
            path: for the message.
            entry: of kind `dvc`.

        Returns:
            Its bytes.

        Raises:
            StoreError: it is nowhere, or it is not the object that was committed.
        """
        md5, mark, digest = entry.id.partition(":")
        demand_whole(path, entry)
        place = self.find(md5)
        far = self._git.far
        if place is None and far is not None:
            return self._from_afar(far, path, entry)
        if place is None:
            self.fetch([(path, md5)])
            place = self.find(md5)
        if place is None:
            raise StoreError(f"DVC object {md5} is in no cache and no remote", where=path, hint="dvc pull")
        data = place.read_bytes()
        if mark and digests.sha256(data).hexdigest() != digest:
            whole = _md5(data) == md5  # then pointer and manifest name two things, and the object is as good as any
            hint = "git diff HEAD -- '*.dvc' '*.sha256'"
            raise StoreError(exchanged(md5), where=path, hint=hint if whole else f"{hint}; {_aside(place)}")
        if not mark and place.parts[-3] == "md5" and _md5(data) != md5.removesuffix(".dir"):
            raise StoreError(f"DVC object {md5} is damaged", where=path, hint=_aside(place))
        return data

    def _from_afar(self, far: "Executor", path: str, entry: Entry) -> bytes:
        """Have a worker read an object from the remote, and prove its bytes once more."""
        parcel = importlib.import_module("labelvc.store.parcel")
        found: list[bytes] = list(
            far.spread(parcel.contents, parcel.pack(self._git, [path], lambda _: [(path, entry)]))
        )
        prove(path, entry, found[0], strict=False)
        return found[0]

    def _places(self) -> list[Path]:
        if not self._folders:
            top = self._git.top
            settings = [folder for name in ("config.local", "config") if (folder := _cache_folder(top / ".dvc" / name))]
            # A linked work tree shares the cache of the main one.
            usual = [folder / ".dvc" / "cache" for folder in (top, self._git.common.parent)]
            self._folders = list(dict.fromkeys([*settings[:1], *usual]))
        return self._folders


def _aside(place: Path) -> str:
    """Return what to type to have an object fetched again: it is put aside and not deleted, since there may be no other copy."""
    return f"mv {place} {place}.aside; dvc pull"


def _cache_folder(config: Path) -> Path | None:
    """Return `cache.dir` of a DVC configuration file; it is relative to the file."""
    try:
        lines = config.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    section = ""
    for line in lines:
        if line.strip().startswith("["):
            section = line.strip().strip("[]'\"")
        elif section == "cache" and (found := re.match(_SETTING, line)):
            return config.parent / Path(found[1].strip("'\"")).expanduser()
    return None


def _md5(data: bytes) -> str:
    return str(digests.md5(data, usedforsecurity=False).hexdigest())


def beneath(name: object) -> bool:
    """Tell whether a name is one that a file below a folder can have."""
    if not isinstance(name, str) or "\0" in name or any(part in ("", ".", "..") for part in name.split("/")):
        return False
    try:
        return bool(name.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        return False
