"""The benchmarks' own correctness: what the generator calls true is true, and a score counts every kind of fault."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from benchmarks import data, flat, forks, pasts
from benchmarks.forks import Fork, Score, Truth
from benchmarks.pasts import Past

Found = dict[str, list[bytes]]


@pytest.fixture(scope="module")
def fork(tmp_path_factory: pytest.TempPathFactory) -> Fork:
    """Return two branches of 3,000 records in 64 shards."""
    return forks.make(tmp_path_factory.mktemp("fork") / "labels", 3000, 64)


@pytest.fixture(scope="module")
def truth(fork: Fork) -> Truth:
    """Return the truth about all shards together."""
    merged, dead = {}, set()
    for _, one in forks.truths(fork):
        merged |= one.merged
        dead |= one.dead
    return Truth(merged, frozenset(dead), fork.conflicts)


def records(fork: Fork, branch: str) -> dict[str, dict[str, Any]]:
    """Return a branch's records as git shows them."""

    def git(*words: str) -> bytes:
        return subprocess.run(["git", *words], cwd=fork.folder, check=True, capture_output=True).stdout

    paths = git("ls-tree", "-r", "--name-only", branch, "--", "datasets/texts/annotations").decode().split()
    rows = [json.loads(line) for path in paths for line in git("show", f"{branch}:{path}").splitlines()]
    found = {f"{row['item']}#{row['id']}": row for row in rows}
    assert len(found) == len(rows)
    return found


def naive(base: Any, ours: Any, theirs: Any) -> Any:
    """Merge three values the slow and plain way; `...` when a person must decide."""
    if theirs in (ours, base):
        return ours
    if ours == base:
        return theirs
    if not all(isinstance(side, dict) for side in (base, ours, theirs)):
        return ...
    merged = {}
    for name in base.keys() | ours.keys() | theirs.keys():
        value = naive(*[side.get(name) for side in (base, ours, theirs)])
        if value is ...:
            return ...
        merged[name] = value
    return {**merged, "rev": max(ours["rev"], theirs["rev"]) + 1} if "rev" in merged else merged


def test_the_merge_it_calls_true_is_what_a_naive_merge_of_the_branches_gives(fork, truth):
    base, ours, theirs = (records(fork, branch) for branch in ("main", "ours", "theirs"))
    assert len(base) == 3000
    merged = {name: naive(base.get(name), ours.get(name), theirs.get(name)) for name in {*base, *ours, *theirs}}
    assert {name for name, row in merged.items() if row is ...} == truth.conflicts
    assert {name: row for name, row in merged.items() if row is not ...} == {
        name: json.loads(line) for name, line in truth.merged.items()
    }
    assert {name for name, row in merged.items() if row is not ... and row.get("gone")} == truth.dead
    assert len(truth.dead) == 2 * 3
    assert len(truth.conflicts) == 1


def test_both_sides_touch_no_record_but_in_the_ways_it_says(fork):
    base, ours, theirs = (records(fork, branch) for branch in ("main", "ours", "theirs"))
    changed = [{name for name in {*base, *side} if base.get(name) != side.get(name)} for side in (ours, theirs)]
    assert [len(side) for side in changed] == [30 + 3 + 3 + 3 + 3 + 1] * 2
    assert len(changed[0] & changed[1]) == 3 + 3 + 1
    assert changed[0] | changed[1] == fork.touched.keys()


def test_the_same_seed_gives_the_same_bytes(fork, tmp_path):
    again = forks.make(tmp_path / "again", 3000, 64)
    assert again.touched == fork.touched
    for branch in ("main", "few", "many", "ours", "theirs"):
        assert list(data.walk_at(again.folder, branch)) == list(data.walk_at(fork.folder, branch))


def test_branches_change_as_many_records_as_they_say(fork):
    few, many, base = (records(fork, branch) for branch in ("few", "many", "main"))
    assert sum(base[name] != few[name] for name in base) == forks.few_of(3000) == 6
    assert sum(base[name] != many[name] for name in base) == 300


def right(truth: Truth) -> Found:
    return {name: [line] for name, line in truth.merged.items()}


def some(truth: Truth) -> str:
    return next(name for name in truth.merged if name not in truth.dead)


