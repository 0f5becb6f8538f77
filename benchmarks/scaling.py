"""Growth and memory: the same work at ten times as many records, and ten times that."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from benchmarks import forks, merges
from benchmarks.forks import Fork
from benchmarks.measure import Cost, least, process
from benchmarks.report import Job, Row
from benchmarks.tools import LABELVC

WORKS = ("check --all", "diff", "merge", "trace")
MEBIBYTES = 100


def grow(fork: Callable[[int], Fork], sizes: list[int]) -> list[Job]:
    """Check, diff, merge and trace at several sizes, one process each time.

    Args:
        fork: makes the repository of a size.
        sizes: numbers of records, ascending.

    Returns:
        A table of CPU seconds a record, and one of peak memory.
    """
    rows: dict[str, list[Row]] = {work: [] for work in WORKS}
    each: dict[str, list[float]] = {work: [] for work in WORKS}
    for size in sizes:
        made = fork(size)
        for work, (cost, right) in _measured(made, 3 if size <= 1_000_000 else 1).items():
            each[work].append(cost.cpu / size)
            ratio = f"{1e6 * cost.cpu / size:.2f} us a record"
            rows[work].append(Row(f"{work}, {size:,} records", "labelvc", *cost[:3], ratio, right))
    told = [row for work in WORKS for row in rows[work]]
    # tracing reads one shard, however many there are
    steps = {work: max(b / a for a, b in pairwise(each[work])) for work in WORKS if work != "trace"}
    peak = max(told, key=lambda row: row.peak)
    name = " -> ".join([f"{size:,}" for size in sizes])
    return [
        Job(
            f"growth, {name} records",
            "CPU per record no more than 1.2x of that at a tenth of the size",
            ", ".join([f"{work} {times:.2f}x" for work, times in steps.items()]),
            all(times <= 1.2 for times in steps.values()),
            told,
        ),
        Job(
            f"peak memory of check, diff, merge and trace at {sizes[-1]:,} records",
            f"<= {MEBIBYTES} MiB",
            f"{peak.peak:.0f} MiB ({peak.work})",
            peak.peak <= MEBIBYTES,
            [],
        ),
    ]


def _measured(fork: Fork, times: int) -> dict[str, tuple[Cost, bool]]:
    here = fork.folder
    check = least(lambda: _forgetting(here, ["check", "--all"]), times)
    told = here / ".git/diff.jsonl"
    diff = least(lambda: _one(here, ["diff", "main..many", "--format", "jsonl", "-o", str(told)]), times)
    with told.open("rb") as file:
        changed = sum(b'"fields":["/rev","/value/label"]' in line for line in file)
    shown = _shown(here)
    trace = least(lambda: _one(here, ["trace", shown, "--at", "few", "--format", "json"]), times)
    try:
        merge = least(lambda: merges.attempt(fork, [LABELVC, "--jobs", "1", "merge", "theirs"]), times)
        found, _ = merges.judge(fork)
    finally:
        merges.clear(fork)
    return {
        "check --all": (check, b"no findings" in check.out),
        "diff": (diff, changed == fork.records // 10),
        "merge": (merge, found.right),
        "trace": (trace, len(json.loads(trace.out)["items"]) == 2),
    }


def _shown(here: Path) -> str:
    """Return the key of one record that the branch `few` changed."""
    out = process([LABELVC, "diff", "main..few", "--format", "jsonl"], here).out
    return str(json.loads(out.splitlines()[0])["key"])


def _one(here: Path, words: list[str]) -> Cost:
    return process([LABELVC, "--jobs", "1", *words], here, cap=3600)


def _forgetting(here: Path, words: list[str]) -> Cost:
    process(["rm", "-rf", ".git/labelvc"], here)
    return _one(here, words)


def maker(folder: Path, shards: Callable[[int], int], name: Callable[[int], str]) -> Callable[[int], Fork]:
    """Return what makes the fork of a size, or finds it made.

    Args:
        folder: where repositories lie.
        shards: number of shards of a size.
        name: folder of a size.
    """
    return lambda size: forks.make(folder / name(size), size, shards(size))
