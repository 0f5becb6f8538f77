"""Layout: is a shard sorted, free of duplicates and markers, and does every line live in the right one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise
from operator import eq, lt
from typing import ClassVar

from labelvc.checks.interface import Look, Rule, Shard, finding, threshold
from labelvc.codec import expression
from labelvc.codec import shard as shards
from labelvc.model.finding import Finding, Place
from labelvc.model.names import Layer
from labelvc.model.project import Dataset, Project

_LAYERS: tuple[Layer, ...] = ("annotations", "items")
_LARGE = 500_000
_DVC_FACTOR = 8
_FORMAT = "labelvc format"


class Layout:
    """Looks at a shard's lines as bytes; decodes none of them."""

    name: ClassVar[str] = "labelvc.layout"
    version: ClassVar[int] = 1
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "shard.markers",
            "error",
            "Conflict markers",
            "A conflict that was never resolved: both sides are still in the file.",
        ),
        Rule(
            "shard.order",
            "error",
            "Lines are out of order",
            "Diff and merge walk sorted bytes; `LC_ALL=C sort -c` proves the order.",
        ),
        Rule(
            "shard.ending",
            "error",
            "Last line does not end",
            "Without the last line break git and `sort` see another last line.",
        ),
        Rule(
            "shard.placement",
            "error",
            "Record is in the wrong shard",
            "A record in the wrong shard escapes its duplicates and its item.",
        ),
        Rule(
            "shard.size",
            "note",
            "Shard is large",
            "Hosts render at most 500 KB a file; behind DVC eight times that is fine.",
            _LARGE,
            "bytes of a file",
        ),
        Rule("key.duplicate", "error", "Key occurs twice", "Two records of one name: nobody can say which one counts."),
    )

    def applies(self, project: Project, dataset: Dataset) -> bool:
        """Apply to every dataset."""
        return True

    def look(self, shard: Shard, project: Project) -> Look:
        """Return what is wrong with the file as a file."""
        return Look([problem for layer in _LAYERS if shard.raw(layer) for problem in _layer(shard, layer)])

    def judge(self, summaries: Iterable[tuple[str, bytes]], project: Project, dataset: Dataset) -> Iterator[Finding]:
        """Yield nothing: all records of an item share a shard, so keys are unique when each shard's are."""
        return iter(())


def _layer(shard: Shard, layer: Layer) -> Iterator[Finding]:
    lines, path, data = shard.raw(layer), shard.path(layer), shard.data(layer)
    if not data.endswith(b"\n"):
        yield finding(Layout, "shard.ending", Place(path, len(lines)), "the last line lacks its line break", _FORMAT)
    if shard.suspects(layer):
        marked = list(shards.markers(data))
        if marked:
            message = f"{len(marked)} lines are conflict markers, the first here"
            hint = f"labelvc resolve; or keep one line of each key, then `git add {path}`"
            yield finding(Layout, "shard.markers", Place(path, marked[0]), message, hint)
            return
    in_order = all(map(lt, lines, lines[1:]))
    if not in_order:
        at = next((at for at, (one, two) in enumerate(pairwise(lines), 2) if one > two), 0)
        if at:
            yield finding(Layout, "shard.order", Place(path, at), "the line sorts before the one above it", _FORMAT)
    yield from _duplicates(shard, layer, in_order=in_order)
    yield from _placement(shard, layer)
    stored = layer == "annotations" and shard.dataset.storage == "dvc"
    if len(data) > threshold(Layout, "shard.size", shard.dataset) * (_DVC_FACTOR if stored else 1):
        hint = f"labelvc dataset reshard {shard.dataset.name} --shards {4 * shard.dataset.shards}"
        yield finding(
            Layout, "shard.size", Place(path), f"the shard holds {len(data) // 1000} KB in {len(lines)} lines", hint
        )


def _duplicates(shard: Shard, layer: Layer, *, in_order: bool) -> Iterator[Finding]:
    heads = shard.heads(layer)
    keys = list(zip(heads.items, heads.ids, strict=True))
    if in_order and not any(map(eq, keys, keys[1:])):
        return
    counts, seen = Counter(keys), Counter[tuple[str, str]]()
    for at, key in enumerate(keys):
        seen[key] += 1
        if counts[key] > 1 and seen[key] == 2 and key[0]:
            place = Place(shard.path(layer), at + 1, str(shard.key(layer, at) or ""))
            hint = "keep one of the lines, or give one a new id"
            yield finding(Layout, "key.duplicate", place, f"the key occurs {counts[key]} times", hint)


def _placement(shard: Shard, layer: Layer) -> Iterator[Finding]:
    """Yield the lines of items that belong elsewhere; an item that stands rightly among the items needs no second look."""
    pattern = expression.compiled(shard.dataset.group)
    items = shard.heads(layer).items
    unseen = set(items) - {""}
    if layer == "annotations":
        unseen.difference_update(shard.heads("items").items)
    escaped = {item for item in unseen if "\\" in item}
    astray = [*escaped, *shards.astray(unseen - escaped, shard.name, pattern)]
    for at in sorted(map(items.index, astray)):
        key = shard.key(layer, at)
        belongs = shards.place(shards.group_of(key.item, pattern), len(shard.name)) if key else shard.name
        if belongs != shard.name:
            place = Place(shard.path(layer), at + 1, str(key))
            right = shards.path(shard.dataset.name, layer, belongs)
            yield finding(Layout, "shard.placement", place, f"its item belongs in {right}", _FORMAT)
