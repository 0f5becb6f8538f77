"""CODEOWNERS of a project: made from its policy and the owners in its documents, and written without taking anybody's edits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from labelvc import digests
from labelvc.core import codeowners
from labelvc.core.codeowners import Line
from labelvc.errors import RefusedError
from labelvc.model.snapshot import Snapshot
from labelvc.ops import project as projects
from labelvc.ops import trust as trusting
from labelvc.store import disk, files, tree
from labelvc.store.git import Git

PLACES = ("CODEOWNERS", ".github/CODEOWNERS", ".gitlab/CODEOWNERS", "docs/CODEOWNERS")
"""Where code hosts look for it; both read the first."""


class Made(NamedTuple):
    """The file, and the parts of the project that nobody owns."""

    text: str
    unowned: Sequence[Line]


def made(git: Git, snapshot: Snapshot) -> Made:
    """Return the file for a snapshot.

    Raises:
        TrustError: there is no policy, or it is not signed as its root demands.
    """
    with tree.reader(git) as reader:
        policy = trusting.load(reader, snapshot).policy
        homes = {path: home[0] for path in snapshot.entries if (home := projects.noun_of(path))}
        data = dict(reader.many([(path, snapshot.entries[path]) for path in sorted(homes)]))
    said = projects.values(git, [(homes[path], raw) for path, raw in data.items()])
    named = {
        path: value["owner"]
        for path, value in zip(data, said, strict=True)
        if isinstance(value, dict) and isinstance(value.get("owner"), str) and value.get("status") != "closed"
    }
    found = codeowners.lines(policy, [*snapshot.entries, _place(git)], named)
    body = codeowners.text(found)
    return Made(_head(body) + body, [one for one in found if not one.owners])


def written(git: Git, text: str, *, force: bool = False) -> str:
    """Write the file where one lies already, or at the top, and return its path.

    Raises:
        RefusedError: the one that lies there was written or edited by somebody else.
    """
    with files.lock(git):
        path = _place(git)
        lying = (git.top / path).read_text(errors="replace") if (git.top / path).is_file() else ""
        head, _, body = lying.partition("\n")
        if lying and not force and _head(body) != f"{head}\n":
            message = "the file was written or edited by hand, and is left as it is"
            raise RefusedError(message, where=path, hint="labelvc policy codeowners --write --force, to replace it")
        disk.write_all({git.top / path: text.encode()}, git.top)
    return path


def written_at(git: Git) -> str:
    """Return where the file lies; empty where there is none."""
    return next((place for place in PLACES if (git.top / place).is_file()), "")


def _place(git: Git) -> str:
    """Return where the file lies, or will."""
    return written_at(git) or PLACES[0]


def _head(body: str) -> str:
    mark = digests.sha256_short(body.encode()).hexdigest()[:16]
    return f"# Made by `labelvc policy codeowners`: edit the policy, not this file. {mark}\n"
