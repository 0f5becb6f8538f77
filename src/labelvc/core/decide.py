"""Whether a change may stand: which rules its moves fall under, whose word they need, and who has given it.

Everything here counts people, never keys, and denies what no rule speaks of inside the protected places.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from labelvc.core import globs, voices
from labelvc.core.quorum import Standing, Tallies, seated
from labelvc.core.voices import Backing, Voice
from labelvc.model.change import Move
from labelvc.model.names import Digest
from labelvc.model.policy import ChangeKind, Need, Policy, Rule

State = Literal["approved", "conditional", "missing", "denied", "rejected", "unchanged", "ungoverned", "undecidable"]

_NAME = r"[^/]+"
_SHAPES: tuple[tuple[ChangeKind, re.Pattern[str]], ...] = (
    ("project", re.compile(r"labelvc\.yaml|releases/[^/]+\.json")),
    ("datasets", re.compile(rf"datasets/{_NAME}/(dataset\.yaml|\.gitignore|{_NAME}\.dvc|{_NAME}\.sha256|media/.+)")),
    ("datasets", re.compile(rf"(profiles|batches)/{_NAME}\.yaml")),
    ("guidelines", re.compile(rf"guidelines/{_NAME}\.(yaml|versions\.jsonl)")),
    ("taxonomies", re.compile(rf"taxonomies/{_NAME}\.(yaml|versions\.jsonl)")),
    ("registers", re.compile(rf"registers/{_NAME}/{_NAME}\.yaml")),
    ("privacy", re.compile(r"privacy/.+")),
    ("waivers", re.compile(r"waivers\.jsonl")),
    ("trust", re.compile(r"trust/(policy\.json|root/[1-9][0-9]*\.json)")),
)
_CONTROLS = re.compile(
    r"(.*/)?(\.gitattributes|\.gitmodules|\.mailmap|codeowners)|\.dvc(/.+)?|\.dvcignore|modules\.lock|(schemas|hooks)(/.+)?"
    r"|\.pre-commit-(config|hooks)\.yaml|\.husky(/.+)?|\.?lefthook(-local)?\.(ya?ml|toml|json)"
    r"|\.(azure-pipelines|azuredevops|buildkite|builds|ci|circleci|forgejo|gitea|github|gitlab|harness|semaphore|teamcity|tekton|woodpecker)(/.+)?"
    r"|(\.build|\.cirrus|\.drone|\.gitlab-ci|\.travis|\.woodpecker|\.?appveyor|azure-pipelines|bitbucket-pipelines|buildspec|cloudbuild)\.ya?ml"
    r"|jenkinsfile"
)
_PROTECTED: dict[str, ChangeKind] = {
    "datasets": "datasets", "profiles": "datasets", "batches": "datasets", "guidelines": "guidelines", "taxonomies": "taxonomies",
    "registers": "registers", "trust": "controls",
}  # fmt: skip


class Decision(NamedTuple):
    """The answer for one step.

    Attributes:
        state: `approved`, `conditional` (what is missing was allowed in an emergency), `missing` (some word is missing),
            `denied` (no rule allows it), `rejected` (somebody with a say said no), `unchanged`, `undecidable` (an author
            is nobody the policy knows).
        covered, total: moves.
        uncovered: keys of the others, in order.
        needs: what the moves that are not settled otherwise need.
        noes: rejections that hold: of the change itself, or of a change that is all in it.
        agreed: principals whose yes counts for some of the moves.
        within: seconds in which what was let in in an emergency must be ratified; None: it may take any time, or nothing was.
    """

    state: State
    covered: int
    total: int
    uncovered: tuple[str, ...]
    needs: tuple[Standing, ...]
    noes: tuple[Voice, ...] = ()
    agreed: frozenset[str] = frozenset()
    within: int | None = None


class Case(NamedTuple):
    """What is judged.

    Attributes:
        moves: everything that moved in the step.
        authors: principals who made its commits.
        annotators: principals who stand behind the records it touches.
        strangers: whether a commit has an author whom the policy does not know.
        settled: keys that are proved otherwise: trust files that the root before them vouches for.
        barred: keys that nobody can allow, such as one that moves twice.
        rekeyed: keys of lines in which a re-key was proved, and nothing else: the rules on re-keys ask for them.
        vouched: payload digests of the statements on that re-key which say what was proved.
        at: seconds since 1970 when it came in; None where nothing that was said, and no need, has a limit in time.
    """

    moves: Sequence[Move]
    authors: frozenset[str] = frozenset()
    annotators: frozenset[str] = frozenset()
    strangers: bool = False
    settled: frozenset[str] = frozenset()
    barred: frozenset[str] = frozenset()
    rekeyed: frozenset[str] = frozenset()
    vouched: frozenset[Digest] = frozenset()
    at: int | None = None


class _Group(NamedTuple):
    """Moves that fall under the same rules and have the same backings: they stand or fall together.

    What has no `rev` to grow from (items, documents, a record that was not there) could go back and forth under one old approval, so it
    wants a fresh one.
    """

    rules: tuple[Rule, ...]
    holders: tuple[int, ...]
    keys: list[str]
    fresh: bool
    rekey: bool = False


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
    return "unknown" if top in {"approvals", "releases", "privacy", "labelvc.yaml", "waivers.jsonl"} else "other"


def place_of(key: str) -> str:
    """Return the place of a move that a rule's `paths` are matched with."""
    if "#" not in key:
        return key
    return f"datasets/{key.partition('/')[0]}/{'items' if key.endswith('#') else 'annotations'}"


