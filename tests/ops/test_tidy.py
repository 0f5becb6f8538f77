"""Formatting: a hand edit of any shape becomes canonical with the next `rev`, and what is not asked for stays as it is."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from labelvc.codec import shard
from labelvc.errors import DataError, StoreError
from labelvc.ops import check, diff, tidy
from labelvc.ops.tidy import Tidied
from labelvc.store import dvc
from tests.zoo import Zoo, zoo, zoo_template

__all__ = ["zoo", "zoo_template"]


def run(zoo: Zoo, *, staged: bool = False, since: str | None = None) -> Tidied:
    return tidy.tidy(zoo.at, staged=staged, since=since)


def status(zoo: Zoo) -> list[str]:
    return [row for row in zoo.git("status", "--porcelain").splitlines() if row]


def scatter(zoo: Zoo, chance: random.Random) -> None:
    """Write every shard as a person's script might: other spacing, escapes and order."""
    for path in sorted(zoo.folder.rglob("datasets/*/*/*.jsonl")):
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        chance.shuffle(rows)
        for row in rows:
            if chance.random() < 0.5:
                items = list(row.items())
                chance.shuffle(items)
                row.clear()
                row.update(items)
        path.write_text(
            "\n".join(
                json.dumps(row, indent=None, separators=chance.choice([(",", ":"), (", ", ": ")])) for row in rows
            )
        )


def test_in_form_is_left_alone(zoo: Zoo):
    assert run(zoo) == run(zoo, staged=True) == Tidied({}, [])


@pytest.mark.parametrize("seed", range(3))
def test_any_spelling_comes_back_to_the_bytes_it_had(zoo: Zoo, seed: int):
    scatter(zoo, random.Random(seed))
    assert status(zoo)
    done = run(zoo)
    assert set(done.rewrites) == {"pets", "pictures"}
    assert status(zoo) == []
    assert run(zoo) == Tidied({}, [])


def test_hand_edits_get_their_rev_and_deletions_their_tombstone(zoo: Zoo):
    zoo.respell("pets/p2#m1", '"score":0', '"score": 3')
    zoo.put("pets/p1#m2", None)
    zoo.put("pets/p4#m9", b'{"id":"m9","item":"p4","rev":9,"task":"note","value":{"text":"new"}}')
    zoo.change("pets/p1#s1", value={"labels": ["dog", "cat", "dog"]}, bump=0)
    zoo.change("pets/p1#k1", value={"label": "dog"}, rev=40)
    before = zoo.unstaged().findings
    assert before
    run(zoo)
    assert zoo.unstaged().findings == []
    assert zoo.row("pets/p2#m1") | {"rev": 2, "value": {"score": 3}} == zoo.row("pets/p2#m1")
    assert zoo.row("pets/p1#m2") == {"item": "p1", "id": "m2", "gone": True, "rev": 2}
    assert zoo.row("pets/p4#m9")["rev"] == 1
    assert zoo.row("pets/p1#k1")["rev"] == 2
    assert zoo.row("pets/p1#s1")["rev"] == 1
    assert run(zoo) == Tidied({}, [])


def test_a_line_that_was_committed_out_of_form_is_mended_with_a_new_rev(zoo: Zoo):
    zoo.respell("pets/p2#m1", '"score":0', '"score":0.0')
    zoo.commit("Out of form")
    zoo.respell("pets/p2#m1", '"score":0.0', '"score":0')
    run(zoo)
    assert zoo.row("pets/p2#m1")["rev"] == 2
    assert b'"score":0}' in zoo.raw("pets/p2#m1")
    assert zoo.unstaged().findings == []


def test_true_is_not_one(zoo: Zoo):
    zoo.respell("pets/p2#m1", '"score":0', '"score":false')
    zoo.commit("Wrong")
    zoo.respell("pets/p2#m1", '"score":false', '"score":0')
    run(zoo)
    assert b'"score":0}' in zoo.raw("pets/p2#m1")


