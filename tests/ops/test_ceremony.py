"""The root of trust by command: several owners, drafts that wait for signatures, rotations, and attacks on all of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from msgspec.structs import replace

from labelvc.codec import dsse, schema, sshsig, statement
from labelvc.model.policy import Principal, PublicKey, Role
from labelvc.ops import trust
from labelvc.store import keys
from tests import people
from tests.people import NAMES, Desk
from tests.trusting import desk, desk_template, people_keys

__all__ = ["desk", "desk_template", "people_keys"]
THREE = ("--add", "ben", "--add", "cleo", "--threshold", "2")


def run(desk: Desk, noun: str, *words: str, who: str = "ada") -> tuple[int, str, str]:
    """Run a command that signs, with somebody's key; `--add ben` stands for their id and key."""
    option = "--sign-with" if noun == "policy" else "--key"
    full = [
        f"{word}={desk.key(word)}.pub" if before in ("--add", "--owner") and "=" not in word else word
        for before, word in zip(("", *words), words, strict=False)
    ]
    return desk.labelvc(noun, *full, option, desk.key(who))


def good(desk: Desk, noun: str, *words: str, who: str = "ada") -> str:
    code, out, err = run(desk, noun, *words, who=who)
    assert code == 0, out + err
    return err


def refused(desk: Desk, noun: str, *words: str, who: str = "ada", code: int = 1) -> str:
    before = desk.git("status", "--porcelain")
    got, out, err = run(desk, noun, *words, who=who)
    assert (got, out) == (code, ""), out + err
    assert desk.git("status", "--porcelain") == before
    return err


def shown(desk: Desk) -> dict[str, Any]:
    code, out, err = desk.labelvc("trust", "show", "--format", "json")
    assert code == 0, err
    document: dict[str, Any] = json.loads(out)
    jsonschema.Draft202012Validator(schema.schema("trust-show")).validate(document)
    return document


def test_a_root_whose_date_is_over_counts_and_may_be_followed_by_the_same(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    """labelvc believes it, since an old root must stay readable; python-tuf and others who read it do not."""
    desk.git("checkout", "-q", "main")
    told = "the root says that it ends at "
    assert told not in desk.labelvc("policy", "check")[1]
    assert "would stay as it is" in refused(desk, "trust", "rotate")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "4102444800")  # 2100
    code, out, _ = desk.labelvc("policy", "check")
    assert (code, told in out, "labelvc trust rotate\n" in out) == (1, True, True)
    assert desk.verify("main")[0] == desk.verify("main~1..main")[0]
    good(desk, "trust", "rotate")
    desk.commit("Until later")
    assert told not in desk.labelvc("policy", "check")[1]
    first, second = shown(desk)["items"][:2]
    assert (first["draft"], second["draft"], second["version"]) == (False, False, 2)
    assert desk.verify("main")[0] == 0
    assert "would stay as it is" in refused(desk, "trust", "rotate")


def drafts(desk: Desk) -> list[str]:
    return [item["path"] for item in shown(desk)["items"] if item["draft"]]


def branch(desk: Desk, name: str = "rotate") -> None:
    desk.git("checkout", "-q", "-b", name, "main")


def rotated(desk: Desk) -> None:
    """Put a root of 2 of 3 on main."""
    branch(desk)
    good(desk, "trust", "rotate", *THREE)
    good(desk, "trust", "sign", who="ben")
    desk.commit("Rotate")
    desk.git("checkout", "-q", "main")
    desk.git("merge", "-q", "--no-ff", "-m", "Merge", "rotate")


@pytest.fixture
def fresh(desk: Desk, tmp_path: Path, labelvc: Callable[..., tuple[int, str, str]]) -> Desk:
    """Return a project without trust."""
    made = Desk(tmp_path / "fresh", desk.keys, labelvc)
    made.folder.mkdir()
    made.git("init", "-q", "-b", "main")
    made.write("labelvc.yaml", people.PROJECT_FILE)
    made.commit("Start")
    return made


