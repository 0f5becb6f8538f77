"""References: does every record have its item, every item its record, and is nothing there twice."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import ClassVar

from labelvc.checks.interface import Look, Rule, Shard, finding
from labelvc.codec import canonical
from labelvc.core.diff import at_pointer, decoded, live
from labelvc.model.finding import Finding, Place
from labelvc.model.project import Dataset, Project

_TASK = re.compile(rb'"task":"((?:[^"\\]|\\.)*+)"')
_ONE_ANSWER = frozenset({"label", "labels", "soft", "score", "text", "ranking"})


class References:
    """Looks at items and annotations of a shard together; an item's records always share its shard name."""

    name: ClassVar[str] = "labelvc.references"
    version: ClassVar[int] = 1
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "item.missing",
            "error",
            "Record's item does not exist",
            "A label of nothing cannot be shown, checked or exported.",
        ),
        Rule(
            "label.missing",
            "warning",
            "Item has no record of a required task",
            "Not looked at is not the same as nothing there.",
        ),
        Rule(
            "rating.duplicate",
            "warning",
            "One annotator answered twice",
            "Two answers of one person weigh double in every vote.",
        ),
        Rule(
            "item.duplicate",
            "warning",
            "Two items have the same natural key",
            "The same thing labelled twice skews counts and splits.",
        ),
    )

    def applies(self, project: Project, dataset: Dataset) -> bool:
        """Apply to every dataset."""
        return True

    def look(self, shard: Shard, project: Project) -> Look:
        """Return broken references, and the natural keys of this shard's items for `judge`."""
        found = [*_missing_items(shard), *_missing_records(shard), *_twice_answered(shard, project)]
        return Look(found, _natural_keys(shard))

    def judge(self, summaries: Iterable[tuple[str, bytes]], project: Project, dataset: Dataset) -> Iterator[Finding]:
        """Yield the items that share a natural key, looking only at 8-byte hashes until two agree."""
        owners: dict[str, str] = {}
        hint = "decide on a branch which of the two stays; delete the other with its records, then labelvc format"
        rows = [row for _, summary in summaries for row in _rows(summary)]
        for item, digest in sorted(rows, key=lambda row: (len(row[0]), row)):
            first = owners.setdefault(digest, item)
            if first != item:
                place = Place(f"datasets/{dataset.name}/items", 0, f"{dataset.name}/{item}#")
                yield finding(
                    References, "item.duplicate", place, f"has the same natural key as {dataset.name}/{first}#", hint
                )


def _missing_items(shard: Shard) -> Iterator[Finding]:
    known = {head.item for head in shard.heads("items")}
    lines, told = shard.raw("annotations"), set[str]()
    for number, head in enumerate(shard.heads("annotations"), 1):
        if head.item in known or not head.item or head.item in told or live(lines[number - 1]) is None:
            continue
        told.add(head.item)
        place = Place(shard.path("annotations"), number, str(shard.key(head, "annotations") or ""), "/item")
        message = f"no item {head.item!r} in {shard.path('items')}"
        yield finding(References, "item.missing", place, message, "add the item, or delete its records")


def _missing_records(shard: Shard) -> Iterator[Finding]:
    required = {name for name, needed in shard.dataset.tasks.items() if needed}
    if not required:
        return
    lines, heads = shard.raw("annotations"), shard.heads("annotations")
    if len(shard.dataset.tasks) == 1 and b'"gone":true' not in shard.data("annotations"):
        (only,) = required
        answered = {(head.item, only) for head in heads}
    else:
        tasks = [_TASK.search(line) for line in lines]
        answered = {(head.item, task[1].decode()) for head, task in zip(heads, tasks, strict=True) if task}
    for number, head in enumerate(shard.heads("items"), 1):
        for task in sorted(required):
            if head.item and (head.item, task) not in answered:
                place = Place(shard.path("items"), number, str(shard.key(head, "items") or ""))
                yield finding(
                    References,
                    "label.missing",
                    place,
                    f"no record of the required task {task!r}",
                    'label it; {"empty":true} says "looked at, nothing there"',
                )


def _twice_answered(shard: Shard, project: Project) -> Iterator[Finding]:
    heads = shard.heads("annotations")
    pairs = [(head.item, head.by) for head in heads]
    if len(set(pairs)) == len(pairs):
        return
    counts = Counter(pairs)
    seen: dict[tuple[str, str, str], int] = {}
    for number, (head, pair) in enumerate(zip(heads, pairs, strict=True), 1):
        if not head.by or counts[pair] == 1:
            continue
        task = str(decoded(shard.raw("annotations")[number - 1]).get("task", ""))
        if task not in project.tasks or project.tasks[task].type not in _ONE_ANSWER:
            continue
        if (*pair, task) in seen:
            place = Place(shard.path("annotations"), number, str(shard.key(head, "annotations") or ""), "/by")
            first = shard.key(heads[seen[*pair, task] - 1], "annotations")
            yield finding(
                References,
                "rating.duplicate",
                place,
                f"the same annotator answered {task!r} of this item in {first}",
                "delete one of the two records",
            )
        seen.setdefault((*pair, task), number)


def _natural_keys(shard: Shard) -> bytes:
    """Return lines of `<16 hex digits> <item id>`: a short digest of each item's natural key."""
    pointers = shard.dataset.natural_key
    if not pointers:
        return b""
    rows = []
    for head, raw in zip(shard.heads("items"), shard.raw("items"), strict=True):
        fields = decoded(raw)
        values = [at_pointer(fields, pointer) for pointer in pointers]
        if head.item and any(value is not None for value in values):
            digest = hashlib.sha256(canonical.encode(values)).hexdigest()[:16]
            rows.append(f"{digest} {fields.get('id')}")
    return "\n".join(rows).encode()


def _rows(summary: bytes) -> list[tuple[str, str]]:
    return [(row[17:], row[:16]) for row in summary.decode().split("\n") if row]
