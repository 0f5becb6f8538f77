"""Tree rows: the files of a commit in the rows of `git ls-tree -r -z`, read from its trees by the git that stays."""

from __future__ import annotations

import io
from collections.abc import Sequence

from labelvc.model import listing
from labelvc.model.listing import Listing
from labelvc.store import fsck, kept, process
from labelvc.store import git as plumbing
from labelvc.store.fsck import MODULE, TREE
from labelvc.store.git import Git

_DEEPEST = 100
"""Folders within each other; a tree of more is nobody's project, and Python's stack ends before git's does."""


def read(git: Git, commit: str, under: Sequence[str]) -> Listing | None:
    """Return the files of a commit from its `rows`; None where those cannot be had."""
    found = rows(git, commit, under)
    return None if found is None else listing.read(io.BytesIO(found))


def rows(git: Git, commit: str, under: Sequence[str]) -> bytes | None:
    """Return what `git ls-tree -r -z --full-tree` prints: another process costs more than the few trees of most commits.

    Args:
        git: where.
        commit: full id.
        under: files or folders to list, as literal pathspecs; none for all.

    Returns:
        Its rows; None where a tree is missing, too deep, or no tree as git writes it (gitformat-pack; git's tree-walk.c): what
        is wrong with it is for git to say.
    """
    running = plumbing.objects(git)
    wanted = [path.encode("utf-8", "surrogateescape") for path in under]
    gathered: list[bytes] = []
    try:
        sound = _walk(running, f"{commit}^{{tree}}", b"", wanted, gathered)
    except EOFError:
        running.end()
        return None
    if not kept.give(git, running):
        running.end()
    return b"".join(gathered) if sound else None


def _walk(running: process.Running, name: str, place: bytes, wanted: Sequence[bytes], gathered: list[bytes]) -> bool:
    """Add the rows of a tree and of those below it that are wanted; tell whether all could be read."""
    found = process.named(running, name) if place.count(b"/") <= _DEEPEST else None
    if found is None or found[1] != "tree":
        return False
    held = fsck.entries(found[2], len(found[0]) // 2)
    if held is None:
        return False
    for mode, own, oid in held:
        path = place + own
        if mode == TREE:
            if _leads_to(path + b"/", wanted) and not _walk(running, oid.hex(), path + b"/", wanted, gathered):
                return False
        elif not wanted or _is_in(path + b"/" if mode == MODULE else path, wanted):
            kind = b"commit" if mode == MODULE else b"blob"
            gathered.append(b"%b %b %b\t%b\0" % (mode, kind, oid.hex().encode(), path))
    return True


def _leads_to(folder: bytes, wanted: Sequence[bytes]) -> bool:
    """Tell whether something wanted may lie in a folder, whose name ends with `/`."""
    return not wanted or any(folder.startswith(each.rstrip(b"/") + b"/") or each.startswith(folder) for each in wanted)


def _is_in(path: bytes, wanted: Sequence[bytes]) -> bool:
    """Tell whether a file is wanted itself or lies in a folder that is; a submodule, whose name ends with `/`, is both to git."""
    return any(path == each or path.startswith(each.rstrip(b"/") + b"/") for each in wanted)
