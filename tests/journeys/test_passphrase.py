"""A key with a passphrase, end to end: typed on a real terminal, held by a real ssh-agent, and with nobody there to type."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.people import Desk
from tests.trusting import desk, desk_template, people_keys

__all__ = ["desk", "desk_template", "people_keys"]
SECRET = "correct horse"
PATIENCE = 30
APPROVE = ("approve", "main...topic", "--role", "reviewer")
ASKS = "passphrase of "


def program(*words: str) -> list[str]:
    return [sys.executable, "-m", "labelvc.cli", *words]


@pytest.fixture
def locked(desk: Desk, tmp_path: Path) -> Callable[..., Path]:
    """Make a key with a passphrase that is Ben's in the policy of main: `locked("rsa", "-b", "3072")`."""

    def make(kind: str = "ed25519", *options: str) -> Path:
        key = tmp_path / "locked key"
        words = ["ssh-keygen", "-q", "-t", kind, *options, "-N", SECRET, "-C", "ben", "-f", str(key)]
        subprocess.run(words, check=True, capture_output=True)
        desk.git("checkout", "-q", "main")
        code, _, err = desk.labelvc("policy", "add", "ben", "--key", f"{key}.pub", "--sign-with", desk.key("ada"))
        assert code == 0, err
        desk.commit("Ben has another key")
        desk.git("checkout", "-q", "topic")
        return key

    return make


@pytest.fixture
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the socket of a fresh ssh-agent."""
    socket = str(tmp_path_factory.mktemp("a") / "s")
    process = subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    process.stdout.readline()
    yield socket
    process.terminate()
    process.communicate()


def typed(folder: Path, words: list[str], answers: list[tuple[str, str]]) -> tuple[int, str]:
    """Run a command on a terminal of its own and type each answer when its question is on the screen."""
    child, screen = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.execv(words[0], words)
    shown, end, waiting = "", time.monotonic() + PATIENCE, list(answers)
    try:
        while True:
            left = end - time.monotonic()
            assert left > 0, f"it hangs:\n{shown}"
            if not select.select([screen], [], [], left)[0]:
                continue
            try:
                data = os.read(screen, 4096)
            except OSError:  # what Linux says when the other end is closed
                break
            if not data:
                break
            shown += data.decode()
            if waiting and waiting[0][0] in shown.rpartition("\n")[2]:
                os.write(screen, f"{waiting.pop(0)[1]}\n".encode())
    except BaseException:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        raise
    finally:
        os.close(screen)
    assert not waiting, f"never asked:\n{shown}"
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown


def alone(folder: Path, *words: str, piped: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a session of its own, which has no terminal at all; what is piped comes on its standard input."""
    return subprocess.run(
        program(*words),
        cwd=folder,
        env={**os.environ, **more},
        input=piped,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
        start_new_session=True,
    )


def add(agent: str, key: Path, tmp_path: Path) -> None:
    """Give a locked key to the agent as a desktop does: SSH_ASKPASS types the passphrase."""
    ask = tmp_path / "ask"
    ask.write_text(f"#!/bin/sh\necho '{SECRET}'\n")
    ask.chmod(0o700)
    more = {"SSH_AUTH_SOCK": agent, "SSH_ASKPASS": str(ask), "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": "none"}
    words = ["ssh-add", "-q", str(key)]
    environment = {**os.environ, **more}
    subprocess.run(
        words, check=True, capture_output=True, stdin=subprocess.DEVNULL, env=environment, start_new_session=True
    )


def verified(desk: Desk) -> bool:
    desk.git("commit", "-q", "--no-verify", "-m", "Ben decides", "--", "approvals", who="ben")
    code, (step,) = desk.verify()
    return code == 0 and [said["principal"] for said in step["approvals"]] == ["ben"]


def test_the_passphrase_is_typed_on_the_terminal_and_not_shown(desk: Desk, locked):
    key = locked()
    code, shown = typed(desk.folder, program(*APPROVE, "--key", str(key)), [(ASKS, SECRET), ("sign this", "y")])
    assert code == 0, shown
    assert SECRET not in shown
    assert "signed by   Ben Builder (ben), SHA256:" in shown
    assert verified(desk)


def test_a_wrong_passphrase_is_told_and_nothing_is_written(desk: Desk, locked):
    key = locked()
    code, shown = typed(desk.folder, program(*APPROVE, "--key", str(key)), [(ASKS, "incorrect horse")])
    assert code == 2
    assert "error: the passphrase does not open this key" in shown
    assert f"where: {key}" in shown
    assert "incorrect horse" not in shown
    assert desk.git("status", "--porcelain") == ""


