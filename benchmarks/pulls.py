"""What a pull request costs: `labelvc ci` on 100 changed records, on a runner that knows nothing and on one that has judged before; the page of many changes; the dashboard."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from benchmarks import data
from benchmarks.data import Repository
from benchmarks.measure import Cost, least, process
from benchmarks.report import Job, Row
from benchmarks.tools import LABELVC

_BRANCH = "hundred"


def judged(repository: Repository, folder: Path, check: Cost, times: int) -> Job:
    """Time `ci` on a branch of 100 changed records.

    Args:
        repository: whose main it is judged for.
        folder: where the files go.
        check: what `check --all` of all of it cost on a runner that knows nothing.
        times: how often each is run.
    """
    here, out = repository.folder, folder / "judged"
    changed = _branch(repository)
    words = ("ci", "--base", "main", "--head", _BRANCH, "-o", str(out), "--jobs", "1")
    shutil.rmtree(here / ".git/labelvc", ignore_errors=True)
    cold = least(lambda: _afresh(here, words), times)
    warm = least(lambda: process([LABELVC, *words], here), times)
    told = json.loads((out / "review.json").read_text())["counts"]["records"]
    right = warm.code == cold.code == 0 and told["changed"] == changed
    work = f"{changed} records in {changed} shards"
    room = check.cpu + 2
    return Job(
        f"ci, {work} of {repository.records:,} records",
        "<= 3 s CPU warm; a cold runner <= check --all there + 2 s; <= 100 MiB",
        f"{warm.cpu:.2f} s warm, {cold.cpu:.2f} s cold, {max(warm.peak, cold.peak):.0f} MiB",
        warm.cpu <= 3 and cold.cpu <= room and max(warm.peak, cold.peak) <= 100,
        [
            Row(work, "labelvc ci", *warm[:3], "", right, "judged before"),
            Row(work, "labelvc ci", *cold[:3], "", right, "nothing judged before"),
            Row("all", "labelvc check --all", *check[:3], "", check.code == 0, "nothing checked before"),
        ],
    )


def reviewed(repository: Repository, folder: Path, times: int) -> Job:
    """Time the page of one record in ten, with nothing remembered and again.

    Args:
        repository: whose branch `many` is reviewed.
        folder: where the page goes.
        times: how often each is run.
    """
    here, page, changed = repository.folder, folder / "review.html", repository.changed["many"]
    words = ("review", "main...many", "--format", "html", "-o", str(page))
    cold = least(lambda: _afresh(here, words), times)
    warm = least(lambda: process([LABELVC, *words], here), times)
    counts = json.loads(process([LABELVC, "review", "main...many", "--format", "json"], here).out)["counts"]
    right = warm.code == cold.code == 0 and counts["records"]["changed"] == changed
    work, size = f"{changed:,} changes", page.stat().st_size / 1024
    return Job(
        f"review of {work} of {repository.records:,} records",
        "<= 2 s CPU, page <= 1 MB",
        f"{cold.cpu:.2f} s, {warm.cpu:.2f} s again, {size:.0f} KiB",
        right and cold.cpu <= 2 and size <= 1000,
        [
            Row(work, "labelvc review", *cold[:3], "", right, "nothing reviewed before"),
            Row(work, "labelvc review", *warm[:3], "", right, "again"),
        ],
    )


def looked_back(repository: Repository, folder: Path, check: Cost, times: int) -> Job:
    """Time the dashboard of main, with nothing remembered and again.

    Args:
        repository: whose main it is of.
        folder: where the page goes.
        check: what `check --all` of all of it cost on a runner that knows nothing.
        times: how often each is run.
    """
    here, page = repository.folder, folder / "report.html"
    words = ("report", "main", "--format", "html", "-o", str(page), "--jobs", "1")
    cold = least(lambda: _afresh(here, words), times)
    warm = least(lambda: process([LABELVC, *words], here), times)
    told = json.loads(process([LABELVC, "report", "main", "--format", "json"], here).out)
    right = warm.code == cold.code == 0 and told["now"]["records"] == told["throughput"]["edits"] == repository.records
    peak = max(cold.peak, warm.peak)
    return Job(
        f"report of {repository.records:,} records",
        "<= check --all there + 5 s CPU, <= 100 MiB",
        f"check --all + {cold.cpu - check.cpu:.2f} s, {warm.cpu:.2f} s again, {peak:.0f} MiB",
        right and cold.cpu <= check.cpu + 5 and peak <= 100,
        [
            Row("one step", "labelvc report", *cold[:3], "", right, "nothing looked at before"),
            Row("one step", "labelvc report", *warm[:3], "", right, "again"),
            Row("all", "labelvc check --all", *check[:3], "", check.code == 0, "nothing checked before"),
        ],
    )


def _afresh(here: Path, words: Sequence[str]) -> Cost:
    shutil.rmtree(here / ".git/labelvc", ignore_errors=True)
    return process([LABELVC, *words], here)


def _branch(repository: Repository) -> int:
    """Make the branch, and return how many records it changes."""
    here = repository.folder
    cells = data.read(here)
    paths = random.Random(7).sample(sorted(cells), min(100, len(cells)))
    subprocess.run(["git", "switch", "-q", "-C", _BRANCH, "main"], cwd=here, check=True)
    data.edit(here, cells, [(path, len(cells[path]) // 2) for path in paths])
    for line in (("commit", "-q", "--no-verify", "-a", "-m", "A hundred"), ("switch", "-q", "main")):
        subprocess.run(["git", *line], cwd=here, check=True)
    return len(paths)
