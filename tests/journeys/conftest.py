"""Real data for journeys: projects made by the command line, revisions of a treebank, and what a tree holds to the byte."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from labelvc.cli import main as cli

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
        return Path(shutil.copytree(_made[template], tmp_path / "labels"))

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
    for folder, names, files in os.walk(top):
        relative = Path(folder).relative_to(top)
        if relative.name in (".git", "") and "labelvc" in names:
            names.remove("labelvc")
        for name in (*names, *files):
            path = Path(folder, name)
            about = path.lstat()
            kind = stat.filemode(about.st_mode)
            if path.is_symlink():
                kind += f" -> {os.readlink(path)}"
            elif path.is_file() and os.access(path, os.R_OK):
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                kind += f" {digest}"
            found[str(relative / name)] = kind
    return {path: said for path, said in found.items() if path != ".git/index"} | _staged(top)


def _staged(top: Path) -> dict[str, str]:
    """Return the index's entries, or its bytes when git cannot read it."""
    done = subprocess.run(["git", "ls-files", "--stage", "-z"], cwd=top, capture_output=True, check=False)
    index = top / ".git" / "index"
    broken = done.returncode or not index.is_file()
    said = index.read_bytes() if broken and index.is_file() else done.stdout
    return {"(index)": hashlib.sha256(said).hexdigest()}
