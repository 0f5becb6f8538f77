"""A person signs a part of a change: all but some keys, or what others left to their role."""

from __future__ import annotations

import shutil

import pytest

from labelvc.codec import canonical
from tests import people
from tests.people import Desk, record
from tests.trusting import desk, desk_template, people_keys
from tests.zoo import GUIDELINE

__all__ = ["desk", "desk_template", "people_keys"]
RANGE = ("main...topic", "reviewer")


@pytest.fixture
def three(desk: Desk) -> Desk:
    """Return the desk with three records changed on `topic`."""
    desk.relabel("fine", "rev-2")
    desk.relabel("odd", "rev-3")
    return desk


def keys(desk: Desk, path) -> list[str]:
    listing = path.with_name("changeset.jsonl").read_bytes().splitlines()
    return [canonical.decode(line)["k"] for line in listing]


def test_all_but_some_keys_are_signed(three: Desk):
    for globs, left in (
        (["reviews/rev-2#r1"], ["rev-1", "rev-3"]),
        (["reviews/rev-1#*", "reviews/rev-2#*"], ["rev-3"]),
        (["**/rev-2#*"], ["rev-1", "rev-3"]),
        (["reviews/*-3#*"], ["rev-1", "rev-2"]),
    ):
        words = [word for glob in globs for word in ("--except", glob)]
        path = three.approve("ben", *RANGE, *words, commit=False)
        assert keys(three, path) == [f"reviews/{item}#r1" for item in left]
        three.git("reset", "-q", "--hard")
    three.approve("ben", *RANGE, "--except", "reviews/rev-2#*")
    code, (step,) = three.verify()
    assert (code, step["state"], step["covered"], step["uncovered"]) == (1, "missing", 2, ["reviews/rev-2#r1"])


def test_the_rest_is_what_the_role_still_owes(three: Desk):
    three.approve("ben", *RANGE, "--except", "reviews/rev-2#*")
    words = ["approve", "main...topic", "--role", "reviewer", "--remainder", "--key", three.key("cleo")]
    code, out, err = three.labelvc(*words)
    assert code == 0, err
    assert "carried     2 of 3 changes carried over; 1 needs approval\n" in err
    assert "changes     1 changed (labels 1)\n" in err
    assert keys(three, three.folder / out.split()[-1]) == ["reviews/rev-2#r1"]
    three.commit("cleo decides", who="cleo")
    code, (step,) = three.verify()
    assert (code, step["state"]) == (0, "approved")
    told = three.labelvc("verify", "main...topic")[1]
    assert "ben said approve as reviewer (2 of 3 changes)\n" in told
    assert "cleo said approve as reviewer (1 of 3 changes)\n" in told
    code, _, err = three.labelvc(*words[:-1], three.key("ben"))
    assert (code, "nothing here still needs the word of the role reviewer" in err) == (1, True)


def test_two_must_agree_and_the_rest_is_what_one_of_them_left(three: Desk):
    people.govern(three, lambda policy: people.labels_rule(policy, needs=(two(policy),)))
    three.approve("ben")
    three.approve("cleo", *RANGE, "--except", "reviews/rev-2#*")
    assert three.verify()[1][0]["covered"] == 2
    path = three.approve("cleo", *RANGE, "--remainder")
    assert keys(three, path) == ["reviews/rev-2#r1"]
    assert three.verify()[0] == 0


def two(policy):
    return people.replace(policy.rules[0].needs[0], count=2)


def test_what_names_nothing_signs_nothing(three: Desk):
    before = three.git("status", "--porcelain")
    for words, code, said in (
        (("--except", "reviews/rev-9#*"), 2, "nothing that changed has such a key"),
        (("--except", "reviews/*"), 1, "nothing is left to sign"),
        (("--except", "**"), 1, "nothing is left to sign"),
        (("--remainder", "--decision", "reject", "--reason", "x"), 2, "--remainder is for an approval"),
        (("--remainder", "--role", "boss"), 2, "the policy has no role boss"),
    ):
        key = ("--role", "reviewer", "--key", three.key("ben"))
        got, out, err = three.labelvc("approve", "main...topic", *key, *words)
        assert (got, out, said in err) == (code, "", True), err
    assert three.git("status", "--porcelain") == before


