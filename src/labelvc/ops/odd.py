"""Odd: what stands in a protected place and is no plain file of its own name."""

from __future__ import annotations

from collections import Counter

from labelvc.core import changeset, decide
from labelvc.store import git as plumbing
from labelvc.store.git import Git

WHY = "a symbolic link, a submodule or a second file of this name stands where one file of the project must be"


def paths(git: Git, parent: str, commit: str) -> frozenset[str]:
    """Return the protected paths that a step makes a symbolic link or a submodule, or that a tree of it holds twice.

    The bytes of a link are a target's name: equal bytes would be no change, and what is read on the disk lies elsewhere.
    Of two entries of one name we would judge one, and git may write the other to the disk.
    """
    words = ("diff-tree", "-r", "-z", "--raw", "--no-renames", parent, commit)
    told = plumbing.run(git, *words).decode("utf-8", "surrogateescape").split("\0")
    times = Counter(told[1::2])
    rows = zip(told[::2], told[1::2], strict=False)
    found = (path for about, path in rows if about.split(" ")[1] in {"120000", "160000"} or times[path] > 1)
    return frozenset(path for path in found if decide.kind_of(changeset.key_text(path)) != "other")