FAULTS: dict[str, Callable[[Truth, Found, set[str]], object]] = {
    "wrong": lambda truth, found, told: found.update({some(truth): [b'{"label":"other"}']}),
    "lost": lambda truth, found, told: found.pop(some(truth)),
    "doubled": lambda truth, found, told: found[some(truth)].append(b"{}"),
    "risen": lambda truth, found, told: found.update({min(truth.dead): [b'{"label":"alive"}']}),
    "missed": lambda truth, found, told: told.clear(),
    "invented": lambda truth, found, told: told.add(some(truth)),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_score_counts_a_fault_of_each_kind(fault, truth):
    found, told = right(truth), set(truth.conflicts)
    assert forks.score(truth, found, told) == Score()
    FAULTS[fault](truth, found, told)
    told_by = forks.score(truth, found, told)
    assert told_by == Score(**{fault: 1})
    assert told_by.text() == f"1 {fault}"
    assert not told_by.right


def test_a_record_that_was_on_no_side_is_wrong(truth):
    assert forks.score(truth, {**right(truth), "x#y": [b"{}"]}, truth.conflicts) == Score(wrong=1)


def test_a_record_deleted_on_a_side_may_not_stand_beside_its_tombstone(truth):
    found = right(truth)
    found[min(truth.dead)].append(b'{"label":"alive"}')
    assert forks.score(truth, found, truth.conflicts) == Score(doubled=1, risen=1)


def test_a_record_in_a_needless_conflict_is_invented_and_not_lost(truth):
    found = right(truth)
    del found[some(truth)]
    assert forks.score(truth, found, {*truth.conflicts, some(truth)}) == Score(invented=1)


def test_of_a_marked_shard_only_what_its_sides_differ_in_is_in_conflict():
    one, two, both, ours, theirs = (
        b'{"item":"i","id":"%s","label":"%s"}' % pair
        for pair in ((b"a", b"x"), (b"a", b"y"), (b"b", b"x"), (b"c", b"x"), (b"d", b"x"))
    )
    text = [both, b"<<<<<<< ours", one, ours, b"||||||| base", theirs, b"=======", ours, two, b">>>>>>> theirs", theirs]
    outside, told, hunks = forks.unmarked(text)
    assert (told, hunks) == ({"i#a"}, 1)
    assert outside == {"i#b": [both], "i#c": [ours], "i#d": [theirs]}


def test_flat_files_hold_the_same_records_and_the_same_truth(fork, truth, tmp_path):
    made = flat.versions(fork, tmp_path)
    for side, branch in (("base", "main"), ("ours", "ours"), ("theirs", "theirs")):
        living = {name: row for name, row in records(fork, branch).items() if not row.get("gone")}
        rows = {row["key"]: row for row in flat.read_table(made.tables[side])}
        assert rows == json.loads(made.objects[side].read_bytes())
        assert rows.keys() == living.keys()
        assert all(rows[name]["label"] == row["value"]["label"] for name, row in living.items())
    assert made.truth.merged.keys() == truth.merged.keys() - truth.dead
    assert made.truth.conflicts == truth.conflicts


def test_a_history_blames_the_commit_that_changed_a_line_last(tmp_path):
    past = Past(60, 12, 7)
    made = [pasts.make(tmp_path, past, layout, 16) for layout in pasts.LAYOUTS]
    held = []
    for one in made:
        lives: dict[str, list[tuple[int, str]]] = {}
        for number in range(past.commits + 1):
            words = ["git", "grep", "-h", "-e", '"label"', f"main~{past.commits - number}", "--", "*.json*"]
            out = subprocess.run(words, cwd=one.folder, check=True, capture_output=True).stdout
            for line in out.splitlines():
                row = json.loads(line)
                life = lives.setdefault(f"{row['item']}#{row['id']}", [])
                if not life or life[-1][1] != row["value"]["label"]:
                    life.append((number, row["value"]["label"]))
                    assert row["rev"] == len(life)
        held.append(lives)
    assert held[0] == held[1] == held[2]
    last = pasts.last_changes(past)
    names = [pasts.key(line) for _, line in pasts.start(past)]
    assert {name: life[-1][0] for name, life in held[0].items()} == {names[at]: last[at] for at in range(past.records)}
    assert 1 < len(set(last.values())) <= 13
