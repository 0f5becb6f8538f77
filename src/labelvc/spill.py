"""Spilling: rows that wait for their turn, by part, in one nameless temporary file once they are many: memory stays flat."""

from __future__ import annotations

import errno
import importlib
import marshal
import os
import struct
import zlib
from array import array
from collections.abc import Iterator, Sequence
from typing import IO, Any, Self

_PLACE = struct.Struct(
    "QQ"
)  # each block begins with the place of the one before, so that memory holds one place a part

MOST = 8 << 20
"""Weight that waits in memory, in bytes as the caller counts them, before all goes to the file."""

_AT_ONCE = 1 << 20  # many blocks are small: the system is asked once for a megabyte of them


class SpillError(OSError):
    """A temporary file could not be written or read; names the folder."""


class Blocks:
    """Byte strings in a temporary file, each found again by its place; the file is made with the first and has no name.

    Raises:
        SpillError: (any method) the disk of temporary files is full.
    """

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self._written = self._end = 0
        self._waiting: list[bytes] = []

    def put(self, *data: bytes) -> tuple[int, int]:
        """Write byte strings, one behind the other, and return the place of them all: offset and length."""
        place = (self._end, sum(map(len, data)))
        self._waiting += data
        self._end += place[1]
        if self._end - self._written >= _AT_ONCE:
            self._write()
        return place

    def get(self, offset: int, length: int) -> bytes:
        """Return the byte string at a place."""
        if offset + length > self._written:
            self._write()
        data = b"" if self._file is None else os.pread(self._file.fileno(), length, offset)
        if len(data) != length:
            raise SpillError(errno.EIO, f"a temporary file was cut short at byte {offset}", "")
        return data

    def _write(self) -> None:
        tempfile = importlib.import_module("tempfile")  # slow to import, and seldom needed
        rest = memoryview(b"".join(self._waiting))
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(buffering=0)
            while rest:
                done = os.pwrite(self._file.fileno(), rest, self._written)
                rest, self._written = rest[done:], self._written + done
        except OSError as error:
            raise SpillError(error.errno, error.strerror, tempfile.gettempdir()) from None
        self._waiting.clear()

    def __del__(self) -> None:
        """Let go of the file when nobody holds what is in it any more."""
        self.close()

    def close(self) -> None:
        """Let go of the file, which ends with that."""
        if self._file is not None:
            self._file.close()
            self._file = None


class Spill:
    """Rows by part; a context manager, since it may hold a temporary file. The rows of a part keep their order.

    Args:
        parts: number of parts; one part at a time should fit in memory.
        most: what may wait in memory.

    Raises:
        SpillError: (any method) the disk of temporary files is full.
    """

    def __init__(self, parts: int, most: int = MOST) -> None:
        self._waiting: list[list[Any]] = [[] for _ in range(parts)]
        self._last = array("Q", bytes(16 * parts))  # offset and length of a part's last block
        self._most, self._weight = most, 0
        self._blocks = Blocks()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the file."""
        self._blocks.close()

    def part_of(self, name: bytes) -> int:
        """Return a part for what has a name, the same one in every run."""
        return zlib.crc32(name) % len(self._waiting)

    def add(self, part: int, row: Any, weight: int) -> None:
        """Set a row aside.

        Args:
            part: its part, from 0.
            row: bytes, text, a number, None, or tuples and lists of them.
            weight: about how many bytes it takes.
        """
        self._waiting[part].append(row)
        self._weight += weight
        if self._weight > self._most:
            self._spill()

    def extend(self, parts: Sequence[int], rows: Sequence[Any], weight: int) -> None:
        """Set many rows aside.

        Args:
            parts: part of each row.
            rows: as for `add`.
            weight: about how many bytes all of them take.
        """
        waiting = self._waiting
        for part, row in zip(parts, rows, strict=True):
            waiting[part].append(row)
        self._weight += weight
        if self._weight > self._most:
            self._spill()

    def rows(self, part: int) -> list[Any]:
        """Return the rows of a part in the order they came."""
        offset, length = self._last[2 * part : 2 * part + 2]
        if not length:
            return self._waiting[part]
        blocks = [self._waiting[part]]
        while length:
            data = self._blocks.get(offset, length)
            blocks.append(marshal.loads(memoryview(data)[_PLACE.size :]))  # noqa: S302 - what this process wrote
            offset, length = _PLACE.unpack_from(data)
        return [row for block in reversed(blocks) for row in block]

    def blocks(self, part: int) -> Iterator[list[Any]]:
        """Yield the rows of a part in the order they came, some at a time: for parts that do not fit in memory."""
        offset, length = self._last[2 * part : 2 * part + 2]
        places: list[tuple[int, int]] = []
        while length:
            places.append((offset, length))
            offset, length = _PLACE.unpack(self._blocks.get(offset, _PLACE.size))
        for offset, length in reversed(places):
            data = self._blocks.get(offset + _PLACE.size, length - _PLACE.size)
            yield marshal.loads(data)  # noqa: S302 - what this process wrote
        yield self._waiting[part]

    def parts(self) -> list[int]:
        """Return the parts that have rows."""
        return [part for part, waiting in enumerate(self._waiting) if waiting or self._last[2 * part + 1]]

    def all(self) -> Iterator[list[Any]]:
        """Yield the rows of every part that has some."""
        for part in self.parts():
            yield self.rows(part)

    def _spill(self) -> None:
        for part, waiting in enumerate(self._waiting):
            if waiting:
                # version 2 looks for no repeated objects, which takes longer than to write them twice
                before = _PLACE.pack(*self._last[2 * part : 2 * part + 2])
                self._last[2 * part], self._last[2 * part + 1] = self._blocks.put(before, marshal.dumps(waiting, 2))
                self._waiting[part] = []
        self._weight = 0