def test_a_root_of_several_people_counts_when_enough_of_them_signed(fresh: Desk):
    told = good(fresh, "trust", "init", "--as", "ada", "--owner", "ben", "--owner", "cleo")
    anchor = shown(fresh)["summary"]["root"]
    assert f"root {anchor}: publish it" in told
    assert "trust/root/1.json: signed by ada; waits for 1 of ben, cleo" in told
    assert "there, ben or cleo: labelvc trust sign" in told
    assert drafts(fresh) == [trust.FIRST_ROOT, trust.POLICY]
    code, _, err = fresh.labelvc("policy", "show")
    assert (code, "signed by 1 of the 2" in err, "labelvc trust show" in err) == (2, True, True)
    told = good(fresh, "trust", "sign", who="ben")
    assert "+ owner cleo, SHA256:" in told
    assert "+ role lead: cleo" in told
    assert "signed by   ben, SHA256:" in told
    assert drafts(fresh) == []
    _, out, _ = fresh.labelvc("trust", "show", "--root", anchor)
    assert f"to pin      {anchor}  (pinned)" in out
    assert "root 1      2 of ada, ben, cleo must sign; signed by ada, ben\n" in out
    assert "cleo has not signed it, so nothing proves yet that the key is theirs" in out
    good(fresh, "trust", "sign", who="cleo")
    assert "has not signed" not in fresh.labelvc("trust", "show")[1]
    assert shown(fresh)["summary"] == {
        "root": anchor, "pinned": False, "version": 1, "owners": ["ada", "ben", "cleo"], "threshold": 2, "drafts": 0,
    }  # fmt: skip
    assert fresh.labelvc("policy", "show")[0] == 0


def test_a_root_of_one_is_made_as_ever(fresh: Desk):
    told = good(fresh, "trust", "init")
    assert "signed and staged; next: git commit -m 'Govern' -- trust" in told
    assert fresh.git("config", "labelvc.signingKey") == fresh.key("ada")
    assert shown(fresh)["summary"]["owners"] == ["ada-author"]
    assert "has a root of trust" in refused(fresh, "trust", "init")


def test_a_draft_of_one_s_own_is_edited_and_one_of_others_is_not(fresh: Desk):
    good(fresh, "trust", "init", "--as", "ada", "--owner", "ben", "--owner", "cleo", "--threshold", "3")
    good(fresh, "policy", "add", "ben", "--name", NAMES["ben"], "--email", "ben@example.com")
    good(fresh, "trust", "sign", who="ben")
    assert "that you have not signed" in refused(fresh, "policy", "add", "ben", "--email", "b@x.org", who="cleo")
    good(fresh, "trust", "sign", who="cleo")
    items = shown(fresh)["items"]
    assert [item["demands"][0]["signed"] for item in items] == [["ada", "ben", "cleo"]] * 2
    assert (items[1]["version"], items[1]["draft"]) == (1, False)
    assert "Ben Builder" in fresh.labelvc("policy", "show")[1]


def test_a_root_that_nobody_could_satisfy_is_not_made(fresh: Desk):
    words = ("trust", "init", "--as", "ada")
    assert "2 owners, so 3 of them can never" in refused(fresh, *words, "--owner", "ben", "--threshold", "3")
    assert "1 owner, so 2 of them can never" in refused(fresh, *words, "--threshold", "2")
    assert not (fresh.folder / "trust").exists()


def test_a_key_of_two_owners_an_odd_id_and_a_weak_key_are_not_enrolled(fresh: Desk):
    key = fresh.key("ada")
    assert "one key" in refused(fresh, "trust", "init", "--as", "ada", "--owner", f"ben={key}.pub", code=2)
    assert "no principal's id" in refused(fresh, "trust", "init", "--as", "ada", "--owner", f"Ben B={key}.pub", code=2)
    assert "is not ID=FILE.pub" in refused(fresh, "trust", "init", "--as", "ada", "--owner", "ben=", code=2)
    assert "private key" in refused(fresh, "trust", "init", "--as", "ada", "--owner", f"ben={key}", code=2)
    weak = fresh.folder.parent / "weak.pub"
    blob = sshsig.public_blob(sshsig.ED25519, bytes([1]) + bytes(31))
    weak.write_text(f"{PublicKey(sshsig.ED25519, blob)} weak\n")
    assert "small order" in refused(fresh, "trust", "init", "--as", "ada", "--owner", f"ben={weak}", code=2)


