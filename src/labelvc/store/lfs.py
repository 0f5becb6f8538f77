"""Git LFS without git-lfs: its pointers, and the objects of this clone.

Source of the format: git-lfs `docs/spec.md`; of where objects lie, `docs/man/git-lfs-config.adoc` (`lfs.storage`).
"""

from __future__ import annotations

import re
from pathlib import Path

from labelvc.store import git as plumbing
from labelvc.store.git import Git

_VERSIONS = (
    b"version https://git-lfs.github.com/spec/",
    b"version https://hawser.github.com/spec/",
    b"version http://git-media.io/v/",
)
_LONGEST = 1024
"""Bytes that a pointer has at most."""
_OID = re.compile(rb"(?m)^oid sha256:([0-9a-f]{64})\r?$")


def pointed(data: bytes) -> str:
    """Return the SHA-256 of the object that a file in git stands for; empty for any other file."""
    found = _OID.search(data) if len(data) <= _LONGEST and data.lstrip().startswith(_VERSIONS) else None
    return found[1].decode() if found else ""


def find(git: Git, oid: str) -> Path | None:
    """Return where an object lies in this clone, or None.

    Raises:
        StoreError: git's configuration cannot be read.
    """
    told = plumbing.config_get(git, "lfs.storage")
    top = git.common / (Path(told).expanduser() if told else "lfs")
    place = top / "objects" / oid[:2] / oid[2:4] / oid
    return place if place.is_file() else None
