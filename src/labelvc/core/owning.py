"""Whose records an author may touch: where a rule says so, whoever holds none of its roles may touch only their own."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from labelvc.core import decide
from labelvc.core.changeset import Gathered, Touch
from labelvc.model.policy import Policy, Rule


class Hands(NamedTuple):
    """Who did something, and what.

    Attributes:
        authors: principals; None stands for somebody the policy does not know.
        found: what they did; the first one's keys count, and all of them must be theirs (a merge against each parent).
        together: every author answers for each move; otherwise one of them is enough, since nothing tells who did which.
    """

    authors: frozenset[str | None]
    found: tuple[Gathered, ...]
    together: bool = True


def bound(policy: Policy) -> bool:
    """Tell whether a rule of a policy says whose records an author may touch."""
    return any(rule.own_records for rule in policy.rules)


def foreign(policy: Policy, keys: Collection[str], hands: Iterable[Hands]) -> dict[str, str | None]:
    """Return the keys that somebody moved who may not, with who that is.

    What no hands moved, but is among the keys all the same (a merge that takes one side's word back), is nobody's doing,
    and nobody's record.

    Args:
        policy: in force before.
        keys: what moved in all.
        hands: who did what of it.
    """
    found: dict[str, str | None] = {}
    seen: set[str] = set()
    for each in hands:
        for key, removed, touches in _rows(each):
            if key not in keys:
                continue
            seen.add(key)
            rules = [rule for rule in decide.rules_for(policy, key, removed=removed) or () if rule.own_records]
            strays = [who for who in each.authors if any(not _may(policy, rule, who, key, touches) for rule in rules)]
            if strays and (each.together or len(strays) == len(each.authors)):
                found.setdefault(key, min(strays, key=lambda who: who or ""))
    for key in set(keys) - seen:
        if any(rule.own_records for rule in decide.rules_for(policy, key) or ()):
            found[key] = None
    return found


def _rows(hands: Hands) -> Iterator[tuple[str, bool, list[Touch]]]:
    """Yield what differs from every side: its key, whether it is gone, and what each side tells of it."""
    first, *others = hands.found
    more = [{move.key: touch for move, touch in zip(one.changeset.moves, one.touches, strict=True)} for one in others]
    for move, touch in zip(first.changeset.moves, first.touches, strict=True):
        if all(move.key in one for one in more):
            yield move.key, move.new is None, [touch, *(one[move.key] for one in more)]


def _may(policy: Policy, rule: Rule, who: str | None, key: str, touches: Iterable[Touch]) -> bool:
    """Tell whether somebody may touch a thing: they hold a role that the rule asks for, or it is a record of theirs."""
    if who is None:
        return False
    roles = decide.roles_of(policy, who)
    if any(need.role in roles for need in rule.needs):
        return True
    mine = policy.principals[who].pseudonyms
    return decide.kind_of(key) == "labels" and all(_theirs(touch, mine) for touch in touches)


def _theirs(touch: Touch, mine: Collection[str]) -> bool:
    """Tell whether a record was and is one of somebody's own; a tombstone names nobody, so only its end may be one."""
    before = touch.old_by in mine if touch.held else True
    after = touch.new_by in mine if touch.stays else True
    return before and after
