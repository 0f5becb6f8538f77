"""Explain: which rules a place or a change falls under, whose word each asks for, who can give it and who gave it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from labelvc.codec import shard
from labelvc.core import changeset, decide
from labelvc.core.quorum import Standing
from labelvc.errors import ConfigurationError, DataError
from labelvc.model.change import Delta, Move
from labelvc.model.names import Key
from labelvc.model.policy import ChangeKind, Need, Policy, Presence, Rule, Trust
from labelvc.ops import approve as approving
from labelvc.ops import people
from labelvc.ops import project as projects
from labelvc.ops.approvals import Problem
from labelvc.ops.approve import Change
from labelvc.ops.course import Course
from labelvc.ops.past import Past
from labelvc.ops.steps import Said
from labelvc.ops.verify import Walk
from labelvc.store import git as plumbing
from labelvc.store import tree
from labelvc.store.folders import Folders
from labelvc.store.git import Git

_At = tuple[str, int, Presence, int | None]
"""What tells the needs of a step apart."""


class Asked(NamedTuple):
    """A need of a rule.

    Attributes:
        need: the need.
        have: how many gave their word; None where no change is judged.
        able: who can (still) give it.
        barred: who holds the role and cannot, with the reason.
        ended: those of `able` whose yes does not count any more, as it expired or is too old.
    """

    need: Need
    have: int | None
    able: tuple[str, ...]
    barred: Mapping[str, str]
    ended: tuple[str, ...] = ()


class Place(NamedTuple):
    """Moves that fall under the same rules.

    Attributes:
        kind: what they are about.
        place: what the `paths` of rules are matched with.
        moves: how many.
        rules: those that are about them, with what each asks; none: denied, but for kinds no rule is about.
    """

    kind: ChangeKind
    place: str
    moves: int
    rules: tuple[tuple[Rule, tuple[Asked, ...]], ...]

    @property
    def denied(self) -> bool:
        """Tell whether no rule allows such a change."""
        return not self.rules and self.kind not in ("other", "trust")


class Explained(NamedTuple):
    """What was asked about.

    Attributes:
        policy: the one that judges.
        places: places in order.
        said: valid statements on the change.
        state: how the change stands; empty where none is judged.
        problems: files of the change that count for nothing, or that nobody can allow.
        at: seconds since 1970 by which it was judged; None where nothing had a limit in time.
    """

    policy: Policy
    places: tuple[Place, ...]
    said: tuple[Said, ...] = ()
    state: str = ""
    problems: tuple[Problem, ...] = ()
    at: int | None = None

    @property
    def denied(self) -> bool:
        """Tell whether something is denied, whoever agrees: no rule is about it, or no rule can allow it."""
        return self.state == "denied" or any(place.denied for place in self.places)


def place(git: Git, trust: Trust, words: str) -> Explained:
    """Explain what a change of one place would need.

    Args:
        git: where a record is read, for who made it.
        trust: the policy.
        words: a path from the top of the repository, or the key of a record or item.

    Raises:
        StoreError: the record lies in data that is not here.
    """
    key, policy = _key(words), trust.policy
    rules = decide.rules_for(policy, key) or ()
    parts = {"annotators": dict.fromkeys(people.annotators(policy, _by(git, key)), "made the record as it is at HEAD")}
    found = Place(decide.kind_of(key), decide.place_of(key), 1, _asked(policy, rules, {}, parts))
    return Explained(policy, (found,))


def change(git: Git, words: str, pin: str | None, now: int = 0) -> Explained:
    """Explain what a change needs and has.

    Args:
        git: where.
        words: `A...B` or `A..B`, as for `approve`.
        pin: digest of root version 1, from outside the repository; None when there is none.
        now: seconds since 1970: what `A...B` brings comes in no earlier; what `A..B` brought is in.

    Raises:
        Error: as `labelvc.ops.approve.examine`.
    """
    found = approving.examine(git, words, pin, now=now)
    ruler = plumbing.resolve(git, words.partition("...")[0] or "HEAD") if "..." in words else ""
    with tree.reader(git) as reader:
        walk = Walk(git, reader, pin, least=now if ruler else 0)
        ends = found.base.commit, found.head.commit
        walk.heed(Course(*ends, [ends], ruler))
        step = walk.step(*ends, ruler)
    standings = {(each.role, each.asked, each.presence, each.max_age): each for each in reversed(step.needs)}
    policy, parts = found.trust.policy, _parts(found)
    places = (
        Place(kind, where, count, _asked(policy, rules, standings, parts))
        for (kind, where), (count, rules) in _grouped(policy, found.found.changeset.moves).items()
    )
    return Explained(policy, tuple(places), step.said, step.state, step.problems, step.at)


def _key(words: str) -> str:
    """Return the key of a move; a shard, or the folder of all of them, stands for the records or items in it."""
    path = words.removeprefix("./").rstrip("/")
    parsed = shard.parse_path(path) or shard.parse_path(f"{path}/0.jsonl")
    if parsed is None:
        return path
    return f"{parsed[0]}/*#" if parsed[1] == "items" else f"{parsed[0]}/*#*"


def _by(git: Git, words: str) -> frozenset[str]:
    """Return the tokens of who made a record as it is at HEAD; none when there is no such record."""
    try:
        key = Key.parse(words)
        with tree.reader(git) as reader:
            folders = Folders(git, reader)
            head = projects.documents(folders, "HEAD")
            dataset = projects.dataset(projects.load(git, head, reader), key.dataset)
            raw = Past(git, folders, dataset, head.commit).line(head.commit, key)
    except (ConfigurationError, DataError):  # a path, or a dataset that is not there
        return frozenset()
    return changeset.gather([Delta(key, raw, None)]).by


def _grouped(policy: Policy, moves: Iterable[Move]) -> dict[tuple[ChangeKind, str], tuple[int, tuple[Rule, ...]]]:
    groups: dict[tuple[ChangeKind, str], tuple[int, tuple[Rule, ...]]] = {}
    for move in moves:
        removed = move.new is None
        at = (decide.kind_of(move.key, removed=removed), decide.place_of(move.key))
        if at not in groups:
            groups[at] = (0, decide.rules_for(policy, move.key, removed=removed) or ())
        groups[at] = (groups[at][0] + 1, groups[at][1])
    return groups


def _parts(found: Change) -> dict[str, dict[str, str]]:
    """Return who had which part in a change: separation to principal to what they did."""
    return {
        "author": dict.fromkeys(found.authors.principals, "an author of the change"),
        "annotators": dict.fromkeys(found.annotators, "made a touched record"),
    }


def _asked(
    policy: Policy,
    rules: Iterable[Rule],
    standings: Mapping[_At, Standing],
    parts: Mapping[str, Mapping[str, str]],
) -> tuple[tuple[Rule, tuple[Asked, ...]], ...]:
    return tuple((rule, tuple(_need(policy, need, standings, parts) for need in rule.needs)) for rule in rules)


def _need(
    policy: Policy,
    need: Need,
    standings: Mapping[_At, Standing],
    parts: Mapping[str, Mapping[str, str]],
) -> Asked:
    members = policy.roles[need.role].members if need.role in policy.roles else ()
    barred = {name: why for name in members if (why := _why(policy, name, need, parts))}
    standing = standings.get((need.role, need.count, need.presence, need.max_age))
    able = tuple(name for name in members if name not in barred)
    if standing is not None and standing.have < standing.asked:
        able = standing.who_can
    return Asked(need, standing.have if standing else None, able, barred, standing.ended if standing else ())


def _why(policy: Policy, name: str, need: Need, parts: Mapping[str, Mapping[str, str]]) -> str:
    """Return why somebody who holds a role cannot give their word; empty when they can."""
    person = policy.principals[name]
    if entry := policy.distrusts(name):
        return f"distrusted after {entry.since[:12]}: {entry.reason}"
    if not person.keys:
        return "has no key"
    if not person.can_prove(need.presence):
        return "has no security key"
    return next((parts[part][name] for part in need.distinct_from if name in parts.get(part, {})), "")
