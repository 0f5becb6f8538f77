"""Audit of merges: what a merge commit made of records, held against what its sides and the rules of merging give.

Four versions of each line are looked at: the base, both sides and the merge. Where a rule decides, the merge must say the
same; where a person had to, what they said must be one side's or both sides', field group by field group.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from labelvc.core import fields, markers, merge, reconcile
from labelvc.core.fields import ABSENT, Fields
from labelvc.core.merge import Resolve
from labelvc.core.reconcile import Rules
from labelvc.errors import DataError
from labelvc.model.change import Conflict, Strategy
from labelvc.model.names import Key, Layer
from labelvc.model.snapshot import FileChange

Kind = Literal["resolved", "lost", "resurrected", "unwritten", "doubled", "markers"]
Side = Literal["", "ours", "theirs", "both"]
Lines = tuple[bytes, ...]


class Cell(NamedTuple):
    """The lines of some shards that hold the same items in all versions.

    Attributes:
        path: of one of the shards, for messages and for dataset and layer.
        base: lines of the common ancestor.
        ours: lines of the first parent.
        theirs: lines of the second parent.
        merged: lines of the merge commit.
        torn: lines of the merge commit that stand between conflict markers.
    """

    path: str
    base: Sequence[bytes]
    ours: Sequence[bytes]
    theirs: Sequence[bytes]
    merged: Sequence[bytes]
    torn: Sequence[bytes] = ()


class Verdict(NamedTuple):
    """What is to be said of one line of a merge commit.

    Attributes:
        kind: `resolved`: a conflict that a person decided, which is no fault; `lost`: a change of one side is not there
            although the other side left it alone; `resurrected`: deleted on a side, there again; `unwritten`: it says what
            no side and no rule says; `doubled`: the key stands there more often than on a side; `markers`: conflict markers.
        key: the record's or item's key; text where it cannot be read, the path for `markers`.
        side: whose change it is about: of `resolved` the side that won, of `lost` the one that lost, of `resurrected` the
            one that deleted.
        fields: JSON pointers it is about, none for the whole line.
        base: the lines of the common ancestor.
        ours: the lines of the first parent.
        theirs: the lines of the second parent.
        merged: the lines of the merge commit.
    """

    kind: Kind
    key: Key | str
    side: Side = ""
    fields: tuple[str, ...] = ()
    base: Lines = ()
    ours: Lines = ()
    theirs: Lines = ()
    merged: Lines = ()


class _Row(NamedTuple):
    """One key: its lines in all versions, those that merging gives, and the conflict it gives instead."""

    key: Key | str
    base: Lines
    ours: Lines
    theirs: Lines
    merged: Lines
    wanted: Lines
    conflict: Conflict | None

    def verdict(self, kind: Kind, side: Side = "", found: Iterable[str] = ()) -> Verdict:
        pointers = tuple(sorted(set(found)))
        return Verdict(kind, self.key, side, pointers, self.base, self.ours, self.theirs, self.merged)


class _Four(NamedTuple):
    """The four versions as objects; None where there is none."""

    base: Fields | None
    ours: Fields | None
    theirs: Fields | None
    merged: Fields | None


def audit(
    cell: Cell, ours: FileChange, theirs: FileChange, layer: Layer, rules: Rules, resolve: Resolve
) -> Iterator[Verdict]:
    """Judge what a merge made of the lines of a cell.

    Args:
        cell: its lines in all four versions.
        ours: what the first parent changed since the base.
        theirs: what the second parent changed.
        layer: of the cell.
        rules: the dataset's, at the first parent.
        resolve: what decides about a line that both changed, by the same rules.

    Yields:
        Verdicts in order of the lines; nothing for a line that is as merging gives it.
    """
    found = merge.merge(ours, theirs, resolve)
    wanted = markers.without(cell.ours, found.gone) + found.come
    said = Counter(cell.merged)
    expected = Counter(wanted)
    moved = [*(said - expected), *(expected - said)]
    torn = {_head(conflict, cell.path): conflict for conflict in found.conflicts}
    heads = {*merge.by_head(moved, cell.path), *torn}
    heads -= set(merge.by_head(cell.torn, cell.path))
    if not heads:
        return
    tables = [merge.by_head(lines, cell.path) for lines in (cell.base, cell.ours, cell.theirs, cell.merged, wanted)]
    for head in sorted(heads):
        base, mine, new, got, right = [tuple(table.get(head, ())) for table in tables]
        row = _Row(merge.key_of(head, cell.path), base, mine, new, got, right, torn.get(head))
        yield from _judged(row, layer, rules)


def _head(conflict: Conflict, path: str) -> bytes:
    return next(iter(merge.by_head((*conflict.ours, *conflict.theirs, *conflict.base), path)))


def _judged(row: _Row, layer: Layer, rules: Rules) -> Iterator[Verdict]:
    versions = (row.base, row.ours, row.theirs)
    if len(row.merged) > max(1, *map(len, versions)):
        yield row.verdict("doubled")
        return
    if max(map(len, (*versions, row.merged))) > 1:
        yield from _lines(row)
        return
    try:
        four = _Four(*[reconcile.record_of(lines[0]) if lines else None for lines in (*versions, row.merged)])
    except DataError:
        yield from _lines(row)
        return
    if row.conflict is not None:
        chosen = _chosen(row, four)
        if chosen:
            yield row.verdict("resolved", chosen)
            if layer == "annotations" and not _rev_is_known(four, row):
                yield row.verdict("unwritten", found=("/rev",))
            return
    yield from _whole(row, four, layer, rules)


def _lines(row: _Row) -> Iterator[Verdict]:
    """Judge lines that cannot be looked into: a doubled key's, and what is no record."""
    known = {*row.base, *row.ours, *row.theirs}
    if not known.issuperset(row.merged):
        yield row.verdict("unwritten")
    elif row.conflict is not None:
        sides = {row.ours: "ours", row.theirs: "theirs"}
        side: Any = sides.get(row.merged)
        if side is None and not {*row.ours, *row.theirs}.issubset(row.merged):
            yield row.verdict("lost", "both")
        else:
            yield row.verdict("resolved", side or "both")
    elif not set(row.wanted).issubset(row.merged):
        yield row.verdict("lost", _changed(row))
    else:
        yield row.verdict("resurrected", _changed(row))


