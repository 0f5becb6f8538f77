"""Deposits: files of which git holds a pointer alone - behind DVC, where they are no shards, and behind git LFS."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from labelvc.batches import batches
from labelvc.core import globs, leaks
from labelvc.core.gate import Gate
from labelvc.errors import StoreError
from labelvc.model import listing
from labelvc.model.finding import Finding
from labelvc.model.snapshot import Entry, Snapshot
from labelvc.store import lfs, outs, pointer, tree
from labelvc.store.git import Git
from labelvc.store.outs import Out
from labelvc.store.reader import Reader

_BEGINNING = 8192
"""Bytes in which git looks for a NUL to tell what is no text (`buffer_is_binary` in `xdiff-interface.c`)."""
_AT_ONCE = 16 << 20
_OVERLAP = 1 << 12
"""Bytes of a long file that are read again with what follows: no value is longer."""
_ROWS = 1000
_MEDIA = (
    b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"8BPS", b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51",
    b"RIFF", b"OggS", b"fLaC", b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2", b"\xff\xf1", b"\x1aE\xdf\xa3", b"\0\0\1\xba", b"\0\0\1\xb3",
    b"PK\3\4", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"7z\xbc\xaf\x27\x1c", b"PAR1", b"ARROW1\0\0", b"\x89HDF\r\n\x1a\n",
    b"\x93NUMPY",
)  # fmt: skip
"""How files begin in which no text stands that could be read: pictures, sound, films, archives, tables of numbers (their formats' specifications)."""
_BOX = b"ftyp"
"""At byte 4: the ISO base media file format (ISO/IEC 14496-12) - MP4, MOV, HEIC, AVIF."""


def leaking(
    git: Git, gate: Gate, snapshot: Snapshot, paths: Iterable[str], old: Snapshot | None = None
) -> Iterator[Finding]:
    """Yield what stands in plain in files behind DVC pointers, and in their names.

    What no cache of this clone holds is fetched, as shards are. Pictures, sound, films and archives are not read.

    Args:
        git: the repository.
        gate: what judges; what its settings leave unread is left out.
        snapshot: where the pointers are.
        paths: those that are wanted, other files among them.
        old: the snapshot before: files that its pointers lead to are left out.

    Raises:
        StoreError: a pointer cannot be read, or what it leads to is nowhere: nobody can tell what is in it.
    """
    wanted = [path for path in paths if outs.lead(path) and path in snapshot.entries]
    if not wanted:
        return
    shelf = _Shelf(git, gate)
    with tree.reader(git) as reader:
        for path, now in _outs(reader, snapshot, wanted):
            before = dict(_outs(reader, old, (path,))).get(path, []) if old else []
            for some in batches(shelf.fresh(now, before), _ROWS):
                yield from leaks.in_names([name for name, _, named in some if named], gate)
                asked = [(name, md5) for name, md5, _ in some]
                for name, md5, file in shelf.opened(asked, snapshot):
                    for found in _standing(name, file, gate):
                        yield found._replace(message=f"{found.message} in DVC object {md5[:10]}")


def stored(git: Git, gate: Gate, path: str, data: bytes) -> Iterator[Finding]:
    """Yield what stands in plain in a file that git holds: of one that is a pointer of git LFS, in what it stands for.

    Raises:
        StoreError: that is not in this clone, and the settings do not leave it unread.
    """
    oid = lfs.pointed(data)
    if not oid:
        yield from leaks.in_file(path, data, gate)
    elif not globs.match(path, gate.settings.left_unread):
        place = _lfs(git, gate, path, oid)
        with place.open("rb") as file:
            for found in _standing(path, file, gate):
                yield found._replace(message=f"{found.message} in LFS object {oid[:10]}")


def refuse(path: str, data: bytes) -> None:
    """Refuse a shard of which git holds a pointer of git LFS: its records are read from nowhere.

    Raises:
        StoreError: it is one.
    """
    if lfs.pointed(data):
        hint = f"git lfs untrack {path}; git lfs migrate export --include={path}"
        raise StoreError("a shard is behind git LFS, where nobody reads its records", where=path, hint=hint)


def held(git: Git, reader: Reader, snapshot: Snapshot, path: str) -> bytes:
    """Return the bytes of a file behind a DVC pointer, empty where no cache of this clone holds it.

    Raises:
        StoreError: a pointer cannot be read.
    """
    parts = path.split("/")
    above = ["/".join(parts[:count]) + ".dvc" for count in range(1, len(parts) + 1)]
    shelf = _Shelf(git, Gate())
    leading = [name for name in above if outs.lead(name) and name in snapshot.entries]
    found = [
        place.read_bytes()
        for _, now in _outs(reader, snapshot, leading)
        for name, md5, _ in shelf.fresh(now, (), ask=False)
        if name == path and (place := shelf.here(md5))
    ]
    return b"\n".join(found)


class _Shelf:
    """The objects of DVC, as far as they are here, can be fetched, or lie with workers of a cluster."""

    def __init__(self, git: Git, gate: Gate) -> None:
        self._git, self._cache, self._gate = git, pointer.Cache(git), gate
        self._unread = gate.settings.left_unread
        self.here = self._cache.find

    def fresh(self, now: Iterable[Out], before: Sequence[Out], *, ask: bool = True) -> Iterator[tuple[str, str, bool]]:
        """Yield path and md5 of the files that outputs stand for and others do not, and whether the path is new too.

        Of a folder that is left unread as a whole and whose listing is not here there are none.
        """
        known = set(before)
        folders = iter([one for one in before if one.folder])
        paths = {one.path for one in before}
        for one in now:
            other = next(folders, None) if one.folder else None
            if one in known:
                continue
            if not one.folder:
                yield one.path, one.md5, one.path not in paths
            elif rows := self._rows(one, ask=ask):
                former = self._former(other) if other and other.path == one.path else ()
                for name, md5, named in outs.fresh(rows, former):
                    yield f"{one.path}/{name}", md5, named

    def opened(self, asked: Sequence[tuple[str, str]], snapshot: Snapshot) -> Iterator[tuple[str, str, IO[bytes]]]:
        """Yield path, md5 and content of those objects that are to be read; memory holds those that workers sent, one at a time.

        Raises:
            StoreError: one is nowhere.
        """
        read = [(path, md5) for path, md5 in asked if not globs.match(path, self._unread)]
        self._fetch([(path, md5) for path, md5 in read if not _in_git(snapshot, path)])
        for path, md5 in read:
            place = self.here(md5)
            if place:
                with place.open("rb") as file:
                    yield path, md5, file
            elif self._git.far is not None:
                yield path, md5, io.BytesIO(self._cache.read(path, Entry("dvc", md5)))

    def _rows(self, folder: Out, *, ask: bool) -> Iterator[tuple[str, str]] | None:
        place = self.here(folder.md5)
        if place is None and ask and not globs.match(f"{folder.path}/\0/\0", self._unread):  # fits what leaves out all
            if self._git.far is not None:
                return outs.rows(self._cache.read(folder.path, Entry("dvc", folder.md5)), folder.path)
            self._fetch([(folder.path, folder.md5)])
            place = self.here(folder.md5)
        return outs.listed(place, folder.path) if place else None

    def _former(self, folder: Out) -> Iterable[tuple[str, str]]:
        """Return the rows of a listing of before; none where it is nowhere, and then all is looked at."""
        with suppress(StoreError):
            return self._rows(folder, ask=True) or ()
        return ()

    def _fetch(self, wanted: Sequence[tuple[str, str]]) -> None:
        try:
            self._cache.fetch(wanted)
        except StoreError as error:
            where = leaks.hidden(error.where, self._gate.spans(error.where))
            raise StoreError(error.message, where=where, hint=f"{error.hint}; {_declared(where)}") from None


def _outs(reader: Reader, snapshot: Snapshot, paths: Sequence[str]) -> Iterator[tuple[str, list[Out]]]:
    """Yield pointers, and what each stands for."""
    there = [(path, snapshot.entries[path]) for path in paths if path in snapshot.entries]
    for path, data in reader.many(there):
        yield path, outs.read(path, data)


def _in_git(snapshot: Snapshot, path: str) -> bool:
    """Tell whether git holds a file too: what a stage of `dvc.lock` writes is at times in git and in no cache."""
    return path in snapshot.entries or next(iter(listing.paths(snapshot.entries, f"{path}/")), None) is not None


def _lfs(git: Git, gate: Gate, path: str, oid: str) -> Path:
    place = lfs.find(git, oid)
    if place is None:
        where = leaks.hidden(path, gate.spans(path))
        hint = f"git lfs fetch --all; {_declared(where)}"
        raise StoreError(f"LFS object {oid[:10]} is not in this clone", where=where, hint=hint)
    return place


def _declared(path: str) -> str:
    return (
        f"or say in labelvc.yaml why nobody reads it: privacy: {{leaks: {{unread: [{{paths: [{path}], why: ...}}]}}}}"
    )


def _standing(path: str, file: IO[bytes], gate: Gate) -> Iterator[Finding]:
    """Yield what stands in plain in a file, read a piece at a time."""
    data = file.read(_AT_ONCE)
    if b"\0" in data[:_BEGINNING] and (data.startswith(_MEDIA) or data[4:8] == _BOX):
        return
    above, told = 0, frozenset[Finding]()
    while data:
        found = [_below(one, above) for one in leaks.in_file(path, _whole_letters(data), gate)]
        yield from (one for one in found if one not in told)
        more = file.read(_AT_ONCE)
        if not more:
            return
        above += data.count(b"\n", 0, len(data) - _OVERLAP)
        data, told = data[-_OVERLAP:] + more, frozenset(found)


def _below(found: Finding, lines: int) -> Finding:
    place = found.place
    return found._replace(place=place._replace(line=place.line + lines)) if place.line else found


def _whole_letters(data: bytes) -> bytes:
    """Return a piece of a text without what its ends hold of letters of UTF-8 that the pieces beside it have whole."""
    start = next((at for at, byte in enumerate(data[:4]) if byte & 0xC0 != 0x80), 0)
    end = next((at for at in range(1, min(4, len(data) + 1)) if data[-at] >= 0xC0), 0)
    if end and data[-end] < 0xC0 + (0x20 if end > 1 else 0) + (0x10 if end > 2 else 0):
        end = 0
    return data[start : len(data) - end]
