"""The audit of merges in real repositories: what each way of merging wrongly leaves behind, and what is no fault."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from labelvc.codec import canonical, shard
from labelvc.errors import DataError, StoreError
from labelvc.ops import audit, merge, resolve
from labelvc.ops.audit import Auditor
from tests.ops.test_merge import (
    PETS_YAML,
    behind,
    both,
    conflict,
    edited,
    fork,
    from_dvc,
    merged,
    reshard,
    scored,
    stored,
    switch,
)
from tests.zoo import Change, Zoo, rating, zoo, zoo_template

__all__ = ["zoo", "zoo_template"]
Said = tuple[str, str, str, tuple[str, ...]]


def audited(zoo: Zoo, words: str | None = None) -> list[Said]:
    """Return (kind, key, side, fields) of everything an audit says."""
    found = []
    with Auditor(zoo.at) as auditor:
        for one in audit.merges(zoo.at, words):
            for here in auditor.examine(one):
                kind, key, side, fields, *_ = here.verdict
                found.append((kind, str(key), side, fields))
    return found


def by_hand(zoo: Zoo, *changes: Change, start: str = "merge") -> None:
    """Merge as labelvc would, edit what comes out, and commit it as the merge."""
    if start == "merge":
        merged(zoo, commit=False)
    else:
        zoo.git("merge", "-q", "--no-commit", *start.split(), "topic")
    both(*changes)(zoo)
    zoo.git("add", "--all")
    zoo.git("commit", "-q", "--no-verify", "--no-edit")


def apart(zoo: Zoo) -> None:
    """Both sides change records of their own; two stand on neighbouring lines."""
    fork(
        zoo,
        both(scored("pets/p1#m1", 3), scored("pets/p4#m1", 4)),
        both(scored("pets/p1#m2", -3), scored("pets/p5#m1", -4), lambda zoo: zoo.bury("pets/p6#m1")),
    )


# ---------------------------------------------------------------- what is no fault
def test_our_own_merges_are_clean(zoo: Zoo):
    apart(zoo)
    assert merged(zoo).state == "merged"
    assert audited(zoo) == []
    assert len(audit.merges(zoo.at, None)) == 1
    assert audit.merges(zoo.at, "HEAD^1") == []
    assert len(audit.merges(zoo.at, "HEAD^1..HEAD")) == len(audit.merges(zoo.at, "HEAD^1...")) == 1


@pytest.mark.parametrize("side", ["ours", "theirs"])
def test_a_conflict_that_a_person_decided_is_listed_with_the_side_that_won(zoo: Zoo, side):
    conflict(zoo)
    merged(zoo)
    resolve.resolve(zoo.at, resolve.by_side(side))
    merge.finish(zoo.at)
    assert audited(zoo) == [("resolved", "pets/p1#m1", side, ())]


def test_a_conflict_may_be_decided_field_by_field(zoo: Zoo):
    fork(
        zoo,
        lambda zoo: zoo.change("pets/p1#k1", value={"label": "dog"}, ext={"note": "ours"}),
        lambda zoo: zoo.change("pets/p1#k1", value={"label": "dodo"}, ext={"note": "theirs"}),
    )
    merged(zoo)
    resolve.resolve(zoo.at, resolve.by_side("ours"))
    zoo.change("pets/p1#k1", bump=0, ext={"note": "theirs"})
    zoo.git("add", "--all")
    zoo.git("commit", "-q", "--no-verify", "--no-edit")
    assert audited(zoo) == [("resolved", "pets/p1#k1", "both", ())]


@pytest.mark.parametrize("side", ["ours", "theirs"])
def test_a_deletion_against_an_edit_may_be_decided_either_way(zoo: Zoo, side):
    fork(zoo, lambda zoo: zoo.bury("pets/p1#m1"), scored("pets/p1#m1", -3))
    merged(zoo)
    resolve.resolve(zoo.at, resolve.by_side(side))
    merge.finish(zoo.at)
    assert audited(zoo) == [("resolved", "pets/p1#m1", side, ())]


def test_the_rev_that_gits_text_merge_leaves_is_no_fault(zoo: Zoo):
    """Far lines come together in git's text merge too; a record that both deleted keeps one side's `rev`."""
    fork(zoo, scored("pets/p1#m1", 3), scored("pets/p6#m1", -3))
    zoo.git("merge", "-q", "--no-edit", "topic")
    assert audited(zoo) == []


def test_a_merge_that_only_brings_one_side_is_skipped_by_ids(zoo: Zoo):
    zoo.git("switch", "-qc", "topic")
    scored("pets/p1#m1", 3)(zoo)
    zoo.commit("theirs")
    zoo.git("switch", "-q", "main")
    zoo.write("notes.txt", "x")
    zoo.commit("ours")
    zoo.git("merge", "-q", "--no-edit", "topic")
    with Auditor(zoo.at) as auditor:
        (one,) = audit.merges(zoo.at, None)
        assert list(auditor.examine(one)) == []
        assert auditor._versions == {}


@pytest.mark.parametrize("side", ["ours", "theirs"])
def test_layouts_that_change_are_no_fault(zoo: Zoo, side):
    mechanical, edit = both(reshard(16), edited("pets/p2#m1", 4, 16)), scored("pets/p1#m1", 3)
    fork(zoo, *((mechanical, edit) if side == "ours" else (edit, mechanical)))
    assert merged(zoo).state == "merged"
    assert audited(zoo) == []


@pytest.mark.parametrize("there", [True, False])
def test_storages_that_change_are_no_fault(zoo: Zoo, there):
    edit = both(scored("pets/p1#m1", 3), scored("pets/p1#m2", 3))
    if there:
        fork(zoo, both(scored("pets/p2#m1", 4), behind), edit)
    else:
        fork(zoo, both(scored("pets/p2#m1", 4), from_dvc), stored(edit), behind)
    assert merged(zoo).state == "merged"
    assert audited(zoo) == []


def test_a_criss_cross_is_clean(zoo: Zoo):
    zoo.git("switch", "-qc", "topic")
    scored("pets/p1#m1", 4)(zoo)
    first = zoo.commit("theirs 1")
    zoo.git("switch", "-q", "main")
    scored("pets/p2#m1", 4)(zoo)
    second = zoo.commit("ours 1")
    merged(zoo, first)
    zoo.git("switch", "-q", "topic")
    merged(zoo, second)
    scored("pets/p1#m1", -4)(zoo)
    zoo.commit("theirs 2")
    zoo.git("switch", "-q", "main")
    scored("pets/p2#m1", -4)(zoo)
    zoo.commit("ours 2")
    merged(zoo)
    assert audited(zoo) == []
    assert len(audit.merges(zoo.at, None)) == 3


# ---------------------------------------------------------------- faults
def test_a_merge_that_keeps_our_side_only_lost_theirs(zoo: Zoo):
    apart(zoo)
    by_hand(zoo, start="-s ours")
    assert sorted(audited(zoo)) == [
        ("lost", "pets/p1#m2", "theirs", ("/value/score",)),
        ("lost", "pets/p5#m1", "theirs", ("/value/score",)),
        ("resurrected", "pets/p6#m1", "theirs", ()),
    ]


def test_hunks_taken_from_one_side_lose_neighbours(zoo: Zoo):
    """`-X ours` decides by hunk: m1 and m2 of one item are neighbours, so their m2 goes without a word."""
    apart(zoo)
    by_hand(zoo, start="-X ours")
    assert audited(zoo) == [("lost", "pets/p1#m2", "theirs", ("/value/score",))]


@pytest.mark.parametrize("side", ["ours", "theirs"])
def test_a_deleted_record_that_is_there_again(zoo: Zoo, side):
    bury, edit = (lambda zoo: zoo.bury("pets/p1#m1")), scored("pets/p2#m1", 3)
    fork(zoo, *((bury, edit) if side == "ours" else (edit, bury)))
    by_hand(zoo, lambda zoo: zoo.put("pets/p1#m1", rating("p1", -1)))
    assert audited(zoo) == [("resurrected", "pets/p1#m1", side, ())]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (scored("pets/p7#m1", 4), ("unwritten", "pets/p7#m1", "", ("/value/score",))),
        (scored("pets/p1#m2", 1), ("unwritten", "pets/p1#m2", "", ("/value/score",))),
        (scored("pets/p1#m2", 2), ("lost", "pets/p1#m2", "theirs", ("/value/score",))),
        (lambda zoo: zoo.put("pets/p7#zz", rating("p7", 1, name="zz")), ("unwritten", "pets/p7#zz", "", ())),
        (
            lambda zoo: zoo.put("pets/p7#", {"id": "p7", "text": "else"}),
            ("unwritten", "pets/p7#", "", ("/natural", "/text")),
        ),
        (lambda zoo: zoo.put("pets/p7#m1", None), ("lost", "pets/p7#m1", "both", ())),
        (lambda zoo: zoo.bury("pets/p7#m1"), ("lost", "pets/p7#m1", "both", ())),
        (lambda zoo: zoo.put("pets/p1#m2", None), ("lost", "pets/p1#m2", "theirs", ())),
        (lambda zoo: zoo.put("pets/p6#m1", None), ("lost", "pets/p6#m1", "theirs", ())),
        (lambda zoo: zoo.change("pets/p7#m1", rev=9), ("unwritten", "pets/p7#m1", "", ("/rev",))),
        (
            lambda zoo: zoo.change("pets/p7#m1", at="2026-01-01T00:00:00Z", bump=0),
            ("unwritten", "pets/p7#m1", "", ("/at",)),
        ),
        (lambda zoo: zoo.put("pets/p7#m1", b"no json"), ("lost", "pets/p7#m1", "both", ())),
    ],
)
def test_an_edit_of_the_merge_commit_is_found(zoo: Zoo, spoil, said):
    apart(zoo)
    by_hand(zoo, spoil)
    assert said in audited(zoo)
    assert {key for _, key, _, _ in audited(zoo) if "#" in key} == {said[1]}


def test_an_answer_that_no_side_gave_decides_no_conflict(zoo: Zoo):
    conflict(zoo)
    merged(zoo)
    resolve.resolve(zoo.at, resolve.by_side("ours"))
    zoo.change("pets/p1#m1", bump=0, value={"score": 0})
    zoo.git("add", "--all")
    zoo.git("commit", "-q", "--no-verify", "--no-edit")
    assert audited(zoo) == [("unwritten", "pets/p1#m1", "", ("/value/score",))]


def test_a_conflict_that_was_decided_by_dropping_both_sides(zoo: Zoo):
    conflict(zoo)
    merged(zoo)
    resolve.resolve(zoo.at, resolve.by_side("ours"))
    zoo.change("pets/p1#m1", bump=0, value={"score": -1})
    zoo.git("add", "--all")
    zoo.git("commit", "-q", "--no-verify", "--no-edit")
    assert audited(zoo) == [("lost", "pets/p1#m1", "both", ("/value/score",))]


def test_conflict_markers_and_both_of_their_lines_that_were_committed(zoo: Zoo):
    conflict(zoo)
    merged(zoo)
    zoo.git("add", "--all")
    zoo.git("commit", "-q", "--no-verify", "--no-edit")
    path = zoo.shard("pets/p1#m1")
    assert audited(zoo) == [("markers", path, "", ())]
    # and without them
    zoo.git("reset", "-q", "--hard", "HEAD^1")
    merged(zoo)
    zoo.write(path, b"".join(line + b"\n" for line in zoo.read(path).splitlines() if line.startswith(b"{")))
    zoo.git("add", "--all")
    zoo.git("commit", "-q", "--no-verify", "--no-edit")
    assert audited(zoo) == [("doubled", "pets/p1#m1", "", ())]


def test_markers_do_not_hide_what_was_lost_beside_them(zoo: Zoo):
    conflict(zoo)
    merged(zoo)
    zoo.git("add", "--all")
    path = zoo.shard("pets/p1#m2")
    zoo.write(path, b"".join(line + b"\n" for line in zoo.read(path).splitlines() if b'"id":"m2"' not in line))
    zoo.git("add", "--all")
    zoo.git("commit", "-q", "--no-verify", "--no-edit")
    assert {row[:2] for row in audited(zoo)} == {("markers", path), ("lost", "pets/p1#m2")}


def test_half_of_a_field_group_is_nobodys_answer(zoo: Zoo):
    """The words of a span from one side and its place from the other."""
    fork(
        zoo,
        lambda zoo: zoo.change("pets/p1#w1", value={"label": "cat", "span": [0, 3], "text": "the"}),
        lambda zoo: zoo.change("pets/p1#w1", value={"label": "cat", "span": [8, 11], "text": "and"}),
    )
    merged(zoo)
    resolve.resolve(zoo.at, resolve.by_side("ours"))
    zoo.change("pets/p1#w1", bump=0, value={"label": "cat", "span": [0, 3], "text": "and"})
    zoo.git("add", "--all")
    zoo.git("commit", "-q", "--no-verify", "--no-edit")
    assert audited(zoo) == [("unwritten", "pets/p1#w1", "", ("/value/span", "/value/text"))]


def test_a_rule_that_decides_may_be_overruled_by_a_side_but_not_by_nobody(zoo: Zoo):
    fork(
        zoo,
        scored("pets/p1#m1", 3),
        scored("pets/p1#m1", -3),
        lambda zoo: zoo.replace(PETS_YAML, "checks: {}", "merge: {/value/score: max}\nchecks: {}"),
    )
    assert merged(zoo).state == "merged"
    assert audited(zoo) == []
    zoo.git("reset", "-q", "--hard", "HEAD^1")
    by_hand(zoo, lambda zoo: zoo.change("pets/p1#m1", bump=0, value={"score": -3}))
    assert audited(zoo) == []
    zoo.git("reset", "-q", "--hard", "HEAD^1")
    by_hand(zoo, lambda zoo: zoo.change("pets/p1#m1", bump=0, value={"score": 0}))
    assert audited(zoo) == [("unwritten", "pets/p1#m1", "", ("/value/score",))]


def test_what_lies_behind_a_pointer_is_looked_at_too(zoo: Zoo):
    """DVC's merge driver leaves our pointer where both sides stored something (dvc#8638)."""
    fork(zoo, stored(scored("pets/p1#m1", 3)), stored(scored("pets/p4#m1", -3)), behind)
    zoo.git("merge", "-q", "--no-commit", "-s", "ours", "topic")
    zoo.git("commit", "-q", "--no-verify", "--no-edit")
    assert audited(zoo) == [("lost", "pets/p4#m1", "theirs", ("/value/score",))]


