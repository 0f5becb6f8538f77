"""An ssh-agent for tests that need one."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator

import pytest


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., None]]:
    """Start ssh-agent; `agent("path", "-c")` adds a key to it."""
    socket = tmp_path_factory.mktemp("a") / "s"
    process = subprocess.Popen(
        ["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    process.stdout.readline()
    monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))

    def add(key: str, *options: str) -> None:
        subprocess.run(["ssh-add", "-q", *options, key], check=True, capture_output=True)

    yield add
    process.terminate()
    process.communicate()
