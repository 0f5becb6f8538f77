"""The jobs: what is timed, against whom, and how each answer is held to the truth."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import data, peers
from benchmarks.data import Repository
from benchmarks.measure import Cost, least, paired, process
from benchmarks.report import Row

TIMES = 5
TIMES_SHORT = 25  # for what takes a tenth of a second
LABELVC = shutil.which("labelvc") or "labelvc"
START = "labelvc --version"


def run_all(folder: Path, records: int, only: str = "") -> list[Row]:
    """Run every job whose name holds some words and return the rows.

    Args:
        folder: where the repositories lie or are made.
        records: size of the large one.
        only: part of a job's name; empty for all.

    Returns:
        Rows in the order of `performance.md`.
    """
    small = records // 10
    large_repository = data.make(folder / f"large-{records}", records, _shards(records), 1000)
    small_repository = data.make(folder / f"small-{small}", small, _shards(small), 200)
    jobs = {
        "check": lambda: check(large_repository, folder),
        "hook": lambda: hook(large_repository),
        "diff": lambda: [
            *diff(large_repository, "few"),
            *diff(small_repository, "few"),
            *diff(large_repository, "many"),
        ],
        "work": lambda: diff_work(large_repository),
        "peers": lambda: [*peers.diff(large_repository, folder), *peers.diff(small_repository, folder)],
        "start": lambda: start_up(folder),
    }
    rows: list[Row] = []
    for name, job in jobs.items():
        if only in name:
            sys.stderr.write(f"{name} ...\n")
            rows += job()
    return rows


def check(repository: Repository, folder: Path) -> list[Row]:
    """Time `check --all` cold, on two cores and again, beside one parse of the same lines and two schema checkers."""
    here, lines = repository.folder, _lines(repository.folder)
    cold, parse = paired(
        lambda: _cold(here, "check", "--all", "--jobs", "1"), lambda: _python(here, "benchmarks.parse"), TIMES
    )
    two = least(lambda: _cold(here, "check", "--all", "--jobs", "2"), TIMES)
    clean = b"no findings" in cold.out
    rows = [
        Row(
            "check --all, cold, one core",
            "labelvc",
            *cold[:3],
            f"{cold.cpu / parse.cpu:.2f} parses",
            clean,
            f"{lines:,} lines",
        ),
        Row("one parse: orjson.loads a line", "orjson", *parse[:3], "1 parse"),
        Row(
            "check --all, cold, --jobs 2",
            "labelvc",
            *two[:3],
            f"{two.wall / cold.wall:.2f} of the wall time of one core",
            b"no findings" in two.out,
        ),
        *peers.schema(repository, folder, cold.cpu / lines),
    ]
    start = least(lambda: process([LABELVC, "--version"], here), TIMES)
    cells = data.read(here)
    paths = random.Random(3).sample(sorted(cells), 16)
    data.edit(here, cells, [(path, 0) for path in paths])
    _run(here, "check", "--all", "--jobs", "1")
    _git(here, "checkout", "-q", "--", *paths)
    _run(here, "check", "--all", "--jobs", "1")
    data.edit(here, cells, [(path, 1) for path in paths])
    subprocess.run(["git", "status", "--short"], cwd=here, check=True, stdout=subprocess.DEVNULL)
    again = _run(here, "check", "--all", "--jobs", "1")
    _git(here, "checkout", "-q", "--", ".")
    rows.append(
        Row(
            "check --all again, 16 shards changed",
            "labelvc",
            *again[:3],
            f"start-up + {again.cpu - start.cpu:.2f} s",
            again.code == 0,
        )
    )
    return rows


def hook(repository: Repository) -> list[Row]:
    """Time the pre-commit hook on 100 changed records in 100 shards, beside GitPython with jsonschema.

    Other records change before every run, so that nothing of what is staged was seen before; what HEAD holds was.
    """
    here, seeds = repository.folder, iter(range(5, 100))
    cells = data.read(here)
    _run(here, "check", "--all")

    def stage() -> None:
        _git(here, "reset", "-q", "--hard", "main")
        paths = random.Random(next(seeds)).sample(sorted(cells), min(100, len(cells)))
        data.edit(here, cells, [(path, len(cells[path]) // 2) for path in paths])
        _git(here, "add", "-A")

    def ours(command: Callable[[], Cost]) -> Cost:
        stage()
        return command()

    hook = ("plumbing", "hook", "pre-commit")
    try:
        fresh = least(lambda: ours(lambda: _run(here, *hook)), TIMES)
        cold = least(lambda: ours(lambda: _cold(here, *hook)), TIMES)
        naive = least(lambda: _python(here, "benchmarks.naive_hook", cap=300), 3)
    finally:
        _git(here, "reset", "-q", "--hard", "main")
    checked = int(naive.out or b"0")
    times = f"{naive.wall / fresh.wall:.0f}x labelvc's wall time"
    return [
        Row("pre-commit hook, 100 records in 100 shards", "labelvc", *fresh[:3], "", fresh.code == 0),
        Row("the same, in a clone where nothing was checked before", "labelvc", *cold[:3], "", cold.code == 0),
        Row("the same", "GitPython + jsonschema", *naive[:3], times, checked > 0, f"{checked:,} records of the files"),
    ]


def diff(repository: Repository, branch: str) -> list[Row]:
    """Time a diff of two commits beside git's own."""
    here, changed = repository.folder, repository.changed[branch]
    times = TIMES if repository.records > 200_000 else TIMES_SHORT
    start = least(lambda: process([LABELVC, "--version"], here), TIMES_SHORT)
    ours, git = paired(
        lambda: _run(here, "diff", f"main..{branch}", "--format", "jsonl"),
        lambda: process(["git", "diff", "-U0", "--no-renames", "main", branch], here),
        times,
    )
    items = [json.loads(line) for line in ours.out.splitlines()]
    right = len(items) == changed and all(item["fields"] == ["/rev", "/value/label"] for item in items)
    name = f"diff of commits, {changed:,} of {repository.records:,} changed"
    ratio = f"start-up + {(ours.cpu - start.cpu) / git.cpu:.2f}x git diff"
    return [
        Row(name, "labelvc", *ours[:3], ratio, right),
        Row("the same", "git diff -U0", *git[:3], "1x", True, f"{git.out.count(bytes([10]) + b'+{'):,} lines"),
    ]


