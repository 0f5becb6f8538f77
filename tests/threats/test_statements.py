"""The threat model, row by row: who attacks, and that the attack is seen."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from labelvc.codec import canonical, dsse, rootfile, sshsig, statement
from labelvc.core import changeset
from labelvc.errors import Error, RefusedError, TrustError
from labelvc.model.approval import NAMESPACE, Approval, Envelope, Signature
from labelvc.model.change import Delta
from labelvc.model.names import Digest, Key
from labelvc.model.policy import Need, Role, Root, RootKey, Trust
from labelvc.ops import approvals, approve, ceremony, makers, sealing, trust
from labelvc.ops import policy as governing
from labelvc.store import git as plumbing
from labelvc.store import keys, tree
from labelvc.store.keys import Signer
from tests import authenticator
from tests import people as persons
from tests.authenticator import DUMMY, Authenticator
from tests.people import Desk, record
from tests.trusting import desk, desk_template, people_keys

__all__ = ["desk", "desk_template", "people_keys"]
NOW = "2030-01-01T00:00:00Z"


def nobody_asks(words: str) -> str:
    raise AssertionError(words)


def signer(desk: Desk, who: str) -> Signer:
    return keys.signer(desk.key(who), None, nobody_asks)


def in_force(desk: Desk, rev: str = "HEAD") -> Trust:
    git = plumbing.find(desk.folder)
    with tree.reader(git) as reader:
        return trust.load(reader, tree.commit(git, rev))


def approval_of(path: Path) -> Approval:
    return statement.decode_approval(dsse.decode(path.read_bytes(), dsse.IN_TOTO).payload)


def put(
    desk: Desk, approval: Approval, who: str, namespace: str = NAMESPACE, payload: bytes = b"", commit: bool = True
) -> Path:
    """Sign an approval as anybody could with their own program, and commit it under the name it should have."""
    payload = payload or statement.encode_approval(approval)
    by = signer(desk, who)
    made = by.sign(dsse.pae(dsse.IN_TOTO, payload), namespace)
    envelope = Envelope(dsse.IN_TOTO, payload, (Signature(by.key.fingerprint, made),))
    path = approvals.path_of(approval.root, approval.signer.principal, envelope.digest)
    desk.write(path, dsse.encode(envelope))
    if commit:
        desk.commit("Slip in an approval", who="cleo")
    return desk.folder / path


def first(desk: Desk, *words: str) -> tuple[int, dict]:
    code, steps = desk.verify(*words)
    return code, steps[0]


def test_threat_01_a_label_edited_after_approval_is_named(desk: Desk):
    desk.approve("ben")
    assert desk.verify()[0] == 0
    desk.relabel("awful", "rev-4")
    code, step = first(desk)
    assert (code, step["uncovered"]) == (1, ["reviews/rev-4#r1"])


def test_threat_01_any_changed_byte_of_an_approved_record_is_seen():
    line = canonical.encode_record(record("rev-1", "good", 2))
    key = Key("reviews", "rev-1", "r1")
    good = changeset.gather([Delta(key, None, line)]).changeset
    for at in range(len(line)):
        changed = line[:at] + bytes([line[at] ^ 1]) + line[at + 1 :]
        bad = changeset.gather([Delta(key, None, changed)]).changeset
        assert good.root != bad.root
        assert set(good.moves).isdisjoint(bad.moves)


def test_threat_01_a_forged_list_beside_a_good_approval_covers_nothing(desk: Desk):
    """The list in the folder is replaced by one that holds the new moves too; its root gives it away."""
    listing = desk.approve("ben").with_name("changeset.jsonl")
    desk.relabel("awful", "rev-4")
    listing.write_bytes(changeset_bytes(desk))
    desk.commit("Extend the list")
    code, step = first(desk)
    assert (code, step["covered"], step["total"]) == (1, 0, 2)
    listing.write_bytes(listing.read_bytes().splitlines(keepends=True)[0])
    desk.commit("The very list that was signed")
    code, step = first(desk)
    assert (code, step["covered"], step["uncovered"]) == (1, 1, ["reviews/rev-4#r1"])


@pytest.mark.parametrize("at", [2, 6, 30, 100, 150, -3, -1])
def test_threat_01_a_list_with_one_flipped_byte_carries_nothing_over(desk: Desk, at: int):
    listing = desk.approve("ben").with_name("changeset.jsonl")
    desk.relabel("awful", "rev-4")
    assert first(desk)[1]["covered"] == 1
    data = bytearray(listing.read_bytes())
    data[at] ^= 1
    listing.write_bytes(data)
    desk.commit("Flip")
    code, step = first(desk)
    assert (code, step["covered"]) == (1, 0)


def test_threat_02_the_same_person_with_a_second_key_is_one_person(desk: Desk):
    """Ben owns two keys and is asked for twice."""
    need_two(desk)
    desk.git("checkout", "-q", "topic")
    desk.git("rebase", "-q", "main")
    desk.approve("ben")
    desk.approve("ben2")
    code, step = first(desk)
    assert (code, step["needs"]) == (1, [{"role": "reviewer", "count": 2, "have": 1, "who_can": ["cleo"]}])
    desk.approve("cleo")
    assert desk.verify()[0] == 0


def need_two(desk: Desk) -> None:
    """Ask for two reviewers, and give Ben a second key."""
    desk.git("checkout", "-q", "main")
    before = in_force(desk)
    policy = governing.added(
        before.policy, governing.Person("ben", keys=(str(keys.public_key(Path(desk.key("ben2") + ".pub"))),))
    )
    rule = policy.rules[0]
    rules = (replace(rule, needs=(replace(rule.needs[0], count=2),)), *policy.rules[1:])
    desk.write(trust.POLICY, governing.signed(before, replace(policy, rules=rules), signer(desk, "ada")))
    desk.commit("Two reviewers")
    assert desk.verify("HEAD")[0] == 0


def test_threat_02_two_hats_of_one_person_count_once(desk: Desk):
    desk.git("checkout", "-q", "main")
    before = in_force(desk)
    roles = {**before.policy.roles, "lead": Role(("ada", "ben"))}
    rule = before.policy.rules[0]
    rules = (replace(rule, needs=(*rule.needs, Need("lead", 1, ("author",)))), *before.policy.rules[1:])
    desk.write(
        trust.POLICY, governing.signed(before, replace(before.policy, roles=roles, rules=rules), signer(desk, "ada"))
    )
    desk.commit("A reviewer and a lead")
    desk.git("checkout", "-q", "topic")
    desk.git("rebase", "-q", "main")
    desk.approve("ben", "main...topic", "reviewer")
    desk.approve("ben", "main...topic", "lead")
    code, step = first(desk)
    assert code == 1
    assert sum(need["have"] for need in step["needs"]) == 1
    desk.approve("cleo", "main...topic", "reviewer")
    assert desk.verify()[0] == 0


def test_threat_02_an_author_who_signs_with_another_program_does_not_count(desk: Desk):
    ours = approval_of(desk.approve("ben"))
    shutil.rmtree(desk.folder / "approvals" / ours.root.removeprefix("sha256:"))
    desk.write(f"{approvals.folder_of(ours.root)}/changeset.jsonl", changeset_bytes(desk))
    own = replace(ours, signer=type(ours.signer)("ada", "Ada Author"), authors=("cleo",))
    put(desk, own, "ada")
    code, step = first(desk)
    assert (code, step["approvals"][0]["principal"], step["needs"][0]["have"]) == (1, "ada", 0)


def test_threat_02_whom_a_statement_names_as_an_author_does_not_count_after_a_squash(desk: Desk):
    """Cleo made a part of it and Ada squashed it under her own name: only what Ben signed remembers Cleo."""
    desk.relabel("fine", "rev-2", who="cleo")
    desk.approve("ben")
    code, (step,) = desk.verify()
    assert (code, step["needs"][0]["who_can"]) == (0, [])
    need_two(desk)
    desk.git("merge", "-q", "--squash", "topic")
    desk.commit("Squash")
    code, step = first(desk, "HEAD")
    assert (code, step["needs"]) == (1, [{"role": "reviewer", "count": 2, "have": 1, "who_can": []}])
    code, _, err = desk.labelvc("approve", "HEAD~1..HEAD", "--role", "reviewer", "--key", desk.key("cleo"))
    assert (code, "cleo is an author of this change" in err) == (1, True), err
    ours = approval_of(next(desk.folder.glob("approvals/*/ben.*.json")))
    put(desk, replace(ours, signer=type(ours.signer)("cleo", "Cleo Checker"), authors=("ada",), supersedes=()), "cleo")
    code, step = first(desk, "HEAD~2...HEAD")
    assert (code, step["needs"][0]["have"]) == (1, 1)


def changeset_bytes(desk: Desk) -> bytes:
    change = approve.examine(plumbing.find(desk.folder), "main...topic")
    return b"".join(line + b"\n" for line in change.found.lines)


def test_threat_02_an_annotator_behind_an_alias_pseudonym_does_not_count(desk: Desk):
    desk.relabel("fine", "rev-2", by="prs_ben")
    ours = approval_of(desk.approve("cleo"))
    put(desk, replace(ours, signer=type(ours.signer)("ben", "Ben Builder"), supersedes=()), "ben")
    for path in desk.folder.glob("approvals/*/cleo.*"):
        path.unlink()
    desk.commit("Drop Cleo's", who="ben")
    code, step = first(desk)
    assert (code, step["needs"][0]["have"]) == (1, 0)


def test_threat_02_an_annotator_who_is_renamed_away_does_not_count(desk: Desk):
    """Ada brings Ben's record under another key and another pseudonym: the old one is touched, and it is his."""
    desk.git("checkout", "-q", "main")
    desk.relabel("meh", "rev-2", by="prs_ben")
    desk.git("checkout", "-q", "-b", "renamed")
    records = desk.records()
    records["rev-9"] = {**records.pop("rev-2"), "item": "rev-9", "by": "prs_anna", "rev": 1}
    desk.save(records)
    desk.commit("Rename")
    code, _, err = desk.labelvc("approve", "main...renamed", "--role", "reviewer", "--key", desk.key("ben"))
    assert (code, "ben made a record this change touches" in err) == (1, True), err
    ours = approval_of(desk.approve("cleo", "main...renamed"))
    assert desk.verify("main...renamed")[0] == 0
    put(desk, replace(ours, signer=type(ours.signer)("ben", "Ben Builder"), supersedes=()), "ben")
    for path in desk.folder.glob("approvals/*/cleo.*"):
        path.unlink()
    desk.commit("Drop Cleo's", who="ben")
    code, step = first(desk, "main...renamed")
    assert (code, step["state"], step["needs"][0]["have"]) == (1, "missing", 0)