def test_a_whole_shard_that_a_merge_forgot(zoo: Zoo):
    fork(zoo, scored("pets/p1#m1", 3), lambda zoo: zoo.put("pets/q9#m1", rating("q9", 1)))
    path = zoo.shard("pets/q9#m1")
    by_hand(zoo, lambda zoo: (zoo.folder / path).unlink())
    keys = {key for kind, key, _, _ in audited(zoo) if kind == "lost"}
    lines = zoo.git("show", f"topic:{path}").encode().splitlines()
    assert keys == {str(shard.key_of(line, "pets")) for line in lines}


# ---------------------------------------------------------------- what cannot be told
def octopus(zoo: Zoo, *changes: Change) -> None:
    for number, change in enumerate(changes):
        zoo.git("switch", "-qc", f"arm{number}", "main~0")
        change(zoo)
        zoo.commit(f"arm {number}")
        zoo.git("switch", "-q", "main")


def test_a_merge_of_many_parents_is_worked_out_parent_by_parent(zoo: Zoo):
    octopus(zoo, scored("pets/p1#m1", 3), scored("pets/p4#m1", 3), scored("pets/p6#m1", 3))
    zoo.write("notes.txt", "x")
    zoo.commit("ours")
    zoo.git("merge", "-q", "--no-edit", "arm0", "arm1", "arm2")
    (one,) = audit.merges(zoo.at, None)
    assert len(one.parents) == 4
    assert audited(zoo) == []
    tree_of = zoo.git("rev-parse", "HEAD~1^{tree}")
    spoiled = zoo.git(
        "commit-tree", tree_of, *[word for parent in one.parents for word in ("-p", parent)], "-m", "evil"
    )
    zoo.git("reset", "-q", "--hard", spoiled)
    assert {row[1] for row in audited(zoo)} == {"pets/p1#m1", "pets/p4#m1", "pets/p6#m1"}


