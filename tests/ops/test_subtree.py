"""The audit of subtree merges, made by git itself: no false alarm, no fault missed, and no way to hide one behind them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from labelvc.errors import StoreError
from tests.ops.test_audit import audited
from tests.ops.test_merge import both, fork, scored
from tests.zoo import ID, Zoo, zoo, zoo_template

__all__ = ["zoo", "zoo_template"]
LAYERS = ("annotations", "items")


def begun(folder: Path) -> Zoo:
    """Make a repository, with a history of its own, of the files that lie in a folder."""
    other = Zoo(folder)
    other.git("init", "-q", "-b", "main")
    other.commit("Begin elsewhere")
    return other


@pytest.fixture
def other(zoo: Zoo, tmp_path: Path) -> Zoo:
    """Return another project whose datasets and items are called like ours."""
    shutil.copytree(zoo.folder, tmp_path / "other", ignore=shutil.ignore_patterns(".git"))
    other = Zoo(tmp_path / "other")
    other.replace("labelvc.yaml", ID, ID[::-1])
    return begun(other.folder)


@pytest.fixture
def people(zoo: Zoo, tmp_path: Path) -> Zoo:
    """Return a repository that holds nothing but one of our datasets, at its top."""
    for layer in LAYERS:
        shutil.copytree(zoo.folder / f"datasets/pets/{layer}", tmp_path / f"people/{layer}")
    return begun(tmp_path / "people")


def vendor(zoo: Zoo, other: Zoo, *words: str, folder: str = "vendor/other") -> None:
    """Let `git subtree` bring another repository, as it is now, under a folder."""
    zoo.git("fetch", "-q", str(other.folder), "main")
    zoo.git("subtree", "-q", words[0], f"--prefix={folder}", *words[1:], "-m", "Bring it in", "FETCH_HEAD")


def spoil(zoo: Zoo, change) -> None:
    """Edit the merge commit that was just made."""
    change(zoo)
    zoo.git("add", "--all")
    zoo.git("commit", "-q", "--no-verify", "--amend", "--no-edit")


@pytest.mark.parametrize("squash", [(), ("--squash",)])
def test_another_project_under_a_folder_is_no_side_of_ours(zoo: Zoo, other: Zoo, squash):
    scored("pets/p1#m1", 3)(zoo)
    zoo.commit("ours")
    vendor(zoo, other, "add", *squash)
    assert audited(zoo) == []
    both(scored("pets/p1#m1", -3), lambda zoo: zoo.bury("pets/p2#m1"))(other)
    other.commit("theirs")
    scored("pets/p4#m1", 4)(zoo)
    zoo.commit("ours again")
    vendor(zoo, other, "merge", *squash)
    assert zoo.row("pets/p1#m1")["value"] == {"score": 3}
    assert audited(zoo) == []
    spoil(zoo, both(scored("pets/p1#m1", -3), lambda zoo: zoo.put("pets/p7#m1", None)))
    assert sorted(audited(zoo)) == [
        ("lost", "pets/p7#m1", "both", ()),
        ("unwritten", "pets/p1#m1", "", ("/value/score",)),
    ]


def test_gits_own_strategy_is_understood_too(zoo: Zoo, other: Zoo):
    vendor(zoo, other, "add")
    both(scored("pets/p1#m1", -3), scored("pets/p5#m1", -3))(other)
    zoo.git("fetch", "-q", str(other.folder), other.commit("theirs"))
    zoo.git("merge", "-q", "--no-edit", "-X", "subtree=vendor/other", "FETCH_HEAD")
    assert audited(zoo) == []


def test_a_dataset_that_lies_in_a_repository_of_its_own_is_merged_by_record(zoo: Zoo, people: Zoo):
    zoo.git("rm", "-rq", *[f"datasets/pets/{layer}" for layer in LAYERS])
    zoo.commit("Move them out")
    zoo.git("fetch", "-q", str(people.folder), "main")
    for layer in LAYERS:  # beside dataset.yaml, where `git subtree add` wants a folder of its own
        zoo.git("read-tree", f"--prefix=datasets/pets/{layer}", "-u", f"FETCH_HEAD:{layer}")
    first = zoo.git("rev-parse", "FETCH_HEAD")
    zoo.git("update-ref", "MERGE_HEAD", first)
    zoo.git("commit", "-q", "--no-verify", "-m", "Take them in")
    assert audited(zoo) == []
    shard = Path(zoo.shard("pets/p1#m1")).relative_to("datasets/pets")
    text = (people.folder / shard).read_text()
    (people.folder / shard).write_text(text.replace('"id":"m1","by"', '"id":"m1","at":"2026-03-01T09:12:44Z","by"', 1))
    second = people.commit("theirs")
    zoo.git("fetch", "-q", str(people.folder), "main")
    zoo.git("merge", "-q", "--no-edit", "-X", "subtree=datasets/pets", second)
    assert zoo.git("rev-parse", f"HEAD:datasets/pets/{shard}") == people.git("rev-parse", f"HEAD:{shard}")
    assert audited(zoo) == []
    spoil(zoo, lambda zoo: zoo.put("pets/p7#m1", None))
    assert audited(zoo) == [("lost", "pets/p7#m1", "both", ())]


def test_our_project_taken_out_of_a_folder_of_theirs(zoo: Zoo, tmp_path: Path):
    """People work in a large repository that holds this one as a folder; what they do comes back by git's own strategy."""
    (tmp_path / "large").mkdir()
    large = Zoo(tmp_path / "large")
    large.write("README.md", "much else\n")
    begun(large.folder)
    vendor(large, zoo, "add", folder="labels")
    inner = Zoo(large.folder / "labels")
    both(scored("pets/p1#m2", -3), lambda zoo: zoo.bury("pets/p6#m1"))(inner)
    large.write("other.txt", "x")
    theirs = large.commit("theirs")
    scored("pets/p1#m1", 3)(zoo)
    zoo.commit("ours")
    zoo.git("fetch", "-q", str(large.folder), theirs)
    zoo.git("merge", "-q", "--no-commit", "-s", "subtree", "FETCH_HEAD", code=1)  # m1 and m2 are neighbours
    zoo.git("checkout", "-q", "HEAD", "--", zoo.shard("pets/p1#m2"))
    zoo.change("pets/p1#m2", value={"score": -3})
    zoo.git("add", "--all")
    zoo.git("commit", "-q", "--no-verify", "--no-edit")
    assert not (zoo.folder / "labels").exists()
    assert audited(zoo) == []
    spoil(zoo, scored("pets/p1#m2", 2))
    assert ("lost", "pets/p1#m2", "theirs", ("/value/score",)) in audited(zoo)


def test_a_copy_under_a_folder_hides_no_lost_update_of_our_own_branch(zoo: Zoo):
    fork(zoo, scored("pets/p4#m1", 4), scored("pets/p1#m1", 3))
    zoo.git("read-tree", "--prefix=backup/", "-u", "topic~1")
    zoo.commit("A copy, for safety")
    zoo.git("merge", "-q", "--no-commit", "-s", "ours", "topic")
    zoo.git("rm", "-rq", "backup")
    zoo.git("read-tree", "--prefix=backup/", "-u", "topic")
    zoo.git("commit", "-q", "--no-verify", "-m", "Merge commit 'topic' as 'backup'\n\ngit-subtree-dir: backup")
    assert audited(zoo) == [("lost", "pets/p1#m1", "theirs", ("/value/score",))]


def test_a_project_of_our_name_with_no_common_commit_cannot_be_told(zoo: Zoo, other: Zoo):
    other.replace("labelvc.yaml", ID[::-1], ID)
    other.commit("The same id")
    zoo.git("fetch", "-q", str(other.folder), "main")
    zoo.git("subtree", "-q", "add", "--prefix=copy", "FETCH_HEAD")
    with pytest.raises(StoreError, match="share no commit"):
        audited(zoo)
