"""Random histories of every shape, in git and behind pointers: `trace`, `log` and `blame` say what a walk over every commit says.

A history is written by `git fast-import`, so that hundreds cost little. Beside edits of records it has what people do to a
repository: deletions with and without a tombstone, lines that come again byte for byte, other numbers of shards and another
grouping, moves into DVC and out of it, renamed labels, new pseudonyms, items and records that get another id, commits taken back,
squashed branches, criss-cross and octopus merges that take a side, mix both or make something up.
"""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from labelvc.codec import canonical, expression, shard
from labelvc.core import attribution
from labelvc.core import diff as rules
from labelvc.model.names import Key
from labelvc.ops import blame, log, trace
from labelvc.store.git import Git
from tests.copying import copied
from tests.oracles.walk import Walk
from tests.zoo import ANNA, BEN, DOCUMENTS, PETS, Zoo, make

ITEMS = ("p1", "p2", "gäste/münchen #1", 'say "hi"\\', "q1", "日本" * 40)
NAMES = ("m1", "m2", "ü x")
BRANCHES = ("main", "topic", "other")
Lines = dict[tuple[str, str], bytes]


class State(NamedTuple):
    """What a commit holds: lines by (item, id), and how they are stored."""

    lines: Lines
    shards: int = 4
    group: str = ""
    storage: str = "git"


