"""Two branches whose merge is known: what the records must be afterwards, and which of them a person must decide.

The truth is sparse: it names the records that a side touched, and every other one must be as it was.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from benchmarks import data
from labelvc.codec import canonical, shard

Lines = dict[str, bytes]
SHARES = {
    "ours": 0.01,  # another label, on our side only
    "theirs": 0.01,
    "both fields": 0.001,  # another label on our side, a note on theirs
    "same": 0.001,  # the same new label on both
    "ours gone": 0.001,
    "theirs gone": 0.001,
    "ours added": 0.001,
    "theirs added": 0.001,
    "conflict": 0.0001,  # two labels
}
"""What happens to which part of all records; no record meets two of them."""


class Touch(NamedTuple):
    """One record that a side touched.

    Attributes:
        path: its shard.
        base, ours, theirs: its line on each side; None where it is not.
        merged: its line as it must be merged; None when a person must decide.
    """

    path: str
    base: bytes | None
    ours: bytes | None
    theirs: bytes | None
    merged: bytes | None


class Fork(NamedTuple):
    """A repository with the branches `ours` and `theirs`, and the truth about their merge.

    Attributes:
        folder: its work tree.
        records: number of records at `main`.
        touched: text of each touched record's key to what happened to it.
    """

    folder: Path
    records: int
    touched: dict[str, Touch]

    @property
    def conflicts(self) -> frozenset[str]:
        """Keys that a person must decide."""
        return frozenset(name for name, touch in self.touched.items() if touch.merged is None)


class Truth(NamedTuple):
    """What a merge must leave.

    Attributes:
        merged: key to the line it must be; without the records in conflict.
        dead: keys that must not be there as living records.
        conflicts: keys that a person must decide.
    """

    merged: Mapping[str, bytes]
    dead: frozenset[str]
    conflicts: frozenset[str]


class Score(NamedTuple):
    """How a merge compares with the truth; all are counts of records.

    Attributes:
        wrong: other content than it must be, or never there on any side.
        lost: not there.
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

    def plus(self, other: Score) -> Score:
        """Return the counts of two parts together."""
        return Score(*[one + two for one, two in zip(self, other, strict=True)])

    def text(self) -> str:
        """Return the faults in words, empty when there are none."""
        return ", ".join(f"{number:,} {name}" for name, number in self._asdict().items() if number)


def make(folder: Path, records: int, shards: int, seed: int = 11) -> Fork:
    """Make a fork of a reference repository, or reuse the one that is there; the truth is worked out anew from the seed.

    Args:
        folder: where; the branches come into the repository that lies there.
        records: number of records.
        shards: 4^k.
        seed: of all chance.

    Returns:
        The fork, checked out at `main`.
    """
    data.make(folder, records, shards, few_of(records))
    chance = random.Random(seed)
    fates = _fates(chance, records)
    touched: dict[str, Touch] = {}
    for path, lines, chosen in data.picked(folder, fates):
        for at, number in chosen:
            name, touch = _touch(path, lines[at], fates[number])
            touched[name] = touch
    for branch in ("ours", "theirs"):
        if not (folder / f".git/forked-{branch}").exists():
            _commit(folder, branch, touched)
            (folder / f".git/forked-{branch}").touch()
    data.git(folder, "checkout", "-qf", "main")
    return Fork(folder, records, touched)


