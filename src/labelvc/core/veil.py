"""A veil over plain values: what stands in a field that must hold a pseudonym and is none is never shown."""

# No `from __future__ import annotations`: typing would compile the text of each at every start.

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from operator import is_not
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from labelvc.core.diff import Comparison, layer_of
from labelvc.core.protection import proof, protected, texts
from labelvc.model import jsonpointer
from labelvc.model.names import Key
from labelvc.model.secret import TOKEN

if TYPE_CHECKING:
    from labelvc.model.project import Sensitive

HIDDEN = "(a plain value, not shown)"
_MOST_KEPT = 1 << 16
_MOST_SHAPES = 1 << 10
_is_token = re.compile(TOKEN).fullmatch


class Where(NamedTuple):
    """Where tokens may stand in a line, as globs of JSON pointers.

    Attributes:
        fields: the fields that must hold a pseudonym.
        texts: the texts that redaction may have left some in.
    """

    fields: Collection[str]
    texts: Collection[str] = ()


class _Field(NamedTuple):
    """A field that must not show a plain value: the names that lead to it, and what proves that a value is none."""

    steps: list[str]
    proofs: tuple[Callable[[object], bool], ...]

    def proves(self, value: object) -> bool:
        """Tell whether every declaration of the field takes a value for protected."""
        return all(proves(value) for proves in self.proofs)


_BY = _Field(["by"], (protected,))
"""Who made a record is never shown by name, whatever is declared."""


class _Looked(NamedTuple):
    """How lines with the same pointers are looked at.

    Attributes:
        fields: the pointers, cut where they lead into a field.
        inside: which of them do, and into what.
        above: which lead to a list or object that a field may lie in, with how far they go along its steps.
    """

    fields: tuple[str, ...]
    inside: list[tuple[int, _Field]]
    above: list[tuple[int, _Field, int]]


class _Told(msgspec.Struct, frozen=True):
    """The declared fields of one dataset; of others none."""

    dataset: str
    fields: tuple["Sensitive", ...]

    def __call__(self, name: str) -> Iterable["Sensitive"]:
        return self.fields if name == self.dataset else ()


