"""`check` and `diff` as people and programs meet them: words, JSON that fits its schema, exit codes, files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from inline_snapshot import snapshot

from labelvc.codec import schema
from tests.zoo import PLAIN, Zoo, answer, zoo, zoo_template

__all__ = ["zoo", "zoo_template"]
Run = Callable[..., tuple[int, str, str]]
PETS = "datasets/pets/dataset.yaml"


@pytest.fixture
def edited(zoo: Zoo) -> Zoo:
    """Return the zoo with one edit of each kind in the work tree."""
    zoo.change("pets/p2#m1", value={"score": 3})
    zoo.change("pets/p1#k1", value={"label": "dog"}, ext={"contact": None, "note": "a\u202eb"})
    zoo.put("pets/p3#n1", answer("p3", "n1", "note", {"text": "\x1b[31mred"}))
    zoo.bury("pets/p1#m2")
    zoo.change("pets/p4#m1", at="2026-03-01T09:12:44Z")
    zoo.change("pets/p4#", text="other")
    zoo.replace("taxonomies/animals.yaml", "Cat", "House cat")
    return zoo


@pytest.fixture
def spoilt(zoo: Zoo) -> Zoo:
    """Return the zoo with findings of each severity."""
    zoo.change("pets/p2#m1", value={"score": 9})
    zoo.change("pets/p1#k1", ext={"contact": PLAIN})
    zoo.change("pets/p3#m1", by=PLAIN, bump=0)
    zoo.change("pets/p3#", natural={"word": "w2"})
    zoo.replace(PETS, "checks: {}", "checks: {shard.size: {threshold: 800}}")
    zoo.write("datasets/pets/annotations/00.jsonl", "")
    return zoo


def read(labelvc: Run, zoo: Zoo, noun: str, *words: str) -> tuple[int, dict[str, Any]]:
    """Run with --format json and hold what is printed against its schema."""
    code, out, err = labelvc(zoo.folder, noun, *words, "--format", "json")
    assert out, err
    document = json.loads(out)
    jsonschema.Draft202012Validator(schema.schema(noun)).validate(document)
    return code, document


# ---------------------------------------------------------------- check
def test_check_says_what_where_and_what_to_do(spoilt: Zoo, labelvc: Run):
    code, out, err = labelvc(spoilt.folder, "check")
    assert (code, err) == (1, "")
    assert PLAIN not in out
    assert out == snapshot("""\
error   record.rev         pets/p3#m1  rev is 1 where 2 must follow 1
        next: labelvc format
error   score.range        pets/p2#m1  the score 9 is outside -4 to 4 in steps of 1
        next: correct the score, or widen the task's scale in labelvc.yaml
error   shard.stray        datasets/pets/annotations/00.jsonl  the file is none of the dataset's 4 shards (such as datasets/pets/annotations/0.jsonl)
        next: labelvc format
error   privacy.plaintext  pets/p3#m1  a plain value stands where a pseudonym must
        next: labelvc import turns it into one; or remove the value
note    shard.size         datasets/pets/annotations/3.jsonl  the shard holds 0 KB in 9 lines
        next: labelvc dataset reshard pets --shards 16
error   privacy.plaintext  pets/p1#k1  a plain value stands where a pseudonym must
warning item.duplicate     pets/p3#  has the same natural key as pets/p2#
        next: decide on a branch which of the two stays; delete the other with its records, then labelvc format
