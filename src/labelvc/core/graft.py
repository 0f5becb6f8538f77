"""Graft: what became of a document elsewhere, brought into a copy that was edited here; by labels, blocks and members."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from labelvc.core import semver
from labelvc.model import jsonpointer

Change = tuple[tuple[str, ...], Any]
_VERSION = "/version"
_ID = "id"


class _Nothing:
    """What stands where nothing stands: null is a value."""


_NOTHING = _Nothing()


class Grafted(NamedTuple):
    """What came of it.

    Attributes:
        value: the document; where both sides changed the same, as it stands here.
        conflicts: JSON pointers of those places.
    """

    value: Any
    conflicts: Sequence[str]


def graft(base: Any, ours: Any, theirs: Any) -> Grafted:
    """Bring into a document what changed in another copy of it.

    Mappings are merged member by member, lists of things with an `id` by those, other lists as sets that keep their order.
    Of two versions the higher one stands.

    Args:
        base: what both copies were made from; an empty mapping when nobody knows, so that all that differs is a conflict.
        ours: what stands here.
        theirs: what stands there.

    Returns:
        The document, and where it was for a person to decide. Without conflicts the sides can change places, but for the
        order of what both added.
    """
    conflicts: list[str] = []
    return Grafted(_merged(base, ours, theirs, "", conflicts), conflicts)


def changes(old: Any, new: Any) -> Iterator[Change]:
    """Yield the edits that make one value another, as small as the values allow.

    Args:
        old: a mapping, as the document says it.
        new: another with all members of the first.

    Yields:
        Paths and what to set there, as `codec.document.edit` takes them; after a path that ends with `-` stands a list of
        what `codec.document.extend` appends.
    """
    yield from _changes(old, new, ())


def removed(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return the outermost members that a document loses, which no edit can take out."""
    return [name for name in old if name not in new]


def _merged(base: Any, ours: Any, theirs: Any, at: str, conflicts: list[str]) -> Any:
    if _same(ours, theirs) or _same(base, theirs):
        return ours
    if _same(base, ours):
        return theirs
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return _members(base if isinstance(base, dict) else {}, ours, theirs, at, conflicts)
    if isinstance(ours, list) and isinstance(theirs, list):
        before = base if isinstance(base, list) else []
        one, two, three = map(_by_id, (before, ours, theirs))
        if one is not None and two is not None and three is not None:
            return list(_members(one, two, three, at, conflicts).values())
        found = _listed(before, ours, theirs)
        if found is not None:
            return found
    elif at == _VERSION and all(isinstance(side, str) and semver.is_version(side) for side in (ours, theirs)):
        return theirs if semver.precedes(ours, theirs) else ours
    conflicts.append(at)
    return ours


def _members(
    base: Mapping[str, Any], ours: Mapping[str, Any], theirs: Mapping[str, Any], at: str, conflicts: list[str]
) -> dict[str, Any]:
    """Merge mappings: ours in its order, then what only theirs has."""
    found: dict[str, Any] = {}
    for name in dict.fromkeys([*ours, *theirs]):
        one, two, three = (side.get(name, _NOTHING) for side in (base, ours, theirs))
        below = _merged(one, two, three, f"{at}/{jsonpointer.escaped(name)}", conflicts)
        if not isinstance(below, _Nothing):
            found[name] = below
    return found


def _listed(base: Sequence[Any], ours: Sequence[Any], theirs: Sequence[Any]) -> list[Any] | None:
    """Merge lists as sets; None where both took out the same and put different things in: two wordings of one rule."""
    before, here, there = ([_text(one) for one in side] for side in (base, ours, theirs))
    fresh = [[text for text in side if text not in before] for side in (here, there)]
    both = [text for text in before if text not in here and text not in there]
    if (both and fresh[0] != fresh[1]) or sorted(here) == sorted(there):
        return None
    kept = [one for text, one in zip(here, ours, strict=True) if text in there or text not in before]
    return kept + [one for text, one in zip(there, theirs, strict=True) if text not in before and text not in here]


def _by_id(side: Sequence[Any]) -> dict[str, Any] | None:
    """Return the members of a list by their id; None when they have none of their own."""
    found = {one[_ID]: one for one in side if isinstance(one, dict) and isinstance(one.get(_ID), str)}
    return found if len(found) == len(side) else None


def _changes(old: Any, new: Any, path: tuple[str, ...]) -> Iterator[Change]:
    if _same(old, new):
        return
    if isinstance(old, dict) and isinstance(new, dict) and (not path or not removed(old, new)):
        for name, value in new.items():
            if name in old:
                yield from _changes(old[name], value, (*path, name))
            else:
                yield (*path, name), value
    elif isinstance(old, list) and isinstance(new, list) and old and len(old) <= len(new):
        for at, (one, two) in enumerate(zip(old, new, strict=False)):
            yield from _changes(one, two, (*path, str(at)))
        if len(old) < len(new):
            yield (*path, "-"), new[len(old) :]
    else:
        yield path, new


def _same(one: Any, two: Any) -> bool:
    if isinstance(one, _Nothing) or isinstance(two, _Nothing):
        return one is two
    return _text(one) == _text(two)


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
