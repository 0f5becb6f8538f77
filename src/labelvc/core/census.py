"""Census: what the records of shards say, counted: by label, person and slice, and who agrees with whom."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import compress, groupby, repeat
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from labelvc.codec import shard
from labelvc.codec.quick import UNREADABLE
from labelvc.core import agreement
from labelvc.core.agreement import Opinions, Sums
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
        agreement: task to what agreement on it is worked out from.
    """

    items: int = 0
    records: int = 0
    labels: dict[str, dict[str, int]] = {}
    people: dict[str, int] = {}
    slices: dict[str, int] = {}
    agreement: dict[str, Sums] = {}


class _Origin(msgspec.Struct, gc=False):
    model: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class _Record(msgspec.Struct, gc=False):
    """What is read of a record that is as records are."""

    item: str = ""
    id: str = ""
    task: str = ""
    by: str | None = None
    gone: bool = False
    origin: _Origin | None = None
    value: msgspec.Raw = msgspec.Raw(b"null")


class _Odd(msgspec.Struct):
    """What is read of a record whatever its members are."""

    item: str = ""
    id: str = ""
    task: str = ""
    by: Any = None
    gone: bool = False
    origin: Any = None
    value: Any = None


class _Heading(msgspec.Struct, gc=False):
    item: str = ""


class _Answer(NamedTuple):
    """What a value counts as: its labels, and its answer in one word."""

    labels: Sequence[str]
    said: str


_many = msgspec.json.Decoder(_Record).decode_lines
_odd = msgspec.json.Decoder(_Odd).decode
_headings = msgspec.json.Decoder(_Heading).decode_lines
_decode = msgspec.json.Decoder().decode
_item, _by, _task, _value, _gone = map(attrgetter, ("item", "by", "task", "value", "gone"))
_Run = tuple[str, int, int]
"""An item and where its records begin and end."""
_AT_ONCE = 8192  # units whose agreement is summed together
_WEIGHT = 1 << 20  # bytes of shards after which values are taken for answers
_KEPT, _SHORT = 4096, 200  # values kept at hand with what they answer, and bytes that one of them may have


def labels_of(fields: Mapping[str, Any]) -> list[str]:
    """Return the labels that a record's answer counts for: of several labels each, of free text one word for all."""
    value = fields.get("value")
    if isinstance(value, dict) and isinstance(value.get("labels"), list):
        return [str(one) for one in value["labels"]] or [NO_LABEL]
    return [label_of(fields)]


def person_of(fields: Mapping[str, Any]) -> str:
    """Return who made a record, as it may be shown."""
    by = fields.get("by")
    if by is None:
        return NOBODY
    return by if isinstance(by, str) and (_is_token(by) or by == HIDDEN) else HIDDEN


def said_of(fields: Mapping[str, Any], compared: Collection[str]) -> Said | None:
    """Return what a person answered in a record; None where it is no person, no answer, or none that can be compared."""
    origin, by, task = fields.get("origin"), fields.get("by"), fields.get("task")
    if {type(task), type(by)} != {str} or task not in compared or (type(origin) is dict and "model" in origin):
        return None
    said = answer(fields)
    return Said(str(task), str(by), said) if said else None


def opinions_of(records: Mapping[str, Said]) -> dict[str, Opinions]:
    """Return what was said of an item by task; of two answers of one person the later by its name counts.

    Args:
        records: name of a record to what it says.
    """
    return {task: agreement.opinions(answers) for task, (answers,) in _votes(records)}


