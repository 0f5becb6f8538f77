"""Remembered results of pure functions, by key; losing them costs time and nothing else."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterable
from contextlib import suppress
from operator import itemgetter
from pathlib import Path
from typing import Self

from labelvc import digests
from labelvc.errors import StoreError
from labelvc.store.disk import private_folder
from labelvc.store.git import Git

_LIMIT = 256 << 20
_BUSY = 2.0
_BATCH = 500
_BROKEN = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT, sqlite3.SQLITE_ERROR})
_TABLE = "CREATE TABLE IF NOT EXISTS result_1 (key TEXT PRIMARY KEY, value BLOB NOT NULL, proof BLOB NOT NULL)"


class Cache:
    """A table of bytes by key in one SQLite file that all work trees of a repository share.

    Threads and processes may share it. A broken file is thrown away, a value that does not fit its proof is not returned,
    and a folder that cannot be written means that nothing is remembered: none of that is an error.
    """

    def __init__(self, git: Git, limit: int = _LIMIT) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._process = 0
        self._path: Path | None = None
        with suppress(StoreError):
            self._path = private_folder(git, "cache") / "results.sqlite3"

    def __enter__(self) -> Self:
        """Return the cache."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        with self._lock:
            if self._connection is not None and self._process == os.getpid():
                self._connection.close()
            self._connection = None

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return what is remembered of these keys.

        Args:
            keys: any text; best a digest of all that the result depends on.

        Returns:
            Key to value; keys that are not remembered are left out.
        """
        wanted = list(keys)
        found: dict[str, bytes] = {}
        for start in range(0, len(wanted), _BATCH):
            some = wanted[start : start + _BATCH]
            query = f"SELECT key, value, proof FROM result_1 WHERE key IN ({','.join('?' * len(some))})"  # noqa: S608
            rows = self._run(query, some)
            found |= {key: value for key, value, proof in rows if type(value) is bytes and proof == _proof(key, value)}
        return found

    def put_many(self, pairs: Iterable[tuple[str, bytes]]) -> None:
        """Remember values; the oldest are forgotten when the file grows beyond its limit.

        Args:
            pairs: (key, value) pairs.
        """
        in_order = sorted(pairs, key=itemgetter(0))  # as they lie in the file: half of the time
        rows = [(key, value, _proof(key, value)) for key, value in in_order]
        if rows:
            self._run("INSERT OR REPLACE INTO result_1 VALUES (?, ?, ?)", rows, many=True)
            self._shrink()

    def _run(
        self, query: str, values: list[str] | list[tuple[str, bytes, bytes]], *, many: bool = False
    ) -> list[tuple[str, bytes, bytes]]:
        with self._lock:
            for _ in range(2):
                try:
                    connection = self._open()
                    if connection is None:
                        return []
                    with connection:
                        cursor = connection.executemany(query, values) if many else connection.execute(query, values)
                        return cursor.fetchall()
                except sqlite3.Error as error:
                    self._forget(error)
        return []

    def _shrink(self) -> None:
        with self._lock, suppress(sqlite3.Error):
            connection = self._open()
            if connection is None:
                return
            (pages,), (free,), (size,) = (
                connection.execute(f"PRAGMA {name}").fetchone()
                for name in ("page_count", "freelist_count", "page_size")
            )
            if (pages - free) * size > self._limit:
                with connection:
                    oldest = "SELECT rowid FROM result_1 ORDER BY rowid LIMIT (SELECT (count(*) + 1) / 2 FROM result_1)"
                    connection.execute(f"DELETE FROM result_1 WHERE rowid IN ({oldest})")  # noqa: S608

    def _open(self) -> sqlite3.Connection | None:
        if self._path is None:
            return None
        if self._process != os.getpid():  # a connection must not cross a fork (sqlite.org/howtocorrupt.html, 2.6)
            self._connection, self._process = None, os.getpid()
        if self._connection is None:
            connection = sqlite3.connect(self._path, timeout=_BUSY, check_same_thread=False)
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = NORMAL")
                connection.execute(_TABLE)
            except sqlite3.Error:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _forget(self, error: sqlite3.Error) -> None:
        """Throw a broken file away; when the trouble is another (locked, full, read-only), remember nothing from now on."""
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None
        path, code = self._path, getattr(error, "sqlite_errorcode", 0) & 0xFF
        if path is None or code not in _BROKEN:
            self._path = None if code != sqlite3.SQLITE_BUSY else path
            return
        try:
            for end in ("", "-wal", "-shm"):
                Path(f"{path}{end}").unlink(missing_ok=True)
        except OSError:
            self._path = None


def _proof(key: str, value: bytes) -> bytes:
    return bytes(digests.blake2b(value, key=digests.sha256_short(key.encode()).digest(), digest_size=8).digest())