def test_no_at_the_question_signs_nothing(desk: Desk, locked):
    key = locked()
    code, shown = typed(desk.folder, program(*APPROVE, "--key", str(key)), [(ASKS, SECRET), ("sign this", "n")])
    assert code == 1, shown
    assert "not signed; nothing was written" in shown
    assert desk.git("status", "--porcelain") == ""


@pytest.mark.parametrize("piped", ["", f"{SECRET}\n"], ids=["nothing", "passphrase"])
@pytest.mark.parametrize("form", [("ed25519",), ("rsa", "-b", "3072"), ("rsa", "-b", "3072", "-m", "PEM")])
def test_without_a_terminal_it_says_so_and_ends(desk: Desk, locked, form: tuple[str, ...], piped: str):
    """A passphrase that is piped in would stand in somebody's script or history: it is not read."""
    key = locked(*form)
    done = alone(desk.folder, *APPROVE, "--key", str(key), piped=piped)
    assert SECRET not in done.stderr
    assert (done.returncode, done.stdout) == (2, "")
    assert "error: the key has a passphrase, and no terminal is here to type it on\n" in done.stderr
    assert f"where: {key}\n" in done.stderr
    assert f"next: eval \"$(ssh-agent)\" && ssh-add '{key}', then the same command again\n" in done.stderr
    assert desk.git("status", "--porcelain") == ""


@pytest.mark.parametrize("form", [("ed25519",), ("rsa", "-b", "3072")])
def test_the_same_command_again_signs_through_the_agent(desk: Desk, locked, agent: str, tmp_path: Path, form):
    """What the error told: ssh-add, then the very command that failed, with the private key's own name."""
    key = locked(*form)
    add(agent, key, tmp_path)
    done = alone(desk.folder, *APPROVE, "--key", str(key), SSH_AUTH_SOCK=agent)
    assert done.returncode == 0, done.stderr
    assert verified(desk)


@pytest.mark.parametrize("way", ["pub", "key use", "agent alone"])
def test_the_agent_signs_however_the_key_is_named(desk: Desk, locked, agent: str, tmp_path: Path, way: str):
    key = locked()
    add(agent, key, tmp_path)
    named = ("--key", f"{key}.pub") if way == "pub" else ()
    if way == "key use":
        assert desk.labelvc("key", "use", str(key))[0] == 0
    done = alone(desk.folder, *APPROVE, *named, SSH_AUTH_SOCK=agent)
    assert done.returncode == 0, done.stderr
    assert verified(desk)


def test_an_agent_that_lost_the_key_falls_back_to_the_terminal(desk: Desk, locked, agent: str, monkeypatch):
    key = locked()
    monkeypatch.setenv("SSH_AUTH_SOCK", agent)
    code, shown = typed(desk.folder, program(*APPROVE, "--yes", "--key", str(key)), [(ASKS, SECRET)])
    assert code == 0, shown
    assert verified(desk)


def test_an_agent_that_is_gone_does_not_hide_the_key(desk: Desk, locked, tmp_path: Path, monkeypatch):
    key = locked()
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "gone"))
    code, shown = typed(desk.folder, program(*APPROVE, "--yes", "--key", str(key)), [(ASKS, SECRET)])
    assert code == 0, shown


def test_ssh_keygen_asks_on_the_terminal_for_other_kinds_of_keys(desk: Desk, locked):
    key = locked("rsa", "-b", "3072")
    code, shown = typed(desk.folder, program(*APPROVE, "--yes", "--key", str(key)), [("passphrase", SECRET)])
    assert code == 0, shown
    assert SECRET not in shown
    assert verified(desk)


def test_a_program_that_feeds_the_passphrase_is_asked_where_there_is_no_terminal(desk: Desk, locked, tmp_path: Path):
    """ssh's own way without an agent works for the keys that ssh-keygen signs with; a hang it never is."""
    key = locked("rsa", "-b", "3072")
    ask = tmp_path / "ask"
    ask.write_text(f"#!/bin/sh\necho '{SECRET}'\n")
    ask.chmod(0o700)
    more = {"SSH_ASKPASS": str(ask), "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": "none"}
    done = alone(desk.folder, *APPROVE, "--key", str(key), **more)
    assert done.returncode == 0, done.stderr
    assert verified(desk)
