"""Merging: two branches of one per cent edits brought together by labelvc, git and its peers, each held to the truth."""

from __future__ import annotations

import contextlib
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks import data, flat, forks, tools
from benchmarks.flat import Versions
from benchmarks.forks import Fork, Score
from benchmarks.measure import Cost, in_turn, least, process
from benchmarks.report import LATE, Job, Row, absent
from benchmarks.tools import LABELVC
from labelvc.ops import install

ATTRIBUTES = ".git/info/attributes"
BEFORE = ".git/objects-before-merge"
CAP = 120
MOST = 1_000_000
"""Records up to which the others are asked: those that hold all of them take 2 to 5 GB for so many, and a driver a process for each shard."""
FLAT = "the same records as flat files"
_CONFLICT = re.compile(r"\(\(\( .* \)\)\) .* /// ", re.DOTALL)


def tree(fork: Fork, folder: Path, *, times: int, slow: bool) -> Job:
    """Merge the whole tree with every tool.

    Args:
        fork: what is merged.
        folder: for the peers' files.
        times: runs of labelvc and git.
        slow: also run what is known to take longer than a minute.
    """
    start = least(lambda: process([LABELVC, "--version"], fork.folder), 9)
    ours, judged = _in_git(fork, [LABELVC, "merge", "theirs"], times)
    rows = [_row("whole tree", "labelvc merge", ours, ours, judged)]
    for tool, attribute in (
        ("git merge", ""),
        ("git merge, merge=union", "union"),
        ("labelvc's driver, git merge", "ours"),
    ):
        if attribute == "ours" and fork.records > MOST:
            rows.append(
                absent("whole tree", tool, f"a process a shard takes more than ten minutes: see {MOST:,} records")
            )
            continue
        cost, found = _in_git(
            fork, ["git", *_drivers(attribute), "merge", "--no-edit", "-q", "theirs"], times, attribute
        )
        rows.append(_row("whole tree", tool, cost, ours, found))
    if fork.records <= MOST:
        rows += of_files(fork, folder, ours, slow=slow)
    else:
        rows.append(absent(FLAT, "the other tools", f"they hold all records in memory: see {MOST:,} records"))
    spent = ours.cpu - start.cpu
    return Job(
        f"merge, whole tree, {fork.records:,} records, {len(fork.conflicts)} true conflicts",
        "<= start-up + 0.6 s at 100,000 records; nothing wrong, doubled or risen, exactly the true conflicts",
        f"start-up + {spent:.2f} s; {judged[0].text() or 'no fault'}",
        judged[0].right and spent <= 0.6 * max(1, fork.records / 100_000),
        rows,
    )


def of_files(fork: Fork, folder: Path, ours: Cost, *, slow: bool) -> list[Row]:
    """Merge the same records as flat files, with tools that know no shards."""
    versions = flat.versions(fork, folder)
    rows = [*_by_daff(versions, folder, ours, slow=slow)]
    tables = [str(versions.objects[side]) for side in ("base", "ours", "theirs")]
    for tool, run in (
        ("nbdime", _nbdime),
        ("doltlite, in its engine", _doltlite),
        ("git-json-merge (npm)", _json_merge),
    ):
        done = run(tables, folder)
        if done is None:
            rows.append(absent(FLAT, tool))
        elif done[0].code:
            rows.append(_unfinished(FLAT, tool, done[0], ours))
        else:
            cost, found, told, note = done
            judged = forks.score(versions.truth, found, told)
            rows.append(_row(FLAT, tool, cost, ours, (judged, note)))
    return rows


