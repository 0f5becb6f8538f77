"""A table of answers, whatever file it stands in: who said what about which item, one answer a row or one item a row.

Rules of identity, the same for every table (docs/formats/interchange.md):
an item is called by its key when that can be a name, else `source-<line>`; an answer in a row of its own is called by the
column `id` when there is one, else `source-<line>`, or, where a key was given, by nothing, so that it is found by its
content; the n-th answer in the row of an item is called `r<n>`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from labelvc import digests
from labelvc.errors import DataError
from labelvc.formats.interface import Plan, Row
from labelvc.formats.values import Reader
from labelvc.spill import Spill

ITEM = ("item", "item_id", "task", "id", "text")
BY = ("by", "annotator", "annotator_id", "worker", "worker_id", "rater", "user")
VALUE = ("value", "label", "labels", "score", "rating", "answer")
TEXT, ID, AT = "text", "id", "at"

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LONGEST_ITEM = 512
_LONGEST_ID = 256
_SAMPLE = 20
_KNOWN = 1 << 15  # items; one that comes again much later is read as an item again, and is equal
_PARTS, _WEIGHT = 256, 60


class Column(NamedTuple):
    """A column under the name that records know it by (`word=1` calls column `1` a word)."""

    name: str
    column: str


class Roles(NamedTuple):
    """Which column plays which part.

    Attributes:
        item: names the item, and shows it when there is no `text`.
        text: shows the item.
        key: names the item instead of `item`, and is kept as `natural`; empty when the person named no key.
        by: says who answered; None when the table does not say.
        values: hold the answers: one column, or in a wide table one an annotator.
        listed: the one value column of a wide table holds a list of answers.
        id, at: name and time of an answer, in a long table.
    """

    item: str
    text: str | None
    key: tuple[Column, ...]
    by: str | None
    values: tuple[str, ...]
    listed: bool
    id: str | None
    at: str | None

    @property
    def used(self) -> set[str]:
        """Return all columns that play a part; the others ride along in `ext`."""
        named = {self.item, self.text, self.by, self.id, self.at, *self.values, *(column.column for column in self.key)}
        return {name for name in named if name is not None}

    @property
    def names(self) -> tuple[str, ...]:
        """Return the columns whose cells together name the item: the key, else the item."""
        return tuple(column.column for column in self.key) or (self.item,)

    @property
    def claims(self) -> bool:
        """Tell whether the source says that the names are names: a key was given, or something else shows the item."""
        return bool(self.key) or self.text is not None


Entry = tuple[int, str, str, dict[str, Any] | None, str, str, str, Sequence[Any], dict[str, Any]]
"""One row, its cells sorted by the part they play; a plain tuple, because a million of them are made:
line it begins at; what names the item; what shows it; the key as given, or None; who answered, id and time of the answer
(each empty when the row has none); cells that hold answers, in a wide table pairs (who, cell); all other cells by column.
"""


class Origin(NamedTuple):
    """Where rows come from.

    Attributes:
        name: of the file, for `where`.
        space: name under `ext` for the cells that play no part.
        prefix: before ids of records that the source does not give (`Plan.prefix`).
    """

    name: str
    space: str
    prefix: str = ""


def roles(plan: Plan, columns: Sequence[str], where: str) -> Roles:
    """Decide which column plays which part, from what the person named and from usual names.

    Args:
        plan: what the person named.
        columns: the columns there are.
        where: the source, for messages.

    Returns:
        The parts.

    Raises:
        DataError: a named column is not there, or none has a usual name; the message lists the columns.
    """
    item = _pick("item", plan.item, ITEM, columns, where)
    if item is None:
        raise _unknown("no column names the item", columns, where, "name it: --item COLUMN")
    text = TEXT if TEXT in columns and item != TEXT else None
    key = tuple(_key_column(name, columns, where) for name in plan.key)
    taken = {item, text, *(column.column for column in key)}
    if plan.layout == "wide":
        values = _wide_values(plan, columns, taken, where)
        return Roles(item, text, key, None, values, plan.value is not None and len(values) == 1, None, None)
    by = _pick("by", plan.by, [name for name in BY if name not in taken], columns, where)
    value = _pick("value", plan.value, [name for name in VALUE if name not in {*taken, by}], columns, where)
    if value is None:
        raise _unknown("no column holds the answer", columns, where, "name it: --value COLUMN")
    spare = {ID, AT} & set(columns) - taken - {by, value}
    return Roles(
        item, text, key, by, (value,), listed=False, id=ID if ID in spare else None, at=AT if AT in spare else None
    )


class Long:
    """A table whose rows are answers. Rows of one item may stand anywhere; an empty answer is no record, its row still names an item.

    Args:
        read: reader of one answer.
        origin: where rows come from.
    """

    def __init__(self, read: Reader, origin: Origin) -> None:
        self._read, self._origin = read, origin
        self._known: dict[str, tuple[str, str, int]] = {}
        self._unnameable: dict[bytes, tuple[int, bytes]] = {}

    def rows(self, entries: Iterable[Entry]) -> Iterator[Row]:
        """Yield an item when its first row comes, then its record.

        Args:
            entries: rows of the table, those before them given to an earlier call.

        Raises:
            DataError: a row names no item, an answer is not of the task's type, an id cannot be one, or one item is shown by
                two texts. An id used twice is left to the caller, who sees all keys.
        """
        source, space, prefix = self._origin
        known, read = self._known, self._read
        make = tuple.__new__  # Row(...) without the call of Row.__new__, which would be a tenth of the whole
        for line, name, text, natural, by, identifier, at, answers, extra in entries:
            where = f"{source}:{line}"
            found = known.get(name)
            if found is None:
                if len(known) >= _KNOWN:
                    known.clear()
                found = known[name] = self._first_seen(name, text, line, where)
                yield make(Row, ("items", _item(found[0], text, natural, {}, space), where))
            elif found[1] != text:
                raise _shown_otherwise(found[2], where)
            try:
                value = read(answers[0])
            except DataError as error:
                raise _located(error, where) from None
            if value is None:
                continue
            fields: dict[str, Any] = {"item": found[0], "value": value}
            if not natural:
                fields["id"] = f"{prefix}source-{line}"
            if identifier:
                fields["id"] = _named(identifier, where)
            if by:
                fields["by"] = by
            if at:
                fields["at"] = at
            if extra:
                fields["ext"] = {space: extra}
            yield make(Row, ("annotations", fields, where))

    def _first_seen(self, name: str, text: str, line: int, where: str) -> tuple[str, str, int]:
        """Return id, text and line of an item that is not among those seen last; it may have been seen long before."""
        if not name:
            raise DataError("the row names no item", where=where)
        if nameable(name):
            return name, text, line
        shown = _mark(text)
        first, was = self._unnameable.setdefault(_mark(name), (line, shown))
        if shown != was:
            raise _shown_otherwise(first, where)
        return f"source-{first}", text, first


def _shown_otherwise(line: int, where: str) -> DataError:
    return DataError(f"the row shows another text than line {line} does for the same item", where=where)


def wide(open_entries: Callable[[], Iterable[Entry]], read: Reader, claims: bool, origin: Origin) -> Iterator[Row]:
    """Yield the items and records of a table whose rows are items.

    The rows are read twice: only at the end is it known whether the names are unique.

    Args:
        open_entries: starts reading the rows.
        read: reader of one answer; an empty cell is no record.
        claims: whether names are meant as names; when not, or when two rows have one name, all ids are `source-<line>`.
        origin: where they come from.

    Yields:
        Each item, then its records `r01`, `r02` ... by the place of their column or in their list.

    Raises:
        DataError: an answer is not of the task's type.
    """
    source, space, prefix = origin
    named = claims and _all_unique(entry[1] for entry in open_entries())
    for line, name, text, natural, _, _, _, answers, extra in open_entries():
        where = f"{source}:{line}"
        item = name if named else f"source-{line}"
        yield Row("items", _item(item, text, natural, extra, space), where)
        for position, (who, answer) in enumerate(answers, 1):
            try:
                value = read(answer)
            except DataError as error:
                cure = f"if {who!r} holds no answers, name the columns that do: --value COL,COL"
                advice = error.hint if who == rater(position) else "; ".join(filter(None, (error.hint, cure)))
                raise DataError(error.message, where=error.where or where, hint=advice) from None
            if value is not None:
                yield Row(
                    "annotations", {"item": item, "id": f"{prefix}r{position:02}", "by": who, "value": value}, where
                )


def rater(position: int) -> str:
    """Return who the n-th of a list of answers is, when the source does not say: `rater-01`."""
    return f"rater-{position:02}"


def nameable(name: str) -> bool:
    """Tell whether a text can be an item's id: not empty, not beyond 512 characters, no control character (record.v1.json)."""
    return 0 < len(name) <= _LONGEST_ITEM and (name.isprintable() or not _CONTROL.search(name))


