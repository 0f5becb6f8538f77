"""Bijection: a re-key between two snapshots read off their lines, without any key, or the first line that is none of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import NamedTuple

from labelvc import digests
from labelvc.codec import canonical, epochs, shard
from labelvc.core import changeset, documents
from labelvc.core.diff import compare, layer_of
from labelvc.core.pseudonym import epoch_of
from labelvc.core.rekey import Flaw, Rekey, grown, tokens_in
from labelvc.core.veil import Veil, Where
from labelvc.errors import DataError
from labelvc.model.change import Delta
from labelvc.model.names import Key
from labelvc.model.policy import Policy
from labelvc.model.secret import Epoch
from labelvc.model.snapshot import Snapshot
from labelvc.ops import diff
from labelvc.ops import veil as veils
from labelvc.ops.diff import Range
from labelvc.store import tree
from labelvc.store.git import Git
from labelvc.store.reader import Reader

_BESIDE = (epochs.PATH, "trust/", "privacy/erasures/")


class Found(NamedTuple):
    """A re-key as the two sides show it.

    Attributes:
        before: ids of the epochs whose tokens became others.
        epoch: the epoch that began.
        into: old token to new one.
        first: old token to the key of the first line in which it changed.
        keys: what is part of it, as change-sets name it.
        records, items: how many of each.
        broken: why it is none at all, whoever signed it; None when it is one.
        beside: the first thing that changed and is no part of it; None when there is none.
        documents: documents that changed with it, which others judge.
    """

    before: tuple[str, ...] = ()
    epoch: str = ""
    into: Mapping[str, str] = {}
    first: Mapping[str, str] = {}
    keys: frozenset[str] = frozenset()
    records: int = 0
    items: int = 0
    broken: Flaw | None = None
    beside: Flaw | None = None
    documents: tuple[str, ...] = ()

    @property
    def flaw(self) -> Flaw | None:
        """What keeps the whole change from being a re-key and nothing else."""
        return self.broken or self.beside

    @property
    def mapping(self) -> str:
        """SHA-256, in hexadecimal, of what became of each token (`digest_of`)."""
        return digest_of(self.into)


def digest_of(into: Mapping[str, str]) -> str:
    """Return the SHA-256 of a mapping: a line `<old> <new>` a token, sorted by their bytes, each ended by a line break."""
    lines = sorted(f"{old} {new}\n".encode() for old, new in into.items())
    return str(digests.sha256(b"".join(lines)).hexdigest())


def read(git: Git, reader: Reader, old: Snapshot, new: Snapshot) -> Found:
    """Find the re-key between two snapshots.

    A change is part of it when nothing differs but tokens in fields for pseudonyms, each of an epoch before and of the kind it
    had, and the `rev`, by one. It is none at all when a token became two, two became one, an old one that became another
    still stands somewhere, or a new one stood somewhere before.

    Args:
        git: where.
        reader: reads both.
        old: the snapshot before; of two commits the files that differ are enough.
        new: the snapshot after.

    Raises:
        StoreError: a file cannot be read.
    """
    began, flaw = _epochs(reader, old, new)
    if flaw is not None:
        return Found(broken=flaw)
    known, epoch = began
    rekey = Rekey(known, [epoch], most=1 << 40)
    veil = veils.over(git, old, new)
    for delta in diff.shard_deltas(git, old, new, reader):
        if isinstance(delta.key, Key):
            rekey.weigh(compare(delta), veil.where(delta.key))
    left: Flaw | None = None
    if rekey.possible:
        left = _whole(git, reader, rekey, old, new)
    if rekey.flaw is not None:
        return Found(epoch=epoch, broken=rekey.flaw)
    if not rekey.found:
        return Found(epoch=epoch, broken=Flaw(epochs.PATH, f"no token of an epoch before became one of {epoch}"))
    return _parts(git, reader, rekey, Range(old, new), veil, left)._replace(epoch=epoch)


def unnamed(into: Mapping[str, str], before: Policy, after: Policy) -> list[tuple[str, str]]:
    """Return whom a policy knew by an old token and does not know by the new one, each with that token.

    Otherwise they could approve their own records from then on, as nobody knows any more that these are theirs.
    """
    found = []
    for name, person in before.principals.items():
        known = after.principals[name].pseudonyms if name in after.principals else ()
        found += [(name, into[old]) for old in person.pseudonyms if old in into and into[old] not in known]
    return found


def _epochs(reader: Reader, old: Snapshot, new: Snapshot) -> tuple[tuple[list[str], str], Flaw | None]:
    """Return the ids of the epochs before and the one that began, or why that is no beginning."""
    try:
        one, two = (_listed(reader, side) for side in (old, new))
    except DataError as error:
        return ([], ""), Flaw(error.where or epochs.PATH, error.message)
    begun = documents.begun(*([epochs.members(epoch) for epoch in side] for side in (one, two)))
    if len(begun) != 1 or two[-1].status != "active" or not one:
        return ([], ""), Flaw(
            epochs.PATH, "no epoch, or not one alone, began with this change: only that can be a re-key"
        )
    return ([epoch.id for epoch in one], begun[0]), None


def _listed(reader: Reader, side: Snapshot) -> tuple[Epoch, ...]:
    entry = side.entries.get(epochs.PATH)
    return epochs.read(reader.read(epochs.PATH, entry)) if entry else ()


def _whole(git: Git, reader: Reader, rekey: Rekey, old: Snapshot, new: Snapshot) -> Flaw | None:
    """Hold the mapping against all lines of both sides; returns the first that still holds a token of an epoch before."""
    for side, name in ((old, "old"), (new, "new")):
        for path, data in _shards(git, reader, side):
            rekey.weigh_lines(**{name: [data]})
            if rekey.flaw is not None:
                taken = frozenset(rekey.into.values() if name == "old" else rekey.into)
                key = _where(path, data, partial(_holds, taken))
                rekey.flaw = rekey.flaw._replace(key=key)
                return None
    for path, data in _shards(git, reader, new):
        if rekey.left(data):
            return Flaw(_where(path, data, rekey.left), "a token of an epoch before still stands in it")
    return None


def _holds(taken: frozenset[str], raw: bytes) -> bool:
    return not taken.isdisjoint(tokens_in(raw))


def _where(path: str, data: bytes, wrong: Callable[[bytes], object]) -> str:
    """Return the key of the first line of a shard in which something is wrong."""
    dataset, layer, _ = shard.parse_path(path) or ("", "annotations", "")
    raw = next(filter(wrong, shard.lines(data)), b"")
    return str(shard.key_of(raw, dataset, "items" if layer == "items" else "annotations") or path)


def _shards(git: Git, reader: Reader, side: Snapshot) -> Iterator[tuple[str, bytes]]:
    """Yield all shards of a snapshot, of a commit whatever part of it is listed."""
    whole = tree.commit(git, side.commit) if side.kind == "commit" and side.commit else side
    yield from reader.many([row for row in sorted(whole.entries.items()) if shard.parse_path(row[0])])


def _parts(git: Git, reader: Reader, rekey: Rekey, pair: Range, veil: Veil, left: Flaw | None) -> Found:
    """Tell of each change whether it is part of a re-key that was found."""
    keys: set[str] = set()
    counts = {"annotations": 0, "items": 0}
    before: set[str] = set()
    beside: list[Flaw] = []
    named: list[str] = []
    for delta in diff.between(git, pair.old, pair.new, reader):
        if not isinstance(delta.key, Key):
            named.append(delta.key)
            continue
        why = _why(rekey, delta, veil.where(delta.key))
        if not why and changeset.key_text(delta.key) in keys:
            why = "it stands there twice"
        if why:
            beside.append(Flaw(str(delta.key), why))
        else:
            keys.add(changeset.key_text(delta.key))
            counts[layer_of(delta.key)] += 1
    before.update(epoch_of(token) for token in rekey.into)
    odd = [Flaw(path, "it changed, and is no part of a re-key") for path in named if not path.startswith(_BESIDE)]
    first = next(iter([*beside, *([left] if left else []), *odd]), None)
    counted = counts["annotations"], counts["items"]
    return Found(
        tuple(sorted(before)), "", rekey.into, rekey.first, frozenset(keys), *counted, None, first, tuple(named)
    )


def _why(rekey: Rekey, delta: Delta, where: Where) -> str:
    """Return why a change is no part of a re-key; a line that two programs could read differently is none."""
    seen = compare(delta)
    if why := rekey.why(seen, where):
        return why
    if not grown(seen):
        return "its rev did not go up by one"
    first = canonical.ITEM_FIRST if isinstance(delta.key, Key) and not delta.key.id else canonical.RECORD_FIRST
    try:
        return "" if canonical.encode(seen.new, first) == delta.new else "its line is not in canonical form"
    except DataError as error:
        return error.message