def test_a_merge_of_many_parents_in_conflict_cannot_be_told(zoo: Zoo):
    octopus(zoo, scored("pets/p1#m1", 3), scored("pets/p1#m1", 4))
    zoo.write("notes.txt", "x")
    zoo.commit("ours")
    parents = ["main", "arm0", "arm1", "arm0~1"]
    commit = zoo.git("commit-tree", "main^{tree}", *[w for p in parents[:3] for w in ("-p", p)], "-m", "all")
    zoo.git("reset", "-q", "--hard", commit)
    found = audited(zoo)
    assert ("lost", "pets/p1#m1", "both", ("/value/score",)) in found
    octopus_of_four = zoo.git(
        "commit-tree", "HEAD^{tree}", "-p", "HEAD^1", "-p", "arm0", "-p", "arm1", "-p", "HEAD^1~1", "-m", "more"
    )
    zoo.git("reset", "-q", "--hard", octopus_of_four)
    with pytest.raises(StoreError, match="more than two parents"):
        audited(zoo)


def test_a_missing_object_is_named(zoo: Zoo):
    fork(zoo, stored(scored("pets/p1#m1", 3)), stored(scored("pets/p1#m2", -3)), behind)
    merged(zoo)
    assert audited(zoo) == []
    switch(zoo, "topic")
    from_topic = {path.name for path in (zoo.folder / "datasets/pets/annotations").iterdir()}
    assert from_topic
    for path in (zoo.folder / ".dvc/cache/files/md5").glob("*/*"):
        path.unlink()
    with pytest.raises(StoreError) as told:
        audited(zoo, "main")
    assert told.value.where


