"""Own records: where a rule says so, who holds none of its roles makes, edits and deletes only what is theirs."""

from __future__ import annotations

import pytest

from labelvc.model.policy import Principal
from tests import people
from tests.people import Desk, record
from tests.trusting import desk, desk_template, people_keys

__all__ = ["desk", "desk_template", "people_keys"]
DORA, EVE = "prs_dora", "prs_eve"


@pytest.fixture
def governed(desk: Desk) -> Desk:
    """Return the desk with two annotators, Dora and Eve, who may touch only their own; the first two records are Dora's."""

    def change(policy):
        more = {
            who: Principal(who.title(), emails=(f"{who}@example.com",), pseudonyms=(f"prs_{who}",))
            for who in ("dora", "eve")
        }
        policy = people.replace(policy, principals={**policy.principals, **more})
        return people.labels_rule(policy, own_records=True)

    people.govern(desk, change)
    desk.git("checkout", "-q", "main")
    records = desk.records()
    for item, by in (("rev-1", DORA), ("rev-2", DORA), ("rev-3", EVE)):
        records[item] = record(item, "bad", 2, by)
    desk.save(records)
    desk.commit("Whose they are")
    desk.git("checkout", "-q", "-B", "topic")
    return desk


def put(desk: Desk, who: str, item: str, row: dict | None) -> None:
    records = desk.records()
    if row is None:
        del records[item]
    else:
        records[item] = row
    desk.save(records)
    desk.commit(f"{item} by {who}", who)


def gone(item: str, rev: int) -> dict:
    return {"item": item, "id": "r1", "gone": True, "rev": rev}


CASES = {
    "edits her own": ("dora", "rev-1", record("rev-1", "good", 3, DORA), True),
    "adds one of her own": ("dora", "rev-9", record("rev-9", "good", 1, DORA), True),
    "deletes her own": ("dora", "rev-1", gone("rev-1", 3), True),
    "takes her own out": ("dora", "rev-1", None, True),
    "edits Eve's": ("dora", "rev-3", record("rev-3", "good", 3, EVE), False),
    "takes Eve's over": ("dora", "rev-3", record("rev-3", "bad", 3, DORA), False),
    "gives hers to Eve": ("dora", "rev-1", record("rev-1", "bad", 3, EVE), False),
    "adds one in Eve's name": ("dora", "rev-9", record("rev-9", "good", 1, EVE), False),
    "deletes Eve's": ("dora", "rev-3", gone("rev-3", 3), False),
    "takes Eve's out": ("dora", "rev-3", None, False),
    "adds one of nobody": ("dora", "rev-9", {"item": "rev-9", "id": "r1", "rev": 1, "value": {"text": "x"}}, False),
    "is nobody the policy knows": ("zoe", "rev-9", record("rev-9", "good", 1, "prs_zoe"), False),
    "holds the role": ("ben", "rev-3", record("rev-3", "good", 3, EVE), True),
}


@pytest.mark.parametrize("good", [True, False])
def test_what_an_annotator_may_touch(governed: Desk, good: bool):
    for case, (who, item, row, allowed) in CASES.items():
        if allowed is not good:
            continue
        governed.git("checkout", "-q", "-B", "topic", "main")
        put(governed, who, item, row)
        if good:
            governed.approve("cleo")
        code, (step,) = governed.verify()
        if good:
            assert (code, step["state"], step["problems"]) == (0, "approved", []), case
            continue
        assert (code, step["state"], step["covered"]) == (1, "denied", 0), case
        (problem,) = [each for each in step["problems"] if each["path"] == f"reviews/{item}#r1"]
        name = "dora" if who == "dora" else "an author nobody knows"
        assert problem["message"].startswith(f"{name} holds no role that could approve it"), case
        assert "may touch only records of their own" in problem["message"]


def test_no_approval_helps(governed: Desk):
    put(governed, "dora", "rev-3", record("rev-3", "good", 3, EVE))
    governed.approve("cleo")
    governed.approve("ben")
    assert governed.verify()[1][0]["state"] == "denied"


def test_a_key_that_was_deleted_is_nobody_s(governed: Desk):
    put(governed, "ben", "rev-3", gone("rev-3", 3))
    governed.git("branch", "-q", "-f", "main", "topic")
    put(governed, "dora", "rev-3", record("rev-3", "good", 4, DORA))
    governed.approve("cleo")
    assert governed.verify()[1][0]["state"] == "denied"