def diff_work(repository: Repository) -> list[Row]:
    """Time a diff of HEAD with the work tree beside git's own."""
    here, changed = repository.folder, repository.changed["few"]
    _git(here, "checkout", "-q", "few", "--", ".")
    _git(here, "reset", "-q")
    try:
        start = least(lambda: process([LABELVC, "--version"], here), TIMES)
        ours, git = paired(
            lambda: _run(here, "diff", "--format", "jsonl"),
            lambda: process(["git", "diff", "-U0", "--no-renames"], here),
            TIMES,
        )
    finally:
        _git(here, "reset", "-q", "--hard", "main")
    ratio = f"start-up + {(ours.cpu - start.cpu) / git.cpu:.2f}x git diff"
    name = f"diff of the work tree, {changed:,} of {repository.records:,} changed"
    return [
        Row(name, "labelvc", *ours[:3], ratio, len(ours.out.splitlines()) == changed),
        Row("the same", "git diff -U0", *git[:3], "1x"),
    ]


def start_up(folder: Path) -> list[Row]:
    """Time what every command pays."""
    python = least(lambda: process([sys.executable, "-c", "pass"], folder), 9)
    rows = [Row("start-up", "python", *python[:3])]
    for words in (["--help"], ["--version"]):
        cost = least(lambda words=words: process([LABELVC, *words], folder), 9)
        rows.append(
            Row("start-up", f"labelvc {words[0]}", *cost[:3], f"python + {1000 * (cost.cpu - python.cpu):.0f} ms")
        )
    return rows


def _run(folder: Path, *words: str) -> Cost:
    return process([LABELVC, *words], folder)


def _cold(folder: Path, *words: str) -> Cost:
    shutil.rmtree(folder / ".git/labelvc", ignore_errors=True)
    return _run(folder, *words)


def _python(folder: Path, module: str, cap: float = 120) -> Cost:
    top = str(Path(__file__).resolve().parents[1])
    return process([sys.executable, "-m", module], folder, environment={"PYTHONPATH": top}, cap=cap)


def _lines(folder: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in folder.glob("datasets/*/*/**/*.jsonl"))


def _shards(records: int) -> int:
    count = 16
    while count * 300 < records:
        count *= 4
    return count


def _git(folder: Path, *words: str) -> None:
    subprocess.run(
        ["git", *words],
        cwd=folder,
        check=True,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "GIT_OPTIONAL_LOCKS": "1"},
    )