def few_of(records: int) -> int:
    """Return how many records the branch `few` changes."""
    return 1000 if records >= 1_000_000 else max(1, records // 500)


def truths(fork: Fork) -> Iterator[tuple[str, Truth]]:
    """Yield the truth of each shard, one at a time, in the order of paths."""
    by_path: dict[str, Lines] = defaultdict(dict)
    for name, touch in fork.touched.items():
        by_path[touch.path][name] = touch
    for path, lines in data.walk_at(fork.folder, "main"):
        merged = {name_of(line): line for line in lines}
        conflicts = set()
        for name, touch in by_path.get(path, {}).items():
            if touch.merged is None:
                conflicts.add(name)
                merged.pop(name, None)
            else:
                merged[name] = touch.merged
        dead = frozenset(name for name, line in merged.items() if is_dead(line))
        yield path, Truth(merged, dead, frozenset(conflicts))


def score(
    truth: Truth,
    lines: Mapping[str, list[bytes]],
    conflicts: Iterable[str],
    same: Callable[[bytes, bytes], bool] = bytes.__eq__,
) -> Score:
    """Hold the result of a merge to the truth.

    Args:
        truth: of a shard, or of everything.
        lines: key to the lines the merge left outside of conflicts.
        conflicts: keys it told as conflicts.
        same: what counts as equal, given what it is and what it must be.

    Returns:
        The counts.
    """
    told = set(conflicts)
    once = {name: found[0] for name, found in lines.items() if len(found) == 1}
    risen = {name for name in truth.dead if any(not is_dead(line) for line in lines.get(name, ()))}
    return Score(
        wrong=sum(
            name not in risen and not same(once[name], line) for name, line in truth.merged.items() if name in once
        )
        + sum(name not in truth.merged and name not in truth.conflicts and name not in truth.dead for name in lines),
        lost=sum(name not in lines and name not in told for name in truth.merged),
        doubled=sum(len(found) > 1 for found in lines.values()),
        risen=len(risen),
        missed=len(truth.conflicts - told),
        invented=len(told - truth.conflicts),
    )


def unmarked(lines: Iterable[bytes]) -> tuple[dict[str, list[bytes]], set[str], int]:
    """Read a shard that a text merge or ours has left.

    Args:
        lines: of the shard, conflict markers and all.

    Returns:
        Key to the lines outside of conflicts (a line that all sides of a conflict share is outside), keys in conflict,
        and the number of conflicts (hunks).
    """
    outside: dict[str, list[bytes]] = defaultdict(list)
    told: set[str] = set()
    hunks, part = 0, 0
    sides: list[list[bytes]] = []
    for line in lines:
        if line.startswith(b"<<<<<<< "):
            hunks, part, sides = hunks + 1, 1, [[], [], []]
        elif part and line.startswith(b"||||||| "):
            part = 3
        elif part and line == b"=======":
            part = 2
        elif part and line.startswith(b">>>>>>> "):
            ours, theirs = set(sides[0]), set(sides[1])
            told |= {name_of(one) for one in ours ^ theirs}
            for one in ours & theirs:
                outside[name_of(one)].append(one)
            part = 0
        elif part:
            sides[part - 1].append(line)
        else:
            outside[name_of(line)].append(line)
    return dict(outside), told, hunks


def name_of(line: bytes) -> str:
    """Return the key of a line."""
    record = json.loads(line)
    return f"{record['item']}#{record['id']}"


def is_dead(line: bytes) -> bool:
    """Tell whether a line is a tombstone."""
    return b'"gone":true' in line


def _fates(chance: random.Random, records: int) -> dict[int, str]:
    names = [name for name, share in SHARES.items() for _ in range(max(1, round(records * share)))]
    return dict(zip(chance.sample(range(records), len(names)), names, strict=True))


def _touch(path: str, base: bytes, fate: str) -> tuple[str, Touch]:
    """Return key and truth of what happens to a record."""
    one, two, note, gone = (
        _edited(base, label=1),
        _edited(base, label=2),
        _edited(base, note="look again"),
        _gone(base),
    )
    if fate.endswith(" added"):
        added = _added(base, fate[0])
        sides = (added, None) if fate == "ours added" else (None, added)
        return name_of(added), Touch(path, None, *sides, added)
    ours, theirs, merged = {
        "ours": (one, base, one),
        "theirs": (base, one, one),
        "both fields": (one, note, _edited(base, label=1, note="look again", rev=3)),
        "same": (one, one, one),
        "ours gone": (gone, base, gone),
        "theirs gone": (base, gone, gone),
        "conflict": (one, two, None),
    }[fate]
    return name_of(base), Touch(path, base, ours, theirs, merged)


def _commit(folder: Path, branch: str, touched: Mapping[str, Touch]) -> None:
    data.git(folder, "checkout", "-qfB", branch, "main")
    by_path: dict[str, dict[bytes | None, bytes]] = defaultdict(dict)
    added: dict[str, list[bytes]] = defaultdict(list)
    for touch in touched.values():
        now = touch.ours if branch == "ours" else touch.theirs
        if now is not None and now != touch.base:
            by_path[touch.path][touch.base] = now
            if touch.base is None:
                added[touch.path].append(now)
    for path, new in by_path.items():
        lines = [new.get(line, line) for line in shard.lines((folder / path).read_bytes())]
        (folder / path).write_bytes(shard.write([*lines, *added[path]]))
    data.git(folder, "commit", "-qam", f"work on {branch}")


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