def shard(fork: Fork) -> Job:
    """Merge the shard that both sides changed most with the driver, beside git's own file merge."""
    changed: dict[str, int] = defaultdict(int)
    for touch in fork.touched.values():
        changed[touch.path] += 1
    conflicted = {touch.path for touch in fork.touched.values() if touch.merged is None}
    path = max(conflicted, key=lambda one: changed[one])
    work = fork.folder / ".git/one-shard"
    work.mkdir(exist_ok=True)
    texts = {}
    for side, revision in (("base", "main"), ("ours", "ours"), ("theirs", "theirs")):
        texts[side] = process(["git", "show", f"{revision}:{path}"], fork.folder).out

    def fresh(run: Sequence[str]) -> Cost:
        for side, text in texts.items():
            (work / side).write_bytes(text)
        return process(run, work)

    names = [str(work / side) for side in ("base", "ours", "theirs")]
    driver = [sys.executable, "-P", "-m", "labelvc.cli", "plumbing", "merge-driver", *names, "7", path]
    start = least(lambda: process([LABELVC, "--version"], work), 15)
    ours, git = in_turn(
        lambda: _kept(fresh(driver), work),
        lambda: _kept(fresh(["git", "merge-file", "ours", "base", "theirs"]), work),
        times=15,
    )
    for side in texts:
        (work / f"empty-{side}").touch()
    empty = [str(work / f"empty-{side}") for side in ("base", "ours", "theirs")]
    idle = least(lambda: process([*driver[:6], *empty, "7", path], work), 15)
    truth = dict(forks.truths(fork))[path]
    judged = [forks.unmarked(cost.out.splitlines()) for cost in (ours, git)]
    scores = [forks.score(truth, outside, told) for outside, told, _ in judged]
    extra = ours.cpu - start.cpu
    rows = [
        _row("one shard", tool, cost, ours, (found, f"{hunks} conflicts"))
        for tool, cost, found, (_, _, hunks) in zip(
            ("labelvc's driver", "git merge-file"), (ours, git), scores, judged, strict=True
        )
    ]
    rows.append(Row("three empty files", "labelvc's driver", *idle[:3], note="what starting it costs"))
    return Job(
        f"merge driver, one shard of {len(texts['base'].splitlines())} records",
        "<= start-up + 1x git merge-file; no more conflicts than it",
        f"start-up {'+' if extra >= 0 else '-'} {1000 * abs(extra):.0f} ms, git merge-file {1000 * git.cpu:.0f} ms; "
        f"{judged[0][2]} conflicts beside {judged[1][2]}",
        extra <= git.cpu and judged[0][2] <= judged[1][2] and scores[0].right,
        rows,
    )


def judge(fork: Fork, told: Iterable[str] = ()) -> tuple[Score, int]:
    """Hold the work tree to the truth, shard by shard.

    Args:
        fork: the truth.
        told: keys that the tool itself named besides those it marked.

    Returns:
        The counts and the number of conflict hunks.
    """
    names: dict[str, set[str]] = defaultdict(set)
    for name in told:
        names[fork.touched[name].path if name in fork.touched else ""].add(name)
    total, hunks = Score(invented=len(names[""])), 0
    for path, truth in forks.truths(fork):
        outside, marked, number = forks.unmarked((fork.folder / path).read_bytes().splitlines())
        total = total.plus(forks.score(truth, outside, marked | names[path]))
        hunks += number
    return total, hunks


def attempt(fork: Fork, words: Sequence[str], attribute: str = "") -> Cost:
    """Run a merge in the fork's repository on a clean checkout of `ours`; the work tree holds what came out."""
    clear(fork)
    data.git(fork.folder, "checkout", "-qf", "--detach", "ours")
    if attribute:
        driver = "union" if attribute == "union" else "labelvc"
        (fork.folder / ATTRIBUTES).write_text(f"datasets/**/*.jsonl merge={driver}\n")
    data.settle(fork.folder)
    (fork.folder / BEFORE).write_text("\n".join(sorted(_objects(fork))))
    return process(words, fork.folder, cap=600)


def clear(fork: Fork) -> None:
    """Take back whatever a merge left behind, its objects too: where they are there already, the next one costs less."""
    for left in (ATTRIBUTES, ".git/index.lock"):  # a git that was killed leaves its lock
        (fork.folder / left).unlink(missing_ok=True)
    if (fork.folder / ".git/MERGE_HEAD").exists():
        process([LABELVC, "merge", "--abort"], fork.folder)
    data.git(fork.folder, "checkout", "-qf", "main")
    if (fork.folder / BEFORE).exists():
        before, after = set((fork.folder / BEFORE).read_text().splitlines()), _objects(fork)
        (fork.folder / BEFORE).unlink()
        for made in after - before if before <= after else ():  # else git repacked them
            (fork.folder / made).unlink()


def _objects(fork: Fork) -> set[str]:
    """Return the files that hold the repository's objects."""
    found = (fork.folder / ".git/objects").rglob("*")
    return {str(path.relative_to(fork.folder)) for path in found if path.is_file()}


