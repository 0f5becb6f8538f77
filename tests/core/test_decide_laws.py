"""Laws of `decide`: what a statement more, or less, can do to a change, whatever was said before."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from labelvc.core import decide
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
