"""Real git repositories in temporary folders, a hermetic environment, and people with real SSH keys."""

from __future__ import annotations

import gc
import itertools
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from labelvc.cli import main as cli
from tests.authenticator import DUMMY

MEMORY = Path("/dev/shm")
"""A file system that lives in memory, where there is one: what a test flushes to disk costs nothing there."""
ROOM = 4 << 30
"""What must be free in it."""
SETTINGS = """\
[user]
	name = Ada Author
	email = ada@example.com
[init]
	defaultBranch = main
	templateDir = {template}
[protocol "file"]
	allow = always
[maintenance]
	auto = false
"""
"""A person's git configuration.

Without `maintenance.auto` every commit would start two programs that find nothing to do; git's own template would put thirteen samples
of hooks into every repository, a quarter of the files that a copy of a small one has to copy.
"""
SLOW = ("journeys", "packaging", "benchmarks", "oracles", "cli", "ops")
"""Folders whose files take longest, first: run in this order, two processes end within seconds of each other."""
_homes = itertools.count(1)


def pytest_configure() -> None:
    """Keep every test away from the configuration of whoever runs it, and its files in memory if there is room.

    `TMPDIR`, `PYTEST_DEBUG_TEMPROOT` or `--basetemp` name another place. Programs that tests start keep their byte code.
    """
    for name in [name for name in os.environ if name.startswith(("GIT_", "LABELVC_", "DVC_"))]:
        if name != "LABELVC_TEST_DATA":
            del os.environ[name]
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    if "TMPDIR" not in os.environ and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ROOM:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the folders whose files take longest; within one of them the order stays."""
    items.sort(key=lambda item: SLOW.index(item.path.parent.name) if item.path.parent.name in SLOW else len(SLOW))


def pytest_collection_finish() -> None:
    """Spare the collector of garbage what lives as long as the run: thousands of tests and all modules."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def git_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return what a new repository begins with: git's own template without the samples of hooks (git-init, TEMPLATE DIRECTORY)."""
    folder = tmp_path_factory.mktemp("template")
    for name in ("branches", "hooks", "info"):
        (folder / name).mkdir()
    (folder / "info/exclude").write_text("# Paths that are ignored in this clone alone\n")
    (folder / "description").write_text("Unnamed repository; edit this file 'description' to name the repository.\n")
    return folder


@pytest.fixture(autouse=True)
def hermetic(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, git_template: Path) -> Path:
    """Give each test its own home, without global git configuration, agent or terminal."""
    home = tmp_path_factory.getbasetemp() / "homes" / str(next(_homes))  # `mktemp` looks at all of those before
    home.mkdir(parents=True)
    for name, value in {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_STATE_HOME": str(home / ".state"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_AUTHOR_DATE": "2026-03-01T09:00:00Z",
        "GIT_COMMITTER_DATE": "2026-03-01T09:00:00Z",
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": str(home / ".dvc-site"),
        "TZ": "UTC",
        "COLUMNS": "100",
        "NO_COLOR": "1",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("SSH_AUTH_SOCK", "CI"):
        monkeypatch.delenv(name, raising=False)
    (home / ".gitconfig").write_text(SETTINGS.format(template=git_template))
    return home


@pytest.fixture
def git() -> Callable[..., str]:
    """Run git in a folder: `git(folder, "log", "--oneline")` returns what it prints and fails the test when it fails."""

    def run(folder: Path, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"git {' '.join(arguments)}\n{done.stdout}{done.stderr}"
        return done.stdout

    return run


@pytest.fixture
def repo(tmp_path: Path, git: Callable[..., str]) -> Path:
    """Return an empty git repository."""
    folder = tmp_path / "labels"
    folder.mkdir()
    git(folder, "init", "-q")
    return folder


@pytest.fixture
def labelvc(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str, str]]:
    """Run the command line in this process: `labelvc(folder, "check", "--all")` returns (exit code, stdout, stderr)."""

    def run(folder: Path, *arguments: str) -> tuple[int, str, str]:
        monkeypatch.chdir(folder)
        capsys.readouterr()
        code = cli.run(list(arguments))
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def gits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """Write down every git that starts from here on: `gits()` returns their commands and forgets them."""
    told = tmp_path / "gits"
    told.touch()
    monkeypatch.setenv("GIT_TRACE", str(told))

    def taken() -> list[str]:
        rows = told.read_text(errors="replace").splitlines()
        told.write_text("")
        return [row.partition("built-in: git ")[2] for row in rows if "built-in: git " in row]

    return taken


@pytest.fixture
def ssh_key(tmp_path: Path) -> Callable[..., Path]:
    """Make a real SSH key: `ssh_key("ada")` returns the private key's path; `.pub` lies beside it."""

    def make(name: str, kind: str = "ed25519", options: Sequence[str] = ()) -> Path:
        path = tmp_path / f"{name}.key"
        subprocess.run(
            ["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", name, "-f", str(path), *options],
            check=True,
            capture_output=True,
        )
        return path

    return make


@pytest.fixture
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """Start ssh-agent: `agent(FILE)` adds a key; it returns the socket."""
    socket = str(tmp_path_factory.mktemp("a") / "s")
    words = ["ssh-agent", "-D", "-a", socket, "-P", str(DUMMY.resolve())]
    environment = {**os.environ, "SSH_ASKPASS": "/bin/false"}
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment)
    assert process.stdout is not None
    process.stdout.readline()

    def add(*words: str) -> str:
        if words:
            subprocess.run(
                ["ssh-add", "-q", *words], check=True, capture_output=True, env={**os.environ, "SSH_AUTH_SOCK": socket}
            )
        return socket

    yield add
    process.terminate()
    process.communicate()


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder of real data, or skip saying why."""
    folder = Path(os.environ.get("LABELVC_TEST_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("no real data here: set LABELVC_TEST_DATA to the folder that holds it")
    return folder
