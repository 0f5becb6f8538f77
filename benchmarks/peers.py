"""Peers: what people use now for the same job, on a size they finish in two minutes, reported per record."""

from __future__ import annotations

import csv
import json
import shutil
import sys
from pathlib import Path
from typing import Any

from benchmarks import data
from benchmarks.data import Repository
from benchmarks.measure import Cost, process
from benchmarks.report import Row

SCHEMA_FILE = Path(__file__).resolve().parents[1] / "schemas/record.v1.json"
"""What a team without labelvc would hold its records against: the published schema of the very same lines."""
RECORD_SCHEMA: dict[str, Any] = json.loads(SCHEMA_FILE.read_bytes())
SAMPLE = 10_000


def schema(repository: Repository, folder: Path, ours: float) -> list[Row]:
    """Time two schema checkers on a sample of the records.

    Args:
        repository: where the records are.
        folder: for the sample's file.
        ours: CPU seconds a line of `labelvc check`, which checks much more than the schema.

    Returns:
        A row a peer, with its cost a record against ours.
    """
    lines = [line for shard in data.read(repository.folder).values() for line in shard][:SAMPLE]
    sample, described = folder / "sample.json", folder / "schema.json"
    sample.write_bytes(b"[" + b",".join(lines) + b"]")
    inner = {name: rule for name, rule in RECORD_SCHEMA.items() if name not in ("$id", "$schema", "$defs")}
    described.write_text(json.dumps({"type": "array", "items": inner, "$defs": RECORD_SCHEMA["$defs"]}))
    top = str(Path(__file__).resolve().parents[1])
    loop = process(
        [sys.executable, "-m", "benchmarks.jsonschema_loop", str(sample)], folder, environment={"PYTHONPATH": top}
    )
    checker = shutil.which("check-jsonschema") or "check-jsonschema"
    command = process([checker, "--schemafile", str(described), str(sample)], folder)
    return [
        _row(
            "schema only, a sample",
            "jsonschema loop",
            loop,
            len(lines),
            ours,
            loop.out.strip() == str(len(lines)).encode(),
        ),
        _row("schema only, a sample", "check-jsonschema", command, len(lines), ours, command.code == 0),
    ]


def diff(repository: Repository, folder: Path) -> list[Row]:
    """Time csv-diff and daff on a repository's two versions as flat files."""
    changed = repository.changed["few"]
    versions = {}
    for branch in ("main", "few"):
        process(["git", "checkout", "-qf", branch], repository.folder)
        versions[branch] = _flat(repository.folder, folder / f"flat-{branch}.csv")
    process(["git", "checkout", "-qf", "main"], repository.folder)
    ours = process([shutil.which("labelvc") or "labelvc", "diff", "main..few", "--format", "jsonl"], repository.folder)
    name = f"{changed} of {repository.records:,} changed, as flat files"
    compared = process(
        [shutil.which("csv-diff") or "csv-diff", *map(str, versions.values()), "--key=key", "--json"], folder
    )
    found = len(json.loads(compared.out or b"{}").get("changed", ()))
    rows = [
        Row(name, "labelvc diff", *ours[:3], "1x", len(ours.out.splitlines()) == changed, "from git, not from files"),
        Row(
            name,
            "csv-diff",
            *compared[:3],
            f"{'> ' if compared.code < 0 else ''}{compared.cpu / ours.cpu:.0f}x labelvc",
            compared.code < 0 or found == changed,
            "killed after 120 s" if compared.code < 0 else f"{found} changed",
        ),
    ]
    patch = folder / "daff.csv"
    daff = process(
        [
            shutil.which("daff.py") or "daff.py",
            "diff",
            "--id",
            "key",
            "--output",
            str(patch),
            *map(str, versions.values()),
        ],
        folder,
    )
    seen = sum(row[:1] == ["->"] for row in csv.reader(patch.open())) if patch.exists() else 0
    late = "" if daff.code >= 0 else "killed after 120 s"
    rows.append(
        Row(
            name,
            "daff",
            *daff[:3],
            f"{'> ' if late else ''}{daff.cpu / ours.cpu:.0f}x labelvc",
            bool(late) or seen == changed,
            late or f"{seen} changed",
        )
    )
    return rows


def _flat(folder: Path, target: Path) -> Path:
    """Write all that the records say as a table, a column a member."""
    with target.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["key", "item", "id", "at", "by", "ref", "tool", "rev", "task", "under", "label"])
        for lines in data.read(folder).values():
            for record in map(json.loads, lines):
                plain = [record[name] for name in ("item", "id", "at", "by")]
                origin = [record["origin"][name] for name in ("ref", "tool")]
                answer = [record[name] for name in ("rev", "task", "under")]
                key = f"{record['item']}#{record['id']}"
                writer.writerow([key, *plain, *origin, *answer, record["value"]["label"]])
    return target


def _row(job: str, tool: str, cost: Cost, records: int, ours: float, right: bool) -> Row:
    each = cost.cpu / records
    return Row(
        job, tool, *cost[:3], f"{each / ours:.0f}x labelvc's whole check, a record", right, f"{records:,} records"
    )
