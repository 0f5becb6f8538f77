"""History: who last changed each label, the life of one record, and what many commits weigh on disk and on the wire."""

from __future__ import annotations

import json
import random
import re
import subprocess
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import pasts, tools, treebank
from benchmarks.data import Repository
from benchmarks.measure import Cost, in_turn, least, process
from benchmarks.pasts import Made, Past
from benchmarks.report import Job, Row, absent, skipped
from benchmarks.tools import LABELVC

_HEAD = re.compile(rb'\{"item":"((?:[^"\\]|\\.)*)","id":"([^"]*)"')
SAMPLE = 16
MIB = 1 << 20


def blame(folder: Path, past: Past, shards: int) -> list[Job]:
    """Blame every field of every record, and weigh the history, beside doltlite and git.

    Args:
        folder: where histories lie or are made.
        past: the history.
        shards: 4^k.
    """
    made = pasts.make(folder, past, "shards", shards)
    here, answer = made.folder, folder / "blame.jsonl"
    words = [LABELVC, "blame", "texts", "--format", "jsonl", "-o", str(answer)]
    cold = least(lambda: _forgetting(here, words), 3)
    right = _blamed(here, answer) == _expected(past)
    warm = least(lambda: process(words, here), 3)
    right_again = _blamed(here, answer) == _expected(past)
    work = f"blame of {past.records:,} records over {past.commits + 1} commits"
    rows = [
        Row(work, "labelvc blame, each field", *cold[:3], "1x", right, "nothing remembered"),
        Row(work, "labelvc blame, each field", *warm[:3], f"{warm.cpu / cold.cpu:.2g}x", right_again, "a second time"),
    ]
    dolt = _dolt(pasts.feed(past, folder / "commits.jsonl"), pasts.key(pasts.start(past)[0][1]), folder)
    target = "<= doltlite's row-level blame"
    if dolt is None:
        rows.append(absent(work, "doltlite, each row"))
        measured, met = "doltlite is not there to compare with", None
    else:
        cost, found = dolt
        spent = found["blame"]
        count = spent["found"] == past.records
        ratio = f"{spent['cpu'] / cold.cpu:.2g}x labelvc"
        rows.append(
            Row(work, "doltlite, each row", spent["cpu"], spent["wall"], cost.peak, ratio, count, "in its engine")
        )
        measured, met = f"{cold.cpu:.2f} s beside {spent['cpu']:.2f} s", right and cold.cpu <= spent["cpu"]
    rows.append(_git_blame(here, work, cold))
    title = f"field-level blame, {past.records:,} records x {past.commits} commits of {past.edits}"
    return [
        Job(title, target, measured, met, rows),
        _size(made, pasts.make(folder, past._replace(commits=0), "shards", shards).size, past, dolt),
    ]


def _size(made: Made, base: int, past: Past, dolt: tuple[Cost, dict[str, Any]] | None) -> Job:
    work = f"{past.commits} commits of {past.edits} edits"
    cost = made.collecting
    rows = [
        Row(
            work,
            "labelvc's shards",
            *cost[:3],
            "1x",
            None,
            f"{made.size / MIB:.1f} MiB after a full repack, which is timed",
        )
    ]
    if dolt is None:
        rows.append(absent(work, "doltlite"))
    else:
        after = dolt[1]["after"]
        note = f"{after / MIB:.1f} MiB, {dolt[1]['size'] / MIB:.1f} MiB after the first commit"
        rows.append(Row(work, "doltlite", 0, 0, 0, f"{after / made.size:.1f}x labelvc's size", None, note))
    added, edits = made.size - base, past.commits * past.edits
    return Job(
        f"history size, {past.records:,} records, {past.commits} commits of {past.edits} edits",
        "<= 125 bytes an edit beyond the first commit, after gc (docs/adr/0015)",
        f"{added / edits:.0f} bytes an edit; {made.size / 1e6:.1f} MB, {base / 1e6:.1f} MB of them the first commit",
        added <= 125 * edits,
        rows,
    )


