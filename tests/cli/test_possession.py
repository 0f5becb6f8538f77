"""A key comes with the proof that its owner holds it, where somebody asks for one, and ssh-keygen agrees."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import jsonschema
import pytest

from labelvc.codec import dsse, possession, schema, statement
from labelvc.errors import DataError
from labelvc.model.policy import Policy
from labelvc.ops import trust
from tests import people
from tests.people import Desk
from tests.trusting import desk, desk_template, people_keys

__all__ = ["desk", "desk_template", "people_keys"]


def proof(desk: Desk, who: str, principal: str, place: Path) -> Path:
    code, out, err = desk.labelvc("key", "prove", principal, "--key", desk.key(who))
    assert (code, f"labelvc policy add {principal} --proof FILE" in err) == (0, True), err
    file = place / f"{who}-{principal}.proof"
    file.write_text(out)
    return file


def written(desk: Desk) -> Policy:
    return statement.decode_policy(dsse.decode((desk.folder / trust.POLICY).read_bytes(), dsse.IN_TOTO).payload)


def test_threat_20_a_proof_brings_its_key_and_stands_in_the_policy(desk: Desk, tmp_path: Path):
    sign = ("--sign-with", desk.key("ada"))
    mine = proof(desk, "mallory", "mal", tmp_path)
    words = ("policy", "add", "mal", "--name", "Mal Ory", "--email", "mal@example.com", "--role", "reviewer", *sign)
    code, _, err = desk.labelvc(*words, "--proof", str(mine))
    assert (code, "nothing proves" in err) == (0, False), err
    policy = written(desk)
    assert policy.principals["mal"].keys == (" ".join(Path(f"{desk.key('mallory')}.pub").read_text().split()[:2]),)
    assert statement.decode_policy(statement.encode_policy(policy)) == policy
    allowed, message = tmp_path / "allowed", possession.challenge(policy.repository, "mal")
    allowed.write_text(f'mal namespaces="{possession.NAMESPACE}" {policy.principals["mal"].keys[0]}\n')
    check = ["ssh-keygen", "-Y", "verify", "-f", allowed, "-I", "mal", "-n", possession.NAMESPACE, "-s", mine]
    assert b"Good" in subprocess.run(check, input=message, capture_output=True, check=True).stdout
    made = ["ssh-keygen", "-Y", "sign", "-n", possession.NAMESPACE, "-f", desk.key("ben2")]
    theirs = subprocess.run(made, input=possession.challenge(policy.repository, "ben"), capture_output=True, check=True)
    (tmp_path / "ben2").write_bytes(theirs.stdout)
    assert desk.labelvc("policy", "add", "ben", "--proof", str(tmp_path / "ben2"), *sign)[0] == 0
    assert "2 keys (1 proved)" in desk.labelvc("policy", "show")[1]
    document = json.loads(desk.labelvc("policy", "show", "--format", "json")[1])
    jsonschema.Draft202012Validator(schema.schema("policy-show")).validate(document)
    payload = json.loads(dsse.decode((desk.folder / trust.POLICY).read_bytes(), dsse.IN_TOTO).payload)
    jsonschema.Draft202012Validator(schema.schema("policy")).validate(payload)
    assert desk.labelvc("policy", "remove", "ben", "--key", f"{desk.key('ben2')}.pub", *sign)[0] == 0
    assert written(desk).principals["ben"].proofs == ()
    assert desk.labelvc("policy", "check")[1].count("proof") == 0


def test_threat_20_a_foreign_key_is_not_enrolled_where_proofs_are_asked_for(desk: Desk, tmp_path: Path):
    """Ada cannot give Mallory's key to Eve: Mallory never signed that it is Eve's, nor that of this project."""
    sign = ("--sign-with", desk.key("ada"))
    code, _, err = desk.labelvc("policy", "proofs", *sign)
    assert (code, "nothing proves that ada holds SHA256:" in err) == (1, True), err
    for who in ("ada", "ben", "cleo"):
        assert desk.labelvc("policy", "add", who, "--proof", str(proof(desk, who, who, tmp_path)), *sign)[0] == 0
    code, _, err = desk.labelvc("policy", "proofs", *sign)
    assert code == 0, err
    assert "each must come with a proof" in desk.labelvc("policy", "show")[1]
    before = (desk.folder / trust.POLICY).read_bytes()
    eve = ("policy", "add", "eve", "--name", "Eve", *sign)
    other = tmp_path / "other"
    challenge = possession.challenge("0f0e0d0c-0b0a-4908-8706-050403020100", "eve")
    command = ["ssh-keygen", "-Y", "sign", "-n", possession.NAMESPACE, "-f", desk.key("mallory")]
    other.write_bytes(subprocess.run(command, input=challenge, capture_output=True, check=True).stdout)
    cut = tmp_path / "cut"
    cut.write_bytes(other.read_bytes()[:-40])
    for words, code, said in (
        (("--key", f"{desk.key('mallory')}.pub"), 1, "nothing proves that eve holds SHA256:"),
        (("--proof", str(proof(desk, "mallory", "mal", tmp_path))), 2, "does not show that eve holds a key"),
        (("--proof", str(other)), 2, "does not show that eve holds a key"),
        (("--proof", str(cut)), 2, "not an armoured SSH signature"),
        (("--proof", f"{desk.key('mallory')}.pub"), 2, "not an armoured SSH signature"),
        (("--proof", str(tmp_path / "none")), 2, "No such file"),
    ):
        got, _, err = desk.labelvc(*eve, *words)
        assert (got, said in err) == (code, True), err
        assert (desk.folder / trust.POLICY).read_bytes() == before
    assert desk.labelvc(*eve, "--proof", str(proof(desk, "mallory", "eve", tmp_path)))[0] == 0


@pytest.mark.parametrize("bad", ["another person's", "no base64", "twice", "of no key here"])
def test_a_policy_with_a_proof_that_is_none_is_no_policy(desk: Desk, tmp_path: Path, bad: str):
    policy = people.in_force(desk).policy
    policy = people.replace(policy, roles={name: role for name, role in policy.roles.items() if name != "root"})
    good = possession.packed(proof(desk, "ben", "ben", tmp_path).read_bytes())
    other = possession.packed(proof(desk, "mallory", "ben", tmp_path).read_bytes())
    who = "cleo" if bad == "another person's" else "ben"
    proofs = {"no base64": ("%%%",), "twice": (good, good), "of no key here": (other,)}.get(bad, (good,))
    person = people.replace(policy.principals[who], proofs=proofs)
    forged = people.replace(policy, principals={**policy.principals, who: person})
    with pytest.raises(DataError, match="proof"):
        statement.decode_policy(statement.encode_policy(forged))


def test_threat_20_no_owner_of_the_root_comes_without_a_proof_where_they_are_asked_for(desk: Desk, tmp_path: Path):
    """A root names keys of the policy alone, so the proof that the policy asks for is one to the root as well."""
    sign = ("--sign-with", desk.key("ada"))
    for who in ("ada", "ben", "cleo"):
        assert desk.labelvc("policy", "add", who, "--proof", str(proof(desk, who, who, tmp_path)), *sign)[0] == 0
    assert desk.labelvc("policy", "proofs", *sign)[0] == 0
    desk.commit("Ask for proofs")
    before = desk.git("status", "--porcelain")
    rotate = ("trust", "rotate", "--add", f"eve={desk.key('mallory')}.pub", "--key", desk.key("ada"))
    code, out, err = desk.labelvc(*rotate)
    assert (code, out, "the policy does not know this key as one of eve" in err) == (1, "", True), err
    assert "next: first: labelvc policy add eve" in err
    assert "--proof FILE" in err, "what is typed next must not be refused"
    eve = ("policy", "add", "eve", "--name", "Eve", *sign)
    code, out, err = desk.labelvc(*eve, "--key", f"{desk.key('mallory')}.pub")
    assert (code, out, "nothing proves that eve holds SHA256:" in err) == (1, "", True), err
    assert desk.git("status", "--porcelain") == before
    assert desk.labelvc(*eve, "--proof", str(proof(desk, "mallory", "eve", tmp_path)))[0] == 0
    desk.commit("Eve")
    code, out, err = desk.labelvc(*rotate)
    assert (code, out.splitlines()[0]) == (0, "trust/root/2.json"), err
    desk.commit("Eve owns the root too")
    assert desk.verify("HEAD~2..HEAD")[0] == 0
