"""Whether a change may stand: which rules its moves fall under, whose word they need, and who has given it.

Everything here counts people, never keys, and denies what no rule speaks of inside the protected places.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

from labelvc.model.approval import Verdict
from labelvc.model.change import Move
from labelvc.model.names import Digest
from labelvc.model.policy import ChangeKind, Need, Policy, Presence, Rule

State = Literal["approved", "missing", "denied", "rejected", "unchanged", "ungoverned", "undecidable"]

_NAME = r"[^/]+"
_SHAPES: tuple[tuple[ChangeKind, re.Pattern[str]], ...] = (
    ("project", re.compile(r"labelvc\.yaml|releases/[^/]+\.json")),
    ("datasets", re.compile(rf"datasets/{_NAME}/(dataset\.yaml|\.gitignore|{_NAME}\.dvc|{_NAME}\.sha256|media/.+)")),
    ("guidelines", re.compile(rf"guidelines/{_NAME}\.(yaml|versions\.jsonl)")),
    ("taxonomies", re.compile(rf"taxonomies/{_NAME}\.(yaml|versions\.jsonl)")),
    ("registers", re.compile(rf"registers/{_NAME}/{_NAME}\.yaml")),
    ("privacy", re.compile(r"privacy/.+")),
    ("trust", re.compile(r"trust/(policy\.json|root/[1-9][0-9]*\.json)")),
)
_CONTROLS = re.compile(
    r"(.*/)?(\.gitattributes|\.gitmodules|\.mailmap|codeowners)|\.dvc(/.+)?|\.dvcignore|modules\.lock|(schemas|hooks)(/.+)?"
    r"|\.pre-commit-(config|hooks)\.yaml|\.(github|gitlab|gitea|forgejo|circleci|ci|buildkite|woodpecker)(/.+)?"
    r"|(\.gitlab-ci|\.drone|\.woodpecker|\.travis|azure-pipelines|bitbucket-pipelines)\.ya?ml|jenkinsfile"
)
_PROTECTED: dict[str, ChangeKind] = {
    "datasets": "datasets", "guidelines": "guidelines", "taxonomies": "taxonomies", "registers": "registers",
    "trust": "controls",
}  # fmt: skip


class Voice(NamedTuple):
    """One valid statement by a principal on a change-set.

    Attributes:
        principal, role, decision, digest, supersedes, authors: as signed.
        fresh: whether it came into history with the step judged.
        presence: what its signature proves of the person.
    """

    principal: str
    role: str
    decision: Verdict
    digest: Digest
    supersedes: tuple[Digest, ...]
    authors: tuple[str, ...]
    fresh: bool
    presence: Presence = Presence()


class Backing(NamedTuple):
    """A change-set with the statements on it.

    Attributes:
        root: its digest.
        moves: None when it is the very change-set judged.
        voices: the statements.
        authors: who is an author by any of them, also by one that was taken back; `decide` fills it.
    """

    root: Digest
    moves: Collection[Move] | None
    voices: tuple[Voice, ...]
    authors: frozenset[str] = frozenset()


class Standing(NamedTuple):
    """How one need of the policy stands.

    Attributes:
        role: the hat.
        asked: how many people must agree.
        have: how many of them do, for the moves where it is fewest.
        who_can: principals who could still give their word.
        barred: those who hold the role and are kept from it by their part in the change.
        presence: what a signature must prove of the person to count.
    """

    role: str
    asked: int
    have: int
    who_can: tuple[str, ...]
    barred: tuple[str, ...] = ()
    presence: Presence = Presence()

    @property
    def stuck(self) -> bool:
        """Tell whether nobody can meet the need as the policy stands."""
        return self.have + len(self.who_can) < self.asked


class Decision(NamedTuple):
    """The answer for one step.

    Attributes:
        state: `approved`, `missing` (some word is missing), `denied` (no rule allows it), `rejected` (somebody with a say
            said no), `unchanged`, `undecidable` (an author is nobody the policy knows).
        covered, total: moves.
        uncovered: keys of the others, in order.
        needs: what the moves that are not settled otherwise need.
        noes: rejections that hold: of the change itself, or of a change that is all in it.
    """

    state: State
    covered: int
    total: int
    uncovered: tuple[str, ...]
    needs: tuple[Standing, ...]
    noes: tuple[Voice, ...] = ()


class Case(NamedTuple):
    """What is judged.

    Attributes:
        moves: everything that moved in the step.
        authors: principals who made its commits.
        annotators: principals who stand behind the records it touches.
        strangers: whether a commit has an author whom the policy does not know.
        settled: keys that are proved otherwise: trust files that the root before them vouches for.
        barred: keys that nobody can allow, such as one that moves twice.
    """

    moves: Sequence[Move]
    authors: frozenset[str] = frozenset()
    annotators: frozenset[str] = frozenset()
    strangers: bool = False
    settled: frozenset[str] = frozenset()
    barred: frozenset[str] = frozenset()


class _Group(NamedTuple):
    """Moves that fall under the same rules and have the same backings: they stand or fall together.

    What has no `rev` (items, documents) could go back and forth under one old approval, so it wants a fresh one.
    """

    rules: tuple[Rule, ...]
    holders: tuple[int, ...]
    keys: list[str]
    fresh: bool


def kind_of(key: str, *, removed: bool = False) -> ChangeKind:
    """Return what a move is about.

    Args:
        key: the key text of a change-set: one with `#` is a record, or an item when nothing follows the last `#`.
        removed: whether the thing goes away; a stray file in a protected folder may be removed like its neighbours.

    Returns:
        The kind; `unknown` for a stray file in a protected folder, `other` for a file outside them all.
    """
    if "#" in key:
        return "items" if key.endswith("#") else "labels"
    for kind, shape in _SHAPES:
        if shape.fullmatch(key):
            return kind
    folded = key.casefold()
    if _CONTROLS.fullmatch(folded):
        return "controls"
    top = folded.partition("/")[0]
    if top in _PROTECTED:
        return _PROTECTED[top] if removed else "unknown"
    return "unknown" if top in {"approvals", "releases", "privacy", "labelvc.yaml"} else "other"


def place_of(key: str) -> str:
    """Return the place of a move that a rule's `paths` are matched with."""
    if "#" not in key:
        return key
    return f"datasets/{key.partition('/')[0]}/{'items' if key.endswith('#') else 'annotations'}"