def test_threat_03_one_person_saying_yes_twice_is_one_vote(desk: Desk):
    need_two(desk)
    desk.git("checkout", "-q", "topic")
    desk.git("rebase", "-q", "main")
    said = approval_of(desk.approve("ben"))
    put(desk, replace(said, nonce="0" * 32), "ben")
    put(desk, replace(said, nonce="1" * 32), "ben2")
    code, step = first(desk)
    assert (code, step["needs"][0]["have"], len(step["approvals"])) == (1, 1, 3)


def test_threat_03_a_copied_file_and_a_doubled_signature_count_for_nothing(desk: Desk):
    path = desk.approve("ben")
    envelope = dsse.decode(path.read_bytes(), dsse.IN_TOTO)
    path.with_name("ben.000000000000.json").write_bytes(path.read_bytes())
    desk.commit("Copy", who="ben")
    code, step = first(desk)
    assert (code, len(step["approvals"]), len(step["problems"])) == (0, 1, 1)
    with pytest.raises(Error, match="the same key"):
        dsse.decode(dsse.encode(envelope._replace(signatures=envelope.signatures * 2)), dsse.IN_TOTO)
    twice = (*envelope.signatures, Signature("SHA256:other", envelope.signatures[0].sig))
    with pytest.raises(TrustError, match="one signature, and behind it"):
        approvals.opened(dsse.encode(envelope._replace(signatures=twice)), in_force(desk))


def test_threat_04_one_key_of_two_principals_is_refused(desk: Desk):
    more = ["--name", "Dora", "--role", "reviewer", "--email", "dora@example.com", "--sign-with", desk.key("ada")]
    code, _, err = desk.labelvc("policy", "add", "dora", "--key", desk.key("ben") + ".pub", *more)
    assert code == 1
    assert "one key belongs to ben and dora" in err
    before = in_force(desk)
    policy = before.policy
    both = {**policy.principals, "cleo": replace(policy.principals["cleo"], keys=policy.principals["ben"].keys)}
    roles = {name: role for name, role in policy.roles.items() if name != "root"}
    bad = replace(policy, version=4, previous=before.digest, principals=both, roles=roles)
    desk.git("checkout", "-q", "main")
    desk.write(trust.POLICY, trust.sealed_policy(bad, signer(desk, "ada")))
    desk.commit("Share a key")
    code, step = first(desk, "HEAD")
    assert (code, step["state"]) == (1, "denied")
    assert "one key belongs to" in step["problems"][0]["message"]
    with pytest.raises(TrustError, match="one key belongs to"):
        in_force(desk)


def test_threat_05_a_branch_that_adds_its_own_key_is_judged_by_the_policy_before_it(desk: Desk):
    before = in_force(desk)
    line = str(keys.public_key(Path(desk.key("mallory") + ".pub")))
    policy = governing.added(
        before.policy, governing.Person("mallory", "Mallory", None, (line,), (), (), ("reviewer",))
    )
    roles = {name: role for name, role in policy.roles.items() if name != "root"}
    forged = replace(policy, version=4, previous=before.digest, roles=roles)
    desk.write(trust.POLICY, trust.sealed_policy(forged, signer(desk, "mallory")))
    desk.commit("Help review")
    change = approve.examine(plumbing.find(desk.folder), "main...topic")
    desk.write(f"{approvals.folder_of(change.found.changeset.root)}/changeset.jsonl", changeset_bytes(desk))
    desk.commit("List", who="cleo")
    wish = approve.Wish("reviewer", principal="mallory")
    with pytest.raises(TrustError, match="belongs to no principal"):
        approve.draft(change, wish, signer(desk, "mallory").key, when(), "0" * 32)
    code, step = first(desk)
    assert (code, step["covered"]) == (1, 0)
    assert set(step["uncovered"]) == {"reviews/rev-1#r1", "trust/policy.json"}


