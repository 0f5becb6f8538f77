"""A living guideline on a real treebank: what a new rule leaves to be looked at, and what of it the treebank's people did."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from labelvc.core import diff

FILE = "en_ewt-ud-dev.conllu"
OLD, NEW = "c999e2b", "741ecb7"
RULES = """schema: urn:labelvc:schema:guideline:1
name: syntax
version: 1.0.0
title: Relations that are taken for each other
status: active
labels:
  nummod:
    definition: {nummod}
  flat:
    definition: {flat}
  list:
    definition: {list}
  obj:
    definition: What the verb acts on.
"""
OLD_RULES = {
    "nummod": "A number beside a noun, in dates and addresses too.",
    "flat": "One word of a name without inner structure.",
    "list": "One of several things side by side.",
}
NEW_RULES = {
    "nummod": "A number that counts what its noun names.",
    "flat": "One word of a name or of a date without inner structure.",
    "list": "One of several things side by side, numbers in front of them included.",
}


def test_a_new_rule_leaves_605_records_to_be_looked_at(treebank, project, labelvc, git, tmp_path: Path):
    """Counted in the file itself: 264 nummod, 266 flat and 75 list; the corrections made 33 of them flat and 21 list."""
    folder, source = project("tokens"), tmp_path / FILE

    def run(*words: str) -> str:
        code, out, err = labelvc(folder, *words)
        assert code == 0, out + err
        return out

    def bring(revision: str, *words: str) -> bytes:
        source.write_bytes(treebank("show", f"{revision}:{FILE}"))
        run("import", "conllu", str(source), "--dataset", "sentences", *words)
        git(folder, "add", "--all")
        git(folder, "commit", "-qnm", revision)
        return source.read_bytes()

    (folder / "guidelines/syntax.yaml").write_text(RULES.format(**OLD_RULES))
    git(folder, "commit", "-qam", "Rules")
    run("guideline", "publish", "syntax")
    before = relations(bring(OLD))
    assert {label: before[label] for label in OLD_RULES} == {"nummod": 264, "flat": 266, "list": 75}
    (folder / "guidelines/syntax.yaml").write_text(RULES.format(**NEW_RULES))
    run("guideline", "publish", "syntax")
    git(folder, "add", "--all")
    git(folder, "commit", "-qnm", "Other rules")
    git(folder, "tag", "rules")

    summary = json.loads(run("guideline", "impact", "syntax", "--format", "json"))["summary"]
    assert (summary["guideline"], summary["open"], summary["done"]) == ("syntax@2.0.0", 605, 0)
    assert {label: counts["open"] for label, counts in summary["labels"].items()} == {
        "flat": 266,
        "nummod": 264,
        "list": 75,
    }

    bring(NEW, "--mode", "replace")
    told = json.loads(run("guideline", "impact", "syntax", "--since", "rules", "--format", "json"))
    moves = Counter(
        (*item["labels"], *(item["now"] or ["(gone)"])) for item in told["items"] if item["state"] == "done"
    )
    assert (moves["nummod", "flat"], moves["nummod", "list"]) == (33, 21)
    assert told["summary"]["open"] + told["summary"]["done"] == 605
    touched = json.loads(run("diff", "rules..HEAD", "--format", "json"))["items"]
    again = {
        one["key"] for one in touched if one["kind"] in ("changed", "removed") and diff.answer(one["old"]) in OLD_RULES
    }
    assert again == {item["key"] for item in told["items"] if item["state"] == "done"}


def relations(content: bytes) -> Counter[str]:
    """Return the relations of the words of a file."""
    rows = [line.split("\t") for line in content.decode().splitlines() if line[:1].isdigit()]
    return Counter(row[7] for row in rows if row[0].isdigit())
