"""The keyring: secrets are kept for their owner only, never overwritten, and a wrong one is refused before it makes a token."""

from __future__ import annotations

import multiprocessing
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from labelvc.codec import epochs
from labelvc.codec.derive import commitment
from labelvc.errors import DataError, TrustError
from labelvc.model.secret import Epoch, Secret
from labelvc.store import git as plumbing
from labelvc.store import keyring
from labelvc.store.git import Git

CREATED = "2026-03-01T09:00:00Z"


@pytest.fixture
def git_of(repo: Path) -> Git:
    return plumbing.find(repo)


def epoch(secret: Secret) -> Epoch:
    return Epoch(secret.epoch, "active", CREATED, commitment(secret.reveal()))


def test_a_secret_is_kept_for_its_owner_only(git_of: Git):
    secret = keyring.create(git_of, "b")
    path = keyring.path(git_of, "b")
    assert path == git_of.common / "labelvc" / "keyring" / "b.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [entry.name for entry in path.parent.iterdir()] == ["b.key"]
    assert keyring.load(git_of, epoch(secret)) == secret
    assert len(secret.reveal()) == 32
    assert keyring.create(git_of, "c").reveal() != secret.reveal()


def test_an_open_umask_opens_nothing(git_of: Git):
    before = os.umask(0)
    try:
        secret = keyring.create(git_of, "b")
    finally:
        os.umask(before)
    assert keyring.load(git_of, epoch(secret)) == secret


def test_git_never_sees_it(repo: Path, git_of: Git, git: Callable[..., str]):
    keyring.create(git_of, "b")
    git(repo, "add", "--all")
    assert git(repo, "status", "--porcelain") == ""


def test_work_trees_share_it(repo: Path, tmp_path: Path, git_of: Git, git: Callable[..., str]):
    secret = keyring.create(git_of, "b")
    git(repo, "commit", "-q", "--allow-empty", "-m", "Begin")
    git(repo, "worktree", "add", "-q", str(tmp_path / "second"))
    assert keyring.load(plumbing.find(tmp_path / "second"), epoch(secret)) == secret


def test_nothing_is_overwritten(git_of: Git):
    secret = keyring.create(git_of, "b")
    with pytest.raises(TrustError, match="another secret"):
        keyring.create(git_of, "b")
    keyring.keep(git_of, secret)  # the same secret again is no harm
    assert keyring.load(git_of, epoch(secret)) == secret
    assert [entry.name for entry in keyring.path(git_of, "b").parent.iterdir()] == ["b.key"]


def _race(git_of: Git, queue: multiprocessing.Queue) -> None:
    try:
        queue.put(keyring.create(git_of, "b").reveal())
    except TrustError:
        queue.put(None)


def test_of_two_at_once_one_wins(git_of: Git):
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    racers = [context.Process(target=_race, args=(git_of, queue)) for _ in range(6)]
    for racer in racers:
        racer.start()
    made = [queue.get(timeout=30) for _ in racers]
    for racer in racers:
        racer.join()
    (winner,) = [key for key in made if key]
    assert keyring.load(git_of, Epoch("b", "active", CREATED, "")).reveal() == winner


@pytest.mark.parametrize(
    ("place", "mode", "cure"),
    [
        ("b.key", 0o640, "chmod 600"),
        ("b.key", 0o604, "chmod 600"),
        (".", 0o750, "chmod 700"),
        (".", 0o701, "chmod 700"),
    ],
)
def test_a_key_that_others_may_read_is_refused(git_of: Git, place: str, mode: int, cure: str):
    secret = keyring.create(git_of, "b")
    folder = keyring.path(git_of, "b").parent
    (folder / place).chmod(mode)
    with pytest.raises(TrustError, match="others") as caught:
        keyring.load(git_of, epoch(secret))
    assert caught.value.hint.startswith(cure)
    (folder / place).chmod(0o700 if place == "." else 0o600)
    assert keyring.load(git_of, epoch(secret)) == secret


def test_a_link_is_refused(git_of: Git, tmp_path: Path):
    secret = keyring.create(git_of, "b")
    path = keyring.path(git_of, "b")
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(TrustError, match="link"):
        keyring.load(git_of, epoch(secret))


def test_a_missing_key_says_whom_to_ask(git_of: Git):
    with pytest.raises(TrustError, match="not on this machine") as caught:
        keyring.load(git_of, Epoch("b", "active", CREATED, ""))
    assert "b.key" in caught.value.hint


def test_a_wrong_key_is_refused_before_it_makes_tokens(git_of: Git):
    right = keyring.create(git_of, "b")
    keyring.path(git_of, "b").unlink()
    wrong = keyring.create(git_of, "b")
    with pytest.raises(TrustError, match="not the secret") as caught:
        keyring.load(git_of, epoch(right))
    said = f"{caught.value.message}{caught.value.hint}{caught.value.where}"
    assert right.reveal().hex() not in said
    assert wrong.reveal().hex() not in said


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"x",
        b"labelvc-epoch-secret-v1 b " + b"0" * 63,
        b"labelvc-epoch-secret-v1 c " + b"0" * 64 + b"\n",
        b"\0" * 10000,
    ],
)
def test_a_damaged_key_is_refused(git_of: Git, data: bytes):
    keyring.create(git_of, "b")
    keyring.path(git_of, "b").write_bytes(data)
    with pytest.raises(TrustError, match="no key file"):
        keyring.load(git_of, Epoch("b", "active", CREATED, ""))


GOOD = (Epoch("b", "retired", CREATED, "0" * 32), Epoch("c", "active", CREATED, "1" * 32))


def test_the_public_list():
    data = epochs.write(GOOD)
    assert (
        data.split(b"\n")[0]
        == b'{"commitment":"00000000000000000000000000000000","created":"2026-03-01T09:00:00Z","id":"b","status":"retired"}'
    )
    assert epochs.read(data) == GOOD
    assert epochs.active(GOOD) == GOOD[1]
    assert epochs.active(GOOD[:1]) is None
    assert epochs.read(b"") == ()


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (epochs.write([GOOD[0], GOOD[0]]), "twice"),
        (epochs.write([GOOD[1], GOOD[1]._replace(id="d")]), "two epochs"),
        (epochs.write([GOOD[0]._replace(id="a")]), "no epoch"),
        (epochs.write(GOOD).replace(b'"id"', b'"key":"x","id"'), "no epoch"),
        (epochs.write(GOOD).replace(b":", b": ", 1), "canonical"),
        (b"{\n", "JSON"),
        (b"[]\n", "no epoch"),
    ],
)
def test_a_list_that_is_refused(data: bytes, word: str):
    with pytest.raises(DataError, match=word) as caught:
        epochs.read(data)
    assert caught.value.where.startswith("privacy/epochs.jsonl:")