def growth(folder: Path, past: Past, shards: int) -> Job:
    """Weigh the same commits in three layouts."""
    work = f"{past.commits} commits of {past.edits} of {past.records:,} records"
    base = {layout: pasts.make(folder, past._replace(commits=0), layout, shards).size for layout in pasts.LAYOUTS}
    made = {layout: pasts.make(folder, past, layout, shards) for layout in pasts.LAYOUTS}
    ours = made["shards"]
    rows = []
    for layout, one in made.items():
        tool = "labelvc's shards" if one is ours else f"git, {layout}"
        each = (one.size - base[layout]) / past.commits / 1024
        note = f"{one.size / MIB:.1f} MiB after a full repack, which is timed; {each:.1f} KiB a commit"
        rows.append(Row(work, tool, *one.collecting[:3], f"{one.size / ours.size:.2f}x", None, note))
    least_other = min(one.size for one in made.values() if one is not ours)
    return Job(
        f"repository growth, {work}",
        "no more than one-file JSONL or one record a file",
        f"{ours.size / least_other:.2f}x of the smaller of them",
        ours.size <= least_other,
        rows,
    )


def push(repository: Repository, folder: Path) -> Job:
    """Pack what a push of a spread commit sends."""
    asked = folder / "pushed.txt"
    asked.write_text("few\n^main\n")
    words = ["git", "pack-objects", "--revs", "--stdout", "--thin", "--delta-base-offset", "-q"]
    sent = least(lambda: process(words, repository.folder, told=asked), 3)
    changed = repository.changed["few"]
    return Job(
        f"push of a commit of {changed:,} records all over {repository.records:,}",
        "<= 150 KiB, <= 3 CPU s",
        f"{len(sent.out) / 1024:.0f} KiB, {sent.cpu:.2f} s",
        len(sent.out) <= 150 * 1024 and sent.cpu <= 3,
        [Row("pack that is sent", "labelvc's shards", *sent[:3], "", None, f"{len(sent.out):,} bytes")],
    )


def trace(folder: Path) -> Job:
    """Trace one word through the real corrections of a treebank, beside three ways of asking git."""
    target = "<= start-up + 2x git log -p -U0 of its shard"
    if treebank.absent():
        return skipped("trace one record over 441 real commits", target, treebank.absent())
    here = treebank.make(folder / "ud")
    shown, versions, commits = _life(here, folder / "ud/commits.jsonl")
    path = _shard_of(here, shown)
    log = ["git", "log", "-p", "-U0", "--no-renames"]
    start, ours, git = in_turn(
        lambda: process([LABELVC, "--version"], here),
        lambda: process([LABELVC, "trace", f"{treebank.DATASET}/{shown}", "--format", "json"], here),
        lambda: process([*log, "--", path], here),
        times=21,
    )
    steps = [step for step in json.loads(ours.out)["items"] if step["key"] == f"{treebank.DATASET}/{shown}"]
    item, _, name = shown.rpartition("#")
    head = f'{{"item":{json.dumps(item, ensure_ascii=False)},"id":"{name}"'
    lines = (here / path).read_text().splitlines()
    at = 1 + next(number for number, line in enumerate(lines) if line.startswith(head))
    walked = least(lambda: process(["git", "log", f"-L{at},{at}:{path}"], here), 3)
    pickaxe = least(lambda: process([*log, f"-S{head}", "--", path], here), 3)
    work = f"one word in {versions} versions, {commits} commits"
    rows = [Row(work, "labelvc trace", *ours[:3], "1x", len(steps) == versions, f"{len(steps)} steps")]
    for tool, cost in (("git log -p -U0 of its shard", git), ("git log -L", walked), ("git log -S", pickaxe)):
        found = sum(line.startswith(b"+" + head.encode()) for line in cost.out.splitlines())
        rows.append(Row(work, tool, *cost[:3], f"{cost.cpu / ours.cpu:.2g}x", found == versions, f"{found} versions"))
    dolt = _dolt(folder / "ud/commits.jsonl", shown, folder)
    if dolt is None:
        rows.append(absent(work, "doltlite, one key"))
    else:
        one = dolt[1]["one"]
        ratio = f"{one['cpu'] / ours.cpu:.2g}x"
        rows.append(
            Row(
                work,
                "doltlite, one key",
                one["cpu"],
                one["wall"],
                dolt[0].peak,
                ratio,
                one["found"] == versions,
                "in its engine",
            )
        )
    times = (ours.cpu - start.cpu) / git.cpu
    return Job(
        f"trace one record over {commits} real commits",
        target,
        f"start-up + {times:.2f}x",
        times <= 2 and len(steps) == versions,
        rows,
    )


