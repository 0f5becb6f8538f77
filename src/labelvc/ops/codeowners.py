"""CODEOWNERS of a project: made from its policy and the owners in its documents, and written without taking anybody's edits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

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


State = Literal["new", "kept", "renewed", "other"]


class Written(NamedTuple):
    """What became of the file: `new`, `kept` as it was, `renewed`, or `other`: somebody edited it, and it stays."""

    path: str
    state: State


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


def written(git: Git, text: str, *, force: bool = False) -> Written:
    """Write the file where one lies already, or at the top.

    Raises:
        RefusedError: the one that lies there was written or edited by somebody else.
    """
    with files.lock(git):
        path, state = _place(git), _state(git, text)
        if state == "other" and not force:
            message = "the file was written or edited by hand, and is left as it is"
            raise RefusedError(message, where=path, hint="labelvc policy codeowners --write --force, to replace it")
        if state != "kept":
            disk.write_all({git.top / path: text.encode()}, git.top)
    return Written(path, state)


def refreshed(git: Git) -> tuple[Written, Sequence[Line]] | None:
    """Write the file for the work tree, unless somebody edited it by hand; return what became of it, and what nobody owns.

    None where there is nobody to ask: no policy, or nobody in it has an address.

    Raises:
        TrustError: the policy is not signed as its root demands.
        StoreError: the disk refuses.
    """
    snapshot = tree.work(git)
    if trusting.POLICY not in snapshot.entries:
        return None
    found = made(git, snapshot)
    if all(line.startswith("#") for line in found.text.splitlines()):
        return None
    state = _state(git, found.text)
    return Written(_place(git), state) if state == "other" else written(git, found.text), found.unowned


def _state(git: Git, text: str) -> State:
    """Tell what would become of the file: one whose first line says its digest was written here."""
    path = git.top / _place(git)
    lying = path.read_text(errors="replace") if path.is_file() else ""
    if lying in ("", text):
        return "kept" if lying else "new"
    head, _, body = lying.partition("\n")
    return "renewed" if _head(body) == f"{head}\n" else "other"


def _place(git: Git) -> str:
    """Return where the file lies, or will."""
    return next((place for place in PLACES if (git.top / place).is_file()), PLACES[0])


def _head(body: str) -> str:
    mark = digests.sha256_short(body.encode()).hexdigest()[:16]
    return f"# Made by `labelvc policy codeowners`: edit the policy, not this file. {mark}\n"