def when() -> datetime:
    return datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "path",
    [".pre-commit-config.yaml", ".github/workflows/labels.yml", "hooks/pre-receive", ".gitattributes", "datasets/.GitAttributes",
     ".dvc/config", "schemas/record.v1.json", ".gitlab-ci.yml", "modules.lock"],
)  # fmt: skip
def test_threat_06_hooks_ci_and_schemas_answer_to_the_root(desk: Desk, path: str):
    desk.git("checkout", "-q", "main")
    desk.git("checkout", "-q", "-b", "weaken")
    desk.write(path, "repos: []\n")
    desk.commit("Tidy", who="ben")
    desk.approve("cleo", "main...weaken")
    code, step = first(desk, "main...weaken")
    assert (code, step["uncovered"]) == (1, [path])
    assert step["needs"] == [{"role": "root", "count": 1, "have": 0, "who_can": ["ada"]}]


def test_threat_07_a_commit_that_ran_no_hook_is_found_by_the_walk(desk: Desk):
    desk.git("checkout", "-q", "main")
    desk.relabel("awful", "rev-3", who="ben")
    desk.write("README.md", "nothing to see")
    desk.commit("Docs", who="ben")
    assert desk.verify("HEAD")[0] == 0
    code, steps = desk.verify("HEAD~2..HEAD")
    assert (code, [step["state"] for step in steps]) == (1, ["missing", "approved"])


def test_threat_08_an_old_approval_does_not_cover_the_same_labels_again(desk: Desk):
    """A -> B approved, B -> A approved, then B again: `rev` has grown, so the moves are others."""
    desk.approve("ben")
    assert desk.verify()[0] == 0
    desk.git("checkout", "-q", "main")
    desk.git("merge", "-q", "--ff-only", "topic")
    back = desk.git("rev-parse", "HEAD")
    desk.relabel("bad")
    desk.approve("ben", f"{back}..HEAD")
    assert desk.verify(f"{back}...HEAD")[0] == 0
    again = desk.git("rev-parse", "HEAD")
    desk.relabel("good")
    assert desk.verify(f"{again}...HEAD")[0] == 1
    records = desk.records()
    records["rev-1"]["rev"] = 2
    desk.save(records)
    desk.commit("The very bytes of B")
    code, step = first(desk, f"{again}...HEAD")
    assert (code, step["covered"]) == (1, 0)


@pytest.mark.parametrize("way", ["deleted and added again", "taken back with its old rev", "changed under its old rev"])
def test_threat_08_what_was_approved_once_does_not_come_back_by_itself(desk: Desk, way: str):
    """Two ways round a `rev` that grows: one that begins anew, and one that goes back or stays, so that what followed it fits again."""
    desk.git("checkout", "-q", "main")
    first = desk.git("rev-parse", "HEAD")
    before = desk.records()
    desk.relabel("good", "rev-9" if way == "deleted and added again" else "rev-1")
    yes = desk.approve("ben", f"{first}..HEAD")
    signed = yes.read_bytes()
    assert desk.verify(f"{first}...HEAD")[0] == 0
    after, start = desk.records(), desk.git("rev-parse", "HEAD")
    desk.save(
        before
        if way != "changed under its old rev"
        else {**before, "rev-1": {**after["rev-1"], "value": {"text": "bad"}}}
    )
    desk.commit("Back", who="ben")
    code, _, err = desk.labelvc("approve", f"{start}..HEAD", "--role", "reviewer", "--key", desk.key("cleo"))
    assert code == 0, err
    assert ("denied      reviews/rev-1#r1: its rev does not grow" in err) is (way != "deleted and added again")
    desk.commit("Cleo agrees", who="cleo")
    code, (step,) = desk.verify(f"{start}...HEAD")
    if way == "deleted and added again":
        assert (code, step["state"]) == (0, "approved"), "`check` finds that there is no tombstone"
        desk.save(after)
        desk.commit("And again")
        code, (step,) = desk.verify("HEAD")
        assert (code, step["state"], step["uncovered"]) == (1, "missing", ["reviews/rev-9#r1"])
        desk.git("reset", "-q", "--hard", "HEAD~1")
        yes.unlink()
        desk.commit("Forget that Ben said yes")
        yes.write_bytes(signed)
        desk.save(after)
        desk.commit("And again, as if he said it now")
        assert desk.verify("HEAD")[1][0]["state"] == "missing"
        desk.approve("cleo", "HEAD~1..HEAD")
        assert desk.verify("HEAD~2...HEAD")[0] == 0
    else:
        assert (code, step["state"], step["uncovered"]) == (1, "denied", ["reviews/rev-1#r1"])
        assert "an old approval of what came after it would fit again" in step["problems"][0]["message"]


def test_threat_08_a_document_s_old_approval_is_not_used_twice(desk: Desk):
    desk.git("checkout", "-q", "-b", "doc", "main")
    old = (desk.folder / "guidelines/mood.yaml").read_bytes()
    desk.write("guidelines/mood.yaml", "name: mood\nversion: 2.0.0\n")
    desk.commit("Version 2", who="ben")
    desk.approve("ada", "main...doc", "lead")
    assert desk.verify("main...doc")[0] == 0
    middle = desk.git("rev-parse", "HEAD")
    desk.write("guidelines/mood.yaml", old)
    back = desk.commit("Back", who="ben")
    desk.approve("ada", f"{middle}..{back}", "lead")
    assert desk.verify(f"{middle}...HEAD")[0] == 0
    start = desk.git("rev-parse", "HEAD")
    desk.write("guidelines/mood.yaml", "name: mood\nversion: 2.0.0\n")
    again = desk.commit("Version 2 again", who="ben")
    code, step = first(desk, f"{start}...HEAD")
    assert (code, step["covered"]) == (1, 0)
    desk.git("reset", "-q", "--hard", start)
    for path in desk.folder.glob("approvals/*/ada.*"):
        path.unlink()
    gone = desk.commit("Forget", who="ben")
    assert desk.verify("HEAD")[0] == 1
    desk.git("checkout", "-q", again, "--", "approvals", "guidelines")
    desk.commit("Say it as if anew", who="ben")
    for words in (f"{gone}...HEAD", f"{start}..HEAD", "main..HEAD", "HEAD"):
        code, steps = desk.verify(words)
        assert (code, steps[-1]["covered"]) == (1, 0), words
    desk.approve("ada", f"{gone}..HEAD", "lead")
    assert desk.verify(f"{gone}...HEAD")[0] == 0


