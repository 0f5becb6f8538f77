"""Two branches whose merge is known: what the records must be afterwards, and which of them a person must decide."""

from __future__ import annotations

import json
import random
import subprocess
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from benchmarks import data
from labelvc.codec import canonical, shard

Lines = dict[str, bytes]


class Fork(NamedTuple):
    """A repository with the branches `ours` and `theirs`, and the truth about their merge.

    Attributes:
        folder: its work tree, at `ours`.
        base: text of each record's key to its line, at `main`.
        ours: the same on the branch `ours`.
        theirs: the same on the branch `theirs`.
        merged: the same as it must be merged, without the records in conflict.
        conflicts: keys that a person must decide.
    """

    folder: Path
    base: Lines
    ours: Lines
    theirs: Lines
    merged: Lines
    conflicts: frozenset[str]


def make(folder: Path, records: int, shards: int, seed: int = 11) -> Fork:
    """Make a fork of a reference repository, or reuse the one that is there; the truth is worked out anew from the seed.

    On each side 1 % of all records get another label, no record on both; besides, in parts of all records: 0.1 % get
    another label on our side and a note on theirs, 0.1 % the same label on both, 0.01 % two labels, 0.1 % are added and
    0.1 % deleted on each side.

    Args:
        folder: where.
        records: number of records.
        shards: 4^k.
        seed: of all chance.

    Returns:
        The fork.
    """
    data.make(folder, records, shards, records // 500)
    cells = data.read(folder)
    base = {name: line for lines in cells.values() for line in lines for name in [_name(line)]}
    paths = {_name(line): path for path, lines in cells.items() for line in lines}
    chance = random.Random(seed)
    rest = chance.sample(sorted(base), len(base))

    def some(share: float) -> list[str]:
        return [rest.pop() for _ in range(max(1, round(len(base) * share)))]

    ours, theirs, merged = dict(base), dict(base), dict(base)
    for name in some(0.01):
        ours[name] = merged[name] = _edited(base[name], label=1)
    for name in some(0.01):
        theirs[name] = merged[name] = _edited(base[name], label=1)
    for name in some(0.001):
        ours[name], theirs[name] = _edited(base[name], label=1), _edited(base[name], note="look again")
        merged[name] = _edited(base[name], label=1, note="look again", rev=3)
    for name in some(0.001):
        ours[name] = theirs[name] = merged[name] = _edited(base[name], label=2)
    for side in (ours, theirs):
        for name in some(0.001):
            side[name] = merged[name] = _gone(base[name])
        for name in some(0.001):
            added = _added(base[name], "a" if side is ours else "b")
            paths[_name(added)] = paths[name]
            side[_name(added)] = merged[_name(added)] = added
    conflicts = frozenset(some(0.0001))
    for name in conflicts:
        ours[name], theirs[name] = _edited(base[name], label=3), _edited(base[name], label=4)
        del merged[name]
    if not (folder / ".git" / "forked").exists():
        for branch, side in (("ours", ours), ("theirs", theirs)):
            _commit(folder, branch, side, base, paths)
        (folder / ".git" / "forked").touch()
    _git(folder, "checkout", "-qf", "ours")
    return Fork(folder, base, ours, theirs, merged, conflicts)


class Score(NamedTuple):
    """How a merge compares with the truth; all but `right` are counts of records.

    Attributes:
        wrong: other content than it must be.
        lost: not there, or without one side's change.
        doubled: there more than once.
        risen: deleted on a side, there again.
        missed: true conflicts that were not told.
        invented: told as a conflict, and none.
    """

    wrong: int = 0
    lost: int = 0
    doubled: int = 0
    risen: int = 0
    missed: int = 0
    invented: int = 0

    @property
    def right(self) -> bool:
        """Tell whether everything is as it must be."""
        return not any(self)


def score(
    fork: Fork,
    lines: Mapping[str, list[bytes]],
    conflicts: set[str],
    same: Callable[[bytes, bytes], bool] = bytes.__eq__,
) -> Score:
    """Hold the result of a merge to the truth.

    Args:
        fork: the truth.
        lines: key to the lines the merge left outside of conflicts.
        conflicts: keys it told as conflicts.
        same: what counts as equal, for tools that know no `rev`.

    Returns:
        The counts.
    """
    wrong = sum(
        name in lines and not same(lines[name][0], line) for name, line in fork.merged.items() if not _dead(line)
    )
    return Score(
        wrong=wrong,
        lost=sum(name not in lines and name not in conflicts for name, line in fork.merged.items() if not _dead(line)),
        doubled=sum(len(found) > 1 for found in lines.values()),
        risen=sum(name in lines and not _dead(lines[name][0]) for name, line in fork.merged.items() if _dead(line)),
        missed=len(fork.conflicts - conflicts),
        invented=len(conflicts - fork.conflicts),
    )


def _commit(folder: Path, branch: str, side: Lines, base: Lines, paths: Mapping[str, str]) -> None:
    _git(folder, "checkout", "-qfB", branch, "main")
    by_path: dict[str, list[bytes]] = defaultdict(list)
    for name, line in side.items():
        by_path[paths[name]].append(line)
    dirty = {paths[name] for name, line in side.items() if base.get(name) != line}
    for path in dirty:
        (folder / path).write_bytes(shard.write(by_path[path]))
    _git(folder, "commit", "-qam", f"work on {branch}")


def _edited(line: bytes, *, label: int = 0, note: str = "", rev: int = 2) -> bytes:
    record = json.loads(line)
    record["rev"] = rev
    if label:
        now = data.LABELS.index(record["value"]["label"])
        record["value"] = {"label": data.LABELS[(now + label) % len(data.LABELS)]}
    if note:
        record["ext"] = {"note": note}
    return canonical.encode_record(record)


def _gone(line: bytes) -> bytes:
    record = json.loads(line)
    return canonical.encode_record({"item": record["item"], "id": record["id"], "gone": True, "rev": 2})


def _added(line: bytes, mark: str) -> bytes:
    record = json.loads(line)
    return canonical.encode_record({**record, "id": f"{record['id']}-{mark}"})


def _dead(line: bytes) -> bool:
    return b'"gone":true' in line


def _name(line: bytes) -> str:
    record = json.loads(line)
    return f"{record['item']}#{record['id']}"


def _git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, check=True, stdout=subprocess.DEVNULL)
