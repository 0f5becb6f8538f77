"""Real data for journeys: projects made by the command line, revisions of a treebank, and what a tree holds to the byte."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from labelvc.cli import main as cli
from tests.copying import copied

NAME = "en_ewt-ud-dev.conllu"
_made: dict[str, Path] = {}
_digests: dict[str, tuple[tuple[int, ...], str]] = {}
_MOST, _STEP = 10_000, 20_000_000
"""Digests that are kept, and nanoseconds that no file system's clock stands still."""


@pytest.fixture
def project(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Make a fresh project of a template, committed: `project("boxes")`; made once, copied for each test."""

    def make(template: str) -> Path:
        if template not in _made:
            folder = tmp_path_factory.mktemp("made") / template
            assert cli.run(["-q", "init", str(folder), "--template", template]) == 0
            for words in (["add", "--all"], ["commit", "-qm", "Begin"]):
                subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)
            _made[template] = folder
        return copied(_made[template], tmp_path / "labels")

    return make


@pytest.fixture(scope="session")
def treebank(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., bytes]:
    """Return a function that asks git about the real history of corrections: `treebank("show", "HEAD:FILE")`."""
    bundle = real_data / "histories" / "ud_ewt_dev.bundle"
    if not bundle.is_file():
        pytest.skip(f"{bundle.name} is not among the real data")
    folder = tmp_path_factory.mktemp("treebank") / "clone"
    subprocess.run(["git", "clone", "-q", "--bare", str(bundle), str(folder)], check=True, capture_output=True)
    return lambda *words: subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True).stdout


def contents(top: Path) -> dict[str, str]:
    """Return what a folder holds: path to kind, permissions and digest; of git only what a command must not touch.

    Left out are what git itself writes while it reads (the cache of file times inside the index changes when
    `git status` runs, so its entries are compared instead of its bytes) and labelvc's own cache.
    """
    found: dict[str, str] = {}
    start = len(f"{top}/")
    for folder, names, files in os.walk(top):
        if os.path.basename(folder) == ".git" or folder == str(top):
            names[:] = [name for name in names if name != "labelvc"]
        for name in (*names, *files):
            path = f"{folder}/{name}"
            if path[start:] != ".git/index":
                found[path[start:]] = _content(path)
    return found | _staged(top)


def _content(path: str) -> str:
    """Return a file's kind, permissions and digest, or where a link leads and the digest of what it finds there."""
    kind = stat.filemode(os.lstat(path).st_mode)
    if kind.startswith("l"):
        kind += f" -> {os.readlink(path)}"
    if os.path.isfile(path) and os.access(path, os.R_OK):
        kind += f" {_unless_written(path, lambda: Path(path).read_bytes())}"
    return kind


def _unless_written(path: str, read: Callable[[], bytes]) -> str:
    """Return the digest of what `read` returns, kept until the file at `path` is another or is written.

    Who writes a file changes its ctime, which nobody can set back. As git does with its index (racy-git.txt), a file
    that was written just now is read again: the clock of a file system moves in steps, within one of which two writes look the same.
    """
    now, lies = time.time_ns(), os.stat(path)
    state = (lies.st_dev, lies.st_ino, lies.st_size, lies.st_mtime_ns, lies.st_ctime_ns)
    if path in _digests and _digests[path][0] == state:
        return _digests[path][1]
    digest = hashlib.sha256(read()).hexdigest()
    if now - lies.st_ctime_ns > _STEP:
        if len(_digests) >= _MOST:
            _digests.clear()
        _digests[path] = state, digest
    return digest


def _staged(top: Path) -> dict[str, str]:
    """Return the index's entries, or its bytes when git cannot read it."""
    index = top / ".git" / "index"

    def read() -> bytes:
        done = subprocess.run(["git", "ls-files", "--stage", "-z"], cwd=top, capture_output=True, check=False)
        return index.read_bytes() if done.returncode and index.is_file() else done.stdout

    return {"(index)": _unless_written(str(index), read) if index.is_file() else hashlib.sha256(read()).hexdigest()}
