"""Census: what the records of shards say, counted: by label, person and slice, and who agrees with whom."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import compress, repeat
from operator import attrgetter
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

from labelvc.codec import shard
from labelvc.codec.quick import UNREADABLE
from labelvc.core import skim
from labelvc.core.answers import Changed, Said, Turns
from labelvc.core.counts import NO_LABEL, NOBODY, label_of
from labelvc.core.diff import answer, decoded
from labelvc.core.skim import Record, Run
from labelvc.core.sums import AT_ONCE, Sums, Turned, gathered
from labelvc.core.sums import combined as added
from labelvc.core.veil import HIDDEN
from labelvc.model.secret import TOKEN

_is_token = re.compile(TOKEN).fullmatch
COMPARED = ("label", "labels", "score")
"""Types of task whose answers are equal or not as they stand; boxes and spans would have to be matched before."""


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


class _Answer(NamedTuple):
    """What a value counts as: its labels, and its answer in one word."""

    labels: Sequence[str]
    said: str


_by, _task, _value = map(attrgetter, ("by", "task", "value"))
_decode = msgspec.json.Decoder().decode
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


class Counting:
    """A running census of shards.

    Args:
        asked: what to count.
        turned: where by task what was said of items that change is counted, before and after; None: not wanted.
    """

    def __init__(self, asked: Asked, turned: dict[str, Turned] | None = None) -> None:
        self._turned = {} if turned is None else turned
        self._asked = asked
        self._items = self._records = self._waiting = 0
        self._values: dict[str, Counter[bytes]] = defaultdict(Counter)
        self._labels: dict[str, Counter[str]] = defaultdict(Counter)
        self._people, self._slices = Counter[str | None](), Counter[str]()
        self._units: dict[str, list[list[str]]] = defaultdict(list)
        self._agreement: dict[str, Sums] = {}

    def add(self, annotations: bytes, items: bytes, turns: Turns = MappingProxyType({})) -> None:
        """Count a shard; lines that cannot be read count for nothing.

        Args:
            annotations: bytes of its records.
            items: bytes of its items.
            turns: what changes of the answers to its items.
        """
        records = skim.records(annotations)
        self._items += items.count(b"\n")
        self._records += len(records)
        self._people.update(map(_by, records))
        runs, slices = list(skim.runs(records)), _slices(items, self._asked)
        if slices:
            for item, start, end in runs:
                for name in slices.get(item, ()):
                    self._slices[name] += end - start
        for task, units in self._votes(annotations, records, runs):
            self._units[task] += units
            if len(self._units[task]) >= AT_ONCE:
                self._sum(task)
        if turns:
            _turn(self._turned, records, runs, turns, self._asked.compared)

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
        sums = gathered(self._units[task])
        self._agreement[task] = added([(1, self._agreement.get(task, Sums())), (1, sums)])
        self._units[task] = []

    def _votes(
        self, annotations: bytes, records: Sequence[Record], runs: Sequence[Run]
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
        if len(tasks) == 1 and skim.one_each(records):
            said = [_known[raw].said for raw in values]
            if "" not in said:
                return [(task, [said[start:end] for _, start, end in runs]) for task in tasks]
        told = [_votes(_told(records[start:end], compared, _known)) for _, start, end in runs]
        return [(task, [answers]) for votes in told for task, answers in votes.items()]


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


def turn(turned: dict[str, Turned], annotations: bytes, turns: Turns, compared: Collection[str]) -> None:
    """Count what was said of the items of a shard that change, before and after, as `Counting` does.

    Args:
        turned: where it is counted, by task.
        annotations: bytes of the shard's records before; empty where it was not there.
        turns: what changes of the answers to its items.
        compared: tasks whose answers are compared.
    """
    records = skim.records_of(annotations, turns)
    _turn(turned, records, skim.runs(records), turns, compared)


def turned(changed: Changed, compared: Collection[str]) -> dict[str, Turned]:
    """Return by task what is said of items of which nothing was said before."""
    found: dict[str, Turned] = {}
    for name in changed.shards():
        turn(found, b"", changed.of(name), compared)
    return found


def _turn(
    turned: dict[str, Turned], records: Sequence[Record], runs: Iterable[Run], turns: Turns, compared: Collection[str]
) -> None:
    left = dict(turns)
    for item, start, end in runs:
        moves = left.pop(item, None)
        if moves is not None:
            _count(turned, _told(records[start:end], compared, _known), moves)
    for moves in left.values():
        _count(turned, {}, moves)


def _count(turned: dict[str, Turned], old: Mapping[str, Said], moves: Mapping[str, Said | None]) -> None:
    """Count the tasks on which what was said of an item differs."""
    new = {name: said for name, said in {**old, **moves}.items() if said is not None}
    one, two = _votes(old), _votes(new)
    for task in {**one, **two}:
        before, after = one.get(task, []), two.get(task, [])
        if before != after and sorted(before) != sorted(after):
            turned.setdefault(task, Turned()).add(before, after)


def by_slice(annotations: bytes, slice_of: Mapping[str, str]) -> dict[tuple[str, str, str], int]:
    """Count the answers of a shard by task, label and slice.

    Args:
        annotations: bytes of its records.
        slice_of: item to its slice; of an item that is not there the slice is empty.
    """
    live = skim.live(annotations)
    places = [slice_of.get(one.item, "") for one in live] if slice_of else repeat("", len(live))
    values = Counter(zip(map(_task, live), map(bytes, map(_value, live)), places, strict=True))
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
    kept = {task: sums for task, some in agreed.items() if (sums := added(some)).answers}
    return Census(items, records, by_task, dict(+people), dict(+slices), kept)


def _add(total: Counter[str], part: Mapping[str, int], times: int) -> None:
    for name, number in part.items():
        total[name] += times * number


def _told(group: Iterable[Record], compared: Collection[str], answers: Mapping[bytes, _Answer]) -> dict[str, Said]:
    """Return what people said in the records of an item, by name of the record."""
    found = {}
    for one in group:
        if one.task in compared and one.by is not None and not skim.by_model(one):
            said = answers[bytes(one.value)].said
            if said:
                found[one.id] = Said(one.task, one.by, said)
    return found


def _votes(records: Mapping[str, Said]) -> dict[str, list[str]]:
    """Return what was said of an item: task to the answers of all people; of two of one person the later by its name counts.

    Args:
        records: name of a record to what it says.
    """
    by_task: dict[str, dict[str, str]] = {}
    for name in sorted(records):
        task, by, told = records[name]
        by_task.setdefault(task, {})[by] = told
    return {task: list(answers.values()) for task, answers in by_task.items()}


def _slices(items: bytes, asked: Asked) -> dict[str, Sequence[str]]:
    if asked.slices_of is None:
        return {}
    return {str(row.get("id")): asked.slices_of(row) for row in map(decoded, shard.lines(items))}
