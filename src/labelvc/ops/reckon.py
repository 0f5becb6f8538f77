"""Reckon: how the steps of a bundle stand, worked out again from the policies, change-sets and statements in it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from labelvc.core import changeset, decide
from labelvc.core.decide import Case, Decision
from labelvc.errors import DataError
from labelvc.model.approval import Rekeying
from labelvc.model.change import ChangeSet
from labelvc.model.names import Digest
from labelvc.model.policy import Distrust, Trust
from labelvc.model.snapshot import Entry, Snapshot
from labelvc.ops import approvals
from labelvc.ops import trust as trusting
from labelvc.ops.approvals import Shelf
from labelvc.store.reader import Reader

_STANDS = {"approved": ("approved",), "conditional": ("approved", "conditional")}
"""What a step that is called so must be worked out to be, at least."""
_UNKNOWN = "unknown"
_UNSEEN = "?"
"""What a step brings whose change-set is not here."""


class Listed(NamedTuple):
    """A step as the lists of a bundle have it.

    Attributes:
        commit: full id.
        policy: name of the policy that judged it.
        root: its change-set, in hexadecimal.
        authors: principals who made it, as the population says.
        state: how it is said to stand.
        at: seconds since 1970 when it is said to have come in; None where the bundle says nothing of that.
    """

    commit: str
    policy: str
    root: str
    authors: tuple[str, ...]
    state: str
    at: int | None = None


class Held(Reader):
    """Reads files that are in memory."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    def read(self, path: str, entry: Entry) -> bytes:
        """Return a file's bytes."""
        return self._files[path]


