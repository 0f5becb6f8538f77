"""batch new, list and show, and the pilot that a guideline needs before it is active."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from labelvc.codec import document, schema
from tests.cli.test_taxonomies import commit, run

PATH = "guidelines/topic.yaml"
ASKED = "guidelines: {pilot: {agreement: 0.7, alpha: 0.5, confusions: 1}}\n"


@pytest.fixture
def labels(repo, labelvc, git, tmp_path, monkeypatch) -> Path:
    """Return a project with forty messages that nobody answered, thirty of them e-mails, on a day that stays."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1796169600")  # 2026-12-02
    assert labelvc(repo, "init", "--template", "classification")[0] == 0
    rows = [
        {"item": f"m{at:02}", "text": f"message {at}", "channel": "chat" if at % 4 == 0 else "email"}
        for at in range(40)
    ]
    (tmp_path / "in.jsonl").write_text(
        "".join(
            [json.dumps({"id": row["item"], "text": row["text"], "channel": row["channel"]}) + "\n" for row in rows]
        )
    )
    bring(repo, labelvc, tmp_path)
    commit(repo, git)
    return repo


def bring(repo: Path, labelvc, folder: Path, answers: dict[str, tuple[str, str]] | None = None) -> None:
    """Import forty messages, and what ada and ben answered to some of them."""
    lines = [
        {"id": f"m{at:02}", "text": f"message {at}", "channel": "chat" if at % 4 == 0 else "email"} for at in range(40)
    ]
    said = answers or {}
    for item, both in said.items():
        for (name, who), label in zip((("r1", "ada"), ("r2", "ben")), both, strict=True):
            lines.append({"item": item, "id": name, "by": who, "rev": 1, "task": "topic", "value": {"label": label}})
    (folder / "in.jsonl").write_text("".join([json.dumps(line) + "\n" for line in lines]))
    code, out, err = labelvc(repo, "import", "jsonl", str(folder / "in.jsonl"), "--dataset", "texts")
    assert code == 0, out + err


NEW = (
    "batch",
    "new",
    "pilot-1",
    "--pilot",
    "--dataset",
    "texts",
    "--task",
    "topic",
    "--stratify",
    "channel",
    "--size",
    "12",
    "--seed",
    "7",
)


def drawn(repo: Path, name: str = "pilot-1") -> dict:
    value = document.read((repo / f"batches/{name}.yaml").read_bytes())
    assert schema.problems("batch", value) == []
    return value


def test_a_pilot_has_each_value_by_its_share_and_can_be_drawn_again(labels, labelvc, git):
    assert run(labels, labelvc, *NEW) == snapshot("""\
pilot-1: pilot, 12 items of texts for topic under topic@1.0.0
       3 of       10  chat
       9 of       30  email
""")
    value = drawn(labels)
    assert [(one["of"], one["size"], len(one["items"])) for one in value["strata"]] == [
        ("chat", 10, 3),
        ("email", 30, 9),
    ]
    assert (value["kind"], value["under"], value["seed"]) == ("pilot", "topic@1.0.0", "7")
    (labels / "batches/pilot-1.yaml").unlink()
    run(labels, labelvc, *NEW)
    assert drawn(labels) == value
    run(
        labels, labelvc, "batch", "new", "other", "--dataset", "texts", "--task", "topic", "--size", "12", "--seed", "8"
    )
    assert drawn(labels, "other")["strata"][0]["size"] == 40
    assert run(labels, labelvc, "check").startswith("no findings")
    assert Counter(line.split(":")[0] for line in run(labels, labelvc, "batch", "list").splitlines()) == {
        "other": 1,
        "pilot-1": 1,
    }
    code, _, err = labelvc(labels, *NEW)
    assert (code, "there is a batch of that name" in err) == (1, True)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("show", "nothing"), 2, "there is no batch 'nothing'"),
        (("new", "p", "--dataset", "texts", "--task", "mood", "--size", "3", "--seed", "1"), 2, "asks no task 'mood'"),
        (
            ("new", "p", "--dataset", "no", "--task", "topic", "--size", "3", "--seed", "1"),
            2,
            "there is no dataset 'no'",
        ),
        (
            ("new", "p", "--dataset", "texts", "--task", "topic", "--size", "3", "--seed", "1", "--stratify", "gener"),
            2,
            "no item of texts has the field /gener",
        ),
        (("new", "../p", "--dataset", "texts", "--task", "topic", "--size", "3", "--seed", "1"), 2, "is no name"),
    ],
)
def test_what_cannot_be_drawn(labels, labelvc, words, code, said):
    found, _, err = labelvc(labels, "batch", *words)
    assert (found, said in err) == (code, True), err


