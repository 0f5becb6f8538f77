"""A dataset behind DVC with one shard changed: labelvc beside DVC itself."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks import data
from benchmarks.data import Repository
from benchmarks.measure import Cost, in_turn, process
from benchmarks.report import Job, Row
from benchmarks.tools import LABELVC

ANNOTATIONS = "datasets/texts/annotations"
DVC = [sys.executable, "-m", "dvc"]


class _Measured(NamedTuple):
    """What was measured at one size: CPU seconds of both commands beyond their start-up, whether they were right, and rows."""

    spent: float
    right: bool
    rows: list[Row]


def changed(repositories: Sequence[Repository], folder: Path, shards_of: Callable[[int], int], times: int) -> Job:
    """Look at one changed shard through the pointer, at several sizes.

    Args:
        repositories: whose records are put behind DVC, each in a clone.
        folder: where the clones lie or are made.
        shards_of: returns how many shards so many records have there, 4^k.
        times: runs of each command.
    """
    found = [_measured(each, folder, shards_of(each.records), times) for each in repositories]
    most = max(one.spent for one in found)
    said = ", ".join(
        [f"{one.spent:.2f} s ({each.records:,} records)" for each, one in zip(repositories, found, strict=True)]
    )
    return Job(
        "DVC dataset, one shard changed: snapshot, diff and check",
        "<= 0.3 s + start-up (of the two commands)",
        f"start-up + {said}",
        most <= 0.3 and all(one.right for one in found),
        [row for one in found for row in one.rows],
    )


def _measured(repository: Repository, folder: Path, shards: int, times: int) -> _Measured:
    here = _make(repository, folder / f"dvc-{repository.records}", shards)
    process(
        [LABELVC, "diff"], here
    )  # after an earlier run git put the pointer there anew: who looks at a clean tree notes that
    path = min((here / ANNOTATIONS).rglob("*.jsonl"))
    first, _, rest = path.read_bytes().partition(b"\n")
    path.unlink()  # a link into the cache of DVC must not be written through
    _relabel(path, first, rest, _turn(here))
    try:
        start, diff, check, status, compared = in_turn(
            *[
                partial(process, words, here)
                for words in (
                    [LABELVC, "--version"],
                    [LABELVC, "diff", "--format", "json"],
                    [LABELVC, "check", "--format", "json"],
                    [*DVC, "status"],
                    [*DVC, "diff", "--json"],
                )
            ],
            times=times,
        )
        stored = process([LABELVC, "format"], here)
        told = process([LABELVC, "diff", "--staged", "--format", "json"], here)
    finally:
        data.git(here, "reset", "-q", "--hard")
        process([*DVC, "checkout", "--force", "-q"], here)
    spent = diff.cpu + check.cpu - 2 * start.cpu
    work = f"one of {shards:,} shards changed, {repository.records:,} records"
    both = Cost(diff.cpu + check.cpu, diff.wall + check.wall, max(diff.peak, check.peak), 0, b"")
    rows = [
        Row(
            work,
            "labelvc diff and check",
            *both[:3],
            "1x",
            _one(diff) and _unstored(check),
            "the work tree as it lies there; check finds that the shard is not stored",
        ),
        Row(work, "labelvc diff", *diff[:3], "", _one(diff), "one record changed, field by field"),
        Row(work, "dvc status", *status[:3], f"{status.cpu / both.cpu:.2g}x", b"modified" in status.out, "files only"),
        Row(
            work,
            "dvc diff",
            *compared[:3],
            f"{compared.cpu / both.cpu:.2g}x",
            path.name.encode() in compared.out,
            "files only",
        ),
        Row(
            work, "labelvc format", *stored[:3], "", _one(told), "brings the shard into DVC's cache, renews the pointer"
        ),
    ]
    return _Measured(spent, rows[0].right is True, rows)


def _make(repository: Repository, here: Path, shards: int) -> Path:
    if (here / ".git/complete").exists():
        return here
    data.git(here.parent, "clone", "-q", "--branch", "main", str(repository.folder), str(here))
    for name, value in (("user.name", "bench"), ("user.email", "bench@example.org")):
        data.git(here, "config", name, value)
    for words in (
        [*DVC, "init", "-q"],
        [LABELVC, "dataset", "storage", "texts", "dvc"],
        [LABELVC, "dataset", "reshard", "texts", "--shards", str(shards)],
    ):
        done = process(words, here, cap=1800)
        if done.code:
            raise RuntimeError(f"{words} ended with {done.code}")
        data.git(here, "add", "-A")
        data.git(here, "commit", "-qnm", " ".join(words[-2:]), "--allow-empty")  # so many shards there may be already
    (here / ".git/complete").touch()
    return here


def _turn(here: Path) -> int:
    """Return another number from 1 to 79 in each run: labelvc takes an edit that it stored before for a folder that is stale."""
    turns = here / ".git/turns"
    done = turns.stat().st_size if turns.exists() else 0
    with turns.open("ab") as file:
        file.write(b".")
    return 1 + done % 79


def _relabel(path: Path, first: bytes, rest: bytes, by: int) -> None:
    head, _, tail = first.partition(b'"label":"topic-')
    line = head.replace(b'"rev":1', b'"rev":2') + b'"label":"topic-%02d' % ((int(tail[:2]) + by) % 80) + tail[2:]
    path.write_bytes(line + b"\n" + rest)


def _unstored(cost: Cost) -> bool:
    """Tell whether a check found what is true and nothing else: that a shard differs from its pointer."""
    return [item["rule"] for item in json.loads(cost.out)["items"]] == ["dvc.unstored"]


def _one(cost: Cost) -> bool:
    items = json.loads(cost.out)["items"]
    return [item["fields"] for item in items] == [["/rev", "/value/label"]]
