"""Rows of CSV and TSV: cells as the standard library's reader finds them, one row at a time or many column by column."""

from __future__ import annotations

import csv
import io
from collections.abc import Generator, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Literal, NamedTuple, Self

from labelvc.errors import DataError
from labelvc.formats import block, source

# the module's own limit of 128 KB is below real texts; lines beyond 16 MiB are refused by source.prove
csv.field_size_limit(source.LONGEST)


_ENDS = (b"\n", b"\r")


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


class Cells(NamedTuple):
    """Rows of data, each as wide as the first row.

    Attributes:
        numbers: lines they begin at.
        columns: of each column the cells, in UTF-8.
        plain: as for `labelvc.formats.block.Columns`.
    """

    numbers: Sequence[int]
    columns: Sequence[Sequence[bytes]]
    plain: bool


def rows(path: Path, delimiter: str, quoted: bool, width: int = 0) -> Iterator[tuple[int, list[str]]]:
    """Yield (line a row begins at, cells); empty lines are no rows.

    Args:
        path: the file.
        delimiter: between cells.
        quoted: whether `"` quotes.
        width: refuse a row that has another; 0 for any.

    Raises:
        DataError: the row has another width, or cannot be read.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from _parsed(file, Sheet(path, delimiter, quoted, ("",) * width, headless=True), 1)


def body(sheet: Sheet) -> Iterator[tuple[int, list[str]]]:
    """Return the rows of data, each as wide as the first row."""
    found = rows(sheet.path, sheet.delimiter, sheet.quoted, len(sheet.columns))
    return found if sheet.headless else islice(found, 1, None)


def cells(sheet: Sheet) -> Iterator[Cells]:
    """Yield the rows of data, some hundred at a time.

    Raises:
        DataError: as for `rows`; the rows before that one have been yielded.
    """
    head = not sheet.headless
    for numbers, columns, plain in _blocks(sheet):
        found = Cells(numbers[head:], [column[head:] for column in columns], plain)
        head = False
        if found.numbers:
            yield found


def _parsed(lines: Iterable[str], sheet: Sheet, begins: int) -> Iterator[tuple[int, list[str]]]:
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if sheet.quoted else csv.QUOTE_NONE
    reader = csv.reader(lines, delimiter=sheet.delimiter, quoting=quoting, strict=True)
    first, width = begins, len(sheet.columns)
    try:
        for found in reader:
            if len(found) != width and width and found:
                raise DataError(
                    f"the row has {len(found)} cells, the first row has {width}", where=f"{sheet.path}:{begins}"
                )
            if found:
                yield begins, found
            begins = first + reader.line_num
    except csv.Error as error:
        said, hint = f"the row cannot be read: {error}", "a quotation mark inside a quoted cell is written twice"
        if "field limit" in str(error):
            said, hint = "a cell is longer than 16 MiB", "is its quotation mark closed? a cell is one answer or text"
        raise DataError(said, where=f"{sheet.path}:{begins}", hint=hint) from None


def _blocks(sheet: Sheet) -> Iterator[Cells]:
    """Yield all rows. Lines that are cut at their delimiters cost a third of what the standard library's reader takes."""
    line = 1
    with block.begin(sheet.path) as file:
        while chunk := block.lines(file, *_ENDS):
            found = _cut(chunk, sheet, line)
            if found is None:
                line = yield from _read(chunk, file, sheet, line)
            else:
                yield found
                line += len(found.numbers)


def _cut(chunk: bytes, sheet: Sheet, line: int) -> Cells | None:
    """Cut lines at their delimiters; None where the reader might see it otherwise."""
    if b"\r" in chunk:
        chunk = chunk.replace(b"\r\n", b"\n")
    if b"\r" in chunk or (sheet.quoted and b'"' in chunk):
        return None
    chunk = chunk.removesuffix(b"\n")
    mark, width = sheet.delimiter.encode(), len(sheet.columns)
    # a delimiter before each line end: then line ends must begin the rows, each but the first, and no other cell
    flat = chunk.replace(b"\n", mark + b"\n").split(mark)
    first = b"".join(flat[::width]).split(b"\n")
    if len(first) * width != len(flat) or len(first) != chunk.count(b"\n") + 1 or (width == 1 and b"" in first):
        return None
    columns: list[Sequence[bytes]] = [first, *[flat[at::width] for at in range(1, width)]]
    return Cells(range(line, line + len(first)), columns, block.plain(chunk, len(first) - 1))


def _read(chunk: bytes, file: IO[bytes], sheet: Sheet, line: int) -> Generator[Cells, None, int]:
    """Yield the rows of some lines, the last of which may go on in the file; return the line after."""
    numbers: list[int] = []
    found: list[list[str]] = []
    lines, trouble = _Lines(chunk, file), None
    try:
        for number, row in _parsed(lines, sheet, line):
            numbers.append(number)
            found.append(row)
            if not lines.waiting:
                break
    except DataError as error:
        trouble = error
    if found:
        columns = [list(map(str.encode, column)) for column in zip(*found, strict=True)]
        yield Cells(numbers, columns, plain=False)
    if trouble is not None:
        raise trouble
    return line + lines.count


class _Lines:
    """Lines of some bytes, then of a file, as a text file gives them that was opened with `newline=""`.

    Attributes:
        waiting: those that were looked at and not given out yet, the last one first.
        count: how many were given out.
    """

    def __init__(self, chunk: bytes, file: IO[bytes]) -> None:
        self._file, self.count = file, 0
        self.waiting = self._apart(chunk)

    def __iter__(self) -> Self:
        """Return itself."""
        return self

    def __next__(self) -> str:
        """Return the next line."""
        if not self.waiting:
            self.waiting = self._apart(block.lines(self._file, *_ENDS))
        if not self.waiting:
            raise StopIteration
        self.count += 1
        return self.waiting.pop()

    @staticmethod
    def _apart(data: bytes) -> list[str]:
        return list(io.StringIO(data.decode(), newline=""))[::-1]