def rules_for(policy: Policy, key: str, *, removed: bool = False) -> tuple[Rule, ...] | None:
    """Return the rules a move falls under; none of them means denied, None that it is outside the protected places."""
    kind, place = kind_of(key, removed=removed), place_of(key)
    if kind == "other":
        return None
    return tuple(rule for rule in policy.rules if kind in rule.kinds and _within(place, rule.paths))


def demands(policy: Policy, moves: Iterable[Move]) -> list[Need]:
    """Return the needs that moves fall under, each once, in the policy's order."""
    rules: dict[int, Rule] = {}
    known: dict[tuple[str, str], tuple[Rule, ...] | None] = {}
    for move in moves:
        at = (kind_of(move.key, removed=move.new is None), place_of(move.key))
        if at not in known:
            known[at] = rules_for(policy, move.key, removed=move.new is None)
        rules.update((id(rule), rule) for rule in known[at] or ())
    return list(dict.fromkeys(need for rule in policy.rules if id(rule) in rules for need in rule.needs))


def decide(policy: Policy, case: Case, backings: Sequence[Backing]) -> Decision:
    """Judge one step by the policy in force before it.

    Args:
        policy: with `root` among its roles.
        case: what moved and who made it.
        backings: change-sets with valid statements on them; a statement counts for the moves its change-set holds.

    Returns:
        The decision.
    """
    backings = _current(backings)
    groups, denied = _grouped(policy, case, backings)
    uncovered, tallies, rejected, blind = list(denied), _Tallies(), False, False
    moves = frozenset(case.moves) if len(backings) > 1 else frozenset()
    whole = [backing.moves is None or moves.issuperset(backing.moves) for backing in backings]
    against: dict[Digest, Voice] = {}
    for group in groups:
        vetoes = {at: _noes(policy, group.rules, backings[at]) for at in group.holders}
        binding = {voice.digest: voice for at, noes in vetoes.items() if whole[at] for voice in noes}
        held = [_heard(backings[at], fresh=group.fresh) for at, noes in vetoes.items() if not noes]
        good = not binding
        for rule in group.rules:
            good &= _judge(policy, rule, case, held, tallies)
            blind |= case.strangers and any("author" in need.distinct_from for need in rule.needs)
        if not good:
            uncovered += group.keys
            rejected |= any(vetoes.values())
            against |= binding
    total = len(case.moves)
    state: State = "approved" if total else "unchanged"
    if blind:
        state = "undecidable"
    elif uncovered:
        state = "denied" if denied else "rejected" if rejected else "missing"
    noes = tuple(voice for _, voice in sorted(against.items()))
    return Decision(state, total - len(uncovered), total, tuple(sorted(uncovered)), tallies.standings(), noes)


