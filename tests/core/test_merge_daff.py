"""Flat tables merged by labelvc and by `daff merge`: the same rows, or a difference that is better for a known reason."""

from __future__ import annotations

import copy
from typing import Any

import daff
from hypothesis import event, given
from hypothesis import strategies as st

from labelvc.codec import canonical
from labelvc.core import merge, reconcile
from labelvc.core.reconcile import Rules
from labelvc.model.snapshot import FileChange

PATH = "datasets/pets/annotations/00.jsonl"
COLUMNS = ("id", "one", "two", "three")
Table = dict[str, tuple[str, ...]]


@st.composite
def tables(draw: st.DrawFn) -> tuple[Table, Table, Table]:
    """Draw a table and two versions of it: cells changed, rows added, rows taken away. Cells tell rows apart."""
    size = draw(st.integers(4, 9))
    base = {f"r{at}": tuple(f"{name}{at}" for name in "xyz") for at in range(size)}
    sides = []
    for sign in ("o", "t"):
        side = dict(base)
        for at in draw(st.lists(st.integers(0, size - 1), max_size=3, unique=True)):
            row, column = list(side[f"r{at}"]), draw(st.integers(0, 2))
            row[column] = f"{row[column]}{draw(st.sampled_from([sign, 'same']))}"
            side[f"r{at}"] = tuple(row)
        for at in draw(st.lists(st.integers(0, size - 1), max_size=1)):
            side.pop(f"r{at}", None)
        for at in range(draw(st.integers(0, 2))):
            side[f"{sign}{at}"] = tuple(f"{name}{sign}{at}" for name in "xyz")
        sides.append(side)
    return base, sides[0], sides[1]


def by_daff(base: Table, ours: Table, theirs: Table) -> tuple[Table | None, int]:
    """Return the rows that daff makes (None where it cannot be read as rows) and the number of its conflicts."""
    views = [
        daff.PythonTableView([list(COLUMNS), *[[name, *row] for name, row in side.items()]])
        for side in (base, ours, theirs)
    ]
    flags = daff.CompareFlags()
    flags.addPrimaryKey("id")
    merger = daff.Merger(*views, flags)
    conflicts = merger.apply()
    rows = [[views[1].getCell(x, y) for x in range(views[1].get_width())] for y in range(1, views[1].get_height())]
    names = [row[0] for row in rows]
    whole = len(set(names)) == len(names) and all(isinstance(cell, str) for row in rows for cell in row)
    return ({row[0]: tuple(row[1:]) for row in rows} if whole else None), conflicts


def by_record(base: Table, ours: Table, theirs: Table) -> tuple[Table, list[Any]]:
    """Return the rows that labelvc makes, and its conflicts."""
    lines = [
        {
            name: canonical.encode_record({"item": "i", "id": name, "ext": dict(zip(COLUMNS[1:], row, strict=True))})
            for name, row in side.items()
        }
        for side in (base, ours, theirs)
    ]
    changes = [
        FileChange(
            PATH,
            [line for name, line in lines[0].items() if side.get(name) != line],
            [line for name, line in side.items() if lines[0].get(name) != line],
        )
        for side in lines[1:]
    ]
    found = merge.merge(*changes, reconcile.resolver("annotations", Rules()))
    left = [line for line in lines[1].values() if line not in found.gone] + found.come
    rows = [canonical.decode(line) for line in left]
    return {row["id"]: tuple(row["ext"][name] for name in COLUMNS[1:]) for row in rows}, found.conflicts


@given(tables())
def test_flat_tables_come_out_as_with_daff_or_better(three: tuple[Table, Table, Table]):
    _, ours, theirs = three
    mine, conflicts = by_record(*three)
    other, theirs_found = by_daff(*copy.deepcopy(three))
    cells = [found for found in conflicts if found.kind == "edited"]
    dropped = [found for found in conflicts if found.kind == "deleted"]
    assert len(cells) + len(dropped) == len(conflicts)
    if dropped:  # daff lets a deletion win over an edit without a word; a label would be lost
        event("a deletion against an edit")
        for found in dropped:
            name = found.key.id
            assert (name in ours) != (name in theirs)
            assert other is None or name not in other
        return
    event("cells in conflict" if cells else "clean")
    assert bool(theirs_found) == bool(cells)
    if not cells:
        assert mine == other
