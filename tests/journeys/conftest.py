"""Real data for journeys: projects made by the command line, revisions of a treebank, and what a tree holds to the byte."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from labelvc.cli import main as cli
from tests.copying import copied

NAME = "en_ewt-ud-dev.conllu"
_made: dict[str, Path] = {}


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
            found[path[start:]] = _content(path)
    return {path: said for path, said in found.items() if path != ".git/index"} | _staged(top)


def _content(path: str) -> str:
    """Return a file's kind, permissions and digest, or where a link leads and the digest of what it finds there."""
    kind = stat.filemode(os.lstat(path).st_mode)
    if kind.startswith("l"):
        kind += f" -> {os.readlink(path)}"
    if os.path.isfile(path) and os.access(path, os.R_OK):
        with open(path, "rb") as file:
            kind += f" {hashlib.sha256(file.read()).hexdigest()}"
    return kind


def _staged(top: Path) -> dict[str, str]:
    """Return the index's entries, or its bytes when git cannot read it."""
    done = subprocess.run(["git", "ls-files", "--stage", "-z"], cwd=top, capture_output=True, check=False)
    index = top / ".git" / "index"
    broken = done.returncode or not index.is_file()
    said = index.read_bytes() if broken and index.is_file() else done.stdout
    return {"(index)": hashlib.sha256(said).hexdigest()}
