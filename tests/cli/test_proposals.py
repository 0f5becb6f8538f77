"""guideline propose: what gave rise to a change is kept with it until a published version takes it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from labelvc.codec import document, schema

ON = ("--on", "2026-11-02")
PROPOSE = ("guideline", "propose", "topic")
ROWS = """id,item,text,annotator,label
a1,m1,Where is my parcel?,anna,delivery
a1,m2,The vase arrived in pieces.,anna,delivery
"""


@pytest.fixture
def labels(repo, labelvc, git, ssh_key, tmp_path) -> Path:
    """Return a project with two records and a guideline that shows one of them as something else."""
    code, _, err = labelvc(repo, "init", "--template", "classification", "--name", "demo", "--key", str(ssh_key("ada")))
    assert code == 0, err
    (tmp_path / "in.csv").write_text(ROWS)
    assert labelvc(repo, "import", "csv", str(tmp_path / "in.csv"), "--dataset", "texts")[0] == 0
    change(
        repo,
        "      - text: Tracking has not",
        "      - {record: texts/m2#a1, label: order}\n      - text: Tracking has not",
    )
    assert labelvc(repo, "guideline", "publish", "topic")[0] == 0
    git(repo, "add", "--all")
    git(repo, "commit", "-qnm", "Begin")
    return repo


def change(repo: Path, old: str, new: str) -> None:
    path = repo / "guidelines/topic.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def run(repo: Path, labelvc, *words: str, code: int = 0) -> str:
    found, out, err = labelvc(repo, *words)
    assert found == code, out + err
    return out if code == 0 else err


def said(repo: Path, name: str) -> dict:
    return document.read((repo / f"registers/proposal/{name}.yaml").read_bytes())


def test_a_finding_says_itself_what_it_is_about(labels, labelvc):
    told = json.loads(labelvc(labels, "check", "--all", "--format", "json")[1])
    (found,) = [one for one in told["items"] if one["rule"] == "example.contradicted"]
    run(labels, labelvc, *PROPOSE, "--from", "finding", found["fingerprint"][:8], "--text", "It came.", *ON)
    assert (labels / "registers/proposal/0001-topic-delivery-examples.yaml").read_text() == snapshot("""\
schema: urn:labelvc:schema:register-proposal:1
id: proposal/0001-topic-delivery-examples
title: "topic: delivery, examples"
owner: ada-author
opened: "2026-11-02"
status: open
guideline: topic
label: delivery
block: examples
text: "It came."
from:
  kind: finding
  rule: example.contradicted
  fingerprints:
    - c8c031727d2c741a
  records:
    - "texts/m2#a1"
  said: "the record texts/m2#a1 says delivery, the example order"
""")
    run(labels, labelvc, *PROPOSE, "--from", "finding", "example.contradicted", "--title", "Again", *ON)
    assert said(labels, "0002-again")["from"] == said(labels, "0001-topic-delivery-examples")["from"]
    run(labels, labelvc, "check")


def test_feedback_is_a_document_a_file_or_words(labels, labelvc, tmp_path):
    run(labels, labelvc, "register", "new", "feedback", "--title", "Late", "--set", "said=What is late?", *ON)
    (tmp_path / "mail.txt").write_text("Nobody knows\nwhat is late.\n")
    feedback = (*PROPOSE, *ON, "--from", "feedback")
    run(labels, labelvc, *feedback, "feedback/1", "--label", "delivery")
    run(labels, labelvc, *feedback, f"@{tmp_path / 'mail.txt'}", "--block", "general")
    run(labels, labelvc, *feedback, "Late?", "--title", "Words")
    first = said(labels, "0001-topic-delivery")
    assert (first["links"], first["from"]) == (
        ["feedback/0001-late"],
        {"kind": "feedback", "document": "feedback/0001-late", "said": "What is late?"},
    )
    assert said(labels, "0002-topic-general")["from"]["said"] == "Nobody knows\nwhat is late."
    assert said(labels, "0003-words")["from"] == {"kind": "feedback", "said": "Late?"}
    run(labels, labelvc, "check")


def test_the_version_that_takes_a_proposal_names_and_closes_it(labels, labelvc, git):
    discussion = (*PROPOSE, *ON, "--from", "discussion", "https://example.org/7")
    for words in (("--label", "delivery", "--due", "2026-11-20"), ("--block", "ambiguity"), ("--label", "order")):
        run(labels, labelvc, *discussion, *words)
    assert run(labels, labelvc, "register", "list", "proposal", "--on", "2026-12-02") == snapshot("""\
