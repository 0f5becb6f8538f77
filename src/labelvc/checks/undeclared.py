"""Undeclared: does a field that has the name of an identifier hold plain values that nobody declared sensitive."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

import msgspec

from labelvc.checks.interface import Look, Rule, Shard, finding
from labelvc.codec.quick import UNREADABLE
from labelvc.core import protection
from labelvc.model import jsonpointer
from labelvc.model.finding import Finding, Place
from labelvc.model.names import Layer
from labelvc.model.project import Dataset, Project

RULE = "privacy.undeclared"
_LAYERS: tuple[Layer, ...] = ("items", "annotations")
_TELLING = re.compile(
    "address|birthday|birthdate|dob|e_?mail|fax|((first|last|full|user)_?)?name|forename|iban|ip|mail|mobile|msisdn|passport|phone|"
    "ssn|surname|tel|telephone|user"
)
_ANYTHINGS = "name"
"""What other tools call their files, labels and versions too: it tells in a schema, and nothing in what they left behind."""
_EXT = b'"ext":{'
_NAMES = re.compile(rb'"([A-Za-z_-]{2,12})":')


class Undeclared:
    """Looks at the names of fields: in the schema of items and the natural key, and in what other tools left under `ext`."""

    name: ClassVar[str] = "labelvc.undeclared"
    version: ClassVar[int] = 1
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            RULE,
            "warning",
            "Field with the name of an identifier is not declared sensitive",
            "git never forgets: what tells who somebody is must be protected before it comes in.",
        ),
    )

    def applies(self, project: Project, dataset: Dataset) -> bool:
        """Apply to every dataset."""
        return True

    def look(self, shard: Shard, project: Project) -> Look:
        """Return each field under `ext` that nobody declared, at the first line in which it holds a plain value."""
        return Look([one for layer in _LAYERS for one in _left(shard, layer)])

    def judge(self, summaries: Iterable[tuple[str, bytes]], project: Project, dataset: Dataset) -> Iterator[Finding]:
        """Yield fields of items, and of the natural key, that nobody declared."""
        path = f"datasets/{dataset.name}/dataset.yaml"
        named = [f"/{name}" for name in dataset.item_fields]
        named += [pointer for pointer in dataset.natural_key if pointer.startswith("/natural/")]
        for pointer in named:
            if (
                _telling(jsonpointer.steps(pointer)[-1])
                and protection.declared(dataset.sensitive, "items", pointer) is None
            ):
                yield _finding(Place(path, 0, "", pointer), pointer, "items", dataset)


def _left(shard: Shard, layer: Layer) -> Iterator[Finding]:
    """Yield the fields under `ext` of a layer; lines are decoded only where some member has such a name."""
    data = shard.data(layer)
    names = {raw for raw in _NAMES.findall(data) if _tells(raw.decode())} if _EXT in data else set()
    if not names:
        return
    members = [b'"%b":' % name for name in names]
    seen: set[str] = set()
    for at, raw in enumerate(shard.raw(layer)):
        if _EXT not in raw or not any(member in raw for member in members):
            continue
        try:
            left = msgspec.json.decode(raw).get("ext")
        except (*UNREADABLE, AttributeError):
            continue  # a line that is no record is told by others
        for pointer in _within(left, "/ext"):
            if pointer not in seen and protection.declared(shard.dataset.sensitive, layer, pointer) is None:
                seen.add(pointer)
                steps = pointer.split("/")
                shown = "/".join([step if step == jsonpointer.ANY else jsonpointer.hiding(step) for step in steps])
                place = Place(shard.path(layer), at + 1, str(shard.key(layer, at) or ""), shown)
                yield _finding(place, shown, layer, shard.dataset)


def _within(value: Any, pointer: str) -> Iterator[str]:
    """Yield pointers to plain values of members that are named like identifiers; the elements of a list are all `*`."""
    if isinstance(value, list):
        for inner in value:
            yield from _within(inner, f"{pointer}/{jsonpointer.ANY}")
    elif isinstance(value, dict):
        for name, inner in value.items():
            below = f"{pointer}/{jsonpointer.escaped(name)}"
            if _tells(name) and any(map(_plain, inner if isinstance(inner, list) else (inner,))):
                yield below
            if isinstance(inner, dict | list):
                yield from _within(inner, below)


def _plain(value: Any) -> bool:
    """Tell whether a value is one that may say who somebody is: a text or number that is no token and not sealed."""
    if isinstance(value, str):
        return bool(value) and not protection.protected(value)
    return isinstance(value, int | float) and not isinstance(value, bool)


def _telling(name: str) -> bool:
    return _TELLING.fullmatch(name.lower().replace("-", "_")) is not None


def _tells(name: str) -> bool:
    return _telling(name) and name.lower() != _ANYTHINGS


def _finding(place: Place, pointer: str, layer: Layer, dataset: Dataset) -> Finding:
    message = f"{pointer} has the name of an identifier and is not declared sensitive"
    hint = f"declare it under sensitive in datasets/{dataset.name}/dataset.yaml, layer: {layer}"
    return finding(Undeclared, RULE, place, message, hint)