def rules_for(policy: Policy, key: str, *, removed: bool = False) -> tuple[Rule, ...] | None:
    """Return the rules a move falls under; none of them means denied, None that it is outside the protected places."""
    kind = kind_of(key, removed=removed)
    return None if kind == "other" else _rules(policy, kind, place_of(key))


def _rules(policy: Policy, kind: ChangeKind, place: str) -> tuple[Rule, ...]:
    if kind == "waivers" and not any(kind in rule.kinds for rule in policy.rules):
        kind = "datasets"  # whose `checks` may let as much stand; a policy of before knows no waivers
    return tuple(
        rule for rule in policy.rules if kind in rule.kinds and (not rule.paths or globs.match(place, rule.paths))
    )


def demands(policy: Policy, moves: Iterable[Move], *, emergency: bool = False) -> list[Need]:
    """Return the needs that moves fall under, each once, in the policy's order; or whom the rules let act in an emergency."""
    rules: dict[int, Rule] = {}
    known: dict[tuple[str, str], tuple[Rule, ...] | None] = {}
    for move in moves:
        at = (kind_of(move.key, removed=move.new is None), place_of(move.key))
        if at not in known:
            known[at] = rules_for(policy, move.key, removed=move.new is None)
        rules.update((id(rule), rule) for rule in known[at] or ())
    found = (rule for rule in policy.rules if id(rule) in rules)
    if emergency:
        return list(dict.fromkeys(rule.emergency for rule in found if rule.emergency))
    return list(dict.fromkeys(need for rule in found for need in rule.needs))


def decide(policy: Policy, case: Case, backings: Sequence[Backing]) -> Decision:
    """Judge one step by the policy in force before it.

    Args:
        policy: with `root` among its roles.
        case: what moved and who made it.
        backings: change-sets with valid statements on them; a statement counts for the moves its change-set holds.

    Returns:
        The decision.
    """
    groups, denied = _grouped(policy, case, backings)
    uncovered, tallies, rejected, blind = list(denied), Tallies(), False, False
    lacking = len(denied)
    against: dict[Digest, Voice] = {}
    spans: list[int] = []
    for weighed in _weighed(policy, case, groups, backings):
        group = weighed.group
        met = [_judge(policy, rule, case, weighed.held, tallies) for rule in group.rules]
        blind |= case.strangers and any("author" in need.distinct_from for rule in group.rules for need in rule.needs)
        if all(met) and not weighed.binding:
            continue
        uncovered += group.keys
        against |= weighed.binding
        if weighed.binding or not _saved(policy, case, weighed, met):
            lacking += len(group.keys)
            rejected |= weighed.vetoed
        spans += [
            rule.ratify_within for rule, good in zip(group.rules, met, strict=True) if rule.ratify_within and not good
        ]
    total = len(case.moves)
    state: State = "approved" if total else "unchanged"
    if blind:
        state = "undecidable"
    elif lacking:
        state = "denied" if denied else "rejected" if rejected else "missing"
    elif uncovered:
        state = "conditional"
    noes = tuple(voice for _, voice in sorted(against.items()))
    left, agreed = tuple(sorted(uncovered)), frozenset(tallies.agreed)
    within = min(spans, default=None) if state == "conditional" else None
    return Decision(state, total - len(left), total, left, tallies.standings(), noes, agreed, within)


def wanting(policy: Policy, case: Case, backings: Sequence[Backing], role: str) -> frozenset[str]:
    """Return the keys of the moves that still need the word of a role.

    Args:
        policy: with `root` among its roles.
        case: what moved and who made it.
        backings: as for `decide`.
        role: the hat.
    """
    found: list[str] = []
    for weighed in _weighed(policy, case, _grouped(policy, case, backings)[0], backings):
        for rule in weighed.group.rules:
            have = seated([need.count for need in rule.needs], _able(policy, rule, case, weighed.held))
            if any(need.role == role and met < need.count for need, met in zip(rule.needs, have, strict=True)):
                found += weighed.group.keys
                break
    return frozenset(found)


class _Weighed(NamedTuple):
    """A group with what was said on it.

    Attributes:
        group: the moves.
        held: the change-sets whose yeses count: those that nobody with a say rejects.
        vetoed: whether one of its change-sets is rejected.
        binding: the rejections of what is all in the step, by payload digest.
    """

    group: _Group
    held: list[Backing]
    vetoed: bool
    binding: dict[Digest, Voice]


