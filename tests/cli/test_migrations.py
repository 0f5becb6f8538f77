"""taxonomy migrate on every shape of an answer: the label alone is another one, and what a person must decide is a table."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from inline_snapshot import snapshot

from labelvc.codec import document, schema

TASKS = {
    "spans": {"type": "span", "taxonomy": "things"},
    "boxes": {"type": "box", "taxonomy": "things"},
    "ties": {"type": "relation", "taxonomy": "things"},
    "sets": {"type": "labels", "taxonomy": "things"},
    "shares": {"type": "soft", "taxonomy": "things"},
    "words": {"type": "token", "taxonomy": "things", "fields": ["form", "things", "head", "misc"]},
    "free": {"type": "token", "taxonomy": "things", "fields": ["form", "kind", "lemma"]},
    "notes": {"type": "text"},
}
TAXONOMY = """schema: urn:labelvc:schema:taxonomy:1
name: things
version: 1.0.0
labels:
  - {id: cup, name: Cup}
  - {id: mug, name: Mug}
  - {id: glass, name: Glass}
  - {id: jar, name: Jar}
"""
VALUES: dict[str, list[dict[str, Any]]] = {
    "spans": [{"label": "mug", "span": [0, 3], "text": "mug"}, {"label": "glass", "span": [4, 7], "text": "and"}],
    "boxes": [{"label": "mug", "box": [1, 2.5, 3, 4]}, {"empty": True}],
    "ties": [{"label": "mug", "from": "mug", "to": "cup"}],
    "sets": [{"labels": ["cup", "glass", "mug"]}, {"labels": ["jar", "mug"]}],
    "shares": [{"soft": {"cup": 0.25, "mug": 0.5, "glass": 0.25}}],
    "words": [{"form": "mug", "things": "mug", "head": "mug", "misc": "mug"}, {"form": "cup", "things": "jar", "head": "root"}],
    "free": [{"form": "mug", "kind": "mug", "lemma": "mug"}],
    "notes": [{"text": "mug"}],
}  # fmt: skip


@pytest.fixture
def labels(repo, labelvc, git, tmp_path) -> Path:
    """Return a project that asks all of the tasks, with an answer of each and a person in a declared field."""
    assert labelvc(repo, "init", "--template", "classification")[0] == 0
    path = repo / "labelvc.yaml"
    path.write_bytes(document.edit(path.read_bytes(), {("tasks",): TASKS}))
    (repo / "taxonomies/topics.yaml").unlink()
    (repo / "guidelines/topic.yaml").unlink()
    (repo / "taxonomies/things.yaml").write_text(TAXONOMY)
    path = repo / "datasets/texts/dataset.yaml"
    who = {"pointer": "/ext/jsonl/seen_by", "kind": "person"}
    tasks = dict.fromkeys(TASKS, False)
    path.write_bytes(document.edit(path.read_bytes(), {("tasks",): tasks, ("sensitive",): [who]}))
    for task, values in VALUES.items():
        rows = [
            {
                "item": "m1",
                "id": ("mug", "cup")[at] if task == "words" else f"{task}{at}",
                "text": "mug and",
                "by": f"p{at}",
                "value": value,
                "seen_by": "glass",
            }
            for at, value in enumerate(values)
        ]
        (tmp_path / "in.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        words = ("import", "jsonl", str(tmp_path / "in.jsonl"), "--dataset", "texts", "--task", task)
        code, _, err = labelvc(repo, *words, "--item", "item", "--value", "value", "--by", "by")
        assert code == 0, err
    assert labelvc(repo, "taxonomy", "publish", "things")[0] == 0
    git(repo, "add", "--all")
    git(repo, "commit", "-qnm", "Begin")
    return repo


def run(repo: Path, labelvc, *words: str, code: int = 0) -> str:
    found, out, err = labelvc(repo, *words)
    assert found == code, out + err
    return out


def records(repo: Path) -> Iterator[dict[str, Any]]:
    for path in (repo / "datasets/texts/annotations").rglob("*.jsonl"):
        yield from map(json.loads, path.read_text().splitlines())


def valid(text: str) -> dict[str, Any]:
    told = json.loads(text)
    assert schema.problems("taxonomy-migrate", told) == []
    return told


def test_a_merge_changes_the_label_of_every_shape_and_nothing_else(labels, labelvc):
    before = {row["id"]: row for row in records(labels)}
    assert all(re.fullmatch("prs_[a-z]+", row["ext"]["jsonl"]["seen_by"]) for row in before.values())
    run(labels, labelvc, "taxonomy", "merge", "things", "mug", "--into", "cup")
    told = valid(run(labels, labelvc, "taxonomy", "migrate", "things", "--format", "json"))
    after = {row["id"]: row for row in records(labels)}
    changed = {name: row["value"] for name, row in after.items() if row != before[name]}
    assert changed == {
        "spans0": {"label": "cup", "span": [0, 3], "text": "mug"},
        "boxes0": {"label": "cup", "box": [1, 2.5, 3, 4]},
        "ties0": {"label": "cup", "from": "mug", "to": "cup"},
        "sets0": {"labels": ["cup", "glass"]},
        "sets1": {"labels": ["cup", "jar"]},
        "shares0": {"soft": {"cup": 0.75, "glass": 0.25}},
        "mug": {"form": "mug", "things": "cup", "head": "mug", "misc": "mug"},
        "free0": {"form": "mug", "kind": "cup", "lemma": "mug"},
    }
    assert told["summary"]["moved"] == len(changed)
    for name in changed:
        old, new = before[name], after[name]
        assert new["origin"] == {**old["origin"], "migration": "things@2.0.0"}
        assert (new["rev"], new["by"], new["ext"]) == (old["rev"] + 1, old["by"], old["ext"])
    run(labels, labelvc, "check", "--all")
    assert run(labels, labelvc, "taxonomy", "migrate", "things").startswith("no record")


def test_a_split_is_a_table_by_rule_and_by_annotator(labels, labelvc):
    run(labels, labelvc, "taxonomy", "split", "things", "mug", "--into", "cup", "--into", "tankard")
    run(labels, labelvc, "taxonomy", "split", "things", "jar", "--into", "pot", "--into", "urn")
    out = run(labels, labelvc, "taxonomy", "migrate", "things", "--dry-run", code=1)
    people = {row["by"] for row in records(labels)}
    assert re.sub("prs_[a-z]+", "prs_x", out) == snapshot("""\