def test_a_part_keeps_authors_and_annotators_of_the_whole_out(three: Desk):
    """What is merged is judged as one step: who made a record of it approves no other part of it either."""
    three.relabel("mine", "rev-4", by="prs_ben")
    words = ["approve", "main...topic", "--role", "reviewer", "--except", "reviews/rev-4#*"]
    assert three.labelvc(*words, "--key", three.key("ben"))[0] == 1
    assert three.labelvc(*words, "--key", three.key("ada"))[0] == 1


def test_a_no_to_a_part_and_its_withdrawal(three: Desk):
    part = ("--except", "reviews/rev-1#*", "--except", "reviews/rev-3#*")
    three.approve("ben")
    three.approve("cleo", *RANGE, "--decision", "reject", "--reason", "odd", *part)
    code, (step,) = three.verify()
    assert (code, step["state"], step["covered"], step["uncovered"]) == (1, "rejected", 2, ["reviews/rev-2#r1"])
    three.approve("cleo", *RANGE, "--decision", "withdraw", "--reason", "it is fine", *part)
    assert three.verify()[0] == 0


def test_a_withdrawal_of_the_whole_takes_back_what_was_said_of_its_parts(three: Desk):
    """Also when only the part is merged, whose own folder holds nothing but the yes."""
    at = three.git("rev-parse", "HEAD~1")
    three.approve("ben", *RANGE, "--except", "reviews/rev-3#*")
    three.approve("ben", *RANGE, "--decision", "withdraw", "--reason", "looked again")
    assert three.verify()[1][0]["covered"] == 0
    three.git("checkout", "-q", at, "--", "datasets")
    three.commit("Take rev-3 back")
    code, (step,) = three.verify()
    assert (code, step["state"], step["total"]) == (1, "missing", 2)


def test_a_part_s_approval_is_none_of_another_set(three: Desk):
    """The signed file, and its list, put beside another change-set: neither covers anything there."""
    path = three.approve("ben", *RANGE, "--except", "reviews/rev-2#*")
    whole = three.approve("cleo", *RANGE, "--decision", "reject", "--reason", "x")
    three.git("rm", "-q", str(whole))
    shutil.copy(path, whole.parent / path.name)
    three.commit("Replay")
    code, (step,) = three.verify()
    assert (code, step["covered"], step["uncovered"]) == (1, 2, ["reviews/rev-2#r1"])
    assert "another change-set" in step["problems"][0]["message"]
    shutil.copy(path.with_name("changeset.jsonl"), whole.parent / "changeset.jsonl")
    (path.with_name("changeset.jsonl")).write_bytes((whole.parent / "changeset.jsonl").read_bytes() + b"")
    three.commit("Replay the list too")
    assert three.verify()[1][0]["uncovered"] == ["reviews/rev-2#r1"]


def test_what_the_merge_driver_makes_is_not_covered_and_is_the_remainder(desk: Desk):
    """Both sides changed rev-1 in different fields; the driver's record is neither's bytes."""
    desk.git("checkout", "-q", "main")
    desk.write("guidelines/mood.yaml", GUIDELINE)
    desk.commit("In form")
    desk.git("checkout", "-q", "topic")
    desk.git("rebase", "-q", "main")
    desk.relabel("fine", "rev-2")
    records = desk.records()
    records["rev-1"] = {**record("rev-1", "good", 3), "meta": {"seen": 1}}
    desk.save(records)
    desk.commit("Seen")
    desk.approve("ben")
    desk.git("checkout", "-q", "main")
    records = desk.records()
    records["rev-1"] = {**records["rev-1"], "rev": 2, "flags": ["hard"]}
    desk.save(records)
    desk.commit("Hard", who="cleo")
    start = desk.git("rev-parse", "HEAD")
    code, out, err = desk.labelvc("merge", "topic")
    assert code == 0, out + err
    desk.git("commit", "-q", "--no-verify", "-m", "Merge", "--allow-empty")
    merged = desk.records()["rev-1"]
    assert (merged["value"], merged["flags"]) == ({"text": "good"}, ["hard"])
    code, (step,) = desk.verify(f"{start}...main")
    assert (code, step["uncovered"]) == (1, ["reviews/rev-1#r1"])
    path = desk.approve("ben", f"{start}...main", "reviewer", "--remainder")
    assert keys(desk, path) == ["reviews/rev-1#r1"]
    assert desk.verify(f"{start}...main")[0] == 0
