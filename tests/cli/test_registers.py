"""register: open, list, show, note, close and overdue as a user meets them, and what check, diff and approve make of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from labelvc.codec import document, schema

NEW = ("register", "new")
ON = ("--on", "2026-12-02")


@pytest.fixture
def labels(repo, labelvc, git, ssh_key) -> Path:
    """Return a project with a policy that knows one person, `ada-author`, and the roles of a template."""
    key = str(ssh_key("ada"))
    code, _, err = labelvc(repo, "init", "--template", "classification", "--name", "demo", "--key", key)
    assert code == 0, err
    git(repo, "add", "--all")
    git(repo, "commit", "-qm", "Begin")
    return repo


@pytest.fixture
def opened(labels, labelvc) -> Path:
    """Return the project with a decision, a risk and a source."""
    for words in (
        ("decision", "--title", "One label, or two?", "--due", "2026-12-15", "--set", "escalation=[{after: 7, to: lead}]"),
        ("risk", "--title", "Faces in pictures", "--set", "likelihood=3", "--set", "impact=5", "--owner", "reviewer"),
        ("source", "--title", "Street pictures", "--set", "licence=CC-BY-4.0", "--set", "expires=2027-06-30"),
    ):  # fmt: skip
        code, _, err = labelvc(labels, *NEW, *words, *ON)
        assert code == 0, err
    return labels


def valid(noun: str, text: str) -> dict:
    told = json.loads(text)
    assert schema.problems(noun, told) == []
    return told


def test_a_document_is_opened_noted_and_closed(opened, labelvc):
    path = opened / "registers/decision/0001-one-label-or-two.yaml"
    assert path.read_text() == snapshot("""\
schema: urn:labelvc:schema:register-decision:1
id: decision/0001-one-label-or-two
title: "One label, or two?"
owner: ada-author
opened: "2026-12-02"
due: "2026-12-15"
status: open
escalation:
  - after: 7
    to: lead
""")
    path.write_text(path.read_text().replace("due:", "# after the pilot\ndue:"))
    code, out, err = labelvc(
        opened, "register", "note", "decision/1", "Asked the annotators.", "--due", "2026-12-20", "--on", "2026-12-05"
    )
    assert code == 0, err
    code, out, err = labelvc(opened, "register", "close", "decision/0001", "--reason", "Two.", "--on", "2026-12-10")
    assert (code, out, err) == (
        0,
        snapshot("""\
decision/0001-one-label-or-two  One label, or two?
  owner       ada-author
  opened      2026-12-02
  due         2026-12-20
  escalation  after 7 to lead
  2026-12-05  ada-author: Asked the annotators.
  closed      2026-12-10 ada-author: Two.
"""),
        snapshot(
            "next: git add registers/decision/0001-one-label-or-two.yaml && git commit -m 'Close decision/0001-one-label-or-two'\n"
        ),
    )
    assert "# after the pilot" in path.read_text()
    said = document.read(path.read_bytes())
    assert said["closed"] == {"on": "2026-12-10", "reason": "Two.", "by": "ada-author"}
    assert labelvc(opened, "check", "--all")[0] == 0
    code, _, err = labelvc(opened, "register", "close", "decision/0001", "--reason", "Again.")
    assert (code, "was closed on 2026-12-10: Two." in err) == (1, True), err
    code, _, err = labelvc(opened, *NEW, "decision", "--title", "Next", *ON)
    assert (code, (opened / "registers/decision/0002-next.yaml").is_file()) == (0, True), err


def test_lists_and_what_is_overdue(opened, labelvc):
    assert labelvc(opened, "register", "list", *ON)[1] == snapshot("""\
decision/0001-one-label-or-two  ada-author  open until 2026-12-15  One label, or two?
risk/0001-faces-in-pictures     reviewer    open                   Faces in pictures (likelihood 3, impact 5, level high)
source/0001-street-pictures     ada-author  open                   Street pictures (licence CC-BY-4.0)

likelihood
  5  . medium . high   . high   . severe . severe
  4  . low    . medium . high   . severe . severe
  3  . low    . medium . medium . high   1 high
  2  . low    . low    . medium . medium . high
  1  . low    . low    . low    . low    . medium
     1        2        3        4        5        impact
