"""Searching: which files of a commit hold one of some texts, found by git without a process or a copy for each file."""

from __future__ import annotations

import os
from collections.abc import Iterable

from labelvc.store import git as plumbing
from labelvc.store.git import Git

_UNREAD = "unable to read"


def holding(git: Git, commit: str, texts: Iterable[bytes], pattern: str) -> list[str]:
    """Return the paths of plain files of a commit that hold one of some texts.

    Args:
        git: where.
        commit: full id.
        texts: without line breaks; few, since every line is compared with each.
        pattern: glob of the paths, from the top of the repository; `*` stops at `/`.

    Returns:
        Paths, sorted as git sorts them.

    Raises:
        StoreError: the commit, a tree of it or one of the files is missing or broken.
    """
    asked = [word for text in texts for word in ("-e", os.fsdecode(text))]
    # Each option undoes a setting of the clone, or an attribute, that would make git say something else (git-grep(1)).
    words = (
        "--threads=1",
        "--no-color",
        "--no-textconv",
        "--no-recurse-submodules",
        "--full-name",
        "-a",
        "-l",
        "-z",
        "-F",
    )
    with plumbing.start(git, "grep", *words, *asked, commit, "--", f":(top,glob){pattern}") as running:
        found = running.out.read()
        done = running.end()
    if done.code not in (0, 1) or _UNREAD in done.said:  # 1: none holds any; a file that is missing is passed over
        raise plumbing.failure(git, "grep", done.said)
    return [os.fsdecode(row).removeprefix(f"{commit}:") for row in found.split(b"\0")[:-1]]
