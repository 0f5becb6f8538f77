"""Labels: what is wrong with those of one taxonomy that fits its schema: ids, names, parents, attributes and lineage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from labelvc.core import invisible, semver
from labelvc.model import jsonpointer

Value = Mapping[str, Any]
Wrong = tuple[str, str]
"""A JSON pointer into the document, and what is wrong there."""
_PARTING = ("merge", "split")
"""Steps of a lineage by which records get other labels; those stay in the list for ever."""
_TYPES: Mapping[str, tuple[type, ...]] = {"text": (str,), "number": (int, float), "boolean": (bool,)}
_WORDS = {"text": "text", "number": "a number", "boolean": "true or false"}


def troubles(value: Value) -> Iterator[Wrong]:
    """Yield what is wrong with the labels and the lineage of a taxonomy.

    Args:
        value: what its document says.
    """
    labels = value["labels"]
    parents: dict[str, str | None] = {}
    for number, label in enumerate(labels):
        wrong = _unfit(label["id"])
        if wrong:
            yield f"/labels/{number}/id", wrong
        if label["id"] in parents:
            yield f"/labels/{number}/id", f"the label {short(label['id'])} occurs twice"
        parents.setdefault(label["id"], label.get("parent"))
    circular = _circles(parents)
    for number, label in enumerate(labels):
        parent = label.get("parent")
        if parent is not None and parent not in parents:
            yield f"/labels/{number}/parent", f"there is no label {short(parent)}"
        if label["id"] in circular:
            yield f"/labels/{number}/parent", "the label is its own ancestor"
    yield from _called(labels)
    yield from _attributed(value.get("attributes", {}), labels)
    yield from _led(value, {label["id"]: label for label in labels})


def _unfit(label: str) -> str:
    """Say why an id is none: a mark that nobody sees, or a way out of a folder for those who name files by labels."""
    if ".." in label.replace("\\", "/").split("/"):
        return f"the id {short(label)} leads out of a folder where labels name files"
    return invisible.mark(label)


def short(text: str) -> str:
    """Return a label as a message shows it."""
    return repr(text if len(text) <= 40 else text[:39] + "…")


def _circles(parents: Mapping[str, str | None]) -> frozenset[str]:
    """Return the labels that are their own ancestors; each label is walked once."""
    state: dict[str, bool] = {}
    for start in parents:
        path: list[str] = []
        at: str | None = start
        while at is not None and at in parents and at not in state:
            state[at] = False
            path.append(at)
            at = parents[at]
        if at in path:
            state.update(dict.fromkeys(path[path.index(at) :], True))
    return frozenset(label for label, circular in state.items() if circular)


def _called(labels: Sequence[Value]) -> Iterator[Wrong]:
    """Yield labels in use that are called like one beside them, and aliases that lead to two labels."""
    beside: dict[tuple[str | None, str], str] = {}
    owners: dict[str, str] = {}
    for number, label in enumerate(labels):
        owners.setdefault(label["id"].casefold(), label["id"])
        if label.get("status") == "deprecated":
            continue
        other = beside.setdefault((label.get("parent"), label["name"].casefold()), label["id"])
        if other != label["id"]:
            yield f"/labels/{number}/name", f"the label {short(other)} beside it is called so already: merge them"
    for label in labels:
        owners.setdefault(label["name"].casefold(), label["id"])
    for number, label in enumerate(labels):
        for at, alias in enumerate(label.get("aliases", ())):
            other = owners.setdefault(alias.casefold(), label["id"])
            if other != label["id"]:
                yield f"/labels/{number}/aliases/{at}", f"the label {short(other)} is known as {short(alias)} already"


def _attributed(declared: Mapping[str, Value], labels: Sequence[Value]) -> Iterator[Wrong]:
    """Yield declared attributes that allow nothing, and values of labels outside of what is declared."""
    for name, rule in declared.items():
        if "minimum" in rule and "maximum" in rule and rule["minimum"] > rule["maximum"]:
            yield f"/attributes/{jsonpointer.escaped(name)}/minimum", "is more than the maximum"
    for number, label in enumerate(labels):
        for name, said in label.get("attributes", {}).items():
            wrong = _outside(said, declared[name]) if name in declared else ""
            if wrong:
                yield f"/labels/{number}/attributes/{jsonpointer.escaped(name)}", wrong


def _outside(said: Any, rule: Value) -> str:
    """Say why a value does not fit what is declared; empty when it does."""
    kind = rule["type"]
    if not isinstance(said, _TYPES[kind]) or (kind != "boolean" and isinstance(said, bool)):
        return f"must be {_WORDS[kind]}"
    if "values" in rule and said not in rule["values"]:
        return f"must be one of {', '.join(map(str, rule['values'][:8]))}"
    if "minimum" in rule and said < rule["minimum"]:
        return f"must be at least {rule['minimum']}"
    return f"must be at most {rule['maximum']}" if "maximum" in rule and said > rule["maximum"] else ""


def _led(value: Value, labels: Mapping[str, Value]) -> Iterator[Wrong]:
    """Yield steps of the lineage that lead nowhere, out of order, or from a label that is still in use."""
    before = ""
    for number, step in enumerate(value.get("lineage", ())):
        at, version = f"/lineage/{number}", step["version"]
        if semver.precedes(value["version"], version):
            yield f"{at}/version", f"{version} comes after {value['version']}, the version of the document"
        elif before and semver.precedes(version, before):
            yield f"{at}/version", f"{version} comes before {before}, the version of the step above it"
        before = version
        if step["kind"] in _PARTING:
            yield from _parted(step, at, labels)


def _parted(step: Value, at: str, labels: Mapping[str, Value]) -> Iterator[Wrong]:
    to = step.get("to", ())
    nowhere = [(place, label) for place, label in enumerate(to) if label not in labels]
    for place, label in nowhere:
        yield f"{at}/to/{place}", f"there is no label {short(label)}, which records would get"
    for place, label in enumerate(() if nowhere else step.get("from", ())):
        if label in labels and label not in to and labels[label].get("status") != "deprecated":
            words = (
                f"the label {short(label)} is in use, and records of it would become {', '.join(map(short, to[:3]))}"
            )
            yield f"{at}/from/{place}", words
