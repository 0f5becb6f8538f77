"""Counts: has each label enough records, in each slice too, and does no label and no source outweigh all others."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cache
from typing import Any, ClassVar

import msgspec

from labelvc.checks.interface import Look, Rule, Said, Shard, asked, finding, threshold
from labelvc.core import hierarchy, protection
from labelvc.errors import DataError
from labelvc.model import jsonpointer
from labelvc.model.finding import Finding, Place
from labelvc.model.names import Layer
from labelvc.model.project import Dataset, Project, Sensitive, Taxonomy

LEAST = 100
"""How many records or items there must be before a share of them is judged."""
MOST_VALUES = 256
"""Different values of one slice that are counted; what has more, a name or a time say, is no slice."""
_FEW, _MOST, _ONE, _LARGEST = 10, 0.8, 1, 0.9
_LONGEST = 60
_HIDDEN, _MANY = "(not shown)", "\0many"
_RULES = ("label.floor", "label.balance", "slice.coverage", "source.share")
_Cell = tuple[str, str, str, str]
_Shown = tuple[str, str | None]


class Counts:
    """Counts records by task, label and slice, and items by source.

    A shard's summary holds at most one number a label, slice value and source in it; summaries add up in any order. The
    messages hold no number that a day's work changes, so that a finding that was there before is known again: hints do.
    """

    name: ClassVar[str] = "labelvc.counts"
    version: ClassVar[int] = 1
    counts: ClassVar[tuple[Layer, ...]] = ("annotations", "items")
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "label.floor",
            "warning",
            "Label has few records",
            "Nobody learns a label, or measures how well it is told from others, by a handful of records.",
            _FEW,
            on_request=True,
            across=True,
        ),
        Rule(
            "label.balance",
            "note",
            "One label has most of the records",
            "Whoever answers always the same is right as often, and looks as good in every figure.",
            _MOST,
            on_request=True,
            across=True,
        ),
        Rule(
            "slice.coverage",
            "warning",
            "Label does not occur in a slice",
            "What never occurs in a slice is neither learned nor measured there.",
            _ONE,
            on_request=True,
            across=True,
        ),
        Rule(
            "source.share",
            "note",
            "One source gave most of the items",
            "What holds for one source need not hold for another.",
            _LARGEST,
            on_request=True,
            across=True,
        ),
    )

    def applies(self, project: Project, dataset: Dataset) -> bool:
        """Apply where a dataset asks for one of the rules."""
        return asked(dataset, *_RULES)

    def look(self, shard: Shard, project: Project) -> Look:
        """Return the numbers of this shard."""
        dataset = shard.dataset
        tasks = {name: project.tasks[name].taxonomy for name in dataset.tasks if name in project.tasks}
        known = {task: frozenset(_labels(project.taxonomies.get(name or ""))) for task, name in tasks.items()}
        shown = cache(lambda pointer: list(_shown_in(shard, pointer)))
        slices = _slices(dataset.slices, shown) if asked(dataset, "slice.coverage") else {}
        labels, cells, sources = Counter[tuple[str, str]](), Counter[_Cell](), Counter[str]()
        if asked(dataset, *_RULES[:3]):
            items, _, said = shard.answers()
            told = {one: _counted(one, known) for one in set(said)}
            for one, number in Counter(said).items():
                for label in told[one]:
                    labels[label] = labels.get(label, 0) + number
            if slices:
                for (places, one), number in Counter(zip(map(slices.get, items), said, strict=True)).items():
                    for cell in {(*place, *label): None for place in places or () for label in told[one]}:
                        cells[cell] = cells.get(cell, 0) + number
        if asked(dataset, "source.share"):
            sources.update([value or "" for _, value in shown("/source")])
        values = {(pointer, value) for found in slices.values() for pointer, value in found}
        summary = [list(labels.items()), list(cells.items()), list(sources.items()), sorted(values)]
        return Look([], msgspec.msgpack.encode(summary) if any(summary) else b"")

    def judge(self, summaries: Iterable[tuple[str, bytes]], project: Project, dataset: Dataset) -> Iterator[Finding]:
        """Yield labels, slices and sources that have too few or too many."""
        labels, cells, sources = Counter[tuple[str, str]](), Counter[_Cell](), Counter[str]()
        values: dict[str, set[str]] = {pointer: set() for pointer in dataset.slices}
        for _, summary in summaries:
            of_labels, of_cells, of_sources, seen = msgspec.msgpack.decode(summary)
            for counter, rows in ((labels, of_labels), (cells, of_cells)):
                for names, number in rows:
                    counter[tuple(names)] += number
            for name, number in of_sources:
                sources[name] += number
            for pointer, value in seen:
                held = values.setdefault(pointer, set())
                if len(held) <= MOST_VALUES:
                    held.add(value)
        place = Place(f"datasets/{dataset.name}/dataset.yaml")
        for task in sorted(set(dataset.tasks) & project.tasks.keys()):
            taxonomy = project.taxonomies.get(project.tasks[task].taxonomy or "")
            if taxonomy is not None:
                yield from _of_task(task, taxonomy, labels, dataset, place._replace(pointer=f"/tasks/{task}"))
                yield from _coverage(task, taxonomy, (values, cells), dataset, place._replace(pointer="/slices"))
        yield from _sources(sources, dataset, place._replace(pointer="/sources"))


def _labels(taxonomy: Taxonomy | None) -> list[str]:
    return [] if taxonomy is None else [label.id for label in taxonomy.labels if label.status == "active"]


def _counted(said: Said, known: Mapping[str, Collection[str]]) -> list[tuple[str, str]]:
    """Return (task, label) of what a record says, as far as the task's taxonomy has the label in use."""
    task = str(said.task)
    return [(task, label) for label in _answers(said.value) if label in known.get(task, ())]


