"""Promised: what a partial clone left at its remote and somebody is about to read is fetched at once, not one object after another."""

from __future__ import annotations

import importlib
import re
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from labelvc.errors import StoreError
from labelvc.store import git as plumbing
from labelvc.store import process
from labelvc.store.git import Git

_PROMISOR = r"remote\.([^-].*)\.promisor=true"
_SEVERAL = 2
_LONG = 64
_SHA256 = "[core]\n\trepositoryformatversion = 1\n[extensions]\n\tobjectFormat = sha256\n"
# How git itself asks for what was promised (promisor-remote.c, `fetch_objects`); nothing else of the clone is touched.
_FETCH = (
    "-c", "fetch.negotiationAlgorithm=noop", "fetch", "--quiet", "--no-tags", "--no-prune", "--no-auto-maintenance",
    "--no-write-fetch-head", "--recurse-submodules=no", "--filter=blob:none",
)  # fmt: skip


class Promised:
    """What a partial clone was asked for already; of a whole clone nothing is asked and nothing remembered.

    Args:
        git: where.
    """

    def __init__(self, git: Git) -> None:
        self._git = git
        self._config = git.common / "config"
        self._brought: set[str] = set()

    def bring(self, oids: Sequence[str]) -> None:
        """Fetch those of some objects that are not here, if there are several; what cannot be had is told by who reads it.

        Args:
            oids: full object ids.
        """
        remotes = _remotes(self._git.common, _changed(self._config))
        for remote in remotes:
            asked = [oid for oid in oids if oid not in self._brought]
            missing = _missing(self._git, asked) if asked else []
            if len(missing) >= _SEVERAL:
                with suppress(StoreError):
                    plumbing.run(self._git, *_FETCH, remote, "--stdin", data=_lines(missing))
        if remotes:
            self._brought.update(oids)


def _changed(config: Path) -> tuple[int, int]:
    try:
        about = config.stat()
    except FileNotFoundError:
        return 0, 0
    return about.st_mtime_ns, about.st_size


@lru_cache(maxsize=8)
def _remotes(common: Path, changed: tuple[int, int]) -> list[str]:
    """Return the remotes that promised to keep objects; most clones have none, and their configuration says no such word."""
    if not any(changed) or b"promisor" not in (common / "config").read_bytes():
        return []
    told = process.finish(
        [*process.GIT, f"--git-dir={common}", "config", "--list", "--null"], common, b"", process.environment()
    )
    rows = told.out.decode("utf-8", "surrogateescape").replace("\n", "=").split("\0")
    return [found[1] for row in rows if (found := re.fullmatch(_PROMISOR, row))]


def _missing(git: Git, oids: Sequence[str]) -> list[str]:
    """Return those of some objects that are not here.

    A git that knows of the promise would fetch one at a time what it is asked for, so a repository is asked that is empty but for
    the clone's objects.
    """
    temporary = importlib.import_module("tempfile")  # a whole clone does not pay for the module
    with temporary.TemporaryDirectory() as folder:
        Path(folder, "refs").mkdir()
        Path(folder, "HEAD").write_text("ref: refs/heads/none\n")
        if oids and len(oids[0]) == _LONG:
            Path(folder, "config").write_text(_SHA256)
        environment = process.environment(alone=True) | {"GIT_OBJECT_DIRECTORY": str(git.common / "objects")}
        words = [*process.GIT, f"--git-dir={folder}", "cat-file", "--batch-check=%(objectname)"]
        told = process.finish(words, git.top, _lines(oids), environment).out.decode().splitlines()
    return [row.removesuffix(" missing") for row in told if row.endswith(" missing")]


def _lines(oids: Sequence[str]) -> bytes:
    return "".join([f"{oid}\n" for oid in dict.fromkeys(oids)]).encode()
