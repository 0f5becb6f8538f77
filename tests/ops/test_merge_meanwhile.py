"""What others do while a merge is between its files and its commit, or half taken back: no label goes without a word."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

import pytest

from labelvc.ops import merge
from tests.killing import every_write
from tests.ops.test_audit import audited
from tests.ops.test_merge import both, fork, lines, scored
from tests.zoo import ANNA, Zoo, rating, zoo, zoo_template

__all__ = ["zoo", "zoo_template"]


def apart(zoo: Zoo) -> Counter[str]:
    """Make two branches, and return the lines that they merge into."""
    fork(
        zoo,
        both(scored("pets/p1#m1", 3), scored("pets/p4#m1", 4)),
        both(scored("pets/p1#m2", -3), scored("pets/p5#m1", -4)),
    )
    zoo.git("branch", "-q", "third", "topic")
    zoo.git("switch", "-qc", "expected")
    zoo.git("merge", "-q", "--no-edit", "-X", "theirs", "topic")
    both(scored("pets/p1#m1", 3), scored("pets/p1#m2", -3), lambda zoo: None)(zoo)
    for key, rev in (("pets/p1#m1", 2), ("pets/p1#m2", 2)):
        zoo.change(key, rev=rev)
    zoo.commit("expected")
    zoo.git("switch", "-q", "main")
    return lines(zoo, "expected")


def meanwhile(zoo: Zoo, *words: str) -> Path:
    """Let a second labelvc run when the merge has checked its result and is about to commit; return where it says how it ended."""
    said = zoo.folder.parent / "said"
    hook = zoo.folder / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    command = " ".join([sys.executable, "-m", "labelvc.cli", *words])
    hook.write_text(
        f"#!/bin/sh\n[ -e {said} ] && exit 0\nunset GIT_INDEX_FILE\n{command} >{said} 2>&1\necho $? >>{said}\n"
    )
    hook.chmod(0o755)
    return said


@pytest.mark.parametrize("words", [("merge", "third"), ("merge", "--abort"), ("merge", "--continue")])
def test_a_second_merge_waits_for_the_commit_of_the_first(zoo: Zoo, labelvc, words):
    expected = apart(zoo)
    said = meanwhile(zoo, *words)
    code, _, err = labelvc(zoo.folder, "merge", "topic")
    assert (code, "Traceback" in err) == (0, False)
    assert said.read_text().splitlines()[-1] == "2", said.read_text()
    assert "another labelvc" in said.read_text()
    assert lines(zoo) == expected
    assert zoo.git("status", "--porcelain") == ""
    assert audited(zoo, "main^1..main") == []


@pytest.mark.parametrize("words", [("format",), ("import", "jsonl", "SOURCE", "--dataset", "pets", "--task", "mood")])
def test_what_another_command_writes_before_the_commit_stays_beside_it(zoo: Zoo, labelvc, words):
    expected = apart(zoo)
    source = zoo.folder.parent / "source.jsonl"
    row = rating("p1", -1, ANNA, "new")
    source.write_text(json.dumps({"id": "p1", "text": zoo.row("pets/p1#")["text"]}) + "\n" + json.dumps(row) + "\n")
    said = meanwhile(zoo, *[str(source) if word == "SOURCE" else word for word in words])
    assert labelvc(zoo.folder, "merge", "topic")[0] == 0
    assert said.read_text().splitlines()[-1] == "0", said.read_text()
    assert lines(zoo) == expected
    if words[0] == "import":
        assert zoo.row("pets/p1#new")["value"] == {"score": -1}
        zoo.commit("and the import")
    assert set(lines(zoo)) >= {line for line in expected if '"id":"p1"' not in line}
    assert zoo.row("pets/p5#m1")["value"] == {"score": -4}


def test_a_merge_that_is_half_taken_back_cannot_be_committed_without_its_labels(zoo: Zoo, tmp_path: Path):
    """However far `--abort` came before it was killed: a commit made then is no merge that drops the other side."""
    apart(zoo)
    fork_point = zoo.git("rev-parse", "main")
    zoo.git("config", "commit.gpgSign", "false")

    assert merge.merge(zoo.at, "topic", commit=False).state == "staged"
    out = tmp_path / "killed"
    out.mkdir()
    copies = every_write(zoo.folder, ("merge", "--abort"), out)
    assert len(copies) > 3
    for copy in copies:
        half = Zoo(copy)
        (half.folder / ".git/index.lock").unlink(missing_ok=True)
        half.git("add", "--update")
        half.git("-c", "core.hooksPath=/dev/null", "commit", "-q", "--allow-empty", "-m", "on")
        assert not [found for found in audited(half, f"{fork_point}..main") if found[0] != "resolved"], copy.name
