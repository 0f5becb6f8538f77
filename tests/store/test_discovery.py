"""Discovery without git: what is told is what git says, and whatever git alone can tell is asked of it."""

import os
import subprocess
from pathlib import Path

import pytest

from labelvc.errors import StoreError
from labelvc.store import discovery, process
from labelvc.store import git as plumbing

QUESTION = ("rev-parse", "--absolute-git-dir", "--git-common-dir", "--show-toplevel")


def made(folder):
    """Make a repository with folders in it, the one that a `git init` makes."""
    (folder / "deep" / "er").mkdir(parents=True)
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    return folder


def told(start):
    """Return what git itself says of a folder: git folder, common folder and top; None when it says that there is no such thing."""
    done = subprocess.run(["git", *QUESTION], cwd=start, capture_output=True, text=True, check=False)
    rows = done.stdout.splitlines()
    if done.returncode or len(rows) != 3:
        return None
    return Path(rows[0]), (start / rows[1]).resolve(), Path(rows[2])


def plain(start):
    return discovery.plain(start, process.environment())


def configured(text):
    def change(top):
        with (top / ".git" / "config").open("a") as file:
            file.write(text)

    return change


def written(name, text):
    return lambda top: (top / ".git" / name).write_text(text)


def moved(top):
    (top / ".git").rename(top.with_name("elsewhere"))
    (top / ".git").symlink_to(top.with_name("elsewhere"))


def pointed(top):
    (top / ".git").rename(top.with_name("elsewhere"))
    (top / ".git").write_text(f"gitdir: {top.with_name('elsewhere')}\n")


def linked(top):
    elsewhere = made(top.with_name("main"))
    commit = ("-c", "user.name=n", "-c", "user.email=e", "commit", "-q", "--allow-empty", "-m", "one")
    subprocess.run(["git", *commit], cwd=elsewhere, check=True)
    subprocess.run(["rm", "-rf", str(top)], check=True)
    subprocess.run(["git", "worktree", "add", "-q", str(top)], cwd=elsewhere, check=True, capture_output=True)
    (top / "deep" / "er").mkdir(parents=True)


def emptied(top):
    subprocess.run(["rm", "-rf", str(top / ".git")], check=True)
    (top / ".git").mkdir()


def nested(top):
    made(top / "deep")


USUAL = {
    "new": lambda _: None,
    "a detached head": written("HEAD", f"{'a' * 40}\n"),
    "a driver in quotes": configured('[merge "labelvc"]\n\tdriver = \'/a b/python\' -m labelvc %O "%A"\n'),
    "a remote and a comment": configured('# one\n[remote "origin"]\n\turl = https://h/x.git\n[Core]\n\tbare = false\n'),
    "a repository in it": nested,
    "a file called HEAD beside it": lambda top: (top / "HEAD").write_text("x"),
}
UNUSUAL = {
    "a link in its place": moved,
    "a file in its place": pointed,
    "a linked work tree": linked,
    "an empty folder in its place": emptied,
    "no objects": lambda top: (top / ".git" / "objects").rename(top / "gone"),
    "no refs": lambda top: (top / ".git" / "refs").rename(top / "gone"),
    "no configuration": lambda top: (top / ".git" / "config").unlink(),
    "a head that is none": written("HEAD", "main\n"),
    "another work tree": configured("[core]\n\tworktree = ../deep\n"),
    "a work tree without a name": configured("[core]\n\tworktree =\n"),
    "another work tree in capitals": configured("[core]\n\tWorkTree = ../deep\n"),
    "bare": configured("[core]\n\tbare = true\n"),
    "bare in one word": configured("[core]\n\tbare\n"),
    "bare on one line": configured("[core] bare = true\n"),
    "bare on one line that ends like a section": configured("[core] bare = true ; ]\n"),
    "bare after a line that goes on": configured("[a]\n\tb = c \\\n[core]\n[core]\n\tbare = yes\n"),
    "another format": configured("[core]\n\trepositoryformatversion = 1\n[extensions]\n\tobjectFormat = sha256\n"),
    "a format nobody knows": configured("[core]\n\trepositoryformatversion = 9\n"),
    "its own configuration a work tree": configured("[extensions]\n\tworktreeConfig = true\n"),
    "a configuration that is none": configured("[core\n\tbare = false\n"),
    "what it shares with another": written("commondir", "../../main/.git\n"),
}


@pytest.mark.parametrize("name", [*USUAL, *UNUSUAL])
def test_it_tells_what_git_tells(name, tmp_path):
    top = made(tmp_path / "top")
    {**USUAL, **UNUSUAL}[name](top)
    for start in (top, top / "deep" / "er", top / "deep" / ".." / "deep", top / ".git", top / ".git" / "refs"):
        if not start.is_dir():
            continue
        said, found = told(start), plain(start)
        assert found is None or said == (found / ".git", found / ".git", found), start
        try:
            asked = plumbing.find(start)
        except StoreError:
            assert said is None, start
        else:
            assert said == (asked.directory, asked.common, asked.top) or (said is None and asked.bare), start
    assert (plain(top) is not None) == (name in USUAL)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("GIT_DIR", "../other/.git"), ("GIT_WORK_TREE", "deep"), ("GIT_CEILING_DIRECTORIES", "/"), ("GIT_COMMON_DIR", "x"),
        ("GIT_CONFIG_COUNT", "0"), ("GIT_CONFIG_PARAMETERS", "'core.bare=true'"), ("GIT_NEVER_HEARD_OF", "1"),
        ("GIT_DISCOVERY_ACROSS_FILESYSTEM", "1"), ("GIT_OBJECT_DIRECTORY", "x"), ("GIT_NAMESPACE", "x"),
    ],
)  # fmt: skip
def test_a_variable_that_may_tell_is_left_to_git(variable, value, tmp_path, monkeypatch):
    top = made(tmp_path / "top")
    assert plain(top) == top
    monkeypatch.setenv(variable, value)
    assert plain(top) is None
    alone = process.environment(alone=True)
    assert (discovery.plain(top, alone) == top) == (variable not in alone)


def test_what_a_person_sets_for_all_repositories_moves_none(tmp_path, monkeypatch):
    top = made(tmp_path / "top")
    home = tmp_path / "config"
    home.write_text(
        "[core]\n\tbare = true\n\tworktree = /nowhere\n[safe]\n\tdirectory =\n\tbareRepository = explicit\n"
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(home))
    assert told(top) == (top / ".git", top / ".git", top)
    assert plain(top) == top


def test_a_repository_of_somebody_else_is_left_to_git_which_refuses_it(tmp_path, monkeypatch):
    top = made(tmp_path / "top")
    monkeypatch.setattr(os, "geteuid", lambda: top.stat().st_uid + 1)
    assert plain(top) is None
    monkeypatch.undo()
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(StoreError, match="dubious ownership"):
        plumbing.find(top)


def test_a_name_that_is_no_text_and_a_link_to_a_folder_lead_where_git_goes(tmp_path):
    top = made(Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff n\xc3\xa4me")))
    (tmp_path / "link").symlink_to(top / "deep")
    assert plain(tmp_path / "link" / "er") == top
    assert os.fsencode(plumbing.find(tmp_path / "link" / "er").top) == os.fsencode(top)


def test_the_usual_repository_is_found_without_a_git(tmp_path, gits):
    top = made(tmp_path / "top")
    gits()
    assert plumbing.find(top / "deep").top == top
    assert gits() == []