def _current(backings: Sequence[Backing]) -> list[Backing]:
    """Return the backings with what each principal says now: statements that none of their own supersedes, wherever it is."""
    gone = {(voice.principal, digest) for each in backings for voice in each.voices for digest in voice.supersedes}
    return [
        each._replace(
            voices=tuple(voice for voice in each.voices if (voice.principal, voice.digest) not in gone),
            authors=frozenset(name for voice in each.voices for name in voice.authors),
        )
        for each in backings
    ]


def _heard(backing: Backing, *, fresh: bool) -> Backing:
    return backing._replace(voices=tuple(voice for voice in backing.voices if voice.fresh)) if fresh else backing


def _by_principal(backing: Backing) -> dict[str, list[Voice]]:
    said: dict[str, list[Voice]] = defaultdict(list)
    for voice in backing.voices:
        said[voice.principal].append(voice)
    return said


class _Tallies:
    """How each need stands over all groups: the fewest people who met it, and who could."""

    def __init__(self) -> None:
        self._rows: dict[Need, tuple[int, set[str], set[str]]] = {}

    def note(self, need: Need, have: int, able: Iterable[str], barred: Iterable[str]) -> None:
        """Count one need of one group."""
        least, who, kept = self._rows.get(need, (need.count, set(), set()))
        self._rows[need] = (min(least, have), who | set(able), kept | set(barred))

    def standings(self) -> tuple[Standing, ...]:
        """Return the needs in the order they came up."""
        return tuple(
            Standing(need.role, need.count, have, tuple(sorted(who)), tuple(sorted(kept)), need.presence)
            if have < need.count
            else Standing(need.role, need.count, have, (), (), need.presence)
            for need, (have, who, kept) in self._rows.items()
        )


def _grouped(policy: Policy, case: Case, backings: Sequence[Backing]) -> tuple[list[_Group], list[str]]:
    """Sort the moves by the rules they fall under and the change-sets that hold them; return also the denied ones."""
    holders: dict[Move, list[int]] = defaultdict(list)
    everywhere = [at for at, backing in enumerate(backings) if backing.moves is None]
    wanted = set(case.moves) if len(everywhere) < len(backings) else set()
    for at, backing in enumerate(backings):
        for move in wanted.intersection(backing.moves or ()):
            holders[move].append(at)
    groups: dict[tuple[ChangeKind, str, tuple[int, ...]], _Group] = {}
    denied = []
    for move in case.moves:
        if move.key in case.barred:
            denied.append(move.key)
            continue
        kind = kind_of(move.key, removed=move.new is None)
        if kind == "other" or move.key in case.settled:
            continue
        held = tuple(sorted([*everywhere, *holders.get(move, ())]))
        place = (kind, place_of(move.key), held)
        if place not in groups:
            rules = rules_for(policy, move.key, removed=move.new is None) or ()
            groups[place] = _Group(rules if kind != "trust" else (), held, [], kind != "labels")
        groups[place].keys.append(move.key)
    denied += [key for group in groups.values() if not group.rules for key in group.keys]
    return [group for group in groups.values() if group.rules], denied