def test_a_guideline_is_active_when_a_pilot_agreed_and_its_confusion_is_answered(labels, labelvc, git, tmp_path):
    text = (labels / "labelvc.yaml").read_text()
    (labels / "labelvc.yaml").write_text(text + ASKED)
    publish = ("guideline", "publish", "topic", "--status", "active")
    assert labelvc(labels, *publish)[2] == snapshot("""\
error: the project asks for a pilot before a guideline is active, and there is none
  where: guidelines/topic.yaml
  next: labelvc batch new NAME --pilot --dataset D --task T --size 50 --seed 1
""")
    run(labels, labelvc, *NEW)
    items = [item for stratum in drawn(labels)["strata"] for item in stratum["items"]]
    assert "0 items with two answers; 10 are the least" in labelvc(labels, *publish)[2]
    said = {item: ("order", "payment") if at < 6 else ("other", "other") for at, item in enumerate(items)}
    bring(labels, labelvc, tmp_path, said)
    assert run(labels, labelvc, "batch", "show", "pilot-1") == snapshot("""\
pilot-1: pilot, 12 items of texts for topic under topic@1.0.0, drawn 2026-12-02 with the seed 7
       3 of       10  chat
       9 of       30  email
answered: 12; by two people or more: 12
agreement 0.50 (95 % between 0.20 and 0.80)
alpha     0.23 (95 % between -0.05 and 0.52)

taken for each other              pairs  in the guideline
order / payment                       6  told apart
""")
    told = json.loads(run(labels, labelvc, "batch", "show", "pilot-1", "--format", "json"))
    assert schema.problems("batch-show", told) == []
    (one,) = told["items"]
    assert (one["answered"], one["twice"], one["agreement"]["observed"]["value"]) == (12, 12, 0.5)
    assert one["confusions"] == [{"labels": ["order", "payment"], "pairs": 6, "told_apart": True}]
    assert [item for stratum in one["strata"] for item in stratum["items"]] == items
    listed = json.loads(run(labels, labelvc, "batch", "list", "--format", "json"))
    assert schema.problems("batch-list", listed) == []
    assert [(row["name"], row["items"], row["under"]) for row in listed["items"]] == [("pilot-1", 12, "topic@1.0.0")]
    assert [
        json.loads(line) for line in run(labels, labelvc, "batch", "list", "--format", "jsonl").splitlines()
    ] == listed["items"]
    assert labelvc(labels, *publish)[2] == snapshot("""\
error: the pilot pilot-1 agrees in 0.50 of pairs; 0.7 is asked
  where: guidelines/topic.yaml
  next: labelvc batch show pilot-1
""")
    said = {
        item: ("order", "other") if at < 2 else (("order", "order"), ("other", "other"))[at % 2]
        for at, item in enumerate(items)
    }
    bring(labels, labelvc, tmp_path, said)
    assert labelvc(labels, *publish)[2] == snapshot("""\
error: the pilot pilot-1 shows labels taken for each other that the guideline does not tell apart: order and other (2)
  where: guidelines/topic.yaml
  next: labelvc batch show pilot-1
""")
    words = (labels / PATH).read_text()
    assert words.count("(delivery)") == 1
    (labels / PATH).write_text(words.replace("(delivery)\n", "(delivery)\n      - nothing is wished for (other)\n"))
    assert "order / other                         2  told apart" in run(labels, labelvc, "batch", "show", "pilot-1")
    run(labels, labelvc, *publish)
    assert "status: active" in (labels / PATH).read_text()
    run(labels, labelvc, "check")