5 errors, 1 warning, 1 note; 24 lines in 5 shards looked at
""")


def test_check_of_a_sound_project(zoo: Zoo, labelvc: Run):
    assert labelvc(zoo.folder, "check") == snapshot((0, "no findings; 0 lines in 0 shards looked at\n", ""))
    assert labelvc(zoo.folder, "check", "--all") == snapshot((0, "no findings; 28 lines in 5 shards looked at\n", ""))
    zoo.change("pets/p2#m1", value={"score": 3})
    assert labelvc(zoo.folder, "check", "HEAD..HEAD") == snapshot(
        (0, "no findings; 0 lines in 0 shards looked at\n", "")
    )


def test_known_findings_are_counted(zoo: Zoo, labelvc: Run):
    zoo.change("pets/p2#m1", value={"score": 9})
    zoo.commit("Bad")
    zoo.change("pets/p2#m1", at="2026-03-01T09:12:44Z")
    code, out, _ = labelvc(zoo.folder, "check")
    assert code == 0
    assert out == snapshot(
        "no findings, 1 known finding not listed (--known lists them); 4 lines in 1 shard looked at\n"
    )
    assert labelvc(zoo.folder, "check", "HEAD~1..HEAD")[0] == labelvc(zoo.folder, "check", "--all")[0] == 1


@pytest.mark.parametrize("words", [[], ["--all"], ["--staged"], ["HEAD"], ["HEAD..HEAD"]])
def test_check_in_json_fits_its_schema(spoilt: Zoo, labelvc: Run, words: list[str]):
    code, document = read(labelvc, spoilt, "check", *words)
    assert code == (0 if words in (["--staged"], ["HEAD..HEAD"]) else 1)
    assert PLAIN not in json.dumps(document)
    counts = {
        severity: sum(item["severity"] == severity for item in document["items"])
        for severity in ("note", "warning", "error")
    }
    assert {name: document["summary"][name] for name in counts} == counts
    _, lines, _ = labelvc(spoilt.folder, "check", *words, "--format", "jsonl")
    assert [json.loads(line) for line in lines.splitlines()] == document["items"]
    heads = {"--all": ("", "work tree"), "--staged": ("HEAD", "index"), "HEAD..HEAD": ("HEAD", "HEAD")}
    assert (document["base"], document["head"]) == heads.get("".join(words), ("HEAD", "work tree"))


@pytest.mark.parametrize(
    ("worst", "codes"), [("error", (1, 1, 1)), ("warning", (0, 1, 1)), ("note", (0, 0, 1)), ("", (0, 0, 0))]
)
def test_fail_on(zoo: Zoo, labelvc: Run, worst: str, codes: tuple[int, ...]):
    if worst:
        zoo.replace(PETS, "checks: {}", f"checks: {{score.range: {{severity: {worst}}}}}")
        zoo.change("pets/p2#m1", value={"score": 9})
    assert tuple(labelvc(zoo.folder, "check", "--fail-on", level)[0] for level in ("error", "warning", "note")) == codes


def test_what_cannot_be_told_is_not_clean(zoo: Zoo, labelvc: Run, tmp_path: Path):
    for words in (["--staged", "--all"], ["HEAD..HEAD", "--all"], ["nowhere..HEAD"], ["--fail-on", "never"]):
        code, out, err = labelvc(zoo.folder, "check", *words)
        assert (code, out) == (2, ""), words
        assert err
    zoo.git("rm", "-q", "labelvc.yaml")
    code, _, err = labelvc(zoo.folder, "check")
    assert code == 2
    assert "labelvc init" in err
    (tmp_path / "nothing").mkdir()
    assert labelvc(tmp_path / "nothing", "check")[0] == 2


def test_one_and_two_processes_print_the_same_bytes(spoilt: Zoo, labelvc: Run):
    found = {labelvc(spoilt.folder, "--jobs", jobs, "check", "--all", "--format", "json") for jobs in ("1", "2")}
    assert len(found) == 1


def test_check_into_a_file(spoilt: Zoo, labelvc: Run, tmp_path: Path):
    _, printed, _ = labelvc(spoilt.folder, "check", "--format", "json")
    code, out, _ = labelvc(spoilt.folder, "check", "--format", "json", "-o", str(tmp_path / "out.json"))
    assert (code, out) == (1, "")
    assert (tmp_path / "out.json").read_text() == printed
    assert labelvc(spoilt.folder, "check", "-o", str(tmp_path / "no" / "such" / "out.json"))[0] in (1, 2)


def test_the_rules_are_listed(zoo: Zoo, labelvc: Run):
    code, out, _ = labelvc(zoo.folder, "check", "--rules")
    assert code == 0
    names = [row.split()[1] for row in out.splitlines() if row.startswith(("  error ", "  warning ", "  note "))]
    assert names == sorted(names)
    assert "  warning  item.duplicate  " in out


# ---------------------------------------------------------------- diff
def test_diff_says_what_became_what(edited: Zoo, labelvc: Run):
    code, out, err = labelvc(edited.folder, "diff")
    assert code == 0
    assert out == snapshot("""\
