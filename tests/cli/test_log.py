"""`log` as people and programs meet it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from inline_snapshot import snapshot

from labelvc.codec import schema
from tests.zoo import ANNA, BEN, PLAIN, Zoo, rating, zoo, zoo_template

__all__ = ["zoo", "zoo_template"]
Run = Callable[..., tuple[int, str, str]]
KEY = "pets/p2#m1"


def at(day: int) -> dict[str, str]:
    return {f"GIT_{role}_DATE": f"2026-03-{day:02}T09:00:00Z" for role in ("AUTHOR", "COMMITTER")}


@pytest.fixture
def lived(zoo: Zoo) -> Zoo:
    """Return the zoo after a few days of work."""
    zoo.change(KEY, value={"score": 3})
    zoo.commit("Raise the score", "Ben", **at(2))
    zoo.git("checkout", "-q", "-b", "topic")
    zoo.change("pets/p3#m1", value={"score": 4}, by=BEN)
    zoo.change("pets/p1#s1", value={"labels": ["dog"]})
    zoo.commit("Two more", "Cleo", **at(3))
    zoo.git("checkout", "-q", "main")
    zoo.replace("taxonomies/animals.yaml", "name: Cat", "name: House cat")
    zoo.bury(KEY)
    zoo.commit("Rename a label, delete a rating", "Ada", **at(4))
    zoo.git("merge", "-q", "--no-ff", "-m", "Merge topic", "topic")
    return zoo


def subjects(labelvc: Run, zoo: Zoo, *words: str) -> list[str]:
    code, out, err = labelvc(zoo.folder, "log", *words, "--format", "json")
    assert code == 0, err
    document: dict[str, Any] = json.loads(out)
    jsonschema.Draft202012Validator(schema.schema("log")).validate(document)
    rows = [json.loads(line) for line in labelvc(zoo.folder, "log", *words, "--format", "jsonl")[1].splitlines()]
    assert rows == document["items"]
    assert document["summary"]["commits"] == len(rows)
    return [row["commit"]["subject"] for row in rows]


def test_log_of_all(lived: Zoo, labelvc: Run):
    code, out, err = labelvc(lived.folder, "log")
    assert (code, err) == (0, "")
    assert re.sub(r"^[0-9a-f]{10}\b", "<commit>", out, flags=re.MULTILINE) == snapshot("""\
<commit>  2026-03-03  Cleo: Two more
  records: 2 changed
<commit>  2026-03-04  Ada: Rename a label, delete a rating
  records: 1 removed; documents: taxonomies/animals.yaml
<commit>  2026-03-02  Ben: Raise the score
  records: 1 changed
<commit>  2026-03-01  Ada: Begin
  records: 19 added; items: 9 added; documents: datasets/pets/dataset.yaml, datasets/pictures/dataset.yaml, guidelines/mood.versions.jsonl, guidelines/mood.yaml, labelvc.yaml, taxonomies/animals.yaml
""")


def test_log_of_a_record_shows_old_and_new(lived: Zoo, labelvc: Run):
    code, out, err = labelvc(lived.folder, "log", KEY)
    assert (code, err) == (0, "")
    assert re.sub(r"^[0-9a-f]{10}\b", "<commit>", out, flags=re.MULTILINE) == snapshot("""\
<commit>  2026-03-04  Ada: Rename a label, delete a rating
  - pets/p2#m1  score 3
<commit>  2026-03-02  Ben: Raise the score
  ~ pets/p2#m1  /value/score 0 -> 3
<commit>  2026-03-01  Ada: Begin
  + pets/p2#m1  score 0
