"""A taxonomy of 829 labels with 43 renames, 300 merges and a few splits under stable ids: every record ends where it must."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from pathlib import Path

import pytest

from labelvc.codec import document
from labelvc.core import lineage
from labelvc.core.lineage import Operation

LABELS, RENAMES, MERGES, SPLITS = 829, 43, 300, 4
PEOPLE = (("a1", "ada"), ("a2", "ben"))
HEAD = "schema: urn:labelvc:schema:taxonomy:1\nname: topics\nversion: {version}\nlabels:\n"


def ids() -> list[str]:
    return [f"code-{number:04d}" for number in range(LABELS)]


def replayed() -> tuple[dict, dict[str, str], set[str]]:
    """Return what the document says after all, where each label went by an account of its own, and which were split."""
    rng = random.Random(829)
    value = {
        "version": "2.0.0",
        "labels": [{"id": name, "name": f"Name of {name}"} for name in ids()],
        "lineage": [],
    }
    lives = {name: name for name in ids()}
    split: set[str] = set()
    kinds = ["rename"] * RENAMES + ["merge"] * MERGES + ["split"] * SPLITS
    rng.shuffle(kinds)
    for number, kind in enumerate(kinds):
        left = sorted(set(lives.values()) - split)
        one, two = rng.sample(left, 2)
        asked = {
            "rename": Operation("rename", (one,), (), f"Other name {number}"),
            "merge": Operation("merge", (one,), (two,)),
            "split": Operation("split", (one,), (f"{one}-a", f"{one}-b")),
        }[kind]
        edits = lineage.changes(value, asked)
        value = document.edited(value, {**edits.values, ("lineage", "-"): dict(lineage.step(asked, "2.0.0"))})
        value["labels"] = [*value["labels"], *edits.fresh]
        if kind == "merge":
            lives = {name: two if now == one else now for name, now in lives.items()}
        split |= {one} if kind == "split" else set()
    return value, lives, split


@pytest.fixture
def labels(repo, labelvc, git, tmp_path) -> Path:
    """Return a project with the taxonomy as it began, and two answers for each of its labels."""
    assert labelvc(repo, "init", "--template", "classification")[0] == 0
    rows = "".join([f"  - {{id: {name}, name: Name of {name}}}\n" for name in ids()])
    (repo / "taxonomies/topics.yaml").write_text(HEAD.format(version="1.0.0") + rows)
    (repo / "guidelines/topic.yaml").write_text(
        "schema: urn:labelvc:schema:guideline:1\nname: topic\nversion: 1.0.0\ntitle: T\nstatus: active\ntaxonomy: topics\nlabels: {}\n"
    )
    assert labelvc(repo, "taxonomy", "publish", "topics")[0] == 0
    answers = [f"{at},i-{name},text,{who},{name}\n" for name in ids() for at, who in PEOPLE]
    (tmp_path / "in.csv").write_text("id,item,text,annotator,label\n" + "".join(answers))
    code, _, err = labelvc(repo, "import", "csv", str(tmp_path / "in.csv"), "--dataset", "texts")
    assert code == 0, err
    git(repo, "add", "--all")
    git(repo, "commit", "-qm", "begin")
    return repo


def test_829_labels_with_43_renames_and_300_merges_are_migrated_as_an_account_of_its_own_says(labels, labelvc, git):
    value, lives, split = replayed()
    assert sum(step["kind"] == "rename" for step in value["lineage"]) == RENAMES
    path = labels / "taxonomies/topics.yaml"
    head = HEAD.format(version="2.0.0").encode()
    path.write_bytes(document.edit(head, {}, {("labels",): value["labels"], ("lineage",): value["lineage"]}))
    before = time.process_time()
    code, out, err = labelvc(labels, "taxonomy", "publish", "topics", "--format", "json")
    assert (code, json.loads(out)["summary"]["version"] if code == 0 else out + err) == (0, "2.0.0")
    code, out, err = labelvc(labels, "taxonomy", "migrate", "topics", "--dry-run", "--format", "json")
    assert code == 1, err  # what was split is for people
    told = json.loads(out)
    moved = {item["key"]: item["to"] for item in told["items"] if item["kind"] == "moved"}
    goes = {name: now for name, now in lives.items() if now != name and now not in split}
    expected = {f"texts/i-{name}#{at}": [now] for name, now in goes.items() for at, _ in PEOPLE}
    assert moved == expected
    opened = Counter(item["from"][0] for item in told["items"] if item["kind"] == "open")
    assert opened == Counter(dict.fromkeys([name for name, now in lives.items() if now in split], 2))
    assert told["summary"]["alike"] == 0
    assert set(told["summary"]["annotators"].values()) == {len(expected) // 2}
    assert sum(way["records"] for way in told["summary"]["labels"]) == len(expected)
    assert labelvc(labels, "taxonomy", "migrate", "topics")[0] == 1
    code, out, _ = labelvc(labels, "taxonomy", "migrate", "topics", "--dry-run", "--format", "json")
    assert json.loads(out)["summary"]["moved"] == 0
    assert time.process_time() - before < 60
