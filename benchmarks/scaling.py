"""Growth and memory: the same work at ten times as many records, and ten times that."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from benchmarks import data, forks, merges
from benchmarks.forks import Fork
from benchmarks.measure import Cost, process
from benchmarks.report import Job, Row
from benchmarks.tools import LABELVC

WORKS = ("check --all", "diff", "merge", "trace")
PLAIN = "read, split into lines, SHA-256"
TIMES = 3
SLACK = 1.2
MEBIBYTES = 100


class _Run(NamedTuple):
    """One piece of work done once.

    Attributes:
        cost: of the process.
        right: whether what it found is true; None where there is nothing to find.
    """

    cost: Cost
    right: bool | None


def grow(fork: Callable[[int], Fork], sizes: list[int]) -> list[Job]:
    """Check, diff, merge and trace at several sizes, one process each time, in turn with plain work on the same files.

    All repositories are made before the first is measured, and every size is measured as often as the others, in turn with
    them: the first run after data were written reads what the disk still works on, and costs more a record the more there are.

    Args:
        fork: makes the repository of a size.
        sizes: numbers of records, ascending.

    Returns:
        A table of CPU seconds a record, and one of peak memory.
    """
    made = [fork(size) for size in sizes]
    best: dict[tuple[str, int], _Run] = {}
    for last in [False] * (TIMES - 1) + [True]:
        for one in made:
            for work, run in _measured(one, judged=last).items():
                best[work, one.records] = _better(best.get((work, one.records)), run)
    each: dict[str, list[float]] = defaultdict(list)
    rows: dict[str, list[Row]] = defaultdict(list)
    for work in (*WORKS, PLAIN):
        for one in made:
            (cost, right), size = best[work, one.records], one.records
            each[work].append(cost.cpu / size)
            shards = data.shards(one.folder)
            tool, note = ("python", "") if work == PLAIN else ("labelvc", f"{shards:,} shards of {size // shards}")
            ratio = f"{1e6 * cost.cpu / size:.2f} us a record"
            rows[work].append(Row(f"{work}, {size:,} records", tool, *cost[:3], ratio, right, note))
    return [_growth(sizes, each, [row for some in rows.values() for row in some]), _peak(sizes, rows)]


def _growth(sizes: list[int], each: Mapping[str, list[float]], rows: list[Row]) -> Job:
    # tracing reads one shard, however many there are
    steps = {work: max(b / a for a, b in pairwise(each[work])) for work in (*WORKS, PLAIN) if work != "trace"}
    plain = steps.pop(PLAIN)
    said = ", ".join([f"{work} {times:.2f}x" for work, times in steps.items()])
    return Job(
        f"growth, {' -> '.join([f'{size:,}' for size in sizes])} records",
        f"CPU per record no more than {SLACK}x of that at a tenth of the size",
        f"{said} ({PLAIN}: {plain:.2f}x)",
        all(times <= SLACK for times in steps.values()),
        rows,
    )


def _peak(sizes: list[int], rows: Mapping[str, list[Row]]) -> Job:
    peak = max([row for work in WORKS for row in rows[work]], key=lambda row: row.peak)
    return Job(
        f"peak memory of check, diff, merge and trace at {sizes[-1]:,} records",
        f"<= {MEBIBYTES} MiB",
        f"{peak.peak:.0f} MiB ({peak.work})",
        peak.peak <= MEBIBYTES,
        [],
    )


def _better(before: _Run | None, run: _Run) -> _Run:
    """Return the cheaper run; it is right when no run was wrong, and some run was looked at."""
    if before is None:
        return run
    told = [right for right in (before.right, run.right) if right is not None]
    return _Run(min(before.cost, run.cost, key=lambda cost: cost.cpu), all(told) if told else None)


def _measured(fork: Fork, *, judged: bool) -> dict[str, _Run]:
    """Do all work once.

    Args:
        fork: the repository.
        judged: whether the merge is held to the truth, which takes longer than the merge.
    """
    here = fork.folder
    data.settle(here)
    plain = process([sys.executable, str(Path(__file__).with_name("plain.py"))], here, cap=3600)
    check = _forgetting(here, ["check", "--all"])
    told = here / ".git/diff.jsonl"
    diff = _one(here, ["diff", "main..many", "--format", "jsonl", "-o", str(told)])
    with told.open("rb") as file:
        changed = sum(b'"fields":["/rev","/value/label"]' in line for line in file)
    told.unlink()
    trace = _one(here, ["trace", _shown(here), "--at", "few", "--format", "json"])
    try:
        merge = merges.attempt(fork, [LABELVC, "--jobs", "1", "merge", "theirs"])
        right = merges.judge(fork)[0].right if judged else None
    finally:
        merges.clear(fork)
    return {
        PLAIN: _Run(plain, None),
        "check --all": _Run(check, b"no findings" in check.out),
        "diff": _Run(diff, changed == fork.records // 10),
        "merge": _Run(merge, right),
        "trace": _Run(trace, len(json.loads(trace.out)["items"]) == 2),
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