proposal/0001-topic-delivery   ada-author  overdue since 2026-11-20  topic: delivery (guideline topic, label delivery)
proposal/0002-topic-ambiguity  ada-author  open                      topic: ambiguity (guideline topic, block ambiguity)
proposal/0003-topic-order      ada-author  open                      topic: order (guideline topic, label order)
""")
    assert labelvc(labels, "register", "overdue", "proposal", "--on", "2026-12-02")[0] == 1
    change(labels, "when it comes, or", "when it comes, that it is late, or")
    change(labels, "\nlabels:\n", "\nbecause: [proposal/0002-topic-ambiguity]\nlabels:\n")
    publish = ("guideline", "publish", "topic", "--takes", "1")
    before = git(labels, "status", "--porcelain")
    assert run(labels, labelvc, *publish, "--dry-run").endswith(
        "\ntakes proposal/0001-topic-delivery\ntakes proposal/0002-topic-ambiguity\n"
    )
    assert git(labels, "status", "--porcelain") == before
    told = json.loads(run(labels, labelvc, *publish, "--format", "json"))
    assert schema.problems("publication", told) == []
    assert told["summary"]["takes"] == ["proposal/0001-topic-delivery", "proposal/0002-topic-ambiguity"]
    guideline = document.read((labels / "guidelines/topic.yaml").read_bytes())
    assert guideline["labels"]["delivery"]["because"] == ["proposal/0001-topic-delivery"]
    assert guideline["because"] == ["proposal/0002-topic-ambiguity"]
    closed = said(labels, "0001-topic-delivery")
    assert (closed["status"], closed["closed"]["reason"], closed["closed"]["by"]) == (
        "closed",
        "topic@2.0.0 takes it",
        "ada-author",
    )
    assert said(labels, "0002-topic-ambiguity")["status"] == "closed"
    assert said(labels, "0003-topic-order")["status"] == "open"
    run(labels, labelvc, "check")
    assert "proposal/0001-topic-delivery was closed" in run(labels, labelvc, *publish, code=1)


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("finding", "label.unknown"), 2, "the rule has found nothing here: 'label.unknown'"),
        (("finding", "0123456789abcdef"), 2, "no finding has this fingerprint here"),
        (("finding", "b4"), 2, "no finding has this fingerprint here"),
        (("feedback", "feedback/9"), 2, "there is no 'feedback/9' in the registers"),
        (("feedback", " "), 2, "nothing was said"),
        (("feedback", "@gone.txt"), 2, "cannot be read: No such file or directory"),
        (("feedback", "two", "words"), 2, "one SOURCE of feedback"),
        (("discussion", "the forum"), 2, "'the forum' is no address"),
        (("feedback", "x", "--label", "delivry"), 2, "choose one of: delivery"),
        (("feedback", "x", "--label", "order", "--block", "general"), 2, "general is no block of a label"),
        (("feedback", "x", "--block", "definition"), 2, "definition is a block of a label, and none is named"),
    ],
)
def test_what_cannot_be_proposed_is_refused_and_nothing_written(labels, labelvc, git, words, code, told):
    assert told in run(labels, labelvc, *PROPOSE, "--from", *words, code=code)
    assert git(labels, "status", "--porcelain") == ""


def test_what_hides_findings_is_told(labels, labelvc):
    change(labels, "when it comes, or", "when it comes, that it is late, or")
    assert "; while guidelines/topic.yaml is wrong, no record is looked at\n  next: labelvc check --all\n" in run(
        labels, labelvc, *PROPOSE, "--from", "finding", "example.contradicted", code=2
    )


def test_a_proposal_for_a_guideline_that_there_is_not_is_found_while_it_is_open(labels, labelvc):
    run(labels, labelvc, *PROPOSE, "--from", "feedback", "Late?", "--title", "Words", *ON)
    path = labels / "registers/proposal/0001-words.yaml"
    path.write_text(path.read_text().replace("guideline: topic", "guideline: topics"))
    code, out, _ = labelvc(labels, "check")
    assert (code, "there is no guideline 'topics'; there is topic" in out) == (1, True), out
    path.write_text(
        path.read_text().replace("status: open", 'status: closed\nclosed: {on: "2026-12-02", reason: Gone.}')
    )
    assert labelvc(labels, "check")[0] == 0