""")
    assert labelvc(opened, "register", "overdue", "--on", "2026-12-15") == (0, "nothing is overdue\n", "")
    code, out, _ = labelvc(opened, "register", "overdue", "--on", "2026-12-16")
    assert (code, out) == (
        1,
        snapshot("decision/0001-one-label-or-two  ada-author  overdue since 2026-12-15  One label, or two?\n"),
    )
    code, out, _ = labelvc(opened, "register", "overdue", "--on", "2027-07-01", "--format", "json")
    told = valid("register-list", out)
    assert (code, told["summary"]) == (1, {"on": "2027-07-01", "open": 2, "closed": 0, "overdue": 2})
    assert [one["overdue"] for one in told["items"]] == [
        {"member": "due", "since": "2026-12-15", "asked": "lead"},
        {"member": "expires", "since": "2027-06-30", "asked": ""},
    ]
    assert labelvc(opened, "register", "overdue", "risk", "--on", "2030-01-01")[0] == 0
    code, out, _ = labelvc(opened, "register", "list", "--overdue", "--on", "2030-01-01", "--format", "jsonl")
    assert (code, [json.loads(line)["kind"] for line in out.splitlines()]) == (0, ["decision", "source"])
    assert labelvc(opened, "register", "list", "--open", "--at", "HEAD")[1] == "no documents\n"
    told = valid("register-show", labelvc(opened, "register", "show", "risk/1", "--format", "json")[1])
    assert told["items"][0]["document"]["impact"] == 5


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("risk", "--title", "X"), "a risk needs impact; a risk needs likelihood"),
        (("risk", "--title", "X", "--set", "likelihod=3"), "a risk has no member 'likelihod'; did you mean 'likelihood'?"),
        (("decision", "--title", "X", "--set", "colour=3"), "next: choose one of: closed, escalation, links, about"),
        (("decision", "--title", "X", "--set", "escalation=[{after: x, to: lead}]"), "error: escalation/0/after must be a whole number"),
        (("risk", "--title", "X", "--set", "likelihood=3", "--set", "impact=6"), "error: impact must be at most 5"),
        (("decision", "--title", "X", "--due", "2026-12-01"), "error: due is before the day it was opened"),
        (("decision", "--title", "X", "--link", "risk/0009-none"), "error: links/0 there is no 'risk/0009-none'"),
        (("source", "--title", "X", "--set", "licence=MIT", "--set", "expires=2027-02-30"), "error: expires is no day of the calendar"),
        (("feedback", "--title", "X", "--set", "said"), "'said' is not MEMBER=VALUE"),
        (("feedback", "--title", "X", "--set", "said=a: b\nc: d"), ""),
        (("gossip", "--title", "X"), "'gossip' is not one of"),
        (("decision", "--title", "é/../../x"), ""),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_and_nothing_written(labels, labelvc, git, words, said):
    code, _, err = labelvc(labels, *NEW, *words, *ON)
    assert (code, said in err) == (2 if said else 0, True), err
    if said:
        assert git(labels, "status", "--porcelain") == ""
    else:
        assert labelvc(labels, "check", "--all")[0] == 0


def test_without_a_policy_an_owner_must_be_named_and_may_be_anybody(repo, labelvc, git):
    assert labelvc(repo, "init", "--template", "rating")[0] == 0
    code, _, err = labelvc(repo, *NEW, "decision", "--title", "X")
    assert (code, "--owner" in err) == (2, True)
    assert labelvc(repo, *NEW, "decision", "--title", "X", "--owner", "anybody")[0] == 0
    code, out, err = labelvc(repo, "check", "--all")
    assert code == 0, out + err


def wrong(labels: Path, name: str, old: str, new: str) -> None:
    path = labels / f"registers/{name}.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("name", "old", "new", "rule", "place"),
    [
        ("risk/0001-faces-in-pictures", "owner: reviewer", "owner: nobody", "register.owner", ":4"),
        ("risk/0001-faces-in-pictures", "status: open", "status: closed", "document.schema", ""),
        ("risk/0001-faces-in-pictures", "status: open", "status: closed\nclosed: {on: '2026-12-01', reason: x}", "document.register", ":7"),
        ("risk/0001-faces-in-pictures", "id: risk/0001-faces", "id: risk/0002-faces", "document.register", ":2"),
        ("risk/0001-faces-in-pictures", "status: open", "status: open\nlinks: [risk/0001-face-in-pictures]", "document.register", ":7"),
        ("risk/0001-faces-in-pictures", "impact: 5", "impact: 5\nimpact: 5", "document.yaml", ""),
    ],
)  # fmt: skip
def test_check_finds_it(opened, labelvc, name, old, new, rule, place):
    wrong(opened, name, old, new)
    for words in (("--all",), ()):
        code, out, _ = labelvc(opened, "check", *words)
        assert (code, rule in out, f"registers/{name}.yaml" in out) == (1, True, True), out
    code, out, _ = labelvc(opened, "check", "--all", "--format", "json")
    (found,) = valid("check", out)["items"]
    assert (found["rule"], f":{found['place']['line']}".endswith(place)) == (rule, True), found


def test_who_may_not_decide_is_told(opened, labelvc):
    wrong(opened, "decision/0001-one-label-or-two", "status: open", "status: open\ndeciders: [board]")
    assert labelvc(opened, "register", "close", "decision/1", "--reason", "Two.", "--on", "2026-12-10")[0] == 0
    code, out, _ = labelvc(opened, "check", "--all")
    assert (code, "register.rights" in out, "only board may decide" in out) == (0, True, True), out


def test_who_may_not_decide_lets_nothing_out(opened, labelvc, tmp_path):
    name, words = "decision/0001-one-label-or-two", ("--because", "decision/1", "-o", str(tmp_path / "out.jsonl"))
    wrong(opened, name, "status: open", "status: open\npermits: {export: [texts]}\ndeciders: [board]")
    assert labelvc(opened, "register", "close", "decision/1", "--reason", "Go.", "--on", "2026-12-10")[0] == 0
    code, _, err = labelvc(opened, "export", "jsonl", "--dataset", "texts", *words)
    assert (code, "and only board may decide" in err, "next: " in err) == (1, True, True), err
    wrong(opened, name, "deciders: [board]", "deciders: [reviewer, lead]")
    code, _, err = labelvc(opened, "export", "jsonl", "--dataset", "texts", *words)
    assert "may decide" not in err, err


def test_a_kind_that_there_is_not_and_a_link_to_elsewhere(opened, labelvc, tmp_path):
    strange = opened / "registers/gossip/0001-x.yaml"
    strange.parent.mkdir()
    strange.write_text((opened / "registers/risk/0001-faces-in-pictures.yaml").read_text())
    code, out, _ = labelvc(opened, "check", "--all")
    assert (code, "there is no register of the kind 'gossip'" in out) == (1, True), out
    strange.unlink()
    (tmp_path / "elsewhere.yaml").write_text("x: 1\n")
    strange.symlink_to(tmp_path / "elsewhere.yaml")
    code, out, _ = labelvc(opened, "check", "--all")
    assert (code, "file.link" in out) == (1, True), out


def test_a_person_who_left_owns_nothing_any_more_and_other_commands_go_on(opened, labelvc, git):
    git(opened, "add", "--all")
    git(opened, "commit", "-qm", "Registers")
    wrong(opened, "source/0001-street-pictures", "owner: ada-author", "owner: gone")
    code, out, _ = labelvc(opened, "diff")
    assert (code, out) == (
        0,
        snapshot("""\