def _in_git(fork: Fork, words: Sequence[str], times: int, attribute: str = "") -> tuple[Cost, tuple[Score, str]]:
    try:
        cost = least(lambda: attempt(fork, words, attribute), times)
        found, hunks = judge(fork)
    finally:
        clear(fork)
    return cost, (found, f"exit {cost.code}, {hunks} conflicts")


def _drivers(attribute: str) -> list[str]:
    if attribute != "ours":
        return []
    settings = install.drivers(sys.executable)
    return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]


def _kept(cost: Cost, work: Path) -> Cost:
    return cost._replace(out=(work / "ours").read_bytes())


def _by_daff(versions: Versions, folder: Path, ours: Cost, *, slow: bool) -> list[Row]:
    rows: list[Row] = []
    for tool, program, wanted in (("daff (npm)", tools.npm("daff"), True), ("daff (pip)", tools.own("daff.py"), slow)):
        if program is None or not wanted:
            rows.append(absent(FLAT, tool, *([] if wanted else [LATE])))
            continue
        merged = folder / "daff-merged.csv"
        merged.unlink(missing_ok=True)
        names = [str(versions.tables[side]) for side in ("base", "ours", "theirs")]
        cost = process([program, "merge", "--id", "key", "--output", str(merged), *names], folder, cap=CAP)
        if cost.code < 0 or not merged.exists():
            rows.append(_unfinished(FLAT, tool, cost, ours))
            continue
        found: dict[str, list[bytes]] = defaultdict(list)
        told = set()
        for cells in flat.read_table(merged):
            if any(_CONFLICT.match(cell or "") for cell in cells.values()):
                told.add(cells["key"])
            else:
                found[cells["key"]].append(flat.encode(cells))
        rows.append(_row(FLAT, tool, cost, ours, (forks.score(versions.truth, found, told), f"exit {cost.code}")))
    return rows


Done = tuple[Cost, dict[str, list[bytes]], set[str], str]


def _nbdime(names: list[str], folder: Path) -> Done | None:
    python = tools.python("python", "nbdime")
    if python is None:
        return None
    merged = folder / "nbdime-merged.json"
    cost = process([python, tools.script("nbdime"), "merge", *names, str(merged)], folder, cap=CAP)
    told = set(json.loads(cost.out)["conflicts"]) if cost.code == 0 else set()
    return (cost, _rows(merged, told), told, "keyed by id") if cost.code == 0 else (cost, {}, told, "")


def _doltlite(names: list[str], folder: Path) -> Done | None:
    python = tools.python("python", "doltlite")
    if python is None:
        return None
    merged = folder / "doltlite-merged.json"
    whole = process([python, tools.script("doltlite"), "merge", *names, str(merged)], folder, cap=600)
    if whole.code:
        return whole, {}, set(), ""
    done = json.loads(whole.out)["merge"]
    cost, told = whole._replace(cpu=done["cpu"], wall=done["wall"]), set(done["found"])
    return cost, _rows(merged, told), told, "without loading, start-up and writing of files"


def _json_merge(names: list[str], folder: Path) -> Done | None:
    program = tools.npm("git-json-merge")
    if program is None:
        return None
    merged = folder / "json-merged.json"
    merged.write_bytes(Path(names[1]).read_bytes())
    cost = process([program, str(merged), names[0], names[2]], folder, cap=CAP)
    return cost, _rows(merged, set()), set(), f"exit {cost.code}"


def _rows(path: Path, told: set[str]) -> dict[str, list[bytes]]:
    with contextlib.suppress(OSError, ValueError):
        return {name: [flat.encode(row)] for name, row in json.loads(path.read_bytes()).items() if name not in told}
    return {}


def _row(work: str, tool: str, cost: Cost, ours: Cost, judged: tuple[Score, str]) -> Row:
    ratio = "1x" if cost is ours else f"{cost.cpu / ours.cpu:.2g}x labelvc"
    found, note = judged
    return Row(work, tool, *cost[:3], ratio, found.right, ", ".join(filter(None, (found.text(), note))))


def _unfinished(work: str, tool: str, cost: Cost, ours: Cost) -> Row:
    why = f"killed after {CAP} s" if cost.code < 0 else f"exit {cost.code}"
    return Row(work, tool, *cost[:3], f"> {cost.cpu / ours.cpu:.2g}x labelvc", None, why)