def test_threat_09_an_approval_of_another_repository_counts_for_nothing(desk: Desk):
    path = desk.approve("ben")
    said = approval_of(path)
    path.unlink()
    put(desk, replace(said, scope=replace(said.scope, repository="00000000-0000-4000-8000-000000000000")), "ben")
    code, step = first(desk)
    assert code == 1
    assert "another repository" in step["problems"][0]["message"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"root": Digest("sha256:" + "0" * 64)}, "another change-set"),
        ({"role": "lead"}, "does not grant ben the role lead"),
        ({"role": "root"}, "does not grant ben the role root"),
        ({"printed_name": "Ben the Great"}, "printed name"),
        ({"principal": "cleo", "printed_name": "Cleo Checker"}, "does not belong to cleo"),
        ({"principal": "zoe"}, "zoe is no principal"),
    ],
)
def test_threat_09_29_a_statement_in_the_wrong_place_or_of_the_wrong_person_counts_for_nothing(
    desk: Desk, change: dict, words: str
):
    """Signed well by Ben's key, filed under the right name in the folder of the change-set."""
    path = desk.approve("ben")
    said = approval_of(path)
    path.unlink()
    who = replace(
        said.signer, **{name: value for name, value in change.items() if name in ("principal", "printed_name")}
    )
    said = replace(said, signer=who, **{name: value for name, value in change.items() if name in ("root", "role")})
    envelope = trust.seal(dsse.IN_TOTO, statement.encode_approval(said), signer(desk, "ben"), NAMESPACE)
    (path.parent / Path(approvals.path_of(said.root, who.principal, envelope.digest)).name).write_bytes(
        dsse.encode(envelope)
    )
    desk.commit("Misplace", who="cleo")
    code, step = first(desk)
    assert (code, step["approvals"]) == (1, [])
    assert words in step["problems"][0]["message"]


def rewritten(payload: bytes) -> dict[str, bytes]:
    """Return payloads that mean `approve` to some reader and `reject` to another."""
    text = payload.decode()
    return {
        "twice": text.replace('"decision":"reject"', '"decision":"reject","decision":"approve"').encode(),
        "case": text.replace('"decision":"reject"', '"Decision":"reject","decision":"approve"').encode(),
        "escape": text.replace('"decision":"reject"', '"\\u0064ecision":"approve"').encode(),
        "value": text.replace('"decision":"reject"', '"decision":"\\u0061pprove"').encode(),
        "space": text.replace('"decision":"reject"', '"decision": "approve"').encode(),
        "order": canonical.encode(dict(reversed(json.loads(text.replace("reject", "approve")).items())))
        .replace(b'{"_type":"https://in-toto.io/Statement/v1",', b"{")
        .replace(b'"subject":', b'"_type":"https://in-toto.io/Statement/v1","subject":'),
        "float": text.replace('"changed":1', '"changed":1.0').replace("reject", "approve").encode(),
        "more": text.replace('"decision":"reject"', '"decision":"approve","decisive":true').encode(),
        "list": text.replace('"decision":"reject"', '"decision":["approve"]').encode(),
        "upper": text.replace('"decision":"reject"', '"decision":"Approve"').encode(),
    }


def test_threat_10_a_decision_that_two_readers_see_differently_counts_for_nothing(desk: Desk):
    path = desk.approve("ben", "main...topic", "reviewer", "--decision", "reject", "--reason", "no")
    said = approval_of(path)
    path.unlink()
    payloads = rewritten(statement.encode_approval(said))
    none_counts(desk, said, payloads.values())


def none_counts(desk: Desk, said: Approval, payloads: Iterable[bytes]) -> None:
    """Sign payloads well, file each under its right name, and see each refused."""
    paths = [put(desk, said, "ben", payload=payload, commit=False) for payload in payloads]
    desk.commit("Slip in many", who="cleo")
    assert len(set(paths)) == len(paths) > 1
    code, step = first(desk)
    assert (code, step["approvals"], step["covered"]) == (1, [], 0)
    assert {problem["path"] for problem in step["problems"]} >= {
        path.relative_to(desk.folder).as_posix() for path in paths
    }


@pytest.mark.parametrize(
    "namespace", ["git", "file", "trust@labelvc.v1", "release@labelvc.v1", "approval@labelvc.v10", ""]
)
def test_threat_11_a_signature_for_another_purpose_counts_for_nothing(desk: Desk, namespace: str):
    path = desk.approve("ben")
    said = approval_of(path)
    path.unlink()
    put(desk, said, "ben", namespace)
    code, step = first(desk)
    assert (code, step["approvals"]) == (1, [])
    assert "the signature was made for" in step["problems"][-1]["message"] + step["problems"][0]["message"]


def test_threat_11_a_statement_of_another_type_counts_for_nothing(desk: Desk):
    path = desk.approve("ben")
    said = approval_of(path)
    path.unlink()
    good = statement.encode_approval(said).decode()
    pairs = [
        ("urn:labelvc:approval:1", "urn:labelvc:approval:2"),
        ("urn:labelvc:approval:1", "urn:labelvc:policy:1"),
        ("https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1"),
        ('"_type"', '"type"'),
        ('"predicateType"', '"predicate_type"'),
        ("labelvc:changeset", "labelvc:state"),
        ('"binding":"delta"', '"binding":"state"'),
    ]
    none_counts(desk, said, [good.replace(old, new).encode() for old, new in pairs])


def test_threat_11_an_envelope_of_another_type_counts_for_nothing(desk: Desk):
    path = desk.approve("ben")
    payload = dsse.decode(path.read_bytes(), dsse.IN_TOTO).payload
    for kind in (dsse.TUF, "application/vnd.in-toto.approval+json", "application/json"):
        data = dsse.encode(trust.seal(kind, payload, signer(desk, "ben"), NAMESPACE))
        with pytest.raises(Error, match="payload type"):
            approvals.opened(data, in_force(desk))


def digests(root: str) -> dict[str, str]:
    return {
        "sha1 beside": f'{{"sha1":"{"0" * 40}","sha256":"{root}"}}',
        "md5 alone": f'{{"md5":"{"0" * 32}"}}',
        "upper case": f'{{"sha256":"{root.upper()}"}}',
        "prefixed": f'{{"sha256":"sha256:{root}"}}',
        "short": f'{{"sha256":"{root[:62]}"}}',
        "list": f'{{"sha256":["{root}"]}}',
        "git": f'{{"gitTree":"{"0" * 40}","sha256":"{root}"}}',
    }


def test_threat_12_only_one_sha256_is_a_digest(desk: Desk):
    path = desk.approve("ben")
    said = approval_of(path)
    path.unlink()
    root = said.root.removeprefix("sha256:")
    good = statement.encode_approval(said).decode()
    payloads = [good.replace(f'{{"sha256":"{root}"}}', other) for other in digests(root).values()]
    assert good not in payloads
    for payload in payloads:  # the subject is looked at, before it is compared with the one spelling of all
        with pytest.raises(Error, match="the subject"):
            statement.decode_approval(payload.encode())
    none_counts(desk, said, [payload.encode() for payload in payloads])


def test_threat_12_two_subjects_are_refused(desk: Desk):
    said = approval_of(desk.approve("ben"))
    value = json.loads(statement.encode_approval(said))
    value["subject"] *= 2
    with pytest.raises(Error, match="exactly one subject"):
        statement.decode_approval(canonical.encode(value))


def test_threat_13_a_dropped_approval_fails(desk: Desk):
    path = desk.approve("ben")
    assert desk.verify()[0] == 0
    path.unlink()
    desk.commit("Lose it", who="cleo")
    code, step = first(desk)
    assert (code, step["state"], step["needs"][0]["have"]) == (1, "missing", 0)