def test_two_annotators_in_one_step_each_touch_their_own(governed: Desk):
    put(governed, "dora", "rev-1", record("rev-1", "good", 3, DORA))
    put(governed, "eve", "rev-3", record("rev-3", "good", 3, EVE))
    governed.approve("cleo")
    assert governed.verify()[0] == 0


def test_of_two_in_one_step_neither_touches_the_other_s(governed: Desk):
    """What counts is each commit: also when Eve edits her record again after Dora did."""
    put(governed, "eve", "rev-3", record("rev-3", "good", 3, EVE))
    put(governed, "dora", "rev-3", record("rev-3", "dull", 4, EVE))
    put(governed, "dora", "rev-1", record("rev-1", "good", 3, DORA))
    put(governed, "eve", "rev-3", record("rev-3", "good", 5, EVE))
    governed.approve("cleo")
    code, (step,) = governed.verify()
    assert (code, step["state"], step["uncovered"]) == (1, "denied", ["reviews/rev-3#r1"])


def test_what_was_put_back_is_no_move(governed: Desk):
    before = governed.records()["rev-3"]
    put(governed, "dora", "rev-3", record("rev-3", "dull", 3, EVE))
    put(governed, "dora", "rev-3", before)
    put(governed, "eve", "rev-3", record("rev-3", "good", 3, EVE))
    governed.approve("cleo")
    assert governed.verify()[0] == 1  # Dora touched it, and it moved: nobody can tell what of it is hers
    governed.git("reset", "-q", "--hard", "main")
    put(governed, "dora", "rev-3", record("rev-3", "dull", 3, EVE))
    put(governed, "dora", "rev-3", before)
    put(governed, "dora", "rev-1", record("rev-1", "good", 3, DORA))
    governed.approve("cleo")
    assert governed.verify()[0] == 0


@pytest.mark.parametrize("trailer", [True, False])
def test_a_squash_hides_nobody(governed: Desk, trailer: bool):
    """Dora touched Eve's; a lead squashes it under her own name, with and without naming Dora."""
    put(governed, "dora", "rev-3", record("rev-3", "dull", 3, EVE))
    governed.approve("cleo")
    governed.git("checkout", "-q", "main")
    governed.git("merge", "-q", "--squash", "topic")
    more = ["-m", "Co-authored-by: Dora <dora@example.com>"] if trailer else []
    governed.git("commit", "-q", "-m", "Squash", *more, who="ada")
    code, (step,) = governed.verify("HEAD")
    assert (code, step["state"]) == (1, "denied")


def test_a_merge_by_hand_touches_what_it_writes(governed: Desk):
    put(governed, "eve", "rev-3", record("rev-3", "good", 3, EVE))
    governed.git("checkout", "-q", "-b", "more", "main")
    governed.write("README.md", "hello")
    governed.commit("Say hello", "eve")
    governed.git("checkout", "-q", "topic")
    governed.git("merge", "-q", "--no-ff", "--no-commit", "more", who="dora")
    records = governed.records()
    records["rev-3"] = record("rev-3", "dull", 4, EVE)
    governed.save(records)
    governed.commit("Merge and meddle", "dora")
    governed.approve("cleo")
    assert governed.verify()[1][0]["state"] == "denied"


def test_items_and_places_of_other_rules(governed: Desk):
    """An item is no record of anybody; and a rule speaks of its own places alone."""
    governed.write("datasets/reviews/items/00.jsonl", '{"id":"rev-9","text":"hm"}\n')
    governed.commit("An item", "dora")
    assert governed.verify()[1][0]["state"] == "denied"
    people.govern(governed, lambda policy: people.labels_rule(policy, paths=("datasets/reviews/annotations",)))
    step = governed.verify()[1][0]
    assert "may touch only" not in str(step["problems"])


def test_who_approves_is_told_what_no_approval_helps(governed: Desk):
    put(governed, "dora", "rev-3", record("rev-3", "dull", 3, EVE))
    words = ["approve", "main...topic", "--role", "reviewer", "--key", governed.key("cleo")]
    assert "denied      reviews/rev-3#r1: dora holds no role" in governed.labelvc(*words)[2]


def test_policy_show_says_so(governed: Desk):
    governed.git("checkout", "-q", "main")
    assert "others only their own records" in governed.labelvc("policy", "show")[1]
