"""Flat rows: items and records as columns that any reader of tables takes, one set of columns a task."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from labelvc.model.project import Dataset, Task, TaskType

Kind = Literal["text", "label", "texts", "labels", "whole", "number", "numbers", "points", "truth"]
Row = dict[str, Any]
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Column(NamedTuple):
    """A column.

    Attributes:
        name: of the column.
        kind: what stands in it.
        about: what that is, for people.
    """

    name: str
    kind: Kind
    about: str


_RECORD = (
    Column("item", "text", "Id of the item."),
    Column("id", "text", "Name of the record within the item."),
    Column("rev", "whole", "How often the record was written."),
    Column("by", "text", "Pseudonym of who made it."),
    Column("at", "text", "When it was made, UTC."),
    Column("under", "text", "Guideline and version it was decided by."),
    Column("origin_tool", "text", "Tool it was made with."),
    Column("origin_model", "text", "Model that made it; a person where there is none."),
    Column("empty", "truth", "Whether it says that there is nothing."),
)
_LABEL = Column("label", "label", "Id of the label.")
_OUTLINE = Column("points", "points", "x and y of each point in pixels.")
_SHAPED = (_LABEL, _OUTLINE)
_VALUES: Mapping[TaskType, Sequence[Column]] = {
    "label": (_LABEL,),
    "labels": (Column("labels", "labels", "Ids of the labels, sorted."),),
    "soft": (
        Column("labels", "labels", "Ids of the labels, sorted."),
        Column("probabilities", "numbers", "Probability of each label, in their order."),
    ),
    "span": (
        _LABEL,
        Column("start", "whole", "First code point."),
        Column("end", "whole", "Code point behind the last."),
        Column("text", "text", "The item's text between them."),
    ),
    "box": (
        _LABEL,
        *(Column(name, "number", f"{name} of the box in pixels.") for name in ("x", "y", "width", "height")),
    ),
    "polygon": _SHAPED,
    "polyline": _SHAPED,
    "points": _SHAPED,
    "mask": (
        *_SHAPED,
        Column("rle_counts", "text", "Run lengths of the mask, as COCO writes them; a list as JSON."),
        Column("rle_height", "whole", "Height of the mask in pixels."),
        Column("rle_width", "whole", "Width of the mask in pixels."),
        Column("media", "text", "File that holds the mask."),
    ),
    "relation": (
        _LABEL,
        Column("from", "text", "Record it leads from."),
        Column("to", "text", "Record it leads to."),
    ),
    "text": (Column("text", "text", "The answer."),),
    "ranking": (Column("ranking", "texts", "Ids, the best first."),),
}
_ITEM = (
    Column("id", "text", "Id of the item."),
    Column("text", "text", "The text to label."),
    Column("media_path", "text", "File to label, relative to the dataset's media folder."),
    Column("media_width", "whole", "Its width in pixels."),
    Column("media_height", "whole", "Its height in pixels."),
    Column("source", "text", "Name of the source it comes from."),
    Column("licence", "text", "Its licence, where it has one of its own."),
)
_DECLARED: Mapping[str, Kind] = {"string": "text", "integer": "whole", "number": "number", "boolean": "truth"}


def columns(task: Task) -> tuple[Column, ...]:
    """Return the columns of the records of a task; `ext` has none: its content is other tools' affair."""
    return (*_RECORD, *_answers(task))


def row(task: Task, record: Mapping[str, Any]) -> Row:
    """Return a record as a row: every column of its task, None where the record says nothing."""
    origin = record.get("origin") or {}
    value = record.get("value") or {}
    said = {name: record.get(name) for name in ("item", "id", "rev", "by", "at", "under")}
    said |= {"origin_tool": origin.get("tool"), "origin_model": origin.get("model"), "empty": "empty" in value}
    return said | dict(zip([column.name for column in _answers(task)], _cells(task, value), strict=True))


def item_columns(dataset: Dataset) -> tuple[Column, ...]:
    """Return the columns of a dataset's items: the fixed ones, the natural key, and the declared fields."""
    return (*_ITEM, *(column for column, _, _ in _extra(dataset)))


def item_row(dataset: Dataset, item: Mapping[str, Any]) -> Row:
    """Return an item as a row: every column of its dataset's items, None where the item says nothing."""
    media = item.get("media") or {}
    said = {name: item.get(name) for name in ("id", "text", "source", "licence")}
    said |= {f"media_{name}": media.get(name) for name in ("path", "width", "height")}
    for column, place, name in _extra(dataset):
        value = (item.get("natural") or {}).get(name) if place == "natural" else item.get(name)
        said[column.name] = _plain(value) if column.kind == "text" else value
    return {column.name: said[column.name] for column in item_columns(dataset)}


def _answers(task: Task) -> tuple[Column, ...]:
    """Return the columns of a task's values; a field of a token with the name of another column is called `value_<name>`."""
    if task.type == "score":
        return (Column("score", "whole" if _whole(task) else "number", "The score."),)
    if task.type == "token":
        taken = {column.name for column in _RECORD}
        return tuple(
            Column(f"value_{name}" if name in taken else name, "text", f"Field {name} of the token.")
            for name in task.fields
        )
    return tuple(_VALUES[task.type])


def _cells(task: Task, value: Mapping[str, Any]) -> list[Any]:
    """Return a value cell by cell, in the order of `_answers`."""
    label = value.get("label")
    if task.type == "token":
        return [value.get(name) for name in task.fields]
    if task.type == "soft":
        soft = value.get("soft")
        return [sorted(soft), [soft[name] for name in sorted(soft)]] if soft else [None, None]
    if task.type == "span":
        return [label, *(value.get("span") or (None, None)), value.get("text")]
    if task.type == "box":
        return [label, *(value.get("box") or (None,) * 4)]
    if task.type in ("polygon", "polyline", "points", "mask"):
        outline = next((value[name] for name in ("polygon", "polyline", "points") if name in value), None)
        return [label, outline, *(_mask(value) if task.type == "mask" else ())]
    return [value.get(column.name) for column in _VALUES.get(task.type, _answers(task))]


def _mask(value: Mapping[str, Any]) -> list[Any]:
    rle = value.get("rle") or {}
    return [_plain(rle.get("counts")), *(rle.get("size") or (None, None)), value.get("media")]


def _extra(dataset: Dataset) -> Iterator[tuple[Column, str, str]]:
    """Yield the columns of the natural key and of declared fields, with where in the item they stand and under what name."""
    taken = {column.name for column in _ITEM}
    for pointer in dataset.natural_key:
        place, _, name = pointer.removeprefix("/").partition("/")
        if place == "natural" and _NAME.fullmatch(name):
            yield Column(f"natural_{name}", "text", f"{name} of the natural key, as the source gave it."), place, name
            taken.add(f"natural_{name}")
    for name, schema in dataset.item_fields.items():
        kind = _declared(schema)
        about = f"Declared field {name}." + (" What is no text is JSON." if kind == "text" else "")
        yield Column(f"field_{name}" if name in taken else name, kind, about), "item", name


def _declared(schema: Any) -> Kind:
    """Return the kind of a declared field by the `type` of its schema; anything else is text."""
    kind = schema.get("type") if isinstance(schema, Mapping) else None
    return _DECLARED.get(kind, "text") if isinstance(kind, str) else "text"


def _whole(task: Task) -> bool:
    return all(number is not None and float(number).is_integer() for number in (task.step, task.minimum))


def _plain(value: Any) -> Any:
    """Return a value as text: what is no text is JSON."""
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
