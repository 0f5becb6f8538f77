"""References: does every record have its item, every item its record, and is nothing there twice."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import compress
from typing import ClassVar

from labelvc.checks.interface import Look, Rule, Shard, finding
from labelvc.core.diff import decoded, live
from labelvc.model import jsonpointer
from labelvc.model.finding import Finding, Place
from labelvc.model.project import Dataset, Project
from labelvc.spill import Spill

_PARTS, _OVERHEAD = 256, 60
_ONE_ANSWER = frozenset({"label", "labels", "soft", "score", "text", "ranking"})


class References:
    """Looks at items and annotations of a shard together; an item's records always share its shard name."""

    name: ClassVar[str] = "labelvc.references"
    version: ClassVar[int] = 2
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
            across=True,
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
        hint = "decide on a branch which of the two stays; delete the other with its records, then labelvc format"
        for item, first in _doubles(summaries):
            place = Place(f"datasets/{dataset.name}/items", 0, f"{dataset.name}/{item}#")
            message = f"has the same natural key as {dataset.name}/{first}#"
            yield finding(References, "item.duplicate", place, message, hint)


def _missing_items(shard: Shard) -> Iterator[Finding]:
    items, lines = shard.heads("annotations").items, shard.raw("annotations")
    absent = set(items) - set(shard.heads("items").items) - {""}
    for at, item in enumerate(items if absent else ()):
        if item in absent and live(lines[at]) is not None:
            absent.remove(item)
            place = Place(shard.path("annotations"), at + 1, str(shard.key("annotations", at) or ""), "/item")
            message = f"no item {item!r} in {shard.path('items')}"
            yield finding(References, "item.missing", place, message, "add the item, or delete its records")


def _missing_records(shard: Shard) -> Iterator[Finding]:
    required = sorted(name for name, needed in shard.dataset.tasks.items() if needed)
    items, lines = shard.heads("annotations").items, shard.raw("annotations")
    for task in required:
        if len(shard.dataset.tasks) == 1 and b'"gone":true' not in shard.data("annotations"):
            answered = set(items)
        elif not shard.suspects("annotations"):
            said = shard.answers().said
            asked = {one for one in set(said) if one.task == task}
            answered = set(compress(items, map(asked.__contains__, said)))
        else:
            asks = f'"task":{json.dumps(task, ensure_ascii=False)}'.encode()
            answered = {item for item, line in zip(items, lines, strict=True) if asks in line and _asks(line, task)}
        wanted = shard.heads("items").items
        for at, item in enumerate(wanted if not answered.issuperset(wanted) else ()):
            if item and item not in answered:
                place = Place(shard.path("items"), at + 1, str(shard.key("items", at) or ""))
                hint = 'label it; {"empty":true} says "looked at, nothing there"'
                yield finding(References, "label.missing", place, f"no record of the required task {task!r}", hint)


def _asks(line: bytes, task: str) -> bool:
    """Tell whether a line that holds a `task` of this name is a record of it: `ext` may hold one as well."""
    return line.count(b'"task":') == 1 or decoded(line).get("task") == task


def _twice_answered(shard: Shard, project: Project) -> Iterator[Finding]:
    heads = shard.heads("annotations")
    pairs = list(zip(heads.items, heads.by, strict=True))
    if len(set(pairs)) == len(pairs):
        return
    counts = Counter(pairs)
    seen: dict[tuple[str, str, str], int] = {}
    for at, pair in enumerate(pairs):
        if not pair[1] or counts[pair] == 1:
            continue
        task = str(decoded(shard.raw("annotations")[at]).get("task", ""))
        if task not in project.tasks or project.tasks[task].type not in _ONE_ANSWER:
            continue
        first = seen.setdefault((*pair, task), at)
        if first != at and shard.key("annotations", first) != shard.key("annotations", at):
            place = Place(shard.path("annotations"), at + 1, str(shard.key("annotations", at) or ""), "/by")
            message = f"the same annotator answered {task!r} of this item in {shard.key('annotations', first)}"
            yield finding(References, "rating.duplicate", place, message, "delete one of the two records")


def _natural_keys(shard: Shard) -> bytes:
    """Return lines of `<16 hex digits> <item id as JSON>`: a short digest of each item's natural key."""
    pointers = shard.dataset.natural_key
    if not pointers:
        return b""
    rows = []
    for fields in map(decoded, shard.raw("items")):
        values = [jsonpointer.reach(fields, pointer) for pointer in pointers]
        if isinstance(fields.get("id"), str) and any(value is not None for value in values):
            digest = hashlib.sha256(repr(values).encode(errors="replace")).hexdigest()[:16]
            rows.append(f"{digest} {json.dumps(fields['id'], ensure_ascii=False)}")
    return "\n".join(rows).encode(errors="replace")


def _doubles(summaries: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, str]]:
    """Yield the items whose digest another one has, each with the shortest of those; equal digests wait in one part of a spill."""
    with Spill(_PARTS) as waiting:
        for _, summary in summaries:
            for row in summary.decode().split("\n") if summary else ():
                waiting.add(int(row[:2], 16), row, len(row) + _OVERHEAD)
        for rows in waiting.all():
            owners: dict[str, str] = {}
            for item, digest in sorted([(row[17:], row[:16]) for row in rows], key=lambda row: (len(row[0]), row)):
                first = owners.setdefault(digest, item)
                if first != item:
                    yield json.loads(item), json.loads(first)
