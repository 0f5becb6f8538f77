"""The whole history of a treebank played again: each commit with its parents, people, dates and words, merges included."""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from labelvc.ops import diff
from labelvc.store import git as plumbing
from labelvc.store import tree
from tests.journeys.test_ud import MALFORMED, NEW, Treebank, bank

__all__ = ["bank"]
FILE = "en_ewt-ud-dev.conllu"
_WHO = "%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B"
_NAMES = ("AUTHOR_NAME", "AUTHOR_EMAIL", "AUTHOR_DATE", "COMMITTER_NAME", "COMMITTER_EMAIL", "COMMITTER_DATE")


def replay(treebank: Callable[..., bytes], bank: Treebank, most: int) -> dict[str, str]:
    """Make the history again, oldest first; return published commit to ours. A revision that is no CoNLL-U stays empty."""
    listed = treebank("rev-list", "--reverse", "--topo-order", "--parents", NEW).decode().splitlines()[:most]
    start = bank.git(bank.folder, "rev-parse", "HEAD").strip()
    made: dict[str, str] = {}
    for row in listed:
        name, *parents = row.split()
        above = [made[parent] for parent in parents] or [start]
        bank.git(bank.folder, "checkout", "-qf", "--detach", above[0])
        *who, message = treebank("show", "-s", f"--format={_WHO}", name).decode().split("\0")
        if not name.startswith(MALFORMED) and FILE.encode() in treebank("ls-tree", "--name-only", name).split():
            content = treebank("show", f"{name}:{FILE}")
            bank.source.write_bytes(content)
            mode = ("--mode", "replace") if (bank.folder / "datasets/sentences/items").is_dir() else ()
            bank.run("import", "conllu", str(bank.source), "--dataset", "sentences", *mode)
        bank.git(bank.folder, "add", "--all")
        written = bank.git(bank.folder, "write-tree").strip()
        words = ["git", "commit-tree", written, *[word for parent in above for word in ("-p", parent)], "-F", "-"]
        done = subprocess.run(
            words,
            cwd=bank.folder,
            input=message,
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, **{f"GIT_{part}": value for part, value in zip(_NAMES, who, strict=True)}},
        )
        made[name] = done.stdout.strip()
    bank.git(bank.folder, "checkout", "-qfB", "main", made[listed[-1].split()[0]])
    return made


def hold_sums(bank: Treebank) -> Counter[str]:
    """Hold the sum of all steps along first parents to the difference of the two ends; return how many steps changed what."""
    at = plumbing.find(bank.folder)
    steps = plumbing.first_parents(at, "", "HEAD")[1:]
    held: dict[Any, tuple[bytes | None, bytes | None]] = {}
    counts = Counter[str]()
    for old, new in steps:
        for delta in diff.shard_deltas(at, *tree.differing(at, old, new)):
            first, last = held.get(delta.key, (delta.old, delta.old))
            assert last == delta.old, "a step begins where the one before ended"
            held[delta.key] = (first, delta.new)
            counts["deltas"] += 1
        counts["steps"] += 1
    ends = {
        delta.key: (delta.old, delta.new)
        for delta in diff.shard_deltas(at, *tree.differing(at, steps[0][0], steps[-1][1]))
    }
    assert {key: pair for key, pair in held.items() if pair[0] != pair[1]} == ends
    counts["ends"] = len(ends)
    return counts


def hold_history(treebank: Callable[..., bytes], bank: Treebank, made: dict[str, str]) -> None:
    """Hold people, dates, words and parents to those of the published history."""
    form = f"--format=%H%x00{_WHO}%x01"
    ours = {
        row.lstrip("\n").split("\0")[0]: row for row in bank.git(bank.folder, "log", form).split("\1") if row.strip()
    }
    for name, commit in made.items():
        published = treebank("show", "-s", f"--format={_WHO}", name).decode()
        assert ours[commit].split("\0", 1)[1].split() == published.split()  # some messages have CR LF


def test_the_first_commits_of_a_treebank(treebank: Callable[..., bytes], bank: Treebank):
    made = replay(treebank, bank, 7)
    hold_history(treebank, bank, made)
    assert hold_sums(bank)["steps"] > 3


@pytest.mark.long
def test_all_commits_of_a_treebank(treebank: Callable[..., bytes], bank: Treebank):
    made = replay(treebank, bank, 1000)
    assert len(made) == 441
    hold_history(treebank, bank, made)
    counts = hold_sums(bank)
    print(counts)
    assert counts["steps"] > 280
    content = treebank("show", f"{NEW}:{FILE}")
    bank.contents.append(content)
    assert bank.export() == content
    assert bank.run("check", "--all").startswith("no findings") or "0 errors" in bank.run("check", "--all")
    merges = bank.git(bank.folder, "rev-list", "--merges", "HEAD").split()
    assert len(merges) == 7