def test_a_rotation_counts_with_the_thresholds_of_both_roots(desk: Desk):
    branch(desk)
    told = good(desk, "trust", "rotate", *THREE)
    assert "trust/root/2.json: signed by ada; waits for 1 of ben, cleo" in told
    assert drafts(desk) == ["trust/root/2.json", trust.POLICY]
    desk.commit("Propose a root")
    assert "next: labelvc trust show\n" in desk.labelvc("verify", "main...rotate")[1]
    code, (step,) = desk.verify("main...rotate")
    assert (code, step["covered"]) == (1, 0)
    assert "signed by 1 of the 2 people" in step["problems"][0]["message"]
    told = good(desk, "trust", "sign", who="ben")
    assert "+ owner ben" in told
    assert "- threshold 1\n+ threshold 2" in told
    assert drafts(desk) == []
    desk.commit("Sign it")
    code, (step,) = desk.verify("main...rotate")
    assert (code, step["covered"]) == (0, 2)


def test_a_threshold_is_lowered_again(desk: Desk):
    """What a root asked of the role root goes with it."""
    rotated(desk)
    branch(desk, "alone")
    good(desk, "trust", "rotate", "--remove", "ben", "--remove", "cleo", "--threshold", "1")
    assert drafts(desk) == ["trust/root/3.json"]
    good(desk, "trust", "sign", who="cleo")
    desk.commit("Alone again")
    assert desk.verify("main...alone")[0] == 0
    assert "controls: 1 root" in desk.labelvc("policy", "show")[1]


@pytest.mark.parametrize("way", ["merge", "squash"])
def test_a_rotation_survives_a_merge_and_governs_after_it(desk: Desk, way: str):
    branch(desk)
    good(desk, "trust", "rotate", *THREE)
    desk.commit("Propose a root")
    good(desk, "trust", "sign", who="cleo")
    desk.commit("Sign it")
    desk.git("checkout", "-q", "main")
    if way == "squash":
        desk.git("merge", "-q", "--squash", "rotate")
        desk.commit("Squash")
    else:
        desk.git("merge", "-q", "--no-ff", "-m", "Merge", "rotate")
    assert desk.verify("HEAD")[0] == 0
    good(desk, "policy", "add", "dora", "--name", "Dora", "--email", "dora@example.com")
    assert drafts(desk) == [trust.POLICY]
    desk.commit("Dora")
    assert desk.verify("HEAD")[0] == 1
    told = good(desk, "trust", "sign", who="cleo")
    assert "+ principal dora: Dora" in told
    assert "+ principal dora: email dora@example.com" in told
    assert told.count("\n+ ") == 2
    desk.git("add", "trust")
    desk.git("commit", "-q", "--amend", "--no-edit")
    assert desk.verify("HEAD")[0] == 0


def test_a_policy_after_a_rotation_does_not_keep_the_threshold_of_the_root(desk: Desk):
    """The root's threshold is laid over the rules when they are read, and is no part of what is signed."""
    rotated(desk)
    good(desk, "policy", "add", "dora", "--name", "Dora")
    good(desk, "policy", "add", "eve", "--name", "Eve")
    payload = dsse.decode((desk.folder / trust.POLICY).read_bytes(), dsse.IN_TOTO).payload
    assert statement.decode_policy(payload).version == 4, "an edit of one's own draft is no further version"
    assert {"dora", "eve"} <= set(statement.decode_policy(payload).principals)
    assert next(rule for rule in statement.decode_policy(payload).rules if rule.name == "controls").needs[0].count == 1