def _life(here: Path, target: Path) -> tuple[str, int, int]:
    """Return the word that changed most among those still there, in how many versions, and the number of commits.

    On the way the whole history is written as `peer_doltlite.py` reads it. It is read with git's plainest diff, and is
    no concern of labelvc's own reader.
    """
    words = [
        "git",
        "log",
        "-p",
        "-U0",
        "--no-renames",
        "--reverse",
        "--format=tformat:commit",
        "--",
        f"datasets/{treebank.DATASET}/annotations",
    ]
    versions: Counter[str] = Counter()
    alive: dict[str, bytes] = {}
    commits = 0
    with target.open("w") as file, subprocess.Popen(words, cwd=here, stdout=subprocess.PIPE) as running:
        put: dict[str, bytes] = {}
        drop: set[str] = set()
        for line in [*running.stdout, b"commit\n"]:
            if line == b"commit\n":
                if put or drop:
                    text = {name: row.decode() for name, row in put.items()}
                    file.write(json.dumps({"put": text, "drop": sorted(drop - put.keys())}) + "\n")
                versions.update(name for name, row in put.items() if alive.get(name) != row)
                alive |= put
                for name in drop - put.keys():
                    del alive[name]
                commits, put, drop = commits + 1, {}, set()
            elif found := _HEAD.match(line, 1):
                name = f"{json.loads(b'%c%s%c' % (34, found[1], 34))}#{found[2].decode()}"
                if line[:1] == b"+":
                    put[name] = line[1:-1]
                else:
                    drop.add(name)
    shown = max(
        (name for name, row in alive.items() if b'"gone":true' not in row), key=lambda name: (versions[name], name)
    )
    return shown, versions[shown], int(process(["git", "rev-list", "--count", "HEAD"], here).out)


def _shard_of(here: Path, shown: str) -> str:
    item, _, name = shown.rpartition("#")
    head = f'{{"item":{json.dumps(item, ensure_ascii=False)},"id":"{name}"'
    return (
        process(["git", "grep", "-lF", head, "--", f"datasets/{treebank.DATASET}/annotations"], here)
        .out.decode()
        .strip()
    )


def _dolt(commits: Path, name: str, folder: Path) -> tuple[Cost, dict[str, Any]] | None:
    python = tools.python("python", "doltlite")
    if python is None:
        return None
    cost = process([python, tools.script("doltlite"), "history", str(commits), name], folder, cap=900)
    return (cost, json.loads(cost.out)) if cost.code == 0 else None


def _git_blame(here: Path, work: str, ours: Cost) -> Row:
    paths = process(["git", "ls-files", "datasets/texts/annotations"], here).out.decode().split()
    chosen = random.Random(5).sample(paths, min(SAMPLE, len(paths)))
    costs = [process(["git", "blame", "--porcelain", path], here, keep=False) for path in chosen]
    share = len(paths) / len(chosen)
    cpu, wall = share * sum(cost.cpu for cost in costs), share * sum(cost.wall for cost in costs)
    note = f"estimated from {len(chosen)} of {len(paths):,} shards"
    return Row(
        work,
        "git blame of every shard",
        cpu,
        wall,
        max(cost.peak for cost in costs),
        f"{cpu / ours.cpu:.2g}x labelvc",
        None,
        note,
    )


def _forgetting(here: Path, words: Sequence[str]) -> Cost:
    process(["rm", "-rf", ".git/labelvc"], here)
    return process(words, here)


def _blamed(here: Path, answer: Path) -> dict[str, int]:
    """Return for each record the number of the commit that its label is blamed on."""
    found = {}
    with answer.open("rb") as file:
        for row in map(json.loads, file):
            if row["pointer"] == "/value/label":
                found[row["key"].removeprefix("texts/")] = int(row["commit"]["subject"].removeprefix("edit "))
    return found


def _expected(past: Past) -> dict[str, int]:
    last = pasts.last_changes(past)
    return {pasts.key(line): last[number] for number, (_, line) in enumerate(pasts.start(past))}
