"""A change is taken back with plain `git revert`, which runs no hook: `format --since` is the way out of what it brings."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from labelvc.cli import main as cli

Run = Callable[..., tuple[int, str, str]]
FIRST = "id,item,label\na1,m1,delivery\na1,m2,payment\n"
SECOND = "id,item,label\na1,m1,payment\na1,m3,other\n"


@pytest.fixture
def labels(project: Callable[[str], Path], labelvc: Run, git: Callable[..., str], tmp_path: Path) -> Path:
    """Return a project on a branch whose last commit reverted what came to main last, hooks set up all the time."""
    folder = project("classification")
    assert cli.run(["-q", "-C", str(folder), "install"]) == 0
    for name, rows in (("first.csv", FIRST), ("second.csv", SECOND)):
        (tmp_path / name).write_text(rows)
        code, out, err = labelvc(folder, "import", "csv", str(tmp_path / name), "--dataset", "texts")
        assert code == 0, out + err
        git(folder, "add", "--all")
        git(folder, "commit", "-qm", name)
    git(folder, "switch", "-qc", "back")
    git(folder, "revert", "--no-edit", "HEAD")
    return folder


def found(labelvc: Run, folder: Path, words: str) -> list[tuple[str, str]]:
    items = json.loads(labelvc(folder, "check", words, "--format", "json")[1])["items"]
    return sorted((item["rule"], item["place"]["key"]) for item in items)


REVERTED = [("record.rev", "texts/m1#a1"), ("record.rev", "texts/m3#a1")]


def test_a_commit_on_top_ends_well(labels: Path, labelvc: Run, git: Callable[..., str]):
    assert found(labelvc, labels, "main..HEAD") == REVERTED
    assert labelvc(labels, "format") == (
        0,
        "",
        "everything is in form already; after a `git revert`, --since REV counts rev from before it\n",
    )
    code, out, err = labelvc(labels, "format", "--since", "main")
    assert (code, out, err.endswith("2 lines brought into form\n")) == (0, "", True), err
    assert labelvc(labels, "check")[0] == 0
    git(labels, "add", "--all")
    git(labels, "commit", "-qm", "Grow past main")
    assert found(labelvc, labels, "main..HEAD") == found(labelvc, labels, "HEAD~1..HEAD") == []
    lines = labelvc(labels, "diff", "main..HEAD")[1].splitlines()
    assert sorted(lines) == [
        "- texts/m3#  m3",
        "- texts/m3#a1  label other",
        "~ texts/m1#a1  /value/label payment -> delivery",
    ]


def test_an_amended_commit_is_in_order_itself(labels: Path, labelvc: Run, git: Callable[..., str]):
    assert found(labelvc, labels, "HEAD~1..HEAD") == REVERTED
    assert labelvc(labels, "format", "--since", "HEAD~1")[0] == 0
    git(labels, "add", "--all")
    git(labels, "commit", "-q", "--amend", "--no-edit")
    assert found(labelvc, labels, "HEAD~1..HEAD") == []
    assert labelvc(labels, "check", "--all")[0] == 0
    assert labelvc(labels, "trace", "texts/m1#a1")[1].splitlines()[1] == "now  label delivery  rev 3"


def test_the_next_change_goes_on_counting(labels: Path, labelvc: Run, git: Callable[..., str], tmp_path: Path):
    labelvc(labels, "format", "--since", "main")
    git(labels, "add", "--all")
    git(labels, "commit", "-qm", "Grow past main")
    assert labelvc(labels, "import", "csv", str(tmp_path / "second.csv"), "--dataset", "texts")[0] == 0
    git(labels, "add", "--all")
    git(labels, "commit", "-qm", "Once more")
    assert found(labelvc, labels, "main..HEAD") == []
    assert labelvc(labels, "trace", "texts/m1#a1")[1].splitlines()[1] == "now  label payment  rev 4"
    assert labelvc(labels, "trace", "texts/m3#a1")[1].splitlines()[1] == "now  label other  rev 3"
