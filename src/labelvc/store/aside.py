"""Deltas set aside until all are known, in temporary files once they are many: memory stays flat."""

from __future__ import annotations

import importlib
import marshal
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from typing import IO, Self

from labelvc.model.change import Delta
from labelvc.model.names import Key

_MOST = 20_000
_PARTS = 256


class Aside:
    """Deltas that wait; a context manager, since it may hold temporary files.

    Args:
        most: how many wait in memory before all go to files, by a hash of their key.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._waiting: list[Delta] = []
        self._files: list[IO[bytes]] = []
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the files, which have no name and end with that."""
        self._stack.close()

    def add(self, delta: Delta) -> None:
        """Set a delta aside.

        Raises:
            OSError: the disk of temporary files is full.
        """
        self._waiting.append(delta)
        if len(self._waiting) >= self._most:
            self._spill()

    def groups(self) -> Iterator[list[Delta]]:
        """Yield everything that was set aside, all deltas of one key in one group and in the order they came."""
        if not self._files:
            yield self._waiting
            return
        self._spill()
        for file in self._files:
            file.seek(0)
            yield list(_read(file))

    def _spill(self) -> None:
        if not self._files:
            temporary = importlib.import_module("tempfile").TemporaryFile  # slow to import, and seldom needed
            self._files = [self._stack.enter_context(temporary()) for _ in range(_PARTS)]
        for delta in self._waiting:
            part = zlib.crc32(str(delta.key).encode(errors="surrogateescape")) % _PARTS
            key = delta.key if isinstance(delta.key, str) else tuple(delta.key)
            marshal.dump((key, delta.old, delta.new), self._files[part])
        self._waiting = []


def _read(file: IO[bytes]) -> Iterator[Delta]:
    while True:
        try:
            key, old, new = marshal.load(file)  # noqa: S302 - a nameless file that this process wrote
            yield Delta(key if isinstance(key, str) else Key(*key), old, new)
        except EOFError:
            return