~ pets/p2#m1  /value/score 0 -> 3
. pets/p4#m1  rev 1 -> 2
~ pets/p1#k1  /ext/contact eml_bszkknbxxbqwcrvfkwsnpbpqcfhn -> (none); /ext/note shy -> a\\u202eb; /value/label cat -> dog
- pets/p1#m2  score 2
~ pets/p4#  /text the cat and the dog -> other
+ pets/p3#n1  text \\u001b[31mred
= taxonomies/animals.yaml  label cat renamed from Cat to House cat (mechanical)
""")
    assert err == snapshot(
        "records: 2 changed, 1 added, 1 removed, 1 touched in 4 items; items: 1 changed; mechanical: 1 document\n"
    )
    assert labelvc(edited.folder, "-q", "diff")[2] == ""


def test_diff_in_numbers(edited: Zoo, labelvc: Run):
    assert labelvc(edited.folder, "diff", "--stat")[1] == snapshot("""\
= taxonomies/animals.yaml  label cat renamed from Cat to House cat (mechanical)
records: 2 changed, 1 added, 1 removed, 1 touched in 4 items; items: 1 changed; mechanical: 1 document

dataset  changed    added  removed  touched    items  documents
pets           2        1        1        1        1          -

kind: 1 record with another answer
  cat -> dog        1

mood: 1 record with another answer
  0 -> 3        1
