"""Fetching one commit: over real https and ssh, once; and from servers and addresses that mean no good."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from labelvc.errors import DataError, Error, StoreError
from labelvc.store import fetching, origins
from labelvc.store import git as plumbing
from labelvc.store.git import Git
from tests.serving import serving


@pytest.fixture
def here(repo: Path) -> Git:
    return plumbing.find(repo)


@pytest.fixture
def shared(tmp_path: Path, git: Callable[..., str]) -> Path:
    """Return a repository with two commits, the first of them tagged."""
    folder = tmp_path / "served" / "modules"
    (folder / "litter").mkdir(parents=True)
    git(folder, "init", "-q")
    for tag in ("v1", "v2"):
        (folder / "litter/module.yaml").write_text(f"{tag}\n")
        git(folder, "add", "--all")
        git(folder, "commit", "-qm", tag)
        git(folder, "tag", tag)
    return folder


@pytest.fixture
def address(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with serving(shared.parent, tmp_path) as url:
        monkeypatch.setenv("GIT_SSL_CAINFO", str(tmp_path / "server.pem"))
        yield f"{url}/modules/.git"


def kept(here: Git) -> list[str]:
    return sorted(path.name for path in (here.common / "labelvc" / "modules").glob("*"))


def test_a_commit_is_fetched_once_and_read_without_a_checkout(here, shared, address, git):
    first, second = (git(shared, "rev-parse", tag).strip() for tag in ("v1", "v2"))
    assert fetching.fetch(here, address, "").commit == second
    fetched = fetching.fetch(here, address, "v1")
    assert fetched.commit == first
    origin = origins.find(here, here.top, f"{address}#litter", "v1")
    assert (origin.commit, origin.read("module.yaml")) == (first, b"v1\n")
    assert len(kept(here)) == 1
    inside = {path.name for path in fetched.git.directory.iterdir()}
    assert not inside & {"hooks", "index"}
    assert git(here.top, "status", "--porcelain") == ""


def test_what_was_fetched_is_read_offline_by_its_full_id(here, shared, tmp_path, monkeypatch, git):
    first = git(shared, "rev-parse", "v1").strip()
    with serving(shared.parent, tmp_path) as url:
        monkeypatch.setenv("GIT_SSL_CAINFO", str(tmp_path / "server.pem"))
        fetching.fetch(here, f"{url}/modules/.git", "v1")
    assert fetching.fetch(here, f"{url}/modules/.git", first, wait=0).commit == first
    with pytest.raises(StoreError):
        fetching.fetch(here, f"{url}/modules/.git", "v1", wait=5)


def test_over_ssh(here, shared, tmp_path, monkeypatch):
    """git starts the ssh that the user's environment names; this one runs the other end on this machine."""
    script = tmp_path / "ssh"
    script.write_text('for word; do last=$word; done\nexec sh -c "$last"\n')
    monkeypatch.setenv("GIT_SSH_COMMAND", f"sh {script}")
    monkeypatch.setenv("GIT_SSH_VARIANT", "simple")
    top = here.common / "labelvc/modules/x"
    for url in (f"ssh://git@host.example{shared}", f"git@host.example:{os.path.relpath(shared, top)}"):
        fetched = fetching.fetch(here, url, "")
        assert plumbing.show(fetched.git, fetched.commit, "litter/module.yaml") == b"v2\n"


@pytest.mark.parametrize("rev", ["nothing", "v3", "0" * 40])
def test_a_revision_that_is_not_there(here, address, rev):
    with pytest.raises(StoreError) as caught:
        fetching.fetch(here, address, rev)
    assert caught.value.hint.startswith("git ls-remote")
    assert kept(here) == [], "nothing half made stays"


@pytest.mark.parametrize(
    "rev", ["-x", "--upload-pack=touch pwned", "a b", "+refs/heads/*:refs/heads/*", "main:main", "a\nb"]
)
def test_a_revision_that_is_none(here, rev):
    with pytest.raises(DataError):
        fetching.fetch(here, "https://127.0.0.1:1/x", rev)
    assert not (here.top / "pwned").exists()


@pytest.mark.parametrize(
    "url",
    [
        "file:///srv/x", "ext::sh -c touch% pwned", "git://host.example/x", "http://host.example/x", "ftp://host.example/x",
        "fd::3", "https://user:secret@host.example/x", "https://token@host.example/x", "ssh://-oProxyCommand=touch pwned/x",
        "ssh://git:secret@host.example/x", "https:///x", "https://[::1", "transport::https://host.example/x",
    ],
)  # fmt: skip
def test_an_address_that_is_not_asked(here, url):
    assert fetching.is_remote(url)
    with pytest.raises(DataError) as caught:
        fetching.fetch(here, url, "")
    told = f"{caught.value.message} {caught.value.where} {caught.value.hint}"
    assert "secret" not in told
    assert "token" not in told
    assert caught.value.hint
    assert not list(here.top.rglob("pwned"))


@pytest.mark.parametrize("text", ["../x", "./x", "box-checks", "/a/b", "a/b", "~/x", "package:a/b", "C:", "-x", "a@b"])
def test_what_is_no_address(text):
    assert not fetching.is_remote(text)


def test_a_server_that_asks_for_a_password_gets_none(here, shared, tmp_path, monkeypatch):
    """Neither a terminal nor a program is asked."""
    asked = tmp_path / "askpass"
    asked.write_text(f"#!/bin/sh\ntouch {tmp_path}/pwned\necho secret\n")
    asked.chmod(0o755)
    for name in ("GIT_ASKPASS", "SSH_ASKPASS"):
        monkeypatch.setenv(name, str(asked))
    monkeypatch.delenv("GIT_TERMINAL_PROMPT")
    with serving(shared.parent, tmp_path, locked=True) as url:
        monkeypatch.setenv("GIT_SSL_CAINFO", str(tmp_path / "server.pem"))
        with pytest.raises(StoreError) as caught:
            fetching.fetch(here, f"{url}/modules/.git", "", wait=20)
    assert "could not" in caught.value.message
    assert not (tmp_path / "pwned").exists()


def test_a_server_that_never_answers_is_left(here):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        begun = time.monotonic()
        with pytest.raises(StoreError) as caught:
            fetching.fetch(here, f"https://127.0.0.1:{silent.getsockname()[1]}/x", "", wait=1)
    assert time.monotonic() - begun < 10
    assert "1 seconds" in caught.value.message
    assert "--wait" in caught.value.hint
    assert kept(here) == []


def test_a_repository_that_is_too_large_is_left(here, shared, address, git):
    git(shared, "config", "core.compression", "0")
    with (shared / "weights.bin").open("wb") as file:
        for _ in range(66):
            file.write(os.urandom(1 << 20))
    git(shared, "add", "--all")
    git(shared, "commit", "-qm", "weights")
    with pytest.raises(StoreError) as caught:
        fetching.fetch(here, address, "")
    assert "too large" in caught.value.message
    assert kept(here) == []


def test_a_server_is_not_followed_to_another_protocol(here, shared, tmp_path, monkeypatch, git):
    """Not by the settings of a person either: an address of one's own is rewritten to a program."""
    git(
        here.top,
        "config",
        "--global",
        f"url.ext::sh -c touch% {tmp_path}/pwned%.insteadOf",
        "https://rewritten.example/",
    )
    with pytest.raises(Error):
        fetching.fetch(here, "https://rewritten.example/x", "", wait=10)
    assert not list(tmp_path.glob("pwned*"))