~ registers/source/0001-street-pictures.yaml  document changed
    ~ /owner ada-author -> gone
"""),
    )
    assert labelvc(opened, "check")[0] == 1


def test_a_register_is_part_of_what_is_signed_and_of_the_policy(opened, labelvc, git):
    git(opened, "switch", "-qc", "registers")
    git(opened, "add", "--all")
    git(opened, "commit", "-qm", "Registers")
    code, out, err = labelvc(opened, "plumbing", "changeset", "main", "HEAD")
    keys = [json.loads(line)["k"] for line in out.splitlines()]
    assert (code, "registers/decision/0001-one-label-or-two.yaml" in keys) == (0, True), out + err
    code, out, _ = labelvc(opened, "verify", "main..HEAD")
    assert (code, "registers/" in out) == (1, True), out


@pytest.mark.parametrize("title", ["", "   ", "two\nlines", "\x1b[31mred"])
def test_a_title_is_one_line_that_can_be_read(opened, labelvc, title):
    code, _, err = labelvc(opened, *NEW, "decision", "--title", title)
    assert (code, "must be one line that can be read" in err) == (2, True), err


def test_no_dataset_sets_a_rule_of_registers(opened, labelvc):
    """Such a rule judges the project; it is none that an installed package would have to bring, either."""
    path = opened / "datasets/texts/dataset.yaml"
    rules = {name: {"severity": "note"} for name in ("document.register", "register.owner", "register.rights")}
    path.write_bytes(document.edit(path.read_bytes(), {("checks", name): said for name, said in rules.items()}))
    code, out, err = labelvc(opened, "check", "--all")
    assert (code, err, out.count("judges what no dataset can change; take the line out")) == (1, "", len(rules)), out
