"""Votes: the statements that cover a change, and whether they stood when it came in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from labelvc.codec import canonical, moment
from labelvc.core import changeset
from labelvc.errors import TrustError
from labelvc.model.change import Delta, Move
from labelvc.model.names import Digest, Key
from labelvc.model.policy import Trust
from labelvc.model.snapshot import Entry
from labelvc.model.vote import Vote
from labelvc.ops import approvals
from labelvc.ops import course as courses
from labelvc.ops import diff as comparing
from labelvc.ops.approvals import Problem, Shelf, Statement
from labelvc.ops.past import Past
from labelvc.ops.verify import Walk
from labelvc.store import tree
from labelvc.store.git import Git
from labelvc.store.reader import Reader


class Ballot:
    """Finds the statements on a record's changes in the approvals folder of a snapshot.

    Args:
        git: the repository.
        reader: reads objects.
        head: full id of the commit whose approvals are looked through.
        pin: digest of root version 1, from outside the repository; None when there is none.
    """

    def __init__(self, git: Git, reader: Reader, head: str, pin: str | None) -> None:
        self._git, self._reader, self._head = git, reader, head
        self._walk, self._shelf = Walk(git, reader, pin), Shelf(reader)
        self._folders = approvals.folders(tree.commit(git, head, [approvals.FOLDER]))
        self._trusts: dict[str, Trust | None] = {}
        self._roots: dict[tuple[str, str], Digest] = {}

    def votes(self, past: Past, parent: str, integrated: str, delta: Delta) -> tuple[tuple[Vote, ...], bool]:
        """Return the statements that cover a change, and whether a policy was in force.

        Args:
            past: where the record's other lines are read.
            parent: the first parent of the commit by which the change came in; empty for a root commit.
            integrated: that commit.
            delta: the change, of a record or an item.

        Returns:
            The statements: on the change as one step, or on what the whole merge made of the record.
        """
        trust = self._trust(parent)
        if trust is None or not self._folders or not isinstance(delta.key, Key):
            return (), trust is not None
        if self._walk.silence is None:
            self._walk.heed(courses.read(self._git, self._head))
        trust = self._walk.heeding(trust, integrated)
        one, two = [past.line(at, delta.key) for at in (parent, integrated)]
        net = Delta(delta.key, one, two)
        there = tree.commit(self._git, integrated, [approvals.FOLDER]).entries
        return tuple(self._covering({_move(delta), _move(net)}, trust, there, (parent, integrated))), True

    def _trust(self, parent: str) -> Trust | None:
        if parent not in self._trusts:
            try:
                self._trusts[parent] = self._walk.trust(tree.commit(self._git, parent, ["trust"])) if parent else None
            except TrustError:
                self._trusts[parent] = None
        return self._trusts[parent]

    def _covering(
        self, moves: set[Move], trust: Trust, there: Mapping[str, Entry], step: tuple[str, str]
    ) -> Iterator[Vote]:
        key = canonical.encode(next(iter(moves)).key)
        asked = [
            (root, files)
            for root, files in sorted(self._folders.items())
            if self._covers(root, files, key, moves, step)
        ]
        found = [(said, files) for root, files in asked for said in self._shelf.statements(root, files, trust)]
        gone = {
            (said.approval.signer.principal, digest): said.path
            for said, _ in found
            if not isinstance(said, Problem)
            for digest in said.approval.supersedes
        }
        for said, files in found:
            stood, version = there.get(said.path) == files[said.path], trust.policy.version
            if why := self._void(said, step[1], stood=stood):
                yield Vote(said.path, "", "", "", "", "", version, stood, why)
            elif isinstance(said, Statement):
                one = said.approval
                who, name = one.signer.principal, one.signer.printed_name
                yield Vote(
                    said.path,
                    one.decision,
                    who,
                    name,
                    one.role,
                    one.signed_at,
                    version,
                    stood,
                    meaning=one.meaning,
                    reason=one.reason,
                    superseded=gone.get((who, said.digest), ""),
                )

    def _void(self, said: Statement | Problem, commit: str, *, stood: bool) -> str:
        """Return why a statement does not count for a step: what is wrong with it, or that it had expired; empty when it does."""
        if isinstance(said, Problem):
            return said.message
        ends = said.approval.expires_at
        if not ends or not stood or self._walk.dates.at(commit) <= moment.seconds(ends):
            return ""
        return f"{said.approval.signer.principal}'s yes expired at {ends}, before the change came in"

    def _covers(
        self, root: Digest, files: Mapping[str, Entry], key: bytes, moves: set[Move], step: tuple[str, str]
    ) -> bool:
        path = f"{approvals.folder_of(root)}/{approvals.CHANGE_SET}"
        if path not in files:
            return root == self._root(*step)
        if key not in self._reader.read(path, files[path]):
            return False
        found = self._shelf.changeset(root, files)
        return not isinstance(found, Problem) and not moves.isdisjoint(found.moves)

    def _root(self, parent: str, commit: str) -> Digest:
        """Return the change-set of a step, which is asked for where a statement has no list beside it."""
        if (parent, commit) not in self._roots:
            old, new = tree.commit(self._git, parent) if parent else tree.empty(), tree.commit(self._git, commit)
            self._roots[parent, commit] = changeset.gather(comparing.between(self._git, old, new)).changeset.root
        return self._roots[parent, commit]


def _move(delta: Delta) -> Move:
    digests = [None if raw is None else canonical.digest(raw) for raw in (delta.old, delta.new)]
    return Move(str(delta.key), *digests)