def test_threat_13_without_its_change_set_file_an_approval_still_binds_the_whole(desk: Desk):
    """The root is recomputed from the records; the file only serves to carry parts over."""
    path = desk.approve("ben")
    path.with_name("changeset.jsonl").unlink()
    desk.commit("Lose the list", who="cleo")
    assert desk.verify()[0] == 0
    desk.relabel("dull", "rev-5")
    code, step = first(desk)
    assert (code, step["state"], step["covered"]) == (1, "missing", 0)


def test_threat_14_an_approval_taken_away_later_is_told(desk: Desk):
    path = desk.approve("ben", "main...topic", "reviewer", "--decision", "reject", "--reason", "no")
    at = desk.git("rev-parse", "HEAD")
    path.unlink()
    desk.commit("Forget the no", who="cleo")
    _, step = first(desk, f"{at}..HEAD")
    assert [problem["path"] for problem in step["problems"]] == [path.relative_to(desk.folder).as_posix()]


def test_threat_15_an_older_policy_is_a_rollback(desk: Desk):
    desk.git("checkout", "-q", "main")
    old = (desk.folder / trust.POLICY).read_bytes()
    assert desk.labelvc("policy", "remove", "ben", "--sign-with", desk.key("ada"))[0] == 0
    desk.commit("Ben leaves")
    assert desk.verify("HEAD")[0] == 0
    desk.write(trust.POLICY, old)
    desk.commit("Ben is back", who="ben")
    code, step = first(desk, "HEAD")
    assert (code, step["uncovered"]) == (1, ["trust/policy.json"])
    assert "does not follow" in step["problems"][0]["message"]


def test_threat_15_a_policy_of_a_branch_that_was_given_up_is_a_rollback(desk: Desk):
    """Three versions were signed on a branch that nobody wanted; Ben, who left, brings the last of them by its higher number."""
    ada = ("--sign-with", desk.key("ada"))
    for branch in ("side", "main"):
        desk.git("checkout", "-q", *(("-b", "side", "main") if branch == "side" else ("main",)))
        words = (
            [("add", name, "--name", name) for name in ("dora", "eve", "finn")]
            if branch == "side"
            else [("remove", "ben")]
        )
        for each in words:
            assert desk.labelvc("policy", *each, *ada)[0] == 0
            desk.commit(f"{branch}: {each[1]}")
    assert desk.verify("HEAD")[0] == 0
    desk.git("checkout", "-q", "-b", "squashed", "side~3")
    desk.git("merge", "-q", "--squash", "side")
    desk.commit("Three versions in one step")
    code, step = first(desk, "HEAD")
    assert (code, step["state"]) == (0, "approved"), "where they go on from, they count"
    desk.git("checkout", "-q", "main")
    desk.git("checkout", "-q", "side", "--", trust.POLICY)
    desk.commit("Ben is back", who="ben")
    code, step = first(desk, "HEAD")
    assert (code, step["uncovered"]) == (1, [trust.POLICY])
    assert "policy version 6 does not follow version 4" in step["problems"][0]["message"]


def test_threat_15_a_policy_that_vanishes_does_not_end_the_rule(desk: Desk):
    desk.git("checkout", "-q", "main")
    desk.git("rm", "-q", "-r", "trust")
    desk.commit("Simplify", who="ben")
    assert first(desk, "HEAD")[0] == 1
    desk.relabel("awful", "rev-2", who="ben")
    code, step = first(desk, "HEAD")
    assert (code, step["state"]) == (2, "undecidable")


def test_threat_17_a_former_key_gains_nothing_by_an_old_date(desk: Desk):
    """Whoever holds Ben's key after he left signs with a claimed time, and commits with a date, of when he was there."""
    said = approval_of(desk.approve("ben"))
    desk.git("checkout", "-q", "main")
    assert desk.labelvc("policy", "remove", "ben", "--sign-with", desk.key("ada"))[0] == 0
    desk.commit("Ben leaves", GIT_COMMITTER_DATE="2026-06-01T00:00:00Z", GIT_AUTHOR_DATE="2026-06-01T00:00:00Z")
    desk.git("checkout", "-q", "-b", "late")
    desk.relabel("sly", "rev-6")
    change = approve.examine(plumbing.find(desk.folder), "main...late")
    root = change.found.changeset.root
    desk.write(f"{approvals.folder_of(root)}/changeset.jsonl", b"".join(line + b"\n" for line in change.found.lines))
    put(desk, replace(said, root=root, signed_at="2026-03-01T09:00:00Z"), "ben")
    desk.git("commit", "-q", "--amend", "--no-edit", GIT_COMMITTER_DATE="2026-03-01T09:00:00Z")
    code, step = first(desk, "main...late")
    assert code == 1
    assert "no principal of the policy in force" in step["problems"][0]["message"]


def test_threat_17_a_branch_cut_before_somebody_left_is_judged_by_the_policy_where_it_goes(desk: Desk):
    desk.approve("ben")
    assert desk.verify()[0] == 0
    desk.git("checkout", "-q", "main")
    assert desk.labelvc("policy", "remove", "ben", "--sign-with", desk.key("ada"))[0] == 0
    desk.commit("Ben leaves")
    assert desk.verify()[0] == 1
    code, _, err = desk.labelvc("approve", "main...topic", "--role", "reviewer", "--key", desk.key("ben"))
    assert (code, "belongs to no principal" in err) == (2, True)
    desk.git("checkout", "-q", "topic")
    desk.approve("cleo")
    assert desk.verify()[0] == 0


def test_threat_17_what_a_former_principal_approved_before_stays_approved(desk: Desk):
    desk.approve("ben")
    desk.git("checkout", "-q", "main")
    desk.git("merge", "-q", "--no-ff", "-m", "Merge", "topic")
    assert desk.labelvc("policy", "remove", "ben", "--sign-with", desk.key("ada"))[0] == 0
    desk.commit("Ben leaves")
    assert desk.verify("HEAD~2..HEAD")[0] == 0


def test_threat_08_a_key_that_moves_twice_cannot_be_approved(desk: Desk):
    """A second line of the same record, beside the one that stays, would let an old version back in."""
    rows = [record("rev-9", "one"), record("rev-9", "two")]
    lines = (desk.folder / persons.SHARD).read_bytes() + b"".join(canonical.encode_record(row) + b"\n" for row in rows)
    desk.write(persons.SHARD, b"".join(sorted(lines.splitlines(keepends=True))))
    desk.commit("Two of a kind")
    code, _, err = desk.labelvc("approve", "main...topic", "--role", "reviewer", "--key", desk.key("ben"))
    assert (code, "changes twice" in err) == (2, True)
    code, step = first(desk)
    assert (code, step["state"]) == (1, "denied")


def with_devices(desk: Desk, **asked: bool) -> tuple[Authenticator, Authenticator]:
    """Give Ben and Cleo a security key each, and ask reviewers for what only such a key proves."""
    ben, cleo = authenticator.make(), authenticator.make(authenticator.ECDSA)
    desk.git("checkout", "-q", "main")
    before = in_force(desk)
    edited = governing.added(before.policy, governing.Person("ben", keys=(str(ben.key),)))
    edited = governing.added(edited, governing.Person("cleo", keys=(str(cleo.key),)))
    rule = edited.rules[0]
    rules = (replace(rule, needs=(replace(rule.needs[0], **asked),)), *edited.rules[1:])
    desk.write(trust.POLICY, governing.signed(before, replace(edited, rules=rules), signer(desk, "ada")))
    desk.commit("Ask for security keys")
    assert desk.verify("HEAD")[0] == 0
    desk.git("checkout", "-q", "topic")
    desk.git("rebase", "-q", "main")
    return ben, cleo