""")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], ["Rename a label, delete a rating", "Two more", "Raise the score", "Begin"]),
        (["-n", "1", "pets/p3"], ["Two more"]),
        (["--since", "2026-03-02T09:00:00Z", KEY], ["Rename a label, delete a rating", "Raise the score"]),
        (["pets/p1"], ["Two more", "Begin"]),
        (["pets/p1#"], ["Two more", "Begin"]),
        (["pets/p1#s1"], ["Two more", "Begin"]),
        (["pictures"], ["Begin"]),
        (["--label", "3"], ["Rename a label, delete a rating", "Raise the score"]),
        (["--label", "cat"], ["Two more", "Begin"]),
        (["--annotator", BEN], ["Two more", "Begin"]),
        (["--annotator", ANNA, "--label", "4"], []),
        (["--annotator", BEN, "--label", "4"], ["Two more"]),
        (["--task", "kinds"], ["Two more", "Begin"]),
        (["--under", "mood@1.1.0", "pets/p3#m1"], ["Two more", "Begin"]),
        (["--under", "mood@1.0.0"], []),
        (["--since", "2026-03-03T00:00:00Z"], ["Rename a label, delete a rating", "Two more"]),
        (["--until", "2026-03-03T00:00:00Z"], ["Raise the score", "Begin"]),
        (["pets", "--since", "2026-03-02T00:00Z", "--until", "2026-03-03T12:00Z"], ["Two more", "Raise the score"]),
        (["--at", "main~1"], ["Rename a label, delete a rating", "Raise the score", "Begin"]),
        (["--at", "main~1.."], ["Two more"]),
        (["--at", "topic..main"], ["Rename a label, delete a rating"]),
        (["--at", "main~1...topic"], ["Two more"]),
    ],
)
def test_what_is_listed(lived: Zoo, labelvc: Run, words: list[str], expected: list[str]):
    assert sorted(subjects(labelvc, lived, *words)) == sorted(expected)


def test_nothing_fits(lived: Zoo, labelvc: Run):
    assert labelvc(lived.folder, "log", KEY, "--label", "4") == (0, "", "no commit fits\n")
    assert labelvc(lived.folder, "-q", "log", "--until", "2020-01-01") == (0, "", "")


@pytest.mark.parametrize("option", ["--since", "--until"])
def test_what_is_no_date(lived: Zoo, labelvc: Run, option: str):
    for words in ("soon", "", "--all"):
        code, out, err = labelvc(lived.folder, "log", f"{option}={words}")
        assert (code, out) == ((2, "") if words else (0, out)), err
    for words in ("2 weeks ago", "yesterday", "Mar 1 2026"):
        assert labelvc(lived.folder, "log", option, words)[0] == 0


def test_plain_names_are_not_repeated(lived: Zoo, labelvc: Run):
    lived.change("pets/p4#m1", by=PLAIN, value={"score": 1})
    lived.commit("A plain name")
    for words in (
        ["--annotator", PLAIN],
        ["pets/p4#m1"],
        ["pets/p4", "--format", "json"],
        ["pets", "--format", "jsonl"],
    ):
        code, out, err = labelvc(lived.folder, "log", *words)
        assert code == (2 if words[0] == "--annotator" else 0)
        assert PLAIN not in out + err


def test_a_reshard_and_a_move_to_dvc_change_no_record(lived: Zoo, labelvc: Run):
    lived.replace("datasets/pets/dataset.yaml", "shards: 4", "shards: 16")
    assert labelvc(lived.folder, "format")[0] == 0
    lived.commit("16 shards")
    lived.store_in_dvc()
    lived.commit("Store in DVC")
    rows = [json.loads(line) for line in labelvc(lived.folder, "log", "--format", "jsonl", "-n", "2")[1].splitlines()]
    assert [(row["records"], row["items"]) for row in rows] == [({}, {}), ({}, {})]
    assert subjects(labelvc, lived, KEY)[0] == "Rename a label, delete a rating"


def test_what_a_commit_did_to_another_dataset_is_no_part_of_the_log_of_one(zoo: Zoo, labelvc: Run):
    """A commit that moves a dataset to DVC is looked at whole."""
    zoo.change("pictures/b.jpg#x1", value={"label": "dog", "box": [10, 10, 20, 20]})
    zoo.replace("datasets/pictures/dataset.yaml", "shards: 4", "shards: 16")
    zoo.change(KEY, value={"score": 3})
    zoo.store_in_dvc()
    assert labelvc(zoo.folder, "format")[0] == 0
    zoo.commit("Everything at once")
    rows = [
        json.loads(labelvc(zoo.folder, "log", name, "--format", "jsonl", "-n", "1")[1]) for name in ("pets", "pictures")
    ]
    assert [row["records"] for row in rows] == [{"changed": 1}, {"changed": 1}]
    assert [row["documents"] for row in rows] == snapshot(
        [["datasets/pets/.gitignore", "datasets/pets/dataset.yaml"], ["datasets/pictures/dataset.yaml"]]
    )


def test_a_shard_that_a_commit_leaves_with_no_byte(zoo: Zoo, labelvc: Run):
    """Every record of it went, and each way to look at history says so."""
    path = zoo.shard(KEY)
    held = len(zoo.read(path).splitlines())
    zoo.write(path, b"")
    zoo.commit("Nothing left", "Ben")
    (row,) = [json.loads(labelvc(zoo.folder, "log", "pets", "--format", "jsonl", "-n", "1")[1])]
    assert row["records"] == {"removed": held}
    rows = [
        json.loads(line) for line in labelvc(zoo.folder, "diff", "HEAD~1..HEAD", "--format", "jsonl")[1].splitlines()
    ]
    assert [row["kind"] for row in rows if "kind" in row] == ["removed"] * held, rows
    code, out, err = labelvc(zoo.folder, "trace", KEY)
    assert (code, err) == (0, "")
    assert "Nothing left" in out
    code, out, _ = labelvc(zoo.folder, "check", "HEAD~1..HEAD")
    assert code == 1
    assert KEY in out


def test_what_is_no_key_and_has_a_history_all_the_same(lived: Zoo, labelvc: Run):
    shard = lived.shard(KEY)
    for words, hint in (
        ("guidelines/mood.yaml", "git log -p -- guidelines/mood.yaml"),
        (shard, f"git log -p -- {shard}"),
        ("topic", "labelvc log --at topic"),
        ("main~1", "labelvc log --at main~1"),
        ("nothing", "choose one of: pets, pictures"),
        ("no/where", "choose one of: pets, pictures"),
    ):
        code, out, err = labelvc(lived.folder, "log", words)
        assert (code, out, err.splitlines()[-1]) == (2, "", f"  next: {hint}")


def test_into_a_file(lived: Zoo, labelvc: Run, tmp_path: Path):
    printed = labelvc(lived.folder, "log")[1]
    assert labelvc(lived.folder, "log", "-o", str(tmp_path / "out"))[1] == ""
    assert (tmp_path / "out").read_text() == printed


def test_a_record_in_no_item_of_that_name(zoo: Zoo, labelvc: Run):
    zoo.put("pets/a#b#", {"id": "a#b", "natural": {"word": "a"}})
    zoo.put("pets/a#b#m1", rating("a#b"))
    zoo.commit("Marks")
    assert subjects(labelvc, zoo, "pets/a#b") == subjects(labelvc, zoo, "pets/a#b#m1") == ["Marks"]


def test_an_edit_inside_a_merge_is_listed(zoo: Zoo, labelvc: Run):
    zoo.git("checkout", "-q", "-b", "topic")
    zoo.change(KEY, value={"score": 3})
    zoo.commit("Three", "Ben")
    zoo.git("checkout", "-q", "main")
    zoo.change(KEY, value={"score": 4})
    zoo.commit("Four", "Cleo")
    zoo.git("merge", "-q", "topic", code=1)
    zoo.git("checkout", "-q", "--ours", zoo.shard(KEY))
    zoo.change(KEY, value={"score": -4})
    zoo.commit("Evil merge", "Mallory")
    assert (
        subjects(labelvc, zoo)[0] == subjects(labelvc, zoo, "pets")[0] == subjects(labelvc, zoo, KEY)[0] == "Evil merge"
    )
    assert len(subjects(labelvc, zoo, KEY)) == 4
