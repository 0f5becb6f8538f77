"""Pseudonyms in a project: epochs begin, the active secret is found and proved, values become tokens once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from labelvc.codec import epochs
from labelvc.core import pseudonym
from labelvc.errors import ConfigurationError, TrustError
from labelvc.model.secret import Secret
from labelvc.ops import pseudonyms
from labelvc.store import git as plumbing
from labelvc.store import keyring, tree

PROJECT = "6f9619ff-8b86-4d01-b42d-00c04fc964ff"


def active(folder: Path) -> Secret:
    git = plumbing.find(folder)
    with tree.reader(git) as reader:
        return pseudonyms.active(git, tree.work(git), reader)


def begin(folder: Path, known: bytes = b"") -> bytes:
    data = pseudonyms.begin(plumbing.find(folder), "2026-03-01T09:00:00Z", known)
    (folder / "privacy").mkdir(exist_ok=True)
    (folder / epochs.PATH).write_bytes(data)
    return data


def test_a_first_epoch_begins(repo: Path):
    data = begin(repo)
    (epoch,) = epochs.read(data)
    assert (epoch.id, epoch.status) == ("b", "active")
    assert pseudonym.commitment(active(repo)) == epoch.commitment
    assert active(repo).reveal().hex() not in data.decode()


def test_a_second_epoch_retires_the_first(repo: Path):
    first = begin(repo)
    old = active(repo)
    begin(repo, first)
    assert [(epoch.id, epoch.status) for epoch in epochs.read((repo / epochs.PATH).read_bytes())] == [
        ("b", "retired"),
        ("c", "active"),
    ]
    assert active(repo).epoch == "c"
    assert keyring.load(plumbing.find(repo), epochs.read(first)[0]) == old


def test_no_epoch(repo: Path):
    with pytest.raises(ConfigurationError) as caught:
        active(repo)
    assert caught.value.hint == "labelvc pseudonym new"


def test_a_clone_has_the_list_but_not_the_secret(repo: Path, tmp_path: Path, git: Callable[..., str]):
    begin(repo)
    git(repo, "add", ".")
    git(repo, "commit", "-qm", "Begin")
    git(tmp_path, "clone", "-q", str(repo), "copy")
    with pytest.raises(TrustError, match="not on this machine"):
        active(tmp_path / "copy")
    source = keyring.path(plumbing.find(repo), "b").read_bytes()
    secret = epochs.read_secret(source, "b")
    assert secret is not None
    keyring.keep(plumbing.find(tmp_path / "copy"), secret)
    assert active(tmp_path / "copy") == active(repo)


def test_someone_elses_secret_is_refused(repo: Path):
    begin(repo)
    path = keyring.path(plumbing.find(repo), "b")
    path.unlink()
    keyring.create(plumbing.find(repo), "b")
    with pytest.raises(TrustError, match="other people"):
        active(repo)


def test_values_become_tokens_and_tokens_stay(repo: Path):
    begin(repo)
    tokenise = pseudonyms.tokeniser((active(repo),), PROJECT)
    token = tokenise("main", "person", "ada@example.com")
    assert token == tokenise("main", "person", " Ada@Example.com")
    assert token == tokenise("main", "person", token) == tokenise("main", "account", token)
    assert token == pseudonym.token(active(repo), PROJECT, "main", "person", "ada@example.com")
    assert token != tokenise("main", "email", "ada@example.com")
    assert token != tokenise("release-1", "person", "ada@example.com")
