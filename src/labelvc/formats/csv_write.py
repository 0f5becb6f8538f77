"""A table of answers being written: long with everything that identifies an answer, or wide for people and spreadsheets."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

from labelvc.codec import canonical
from labelvc.errors import DataError
from labelvc.formats import target as output
from labelvc.formats import values
from labelvc.formats.interface import Plan
from labelvc.formats.spool import Spool, counting

_POSITION = re.compile(r"r(0\d|[1-9]\d{1,3})")
_SPACE = "csv"


class _Lines:
    """Takes what `csv.writer` ends by CR LF, so that it quotes a lone CR, and ends it by LF."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def write(self, text: str) -> int:
        return self._file.write(text.removesuffix("\r\n").encode() + b"\n")


class _Columns(NamedTuple):
    """Names of columns in `ext.csv`, in the order they came; the empty name stands for `text`."""

    items: dict[str, None]
    records: dict[str, None]


def write(items: Iterable[Mapping[str, Any]], records: Iterable[Mapping[str, Any]], plan: Plan, target: Path) -> int:
    """Write a table; tabs for a target `.tsv` or `.tab`, else commas.

    Args:
        items: items in any order.
        records: their records.
        plan: layout and names of columns; a wide table with a named value column holds one list an item.
        target: the file.

    Returns:
        Number of records written.

    Raises:
        DataError: a wide table would need two cells for one annotator and item.
    """
    delimiter = "\t" if target.suffix.lower() in (".tsv", ".tab") else ","
    table = _long if plan.layout == "long" else _wide if plan.value is None else _listed
    columns = _Columns({}, {})
    passed = _passing(items, columns.items), _passing(records, columns.records)
    with Spool(*passed, plan.task) as spool, output.file(target) as file:
        writer = csv.writer(_Lines(file), delimiter=delimiter, lineterminator="\r\n")
        written = 0
        for row, answers in table(spool, plan, columns):
            writer.writerow(row)
            written += answers
        return written


def _long(spool: Spool, plan: Plan, columns: _Columns) -> Iterator[tuple[list[str], int]]:
    """Yield the header and a row an answer; an item without any has a row without answer."""
    fixed = [plan.item or "item", "id", plan.by or "by", "at", plan.value or "value"]
    shown = "" in columns.items
    extras = [name for name in columns.records if name]
    yield _header([*fixed, *(["text"] if shown else [])], extras), 0
    cell = values.to_cell(plan.asked)
    for name in spool:
        text = [str(spool.item(name).get("text", ""))] if shown else []
        answers = spool.records(name)
        for record in answers:
            extra = _extra(record) if extras else {}
            known = [str(record["id"]), str(record.get("by", "")), str(record.get("at", "")), cell(record["value"])]
            yield [name, *known, *text, *(_text(extra.get(column)) for column in extras)], 1
        if not answers:
            yield [name, "", "", "", "", *text, *("" for _ in extras)], 0


def _wide(spool: Spool, plan: Plan, columns: _Columns) -> Iterator[tuple[list[str], int]]:
    """Yield the header and a row an item with one column an annotator, in the order of their answers' ids."""
    first: dict[str, str] = {}
    for name in spool:
        for record in spool.records(name):
            who, identifier = _who(record), str(record["id"])
            first[who] = min(first.get(who, identifier), identifier, key=counting)
    people = sorted(first, key=lambda who: (counting(first[who]), who))
    yield [plan.item or "item", "text", *people], 0
    cell = values.to_cell(plan.asked)
    for name in spool:
        cells: dict[str, str] = {}
        for record in spool.records(name):
            if _who(record) in cells:
                hint = "write a row an answer: --layout long"
                raise DataError(
                    "one annotator answered twice, a wide table has one cell for it",
                    where=f"{name}#{record['id']}",
                    hint=hint,
                )
            cells[_who(record)] = cell(record["value"])
        yield [name, str(spool.item(name).get("text", "")), *(cells.get(who, "") for who in people)], len(cells)


def _listed(spool: Spool, plan: Plan, columns: _Columns) -> Iterator[tuple[list[str], int]]:
    """Yield the header and a row an item with all answers in one list, `r<n>` at its n-th place."""
    extras = [name for name in columns.items if name]
    yield _header([plan.item or "item", "text", plan.value or "value"], extras), 0
    for name in spool:
        item, answers = spool.item(name), spool.records(name)
        listed = canonical.encode(_placed(answers, plan)).decode()
        extra = _extra(item)
        yield [name, str(item.get("text", "")), listed, *(_text(extra.get(column)) for column in extras)], len(answers)


def _placed(answers: Sequence[Mapping[str, Any]], plan: Plan) -> list[Any]:
    places: dict[int, Any] = {}
    for record in answers:
        found = _POSITION.fullmatch(str(record["id"]).removeprefix(plan.prefix))
        place = int(found[1]) if found and int(found[1]) else len(places) + 1
        while place in places:
            place += 1
        places[place] = record["value"].get(plan.asked.type, record["value"])
    return [places.get(place) for place in range(1, max(places, default=0) + 1)]


def _passing(things: Iterable[Mapping[str, Any]], columns: dict[str, None]) -> Iterator[Mapping[str, Any]]:
    """Yield things as they are and note which columns they need."""
    for thing in things:
        if "text" in thing:
            columns[""] = None
        columns.update(dict.fromkeys(_extra(thing)))
        yield thing


def _extra(thing: Mapping[str, Any]) -> Mapping[str, Any]:
    ext = thing.get("ext")
    found = ext.get(_SPACE) if isinstance(ext, dict) else None
    return found if isinstance(found, dict) else {}


def _header(fixed: Sequence[str], extras: Sequence[str]) -> list[str]:
    return [*fixed, *(f"ext.{name}" if name in fixed else name for name in extras)]


def _who(record: Mapping[str, Any]) -> str:
    return str(record.get("by") or record["id"])


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else canonical.encode(value).decode()