def test_an_owner_leaves_and_an_owner_gets_another_key(desk: Desk):
    rotated(desk)
    branch(desk, "leave")
    good(desk, "policy", "add", "ben", "--key", desk.key("ben2") + ".pub")
    good(desk, "trust", "sign", who="cleo")
    desk.commit("Ben's other key")
    told = good(desk, "trust", "rotate", "--add", f"ben={desk.key('ben2')}.pub", "--remove", "ada", who="cleo")
    assert "waits for ben (as root 3 asks) and 1 of ada, ben (as root 2 asks)" in told
    assert drafts(desk) == ["trust/root/3.json", trust.POLICY]
    good(desk, "trust", "sign", who="ben2")
    assert drafts(desk) == ["trust/root/3.json"], "Ben's old key signs for root 2"
    good(desk, "trust", "sign", who="ben")
    assert drafts(desk) == []
    desk.commit("Rotate again")
    assert desk.verify("main...leave")[0] == 0
    assert "nothing waits for your signature" in refused(desk, "trust", "sign", who="ada")


REFUSED: list[tuple[tuple[str, ...], str, int, str]] = [
    (("--remove", "ada"), "ada", 1, "0 owners, so 1 of them can never sign"),
    (("--threshold", "2"), "ada", 1, "1 owner, so 2 of them can never sign"),
    (("--remove", "ben"), "ada", 2, "ben is no owner of the root"),
    (("--threshold", "1"), "ada", 1, "the root would stay as it is"),
    (("--add", "mallory"), "ada", 1, "the policy does not know this key"),
    (("--add", "ben"), "cleo", 1, "none of the root's, before or after"),
    ((), "ada", 1, "the root would stay as it is"),
    (("--add", "cleo=ben"), "ada", 1, "does not know this key"),
]


def test_a_rotation_that_cannot_be_is_refused(desk: Desk):
    branch(desk)
    for typed, who, code, said in REFUSED:
        words = tuple(f"cleo={desk.key('ben')}.pub" if word == "cleo=ben" else word for word in typed)
        assert said in refused(desk, "trust", "rotate", *words, who=who, code=code), words


def test_who_owns_no_key_that_counts_signs_nothing(desk: Desk):
    branch(desk)
    assert "nothing waits for your signature" in refused(desk, "trust", "sign")
    assert "ask ada to run: labelvc trust sign" in refused(desk, "trust", "sign", who="mallory")
    good(desk, "trust", "rotate", *THREE)
    assert "ask ada or ben or cleo" in refused(desk, "trust", "sign", who="mallory")
    assert "nothing waits for your signature" in refused(desk, "trust", "sign")
    assert "waits for signatures" in refused(desk, "policy", "add", "dora", "--name", "Dora")
    assert "trust/root/2.json" in refused(desk, "policy", "add", "dora", "--name", "Dora")
    assert "signed by 1 of the 2" in refused(desk, "trust", "rotate", "--remove", "ben", code=2)


def test_status_and_doctor_tell_of_drafts(
    tmp_path: Path, people_keys: Path, labelvc: Callable[..., tuple[int, str, str]]
):
    desk = Desk(tmp_path / "project", people_keys, labelvc)
    assert labelvc(tmp_path, "init", "project", "--key", desk.key("ada"))[0] == 0
    assert "draft  " not in desk.labelvc("status")[1]
    desk.commit("Start")
    good(desk, "policy", "add", "ben", "--name", "Ben", "--key", f"{desk.key('ben')}.pub")
    good(desk, "trust", "rotate", "--add", "ben", "--threshold", "2")
    _, out, _ = desk.labelvc("status")
    assert "draft       trust/root/2.json: signed by ada-author; waits for ben\n" in out
    assert "next: ben: labelvc trust sign" in out
    _, out, _ = desk.labelvc("status", "--format", "json")
    assert json.loads(out)["summary"]["drafts"] == ["trust/root/2.json", trust.POLICY]
    jsonschema.Draft202012Validator(schema.schema("status")).validate(json.loads(out))
    _, out, _ = desk.labelvc("doctor")
    assert "trust/root/2.json is a draft: too few people signed it" in out


