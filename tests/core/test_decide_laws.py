"""Laws of `decide`: what a statement more, or less, can do to a change, whatever was said before."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from labelvc.codec import moment
from labelvc.core import decide
from labelvc.core import voices as saying
from labelvc.core.decide import Case, Decision
from labelvc.core.voices import Backing, Voice
from labelvc.model.change import Move
from labelvc.model.names import Digest
from labelvc.model.policy import Need, Policy, Presence, Principal, Role, Rule

PEOPLE = ("ada", "ben", "cleo", "dora")
ROLES = ("reviewer", "lead")
MOVES = [Move(f"d/{number}#r", None, Digest("n")) for number in range(4)]
BETTER = ("undecidable", "denied", "rejected", "missing", "conditional", "approved")
"""States from worst to best, as exit codes and words have it."""


def policy(count: int, emergency: bool) -> Policy:
    people = {name: Principal(name.title()) for name in PEOPLE}
    roles = {"reviewer": Role(PEOPLE[:3]), "lead": Role(PEOPLE[2:])}
    labels = Rule(
        "labels", ("labels",), (Need("reviewer", count, ("author",)),), emergency=Need("lead") if emergency else None
    )
    return Policy(1, None, "r", people, roles, (labels,))


POLICIES = st.builds(policy, st.integers(1, 2), st.booleans())
PARTS = st.sets(st.sampled_from(MOVES), min_size=1).map(frozenset)


@st.composite
def voices(draw: st.DrawFn, **fixed: object) -> Voice:
    made = {
        "principal": st.sampled_from(PEOPLE),
        "role": st.sampled_from(ROLES),
        "decision": st.sampled_from(["approve", "approve", "approve", "reject", "withdraw"]),
        "emergency": st.booleans(),
        **{name: st.just(value) for name, value in fixed.items()},
    }
    found = {name: draw(strategy) for name, strategy in made.items()}
    digest = Digest(f"v{draw(st.integers(0, 10**9))}")
    emergency = found["emergency"] and found["decision"] == "approve"
    return Voice(found["principal"], found["role"], found["decision"], digest, (), (), True, Presence(), emergency)


BACKINGS = st.lists(st.tuples(PARTS, st.lists(voices(), max_size=3)), max_size=4).map(
    lambda rows: [Backing(Digest(f"r{at}"), part, tuple(said)) for at, (part, said) in enumerate(rows)]
)


def judge(rules: Policy, backings: list[Backing], **case: object) -> Decision:
    return decide.decide(rules, Case(MOVES, **case), backings)


def one(part: frozenset[Move], voice: Voice) -> Backing:
    return Backing(Digest("more"), part, (voice,))


@settings(max_examples=30)
@given(POLICIES, BACKINGS, PARTS, voices(decision="approve"))
def test_a_yes_more_never_makes_anything_worse(rules: Policy, backings: list[Backing], part, yes: Voice):
    before, after = judge(rules, backings), judge(rules, [*backings, one(part, yes)])
    assert after.covered >= before.covered
    assert set(after.uncovered) <= set(before.uncovered)
    assert BETTER.index(after.state) >= BETTER.index(before.state)


@settings(max_examples=30)
@given(POLICIES, BACKINGS, PARTS, voices(decision="reject"))
def test_a_no_less_never_makes_anything_worse(rules: Policy, backings: list[Backing], part, no: Voice):
    with_no, without = judge(rules, [*backings, one(part, no)]), judge(rules, backings)
    assert set(without.uncovered) <= set(with_no.uncovered)
    assert BETTER.index(without.state) >= BETTER.index(with_no.state)


@settings(max_examples=30)
@given(POLICIES, BACKINGS, PARTS, voices(decision="reject"))
def test_a_no_that_is_taken_back_is_none(rules: Policy, backings: list[Backing], part, no: Voice):
    no = no._replace(digest=Digest("no"))
    back = no._replace(decision="withdraw", digest=Digest("back"), supersedes=(no.digest,))
    last = Backing(Digest("last"), frozenset(MOVES), (back,))
    assert judge(rules, [*backings, one(part, no), last])[:4] == judge(rules, [*backings, last])[:4]


@settings(max_examples=30)
@given(PARTS)
def test_an_approval_covers_its_part_and_nothing_else(part: frozenset[Move]):
    rules = policy(1, emergency=False)
    yes = Voice("ben", "reviewer", "approve", Digest("y"), (), (), True)
    got = judge(rules, [one(part, yes)])
    assert set(got.uncovered) == {move.key for move in MOVES if move not in part}
    assert got.state == ("approved" if len(part) == len(MOVES) else "missing")


@settings(max_examples=30)
@given(st.lists(PARTS, max_size=5))
def test_parts_add_up_to_their_union(parts: list[frozenset[Move]]):
    rules = policy(1, emergency=False)
    yes = Voice("ben", "reviewer", "approve", Digest("y"), (), (), True)
    got = judge(rules, [one(part, yes)._replace(root=Digest(f"r{at}")) for at, part in enumerate(parts)])
    assert got.covered == len(frozenset().union(*parts))


@settings(max_examples=30)
@given(POLICIES, BACKINGS, PARTS, voices(decision="approve", emergency=True))
def test_an_emergency_never_counts_as_an_ordinary_word(rules: Policy, backings: list[Backing], part, urgent: Voice):
    before, after = judge(rules, backings), judge(rules, [*backings, one(part, urgent)])
    assert (after.covered, after.uncovered) == (before.covered, before.uncovered)
    assert (after.state == "approved") is (before.state == "approved")


@settings(max_examples=30)
@given(POLICIES, BACKINGS)
def test_conditional_is_what_an_allowed_person_said_of_every_move_that_is_left(rules: Policy, backings: list[Backing]):
    got = judge(rules, backings)
    if got.state == "conditional":
        assert rules.rules[0].emergency is not None
        urgent = [
            each
            for each in backings
            if any(voice.emergency and voice.role == "lead" and voice.principal in PEOPLE[2:] for voice in each.voices)
        ]
        held = {move.key for each in urgent for move in each.moves or ()}
        assert set(got.uncovered) <= held
    plain = policy(rules.rules[0].needs[0].count, emergency=False)
    assert judge(plain, backings).state != "conditional"
    assert judge(plain, backings).covered == got.covered


@settings(max_examples=30)
@given(POLICIES, BACKINGS, st.sampled_from(["ben", "cleo", "ada"]))
def test_who_signs_the_remainder_leaves_none_of_it(rules: Policy, backings: list[Backing], who: str):
    """A yes of a reviewer to what still wants one counts there, and nothing else wants more than before."""
    case = Case(MOVES)
    wanted = decide.wanting(rules, case, backings, "reviewer")
    got = decide.decide(rules, case, backings)
    assert {key for key in got.uncovered if not got.noes} <= wanted or got.state == "rejected"
    part = frozenset(move for move in MOVES if move.key in wanted)
    yes = Voice(who, "reviewer", "approve", Digest("last"), (), (), True)
    after = decide.wanting(rules, case, [*backings, one(part, yes)], "reviewer") if part else wanted
    assert after <= wanted


TIMES = st.integers(0, 40).map(lambda days: days * 86_400)


@st.composite
def limited(draw: st.DrawFn) -> tuple[Policy, list[Backing]]:
    """Return a policy and backings in which some yeses expire and some needs want young ones."""
    rules = draw(POLICIES)
    (rule,) = rules.rules
    age, urgent = draw(st.none() | st.integers(1, 30 * 86_400)), draw(st.none() | st.integers(1, 30 * 86_400))
    emergency = rule.emergency and replace(rule.emergency, max_age=urgent)
    rules = replace(rules, rules=(replace(rule, needs=(replace(rule.needs[0], max_age=age),), emergency=emergency),))
    backings = []
    for backing in draw(BACKINGS):
        said = []
        for voice in backing.voices:
            signed, ends = draw(TIMES), draw(st.none() | TIMES)
            expires = "" if ends is None or voice.decision != "approve" else moment.instant(signed + 1 + ends)
            said.append(voice._replace(signed_at=moment.instant(signed), expires_at=expires))
        backings.append(backing._replace(voices=tuple(said)))
    return rules, backings


@settings(max_examples=40)
@given(limited(), TIMES, st.integers(0, 40 * 86_400), st.booleans())
def test_time_never_allows_what_was_not_allowed(found: tuple[Policy, list[Backing]], at: int, more: int, strangers):
    rules, backings = found
    early, late = (judge(rules, backings, at=time, strangers=strangers) for time in (at, at + more))
    assert set(early.uncovered) <= set(late.uncovered)
    assert late.covered <= early.covered
    assert BETTER.index(late.state) <= BETTER.index(early.state)
    assert early.noes == late.noes or set(early.noes) <= set(late.noes)
    assert late.agreed <= early.agreed


@settings(max_examples=40)
@given(limited(), TIMES)
def test_what_is_over_stands_as_if_it_had_not_been_said(found: tuple[Policy, list[Backing]], at: int):
    """An oracle: a yes that is over is taken out, but for what it takes back and whom it names, and nothing else has a limit."""
    rules, backings = found
    (need,) = rules.rules[0].needs
    urgent = rules.rules[0].emergency

    def silent(voice: Voice) -> bool:
        age = urgent.max_age if voice.emergency and urgent else None if voice.emergency else need.max_age
        ends = [moment.seconds(voice.expires_at)] if voice.expires_at else []
        ends += [] if age is None else [moment.seconds(voice.signed_at) + age]
        return voice.decision == "approve" and at > min(ends, default=at)

    forgotten = [
        each._replace(
            voices=tuple(
                voice._replace(decision="abstain") if silent(voice) else voice._replace(expires_at="")
                for voice in each.voices
            )
        )
        for each in backings
    ]
    (rule,) = rules.rules
    emergency = urgent and replace(urgent, max_age=None)
    free = replace(rules, rules=(replace(rule, needs=(replace(need, max_age=None),), emergency=emergency),))
    assert judge(rules, backings, at=at)[:4] == judge(free, forgotten)[:4]


@settings(max_examples=30)
@given(POLICIES, BACKINGS, TIMES)
def test_without_a_limit_nobody_has_to_know_the_time(rules: Policy, backings: list[Backing], at: int):
    assert not saying.limited(rules, backings)
    assert judge(rules, backings) == judge(rules, backings, at=at)


@settings(max_examples=30)
@given(limited())
def test_what_has_a_limit_counts_for_nothing_where_nobody_tells_the_time(found: tuple[Policy, list[Backing]]):
    rules, backings = found
    if rules.rules[0].needs[0].max_age is not None:
        assert judge(rules, backings).covered == 0
    at_no_time, never = judge(rules, backings), judge(rules, backings, at=10**12)
    assert at_no_time[:4] == never[:4]
    assert saying.limited(rules, backings) or at_no_time == never
