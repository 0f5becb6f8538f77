"""Parsing documents: YAML and schema together.

`labelvc.ops.project` loads this module only for a document it has not seen before, and this one what says in plain words
why a document is bad only for one that is.
"""

from __future__ import annotations

import importlib
from typing import Any

import msgspec

from labelvc.codec import document, epochs, published
from labelvc.core import baseline, lock, waivers
from labelvc.errors import DataError
from labelvc.model import jsonpointer
from labelvc.model.detection import Accepted
from labelvc.model.module import Pinned
from labelvc.model.parsed import Parsed, Trouble
from labelvc.model.waiver import Waiver

_MARKER = b"<<<<<<< "


def parse(noun: str, data: bytes) -> Parsed:
    """Read a document and hold it against its schema.

    Args:
        noun: its kind; `versions`, `baseline`, `waiver`, `lock` and `epoch` are files of canonical lines.
        data: its bytes.

    Returns:
        What it says and everything that is wrong with it; says nothing when it cannot be read.
    """
    try:
        if noun == "epoch":
            return Parsed([epochs.members(epoch) for epoch in epochs.read(data)], {}, [])
        if noun in ("versions", "baseline", "waiver", "lock"):
            return _lines(noun, data)
        value, places = document.read_places(data)
    except DataError as error:
        return Parsed(None, {}, [_unread(error, data)])
    parsed = Parsed(value, dict(places), [])
    found = [
        Trouble("document.schema", jsonpointer.hiding(at), message, parsed.line(at))
        for at, message in _troubles(noun, value)
    ]
    return Parsed(value, parsed.lines, found)


def _unread(error: DataError, data: bytes) -> Trouble:
    """Return why a document cannot be read; whatever YAML has against it, markers that a merge left are the reason."""
    for number, line in enumerate(data.split(b"\n"), 1):
        if line.startswith(_MARKER):
            return Trouble("document.yaml", "", "a merge left it in conflict: decide between its markers", number)
    where = error.where.rpartition(":")[2]
    return Trouble("document.yaml", "", error.message, int(where) if where.isdigit() else 0)


def _lines(noun: str, data: bytes) -> Parsed:
    values = document.read_lines(data)
    found = [
        Trouble("document.schema", f"/{number}{jsonpointer.hiding(at)}", message, number + 1)
        for number, value in enumerate(values)
        for at, message in _problems(noun, value)
    ]
    if noun == "baseline" and not found and data != baseline.write(msgspec.convert(values, list[Accepted])):
        found.append(Trouble("document.schema", "", "is not sorted, or has a line twice", 1))
    if noun == "waiver" and not found and data != waivers.write(msgspec.convert(values, list[Waiver])):
        found.append(Trouble("document.schema", "", "is not sorted, or has a line twice", 1))
    if noun == "lock" and not found:
        pinned = msgspec.convert(values, list[Pinned])
        twice = lock.twice(pinned)
        if twice or data != lock.write(pinned):
            said = f"has two lines of the module {twice!r}" if twice else "is not sorted by the names of modules"
            found.append(Trouble("document.schema", "", said, 1))
    return Parsed(values, {f"/{number}": number + 1 for number in range(len(values))}, found)


def _troubles(noun: str, value: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the pointer and the words of everything that is wrong with what a document says."""
    found = _problems(noun, value)
    if noun == "dataset" and not found:
        for name, rules in value.get("item_fields", {}).items():
            problem = _words().schema_problem(rules)
            if problem:
                found.append((f"/item_fields/{name}{problem.pointer}", problem.message))
    return found


def _problems(noun: str, value: dict[str, Any]) -> list[tuple[str, str]]:
    if published.fits(noun, value):
        return []
    version = _words().newer(noun, value)
    if version:
        said = f"made by a newer labelvc (version {version} of this document; this labelvc reads version 1)"
        return [("/schema", said)]
    found: list[tuple[str, str]] = _words().problems(noun, value)
    return found


def _words() -> Any:
    return importlib.import_module("labelvc.codec.schema")
