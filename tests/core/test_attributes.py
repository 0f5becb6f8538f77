"""Lines of `.gitattributes` that hide are found however they are spelt, each held to what git itself says of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from labelvc.core.attributes import hiding

PATHS = ["datasets/texts/items/01.jsonl", "labelvc.yaml", f"taxonomies/{'a' * 110}.yaml"]
HIDING = [
    "*.jsonl -diff", "*.json\\l -diff", '"\\052.yaml" -diff', "\ufeff*.jsonl -diff", "*.jsonl x=\u2028 -diff",
    "*.json[[:alpha:]] -diff", "*.[j]sonl binary", "datasets/** -diff", "*a*a*a*a*a*a.yaml -diff",
]  # fmt: skip
SHOWING = [
    "*.md -diff",
    "# *.jsonl -diff",
    "*.jsonl diff=python",
    "*.jsonl text",
    "\\#x -diff",
    "*.json[[:digit:]]x -diff",
]


@pytest.mark.parametrize("line", [*HIDING, *SHOWING])
def test_it_is_told_as_git_has_it(line: str, repo: Path, git: Callable[..., str]):
    (repo / ".gitattributes").write_text(f"{line}\n", encoding="utf-8")
    said = git(repo, "check-attr", "diff", "--", *PATHS)
    assert ("diff: unset" in said) is bool(list(hiding(f"{line}\n", "", PATHS))) is (line in HIDING)


@pytest.mark.parametrize("word", ["linguist-generated", "linguist-generated=1", "gitlab-generated=true", "diff=mine"])
def test_what_hosts_fold_and_what_another_program_shows(word: str):
    assert list(hiding(f"*.jsonl {word}", "", PATHS))
    assert not list(hiding("*.jsonl linguist-generated=false -gitlab-generated", "", PATHS))


def test_many_stars_take_no_time():
    assert list(hiding("*" + "a*" * 40 + "b -diff", "", PATHS))
