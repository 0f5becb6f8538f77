"""Who must agree to what, and who has: people are counted, and what no rule allows is denied."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from labelvc.core import decide, globs
from labelvc.core.decide import Case, Decision
from labelvc.core.voices import Backing, Voice
from labelvc.model.change import Move
from labelvc.model.names import Digest
from labelvc.model.policy import Need, Policy, Presence, Principal, Role, Rule

ONE = Digest("sha256:" + "1" * 64)
TWO = Digest("sha256:" + "2" * 64)
PEOPLE = ("ada", "ben", "cleo", "dora")


def policy(
    *rules: Rule, reviewer: tuple[str, ...] = ("ada", "ben", "cleo"), lead: tuple[str, ...] = ("ada", "dora")
) -> Policy:
    people = {name: Principal(name.title()) for name in PEOPLE}
    return Policy(1, None, "r", people, {"reviewer": Role(reviewer), "lead": Role(lead), "root": Role(("ada",))}, rules)


LABELS = Rule("labels", ("labels", "items"), (Need("reviewer", 1, ("author", "annotators")),))
DOCUMENTS = Rule("documents", ("guidelines", "datasets"), (Need("lead", 1, ("author",)),))
COUNTER = itertools.count()
ANY = Presence()


def move(key: str, new: str = "n") -> Move:
    return Move(key, None, Digest(new))


def says(
    who: str,
    role: str = "reviewer",
    decision: str = "approve",
    *gone: Digest,
    digest: str = "",
    fresh: bool = True,
    authors=(),
    presence: Presence = ANY,
) -> Voice:
    return Voice(who, role, decision, Digest(digest or f"v{next(COUNTER)}"), gone, tuple(authors), fresh, presence)


def judge(rules: Policy, moves: list[Move], *voices: Voice, more: tuple[Backing, ...] = (), **case) -> Decision:
    return decide.decide(rules, Case(moves, **case), [Backing(ONE, None, voices), *more])


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("d/i#r", "labels"),
        ("d/i#", "items"),
        ("d/a#b#r", "labels"),
        ("labelvc.yaml", "project"),
        ("LabelVC.yaml", "unknown"),
        ("datasets/d/dataset.yaml", "datasets"),
        ("datasets/d/media.dvc", "datasets"),
        ("datasets/d/annotations/0312.jsonl:0123456789ab", "unknown"),
        ("datasets/d/annotations/x.txt", "unknown"),
        ("datasets/d/annotations/.gitattributes", "controls"),
        ("guidelines/g.yaml", "guidelines"),
        ("guidelines/g.versions.jsonl", "guidelines"),
        ("guidelines/g/h.yaml", "unknown"),
        ("Guidelines/g.yaml", "unknown"),
        ("taxonomies/t.yaml", "taxonomies"),
        ("profiles/p.yaml", "datasets"),
        ("profiles/p/q.yaml", "unknown"),
        ("registers/risks/1.yaml", "registers"),
        ("privacy/recipients.yaml", "privacy"),
        ("trust/policy.json", "trust"),
        ("trust/root/12.json", "trust"),
        ("trust/root/01.json", "unknown"),
        ("trust/extra.json", "unknown"),
        (".github/workflows/a%23b.yml", "controls"),
        (".gitattributes", "controls"),
        ("a/b/.gitattributes", "controls"),
        (".pre-commit-config.yaml", "controls"),
        (".husky/pre-commit", "controls"),
        ("lefthook.yml", "controls"),
        (".builds/labels.yml", "controls"),
        (".cirrus.yml", "controls"),
        (".semaphore/semaphore.yml", "controls"),
        ("appveyor.yml", "controls"),
        ("data/lefthook.yml", "other"),
        (".cirrus.yml.md", "other"),
        ("approvals", "unknown"),
        ("README.md", "other"),
        ("scripts/datasets/x", "other"),
    ],
)
def test_kinds(key: str, kind: str):
    assert decide.kind_of(key) == kind


def test_a_stray_file_may_be_removed_like_its_neighbours():
    assert decide.kind_of("datasets/d/annotations/x.txt", removed=True) == "datasets"
    assert decide.kind_of("trust/extra.json", removed=True) == "controls"


def test_nobody_has_spoken():
    got = decide.decide(policy(LABELS), Case([move("d/i#r")], authors=frozenset({"ada"})), [])
    assert got == Decision("missing", 0, 1, ("d/i#r",), (decide.Standing("reviewer", 1, 0, ("ben", "cleo"), ("ada",)),))


def test_nothing_moved():
    assert decide.decide(policy(LABELS), Case([]), []).state == "unchanged"


def test_what_no_rule_speaks_of_is_denied():
    got = judge(policy(LABELS), [move("guidelines/g.yaml"), move("d/i#r")], says("ben"))
    assert (got.state, got.covered, got.uncovered) == ("denied", 1, ("guidelines/g.yaml",))


def test_without_rules_everything_protected_is_denied_and_the_rest_is_free():
    got = judge(policy(), [move("d/i#r"), move("README.md")], says("ben"))
    assert (got.state, got.covered, got.uncovered) == ("denied", 1, ("d/i#r",))


@pytest.mark.parametrize(
    ("who", "role", "case", "state"),
    [
        ("ben", "reviewer", {}, "approved"),
        ("ben", "reviewer", {"authors": frozenset({"ben"})}, "missing"),
        ("ben", "reviewer", {"annotators": frozenset({"ben"})}, "missing"),
        ("ben", "lead", {}, "missing"),
        ("dora", "reviewer", {}, "missing"),
        ("dora", "lead", {}, "missing"),
        ("ben", "reviewer", {"strangers": True}, "undecidable"),
        ("ben", "reviewer", {"barred": frozenset({"d/i#r"})}, "denied"),
    ],
)
def test_whose_word_counts(who: str, role: str, case: dict, state: str):
    assert judge(policy(LABELS), [move("d/i#r")], says(who, role), **case).state == state


def test_authors_a_signer_wrote_down_are_believed_too():
    """A squash leaves one author; the statements keep the others."""
    got = judge(
        policy(LABELS), [move("d/i#r")], says("ben"), says("cleo", authors=["ben"]), authors=frozenset({"cleo"})
    )
    assert got.state == "missing"


def test_an_author_in_a_statement_that_was_taken_back_is_still_one():
    """After a squash a signer says yes again, and only the first of the two statements names the author it hid."""
    old = says("cleo", digest="old", authors=["ben"])
    new = says("cleo", "reviewer", "withdraw", Digest("old"))
    got = judge(policy(LABELS), [move("d/i#r")], says("ben"), old, new, authors=frozenset({"ada"}))
    assert got.state == "missing"


@pytest.mark.parametrize(
    ("rejected", "moves", "state"),
    [
        (["d/1#r"], ["d/1#r"], "rejected"),
        (["d/1#r"], ["d/1#r", "d/2#r"], "rejected"),
        (["d/1#r", "d/2#r"], ["d/1#r"], "approved"),
        (["d/3#r"], ["d/1#r"], "approved"),
        (["d/1#r", "d/3#r"], ["d/1#r", "d/2#r"], "approved"),
    ],
)
def test_a_no_binds_where_all_of_it_is(rejected: list[str], moves: list[str], state: str):
    no = Backing(TWO, [move(key) for key in rejected], (says("cleo", decision="reject", digest="no"),))
    got = judge(policy(LABELS), [move(key) for key in moves], says("ben"), more=(no,))
    assert (got.state, bool(got.noes)) == (state, state == "rejected")
    yes = says("cleo", "reviewer", "approve", Digest("no"))
    assert judge(policy(LABELS), [move(key) for key in moves], says("ben"), yes, more=(no,)).state == "approved"


def test_a_no_to_a_document_holds_however_old_it_is():
    no = Backing(TWO, [move("guidelines/g.yaml")], (says("dora", "lead", "reject", fresh=False),))
    got = judge(
        policy(DOCUMENTS), [move("guidelines/g.yaml"), move("datasets/d/dataset.yaml")], says("ada", "lead"), more=(no,)
    )
    assert got.state == "rejected"


def test_every_need_wants_its_own_person():
    both = Rule("both", ("labels",), (Need("reviewer", 1), Need("lead", 1)))
    one = says("ada"), says("ada", "lead")
    assert judge(policy(both), [move("d/i#r")], *one).state == "missing"
    assert judge(policy(both), [move("d/i#r")], *one, says("ben")).state == "approved"
    assert judge(policy(both), [move("d/i#r")], *one, says("dora", "lead")).state == "approved"


def test_two_reviewers_and_a_lead_is_no_total_of_three():
    rule = Rule("both", ("labels",), (Need("reviewer", 2), Need("lead", 1)))
    got = judge(policy(rule, lead=("dora",)), [move("d/i#r")], says("ada"), says("ben"), says("cleo"))
    assert [(need.role, need.have, need.who_can) for need in got.needs] == [("reviewer", 2, ()), ("lead", 0, ("dora",))]


def test_every_rule_that_matches_must_be_met():
    strict = Rule("gold", ("labels",), (Need("lead", 1),), ("datasets/gold/**",))
    rules = policy(LABELS, strict)
    assert judge(rules, [move("d/i#r")], says("ben")).state == "approved"
    got = judge(rules, [move("gold/i#r"), move("d/i#r")], says("ben"))
    assert (got.state, got.uncovered) == ("missing", ("gold/i#r",))
    assert judge(rules, [move("gold/i#r")], says("ben"), says("dora", "lead")).state == "approved"


@pytest.mark.parametrize(
    ("glob", "place", "inside"),
    [
        ("datasets/a/*", "datasets/a/items", True),
        ("datasets/*", "datasets/a/items", False),
        ("**", "x/y", True),
        ("a.b", "aXb", False),
    ],
)
def test_globs(glob: str, place: str, inside: bool):
    assert globs.match(place, (glob,)) is inside


def test_moves_of_two_approved_change_sets_add_up():
    moves = [move("d/a#r"), move("d/b#r"), move("d/c#r")]
    more = (
        Backing(TWO, frozenset(moves[:1]), (says("ben"),)),
        Backing(ONE, frozenset([moves[1], move("d/c#r", "other")]), (says("cleo"),)),
    )
    got = decide.decide(policy(LABELS), Case(moves), more)
    assert (got.state, got.covered, got.uncovered) == ("missing", 2, ("d/c#r",))


def test_a_quorum_can_come_from_two_change_sets():
    two = Rule("two", ("labels",), (Need("reviewer", 2),))
    moves = [move("d/a#r"), move("d/b#r")]
    more = (
        Backing(TWO, frozenset(moves), (says("ben"),)),
        Backing(ONE, frozenset(moves[:1]), (says("cleo"), says("ben"))),
    )
    got = decide.decide(policy(two), Case(moves), more)
    assert (got.covered, got.uncovered) == (1, ("d/b#r",))


def test_what_has_no_rev_to_grow_from_wants_fresh_words():
    rules = policy(LABELS, DOCUMENTS)
    stale = says("ben", fresh=False), says("dora", "lead", fresh=False)
    assert judge(rules, [Move("d/i#r", Digest("o"), Digest("n"))], *stale).state == "approved"
    assert judge(rules, [Move("d/i#r", Digest("o"), None)], *stale).state == "approved"
    assert judge(rules, [move("d/i#r")], *stale).state == "missing", "a record that was not there"
    assert judge(rules, [move("d/i#")], *stale).state == "missing"
    assert judge(rules, [move("guidelines/g.yaml")], *stale).state == "missing"


def test_a_no_of_somebody_with_a_say_blocks_and_of_others_does_not():
    rules, moves = policy(LABELS), [move("d/i#r")]
    assert judge(rules, moves, says("ben"), says("cleo", decision="reject")).state == "rejected"
    assert judge(rules, moves, says("ben"), says("dora", "lead", "reject")).state == "approved"
    assert judge(rules, moves, says("ben"), says("cleo", decision="abstain")).state == "approved"


def test_later_words_replace_earlier_ones_of_the_same_person_only():
    rules, moves = policy(LABELS), [move("d/i#r")]
    no = says("cleo", digest="no", decision="reject")
    assert judge(rules, moves, says("ben"), no, says("cleo", "reviewer", "withdraw", Digest("no"))).state == "approved"
    assert judge(rules, moves, says("ben", "reviewer", "approve", Digest("no")), no).state == "rejected"
    yes = says("ben", digest="yes")
    assert judge(rules, moves, yes, says("ben", "reviewer", "withdraw", Digest("yes"))).state == "missing"
    assert judge(rules, moves, yes, says("ben", "reviewer", "withdraw")).state == "missing"
    assert judge(rules, moves, yes, says("ben", "reviewer", "reject")).state == "rejected"


def test_trust_files_stand_by_the_root_alone():
    rules = policy(Rule("all", ("trust", "unknown", "controls"), (Need("reviewer", 1),)))
    moves = [move("trust/policy.json")]
    assert judge(rules, moves, says("ben")).state == "denied"
    assert judge(rules, moves, settled=frozenset({"trust/policy.json"})).state == "approved"


NEEDS = st.lists(st.tuples(st.sampled_from(["reviewer", "lead"]), st.integers(1, 2)), min_size=1, max_size=3)
VOICES = st.lists(st.tuples(st.sampled_from(PEOPLE), st.sampled_from(["reviewer", "lead"])), max_size=6)


@given(NEEDS, VOICES)
def test_matching_finds_a_seating_whenever_there_is_one(needs: list[tuple[str, int]], voices: list[tuple[str, str]]):
    rules = policy(
        Rule("x", ("labels",), tuple(Need(role, count) for role, count in needs)), reviewer=PEOPLE, lead=PEOPLE
    )
    got = judge(rules, [move("d/i#r")], *[says(who, role) for who, role in voices])
    places = [role for role, count in needs for _ in range(count)]
    said = set(voices)
    possible = any(
        all((who, role) in said for who, role in zip(order, places, strict=False))
        for order in itertools.permutations(PEOPLE, min(len(places), 4))
        if len(places) <= 4
    )
    assert (got.state == "approved") is (possible and len(places) <= 4)


@given(VOICES, VOICES, st.sets(st.sampled_from(PEOPLE)))
def test_more_yeses_never_hurt_and_more_authors_never_help(first, second, authors):
    rules = policy(LABELS, Rule("two", ("labels",), (Need("reviewer", 2, ("author",)),)))
    few = [says(who, role) for who, role in first]
    many = [*few, *(says(who, role) for who, role in second)]
    moves = [move("d/i#r")]
    assert judge(rules, moves, *few).covered <= judge(rules, moves, *many).covered
    assert judge(rules, moves, *many, authors=frozenset(authors)).covered <= judge(rules, moves, *many).covered


@pytest.mark.parametrize("asked", [(False, False), (True, False), (False, True), (True, True)])
@pytest.mark.parametrize("given", [(False, False), (True, False), (True, True)])
def test_a_need_counts_only_signatures_that_prove_as_much_of_the_person(
    asked: tuple[bool, bool], given: tuple[bool, bool]
):
    rules = policy(Rule("labels", ("labels",), (Need("reviewer", 1, (), *asked),)))
    people = {**rules.principals, "ben": Principal("Ben", keys=("sk-ssh-ed25519@openssh.com AAAA",))}
    rules = replace(rules, principals=people)
    got = judge(rules, [move("d/i#r")], says("cleo", presence=Presence(*given)))
    good = all(one or not two for one, two in zip(given, asked, strict=True))
    assert got.state == ("approved" if good else "missing")
    (standing,) = got.needs
    assert standing.presence == asked
    assert standing.who_can == (() if good else ("ben",))  # cleo and ada have no security key in the policy


def test_a_no_and_an_author_count_without_a_touch():
    """Only a yes must be proved; a no by a plain key still binds."""
    rules = policy(Rule("labels", ("labels",), (Need("reviewer", 1, (), require_touch=True),)))
    yes = says("cleo", presence=Presence(touch=True))
    assert judge(rules, [move("d/i#r")], yes).state == "approved"
    assert judge(rules, [move("d/i#r")], yes, says("ben", decision="reject")).state == "rejected"


def test_an_emergency_is_met_as_its_need_says():
    """Two of the role, no author among them; an author nobody knows could be either."""
    urgent = Need("lead", 2, ("author",))
    rules = policy(replace(LABELS, needs=(Need("reviewer"),), emergency=urgent), lead=("ada", "dora", "cleo"))
    said = [says(who, "lead", authors=())._replace(emergency=True) for who in ("dora", "cleo", "ada")]
    assert judge(rules, [move("d/i#r")], *said[:2]).state == "conditional"
    assert judge(rules, [move("d/i#r")], said[0], said[0]._replace(digest=Digest("again"))).state == "missing"
    assert judge(rules, [move("d/i#r")], *said[:2], authors=frozenset({"dora"})).state == "missing"
    assert judge(rules, [move("d/i#r")], *said, authors=frozenset({"dora"})).state == "conditional"
    assert judge(rules, [move("d/i#r")], *said, strangers=True).state == "missing"
    assert judge(rules, [move("d/i#r")], *said[:2], says("ben", decision="reject")).state == "rejected"
    assert judge(rules, [move("d/i#r")], *said[:2], says("ben")).state == "approved"


# ---------------------------------------------------------------- re-keys
REKEYS = Rule("re-keys", ("rekeys",), (Need("lead", 1),))


def vouches(who: str, role: str = "lead", digest: str = "s", *, fresh: bool = True) -> Voice:
    return says(who, role, digest=digest, fresh=fresh)._replace(rekey=True)


def test_what_is_proved_to_be_re_keyed_falls_under_the_rules_on_re_keys():
    moves = [move("d/i#r"), move("d/i#")]
    proved = {"rekeyed": frozenset({"d/i#r", "d/i#"}), "vouched": frozenset({Digest("s")})}
    both = policy(LABELS, REKEYS)
    assert judge(both, moves, vouches("dora"), **proved).state == "approved"
    assert judge(both, moves, says("dora", "lead"), **proved).state == "approved", "an approval says more"
    assert judge(both, moves, says("ben"), **proved).state == "missing", "a reviewer is not who is asked"
    assert judge(policy(LABELS), moves, vouches("dora"), **proved).state == "denied", "no rule, nobody"


def test_a_statement_on_a_re_key_counts_for_nothing_else():
    both = policy(Rule("labels", ("labels", "items"), (Need("lead", 1),)), REKEYS)
    assert judge(both, [move("d/i#r")], vouches("dora")).state == "missing", "nothing was proved"
    proved = {"rekeyed": frozenset({"d/i#r"}), "vouched": frozenset({Digest("s")})}
    got = judge(both, [move("d/i#r"), move("d/j#r")], vouches("dora"), **proved)
    assert (got.state, got.uncovered) == ("missing", ("d/j#r",))
    assert judge(both, [move("d/i#r")], vouches("dora", digest="t"), **proved).state == "missing", "it says otherwise"
    assert judge(both, [move("d/i#r")], vouches("dora", fresh=False), **proved).state == "missing", "an old one"


def test_a_no_binds_what_is_re_keyed():
    proved = {"rekeyed": frozenset({"d/i#r"}), "vouched": frozenset({Digest("s")})}
    got = judge(policy(LABELS, REKEYS), [move("d/i#r")], vouches("dora"), says("ada", "lead", "reject"), **proved)
    assert got.state == "rejected"