def _whole(row: _Row, four: _Four, layer: Layer, rules: Rules) -> Iterator[Verdict]:
    """Judge a record by whether it is there at all, and if so by its fields."""
    live = _live(four.merged)
    if row.conflict is None and not any(_live(reconcile.record_of(line)) for line in row.wanted):
        if live:
            known = any(reconcile.alike(side, four.merged) for side in (four.base, four.ours, four.theirs))
            yield row.verdict("resurrected", _deleted(four)) if known else row.verdict("unwritten")
        elif row.wanted and not row.merged:  # a tombstone that is gone would let an old approval be replayed
            yield row.verdict("lost", _changed(row))
        elif row.wanted and not _rev_is_known(four, row):
            yield row.verdict("unwritten", found=("/rev",))
        return
    if not live:
        yield row.verdict("lost", _changed(row))
        return
    yield from _fields(row, four, layer, rules)


def _fields(row: _Row, four: _Four, layer: Layer, rules: Rules) -> Iterator[Verdict]:
    """Judge a record field group by field group."""
    base = four.base if _live(four.base) else None
    ours, theirs = [side if side is not None and _live(side) else base or {} for side in (four.ours, four.theirs)]
    merged = four.merged or {}
    flat = [fields.flat(side or {}) for side in (base, ours, theirs, merged)]
    groups = (*fields.GROUPS, *rules.groups.get(str(merged.get("task", "")), ()))
    if row.conflict is not None and row.conflict.fields == ("/value",):
        groups = (tuple(sorted({p for side in flat for p in side if fields.in_value(p)})), *groups)
    lost: dict[Side, list[str]] = {"ours": [], "theirs": [], "both": []}
    unwritten, winners = list[str](), set[Side]()
    for unit in fields.units(flat, groups):
        was, mine, new, got = [tuple(side.get(pointer, ABSENT) for pointer in unit) for side in flat]
        if unit == ("/at",) and any(fields.same(got, value) for value in (was, mine, new)):
            continue  # when something was said is no part of what was said
        right: tuple[Any, ...] | None = None
        loser: Side = "both"
        if fields.same(mine, new):
            right = mine
        elif fields.same(was, new):
            right, loser = mine, "ours"
        elif fields.same(was, mine):
            right, loser = new, "theirs"
        if right is None:
            winner = _winner(unit, (was, mine, new, got), rules)
            if winner:
                winners.add(winner)
            elif fields.same(got, was):
                lost["both"] += unit
            else:
                unwritten += [p for p, one, two in zip(unit, mine, new, strict=True) if not fields.equal(one, two)]
            continue
        for pointer, value, said, *others in zip(unit, right, got, was, mine, new, strict=True):
            if not fields.equal(value, said):
                stale = any(fields.equal(other, said) for other in others)
                (lost[loser] if stale else unwritten).append(pointer)
    if layer == "annotations" and not _rev_is_known(four, row):
        unwritten.append("/rev")
    yield from [row.verdict("lost", side, found) for side, found in lost.items() if found]
    if unwritten:
        yield row.verdict("unwritten", found=unwritten)
    if row.conflict is not None and not unwritten and not any(lost.values()):
        yield row.verdict("resolved", winners.pop() if len(winners) == 1 else "both")


