"""Unprotected: plain values that a commit puts into fields that must hold none, by what was declared before it, or by what is now.

What no detector knows, a name, is found by its place; and history keeps it, whatever a later commit does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from labelvc.codec import shard
from labelvc.core.diff import decoded
from labelvc.core.veil import HIDDEN, Veil
from labelvc.model import jsonpointer
from labelvc.model.finding import Finding, Place
from labelvc.model.names import Key
from labelvc.model.project import Dataset, Project, Sensitive
from labelvc.model.snapshot import Snapshot
from labelvc.ops import veil as veils
from labelvc.store import tree
from labelvc.store.git import Git

RULE = "privacy.plaintext"
"""The rule of `labelvc.checks.records`, which says it of what stands there in the end."""
_BY = "labelvc.privacy/1"
_NAMES = ("/id", "/item")


def brought(git: Git, old: Snapshot, new: Snapshot, by: Project | None) -> list[Finding]:
    """Return the plain values that a step brings into fields that must hold none.

    Args:
        git: the repository.
        old: the snapshot before.
        new: the snapshot after.
        by: whose declarations count beside those of the two; None: no other's.

    Raises:
        StoreError: a file cannot be read.
    """
    over = [veils.over(git, old, new)]
    if by is not None:
        datasets = by.datasets
        over.append(Veil(lambda name: datasets[name].sensitive if name in datasets else ()))
    paths = [path for path in tree.changed(old, new) if path in new.entries and shard.parse_path(path)]
    with tree.reader(git) as reader:
        return [
            found
            for path in paths
            for found in _of_shard(
                path,
                reader.read(path, old.entries[path]) if path in old.entries else b"",
                reader.read(path, new.entries[path]),
                over,
            )
        ]


def opened(
    git: Git, old: Snapshot, new: Snapshot, by: Project | None, own: Project, told: Collection[Finding]
) -> list[Finding]:
    """Return the plain values that a step brings into fields that it opened itself: a wider declaration counts for the next.

    Args:
        git: the repository.
        old: the snapshot before.
        new: the snapshot after.
        by: what judges; None: nothing was there before.
        own: what the step declares.
        told: what is found by the forms of the fields already.

    Raises:
        StoreError: a file cannot be read.
    """
    if by is None or not any(_opens(was.sensitive, own.datasets.get(name)) for name, was in by.datasets.items()):
        return []
    known = {(one.path, one.line, one.pointer) for one in (each.place for each in told if each.rule == RULE)}
    found = brought(git, old, new, by)
    return [one for one in found if (one.place.path, one.place.line, one.place.pointer) not in known]


def _opens(was: Collection[Sensitive], now: Dataset | None) -> bool:
    return now is not None and not set(now.sensitive).issuperset(was)


def _of_shard(path: str, before: bytes, after: bytes, over: list[Veil]) -> Iterator[Finding]:
    """Yield what stands in plain in the lines of a shard that were not there before, but for what the record held already."""
    dataset, side, _ = shard.parse_path(path) or ("", "annotations", "")
    known = frozenset(before.split(b"\n"))
    for number, raw in enumerate(after.split(b"\n"), 1):
        key = shard.key_of(raw, dataset, "items" if side == "items" else "annotations") if raw not in known else None
        if key is None:
            continue
        found = _plain(key, raw, over)
        earlier = shard.find(before, key) if found and before else None
        held = _plain(key, earlier, over) if earlier else {}
        for pointer, value in found.items():
            if held.get(pointer) != value:
                shown = "" if any(name in found for name in _NAMES) else str(key)
                message = "a plain value stands where none must"
                hint = "labelvc import turns it into one; or remove the value: a wider declaration counts for the next change"
                yield Finding(RULE, "error", Place(path, number, shown, pointer), message, hint, _BY)


def _plain(key: Key, raw: bytes, over: list[Veil]) -> dict[str, Any]:
    """Return what stands in plain in the declared fields of a line, by pointer; to be compared, and never shown."""
    fields = decoded(raw)
    return {pointer: value for veil in over for pointer, value in _hidden(fields, veil.over(key, fields), "")}


def _hidden(value: Any, drawn: Any, at: str) -> Iterator[tuple[str, Any]]:
    """Yield what a veil hides of a value, with pointers to it."""
    if drawn is value:
        return
    if drawn == HIDDEN:
        yield at, value
    elif isinstance(value, dict):
        for name in value:
            yield from _hidden(value[name], drawn[name], f"{at}/{jsonpointer.escaped(name)}")
    else:
        for position, (one, other) in enumerate(zip(value, drawn, strict=True)):
            yield from _hidden(one, other, f"{at}/{position}")