def decided(desk: Desk, by: Signer, commit: bool = True) -> None:
    """Approve as `labelvc approve` does, with a key that no file holds."""
    change = approve.examine(plumbing.find(desk.folder), "main...topic")
    said = approve.draft(change, approve.Wish("reviewer"), by.key, datetime.now(UTC), "0" * 32)
    for path, data in sealing.seal(change, said, by).items():
        desk.write(path, data)
    if commit:
        desk.commit("Approve", who="ben")


def test_threat_19_a_signature_that_nobody_touched_the_key_for_is_refused(desk: Desk, tmp_path: Path):
    """A program that reaches a security key signs unseen; ssh-keygen says Good."""
    ben, _ = with_devices(desk)
    with pytest.raises(TrustError, match="without being touched"):
        decided(desk, ben.signer(flags=0))
    decided(desk, ben.signer())
    (path,) = desk.folder.glob("approvals/*/ben.*.json")
    envelope = dsse.decode(path.read_bytes(), dsse.IN_TOTO)
    message = dsse.pae(envelope.payload_type, envelope.payload)
    unseen = ben.sign(message, NAMESPACE, flags=0)
    path.write_bytes(dsse.encode(envelope._replace(signatures=(Signature(ben.key.fingerprint, unseen),))))
    desk.commit("Signed while nobody looked", who="ben")
    (tmp_path / "allowed").write_text(f"ben {ben.key}\n")
    (tmp_path / "sig").write_bytes(unseen)
    words = ["ssh-keygen", "-Y", "verify", "-f", "allowed", "-I", "ben", "-n", NAMESPACE, "-s", "sig"]
    assert b"Good" in subprocess.run(words, cwd=tmp_path, input=message, capture_output=True, check=True).stdout
    code, step = first(desk)
    assert (code, step["covered"]) == (1, 0)
    assert "without being touched" in step["problems"][0]["message"]


def test_threat_18_19_a_role_may_need_a_touched_key_and_who_touched_it(desk: Desk):
    """A thief of a key file has no device; a thief of a device does not know its PIN."""
    ben, cleo = with_devices(desk, require_touch=True, require_verification=True)
    for by in (signer(desk, "ben"), ben.signer()):
        with pytest.raises(RefusedError, match="nothing was written"):
            decided(desk, by)
    assert not list(desk.folder.glob("approvals/*"))
    put(desk, approval_of_all(desk), "ben")
    code, step = first(desk)
    need = {"role": "reviewer", "count": 1, "have": 0, "require_touch": True, "require_verification": True}
    assert (code, step["needs"], step["problems"]) == (1, [{**need, "who_can": ["ben", "cleo"]}], [])
    assert "with a security key's PIN or fingerprint; ben, cleo can" in desk.labelvc("verify", "main...topic")[1]
    decided(desk, cleo.signer(flags=5))
    assert desk.verify()[0] == 0


def approval_of_all(desk: Desk) -> Approval:
    """Return Ben's yes to the change, as his plain key may sign it with another program."""
    change = approve.examine(plumbing.find(desk.folder), "main...topic")
    return approve.draft(change, approve.Wish("reviewer"), signer(desk, "ben").key, datetime.now(UTC), "0" * 32)


def test_a_policy_that_asks_for_security_keys_nobody_has_is_told(desk: Desk):
    before = in_force(desk, "main")
    rule = before.policy.rules[0]
    asked = replace(before.policy, rules=(replace(rule, needs=(replace(rule.needs[0], require_touch=True),)),))
    (concern,) = [each for each in governing.raised(before, asked) if "security" in each]
    assert concern == "rule 'labels and items': 1 of role reviewer must agree and 0 of them have a security key"


@pytest.mark.parametrize("kind", authenticator.KINDS)
def test_a_security_key_is_enrolled_and_listed_like_any_other(desk: Desk, tmp_path: Path, kind: str):
    device = authenticator.make(kind)
    (tmp_path / "device.pub").write_text(f"{device.key} ben@device\n")
    words = ["--key", str(tmp_path / "device.pub"), "--sign-with", desk.key("ada")]
    code, out, err = desk.labelvc("policy", "add", "ben", *words)
    assert code == 0, out + err
    assert f"{device.key} ben" in desk.labelvc("key", "show", "ben")[1]
    assert device.key.fingerprint in desk.labelvc("key", "list")[1]
    assert json.loads(desk.labelvc("key", "list", "--format", "json")[1])
    assert str(device.key) in desk.labelvc("key", "list", "--format", "allowed-signers")[1]


@pytest.mark.skipif(not DUMMY.exists(), reason=f"no security key in software at {DUMMY}: apt-get install openssh-tests")
@pytest.mark.parametrize("kind", ["ed25519-sk", "ecdsa-sk"])
def test_a_security_key_approves_on_the_command_line(desk: Desk, ssh_key, monkeypatch: pytest.MonkeyPatch, kind: str):
    monkeypatch.setenv("SSH_SK_PROVIDER", str(DUMMY.resolve()))
    path = ssh_key("device", kind)
    desk.git("checkout", "-q", "main")
    code, out, err = desk.labelvc("policy", "add", "ben", "--key", f"{path}.pub", "--sign-with", desk.key("ada"))
    assert code == 0, out + err
    desk.commit("Ben has a device")
    before = in_force(desk)
    rule = before.policy.rules[0]
    rules = (replace(rule, needs=(replace(rule.needs[0], require_touch=True),)), *before.policy.rules[1:])
    edited = replace(before.policy, rules=rules)
    desk.write(trust.POLICY, governing.signed(before, edited, signer(desk, "ada")))
    desk.commit("Ask for a touch")
    desk.git("checkout", "-q", "topic")
    code, _, err = desk.labelvc("approve", "main...topic", "--role", "reviewer", "--key", desk.key("ben"))
    assert code == 1
    assert "asks 1 reviewer with a touched security key" in err
    assert "ssh-keygen -t ed25519-sk" in err
    assert not (desk.folder / "approvals").exists()
    words = ["approve", "main...topic", "--role", "reviewer", "--key", str(path), "--also-raw"]
    assert "leave out --also-raw" in desk.labelvc(*words)[2]
    assert desk.labelvc(*words[:-1])[0] == 0
    desk.commit("Approve", who="ben")
    assert desk.verify()[0] == 0


@pytest.mark.parametrize("kind", authenticator.KINDS)
def test_a_security_key_may_be_the_root_key(desk: Desk, kind: str):
    device = authenticator.make(kind)
    for path in (trust.FIRST_ROOT, trust.POLICY):
        (desk.folder / path).unlink()
    git = plumbing.find(desk.folder)
    words = (git, persons.PROJECT, "ada", "Ada Author", "ada@example.com")
    with pytest.raises(TrustError, match="without being touched"):
        ceremony.create(*words, device.signer(flags=0), datetime.now(UTC))
    for path, data in ceremony.create(*words, device.signer(), datetime.now(UTC)).items():
        desk.write(path, data)
    with tree.reader(git) as reader:
        found = trust.load(reader, tree.work(git, ("trust",)))
    assert found.policy.roles["root"].members == ("ada",)


