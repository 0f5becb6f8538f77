"""Merging in real repositories: what each kind of branch brings, in git and in DVC, and what stays as it was when it cannot."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from labelvc.codec import canonical, document, shard
from labelvc.errors import DataError, StoreError
from labelvc.ops import diff, merge, resolve
from labelvc.ops.merge import Merge
from labelvc.store import dvc, pending, tree
from tests.journeys.conftest import contents
from tests.zoo import BEN, Change, Zoo, answer, rating, zoo, zoo_template

__all__ = ["zoo", "zoo_template"]
PETS_YAML = "datasets/pets/dataset.yaml"


def fork(zoo: Zoo, ours: Change, theirs: Change, base: Change = lambda _: None) -> None:
    """Make the branches `main` and `topic` from one commit, and check `main` out."""
    base(zoo)
    zoo.commit("base")
    zoo.git("switch", "-qc", "topic")
    theirs(zoo)
    zoo.commit("theirs", "Ben")
    switch(zoo, "main")
    ours(zoo)
    zoo.commit("ours")


def switch(zoo: Zoo, branch: str) -> None:
    """Check a branch out, what lies behind DVC too."""
    for path in zoo.folder.glob("datasets/*/annotations.dvc"):
        shutil.rmtree(path.with_suffix(""))
    zoo.git("switch", "-q", branch)
    for path in zoo.folder.glob("datasets/*/annotations.dvc"):
        dvc.checkout(zoo.at, [str(path.relative_to(zoo.folder))], force=True)


def merged(zoo: Zoo, rev: str = "topic", **options: object) -> Merge:
    return merge.merge(zoo.at, rev, **options)


def lines(zoo: Zoo, rev: str = "HEAD") -> Counter[str]:
    """Return every line of every shard of a commit, wherever it is stored."""
    snapshot = tree.commit(zoo.at, rev)
    shards = [(path, entry) for path, entry in snapshot.entries.items() if shard.parse_path(path)]
    with tree.reader(zoo.at) as reader:
        return Counter(line.decode() for _, data in reader.many(shards) for line in shard.lines(data))


def at(zoo: Zoo, key: str, rev: str = "HEAD") -> dict[str, object]:
    """Return a record of a commit."""
    dataset, _, rest = key.partition("/")
    item, _, name = rest.rpartition("#")
    start = f'{{"item":"{item}","id":"{name}"' if name else f'{{"id":"{item}"'
    found = [line for line in lines(zoo, rev) if line.startswith(start)]
    assert len(found) == 1, (dataset, found)
    return dict(json.loads(found[0]))


def scored(key: str, score: int) -> Change:
    return lambda zoo: zoo.change(key, value={"score": score})


def both(*changes: Change) -> Change:
    def apply(zoo: Zoo) -> None:
        for change in changes:
            change(zoo)

    return apply


# ---------------------------------------------------------------- what comes out
def test_two_people_on_neighbouring_lines_need_nobody(zoo: Zoo):
    """The lines of one item stand together, so git's text merge sees one change: 136 conflicts where 10 are real."""
    fork(zoo, scored("pets/p1#m1", 3), scored("pets/p1#m2", -3))
    zoo.git("merge", "-q", "topic", code=1)
    zoo.git("merge", "--abort")
    found = merged(zoo)
    assert found.state == "merged"
    assert [at(zoo, f"pets/p1#{name}")["value"] for name in ("m1", "m2")] == [{"score": 3}, {"score": -3}]
    assert zoo.git("show", "-s", "--format=%P %s").endswith("Merge branch 'topic'")
    assert len(zoo.git("show", "-s", "--format=%P").split()) == 2
    assert zoo.git("status", "--porcelain") == ""
    assert pending.read(zoo.at) is None


def test_fields_of_one_record_come_together_and_its_rev_outgrows_both(zoo: Zoo):
    fork(
        zoo,
        lambda zoo: zoo.change("pets/p1#k1", value={"label": "dog"}),
        lambda zoo: zoo.change("pets/p1#k1", ext={"note": "brave", "contact": zoo.row("pets/p1#k1")["ext"]["contact"]}),
    )
    found = merged(zoo)
    assert found.outcome is not None
    assert found.outcome.tally.records == 1
    row = at(zoo, "pets/p1#k1")
    assert (row["value"], row["ext"]["note"], row["rev"]) == ({"label": "dog"}, "brave", 3)


def test_a_branch_that_is_in_already_and_one_that_only_moves_forward(zoo: Zoo):
    zoo.git("switch", "-qc", "topic")
    scored("pets/p2#m1", 4)(zoo)
    zoo.commit("theirs")
    zoo.git("switch", "-q", "main")
    assert merged(zoo).state == "forward"
    assert zoo.git("rev-parse", "HEAD") == zoo.git("rev-parse", "topic")
    assert merged(zoo).state == "current"


def test_no_ff_makes_a_commit_of_its_own(zoo: Zoo):
    zoo.git("switch", "-qc", "topic")
    scored("pets/p2#m1", 4)(zoo)
    zoo.commit("theirs")
    zoo.git("switch", "-q", "main")
    assert merged(zoo, forward=False, message="Bring it in").state == "merged"
    assert zoo.git("show", "-s", "--format=%s") == "Bring it in"


