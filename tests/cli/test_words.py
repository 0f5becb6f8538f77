"""Every word is shown: rejections, withdrawals, what superseded what, and what was said after the merge."""

from __future__ import annotations

import json

import jsonschema
import pytest

from labelvc.codec import schema
from labelvc.model.policy import Need
from tests import people
from tests.ops.test_trace import RECORD, integrate, relabel, sound
from tests.people import Desk
from tests.trusting import desk, desk_template, people_keys

__all__ = ["desk", "desk_template", "people_keys", "sound"]
NO = ("main...topic", "reviewer", "--decision", "reject", "--reason", "rev-1 is sarcastic")
BACK = ("main...topic", "reviewer", "--decision", "withdraw", "--reason", "it is not")


def told(desk: Desk, *words: str) -> str:
    return desk.labelvc(*words)[1]


def document(desk: Desk, noun: str, *words: str) -> list[dict]:
    value = json.loads(told(desk, *words, "--format", "json"))
    jsonschema.Draft202012Validator(schema.schema(noun)).validate(value)
    return value["items"]


def test_a_no_that_was_taken_back_is_shown_with_what_took_it_back(desk: Desk):
    desk.approve("cleo", *NO)
    desk.approve("cleo", *BACK)
    desk.approve("ben")
    out = told(desk, "verify", "main...topic")
    assert "cleo said reject as reviewer; superseded by cleo's withdraw\n" in out
    assert "cleo said withdraw as reviewer\n" in out
    assert "ben said approve as reviewer\n" in out
    (step,) = document(desk, "verify", "verify", "main...topic")
    by = {(said["principal"], said["decision"]): said for said in step["approvals"]}
    assert by["cleo", "reject"]["superseded_by"] == by["cleo", "withdraw"]["statement"]
    assert by["cleo", "reject"]["reason"] == "rev-1 is sarcastic"
    assert [by[key]["superseded_by"] for key in (("cleo", "withdraw"), ("ben", "approve"))] == [None, None]


def test_a_yes_that_was_said_again_is_shown_as_superseded(desk: Desk):
    desk.approve("ben")
    desk.approve("ben")
    assert "ben said approve as reviewer; superseded by ben's approve\n" in told(desk, "verify", "main...topic")


def test_nobody_supersedes_the_word_of_another(desk: Desk):
    """The digests a statement names count only where they are its own signer's."""
    desk.approve("cleo", *NO)
    desk.approve("ben")
    (step,) = document(desk, "verify", "verify", "main...topic")
    assert {said["superseded_by"] for said in step["approvals"]} == {None}


@pytest.fixture
def merged(sound: Desk) -> Desk:
    """Return the desk with Ben's approval merged, and withdrawn after that."""
    sound.approve("ben")
    integrate(sound)
    sound.approve("ben", "HEAD~1...HEAD", "reviewer", "--decision", "withdraw", "--reason", "looked again")
    return sound


def test_an_approval_withdrawn_after_the_merge_is_listed_and_the_step_stays(merged: Desk):
    out = told(merged, "verify", "HEAD~2..HEAD")
    assert "ben said approve as reviewer; superseded by ben's withdraw\n" in out
    assert "later ben said withdraw as reviewer\n" in out
    first, last = document(merged, "verify", "verify", "HEAD~2..HEAD")
    assert (first["state"], last["state"]) == ("approved", "unchanged")
    assert first["approvals"][0]["superseded_by"] == first["later"][0]["statement"]
    assert [(said["decision"], said["reason"]) for said in first["later"]] == [("withdraw", "looked again")]
    assert merged.labelvc("verify", "HEAD~2..HEAD")[0] == 0


def test_trace_shows_each_word_and_what_superseded_it(merged: Desk):
    out = told(merged, "trace", RECORD)
    (withdrawal,) = [line for line in out.splitlines() if "withdrawn by" in line]
    assert "after it came in" in withdrawal
    (yes,) = [line for line in out.splitlines() if line.strip().startswith("approved")]
    assert ", superseded by ben." in yes
    step = document(merged, "trace", "trace", RECORD)[-1]
    yes, back = sorted(step["votes"], key=lambda vote: vote["decision"])
    assert (yes["superseded"], back["superseded"]) == (back["path"], "")
    assert (back["reason"], back["stood"]) == ("looked again", False)


def test_trace_shows_a_rejection_as_such(sound: Desk):
    relabel(sound, "better")
    sound.approve("cleo", "main...topic", "reviewer", "--decision", "reject", "--reason", "no")
    integrate(sound)
    out = told(sound, "trace", RECORD)
    assert "rejected  Cleo Checker (cleo) as reviewer" in out
    assert "approval  none: no statement covers this change" in out


def test_trace_shows_an_emergency_and_who_ratified_it(sound: Desk):
    people.govern(sound, lambda policy: people.labels_rule(policy, emergency=Need("lead")))
    sound.approve("ada", "main...topic", "lead", "--emergency", "--reason", "the client waits")
    integrate(sound)
    out = told(sound, "trace", RECORD)
    assert "approved  Ada Author (ada) as lead" in out
    assert ", in an emergency: the client waits\n" in out
    assert "approval  let in in an emergency, and nobody has agreed to it since\n" in out
    sound.approve("ben", "HEAD~1..HEAD")
    out = told(sound, "trace", RECORD)
    assert "later     approved by Ben Builder (ben) as reviewer" in out
    assert out.index("approved  Ada Author") < out.index("later     approved by Ben"), "in the order of what happened"
    assert "approval  let in in an emergency, agreed to later by Ben Builder (ben)\n" in out
    votes = document(sound, "trace", "trace", RECORD)[-1]["votes"]
    assert {(vote["principal"], vote["meaning"], vote["stood"]) for vote in votes} == {
        ("ada", "emergency", True),
        ("ben", "approval", False),
    }