class Reckoner:
    """Judges steps by what a bundle holds: every statement in it, whenever it came in.

    So nothing is called approved that never was; that something was approved only later is not seen here. Nor is who stands
    behind the records, since they are not in a bundle.

    Args:
        files: name to content.
        trusts: the policies that were found good, by name, in the order in which they came into force.
        parents: commit to its parents, as far as the bundle lists them.
        steps: all that are listed, in their order.
    """

    def __init__(
        self,
        files: Mapping[str, bytes],
        trusts: Mapping[str, Trust],
        parents: Mapping[str, Sequence[str]],
        steps: Sequence[Listed],
    ) -> None:
        held = {path: data for path, data in files.items() if path.startswith(f"{approvals.FOLDER}/")}
        for path in list(held):
            folder = path.rpartition("/")[0]
            list_ = files.get(f"changesets/{folder.rpartition('/')[2]}.jsonl")
            if list_ is not None:
                held[f"{folder}/{approvals.CHANGE_SET}"] = list_
        entries = {path: Entry("git", hashlib.sha256(data).hexdigest()) for path, data in held.items()}
        self._files, self._trusts, self._parents = files, trusts, parents
        self._folders = approvals.folders(Snapshot("the bundle", "commit", "", entries))
        self._shelf = Shelf(Held(held))
        self._distrusted = list(trusts.values())[-1].policy.distrusted if trusts else ()
        self._steps = steps
        self._first = {step.policy: step.at for step in reversed(steps)}

    def flaws(self) -> Iterator[str]:
        """Yield where the policies that are said to have judged steps do not follow one another, or come from nowhere."""
        before: Trust | None = None
        wanted = ""
        for number, step in enumerate(self._steps):
            trust = self._trusts.get(step.policy)
            if trust is None:
                if before is not None or wanted not in ("", _UNSEEN):
                    yield f"step {step.commit[:12]} names no policy, and there was one before it"
            else:
                yield from self._comes(step, before, trust, wanted, first=not number)
                before = trust
            found = self._changeset(step)
            moved = {move.key: move.new for move in found.moves}.get(trusting.POLICY) if found else _UNSEEN
            wanted = str(moved or "").removeprefix("sha256:") or (wanted if trust is None else "")
        if self._steps and self._trusts and before is None and not wanted:
            yield "no step is judged by a policy, and none brings those that are here"

    def _comes(self, step: Listed, before: Trust | None, trust: Trust, wanted: str, *, first: bool) -> Iterator[str]:
        """Yield what is wrong with a policy that is said to be in force: a step that is here must have brought another one."""
        file = hashlib.sha256(self._files[f"policies/{step.policy}.json"]).hexdigest()
        if before is None or trust.digest != before.digest:
            if before is not None and not trusting.follows(before, trust):
                yield f"policy {step.policy} does not follow policy version {before.policy.version}"
            elif not wanted and not first:
                yield f"policy {step.policy} came into force before step {step.commit[:12]} by no step that is here"
        elif wanted not in ("", file) and wanted in set(self._policies()):
            yield f"step {step.commit[:12]} is judged by policy {step.policy}, and another was in force"

    def judged(self, step: Listed) -> Decision | None:
        """Return how a step stands by what is here; None where its policy or change-set is not.

        A step that was let in in an emergency, or lost its approval by a distrust, may be approved by a later policy, which came
        into force no earlier than the first step that it judged.
        """
        found = self._changeset(step)
        names = list(self._trusts)
        if found is None or step.policy not in names:
            return None
        wanted = _STANDS.get(step.state, ("approved",))
        first = self._by(step, found, self._trusts[step.policy], step.at)
        last = self._steps[-1].at
        others = ((self._trusts[name], self._first.get(name, last)) for name in names[names.index(step.policy) + 1 :])
        later = (self._by(step, found, trust, at) for trust, at in others)
        if first.state in wanted:
            return first
        return next((decision for decision in later if decision.state in wanted), first)

    def stands(self, step: Listed, decision: Decision) -> bool:
        """Tell whether a step is at least what it is called."""
        return decision.state in _STANDS.get(step.state, (decision.state,))

    def ended(self, step: Listed, decision: Decision) -> bool | None:
        """Tell whether the time to ratify what may have let a step in, an emergency, was over when the bundle ends.

        When a statement came in is not in a bundle, so that beyond that time nobody can tell here who ratified late.

        Args:
            step: one that is called approved or conditional.
            decision: how it stands by what is here.

        Returns:
            False where it was not, or where no emergency with a limit is heard of; None where nothing says when the step came in.
        """
        found, trust = self._changeset(step), self._trusts[step.policy]
        rules = trust.policy.rules
        limits = [decision.within] if decision.state == "conditional" else [rule.ratify_within for rule in rules]
        within = min((each for each in limits if each is not None), default=None)
        heard = self._shelf.all_heard(found, self._folders, (), trust) if found and within is not None else []
        if within is None or not any(voice.emergency for each in heard for voice in each.backing.voices):
            return False
        last = self._steps[-1].at
        return None if step.at is None or last is None else last > step.at + within

    def _by(self, step: Listed, found: ChangeSet, trust: Trust, at: int | None) -> Decision:
        silent = tuple(each for each in self._distrusted if not self._believed(step.commit, each))
        trust = trust._replace(policy=replace(trust.policy, distrusted=silent))
        heard = self._shelf.all_heard(found, self._folders, (), trust)
        settled = frozenset(move.key for move in found.moves if decide.kind_of(move.key) == "trust")
        authors = frozenset(step.authors)
        said = [one for each in heard for one in each.statements if isinstance(one.approval, Rekeying)]
        roots, vouched = {one.approval.root for one in said}, frozenset(one.digest for one in said)
        case = Case(
            found.moves,
            authors - {_UNKNOWN},
            strangers=_UNKNOWN in authors,
            settled=settled,
            rekeyed=self._rekeyed(trust, roots),
            vouched=vouched,
            at=at,
        )
        return decide.decide(trust.policy, case, [each.backing for each in heard])

    def _rekeyed(self, trust: Trust, roots: Collection[Digest]) -> frozenset[str]:
        """Return the keys that statements call re-keyed: no line is here that could show it, so they are believed."""
        if not any("rekeys" in rule.kinds for rule in trust.policy.rules):
            return frozenset()
        files = ((root, self._folders.get(root, {})) for root in roots)
        lists = (self._shelf.changeset(root, found) for root, found in files)
        moves = [move for each in lists if isinstance(each, ChangeSet) for move in each.moves]
        return frozenset(move.key for move in moves if "#" in move.key)

    def _changeset(self, step: Listed) -> ChangeSet | None:
        data = self._files.get(f"changesets/{step.root}.jsonl")
        try:
            return changeset.read(data) if data is not None else None
        except DataError:  # it is told where the change-sets are looked at
            return None

    def _believed(self, commit: str, entry: Distrust) -> bool:
        """Tell whether a commit is the last one believed, or before it."""
        seen: set[str] = set()
        rest = [entry.since] if entry.since in self._parents else []
        while rest:
            at = rest.pop()
            if at not in seen:
                seen.add(at)
                rest += [parent for parent in self._parents.get(at, ()) if parent in self._parents]
        return commit in seen

    def _policies(self) -> Iterator[str]:
        return (hashlib.sha256(self._files[f"policies/{name}.json"]).hexdigest() for name in self._trusts)
