"""Parsing documents: YAML and schema together, the one place of a check that needs ruamel.yaml and jsonschema.

`labelvc.ops.project` loads this module only for a document it has not seen before.
"""

from __future__ import annotations

from typing import Any

import msgspec

from labelvc.codec import document, epochs, schema
from labelvc.core import baseline, lock
from labelvc.errors import DataError
from labelvc.model.detection import Accepted
from labelvc.model.module import Pinned
from labelvc.model.parsed import Parsed, Trouble


def parse(noun: str, data: bytes) -> Parsed:
    """Read a document and hold it against its schema.

    Args:
        noun: its kind; `versions`, `baseline`, `lock` and `epoch` are files of canonical lines.
        data: its bytes.

    Returns:
        What it says and everything that is wrong with it; says nothing when it cannot be read.
    """
    try:
        if noun == "epoch":
            return Parsed([epochs.members(epoch) for epoch in epochs.read(data)], {}, [])
        if noun in ("versions", "baseline", "lock"):
            return _lines(noun, data)
        value, places = document.read_places(data)
    except DataError as error:
        where = error.where.rpartition(":")[2]
        return Parsed(None, {}, [Trouble("document.yaml", "", error.message, int(where) if where.isdigit() else 0)])
    parsed = Parsed(value, dict(places), [])
    found = [Trouble("document.schema", at, message, parsed.line(at)) for at, message in _troubles(noun, value)]
    return Parsed(value, parsed.lines, found)


def _lines(noun: str, data: bytes) -> Parsed:
    values = document.read_lines(data)
    found = []
    for number, value in enumerate(values):
        found += [
            Trouble("document.schema", f"/{number}{at}", message, number + 1)
            for at, message in schema.problems(noun, value)
        ]
    if noun == "baseline" and not found and data != baseline.write(msgspec.convert(values, list[Accepted])):
        found.append(Trouble("document.schema", "", "is not sorted, or has a line twice", 1))
    if noun == "lock" and not found:
        pinned = msgspec.convert(values, list[Pinned])
        twice = lock.twice(pinned)
        if twice or data != lock.write(pinned):
            said = f"has two lines of the module {twice!r}" if twice else "is not sorted by the names of modules"
            found.append(Trouble("document.schema", "", said, 1))
    return Parsed(values, {f"/{number}": number + 1 for number in range(len(values))}, found)


def _troubles(noun: str, value: dict[str, Any]) -> list[schema.Problem]:
    version = schema.newer(noun, value)
    if version:
        return [
            schema.Problem(
                "/schema", f"made by a newer labelvc (version {version} of this document; this labelvc reads version 1)"
            )
        ]
    found = schema.problems(noun, value)
    if noun == "dataset" and not found:
        for name, rules in value.get("item_fields", {}).items():
            problem = schema.schema_problem(rules)
            if problem:
                found.append(schema.Problem(f"/item_fields/{name}{problem.pointer}", problem.message))
    return found
