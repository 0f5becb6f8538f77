"""The ledger: approvals and trust files as they stand at each step of a walk, carried on by what the step changed.

A history of many approvals is walked in time that follows what came in, not what lies there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from labelvc.core import decide
from labelvc.model.change import ChangeSet
from labelvc.model.names import Digest
from labelvc.model.snapshot import Entry, Snapshot
from labelvc.ops import approvals
from labelvc.ops.approvals import Shelf
from labelvc.store import git as plumbing
from labelvc.store import tree
from labelvc.store.git import Git

_TRUST = "trust"
_KEPT = 3
_GONE = (
    "log",
    "--first-parent",
    "--diff-merges=first-parent",
    "--diff-filter=DT",
    "--no-renames",
    "--format=",
    "--name-only",
    "-z",
)
_PATHS = ("utf-8", "surrogateescape")


class Page(NamedTuple):
    """What stands at one commit.

    Attributes:
        said: the files of approvals.
        folders: the same by change-set.
        objecting: change-sets on which somebody may have said no or taken a yes back.
        trust: the trust files.
    """

    said: Snapshot
    folders: Mapping[Digest, Mapping[str, Entry]]
    objecting: frozenset[Digest]
    trust: Snapshot


class Ledger:
    """Reads pages, each from the one before it where that is at hand.

    Args:
        git: where.
        shelf: reads approvals.
    """

    def __init__(self, git: Git, shelf: Shelf) -> None:
        self._git, self._shelf = git, shelf
        self._pages: dict[str, Page] = {}
        self._gone: tuple[str, frozenset[str]] = ("", frozenset())

    def page(self, commit: str) -> Page:
        """Return the page of a commit; empty: of nothing.

        Raises:
            StoreError: git data is missing.
        """
        if commit not in self._pages:
            said = tree.commit(self._git, commit, (approvals.FOLDER,)) if commit else tree.empty()
            trust = tree.commit(self._git, commit, (_TRUST,)) if commit else tree.empty()
            self._keep(commit, self.of(said, trust))
        return self._pages[commit]

    def after(self, parent: str, commit: str, old: Snapshot, new: Snapshot) -> Page:
        """Return the page of a commit.

        Args:
            parent: the commit before.
            commit: the commit.
            old: its files, of which those that are the same in the commit may be missing.
            new: the files of the commit, likewise.

        Raises:
            StoreError: git data is missing.
        """
        if commit not in self._pages:
            self._keep(commit, self._turned(self.page(parent), commit, old, new))
        return self._pages[commit]

    def known(self, said: Snapshot, moved: ChangeSet) -> Collection[str]:
        """Return the paths of statements that a step does not bring: they are at a commit, or were on the line that leads to it.

        Who takes a statement out and brings it back later brings nothing new. What was there once is looked up where it
        matters: something without a `rev` moves, so that an old statement could fit it again.

        Args:
            said: the statements at the commit before.
            moved: what moves in the step.

        Raises:
            StoreError: git data is missing.
        """
        if all(decide.kind_of(move.key) == "labels" for move in moved.moves):
            return said.entries.keys()
        start, gone = self._gone
        if said.commit and said.commit != start:
            if start and not plumbing.is_ancestor(self._git, start, said.commit):
                start, gone = "", frozenset()
            reach = f"{start}..{said.commit}" if start else said.commit
            gone |= set(plumbing.run(self._git, *_GONE, reach, "--", approvals.FOLDER).decode(*_PATHS).split("\0"))
            self._gone = said.commit, gone
        return gone | said.entries.keys()

    def of(self, said: Snapshot, trust: Snapshot) -> Page:
        """Return a page that is read from its files."""
        folders = approvals.folders(said)
        return Page(
            said, folders, frozenset(root for root, files in folders.items() if self._shelf.objects(files)), trust
        )

    def _turned(self, before: Page, commit: str, old: Snapshot, new: Snapshot) -> Page:
        moved = tree.changed(old, new, f"{_TRUST}/")
        trust = tree.commit(self._git, commit, (_TRUST,)) if moved else before.trust
        paths = tree.changed(old, new, f"{approvals.FOLDER}/")
        if not paths:
            return before._replace(trust=trust)
        entries = dict(before.said.entries)
        for path in paths:
            entries.pop(path, None)
            if path in new.entries:
                entries[path] = new.entries[path]
        folders, objecting = dict(before.folders), set(before.objecting)
        for root in {root for root in map(approvals.root_of, paths) if root}:
            inside = approvals.folder_of(root)
            kept = {path: entry for path, entry in folders.get(root, {}).items() if path in entries}
            here = kept | {path: entries[path] for path in paths if path in entries and path.startswith(f"{inside}/")}
            folders.pop(root, None)
            objecting.discard(root)
            if here:
                folders[root] = here
            if self._shelf.objects(here):
                objecting.add(root)
        return Page(Snapshot(commit, "commit", commit, entries), folders, frozenset(objecting), trust)

    def _keep(self, commit: str, page: Page) -> None:
        while len(self._pages) >= _KEPT:
            del self._pages[next(iter(self._pages))]
        self._pages[commit] = page