@pytest.mark.parametrize("shards", [16, 1024])
@pytest.mark.parametrize("committed", [False, True])
def test_another_number_of_shards_moves_every_line(zoo: Zoo, shards: int, committed: bool):
    zoo.replace("datasets/pets/dataset.yaml", "shards: 4", f"shards: {shards}")
    assert {(finding.rule, finding.hint) for finding in zoo.unstaged().findings} == {("shard.stray", "labelvc format")}
    if committed:
        zoo.commit("Only the document")
    run(zoo)
    assert zoo.unstaged().findings == zoo.everything() == []
    zoo.commit("Reshard")
    deltas = list(diff.between(zoo.at, *diff.resolve(zoo.at, f"{'HEAD~2' if committed else 'HEAD~1'}..HEAD")))
    assert [str(delta.key) for delta in deltas] == ["datasets/pets/dataset.yaml"]


def test_a_staged_reshard_is_formatted_too(zoo: Zoo):
    zoo.replace("datasets/pets/dataset.yaml", "shards: 4", "shards: 16")
    zoo.git("add", "--all")
    run(zoo, staged=True)
    assert zoo.staged().findings == []
    assert zoo.git("diff", "--name-only") == ""


def test_another_group_moves_lines_too(zoo: Zoo):
    zoo.replace("datasets/pets/dataset.yaml", "shards: 4", 'shards: 4\ngroup: "^(p)"')
    run(zoo)
    assert zoo.everything() == []
    assert [path.name for path in (zoo.folder / "datasets/pets/items").iterdir()] == [f"{shard.place('p', 1)}.jsonl"]


def test_what_check_says_format_mends_it_mends(zoo: Zoo):
    """Whoever committed it past the hook."""
    zoo.respell("pets/p1#o1", "0.25", "0.250")
    zoo.change("pets/p1#s1", value={"labels": ["dog", "cat"]})
    path = zoo.shard("pictures/b.jpg#x1")
    zoo.write(path, b"\n".join(reversed(zoo.read(path).splitlines())))
    zoo.commit("Out of form")
    assert {finding.rule for finding in zoo.everything()} == {
        "record.canonical",
        "labels.order",
        "shard.order",
        "shard.ending",
    }
    run(zoo)
    assert zoo.everything() == zoo.unstaged().findings == []
    assert zoo.row("pets/p1#o1")["rev"] == 2


# ---------------------------------------------------------------- what is refused
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"rev":1', '"rev":', "not JSON"),
        ('"rev":1', '"rev":1,"rev":2', "the member 'rev' occurs twice"),
        ('{"item":"p1",', "{", "the line has no key"),
        ('{"item":"p1","id":"n1"', '<<<<<<< HEAD\n{"item":"p1","id":"n1"', "a conflict marker is left"),
        ('"rev":1', '"rev":1e400', "2^53-1"),
    ],
)
def test_a_line_that_cannot_be_read_stops_everything(zoo: Zoo, old: str, new: str, said: str):
    number = zoo.line("pets/p1#n1")
    zoo.respell("pets/p1#n1", old, new)
    zoo.respell("pictures/b.jpg#x1", '"box":[10', '"box": [11')
    before = {path: path.read_bytes() for path in zoo.folder.rglob("*.jsonl")}
    with pytest.raises(DataError) as caught:
        run(zoo)
    assert said in caught.value.message
    assert caught.value.where == f"{zoo.shard('pets/p1#n1')}:{number}"
    assert caught.value.hint
    assert {path: path.read_bytes() for path in zoo.folder.rglob("*.jsonl")} == before