def test_additions_deletions_and_new_shards_of_both_sides(zoo: Zoo):
    def add(name: str) -> Change:
        return lambda zoo: zoo.put(f"pets/p3#{name}", answer("p3", name, "note", {"text": name}))

    ours = both(
        add("a"), lambda zoo: zoo.bury("pets/p1#m2"), lambda zoo: zoo.put("pets/q9#", {"id": "q9", "text": "new"})
    )
    theirs = both(add("b"), lambda zoo: zoo.bury("pets/p2#m1"), add("c"))
    fork(zoo, ours, theirs)
    assert merged(zoo).state == "merged"
    found = lines(zoo)
    assert all(any(f'"id":"{name}"' in line for line in found) for name in "abc")
    assert sum('"gone":true' in line for line in found) == 2
    assert any('"id":"q9"' in line for line in found)
    assert max(found.values()) == 1


def test_documents_of_both_sides_are_merged_by_git(zoo: Zoo):
    fork(
        zoo,
        both(scored("pets/p1#m1", 3), lambda zoo: zoo.replace("labelvc.yaml", "Know the animals", "Know them all")),
        both(
            scored("pets/p1#m2", 3),
            lambda zoo: zoo.replace("taxonomies/animals.yaml", "name: Cat", "name: House cat"),
            lambda zoo: zoo.write("notes.txt", "hello\n"),
        ),
    )
    assert merged(zoo).state == "merged"
    assert b"Know them all" in zoo.read("labelvc.yaml")
    assert b"House cat" in zoo.read("taxonomies/animals.yaml")
    assert zoo.read("notes.txt") == b"hello\n"


def test_documents_with_modes_links_and_renames_are_merged_by_git(zoo: Zoo):
    def ours(zoo: Zoo) -> None:
        zoo.write("tool.sh", "#!/bin/sh\nexit 0\n" + "# a line\n" * 20)
        zoo.replace("tool.sh", "exit 0", "exit 1")
        (zoo.folder / "tool.sh").chmod(0o755)

    def theirs(zoo: Zoo) -> None:
        (zoo.folder / "tool.sh").rename(zoo.folder / "better.sh")
        (zoo.folder / "link").symlink_to("better.sh")

    def base(zoo: Zoo) -> None:
        zoo.write("tool.sh", "#!/bin/sh\nexit 0\n" + "# a line\n" * 20)
        (zoo.folder / "tool.sh").chmod(0o755)

    fork(zoo, both(ours, scored("pets/p1#m1", 3)), both(theirs, scored("pets/p1#m2", 3)), base)
    assert merged(zoo).state == "merged"
    assert b"exit 1" in zoo.read("better.sh")
    assert zoo.git("ls-files", "-s", "better.sh", "link", "tool.sh").count("\n") == 1
    assert zoo.git("ls-files", "-s", "better.sh").startswith("100755")


def test_a_dataset_renamed_on_one_side_loses_no_edit_of_the_other(zoo: Zoo):
    def theirs(zoo: Zoo) -> None:
        zoo.git("mv", "datasets/pets", "datasets/animals")
        zoo.replace("datasets/animals/dataset.yaml", "name: pets", "name: animals")

    fork(zoo, scored("pets/p1#m1", 3), theirs)
    found = merged(zoo)
    assert found.state == "conflict"
    assert found.outcome is not None
    assert [str(one.key) for here in found.outcome.torn.values() for one in here] == ["pets/p1#m1"]
    there = lines(zoo, "topic")
    held = b"".join([path.read_bytes() for path in zoo.folder.glob("datasets/animals/*/*.jsonl")]).decode().splitlines()
    assert Counter(held) == Counter(
        line for line in there.elements() if '"item":"b.jpg"' not in line and '"id":"b.jpg"' not in line
    )


def test_a_taxonomy_renamed_on_one_side_loses_no_edit_of_the_other(zoo: Zoo):
    def theirs(zoo: Zoo) -> None:
        zoo.git("mv", "taxonomies/animals.yaml", "taxonomies/beasts.yaml")
        zoo.replace("taxonomies/beasts.yaml", "name: animals", "name: beasts")
        zoo.write("datasets/pets/dataset.yaml", zoo.read("datasets/pets/dataset.yaml").replace(b"animals", b"beasts"))
        zoo.write("labelvc.yaml", zoo.read("labelvc.yaml").replace(b"animals", b"beasts"))

    fork(zoo, lambda zoo: zoo.replace("taxonomies/animals.yaml", "name: Cat", "name: House cat"), theirs)
    assert merged(zoo).state == "merged"
    assert b"House cat" in zoo.read("taxonomies/beasts.yaml")
    assert not (zoo.folder / "taxonomies/animals.yaml").exists()


