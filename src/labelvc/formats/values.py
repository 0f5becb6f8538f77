"""Answers in cells: how one cell of a table, or one JSON value, becomes the `value` of a record, and back."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from labelvc.codec import canonical
from labelvc.errors import DataError
from labelvc.model.project import Task, Taxonomy

SEPARATOR = "|"
"""Between the labels of a set in one cell."""

SAFE_PATH = re.compile(r"(?!/)(?!.*(?:^|/)\.\.(?:/|$))[^\x00-\x1f\x7f]+")
"""A path that stays inside the dataset's media folder (item.v1.json)."""

Value = dict[str, Any]
Reader = Callable[[Any], Value | None]

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_SIMPLE = {"score": "score", "label": "label", "labels": "labels", "text": "text"}
_REMEMBERED = 4096
_SHORT = 64


def names(taxonomy: Taxonomy | None) -> dict[str, str]:
    """Return what a source may call a label, to the label's id: the id itself, else a name that only one label has, else an alias."""
    labels = taxonomy.labels if taxonomy else ()
    called: dict[str, str] = {}
    twice: set[str] = set()
    for label in labels:
        twice.update({label.name} & called.keys())
        called[label.name] = label.id
    known = {name: identifier for name, identifier in called.items() if name and name not in twice}
    aliases = {alias: label.id for label in labels for alias in label.aliases}
    return {**aliases, **known, **{label.id: label.id for label in labels}}


def number(text: str) -> int | float:
    """Read a number as it stands in tables: digits with an optional point and exponent, blanks around it.

    Raises:
        DataError: it is no number, or one beyond 2^53-1; the text itself is not repeated.
    """
    bare = text.strip()
    if not _NUMBER.fullmatch(bare):
        raise DataError("the cell is no number", hint="write digits with a point, as in -1.5")
    found: int | float = int(bare) if bare.lstrip("+-").isdecimal() else float(bare)
    canonical.encode(found)
    return int(found) if found == int(found) else found


def from_cell(asked: Task, taxonomy: Taxonomy | None) -> Reader:
    """Return the function that reads one cell of text.

    Args:
        asked: the task; `score`, `label`, `labels` (separated by `|`) and `text` are written plainly, other types
            as a JSON object. A JSON object of the task's own member, or `{"empty":true}`, is accepted everywhere.
        taxonomy: where labels are looked up.

    Returns:
        Function of a cell that returns a value, or None for an empty cell (for every type but `text`, blanks are empty).
        It raises DataError without repeating the cell.
    """
    read = _plain(asked, taxonomy)
    member = _SIMPLE.get(asked.type)
    remembered: dict[str, Value] = {}

    def cell(text: str) -> Value | None:
        found = remembered.get(text)
        if found is not None:
            return found.copy()
        found = fresh(text)
        if found is not None and len(remembered) < _REMEMBERED and len(text) < _SHORT and member in ("score", "label"):
            remembered[text] = found.copy()
        return found

    def fresh(text: str) -> Value | None:
        if text[:1] == "{":
            found = _object(text, member)
            if found is not None:
                return found
        return read(text) if text and not text.isspace() else _blank(text, member)

    return cell


def from_json(asked: Task, taxonomy: Taxonomy | None) -> Reader:
    """Return the function that reads one JSON value: a number, a label, a list of labels, a text, or a whole `value` object."""
    called = names(taxonomy)
    member = _SIMPLE.get(asked.type)

    def value(found: Any) -> Value | None:
        if found is None or (found == "" and member != "text"):
            return None
        if isinstance(found, dict):
            return found
        if member == "score" and isinstance(found, int | float) and not isinstance(found, bool):
            return {"score": found}
        if member == "label" and isinstance(found, str | int | bool):
            label = found if isinstance(found, str) else canonical.encode(found).decode()
            return {"label": called.get(label, label)}
        if member == "labels" and isinstance(found, list) and all(isinstance(label, str) for label in found):
            return {"labels": sorted({called.get(label, label) for label in found})}
        if member == "text" and isinstance(found, str):
            return {"text": found}
        raise DataError(
            f"a {_kind(found)} is no answer to a task of type {asked.type}", hint="name another field: --value FIELD"
        )

    return value


def to_cell(asked: Task) -> Callable[[Mapping[str, Any]], str]:
    """Return the function that writes a value so that `from_cell` reads it back: plainly where that is possible, else as JSON."""
    back = from_cell(asked, None)
    member = _SIMPLE.get(asked.type, "")
    remembered: dict[Any, str] = {}

    def cell(value: Mapping[str, Any]) -> str:
        plain = value.get(member)
        if type(plain) not in (str, int) or len(value) > 1:
            return fresh(value)
        found = remembered.get(plain)
        if found is None:
            found = fresh(value)
            if len(remembered) < _REMEMBERED:
                remembered[plain] = found
        return found

    def fresh(value: Mapping[str, Any]) -> str:
        plain = value.get(member)
        if isinstance(plain, list) and all(isinstance(label, str) for label in plain):
            plain = SEPARATOR.join(plain)
        if isinstance(plain, int | float) and not isinstance(plain, bool):
            plain = canonical.encode(plain).decode()
        if isinstance(plain, str) and plain and _same(back, plain, value):
            return plain
        return canonical.encode(dict(value)).decode()

    return cell


def _plain(asked: Task, taxonomy: Taxonomy | None) -> Callable[[str], Value | None]:
    called = names(taxonomy)

    def labels(text: str) -> Value:
        found = [label.strip() for label in text.split(SEPARATOR)]
        return {"labels": sorted({called.get(label, label) for label in found if label})}

    def other(text: str) -> Value:
        raise DataError(
            f"an answer of type {asked.type} is written as a JSON object",
            hint='for instance {"label":"cat","box":[0,0,9,9]}',
        )

    plain: dict[str, Callable[[str], Value | None]] = {
        "score": lambda text: {"score": number(text)},
        "label": lambda text: {"label": called.get(text, text)},
        "labels": labels,
        "text": lambda text: {"text": text},
    }
    return plain.get(asked.type, other)


def _object(text: str, member: str | None) -> Value | None:
    """Return the value that a cell spells as a JSON object, or None when it is plain text that begins with a brace."""
    try:
        found = canonical.decode(text)
    except DataError:
        if member is None:
            raise
        return None
    known = isinstance(found, dict) and (member is None or found == {"empty": True} or found.keys() == {member})
    return found if known else None


def _blank(text: str, member: str | None) -> Value | None:
    return {"text": text} if text and member == "text" else None


def _same(back: Reader, plain: str, value: Mapping[str, Any]) -> bool:
    try:
        return back(plain) == value
    except DataError:
        return False


def _kind(found: Any) -> str:
    return {str: "text", bool: "truth value", list: "list", dict: "object"}.get(type(found), "number")
