"""The commands on trust: their JSON fits its schema, their refusals leave nothing behind, their help helps."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from labelvc.codec import schema
from tests.people import NAMES, Desk
from tests.trusting import desk, desk_template, people_keys

__all__ = ["desk", "desk_template", "people_keys"]


def read(desk: Desk, noun: str, *words: str) -> tuple[int, dict]:
    """Run a command with --format json and hold what it prints against its schema."""
    code, out, err = desk.labelvc(*words, "--format", "json")
    assert out, err
    document = json.loads(out)
    jsonschema.Draft202012Validator(schema.schema(noun)).validate(document)
    return code, document


def test_verify_in_every_state_fits_its_schema(desk: Desk):
    assert read(desk, "verify", "verify", "main...topic")[1]["items"][0]["state"] == "missing"
    desk.approve("ben")
    assert read(desk, "verify", "verify", "main...topic")[1]["items"][0]["approvals"]
    desk.approve("cleo", "main...topic", "reviewer", "--decision", "reject", "--reason", "no")
    _, document = read(desk, "verify", "verify", "main...topic")
    assert document["items"][0]["state"] == "rejected"
    assert document["summary"]["roots"][0]["pinned"] is False
    desk.relabel("odd", "rev-2", who="zoe")
    assert read(desk, "verify", "verify", "main...topic")[0] == 2
    assert read(desk, "verify", "verify", "--all", "main")[1]["summary"]["states"] == {"ungoverned": 2}
    assert read(desk, "verify", "verify", "main..main") == (
        0,
        {"schema": "urn:labelvc:schema:verify:1", **_nothing(desk)},
    )


def _nothing(desk: Desk) -> dict:
    main = desk.git("rev-parse", "main")
    roots = json.loads(desk.labelvc("policy", "show", "--format", "json")[1])["summary"]["root"]
    return {
        "base": main,
        "head": main,
        "summary": {"steps": 0, "states": {}, "roots": [{"root": roots, "pinned": False}]},
        "items": [],
    }


def test_verify_jsonl_is_one_step_a_line(desk: Desk):
    code, out, _ = desk.labelvc("verify", "--all", "--format", "jsonl")
    assert [json.loads(line)["state"] for line in out.splitlines()] == ["ungoverned", "ungoverned", "missing"]
    assert code == 1


def test_verify_says_in_words_who_can(desk: Desk):
    code, out, _ = desk.labelvc("verify", "main...topic")
    assert code == 1
    assert "0 of 1 reviewer; ben, cleo can" in out
    assert "not approved: reviews/rev-1#r1" in out
    assert "next: labelvc approve main...topic --role reviewer" in out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("verify", "nowhere"), 2),
        (("verify", "a...b"), 2),
        (("verify", "--root", "x"), 2),
        (("approve", "main...topic"), 2),
        (("approve", "main", "--role", "reviewer"), 2),
        (("approve", "main...topic", "--role", "reviewer", "--decision", "maybe"), 2),
        (("approve", "main...topic", "--role", "reviewer", "--key", "nowhere"), 2),
        (("key", "show", "zoe"), 2),
        (("key", "use", "nowhere"), 2),
        (("policy", "remove", "zoe"), 2),
        (("policy", "remove", "ben", "--role", "lead"), 2),
        (("trust", "init"), 1),
        (("trust", "sign"), 2),
        (("trust", "rotate", "--remove", "zoe"), 2),
        (("trust", "rotate", "--add", "zoe"), 2),
    ],
)
def test_what_cannot_be_done_is_said_in_three_lines(desk: Desk, words: tuple[str, ...], code: int):
    before = desk.git("status", "--porcelain")
    got, out, err = desk.labelvc(*words)
    assert (got, out) == (code, "")
    assert err.startswith("error: ")
    assert "Traceback" not in err
    assert desk.git("status", "--porcelain") == before


def test_a_second_init_is_refused(desk: Desk):
    code, _, err = desk.labelvc("trust", "init", "--key", desk.key("ben"))
    assert code == 1
    assert "has a root of trust" in err


def test_a_repository_without_policy_says_so(repo: Path, labelvc, git):
    (repo / "labelvc.yaml").write_text("x: 1\n")
    git(repo, "add", ".")
    git(repo, "commit", "-qm", "x")
    for words in (("policy", "show"), ("key", "list"), ("approve", "HEAD...HEAD", "--role", "x")):
        code, _, err = labelvc(repo, *words)
        assert code == 2
        assert "labelvc trust init" in err
    assert labelvc(repo, "verify")[0] == 0
    assert labelvc(repo, "verify", "--root", "sha256:" + "0" * 64)[0] == 2


def test_an_empty_repository_says_so(repo: Path, labelvc):
    code, _, err = labelvc(repo, "verify")
    assert code == 2
    assert "no commit yet" in err


def test_policy_show_and_key_list_fit_their_schemas(desk: Desk):
    _, document = read(desk, "policy-show", "policy", "show")
    assert [(person["id"], person["name"]) for person in document["items"]] == list(NAMES.items())
    assert document["summary"]["roles"] == {"lead": ["ada"], "reviewer": ["ada", "ben", "cleo"], "root": ["ada"]}
    _, document = read(desk, "key", "key", "list")
    assert [row["principal"] for row in document["items"]] == list(NAMES)
    _, out, _ = desk.labelvc("policy", "show")
    assert "3 must" not in out
    assert "otherwise   denied" in out
    assert desk.labelvc("key", "show", "ben")[1].startswith("ssh-ed25519 AAAA")


def test_a_person_gets_more_keys_roles_and_addresses(desk: Desk):
    more = [
        "--role",
        "lead",
        "--email",
        "ben@home.example",
        "--key",
        desk.key("ben2") + ".pub",
        "--sign-with",
        desk.key("ada"),
    ]
    assert desk.labelvc("policy", "add", "ben", *more)[0] == 0
    _, document = read(desk, "policy-show", "policy", "show")
    ben = next(person for person in document["items"] if person["id"] == "ben")
    assert (len(ben["keys"]), ben["emails"]) == (2, ["ben@example.com", "ben@home.example"])
    assert document["summary"]["version"] == 4
    assert (
        desk.labelvc("policy", "remove", "ben", "--key", desk.key("ben2") + ".pub", "--sign-with", desk.key("ada"))[0]
        == 0
    )
    assert desk.labelvc("policy", "remove", "ben", "--role", "lead", "--sign-with", desk.key("ada"))[0] == 0
    _, document = read(desk, "policy-show", "policy", "show")
    assert document["summary"]["roles"]["lead"] == ["ada"]
    assert desk.git("diff", "--cached", "--name-only") == "trust/policy.json"


def test_a_new_person_needs_a_name_and_a_known_role(desk: Desk):
    code, _, err = desk.labelvc("policy", "add", "dora", "--sign-with", desk.key("ada"))
    assert code == 2
    assert "needs a name" in err
    code, _, err = desk.labelvc(
        "policy", "add", "dora", "--name", "Dora", "--role", "boss", "--sign-with", desk.key("ada")
    )
    assert code == 2
    assert "roles it has: lead, reviewer" in err


@pytest.mark.parametrize("name", ["A\u202eB", "A\x1b[31mB", "A\u200bB", "A\nB", "e\u0301"])
def test_a_name_that_shows_as_another_is_not_enrolled(desk: Desk, name: str):
    before = desk.git("status", "--porcelain")
    words = ("policy", "add", "dora", "--name", name, "--role", "reviewer", "--sign-with", desk.key("ada"))
    code, out, err = desk.labelvc(*words)
    assert (code, out, desk.git("status", "--porcelain")) == (2, "", before)
    assert (name in err, "next: " in err) == (False, True), err


def test_only_a_root_key_signs_a_policy(desk: Desk):
    code, _, err = desk.labelvc("policy", "add", "dora", "--name", "Dora", "--sign-with", desk.key("ben"))
    assert code == 1
    assert "none of those that the root lets sign" in err
    assert desk.git("status", "--porcelain") == ""


def test_policy_check_tells_what_is_worth_mending(desk: Desk):
    code, out, _ = desk.labelvc("policy", "check")
    assert code == 1
    assert "threshold 1" in out
    assert "nobody can approve as lead what ada changed" in out
    desk.write("trust/policy.json", (desk.folder / "trust/policy.json").read_bytes()[:-5])
    code, _, err = desk.labelvc("policy", "check")
    assert code == 2
    assert "trust/policy.json" in err


def test_ci_as_a_principal(desk: Desk):
    more = ["--name", "Pipeline", "--kind", "ci", "--key", desk.key("mallory") + ".pub", "--sign-with", desk.key("ada")]
    assert desk.labelvc("policy", "add", "pipeline", *more)[0] == 0
    assert "Pipeline (ci)" in desk.labelvc("policy", "show")[1]


def test_verify_works_in_a_bare_and_refuses_a_shallow_clone(desk: Desk, tmp_path: Path):
    desk.approve("ben")
    desk.git("clone", "-q", "--bare", str(desk.folder), str(tmp_path / "bare.git"))
    code, out, err = desk.run(tmp_path / "bare.git", "verify", "main...topic")
    assert code == 0, out + err
    desk.git("clone", "-q", "--depth", "1", f"file://{desk.folder}", str(tmp_path / "shallow"))
    code, _, err = desk.run(tmp_path / "shallow", "verify")
    assert code == 2
    assert "git fetch --unshallow" in err


@pytest.mark.parametrize(
    "words", [("approve",), ("verify",), ("key",), ("key", "list"), ("policy",), ("policy", "add"), ("trust", "init")]
)
def test_help(desk: Desk, words: tuple[str, ...]):
    code, out, _ = desk.labelvc(*words, "--help")
    assert code == 0
    assert "Usage: labelvc" in out


def test_an_id_or_role_that_cannot_be_is_bad_input(desk: Desk):
    more = ["--name", "X", "--sign-with", desk.key("ada")]
    code, _, err = desk.labelvc("policy", "add", "Dora Doe", *more)
    assert (code, 'next: labelvc policy add dora-doe --name "FULL NAME"' in err) == (2, True)
    code, _, err = desk.labelvc("approve", "main...topic", "--role", "nobody", "--key", desk.key("ben"))
    assert (code, "next: roles it has: lead, reviewer, root" in err) == (2, True)
