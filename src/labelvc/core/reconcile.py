"""Reconcile: one line that both sides changed, its fields brought together in groups that one decision covers.

No label comes out that nobody chose; what both changed within a group goes by the dataset's strategy for it, and without
one is a conflict. No clock, no order of arrival and no side's place decides, except where a strategy says so: both sides of
a merge get the same bytes (gastownhall/beads c3a1bcbdc had to freeze time in its merge tests).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

from labelvc.codec import canonical, shard
from labelvc.core import fields
from labelvc.core.fields import Fields
from labelvc.core.merge import Resolve
from labelvc.errors import DataError
from labelvc.model.change import Conflict, Strategy
from labelvc.model.names import Layer

_NOBODYS = "(undecided)"  # no name that a record or an item may have by chance
_DEFAULTS: Mapping[str, Strategy] = {"/at": "max"}


class Rules(NamedTuple):
    """What a dataset says of merging.

    Attributes:
        strategies: JSON pointer to strategy; it holds for the field and all below it.
        groups: task to further groups of pointers that one decision covers.
        open: tasks whose value may lose and gain members on its own, as a token's does.
    """

    strategies: Mapping[str, Strategy] = {}
    groups: Mapping[str, tuple[tuple[str, ...], ...]] = {}
    open: frozenset[str] = frozenset()


def undecided(line: bytes, layer: Layer) -> bytes:
    """Return a line of the same key on which nobody agreed, for the base of a criss-cross merge: all that differs is a conflict."""
    head = shard.HEADS[layer].match(line)
    return (head.group() if head else line[:-1]) + f',"{_NOBODYS}":true}}'.encode()


def resolver(layer: Layer, rules: Rules, chosen: Strategy = "conflict") -> Resolve:
    """Return what decides about a line that both sides changed.

    Args:
        layer: of the line.
        rules: the dataset's.
        chosen: strategy for fields that have none: `ours` or `theirs` decides every conflict, deletions included.

    Returns:
        A function that returns the merged lines, none when the record is to go, or the conflict with its fields filled in.
    """

    def decide(conflict: Conflict) -> tuple[bytes, ...] | Conflict:
        sides = {"ours": conflict.ours, "theirs": conflict.theirs}
        if conflict.kind == "doubled":
            return sides.get(chosen, conflict)
        raw = [lines[0] if lines else None for lines in (conflict.base, conflict.ours, conflict.theirs)]
        try:
            base, ours, theirs = [None if line is None else record_of(line) for line in raw]
            merged = _merged(base, ours, theirs, rules, chosen)
            if isinstance(merged, list):
                return conflict._replace(kind="deleted" if merged == [""] else conflict.kind, fields=tuple(merged))
            line = _written(merged, raw[1:], (ours, theirs), layer)
        except DataError:  # a line that is no record, or that canonical form cannot hold
            return sides.get(chosen, conflict)
        return () if line is None else (line,)

    return decide


def _merged(
    base: Fields | None, ours: Fields | None, theirs: Fields | None, rules: Rules, chosen: Strategy
) -> Fields | list[str] | None:
    """Return the fields of three versions of a line merged (None: it is gone), or the pointers in conflict."""
    dead = [side is None or side.get("gone") is True for side in (ours, theirs)]
    if all(dead):
        left = [side for side in (ours, theirs) if side is not None]
        return max(left, key=_rank, default=None)
    if any(dead):
        live, other = (theirs, ours) if dead[0] else (ours, theirs)
        if alike(base, live):
            return other
        if chosen in ("ours", "theirs"):
            return ours if chosen == "ours" else theirs
        return [""]
    ours, theirs = cast(Fields, ours), cast(Fields, theirs)
    if base is not None and base.get("gone") is True:
        base = None
    open_base = base is not None and _NOBODYS in base
    flat = [fields.flat(side or {}) for side in (base, ours, theirs)]
    task = str(ours.get("task", ""))
    result, conflicts = dict[str, Any](), list[str]()
    later = later_side(ours, theirs)
    for unit in fields.units(flat, (*fields.GROUPS, *rules.groups.get(task, ()))):
        was, mine, new = [tuple(side.get(pointer, fields.ABSENT) for pointer in unit) for side in flat]
        if open_base:
            was = tuple(object() for _ in unit)  # like nothing that a side has
        value: tuple[Any, ...] | None = (
            mine if fields.same(mine, new) or fields.same(was, new) else new if fields.same(was, mine) else None
        )
        if value is None:
            strategy = strategy_of(unit, rules, chosen)
            value = decided(later if strategy == "newest" else strategy, was, mine, new)
        if value is None:
            conflicts += [
                pointer for pointer, one, two in zip(unit, mine, new, strict=True) if not fields.equal(one, two)
            ]
        else:
            result.update({p: member for p, member in zip(unit, value, strict=True) if member is not fields.ABSENT})
    signed = strategy_of(fields.ATTRIBUTION, rules, "conflict") == "conflict"
    if not conflicts and _mixed(result, flat[1:], shaped=task not in rules.open, signed=signed):
        # A label from one side beside a box that the other side took away, an answer to another task, or somebody's name
        # under an answer that is not theirs: nobody chose that.
        side = later if chosen == "newest" else chosen
        if side not in ("ours", "theirs"):
            return sorted(
                p for p in {*flat[1], *flat[2]} if _answers(p) and not fields.equal(*[f.get(p) for f in flat[1:]])
            )
        whole = {p: v for p, v in flat[1 if side == "ours" else 2].items() if _answers(p)}
        result = {**{p: v for p, v in result.items() if not _answers(p)}, **whole}
    key: Fields = {name: ours[name] for name in ("item", "id") if name in ours}
    return sorted(conflicts) or {**key, **fields.nested(result)}


def decided(
    strategy: Strategy, was: tuple[Any, ...], ours: tuple[Any, ...], theirs: tuple[Any, ...]
) -> tuple[Any, ...] | None:
    """Return the value a strategy gives to a field group that both sides changed, None when it has no answer."""
    if strategy in ("ours", "theirs"):
        return ours if strategy == "ours" else theirs
    if strategy == "max":
        pairs = [fields.greater(one, two) for one, two in zip(ours, theirs, strict=True)]
        return None if fields.ABSENT in pairs else tuple(pairs)
    if strategy == "union":
        lists = [fields.united(*three) for three in zip(was, ours, theirs, strict=True)]
        return None if None in lists else tuple(lists)
    return None


def strategy_of(unit: tuple[str, ...], rules: Rules, chosen: Strategy) -> Strategy:
    """Return the strategy of a field group: of its first field that has one, itself or above it."""
    for pointer in unit:
        at = pointer
        while at:
            found = rules.strategies.get(at)
            if found is not None and found != "conflict":
                return found
            at = at.rpartition("/")[0]
    return _DEFAULTS.get(unit[0], chosen)


def later_side(ours: Fields, theirs: Fields) -> Strategy:
    """Return the side with the later `at`; `conflict` where a side has none or both the same: then nobody knows."""
    mine, new = [str(side.get("at", "")) for side in (ours, theirs)]
    if not mine or not new or mine == new:
        return "conflict"
    return "ours" if mine > new else "theirs"


def _rank(record: Fields) -> tuple[str, int, bytes]:
    """Return what says how late a record is: its `at`, then `rev`, then its bytes, so that no tie is left."""
    return str(record.get("at", "")), rev_of(record), canonical.encode(record)


def _written(
    merged: Fields | None, raw: list[bytes | None], sides: tuple[Fields | None, Fields | None], layer: Layer
) -> bytes | None:
    """Return the line of a merged record: a side's own where it outgrew the other's `rev`, else with the next `rev`."""
    if merged is None or layer == "items":
        return None if merged is None else canonical.encode_item(merged)
    revs = [rev_of(side) for side in sides]
    for line, side, rev, other in zip(raw, sides, revs, reversed(revs), strict=True):
        if side is not None and rev > other and {**side, "rev": 0} == {**merged, "rev": 0}:
            return line
    return canonical.encode_record({**merged, "rev": max(revs) + 1})


def _mixed(result: Fields, sides: Sequence[Fields], *, shaped: bool, signed: bool) -> bool:
    """Tell whether an answer is put together of two in a way that nobody chose.

    Args:
        result: the merged fields.
        sides: those of our side and of theirs.
        shaped: whether the value must have the members that one side's has.
        signed: whether who answered must stand under their own answer.

    Returns:
        True when the value's shape is no side's, or where the sides answer different tasks, or name different people, tools
        or guidelines, and the answer is not that of one side with what it says of itself.
    """
    if shaped and _shape(result) not in map(_shape, sides):
        return True
    if fields.equal(*[_part(side, ("/task",)) for side in sides]) and (
        not signed or fields.equal(*[_part(side, fields.ATTRIBUTION) for side in sides])
    ):
        return False
    found = _answer(result, signed=signed)
    return not any(fields.equal(found, _answer(side, signed=signed)) for side in sides)


def _shape(flat: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(filter(fields.in_value, flat))


def _part(flat: Mapping[str, Any], pointers: Sequence[str]) -> Fields:
    return {pointer: flat[pointer] for pointer in pointers if pointer in flat}


def _answer(flat: Mapping[str, Any], *, signed: bool) -> Fields:
    return {p: v for p, v in flat.items() if _answers(p) and (signed or p not in fields.ATTRIBUTION)}


def _answers(pointer: str) -> bool:
    """Tell whether a field is part of an answer: the task, the value, and who gave it how."""
    return pointer == "/task" or pointer in fields.ATTRIBUTION or fields.in_value(pointer)


def alike(one: Fields | None, two: Fields | None) -> bool:
    """Tell whether two records say the same, bookkeeping (`rev`, `at`) left out."""
    plain = [{name: value for name, value in (side or {}).items() if name not in ("rev", "at")} for side in (one, two)]
    return one is not None and two is not None and canonical.encode(plain[0]) == canonical.encode(plain[1])


def record_of(raw: bytes) -> Fields:
    """Return a line as an object.

    Raises:
        DataError: it is none.
    """
    record = canonical.decode(raw)
    if not isinstance(record, dict):
        raise DataError("a line is a JSON object")
    return record


def rev_of(record: Fields | None) -> int:
    """Return a record's `rev`, 0 where it has none."""
    rev = (record or {}).get("rev", 0)
    return rev if type(rev) is int else 0
