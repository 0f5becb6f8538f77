"""Deeds: what each step of a history did, whoever judges it, read from gits that are kept from step to step."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from itertools import islice, takewhile
from typing import NamedTuple

from labelvc.core import changeset, decide
from labelvc.core.changeset import Gathered
from labelvc.model import listing
from labelvc.model.snapshot import Entry, Snapshot
from labelvc.ops import approvals, makers
from labelvc.ops import diff as comparing
from labelvc.ops.makers import Made
from labelvc.store import tree
from labelvc.store.git import Git
from labelvc.store.reader import Reader

ODD = "a symbolic link, a submodule or a second file of this name stands where one file of the project must be"
_STRANGE = (b"120000", b"160000")


class Deed(NamedTuple):
    """What a step did.

    Attributes:
        parent, commit: the step; the parent of a root commit is empty.
        old, new: its files before and after; those that are the same may be missing.
        found: its moves.
        paths: the files that differ, sorted.
    """

    parent: str
    commit: str
    old: Snapshot
    new: Snapshot
    found: Gathered
    paths: list[str]

    def changed(self, start: str) -> list[str]:
        """Return the files that differ and whose path begins with a text, sorted."""
        at = bisect_left(self.paths, start)
        return list(takewhile(lambda path: path.startswith(start), islice(self.paths, at, None)))

    @property
    def brought(self) -> dict[str, Entry]:
        """The files of approvals that it brought or changed."""
        paths = self.changed(f"{approvals.FOLDER}/")
        there = dict(listing.under(self.new.entries, f"{approvals.FOLDER}/")) if paths else {}
        return {path: there[path] for path in paths if path in there}


class Deeds:
    """Reads deeds one after another.

    Args:
        git: where.
        reader: reads its objects.
    """

    def __init__(self, git: Git, reader: Reader) -> None:
        self._git, self._reader = git, reader
        self._line: Sequence[tuple[str, str]] = ()
        self._made: dict[tuple[str, str], list[Made]] = {}

    def expect(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Take note of the steps of a line, which are read one ahead of another.

        Their makers are found all at once when the first is asked for.
        """
        self._line, self._made = pairs, {}
        self._reader.differences.expect([pair for pair in pairs if pair[0]])

    def of(self, parent: str, commit: str) -> Deed:
        """Return what a step did.

        Raises:
            StoreError: git or DVC data is missing.
        """
        if parent:
            old, new = tree.differing(self._git, parent, commit, self._reader)
        else:
            old, new = tree.empty(), tree.commit(self._git, commit)
        found = changeset.gather(comparing.between(self._git, old, new, self._reader))
        return Deed(parent, commit, old, new, found, tree.changed(old, new))

    def made(self, deed: Deed) -> list[Made]:
        """Return the commits of a step that make something; see `labelvc.ops.makers.commits`."""
        step = (deed.parent, deed.commit)
        if self._line and step not in self._made:
            told = makers.along(self._git, self._line)
            self._made, self._line = {pair: told[pair[1]] for pair in self._line}, ()
        return self._made[step] if step in self._made else makers.commits(self._git, *step)

    def odd(self, deed: Deed) -> frozenset[str]:
        """Return the protected paths that a step makes a symbolic link or a submodule, or that a tree of it holds twice.

        The bytes of a link are a target's name: equal bytes would be no change, and what is read on the disk lies elsewhere.
        Of two entries of one name we would judge one, and git may write the other to the disk.
        """
        raw = self._reader.differences.files(deed.parent, deed.commit)
        told = raw.decode("utf-8", "surrogateescape").split("\0")
        paths = told[1::2]
        if len(set(paths)) == len(paths) and not any(mode in raw for mode in _STRANGE):  # as nearly always
            return frozenset()
        times = Counter(paths)
        rows = zip(told[::2], paths, strict=False)
        found = (path for about, path in rows if about.split(" ")[1].encode() in _STRANGE or times[path] > 1)
        return frozenset(path for path in found if decide.kind_of(changeset.key_text(path)) != "other")