class Scribe:
    """Makes up a history and writes it down.

    Args:
        folder: a repository with a commit on `main`.
        chance: decides everything.
    """

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self.folder, self.chance = folder, chance
        self.tips: dict[str, int] = {}
        self.states: list[State] = [State({})]  # by mark
        self.above: list[list[int]] = [[]]
        self.out: list[bytes] = []
        self.told: list[str] = [""]

    def write(self, commits: int) -> None:
        """Write so many commits and check out none of them; `main` is the last."""
        self._commit("main", self._begun(), [], "begin")
        while len(self.states) <= commits:
            self._step()
        others = [tip for name, tip in self.tips.items() if name != "main"]
        self._merge("main", others[: self.chance.randint(0, 2)])
        words = ["git", "fast-import", "--quiet", "--force", "--done"]
        subprocess.run(words, cwd=self.folder, input=b"".join([*self.out, b"done\n"]), check=True)

    def _begun(self) -> State:
        lines: Lines = {}
        for number, item in enumerate(ITEMS[:3]):
            lines[item, ""] = self._item(item, f"w{number}")
            lines[item, "m1"] = self._record(item, "m1", 1)
        return State(lines)

    def _step(self) -> None:
        name = self.chance.choice(BRANCHES)
        if name not in self.tips:
            self.tips[name] = self.chance.choice(list(self.tips.values()))
        others = sorted({tip for tip in self.tips.values() if tip != self.tips[name]})
        kind = self.chance.choices(("change", "merge", "squash", "revert"), (10, 6, 1, 1))[0]
        if kind == "merge" and others:
            self._merge(name, self.chance.sample(others, self.chance.randint(1, len(others))))
        elif kind == "squash" and others:
            self._commit(name, self.states[self.chance.choice(others)], [self.tips[name]], "squash")
        elif kind == "revert":
            old = self.states[self.chance.randint(1, len(self.states) - 1)]
            self._commit(name, old, [self.tips[name]], "as it was before")
        else:
            state, words = self.states[self.tips[name]], []
            for _ in range(self.chance.choice((1, 1, 1, 2, 3))):
                state, word = self._changed(state)
                words.append(word)
            self._commit(name, state, [self.tips[name]], ", ".join(words))

    def _merge(self, name: str, others: list[int]) -> None:
        """Join branches: every line is that of a parent, now and then a new one; stored as in one of them."""
        parents = [self.tips[name], *others]
        if len(parents) == 1:
            return
        sides = [self.states[mark] for mark in parents]
        how = self.chance.choice(("side", "mixed", "mixed", "invented"))
        keys = sorted(set().union(*[side.lines for side in sides]))
        whole = self.chance.choice(sides)
        lines: Lines = {}
        for key in keys:
            taken = (whole if how == "side" else self.chance.choice(sides)).lines.get(key)
            if taken is not None:
                lines[key] = taken
        state = self.chance.choice(sides)._replace(lines=lines)
        if how == "invented":
            state, _ = self._changed(state)
        self._commit(name, state, parents, f"merge, {how}")

    def _changed(self, state: State) -> tuple[State, str]:
        """Return what a person made of a state, and what that was."""
        lines, chance = dict(state.lines), self.chance
        records = sorted(key for key in lines if key[1])
        kind = chance.choices(
            ("set", "note", "bury", "drop", "add", "reword", "shards", "group", "storage", "label", "key", "id", "item", "nothing"),
            (8, 3, 2, 2, 4, 1, 2, 1, 2, 1, 1, 1, 1, 1),
        )[0]  # fmt: skip
        item, name = key = chance.choice(records) if records else (ITEMS[0], "m1")
        row = json.loads(lines[key]) if key in lines else {}
        if kind == "shards":
            return state._replace(shards=chance.choice((4, 16, 64, 1024))), kind
        if kind == "group":
            return state._replace(group=chance.choice(("", "^(.)"))), kind
        if kind == "storage":
            return state._replace(storage=chance.choice(("git", "dvc"))), kind
        if kind in ("set", "note") and row and "gone" not in row:
            row |= {"value": {"score": chance.randint(1, 3)}} if kind == "set" else {"ext": {"n": chance.randint(1, 2)}}
            row["rev"] += chance.random() < 0.7  # a person may forget it
            lines[key] = canonical.encode_record(row)
        elif kind == "bury" and row:
            lines[key] = canonical.encode_record({"item": item, "id": name, "gone": True, "rev": row["rev"] + 1})
        elif kind == "drop" and row:
            del lines[key]
        elif kind == "add":
            item, name = chance.choice(ITEMS), chance.choice(NAMES)
            lines.setdefault((item, ""), self._item(item, f"w{chance.randint(0, 4)}"))
            lines[item, name] = self._record(item, name, chance.randint(1, 2))
        elif kind == "reword" and (item, "") in lines:
            lines[item, ""] = self._item(item, f"w{chance.randint(0, 4)}")
        elif kind in ("label", "key"):  # of every record at once
            for other in records:
                row = json.loads(lines[other])
                if kind == "key" and "by" in row:
                    row |= {"by": BEN if row["by"] == ANNA else ANNA, "rev": row["rev"] + 1}
                elif kind == "label" and "value" in row:
                    row |= {"value": {"score": 4 - row["value"]["score"]}, "rev": row["rev"] + 1}
                lines[other] = canonical.encode_record(row)
        elif kind == "id" and row:
            name = chance.choice(NAMES)
            lines[item, name] = canonical.encode_record(json.loads(lines.pop(key)) | {"id": name})
        elif kind == "item" and row:
            lines = self._moved(lines, item, chance.choice(ITEMS))
        return state._replace(lines=lines), kind

    @staticmethod
    def _moved(lines: Lines, item: str, other: str) -> Lines:
        """Give an item another id, its records with it."""
        found: Lines = {}
        for (own, name), line in lines.items():
            if own != item:
                found.setdefault((own, name), line)
                continue
            row = json.loads(line)
            if name:
                found[other, name] = canonical.encode_record(row | {"item": other})
            else:
                found[other, ""] = canonical.encode_item(row | {"id": other})
        return found

    def _record(self, item: str, name: str, score: int) -> bytes:
        head = {"item": item, "id": name, "by": self.chance.choice((ANNA, ANNA, BEN)), "rev": 1}
        return canonical.encode_record({**head, "task": "mood", "under": "mood@1.1.0", "value": {"score": score}})

    @staticmethod
    def _item(item: str, word: str) -> bytes:
        return canonical.encode_item({"id": item, "natural": {"word": word}, "text": "t"})

    # ------------------------------------------------------------ writing
    def _commit(self, name: str, state: State, parents: list[int], about: str) -> None:
        mark = len(self.states)
        self.states.append(state)
        self.above.append(parents)
        self.told.append(f"{mark} {name} {parents} {about} {state.shards} {state.group} {state.storage}")
        self.tips[name] = mark
        when = 1_700_000_000 + self.chance.randint(0, 5) * 3600  # clocks differ
        who = f"Ada <ada@example.com> {when} +0000\n"
        message = f"{mark}: {about}".encode()
        head = f"commit refs/heads/{name}\nmark :{mark}\nauthor {who}committer {who}data {len(message)}\n"
        self.out.append(head.encode() + message + b"\n")
        if parents:
            self.out += [f"from :{parents[0]}\n".encode(), *[f"merge :{one}\n".encode() for one in parents[1:]]]
        self.out.append(b"deleteall\n")
        for path, data in sorted(self._files(state).items()):
            self.out += [f"M 100644 inline {path}\ndata {len(data)}\n".encode(), data, b"\n"]

    def _files(self, state: State) -> dict[str, bytes]:
        group = f"\ngroup: {json.dumps(state.group)}" if state.group else ""
        own = PETS.replace("shards: 4", f"shards: {state.shards}{group}").replace(
            "storage: git", f"storage: {state.storage}"
        )
        files = {path: text.encode() for path, text in DOCUMENTS.items()} | {"datasets/pets/dataset.yaml": own.encode()}
        pattern, shards = expression.compiled(state.group or None), dict[str, list[bytes]]()
        for (item, name), line in state.lines.items():
            place = shard.place(shard.group_of(item, pattern), shard.digits(state.shards))
            shards.setdefault(shard.path("pets", "annotations" if name else "items", place), []).append(line)
        written = {path: shard.write(lines) for path, lines in shards.items()}
        hidden = {path for path in written if state.storage == "dvc" and "/annotations/" in path}
        if hidden:
            files["datasets/pets/annotations.dvc"] = self._pointer({path: written[path] for path in hidden})
        return files | {path: data for path, data in written.items() if path not in hidden}

    def _pointer(self, files: dict[str, bytes]) -> bytes:
        prefix = "datasets/pets/annotations/"
        rows = [{"md5": self._kept(data), "relpath": path.removeprefix(prefix)} for path, data in sorted(files.items())]
        md5 = self._kept(json.dumps(rows).encode(), ".dir")
        size = sum(map(len, files.values()))
        return (
            f"outs:\n- md5: {md5}\n  size: {size}\n  nfiles: {len(files)}\n  hash: md5\n  path: annotations\n".encode()
        )

    def _kept(self, data: bytes, ending: str = "") -> str:
        md5 = hashlib.md5(data, usedforsecurity=False).hexdigest() + ending
        place = self.folder / ".dvc/cache/files/md5" / md5[:2] / md5[2:]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        return md5


