"""Census: what the records of a shard say, counted once: by label, person and slice, and who agrees with whom."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import msgspec

from labelvc.codec import shard
from labelvc.core import agreement
from labelvc.core.agreement import Opinions
from labelvc.core.counts import NO_LABEL, NOBODY, label_of
from labelvc.core.diff import answer, decoded
from labelvc.core.veil import HIDDEN
from labelvc.model.secret import TOKEN

_is_token = re.compile(TOKEN).fullmatch
COMPARED = ("label", "labels", "score")
"""Types of task whose answers are equal or not as they stand; boxes and spans would have to be matched before."""


class Said(NamedTuple):
    """What a person answered to a task."""

    task: str
    by: str
    answer: str


class Asked(NamedTuple):
    """What is counted.

    Attributes:
        compared: tasks whose answers are compared between people.
        slices_of: from an item's members to the slices it belongs to; None: not counted by slice.
    """

    compared: Collection[str]
    slices_of: Callable[[Mapping[str, Any]], Sequence[str]] | None = None


class Census(msgspec.Struct):
    """The counts of some shards.

    Attributes:
        items, records: live ones.
        labels: task to label to number of answers.
        people: pseudonym to records.
        slices: slice to records of its items.
        opinions: task to what was said of an item to number of such items.
        raters: task to most people who answered one item.
    """

    items: int = 0
    records: int = 0
    labels: dict[str, dict[str, int]] = {}
    people: dict[str, int] = {}
    slices: dict[str, int] = {}
    opinions: dict[str, list[tuple[Opinions, int]]] = {}


class _Record(msgspec.Struct):
    """What is read of a record."""

    item: str = ""
    id: str = ""
    task: str = ""
    by: Any = None
    gone: bool = False
    origin: Any = None
    value: Any = None


_Votes = tuple[str, tuple[str, ...]]
_record = msgspec.json.Decoder(_Record).decode
_many = msgspec.json.Decoder(_Record).decode_lines
_NAMES = (str, type(None))


def labels_of(fields: Mapping[str, Any]) -> list[str]:
    """Return the labels that a record's answer counts for: of several labels each, of free text one word for all."""
    value = fields.get("value")
    if isinstance(value, dict) and isinstance(value.get("labels"), list):
        return [str(one) for one in value["labels"]] or [NO_LABEL]
    return [label_of(dict(fields))]


def person_of(fields: Mapping[str, Any]) -> str:
    """Return who made a record, as it may be shown."""
    by = fields.get("by")
    if by is None:
        return NOBODY
    return by if isinstance(by, str) and (_is_token(by) or by == HIDDEN) else HIDDEN


def said_of(fields: Mapping[str, Any], compared: Collection[str]) -> Said | None:
    """Return what a person answered in a record; None where it is no person, no answer, or none that can be compared."""
    origin, by, task = fields.get("origin"), fields.get("by"), fields.get("task")
    if task not in compared or not isinstance(by, str) or (isinstance(origin, dict) and "model" in origin):
        return None
    said = answer(dict(fields))
    return Said(str(task), by, said) if said else None


def opinions_of(records: Mapping[str, Said]) -> dict[str, Opinions]:
    """Return what was said of an item by task; of two answers of one person the later by its name counts.

    Args:
        records: name of a record to what it says.
    """
    return {task: agreement.opinions(answers) for task, answers in _votes(records)}


def count(
    annotations: bytes, items: bytes, asked: Asked, wanted: Collection[str] = ()
) -> tuple[Census, dict[str, dict[str, Said]]]:
    """Count a shard.

    Args:
        annotations: bytes of its records.
        items: bytes of its items.
        asked: what to count.
        wanted: items of which all that was said is wanted.

    Returns:
        The counts, and of each wanted item name of record to what it says. Lines that cannot be read count for nothing.
    """
    slices = _slices(items, asked)
    labels, people, sliced, votes = Counter[tuple[str, str]](), Counter[Any](), Counter[str](), Counter[_Votes]()
    kept: dict[str, dict[str, Said]] = {}
    number = 0
    for item, group in groupby(_records(annotations), key=_item):
        said: dict[str, Said] = {}
        before = number
        for one in group:
            number += 1
            task, by = one.task, one.by
            people[by if type(by) in _NAMES else HIDDEN] += 1
            for label in _labels(one):
                labels[task, label] += 1
            if task in asked.compared and (told := _said(one)):
                said[one.id] = told
        for name in slices.get(item, ()):
            sliced[name] += number - before
        if said:
            votes.update(_votes(said))
        if item in wanted:
            kept[item] = said
    shown = Counter[str]()
    for by, times in people.items():
        shown[person_of({"by": by})] += times
    return Census(items.count(b"\n"), number, _by_task(labels), dict(shown), dict(sliced), _opinions(votes)), kept


