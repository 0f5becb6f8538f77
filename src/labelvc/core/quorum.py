"""Quorums: different people are given to the places that needs have, and how each need stands over a whole change."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from labelvc.model.policy import Need, Presence


class Standing(NamedTuple):
    """How one need of the policy stands.

    Attributes:
        role: the hat.
        asked: how many people must agree.
        have: how many of them do, for the moves where it is fewest.
        who_can: principals who could still give their word.
        barred: those who hold the role and are kept from it by their part in the change.
        presence: what a signature must prove of the person to count.
        max_age: seconds for which a yes counts; None: for ever.
        ended: those of `who_can` whose yes does not count any more, as it expired or is too old.
    """

    role: str
    asked: int
    have: int
    who_can: tuple[str, ...] = ()
    barred: tuple[str, ...] = ()
    presence: Presence = Presence()
    max_age: int | None = None
    ended: tuple[str, ...] = ()

    @property
    def stuck(self) -> bool:
        """Tell whether nobody can meet the need as the policy stands."""
        return self.have + len(self.who_can) < self.asked


class Tallies:
    """How each need stands over all groups: the fewest people who met it, and who could."""

    def __init__(self) -> None:
        self._rows: dict[Need, tuple[int, set[str], set[str], set[str]]] = {}
        self.agreed: set[str] = set()
        """Principals whose yes counts for a need of some group."""

    def note(
        self, need: Need, have: int, able: Iterable[str], barred: Iterable[str], ended: Iterable[str] = ()
    ) -> None:
        """Count one need of one group."""
        least, who, kept, late = self._rows.get(need, (need.count, set(), set(), set()))
        self._rows[need] = (min(least, have), who | set(able), kept | set(barred), late | set(ended))

    def standings(self) -> tuple[Standing, ...]:
        """Return the needs in the order they came up."""
        return tuple(
            Standing(
                need.role,
                need.count,
                have,
                tuple(sorted(who)),
                tuple(sorted(kept)),
                need.presence,
                need.max_age,
                tuple(sorted(late)),
            )
            if have < need.count
            else Standing(need.role, need.count, have, presence=need.presence, max_age=need.max_age)
            for need, (have, who, kept, late) in self._rows.items()
        )


def seated(counts: Sequence[int], able: Sequence[Collection[str]]) -> list[int]:
    """Give each place of each need to a different person, as many as possible (Kuhn's bipartite matching)."""
    if len(counts) == 1:
        return [min(counts[0], len(able[0]))]
    ranked = [sorted(people) for people in able]
    places = [need for need, count in enumerate(counts) for _ in range(min(count, len(able[need])))]
    taken: dict[str, int] = {}

    def seat(place: int, tried: set[str]) -> bool:
        for person in ranked[places[place]]:
            if person not in tried:
                tried.add(person)
                if person not in taken or seat(taken[person], tried):
                    taken[person] = place
                    return True
        return False

    for place in range(len(places)):
        seat(place, set())
    have = [0] * len(counts)
    for place in taken.values():
        have[places[place]] += 1
    return have
