"""A judged step as a value: how it stands, who said what of it, and what was said of it later."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from labelvc.codec import moment
from labelvc.core.decide import Decision, State
from labelvc.core.quorum import Standing
from labelvc.model.approval import Meaning, Verdict
from labelvc.model.change import ChangeSet
from labelvc.model.names import Digest
from labelvc.ops.approvals import Heard, Problem, Statement


class Said(NamedTuple):
    """A valid statement on the very change-set of a step, or on another that shares moves with it.

    Attributes:
        principal, role, decision, digest, meaning, signed_at, reason: as signed.
        root: the change-set it is about.
        path: its file.
        moves: how many moves of the step that change-set holds.
        superseded: payload digest of the signer's own statement that takes it back; empty when none does.
        expires_at: as signed; empty: it has no end.
    """

    principal: str
    role: str
    decision: Verdict
    digest: Digest
    meaning: Meaning
    signed_at: str
    reason: str
    root: Digest
    path: str
    moves: int
    superseded: Digest = Digest("")
    expires_at: str = ""


class Step(NamedTuple):
    """One first-parent step and how it stands.

    Attributes:
        parent, commit: the step; the parent of a root commit is empty.
        state: see `labelvc.core.decide.Decision`; `ungoverned` when no policy was in force yet.
        covered, total: moves.
        uncovered: keys of the others.
        needs: how each need of the policy stands.
        policy: version in force; None when there was none or it could not be used.
        root: digest of the step's change-set.
        said: valid statements on that change-set; on others that share moves with it, when they had to be asked.
        problems: files that counted for nothing, and why the step could not be judged.
        noes: those of `said` that keep the step from being approved.
        later: statements on the change-sets of `said` that came into history after the step, as far as it was looked at.
        ratified: principals by whose later word a step is approved that an emergency let in, or whose approval is distrusted since.
        agreed: principals whose yes counts for some of the moves.
        at: seconds since 1970 by which it was judged; None where nothing had a limit in time.
        due: seconds since 1970 until which what an emergency let in must be ratified; None: no end was set.
    """

    parent: str
    commit: str
    state: State
    covered: int
    total: int
    uncovered: tuple[str, ...] = ()
    needs: tuple[Standing, ...] = ()
    policy: int | None = None
    root: Digest = Digest("")
    said: tuple[Said, ...] = ()
    problems: tuple[Problem, ...] = ()
    noes: tuple[Said, ...] = ()
    later: tuple[Said, ...] = ()
    ratified: tuple[str, ...] = ()
    agreed: frozenset[str] = frozenset()
    at: int | None = None
    due: int | None = None

    @property
    def roots(self) -> dict[Digest, int]:
        """The change-sets that were asked, and how many moves of the step each holds."""
        return {self.root: self.total} | {said.root: said.moves for said in self.said}

    def ended(self, said: Said) -> bool:
        """Tell whether a statement is a yes that did not count any more, as it had expired or was too old."""
        if said.expires_at and self.at is not None and self.at > moment.seconds(said.expires_at):
            return True
        late = (need for need in self.needs if need.role == said.role and said.principal in need.ended)
        return said.decision == "approve" and any(late)


def judged(
    parent: str,
    commit: str,
    version: int,
    changeset: ChangeSet,
    decision: Decision,
    heard: Sequence[Heard],
    problems: Iterable[Problem],
    at: int | None = None,
    due: int | None = None,
) -> Step:
    """Return a step that was decided on.

    Args:
        parent: commit before.
        commit: commit after.
        version: of the policy that judged it.
        changeset: its moves.
        decision: the decision.
        heard: what was said on its change-set and on others.
        problems: what counted for nothing.
        at: seconds since 1970 by which it was decided; None where that did not matter.
        due: seconds since 1970 until which it must be ratified; None: no end was set.
    """
    state, covered, total, uncovered, needs, against, agreed, _ = decision
    statements = [one for each in heard for one in each.statements]
    moves = {each.backing.root: _shared(each, changeset, total) for each in heard}
    said = tuple(_with_supersession([_said(one, moves[one.approval.root]) for one in statements], statements))
    blocking = {voice.digest for voice in against}
    noes = tuple(each for each in said if each.digest in blocking)
    return Step(
        parent,
        commit,
        state,
        covered,
        total,
        uncovered,
        needs,
        version,
        changeset.root,
        said,
        tuple(problems),
        noes,
        agreed=agreed,
        at=at,
        due=due,
    )


def followed(step: Step, found: Sequence[Statement]) -> Step:
    """Return a step with what was said of it later: valid statements on its change-sets that its own tree did not hold."""
    if not found:
        return step
    later = [_said(one, step.roots[one.approval.root]) for one in found]
    said, new = (tuple(_with_supersession(each, found)) for each in (step.said, later))
    return step._replace(said=said, later=new)


def overdue(step: Step) -> Step:
    """Return a step that an emergency let in as one that lacks approval: nobody ratified it in the time the policy gives."""
    late = f"ended on {moment.instant(step.due or 0)}, and nobody had ratified what an emergency let in"
    return step._replace(state="missing", problems=(*step.problems, Problem("the time to agree", late)))


def ratified(step: Step, after: Step) -> Step:
    """Return a step that was open when it came in, or is again, as approved by words that came later.

    Args:
        step: as it stood by its own tree.
        after: the same step as the words of a later tree decide it.
    """
    before = {said.digest for said in step.said}
    new = (said for said in after.said if said.digest not in before and not said.superseded)
    fresh = {said.principal for said in new if said.decision == "approve" and said.meaning != "emergency"}
    return step._replace(
        state=after.state,
        covered=after.covered,
        uncovered=after.uncovered,
        needs=after.needs,
        ratified=tuple(sorted(fresh & after.agreed)),
    )


def _shared(heard: Heard, changeset: ChangeSet, total: int) -> int:
    moves = heard.backing.moves
    return total if moves is None else len(frozenset(moves).intersection(changeset.moves))


def _said(found: Statement, moves: int) -> Said:
    one = found.approval
    return Said(
        one.signer.principal,
        one.role,
        one.decision,
        found.digest,
        one.meaning,
        one.signed_at,
        one.reason,
        one.root,
        found.path,
        moves,
        expires_at=one.expires_at,
    )


def _with_supersession(said: Iterable[Said], statements: Sequence[Statement]) -> Iterator[Said]:
    """Yield statements with the digest of the one by the same person that takes each back."""
    gone = {
        (one.approval.signer.principal, digest): one.digest for one in statements for digest in one.approval.supersedes
    }
    for each in said:
        by = gone.get((each.principal, each.digest))
        yield each._replace(superseded=by) if by else each
