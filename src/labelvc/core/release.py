"""Rules of releases: how far a version must move, what follows what, and the trees that a release's digests are roots of."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec

from labelvc.codec import merkle, shard, statement
from labelvc.codec.derive import hkdf, prefixed
from labelvc.core.diff import Summary, live
from labelvc.errors import DataError
from labelvc.model.names import Digest
from labelvc.model.release import Checkpoint, Data, Version
from labelvc.model.secret import Secret

Bump = Literal["patch", "minor", "major"]
_sha256 = hashlib.sha256
FIRST = Version(1, 0, 0)


class Shard(NamedTuple):
    """A file of lines, reduced to what a release says of it.

    Attributes:
        path: where it lies.
        size: number of lines: leaves of its tree.
        gone: how many of them are tombstones.
        root: RFC 6962 root over the lines.
        salted: the same over the salted lines; empty when there is no secret.
    """

    path: str
    size: int
    gone: int
    root: bytes
    salted: bytes = b""


def version(text: str) -> Version:
    """Read a version.

    Raises:
        DataError: it is not three numbers.
    """
    found = statement.VERSION.fullmatch(text)
    if found is None:
        raise DataError(f"{text[:40]!r} is no version of three numbers", hint="labelvc release cut --next")
    return Version(*map(int, found.groups()))


def bump(summary: Summary) -> Bump:
    """Return how far a version must move: `major` for edits and removals, `minor` for additions, `patch` for the same data.

    Items and records are the data; a document that says something else, or a difference in `rev` and `at` alone, changes
    none of them.
    """
    kinds = {kind for counts in (summary.records, summary.items) for kind, number in counts.items() if number}
    if kinds & {"changed", "removed"}:
        return "major"
    return "minor" if "added" in kinds else "patch"


def least(previous: Version, step: Bump) -> Version:
    """Return the smallest version that a step may lead to."""
    major, minor, patch = previous
    if step == "major":
        return Version(major + 1, 0, 0)
    return Version(major, minor + 1, 0) if step == "minor" else Version(major, minor, patch + 1)


def leaf(path: str, size: int, root: bytes) -> bytes:
    """Return the leaf of a shard in its dataset's tree, and of a dataset or document in the state's: path, size, digest.

    Args:
        path: of the shard or document; of a dataset its folder.
        size: number of lines of a shard, of shards of a dataset, of bytes of a document.
        root: RFC 6962 root of a shard or dataset, SHA-256 of a document.

    Returns:
        The three, NUL between them, the digest in hexadecimal.
    """
    return b"\0".join([path.encode("utf-8", "surrogateescape"), str(size).encode(), root.hex().encode()])


def measure(path: str, data: bytes, salt: Salt | None = None) -> Shard:
    """Return what a release says of a shard.

    Args:
        path: where it lies.
        data: its bytes.
        salt: makes the salts; None without a secret.
    """
    lines = shard.lines(data)
    gone = sum(live(line) is None for line in lines) if b'"gone":true' in data else 0
    salted = merkle.root(map(salt.over, lines)) if salt else b""
    return Shard(path, len(lines), gone, merkle.root(lines), salted)


class Salt:
    """Salts lines: a salt is HMAC-SHA256 of the line under a key that the epoch's secret, the project and the dataset give.

    A proof shows the salt of its own line. It opens no other line, nor another version of the same record; who has no
    secret cannot try what a neighbour's hash stands for.
    """

    def __init__(self, secret: Secret, project: str, dataset: str) -> None:
        key = hkdf(secret.reveal(), project.encode(), prefixed("labelvc/v1", "leaf", dataset), 32)
        self._inner, self._outer = [bytes(byte ^ pad for byte in key.ljust(64, b"\0")) for pad in (0x36, 0x5C)]
        self.mark = hkdf(key, b"", prefixed("labelvc/v1", "mark"), 16).hex()
        """Names the key without telling anything of it."""

    def of(self, line: bytes) -> bytes:
        """Return the salt of a line, 32 bytes: HMAC with the two blocks of its key made once (RFC 2104), a fifth of the time."""
        return _sha256(self._outer + _sha256(self._inner + line).digest()).digest()

    def over(self, line: bytes) -> bytes:
        """Return the data of a salted leaf: the salt, then the line."""
        return self.of(line) + line


def dataset(name: str, shards: Sequence[Shard]) -> Data:
    """Return what a release says of a dataset, without its salted root.

    Args:
        name: its name.
        shards: its shards.
    """
    of_records = [one for one in shards if one.path.startswith(f"datasets/{name}/annotations/")]
    of_items = [one for one in shards if one.path.startswith(f"datasets/{name}/items/")]
    items, records = (sum(one.size - one.gone for one in some) for some in (of_items, of_records))
    root = merkle.root(leaves(shards)).hex()
    return Data(name, len(shards), items, records, sum(one.gone for one in shards), root)


def leaves(shards: Iterable[Shard], *, salted: bool = False) -> list[bytes]:
    """Return the leaves of a dataset's tree: those of its shards, sorted by their bytes."""
    return sorted([leaf(one.path, one.size, one.salted if salted else one.root) for one in shards])


def plain(data: Data) -> Data:
    """Return what a release says of a dataset without its salted root."""
    return msgspec.structs.replace(data, salted=None)


def salted_root(shards: Iterable[Shard]) -> str:
    """Return the root over salted lines of a dataset, in hexadecimal."""
    return merkle.root(leaves(shards, salted=True)).hex()


def state(datasets: Iterable[Data], documents: Iterable[tuple[str, int, bytes]]) -> Digest:
    """Return the state digest: RFC 6962 root over the leaves of datasets and documents, sorted by their bytes.

    Args:
        datasets: what the release says of each.
        documents: path, number of bytes and SHA-256 of each.
    """
    rows = [leaf(f"datasets/{one.name}", one.shards, bytes.fromhex(one.root)) for one in datasets]
    return merkle.digest(sorted([*rows, *[leaf(*row) for row in documents]]))


class Log(NamedTuple):
    """The log of approvals: path and SHA-256 of each statement, in the order in which releases found them.

    What a release finds new comes after all that those before it had, sorted by path: the order only ever grows, whatever
    branches the statements came by.
    """

    rows: tuple[tuple[str, str], ...] = ()

    def grown(self, found: Mapping[str, str]) -> Log:
        """Return the log with what is new among the statements of a later state: path to SHA-256."""
        known = dict(self.rows)
        return Log((*self.rows, *sorted((path, digest) for path, digest in found.items() if path not in known)))

    def lost(self, found: Mapping[str, str]) -> list[str]:
        """Return the paths of statements that a later state lacks or has otherwise."""
        return [path for path, digest in self.rows if found.get(path) != digest]

    def leaves(self) -> list[bytes]:
        """Return the leaves: path, NUL, SHA-256 in hexadecimal."""
        return [f"{path}\0{digest}".encode("utf-8", "surrogateescape") for path, digest in self.rows]

    def checkpoint(self, before: int) -> Checkpoint:
        """Return the checkpoint, with the proof that the log of so many statements is its beginning."""
        rows = self.leaves()
        proof = merkle.consistency(rows, before) if before else []
        return Checkpoint(len(rows), merkle.root(rows).hex(), tuple(node.hex() for node in proof))


def follows(old: Checkpoint | None, new: Checkpoint) -> bool:
    """Tell whether a checkpoint's own proof shows that the one before is its beginning."""
    if old is None or not old.size:
        return not new.consistency
    path = [bytes.fromhex(node) for node in new.consistency]
    return merkle.consistent(old.size, bytes.fromhex(old.root), new.size, bytes.fromhex(new.root), path)
