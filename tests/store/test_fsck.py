"""Trees that git never wrote: each is told with the commit that brings it, and git's own fsck complains of the very same."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelvc.errors import StoreError
from labelvc.store import fsck
from labelvc.store import git as plumbing


@pytest.fixture(scope="module", params=["sha1", "sha256"])
def repository(request, tmp_path_factory, git_template):
    folder = tmp_path_factory.mktemp("trees")

    def git(*words, data=None, code=0):
        done = subprocess.run(["git", *words], cwd=folder, check=False, capture_output=True, input=data)
        assert done.returncode == code or code is None, done.stderr
        return (done.stdout + (b"" if code == 0 else done.stderr)).decode().strip()

    git("-c", "init.defaultBranch=main", "init", "-q", f"--object-format={request.param}", f"--template={git_template}")
    return plumbing.find(folder), git


BAD = {
    "two files": ([("100644", "a"), ("100644", "a")], "duplicateEntries"),
    "a file and a folder": ([("100644", "a"), ("100644", "a.b"), ("40000", "a")], "duplicateEntries"),
    "out of order": ([("100644", "b"), ("100644", "a")], "treeNotSorted"),
    "a path for a name": ([("100644", "a/b")], "fullPathname"),
    "a mode with a zero before it": ([("0100644", "a")], "zeroPaddedFilemode"),
    "a folder with a zero before it": ([("040000", "a")], "zeroPaddedFilemode"),
}
GOOD = [("100644", "a"), ("100755", "a-b"), ("40000", "a.c"), ("120000", "a0"), ("40000", "b"), ("100644", "b0")]


def made(git, rows, below=False):
    """Return a sound commit, one after it whose tree holds rows, or whose folder does, and the id of what holds them."""
    blob = git("hash-object", "-w", "--stdin", data=b"x\n")
    inner = git("mktree", data=b"100644 blob %b\tfile\n" % blob.encode())
    data = b"".join(
        [f"{mode} {name}\0".encode() + bytes.fromhex(inner if mode.endswith("40000") else blob) for mode, name in rows]
    )
    tree = git("hash-object", "-t", "tree", "-w", "--literally", "--stdin", data=data)
    top = tree
    if below:
        top = git("mktree", data=b"040000 tree %b\tfolder\n" % tree.encode())
    good = git("commit-tree", "-m", "good", inner)
    return good, git("commit-tree", "-m", "bad", "-p", good, top), tree


@pytest.mark.parametrize("below", [False, True])
@pytest.mark.parametrize("name", BAD)
def test_what_git_never_wrote_is_refused_where_it_comes_in(repository, name, below):
    at, git = repository
    rows, complaint = BAD[name]
    good, bad, tree = made(git, rows, below)
    assert f"{tree}: {complaint}" in git("fsck", "--no-dangling", bad, code=None)
    after = git("commit-tree", "-m", "after", "-p", bad, f"{good}^{{tree}}")
    with pytest.raises(StoreError) as caught:
        fsck.demand(at, after)
    assert caught.value.where == f"{bad[:12]}, tree {tree[:12]}"
    fsck.demand(at, after, f"^{bad}")
    fsck.demand(at, good, "")


def test_what_git_writes_is_taken(repository):
    at, git = repository
    _, head, tree = made(git, GOOD)
    git("read-tree", head)
    assert git("write-tree") == tree
    fsck.demand(at, head)
    git("tag", "-a", "-m", "first", "v1", head)
    fsck.demand(at, "v1")
    fsck.demand(at, git("rev-parse", "v1"), "--not", "--all")


NAMES = st.text("ab.-0", min_size=1, max_size=3)
ENTRIES = st.tuples(
    st.sampled_from(["100644", "40000", "160000"]),
    NAMES,
    st.sampled_from([b"\0" * 20, b"1 a\0" * 5, b"40000 b\0" * 2 + b"1234"]),
)
EDITS = st.lists(
    st.tuples(st.sampled_from(["put", "take", "turn", "byte", "cut"]), st.integers(0, 1 << 16), ENTRIES),
    min_size=1,
    max_size=3,
)


def raw(rows):
    return b"".join([f"{mode} {name}\0".encode() + oid for mode, name, oid in rows])


def edited(rows, edits):
    """Return what edits make of a tree's entries: entries come, go and change places, and bytes change and are lost."""
    data = None
    for what, number, row in edits:
        if what in ("put", "take", "turn"):
            at = number % (len(rows) + 1)
            rows = [*rows[:at], *([row] if what == "put" else []), *(rows[at + 1 :] if what == "take" else rows[at:])]
            rows = [*rows[:at], *reversed(rows[at : at + 2]), *rows[at + 2 :]] if what == "turn" else rows
        data = raw(rows)
        if data and what in ("byte", "cut"):
            at = number % len(data)
            data = data[:at] + (bytes([data[at] ^ 1]) if what == "byte" else b"") + data[at + 1 :]
    return data


@given(st.lists(ENTRIES, max_size=8), st.tuples(EDITS, EDITS))
def test_beside_a_sound_tree_the_next_is_judged_as_by_itself(rows, changes):
    rows = sorted(
        {name: (mode, name, oid) for mode, name, oid in rows}.values(),
        key=lambda row: row[1] + "/" * (row[0] == "40000"),
    )
    seen = fsck.Sound(raw(rows), 20)
    for edits in changes:
        data = edited(rows, edits)
        good = not list(fsck._problems(data, 20))
        assert seen.becomes(data) == good
        if not good:
            seen = fsck.Sound(raw(rows), 20)


def test_of_a_long_folder_each_commit_is_looked_at(repository):
    """A bad tree far down a line of long ones, one entry beside the last, is told with its commit."""
    at, git = repository
    blob = git("hash-object", "-w", "--stdin", data=b"x\n")
    names, commits, parent = [f"n{number:04}" for number in range(200)], [], []
    for number in range(6):
        now = sorted([*names, f"n{number:04}.x"] + ["n0042"] * (number == 3))
        data = b"".join([b"100644 " + name.encode() + b"\0" + bytes.fromhex(blob) for name in now])
        tree = git("hash-object", "-t", "tree", "-w", "--literally", "--stdin", data=data)
        top = git("mktree", data=b"040000 tree %b\tfolder\n" % tree.encode())
        commits.append(git("commit-tree", "-m", str(number), *parent, top))
        parent = ["-p", commits[-1]]
    fsck.demand(at, commits[-1], f"^{commits[3]}")
    with pytest.raises(StoreError, match="'n0042' twice") as caught:
        fsck.demand(at, commits[-1])
    assert caught.value.where.startswith(commits[3][:12])