def _winner(unit: tuple[str, ...], values: Sequence[tuple[Any, ...]], rules: Rules) -> Side:
    """Return whose value of a field group that both changed the merge has; empty when it is nobody's and no rule's."""
    was, mine, new, got = values
    if fields.same(got, mine):
        return "ours"
    if fields.same(got, new):
        return "theirs"
    strategies: tuple[Strategy, ...] = (reconcile.strategy_of(unit, rules, "conflict"), "union", "max")
    ruled = [reconcile.decided(strategy, was, mine, new) for strategy in strategies]
    return "both" if any(value is not None and fields.same(got, value) for value in ruled) else ""


def _chosen(row: _Row, four: _Four) -> Side:
    """Return the side whose whole record a person took, deletions included; empty when it is neither."""
    sides: Mapping[Side, Fields | None] = {"ours": four.ours, "theirs": four.theirs}
    return next((name for name, side in sides.items() if _taken(side, four.merged)), "")


def _taken(side: Fields | None, merged: Fields | None) -> bool:
    if _live(side) or _live(merged):
        return _live(side) and _live(merged) and reconcile.alike(side, merged)
    return merged is not None or side is None  # the tombstone of a side must be there


def _rev_is_known(four: _Four, row: _Row) -> bool:
    """Tell whether a `rev` is a side's, as git's text merge leaves it, or the next one."""
    revs = [reconcile.rev_of(side) for side in (four.ours, four.theirs)]
    wanted = [reconcile.rev_of(reconcile.record_of(line)) for line in row.wanted]
    return reconcile.rev_of(four.merged) in {*revs, max(revs) + 1, *wanted}


def _live(side: Fields | None) -> bool:
    return side is not None and side.get("gone") is not True


def _changed(row: _Row) -> Side:
    """Return who changed a line since the base; both where nobody did, for then it is both sides' line that is gone."""
    changed = [side != row.base for side in (row.ours, row.theirs)]
    return "both" if changed[0] == changed[1] else "ours" if changed[0] else "theirs"


def _deleted(four: _Four) -> Side:
    dead = [not _live(side) for side in (four.ours, four.theirs)]
    return "both" if dead[0] == dead[1] else "ours" if dead[0] else "theirs"