class Counting:
    """A running census of shards; `said` has what was said of items that were wanted, as `said` below returns it.

    Args:
        asked: what to count.
    """

    def __init__(self, asked: Asked) -> None:
        self.said: dict[str, Mapping[str, Said]] = {}
        self._asked = asked
        self._items = self._records = self._waiting = 0
        self._values: dict[str, Counter[bytes]] = defaultdict(Counter)
        self._labels: dict[str, Counter[str]] = defaultdict(Counter)
        self._people, self._slices = Counter[str | None](), Counter[str]()
        self._units: dict[str, list[list[str]]] = defaultdict(list)
        self._agreement: dict[str, Sums] = {}

    def add(self, annotations: bytes, items: bytes, wanted: Collection[str] = ()) -> None:
        """Count a shard; lines that cannot be read count for nothing.

        Args:
            annotations: bytes of its records.
            items: bytes of its items.
            wanted: items of it of which `said` is told.
        """
        records = _records(annotations)
        self._items += items.count(b"\n")
        self._records += len(records)
        self._people.update(map(_by, records))
        runs, slices = list(_runs(records)), _slices(items, self._asked)
        if slices:
            for item, start, end in runs:
                for name in slices.get(item, ()):
                    self._slices[name] += end - start
        for task, units in self._votes(annotations, records, runs):
            self._units[task] += units
            if len(self._units[task]) > _AT_ONCE:
                self._sum(task)
        heard = [(one, _told(records[at:end], self._asked.compared, _known)) for one, at, end in runs if one in wanted]
        self.said.update(heard)

    def census(self) -> Census:
        """Return the counts so far."""
        self._settle()
        for task in self._units:
            self._sum(task)
        people = Counter[str]()
        for by, times in self._people.items():
            people[person_of({"by": by})] += times
        labels = {task: dict(counted) for task, counted in self._labels.items()}
        agreed = {task: sums for task, sums in self._agreement.items() if sums.answers}
        return Census(self._items, self._records, labels, dict(people), dict(self._slices), agreed)

    def _settle(self) -> None:
        for task, values in self._values.items():
            for raw, times in values.items():
                for label in _known[raw].labels:
                    self._labels[task][label] += times
            values.clear()
        self._waiting = 0

    def _sum(self, task: str) -> None:
        sums = agreement.gathered(self._units[task])
        self._agreement[task] = agreement.combined([(1, self._agreement.get(task, Sums())), (1, sums)])
        self._units[task] = []

    def _votes(
        self, annotations: bytes, records: Sequence[_Record], runs: Sequence[_Run]
    ) -> Iterable[tuple[str, list[list[str]]]]:
        """Count the values, and return tasks that are compared, each with the answers of people to the items of the shard."""
        tasks, values = set(map(_task, records)), list(map(bytes, map(_value, records)))
        for task in tasks:
            of_task = [one.task == task for one in records] if len(tasks) > 1 else repeat(True)
            self._values[task].update(compress(values, of_task))
        self._waiting += len(annotations)
        if self._waiting > _WEIGHT:
            self._settle()
        compared = tasks.intersection(self._asked.compared)
        if not compared:
            return ()
        if len(tasks) == 1 and _one_each(records):
            said = [_known[raw].said for raw in values]
            if "" not in said:
                return [(task, [said[start:end] for _, start, end in runs]) for task in tasks]
        return [vote for _, start, end in runs for vote in _votes(_told(records[start:end], compared, _known))]


class _Answers(dict[bytes, _Answer]):
    """What values count as, some of them kept at hand."""

    def __missing__(self, raw: bytes) -> _Answer:
        try:
            fields = {"value": _decode(raw)}
            found = _Answer(labels_of(fields), answer(fields))
        except UNREADABLE:
            found = _Answer((), "")
        if len(self) >= _KEPT:
            self.clear()
        if len(raw) <= _SHORT:
            self[raw] = found
        return found


_known = _Answers()


def said(shards: Iterable[tuple[bytes, Collection[str]]], compared: Collection[str]) -> dict[str, Mapping[str, Said]]:
    """Return what was said of some items of shards: item to name of record to answer.

    Args:
        shards: bytes of the records of each, and the items that are wanted of it.
        compared: tasks whose answers are compared.
    """
    found: dict[str, Mapping[str, Said]] = {}
    for data, wanted in shards:
        lines = shard.lines(data)
        with suppress(*UNREADABLE, ValueError):
            lines = [line for one, line in zip(_headings(data), lines, strict=True) if one.item in wanted]
        records = _records(b"\n".join(lines))
        found |= {item: _told(records[at:end], compared, _known) for item, at, end in _runs(records) if item in wanted}
    return found


def by_slice(annotations: bytes, slice_of: Mapping[str, str]) -> dict[tuple[str, str, str], int]:
    """Count the answers of a shard by task, label and slice.

    Args:
        annotations: bytes of its records.
        slice_of: item to its slice; of an item that is not there the slice is empty.
    """
    values = Counter([(one.task, bytes(one.value), slice_of.get(one.item, "")) for one in _records(annotations)])
    found = Counter[tuple[str, str, str]]()
    for (task, raw, of_item), times in values.items():
        for label in _likeliest(raw) or _known[raw].labels:
            found[task, label, of_item] += times
    return dict(found)


