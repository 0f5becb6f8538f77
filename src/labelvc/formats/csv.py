"""CSV and TSV: a row an answer (long) or a row an item (wide), as spreadsheets and crowd platforms write them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

from labelvc.codec import canonical
from labelvc.errors import DataError
from labelvc.formats import csv_rows, csv_write, source, tables, values
from labelvc.formats.block import Block, Columns, Extra
from labelvc.formats.csv_rows import Cells, Sheet
from labelvc.formats.interface import Fidelity, Plan, Row
from labelvc.formats.tables import Column, Entry, Roles
from labelvc.model.project import Dataset

DELIMITERS = ("\t", ",", ";")
"""What may stand between cells, the likelier first where two fit."""

_SAMPLE = 64


class Csv:
    """Reads and writes tables of answers."""

    name: ClassVar[str] = "csv"
    title: ClassVar[str] = "CSV or TSV, a row an answer (long) or a row an item (wide)"
    reads: ClassVar[bool] = True
    writes: ClassVar[bool] = True
    fidelity: ClassVar[Fidelity] = Fidelity(
        kept=(
            "items and their text",
            "answers, annotators, times",
            "ids of items and answers (long)",
            "other columns, in ext.csv",
        ),
        lost=(
            "delimiter, quoting, line ends, order of rows",
            "media, licence, source and natural key of items",
            "rev, under, origin, other ext of answers",
            "ids of answers and times (wide)",
            "NUL characters",
        ),
    )

    def read(self, source: Path, plan: Plan) -> Iterator[Row]:
        """Yield the items and answers of a file; see `labelvc.formats.interface.Format`."""
        for block in self.blocks(source, plan):
            yield from block.rows()

    def blocks(self, source: Path, plan: Plan) -> Iterator[Block]:
        """Yield them in blocks; see `labelvc.formats.block.of`."""
        sheet = look(source, plan)
        roles = tables.roles(plan, sheet.columns, str(source))
        origin = tables.Origin(source.name, self.name, plan.prefix)
        if plan.layout == "long":
            yield from _blocks(sheet, plan, roles, origin)
            return
        read = (values.from_json if roles.listed else values.from_cell)(plan.asked, plan.taxonomy)
        entries = _opened(sheet, roles)
        yield Block(lambda: tables.wide(entries, read, roles.claims, origin))

    def write(
        self,
        items: Iterable[Mapping[str, Any]],
        records: Iterable[Mapping[str, Any]],
        dataset: Dataset,
        plan: Plan,
        target: Path,
    ) -> int:
        """Write a long or wide table with a header; see `labelvc.formats.interface.Format`."""
        return csv_write.write(items, records, plan, target)


FORMAT = Csv()


def look(path: Path, plan: Plan) -> Sheet:
    """Find out the shape of a file: delimiter, quoting, columns.

    Among tab, comma and semicolon the one is taken under which the named columns exist and the first rows are equally
    wide. In a file with tabs a quotation mark is text, unless the whole file is regular when it quotes.
    A column named by a number that is no name in the first row says that the file has no header.

    Args:
        path: the file.
        plan: what the person named.

    Returns:
        The shape.

    Raises:
        DataError: the file is no text, or two columns have one name.
    """
    source.prove(path, b"\r\n")
    wanted = [name for name in (plan.item, plan.by, plan.value) if name is not None] + list(plan.key)
    delimiter, quoted, first = max((_try(path, mark, wanted) for mark in DELIMITERS), key=lambda found: found[0])[1:]
    if not first:
        raise DataError("the file holds no rows", where=str(path))
    headless = any(_ordinal(name) for name in _bare(wanted) if name not in first)
    if headless:
        columns = tuple(str(number) for number in range(1, len(first) + 1))
    else:
        columns = tuple(name or f"column-{number}" for number, name in enumerate(first, 1))
    twice = next((name for name in columns if columns.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"two columns are called {twice[:40]!r}", where=f"{path}:1", hint="rename one of them")
    return Sheet(path, delimiter, quoted, columns, headless)


def _try(
    path: Path, delimiter: str, wanted: Sequence[str]
) -> tuple[tuple[bool, bool, bool, int], str, bool, list[str]]:
    """Return how well a delimiter fits, with the first row it gives."""
    quoted = delimiter != "\t" or not source.quotes(path) or _regular(path, delimiter)
    found: list[list[str]] = []
    try:
        found.extend(cells for _, cells in islice(csv_rows.rows(path, delimiter, quoted), _SAMPLE))
        regular = len({len(cells) for cells in found}) == 1
    except DataError:
        regular = False
    first = found[0] if found else []
    there = all(name in first or (_ordinal(name) and int(name) <= len(first)) for name in _bare(wanted, first))
    return (there, regular and len(first) > 1, len(first) > 1, -DELIMITERS.index(delimiter)), delimiter, quoted, first


def _bare(wanted: Iterable[str], first: Sequence[str] = ()) -> Iterator[str]:
    """Yield the names of columns in what was typed: `word=1` means `1`, `a,b` means both."""
    for text in wanted:
        if text in first:
            yield text
        else:
            yield from text.rpartition("=")[2].split(",")


def _ordinal(name: str) -> bool:
    return name.isascii() and name.isdecimal() and name != "0"


def _regular(path: Path, delimiter: str) -> bool:
    try:
        return len({len(cells) for _, cells in csv_rows.rows(path, delimiter, quoted=True)}) == 1
    except DataError:
        return False


def _blocks(sheet: Sheet, plan: Plan, roles: Roles, origin: tables.Origin) -> Iterator[Block]:
    """Yield the blocks of a long table."""
    read = values.from_cell(plan.asked, plan.taxonomy)
    rows = tables.Long(read, origin).rows
    at = {name: index for index, name in enumerate(sheet.columns)}
    rest = [(name, index) for name, index in at.items() if name not in roles.used]

    def answer(cell: bytes) -> dict[str, Any] | None:
        return read(cell.decode())

    def column(cells: Cells, name: str | None) -> Sequence[bytes]:
        return [b""] * len(cells.numbers) if name is None else cells.columns[at[name]]

    for cells in csv_rows.cells(sheet):
        parts = [column(cells, name) for name in roles.names]
        columns = Columns(
            numbers=cells.numbers,
            names=parts[0] if len(parts) == 1 else [b"/".join(row) for row in zip(*parts, strict=True)],
            shown=column(cells, roles.text or roles.item),
            natural={key.name: column(cells, key.column) for key in roles.key},
            by=column(cells, roles.by),
            ids=column(cells, roles.id),
            at=column(cells, roles.at),
            answers=column(cells, roles.values[0]),
            value=answer,
            extra={name: Extra(cells.columns[index]) for name, index in rest},
            space=origin.space,
            sparse=True,
            prefix=origin.prefix,
            plain=cells.plain,
        )
        yield Block(partial(_rows, rows, columns), columns)


def _rows(rows: Callable[[Iterable[Entry]], Iterator[Row]], columns: Columns) -> Iterator[Row]:
    return rows(_entries(columns))


def _entries(columns: Columns) -> Iterator[Entry]:
    """Yield the rows of columns."""
    extra = {name: found.cells for name, found in columns.extra.items()}
    parts = (columns.names, columns.shown, columns.by, columns.ids, columns.at, columns.answers)
    for row, line in enumerate(columns.numbers):
        name, text, by, identifier, at, answer = [part[row].decode() for part in parts]
        natural = {key: cells[row].decode() for key, cells in columns.natural.items()} or None
        rest = {key: cells[row].decode() for key, cells in extra.items() if cells[row]}
        yield line, name, text, natural, by, identifier, at, (answer,), rest


def _opened(sheet: Sheet, roles: Roles) -> Callable[[], Iterator[Entry]]:
    at = {name: index for index, name in enumerate(sheet.columns)}
    rest = [Column(name, name) for name in at if name not in roles.used]

    def entries() -> Iterator[Entry]:
        for line, cells in csv_rows.body(sheet):
            name = tables.together([cells[at[column]] for column in roles.names])
            if roles.listed:
                answers = [
                    (tables.rater(n), answer)
                    for n, answer in enumerate(_list(cells[at[roles.values[0]]], f"{sheet.path}:{line}"), 1)
                ]
            else:
                answers = [(column, cells[at[column]]) for column in roles.values]
            natural = {column.name: cells[at[column.column]] for column in roles.key} or None
            extra = {column.name: cells[at[column.column]] for column in rest if cells[at[column.column]]}
            yield line, name, cells[at[roles.text or roles.item]], natural, "", "", "", answers, extra

    return entries


def _list(cell: str, where: str) -> list[Any]:
    try:
        found = canonical.decode(cell)
    except DataError:
        found = None
    if not isinstance(found, list):
        raise DataError(
            "the cell holds no list of answers such as [1, 0, -2]",
            where=where,
            hint="name one column an annotator: --value COLUMN,COLUMN",
        )
    return found