def test_a_parent_with_conflict_markers_cannot_be_told(zoo: Zoo):
    conflict(zoo)
    zoo.git("switch", "-q", "topic")
    path = zoo.shard("pets/p1#m1")
    zoo.write(path, b"<<<<<<< HEAD\n" + zoo.read(path))
    zoo.commit("markers")
    zoo.git("switch", "-q", "main")
    zoo.git("merge", "-q", "-s", "ours", "--no-edit", "topic")
    with pytest.raises(DataError, match="conflict markers were committed"):
        audited(zoo)


def test_a_shallow_clone_cannot_be_told(zoo: Zoo, git: Callable[..., str], tmp_path):
    apart(zoo)
    merged(zoo)
    git(tmp_path, "clone", "-q", "--depth=2", zoo.folder.as_uri(), "shallow")
    with pytest.raises(StoreError, match="shallow") as told:
        audited(Zoo(tmp_path / "shallow"))
    assert "unshallow" in told.value.hint


def test_histories_without_a_common_commit_cannot_be_told(zoo: Zoo):
    zoo.git("switch", "-q", "--orphan", "topic")
    zoo.write("notes.txt", "x")
    zoo.commit("alone")
    zoo.git("switch", "-q", "main")
    zoo.git("merge", "-q", "--no-edit", "--allow-unrelated-histories", "topic")
    with pytest.raises(StoreError, match="share no commit"):
        audited(zoo)


