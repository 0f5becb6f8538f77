"""Diff: every record, item and document that differs between two snapshots, as deltas."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import nullcontext
from typing import TYPE_CHECKING, NamedTuple

from labelvc.codec import shard
from labelvc.core import diff
from labelvc.errors import StoreError
from labelvc.model import listing
from labelvc.model.change import Delta
from labelvc.model.names import Key
from labelvc.model.snapshot import FILE, Snapshot
from labelvc.ops import parting
from labelvc.ops.naming import BESIDE, is_document
from labelvc.store import conflicts, pointer, tree
from labelvc.store.aside import Aside
from labelvc.store.conflicts import Conflicts
from labelvc.store.git import Git
from labelvc.store.reader import Reader

if TYPE_CHECKING:
    from labelvc.store.pairing import Apart
    from labelvc.store.stale import Stale


_PLAIN = (FILE, FILE)


class Range(NamedTuple):
    """Two snapshots to compare, and how a person wrote them."""

    old: Snapshot
    new: Snapshot


def resolve(git: Git, words: str | None, *, staged: bool = False, reader: Reader | None = None) -> Range:
    """Read a range as git writes it.

    Args:
        git: the repository.
        words: `A`, `A..B`, `A...B` or None (HEAD).
        staged: compare with the index instead of the work tree; only with one revision or none.
        reader: the one that `between` gets; of two commits only those files that differ, which is all that it asks for, are
            listed then, `approvals/` and `releases/` left out. None: list all files.

    Returns:
        `A` against the work tree (or the index), `A` against `B`, or their merge base against `B`.

    Raises:
        StoreError: a revision is unknown, or `--staged` stands beside a range.
    """
    words = words or "HEAD"
    if ".." in words:
        if staged:
            raise StoreError(
                f"--staged compares one revision with the index, not the range {words}", hint="labelvc diff --staged"
            )
        mark = "..." if "..." in words else ".."
        one, two = [part or "HEAD" for part in words.split(mark, 1)]
        base = parting.base(git, one, two) if mark == "..." else one
        if reader is not None:
            return Range(*tree.differing(git, base, two, reader, beside=BESIDE))
        return Range(tree.commit(git, base), tree.commit(git, two))
    if words == "HEAD" and staged:
        return Range(*tree.staged(git))
    new = tree.index(git) if staged else tree.work(git)
    if words == "HEAD":
        return Range(tree.commit(git, new.commit)._replace(name="HEAD") if new.commit else tree.empty(), new)
    return Range(tree.commit(git, words), new)


def settled(git: Git, pair: Range) -> tuple[Range, Conflicts]:
    """Return two snapshots without what is in conflict in the index or the work tree, and what that is.

    What a merge left to a person has no agreed content that could be compared.
    """
    torn = conflicts.find(git) if pair.new.kind != "commit" else Conflicts([], {}, [])
    return Range(torn.without(pair.old), torn.without(pair.new)), torn


def between(git: Git, old: Snapshot, new: Snapshot, reader: Reader | None = None) -> Iterator[Delta]:
    """Yield what differs between two snapshots.

    Args:
        git: the repository.
        old: the earlier snapshot.
        new: the later snapshot.
        reader: one that is kept from comparison to comparison; None: one for this alone.

    Yields:
        Deltas of items and records shard by shard, then of documents by path. `approvals/` and `releases/` are left out
        (they speak about changes), and so are DVC's pointer and manifest of annotations (derived from the records).
    """
    yield from shard_deltas(git, old, new, reader)
    yield from _documents(git, old, new, reader)


def shard_deltas(git: Git, old: Snapshot, new: Snapshot, reader: Reader | None = None) -> Iterator[Delta]:
    """Yield the items and records that differ between two snapshots, shard by shard; what may have moved comes last."""
    shared: set[tuple[str, str]] | None = None
    with Aside() as alone:
        for change in tree.changes(git, old, new, "datasets/", reader):
            found = shard.parse_path(change.path)
            if found is None:
                continue
            for delta in diff.pair(change):
                if delta.old is not None and delta.new is not None:
                    yield delta
                    continue
                if shared is None:
                    shared = _layers(old) & _layers(new)
                if found[:2] in shared:
                    alone.add(delta)
                else:
                    yield delta
        for group in alone.groups():
            yield from diff.join(group)


def stale(git: Git, pair: Range) -> list[Stale | Apart]:
    """Return the folders behind DVC pointers that are in a comparison as another commit left them, not as somebody edited them."""
    listed = listing.ending(pair.new.entries, "/annotations.dvc") if pair.new.kind == "work" else []
    folders = [path.removesuffix(".dvc") for path in sorted(listed) if pointer.stands_for_shards(path)]
    if not folders:
        return []
    found: list[Stale | Apart] = importlib.import_module("labelvc.store.stale").among(git, folders)
    return found


def summary(git: Git, old: Snapshot, new: Snapshot) -> diff.Summary:
    """Return the counts of what differs between two snapshots."""
    return diff.summarise(between(git, old, new))


def matches(delta: Delta, wanted: str) -> bool:
    """Tell whether a delta concerns a key, an item (`dataset/item`), a dataset or a document's path."""
    if not isinstance(delta.key, Key):
        return delta.key == wanted
    return wanted in (str(delta.key), f"{delta.key.dataset}/{delta.key.item}", delta.key.dataset)


def _layers(snapshot: Snapshot) -> set[tuple[str, str]]:
    """Return (dataset, layer) of all shards: where both snapshots have some, a record may have moved between shards."""
    return {found[:2] for found in map(shard.parse_path, snapshot.entries) if found}


def _documents(git: Git, old: Snapshot, new: Snapshot, reader: Reader | None) -> Iterator[Delta]:
    paths = [path for path in tree.changed(old, new) if is_document(path)]
    if not paths:
        return
    with nullcontext(reader) if reader else tree.reader(git) as source:
        for path in paths:
            before, after = old.entries.get(path), new.entries.get(path)
            one, two = [None if entry is None else source.read(path, entry) for entry in (before, after)]
            modes = tuple([FILE if entry is None else entry.mode for entry in (before, after)])
            delta = Delta(path, one, two, () if modes == _PLAIN else modes)
            if delta:
                yield delta
