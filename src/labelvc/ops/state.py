"""The state of a commit: the roots of its shards and the digests of its documents; only what is new is hashed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

import msgspec

from labelvc import digests
from labelvc.codec import shard
from labelvc.core import decide
from labelvc.core import release as rules
from labelvc.core.release import Salt, Shard
from labelvc.model.names import Digest
from labelvc.model.release import Data, Salted
from labelvc.model.secret import Secret
from labelvc.model.snapshot import Entry, Snapshot
from labelvc.ops import approvals
from labelvc.ops.naming import is_document
from labelvc.store.cache import Cache
from labelvc.store.reader import Reader

_KINDS = ("project", "datasets", "guidelines", "taxonomies", "registers")
_AT_ONCE = 500
_decode = msgspec.msgpack.Decoder(tuple[int, int, bytes, bytes]).decode

Rows = Iterable[tuple[str, Entry]]


class State(NamedTuple):
    """What a release says of the data at one commit.

    Attributes:
        digest: state digest.
        datasets: by name.
        documents: path to number of bytes and SHA-256.
    """

    digest: Digest
    datasets: tuple[Data, ...]
    documents: Mapping[str, tuple[int, bytes]]


class Scale:
    """Measures snapshots; what was measured once is remembered by the digest of its bytes, in this clone.

    Args:
        reader: reads entries.
        cache: remembers.
        secret: makes salted roots; None: there are none.
        project: UUID of the project.
    """

    def __init__(self, reader: Reader, cache: Cache, secret: Secret | None = None, project: str = "") -> None:
        self._reader, self._cache, self._secret, self._project = reader, cache, secret, project

    def state(self, snapshot: Snapshot, advance: Callable[..., None] = lambda: None) -> State:
        """Return the state of a snapshot.

        Raises:
            StoreError: an object is missing, or not the one that the manifest of its dataset names.
        """
        datasets = tuple(self._data(name, rows, advance) for name, rows in sorted(shards_of(snapshot).items()))
        rows = [(path, entry) for path, entry in snapshot.entries.items() if _is_part(path)]
        documents = self.sums(rows)
        return State(rules.state(datasets, ((path, *row) for path, row in documents.items())), datasets, documents)

    def shards(self, name: str, rows: Rows, advance: Callable[..., None] = lambda: None) -> list[Shard]:
        """Return the shards of a dataset, measured."""
        salt = Salt(self._secret, self._project, name) if self._secret else None
        mark = "merkle:1:" if salt is None else f"salted:1:{salt.mark}:"
        found = self._remembered(rows, mark, lambda path, data: rules.measure(path, data, salt)[1:], advance)
        return [Shard(path, *row) for path, row in found]

    def sums(self, rows: Rows) -> dict[str, tuple[int, bytes]]:
        """Return the number of bytes and the SHA-256 of files, by path."""
        found = self._remembered(rows, "sum:1:", _sum, lambda: None)
        return {path: (size, digest) for path, (size, _, digest, _) in found}

    def statements(self, snapshot: Snapshot) -> dict[str, str]:
        """Return the statements in `approvals/` of a snapshot: path to SHA-256 in hexadecimal."""
        rows = [row for files in approvals.folders(snapshot).values() for row in files.items()]
        listed = [row for row in rows if not row[0].endswith(f"/{approvals.CHANGE_SET}")]
        return {path: digest.hex() for path, (_, digest) in self.sums(listed).items()}

    def _data(self, name: str, rows: Rows, advance: Callable[..., None]) -> Data:
        shards = self.shards(name, rows, advance)
        data = rules.dataset(name, shards)
        if self._secret is None:
            return data
        return msgspec.structs.replace(data, salted=Salted(self._secret.epoch, rules.salted_root(shards)))

    def _remembered(
        self,
        rows: Rows,
        mark: str,
        make: Callable[[str, bytes], tuple[int, int, bytes, bytes]],
        advance: Callable[..., None],
    ) -> Iterator[tuple[str, tuple[int, int, bytes, bytes]]]:
        """Yield what is made of each file, from the cache where its bytes were met before."""
        asked = list(rows)
        keys = {path: f"{mark}{name}" if (name := _name(entry)) else "" for path, entry in asked}
        kept = self._cache.get_many(filter(None, keys.values()))
        read = self._reader.many([row for row in asked if keys[row[0]] not in kept])
        fresh: list[tuple[str, bytes]] = []
        for path, _ in asked:
            if (known := kept.get(keys[path])) is not None:
                yield path, _decode(known)
            else:
                made = make(*next(read))
                fresh += [(keys[path], msgspec.msgpack.encode(made))] if keys[path] else []
                if len(fresh) >= _AT_ONCE:
                    self._cache.put_many(fresh)
                    fresh.clear()
                yield path, made
            advance()
        self._cache.put_many(fresh)


def shards_of(snapshot: Snapshot) -> dict[str, list[tuple[str, Entry]]]:
    """Return the shards of a snapshot by dataset, sorted by path."""
    found: dict[str, list[tuple[str, Entry]]] = {}
    for path, entry in sorted(snapshot.entries.items()):
        if place := shard.parse_path(path):
            found.setdefault(place[0], []).append((path, entry))
    return found


def _is_part(path: str) -> bool:
    """Tell whether a file is a document of the state."""
    return is_document(path) and decide.kind_of(path) in _KINDS


def _name(entry: Entry) -> str:
    """Return what names the bytes of an entry for good: git's object or a DVC object's SHA-256; an MD5 does not."""
    return entry.id if entry.kind == "git" else entry.id.partition(":")[2]


def _sum(_: str, data: bytes) -> tuple[int, int, bytes, bytes]:
    return len(data), 0, digests.sha256(data).digest(), b""
