"""A snapshot: the project's files at one moment, whether a commit, the index or the work tree."""

# No `from __future__ import annotations`: typing would compile the text of each at every start.

from collections.abc import Mapping
from typing import Literal, NamedTuple

FILE, EXECUTABLE, LINK = "100644", "100755", "120000"
"""Modes by which git tells a plain file, one that may be executed, and a symbolic link."""


class Entry(NamedTuple):
    """One file of a snapshot: where its bytes are and, when known without reading, which bytes.

    Attributes:
        kind: `git` (an object of the repository), `dvc` (an object of the DVC cache or remote), `disk` (a work-tree file) or
            `link` (a symbolic link, whose bytes are its target's path: it is never followed).
        id: git object id or DVC md5; empty when only reading tells (a changed or untracked work-tree file).
            It serves to skip equal files, never as the identity of a label.
        executable: whether its owner may execute it.
    """

    kind: Literal["git", "dvc", "disk", "link"]
    id: str
    executable: bool = False

    @property
    def mode(self) -> str:
        """Return how git tells what kind of file it is."""
        return LINK if self.kind == "link" else EXECUTABLE if self.executable else FILE

    def same(self, other: "Entry | None") -> bool:
        """Tell whether both are known to hold the same bytes without reading them."""
        return other is not None and self == other and self.id != ""


def stored(mode: str, oid: str) -> Entry:
    """Return the entry of a file that git holds as an object of a mode."""
    return Entry("link", oid) if mode == LINK else Entry("git", oid, mode == EXECUTABLE)


class Snapshot(NamedTuple):
    """The project's files at one moment.

    Attributes:
        name: as a person would say it: `main`, `index`, `work tree`.
        kind: which of the three moments it is.
        commit: full object id of the commit, or of HEAD for index and work tree; empty before the first commit.
        entries: path (POSIX, relative to the top of the project) to entry; DVC pointers are listed **and** expanded.
        ignored: those of the entries that git ignores all the same, in the work tree.
    """

    name: str
    kind: Literal["commit", "index", "work"]
    commit: str
    entries: Mapping[str, Entry]
    ignored: tuple[str, ...] = ()


class FileChange(NamedTuple):
    """The lines of one file that differ between two snapshots; equal lines are left out.

    Attributes:
        path: POSIX path relative to the top of the project.
        old: lines only in the old snapshot, in file order, without `\\n`.
        new: lines only in the new snapshot, in file order, without `\\n`.
    """

    path: str
    old: list[bytes]
    new: list[bytes]
