"""CSV and TSV: a row an answer (long) or a row an item (wide), as spreadsheets and crowd platforms write them."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

from labelvc.codec import canonical
from labelvc.errors import DataError
from labelvc.formats import csv_write, source, tables, values
from labelvc.formats.interface import Fidelity, Plan, Row
from labelvc.formats.tables import Column, Entry, Roles
from labelvc.model.project import Dataset

DELIMITERS = ("\t", ",", ";")
"""What may stand between cells, the likelier first where two fit."""

_SAMPLE = 64

# the module's own limit of 128 KB is below real texts; lines beyond 16 MiB are refused by source.prove
csv.field_size_limit(source.LONGEST)


class Sheet(NamedTuple):
    """A file whose shape is known.

    Attributes:
        path: where it is.
        delimiter: between cells.
        quoted: whether `"` quotes; else it is text.
        columns: names from the first row, or `1`, `2` ... when the file has none.
        headless: whether the first row is data.
    """

    path: Path
    delimiter: str
    quoted: bool
    columns: tuple[str, ...]
    headless: bool


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
        sheet = look(source, plan)
        roles = tables.roles(plan, sheet.columns, str(source))
        origin = tables.Origin(source.name, self.name, plan.prefix)
        if plan.layout == "long":
            yield from tables.long(_long(sheet, roles), values.from_cell(plan.asked, plan.taxonomy), origin)
            return
        read = values.from_json if roles.listed else values.from_cell
        entries = _opened(sheet, roles)
        yield from tables.wide(entries, read(plan.asked, plan.taxonomy), roles.claims, origin)

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
        found.extend(cells for _, cells in islice(_rows(path, delimiter, quoted), _SAMPLE))
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
        return len({len(cells) for _, cells in _rows(path, delimiter, quoted=True)}) == 1
    except DataError:
        return False


def _rows(path: Path, delimiter: str, quoted: bool, width: int = 0) -> Iterator[tuple[int, list[str]]]:
    """Yield (line a row begins at, cells); empty lines are no rows; with a width, a row that has another is refused."""
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=delimiter, quoting=quoting, strict=True)
        begins = 1
        try:
            for cells in reader:
                if len(cells) != width and width and cells:
                    raise DataError(
                        f"the row has {len(cells)} cells, the first row has {width}", where=f"{path}:{begins}"
                    )
                if cells:
                    yield begins, cells
                begins = reader.line_num + 1
        except csv.Error as error:
            said, hint = f"the row cannot be read: {error}", "a quotation mark inside a quoted cell is written twice"
            if "field limit" in str(error):
                said, hint = (
                    "a cell is longer than 16 MiB",
                    "is its quotation mark closed? a cell is one answer or text",
                )
            raise DataError(said, where=f"{path}:{begins}", hint=hint) from None


def _body(sheet: Sheet) -> Iterator[tuple[int, list[str]]]:
    """Return the rows of data, each as wide as the first row."""
    found = _rows(sheet.path, sheet.delimiter, sheet.quoted, len(sheet.columns))
    return found if sheet.headless else islice(found, 1, None)


def _long(sheet: Sheet, roles: Roles) -> Iterator[Entry]:
    at = {name: index for index, name in enumerate(sheet.columns)}
    shown, answer = at[roles.text or roles.item], at[roles.values[0]]
    parts = [at[name] for name in roles.names]
    part, joined = parts[0], len(parts) > 1
    by, identifier, time = (at.get(name or "", -1) for name in (roles.by, roles.id, roles.at))
    key = [(column.name, at[column.column]) for column in roles.key]
    rest = [(name, index) for name, index in at.items() if name not in roles.used]
    for line, cells in _body(sheet):
        cells.append("")  # what a column that is not there holds: its index is -1
        yield (
            line,
            tables.together([cells[index] for index in parts]) if joined else cells[part],
            cells[shown],
            {name: cells[index] for name, index in key} if key else None,
            cells[by],
            cells[identifier],
            cells[time],
            (cells[answer],),
            {name: cells[index] for name, index in rest if cells[index]} if rest else {},
        )


def _opened(sheet: Sheet, roles: Roles) -> Callable[[], Iterator[Entry]]:
    at = {name: index for index, name in enumerate(sheet.columns)}
    rest = [Column(name, name) for name in at if name not in roles.used]

    def entries() -> Iterator[Entry]:
        for line, cells in _body(sheet):
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