0 records would get another label by things@2.0.0

9 records of a label that was split: a person decides

mug -> cup or tankard, since 2.0.0
  prs_x         7
  prs_x         1

jar -> pot or urn, since 2.0.0
  prs_x         2

! texts/m1#boxes0  mug -> cup or tankard
! texts/m1#cup  jar -> pot or urn
! texts/m1#free0  mug -> cup or tankard
! texts/m1#mug  mug -> cup or tankard
! texts/m1#sets0  mug -> cup or tankard
! texts/m1#sets1  jar -> pot or urn
! texts/m1#sets1  mug -> cup or tankard
! texts/m1#shares0  mug -> cup or tankard
! texts/m1#spans0  mug -> cup or tankard
! texts/m1#ties0  mug -> cup or tankard
""")
    told = valid(run(labels, labelvc, "taxonomy", "migrate", "things", "--dry-run", "--format", "json", code=1))
    first, second = told["summary"]["splits"]
    assert (first["from"], first["to"], first["version"], first["records"]) == ("mug", ["cup", "tankard"], "2.0.0", 8)
    assert (sorted(first["annotators"].values()), {*first["annotators"]} <= people) == ([1, 7], True)
    assert (second["from"], second["annotators"].keys() <= people) == ("jar", True)


def test_what_nothing_follows_is_listed_by_label(labels, labelvc):
    run(labels, labelvc, "taxonomy", "deprecate", "things", "glass", "jar")
    run(labels, labelvc, "taxonomy", "merge", "things", "mug", "--into", "cup")
    out = run(labels, labelvc, "taxonomy", "migrate", "things", "--dry-run")
    assert out.endswith("""
4 records with a label that nothing follows: merge it into one, or correct them
         3  glass
         1  jar
"""), out
    told = valid(run(labels, labelvc, "taxonomy", "migrate", "things", "--format", "json"))
    assert told["summary"]["left"] == {"glass": 3, "jar": 1}


def test_what_says_the_same_again_keeps_its_migration(labels, labelvc, git, tmp_path):
    run(labels, labelvc, "taxonomy", "merge", "things", "mug", "--into", "cup")
    run(labels, labelvc, "taxonomy", "migrate", "things")
    git(labels, "add", "--all")
    git(labels, "commit", "-qnm", "Migrate")
    before = {row["id"]: row for row in records(labels)}
    for at, value, kept in (
        (0, {"label": "cup", "box": [1, 2.5, 3, 4]}, True),
        (1, {"label": "cup", "box": [1, 2, 3, 4]}, False),
    ):
        row = {"item": "m1", "id": "boxes0", "text": "mug and", "by": "p0", "value": value, "seen_by": "glass"}
        (tmp_path / "in.jsonl").write_text(f"{json.dumps(row)}\n")
        words = ("import", "jsonl", str(tmp_path / "in.jsonl"), "--dataset", "texts", "--task", "boxes")
        run(labels, labelvc, *words, "--item", "item", "--value", "value", "--by", "by")
        (after,) = [row for row in records(labels) if row["id"] == "boxes0"]
        assert (after == before["boxes0"], after["rev"]) == (kept, before["boxes0"]["rev"] + at)
        assert ("migration" in after["origin"]) == kept