def test_a_new_key_that_nobody_signed_with_is_told(desk: Desk):
    branch(desk)
    told = good(desk, "policy", "add", "ben", "--key", desk.key("ben2") + ".pub")
    assert "note: nothing proves yet that ben holds SHA256:" in told


def test_attack_a_rotation_by_the_new_owners_alone_counts_for_nothing(desk: Desk):
    branch(desk)
    good(desk, "trust", "rotate", *THREE, who="ben")
    good(desk, "trust", "sign", who="cleo")
    assert drafts(desk) == ["trust/root/2.json"], "the policy has Ben and Cleo, the root lacks Ada"
    desk.commit("Take over", who="ben")
    code, (step,) = desk.verify("main...rotate")
    assert (code, step["covered"]) == (1, 0)
    assert "signed by 0 of the 1 people" in step["problems"][0]["message"]


def test_attack_a_draft_merged_too_early_stops_what_follows_until_both_are_judged_as_one(desk: Desk):
    start = desk.git("rev-parse", "main")
    branch(desk)
    good(desk, "trust", "rotate", *THREE)
    desk.commit("Propose a root")
    desk.git("branch", "-f", "main", "rotate")
    assert desk.verify("main")[0] == 1
    desk.git("checkout", "-q", "main")
    desk.relabel("odd", "rev-2", who="ben")
    code, (step,) = desk.verify("HEAD")
    assert (code, step["state"]) == (2, "undecidable")
    assert "signed by 1 of the 2" in step["problems"][0]["message"]
    desk.git("reset", "-q", "--hard", "HEAD~1")
    good(desk, "trust", "sign", who="ben")
    desk.commit("Sign it")
    assert desk.verify("HEAD")[0] == 2
    assert desk.verify(f"{start}...HEAD")[0] == 0


def test_attack_the_newest_root_is_taken_away(desk: Desk):
    rotated(desk)
    desk.git("rm", "-q", "trust/root/2.json")
    good(desk, "policy", "add", "mallory", "--name", "M", "--key", desk.key("mallory") + ".pub", "--role", "reviewer")
    assert drafts(desk) == [], "alone, the files look as if they were in force"
    desk.commit("Simplify")
    code, (step,) = desk.verify("HEAD")
    assert (code, step["covered"]) == (1, 0)
    assert "gone or replaced" in step["problems"][0]["message"]


def test_attack_a_branch_brings_its_own_key_and_approves_itself(desk: Desk):
    """Mallory's branch has a policy that she signed and that makes her a reviewer, and her own approval."""
    code, _, err = run(desk, "policy", "add", "mallory", "--name", "M", who="mallory")
    assert (code, "none of those that the root lets sign" in err) == (1, True)
    desk.git("checkout", "-q", "topic")
    code, _, err = desk.labelvc("approve", "main...topic", "--role", "reviewer", "--key", desk.key("mallory"))
    assert (code, "belongs to no principal" in err) == (2, True)
    assert desk.verify()[0] == 1


def test_attack_an_edit_on_top_of_a_stranger_s_draft_would_sign_it(desk: Desk):
    """Whoever checks out a branch with a policy nobody signed does not put a signature on it by a command of their own."""
    branch(desk)
    path = desk.folder / trust.POLICY
    envelope = dsse.decode(path.read_bytes(), dsse.IN_TOTO)
    policy = statement.decode_policy(envelope.payload)
    theirs = replace(policy, version=4, previous=envelope.digest, roles={**policy.roles, "lead": Role(("ben",))})
    path.write_bytes(dsse.encode(envelope._replace(payload=statement.encode_policy(theirs))))
    assert "a draft that you have not signed" in refused(desk, "policy", "add", "dora", "--name", "Dora")
    told = good(desk, "trust", "sign")
    assert "- role lead: ada\n+ role lead: ben\n" in told, "what is signed knowingly is shown"


