"""The ledger: approvals and trust files as they stand at each step of a walk, carried on by what the step changed.

A history of many approvals is walked in time that follows what came in, not what lies there.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import NamedTuple

from labelvc.core import decide
from labelvc.core.changeset import Gathered
from labelvc.model.names import Digest
from labelvc.model.snapshot import Entry, Snapshot
from labelvc.ops import approvals
from labelvc.ops.approvals import Folders, Shelf
from labelvc.ops.deeds import Deed
from labelvc.ops.lying import Joined, Known, Lying
from labelvc.store import git as plumbing
from labelvc.store import tree
from labelvc.store.git import Git

_TRUST = "trust"
_KEPT = 3
_FEW = 4  # steps
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
        folders: the files of approvals by change-set.
        objecting: change-sets on which somebody may have said no or taken a yes back.
        trust: the trust files.
        unread: folders whose statements were not looked through for that yet; those that a step turned since are in `objecting`.
    """

    folders: Folders
    objecting: frozenset[Digest]
    trust: Snapshot
    unread: tuple[Lying, ...] = ()


class Ledger:
    """Reads pages, each from the one before it where that is at hand.

    A page that a step led to lies over the one before it, and takes its place when it is itself the page before a step.

    Args:
        git: where.
        shelf: reads approvals.
    """

    def __init__(self, git: Git, shelf: Shelf) -> None:
        self._git, self._shelf = git, shelf
        self._pages: dict[str, Page] = {}
        self._gone: tuple[str, frozenset[str]] = ("", frozenset())
        self._read: dict[str, frozenset[Digest]] = {}
        self._asked = 0

    def page(self, commit: str) -> Page:
        """Return the page of a commit; empty: of nothing. It ends the pages that were returned before.

        Raises:
            StoreError: git data is missing.
        """
        known = self._pages.get(commit)
        if known is None:
            said = Lying(tree.commit(self._git, commit, (approvals.FOLDER,)) if commit else tree.empty())
            self._keep(commit, Page(_over({}, said), frozenset(), self.trust(commit), (said,)))
        elif isinstance(known.folders, ChainMap) and len(known.folders.maps) > 2:
            turned, carried, lying = known.folders.maps
            carried.update(turned)
            self._pages = {commit: known._replace(folders=_over(carried, lying))}
        return self._pages[commit]

    def after(self, deed: Deed) -> Page:
        """Return the page of the commit that a step led to; of its parent, whose page holds beside it, ask after that.

        Raises:
            StoreError: git data is missing.
        """
        if deed.commit not in self._pages:
            self._keep(deed.commit, self._turned(self.page(deed.parent), deed))
        return self._pages[deed.commit]

    def trust(self, commit: str) -> Snapshot:
        """Return the trust files at a commit.

        Raises:
            StoreError: git data is missing.
        """
        known = self._pages.get(commit)
        if known is not None:
            return known.trust
        return tree.commit(self._git, commit, (_TRUST,)) if commit else tree.empty()

    def known(self, at: str, deed: Deed) -> Container[str]:
        """Return the paths of statements that a step does not bring: they are at a commit, or were on the line to it.

        Who takes a statement out and brings it back later brings nothing new. What was there once is looked up where it
        matters: something without a `rev` moves, so that an old statement could fit it again.

        Args:
            at: the commit before the step; empty for none.
            deed: what the step did.

        Raises:
            StoreError: git data is missing.
        """
        folders = self.page(at).folders
        if all(move.old is not None and decide.kind_of(move.key) == "labels" for move in deed.found.changeset.moves):
            return Known(folders)
        start, gone = self._gone
        if at and at != start:
            if start and not plumbing.is_ancestor(self._git, start, at):
                start, gone = "", frozenset()
            reach = f"{start}..{at}" if start else at
            gone |= set(plumbing.run(self._git, *_GONE, reach, "--", approvals.FOLDER).decode(*_PATHS).split("\0"))
            self._gone = at, gone
        return Known(folders, gone)

    def of(self, said: Snapshot, trust: Snapshot) -> Page:
        """Return a page that is read from its files."""
        return self.over(approvals.folders(said), trust)

    def over(self, folders: Folders, trust: Snapshot) -> Page:
        """Return a page of some folders of approvals."""
        return Page(folders, frozenset(self._shelf.objecting(folders)), trust)

    def joined(self, after: Page, ruler: Page) -> Page:
        """Return what is said on a branch with what is said where it would go: a no that lies there binds here too.

        What lies there under one name is what somebody signed; a branch that has something else in its place changed it.
        """
        unread = {lying.commit: lying for lying in (*after.unread, *ruler.unread)}
        folders = Joined(ruler.folders, after.folders)
        return Page(folders, after.objecting | ruler.objecting, after.trust, tuple(unread.values()))

    def objected(self, page: Page, found: Gathered) -> bool:
        """Tell whether somebody may have said no on another change-set that shares moves with a step, or taken a yes back.

        What lay there before a walk began is looked through where its lists hold a line of the step; when more than a few
        steps ask, all of it at once.

        Args:
            page: what was said until the step.
            found: what the step did.

        Raises:
            StoreError: git data is missing.
        """
        self._asked += 1
        roots = page.objecting.union(*(self._suspected(lying, found.lines) for lying in page.unread))
        sharing = self._shelf.sharing(found.changeset, page.folders, roots) if roots else ()
        return any(self._shelf.objects(page.folders[root]) for root, _ in sharing)

    def objecting(self, page: Page) -> frozenset[Digest]:
        """Return the change-sets of a page on which somebody may have said no or taken a yes back, in what lay there too."""
        roots = page.objecting.union(*map(self._all, page.unread))
        return frozenset(root for root in roots if self._shelf.objects(page.folders.get(root, {})))

    def _suspected(self, lying: Lying, lines: Sequence[bytes]) -> Iterable[Digest]:
        few = lying.sharing(self._git, lines) if self._asked <= _FEW and lying.commit not in self._read else None
        return self._all(lying) if few is None else few

    def _all(self, lying: Lying) -> frozenset[Digest]:
        """Return the change-sets on which it was so where a walk began."""
        if lying.commit not in self._read:
            self._read[lying.commit] = frozenset(self._shelf.objecting(lying))
        return self._read[lying.commit]

    def _turned(self, before: Page, deed: Deed) -> Page:
        trust = before.trust._replace(name=deed.commit, commit=deed.commit)
        if deed.changed(f"{_TRUST}/"):
            trust = tree.commit(self._git, deed.commit, (_TRUST,))
        turned: dict[Digest, dict[str, Entry]] = {}
        brought = deed.brought
        for path in deed.changed(f"{approvals.FOLDER}/"):
            if root := approvals.root_of(path):
                here = turned.setdefault(root, dict(before.folders.get(root, {})))
                here.pop(path, None)
                if path in brought:
                    here[path] = brought[path]
        if not turned:
            return before._replace(trust=trust)
        objecting = before.objecting.difference(turned).union(self._shelf.objecting(turned))
        folders = _over(turned, *(before.folders.maps if isinstance(before.folders, ChainMap) else [before.folders]))
        if not all(turned.values()):
            folders = _over({root: files for root, files in folders.items() if files}, {})
        return Page(folders, objecting, trust, before.unread)

    def _keep(self, commit: str, page: Page) -> None:
        while len(self._pages) >= _KEPT:
            del self._pages[next(iter(self._pages))]
        self._pages[commit] = page


def _over(*folders: Mapping[Digest, Mapping[str, Entry]]) -> Folders:
    """Return folders of which the first that knows a change-set tells it."""
    return ChainMap(*folders)  # type: ignore[arg-type]  # only the first is ever written to, and it is a dict