# ---------------------------------------------------------------- conflicts
def conflict(zoo: Zoo) -> None:
    fork(
        zoo,
        both(scored("pets/p1#m1", 3), scored("pets/p4#m1", 4)),
        both(scored("pets/p1#m1", -3), scored("pets/p1#m2", -4)),
    )


def test_only_the_record_in_conflict_stands_between_markers(zoo: Zoo):
    conflict(zoo)
    found = merged(zoo)
    assert found.state == "conflict"
    assert found.outcome is not None
    assert [str(one.key) for here in found.outcome.torn.values() for one in here] == ["pets/p1#m1"]
    text = zoo.read(zoo.shard("pets/p1#m1")).decode()
    block = text[text.index("<<<<<<< HEAD\n") : text.index(">>>>>>> topic\n")].splitlines()
    assert [line[:7] for line in block if not line.startswith("{")] == ["<<<<<<<", "|||||||", "======="]
    assert sum(line.startswith("{") for line in block) == 3
    assert '"score":-4' in text
    assert zoo.git("status", "--porcelain").splitlines() == [f"UU {zoo.shard('pets/p1#m1')}"] + [
        row for row in zoo.git("status", "--porcelain").splitlines() if not row.startswith("UU")
    ]
    with pytest.raises(StoreError, match="still in conflict"):
        merge.finish(zoo.at)
    zoo.git("commit", "-qm", "in spite of it", code=128)


def test_the_index_holds_the_three_versions(zoo: Zoo):
    conflict(zoo)
    merged(zoo)
    path = zoo.shard("pets/p1#m1")
    for number, rev in ((1, "HEAD~1"), (2, "HEAD"), (3, "topic")):
        assert zoo.git("show", f":{number}:{path}") == zoo.git("show", f"{rev}:{path}")


@pytest.mark.parametrize(("choice", "score"), [("ours", 3), ("theirs", -3)])
def test_resolving_by_a_side_and_going_on(zoo: Zoo, choice, score):
    conflict(zoo)
    merged(zoo)
    assert resolve.left(zoo.at).records() == 1
    done = resolve.resolve(zoo.at, resolve.by_side(choice))
    assert (done.settled, done.left.records()) == (1, 0)
    assert merge.finish(zoo.at).state == "merged"
    row = at(zoo, "pets/p1#m1")
    assert (row["value"], row["rev"]) == ({"score": score}, 3)
    assert at(zoo, "pets/p1#m2")["value"] == {"score": -4}
    assert at(zoo, "pets/p4#m1")["value"] == {"score": 4}


def test_resolving_one_key_leaves_the_others(zoo: Zoo):
    fork(
        zoo,
        both(scored("pets/p1#m1", 3), scored("pets/p2#m1", 3)),
        both(scored("pets/p1#m1", -3), scored("pets/p2#m1", -3)),
    )
    merged(zoo)
    done = resolve.resolve(zoo.at, resolve.by_side("theirs", ["pets/p2"]))
    assert (done.settled, done.left.records()) == (1, 1)
    assert [str(one.key) for here in resolve.left(zoo.at).conflicts.values() for one in here] == ["pets/p1#m1"]
    with pytest.raises(StoreError, match="still in conflict"):
        merge.finish(zoo.at)


def test_resolving_by_annotator(zoo: Zoo):
    fork(
        zoo,
        lambda zoo: zoo.put("pets/p5#z", rating("p5", 1, name="z")),
        lambda zoo: zoo.put("pets/p5#z", rating("p5", 2, by=BEN, name="z")),
    )
    assert merged(zoo).state == "conflict"
    assert resolve.resolve(zoo.at, resolve.by_side("conflict", annotator=BEN)).settled == 1
    assert zoo.row("pets/p5#z")["by"] == BEN


def test_an_edit_against_a_deletion_is_a_conflict_either_way(zoo: Zoo):
    fork(zoo, lambda zoo: zoo.bury("pets/p1#m1"), scored("pets/p1#m1", -3))
    assert merged(zoo).state == "conflict"
    resolve.resolve(zoo.at, resolve.by_side("theirs"))
    assert merge.finish(zoo.at).state == "merged"
    assert at(zoo, "pets/p1#m1") == {**at(zoo, "pets/p1#m1", "topic"), "rev": 3}


def test_a_document_in_conflict_is_left_to_a_person(zoo: Zoo):
    fork(
        zoo,
        lambda zoo: zoo.replace("labelvc.yaml", "Know the animals", "Know them all"),
        lambda zoo: zoo.replace("labelvc.yaml", "Know the animals", "Know some"),
    )
    found = merged(zoo)
    assert found.state == "conflict"
    assert found.outcome is not None
    assert "CONFLICT" in found.outcome.said[0]
    assert resolve.left(zoo.at).documents == ["labelvc.yaml"]
    assert b"<<<<<<<" in zoo.read("labelvc.yaml")
    zoo.git("checkout", "--theirs", "labelvc.yaml")
    zoo.git("add", "labelvc.yaml")
    assert merge.finish(zoo.at).state == "merged"


