"""Pairing: whether a DVC pointer and the SHA-256 manifest beside it name the same shards, or somebody edited one of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import NamedTuple

from labelvc import digests
from labelvc.store import git as plumbing
from labelvc.store import pointer
from labelvc.store.git import Git


class Apart(NamedTuple):
    """A pointer and a manifest that name two things.

    Attributes:
        folder: `datasets/<name>/annotations`.
        message: which of the two is wrong, in a sentence.
        hint: what to type next.
    """

    folder: str
    message: str
    hint: str


def find(git: Git, folder: str, lying: Iterable[str], *, proved: bool) -> Apart | None:
    """Tell whether pointer and manifest of a folder of the work tree name the same; a pair that HEAD has is not asked again.

    Args:
        git: where.
        folder: `datasets/<name>/annotations`.
        lying: the files in it, by their path in the project.
        proved: whether its shards are what the manifest says.

    Returns:
        What is wrong: the pointer, where the manifest is right; or the manifest, where it alone was edited. None where
        nothing is, where there is no manifest, or where neither names what lies there: those are edits of shards.

    Raises:
        StoreError: the pointer or the manifest cannot be read.
    """
    paths = [f"{folder}.dvc", f"{folder}.sha256"]
    if not all((git.top / path).is_file() for path in paths):
        return None
    beside = [(git.top / path).read_bytes() for path in paths]
    head = plumbing.head(git)
    committed = [plumbing.show(git, head, path) if head else b"" for path in paths]
    if beside == committed:
        return None
    staged = [plumbing.show(git, "", path) for path in paths]
    if not (proved or beside[0] in (committed[0], staged[0])):
        return None
    md5, sums = pointer.read(paths[0], beside[0]).md5, pointer.manifest(paths[1], beside[1])
    named = _listing(git, folder, [path for path in lying if not proved or path in sums]) == md5
    back = [f"git checkout {'HEAD ' if one == two else ''}-- " for one, two in zip(beside, staged, strict=True)]
    if proved and not named:
        gone = "" if pointer.Cache(git).find(md5) else ", which is in no cache"
        message = (
            f"the DVC pointer names object {md5}{gone}, and not the shards that lie here and in its SHA-256 manifest"
        )
        return Apart(folder, message, f"{back[0]}{paths[0]}; or, to have it name these, dvc add {folder}")
    if named and not proved:
        message = "the SHA-256 manifest was edited: the shards that lie here are what the DVC pointer names"
        return Apart(folder, message, f"{back[1]}{paths[1]}")
    return None


def _listing(git: Git, folder: str, paths: Iterable[str]) -> str:
    """Return the name that DVC would give the listing of some files (dvc_data `hashfile/tree.py`, `Tree.digest`)."""
    rows = [
        {"md5": _md5((git.top / path).read_bytes()), "relpath": path.removeprefix(f"{folder}/")}
        for path in sorted(paths)
    ]
    return f"{_md5(json.dumps(rows).encode())}.dir"


def _md5(data: bytes) -> str:
    return str(digests.md5(data, usedforsecurity=False).hexdigest())
