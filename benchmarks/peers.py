"""Peers: what people use now for the same job, on a size they finish in two minutes, reported per record."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable
from itertools import chain, islice
from pathlib import Path
from typing import Any

from benchmarks import data, flat, tools
from benchmarks.data import Repository
from benchmarks.measure import Cost, least, process
from benchmarks.report import ABSENT, LATE, Job, Row, absent

SCHEMA_FILE = Path(__file__).resolve().parents[1] / "schemas/record.v1.json"
"""What a team without labelvc would hold its records against: the published schema of the very same lines."""
RECORD_SCHEMA: dict[str, Any] = json.loads(SCHEMA_FILE.read_bytes())
SAMPLE = 10_000
SCHEMA_ONLY = "schema only, a sample"
CAP = 120
SLOW = ("daff (pip)", "nbdime")


def schema(repository: Repository, folder: Path, ours: float) -> list[Row]:
    """Time schema checkers on a sample of the records.

    Args:
        repository: where the records are.
        folder: for the sample's file.
        ours: CPU seconds a line of `labelvc check`, which checks much more than the schema.

    Returns:
        A row a peer, with its cost a record against ours.
    """
    lines = list(islice(chain.from_iterable(lines for _, lines in data.walk(repository.folder)), SAMPLE))
    sample, described = folder / "sample.json", folder / "schema.json"
    sample.write_bytes(b"[" + b",".join(lines) + b"]")
    inner = {name: rule for name, rule in RECORD_SCHEMA.items() if name not in ("$id", "$schema", "$defs")}
    described.write_text(json.dumps({"type": "array", "items": inner, "$defs": RECORD_SCHEMA["$defs"]}))
    top = str(Path(__file__).resolve().parents[1])
    loop = process(
        [sys.executable, "-m", "benchmarks.jsonschema_loop", str(sample)], folder, environment={"PYTHONPATH": top}
    )
    rows = [
        _row("jsonschema loop", loop, len(lines), ours, right=loop.out.strip() == str(len(lines)).encode()),
    ]
    checker = tools.own("check-jsonschema")
    if checker is None:
        rows.append(absent(SCHEMA_ONLY, "check-jsonschema"))
    else:
        command = process([checker, "--schemafile", str(described), str(sample)], folder)
        rows.append(_row("check-jsonschema", command, len(lines), ours, right=command.code == 0))
    return [*rows, _frictionless(lines, folder, ours)]


def _frictionless(lines: list[bytes], folder: Path, ours: float) -> Row:
    program = tools.of_peers("frictionless")
    if program is None:
        return absent(SCHEMA_ONLY, "frictionless")
    table, schema = flat.table(map(flat.row, lines), folder / "sample.csv"), folder / "sample-schema.json"
    fields = [{"name": name, "type": "string", "constraints": {"required": name != "note"}} for name in flat.COLUMNS]
    fields[flat.COLUMNS.index("label")]["constraints"]["enum"] = data.LABELS
    schema.write_text(json.dumps({"fields": fields, "primaryKey": ["key"]}))
    cost = process([program, "validate", table.name, "--schema", schema.name], folder)
    return _row("frictionless", cost, len(lines), ours, right=cost.code == 0)


def diff(repository: Repository, folder: Path, times: int, *, judged: bool, slow: bool) -> Job:
    """Time record diffs of a repository's two versions as flat files.

    Args:
        repository: with the branch `few`.
        folder: for the files.
        times: runs of labelvc.
        judged: whether this is the largest size that the peers finish, at which the target holds.
        slow: also run what is known to take longer than a minute on a million records.
    """
    changed = repository.changed["few"]
    tables, objects = [], []
    for revision in ("main", "few"):
        rows = list(flat.rows_at(repository.folder, revision))
        tables.append(str(flat.table(rows, folder / f"flat-{revision}.csv")))
        objects.append(str(flat.keyed(rows, folder / f"flat-{revision}.json")))
        del rows
    ours = least(lambda: process([tools.LABELVC, "diff", "main..few", "--format", "jsonl"], repository.folder), times)
    work = f"{changed:,} of {repository.records:,} changed"
    patch = folder / "daff.csv"
    daff = ["diff", "--id", "key", "--output", str(patch), *tables]
    peers: list[tuple[str, list[str | None], Callable[[bytes], int], str]] = [
        ("csv-diff", [tools.own("csv-diff"), *tables, "--key=key", "--json"], _changed, ""),
        ("daff (npm)", [tools.npm("daff"), *daff], lambda _: _patched(patch), ""),
        ("daff (pip)", [tools.own("daff.py"), *daff], lambda _: _patched(patch), ""),
        (
            "nbdime",
            [tools.python("python", "nbdime"), tools.script("nbdime"), "diff", *objects],
            _changed,
            "keyed by id",
        ),
        ("oxen", [tools.python("oxen", "oxen"), tools.script("oxen"), *tables], int, "of label and note, by key"),
    ]
    right = len(ours.out.splitlines()) == changed
    found = [Row(work, "labelvc diff", *ours[:3], "1x", right, "from git, not from files")]
    for tool, words, count, note in peers:
        why = "not installed: make bench-peers ARGUMENTS=oxen" if tool == "oxen" else ABSENT
        if tool in SLOW and repository.records > 200_000 and not slow:
            why = LATE
        if words[0] is None or why == LATE:
            found.append(absent(work, tool, why))
            continue
        patch.unlink(missing_ok=True)
        cost = process([str(word) for word in words], folder, cap=CAP)
        number = _told(cost, count)
        found.append(_beside(work, tool, cost, ours.cpu, number, changed, note))
    found.append(_doltlite(objects, folder, work, ours.cpu, changed))
    quick = [row.cpu / ours.cpu for row in found if row.tool.startswith(("csv-diff", "daff", "nbdime")) and row.cpu > 0]
    slowest = min(quick, default=0.0)
    return Job(
        f"diff beside other tools, {work}, as flat files",
        "csv-diff, daff and nbdime cost >= 20x labelvc diff"
        if judged
        else "told beside the larger size (docs/adr/0015)",
        f"{slowest:.1f}x the quickest of them",
        right and slowest >= 20 if judged and quick else None,
        found,
    )


def _told(cost: Cost, count: Callable[[bytes], int]) -> int | None:
    """Return how many changes a tool told; None for one that told none of them, as one that crashed with the exit code of a change."""
    try:
        return count(cost.out) if cost.code in (0, 1) else None
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _beside(work: str, tool: str, cost: Cost, ours: float, number: int | None, changed: int, note: str) -> Row:
    ratio = f"{cost.cpu / ours:.2g}x labelvc"
    if number is None:
        why = f"killed after {CAP} s" if cost.code < 0 else f"exit {cost.code}"
        return Row(work, tool, *cost[:3], f"> {ratio}", None, why)
    told = f"{number:,} changed"
    return Row(work, tool, *cost[:3], ratio, number == changed, f"{told}, {note}" if note else told)


def _changed(out: bytes) -> int:
    return len(json.loads(out)["changed"])


def _patched(patch: Path) -> int:
    with patch.open() as file:
        return sum(row[:1] == ["->"] for row in csv.reader(file))


def _doltlite(objects: list[str], folder: Path, work: str, ours: float, changed: int) -> Row:
    python = tools.python("python", "doltlite")
    if python is None:
        return absent(work, "doltlite")
    cost = process([python, tools.script("doltlite"), "diff", *objects], folder, cap=600)
    if cost.code:
        return Row(work, "doltlite", *cost[:3], note=f"exit {cost.code}")
    done = json.loads(cost.out)["diff"]
    ratio = f"{done['cpu'] / ours:.2g}x labelvc"
    return Row(
        work,
        "doltlite",
        done["cpu"],
        done["wall"],
        cost.peak,
        ratio,
        done["found"] == changed,
        "in its engine, without loading",
    )


def _row(tool: str, cost: Cost, records: int, ours: float, *, right: bool) -> Row:
    ratio = f"{cost.cpu / records / ours:.0f}x labelvc's whole check, a record"
    return Row(SCHEMA_ONLY, tool, *cost[:3], ratio, right, f"{records:,} records")
