"""Listings: the files of a tree or an index in the rows git lists them in: a hundred bytes a file, where a dict takes four hundred."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import ItemsView, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from operator import lt
from typing import IO, NamedTuple, TypeVar, overload

from labelvc.model.snapshot import Entry, stored

_PIECE = 1 << 20
# Rows of `ls-tree -r` and of `ls-files -s`, with -z. A submodule (160000) and a side of a conflict are no files of a snapshot.
# Who compares two commits lists no files, so these patterns are compiled where they are used.
_FILE = rb"(?<![^\0])(?:100[0-7]{3}|120000) (?:blob )?[0-9a-f]+(?: 0)?\t([^\0]+)\0"
_NO_FILE = rb"(?<![^\0])(?:160000 (?:commit )?|[0-7]{6} (?=[0-9a-f]+ [1-3]))[0-9a-f]+(?: [0-3])?\t[^\0]+\0"
_CHANGE = re.compile(rb":([0-7]{6}) ([0-7]{6}) ([0-9a-f]+) ([0-9a-f]+) ([A-Z])\d*\0([^\0]+)\0")
_NO_FILES = (b"160000", b"000000")
_KEPT = re.compile(r"([0-7]{6}) ([0-9a-f]+)\t([^\0]+)\0")
_PARTS = rb"([0-7]{6} )(?:blob )?([0-9a-f]+)(?: 0)?(\t[^\0]+\0)"
_PATH = re.compile(r"[0-7]{6} [0-9a-f]+\t([^\0]+)\0")
_CUT = re.compile(rb"\0(?=[0-7]{6} 0)")

_Other = TypeVar("_Other")


class Rows(NamedTuple):
    """Rows that git listed (mode, id, tab, path, zero byte), sorted by the bytes of their paths, in blocks.

    A block begins with each id that begins with 0: one in sixteen, and the same ones in another listing of the same files.

    Attributes:
        blocks: the rows, some at a time.
        firsts: the path of each block's first row.
    """

    blocks: list[bytes]
    firsts: list[bytes]

    def find(self, path: str) -> Entry | None:
        """Return the entry of a path, or None."""
        try:
            wanted = _bytes(path)
        except UnicodeEncodeError:  # half of a surrogate pair is in no path
            return None
        at = bisect_right(self.firsts, wanted) - 1
        if at < 0 or b"\0" in wanted:
            return None
        block, tail = self.blocks[at], b"\t" + wanted + b"\0"
        end = block.find(tail)
        while end >= 0:
            about = block[block.rfind(b"\0", 0, end) + 1 : end].decode("utf-8", "surrogateescape")
            if "\t" not in about:  # else this is the end of a path with a tab in it
                return stored(about[:6], about[7:])
            end = block.find(tail, end + 1)
        return None

    def around(self, start: str) -> Iterator[tuple[bytes, bytes | None]]:
        """Yield the blocks that may hold paths that begin with a text, each with the first path of the next one."""
        wanted = _bytes(start)
        low = max(0, bisect_right(self.firsts, wanted) - 1)
        for at in range(low, len(self.blocks)):
            if at > low and not self.firsts[at].startswith(wanted):
                return
            yield self.blocks[at], self.firsts[at + 1] if at + 1 < len(self.firsts) else None

    def ending(self, end: str) -> Iterator[str]:
        """Yield the paths that end with a text."""
        tail = _bytes(end) + b"\0"
        for block in self.blocks:
            if tail in block:
                yield from [path for path in _paths(block) if path.endswith(end)]

    def links(self) -> Iterator[str]:
        """Yield the paths of symbolic links."""
        for block in self.blocks:
            if b"120000 " in block:
                yield from [path for path, entry in _read(block) if entry.kind == "link"]

    def differing(self, other: Rows) -> set[str]:
        """Return the paths of rows that are not in both: a path in a block that both have is in no other block."""
        if self is other:
            return set()
        blocks = {*self.blocks}, {*other.blocks}
        one, two = [
            dict(row for block in some - others for row in _read(block)) for some, others in (blocks, blocks[::-1])
        ]
        return {path for path in one.keys() | two.keys() if one.get(path) != two.get(path)}


class Listing(Mapping[str, Entry]):
    """The files of a snapshot, sorted by the bytes of their paths: what git listed, but for some paths told one by one.

    Args:
        rows: what git listed.
        over: path to entry, in place of what the rows say; None where there is no such file.
    """

    def __init__(self, rows: Rows | None = None, over: Mapping[str, Entry | None] | None = None) -> None:
        self._rows = rows or Rows([], [])
        self._over: Mapping[str, Entry | None] = over or {}
        self._unlike: tuple[Listing, set[str]] | None = None  # what it was compared with last

    @property
    def size(self) -> int:
        """Return how many bytes its rows take in memory, about."""
        return sum(map(len, self._rows.blocks)) + 400 * len(self._over)

    def over(self, entries: Mapping[str, Entry | None]) -> Listing:
        """Return this listing with other entries for some paths; None where there is no such file."""
        return Listing(self._rows, {**self._over, **entries})

    def under(self, start: str) -> Iterator[tuple[str, Entry]]:
        """Yield path and entry of the files whose path begins with a text, sorted."""
        for block, told in self._parts(start):
            rows = _together(block, told) if told else _read(block)
            yield from [row for row in rows if row[0].startswith(start)]

    def paths(self, start: str) -> Iterator[str]:
        """Yield the paths that begin with a text, sorted."""
        for block, told in self._parts(start):
            paths = [path for path, _ in _together(block, told)] if told else _paths(block)
            yield from [path for path in paths if path.startswith(start)]

    def _parts(self, start: str) -> Iterator[tuple[bytes, list[tuple[str, Entry | None]]]]:
        """Yield the blocks around a text, each with what is told instead of its rows or between them."""
        over = sorted(((path, entry) for path, entry in self._over.items() if path.startswith(start)), key=_order)
        at = 0
        for block, end in self._rows.around(start):
            to = bisect_left(over, end, at, key=_order) if over and end is not None else len(over)
            yield block, over[at:to]
            at = to
        if at < len(over):
            yield b"", over[at:]

    def ending(self, end: str) -> list[str]:
        """Return the paths that end with a text."""
        told = [path for path, entry in self._over.items() if entry is not None and path.endswith(end)]
        return [*(path for path in self._rows.ending(end) if path not in self._over), *told]

    def odd(self) -> set[str]:
        """Return the paths of what is no file that git stores: links, and files behind a pointer or on the disk."""
        told = [path for path, entry in self._over.items() if entry is not None and entry.kind != "git"]
        return {*(path for path in self._rows.links() if path not in self._over), *told}

    def differing(self, other: Listing, start: str = "") -> set[str]:
        """Return the paths under a text that may hold other bytes in another listing: their entries differ, or only reading tells."""
        if self._unlike is None or self._unlike[0] is not other:
            told = self._over.keys() | other._over.keys()
            unlike = {path for path in told if not _same(self.get(path), other.get(path))}
            self._unlike = other, unlike | self._rows.differing(other._rows) - told
        return {path for path in self._unlike[1] if path.startswith(start)}

    def items(self) -> ItemsView[str, Entry]:
        """Return (path, entry) pairs, sorted."""
        return _Items(self)

    @overload
    def get(self, path: str, /) -> Entry | None: ...
    @overload
    def get(self, path: str, /, default: Entry | _Other) -> Entry | _Other: ...
    def get(self, path: str, /, default: object = None) -> object:
        """Return the entry of a path, or something else where there is no such file."""
        entry = self._over[path] if path in self._over else self._rows.find(path)
        return default if entry is None else entry

    def __getitem__(self, path: str) -> Entry:
        """Return the entry of a path."""
        entry = self.get(path)
        if entry is None:
            raise KeyError(path)
        return entry

    def __contains__(self, path: object) -> bool:
        """Tell whether there is such a file."""
        return isinstance(path, str) and self.get(path) is not None

    def __iter__(self) -> Iterator[str]:
        """Yield the paths, sorted."""
        return self.paths("")

    def __len__(self) -> int:
        """Return the number of files."""
        return sum(1 for _ in self)


class _Items(ItemsView[str, Entry]):
    _mapping: Listing

    def __iter__(self) -> Iterator[tuple[str, Entry]]:
        return self._mapping.under("")


def read(stream: IO[bytes]) -> Listing | None:
    """Read what `git ls-tree -r -z` or `git ls-files -s -z` prints; submodules and sides of conflicts are left out.

    Args:
        stream: git's output.

    Returns:
        The files; None when something else was printed, or half a row.
    """
    gathered, half, sound = _Gathered(), b"", True
    while piece := stream.read(_PIECE):
        rows, mark, half = (half + piece).rpartition(b"\0")
        rows, paths = _files(rows + mark)
        sound = sound and len(paths) == rows.count(b"\0")
        gathered.add(rows, paths)
    return Listing(gathered.rows()) if sound and not half else None


def compared(stream: IO[bytes]) -> tuple[Listing, Listing] | None:
    """Read what `git diff-tree -r --raw -z --no-abbrev` or `git diff-index` prints.

    Args:
        stream: git's output, without renames.

    Returns:
        The files that differ as they were before, and as they are after. None when something else was printed, or when a
        conflict is in the index.
    """
    before, after, half, agreed = _Gathered(), _Gathered(), b"", True
    while piece := stream.read(_PIECE):
        text, end = half + piece, 0
        sides: tuple[list[tuple[bytes, bytes, bytes]], ...] = [], []
        for found in _CHANGE.finditer(text):
            was, now, old, new, how, path = found.groups()
            sides[0].append((was, old, path))
            sides[1].append((now, new, path))
            agreed, end = agreed and how != b"U", found.end()
        half = text[end:]
        for side, rows in zip((before, after), sides, strict=True):
            files = [row for row in rows if row[0] not in _NO_FILES]
            side.add(b"".join([b"%b %b\t%b\0" % row for row in files]), [path for _, _, path in files])
    return (Listing(before.rows()), Listing(after.rows())) if agreed and not half else None


def of(entries: Mapping[str, Entry]) -> Listing:
    """Return the listing of a mapping."""
    return entries if isinstance(entries, Listing) else Listing(over=entries)


def under(entries: Mapping[str, Entry], start: str) -> Iterator[tuple[str, Entry]]:
    """Yield path and entry of the files of a snapshot whose path begins with a text, sorted."""
    return of(entries).under(start)


def paths(entries: Mapping[str, Entry], start: str) -> Iterator[str]:
    """Yield the paths of a snapshot that begin with a text, sorted."""
    return of(entries).paths(start)


def ending(entries: Mapping[str, Entry], *ends: str) -> list[str]:
    """Return the paths of a snapshot that end with one of some texts."""
    return [path for end in ends for path in of(entries).ending(end)]


def _files(rows: bytes) -> tuple[bytes, list[bytes]]:
    """Return the rows of files, in the same form whoever listed them, and their paths."""
    paths = re.findall(_FILE, rows)
    if len(paths) != rows.count(b"\0"):
        rows = re.sub(_NO_FILE, b"", rows)
        paths = re.findall(_FILE, rows)
    word, instead = (b" blob ", b" ") if rows[6:12] == b" blob " else (b" 0\t", b"\t")
    if rows.count(word) == len(paths):  # it is in no path
        return rows.replace(word, instead), paths
    return re.sub(_PARTS, rb"\1\2\3", rows), paths


class _Gathered:
    """Rows as they come, cut into blocks."""

    def __init__(self) -> None:
        self._blocks: list[bytes] = []
        self._block = self._last = b""
        self._in_order = True

    def add(self, rows: bytes, paths: list[bytes]) -> None:
        self._in_order = self._in_order and all(map(lt, [self._last, *paths], paths))
        self._last = paths[-1] if paths else self._last
        *more, self._block = _cut(self._block + rows)
        self._blocks += more

    def rows(self) -> Rows:
        """Return them; in a tree that no git made they may be out of order, and of a path that is there twice the last row counts."""
        blocks = [*self._blocks, self._block] if self._block else self._blocks
        if not self._in_order:
            rows = [row + b"\0" for block in blocks for row in block.split(b"\0")[:-1]]
            by_path = {row.partition(b"\t")[2]: row for row in rows}
            blocks = _cut(b"".join([row for _, row in sorted(by_path.items())]))
        return Rows(blocks, [block[block.index(b"\t") + 1 : block.index(b"\0")] for block in blocks])


def _cut(rows: bytes) -> list[bytes]:
    ends = [found.end() for found in _CUT.finditer(rows)]
    return [rows[start:end] for start, end in zip([0, *ends], [*ends, len(rows)], strict=True)]


@lru_cache(maxsize=8)  # what differs between two commits is often a block, and is looked through several times
def _read(block: bytes) -> tuple[tuple[str, Entry], ...]:
    rows = _KEPT.findall(block.decode("utf-8", "surrogateescape"))
    return tuple([(path, stored(mode, oid)) for mode, oid, path in rows])


def _paths(block: bytes) -> list[str]:
    return _PATH.findall(block.decode("utf-8", "surrogateescape"))


def _together(block: bytes, told: Iterable[tuple[str, Entry | None]]) -> Sequence[tuple[str, Entry]]:
    files: dict[str, Entry | None] = {**dict(_read(block)), **dict(told)}
    return sorted([(path, entry) for path, entry in files.items() if entry is not None], key=_order)


def _same(one: Entry | None, two: Entry | None) -> bool:
    """Tell whether the entries of a path in two listings are equal, and say what its bytes are."""
    return one == two and (two is None or two.id != "")


def _bytes(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")


def _order(row: tuple[str, Entry | None]) -> bytes:
    return _bytes(row[0])
