"""Voices: what people said on change-sets, and which of it is their word now."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from labelvc.codec import moment
from labelvc.model.approval import AGAINST, Verdict
from labelvc.model.change import Move
from labelvc.model.names import Digest
from labelvc.model.policy import Need, Policy, Presence


class Voice(NamedTuple):
    """One valid statement by a principal on a change-set.

    Attributes:
        principal, role, decision, digest, supersedes, authors: as signed.
        fresh: whether it came into history with the step judged.
        presence: what its signature proves of the person.
        emergency: whether it is a yes in an emergency, which counts for nothing else.
        rekey: whether it is a statement on a re-key, which counts for what is proved to be one and for nothing else.
        signed_at, expires_at: as signed, RFC 3339 UTC; empty: not said.
    """

    principal: str
    role: str
    decision: Verdict
    digest: Digest
    supersedes: tuple[Digest, ...]
    authors: tuple[str, ...]
    fresh: bool
    presence: Presence = Presence()
    emergency: bool = False
    rekey: bool = False
    signed_at: str = ""
    expires_at: str = ""

    def over(self, need: Need, at: int | None) -> bool:
        """Tell whether it is a yes that does not count any more for a need, as it expired or is too old.

        Args:
            need: what it is to be counted for.
            at: seconds since 1970 when the step came in; None where nobody asked, so that what has a limit does not count.
        """
        if not self.expires_at and need.max_age is None:
            return False
        if at is None or (self.expires_at and at > moment.seconds(self.expires_at)):
            return True
        return need.max_age is not None and at > moment.seconds(self.signed_at) + need.max_age


class Backing(NamedTuple):
    """A change-set with the statements on it.

    Attributes:
        root: its digest.
        moves: None when it is the very change-set judged.
        voices: the statements.
        authors: who is an author by any of them, also by one that does not count any more; `decide` adds the voices'.
    """

    root: Digest
    moves: Collection[Move] | None
    voices: tuple[Voice, ...]
    authors: frozenset[str] = frozenset()


def current(backings: Sequence[Backing]) -> list[Backing]:
    """Return the backings with what each principal says now: statements that none of their own supersedes, wherever it is."""
    if not any(voice.supersedes or voice.authors for each in backings for voice in each.voices):
        return list(backings)
    gone = {(voice.principal, digest) for each in backings for voice in each.voices for digest in voice.supersedes}
    return [
        each._replace(
            voices=tuple(voice for voice in each.voices if (voice.principal, voice.digest) not in gone),
            authors=each.authors.union(*(voice.authors for voice in each.voices)),
        )
        for each in backings
    ]


def limited(policy: Policy, backings: Iterable[Backing]) -> bool:
    """Tell whether something that was said, or a need of a policy, has a limit in time; else nobody has to know when it is."""
    needs = (need for rule in policy.rules for need in (*rule.needs, rule.emergency))
    return any(need is not None and need.max_age is not None for need in needs) or any(
        voice.expires_at for backing in backings for voice in backing.voices
    )


def heard(backing: Backing, *, fresh: bool, vouched: Collection[Digest] = ()) -> Backing:
    """Return a backing with the voices that count for a group of moves.

    Args:
        backing: the change-set with all of them.
        fresh: whether only those count that came with the step.
        vouched: statements on a re-key that count; of moves that are none, no such statement does.
    """
    kept = tuple(
        voice for voice in backing.voices if (voice.fresh or not fresh) and (not voice.rekey or voice.digest in vouched)
    )
    return backing if len(kept) == len(backing.voices) else backing._replace(voices=kept)


def agreed(backing: Backing) -> Iterator[Voice]:
    """Yield the approvals of those whose every current word on the change-set is yes or nothing."""
    against = {voice.principal for voice in backing.voices if voice.decision in AGAINST}
    return (voice for voice in backing.voices if voice.decision == "approve" and voice.principal not in against)
