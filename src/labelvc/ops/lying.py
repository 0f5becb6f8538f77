"""Lying: the folders of approvals as they lie in a commit, each read from its listing when it is asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice

from labelvc.model import listing
from labelvc.model.names import Digest
from labelvc.model.snapshot import Entry, Snapshot
from labelvc.ops import approvals
from labelvc.ops.approvals import Folders
from labelvc.store import search
from labelvc.store.git import Git

_FEW = 32  # lines
_MANY = 256  # files that are read in the time in which a git starts


class Lying(Mapping[Digest, Mapping[str, Entry]]):
    """The folders of approvals of a snapshot, as `labelvc.ops.approvals.folders` returns them.

    Args:
        snapshot: a commit.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self.commit = snapshot.commit
        self._entries = snapshot.entries
        self._read: dict[Digest, dict[str, Entry]] = {}
        self._roots: list[Digest] | None = None

    def __getitem__(self, root: Digest) -> Mapping[str, Entry]:
        """Return the files of a folder by their paths."""
        found = self._files(root)
        if not found:
            raise KeyError(root)
        return found

    def __contains__(self, root: object) -> bool:
        """Tell whether a change-set has a folder."""
        return isinstance(root, str) and bool(self._files(Digest(root)))

    def __iter__(self) -> Iterator[Digest]:
        """Yield the change-sets that have a folder."""
        if self._roots is None:
            roots = map(approvals.root_of, listing.paths(self._entries, f"{approvals.FOLDER}/"))
            self._roots = list(dict.fromkeys(root for root in roots if root))
        return iter(self._roots)

    def __len__(self) -> int:
        """Return how many there are."""
        return sum(1 for _ in self)

    def sharing(self, git: Git, lines: Iterable[bytes]) -> list[Digest] | None:
        """Return the change-sets whose list holds a line of another, and maybe more; None where reading all of them costs less.

        A list counts only where its lines are spelled as `labelvc.core.changeset.line` writes them, so that the bytes are found.
        """
        wanted = list(lines)
        if not wanted:
            return []
        if len(wanted) > _FEW or self._small():
            return None
        found = search.holding(git, self.commit, wanted, f"{approvals.FOLDER}/*/{approvals.CHANGE_SET}")
        return [root for path in found if (root := approvals.root_of(path))]

    def _files(self, root: Digest) -> Mapping[str, Entry]:
        known = self._read.get(root)
        if known is None:
            under = listing.under(self._entries, f"{approvals.folder_of(root)}/")
            known = self._read[root] = {path: entry for path, entry in under if approvals.root_of(path) == root}
        return known

    def _small(self) -> bool:
        paths = listing.paths(self._entries, f"{approvals.FOLDER}/")
        return sum(1 for _ in islice(paths, _MANY)) < _MANY


class Joined(Mapping[Digest, Mapping[str, Entry]]):
    """Two sets of folders as one, each file as the first of them has it."""

    def __init__(self, one: Folders, two: Folders) -> None:
        self._one, self._two = one, two

    def __getitem__(self, root: Digest) -> Mapping[str, Entry]:
        """Return the files of a folder by their paths."""
        if root not in self._two:
            return self._one[root]
        return {**self._two[root], **self._one.get(root, {})}

    def __iter__(self) -> Iterator[Digest]:
        """Yield the change-sets that have a folder."""
        return iter(dict.fromkeys([*self._two, *self._one]))

    def __len__(self) -> int:
        """Return how many there are."""
        return sum(1 for _ in self)


class Known:
    """Paths of statements that were in history before a step; the others came with it.

    Args:
        folders: the folders of approvals before the step.
        gone: paths that were in them once.
    """

    def __init__(self, folders: Folders, gone: Collection[str] = ()) -> None:
        self._folders, self._gone = folders, gone
        self._last: tuple[str, Mapping[str, Entry]] = ("", {})

    def __contains__(self, path: object) -> bool:
        """Tell it of a path."""
        folder = path.rpartition("/")[0] if isinstance(path, str) else ""
        if folder != self._last[0]:
            root = approvals.root_of(str(path))
            self._last = folder, {} if root is None else self._folders.get(root, {})
        return path in self._last[1] or path in self._gone
