"""Blocks: a source a few hundred rows at a time; of a regular table column by column, which is the quick way into lines.

A block is what its rows are. Its columns say the same about an ordinary table; who cannot make lines of them, or finds
anything in them that is wrong, goes by the rows, which tell where (tests/formats/test_blocks.py holds both equal).
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

from labelvc.formats.interface import Format, Plan, Row

CHUNK = 1 << 17
"""About how many bytes of a file make a block."""

_MARKED = bytes([*range(32), *b'"\\\x7f'])


class Extra(NamedTuple):
    """Cells of a column that plays no part, in UTF-8.

    Attributes:
        cells: the cells.
        json: they are canonical JSON values; else texts.
    """

    cells: Sequence[bytes]
    json: bool = False


class Columns(NamedTuple):
    """Rows of a long table, column by column; see `labelvc.formats.tables.Entry` for what each part is.

    Attributes:
        numbers: lines that the rows begin at.
        names: texts that name the items.
        shown: texts that show them.
        natural: the parts of the key by name; empty when the person named none.
        by, ids, at: texts; empty where a row has none.
        answers: cells, for `value`.
        value: reads one of them.
        extra: all other cells, by column.
        space: name under `ext` for them.
        sparse: an empty cell of `extra` is no cell.
        prefix: as for `labelvc.formats.tables.Origin`.
        plain: no text holds a control character, a quotation mark or a backslash.
    """

    numbers: Sequence[int]
    names: Sequence[bytes]
    shown: Sequence[bytes]
    natural: Mapping[str, Sequence[bytes]]
    by: Sequence[bytes]
    ids: Sequence[bytes]
    at: Sequence[bytes]
    answers: Sequence[bytes]
    value: Callable[[bytes], dict[str, Any] | None]
    extra: Mapping[str, Extra]
    space: str
    sparse: bool
    prefix: str
    plain: bool


class Block(NamedTuple):
    """Some rows of a source.

    Attributes:
        rows: yields them, as `Format.read` does; blocks are asked in their order, each once at most.
        columns: the same column by column; None when there are only rows.
    """

    rows: Callable[[], Iterator[Row]]
    columns: Columns | None = None


def of(form: Format, source: Path, plan: Plan) -> Iterator[Block]:
    """Yield the blocks of a source; a format that knows nothing of blocks has one, of all its rows.

    Raises:
        DataError: as for `Format.read`.
    """
    blocks: Callable[[Path, Plan], Iterator[Block]] | None = getattr(form, "blocks", None)
    if blocks is None:
        yield Block(lambda: form.read(source, plan))
    else:
        yield from blocks(source, plan)


def lines(file: IO[bytes], *ends: bytes) -> bytes:
    """Return the next lines of a file, whole ones, about `CHUNK` bytes; nothing at its end.

    Args:
        file: its place is behind them then.
        ends: what ends a line, the likeliest first.
    """
    data = b""
    while more := file.read(CHUNK):
        data += more
        if len(more) < CHUNK:
            break
        # CR LF may have been cut in two
        found = (data.rfind(end, 0, len(data) - (end == b"\r")) + 1 for end in ends)
        cut = next(filter(None, found), 0)
        if cut:
            file.seek(cut - len(data), io.SEEK_CUR)
            return data[:cut]
    return data


def begin(path: Path) -> IO[bytes]:
    """Open a file of text behind its byte order mark."""
    file = path.open("rb")
    if file.read(len(codecs.BOM_UTF8)) != codecs.BOM_UTF8:
        file.seek(0)
    return file


def plain(data: bytes, ends: int) -> bool:
    """Tell whether bytes hold no control character, quotation mark or backslash but so many line ends."""
    return len(data.translate(None, _MARKED)) + ends == len(data)
