"""Tabled: blocks of a table become canonical lines column by column; one with anything out of the ordinary goes by its rows.

What comes out is what `Reading.lines` makes of the rows (tests/ops/test_tabled.py), at a fifth of its cost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import compress
from typing import Any, NamedTuple

from labelvc.codec import canonical, columns
from labelvc.codec.columns import Member
from labelvc.errors import DataError
from labelvc.formats.block import Columns, Extra
from labelvc.model import jsonpointer
from labelvc.ops.incoming import ITEM, RECORD, UNNAMED
from labelvc.ops.tokens import Tokens

_REMEMBERED = 1 << 14  # answers
_LONGEST_ITEM, _LONGEST_ID = 512, 256

Cells = Sequence[bytes]
Value = dict[str, Any]


class Found(NamedTuple):
    """What was made of a block.

    Attributes:
        lines: of items and of records: kind, items they are about, lines.
        labels: label to number of records.
        riders: names of `extra` that a record holds, in the order of the rows.
    """

    lines: list[tuple[int, Cells, Cells]]
    labels: Counter[str]
    riders: list[str]


class Tabled:
    """Makes lines of the blocks of one table.

    Args:
        tokens: replaces plain values.
        same: what all records have: name to value.
        labels: the labels that a value names.
    """

    def __init__(
        self, tokens: Tokens, same: Mapping[str, Any], labels: Callable[[dict[str, Any]], Iterable[str]]
    ) -> None:
        self._tokens = tokens
        self._same = {name: Member(canonical.encode(value)) for name, value in same.items()}
        self._labels = labels
        self._values: dict[Callable[[bytes], Any], _Values] = {}

    def lines(self, table: Columns) -> Found | None:
        """Return the lines of a block, or None where its rows must be asked.

        Args:
            table: its columns.

        Raises:
            TrustError: the pseudonym key is absent.
            ConfigurationError: the project has no active epoch.
        """
        try:
            items = self._items(table)
            return None if items is None else self._records(table, items)
        except DataError:
            return None  # the rows tell where

    def _items(self, table: Columns) -> tuple[int, Cells, Cells] | None:
        if not _are_names(table.names, _LONGEST_ITEM, plain=table.plain):
            return None
        natural = {name: f"/natural/{jsonpointer.escaped(name)}" for name in table.natural}
        shown = {"/id": table.names, "/text": table.shown}
        shown |= {pointer: table.natural[name] for name, pointer in natural.items()}
        if len(set(table.names)) < len(table.names):
            rows = dict.fromkeys(zip(*shown.values(), strict=True))
            shown = dict(zip(shown, map(list, zip(*rows, strict=True)), strict=True))
        if not self._tokens.replace("items", shown):
            return None
        inside = _insides(shown, plain=table.plain)
        count = len(shown["/id"])
        members = {name: Member(inside[f"/{name}"], text=True) for name in ("id", "text")}
        if natural:
            parts = {name: Member(inside[pointer], text=True) for name, pointer in natural.items()}
            members["natural"] = Member(columns.objects(parts, count))
        return ITEM, shown["/id"], columns.objects(members, count, canonical.ITEM_FIRST)

    def _records(self, table: Columns, items: tuple[int, Cells, Cells]) -> Found | None:
        values = self._values.setdefault(table.value, _Values(table.value, self._labels))
        answers = values.of(table.answers)
        if b"" in answers:
            table, answers = _kept(table, answers), list(filter(None, answers))
        ids = _ids(table)
        if ids is None:
            return None
        extra = {name: f"/ext/{table.space}/{jsonpointer.escaped(name)}" for name in table.extra}
        told = {"/item": table.names, "/id": ids, "/by": table.by, "/at": table.at}
        others = ["/value", *[pointer for name, pointer in extra.items() if table.extra[name].json]]
        told |= {pointer: table.extra[name].cells for name, pointer in extra.items() if pointer not in others}
        if not self._tokens.replace("annotations", told, others):
            return None
        inside = _insides(told, plain=table.plain)
        members = {name: Member(inside[f"/{name}"], text=True) for name in ("item", *(["id"] if any(ids) else []))}
        members |= {name: Member(inside[f"/{name}"], text=True, optional=True) for name in ("by", "at")}
        members |= {**self._same, "value": Member(answers)}
        if extra:
            rest = {
                name: Member(inside.get(pointer, table.extra[name].cells), not table.extra[name].json, table.sparse)
                for name, pointer in extra.items()
            }
            members["ext"] = _within(table.space, columns.objects(rest, len(answers)))
        lines = columns.objects(members, len(answers), canonical.RECORD_FIRST)
        kind = RECORD if "id" in members else UNNAMED
        return Found([items, (kind, told["/item"], lines)], values.count(table.answers), _riders(table))


class _Values(dict[bytes, bytes]):
    """Answers to canonical values, empty for one that is no record; remembers those it has seen lately."""

    def __init__(self, read: Callable[[bytes], Value | None], labels: Callable[[Value], Iterable[str]]) -> None:
        super().__init__()
        self._read, self._labels = read, labels
        self._said: dict[bytes, list[str]] = {}

    def of(self, answers: Cells) -> list[bytes]:
        """Return the values of answers."""
        if len(self) > _REMEMBERED:
            self.clear()
            self._said.clear()
        return list(map(self.__getitem__, answers))

    def count(self, answers: Cells) -> Counter[str]:
        """Count the labels that answers name, which `of` was asked for last."""
        found: Counter[str] = Counter()
        for cell, times in Counter(answers).items():
            for label in self._said[cell]:
                found[label] += times
        return found

    def __missing__(self, cell: bytes) -> bytes:
        value = self._read(cell)
        self[cell] = found = b"" if value is None else canonical.encode(value)
        self._said[cell] = [] if value is None else [*self._labels(value)]
        return found


def _are_names(texts: Cells, longest: int, *, plain: bool) -> bool:
    """Tell whether texts are certainly names: not empty, not long, no control characters."""
    if not texts:
        return True
    odd = not plain and (columns.controls(texts) or any(b"\x7f" in text for text in texts))
    return not odd and all(texts) and max(map(len, texts)) <= longest


def _ids(table: Columns) -> Cells | None:
    """Return the ids of records, all empty where only their content names them; None where that takes a closer look."""
    ids = table.ids
    if table.natural and not any(ids):
        return ids
    if b"" in ids:
        if table.natural:
            return None
        start = table.prefix.encode()
        ids = [cell or b"%bsource-%d" % (start, line) for cell, line in zip(ids, table.numbers, strict=True)]
    return None if b"#" in b"".join(ids) or not _are_names(ids, _LONGEST_ID, plain=table.plain) else ids


def _kept(table: Columns, answers: Cells) -> Columns:
    """Return the rows whose answer is one."""

    def kept(cells: Cells) -> Cells:
        return list(compress(cells, answers))

    return table._replace(
        numbers=list(compress(table.numbers, answers)),
        names=kept(table.names),
        shown=kept(table.shown),
        natural={name: kept(cells) for name, cells in table.natural.items()},
        by=kept(table.by),
        ids=kept(table.ids),
        at=kept(table.at),
        answers=kept(table.answers),
        extra={name: Extra(kept(cells), json) for name, (cells, json) in table.extra.items()},
    )


def _insides(texts: Mapping[str, Cells], *, plain: bool) -> Mapping[str, Cells]:
    return texts if plain else {pointer: columns.insides(cells) for pointer, cells in texts.items()}


def _within(space: str, objects: Cells) -> Member:
    """Return objects as the one member of others; an empty one is no object."""
    begin = b"{%b:" % canonical.encode(space)
    return Member([b"%b%b}" % (begin, one) if one != b"{}" else b"" for one in objects], optional=True)


def _riders(table: Columns) -> list[str]:
    first: dict[str, int] = {}
    for name, (cells, _) in table.extra.items():
        at = next((row for row, cell in enumerate(cells) if cell or not table.sparse), None)
        if at is not None:
            first[name] = at
    return sorted(first, key=first.__getitem__)