def test_a_clean_merge_that_breaks_a_check_is_not_committed(zoo: Zoo):
    """One side deletes a label, the other one uses it: no record conflicts, and the result is wrong."""
    fork(
        zoo,
        both(
            lambda zoo: zoo.replace(
                "taxonomies/animals.yaml", "  - {id: dog, name: Dog}\n", "  - {id: fox, name: Fox}\n"
            ),
            *[lambda zoo, key=key: zoo.bury(f"pets/p1#{key}") for key in ("s1", "o1", "w1", "w2", "l1")],
        ),
        lambda zoo: zoo.change("pets/p1#k1", value={"label": "dog"}),
    )
    head = zoo.git("rev-parse", "HEAD")
    found = merged(zoo)
    assert found.state == "wrong"
    assert found.report is not None
    assert {one.rule for one in found.report.findings} >= {"label.unknown"}
    assert zoo.git("rev-parse", "HEAD") == head
    zoo.change("pets/p1#k1", value={"label": "cat"}, bump=0)
    zoo.git("add", "--all")
    assert merge.finish(zoo.at).state == "merged"


def test_strategies_of_the_dataset_decide(zoo: Zoo):
    fork(
        zoo,
        scored("pets/p1#m1", 3),
        scored("pets/p1#m1", -3),
        lambda zoo: zoo.replace(PETS_YAML, "checks: {}", "merge: {/value/score: max}\nchecks: {}"),
    )
    assert merged(zoo).state == "merged"
    assert at(zoo, "pets/p1#m1")["value"] == {"score": 3}


def test_an_unknown_strategy_is_a_finding(zoo: Zoo):
    zoo.replace(PETS_YAML, "checks: {}", "merge: {/value/score: mean}\nchecks: {}")
    assert any("/merge/~1value~1score" in one.place.pointer for one in zoo.everything())


# ---------------------------------------------------------------- taking back
def test_abort_restores_everything(zoo: Zoo):
    conflict(zoo)
    zoo.write("untracked.txt", "mine")
    zoo.write("notes.txt", "tracked")
    zoo.commit("notes")
    zoo.write("notes.txt", "edited, not staged")
    before = contents(zoo.folder)
    merged(zoo)
    zoo.write(zoo.shard("pets/p1#m1"), b"half resolved")
    merge.abort(zoo.at)
    after = contents(zoo.folder)
    left_over = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    assert {path for path in left_over if not path.startswith(".git/")} == set()
    assert not any((zoo.folder / ".git" / name).exists() for name in ("MERGE_HEAD", "MERGE_MSG", "MERGE_MODE"))
    assert pending.read(zoo.at) is None
    assert merged(zoo).state == "conflict"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda zoo: zoo.write(zoo.shard("pets/p1#m2"), b"edited"), "edits that the merge would overwrite"),
        (lambda zoo: (zoo.folder / zoo.shard("pets/p1#m2")).unlink(), "edits that the merge would overwrite"),
        (lambda zoo: (zoo.write("new.txt", "x"), zoo.git("add", "new.txt")), "staged that are not committed"),
        (lambda zoo: zoo.git("merge", "-q", "topic", code=1), "a merge is underway"),
        (lambda zoo: zoo.git("cherry-pick", "topic", code=1), "a cherry-pick is underway"),
        (lambda zoo: zoo.git("rebase", "-q", "topic", code=1), "a rebase is underway"),
    ],
)
def test_a_merge_does_not_begin_over_something_else(zoo: Zoo, spoil, said):
    conflict(zoo)
    spoil(zoo)
    before = seen(zoo)
    with pytest.raises(StoreError, match=said) as told:
        merged(zoo)
    assert told.value.hint
    assert seen(zoo) == before


def seen(zoo: Zoo) -> dict[str, str]:
    """Return what a repository holds but for objects, which nobody sees until something refers to them."""
    return {path: said for path, said in contents(zoo.folder).items() if "/objects/" not in path}


def test_an_untracked_file_in_the_way_is_not_overwritten(zoo: Zoo):
    fork(zoo, scored("pets/p1#m1", 3), both(scored("pets/p1#m2", 3), lambda zoo: zoo.write("notes.txt", "theirs")))
    zoo.write("notes.txt", "mine")
    with pytest.raises(StoreError):
        merged(zoo)
    assert zoo.read("notes.txt") == b"mine"
    assert zoo.git("status", "--porcelain") == "?? notes.txt"
    assert pending.underway(zoo.at) == ""


def test_unrelated_and_unknown_revisions_are_told(zoo: Zoo):
    zoo.git("checkout", "-q", "--orphan", "alone")
    zoo.commit("alone")
    for rev, said in (("main", "share no commit"), ("nothing", "no such revision")):
        with pytest.raises(StoreError, match=said):
            merged(zoo, rev)


def test_committed_conflict_markers_are_refused(zoo: Zoo):
    conflict(zoo)
    zoo.git("switch", "-q", "topic")
    path = zoo.shard("pets/p1#m1")
    zoo.write(path, b"<<<<<<< HEAD\n" + zoo.read(path))
    zoo.commit("markers")
    zoo.git("switch", "-q", "main")
    with pytest.raises(DataError, match="conflict markers were committed"):
        merged(zoo)
    assert zoo.git("status", "--porcelain") == ""