def by_slice(annotations: bytes, slice_of: Mapping[str, str]) -> dict[tuple[str, str, str], int]:
    """Count the answers of a shard by task, label and slice.

    Args:
        annotations: bytes of its records.
        slice_of: item to its slice; of an item that is not there the slice is empty.
    """
    found = Counter[tuple[str, str, str]]()
    for one in _records(annotations):
        of_item = slice_of.get(one.item, "")
        for label in _likeliest(one.value) or _labels(one):
            found[one.task, label, of_item] += 1
    return dict(found)


def _likeliest(value: object) -> Sequence[str]:
    """Return the likeliest label of a soft answer, as the rules that count labels take it."""
    soft = value.get("soft") if type(value) is dict else None
    if type(soft) is not dict or not soft or not all(isinstance(share, int | float) for share in soft.values()):
        return ()
    return (max(sorted(soft), key=soft.__getitem__),)


def together(parts: Iterable[Census]) -> Census:
    """Return the counts of several shards as one."""
    items = records = 0
    labels: dict[str, Counter[str]] = defaultdict(Counter)
    people, slices = Counter[str](), Counter[str]()
    opinions: dict[str, Counter[Opinions]] = defaultdict(Counter)
    for part in parts:
        items += part.items
        records += part.records
        people.update(part.people)
        slices.update(part.slices)
        for task, counted in part.labels.items():
            labels[task].update(counted)
        for task, rows in part.opinions.items():
            opinions[task].update({tuple((said, number) for said, number in each): times for each, times in rows})
    listed = {task: sorted(counted.items()) for task, counted in opinions.items()}
    return Census(items, records, {**labels}, people, slices, listed)


def _records(annotations: bytes) -> Iterator[_Record]:
    try:
        found = _many(annotations)
    except (msgspec.DecodeError, UnicodeError):
        found = [one for one in map(_alone, shard.lines(annotations)) if one is not None]
    return (one for one in found if not one.gone)


def _alone(raw: bytes) -> _Record | None:
    try:
        return _record(raw)
    except (msgspec.DecodeError, UnicodeError):
        return None


def _item(one: _Record) -> str:
    return one.item


def _labels(one: _Record) -> Sequence[str]:
    """Return what `labels_of` does, of most records at a glance."""
    value = one.value
    if type(value) is dict and type(label := value.get("label")) is str and label and "labels" not in value:
        return (label,)
    return labels_of({"value": value})


def _said(one: _Record) -> Said | None:
    """Return what `said_of` does, of a task that is compared."""
    if type(one.by) is not str or (type(one.origin) is dict and "model" in one.origin):
        return None
    value = one.value
    label = value.get("label") if type(value) is dict else None
    said = label if type(label) is str and label else answer({"value": value})
    return Said(one.task, one.by, said) if said else None


def _votes(records: Mapping[str, Said]) -> list[_Votes]:
    """Return what was said of an item: tasks, each with the answers of all people, sorted."""
    by_task: dict[str, dict[str, str]] = {}
    for name in sorted(records):
        task, by, said = records[name]
        by_task.setdefault(task, {})[by] = said
    return [(task, tuple(sorted(answers.values()))) for task, answers in by_task.items()]


def _by_task(labels: Mapping[tuple[str, str], int]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for (task, label), times in labels.items():
        found[task][label] = times
    return dict(found)


def _opinions(votes: Mapping[_Votes, int]) -> dict[str, list[tuple[Opinions, int]]]:
    found: dict[str, list[tuple[Opinions, int]]] = defaultdict(list)
    for (task, answers), times in votes.items():
        found[task].append((agreement.opinions(answers), times))
    return {task: sorted(rows) for task, rows in found.items()}


def _slices(items: bytes, asked: Asked) -> dict[str, Sequence[str]]:
    if asked.slices_of is None:
        return {}
    rows = map(decoded, shard.lines(items))
    return {str(row.get("id")): asked.slices_of(row) for row in rows}
