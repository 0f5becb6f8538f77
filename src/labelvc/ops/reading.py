"""Reading: rows of a format become canonical lines, plain values of sensitive fields tokens on the way."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NoReturn

from labelvc.codec import canonical
from labelvc.core import protection
from labelvc.core.expect import versions_of
from labelvc.errors import DataError
from labelvc.formats.block import Block, Columns
from labelvc.formats.interface import Row
from labelvc.model import jsonpointer
from labelvc.model.names import Layer
from labelvc.model.project import Dataset, Project
from labelvc.ops.fitting import MisfitError
from labelvc.ops.incoming import ITEM, RECORD, UNNAMED, Incoming, TwiceError
from labelvc.ops.tabled import Tabled
from labelvc.ops.tokens import Tokens

_TOLD = 256  # rows at once
_TABLES = ("csv", "jsonl")  # whose other columns are the person's own; the `ext` of other formats is of their making
_TWICE = {
    "items": "choose another --key",
    "annotations": "give each answer of an item another id in the source, or rename the column to have lines as ids",
}


class Reading:
    """Turns a format's rows into canonical lines, and keeps what was seen on the way.

    Attributes:
        labels: taxonomy to label to number of records.
        natural: names of the fields of natural keys.
        riders: pointers to columns of tables that play no part, to their layer.
        about: what the source says of the dataset as a whole, by format.
    """

    def __init__(self, project: Project, dataset: Dataset, task: str, tool: str, tokens: Tokens) -> None:
        self._dataset, self._task, self._tool, self._tokens = dataset, task, tool, tokens
        versions = {name: versions_of(project, asked) for name, asked in project.tasks.items()}
        self._under = {name: known[-1] for name, known in versions.items() if known}
        self._taxonomies = {name: asked.taxonomy or "" for name, asked in project.tasks.items()}
        self.labels: dict[str, Counter[str]] = defaultdict(Counter)
        self.natural: dict[str, None] = {}
        self.riders: dict[str, Layer] = {}
        self.about: dict[str, Any] = {}
        self._origin = {"tool": tool}
        self._bound = False
        self._noted: dict[Layer, set[str]] = {"items": set(), "annotations": set()}
        under = {"under": self._under[task]} if task in self._under else {}
        self._tabled = Tabled(tokens, {"origin": self._origin, "rev": 1, "task": task, **under}, _said)

    def into(self, incoming: Incoming, blocks: Iterable[Block], advance: Callable[[int], None]) -> None:
        """Set the lines of a source aside.

        Args:
            incoming: takes the lines.
            blocks: the source.
            advance: called with the number of lines since the last call.

        Raises:
            DataError: a row cannot be stored; says where.
            OSError: the disk of temporary files is full.
        """
        for rows, columns in blocks:
            if columns is None or not self._at_once(incoming, columns, advance):
                self._one_by_one(incoming, rows(), advance)

    def assumed(self) -> Mapping[str, str]:
        """Return the version of the guideline that records of each task were given; none where the source names versions."""
        return {} if self._bound else self._under

    def keep(self, more: Iterable[tuple[str, dict[str, Any]]] = ()) -> int:
        """Keep what the vault must know of the values that were replaced, and of more; return how many rows are new to it."""
        return self._tokens.keep(more)

    def _one_by_one(self, incoming: Incoming, rows: Iterable[Row], advance: Callable[[int], None]) -> None:
        number = 0
        for kind, key, raw, _ in self.lines(rows):
            incoming.add(kind, key[0], raw)
            number += 1
            if number == _TOLD:
                advance(number)
                number = 0
        advance(number)

    def _at_once(self, incoming: Incoming, columns: Columns, advance: Callable[[int], None]) -> bool:
        """Set the lines of columns aside; False where their rows must be asked."""
        found = self._tabled.lines(columns)
        if found is None:
            return False
        self.natural.update(dict.fromkeys(columns.natural))
        self._ride("annotations", found.riders)
        if self._taxonomies[self._task]:
            self.labels[self._taxonomies[self._task]].update(found.labels)
        parts: list[int] = []
        for at, (kind, items, lines) in enumerate(found.lines):
            if not at or items is not found.lines[0][1]:
                parts = incoming.parts(items)
            incoming.extend(kind, parts, lines)
            advance(len(lines))
        return True

    def refuse(self, rows: Iterable[Row], error: TwiceError | MisfitError) -> NoReturn:
        """Read a source again up to the line that cannot go on, and refuse it.

        Raises:
            DataError: of two rows of one key that differ, of a label that does not fit; says where.
            RefusedError: of personal data that cannot be replaced; says where.
        """
        if isinstance(error, TwiceError):
            self._refuse_twice(rows, error)
        said = error.error
        where = next((place for _, _, raw, place in self.lines(rows) if raw == error.raw), "")
        raise type(said)(said.message, where=where, hint=said.hint)

    def _refuse_twice(self, rows: Iterable[Row], twice: TwiceError) -> NoReturn:
        """Read a source again up to the second of two rows that differ under one key, and refuse it.

        Raises:
            DataError: two rows of one key differ; says where.
        """
        first, where = None, ""
        for kind, (item, name), raw, place in self.lines(rows):
            if (kind == ITEM) == (twice.layer == "items") and (item, name) == (twice.key.item, twice.key.id):
                first, where = first or raw, place
                if raw != first:
                    break
        hint = _TWICE[twice.layer]
        raise DataError(f"two {twice.layer} of the source have the key {twice.key}", where=where, hint=hint)

    def lines(self, rows: Iterable[Row]) -> Iterator[tuple[int, tuple[str, str], bytes, str]]:
        """Yield what each row is (`Incoming.add`), item and id, the canonical line, and the place in the source.

        Raises:
            DataError: a row cannot be stored; says where.
        """
        riding, protect = self._tool in _TABLES, self._tokens.protect
        for row in rows:
            layer, fields, where = row
            if layer == "dataset":
                self.about.update(fields.get("ext", {}))
                continue
            try:
                protect(layer, fields)
                if layer == "items":
                    yield ITEM, (_text(row, "id"), ""), self._item(row), where
                else:
                    item, name = _text(row, "item"), _text(row, "id") if "id" in fields else ""
                    yield RECORD if name else UNNAMED, (item, name), self._record(row), where
            except DataError as error:
                raise DataError(error.message, where=error.where or where, hint=error.hint) from None
            if riding and "ext" in fields:
                self._note_riders(row)

    def _note_riders(self, row: Row) -> None:
        """Take down which columns of a table are stored beside the answers as they stand."""
        columns = row.fields.get("ext", {}).get(self._tool)
        if row.layer == "dataset" or not isinstance(columns, dict):  # a declared field may be all of them together
            return
        if not columns.keys() <= self._noted[row.layer]:
            self._ride(row.layer, columns)

    def _ride(self, layer: Layer, columns: Iterable[str]) -> None:
        for name in [name for name in columns if name not in self._noted[layer]]:
            pointer = f"/ext/{self._tool}/{jsonpointer.escaped(name)}"
            if protection.declared(self._dataset.sensitive, layer, pointer) is None:
                self.riders[pointer] = layer
        self._noted[layer].update(columns)

    def _item(self, row: Row) -> bytes:
        natural = row.fields.get("natural")
        if natural and natural.keys() - self.natural.keys():
            self.natural.update(dict.fromkeys(natural))
        return canonical.encode(row.fields, canonical.ITEM_FIRST)

    def _record(self, row: Row) -> bytes:
        fields = row.fields
        gone = "gone" in fields
        if not gone and "task" not in fields:  # a record that names its task is labelvc's own
            fields.setdefault("origin", self._origin)
        task = fields.setdefault("task", self._task)
        fields["rev"] = 1
        value = fields.get("value")
        if type(task) is str:
            self._bound |= "under" in fields
            if not gone and task in self._under:
                fields.setdefault("under", self._under[task])
            owner = self._taxonomies.get(task)
            if owner and type(value) is dict:
                counted = self.labels[owner]
                for label in _said(value):
                    counted[label] += 1
        return canonical.encode(fields, canonical.RECORD_FIRST)


def _said(value: Mapping[str, Any]) -> Iterable[str]:
    """Return the labels that a value names: one, several, those that share a whole, or an order of them."""
    label = value.get("label")
    if type(label) is str:
        return (label,)
    several = [value.get(name) for name in ("labels", "soft", "ranking")]
    return {
        label for labels in several if isinstance(labels, list | dict) for label in labels if isinstance(label, str)
    }


def _text(row: Row, name: str) -> str:
    value = row.fields.get(name)
    if type(value) is not str or not value:
        raise DataError(
            f"the {name} of a row is empty or no text", where=row.where, hint="name another column with --item or --key"
        )
    if "#" in value and name == "id" and row.layer == "annotations":
        raise DataError("the id of a record may not hold #", where=row.where, hint="choose another --key")
    return value
