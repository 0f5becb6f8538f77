"""Fields: a record as the pointers that are compared and decided one by one, and the groups that one decision covers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from labelvc.codec import canonical
from labelvc.model import jsonpointer

Fields = dict[str, Any]
ABSENT = object()
"""Stands for a field that a version lacks."""

ATTRIBUTION = ("/by", "/origin", "/under")
"""Who answered, with what and under which guideline: it stands under their own answer, never under another's."""

GROUPS: tuple[tuple[str, ...], ...] = (
    ATTRIBUTION,
    ("/value/span", "/value/text"),
    ("/value/from", "/value/to"),
)
"""Fields that one decision covers in every record: who answered and how, a span and its words, a relation's two ends."""
_PLAIN = (str, int, bool)  # equal ones of one type are written alike
_WALKED = ("/ext",)  # objects whose members are fields of their own at every depth; `value` is one level deep


def flat(record: Fields) -> dict[str, Any]:
    """Return JSON pointer to value of the fields that are merged on their own; the key and `rev` are none."""
    found: dict[str, Any] = {}
    for name, value in record.items():
        if name in ("item", "id", "rev"):
            continue
        at = f"/{jsonpointer.escaped(name)}"
        deep = at in _WALKED
        if isinstance(value, dict) and value and (deep or at == "/value"):
            found.update(_members(value, at, deep=deep))
        else:
            found[at] = value
    return found


def _members(value: Fields, at: str, *, deep: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, member in value.items():
        step = f"{at}/{jsonpointer.escaped(name)}"
        if deep and isinstance(member, dict) and member:
            found.update(_members(member, step, deep=True))
        else:
            found[step] = member
    return found


def nested(members: Mapping[str, Any]) -> Fields:
    """Return the record that `flat` was made of; a field that one side nests below another side's value is kept below it."""
    record: Fields = {}
    for pointer in sorted(members):
        *above, last = jsonpointer.steps(pointer)
        inner = record
        for step in above:
            following = inner.get(step)
            if not isinstance(following, dict):
                following = inner[step] = {}
            inner = following
        inner[last] = members[pointer]
    return record


def units(versions: list[dict[str, Any]], groups: Iterable[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Return the field groups of three versions; fields of no group stand alone."""
    left = dict.fromkeys(sorted(set().union(*versions)))
    found = []
    for group in groups:
        members = tuple(pointer for pointer in group if pointer in left)
        if members:
            found.append(members)
            for pointer in members:
                del left[pointer]
    # An object on one side and a value on the other: what lies below goes with what it replaces.
    tops = [pointer for pointer in left if any(other.startswith(f"{pointer}/") for other in left)]
    for top in tops:
        below = tuple(pointer for pointer in left if pointer == top or pointer.startswith(f"{top}/"))
        if below:
            found.append(below)
            for pointer in below:
                del left[pointer]
    return [*found, *((pointer,) for pointer in left)]


def greater(one: Any, two: Any) -> Any:
    """Return the greater of two numbers or texts; the one that is there; `ABSENT` when they cannot be compared."""
    if one is ABSENT or two is ABSENT:
        return two if one is ABSENT else one
    numbers = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in (one, two))
    return max(one, two) if numbers or (isinstance(one, str) and isinstance(two, str)) else ABSENT


def united(was: Any, ours: Any, theirs: Any) -> list[Any] | None:
    """Return the members of both lists less those that either side took out, sorted; None when one is no list.

    A union that only adds makes deletion impossible (gastownhall/beads#1485).
    """
    sides = [[] if side is ABSENT else side for side in (was, ours, theirs)]
    if not all(isinstance(side, list) for side in sides):
        return None
    before, mine, new = [{canonical.encode(member): member for member in side} for side in sides]
    kept = {
        name: value for name, value in {**mine, **new}.items() if name not in before or (name in mine and name in new)
    }
    return [kept[name] for name in sorted(kept)]


def in_value(pointer: str) -> bool:
    """Tell whether a pointer leads to `value` or into it."""
    return pointer == "/value" or pointer.startswith("/value/")


def same(one: tuple[Any, ...], two: tuple[Any, ...]) -> bool:
    """Tell whether two versions of a field group are written alike."""
    return all(equal(a, b) for a, b in zip(one, two, strict=True))


def equal(one: Any, two: Any) -> bool:
    """Tell whether two values are written alike: to Python 1, 1.0 and true are equal."""
    if one is two or one != two:
        return one is two
    return (type(one) is type(two) and type(one) in _PLAIN) or canonical.encode(one) == canonical.encode(two)
