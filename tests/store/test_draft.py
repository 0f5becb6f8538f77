"""Drafts: a tree in the making leaves nothing behind beside objects, whether it was finished or not."""

from __future__ import annotations

import pytest

from labelvc.errors import StoreError
from labelvc.store import git as plumbing
from labelvc.store.draft import Draft


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