# ---------------------------------------------------------------- what is held
def hold(at: Git, walk: Walk, chance: random.Random, keys: int) -> None:
    """Hold some lives, the log and all of blame to what the walk says."""
    ever = sorted({key for commit in walk.parents for key in walk.moves(commit)})
    came = walk.integrations()
    for key in chance.sample(ever, min(keys, len(ever))):
        hold_life(at, walk, came, *key)
        hold_log(at, walk, key, chance)
    hold_whole_log(at, walk, chance)
    hold_blame(at, walk)


def hold_life(at: Git, walk: Walk, came: dict[str, str], item: str, name: str) -> None:
    life = trace.trace(at, Key("pets", item, name))
    told = [
        (step.commit.id, step.delta.key[1:], step.former and step.former[1:], step.delta.old, step.delta.new)
        for step in reversed(life.steps)
    ]
    assert told == walk.ways((item, name), walk.head)
    assert [step.integrated.id for step in life.steps] == [came[step.commit.id] for step in life.steps]
    own = [step for step in life.steps if step.delta.key[1:] == (item, name)]
    dropped = walk.dropped((item, name))
    assert [step.dropped and step.dropped.id for step in own] == [dropped.get(step.commit.id) for step in own]
    here = walk.lines[walk.head]
    assert (life.now, life.item) == (here.get((item, name)), here.get((item, "")))
    later = walk.namesake(told[0][0], (item, name), back=False)
    assert (life.later and life.later[1:]) == later