def test_a_shallow_clone_is_told_to_fetch(zoo: Zoo, git: Callable[..., str], tmp_path: Path):
    conflict(zoo)
    git(tmp_path, "clone", "-q", "--depth=1", "--no-single-branch", zoo.folder.as_uri(), "shallow")
    shallow = Zoo(tmp_path / "shallow")
    with pytest.raises(StoreError, match="shallow") as told:
        merged(shallow, "origin/topic")
    assert "unshallow" in told.value.hint


def test_a_partial_clone_fetches_what_it_needs(zoo: Zoo, git: Callable[..., str], tmp_path: Path):
    conflict(zoo)
    zoo.git("config", "uploadpack.allowFilter", "true")
    zoo.git("config", "uploadpack.allowAnySHA1InWant", "true")
    git(tmp_path, "clone", "-q", "--filter=blob:none", zoo.folder.as_uri(), "partial")
    partial = Zoo(tmp_path / "partial")
    assert merged(partial, "origin/topic").state == "conflict"
    assert resolve.left(partial.at).records() == 1


def test_our_side_is_what_was_committed_though_git_does_not_see_the_edit(zoo: Zoo):
    fork(zoo, scored("pets/p1#m1", 3), scored("pets/p1#m2", -4))
    path, long_ago = zoo.shard("pets/p1#m1"), (10**9, 10**9)
    zoo.git("config", "core.trustctime", "false")
    zoo.git("config", "core.checkStat", "minimal")
    os.utime(zoo.folder / path, long_ago)
    zoo.git("update-index", "--refresh")
    zoo.replace(path, '{"score":3}', '{"score":2}')
    os.utime(zoo.folder / path, long_ago)
    assert zoo.git("status", "--porcelain") == ""
    assert merged(zoo).state == "merged"
    assert [at(zoo, f"pets/p1#{name}")["value"] for name in ("m1", "m2")] == [{"score": 3}, {"score": -4}]


def test_a_linked_work_tree_has_a_merge_of_its_own(zoo: Zoo, tmp_path: Path):
    conflict(zoo)
    zoo.git("worktree", "add", "-q", "-b", "side", str(tmp_path / "side"), "main")
    side = Zoo(tmp_path / "side")
    assert merged(side).state == "conflict"
    assert pending.underway(side.at) == "a merge"
    assert pending.underway(zoo.at) == ""
    resolve.resolve(side.at, resolve.by_side("ours"))
    assert merge.finish(side.at).state == "merged"
    assert zoo.git("status", "--porcelain") == ""


@pytest.mark.parametrize(
    "setting", ["core.autocrlf=true", "merge.conflictStyle=zdiff3", "core.quotePath=true", "diff.renames=copies"]
)
def test_settings_of_git_change_nothing(zoo: Zoo, setting):
    zoo.write(".gitattributes", "datasets/**/*.jsonl text eol=lf diff=labelvc merge=labelvc\n")
    conflict(zoo)
    zoo.git("config", *setting.split("="))
    assert merged(zoo).state == "conflict"
    resolve.resolve(zoo.at, resolve.by_side("ours"))
    assert merge.finish(zoo.at).state == "merged"
    assert at(zoo, "pets/p1#m1")["value"] == {"score": 3}
    assert zoo.git("status", "--porcelain") == ""
    assert b"\r" not in zoo.read(zoo.shard("pets/p1#m1"))


# ---------------------------------------------------------------- git's own merge, rebase and cherry-pick
@pytest.mark.parametrize("style", ["merge", "diff3", "zdiff3"])
@pytest.mark.parametrize("choice", ["ours", "theirs"])
def test_resolve_reads_the_markers_of_gits_text_merge(zoo: Zoo, style, choice):
    """Without the driver git leaves many lines between its markers; most of them are no conflict at all."""
    fork(
        zoo,
        both(scored("pets/p1#m1", 3), lambda zoo: zoo.change("pets/p1#k1", value={"label": "dog"})),
        both(scored("pets/p1#m1", -3), scored("pets/p1#m2", -4), lambda zoo: zoo.bury("pets/p1#n1")),
    )
    zoo.git("config", "merge.conflictStyle", style)
    zoo.git("merge", "-q", "topic", code=1)
    left = resolve.left(zoo.at)
    assert [str(one.key) for here in left.conflicts.values() for one in here] == ["pets/p1#m1"]
    assert resolve.resolve(zoo.at, resolve.by_side(choice)).left.records() == 0
    zoo.git("commit", "-q", "--no-edit")
    by_git = lines(zoo)
    zoo.git("reset", "-q", "--hard", "HEAD^1")
    merged(zoo)
    resolve.resolve(zoo.at, resolve.by_side(choice))
    merge.finish(zoo.at)
    assert lines(zoo) == by_git