def slipped(desk: Desk, *, retired: bool) -> None:
    """Commit a policy that makes Ben lead and that nobody in force signed, then draft a harmless one on top of it."""
    path = desk.folder / trust.POLICY
    envelope = dsse.decode(path.read_bytes(), dsse.IN_TOTO)
    policy = statement.decode_policy(envelope.payload)
    theirs = replace(policy, version=9, previous=envelope.digest, roles={**policy.roles, "lead": Role(("ben",))})
    middle = envelope._replace(payload=statement.encode_policy(theirs))
    if retired:
        desk.git("rm", "-q", "trust/root/2.json")
        middle = dsse.decode(trust.sealed_policy(theirs, keys.signer(desk.key("ada"), None, str)), dsse.IN_TOTO)
    path.write_bytes(dsse.encode(middle))
    desk.commit("Slip it in")
    if retired:
        desk.git("checkout", "-q", "main", "--", "trust/root/2.json")
    last = replace(
        theirs, version=10, previous=middle.digest, principals={**theirs.principals, "dora": Principal("Dora")}
    )
    path.write_bytes(dsse.encode(envelope._replace(payload=statement.encode_policy(last))))


@pytest.mark.parametrize("retired", [False, True], ids=["unsigned", "by-a-retired-root"])
def test_threat_21_what_is_signed_is_shown_against_what_is_in_force(desk: Desk, retired: bool):
    """The version before is in history, names itself, and nobody who may has signed it: what it slipped in is shown all the same."""
    if retired:
        branch(desk)
        good(desk, "trust", "rotate", "--remove", "ada", "--add", "ben", "--add", "cleo")
        good(desk, "trust", "sign", who="ben")
        desk.commit("Ada leaves the root")
        desk.git("checkout", "-q", "main")
        desk.git("merge", "-q", "--no-ff", "-m", "Merge", "rotate")
    branch(desk, "slip")
    slipped(desk, retired=retired)
    told = good(desk, "trust", "sign", who="ben" if retired else "ada")
    assert "against     policy 3, in force at HEAD\n" in told
    assert "- role lead: ada\n" in told
    assert "+ role lead: ben\n" in told
    assert "+ principal dora: Dora\n" in told


def test_check_tells_of_owners_who_never_signed_and_of_those_the_policy_lost(desk: Desk):
    rotated(desk)
    code, out, _ = desk.labelvc("policy", "check")
    assert (code, "cleo has not signed it, so nothing proves yet" in out, "threshold 1" in out) == (1, True, False)
    good(desk, "policy", "remove", "cleo")
    good(desk, "trust", "sign", who="ben")
    _, out, _ = desk.labelvc("policy", "check")
    assert "cleo owns a root key that the policy does not trust: labelvc trust rotate --remove cleo" in out
    assert "which needs 2 with their root keys" in refused(desk, "policy", "remove", "ben", code=2)


def test_on_a_terminal_one_is_asked_before_signing(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    branch(desk)
    good(desk, "trust", "rotate", *THREE)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("click.confirm", lambda words, err: False)
    assert "not signed; nothing was written" in refused(desk, "trust", "sign", who="ben")
    good(desk, "trust", "sign", "--yes", who="ben")


def test_attack_nobody_signs_under_a_root_that_is_not_the_pinned_one(desk: Desk):
    """A branch brings a root of its own and a policy that waits for Ben; his clone knows the right root."""
    desk.git("config", "labelvc.root", shown(desk)["summary"]["root"])
    branch(desk)
    desk.git("rm", "-q", "-r", "trust")
    good(desk, "trust", "init", "--as", "mallory", "--owner", "ben", who="mallory")
    assert "the root is not the pinned one" in refused(desk, "trust", "sign", who="ben", code=2)
