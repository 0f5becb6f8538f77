"""What a line of a dataset must look like: one JSON Schema made from its tasks, taxonomies and guidelines.

Record-level rules (shape, known label, score in range, known guideline version, pseudonym where one is declared) are said
here once; `codec.accept` proves them in one pass and `checks.records` explains a line that fails.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from labelvc.codec.pattern import LABEL_PATTERN, NAME_PATTERN, NO_HASH_PATTERN, PATH_PATTERN, UTC_PATTERN
from labelvc.core import protection
from labelvc.core.protection import PSEUDONYM
from labelvc.model import jsonpointer
from labelvc.model.names import Layer
from labelvc.model.project import Dataset, Project, Task

Schema = dict[str, Any]

FIELD_PATTERN = "^[A-Za-z][A-Za-z0-9_]{0,63}$"
STRING: Schema = {"type": "string"}
TEXT: Schema = {"type": "string", "minLength": 1}
ITEM: Schema = {"type": "string", "minLength": 1, "maxLength": 512, "pattern": NAME_PATTERN}
IDENTIFIER: Schema = {"type": "string", "minLength": 1, "maxLength": 256, "pattern": NO_HASH_PATTERN}
LABEL: Schema = {"type": "string", "minLength": 1, "maxLength": 128, "pattern": LABEL_PATTERN}
DIGEST: Schema = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
PATH: Schema = {"type": "string", "minLength": 1, "pattern": PATH_PATTERN}
TIME: Schema = {"type": "string", "format": "date-time", "pattern": UTC_PATTERN}
REVISION: Schema = {"type": "integer", "minimum": 1}
COORDINATE: Schema = {"type": "number"}
OFFSET: Schema = {"type": "integer", "minimum": 0}
OPEN: Schema = {"type": "object"}
SCALAR: Schema = {"anyOf": [STRING, {"type": "number"}, {"type": "boolean"}, {"type": "null"}]}
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
        "item": ITEM,
        "id": IDENTIFIER,
        "at": TIME,
        "by": {"type": "string", "pattern": PSEUDONYM},
        "ext": OPEN,
        "origin": {**_closed(dict.fromkeys(ORIGIN, TEXT)), "minProperties": 1},
        "rev": REVISION,
        "task": {"const": name},
        "under": TEXT if under is None else {"enum": under},
        "value": {"oneOf": [value_schema(task, labels_of(project, task)), EMPTY]},
    }
    required = ["item", "id", "rev", "task", "value", *([] if under is None else ["under"])]
    schema: Schema = _closed(properties, required)
    return _protected(schema, dataset, "annotations")


def _tombstone() -> Schema:
    properties = {"item": ITEM, "id": IDENTIFIER, "gone": {"const": True}, "rev": REVISION}
    return _closed(properties, list(properties))


def _item(dataset: Dataset) -> Schema:
    size = {"type": "integer", "minimum": 1}
    properties: Schema = {
        "id": ITEM,
        "ext": OPEN,
        "licence": TEXT,
        "media": _closed({"height": size, "path": PATH, "sha256": DIGEST, "width": size}, ["path"]),
        "natural": {**_natural(dataset), "minProperties": 1},
        "source": TEXT,
        "text": {"type": "string"},
        **dataset.item_fields,
    }
    return _protected(_closed(properties, ["id"]), dataset, "items")


def _natural(dataset: Dataset) -> Schema:
    """Return what `natural` holds: one scalar for each field of the natural key, any scalars when none is declared."""
    steps = [jsonpointer.steps(pointer) for pointer in dataset.natural_key]
    names = [step[1] for step in steps if step[0] == "natural" and len(step) == 2]
    return _closed(dict.fromkeys(names, SCALAR)) if names else {"type": "object", "additionalProperties": SCALAR}


def _protected(schema: Schema, dataset: Dataset, layer: Layer) -> Schema:
    """Demand at every sensitive pointer what its mode leaves there, opening `ext` just as far as the pointer reaches."""
    for field in dataset.sensitive:
        if field.layer == layer and field.mode != "redact":  # what is in a text only the detectors can tell
            schema = _form_at(schema, jsonpointer.steps(field.pointer), protection.form(field))
    return schema


def _form_at(schema: Schema, names: list[str], form: Schema) -> Schema:
    """Return a schema that demands a form at the end of a path; an alternative without such a member stays as it is."""
    if not names:
        return form
    schema = schema or OPEN  # what nothing was said of
    for choice in ("oneOf", "anyOf"):
        if choice in schema:
            return {**schema, choice: [_form_at(branch, names, form) for branch in schema[choice]]}
    if names[0] == jsonpointer.ANY:
        return _form_in_each(schema, names[1:], form)
    inside = schema.get("properties", {})
    if names[0] not in inside and schema.get("additionalProperties") is False:
        return schema
    return {**schema, "properties": {**inside, names[0]: _form_at(_said(inside.get(names[0], OPEN)), names[1:], form)}}


def _said(rules: Any) -> Schema:
    """Return rules of a member; `true` says nothing of it."""
    return {} if rules is True else rules or {"not": {}}


def _form_in_each(schema: Schema, names: list[str], form: Schema) -> Schema:
    """Return a schema that demands a form in every member or element; where nothing was said of them, one of the two."""
    below = _form_at(OPEN, names, form)
    if schema.get("type") == "array":
        return {**schema, "items": _form_at(schema["items"], names, form) if "items" in schema else below}
    if schema == OPEN:
        each = {"type": "object", "additionalProperties": below}
        return {"anyOf": [each, {"type": "array", "items": below}]}
    inside = {name: _form_at(rules, names, form) for name, rules in schema.get("properties", {}).items()}
    rest = schema.get("additionalProperties", OPEN)
    others = rest if rest is False else _form_at({} if rest is True else rest, names, form)
    return {**schema, "properties": inside, "additionalProperties": others}


def value_schema(task: Task, labels: list[str] | None) -> Schema:
    """Return the schema of a task's `value` (docs/formats/record.md).

    Args:
        task: the task.
        labels: ids it may use; None when any label will do.

    Returns:
        A JSON Schema of the value; `{"empty": true}` is not part of it.
    """
    return _VALUES[task.type](task, LABEL if labels is None else {"enum": labels})


def _closed(properties: Mapping[str, Any], required: list[str] | None = None) -> Schema:
    schema: Schema = {"type": "object", "properties": dict(properties), "additionalProperties": False}
    return {**schema, "required": required} if required else schema


def _shape(**members: Schema) -> Schema:
    return _closed(members, list(members))


def _score(task: Task, label: Schema) -> Schema:
    bounds = {"minimum": task.minimum, "maximum": task.maximum}
    number: Schema = {"type": "integer" if task.step == 1 else "number"}
    if task.step not in (None, 1):
        number["multipleOf"] = task.step
    return _shape(score={**number, **{name: bound for name, bound in bounds.items() if bound is not None}})


def _listed(member: Schema, least: int, exactly: int | None = None) -> Schema:
    array: Schema = {"type": "array", "items": member, "minItems": least}
    return array if exactly is None else {**array, "maxItems": exactly}


def _points(name: str, least: int) -> Callable[[Task, Schema], Schema]:
    pair = _listed(COORDINATE, 2, 2)
    return lambda task, label: _shape(label=label, **{name: _listed(pair, least)})


def _soft(task: Task, label: Schema) -> Schema:
    share = {"type": "number", "minimum": 0, "maximum": 1}
    names = label.get("enum")
    if names is None:
        return _shape(
            soft={"type": "object", "propertyNames": label, "additionalProperties": share, "minProperties": 1}
        )
    return _shape(soft={**_closed(dict.fromkeys(names, share)), "minProperties": 1})


def _mask(task: Task, label: Schema) -> Schema:
    counts = {"anyOf": [STRING, _listed(OFFSET, 0)]}
    run = _shape(counts=counts, size=_listed(OFFSET, 2, 2))
    outline = _points("polygon", 3)(task, label)
    return {"oneOf": [_shape(label=label, rle=run), _shape(label=label, media=TEXT), outline]}


def _token(task: Task, label: Schema) -> Schema:
    """Return the schema of a token: the field called like the taxonomy holds one of its labels, or `_` for none (CoNLL-U)."""
    if task.fields:
        decided: Schema = {}
        if task.taxonomy in task.fields and "enum" in label:
            decided = {task.taxonomy: {"enum": [*label["enum"], "_"]}}
        return _closed({**dict.fromkeys(("form", *task.fields), STRING), **decided}, ["form"])
    names = {"pattern": FIELD_PATTERN}
    return {"type": "object", "propertyNames": names, "additionalProperties": STRING, "required": ["form"]}


def _ranking(task: Task, label: Schema) -> Schema:
    return _shape(ranking=_listed(TEXT if label is LABEL else label, 1))


_VALUES: Mapping[str, Callable[[Task, Schema], Schema]] = {
    "label": lambda task, label: _shape(label=label),
    "labels": lambda task, label: _shape(labels=_listed(label, 0)),
    "soft": _soft,
    "score": _score,
    "span": lambda task, label: _shape(label=label, span=_listed(OFFSET, 2, 2), text=STRING),
    "box": lambda task, label: _shape(label=label, box=_listed(COORDINATE, 4, 4)),
    "polygon": _points("polygon", 3),
    "polyline": _points("polyline", 2),
    "points": _points("points", 1),
    "mask": _mask,
    "relation": lambda task, label: _closed(
        {"label": label, "from": IDENTIFIER, "to": IDENTIFIER}, ["label", "from", "to"]
    ),
    "text": lambda task, label: _shape(text=STRING),
    "ranking": _ranking,
    "token": _token,
}