def _weighed(policy: Policy, case: Case, groups: Iterable[_Group], backings: Sequence[Backing]) -> Iterator[_Weighed]:
    backings = voices.current(backings)
    moves = frozenset(case.moves) if len(backings) > 1 else frozenset()
    whole = [backing.moves is None or moves.issuperset(backing.moves) for backing in backings]
    for group in groups:
        vetoes = {at: _noes(policy, group.rules, backings[at]) for at in group.holders}
        binding = {voice.digest: voice for at, noes in vetoes.items() if whole[at] for voice in noes}
        vouched = case.vouched if group.rekey else ()
        held = [
            voices.heard(backings[at], fresh=group.fresh, vouched=vouched) for at, noes in vetoes.items() if not noes
        ]
        yield _Weighed(group, held, any(vetoes.values()), binding)


def _grouped(policy: Policy, case: Case, backings: Sequence[Backing]) -> tuple[list[_Group], list[str]]:
    """Sort the moves by the rules they fall under and the change-sets that hold them; return also the denied ones."""
    holders: dict[Move, list[int]] = defaultdict(list)
    everywhere = [at for at, backing in enumerate(backings) if backing.moves is None]
    wanted = set(case.moves) if len(everywhere) < len(backings) else set()
    for at, backing in enumerate(backings):
        for move in wanted.intersection(backing.moves or ()):
            holders[move].append(at)
    groups: dict[tuple[ChangeKind, str, tuple[int, ...], bool], _Group] = {}
    denied = []
    for move in case.moves:
        if move.key in case.barred:
            denied.append(move.key)
            continue
        rekey = move.key in case.rekeyed
        kind: ChangeKind = "rekeys" if rekey else kind_of(move.key, removed=move.new is None)
        if kind == "other" or move.key in case.settled:
            continue
        held = tuple(sorted([*everywhere, *holders.get(move, ())]))
        fresh = kind != "labels" or move.old is None
        place = (kind, place_of(move.key), held, fresh)
        if place not in groups:
            rules = _rules(policy, kind, place[1])
            groups[place] = _Group(rules if kind != "trust" else (), held, [], fresh, rekey)
        groups[place].keys.append(move.key)
    denied += [key for group in groups.values() if not group.rules for key in group.keys]
    return [group for group in groups.values() if group.rules], denied


def _judge(policy: Policy, rule: Rule, case: Case, held: Sequence[Backing], tallies: Tallies) -> bool:
    """Tell whether different people meet all needs of a rule, and note how each need stands."""
    able = _able(policy, rule, case, held)
    have = seated([need.count for need in rule.needs], able)
    tallies.agreed.update(*able)
    for need, met, found in zip(rule.needs, have, able, strict=True):
        members, asked = _members(policy, need.role), need.presence
        others = {who for who in members if policy.principals[who].can_prove(asked)} - found
        barred = set().union(*(_barred(need, case, backing) for backing in held)) if held else _barred(need, case, None)
        ended = _ended(need, case, held) & others - barred if met < need.count else ()
        tallies.note(need, met, others - barred, others & barred, ended)
    return all(met >= need.count for need, met in zip(rule.needs, have, strict=True))


def _able(policy: Policy, rule: Rule, case: Case, held: Sequence[Backing]) -> list[set[str]]:
    """Return for each need of a rule who said yes to it and may."""
    return [_willing(policy, need, case, held, emergency=False) for need in rule.needs]


def _willing(policy: Policy, need: Need, case: Case, held: Sequence[Backing], *, emergency: bool) -> set[str]:
    found: set[str] = set()
    asked = need.presence
    for backing in held:
        said = (voice for voice in voices.agreed(backing) if voice.role == need.role and voice.emergency is emergency)
        good = (voice for voice in said if voice.presence.proves(asked) and not voice.over(need, case.at))
        found |= {voice.principal for voice in good} - _barred(need, case, backing)
    return found.intersection(_members(policy, need.role))


def _ended(need: Need, case: Case, held: Sequence[Backing]) -> set[str]:
    """Return whose yes does not count any more, as it expired or is too old."""
    said = (voice for backing in held for voice in voices.agreed(backing) if voice.role == need.role)
    return {voice.principal for voice in said if not voice.emergency and voice.over(need, case.at)}


def _saved(policy: Policy, case: Case, weighed: _Weighed, met: Sequence[bool]) -> bool:
    """Tell whether every rule that is not met lets somebody act in an emergency, and as many as it asks said so."""
    for rule, good in zip(weighed.group.rules, met, strict=True):
        need = rule.emergency
        if good:
            continue
        if need is None or (case.strangers and "author" in need.distinct_from):
            return False
        if len(_willing(policy, need, case, weighed.held, emergency=True)) < need.count:
            return False
    return True


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


def roles_of(policy: Policy, principal: str) -> Mapping[str, None]:
    """Return the roles a principal may wear, in the policy's order."""
    return dict.fromkeys(name for name, role in policy.roles.items() if principal in role.members)
