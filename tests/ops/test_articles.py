"""Rules, roles and distrust by command, what they mean to `verify`, and what `policy explain` and `audit impact` tell."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from msgspec.structs import replace

from labelvc.codec import dsse, schema, statement
from labelvc.errors import Error
from labelvc.model.names import Digest
from labelvc.model.policy import Distrust, Need, Policy, Role, Root, Rule
from labelvc.ops import articles, trust
from labelvc.ops import policy as governing
from labelvc.store import keys
from tests.people import Desk
from tests.trusting import desk, desk_template, people_keys

__all__ = ["desk", "desk_template", "people_keys"]
REASON = "his laptop was stolen"


def edit(desk: Desk, *words: str) -> str:
    code, out, err = desk.labelvc("policy", *words, "--sign-with", desk.key("ada"))
    assert (code, out) == (0, "trust/policy.json\n"), out + err
    return err


def refused(desk: Desk, *words: str, code: int = 2) -> str:
    before = desk.git("status", "--porcelain")
    got, out, err = desk.labelvc("policy", *words, "--sign-with", desk.key("ada"))
    assert (got, out) == (code, ""), out + err
    assert desk.git("status", "--porcelain") == before
    return err


def policy(desk: Desk) -> Policy:
    data = (desk.folder / trust.POLICY).read_bytes()
    return statement.decode_policy(dsse.decode(data, dsse.IN_TOTO).payload)


def read(desk: Desk, noun: str, *words: str) -> tuple[int, dict[str, Any]]:
    code, out, err = desk.labelvc(*words, "--format", "json")
    assert out, err
    document: dict[str, Any] = json.loads(out)
    jsonschema.Draft202012Validator(schema.schema(noun)).validate(document)
    return code, document


def merged(desk: Desk, *who: str) -> str:
    """Have the topic approved, merge it into main and return the merge."""
    for each in who:
        desk.approve(each)
    desk.git("checkout", "-q", "main")
    desk.git("merge", "-q", "--no-ff", "-m", "Merge topic", "topic")
    return desk.git("rev-parse", "HEAD")


def distrust(desk: Desk, since: str, *more: str, who: str = "ben") -> None:
    edit(desk, "distrust", who, "--from", since, "--reason", REASON, *more)
    desk.commit("Distrust")


# ------------------------------------------------------------------------------------------ rules and roles


def test_a_rule_is_set_anew_and_removed(desk: Desk):
    words = ("--kind", "labels", "--path", "datasets/gold/**", "--need", "reviewer:2:author", "--need", "lead")
    told = edit(desk, "rule", "set", "gold", *words)
    assert "note: rule 'gold'" not in told
    assert policy(desk).rules[-1] == Rule(
        "gold", ("labels",), (Need("reviewer", 2, ("author",)), Need("lead")), ("datasets/gold/**",)
    )
    edit(desk, "rule", "set", "gold", "--need", "reviewer:3:annotators,author", "--touch")
    assert policy(desk).rules[-1] == Rule(
        "gold", ("labels",), (Need("reviewer", 3, ("author", "annotators"), require_touch=True),), ("datasets/gold/**",)
    )
    told = edit(desk, "rule", "remove", "labels and items")
    assert "no rule is about items, so every change of them is denied" in told
    assert [rule.name for rule in policy(desk).rules] == ["documents", "controls", "gold"]


REFUSED: list[tuple[tuple[str, ...], int, str]] = [
    (("rule", "set", "x", "--kind", "labels"), 2, "the policy has no rule 'x', and a new one needs"),
    (("rule", "set", "labels"), 2, "rules it has: 'labels and items', 'documents', 'controls'"),
    (("rule", "set", "controls", "--emergency", "lead", "--no-emergency"), 2, "say opposite things"),
    (("rule", "set", "x", "--kind", "labels", "--need", "boss"), 2, "labelvc policy role add boss"),
    (("rule", "set", "x", "--kind", "trust", "--need", "lead"), 2, "trust"),
    (("rule", "set", "x", "--kind", "labels", "--need", "lead:0"), 2, "is not ROLE[:COUNT"),
    (("rule", "set", "x", "--kind", "labels", "--need", "lead:1:friends"), 2, "is not ROLE[:COUNT"),
    (("rule", "set", "x", "--kind", "labels", "--need", "lead:1:author:author"), 2, "is not ROLE[:COUNT"),
    (("rule", "set", "controls", "--touch"), 2, "--touch"),
    (("rule", "set", "controls", "--kind", "controls"), 1, "says so already"),
    (("rule", "remove", "x"), 2, "rules it has: 'labels and items', 'documents', 'controls'"),
    (("role", "add", "root"), 2, "cannot be the name of a role"),
    (("role", "add", "A B"), 2, "cannot be the name of a role"),
    (("role", "add", "lead", "--incompatible", "boss"), 2, "boss is no other role"),
    (("role", "add", "lead", "--incompatible", "reviewer"), 1, "which exclude each other"),
    (("role", "add", "lead"), 1, "says so already"),
    (("role", "remove", "lead"), 1, "the rule 'documents' asks for the role lead"),
    (("role", "remove", "boss"), 2, "no role boss"),
    (("distrust", "zoe", "--from", "HEAD", "--reason", "x"), 2, "zoe is and was no principal"),
    (("distrust", "ben", "--from", "nowhere", "--reason", "x"), 2, "nowhere"),
    (("distrust", "ben", "--from", "0" * 40, "--reason", "x"), 2, "0000"),
    (("distrust", "ben", "--from", "HEAD", "--reason", " "), 1, "needs a reason"),
    (("distrust", "ben", "--from", "HEAD", "--reason", "x", "--key", "MD5:1"), 2, "no fingerprint"),
]


def test_what_contradicts_itself_is_refused(desk: Desk):
    for words, code, said in REFUSED:
        assert said in refused(desk, *words, code=code), words


@pytest.mark.parametrize(
    ("glob", "good"),
    [
        ("datasets/gold/**", True), ("datasets/gold*/annotations", True), ("**", True), ("**/annotations", True),
        ("datasets/*/*", True), ("datasets/gold/annotations/*.jsonl", False), ("gold", False), ("datasets/gold/items", False),
    ],
)  # fmt: skip
def test_a_rule_about_records_in_a_place_that_holds_none_is_told(glob: str, good: bool):
    rule = Rule("gold", ("labels",), (Need("reviewer"),), (glob,))
    policy = Policy(1, None, "p", {}, {"reviewer": Role(()), "root": Role(())}, (rule,))
    root = Root(1, "p", {}, ((), 2), ((), 2), Digest(""))
    assert any("nothing lies in" in concern for concern in governing.concerns(policy, root)) is not good


def test_a_role_comes_and_goes(desk: Desk):
    edit(desk, "role", "add", "auditor", "--incompatible", "lead")
    assert "ada holds auditor and lead" in refused(desk, "add", "ada", "--role", "auditor", code=1)
    edit(desk, "add", "ben", "--role", "auditor")
    edit(desk, "role", "remove", "auditor")
    assert set(policy(desk).roles) == {"lead", "reviewer"}


def test_a_new_rule_governs_the_next_step(desk: Desk):
    desk.git("checkout", "-q", "main")
    edit(desk, "rule", "set", "labels and items", "--need", "reviewer:2:author")
    desk.commit("Two reviewers")
    desk.git("checkout", "-q", "topic")
    desk.approve("ben")
    code, (step,) = desk.verify()
    assert (code, step["needs"]) == (1, [{"role": "reviewer", "count": 2, "have": 1, "who_can": ["cleo"]}])


def test_an_old_policy_keeps_its_bytes_and_a_distrust_survives_a_round_trip():
    old = Policy(1, None, "p", {}, {}, ())
    assert b"distrusted" not in statement.encode_policy(old)
    entry = Distrust("ben", "0" * 40, REASON)
    new = replace(old, distrusted=(entry, replace(entry, key="SHA256:" + "A" * 43)))
    assert b'{"from":"' + b"0" * 40 + b'","principal":"ben","reason"' in statement.encode_policy(new)
    assert statement.decode_policy(statement.encode_policy(new)) == new
    for bad in (replace(entry, since="abc"), replace(entry, principal="B B"), replace(entry, reason=" "),
                replace(entry, key="x"), replace(entry, since="F" * 40)):  # fmt: skip
        with pytest.raises(Error):
            statement.decode_policy(statement.encode_policy(replace(old, distrusted=(bad,))))
    with pytest.raises(Error, match="distrusted twice"):
        statement.decode_policy(statement.encode_policy(replace(old, distrusted=(entry, entry))))
    assert articles.with_distrust(new, replace(entry, since="1" * 40)).distrusted[-1].since == "1" * 40
    assert len(articles.with_distrust(new, replace(entry, since="1" * 40)).distrusted) == 2


# ------------------------------------------------------------------------------------------------ distrust


def test_what_came_in_after_the_commit_is_missing_again_with_the_reason(desk: Desk):
    start = desk.git("rev-parse", "main")
    merge = merged(desk, "ben")
    assert desk.verify(merge)[0] == 0
    distrust(desk, start)
    code, (step, last) = desk.verify(f"{start}..HEAD")
    assert (code, step["state"], last["state"]) == (1, "missing", "approved")
    assert step["problems"][0]["message"] == f"ben is distrusted after {start[:12]}: {REASON}"
    assert step["needs"][0]["who_can"] == ["cleo"]
    assert desk.verify(merge)[0] == 0, "the policy at the end of that course knew of nothing"
    _, out, _ = desk.labelvc("policy", "show")
    assert f"distrusted  ben after {start}: {REASON}" in out
    _, document = read(desk, "policy-show", "policy", "show")
    assert document["summary"]["distrusted"] == [{"principal": "ben", "from": start, "reason": REASON}]
    assert "ben is distrusted and still in the policy" in desk.labelvc("policy", "check")[1]


@pytest.mark.parametrize("since", ["the merge itself", "a later commit"])
def test_what_came_in_before_stays_approved(desk: Desk, since: str):
    merge = merged(desk, "ben")
    desk.write("README.md", "hello")
    later = desk.commit("Say hello")
    distrust(desk, merge if since == "the merge itself" else later)
    assert desk.verify("--all")[0] == 0


def test_another_voice_still_carries_the_step(desk: Desk):
    start = desk.git("rev-parse", "main")
    merged(desk, "ben", "cleo")
    distrust(desk, start)
    code, steps = desk.verify(f"{start}..HEAD")
    assert (code, steps[0]["state"]) == (0, "approved")
    assert desk.labelvc("audit", "impact") == (0, "0 changes in 0 steps lost their approval\n", "")


def test_only_one_key_is_distrusted(desk: Desk):
    start = desk.git("rev-parse", "main")
    desk.git("checkout", "-q", "main")
    edit(desk, "add", "ben", "--key", desk.key("ben2") + ".pub")
    desk.commit("Ben's other key")
    desk.git("checkout", "-q", "topic")
    desk.approve("ben2")
    merged(desk)
    other = keys.signer(desk.key("ben"), None, str).key.fingerprint
    distrust(desk, start, "--key", other)
    assert desk.verify(f"{start}..HEAD")[0] == 0
    distrust(desk, start, "--key", keys.signer(desk.key("ben2"), None, str).key.fingerprint)
    code, steps = desk.verify(f"{start}..HEAD")
    assert (code, [step["state"] for step in steps]) == (1, ["approved", "missing", "approved", "approved"])


def test_a_rejection_by_somebody_distrusted_binds_nobody(desk: Desk):
    start = desk.git("rev-parse", "main")
    desk.approve("ben", "main...topic", "reviewer", "--decision", "reject", "--reason", "no")
    merged(desk, "cleo")
    assert desk.verify("HEAD")[0] == 1
    distrust(desk, start)
    assert desk.verify(f"{start}..HEAD")[0] == 0


def test_a_branch_cut_before_the_distrust_does_not_escape_it(desk: Desk):
    desk.approve("ben")
    desk.git("checkout", "-q", "main")
    base = desk.git("rev-parse", "HEAD")
    distrust(desk, base)
    code, (step,) = desk.verify("main...topic")
    assert (code, step["state"]) == (1, "missing")
    assert REASON in step["problems"][0]["message"]
    code, _, err = desk.labelvc("approve", "main...topic", "--role", "reviewer", "--key", desk.key("ben"))
    assert (code, "ben is distrusted" in err) == (1, True)
    assert f"ben cannot: distrusted after {base[:12]}: {REASON}" in desk.labelvc("policy", "explain", "main...topic")[1]
    desk.git("checkout", "-q", "topic")
    desk.approve("cleo")
    assert desk.verify("main...topic")[0] == 0


def test_attack_a_branch_with_an_older_policy_or_one_of_its_own_lifts_no_distrust(desk: Desk):
    desk.approve("ben")
    old = (desk.folder / trust.POLICY).read_bytes()
    desk.git("checkout", "-q", "main")
    distrust(desk, "HEAD")
    for data in (old, trust.sealed_policy(replace(policy(desk), version=9, distrusted=()), _signer(desk, "mallory"))):
        desk.git("checkout", "-q", "-B", "evil", "topic")
        desk.write(trust.POLICY, data)
        desk.git("commit", "-q", "--allow-empty", "-a", "-m", "Lift", who="ben")
        code, (step,) = desk.verify("main...evil")
        assert code == 1
        assert "reviews/rev-1#r1" in step["uncovered"]


def test_attack_a_policy_rolled_back_on_main_lifts_no_distrust(desk: Desk):
    start = desk.git("rev-parse", "main")
    merged(desk, "ben")
    old = (desk.folder / trust.POLICY).read_bytes()
    distrust(desk, start)
    desk.write(trust.POLICY, old)
    desk.commit("Forgive", who="ben")
    code, steps = desk.verify(f"{start}..HEAD")
    assert (code, [step["state"] for step in steps]) == (1, ["missing", "approved", "denied"])


def _signer(desk: Desk, who: str) -> keys.Signer:
    return keys.signer(desk.key(who), None, str)


def test_attack_a_distrust_that_names_a_commit_which_is_not_here_is_undecidable(desk: Desk):
    start = desk.git("rev-parse", "main")
    merged(desk, "ben")
    before = policy(desk)
    digest = dsse.decode((desk.folder / trust.POLICY).read_bytes(), dsse.IN_TOTO).digest
    entry = Distrust("ben", "1" * 40, REASON)
    edited = replace(before, version=before.version + 1, previous=digest, distrusted=(entry,))
    desk.write(trust.POLICY, trust.sealed_policy(edited, _signer(desk, "ada")))
    desk.commit("Distrust from nowhere")
    code, steps = desk.verify(f"{start}..HEAD")
    assert (code, steps[0]["state"]) == (2, "undecidable")
    assert "which is not in this repository: git fetch" in steps[0]["problems"][-1]["message"]
    assert desk.labelvc("audit", "impact")[0] == 2


def test_audit_impact_lists_what_is_to_be_approved_again_until_it_is(desk: Desk):
    start = desk.git("rev-parse", "main")
    desk.relabel("fine", "rev-2")
    merge = merged(desk, "ben")
    distrust(desk, start)
    code, out, _ = desk.labelvc("audit", "impact")
    assert code == 1
    assert out == (
        f"{merge[:10]}  Merge topic\n  lost    reviews/rev-1#r1\n  lost    reviews/rev-2#r1\n"
        f"  why     ben is distrusted after {start[:12]}: {REASON}\n"
        f"  next: labelvc approve {start[:12]}..{merge[:12]} --role reviewer\n2 changes in 1 step lost their approval\n"
    )
    code, document = read(desk, "audit-impact", "audit", "impact")
    assert (code, document["summary"]) == (1, {"steps": 4, "wrong": 1, "lost": 2, "untold": 0})
    assert [(item["key"], item["kind"]) for item in document["items"]] == [
        ("reviews/rev-1#r1", "labels"), ("reviews/rev-2#r1", "labels"),
    ]  # fmt: skip
    _, out, _ = desk.labelvc("audit", "impact", "--format", "jsonl")
    assert [json.loads(line)["commit"] for line in out.splitlines()] == [merge, merge]
    desk.approve("cleo", f"{start[:12]}..{merge[:12]}")
    assert desk.labelvc("audit", "impact")[0] == 0
    assert desk.verify(f"{start}...HEAD")[0] == 0


# ------------------------------------------------------------------------------------------------- explain


def test_explain_of_a_place(desk: Desk):
    code, out, _ = desk.labelvc("policy", "explain", "guidelines/mood.yaml")
    assert (code, out) == (
        0,
        (
            "policy      version 3\n"
            "guidelines  guidelines/mood.yaml\n"
            "  rule 'documents' asks 1 lead (no author of the change)\n"
            "    ada can\n"
        ),
    )
    for words in ("reviews/rev-1#r1", "datasets/reviews/annotations/00.jsonl"):
        code, out, _ = desk.labelvc("policy", "explain", words)
        assert "labels      datasets/reviews/annotations\n  rule 'labels and items' asks 1 reviewer" in out
        assert "ada, ben, cleo can" in out
    code, out, _ = desk.labelvc("policy", "explain", "README.md")
    assert (code, "no policy protects it: nobody is asked" in out) == (0, True)
    code, out, _ = desk.labelvc("policy", "explain", "trust/policy.json")
    assert (code, "it answers to the root keys alone" in out) == (0, True)


def test_explain_of_a_place_without_a_rule_names_the_command_that_adds_one(desk: Desk):
    code, out, _ = desk.labelvc("policy", "explain", "guidelines/notes.txt")
    assert code == 1
    assert "denied: no rule is about it" in out
    assert "next: labelvc policy rule set NAME --kind unknown --path 'guidelines/notes.txt' --need ROLE" in out
    edit(desk, "rule", "set", "notes", "--kind", "unknown", "--path", "guidelines/notes.txt", "--need", "lead")
    assert desk.labelvc("policy", "explain", "guidelines/notes.txt")[0] == 0
    code, document = read(desk, "policy-explain", "policy", "explain", "datasets/x/stray")
    assert (code, document["items"][0]["denied"]) == (1, True)


def test_explain_of_a_record_bars_who_made_it(
    tmp_path: Path, people_keys: Path, labelvc: Callable[..., tuple[int, str, str]]
):
    project = Desk(tmp_path / "project", people_keys, labelvc)
    assert labelvc(tmp_path, "init", "project", "--key", project.key("ada"))[0] == 0
    (tmp_path / "rows.csv").write_text("item,text,annotator,topic\nm1,hello,anna,delivery\n")
    code, out, err = project.labelvc("import", "csv", "../rows.csv", "--dataset", "texts", "--value", "topic")
    assert code == 0, out + err
    (shard,) = project.folder.glob("datasets/texts/annotations/*.jsonl")
    row = json.loads(shard.read_text())
    edit(project, "add", "ben", "--name", "Ben", "--role", "reviewer", "--pseudonym", row["by"])
    edit(project, "add", "ben", "--key", f"{project.key('ben')}.pub")
    project.commit("Start")
    code, out, _ = project.labelvc("policy", "explain", f"texts/m1#{row['id']}")
    assert (code, "ada-author can\n    ben cannot: made the record as it is at HEAD\n" in out) == (0, True), out
    assert "ada-author, ben can" in project.labelvc("policy", "explain", "texts/m2#a1")[1]


def test_explain_of_a_range_tells_who_can_who_cannot_and_who_did(desk: Desk):
    desk.relabel("fine", "rev-2", by="prs_ben")
    code, out, _ = desk.labelvc("policy", "explain", "main...topic")
    assert (code, out) == (
        0,
        (
            "policy      version 3; main...topic is missing\n"
            "labels      datasets/reviews/annotations (2 changes)\n"
            "  rule 'labels and items' asks 1 reviewer (no author of the change and nobody who made a touched record)\n"
            "    0 of 1 reviewer; cleo can\n"
            "    ada cannot: an author of the change\n"
            "    ben cannot: made a touched record\n"
            "    next: labelvc approve main...topic --role reviewer\n"
        ),
    )
    desk.approve("cleo")
    code, out, _ = desk.labelvc("policy", "explain", "main...topic")
    assert "1 of 1 reviewer; nothing is missing\n" in out
    assert "said        cleo said approve as reviewer\n" in out
    code, document = read(desk, "policy-explain", "policy", "explain", "main..topic")
    need = document["items"][0]["rules"][0]["needs"][0]
    assert (code, need["have"], need["missing"]) == (0, 1, 0)
    assert [each["principal"] for each in need["barred"]] == ["ada", "ben"]
    assert document["summary"]["approvals"][0]["principal"] == "cleo"


def test_a_rule_says_who_may_act_in_an_emergency_and_whose_records_are_whose(desk: Desk):
    edit(desk, "rule", "set", "labels and items", "--emergency", "reviewer:2:annotators", "--own-records")
    rule = policy(desk).rules[0]
    assert (rule.emergency, rule.own_records) == (Need("reviewer", 2, ("annotators",)), True)
    shown = desk.labelvc("policy", "show")[1]
    assert (
        "; in an emergency 2 reviewer (nobody who made a touched record) first; others only their own records" in shown
    )
    assert "rule        'labels and items': labels, items: " in shown
    edit(desk, "rule", "set", "labels and items", "--any-records")
    assert policy(desk).rules[0] == replace(rule, own_records=False)
    edit(desk, "rule", "set", "labels and items", "--no-emergency")
    assert policy(desk).rules[0] == replace(rule, own_records=False, emergency=None)
    assert "the policy has no role boss" in refused(desk, "rule", "set", "labels and items", "--emergency", "boss")