def test_nothing_but_unreferenced_objects_is_written(zoo: Zoo):
    apart(zoo)
    merged(zoo)
    before = {
        path: path.read_bytes() for path in zoo.folder.rglob("*") if path.is_file() and "objects" not in path.parts
    }
    audited(zoo)
    after = {
        path: path.read_bytes() for path in zoo.folder.rglob("*") if path.is_file() and "objects" not in path.parts
    }
    assert after == before


def test_a_bare_repository_and_a_detached_head_are_audited_alike(zoo: Zoo, git: Callable[..., str], tmp_path):
    apart(zoo)
    by_hand(zoo, start="-X ours")
    said = audited(zoo)
    git(tmp_path, "clone", "-q", "--bare", str(zoo.folder), "bare.git")
    assert audited(Zoo(tmp_path / "bare.git")) == said
    zoo.git("switch", "-q", "--detach")
    assert audited(zoo) == said


def test_lines_that_are_no_records_are_judged_by_their_bytes(zoo: Zoo):
    fork(
        zoo,
        lambda zoo: zoo.put("pets/p1#m1", b'{"item":"p1","id":"m1",ours}'),
        lambda zoo: zoo.put("pets/p1#m1", b'{"item":"p1","id":"m1",theirs}'),
    )
    zoo.git("merge", "-q", "-s", "ours", "--no-edit", "topic")
    assert audited(zoo) == [("resolved", "pets/p1#m1", "ours", ())]
    zoo.put("pets/p1#m1", b'{"item":"p1","id":"m1",nobodys}')
    zoo.git("commit", "-qa", "--amend", "--no-edit", "--no-verify")
    assert audited(zoo) == [("unwritten", "pets/p1#m1", "", ())]


def test_doubled_keys_of_a_side_are_not_the_merges_fault(zoo: Zoo):
    line = canonical.encode_record(json.loads(json.dumps(rating("p1", 4))))

    def twice(zoo: Zoo) -> None:
        path = zoo.shard("pets/p1#m1")
        zoo.write(path, shard.write([*shard.lines(zoo.read(path)), line]))

    fork(zoo, twice, scored("pets/p4#m1", 3))
    zoo.git("merge", "-q", "--no-edit", "topic")
    assert audited(zoo) == []
    zoo.git("reset", "-q", "--hard", "HEAD^1")
    by_hand(
        zoo,
        lambda zoo: zoo.write(zoo.shard("pets/p1#m1"), zoo.read(zoo.shard("pets/p1#m1")).replace(line + b"\n", b"")),
    )
    assert audited(zoo) == [("lost", "pets/p1#m1", "ours", ())]