def together(parts: Sequence[str]) -> str:
    """Return the one name that several cells make together."""
    return parts[0] if len(parts) == 1 else "/".join(parts)


def listed(columns: Sequence[str]) -> str:
    """Return the columns as a message shows them: the first twenty."""
    shown = ", ".join(f"{name[:40]!r}" for name in columns[:_SAMPLE])
    return f"{shown} and {len(columns) - _SAMPLE} more" if len(columns) > _SAMPLE else shown


def _item(name: str, text: str, natural: Mapping[str, Any] | None, extra: dict[str, Any], space: str) -> dict[str, Any]:
    fields: dict[str, Any] = {"id": name, "text": text}
    if natural:
        fields["natural"] = natural
    if extra:
        fields["ext"] = {space: extra}
    return fields


def _located(error: DataError, where: str) -> DataError:
    return DataError(error.message, where=error.where or where, hint=error.hint)


def _named(identifier: str, where: str) -> str:
    if len(identifier) > _LONGEST_ID or "#" in identifier or _CONTROL.search(identifier):
        hint = "rename the column to keep it in ext"
        raise DataError("the column 'id' holds what cannot name a record", where=where, hint=hint)
    return identifier


def _all_unique(names: Iterable[str]) -> bool:
    with Spill(_PARTS) as marks:
        for name in names:
            if not nameable(name):
                return False
            mark = _mark(name)
            marks.add(mark[0], mark, _WEIGHT)
        return all(len(set(rows)) == len(rows) for rows in marks.all())