def _likeliest(raw: bytes) -> Sequence[str]:
    """Return the likeliest label of a soft answer, as the rules that count labels take it."""
    value = _decode(raw) if b'"soft"' in raw else None
    soft = value.get("soft") if type(value) is dict else None
    if type(soft) is not dict or not soft or not all(isinstance(share, int | float) for share in soft.values()):
        return ()
    return (max(sorted(soft), key=soft.__getitem__),)


def combined(parts: Iterable[tuple[int, Census]]) -> Census:
    """Return the counts of several parts as one.

    Args:
        parts: each with how often it counts, -1 for what is taken out.
    """
    items = records = 0
    labels: dict[str, Counter[str]] = defaultdict(Counter)
    people, slices = Counter[str](), Counter[str]()
    agreed: dict[str, list[tuple[int, Sums]]] = defaultdict(list)
    for times, part in parts:
        items += times * part.items
        records += times * part.records
        _add(people, part.people, times)
        _add(slices, part.slices, times)
        for task, counted in part.labels.items():
            _add(labels[task], counted, times)
        for task, sums in part.agreement.items():
            agreed[task].append((times, sums))
    by_task = {task: left for task, counted in labels.items() if (left := dict(+counted))}
    kept = {task: sums for task, some in agreed.items() if (sums := agreement.combined(some)).answers}
    return Census(items, records, by_task, dict(+people), dict(+slices), kept)


def _add(total: Counter[str], part: Mapping[str, int], times: int) -> None:
    for name, number in part.items():
        total[name] += times * number


def _records(annotations: bytes) -> Sequence[_Record]:
    """Return the live records, those of an item side by side as they are in all but a broken shard."""
    try:
        found = _many(annotations)
    except UNREADABLE:
        found = [one for one in map(_alone, shard.lines(annotations)) if one is not None]
    live = [one for one in found if not one.gone] if any(map(_gone, found)) else found
    apart = [item for item, _ in groupby(map(_item, live))]
    return live if len(set(apart)) == len(apart) else sorted(live, key=_item)


def _alone(raw: bytes) -> _Record | None:
    """Return one record as well as it can be read; None where it cannot."""
    try:
        one = _odd(raw)
    except UNREADABLE:
        return None
    named = one.by is None or isinstance(one.by, str)
    by = one.by if named else HIDDEN
    apart = not named or (isinstance(one.origin, dict) and "model" in one.origin)  # what it says is no person's
    origin = _Origin(msgspec.Raw(b"true")) if apart else None
    return _Record(one.item, one.id, one.task, by, one.gone, origin, msgspec.Raw(msgspec.json.encode(one.value)))


def _runs(records: Sequence[_Record]) -> Iterator[_Run]:
    """Yield where the records of each item are."""
    start = 0
    for item, group in groupby(map(_item, records)):
        end = start + len(list(group))
        yield item, start, end
        start = end


def _one_each(records: Sequence[_Record]) -> bool:
    """Tell whether all records are by people, no two of one item by the same, none twice."""
    if any(map(_by_model, records)):
        return False
    people = {(one.item, one.by) for one in records}
    return None not in set(map(_by, records)) and len(people) == len({(one.item, one.id) for one in records}) == len(
        records
    )


def _by_model(one: _Record) -> bool:
    return one.origin is not None and one.origin.model is not msgspec.UNSET


def _told(group: Iterable[_Record], compared: Collection[str], answers: Mapping[bytes, _Answer]) -> dict[str, Said]:
    """Return what people said in the records of an item, by name of the record."""
    found = {}
    for one in group:
        if one.task in compared and one.by is not None and not _by_model(one):
            said = answers[bytes(one.value)].said
            if said:
                found[one.id] = Said(one.task, one.by, said)
    return found


def _votes(records: Mapping[str, Said]) -> list[tuple[str, list[list[str]]]]:
    """Return what was said of an item: tasks, each with the answers of all people as its one unit."""
    by_task: dict[str, dict[str, str]] = {}
    for name in sorted(records):
        task, by, told = records[name]
        by_task.setdefault(task, {})[by] = told
    return [(task, [list(answers.values())]) for task, answers in by_task.items()]


def _slices(items: bytes, asked: Asked) -> dict[str, Sequence[str]]:
    if asked.slices_of is None:
        return {}
    return {str(row.get("id")): asked.slices_of(row) for row in map(decoded, shard.lines(items))}