class Veil:
    """Knows the fields of each dataset that must hold pseudonyms.

    Args:
        declared: from a dataset's name to its declared fields; asked once a dataset. `/by` of records always is one.
    """

    def __init__(self, declared: Callable[[str], Iterable["Sensitive"]] = lambda _: ()) -> None:
        self._declared = declared
        self._fields: dict[tuple[str, str], dict[str, _Field]] = {}
        self._inside: dict[tuple[str, str, tuple[str, ...]], _Looked] = {}
        self._where: dict[tuple[str, str], Where] = {}
        self._tokens: set[str] = set()

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how it is made anew elsewhere: of what it declares, without what it has worked out."""
        return Veil, (self._declared,)

    def alone(self, dataset: str) -> "Veil":
        """Return a veil over one dataset that can be sent to another machine: it reads no document."""
        return Veil(_Told(dataset, tuple(self._declared(dataset))))

    def drawn(self, seen: Comparison) -> Comparison:
        """Return a comparison with the plain values of both sides hidden."""
        key = seen.delta.key
        if isinstance(key, str):
            return seen
        for field in self._of(key).values():
            if not self._bare(field, seen):
                break
        else:
            return seen
        old, new = self.over(key, seen.old), self.over(key, seen.new)
        if old is seen.old and new is seen.new:
            return seen
        pointers = list(dict.fromkeys([self._outside(key, pointer)[0] for pointer in seen.pointers]))
        return seen._replace(old=old, new=new, pointers=pointers)

    def over(self, key: Key, fields: dict[str, Any]) -> dict[str, Any]:
        """Return a line's members with plain values hidden; the very same when there are none."""
        for field in self._of(key).values():
            fields = _hidden(fields, field)
        return fields

    def rules(self, dataset: str) -> str:
        """Return what tells two veils apart over the lines of a dataset."""
        return "\0".join(sorted({repr(field) for field in self._declared(dataset)}))

    def where(self, key: Key) -> Where:
        """Return where tokens may stand in the line of a key."""
        place = (key.dataset, layer_of(key))
        if place not in self._where:
            self._where[place] = Where([*self._of(key)], texts(self._declared(key.dataset), place[1]))
        return self._where[place]

    def leaves(self, key: Key, found: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
        """Yield pointers and what stands there, hidden where it is such a field or inside one, whose names it holds back too."""
        for pointer, value in found:
            shown, field = self._outside(key, pointer)
            if field is not None:
                yield shown, value if self._known(value, field) else HIDDEN
                continue
            for above, depth in self._above(key, pointer):
                value = _hide(value, above, depth)  # noqa: PLW2901
            yield shown, value

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
            cut = [self._outside(key, pointer) for pointer in pointers]
            fields = tuple([shown for shown, _ in cut])
            above = [(at, *one) for at, pointer in enumerate(pointers) for one in self._above(key, pointer)]
            found = _Looked(fields, [(at, field) for at, (_, field) in enumerate(cut) if field is not None], above)
            if len(self._inside) < _MOST_SHAPES:
                self._inside[place] = found
        fields, inside, outside = found
        plain = [at for at, field in inside if not self._known(values[at], field)]
        if not plain and not outside:
            return (pointers if fields == pointers else fields), values
        drawn = list(values)
        for at in plain:
            drawn[at] = HIDDEN
        for at, field, depth in outside:
            drawn[at] = _hide(drawn[at], field, depth)
        return fields, drawn

    def _bare(self, field: _Field, seen: Comparison) -> bool:
        """Tell at a glance that a field hides nothing of two lines: it is absent, or a token that was seen before."""
        one, two = seen.old.get(field.steps[0]), seen.new.get(field.steps[0])
        return (one is None or self._known(one, field)) and (
            two is None or (type(two) is str and two == one) or self._known(two, field)
        )

    def _known(self, value: object, field: _Field) -> bool:
        """Tell whether a value is none that must be hidden; tokens seen before are remembered."""
        return (type(value) is str and (value in self._tokens or self._learn(value))) or field.proves(value)

    def _learn(self, value: str) -> bool:
        if not _is_token(value):
            return False
        if len(self._tokens) < _MOST_KEPT:
            self._tokens.add(value)
        return True

    def _outside(self, key: Key, pointer: str) -> tuple[str, _Field | None]:
        """Return a pointer, cut where it leads into such a field, and the field."""
        for glob, field in self._of(key).items():
            found = jsonpointer.inside(glob).match(pointer)
            if found:
                return found[0], field
        return pointer, None

    def _above(self, key: Key, pointer: str) -> list[tuple[_Field, int]]:
        """Return the fields that lie deeper than a pointer and are reached through it, with the number of its steps."""
        depth = pointer.count("/")
        return [
            (field, depth)
            for glob, field in self._of(key).items()
            if depth < len(field.steps)
            and jsonpointer.inside("/".join(glob.split("/")[: depth + 1])).fullmatch(pointer)
        ]

    def _of(self, key: Key) -> Mapping[str, _Field]:
        """Return the fields of a key's layer by their pointer; one declared twice shows what both declarations allow."""
        place = (key.dataset, layer_of(key))
        found = self._fields.get(place)
        if found is None:
            found = {"/by": _BY} if key.id else {}
            for field in self._declared(key.dataset):
                if field.layer == place[1] and field.mode != "redact":
                    pointer = (
                        f"/{field.pointer.removeprefix('/')}"  # of a document with an error: what was meant is hidden
                    )
                    before = found.get(pointer)
                    proofs = (*(before.proofs if before else ()), proof(field))
                    found[pointer] = _Field(jsonpointer.steps(pointer), proofs)
            self._fields[place] = found
        return found


def _hidden(line: dict[str, Any], field: _Field) -> dict[str, Any]:
    """Return an object with what stands at the end of a path hidden; the very same when that is nothing or no plain value."""
    hidden: dict[str, Any] = _hide(line, field, 0)
    return hidden


def _hide(value: Any, field: _Field, at: int) -> Any:
    if at == len(field.steps):
        return value if value is None or field.proves(value) else HIDDEN
    step = field.steps[at]
    if isinstance(value, list) and step == jsonpointer.ANY:
        inner = [_hide(one, field, at + 1) for one in value]
        return inner if any(map(is_not, inner, value)) else value
    if not isinstance(value, dict):  # where any member was meant, one value in their place is one of them
        return value if step != jsonpointer.ANY or value in (None, "") or field.proves(value) else HIDDEN
    names = list(value) if step == jsonpointer.ANY else [step] if step in value else []
    changed = {name: now for name in names if (now := _hide(value[name], field, at + 1)) is not value[name]}
    return {**value, **changed} if changed else value