@pytest.mark.parametrize("verb", ["rebase", "cherry-pick"])
def test_resolve_works_within_a_rebase_and_a_cherry_pick(zoo: Zoo, verb):
    conflict(zoo)
    zoo.git(verb, "topic", code=1)
    assert resolve.left(zoo.at).records() == 1
    resolve.resolve(zoo.at, resolve.by_side("theirs"))
    zoo.git("-c", "core.editor=true", verb, "--continue")
    assert zoo.everything() == [] or {one.severity for one in zoo.everything()} != {"error"}
    assert zoo.git("status", "--porcelain") == ""


def test_nothing_in_conflict_is_said(zoo: Zoo):
    with pytest.raises(StoreError, match="nothing is in conflict"):
        resolve.left(zoo.at)


def test_markers_that_do_not_pair_are_refused(zoo: Zoo):
    conflict(zoo)
    merged(zoo)
    path = zoo.shard("pets/p1#m1")
    zoo.write(path, zoo.read(path).replace(b"=======\n", b""))
    with pytest.raises(DataError, match="do not pair"):
        resolve.resolve(zoo.at, resolve.by_side("ours"))


# ---------------------------------------------------------------- criss-cross
def test_a_criss_cross_merge_has_one_base(zoo: Zoo):
    """Both branches merged the other one's first commit: two bases, of which neither alone is right."""
    zoo.git("switch", "-qc", "topic")
    scored("pets/p1#m1", 4)(zoo)
    first = zoo.commit("theirs 1")
    zoo.git("switch", "-q", "main")
    scored("pets/p2#m1", 4)(zoo)
    second = zoo.commit("ours 1")
    assert merged(zoo, first).state == "merged"
    zoo.git("switch", "-q", "topic")
    assert merged(zoo, second).state == "merged"
    scored("pets/p1#m1", -4)(zoo)
    zoo.commit("theirs 2")
    zoo.git("switch", "-q", "main")
    scored("pets/p2#m1", -4)(zoo)
    zoo.commit("ours 2")
    assert len(zoo.git("merge-base", "--all", "main", "topic").split()) == 2
    assert merged(zoo).state == "merged"
    assert [at(zoo, f"pets/{item}#m1")["value"] for item in ("p1", "p2")] == [{"score": -4}, {"score": -4}]


def test_a_criss_cross_where_the_bases_disagree_is_an_honest_conflict(zoo: Zoo):
    zoo.git("switch", "-qc", "topic")
    scored("pets/p1#m1", 4)(zoo)
    first = zoo.commit("theirs 1")
    zoo.git("switch", "-q", "main")
    scored("pets/p1#m1", -4)(zoo)
    second = zoo.commit("ours 1")
    for branch, other, choice in (("main", first, "ours"), ("topic", second, "ours")):
        zoo.git("switch", "-q", branch)
        assert merged(zoo, other).state == "conflict"
        resolve.resolve(zoo.at, resolve.by_side(choice))
        assert merge.finish(zoo.at).state == "merged"
    zoo.git("switch", "-q", "main")
    found = merged(zoo)
    assert found.state == "conflict"
    assert found.outcome is not None
    assert [str(one.key) for here in found.outcome.torn.values() for one in here] == ["pets/p1#m1"]


# ---------------------------------------------------------------- layouts and storages
def reshard(shards: int) -> Change:
    """Move every line of pets where another number of shards wants it, as a mechanical commit does."""

    def apply(zoo: Zoo) -> None:
        k = shard.digits(shards)
        for layer in ("annotations", "items"):
            folder = zoo.folder / "datasets/pets" / layer
            found: dict[str, list[bytes]] = {}
            for path in sorted(folder.rglob("*.jsonl")):
                for line in shard.lines(path.read_bytes()):
                    key = shard.key_of(line, "pets", layer)
                    assert key is not None
                    found.setdefault(shard.path("pets", layer, shard.place(key.item, k)), []).append(line)
                path.unlink()
            for name, held in found.items():
                zoo.write(name, shard.write(held))
        zoo.write(PETS_YAML, document.edit(zoo.read(PETS_YAML), {("shards",): shards}))

    return apply


def edited(key: str, score: int, shards: int = 4) -> Change:
    """Change a rating where the dataset has any number of shards."""

    def apply(zoo: Zoo) -> None:
        path = zoo.shard(key, shards)
        name = key.partition("#")[2]
        item = key.partition("/")[2].partition("#")[0]
        held = shard.lines(zoo.read(path))
        for at, line in enumerate(held):
            record = json.loads(line)
            if (record["item"], record["id"]) == (item, name):
                record |= {"value": {"score": score}, "rev": record["rev"] + 1}
                held[at] = canonical.encode_record(record)
        zoo.write(path, shard.write(held))

    return apply


