"""Import: a million answers of named people from CSV and JSONL, pseudonymised on the way."""

from __future__ import annotations

import csv
import json
import random
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from benchmarks import data
from benchmarks.measure import least, process
from benchmarks.report import Job, Row
from benchmarks.tools import HERE, LABELVC

COLUMNS = ("id", "item", "text", "annotator", "label", "at")
CAP = 900


def read(folder: Path, records: int, shards: int, reference: Path) -> list[Job]:
    """Import the same rows from both formats.

    Args:
        folder: for the files and the project.
        records: number of rows.
        shards: 4^k.
        reference: repository of as many records, whose parse is the unit.
    """
    words = [sys.executable, "-m", "benchmarks.parse"]
    parse = least(lambda: process(words, reference, environment={"PYTHONPATH": str(HERE.parent)}), 3)
    jobs = []
    for form, write in (("csv", _csv), ("jsonl", _jsonl)):
        source, labels = folder / f"in-{records}.{form}", folder / "imported"
        if not source.exists():
            write(source, records)
        shutil.rmtree(labels, ignore_errors=True)
        labels.mkdir()
        data.begin(labels, shards)
        process([LABELVC, "pseudonym", "new"], labels)
        data.git(labels, "add", "-A")
        data.git(labels, "commit", "-qnm", "Begin")
        words = [LABELVC, "import", form, str(source), "--dataset", "texts"]
        cost = process([*words, "--item", "item", "--by", "annotator", "--value", "label"], labels, cap=CAP)
        right, people = _right(labels, records)
        times = cost.cpu / parse.cpu
        late = cost.code < 0
        rows = [
            Row(
                "import",
                f"labelvc import {form}",
                *cost[:3],
                f"{times:.1f} parses",
                right,
                f"{people} people, none by name",
            ),
            Row("orjson.loads a line", "orjson", *parse[:3], "1 parse"),
        ]
        jobs.append(
            Job(
                f"import of {records:,} records from {form}, pseudonymised",
                "<= 6 parses",
                f"killed after {CAP} s" if late else f"{times:.1f} parses",
                right and times <= 6,
                rows,
            )
        )
        shutil.rmtree(labels)
    return jobs


def rows(records: int, seed: int = 3) -> Iterator[tuple[str, ...]]:
    """Yield rows as a labelling tool exports them, in its order: at random through the items."""
    chance = random.Random(seed)
    items = max(1, records // 3)
    for number in range(records):
        item = number % items
        text = f"text {item} {item * 2654435761 % (1 << 32):08x} of a message that somebody wrote about something"
        who = f"annotator {(item * 7 + number // items * 13) % 200:03d}"
        day = f"2026-03-{1 + number % 28:02d}T09:12:{number % 60:02d}Z"
        yield f"a{number}", f"text-{item:07d}", text, who, chance.choice(data.LABELS), day


def _csv(target: Path, records: int) -> None:
    with target.open("w", newline="") as file:
        csv.writer(file).writerows([COLUMNS])
        csv.writer(file).writerows(rows(records))


def _jsonl(target: Path, records: int) -> None:
    with target.open("w") as file:
        for row in rows(records):
            file.write(json.dumps(dict(zip(COLUMNS, row, strict=True))) + "\n")


def _right(labels: Path, records: int) -> tuple[bool, int]:
    """Tell whether every answer arrived under a pseudonym of its own person, and how many people there are."""
    found: Counter[tuple[str, str, str]] = Counter()
    tokens: dict[str, set[str]] = {}
    for _, lines in data.walk(labels):
        for record in map(json.loads, lines):
            found[record["id"], record["item"], record["value"]["label"]] += 1
            tokens.setdefault(record["id"], set()).add(record["by"])
    expected: Counter[tuple[str, str, str]] = Counter()
    of_person: dict[str, set[str]] = {}
    for row in rows(records):
        expected[row[0], row[1], row[4]] += 1
        of_person.setdefault(row[3], set()).update(tokens.get(row[0], ()))
    plain = all(by.startswith("prs_") for whole in of_person.values() for by in whole)
    apart = len({by for whole in of_person.values() for by in whole}) == len(of_person)
    return found == expected and plain and apart and all(len(one) == 1 for one in of_person.values()), len(of_person)
