"""An emergency: one person lets a change in where the policy says so, and it stands once the others agree."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from labelvc.codec import canonical, dsse, moment, schema, statement
from labelvc.errors import DataError
from labelvc.model.approval import NAMESPACE
from labelvc.model.policy import Need, Principal, Role
from labelvc.ops import approvals, trust
from labelvc.store import keys
from tests import people
from tests.ops.test_expiry import DAY, Clock, after, clock
from tests.people import Desk
from tests.trusting import desk, desk_template, people_keys

__all__ = ["clock", "desk", "desk_template", "people_keys"]
URGENT = ("--emergency", "--reason", "the client waits")


@pytest.fixture
def governed(desk: Desk) -> Desk:
    """Return the desk with a policy that lets a lead act alone on labels; Ada, the author, is the lead."""
    people.govern(desk, lambda policy: people.labels_rule(policy, emergency=Need("lead")))
    return desk


def merge(desk: Desk) -> str:
    desk.git("checkout", "-q", "main")
    desk.git("merge", "-q", "--no-ff", "-m", "Merge", "topic")
    return desk.git("rev-parse", "HEAD")


def test_the_author_lets_it_in_and_it_is_conditional(governed: Desk):
    governed.approve("ada", "main...topic", "lead", *URGENT)
    code, (step,) = governed.verify()
    assert (code, step["state"], step["covered"], step["total"]) == (1, "conditional", 0, 1)
    assert [(said["principal"], said["meaning"], said["reason"]) for said in step["approvals"]] == [
        ("ada", "emergency", "the client waits")
    ]
    assert step["needs"] == [{"role": "reviewer", "count": 1, "have": 0, "who_can": ["ben", "cleo"]}]
    out = governed.labelvc("verify", "main...topic")[1]
    assert out.startswith("conditional ")
    assert "ada said approve as lead in an emergency: the client waits, 20" in out
    assert "next: labelvc approve main...topic --role reviewer\n" in out


def test_explain_says_who_may_let_it_in_and_who_did(governed: Desk):
    told = "  in an emergency 1 lead lets it in before that\n"
    assert told in governed.labelvc("policy", "explain", "datasets/reviews/annotations")[1]
    governed.approve("ada", "main...topic", "lead", *URGENT)
    code, out, _ = governed.labelvc("policy", "explain", "main...topic")
    assert (code, told in out, "said        ada said approve as lead in an emergency\n" in out) == (0, True, True), out
    assert out.startswith("policy      version 4; main...topic is conditional\n")
    assert "  0 of 1 reviewer; ben, cleo can\n" in out
    code, out, _ = governed.labelvc("policy", "explain", "main...topic", "--format", "json")
    document = json.loads(out)
    jsonschema.Draft202012Validator(schema.schema("policy-explain")).validate(document)
    assert (code, document["summary"]["state"]) == (0, "conditional")


def test_it_is_approved_once_the_others_agree_later(governed: Desk):
    governed.approve("ada", "main...topic", "lead", *URGENT)
    step = merge(governed)
    out = governed.labelvc("verify")[1]
    short = f"{step[:12]}"
    assert f"labelvc verify {governed.git('rev-parse', 'HEAD~1')[:12]}..HEAD" in out
    governed.relabel("dull", "rev-6")
    governed.approve("ben", "HEAD~1..HEAD")
    governed.approve("ben", f"{step}~1..{step}")
    code, steps = governed.verify(f"{step}~1..HEAD")
    assert [(one["state"], one["ratified_by"]) for one in steps if one["commit"] == step] == [("approved", ["ben"])]
    assert [said["principal"] for said in steps[0]["later"]] == ["ben"]
    assert code == 1  # rev-6 was approved too late, and that is no emergency
    out = governed.labelvc("verify", f"{step}~1..HEAD")[1]
    assert f"approved    {short}  1 of 1 change covered, policy 4, ratified by ben\n" in out
    assert "later ben said approve as reviewer\n" in out
    assert governed.verify(step)[1][0]["state"] == "conditional"  # by itself it does not know what came later


def test_only_whose_word_counts_ratifies(governed: Desk):
    """Ada, the author, says yes as a reviewer by a program of her own; it is told, and ratifies nothing."""
    governed.approve("ada", "main...topic", "lead", *URGENT)
    step = merge(governed)
    signed_anyway(governed, step, "ada")
    assert governed.verify(f"{step}~1..HEAD")[1][0]["state"] == "conditional"
    governed.approve("ben", f"{step}~1..{step}")
    first = governed.verify(f"{step}~1..HEAD")[1][0]
    assert (first["state"], first["ratified_by"]) == ("approved", ["ben"])
    assert [said["principal"] for said in first["later"]] == ["ada", "ben"]


def test_a_no_after_the_others_agreed_is_told_and_changes_nothing(governed: Desk):
    governed.approve("ada", "main...topic", "lead", *URGENT)
    step = merge(governed)
    governed.approve("ben", f"{step}~1..{step}")
    governed.approve("cleo", f"{step}~1..{step}", "reviewer", "--decision", "reject", "--reason", "no")
    code, steps = governed.verify(f"{step}~1..HEAD~1")
    assert (code, steps[0]["state"]) == (0, "approved")
    code, steps = governed.verify(f"{step}~1..HEAD")
    assert (code, steps[0]["state"]) == (0, "approved")
    assert [(said["principal"], said["decision"]) for said in steps[0]["later"]] == [
        ("ben", "approve"),
        ("cleo", "reject"),
    ]


def test_a_no_before_the_others_agree_keeps_it_conditional(governed: Desk):
    governed.approve("ada", "main...topic", "lead", *URGENT)
    step = merge(governed)
    governed.approve("cleo", f"{step}~1..{step}", "reviewer", "--decision", "reject", "--reason", "no")
    governed.approve("ben", f"{step}~1..{step}")
    code, steps = governed.verify(f"{step}~1..HEAD")
    assert (code, steps[0]["state"]) == (1, "conditional")


def test_a_no_that_was_taken_out_of_the_tree_keeps_it_conditional_too(governed: Desk):
    governed.approve("ada", "main...topic", "lead", *URGENT)
    step = merge(governed)
    no = governed.approve("cleo", f"{step}~1..{step}", "reviewer", "--decision", "reject", "--reason", "no")
    governed.git("rm", "-q", str(no))
    governed.commit("Nothing to see here", who="cleo")
    governed.approve("ben", f"{step}~1..{step}")
    code, steps = governed.verify(f"{step}~1..HEAD")
    assert (code, steps[0]["state"]) == (1, "conditional")
    governed.approve("cleo", f"{step}~1..{step}")  # she says yes herself; her no is not there to be superseded
    assert governed.verify(f"{step}~1..HEAD")[1][0]["state"] == "conditional"


def test_who_left_since_ratifies_nothing(governed: Desk):
    governed.approve("ada", "main...topic", "lead", *URGENT)
    step = merge(governed)
    governed.git("branch", "-q", "-f", "topic")
    people.govern(governed, without_ben)
    governed.git("checkout", "-q", "main")
    path = signed_anyway(governed, step, "ben")
    code, steps = governed.verify(f"{step}~1..HEAD")
    assert (code, steps[0]["state"]) == (1, "conditional"), path
    governed.approve("cleo", f"{step}~1..{step}")
    assert governed.verify(f"{step}~1..HEAD")[1][0]["ratified_by"] == ["cleo"]


def without_ben(policy):
    roles = {name: Role(tuple(who for who in role.members if who != "ben")) for name, role in policy.roles.items()}
    return people.replace(
        policy, roles=roles, principals={name: one for name, one in policy.principals.items() if name != "ben"}
    )


def signed_anyway(desk: Desk, step: str, who: str, **members: object) -> Path:
    """Sign a step's change-set as a program of one's own would, whatever the policy in force says."""
    first = next((desk.folder / "approvals").rglob("ada.*.json"))
    said = statement.decode_approval(dsse.decode(first.read_bytes(), dsse.IN_TOTO).payload)
    signer = people.replace(said.signer, principal=who, printed_name=people.NAMES[who])
    said = people.replace(said, **{"meaning": "approval", "role": "reviewer", "reason": "", **members}, signer=signer)
    key = keys.signer(desk.key(who), None, lambda words: words)
    envelope = trust.seal(dsse.IN_TOTO, statement.encode_approval(said), key, NAMESPACE)
    path = approvals.path_of(said.root, who, envelope.digest)
    desk.write(path, dsse.encode(envelope))
    desk.commit("Slip it in", who="cleo")
    return desk.folder / path


def test_who_may_not_is_refused(governed: Desk):
    for who, role, words, code, said in (
        ("ben", "reviewer", URGENT, 1, "no rule of the policy lets the role reviewer act in an emergency"),
        ("ben", "lead", URGENT, 1, "the policy does not grant ben the role lead"),
        ("ada", "lead", URGENT[:1], 1, "an emergency needs a reason"),
        ("ada", "lead", (*URGENT, "--remainder"), 2, "--remainder is for"),
        ("ada", "lead", (*URGENT, "--decision", "reject"), 2, "--emergency is a way to approve"),
    ):
        key = ("--role", role, "--key", governed.key(who))
        got, out, err = governed.labelvc("approve", "main...topic", *key, *words)
        assert (got, out, said in err) == (code, "", True), err


def test_where_no_rule_lets_anybody_the_statement_does_not_count(governed: Desk):
    """Ben signs with a program of his own, as a reviewer, whom no rule lets act alone."""
    governed.approve("ada", "main...topic", "lead", *URGENT, commit=False)
    signed_anyway(governed, "", "ben", meaning="emergency", reason="because")
    first = next((governed.folder / "approvals").rglob("ada.*.json"))
    governed.git("rm", "-q", "-f", str(first))
    governed.commit("Only Ben's")
    code, (step,) = governed.verify()
    assert (code, step["state"], step["covered"]) == (1, "missing", 0)
    assert [said["principal"] for said in step["approvals"]] == ["ben"]


def test_an_emergency_is_no_ordinary_word(governed: Desk):
    """Ben could approve, and says it in an emergency where a reviewer may: it takes another word to make it stand."""
    people.govern(governed, lambda policy: people.labels_rule(policy, emergency=Need("reviewer")))
    governed.approve("ben", "main...topic", "reviewer", *URGENT)
    assert governed.verify()[1][0]["state"] == "conditional"
    governed.approve("ben")
    code, (step,) = governed.verify()
    assert (code, step["state"]) == (0, "approved")


def test_an_emergency_does_not_go_round_a_no(governed: Desk):
    governed.approve("ben", "main...topic", "reviewer", "--decision", "reject", "--reason", "wrong")
    governed.approve("ada", "main...topic", "lead", *URGENT)
    code, (step,) = governed.verify()
    assert (code, step["state"]) == (1, "rejected")


def test_an_emergency_covers_its_part_alone(governed: Desk):
    governed.relabel("fine", "rev-2")
    governed.approve("ada", "main...topic", "lead", *URGENT, "--except", "reviews/rev-2#*")
    assert governed.verify()[1][0]["state"] == "missing"
    governed.approve("ben", "main...topic", "reviewer", "--remainder", "--except", "reviews/rev-1#*")
    code, (step,) = governed.verify()
    assert (code, step["state"], step["uncovered"]) == (1, "conditional", ["reviews/rev-1#r1"])


def test_policy_show_says_who_may(governed: Desk):
    assert "in an emergency 1 lead first" in governed.labelvc("policy", "show")[1]


def test_a_policy_without_the_new_members_keeps_its_bytes(desk: Desk):
    envelope = dsse.decode((desk.folder / trust.POLICY).read_bytes(), dsse.IN_TOTO)
    assert statement.encode_policy(statement.decode_policy(envelope.payload)) == envelope.payload
    rules = json.loads(envelope.payload)["predicate"]["rules"]
    assert not any({"emergency", "ownRecords"} & set(rule) for rule in rules)


def test_an_emergency_without_a_reason_is_no_statement(governed: Desk):
    path = governed.approve("ada", "main...topic", "lead", *URGENT)
    payload = dsse.decode(path.read_bytes(), dsse.IN_TOTO).payload
    value = canonical.decode(payload)
    del value["predicate"]["reason"]
    with pytest.raises(DataError):
        statement.decode_approval(canonical.encode(value))


def test_a_rule_names_nobody_who_is_not_there(desk: Desk):
    policy = people.in_force(desk).policy
    bad = people.labels_rule(policy, emergency=Need("boss"))
    assert list(statement.flaws(people.replace(bad, principals={"ada": Principal("Ada")}, roles={}))) != []
    assert any("boss" in flaw for flaw in statement.flaws(bad))


@pytest.fixture
def pressed(desk: Desk, clock: Clock) -> Desk:
    """Return the desk with a policy that gives three days to ratify what the lead let in, which she did on the first."""
    people.govern(desk, lambda policy: people.labels_rule(policy, emergency=Need("lead"), ratify_within=3 * DAY))
    desk.approve("ada", "main...topic", "lead", *URGENT)
    clock(1)
    return desk


def states(desk: Desk, step: str, *words: str) -> list[str]:
    code, steps = desk.verify(f"{step}~1..HEAD", *words)
    assert code == int(any(one["state"] not in ("approved", "unchanged") for one in steps))
    return [one["state"] for one in steps]


def test_who_agrees_in_time_ratifies(pressed: Desk, clock: Clock):
    pull = pressed.verify("main...topic", "--at", after(90))[1][0]
    assert (pull["state"], "ratify_by" in pull) == ("conditional", False)  # it did not come in yet
    step = merge(pressed)
    (item,) = pressed.verify(step)[1]
    assert (item["state"], item["ratify_by"], "at" in item) == ("conditional", after(4), False)
    assert f"policy 4, to be ratified by {after(4)}\n" in pressed.labelvc("verify", step)[1]
    clock(4)
    pressed.approve("ben", f"{step}~1..{step}")
    clock(400)
    pressed.git("commit", "-q", "--allow-empty", "-m", "Much later")
    assert states(pressed, step)[0] == "approved"
    assert pressed.verify(f"{step}~1..HEAD", "--at", after(1000))[1][0]["ratified_by"] == ["ben"]


def test_an_emergency_that_nobody_ratified_in_time_let_nothing_in(pressed: Desk, clock: Clock):
    step = merge(pressed)
    assert states(pressed, step, "--at", after(4)) == ["conditional"]
    assert states(pressed, step, "--at", moment.instant(moment.seconds(after(4)) + 1)) == ["missing"]
    clock(4 + 1 / DAY)  # a second late, whatever the statement claims
    pressed.git("commit", "-q", "--allow-empty", "-m", "A second later")
    assert states(pressed, step)[0] == "missing"
    clock(2)
    pressed.approve("ben", f"{step}~1..{step}")
    assert states(pressed, step)[0] == "missing"
    code, out, _ = pressed.labelvc("verify", f"{step}~1..HEAD")
    told = f"            the time to agree: ended on {after(4)}, and nobody had ratified what an emergency let in\n"
    assert (code, told in out, f"labelvc verify {step[:12]}" in out or "judge both as one" in out) == (1, True, True), (
        out
    )
    rows = json.loads(pressed.labelvc("audit", "population", f"{step}~1..HEAD", "--format", "json")[1])["items"]
    assert rows[0]["state"] == "missing"
    assert pressed.verify(f"{step}~1...HEAD")[0] == 0  # as the hint says: both are judged as one


def test_who_ratified_in_time_and_is_distrusted_since_can_be_stood_in_for(pressed: Desk, clock: Clock):
    step = merge(pressed)
    pressed.approve("ben", f"{step}~1..{step}")
    clock(30)
    pressed.git("branch", "-q", "-f", "topic")
    command = ("policy", "distrust", "ben", "--from", f"{step}~1", "--reason", "a stolen laptop")
    assert pressed.labelvc(*command, "--sign-with", pressed.key("ada"))[0] == 0
    pressed.commit("Distrust Ben", "ada")
    assert states(pressed, step)[0] == "missing"
    pressed.approve("cleo", f"{step}~1..{step}")
    assert pressed.verify(f"{step}~1..HEAD")[1][0]["ratified_by"] == ["cleo"]


def test_the_time_to_ratify_is_set_and_told(desk: Desk):
    sign = ("--sign-with", desk.key("ada"))
    words = ("policy", "rule", "set", "labels and items")
    code, _, err = desk.labelvc(*words, "--ratify-within", "72h", *sign)
    assert (code, "nobody may act in an emergency" in err, "--emergency ROLE" in err) == (2, True, True), err
    assert desk.labelvc(*words, "--emergency", "lead", "--ratify-within", "72h", *sign)[0] == 0
    told = "in an emergency 1 lead first, to be ratified within 3 days"
    assert told in desk.labelvc("policy", "show")[1]
    assert "before that, to be ratified within 3 days" in desk.labelvc("policy", "explain", "datasets/reviews/items")[1]
    document = json.loads(desk.labelvc("policy", "show", "--format", "json")[1])
    jsonschema.Draft202012Validator(schema.schema("policy-show")).validate(document)
    policy = statement.decode_policy(dsse.decode((desk.folder / trust.POLICY).read_bytes(), dsse.IN_TOTO).payload)
    rule = next(rule for rule in policy.rules if rule.ratify_within == 3 * DAY)
    assert statement.decode_policy(statement.encode_policy(policy)) == policy
    for bad in (people.replace(rule, ratify_within=0), people.replace(rule, emergency=None)):
        assert any("ratified within" in flaw for flaw in statement.flaws(people.replace(policy, rules=(bad,))))
    assert desk.labelvc(*words, "--no-emergency", *sign)[0] == 0
    assert "emergency" not in desk.labelvc("policy", "show")[1]
