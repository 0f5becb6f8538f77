"""Risk: how many people of a dataset look alike by the quasi-identifiers that it declares, alone or in a population."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import msgspec

from labelvc.codec import shard
from labelvc.codec.quick import UNREADABLE
from labelvc.core import anonymity, protection
from labelvc.core.anonymity import Risk as Measured
from labelvc.core.anonymity import Row
from labelvc.errors import ConfigurationError, DataError
from labelvc.model import jsonpointer
from labelvc.model.names import Layer
from labelvc.model.project import Dataset, Field, Sensitive
from labelvc.model.snapshot import Snapshot
from labelvc.ops import dataset as datasets
from labelvc.ops import project as projects
from labelvc.ops.dataset import Advance
from labelvc.spill import Spill
from labelvc.store import tree
from labelvc.store.git import Git
from labelvc.store.reader import Reader

_PARTS = 1024
_OVERHEAD = 150
_COUNT = "count"
_HIDDEN, _NONE = "***", "(none)"
_decode = msgspec.json.Decoder(dict[str, Any]).decode
_encode = msgspec.json.Encoder().encode
_values = msgspec.json.Decoder(list[str]).decode
_Reach = Callable[[Mapping[str, Any]], Any]


class Risk(NamedTuple):
    """What a dataset comes to.

    Attributes:
        dataset: its name.
        quasi: its quasi-identifiers, `items /ext/born`.
        person: the field that tells people apart; empty where each line counts as one.
        measured: the figures.
        shown: what may be told of the smallest classes, in their order: field to its coarse value, or to `***`.
    """

    dataset: str
    quasi: tuple[str, ...]
    person: str
    measured: Measured
    shown: tuple[dict[str, str], ...]


def measure(git: Git, name: str | None, population: Path | None = None, advance: Advance | None = None) -> list[Risk]:
    """Measure the datasets of the work tree that declare quasi-identifiers, or one of them; reads each line once.

    Args:
        git: the repository.
        name: the dataset; None: all that declare some.
        population: a CSV file with a column for each quasi-identifier, called by its pointer or the last name in it, and a
            `count` where a row stands for several people. Values are made as coarse as the dataset has them.
        advance: called with the number of lines done.

    Raises:
        ConfigurationError: nothing declares quasi-identifiers, or the table lacks a column.
        DataError: a line or a row cannot be read.
        StoreError: a file cannot be read.
    """
    work, project = datasets.opened(git)
    chosen = [projects.dataset(project, name)] if name else list(project.datasets.values())
    declared = [one for one in chosen if one.risk is not None]
    if not declared:
        where = f"datasets/{name or 'NAME'}/dataset.yaml"
        hint = "risk: {quasi: [{pointer: /ext/born, layer: items}]} (docs/formats/risk.md)"
        raise ConfigurationError("no quasi-identifiers are declared, so nothing can be said", where=where, hint=hint)
    if population is not None and len(declared) > 1:
        raise ConfigurationError(
            "a population belongs to one dataset",
            where=str(population),
            hint="labelvc privacy risk DATASET --population FILE",
        )
    with tree.reader(git) as reader:
        return [_measured(reader, work, one, population, advance) for one in declared]


def _measured(
    reader: Reader, work: Snapshot, dataset: Dataset, population: Path | None, advance: Advance | None
) -> Risk:
    fields, person = _declared(dataset)
    tally = anonymity.Tally()
    with Spill(_PARTS) as spill, Spill(_PARTS) as known:
        for values, who, key in _rows(reader, work, dataset, advance):
            spill.add(_part(values), (values, who, key), len(values) + len(who) + len(key) + _OVERHEAD)
        for values, number in _population(population, dataset, fields) if population else ():
            known.add(_part(values), (values, number), len(values) + _OVERHEAD)
        for part in range(_PARTS):
            sizes = Counter[str]()
            for values, number in chain.from_iterable(known.blocks(part)):
                sizes[values] += number
            tally.add(chain.from_iterable(spill.blocks(part)), sizes if population else None)
    measured = tally.risk()
    shown = tuple([_shown(dataset, fields, _values(one.values)) for one in measured.smallest])
    return Risk(dataset.name, tuple(map(_name, fields)), _name(person) if person else "", measured, shown)


def _rows(reader: Reader, work: Snapshot, dataset: Dataset, advance: Advance | None) -> Iterator[Row]:
    """Yield each item, or each record with its item where a field of records is among the quasi-identifiers."""
    fields, person = _declared(dataset)
    reaches = [(field.layer, _reacher(field)) for field in fields]
    whose = (person.layer, _reacher(person)) if person else None
    of_records = any(layer == "annotations" for layer, _ in (*reaches, *([whose] if whose else [])))
    for paths in _shards(work, dataset.name):
        items = dict(_lines(reader, work, paths.get("items"), "id"))
        lines = _records(reader, work, paths.get("annotations"), items) if of_records else _items(items)
        done = 0
        for key, by_layer in lines:
            done += 1
            values = _encode([_text(reach(by_layer[layer])) for layer, reach in reaches]).decode()
            who = _text(whose[1](by_layer[whose[0]])) if whose else ""
            yield values, who or f"\0{key}", f"{dataset.name}/{key}"
        if advance:
            advance(done)


def _items(items: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, dict[Layer, Mapping[str, Any]]]]:
    for name, value in items.items():
        yield f"{name}#", {"items": value, "annotations": {}}


def _records(
    reader: Reader, work: Snapshot, path: str | None, items: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[str, dict[Layer, Mapping[str, Any]]]]:
    for item, value in _lines(reader, work, path, "item"):
        yield f"{item}#{value.get('id', '')}", {"items": items.get(item, {}), "annotations": value}


def _lines(reader: Reader, work: Snapshot, path: str | None, member: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what the lines of a shard hold by their item; tombstones hold nothing."""
    for number, raw in enumerate(shard.lines(reader.read(path, work.entries[path])) if path else (), 1):
        try:
            value = _decode(raw)
        except UNREADABLE:
            hint = "labelvc check --all, and mend what it finds"
            raise DataError("the line cannot be read", where=f"{path}:{number}", hint=hint) from None
        if value.get("gone") is not True:
            yield str(value.get(member, "")), value


