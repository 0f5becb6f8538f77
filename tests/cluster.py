"""A real Dask cluster for tests: a scheduler and workers in processes of their own, with a home that is not the client's.

`from tests.cluster import cluster`; every process dies with the test run, even when that is killed.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from labelvc.store import executors
from labelvc.store.executors import Executor

_PATIENCE = 60.0
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG, prctl(2)


class Cluster:
    """A scheduler on a free port and workers of one thread each.

    Attributes:
        address: of the scheduler.
        workers: the processes of the workers, in the order they were started.
        environment: what scheduler and workers see; their home is `folder / "home"`.
    """

    def __init__(self, folder: Path, more: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        home = folder / "home"
        (home / ".config" / "dvc").mkdir(parents=True)
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "DVC_", "XDG_"))},
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / ".config"),
            "DVC_SITE_CACHE_DIR": str(home / ".dvc-site"),
            **(more or {}),
        }
        self.workers: list[subprocess.Popen[bytes]] = []
        where = folder / "scheduler.json"
        self.scheduler = self._run("scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(where))
        self.address = json.loads(_until(lambda: where.is_file() and where.read_text()))["address"]

    def add(self, more: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start a worker; it has no nanny, so that one that is killed stays dead."""
        place = self.folder / f"worker-{len(self.workers)}"
        words = ("--nthreads", "1", "--no-nanny", "--death-timeout", "20", "--local-directory", str(place))
        self.workers.append(self._run("worker", self.address, *words, more=more))
        return self.workers[-1]

    def executor(self) -> Executor:
        """Return what `--executor dask` means here, not connected yet."""
        found = executors.find("dask", self.address)
        assert found is not None
        return found

    def close(self) -> None:
        """End all processes."""
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()

    def said(self) -> str:
        """Return what scheduler and workers wrote."""
        return "\n".join(path.read_text(errors="replace") for path in sorted(self.folder.glob("*.log")))

    def _run(self, kind: str, *words: str, more: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        with (self.folder / f"{kind}-{len(self.workers)}.log").open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "dask", kind, *words, "--no-dashboard"],
                cwd=self.folder,
                env={**self.environment, **(more or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - it calls two system calls and no Python lock
            )


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Return a running cluster with two workers, one for all tests of a file: idle, it still takes a tenth of a processor."""
    pytest.importorskip("distributed", reason="the extra `dask` is not installed")
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    made.add()
    made.add()
    yield made
    made.close()


@pytest.fixture
def lone(tmp_path: Path) -> Iterator[Callable[..., Cluster]]:
    """Make a cluster with one worker that a test may break; `more` is the environment of the worker alone."""
    pytest.importorskip("distributed", reason="the extra `dask` is not installed")
    found: list[Cluster] = []

    def make(more: Mapping[str, str] | None = None, everywhere: Mapping[str, str] | None = None) -> Cluster:
        (tmp_path / "lone").mkdir()
        found.append(Cluster(tmp_path / "lone", everywhere))
        found[-1].add(more)
        return found[-1]

    yield make
    for each in found:
        each.close()


def _until(found: Callable[[], str | bool]) -> str:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        if value := found():
            return str(value)
        time.sleep(0.05)
    raise AssertionError("the cluster did not start")


def _die_with_parent() -> None:
    os.setsid()  # Ctrl-C of the test run is the fixture's to handle
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
