"""Counts of changes by dataset, and by whatever else a person asks: label, annotator, task, field or slice."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from labelvc.core.diff import Comparison, answer
from labelvc.model.names import Key

Grouping = Literal["label", "annotator", "task", "field", "slice"]
GROUPINGS: Sequence[Grouping] = ("label", "annotator", "task", "field", "slice")
COLUMNS: Mapping[str, Sequence[str]] = {
    "dataset": ("changed", "added", "removed", "touched", "items", "documents"),
    "label": ("from", "to", "added", "removed", "same"),
    "annotator": ("changed", "added", "removed", "touched"),
    "task": ("changed", "added", "removed", "touched"),
    "field": ("changed", "added", "removed"),
    "slice": ("changed", "added", "removed", "touched"),
}
"""What is counted in each table. Of a label: records that left it, came to it, are new or gone, or changed in something else."""
NOBODY, NO_SLICE, NO_LABEL, FREE_TEXT = "(nobody)", "(no slice)", "(no label)", "(free text)"
PROJECT = "(project)"
Rows = dict[str, Counter[str]]
_Rows = Callable[[Comparison, Key], Iterable[tuple[str, str]]]


class Counts:
    """Running tables over a stream of changes.

    Args:
        by: the tables wanted besides the one by dataset.
        slices_of: from a change to the slices its item belongs to, `genre=news`; asked only for the table by slice.
    """

    def __init__(
        self, by: Iterable[Grouping] = (), slices_of: Callable[[Comparison], Sequence[str]] = lambda _: ()
    ) -> None:
        self._slices_of = slices_of
        known: dict[Grouping, _Rows] = {**_ROWS, "slice": self._slices}
        self._rows = {name: known[name] for name in by}
        self._tables: dict[str, Rows] = {name: defaultdict(Counter) for name in ("dataset", *self._rows)}

    def add(self, seen: Comparison) -> None:
        """Count one change."""
        if seen.kind == "mechanical":
            return
        dataset, column = _home(seen)
        self._tables["dataset"][dataset][column] += 1
        key = seen.delta.key
        if isinstance(key, str):
            return
        for name, rows in self._rows.items():
            table = self._tables[name]
            for row, where in rows(seen, key):
                table[row][where] += 1

    def counted(self, changes: Iterable[Comparison]) -> Iterator[Comparison]:
        """Yield changes as they come, each counted."""
        for seen in changes:
            self.add(seen)
            yield seen

    def tables(self) -> dict[str, Rows]:
        """Return the tables: name to row to column to number, rows with the largest counts first."""
        return {
            name: dict(sorted(rows.items(), key=lambda row: (-sum(row[1].values()), row[0])))
            for name, rows in self._tables.items()
        }

    def _slices(self, seen: Comparison, key: Key) -> Iterable[tuple[str, str]]:
        return [(row, seen.kind) for row in self._slices_of(seen) or (NO_SLICE,)] if key.id else ()


def _home(seen: Comparison) -> tuple[str, str]:
    key = seen.delta.key
    if isinstance(key, str):
        parts = key.split("/")
        return parts[1] if parts[0] == "datasets" and len(parts) > 2 else PROJECT, "documents"
    return key.dataset, seen.kind if key.id else "items"


def _fields(seen: Comparison, key: Key) -> Iterable[tuple[str, str]]:
    if seen.kind in ("added", "removed"):
        return [("(whole record)" if key.id else "(whole item)", seen.kind)]
    return [(pointer if key.id else f"item {pointer}", "changed") for pointer in seen.fields]


def _member(name: str) -> _Rows:
    def rows(seen: Comparison, key: Key) -> Iterable[tuple[str, str]]:
        said = seen.new.get(name, seen.old.get(name))
        return [(str(NOBODY if said is None else said), seen.kind)] if key.id else ()

    return rows


def label_of(fields: Mapping[str, Any]) -> str:
    """Return the answer of a record; free text is no label, and there would be a row for each."""
    value = fields.get("value")
    if isinstance(value, dict) and "text" in value and "label" not in value:
        return FREE_TEXT
    return answer(fields) or NO_LABEL


def _labels(seen: Comparison, key: Key) -> Iterable[tuple[str, str]]:
    if not key.id:
        return ()
    before, after = label_of(seen.old), label_of(seen.new)
    if seen.kind in ("added", "removed"):
        return [(after if seen.kind == "added" else before, seen.kind)]
    return [(after, "same")] if before == after else [(before, "from"), (after, "to")]


_ROWS: Mapping[Grouping, _Rows] = {
    "label": _labels,
    "annotator": _member("by"),
    "task": _member("task"),
    "field": _fields,
}
"""What gives the rows and columns of a table in which a change counts."""