def _shards(work: Snapshot, dataset: str) -> Iterator[dict[Layer, str]]:
    """Yield the shards of one name together, by layer."""
    found: dict[str, dict[Layer, str]] = {}
    for path in work.entries:
        place = shard.parse_path(path)
        if place and place[0] == dataset:
            found.setdefault(place[2], {})[place[1]] = path
    yield from (found[name] for name in sorted(found))


def _population(path: Path, dataset: Dataset, fields: Sequence[Field]) -> Iterator[tuple[str, int]]:
    """Yield the classes of a population's rows, and how many people each row stands for."""
    coarse = [_generalised(dataset, field) for field in fields]
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            names = [_column(field, rows.fieldnames or (), path) for field in fields]
            for number, row in enumerate(rows, 2):
                values = [row[name] or "" for name in names]
                told = [_coarser(field, value, f"{path}:{number}") for field, value in zip(coarse, values, strict=True)]
                yield _encode(told).decode(), _number(row.get(_COUNT, "1"), f"{path}:{number}")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            f"the population cannot be read: {error}", where=str(path), hint="a CSV file in UTF-8"
        ) from None


def _column(field: Field, names: Sequence[str], path: Path) -> str:
    last = jsonpointer.steps(field.pointer)[-1]
    found = next((name for name in (field.pointer, last) if name in names), None)
    if found is None:
        raise ConfigurationError(
            f"the population has no column {last!r}", where=str(path), hint=f"a column for {field.pointer}"
        )
    return found


def _coarser(field: Sensitive | None, value: str, where: str) -> str:
    try:
        return _text(protection.coarser(field, value)) if field and value else value
    except DataError as error:
        raise DataError(error.message, where=where, hint=error.hint) from None


def _number(text: str | None, where: str) -> int:
    if text and text.isascii() and text.isdigit():
        return int(text)
    raise DataError(
        f"the {_COUNT} is no whole number", where=where, hint="leave the column out where each row is one person"
    )


def _shown(dataset: Dataset, fields: Sequence[Field], values: Sequence[str]) -> dict[str, str]:
    """Return the values of a class that may be told: those which the dataset made coarse."""
    found = {}
    for field, value in zip(fields, values, strict=True):
        coarse = _generalised(dataset, field)
        fits = (
            coarse is not None
            and not protection.protected(value)
            and protection.proof(coarse)(_as_stored(coarse, value))
        )
        found[_name(field)] = _NONE if not value else value if fits else _HIDDEN
    return found


def _as_stored(field: Sensitive, value: str) -> object:
    """Return a text as the field holds it: a bin is a number."""
    if not field.step:
        return value
    try:
        return msgspec.json.decode(value)
    except UNREADABLE:
        return value


def _generalised(dataset: Dataset, field: Field) -> Sensitive | None:
    found = (one for one in dataset.sensitive if (one.layer, one.pointer) == (field.layer, field.pointer))
    return next((one for one in found if one.mode == "generalise"), None)


def _declared(dataset: Dataset) -> tuple[tuple[Field, ...], Field | None]:
    return (dataset.risk.quasi, dataset.risk.person) if dataset.risk else ((), None)


def _reacher(field: Field) -> _Reach:
    """Return what finds a field's value in a line; None where there is none."""
    *steps, last = jsonpointer.steps(field.pointer)

    def reach(value: Any) -> Any:
        for step in steps:
            value = value.get(step) if isinstance(value, dict) else None
        return value.get(last) if isinstance(value, dict) else None

    return reach


def _text(value: Any) -> str:
    """Return a value as text: two that read alike are one."""
    if value is None or type(value) is str:
        return value or ""
    return _encode(value).decode()


def _name(field: Field) -> str:
    return f"{field.layer} {field.pointer}"


def _part(values: str) -> int:
    return crc32(values.encode()) % _PARTS
