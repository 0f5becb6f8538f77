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
from typing import NamedTuple

from benchmarks import (
    data,
    forks,
    histories,
    imports,
    leaks,
    merges,
    packs,
    peers,
    pointers,
    pulls,
    redactions,
    scaling,
    taxonomies,
    votes,
)
from benchmarks.data import Repository
from benchmarks.measure import Cost, in_turn, least, process
from benchmarks.pasts import Past
from benchmarks.report import Job, Row
from benchmarks.tools import LABELVC
from labelvc.codec import shard

TIMES = 5
TIMES_SHORT = 25  # for what takes a tenth of a second
LONG = 10_000_000


class Plan(NamedTuple):
    """What is run.

    Attributes:
        folder: where the repositories lie or are made.
        records: size of the large repository; the small one is a tenth of it.
        long: also run what takes long: 10 million records, and peers that take minutes.
        only: part of a job's name; empty for all.
    """

    folder: Path
    records: int
    long: bool = False
    only: str = ""


def run_all(plan: Plan) -> list[Job]:
    """Run every job whose name holds some words and return the tables, in the order of the numbers to hold."""
    plan.folder.mkdir(parents=True, exist_ok=True)
    small, few = plan.records // 10, forks.few_of
    folder, work = plan.folder, plan.folder / "work"
    work.mkdir(exist_ok=True)
    name = {plan.records: f"large-{plan.records}", small: f"small-{small}"}
    fork = scaling.maker(folder, shards_of, lambda size: name.get(size, f"large-{size}"))
    sizes = [small, plan.records, *([LONG] if plan.long and plan.records < LONG else [])]

    def repository(size: int) -> Repository:
        return data.make(folder / name.get(size, f"large-{size}"), size, shards_of(size), few(size))

    edits = max(1, small // 500)
    jobs: dict[str, Callable[[], list[Job]]] = {
        "check": lambda: check(repository(plan.records), work),
        "pack": lambda: [pack(repository(plan.records))],
        "hook": lambda: [hook(repository(plan.records))],
        "pull": lambda: [pull(repository(plan.records), work)],
        "report": lambda: [report(repository(plan.records), work)],
        "review": lambda: [pulls.reviewed(repository(small), work, TIMES)],
        "diff": lambda: [
            *[diff(repository(size), "few") for size in (plan.records, small, *sizes[2:])],
            *[diff(repository(size), "many") for size in sizes[1:]],
        ],
        "work": lambda: [diff_work(repository(plan.records))],
        "peers": lambda: [
            peers.diff(repository(size), work, TIMES, judged=size == plan.records, slow=plan.long)
            for size in (plan.records, small)
        ],
        "merge": lambda: [
            merges.tree(fork(size), work, times={small: TIMES, plan.records: 2}.get(size, 1), slow=plan.long)
            for size in (sizes if plan.long else [small])
        ],
        "driver": lambda: [merges.shard(fork(small))],
        "trace": lambda: [histories.trace(folder)],
        "blame": lambda: histories.blame(folder, Past(small, 200, edits), shards_of(small)),
        "push": lambda: [histories.push(repository(plan.records), work)],
        "layouts": lambda: [histories.growth(folder, Past(small, 50, max(1, small // 1000)), shards_of(small))],
        "import": lambda: imports.read(work, plan.records, shards_of(plan.records), repository(plan.records).folder),
        "redact": lambda: redactions.read(work, min(plan.records, redactions.SIZES[-1])),
        "dvc": lambda: [pointers.changed([repository(size) for size in sizes], folder, dvc_shards_of, 2 * TIMES)],
        "growth": lambda: scaling.grow(fork, sizes),
        "verify": lambda: [votes.verify(folder, max(20, plan.records // 1000), 10)],
        "state": lambda: [votes.state(repository(plan.records))],
        "leaks": lambda: [*leaks.scan(work, plan.records), *leaks.quality(work)],
        "taxonomy": lambda: taxonomies.scale(folder, min(10_000, small), TIMES),
        "start": lambda: [start_up(folder)],
    }
    told: list[Job] = []
    for title, job in jobs.items():
        if plan.only in title:
            sys.stderr.write(f"{title} ...\n")
            told += job()
    return told


def check(repository: Repository, folder: Path) -> list[Job]:
    """Time `check --all` cold, on two cores and again, beside one parse of the same lines and other schema checkers."""
    here, lines = repository.folder, _lines(repository.folder)
    cold, parse = in_turn(
        lambda: _cold(here, "check", "--all", "--jobs", "1"), lambda: _python(here, "benchmarks.parse"), times=TIMES
    )
    two = least(lambda: _cold(here, "check", "--all", "--jobs", "2"), TIMES)
    parses, share = cold.cpu / parse.cpu, two.wall / cold.wall
    clean = b"no findings" in cold.out
    work = f"{lines:,} lines, nothing checked before"
    rows = [
        Row(work, "labelvc check --all --jobs 1", *cold[:3], f"{parses:.2f} parses", clean),
        Row("orjson.loads a line", "orjson", *parse[:3], "1 parse"),
        *peers.schema(repository, folder, cold.cpu / lines),
    ]
    both = Row(work, "labelvc check --all --jobs 2", *two[:3], f"{share:.2f} of one core's", b"no findings" in two.out)
    return [
        Job(
            f"check --all, cold, {repository.records:,} records, one core",
            "<= 2.5 parses, stretch 1.6",
            f"{parses:.2f} parses",
            clean and parses <= 2.5,
            rows,
        ),
        Job("check --all --jobs 2", "<= 0.65 of the wall time of one core", f"{share:.2f}", share <= 0.65, [both]),
        _again(repository),
    ]


def pack(repository: Repository) -> Job:
    """Time `check --all` cold with every rule asked for, beside one parse of the same lines."""
    here = repository.folder
    return packs.all_rules(
        repository,
        lambda: _cold(here, "check", "--all", "--jobs", "1", "-o", os.devnull),
        lambda: _python(here, "benchmarks.parse"),
        TIMES,
    )


def _again(repository: Repository) -> Job:
    here = repository.folder
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
    spent = again.cpu - start.cpu
    row = Row(
        "check --all",
        "labelvc",
        *again[:3],
        f"start-up + {spent:.2f} s",
        again.code == 0,
        f"{len(paths)} shards changed",
    )
    return Job(
        "check --all again, 16 shards changed",
        "<= 0.25 s + start-up",
        f"start-up + {spent:.2f} s",
        spent <= 0.25,
        [row],
    )


def hook(repository: Repository) -> Job:
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
    times = naive.wall / fresh.wall
    work = "100 records in 100 shards"
    said = f"{checked:,} records of the files"
    return Job(
        f"pre-commit hook, {work} of {repository.records:,} records",
        "<= 0.4 s wall, <= 64 MiB (docs/adr/0010)",
        f"{fresh.wall:.2f} s, {fresh.peak:.0f} MiB, {times:.0f}x",
        fresh.wall <= 0.4 and fresh.peak <= 64,
        [
            Row(work, "labelvc", *fresh[:3], "1x", fresh.code == 0),
            Row(work, "labelvc", *cold[:3], "", cold.code == 0, "in a clone where nothing was checked before"),
            Row(work, "GitPython + jsonschema", *naive[:3], f"{times:.0f}x labelvc's wall time", checked > 0, said),
        ],
    )


def pull(repository: Repository, folder: Path) -> Job:
    """Time `ci` beside a check of all on a runner that knows nothing."""
    check = least(lambda: _cold(repository.folder, "check", "--all", "--jobs", "1"), 2)
    return pulls.judged(repository, folder, check, TIMES)


def report(repository: Repository, folder: Path) -> Job:
    """Time the dashboard beside a check of all on a runner that knows nothing."""
    check = least(lambda: _cold(repository.folder, "check", "--all", "--jobs", "1"), 2)
    return pulls.looked_back(repository, folder, check, 2)


def diff(repository: Repository, branch: str) -> Job:
    """Time a diff of two commits beside git's own."""
    here, changed = repository.folder, repository.changed[branch]
    times = 2 if repository.records >= LONG else TIMES if repository.records > 200_000 else TIMES_SHORT
    start = least(lambda: process([LABELVC, "--version"], here), TIMES_SHORT)
    ours, git = in_turn(
        lambda: _run(here, "diff", f"main..{branch}", "--format", "jsonl"),
        lambda: process(["git", "diff", "-U0", "--no-renames", "main", branch], here),
        times=times,
    )
    items = [json.loads(line) for line in ours.out.splitlines()]
    right = len(items) == changed and all(item["fields"] == ["/rev", "/value/label"] for item in items)
    bound = 1.6 if branch == "few" and repository.records > 200_000 else 2.0
    work = f"{changed:,} of {repository.records:,} changed"
    return _beside_git(f"diff of commits, {work}", work, bound, (ours, git, start), right)


def diff_work(repository: Repository) -> Job:
    """Time a diff of HEAD with the work tree beside git's own."""
    here, changed = repository.folder, repository.changed["few"]
    _git(here, "checkout", "-q", "few", "--", ".")
    _git(here, "reset", "-q")
    try:
        start = least(lambda: process([LABELVC, "--version"], here), TIMES)
        ours, git = in_turn(
            lambda: _run(here, "diff", "--format", "jsonl"),
            lambda: process(["git", "diff", "-U0", "--no-renames"], here),
            times=TIMES,
        )
    finally:
        _git(here, "reset", "-q", "--hard", "main")
    work = f"{changed:,} of {repository.records:,} changed"
    right = len(ours.out.splitlines()) == changed
    return _beside_git(f"diff of the work tree, {work}", work, 1.6, (ours, git, start), right)


def _beside_git(title: str, work: str, bound: float, costs: tuple[Cost, Cost, Cost], right: bool) -> Job:
    ours, git, start = costs
    times = (ours.cpu - start.cpu) / git.cpu
    return Job(
        title,
        f"<= start-up + {bound}x git diff -U0",
        f"start-up + {times:.2f}x",
        right and times <= bound,
        [
            Row(work, "labelvc diff", *ours[:3], f"start-up + {times:.2f}x", right),
            Row(work, "git diff -U0", *git[:3], "1x", None, f"{git.out.count(bytes([10]) + b'+{'):,} lines"),
        ],
    )


def start_up(folder: Path) -> Job:
    """Time what every command pays."""
    python = least(lambda: process([sys.executable, "-c", "pass"], folder), TIMES_SHORT)
    rows = [Row("nothing", "python", *python[:3])]
    for words in (["--help"], ["--version"]):
        cost = least(lambda words=words: process([LABELVC, *words], folder), TIMES_SHORT)
        ratio = f"python + {1000 * (cost.cpu - python.cpu):.0f} ms"
        rows.append(Row(words[0], "labelvc", *cost[:3], ratio, cost.code == 0))
    spent = max(row.cpu for row in rows)
    return Job("start-up", "labelvc --help <= 150 ms CPU", f"{1000 * spent:.0f} ms", spent <= 0.15, rows)


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


def dvc_shards_of(records: int) -> int:
    """Return how many shards of about a megabyte records of a size need behind DVC, a power of four."""
    return max(16, shards_of(records) // 16)


def shards_of(records: int) -> int:
    """Return how many shards `labelvc import` gives a dataset of a size in git."""
    return shard.count_for(records)


def _git(folder: Path, *words: str) -> None:
    subprocess.run(
        ["git", *words],
        cwd=folder,
        check=True,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "GIT_OPTIONAL_LOCKS": "1"},
    )