def test_of_two_lines_of_one_key_a_person_chooses(zoo: Zoo):
    line = zoo.raw("pets/p1#n1")
    path = zoo.shard("pets/p1#n1")
    zoo.write(path, zoo.read(path) + line.replace("ü".encode(), b"u") + b"\n")
    with pytest.raises(DataError) as caught:
        run(zoo)
    assert "occurs twice" in caught.value.message
    zoo.write(path, zoo.read(path).replace(line + b"\n", b""))
    run(zoo)
    assert zoo.row("pets/p1#n1")["rev"] == 2


def test_two_equal_lines_become_one(zoo: Zoo):
    path = zoo.shard("pets/p1#n1")
    zoo.write(path, zoo.read(path) + zoo.raw("pets/p1#n1") + b"\n")
    run(zoo)
    assert status(zoo) == []


def test_a_broken_shard_beside_the_edited_one_is_not_mended_in_silence(zoo: Zoo):
    """A key that was committed twice must not lose a line because another record of its shard is edited elsewhere."""
    other = next(f"pets/p{n}#m1" for n in range(2, 9) if zoo.shard(f"pets/p{n}#m1") != zoo.shard("pets/p1#n1"))
    path = zoo.shard("pets/p1#n1")
    zoo.write(path, shard.write([*zoo.read(path).splitlines(), zoo.raw("pets/p1#n1").replace("ü".encode(), b"u")]))
    zoo.commit("Twice")
    zoo.respell(other, '"score":', '"score": ')
    before = zoo.read(path)
    with pytest.raises(DataError):
        run(zoo)
    assert zoo.read(path) == before


# ---------------------------------------------------------------- staged
def test_what_is_staged_is_formatted_and_staged_and_nothing_else(zoo: Zoo):
    other = next(f"pets/p{n}#m1" for n in range(2, 9) if zoo.shard(f"pets/p{n}#m1") != zoo.shard("pets/p1#k1"))
    zoo.change("pets/p1#k1", value={"label": "dog"}, bump=0)
    zoo.git("add", zoo.shard("pets/p1#k1"))
    zoo.respell(other, '"score":', '"score": ')
    unstaged = zoo.read(zoo.shard(other))
    run(zoo, staged=True)
    assert zoo.staged().findings == []
    assert zoo.read(zoo.shard(other)) == unstaged
    assert [row.split() for row in status(zoo)] == sorted(
        [["M", zoo.shard("pets/p1#k1")], ["M", zoo.shard(other)]], key=lambda row: row[1]
    )
    assert zoo.git("diff", "--name-only") == zoo.shard(other)


def test_a_record_deleted_but_not_staged_gets_no_tombstone(zoo: Zoo):
    other = next(f"pets/p{n}#m1" for n in range(2, 9) if zoo.shard(f"pets/p{n}#m1") != zoo.shard("pets/p1#k1"))
    zoo.put(other, None)
    zoo.change("pets/p1#k1", value={"label": "dog"}, bump=0)
    zoo.git("add", zoo.shard("pets/p1#k1"))
    run(zoo, staged=True)
    assert b"gone" not in zoo.read(zoo.shard(other))


def test_a_staged_shard_that_needs_writing_and_has_unstaged_edits_is_refused(zoo: Zoo):
    zoo.change("pets/p1#k1", value={"label": "dog"}, bump=0)
    zoo.git("add", "--all")
    zoo.change("pets/p1#n1", value={"text": "later"})
    before = zoo.read(zoo.shard("pets/p1#k1"))
    with pytest.raises(StoreError) as caught:
        run(zoo, staged=True)
    assert (caught.value.where, caught.value.message) == (
        zoo.shard("pets/p1#k1"),
        "1 staged shards also have unstaged edits",
    )
    assert "git stash --keep-index" in caught.value.hint
    assert zoo.read(zoo.shard("pets/p1#k1")) == before


def test_a_file_that_was_only_touched_has_no_unstaged_edits(zoo: Zoo):
    zoo.change("pets/p1#k1", value={"label": "dog"}, bump=0)
    zoo.git("add", "--all")
    path = zoo.shard("pets/p1#k1")
    zoo.write(path, zoo.read(path))
    run(zoo, staged=True)
    assert zoo.staged().findings == []
    assert zoo.git("diff", "--name-only") == ""