@pytest.mark.parametrize("side", ["ours", "theirs"])
@pytest.mark.parametrize("shards", [16, 64])
def test_one_side_reshards_while_the_other_edits(zoo: Zoo, side, shards):
    mechanical, edit = (
        both(reshard(shards), edited("pets/p2#m1", 4, shards)),
        both(scored("pets/p1#m1", 3), scored("pets/p1#m2", 3)),
    )
    fork(zoo, *((mechanical, edit) if side == "ours" else (edit, mechanical)))
    assert merged(zoo).state == "merged"
    assert [at(zoo, f"pets/{name}")["value"] for name in ("p1#m1", "p1#m2", "p2#m1")] == [
        {"score": n} for n in (3, 3, 4)
    ]
    assert max(lines(zoo).values()) == 1
    assert sum(lines(zoo).values()) == sum(lines(zoo, "HEAD^1").values())
    assert {
        len(found[2])
        for path in tree.commit(zoo.at, "HEAD").entries
        if (found := shard.parse_path(path)) and found[0] == "pets"
    } == {shard.digits(shards)}
    assert not [one for one in zoo.everything() if one.severity == "error"]


def test_a_conflict_while_one_side_reshards(zoo: Zoo):
    fork(zoo, both(reshard(16), edited("pets/p1#m1", 3, 16)), scored("pets/p1#m1", -3))
    assert merged(zoo).state == "conflict"
    resolve.resolve(zoo.at, resolve.by_side("theirs"))
    assert merge.finish(zoo.at).state == "merged"
    assert at(zoo, "pets/p1#m1")["value"] == {"score": -3}
    assert not [one for one in zoo.everything() if one.severity == "error"]


def behind(zoo: Zoo) -> None:
    zoo.store_in_dvc()


def stored(*changes: Change) -> Change:
    """Make changes behind the pointer and store them."""

    def apply(zoo: Zoo) -> None:
        both(*changes)(zoo)
        dvc.add(zoo.at, Path("datasets/pets/annotations"))

    return apply


def test_two_pointers_are_merged_by_record(zoo: Zoo):
    fork(
        zoo,
        stored(scored("pets/p1#m1", 3), scored("pets/p4#m1", 3)),
        stored(scored("pets/p1#m2", -3), scored("pets/p2#m1", -3)),
        behind,
    )
    assert merged(zoo).state == "merged"
    assert [at(zoo, f"pets/{name}")["value"]["score"] for name in ("p1#m1", "p1#m2", "p2#m1", "p4#m1")] == [
        3,
        -3,
        -3,
        3,
    ]
    assert zoo.git("status", "--porcelain") == ""
    assert not [one for one in zoo.everything() if one.severity == "error"]
    # what plain DVC makes of the merge
    shutil.rmtree(zoo.folder / "datasets/pets/annotations")
    dvc.checkout(zoo.at, ["datasets/pets/annotations.dvc"])
    assert zoo.row("pets/p1#m2")["value"] == {"score": -3}


def test_only_one_pointer_changed_and_its_folder_follows(zoo: Zoo):
    fork(zoo, lambda zoo: zoo.write("notes.txt", "x"), stored(scored("pets/p1#m1", 3)), behind)
    assert merged(zoo).state == "merged"
    assert zoo.row("pets/p1#m1")["value"] == {"score": 3}
    assert not [one for one in zoo.everything() if one.severity == "error"]


def test_a_conflict_behind_a_pointer_keeps_both_and_cannot_be_committed(zoo: Zoo):
    """DVC's own driver leaves our pointer without a word (dvc#8638)."""
    fork(zoo, stored(scored("pets/p1#m1", 3)), stored(scored("pets/p1#m1", -3), scored("pets/p1#m2", -4)), behind)
    assert merged(zoo).state == "conflict"
    zoo.git("commit", "-qm", "in spite of it", code=128)
    left = resolve.left(zoo.at)
    assert left.records() == 1
    resolve.resolve(zoo.at, resolve.by_side("theirs"))
    assert merge.finish(zoo.at).state == "merged"
    assert [at(zoo, f"pets/{name}")["value"]["score"] for name in ("p1#m1", "p1#m2")] == [-3, -4]
    assert zoo.git("status", "--porcelain") == ""


def test_abort_restores_what_lies_behind_a_pointer(zoo: Zoo):
    fork(zoo, stored(scored("pets/p1#m1", 3)), stored(scored("pets/p1#m1", -3), scored("pets/p2#m1", -4)), behind)
    before = {path: path.read_bytes() for path in zoo.folder.glob("datasets/**/*.jsonl")}
    merged(zoo)
    merge.abort(zoo.at)
    assert {path: path.read_bytes() for path in zoo.folder.glob("datasets/**/*.jsonl")} == before
    assert zoo.git("status", "--porcelain") == ""


def test_edits_behind_a_pointer_that_are_not_stored_stop_a_merge(zoo: Zoo):
    fork(zoo, stored(scored("pets/p1#m1", 3)), stored(scored("pets/p1#m2", -3)), behind)
    zoo.change("pets/p2#m1", value={"score": 4})
    before = seen(zoo)
    with pytest.raises(StoreError, match="not stored"):
        merged(zoo)
    assert seen(zoo) == before