def _judge(policy: Policy, rule: Rule, case: Case, held: Sequence[Backing], tallies: _Tallies) -> bool:
    """Tell whether different people meet all needs of a rule, and note how each need stands."""
    able: list[set[str]] = []
    for need in rule.needs:
        found: set[str] = set()
        for backing in held:
            barred = _barred(need, case, backing)
            said = (voice for voice in _agreed(backing) if voice.role == need.role)
            found |= {voice.principal for voice in said if voice.presence.proves(need.presence)} - barred
        able.append(found & set(_members(policy, need.role)))
    have = _assign([need.count for need in rule.needs], able)
    for need, met, found in zip(rule.needs, have, able, strict=True):
        members = _members(policy, need.role)
        others = {who for who in members if policy.principals[who].can_prove(need.presence)} - found
        barred = set().union(*(_barred(need, case, backing) for backing in held)) if held else _barred(need, case, None)
        tallies.note(need, met, others - barred, others & barred)
    return all(met >= need.count for need, met in zip(rule.needs, have, strict=True))


def _agreed(backing: Backing) -> Iterator[Voice]:
    """Yield the approvals of those whose every current word on the change-set is yes or nothing."""
    for voices in _by_principal(backing).values():
        if not any(voice.decision in {"reject", "withdraw"} for voice in voices):
            yield from (voice for voice in voices if voice.decision == "approve")


def _noes(policy: Policy, rules: Sequence[Rule], backing: Backing) -> list[Voice]:
    """Return the rejections by those whose word the rules ask for; an old one binds as long as nobody took it back."""
    asked = {need.role for rule in rules for need in rule.needs}
    return [
        voice
        for voice in backing.voices
        if voice.decision == "reject" and voice.role in asked and voice.principal in _members(policy, voice.role)
    ]


def _barred(need: Need, case: Case, backing: Backing | None) -> set[str]:
    barred: set[str] = set()
    if "author" in need.distinct_from:
        barred |= case.authors | (backing.authors if backing else frozenset())
    if "annotators" in need.distinct_from:
        barred |= case.annotators
    return barred


def _members(policy: Policy, role: str) -> tuple[str, ...]:
    members = policy.roles[role].members if role in policy.roles else ()
    return tuple(who for who in members if not policy.distrusts(who)) if policy.distrusted else members


def _assign(counts: Sequence[int], able: Sequence[Collection[str]]) -> list[int]:
    """Give each place of each need to a different person, as many as possible (Kuhn's bipartite matching)."""
    places = [need for need, count in enumerate(counts) for _ in range(min(count, len(able[need])))]
    taken: dict[str, int] = {}

    def seat(place: int, tried: set[str]) -> bool:
        for person in sorted(able[places[place]]):
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


def _within(place: str, globs: Sequence[str]) -> bool:
    return not globs or any(_pattern(glob).fullmatch(place) for glob in globs)


@lru_cache(maxsize=1024)
def _pattern(glob: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*|\*)", glob)
    return re.compile("".join({"**": ".*", "*": "[^/]*"}.get(part, re.escape(part)) for part in parts))


def roles_of(policy: Policy, principal: str) -> Mapping[str, None]:
    """Return the roles a principal may wear, in the policy's order."""
    return dict.fromkeys(name for name, role in policy.roles.items() if principal in role.members)