def test_in_the_middle_of_a_conflict_nothing_is_formatted(zoo: Zoo):
    zoo.git("checkout", "-q", "-b", "topic")
    zoo.change("pets/p1#k1", value={"label": "dog"})
    zoo.commit("dog")
    zoo.git("checkout", "-q", "main")
    zoo.change("pets/p1#k1", value={"empty": True})
    zoo.commit("empty")
    zoo.git("merge", "-q", "topic", code=1)
    path = zoo.shard("pets/p1#k1")
    before = zoo.read(path)
    with pytest.raises(StoreError) as caught:
        run(zoo, staged=True)
    assert (caught.value.message, caught.value.where) == ("a merge left conflicts", path)
    with pytest.raises(DataError):
        run(zoo)
    assert zoo.read(path) == before


def test_a_shard_that_moves_takes_its_staged_lines_along(zoo: Zoo):
    raw = zoo.raw("pets/p1#k1")
    there = next(
        path for name in "0123" if (path := shard.path("pets", "annotations", name)) != zoo.shard("pets/p1#k1")
    )
    zoo.put("pets/p1#k1", None)
    kept = zoo.read(there).splitlines() if (zoo.folder / there).exists() else []
    zoo.write(there, shard.write([*kept, raw]))
    zoo.git("add", "--all")
    run(zoo, staged=True)
    assert status(zoo) == []


# ---------------------------------------------------------------- since a revision
def rule(zoo: Zoo, base: str = "main", head: str = "HEAD") -> list[tuple[str, str]]:
    found = check.changed(zoo.at, *diff.resolve(zoo.at, f"{base}..{head}")).findings
    return sorted((finding.rule, finding.place.key) for finding in found)


def lived(zoo: Zoo) -> None:
    """Change, delete and add records on main, and take it all back on a branch with git alone."""
    zoo.change("pets/p2#m1", value={"score": 3})
    zoo.bury("pets/p1#m2")
    zoo.put("pets/p4#n7", b'{"item":"p4","id":"n7","rev":1,"task":"note","value":{"text":"new"}}')
    zoo.commit("Lived")
    zoo.git("checkout", "-q", "-b", "back")
    zoo.git("revert", "--no-edit", "HEAD")


REVERTED = [("record.rev", "pets/p1#m2"), ("record.rev", "pets/p2#m1"), ("record.rev", "pets/p4#n7")]


@pytest.mark.parametrize("staged", [False, True])
def test_what_git_reverted_grows_past_the_revision(zoo: Zoo, staged: bool):
    lived(zoo)
    assert rule(zoo) == REVERTED
    assert run(zoo, staged=staged) == Tidied({}, [])
    run(zoo, staged=staged, since="main")
    assert zoo.row("pets/p2#m1") | {"rev": 3, "value": {"score": 0}} == zoo.row("pets/p2#m1")
    assert zoo.row("pets/p1#m2")["rev"] == 3
    assert zoo.row("pets/p4#n7") == {"item": "p4", "id": "n7", "gone": True, "rev": 2}
    assert zoo.unstaged().findings == []
    assert run(zoo, staged=staged, since="main") == Tidied({}, [])
    zoo.commit("Grow")
    assert rule(zoo) == zoo.everything() == []


def test_edits_made_since_grow_too(zoo: Zoo):
    lived(zoo)
    zoo.change("pets/p2#m1", value={"score": -1}, bump=0)
    run(zoo, since="main")
    assert zoo.row("pets/p2#m1")["rev"] == 3
    zoo.change("pets/p2#m1", value={"score": -2}, bump=0)
    run(zoo, since="main")
    assert (zoo.row("pets/p2#m1")["rev"], zoo.row("pets/p2#m1")["value"]) == (3, {"score": -2})
    zoo.commit("Grow")
    assert rule(zoo) == []