@pytest.mark.parametrize("side", ["ours", "theirs"])
def test_one_side_moves_to_dvc_while_the_other_edits_in_git(zoo: Zoo, side):
    move, edit = both(scored("pets/p2#m1", 4), behind), both(scored("pets/p1#m1", 3), scored("pets/p1#m2", 3))
    fork(zoo, *((move, edit) if side == "ours" else (edit, move)))
    assert merged(zoo).state == "merged"
    assert [at(zoo, f"pets/{name}")["value"]["score"] for name in ("p1#m1", "p1#m2", "p2#m1")] == [3, 3, 4]
    assert zoo.git("ls-files", "datasets/pets/annotations") == ""
    assert not [one for one in zoo.everything() if one.severity == "error"]
    assert zoo.git("status", "--porcelain") == ""


def from_dvc(zoo: Zoo) -> None:
    """Move annotations from DVC into git."""
    zoo.write(PETS_YAML, document.edit(zoo.read(PETS_YAML), {("storage",): "git"}))
    for name in ("annotations.dvc", "annotations.sha256", ".gitignore"):
        (zoo.folder / "datasets/pets" / name).unlink()


@pytest.mark.parametrize("side", ["ours", "theirs"])
def test_one_side_moves_to_git_while_the_other_edits_in_dvc(zoo: Zoo, side):
    move, edit = both(scored("pets/p2#m1", 4), from_dvc), stored(scored("pets/p1#m1", 3), scored("pets/p1#m2", 3))
    fork(zoo, *((move, edit) if side == "ours" else (edit, move)), behind)
    assert merged(zoo).state == "merged"
    assert [at(zoo, f"pets/{name}")["value"]["score"] for name in ("p1#m1", "p1#m2", "p2#m1")] == [3, 3, 4]
    assert not [one for one in zoo.everything() if one.severity == "error"]
    assert zoo.git("status", "--porcelain") == ""


@pytest.mark.parametrize("forward", [False, True])
def test_shards_that_leave_dvc_for_others_leave_the_work_tree(zoo: Zoo, forward):
    """git does not know the files behind a pointer, so it would leave those that the new layout has no place for."""
    fork(zoo, stored(scored("pets/p1#m2", -3)), both(scored("pets/p1#m1", 3), from_dvc, reshard(16)), behind)
    if forward:
        zoo.git("reset", "-q", "--hard", "HEAD~1")
        dvc.checkout(zoo.at, ["datasets/pets/annotations.dvc"], force=True)
    assert merged(zoo).state == ("forward" if forward else "merged")
    there = sorted(path.name for path in (zoo.folder / "datasets/pets/annotations").iterdir())
    assert there == [name.rpartition("/")[2] for name in zoo.git("ls-files", "datasets/pets/annotations").splitlines()]
    assert at(zoo, "pets/p1#m1")["value"] == {"score": 3}
    assert not [one for one in zoo.everything() if one.severity == "error"]
    assert zoo.git("status", "--porcelain") == ""


def test_abort_puts_the_pointer_back_that_a_merge_stored(zoo: Zoo):
    def titled(title: str) -> Change:
        return lambda zoo: zoo.write(PETS_YAML, document.edit(zoo.read(PETS_YAML), {("title",): title}))

    ours, theirs = (both(titled(name), scored(f"pets/p1#{key}", 3)) for name, key in (("One", "m1"), ("Two", "m2")))
    fork(zoo, stored(ours), stored(theirs), behind)
    assert merged(zoo).state == "conflict"
    merge.abort(zoo.at)
    assert zoo.git("status", "--porcelain") == ""
    assert zoo.row("pets/p1#m1")["value"] == {"score": 3}
    assert zoo.row("pets/p1#m2")["value"] != {"score": 3}
    assert not [one for one in zoo.everything() if one.severity == "error"]


def test_a_missing_object_on_one_side_is_named_and_nothing_is_written(zoo: Zoo):
    fork(zoo, stored(scored("pets/p1#m1", 3)), stored(scored("pets/p1#m2", -3)), behind)
    theirs = tree.commit(zoo.at, "topic").entries[zoo.shard("pets/p1#m1")].id.partition(":")[0]
    for path in (zoo.folder / ".dvc/cache/files/md5" / theirs[:2]).glob(theirs[2:]):
        path.unlink()
    before = seen(zoo)
    with pytest.raises(StoreError) as told:
        merged(zoo)
    assert theirs in str(told.value) or zoo.shard("pets/p1#m1") in told.value.where
    assert seen(zoo) == before


def test_the_merge_and_the_diff_agree(zoo: Zoo):
    """What the merge brings to our side is what their side brought to the base, conflicts apart."""
    fork(zoo, both(scored("pets/p1#m1", 3), reshard(16)), both(scored("pets/p1#m2", -3), scored("pets/p4#m1", -1)))
    base = zoo.git("merge-base", "main", "topic")
    brought = {
        str(delta.key) for delta in diff.shard_deltas(zoo.at, tree.commit(zoo.at, base), tree.commit(zoo.at, "topic"))
    }
    assert merged(zoo).state == "merged"
    came = {
        str(delta.key)
        for delta in diff.shard_deltas(zoo.at, tree.commit(zoo.at, "HEAD^1"), tree.commit(zoo.at, "HEAD"))
    }
    assert came == brought