def _mark(text: str) -> bytes:
    """Return what stands for a text where a million of them must be told apart."""
    return bytes(digests.sha256(text.encode(errors="surrogatepass")).digest()[:16])


def _pick(part: str, wanted: str | None, usual: Sequence[str], columns: Sequence[str], where: str) -> str | None:
    if wanted is None:
        return next((name for name in usual if name in columns), None)
    if wanted not in columns:
        raise _unknown(f"there is no column {wanted!r}", columns, where, f"name another: --{part} COLUMN")
    return wanted


def _key_column(wanted: str, columns: Sequence[str], where: str) -> Column:
    if wanted in columns:
        return Column(wanted, wanted)
    name, mark, column = wanted.partition("=")
    if mark and name and column in columns:
        return Column(name, column)
    raise _unknown(f"there is no column {wanted!r}", columns, where, "name another: --key COLUMN")


def _wide_values(plan: Plan, columns: Sequence[str], taken: set[str | None], where: str) -> tuple[str, ...]:
    if plan.value is None:
        found = tuple(name for name in columns if name not in taken)
        if not found:
            raise _unknown(
                "no column is left to be an annotator", columns, where, "import a row a record: --layout long"
            )
        return found
    wanted = (plan.value,) if plan.value in columns else tuple(plan.value.split(","))
    for name in wanted:
        if name not in columns:
            raise _unknown(f"there is no column {name!r}", columns, where, "name others: --value COLUMN,COLUMN")
    return wanted


def _unknown(message: str, columns: Sequence[str], where: str, hint: str) -> DataError:
    return DataError(f"{message}; the columns are {listed(columns)}", where=where, hint=hint)