def test_threat_20_a_key_of_small_order_is_not_enrolled(desk: Desk):
    blob = sshsig.public_blob(sshsig.ED25519, bytes([1]) + bytes(31))
    weak = desk.folder.parent / "weak.pub"
    weak.write_text(f"{sshsig.PublicKey(sshsig.ED25519, blob)} weak\n")
    more = ["--name", "Eve", "--role", "reviewer", "--sign-with", desk.key("ada")]
    code, _, err = desk.labelvc("policy", "add", "eve", "--key", str(weak), *more)
    assert code == 2
    assert "small order" in err


def test_threat_20_a_private_key_is_not_taken_for_a_public_one(desk: Desk):
    more = ["--name", "Eve", "--role", "reviewer", "--sign-with", desk.key("ada")]
    code, _, err = desk.labelvc("policy", "add", "eve", "--key", desk.key("mallory"), *more)
    assert code == 2
    assert "private key" in err


def root_of(desk: Desk, version: int, owners: tuple[str, ...], threshold: int) -> Root:
    found = {signer(desk, who).key.fingerprint: RootKey(str(signer(desk, who).key), who) for who in owners}
    role = (tuple(found), threshold)
    return Root(version, persons.PROJECT, found, role, role, Digest(""))


def sealed(desk: Desk, root: Root, *who: str) -> bytes:
    payload = rootfile.encode(root, NOW)
    signatures = tuple(trust.seal(dsse.TUF, payload, signer(desk, each)).signatures[0] for each in who)
    return dsse.encode(Envelope(dsse.TUF, payload, signatures))


def repoliced(desk: Desk, *who: str) -> bytes:
    before = in_force(desk, "main")
    roles = {name: role for name, role in before.policy.roles.items() if name != "root"}
    payload = statement.encode_policy(replace(before.policy, version=4, previous=before.digest, roles=roles))
    signatures = tuple(trust.seal(dsse.IN_TOTO, payload, signer(desk, each)).signatures[0] for each in who)
    return dsse.encode(Envelope(dsse.IN_TOTO, payload, signatures))


@pytest.mark.parametrize(
    ("signers", "policy", "good"),
    [
        (("ada", "ben", "cleo"), ("ben", "cleo"), True),
        (("ada", "ben"), ("ada", "ben"), True),
        (("ben", "cleo"), ("ben", "cleo"), False),
        (("ada",), ("ada", "ben"), False),
        (("ada", "mallory"), ("ada", "ben"), False),
        (("ada", "ben"), ("ada",), False),
    ],
)
def test_threat_21_a_new_root_needs_enough_of_the_old_and_of_the_new(
    desk: Desk, signers: tuple[str, ...], policy: tuple[str, ...], good: bool
):
    desk.git("checkout", "-q", "-b", "rotate", "main")
    root = root_of(desk, 2, ("ada", "ben", "cleo"), 2)
    desk.write("trust/root/2.json", sealed(desk, root, *signers))
    desk.write(trust.POLICY, repoliced(desk, *policy))
    desk.commit("Rotate")
    code, step = first(desk, "main...rotate")
    assert (code, step["covered"]) == ((0, 2) if good else (1, 0))


@pytest.mark.parametrize("attack", ["fork", "rollback"])
def test_threat_21_a_retired_root_key_cannot_go_back_to_the_fork(desk: Desk, attack: str):
    """Ada's key signed version 1 and was rotated out; she makes another version 2, or takes version 2 away."""
    desk.git("checkout", "-q", "main")
    desk.write("trust/root/2.json", sealed(desk, root_of(desk, 2, ("ben", "cleo"), 2), "ada", "ben", "cleo"))
    desk.write(trust.POLICY, repoliced(desk, "ben", "cleo"))
    desk.commit("Rotate")
    assert desk.verify("HEAD")[0] == 0
    before = in_force(desk)
    roles = {name: role for name, role in before.policy.roles.items() if name != "root"}
    hers = replace(before.policy, version=5, previous=before.digest, roles=roles)
    desk.write(trust.POLICY, trust.sealed_policy(hers, signer(desk, "ada")))
    if attack == "fork":
        desk.write("trust/root/2.json", sealed(desk, root_of(desk, 2, ("ada",), 1), "ada"))
    else:
        desk.git("rm", "-q", "trust/root/2.json")
    desk.commit("Take over")
    assert in_force(desk).policy.version == 5
    code, step = first(desk, "HEAD")
    assert (code, step["covered"]) == (1, 0)
    assert "gone or replaced" in step["problems"][0]["message"]


def test_threat_21_controls_need_as_many_as_the_root(desk: Desk):
    desk.git("checkout", "-q", "main")
    desk.write("trust/root/2.json", sealed(desk, root_of(desk, 2, ("ada", "ben", "cleo"), 2), "ada", "ben"))
    desk.write(trust.POLICY, repoliced(desk, "ada", "ben"))
    desk.commit("Rotate")
    desk.git("checkout", "-q", "-b", "hooks")
    desk.write(".pre-commit-config.yaml", "repos: []\n")
    desk.commit("Fewer hooks")
    desk.approve("ada", "main...hooks", "root")
    code, step = first(desk, "main...hooks")
    assert (code, step["needs"]) == (1, [{"role": "root", "count": 2, "have": 1, "who_can": ["ben", "cleo"]}])
    desk.approve("cleo", "main...hooks", "root")
    assert desk.verify("main...hooks")[0] == 0


def test_threat_21_an_emergency_of_the_root_needs_as_many_as_the_root(desk: Desk):
    """One of three owners cannot let in alone what two of them must agree to."""
    before = in_force(desk, "main")
    need = Need("root", 1)
    rules = tuple(replace(rule, emergency=need) if "controls" in rule.kinds else rule for rule in before.policy.rules)
    desk.git("checkout", "-q", "main")
    desk.write(trust.POLICY, governing.signed(before, replace(before.policy, rules=rules), signer(desk, "ada")))
    desk.commit("Root may act in an emergency")
    version, digest = in_force(desk).policy.version, in_force(desk).digest
    roles = {name: role for name, role in before.policy.roles.items() if name != "root"}
    payload = statement.encode_policy(
        replace(before.policy, version=version + 1, previous=digest, roles=roles, rules=rules)
    )
    signatures = tuple(trust.seal(dsse.IN_TOTO, payload, signer(desk, who)).signatures[0] for who in ("ada", "ben"))
    desk.write("trust/root/2.json", sealed(desk, root_of(desk, 2, ("ada", "ben", "cleo"), 2), "ada", "ben"))
    desk.write(trust.POLICY, dsse.encode(Envelope(dsse.IN_TOTO, payload, signatures)))
    desk.commit("Rotate")
    assert desk.verify("HEAD")[0] == 0
    desk.git("checkout", "-q", "-b", "hooks")
    desk.write(".pre-commit-config.yaml", "repos: []\n")
    desk.commit("Fewer hooks", who="cleo")
    desk.approve("ada", "main...hooks", "root", "--emergency", "--reason", "it burns")
    assert first(desk, "main...hooks")[1]["state"] == "missing"
    desk.approve("ben", "main...hooks", "root", "--emergency", "--reason", "it burns")
    assert first(desk, "main...hooks")[1]["state"] == "conditional"


