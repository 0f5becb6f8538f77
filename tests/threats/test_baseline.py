"""Threats to the baseline: an exception excuses one value in one place, is nobody's own, and is never green without its key."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from labelvc.codec import canonical, subkeys
from labelvc.core import baseline, decide, gate
from labelvc.model.detection import BASELINE, Accepted
from labelvc.model.secret import ALPHABET, Epoch
from labelvc.ops import ceremony
from labelvc.store import keyring
from tests.threats.test_privacy import received
from tests.vaulting import Vaulted, recipients, vaulted, vaulted_template
from tests.zoo import ID, Zoo, zoo, zoo_template

__all__ = ["vaulted", "vaulted_template", "zoo", "zoo_template"]
Run = Callable[..., tuple[int, str, str]]
MAIL, OTHER = "jo.public@firma.de", "ju.public@firma.de"
MARK = re.compile(rf", ([{ALPHABET}]{{10}})\) stands")
PEM = "-----BEGIN EC PRIVATE KEY-----\nMHc\n-----END EC PRIVATE KEY-----\n"


@pytest.fixture(autouse=True)
def a_fixed_day(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1772355600")  # 2026-03-01


@pytest.fixture
def known(zoo: Zoo, labelvc: Run) -> Zoo:
    """Return a zoo with an address in a record and in a file, both accepted on `main`."""
    zoo.git("config", "user.email", "ada@example.com")
    zoo.begin_pseudonyms()
    zoo.change("pets/p2#", text=f"ask {MAIL}")
    zoo.write("notes.txt", f"ask {MAIL}\n")
    zoo.commit("As it was")
    accept(zoo, labelvc)
    zoo.commit("Answer for it")
    return zoo


def marks(zoo: Zoo, labelvc: Run) -> set[str]:
    return set(MARK.findall(labelvc(zoo.folder, "privacy", "scan", "--all")[1]))


def accept(zoo: Zoo, labelvc: Run, *words: str) -> str:
    (mark,) = marks(zoo, labelvc)
    code, out, err = labelvc(zoo.folder, "privacy", "accept", mark, "--why", "consented", *words)
    assert (code, MAIL in out + err) == (0, False), err
    return out


def scan(zoo: Zoo, labelvc: Run, *words: str) -> tuple[int, list[tuple[str, str, str]]]:
    code, out, err = labelvc(zoo.folder, "privacy", "scan", *words, "--format", "jsonl")
    assert "public@" not in out + err
    places = [(row["rule"], row["place"]) for row in map(json.loads, out.splitlines())]
    return code, [(rule, at["key"] or at["path"], at["pointer"]) for rule, at in places if rule != baseline.RULE]


def lines(zoo: Zoo) -> list[dict[str, Any]]:
    return [json.loads(line) for line in zoo.read(BASELINE).splitlines()]


def test_an_exception_names_place_rule_and_reason_and_no_value(known: Zoo):
    assert [(line["at"], line.get("pointer"), line["rule"], line["why"]) for line in lines(known)] == [
        ("notes.txt", None, "privacy.email", "consented"),
        ("pets/p2#", "/text", "privacy.email", "consented"),
    ]
    assert {line["by"][:4] for line in lines(known)} == {"prs_"}
    assert len({line["fp"] for line in lines(known)}) == 1
    assert b"public" not in known.read(BASELINE)
    assert b"ada" not in known.read(BASELINE)


def test_a_line_that_moves_and_an_edit_beside_it_stay_accepted(known: Zoo, labelvc: Run):
    assert scan(known, labelvc, "--all") == (0, [])
    known.change("pets/p2#", text=f"please ask {MAIL} now")
    known.write("notes.txt", f"x\ny\nask  {MAIL.upper()}\n")
    known.git("add", "--all")
    assert scan(known, labelvc, "--staged") == (0, [])
    assert labelvc(known.folder, "plumbing", "hook", "pre-commit")[0] == 0
    known.git("switch", "-qc", "topic")
    head = known.commit("Move it")
    assert scan(known, labelvc, "main..HEAD") == (0, [])
    known.git("switch", "-q", "main")
    known.git("branch", "-qD", "topic")
    assert received(known, known.git("rev-parse", "main"), head, "refs/heads/main") == (0, "")


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda zoo: zoo.change("pets/p2#", text=f"ask {OTHER}"), ("pets/p2#", "/text")),
        (lambda zoo: zoo.change("pets/p2#", text=f"ask {MAIL} or {OTHER}"), ("pets/p2#", "/text")),
        (lambda zoo: zoo.change("pets/p3#", text=f"ask {MAIL}"), ("pets/p3#", "/text")),
        (lambda zoo: zoo.change("pets/p2#", source=f"ask {MAIL}"), ("pets/p2#", "/source")),
        (lambda zoo: zoo.write("notes.txt", f"ask {OTHER}\n"), ("notes.txt", "")),
        (lambda zoo: zoo.write("more.txt", f"ask {MAIL}\n"), ("more.txt", "")),
    ],
)
def test_another_value_there_and_the_same_value_elsewhere_are_new(
    known: Zoo, labelvc: Run, change: Callable[[Zoo], None], found: tuple[str, str]
):
    change(known)
    known.git("add", "--all")
    assert scan(known, labelvc, "--staged") == (1, [("privacy.email", *found)])
    code, said = scan(known, labelvc, "--all")
    assert (code, ("privacy.email", *found) in said) == (1, True)


@pytest.mark.parametrize("apart", [True, False], ids=["one commit then the other", "one commit"])
def test_privacy_10_a_branch_cannot_excuse_itself(known: Zoo, labelvc: Run, apart: bool):
    base = known.git("rev-parse", "HEAD")
    known.git("switch", "-qc", "topic")
    known.change("pets/p3#", text=f"ask {MAIL}")
    accept(known, labelvc)
    if apart:
        saved = known.read(known.shard("pets/p3#"))
        known.git("restore", known.shard("pets/p3#"))
        known.commit("Excuse")
        known.write(known.shard("pets/p3#"), saved)
    known.git("add", "--all")
    if not apart:
        assert labelvc(known.folder, "plumbing", "hook", "pre-commit")[0] == 1
    head = known.commit("Use it")
    assert scan(known, labelvc, "main..topic") == (1, [("privacy.email", "pets/p3#", "/text")])
    assert labelvc(known.folder, "check", "main...topic")[0] == 1
    known.git("switch", "-q", "main")
    known.git("branch", "-qD", "topic")
    code, said = received(known, base, head, "refs/heads/main")
    assert (code, "an e-mail address" in said) == (1, True)
    known.git("merge", "-q", "--ff-only", head)
    assert scan(known, labelvc, "--all") == (0, [])


def test_without_the_gate_key_nobody_says_clean(known: Zoo, labelvc: Run):
    known.change("pets/p2#", text=f"please ask {MAIL}")
    known.git("add", "--all")
    assert labelvc(known.folder, "privacy", "scan")[0] == 0
    shutil.rmtree(known.folder / ".git/labelvc/keyring")
    for words in (
        ("privacy", "scan"),
        ("privacy", "scan", "--all"),
        ("check", "--staged"),
        ("plumbing", "hook", "pre-commit"),
    ):
        code, out, err = labelvc(known.folder, *words)
        assert (code, "could not tell" in err, MAIL in out + err) == (2, True, False), words
        assert "next: ask for it: labelvc pseudonym share --role gate" in err
    known.git("switch", "-qc", "topic")
    head = known.commit("Move it")
    assert labelvc(known.folder, "privacy", "scan", "main..HEAD")[0] == 2
    out = known.folder.parent / "out"
    code, _, _ = labelvc(known.folder, "ci", "--base", "main", "--head", "topic", "-o", str(out))
    told = (out / "summary.md").read_text()
    assert (code, "Could not be told" in told, "labelvc pseudonym share --role gate" in told) == (2, True, True), told
    assert MAIL not in "".join([path.read_text() for path in out.iterdir()])
    known.git("switch", "-q", "--detach", "main")
    known.git("branch", "-qD", "topic")
    assert received(known, known.git("rev-parse", "main"), head, "refs/heads/main")[0] == 2
    known.git("checkout", "-q", head)
    code, out, _ = labelvc(known.folder, "check", "--all", "--fail-on", "warning")
    assert (code, "only the gate key of epoch 'b' tells" in out) == (1, True)
    known.change("pets/p3#", text=f"ask {OTHER}")
    known.git("add", "--all")
    assert scan(known, labelvc, "--staged") == (1, [("privacy.email", "pets/p3#", "/text")])


def test_the_role_gate_tells_what_is_accepted_and_makes_no_token(vaulted: Vaulted, labelvc: Run):
    zoo = vaulted.zoo
    roles = recipients(vaulted.keys).replace("roles:\n", "roles:\n  gate: {people: [cleo]}\n")
    zoo.write("privacy/recipients.yaml", roles)
    zoo.git("config", "user.email", "ada@example.com")
    zoo.change("pets/p2#", text=f"ask {MAIL}")
    zoo.commit("As it was")
    accept(zoo, labelvc)
    zoo.commit("Answer for it")
    file = vaulted.keys / "gate"
    assert labelvc(zoo.folder, "pseudonym", "share", "--role", "gate", "-o", str(file))[0] == 0
    theirs = vaulted.copy().zoo
    shutil.rmtree(theirs.folder / ".git/labelvc")
    assert labelvc(theirs.folder, "privacy", "scan", "--all")[0] == 2
    assert labelvc(theirs.folder, "pseudonym", "accept", str(file), *vaulted.by("ben"))[0] == 2
    code, _, err = labelvc(theirs.folder, "pseudonym", "accept", str(file), *vaulted.by("cleo"))
    assert (code, "tells which findings are accepted of epoch b now" in err) == (0, True), err
    assert sorted(path.name for path in (theirs.folder / ".git/labelvc/keyring").iterdir()) == ["b.gate"]
    assert scan(theirs, labelvc, "--all") == (0, [])
    theirs.change("pets/p2#", text=f"ask {OTHER}")
    assert scan(theirs, labelvc, "--all")[0] == 1
    assert labelvc(theirs.folder, "privacy", "accept", "b" * 10, "--why", "public")[0] == 2
    (theirs.folder / ".git/labelvc/keyring/b.gate").chmod(0o644)
    code, _, err = labelvc(theirs.folder, "privacy", "scan", "--all")
    assert (code, "others may read the key" in err) == (2, True)


def test_a_gate_key_that_is_not_the_projects_excuses_nothing(known: Zoo, labelvc: Run):
    folder = known.folder / ".git/labelvc/keyring"
    (folder / "b.key").unlink()
    file = folder / "b.gate"
    file.write_text("labelvc-gate-key-v1 b " + "00" * 32 + "\n")
    file.chmod(0o600)
    assert scan(known, labelvc, "--all")[0] == 1


def test_what_ended_and_what_nothing_needs_are_findings(known: Zoo, labelvc: Run, monkeypatch: pytest.MonkeyPatch):
    known.change("pets/p4#", text=f"ask {OTHER}")
    (mark,) = marks(known, labelvc)
    words = ("privacy", "accept", mark, "--why", "synthetic", "--expires", "2026-03-02")
    assert labelvc(known.folder, *words) == (0, "privacy.email  pets/p4# /text\n", f"staged; next: git commit -m 'Answer for a finding' -- {BASELINE}, and have it approved\n")  # fmt: skip
    known.commit("Answer for it, for a day")
    assert labelvc(known.folder, "check", "--all", "--fail-on", "warning")[0] == 0
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1772528400")  # 2026-03-03
    code, out, _ = labelvc(known.folder, "check", "--all")
    assert (code, out.count("privacy.baseline"), "for privacy.email ended on 2026-03-02" in out) == (1, 1, True)
    assert scan(known, labelvc, "--all") == (1, [("privacy.email", "pets/p4#", "/text")])
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1772355600")
    known.change("pets/p2#", text="nobody")
    code, out, _ = labelvc(known.folder, "check", "--all", "--fail-on", "warning")
    assert (code, "nothing needs this exception for privacy.email" in out) == (1, True)
    code, out, _ = labelvc(known.folder, "check", "--fail-on", "warning")
    assert (code, out.count("nothing needs this exception")) == (1, 1)
    known.commit("Taken out")
    assert "nothing needs this exception" in labelvc(known.folder, "check", "HEAD~1..HEAD")[1]


@pytest.mark.parametrize("text", [PEM, "AGE-SECRET-KEY-1" + "Q" * 58, "labelvc-gate-key-v1 b " + "0f" * 32])
def test_a_key_can_be_accepted_by_nobody(known: Zoo, labelvc: Run, text: str):
    known.write("k.txt", text)
    code, out, _ = labelvc(known.folder, "privacy", "scan", "--all")
    assert (code, MARK.search(out)) == (1, None)
    secret = keyring.load(known.at, Epoch("b", "active", "", ""))
    key = subkeys.subkey(secret, ID, subkeys.GATE)
    by = lines(known)[0]["by"]
    made = {
        Accepted("k.txt", by, "b", gate.mark(key, "privacy.secret", "secret", said), "privacy.secret", "synthetic")
        for said in (text, text.strip())
    }
    held = {Accepted(**line) for line in lines(known)}
    known.write(BASELINE, baseline.write(held | made))
    code, out, _ = labelvc(known.folder, "privacy", "scan", "--all")
    assert (code, "k.txt" in out) == (1, True)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: b"".join(reversed(data.splitlines(keepends=True))),
        lambda data: data + data,
        lambda data: data.replace(b"consented", b"because"),
        lambda data: data.replace(b'"why"', b'"line":3,"why"'),
        lambda data: data.replace(b'{"at"', b'{ "at"'),
        lambda data: data.rstrip(b"\n"),
    ],
)
def test_a_baseline_that_is_not_as_written_governs_nothing(known: Zoo, labelvc: Run, spoil: Callable[[bytes], bytes]):
    known.write(BASELINE, spoil(known.read(BASELINE)))
    assert labelvc(known.folder, "check", "--all")[0] in (1, 2)
    assert labelvc(known.folder, "privacy", "scan", "--all")[0] == 2


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("b" * 10, "--why", "public"), 1),
        (("b" * 10, "--why", "because"), 2),
        (("MARK", "--why", "public", "--at", "pets/p9#"), 1),
        (("MARK", "--why", "public", "--expires", "2026-02-28"), 2),
        (("MARK", "--why", "public", "--expires", "soon"), 2),
    ],
)
def test_what_cannot_be_answered_for_is_refused_and_nothing_written(
    known: Zoo, labelvc: Run, words: tuple[str, ...], code: int
):
    known.change("pets/p3#", text=f"ask {OTHER}")
    (mark,) = marks(known, labelvc)
    before = known.read(BASELINE)
    assert labelvc(known.folder, "privacy", "accept", *[mark if word == "MARK" else word for word in words])[0] == code
    assert known.read(BASELINE) == before


def test_one_place_of_several_is_named(known: Zoo, labelvc: Run):
    for key in ("pets/p3#", "pets/p4#"):
        known.change(key, text=f"ask {OTHER}")
    assert accept(known, labelvc, "--at", "pets/p4#") == "privacy.email  pets/p4# /text\n"
    assert scan(known, labelvc, "--all") == (1, [("privacy.email", "pets/p3#", "/text")])


def test_the_policy_that_a_project_starts_with_asks_for_approval_of_it():
    assert decide.kind_of(BASELINE) == "privacy"
    policy = ceremony._first_policy(ID, {})
    assert [rule.name for rule in policy.rules if "privacy" in rule.kinds] == ["documents"]


def test_privacy_01_marks_tell_nothing_without_the_key(known: Zoo):
    """A key-less digest of any of many candidates, the right one among them, is no mark."""
    (mark,) = {line["fp"] for line in lines(known)}
    candidates = [MAIL, OTHER, *[f"person{number}@firma.de" for number in range(2000)]]

    def keyless() -> Iterator[str]:
        for value in candidates:
            for key in (b"", bytes(32), hashlib.sha256(value.encode()).digest(), ID.encode()):
                yield gate.mark(key, "privacy.email", "email", value)

    assert mark not in set(keyless())
    secret = keyring.load(known.at, Epoch("b", "active", "", ""))
    key = subkeys.subkey(secret, ID, subkeys.GATE)
    assert [value for value in candidates if gate.mark(key, "privacy.email", "email", value) == mark] == [MAIL]
    assert canonical.encode(lines(known)[0]) in known.read(BASELINE)
    assert Path(known.folder / ".git/labelvc/keyring/b.key").is_file()


def test_how_much_is_accepted_is_said_where_all_is_checked(known: Zoo, labelvc: Run):
    code, out, _ = labelvc(known.folder, "check", "--all")
    assert (code, out.splitlines()[-1].partition(";")[0]) == (0, "no findings, 2 accepted")
    found = json.loads(labelvc(known.folder, "check", "--all", "--format", "json")[1])
    assert found["summary"]["accepted"] == 2
    rows = [{**json.loads(line), "expires": "2026-02-01"} for line in known.read(BASELINE).splitlines()]
    known.write(BASELINE, b"".join(canonical.encode(row) + b"\n" for row in rows))
    assert "accepted" not in labelvc(known.folder, "check", "--all")[1].splitlines()[-1], "what ended excuses nothing"
