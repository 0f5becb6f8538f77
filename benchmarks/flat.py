"""The same records as flat files, for tools that know neither shards nor `rev`: a table, and a JSON object by key."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from benchmarks import data, forks
from benchmarks.forks import Fork, Truth

COLUMNS = ("key", "item", "id", "at", "by", "ref", "tool", "task", "under", "label", "note")

Row = dict[str, str]


class Versions(NamedTuple):
    """Files of the three versions of a fork, and the truth about their merge.

    Attributes:
        tables: `base`, `ours` and `theirs` as CSV.
        objects: the same as JSON, key to row.
        truth: what the merged rows must be, as `encode` writes them; deleted records are not there.
    """

    tables: dict[str, Path]
    objects: dict[str, Path]
    truth: Truth


def row(line: bytes) -> Row:
    """Return all that a living record says but `rev`, a column a member."""
    record = json.loads(line)
    members = {
        **record,
        **record["origin"],
        "key": f"{record['item']}#{record['id']}",
        "label": record["value"]["label"],
        "note": record.get("ext", {}).get("note", ""),
    }
    return {name: members[name] for name in COLUMNS}


def encode(cells: Mapping[str, str]) -> bytes:
    """Return a row as one line, the same for every tool."""
    return json.dumps([cells.get(name, "") for name in COLUMNS]).encode()


def table(rows: Iterable[Row], target: Path) -> Path:
    """Write rows as CSV."""
    with target.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows([cells[name] for name in COLUMNS] for cells in rows)
    return target


def keyed(rows: Iterable[Row], target: Path) -> Path:
    """Write rows as one JSON object, key to row, a line a row."""
    lines = ",\n".join([f"{json.dumps(cells['key'])}:{json.dumps(cells)}" for cells in rows])
    target.write_text(f"{{\n{lines}\n}}\n")
    return target


def rows_at(folder: Path, revision: str) -> Iterator[Row]:
    """Yield the living records of a commit, in the order of shards."""
    for _, lines in data.walk_at(folder, revision):
        yield from (row(line) for line in lines if not forks.is_dead(line))


def versions(fork: Fork, folder: Path) -> Versions:
    """Write the three versions of a fork.

    Args:
        fork: what is merged.
        folder: for the files.

    Returns:
        The files and the truth.
    """
    tables, objects = {}, {}
    for name, revision in (("base", "main"), ("ours", "ours"), ("theirs", "theirs")):
        rows = sorted(rows_at(fork.folder, revision), key=lambda cells: cells["key"])
        tables[name] = table(rows, folder / f"{name}-{fork.records}.csv")
        objects[name] = keyed(rows, folder / f"{name}-{fork.records}.json")
    merged, dead = {}, set()
    for _, truth in forks.truths(fork):
        dead |= truth.dead
        merged |= {name: encode(row(line)) for name, line in truth.merged.items() if name not in truth.dead}
    return Versions(tables, objects, Truth(merged, frozenset(dead), fork.conflicts))


def read_table(path: Path) -> Iterator[Row]:
    """Yield the rows of a CSV, wherever its header stands: daff's merge puts rows that theirs added before it."""
    with path.open(newline="") as file:
        for cells in csv.reader(file):
            if tuple(cells) != COLUMNS:
                yield dict(zip(COLUMNS, cells, strict=False))
