"""Searching: git says which files hold a text, whatever the clone's settings and attributes would have it say."""

from __future__ import annotations

import pytest

from labelvc.errors import StoreError
from labelvc.store import git as plumbing
from labelvc.store import search


def test_files_that_hold_a_text_are_found_byte_for_byte(repo, git):
    files = {
        "a/1/list": b'{"k":"x.y"}\n',
        "a/2/list": b'{"k":"xzy"}\n',
        "a/3/list": b'\0\xff{"k":"x.y"}',
        "a/3/other": b'{"k":"x.y"}\n',
        "a/4/deep/list": b'{"k":"x.y"}\n',
        "a/é ü/list": '{"k":"ü"}\n'.encode(),
        "b/1/list": b'{"k":"x.y"}\n',
        ".gitattributes": b"* binary diff=upper\n",
    }
    for name, data in files.items():
        (repo / name).parent.mkdir(parents=True, exist_ok=True)
        (repo / name).write_bytes(data)
    (repo / "a/5").mkdir()
    (repo / "a/5/list").symlink_to('{"k":"x.y"}')
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "x")
    for name, value in {
        "grep.patternType": "perl",
        "grep.lineNumber": "true",
        "grep.fullName": "false",
        "color.ui": "always",
        "diff.upper.textconv": "tr a-z A-Z <",
        "submodule.recurse": "true",
    }.items():
        git(repo, "config", name, value)
    (repo / "a/1/list").unlink()
    where, commit = plumbing.find(repo), git(repo, "rev-parse", "HEAD").strip()
    assert search.holding(where, commit, [b'"k":"x.y"'], "a/*/list") == ["a/1/list", "a/3/list"]
    assert search.holding(where, commit, [b'"k":"X.Y"'], "a/*/list") == []
    assert search.holding(where, commit, ['"ü"'.encode(), b"xzy"], "a/*/list") == ["a/2/list", "a/é ü/list"]
    with pytest.raises(StoreError):
        search.holding(where, "1" * 40, [b"x"], "a/*/list")


def test_a_file_that_is_missing_is_no_file_that_holds_nothing(repo, git):
    for name in ("one", "two"):
        (repo / f"a/{name}").mkdir(parents=True)
        (repo / f"a/{name}/list").write_text(f"{name}\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "x")
    gone = git(repo, "rev-parse", "HEAD:a/two/list").strip()
    (repo / ".git/objects" / gone[:2] / gone[2:]).unlink()
    where, commit = plumbing.find(repo), git(repo, "rev-parse", "HEAD").strip()
    for text in (b"one", b"two", b"three"):
        with pytest.raises(StoreError, match="unable to read"):
            search.holding(where, commit, [text], "a/*/list")
