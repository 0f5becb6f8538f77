"""A real history: every correction of the UD English EWT treebank's `dev` part, imported as one commit each."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

from labelvc.cli import main as cli

FILE = "en_ewt-ud-dev.conllu"
DATASET = "sentences"


def absent() -> str:
    """Return why there is no real history to measure, or nothing."""
    return "" if _bundle().is_file() else "needs histories/ud_ewt_dev.bundle under LABELVC_TEST_DATA"


def make(folder: Path, last: int = 0) -> Path:
    """Make the project of all revisions, or reuse the one that is there: some minutes, one import a revision.

    Args:
        folder: where.
        last: import only so many of the newest revisions; 0 for all. Revisions that are no CoNLL-U are left out.

    Returns:
        The labels repository.
    """
    labels = folder / "labels"
    if (labels / ".git/complete").exists():
        return labels
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    source, taken = folder / "source", folder / FILE
    _git(folder, "clone", "-q", "--bare", str(_bundle()), str(source))
    # by itself: `labelvc init` would take the repository around it for the one that is meant
    _git(folder, "init", "-q", "-b", "main", str(labels))
    for name, value in (("user.name", "bench"), ("user.email", "bench@example.org")):
        _git(labels, "config", name, value)
    if _labelvc("init", str(labels), "--template", "tokens"):
        raise RuntimeError(f"labelvc init failed in {labels}")
    _commit(labels, "Begin")
    revisions = _git(source, "rev-list", "--reverse", "--topo-order", "HEAD").decode().split()
    mode: list[str] = []
    for number, revision in enumerate(revisions[-last:]):
        with contextlib.suppress(subprocess.CalledProcessError):  # a revision that lacks the file
            taken.write_bytes(_git(source, "show", f"{revision}:{FILE}"))
            if _labelvc("-C", str(labels), "import", "conllu", str(taken), "--dataset", DATASET, *mode) == 0:
                _commit(labels, f"revision {revision[:10]}")
                mode = ["--mode", "replace"]
        if number % 40 == 0:
            sys.stderr.write(f"  {number} of {len(revisions)} revisions\n")
    _git(labels, "gc", "-q")
    (labels / ".git/complete").touch()
    return labels


def _bundle() -> Path:
    return Path(os.environ.get("LABELVC_TEST_DATA", "absent")) / "histories/ud_ewt_dev.bundle"


def _labelvc(*words: str) -> int:
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        return cli.run(["-q", *words])


def _commit(folder: Path, message: str) -> None:
    _git(folder, "add", "--all")
    _git(folder, "commit", "-qnm", message, "--allow-empty")


def _git(folder: Path, *words: str) -> bytes:
    return subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True).stdout