@pytest.mark.parametrize("which", ["root", "policy"])
def test_threat_21_root_and_policy_of_another_repository_are_refused(desk: Desk, which: str):
    desk.git("checkout", "-q", "-b", "foreign", "main")
    before = in_force(desk)
    if which == "root":
        root = replace(root_of(desk, 2, ("ada",), 1), repository="00000000-0000-4000-8000-000000000000")
        desk.write("trust/root/2.json", sealed(desk, root, "ada"))
    roles = {name: role for name, role in before.policy.roles.items() if name != "root"}
    policy = replace(before.policy, version=4, previous=before.digest, roles=roles)
    policy = replace(policy, repository="00000000-0000-4000-8000-000000000000")
    desk.write(trust.POLICY, trust.sealed_policy(policy, signer(desk, "ada")))
    desk.commit("From elsewhere")
    code, step = first(desk, "main...foreign")
    assert (code, step["covered"]) == (1, 0)
    assert f"the {which} belongs to another repository" in step["problems"][0]["message"]


def test_threat_21_a_skipped_and_a_replaced_root_are_refused(desk: Desk):
    desk.git("checkout", "-q", "-b", "rotate", "main")
    desk.write("trust/root/3.json", sealed(desk, root_of(desk, 3, ("ada",), 1), "ada"))
    desk.commit("Skip")
    code, step = first(desk, "main...rotate")
    assert code == 1
    assert "missing in the chain" in step["problems"][0]["message"]
    desk.git("rm", "-q", "trust/root/3.json")
    desk.write(trust.FIRST_ROOT, sealed(desk, root_of(desk, 1, ("mallory",), 1), "mallory"))
    desk.write(trust.POLICY, repoliced(desk, "mallory"))
    desk.commit("Replace")
    code, step = first(desk, "main...rotate")
    assert (code, step["covered"]) == (1, 0)


def test_threat_22_a_root_that_is_not_the_pinned_one_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    anchor = in_force(desk).anchor
    assert desk.approve("ben")
    code, out, _ = desk.labelvc("verify", "main...topic", "--root", anchor)
    assert code == 0
    assert f"{anchor} (pinned)" in out
    code, _, _ = desk.labelvc("verify", "main...topic", "--root", "sha256:" + "0" * 64)
    assert code == 2
    monkeypatch.setenv("CI", "true")
    code, out, err = desk.labelvc("verify", "main...topic")
    assert code == 2
    assert "unpinned" in out
    assert "LABELVC_ROOT" in err
    monkeypatch.setenv("LABELVC_ROOT", anchor)
    assert desk.labelvc("verify", "main...topic")[0] == 0
    monkeypatch.delenv("LABELVC_ROOT")
    desk.git("config", "labelvc.root", anchor)
    assert desk.labelvc("verify", "main...topic")[0] == 0
    assert desk.labelvc("verify", "main...topic", "--root", "sha1:abc")[0] == 2


def test_threat_24_a_record_the_merge_made_up_needs_approval(desk: Desk):
    """Both sides changed rev-1; what the merge writes is neither's bytes."""
    desk.approve("ben")
    desk.git("checkout", "-q", "main")
    desk.relabel("mixed", "rev-1", who="cleo")
    start = desk.git("rev-parse", "HEAD")
    desk.git("merge", "-q", "--no-ff", "-s", "ours", "--no-commit", "topic")
    desk.git("checkout", "-q", "topic", "--", "approvals")
    records = desk.records()
    records["rev-1"] = record("rev-1", "good and mixed", 3)
    desk.save(records)
    desk.commit("Merge")
    code, step = first(desk, f"{start}...HEAD")
    assert (code, step["state"], step["uncovered"]) == (1, "missing", ["reviews/rev-1#r1"])


@pytest.mark.parametrize("text", ["a\u202eb", "a\x1b[31mb", "a\u0000b", "e\u0301", "a\u2028b"])
def test_threat_27_text_that_shows_as_something_else_is_not_signed(desk: Desk, text: str):
    if "\0" not in text:
        words = ["--decision", "reject", "--reason", text, "--key", desk.key("ben")]
        code, _, _ = desk.labelvc("approve", "main...topic", "--role", "reviewer", *words)
        assert code == 2
    said = approval_of(desk.approve("ben"))
    with pytest.raises(Error):
        statement.encode_approval(replace(said, reason=text))


def test_threat_27_deep_large_and_many_are_refused():
    deep = b'{"payload":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    large = b'{"payload":"' + b"A" * (1 << 20) + b'"}'
    one = Signature("SHA256:x", b"y")
    many = dsse.encode(Envelope(dsse.IN_TOTO, b"{}", tuple(one._replace(keyid=f"SHA256:{n}") for n in range(65))))
    reasons = {
        deep: "nested deeper than", large: "larger than 1048576", many: "1 to 64 signatures", b"": "not JSON", b"null": "an envelope has the members",
        b"\xef\xbb\xbf{}": "BOM", b"\xff": "not UTF-8",
    }  # fmt: skip
    for data, why in reasons.items():
        with pytest.raises(Error, match=why):
            dsse.decode(data, dsse.IN_TOTO)


def test_threat_29_name_role_and_meaning_are_part_of_what_is_signed(desk: Desk):
    said = approval_of(desk.approve("ben"))
    assert (said.signer.printed_name, said.role, said.meaning, said.scope.changed) == (
        "Ben Builder",
        "reviewer",
        "approval",
        1,
    )
    with pytest.raises(RefusedError):
        governing.signed(in_force(desk), in_force(desk).policy, signer(desk, "ben"))


def test_threat_30_every_flipped_byte_of_the_file_is_refused(desk: Desk):
    """Exhaustive: no byte of an approval's file can change and still count."""
    data = desk.approve("ben").read_bytes()
    trusted = in_force(desk)
    assert approvals.opened(data, trusted)
    for at in range(len(data)):
        with pytest.raises(Error):
            approvals.opened(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :], trusted)


def test_threat_30_every_flipped_byte_of_the_payload_is_refused(desk: Desk):
    data = desk.approve("ben").read_bytes()
    trusted = in_force(desk)
    payload = dsse.decode(data, dsse.IN_TOTO).payload
    for at in range(len(payload)):
        for mask in (1, 0x20):
            changed = payload[:at] + bytes([payload[at] ^ mask]) + payload[at + 1 :]
            with pytest.raises(Error):
                approvals.opened(persons.tampered(data, changed), trusted)


def test_authors_are_read_from_commits_and_not_from_mailmap(desk: Desk):
    desk.write(".mailmap", "Zoe <zoe@example.com> <ada@example.com>\n")
    desk.commit("Map")
    made = makers.commits(plumbing.find(desk.folder), "main", "topic")
    assert {address for each in made for address in each.addresses} == {"ada@example.com"}
