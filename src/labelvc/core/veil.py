"""A veil over plain values: what stands in a field that must hold a pseudonym and is none is never shown."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from labelvc.core.diff import Comparison, layer_of
from labelvc.model import jsonpointer
from labelvc.model.names import Key
from labelvc.model.project import Sensitive
from labelvc.model.secret import TOKEN

HIDDEN = "(a plain value, not shown)"
_ALWAYS = Sensitive("/by", "person")
_MOST_KEPT = 1 << 16
_MOST_SHAPES = 1 << 10
_is_token = re.compile(TOKEN).fullmatch


class Veil:
    """Knows the fields of each dataset that must hold pseudonyms.

    Args:
        declared: from a dataset's name to its declared fields; asked once a dataset. `/by` of records always is one.
    """

    def __init__(self, declared: Callable[[str], Iterable[Sensitive]] = lambda _: ()) -> None:
        self._declared = declared
        self._fields: dict[tuple[str, str], dict[str, list[str]]] = {}
        self._inside: dict[tuple[str, str, tuple[str, ...]], tuple[tuple[str, ...], list[int]]] = {}
        self._tokens: set[str] = set()

    def drawn(self, seen: Comparison) -> Comparison:
        """Return a comparison with the plain values of both sides hidden."""
        key = seen.delta.key
        if isinstance(key, str):
            return seen
        fields = self._of(key).values()
        if self._bare(fields, seen.old) and self._bare(fields, seen.new):
            return seen
        old, new = self.over(key, seen.old), self.over(key, seen.new)
        if old is seen.old and new is seen.new:
            return seen
        pointers = list(dict.fromkeys([self._outside(key, pointer) for pointer in seen.pointers]))
        return seen._replace(old=old, new=new, pointers=pointers)

    def over(self, key: Key, fields: dict[str, Any]) -> dict[str, Any]:
        """Return a line's members with plain values hidden; the very same when there are none."""
        for steps in self._of(key).values():
            fields = _hidden(fields, steps)
        return fields

    def fields(self, key: Key) -> Collection[str]:
        """Return the pointers of the fields that must hold pseudonyms in the line of a key."""
        return self._of(key).keys()

    def leaves(self, key: Key, found: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
        """Yield pointers and what stands there, hidden where it is such a field or inside one, whose names it holds back too."""
        for pointer, value in found:
            field = self._outside(key, pointer)
            plain = not (isinstance(value, str) and _is_token(value))
            inside = field in self._of(key)
            yield field, HIDDEN if inside and plain else value

    def line(self, key: Key, pointers: tuple[str, ...], values: list[Any]) -> tuple[tuple[str, ...], list[Any]]:
        """Return what `leaves` yields of all values of a line; the very same when nothing is hidden.

        Args:
            key: of the line.
            pointers: where its values stand; all lines with the same ones are looked at in one way.
            values: what stands there.
        """
        place = (key.dataset, layer_of(key), pointers)
        found = self._inside.get(place)
        if found is None:
            fields = tuple([self._outside(key, pointer) for pointer in pointers])
            found = (fields, [at for at, field in enumerate(fields) if field in self._of(key)])
            if len(self._inside) < _MOST_SHAPES:
                self._inside[place] = found
        fields, inside = found
        plain = [at for at in inside if not self._known(values[at])]
        if not plain:
            return (pointers if fields == pointers else fields), values
        drawn = list(values)
        for at in plain:
            drawn[at] = HIDDEN
        return fields, drawn

    def _bare(self, fields: Iterable[Sequence[str]], line: Mapping[str, Any]) -> bool:
        """Tell at a glance that a line has nothing to hide: such a field is absent, or a token that was seen before."""
        for steps in fields:
            value = line.get(steps[0])
            if value is not None and not self._known(value):
                return False
        return True

    def _known(self, value: object) -> bool:
        """Tell whether a value is a token; those seen before are remembered."""
        return type(value) is str and (value in self._tokens or self._learn(value))

    def _learn(self, value: str) -> bool:
        if not _is_token(value):
            return False
        if len(self._tokens) < _MOST_KEPT:
            self._tokens.add(value)
        return True

    def _outside(self, key: Key, pointer: str) -> str:
        """Return a pointer, cut where it leads into such a field."""
        for field in self._of(key):
            if pointer.startswith(field) and pointer[len(field) : len(field) + 1] in ("", "/"):
                return field
        return pointer

    def _of(self, key: Key) -> Mapping[str, list[str]]:
        """Return the fields of a key's layer: pointer to its steps."""
        place = (key.dataset, layer_of(key))
        if place not in self._fields:
            fields = [_ALWAYS, *self._declared(key.dataset)]
            self._fields[place] = {
                field.pointer: jsonpointer.steps(field.pointer) for field in fields if field.layer == place[1]
            }
        return self._fields[place]


def _hidden(fields: dict[str, Any], steps: Sequence[str], at: int = 0) -> dict[str, Any]:
    """Return an object with what stands at the end of a path hidden; the very same when that is nothing or a token."""
    name = steps[at]
    value = fields.get(name)
    if value is None or (isinstance(value, str) and _is_token(value)):
        return fields
    if at == len(steps) - 1:
        return {**fields, name: HIDDEN}
    inner = _hidden(value, steps, at + 1) if isinstance(value, dict) else value
    return fields if inner is value else {**fields, name: inner}
