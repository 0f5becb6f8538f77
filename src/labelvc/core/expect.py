"""What a line of a dataset must look like: one JSON Schema made from its tasks, taxonomies and guidelines.

Record-level rules (shape, known label, score in range, known guideline version, pseudonym where one is declared) are said
here once; `codec.accept` proves them in one pass and `checks.records` explains a line that fails.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from labelvc.codec.pattern import NO_HASH_PATTERN, UTC_PATTERN
from labelvc.model.names import Layer
from labelvc.model.project import Dataset, Project, Task

Schema = dict[str, Any]

PSEUDONYM = "^[a-z]{3}_[bcdfghjklmnpqrstvwxz]{28,29}$"
STRING: Schema = {"type": "string"}
TEXT: Schema = {"type": "string", "minLength": 1}
IDENTIFIER: Schema = {"type": "string", "pattern": NO_HASH_PATTERN}
TIME: Schema = {"type": "string", "format": "date-time", "pattern": UTC_PATTERN}
REVISION: Schema = {"type": "integer", "minimum": 1}
COORDINATE: Schema = {"type": "number"}
OFFSET: Schema = {"type": "integer", "minimum": 0}
OPEN: Schema = {"type": "object"}
EMPTY: Schema = {
    "type": "object",
    "properties": {"empty": {"const": True}},
    "required": ["empty"],
    "additionalProperties": False,
}
ORIGIN = ("migration", "model", "ref", "tool")


def line_schema(project: Project, dataset: Dataset, layer: Layer) -> Schema:
    """Return the schema that every line of a layer must satisfy.

    Args:
        project: the documents in force.
        dataset: one of its datasets.
        layer: `annotations` or `items`.

    Returns:
        A JSON Schema 2020-12 of one line's object.
    """
    if layer == "items":
        return _item(dataset)
    tasks = [name for name in dataset.tasks if name in project.tasks]
    return {"oneOf": [*[_record(project, dataset, name) for name in tasks], _tombstone()]}


def schema_for(project: Project, dataset: Dataset, layer: Layer, fields: Mapping[str, Any]) -> Schema | None:
    """Return the one branch of `line_schema` that a given line means to satisfy, so that errors can be told in its words.

    Args:
        project: the documents in force.
        dataset: one of its datasets.
        layer: `annotations` or `items`.
        fields: the decoded line.

    Returns:
        A schema without alternatives for the record's own task, or None when its task is not asked in this dataset.
    """
    if layer == "items":
        return _item(dataset)
    if fields.get("gone") is True:
        return _tombstone()
    name = fields.get("task")
    if not isinstance(name, str) or name not in dataset.tasks or name not in project.tasks:
        return None
    schema = _record(project, dataset, name)
    value = fields.get("value")
    empty = isinstance(value, dict) and "empty" in value
    schema["properties"]["value"] = schema["properties"]["value"]["oneOf"][1 if empty else 0]
    return schema


def labels_of(project: Project, task: Task) -> list[str] | None:
    """Return the ids of the labels that a new record of this task may use, or None when the task has no taxonomy."""
    taxonomy = project.taxonomies.get(task.taxonomy or "")
    return None if taxonomy is None else [label.id for label in taxonomy.labels if label.status == "active"]


def versions_of(project: Project, task: Task) -> list[str] | None:
    """Return what `under` may say for this task (`guideline@version`), or None when the task has no guideline."""
    guideline = project.guidelines.get(task.guideline or "")
    return None if guideline is None else [f"{guideline.name}@{version}" for version in guideline.versions]


def _record(project: Project, dataset: Dataset, name: str) -> Schema:
    task = project.tasks[name]
    under = versions_of(project, task)
    properties: Schema = {
        "item": TEXT,
        "id": IDENTIFIER,
        "at": TIME,
        "by": {"type": "string", "pattern": PSEUDONYM},
        "ext": OPEN,
        "origin": _closed(dict.fromkeys(ORIGIN, TEXT)),
        "rev": REVISION,
        "task": {"const": name},
        "under": TEXT if under is None else {"enum": under},
        "value": {"oneOf": [value_schema(task, labels_of(project, task)), EMPTY]},
    }
    required = ["item", "id", "rev", "task", "value", *([] if under is None else ["under"])]
    schema: Schema = _closed(properties, required)
    return _with_tokens(schema, dataset, "annotations")


def _tombstone() -> Schema:
    properties = {"item": TEXT, "id": IDENTIFIER, "gone": {"const": True}, "rev": REVISION}
    return _closed(properties, list(properties))


def _item(dataset: Dataset) -> Schema:
    natural = [pointer.removeprefix("/natural/") for pointer in dataset.natural_key if pointer.startswith("/natural/")]
    size = {"type": "integer", "minimum": 1}
    properties: Schema = {
        "id": TEXT,
        "ext": OPEN,
        "licence": TEXT,
        "media": _closed({"height": size, "path": TEXT, "width": size}, ["path"]),
        "natural": _closed(dict.fromkeys(natural, STRING)) if natural else OPEN,
        "source": TEXT,
        "text": {"type": "string"},
        **dataset.item_fields,
    }
    return _with_tokens(_closed(properties, ["id"]), dataset, "items")


def _with_tokens(schema: Schema, dataset: Dataset, layer: Layer) -> Schema:
    """Demand a token at every declared sensitive pointer, opening `ext` just as far as the pointer reaches."""
    for field in dataset.sensitive:
        names = field.pointer.strip("/").split("/")
        if field.layer == layer and names[0] in schema["properties"]:
            schema["properties"][names[0]] = _token_at(schema["properties"][names[0]], names[1:])
    return schema


def _token_at(schema: Schema, names: list[str]) -> Schema:
    if not names:
        return {"type": "string", "pattern": PSEUDONYM}
    inside = schema.get("properties", {})
    return {**schema, "properties": {**inside, names[0]: _token_at(inside.get(names[0], OPEN), names[1:])}}


def value_schema(task: Task, labels: list[str] | None) -> Schema:
    """Return the schema of a task's `value` (docs/formats/record.md).

    Args:
        task: the task.
        labels: ids it may use; None when any label will do.

    Returns:
        A JSON Schema of the value; `{"empty": true}` is not part of it.
    """
    return _VALUES[task.type](task, TEXT if labels is None else {"enum": labels})


def _closed(properties: Mapping[str, Any], required: list[str] | None = None) -> Schema:
    schema: Schema = {"type": "object", "properties": dict(properties), "additionalProperties": False}
    return {**schema, "required": required} if required else schema


def _shape(**members: Schema) -> Schema:
    return _closed(members, [name for name in members if name not in ("text", "form")])


def _score(task: Task, label: Schema) -> Schema:
    bounds = {"minimum": task.minimum, "maximum": task.maximum}
    number: Schema = {"type": "integer" if task.step == 1 else "number"}
    if task.step not in (None, 1):
        number["multipleOf"] = task.step
    return _shape(score={**number, **{name: bound for name, bound in bounds.items() if bound is not None}})


def _listed(name: str, member: Schema, least: int, exactly: int | None = None) -> Schema:
    array: Schema = {"type": "array", "items": member, "minItems": least}
    return array if exactly is None else {**array, "maxItems": exactly}


def _points(name: str, least: int) -> Callable[[Task, Schema], Schema]:
    pair = _listed("", COORDINATE, 2, 2)
    return lambda task, label: _shape(label=label, **{name: _listed(name, pair, least)})


def _soft(task: Task, label: Schema) -> Schema:
    share = {"type": "number", "minimum": 0, "maximum": 1}
    names = label.get("enum")
    if names is None:
        return _shape(soft={"type": "object", "additionalProperties": share, "minProperties": 1})
    return _shape(soft=_closed(dict.fromkeys(names, share)))


def _mask(task: Task, label: Schema) -> Schema:
    run = _closed({"counts": {"type": ["string", "array"]}, "size": _listed("", OFFSET, 2, 2)}, ["counts", "size"])
    return {"oneOf": [_shape(label=label, rle=run), _shape(label=label, media=TEXT)]}


def _token(task: Task, label: Schema) -> Schema:
    return _closed(dict.fromkeys(task.fields, STRING)) if task.fields else OPEN


_VALUES: Mapping[str, Callable[[Task, Schema], Schema]] = {
    "label": lambda task, label: _shape(label=label),
    "labels": lambda task, label: _shape(labels=_listed("labels", label, 0)),
    "soft": _soft,
    "score": _score,
    "span": lambda task, label: _shape(label=label, span=_listed("span", OFFSET, 2, 2), text={"type": "string"}),
    "box": lambda task, label: _shape(label=label, box=_listed("box", COORDINATE, 4, 4)),
    "polygon": _points("polygon", 3),
    "polyline": _points("polyline", 2),
    "points": _points("points", 1),
    "mask": _mask,
    "relation": lambda task, label: _closed(
        {"label": label, "from": IDENTIFIER, "to": IDENTIFIER}, ["label", "from", "to"]
    ),
    "text": lambda task, label: _closed({"text": {"type": "string"}}, ["text"]),
    "ranking": lambda task, label: _shape(ranking=_listed("ranking", label, 1)),
    "token": _token,
}
