"""Rows of trees are what `git ls-tree` prints, whatever is asked for, and what is broken is left to git."""

import os
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelvc.errors import StoreError
from labelvc.store import git as plumbing
from labelvc.store import tree, treerows

PATHS = ("a", "a.b/c", "a-b", "b/c/d", "b/c.d", "b/c/ä\tö", "datasets/x/annotations/00.jsonl", "ab/c", "b/c/e/link")


@pytest.fixture(scope="module", params=["sha1", "sha256"])
def repository(request, tmp_path_factory, git_template):
    folder = tmp_path_factory.mktemp("trees")

    def git(*words, data=None, around=()):
        environment = {**os.environ, **dict(around)}
        return subprocess.run(
            ["git", *words], cwd=folder, check=True, capture_output=True, input=data, env=environment
        ).stdout

    git("-c", "init.defaultBranch=main", "init", "-q", f"--object-format={request.param}", f"--template={git_template}")
    blob = git("hash-object", "-w", "--stdin", data=b"x\n").decode().strip()
    rows = [f"100644 {blob}\t{path}" for path in PATHS[:-2]] + [f"100755 {blob}\tab/c", f"120000 {blob}\tb/c/e/link"]
    rows.append(f"160000 {'1' * len(blob)}\tb/module")
    git("update-index", "-z", "--index-info", data="".join([f"{row}\0" for row in rows]).encode())
    made = git("commit-tree", "-m", "all", git("write-tree").decode().strip()).decode().strip()
    return plumbing.find(folder), made, git


PIECES = [
    *PATHS,
    "b",
    "b/",
    "b/c",
    "b/c/",
    "a/",
    "b/module",
    "b/module/",
    "nowhere",
    "datasets/x/annotations",
    "a.b/c/",
]


@given(under=st.lists(st.sampled_from(PIECES), max_size=4))
def test_rows_are_what_git_prints(repository, under):
    git, commit, run = repository
    told = run("--literal-pathspecs", "ls-tree", "-r", "-z", "--full-tree", commit, "--", *under)
    assert treerows.rows(git, commit, under) == told


def test_a_broken_tree_is_for_git_to_tell(repository):
    git, commit, run = repository
    kind = run("rev-parse", "--show-object-format").decode().strip()
    broken = run("hash-object", "-t", "tree", "-w", "--literally", "--stdin", data=b"100644 half").decode().strip()
    made = run("hash-object", "-t", "commit", "-w", "--literally", "--stdin", data=f"tree {broken}\n\n".encode())
    assert kind in ("sha1", "sha256")
    assert treerows.rows(git, made.decode().strip(), ()) is None
    assert treerows.rows(git, "0" * len(commit), ()) is None
    with pytest.raises(StoreError):
        tree.commit(git, "0" * len(commit))


def test_folders_within_folders_are_listed_however_deep_they_are(repository):
    git, _, run = repository
    blob = run("hash-object", "-w", "--stdin", data=b"x\n").decode().strip()
    path, index = "d/" * 1_500 + "f", {"GIT_INDEX_FILE": str(git.directory / "deep")}
    run("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}", around=index)
    made = run("commit-tree", "-m", "deep", run("write-tree", around=index).decode().strip()).decode().strip()
    assert list(tree.commit(git, made).entries) == [path]
