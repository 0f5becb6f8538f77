"""History as git has it: nothing simplified away, everybody named."""

import subprocess

import pytest

from labelvc.errors import StoreError
from labelvc.store import git as plumbing
from labelvc.store import history


@pytest.fixture
def commit(repo, git):
    def make(data, message="change", path="f.jsonl", *more):
        if data is None:
            (repo / path).unlink()
        else:
            (repo / path).write_text(data)
        git(repo, "add", "-A")
        git(repo, "commit", "-q", "-m", message, *more)
        return git(repo, "rev-parse", "HEAD").strip()

    return make


def content(git, repo, oid):
    return git(repo, "cat-file", "-p", oid) if oid else ""


def told(git, repo, paths=("f.jsonl",), **span):
    return [
        (
            commit.subject,
            [(content(git, repo, version.old), content(git, repo, version.new)) for version in commit.files],
        )
        for commit in history.walk(plumbing.find(repo), paths, **span)
    ]


def test_a_straight_line(repo, git, commit):
    commit("1\n", "first")
    commit("x\n", "elsewhere", "g.jsonl")
    middle = commit("2\n", "second")
    commit(None, "gone")
    commit("3\n", "back")
    everything = [
        ("first", [("", "1\n")]),
        ("second", [("1\n", "2\n")]),
        ("gone", [("2\n", "")]),
        ("back", [("", "3\n")]),
    ]
    assert told(git, repo) == everything
    assert told(git, repo, base=middle) == everything[2:]
    assert told(git, repo, head=middle) == everything[:2]
    assert [subject for subject, _ in told(git, repo, paths=())] == ["first", "elsewhere", "second", "gone", "back"]


def test_who_and_when(repo, git, commit, monkeypatch):
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Ben Béla")
    monkeypatch.setenv("GIT_AUTHOR_EMAIL", "ben@example.com")
    monkeypatch.setenv("GIT_AUTHOR_DATE", "2026-02-03T04:05:06+0530")
    one = commit("1\n", "subject\n\nbody\n\nCo-Authored-By: Cy <cy@example.com>\nco-authored-by: Di <di@example.com>\n")
    (found,) = history.walk(plumbing.find(repo), ["f.jsonl"])
    assert (found.id, found.parents) == (one, ())
    assert found.author == ("Ben Béla", "ben@example.com")
    assert found.coauthors == (("Cy", "cy@example.com"), ("Di", "di@example.com"))
    assert found.authored == "2026-02-03T04:05:06+05:30"
    assert found.committed == "2026-03-01T09:00:00+00:00"
    assert found.subject == "subject"
    assert history.commit(plumbing.find(repo), "HEAD") == found._replace(files=())


def test_an_edit_inside_a_merge_is_seen(repo, git, commit):
    commit("1\n", "base")
    git(repo, "checkout", "-qb", "side")
    commit("side\n", "side")
    git(repo, "checkout", "-q", "main")
    commit("main\n", "main")
    subprocess.run(["git", "merge", "-q", "side"], cwd=repo, capture_output=True, check=False)
    commit("evil\n", "merged")
    found = told(git, repo)
    assert found[-1] == ("merged", [("main\n", "evil\n"), ("side\n", "evil\n")])
    assert {subject for subject, _ in found} == {"base", "side", "main", "merged"}
    merge = list(history.walk(plumbing.find(repo), ["f.jsonl"]))[-1]
    assert tuple(version.parent for version in merge.files) == merge.parents


def test_a_side_thrown_away_by_a_merge_is_seen(repo, git, commit):
    commit("1\n", "base")
    git(repo, "checkout", "-qb", "side")
    commit("side\n", "side")
    git(repo, "checkout", "-q", "main")
    commit("x\n", "elsewhere", "g.jsonl")
    git(repo, "merge", "-q", "-s", "ours", "-m", "ours", "side")
    assert told(git, repo) == [("base", [("", "1\n")]), ("side", [("1\n", "side\n")]), ("ours", [("side\n", "1\n")])]


def test_authors_of_a_change_are_those_of_its_own_commits(repo, git, commit):
    base = commit("1\n", "base")
    git(repo, "checkout", "-qb", "side")
    commit("2\n", "side\n\nCo-authored-by: Cy <cy@example.com>", "s.jsonl")
    git(repo, "checkout", "-q", "main")
    commit("3\n", "main", "m.jsonl", "--author", "Di <di@example.com>")
    git(repo, "checkout", "-q", "side")
    git(repo, "merge", "-q", "-m", "merge", "main")
    found = plumbing.find(repo)
    assert [commit.subject for commit in history.commits_between(found, base, "side")] == ["side", "main"]
    (own,) = history.commits_between(found, "main", "side")
    assert {own.author.email, *(person.email for person in own.coauthors)} == {"ada@example.com", "cy@example.com"}
    assert history.commits_between(found, "side", "main") == []


def test_a_replaced_commit_keeps_its_author(repo, git, commit):
    one = commit("1\n", "first")
    two = commit("2\n", "second", "f.jsonl", "--author", "Di <di@example.com>")
    git(repo, "replace", two, git(repo, "commit-tree", "-p", one, "-m", "forged", f"{two}^{{tree}}").strip())
    assert [found.author.email for found in history.commits_between(plumbing.find(repo), one, two)] == [
        "di@example.com"
    ]


def test_names_are_literal_and_folders_count(repo, git, commit):
    (repo / "d").mkdir()
    commit("1\n", "star", "*.jsonl")
    commit("1\n", "plain", "p.jsonl")
    commit("1\n", "folder", "d/ä b.jsonl")
    assert [subject for subject, _ in told(git, repo, ["*.jsonl"])] == ["star"]
    assert [version.path for found in history.walk(plumbing.find(repo), ["d"]) for version in found.files] == [
        "d/ä b.jsonl"
    ]
    assert told(git, repo, ["nowhere"]) == []


def test_history_cut_off_is_no_history(repo, git, commit, tmp_path):
    commit("1\n")
    commit("2\n")
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{repo}", "shallow")
    with pytest.raises(StoreError) as caught:
        list(history.walk(plumbing.find(tmp_path / "shallow"), ["f.jsonl"]))
    assert caught.value.hint == "git fetch --unshallow"


def test_unknown_revisions_and_bare_repositories(repo, git, commit, tmp_path):
    commit("1\n", "one")
    git(tmp_path, "clone", "-q", "--bare", str(repo), "bare.git")
    bare = plumbing.find(tmp_path / "bare.git")
    assert [found.subject for found in history.walk(bare, ["f.jsonl"])] == ["one"]
    for call in (lambda: history.commit(bare, "nothing"), lambda: history.commits_between(bare, "no", "HEAD")):
        with pytest.raises(StoreError, match="no such revision"):
            call()


def test_a_repository_with_sha256_objects_is_told_to_be_one(tmp_path, git):
    git(tmp_path, "init", "-q", "--object-format=sha256", "other")
    git(tmp_path / "other", "commit", "-q", "--allow-empty", "-m", "one")
    with pytest.raises(StoreError, match="SHA-256 objects"):
        list(history.walk(plumbing.find(tmp_path / "other"), ["f.jsonl"]))