def _answers(value: Any) -> Iterator[str]:
    """Yield the labels of an answer; of a soft one the likeliest."""
    if not isinstance(value, dict):
        return
    label, labels, soft = value.get("label"), value.get("labels"), value.get("soft")
    if isinstance(label, str):
        yield label
    elif isinstance(labels, list):
        yield from {name for name in labels if isinstance(name, str)}
    elif isinstance(soft, dict) and soft and all(isinstance(share, int | float) for share in soft.values()):
        yield max(sorted(soft), key=soft.__getitem__)


def _slices(pointers: Iterable[str], shown: Callable[[str], list[_Shown]]) -> dict[str, tuple[tuple[str, str], ...]]:
    """Return (pointer, value) of each slice an item is in, by item; one mark for a pointer with too many values."""
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    for pointer in pointers:
        of_items = {item: value for item, value in shown(pointer) if value is not None}
        if len(set(of_items.values())) > MOST_VALUES:
            of_items = dict.fromkeys(of_items, _MANY)
        for item, value in of_items.items():
            found[item] = (*found.get(item, ()), (pointer, value))
    return found


def _shown_in(shard: Shard, pointer: str) -> Iterator[_Shown]:
    """Yield each item with its value at a pointer, as a message may show it."""
    field = protection.declared(shard.dataset.sensitive, "items", pointer)
    texts: dict[str, str | None] = {}
    for line in shard.records("items"):
        fields = line.fields or {}
        value = jsonpointer.reach(fields, pointer)
        if type(value) is str:
            if value not in texts:
                texts[value] = _shown(value, field)
            yield str(fields.get("id")), texts[value]
        else:
            yield str(fields.get("id")), _shown(value, field)


def _shown(value: Any, field: Sensitive | None) -> str | None:
    """Return a value of an item as a message may show it: a plain one where a token must stand is not."""
    if value is None:
        return None
    if field is not None and not protection.protected(value) and not _is_coarse(field, value):
        return _HIDDEN
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return text.encode(errors="replace").decode()[:_LONGEST]


def _is_coarse(field: Sensitive, value: Any) -> bool:
    try:
        return field.mode == "generalise" and bool(protection.coarser(field, value) == value)
    except DataError:
        return False


def _of_task(
    task: str, taxonomy: Taxonomy, counted: Counter[tuple[str, str]], dataset: Dataset, place: Place
) -> Iterator[Finding]:
    own = {label.id: counted[task, label.id] for label in taxonomy.labels}
    total = sum(own.values())
    least, most = threshold(Counts, "label.floor", dataset), threshold(Counts, "label.balance", dataset)
    if asked(dataset, "label.floor"):
        with_kin = hierarchy.with_descendants(own, taxonomy.labels)
        for label in _labels(taxonomy):
            if with_kin[label] < least:
                message = f"the label {label!r} has fewer than {least:g} records of {task!r}"
                hint = f"it has {with_kin[label]}: label more of it, merge it into another, or lower the threshold"
                yield finding(Counts, "label.floor", place, message, hint)
    top = max(own, key=own.__getitem__, default="")
    if asked(dataset, "label.balance") and total >= LEAST and own[top] > most * total:
        message = f"the label {top!r} has more than {100 * most:g} % of the records of {task!r}"
        hint = (
            f"it has {100 * own[top] / total:.1f} % of {total:,}: choose items that have others, or raise the threshold"
        )
        yield finding(Counts, "label.balance", place, message, hint)


def _coverage(
    task: str,
    taxonomy: Taxonomy,
    counted: tuple[Mapping[str, set[str]], Counter[_Cell]],
    dataset: Dataset,
    place: Place,
) -> Iterator[Finding]:
    """Yield the cells of taxonomy and slices that hold too little; labels that have others below them are no cell."""
    if not asked(dataset, "slice.coverage"):
        return
    least = threshold(Counts, "slice.coverage", dataset)
    above = {label.parent for label in taxonomy.labels}
    values, cells = counted
    for pointer in dataset.slices:
        if _MANY in values[pointer] or len(values[pointer]) > MOST_VALUES:
            message = f"{pointer} has more than {MOST_VALUES} values, so its slices are not counted"
            yield finding(Counts, "slice.coverage", place, message, "slice by a field with few values")
            continue
        for value in sorted(values[pointer]):
            for label in _labels(taxonomy):
                number = cells[pointer, value, task, label]
                if label not in above and number < least:
                    few = "no record" if least <= 1 else f"fewer than {least:g} records"
                    message = f"where {pointer} is {value!r}, {few} of {task!r} has the label {label!r}"
                    hint = f"{number} so far: choose more items of this slice that may have it"
                    yield finding(Counts, "slice.coverage", place, message, hint)


def _sources(counted: Counter[str], dataset: Dataset, place: Place) -> Iterator[Finding]:
    total, most = counted.total(), threshold(Counts, "source.share", dataset)
    if not asked(dataset, "source.share") or total < LEAST:
        return
    (name, number), *_ = counted.most_common(1)
    if number > most * total:
        who = f"the source {name!r}" if name else "a source that items do not name"
        message = f"{who} gave more than {100 * most:g} % of the items"
        hint = f"{100 * number / total:.1f} % of {total:,}: take in items of others, or raise the threshold"
        yield finding(Counts, "source.share", place, message, hint)