def test_a_branch_that_is_in_order_is_left_alone(zoo: Zoo):
    zoo.git("checkout", "-q", "-b", "topic")
    for score in (3, 4):
        zoo.change("pets/p2#m1", value={"score": score})
        zoo.commit(f"{score}")
    assert run(zoo, since="main") == Tidied({}, [])


def test_what_the_revision_did_after_the_branch_left_it_is_not_taken_back(zoo: Zoo):
    """A record that main changed meanwhile and this branch did not is no change of this branch."""
    zoo.git("checkout", "-q", "-b", "topic")
    zoo.git("checkout", "-q", "main")
    zoo.change("pets/p2#m1", value={"score": 3})
    zoo.commit("Meanwhile")
    zoo.git("checkout", "-q", "topic")
    assert run(zoo, since="main") == Tidied({}, [])


def test_since_an_unknown_revision(zoo: Zoo):
    with pytest.raises(StoreError):
        run(zoo, since="nowhere")


def test_behind_a_pointer_a_revert_grows_too(zoo: Zoo):
    zoo.store_in_dvc()
    zoo.commit("Store in DVC")
    zoo.change("pets/p2#m1", value={"score": 3})
    zoo.store_in_dvc()
    zoo.commit("Raise")
    zoo.git("revert", "--no-edit", "HEAD")
    dvc.checkout(zoo.at, ["datasets/pets/annotations.dvc"])
    assert rule(zoo, "HEAD~1") == [("record.rev", "pets/p2#m1")]
    assert run(zoo, since="HEAD~1").stored == ["pets"]
    zoo.commit("Grow")
    assert rule(zoo, "HEAD~2") == zoo.everything() == []


# ---------------------------------------------------------------- DVC
def test_behind_a_pointer_edits_are_formatted_and_stored(zoo: Zoo):
    zoo.store_in_dvc()
    zoo.commit("Store in DVC")
    assert run(zoo) == Tidied({}, [])
    zoo.respell("pets/p2#m1", '"score":0', '"score": 3')
    done = run(zoo)
    assert (set(done.rewrites), done.stored) == ({"pets"}, ["pets"])
    assert zoo.row("pets/p2#m1")["rev"] == 2
    assert zoo.everything() == zoo.staged().findings == []
    assert "datasets/pets/annotations.dvc" in zoo.git("diff", "--cached", "--name-only")
    zoo.change("pets/p3#m1", value={"score": 4})
    done = run(zoo)
    assert (set(done.rewrites), done.stored) == (set(), ["pets"])
    assert zoo.everything() == []


def test_behind_a_pointer_what_is_staged_is_formatted(zoo: Zoo):
    zoo.store_in_dvc()
    zoo.commit("Store in DVC")
    zoo.change("pets/p2#m1", value={"score": 3}, bump=0)
    zoo.store_in_dvc()
    assert [finding.rule for finding in zoo.staged().findings] == ["record.rev"]
    run(zoo, staged=True)
    assert zoo.staged().findings == zoo.everything() == []
    zoo.change("pets/p2#m1", value={"score": 4}, bump=1)
    zoo.store_in_dvc()
    zoo.change("pets/p3#m1", value={"score": 4})
    with pytest.raises(StoreError) as caught:
        run(zoo, staged=True)
    assert caught.value.where == zoo.shard("pets/p3#m1")


def test_a_clone_without_the_data_is_told_to_pull(zoo: Zoo, tmp_path: Path):
    zoo.store_in_dvc()
    zoo.commit("Store in DVC")
    zoo.git("clone", "-q", str(zoo.folder), str(tmp_path / "clone"))
    clone = Zoo(tmp_path / "clone")
    with pytest.raises(StoreError) as caught:
        run(clone)
    assert caught.value.hint == "dvc pull"
    assert clone.git("status", "--porcelain") == ""
