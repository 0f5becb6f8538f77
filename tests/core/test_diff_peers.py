"""Flat tables compared by labelvc, csv-diff and daff: the same rows came, went and changed, in the same cells."""

from __future__ import annotations

from typing import NamedTuple

import csv_diff
import daff
from hypothesis import event, given

from labelvc.codec import canonical, shard
from labelvc.core import diff
from labelvc.store import patch
from tests.core.test_merge_daff import COLUMNS, Table, tables

PATH = "datasets/pets/annotations/00.jsonl"


class Found(NamedTuple):
    """What differs between two tables: ids of rows, and of those on both sides the cells (row, column, old, new)."""

    added: set[str]
    removed: set[str]
    changed: set[tuple[str, str, str, str]]


def by_record(old: Table, new: Table) -> Found:
    """Compare the shards that hold a record a row, as `diff` does."""
    sides = [
        shard.write(
            canonical.encode_record({"item": "i", "id": name, "ext": dict(zip(COLUMNS[1:], row, strict=True))})
            for name, row in table.items()
        )
        for table in (old, new)
    ]
    found = Found(set(), set(), set())
    for delta in diff.pair(patch.walk(PATH, *sides)):
        seen = diff.compare(delta)
        name = seen.delta.key.id if not isinstance(seen.delta.key, str) else ""
        if seen.kind in ("added", "removed"):
            getattr(found, seen.kind).add(name)
        else:
            columns = [pointer.removeprefix("/ext/") for pointer in seen.pointers]
            found.changed.update((name, column, seen.old["ext"][column], seen.new["ext"][column]) for column in columns)
    return found


def by_csv_diff(old: Table, new: Table) -> Found:
    sides = [{name: dict(zip(COLUMNS, (name, *row), strict=True)) for name, row in side.items()} for side in (old, new)]
    told = csv_diff.compare(*sides)
    cells = {(one["key"], column, *pair) for one in told["changed"] for column, pair in one["changes"].items()}
    return Found({row["id"] for row in told["added"]}, {row["id"] for row in told["removed"]}, cells)


def by_daff(old: Table, new: Table) -> Found:
    """Read daff's highlighter format (specification, version 0.8): `+++` a new row, `---` one that is gone, `->` cells that changed."""
    views = [
        daff.PythonTableView([list(COLUMNS), *[[name, *row] for name, row in table.items()]]) for table in (old, new)
    ]
    flags = daff.CompareFlags()
    flags.addPrimaryKey("id")
    flags.unchanged_context = 0
    told = daff.PythonTableView([])
    daff.TableDiff(daff.compareTables(*views, flags).align(), flags).hilite(told)
    found, header = Found(set(), set(), set()), [""]
    for y in range(told.get_height()):
        sign, *cells = [told.getCell(x, y) for x in range(told.get_width())]
        if sign == "@@":
            header = cells
        row = dict(zip(header, cells, strict=False))
        if sign in ("+++", "---"):
            (found.added if sign == "+++" else found.removed).add(row["id"])
        elif sign and sign.endswith("->"):
            pairs = {column: cell.split(sign) for column, cell in row.items() if sign in cell}
            found.changed.update((row["id"], column, *pair) for column, pair in pairs.items())
    return found


@given(tables())
def test_what_differs_is_what_csv_diff_and_daff_say(three: tuple[Table, Table, Table]):
    old, new = three[1:]
    mine = by_record(old, new)
    for kind, found in mine._asdict().items():
        event(f"{kind}: {bool(found)}")
    assert mine == by_csv_diff(old, new) == by_daff(old, new)