def hold_log(at: Git, walk: Walk, key: tuple[str, str], chance: random.Random) -> None:
    item, name = key
    base = chance.choice(["", *walk.parents])
    told = log.read(at, f"pets/{item}#{name}", log.Span(base=base), log.Filter())
    found = [(one.commit.id, {delta.key[1:]: (delta.old, delta.new) for delta in one.changes}) for one in told]
    expected = []
    for commit in walk.order(walk.head, base):
        moved = {own: lines for own, lines in walk.moves(commit).items() if own == key or (own[0] == item and not name)}
        expected += [(commit, moved)] if moved else []
    assert found == expected, base


def hold_whole_log(at: Git, walk: Walk, chance: random.Random) -> None:
    base = chance.choice(["", *walk.parents])
    found = {
        one.commit.id: (dict(one.records), dict(one.items))
        for one in log.read(at, "pets", log.Span(base=base), log.Filter())
        if one.records or one.items
    }
    expected = {}
    for commit in walk.order(walk.head, base):
        counts: tuple[Counter[str], Counter[str]] = Counter(), Counter()
        for (item, name), (old, new) in walk.moves(commit).items():
            counts[not name][rules.kind_of(rules.Delta(Key("pets", item, name), old, new))] += 1
        if any(counts):
            expected[commit] = tuple(map(dict, counts))
    assert found == expected, base


def hold_blame(at: Git, walk: Walk) -> None:
    expected = walk.blame()
    if not expected:
        return
    for _ in range(2):  # the second time from what is remembered
        hold_origins(walk, dict(blame.whole(at, "pets")), expected)
    item = min(expected)[0]
    own = {key: origins for key, origins in expected.items() if key[0] == item}
    hold_origins(walk, dict(blame.item(at, "pets", item)), own)


def hold_origins(walk: Walk, found: dict[Key, blame.Fields], expected: dict[Any, dict[str, frozenset[str]]]) -> None:
    """Hold that each field has one of the commits that set it, where several did."""
    assert {key[1:] for key in found} == set(expected)
    for key, origins in found.items():
        assert {origin.pointer for origin in origins} == set(expected[key[1:]])
        for origin in origins:
            assert origin.commit.id in expected[key[1:]][origin.pointer], (key, origin)
            line = json.loads(walk.lines[origin.commit.id][key[1:]])
            assert origin.by == attribution.token(line.get("by"))


_begun: list[Zoo] = []


def attacked(folder: Path, template: Path, seed: int, commits: int, keys: int) -> None:
    """Make a history of a seed and hold it; the seed and what was done stand in the message of what fails."""
    copied(template, folder)
    chance = random.Random(seed)
    scribe = Scribe(folder, chance)
    scribe.write(commits)
    try:
        hold(Zoo(folder).at, Walk(folder, "pets"), chance, keys)
    except Exception as error:
        error.add_note(f"seed {seed}, {commits} commits\n" + "\n".join(scribe.told))
        raise


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template") / "labels"
    make(folder)
    return folder


@pytest.mark.parametrize(("seed", "commits"), [(17, 10), (33, 6), (145, 24)])
def test_the_past_is_what_a_walk_says(template: Path, tmp_path: Path, seed: int, commits: int):
    attacked(tmp_path / "labels", template, seed, commits, 3)


@pytest.mark.long
def test_the_past_is_what_a_walk_says_for_a_quarter_of_an_hour(template: Path, tmp_path: Path):
    end, seed = time.monotonic() + 900, 1000
    while time.monotonic() < end:
        attacked(tmp_path / str(seed), template, seed, 4 + seed % 28, 6)
        seed += 1
