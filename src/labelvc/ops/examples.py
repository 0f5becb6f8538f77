"""Examples: what a guideline shows of real records, held against what those records say now."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from labelvc.core import bearing, diff, instructions
from labelvc.core.instructions import Remark
from labelvc.model import jsonpointer
from labelvc.model.finding import Severity
from labelvc.model.names import Key
from labelvc.model.project import Project, Task
from labelvc.ops.finder import Finder

_BLOCKS = ("examples", "counterexamples", "edge_cases")


class Example(NamedTuple):
    """An example that can be wrong: JSON pointer, label and block it stands in, the key of its record if it has one, what it says."""

    pointer: str
    label: str
    block: str
    key: Key | None
    said: Mapping[str, Any]


def pointing(value: Mapping[str, Any]) -> Iterator[Example]:
    """Yield the examples of a guideline that point to records or name labels.

    Args:
        value: what the guideline says.
    """
    for label, blocks in value["labels"].items():
        for block in _BLOCKS:
            for number, said in enumerate(blocks.get(block, ())):
                if isinstance(said, dict) and ("record" in said or "label" in said):
                    at = f"/labels/{jsonpointer.escaped(label)}/{block}/{number}"
                    yield Example(at, label, block, Key.parse(said["record"]) if "record" in said else None, said)


def judged(examples: Iterable[Example], project: Project, finder: Finder, retired: Collection[str]) -> Iterator[Remark]:
    """Yield what is wrong with examples: the record says something else, or is not there, or their label is out of use.

    Args:
        examples: of one guideline.
        project: the documents in force.
        finder: finds the records.
        retired: labels out of use.

    Raises:
        StoreError: a shard cannot be read.
    """
    for one in examples:
        for rule, message, hint in _wrong(one, project, finder, retired):
            dataset = project.datasets.get(one.key.dataset) if one.key else None
            severity: Severity | None = instructions.severity_in([dataset] if dataset else (), rule, "warning")
            if severity is not None:
                yield Remark(rule, severity, one.pointer, message, hint)


def _wrong(one: Example, project: Project, finder: Finder, retired: Collection[str]) -> Iterator[tuple[str, str, str]]:
    """Yield rule, message and hint."""
    if one.said.get("label") in retired:
        message = f"its label {one.said['label']!r} is out of use"
        yield "example.deprecated", message, "give it a label that is in use, or take it out"
    if one.key is None:
        return
    elsewhere = "point the example to another record, or write its text out"
    if one.key.dataset not in project.datasets:
        known = ", ".join(sorted(project.datasets)) or "none yet"
        yield "example.vanished", f"there is no dataset {one.key.dataset!r}; there is {known}", elsewhere
        return
    raw = finder.line(one.key)
    if raw is None:
        gone = "was deleted" if finder.buried(one.key) else "is not there"
        yield "example.vanished", f"the record {one.key} {gone}", f"labelvc log {one.key}; {elsewhere}"
        return
    fields = diff.decoded(raw)
    if message := _contradiction(one, fields, project.tasks.get(str(fields.get("task")))):
        yield "example.contradicted", message, f"labelvc trace {one.key}; correct the example, or the record"


def _contradiction(one: Example, fields: Mapping[str, Any], task: Task | None) -> str:
    """Say how a record contradicts an example; empty where it does not."""
    said = _said(fields, task)
    answer = diff.answer(dict(fields)) or ", ".join(said)
    wanted = one.said.get("label", one.label if one.block == "examples" and "value" not in one.said else None)
    if one.block == "counterexamples" and one.label in said:
        return f"the record {one.key} says {answer}, of which it is to be a counterexample"
    if wanted is not None and wanted not in said:
        return f"the record {one.key} says {answer}, the example {wanted}"
    value = fields.get("value")
    if "value" in one.said and one.said["value"] != value and one.said["value"] not in _members(value):
        return f"the record {one.key} has another value than the example"
    return ""


def _members(value: Any) -> Collection[Any]:
    return list(value.values()) if isinstance(value, dict) and len(value) == 1 else ()


def _said(fields: Mapping[str, Any], task: Task | None) -> Collection[str]:
    """Return the labels of a record; of shares the largest, of a token the values of its fields."""
    value = fields.get("value")
    if task is not None and task.type == "token":
        return bearing.token_labels(value, task)
    if isinstance(value, dict) and isinstance(value.get("soft"), dict) and value["soft"]:
        most = max(value["soft"].values())
        return [label for label, share in value["soft"].items() if share == most]
    return bearing.labels(value)
