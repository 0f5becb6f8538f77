"""Drafts: a tree in the making leaves nothing behind beside objects, whether it was finished or not."""

from __future__ import annotations

import os

import pytest

from labelvc.errors import StoreError
from labelvc.model.snapshot import FILE
from labelvc.store import draft
from labelvc.store import git as plumbing
from labelvc.store.draft import Draft
from labelvc.store.treewalk import Stage


@pytest.fixture
def drafts(repo, git):
    """Return a repository with a commit, its id, and the folder where drafts live."""
    (repo / "one").write_text("1\n")
    git(repo, "add", "one")
    git(repo, "commit", "-qm", "one")
    return plumbing.find(repo), git(repo, "rev-parse", "HEAD").strip(), repo / ".git/labelvc/drafts"


def test_a_draft_that_is_written_leaves_its_tree_alone(drafts, repo, git):
    at, commit, folder = drafts
    with Draft(at, commit) as drawn:
        drawn.put("two", b"2\n")
        assert len(list(folder.iterdir())) == 1
        tree = drawn.write()
    assert git(repo, "ls-tree", "--name-only", tree) == "one\ntwo\n"
    assert git(repo, "status", "--porcelain") == ""
    assert list(folder.iterdir()) == []


def test_a_draft_that_is_left_or_cannot_begin_leaves_nothing(drafts):
    at, commit, folder = drafts
    with Draft(at, commit) as drawn:
        drawn.put("two", b"2\n")
        next(folder.iterdir()).joinpath("index.lock").write_text("")
    assert list(folder.iterdir()) == []
    with pytest.raises(StoreError), Draft(at, "1" * 40):
        pass
    assert list(folder.iterdir()) == []


def test_what_changed_unseen_in_the_second_of_the_index_is_still_seen_after_entries_were_written(drafts, repo, git):
    at, _, _ = drafts
    git(repo, "config", "core.trustctime", "false")
    index, long_ago = repo / ".git/index", 1_700_000_000
    os.utime(repo / "one", (long_ago, long_ago))
    git(repo, "update-index", "--refresh")
    os.utime(index, (long_ago, long_ago))
    (repo / "one").write_text("2\n")  # of the same length, and in the same second as the index
    os.utime(repo / "one", (long_ago, long_ago))
    oid = git(repo, "rev-parse", "HEAD:one").strip()

    draft.update(at, [Stage("two", FILE, oid, number) for number in (1, 2, 3)])

    assert git(repo, "ls-files", "--unmerged").count(oid) == 3
    assert {*git(repo, "diff-files", "--name-only").split()} == {"one", "two"}
    assert not [path for path in index.parent.iterdir() if path.name.startswith("index.")]


def test_entries_are_not_written_while_another_git_holds_the_index(drafts, repo):
    at, _, _ = drafts
    lock, before = repo / ".git/index.lock", (repo / ".git/index").read_bytes()
    lock.touch()
    with pytest.raises(StoreError, match="another git works on the index"):
        draft.update(at, [Stage("one", FILE, "")])
    assert lock.exists()
    assert (repo / ".git/index").read_bytes() == before


def test_a_rehearsal_refuses_what_is_in_the_way_and_writes_nothing(repo, git):
    (repo / "f").write_text("one\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "one")
    old = git(repo, "rev-parse", "HEAD").strip()
    (repo / "f").write_text("two\n")
    (repo / "g").write_text("new\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "two")
    new = git(repo, "rev-parse", "HEAD").strip()
    git(repo, "checkout", "-q", "--detach", old)
    found = plumbing.find(repo)
    index = (repo / ".git/index").read_bytes(), (repo / ".git/index").stat().st_mtime_ns
    draft.rehearse(found, old, new)
    (repo / "g").write_text("not git's\n")
    with pytest.raises(StoreError, match="'g' would be overwritten"):
        draft.rehearse(found, old, new)
    (repo / "g").unlink()
    (repo / "f").write_text("longer than it was\n")
    with pytest.raises(StoreError, match="'f' not uptodate"):
        draft.rehearse(found, old, new)
    (repo / ".git/index.lock").touch()
    with pytest.raises(StoreError, match=r"index\.lock"):
        draft.rehearse(found, old, new)
    assert ((repo / ".git/index").read_bytes(), (repo / ".git/index").stat().st_mtime_ns) == index
    assert (repo / "f").read_text() == "longer than it was\n"
    assert not list((repo / ".git/labelvc/drafts").iterdir())


@pytest.mark.parametrize("many", [3, 150])  # below a hundred objects fast-import unpacks what it wrote
def test_what_was_put_last_or_taken_last_stands_in_the_tree(drafts, repo, git, many):
    at, commit, _ = drafts
    with Draft(at, commit) as drawn:
        for number in range(many):
            drawn.put(f"new/{number} ä", b"%d\n" % number)
        drawn.put("alike", b"0\n")
        drawn.put("twice", b"first\n")
        drawn.put("twice", b"second\n")
        drawn.put("gone", b"1\n")
        drawn.take([Stage("gone", FILE, ""), Stage("back", FILE, "")])
        drawn.put("back", b"2\n")
        unseen = drawn.keep(b"only an object\n")
        tree = drawn.write()
    paths = git(repo, "ls-tree", "-r", "-z", "--name-only", tree).split("\0")[:-1]
    assert sorted(paths) == sorted(["one", "alike", "twice", "back", *(f"new/{number} ä" for number in range(many))])
    for path, text in (
        ("alike", "0\n"),
        ("twice", "second\n"),
        ("back", "2\n"),
        (f"new/{many - 1} ä", f"{many - 1}\n"),
    ):
        assert git(repo, "cat-file", "blob", f"{tree}:{path}") == text
    assert git(repo, "cat-file", "blob", unseen) == "only an object\n"
