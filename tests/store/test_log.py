"""The stream of commits as git has them: nothing simplified away, everybody named; GitPython tells the same."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from git import Repo

from labelvc.errors import StoreError
from labelvc.model.snapshot import FileChange
from labelvc.store import git as plumbing
from labelvc.store import log


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


def told(repo: Path, paths=("f.jsonl",), head="HEAD", **span):
    """Return subject and (old lines, new lines) of each file, oldest first; of a merge the number of parents it differs from."""
    found = []
    for entry in log.read(plumbing.find(repo), head, paths, **span):
        files = [
            (b"".join(one.old).decode(), b"".join(one.new).decode()) if isinstance(one, FileChange) else len(one.olds)
            for one in entry.files
        ]
        found.append((entry.commit.subject, files))
    return found[::-1]


def test_a_straight_line(repo, commit):
    commit("1\n", "first")
    commit("x\n", "elsewhere", "g.jsonl")
    middle = commit("2\n", "second")
    commit(None, "gone")
    commit("3\n", "back")
    everything = [("first", [("", "1")]), ("second", [("1", "2")]), ("gone", [("2", "")]), ("back", [("", "3")])]
    assert told(repo) == everything
    assert told(repo, base=middle) == everything[2:]
    assert told(repo, head=middle) == everything[:2]
    assert [subject for subject, _ in told(repo, paths=())] == ["first", "elsewhere", "second", "gone", "back"]


def test_who_and_when(repo, commit, monkeypatch):
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Ben Béla")
    monkeypatch.setenv("GIT_AUTHOR_EMAIL", "ben@example.com")
    monkeypatch.setenv("GIT_AUTHOR_DATE", "2026-02-03T04:05:06+0530")
    one = commit("1\n", "subject\n\nbody\n\nCo-Authored-By: Cy <cy@example.com>\nco-authored-by: Di <di@example.com>\n")
    (found,) = log.commits(plumbing.find(repo), "HEAD", ["f.jsonl"])
    assert (found.id, found.parents) == (one, ())
    assert found.author == ("Ben Béla", "ben@example.com")
    assert found.coauthors == (("Cy", "cy@example.com"), ("Di", "di@example.com"))
    assert found.authored == "2026-02-03T04:05:06+05:30"
    assert found.subject == "subject"
    assert log.named(plumbing.find(repo), [one]) == {one: found}


def test_gitpython_tells_the_same(repo, git, commit):
    """An independent reader of the same objects: ids, parents, people, dates, of a history with every kind of merge."""
    commit("1\n", "base")
    git(repo, "checkout", "-qb", "side")
    commit("side\n", "side\n\nCo-authored-by: Cy <cy@example.com>", "f.jsonl", "--author", "Ünal <u@example.com>")
    git(repo, "checkout", "-q", "main")
    commit("main\n", "main\n\nsecond line")
    subprocess.run(["git", "merge", "-q", "side"], cwd=repo, capture_output=True, check=False)
    commit("evil\n", "merged")
    git(repo, "checkout", "-qb", "other", "HEAD~1")
    commit("other\n", "other")
    git(repo, "checkout", "-q", "main")
    git(repo, "merge", "-q", "-s", "ours", "-m", "ours", "other")
    with Repo(repo) as other:
        expected = {
            found.hexsha: (
                tuple(parent.hexsha for parent in found.parents),
                (found.author.name, found.author.email),
                [(person.name, person.email) for person in found.co_authors],
                found.authored_datetime.isoformat(),
                str(found.message).split("\n")[0],
            )
            for found in other.iter_commits("HEAD")
        }
    git_ = plumbing.find(repo)
    found = {
        one.id: (one.parents, tuple(one.author), [tuple(each) for each in one.coauthors], one.authored, one.subject)
        for one in log.commits(git_, "HEAD", [])
    }
    assert found == expected
    assert len(found) == 6


def test_an_edit_inside_a_merge_is_seen(repo, git, commit):
    commit("1\n", "base")
    git(repo, "checkout", "-qb", "side")
    commit("side\n", "side")
    git(repo, "checkout", "-q", "main")
    commit("main\n", "main")
    subprocess.run(["git", "merge", "-q", "side"], cwd=repo, capture_output=True, check=False)
    commit("evil\n", "merged")
    found = told(repo)
    assert found[-1] == ("merged", [2])
    assert {subject for subject, _ in found} == {"base", "side", "main", "merged"}


def test_a_side_thrown_away_by_a_merge_is_seen(repo, git, commit):
    commit("1\n", "base")
    git(repo, "checkout", "-qb", "side")
    commit("side\n", "side")
    git(repo, "checkout", "-q", "main")
    commit("x\n", "elsewhere", "g.jsonl")
    git(repo, "merge", "-q", "-s", "ours", "-m", "ours", "side")
    assert [subject for subject, _ in told(repo)][:2] == ["base", "side"]


def test_a_replaced_commit_keeps_its_author(repo, git, commit):
    one = commit("1\n", "first")
    two = commit("2\n", "second", "f.jsonl", "--author", "Di <di@example.com>")
    git(repo, "replace", two, git(repo, "commit-tree", "-p", one, "-m", "forged", f"{two}^{{tree}}").strip())
    found = log.commits(plumbing.find(repo), two, ["f.jsonl"])
    assert [each.author.email for each in found] == ["di@example.com", "ada@example.com"]


def test_folders_and_strange_names_count(repo, commit):
    (repo / "d").mkdir()
    commit("1\n", "plain", "p.jsonl")
    commit("1\n", "folder", "d/ä b.jsonl")
    assert [subject for subject, _ in told(repo, ["d"])] == ["folder"]
    found = [file.path for entry in log.read(plumbing.find(repo), "HEAD", ["d"]) for file in entry.files]
    assert found == ["d/ä b.jsonl"]
    assert told(repo, ["nowhere"]) == []


def test_history_cut_off_is_no_history(repo, git, commit, tmp_path):
    commit("1\n")
    commit("2\n")
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{repo}", "shallow")
    with pytest.raises(StoreError) as caught:
        list(log.read(plumbing.find(tmp_path / "shallow"), "HEAD", ["f.jsonl"]))
    assert caught.value.hint == "git fetch --unshallow"


def merged(repo, git, commit):
    """Make a history of criss-cross merges, one with another text than both sides, one that throws a side away, and one of three."""
    commit("1\n", "base")
    commit("x\n", "elsewhere", "g.jsonl")
    git(repo, "checkout", "-qb", "side")
    commit("side\n", "side")
    git(repo, "checkout", "-q", "main")
    commit("main\n", "main")
    subprocess.run(["git", "merge", "-q", "side"], cwd=repo, capture_output=True, check=False)
    commit("evil\n", "merged")
    git(repo, "checkout", "-q", "side")
    git(repo, "merge", "-q", "-s", "ours", "-m", "ours", "main~1")
    git(repo, "checkout", "-q", "main")
    git(repo, "merge", "-q", "-s", "ours", "-m", "criss-cross", "side")
    for name in ("one", "two"):
        git(repo, "checkout", "-qb", name, "main~1")
        commit(f"{name}\n", name, f"{name}.jsonl")
        git(repo, "checkout", "-q", "main")
    git(repo, "merge", "-q", "-m", "three", "one", "two")
    commit(None, "gone")
    commit("back\n", "back")


SETTINGS = {
    "log.showRoot": "false",
    "log.follow": "true",
    "log.showSignature": "true",
    "log.diffMerges": "combined",
    "log.decorate": "full",
    "log.date": "relative",
    "format.pretty": "fuller",
    "diff.renames": "copies",
    "diff.relative": "true",
    "diff.noprefix": "true",
    "diff.ignoreSubmodules": "all",
    "color.ui": "always",
    "core.quotePath": "true",
    "core.abbrev": "4",
    "notes.displayRef": "*",
}


@pytest.mark.parametrize("paths", [("f.jsonl",), ("one.jsonl", "f.jsonl"), ("g.jsonl",), ("nowhere",)])
def test_a_walk_is_the_commits_and_what_each_of_them_changed(repo, git, commit, paths):
    """One git tells what two do, whatever the settings of the interface."""
    merged(repo, git, commit)
    for name, value in SETTINGS.items():
        git(repo, "config", name, value)
    here = plumbing.find(repo)
    every = log.parents(here, "HEAD")
    found = log.walk(here, "HEAD", paths)
    assert list(found.parents.items()) == list(every.items())
    assert found.made == [entry.parted() for entry in log.apart(here, every, paths)]
    assert bool(found.made) == (paths != ("nowhere",))


def test_a_walk_of_a_cut_off_history_is_refused(repo, git, commit, tmp_path):
    commit("1\n")
    commit("2\n")
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{repo}", "shallow")
    with pytest.raises(StoreError) as caught:
        log.walk(plumbing.find(tmp_path / "shallow"), "HEAD", ["f.jsonl"])
    assert caught.value.hint == "git fetch --unshallow"


@pytest.mark.parametrize(
    "setting", ["log.date=nonsense", "diff.renames=nonsense", "color.ui=nonsense", "log.diffMerges=nonsense"]
)
def test_a_setting_that_git_cannot_read_stops_no_walk(repo, git, commit, setting):
    merged(repo, git, commit)
    here = plumbing.find(repo)
    before = log.walk(here, "HEAD", ["f.jsonl"])
    with (repo / ".git/config").open("a") as file:
        name, _, value = setting.partition("=")
        file.write("[{}]\n{} = {}\n".format(*name.split("."), value))
    assert log.walk(here, "HEAD", ["f.jsonl"]) == before


@pytest.mark.parametrize("name", ["i18n.logOutputEncoding", "i18n.commitEncoding"])
@pytest.mark.parametrize("encoding", ["UTF-7", "UTF-16", "EBCDIC-US", "ISO-8859-1"])
def test_commits_are_read_whatever_a_terminal_reads(repo, git, commit, name, encoding):
    commit("1\n", "Bücher", "f.jsonl", "--author", "Ünal Öz <u@example.com>")
    commit("2\n", "more", "f.jsonl", "--author", "Ünal Öz <u@example.com>")
    git(repo, "config", name, encoding)
    here = plumbing.find(repo)
    found = list(log.read(here, "HEAD", ["f.jsonl"]))
    assert [(one.commit.author.name, one.commit.subject) for one in found] == [
        ("Ünal Öz", "more"),
        ("Ünal Öz", "Bücher"),
    ]
    assert [one.commit for one in found] == log.commits(here, "HEAD", ["f.jsonl"])
    assert [one.commit for one in log.walk(here, "HEAD", ["f.jsonl"]).made] == [one.commit.id for one in found]


def test_many_commits_are_named_at_once(repo, commit):
    """More ids than a command line holds."""
    own = commit("1\n")
    assert list(log.named(plumbing.find(repo), [own] * 60_000)) == [own]
