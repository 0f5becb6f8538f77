"""Reading: rows of a format become canonical lines, plain values of sensitive fields tokens on the way."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, NoReturn

from labelvc.codec import canonical
from labelvc.core import pseudonym
from labelvc.core.expect import versions_of
from labelvc.errors import DataError
from labelvc.formats.interface import Row
from labelvc.model import jsonpointer
from labelvc.model.names import Layer
from labelvc.model.project import Dataset, Project, Sensitive
from labelvc.model.snapshot import Snapshot
from labelvc.ops import pseudonyms
from labelvc.ops.incoming import ITEM, RECORD, UNNAMED, Incoming, TwiceError
from labelvc.store import tree
from labelvc.store.git import Git

_LAYERS: tuple[Layer, ...] = ("items", "annotations")
_REMEMBERED = 1 << 16  # tokens
_TOLD = 256  # rows at once
_BY = Sensitive("/by", "person")
_TABLES = ("csv", "jsonl")  # whose other columns are the person's own; the `ext` of other formats is of their making
_TWICE = {
    "items": "choose another --key",
    "annotations": "give each answer of an item another id in the source, or rename the column to have lines as ids",
}


class Tokens:
    """Turns plain values of declared fields into tokens; the secret is looked for only when there is one to turn."""

    def __init__(self, git: Git, work: Snapshot, project: Project, dataset: Dataset) -> None:
        self._git, self._work, self._project = git, work, project
        fields = [*dataset.sensitive, _BY]
        made: dict[str, dict[str, str]] = {field.kind: {} for field in fields}
        self._fields = {
            layer: [(field.kind, *_steps(field.pointer), made[field.kind]) for field in fields if field.layer == layer]
            for layer in _LAYERS
        }

    def protect(self, layer: Layer, fields: dict[str, Any]) -> None:
        """Replace plain values by tokens.

        Raises:
            DataError: a value is empty once normalised; or an id is a value that was replaced, which would tell it.
        """
        plain: set[str] | None = None
        for kind, steps, last, made in self._fields[layer]:
            inside: Any = fields
            for step in steps:
                inside = inside.get(step) if isinstance(inside, dict) else None
            value = inside.get(last) if isinstance(inside, dict) else None
            if value is not None and value != "":
                text = value if type(value) is str else str(value)
                token = inside[last] = made.get(text) or self._token(kind, text, made)
                if token != text:
                    plain = plain or set()
                    plain.add(text)
        if plain is None:
            return
        told = [name for name in ("id", "item") if fields.get(name) in plain]
        if told:
            raise DataError(
                f"the {told[0]} is the plain value of a field that must hold a pseudonym",
                hint="choose another --key, or declare /id of items and /item of annotations as sensitive, of the same kind",
            )

    def _token(self, kind: str, value: str, made: dict[str, str]) -> str:
        if len(made) >= _REMEMBERED:
            made.clear()
        found = made[value] = value if pseudonym.is_token(value) else self._tokenise(kind, value)
        return found

    @cached_property
    def _tokenise(self) -> Callable[[str, str], str]:
        with tree.reader(self._git) as reader:
            secret = pseudonyms.active(self._git, self._work, reader)
        return pseudonyms.tokeniser(secret, self._project.id, self._project.domain)


def _steps(pointer: str) -> tuple[list[str], str]:
    """Return the names a JSON pointer (RFC 6901) goes through, and the last one."""
    *steps, last = jsonpointer.steps(pointer)
    return steps, last


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
        self._noted: dict[Layer, set[str]] = {"items": set(), "annotations": set()}
        self._declared = {(field.layer, field.pointer) for field in dataset.sensitive}

    def into(self, incoming: Incoming, rows: Iterable[Row], advance: Callable[[int], None] | None) -> None:
        """Set the lines of rows aside.

        Raises:
            DataError: a row cannot be stored; says where.
            OSError: the disk of temporary files is full.
        """
        add, number = incoming.add, 0
        for kind, key, raw, _ in self.lines(rows):
            add(kind, key[0], raw)
            number += 1
            if number == _TOLD and advance:
                advance(number)
                number = 0
        if advance:
            advance(number)

    def refuse_twice(self, rows: Iterable[Row], twice: TwiceError) -> NoReturn:
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
        if row.layer == "dataset" or not columns or columns.keys() <= self._noted[row.layer]:
            return
        for name in [name for name in columns if name not in self._noted[row.layer]]:
            pointer = f"/ext/{self._tool}/{jsonpointer.escaped(name)}"
            if (row.layer, pointer) not in self._declared:
                self.riders[pointer] = row.layer
        self._noted[row.layer].update(columns)

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
            if not gone and task in self._under:
                fields.setdefault("under", self._under[task])
            owner = self._taxonomies.get(task)
            if owner and type(value) is dict:
                counted, label = self.labels[owner], value.get("label")
                for one in (label,) if type(label) is str else _labels(value):
                    counted[one] += 1
        return canonical.encode(fields, canonical.RECORD_FIRST)


def _labels(value: Mapping[str, Any]) -> Iterable[str]:
    """Return the labels that a value names beside `label`: several, those that share a whole, or an order of them."""
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
