"""Commit objects read by ourselves say what git shows of them, or are left to git."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from labelvc.codec import commits
from labelvc.store import git as plumbing
from labelvc.store import log
from labelvc.store.objects import Objects

_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
_PLAIN = "Ada <ada@example.com> 1700000000 +0530"
_WORDS = st.text(st.characters(exclude_characters="\0\n", exclude_categories=["Cs"]), max_size=12)
_NAMES = st.one_of(_WORDS, st.sampled_from(["Ada", "Ünal Öz", " Ada", "Ada ", "", "a", "Ada. ", "<", "Ada <x>"]))
_ADDRESSES = st.one_of(_WORDS, st.sampled_from(["ada@example.com", "", " a@b ", "a b", "a>b", "@"]))
_SECONDS = st.one_of(
    st.integers(0, 1 << 36).map(str), st.sampled_from(["", "-5", "007", "1e3", "99999999999", "9" * 20, "x"])
)
_ZONES = st.one_of(
    st.sampled_from(["+0000", "-0000", "+1400", "-1130", "+0545", "+9999", "-2400", "+60", "0530", "", "+05:30", "x"])
)
_PEOPLE = st.one_of(
    st.just(_PLAIN),
    st.builds("{} <{}> {} {}".format, _NAMES, _ADDRESSES, _SECONDS, _ZONES),
    st.builds("{} <ada@example.com> {} +0100".format, _NAMES, _SECONDS),
)
_EXTRA = st.sampled_from(
    [
        "",
        "encoding ISO-8859-1\n",
        "gpgsig -----BEGIN SSH SIGNATURE-----\n \n U1NIU0lH\n -----END SSH SIGNATURE-----\n",
        "mergetag object x\n encoding x\n",
        "odd\n",
    ]
)
_MESSAGES = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    st.sampled_from(
        [
            "subject\n",
            "\n\n  subject \n\nbody",
            "first\r\nsecond\n",
            "s\n\nCo-authored-by: Cy <cy@example.com>\nCO-AUTHORED-BY:  Di\n  <di@example.com >\n",
            "",
        ]
    ),
)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> plumbing.Git:
    folder = tmp_path_factory.mktemp("commits")
    for words in (("init", "-q", "-b", "main"), ("hash-object", "-t", "tree", "-w", "--stdin")):
        subprocess.run(["git", *words], cwd=folder, input=b"", check=True, capture_output=True)
    return plumbing.find(folder)


def written(folder: Path, data: bytes) -> str:
    """Put a commit object down whatever it says."""
    words = ["git", "hash-object", "-t", "commit", "-w", "--stdin", "--literally"]
    return subprocess.run(words, cwd=folder, input=data, check=True, capture_output=True).stdout.decode().strip()


def object_of(author: str, committer: str, extra: str, message: str) -> bytes:
    return f"tree {_TREE}\nauthor {author}\ncommitter {committer}\n{extra}\n{message}".encode()


@settings(max_examples=150)
@given(_PEOPLE, _PEOPLE, _EXTRA, _MESSAGES)
@example(_PLAIN, _PLAIN, "", "subject\n\nbody\n")
@example(_PLAIN, "Ada <> 253402300800 +0000", "", "beyond the last year")
@example(_PLAIN, _PLAIN, "author Evil <e@e.e> 1600000000 +0100\n", "of two git shows the last")
@example(_PLAIN, _PLAIN, "gpgsig x\n y\ncommitter Evil <e@e.e> 1600000000 +0100\n", "")
@example("A\0B <a@b.c> 1700000000 +0000", _PLAIN, "", "x")
def test_what_is_read_is_what_git_shows(
    repository: plumbing.Git, author: str, committer: str, extra: str, message: str
):
    data = object_of(author, committer, extra, message)
    own = written(repository.top, data)
    found = commits.read(own, data)
    assert found is None or log.named(repository, [own]) == {own: found}


def test_what_git_itself_writes_is_read(repo: Path, git, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GIT_AUTHOR_DATE", "2026-02-03T04:05:06-0330")
    for number in range(2):
        (repo / "a").write_text(str(number))
        git(repo, "add", "-A")
        git(repo, "commit", "-qm", f"Bücher {number}\n\nwhy\n\nCo-authored-by: Cy <cy@example.com>")
    here = plumbing.find(repo)
    ids = git(repo, "rev-list", "HEAD").split()
    with Objects(here) as objects:
        read = {own: commits.read(own, data) for own, data in zip(ids, objects.many(ids), strict=True)}
    assert read == log.named(here, ids)


@pytest.mark.parametrize(
    "spoilt",
    [
        object_of(_PLAIN, _PLAIN, "encoding ISO-8859-1\n", "x"),
        object_of(_PLAIN, _PLAIN, "", "one\0two"),
        object_of("Ada <ada@example.com", _PLAIN, "", "x"),
        object_of(_PLAIN, "Ada <ada@example.com> 1700000000 +9900", "", "x"),
        object_of(_PLAIN, _PLAIN, "", "x").replace(b"Ada", b"\xff"),
        b"tree x",
        b"",
    ],
)
def test_what_only_git_can_show_is_left_to_it(spoilt: bytes):
    assert commits.read("0" * 40, spoilt) is None