""")


def test_diff_in_json_fits_its_schema(edited: Zoo, labelvc: Run):
    code, document = read(labelvc, edited, "diff")
    assert code == 0
    assert document["summary"] == snapshot(
        {
            "records": {"changed": 2, "touched": 1, "removed": 1, "added": 1},
            "items": {"changed": 1},
            "documents": {},
            "touched_items": 4,
            "transitions": [
                {"task": "kind", "old": "cat", "new": "dog", "count": 1},
                {"task": "mood", "old": "0", "new": "3", "count": 1},
            ],
            "mechanical": {"document": 1},
        }
    )
    kinds = {item["key"]: item["kind"] for item in document["items"]}
    assert kinds == snapshot(
        {
            "pets/p2#m1": "changed",
            "pets/p4#m1": "touched",
            "pets/p1#k1": "changed",
            "pets/p1#m2": "removed",
            "pets/p4#": "changed",
            "pets/p3#n1": "added",
            "taxonomies/animals.yaml": "mechanical",
        }
    )
    score = next(item for item in document["items"] if item["key"] == "pets/p2#m1")
    assert (score["old"]["value"], score["new"]["value"], score["fields"]) == (
        {"score": 0},
        {"score": 3},
        ["/rev", "/value/score"],
    )
    text = next(item for item in document["items"] if item["key"].startswith("taxonomies"))
    assert "House cat" in text["new"]
    _, lines, _ = labelvc(edited.folder, "diff", "--format", "jsonl")
    assert [json.loads(line) for line in lines.splitlines()] == document["items"]
    assert read(labelvc, edited, "diff", "--stat")[1]["items"] == []


def test_diff_of_one_thing(edited: Zoo, labelvc: Run):
    for key, number in {
        "pets/p1#k1": 1,
        "pets/p1": 2,
        "pets": 6,
        "taxonomies/animals.yaml": 1,
        "pets/p8": 0,
        "pictures": 0,
    }.items():
        assert len(read(labelvc, edited, "diff", "--key", key)[1]["items"]) == number, key
    assert len(read(labelvc, edited, "diff", "--key", "pets/p1", "--key", "pets/p2")[1]["items"]) == 3


def test_exit_code_tells_whether_anything_differs(edited: Zoo, labelvc: Run):
    assert labelvc(edited.folder, "diff", "--exit-code")[0] == 1
    assert labelvc(edited.folder, "diff", "--exit-code", "--stat")[0] == 1
    assert labelvc(edited.folder, "diff", "--exit-code", "--key", "pets/p8")[0] == 0
    assert labelvc(edited.folder, "diff", "--exit-code", "--staged") == snapshot(
        (0, "", "records: 0 changed, 0 added, 0 removed in 0 items\n")
    )
    assert labelvc(edited.folder, "diff", "--exit-code", "HEAD..HEAD")[0] == 0
    assert labelvc(edited.folder, "diff", "--exit-code", "HEAD..nowhere")[0] == 2
    assert labelvc(edited.folder, "diff", "--staged", "HEAD..HEAD")[0] == 2


def test_diff_into_a_file(edited: Zoo, labelvc: Run, tmp_path: Path):
    for form in ("text", "json", "jsonl"):
        _, printed, _ = labelvc(edited.folder, "diff", "--format", form)
        assert labelvc(edited.folder, "diff", "--format", form, "-o", str(tmp_path / "out"))[1] == ""
        assert (tmp_path / "out").read_text() == printed


def test_no_text_moves_the_terminal(edited: Zoo, labelvc: Run):
    edited.change("pets/p1#n1", ext={"\x1b[2J": {"\u202e": 1}})
    edited.change("pets/p1#s1", ext={"\x1b[2J": 1, "x": 2})
    edited.commit("Odd")
    edited.change("pets/p1#n1", ext={"\x1b[2J": {"\u202e": 2}})
    edited.change("pets/p1#s1", ext={"\x1b[2J": 2, "x": 2})
    for words in (
        ["diff"],
        ["diff", "HEAD~1..HEAD"],
        ["diff", "--stat"],
        ["check"],
        ["blame", "pets/p1"],
        ["trace", "pets/p1#n1"],
    ):
        _, out, _ = labelvc(edited.folder, *words)
        assert "\x1b" not in out, words
        assert "\u202e" not in out, words
    assert "\x1b[33m~\x1b[0m" in labelvc(edited.folder, "--color", "always", "diff")[1]


def test_a_long_edit_of_a_document_is_cut_and_one_that_is_no_text_is_not_shown(zoo: Zoo, labelvc: Run):
    path = "guidelines/notes.md"
    zoo.write(path, "".join([f"line {number}\n" for number in range(40)]))
    zoo.write("schemas/picture.png", b"\0one")
    zoo.write("README.md", "y\n" * 40_000)
    zoo.commit("Notes")
    zoo.write(path, "".join([f"line {number}{'!' * (number % 2)}\n" for number in range(40)]))
    zoo.write("schemas/picture.png", b"\0two")
    zoo.write("README.md", "x\n" * 40_000)
    out = labelvc(zoo.folder, "diff")[1].splitlines()
    assert out[:2] == ["~ README.md  document changed", "    too long to show here; `git diff` shows it"]
    at = out.index(f"~ {path}  document changed")
    assert out[at + 1 : at + 4] == ["    - line 1", "    + line 1!", "    - line 3"]
    assert out[at + 13] == "    and 28 more lines"
    assert out[at + 14 :] == ["~ schemas/picture.png  document changed"]


def test_a_line_that_no_key_can_be_read_of_is_called_so(zoo: Zoo, labelvc: Run):
    path = zoo.shard("pets/p1#k1")
    zoo.write(path, zoo.read(path) + b"<<<<<<< ours\n")
    out = labelvc(zoo.folder, "diff")[1]
    assert out.startswith(f"+ {path}:")
    assert out.endswith("  line without a key added\n")
