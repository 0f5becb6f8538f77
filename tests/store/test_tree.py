"""Snapshots of commit, index and work tree agree with what git says, and reading never leaves the tree."""

import os
import subprocess
import sys
from collections import Counter

import pytest

from labelvc.errors import StoreError
from labelvc.model.snapshot import Entry
from labelvc.store import conflicts, tree
from labelvc.store import git as plumbing


@pytest.fixture
def labels(repo, git):
    for number in range(6):
        path = repo / "datasets" / "x" / "annotations" / f"0{number}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(b"%d-%03d\n" % (number, line) for line in range(40)))
    (repo / "labelvc.yaml").write_text("x\n")
    (repo / ".gitignore").write_text("*.tmp\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "one")
    return plumbing.find(repo)


def shard(git, number):
    return git.top / f"datasets/x/annotations/0{number}.jsonl"


def lines(git, old, new, under="datasets/"):
    return {change.path[-8:]: (change.old, change.new) for change in tree.changes(git, old, new, under)}


def texts(git, snapshot):
    with tree.reader(git) as reader:
        return dict(reader.many(snapshot.entries.items()))


def test_three_moments_of_a_clean_project_are_the_same(labels):
    commit, index, work = tree.commit(labels, "HEAD"), tree.index(labels), tree.work(labels)
    assert commit.entries == index.entries == work.entries
    assert (commit.kind, index.kind, work.kind) == ("commit", "index", "work")
    assert commit.commit == index.commit == work.commit == plumbing.head(labels)
    assert texts(labels, work) == {path: (labels.top / path).read_bytes() for path in work.entries}
    assert tree.changed(commit, work) == []


def test_edits_are_seen_where_they_are(labels, git):
    shard(labels, 0).write_bytes(shard(labels, 0).read_bytes().replace(b"0-007", b"staged"))
    git(labels.top, "add", "-A")
    shard(labels, 0).write_bytes(shard(labels, 0).read_bytes().replace(b"staged", b"work"))
    shard(labels, 1).unlink()
    shard(labels, 7).write_bytes(b"new\n")
    (labels.top / "ignored.tmp").write_bytes(b"ignored\n")
    (labels.top / ".f.labelvc-unfinished").write_bytes(b"unfinished\n")
    head, index, work = tree.commit(labels, "HEAD"), tree.index(labels), tree.work(labels)
    assert lines(labels, head, index) == {"00.jsonl": ([b"0-007"], [b"staged"])}
    gone = [b"1-%03d" % line for line in range(40)]
    assert lines(labels, index, work) == {
        "00.jsonl": ([b"staged"], [b"work"]),
        "01.jsonl": (gone, []),
        "07.jsonl": ([], [b"new"]),
    }
    assert lines(labels, work, head)["01.jsonl"] == ([], gone)
    assert "ignored.tmp" not in work.entries
    assert not any("unfinished" in path for path in work.entries)


def test_a_touched_file_with_the_same_bytes_is_no_change(labels):
    os.utime(shard(labels, 2), (1, 1))
    head, work = tree.commit(labels, "HEAD"), tree.work(labels)
    assert tree.changed(head, work) == ["datasets/x/annotations/02.jsonl"]
    assert lines(labels, head, work) == {}


def test_git_and_the_walk_agree_in_both_directions(labels, git):
    for number in (0, 3):
        shard(labels, number).write_bytes(shard(labels, number).read_bytes().replace(b"-01", b"-x1"))
    shard(labels, 4).write_bytes(b"\n".join(reversed(shard(labels, 4).read_bytes().split(b"\n"))))
    git(labels.top, "rm", "-q", str(shard(labels, 5)))
    git(labels.top, "add", "-A")
    git(labels.top, "commit", "-qm", "two")
    old, new = tree.commit(labels, "HEAD~1"), tree.commit(labels, "HEAD")
    by_git = lines(labels, old, new)
    by_walk = lines(labels, old._replace(kind="work"), new)
    assert {path: (Counter(a), Counter(b)) for path, (a, b) in by_git.items()} == {
        path: (Counter(a), Counter(b)) for path, (a, b) in by_walk.items()
    }
    assert set(by_git) == {"00.jsonl", "03.jsonl", "04.jsonl", "05.jsonl"}
    assert by_git["04.jsonl"] == ([], [b""])
    back = lines(labels, new, old)
    assert {path: (b, a) for path, (a, b) in back.items()} == by_git
    assert [change.path for change in tree.changes(labels, old, new)] == tree.changed(old, new)


def test_from_nothing_and_under_a_folder(labels):
    head = tree.commit(labels, "HEAD")
    assert len(lines(labels, tree.empty(), head)) == 6
    assert lines(labels, tree.empty(), head, "labelvc.yaml") == {"lvc.yaml": ([], [b"x"])}
    assert list(tree.commit(labels, "HEAD", ["datasets/x/annotations/01.jsonl"]).entries) == [
        "datasets/x/annotations/01.jsonl"
    ]
    for take in (
        lambda under: tree.commit(labels, "HEAD", under),
        lambda under: tree.index(labels, under),
        lambda under: tree.work(labels, under),
    ):
        assert len(take(["datasets/"]).entries) == 6
        assert len(take(["datasets", "labelvc.yaml"]).entries) == 7
        assert len(take(["data"]).entries) == 0


def test_more_changed_files_than_a_list_of_paths_is_for(labels, git):
    for number in range(150):
        (labels.top / f"datasets/x/annotations/{number:02}-n").write_bytes(b"n\n")
    (labels.top / "outside.jsonl").write_bytes(b"n\n")
    git(labels.top, "add", "-A")
    assert len(lines(labels, tree.commit(labels, "HEAD"), tree.index(labels))) == 150
    assert len(lines(labels, tree.commit(labels, "HEAD"), tree.index(labels), "")) == 151


def test_before_the_first_commit(repo, git):
    (repo / "datasets").mkdir()
    (repo / "datasets" / "f.jsonl").write_bytes(b"a\n")
    found = plumbing.find(repo)
    assert tree.index(found).entries == {}
    assert lines(found, tree.empty(), tree.work(found)) == {"/f.jsonl": ([], [b"a"])}
    git(repo, "add", ".")
    assert lines(found, tree.empty(), tree.index(found)) == {"/f.jsonl": ([], [b"a"])}


def conflict(labels, git):
    """Leave a merge in conflict and return the path."""
    git(labels.top, "checkout", "-qb", "side")
    shard(labels, 0).write_bytes(b"side\n")
    git(labels.top, "commit", "-qam", "side")
    git(labels.top, "checkout", "-q", "main")
    shard(labels, 0).write_bytes(b"main\n")
    git(labels.top, "commit", "-qam", "main")
    subprocess.run(["git", "merge", "-q", "side"], cwd=labels.top, capture_output=True, check=False)
    return "datasets/x/annotations/00.jsonl"


def test_a_conflict_has_no_agreed_bytes(labels, git):
    path = conflict(labels, git)
    assert path not in tree.index(labels).entries
    work = tree.work(labels)
    assert work.entries[path] == Entry("disk", "")
    with tree.reader(labels) as reader:
        assert b"<<<<<<<" in reader.read(path, work.entries[path])
    shard(labels, 0).unlink()
    assert path not in tree.work(labels).entries


def test_links_and_special_files_are_refused(labels, tmp_path):
    outside = tmp_path / "secret"
    outside.mkdir()
    (outside / "f.jsonl").write_bytes(b"secret\n")
    shard(labels, 0).unlink()
    shard(labels, 0).symlink_to(outside / "f.jsonl")
    os.mkfifo(shard(labels, 8))
    (labels.top / "datasets" / "y").symlink_to(outside)
    with tree.reader(labels) as reader:
        for path, words in {
            "datasets/x/annotations/00.jsonl": "symbolic link",
            "datasets/y/f.jsonl": "symbolic link",
            "datasets/x/annotations/08.jsonl": "not a plain file",
            "datasets/x/annotations": "not a plain file",
            "datasets/x/annotations/99.jsonl": "gone",
            "../secret/f.jsonl": "out of the project",
        }.items():
            with pytest.raises(StoreError, match=words):
                reader.read(path, Entry("disk", ""))
        link = tree.work(labels).entries["datasets/x/annotations/00.jsonl"]
        assert link == Entry("link", "")
        assert reader.read("datasets/x/annotations/00.jsonl", link) == os.fsencode(outside / "f.jsonl")


def test_submodules_and_sparse_files(labels, git):
    git(labels.top, "update-index", "--add", "--cacheinfo", f"160000,{plumbing.head(labels)},module")
    git(labels.top, "update-index", "--skip-worktree", "labelvc.yaml")
    (labels.top / "labelvc.yaml").unlink()
    assert "module" not in tree.index(labels).entries
    assert tree.work(labels).entries["labelvc.yaml"].kind == "git"
    git(labels.top, "commit", "-qm", "module")
    assert "module" not in tree.commit(labels, "HEAD").entries


def test_a_bare_repository_reads_commits_only(labels, git, tmp_path):
    git(tmp_path, "clone", "-q", "--bare", str(labels.top), "bare.git")
    bare = plumbing.find(tmp_path / "bare.git")
    assert texts(bare, tree.commit(bare, "HEAD")) == texts(labels, tree.commit(labels, "HEAD"))
    with pytest.raises(StoreError, match="no work tree"):
        tree.work(bare)


def test_a_push_is_read_before_the_server_takes_it(labels, git, tmp_path):
    git(tmp_path, "init", "-q", "--bare", "server.git")
    hook = tmp_path / "server.git" / "hooks" / "pre-receive"
    hook.write_text(
        f"#!{sys.executable}\nimport sys\nfrom pathlib import Path\nfrom labelvc.store import git, tree\n"
        "found = git.find(Path.cwd())\nold, new, ref = sys.stdin.read().split()\n"
        "changes = list(tree.changes(found, tree.empty(), tree.commit(found, new)))\n"
        "print('saw', found.bare, sum(len(change.new) for change in changes))\nsys.exit(1)\n"
    )
    hook.chmod(0o755)
    push = ["git", "push", str(tmp_path / "server.git"), "HEAD:refs/heads/main"]
    done = subprocess.run(push, cwd=labels.top, capture_output=True, text=True, check=False)
    assert done.returncode
    assert "saw True 240" in done.stderr


def test_a_partial_clone_fetches_or_says_what_is_missing(labels, git, tmp_path):
    git(labels.top, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "-q", "--no-checkout", "--filter=blob:none", f"file://{labels.top}", "partial")
    partial = plumbing.find(tmp_path / "partial")
    snapshot = tree.commit(partial, "HEAD")
    with tree.reader(partial) as reader:
        assert reader.read("labelvc.yaml", snapshot.entries["labelvc.yaml"]) == b"x\n"
    git(partial.top, "remote", "set-url", "origin", f"file://{tmp_path}/nowhere")
    with tree.reader(partial) as reader, pytest.raises(StoreError) as caught:
        list(reader.many(snapshot.entries.items()))
    assert caught.value.hint


def test_a_broken_index_stops_index_and_work_tree(labels):
    (labels.directory / "index").write_bytes(b"nonsense")
    for take in (tree.index, tree.work):
        with pytest.raises(StoreError) as caught:
            take(labels)
        assert caught.value.hint == "rm .git/index && git reset"


def test_a_missing_tree_is_told(labels, git):
    oid = git(labels.top, "rev-parse", "HEAD:datasets/x").strip()
    (labels.common / "objects" / oid[:2] / oid[2:]).unlink()
    with pytest.raises(StoreError) as caught:
        tree.commit(labels, "HEAD")
    assert "git f" in caught.value.hint


def test_reading_while_a_walk_is_under_way(labels):
    entries = tree.commit(labels, "HEAD").entries
    with tree.reader(labels) as reader:
        for path, data in reader.many(entries.items()):
            assert reader.read(path, entries[path]) == data


# ---------------------------------------------------------------- listed once
def agree(labels):
    """Hold the quick listings of HEAD and index, and of the last two commits, against whole listings."""
    head, index = tree.staged(labels)
    assert (head.entries, head.kind, head.name) == (tree.commit(labels, "HEAD").entries, "commit", "HEAD")
    assert index == tree.index(labels)
    old, new = tree.commit(labels, "HEAD~1"), tree.commit(labels, "HEAD")
    few = tree.differing(labels, "HEAD~1", "HEAD")
    assert [(side.name, side.commit) for side in few] == [("HEAD~1", old.commit), ("HEAD", new.commit)]
    paths = tree.changed(old, new)
    assert tree.changed(*few) == paths
    for whole, part in zip((old, new), few, strict=True):
        wanted = {path: entry for path, entry in whole.entries.items() if path in paths}
        assert {path: entry for path, entry in part.entries.items() if path in paths} == wanted
    assert lines(labels, *few) == lines(labels, old, new)


def test_head_and_index_listed_together_are_what_each_is_alone(labels, git, tmp_path):
    git(labels.top, "commit", "-q", "--allow-empty", "-m", "nothing")
    agree(labels)
    shard(labels, 0).write_bytes(b"other\n")
    shard(labels, 1).unlink()
    shard(labels, 8).write_bytes(b"new\n")
    (labels.top / "naïve\tname\n.yaml").write_bytes(b"odd\n")
    shard(labels, 2).chmod(0o755)
    shard(labels, 3).unlink()
    shard(labels, 3).symlink_to("00.jsonl")
    git(labels.top, "add", "-A")
    agree(labels)
    git(labels.top, "commit", "-qm", "many")
    agree(labels)
    shard(labels, 9).write_bytes(b"meant to be added\n")
    git(labels.top, "add", "-N", str(shard(labels, 9)))
    agree(labels)
    subprocess.run(["git", "clone", "-q", labels.top, tmp_path / "sub"], check=True)
    git(labels.top, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(tmp_path / "sub"), "sub")
    agree(labels)
    git(labels.top, "commit", "-qm", "a submodule")
    agree(labels)
    git(labels.top, "rm", "-qf", "sub")
    (labels.top / "sub").write_bytes(b"a file in its place\n")
    git(labels.top, "add", "sub")
    agree(labels)
    git(labels.top, "commit", "-qm", "no submodule")
    agree(labels)


def test_head_and_an_index_in_conflict_listed_together(labels, git):
    path = conflict(labels, git)
    assert conflicts.unmerged(labels) == [path]
    agree(labels)


def test_before_the_first_commit_there_is_no_head_to_list(tmp_path, git):
    git(tmp_path, "init", "-q")
    (tmp_path / "labelvc.yaml").write_text("x\n")
    git(tmp_path, "add", "-A")
    head, index = tree.staged(plumbing.find(tmp_path))
    assert (head.entries, head.commit, list(index.entries)) == ({}, "", ["labelvc.yaml"])
