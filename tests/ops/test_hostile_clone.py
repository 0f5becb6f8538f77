"""A clone whose configuration, index or hooks somebody else wrote: looking at it starts no program of theirs and hides nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.people import Desk
from tests.trusting import govern, people_keys
from tests.zoo import Zoo, zoo, zoo_template

__all__ = ["people_keys", "zoo", "zoo_template"]
PROGRAMS = {
    "core.fsmonitor": "monitor", "filter.evil.clean": "clean", "filter.evil.smudge": "smudge", "diff.evil.textconv": "textconv",
    "diff.evil.command": "command", "diff.external": "external", "core.pager": "pager", "pager.log": "pager",
    "gpg.program": "gpg", "gpg.ssh.program": "gpg", "core.sshCommand": "ssh", "core.editor": "editor", "merge.evil.driver": "driver",
    "core.alternateRefsCommand": "alternates", "core.askPass": "ask", "credential.helper": "credentials",
}  # fmt: skip
HOOKS = ("post-index-change", "reference-transaction", "post-checkout", "pre-commit", "fsmonitor-watchman")
WORK = [("check",), ("check", "--all"), ("status",), ("diff",), ("doctor",), ("privacy", "scan"), ("policy", "show")]
"""Commands that ask git what of the work tree differs from the index: a filter that cleans files has its say in that."""
COMMITS = [
    ("verify", "main...topic"),
    ("verify", "--all"),
    ("check", "main...topic"),
    ("diff", "main...topic"),
    ("log",),
    ("trace", "pets/p2#m1"),
    ("blame", "pets/p2"),
    ("review", "main...topic"),
    ("ci", "--base", "main", "--head", "topic", "-o", "{out}"),
    ("report",),
    ("audit", "population"),
    ("audit", "merges"),
    ("privacy", "scan", "main..topic"),
    ("export", "jsonl", "--dataset", "pets", "--task", "mood", "--at", "topic", "-o", "{out}"),
]


@pytest.fixture
def governed(zoo: Zoo, people_keys: Path, labelvc) -> Desk:
    """Put the zoo under a policy; ask for it before `hostile`."""
    return govern(zoo, people_keys, labelvc)


@pytest.fixture
def hostile(zoo: Zoo, tmp_path: Path) -> Zoo:
    """Return the zoo with a branch, and every program that git may be told to run set to one that leaves a mark."""
    zoo.git("switch", "-q", "-c", "topic")
    zoo.change("pets/p2#m1", value={"score": 3})
    zoo.commit("More")
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for path in [*(tmp_path / name for name in {*PROGRAMS.values()}), *(hooks / name for name in HOOKS)]:
        said = "$(tr '\\0' ' ' < /proc/$PPID/cmdline)"
        path.write_text(f'#!/bin/sh\necho "{path.name}, by {said}" >> {tmp_path}/ran\n')
        path.chmod(0o755)
    for name, program in PROGRAMS.items():
        zoo.git("config", name, str(tmp_path / program))
    zoo.git("config", "core.hooksPath", str(hooks))
    zoo.git("config", "log.showSignature", "true")
    (zoo.folder / ".git/info").mkdir(exist_ok=True)
    zoo.write(".git/info/attributes", "* filter=evil diff=evil merge=evil\n")
    for path in zoo.folder.glob("datasets/*/*/*.jsonl"):
        os.utime(path, None)  # what the index knows of the files is out of date, so git reads them again
    (tmp_path / "ran").unlink(missing_ok=True)
    return zoo


@pytest.mark.parametrize("words", [*COMMITS, *WORK], ids=" ".join)
def test_no_program_of_the_clone_runs(hostile: Zoo, labelvc, tmp_path: Path, words: tuple[str, ...]):
    if words in WORK:
        hostile.git("config", "--remove-section", "filter.evil")
    code, out, err = labelvc(hostile.folder, *(word.format(out=tmp_path / "out") for word in words))
    assert code in (0, 1, 2), out + err
    ran = tmp_path / "ran"
    assert not ran.exists(), ran.read_text()


def test_no_program_of_the_clone_runs_where_signatures_are_read(governed: Desk, hostile: Zoo, tmp_path: Path):
    (step,) = governed.verify("main...topic")[1]
    assert (step["state"], [need["have"] for need in step["needs"]]) == ("missing", [0])
    code, steps = governed.verify("--all")
    assert (code, {one["state"] for one in steps} >= {"missing"}) == (1, True)
    out = str(tmp_path / "out")
    code, said, _ = governed.labelvc("ci", "--base", "main", "--head", "topic", "-o", out)
    assert (code, "approval.missing" in said) == (1, True), said
    ran = tmp_path / "ran"
    assert not ran.exists(), ran.read_text()


def test_a_monitor_that_says_nothing_changed_hides_no_change(hostile: Zoo, labelvc):
    hostile.git("update-index", "--fsmonitor")
    hostile.change("pets/p2#m1", value={"score": 9})
    code, out, _ = labelvc(hostile.folder, "check")
    assert (code, "score.range" in out) == (1, True), out


@pytest.mark.parametrize("bit", ["assume-unchanged", "skip-worktree"])
def test_a_bit_of_the_index_hides_no_change(zoo: Zoo, labelvc, bit: str):
    path = zoo.shard("pets/p2#m1")
    zoo.git("update-index", f"--{bit}", path)
    assert labelvc(zoo.folder, "check", "--all")[0] == 0
    zoo.change("pets/p2#m1", value={"score": 9})
    assert zoo.git("status", "--short") == "", "git itself sees nothing"
    for words in (("check",), ("check", "--all")):
        code, out, _ = labelvc(zoo.folder, *words)
        assert (code, "score.range" in out) == (1, True), (words, out)
    assert "/value/score 0 -> 9" in labelvc(zoo.folder, "diff")[1]
    (zoo.folder / path).unlink()
    code, out, _ = labelvc(zoo.folder, "diff", "--stat")
    assert (path in out or "removed" in out) or bit == "skip-worktree", out


def test_what_is_hidden_is_not_written_over(zoo: Zoo, labelvc):
    """A command that writes a shard starts from what lies there, not from what the index says lies there."""
    path = zoo.shard("pets/p2#m1")
    zoo.git("update-index", "--assume-unchanged", path)
    zoo.change("pets/p2#m1", value={"score": 3}, bump=0)
    code, _, err = labelvc(zoo.folder, "format")
    assert code == 0, err
    assert (zoo.row("pets/p2#m1")["value"], zoo.row("pets/p2#m1")["rev"]) == ({"score": 3}, 2)
