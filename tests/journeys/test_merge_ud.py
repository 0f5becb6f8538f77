"""The real merges of a treebank made again, with `git merge` and with `labelvc merge`, and held against what was published."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.journeys.test_ud import FILE, Treebank, bank
from tests.oracles import ud_merge

__all__ = ["bank"]
MERGES = {
    "0fc2849": {"ours": 2, "theirs": 2},
    "3b4d212": {"theirs": 4},
    "ff581c2": {"ours": 18, "theirs": 8, "both": 1, "conflicts": 1},
    "ac49fbd": {"ours": 21, "theirs": 35},
    "18ac6f5": {"ours": 12, "theirs": 3},
    "a9fd188": {"ours": 466, "theirs": 224, "both": 6, "together": 4, "conflicts": 2, "invented": 2},
    "a6305f8": {"ours": 8, "theirs": 1},
}
"""Every merge of the history, and what `python tests/oracles/ud_merge.py` counts: words that each side and both changed, of the
latter those that come together and those in conflict, and those for which somebody wrote what no side has. None was lost."""
LARGE = ("3b4d212", "a9fd188")


class Revisions(NamedTuple):
    """The file at a merge's base, its parents and the published merge."""

    base: bytes
    ours: bytes
    theirs: bytes
    merge: bytes


def revisions(treebank: Callable[..., bytes], merge: str) -> Revisions:
    commit, ours, theirs = treebank("rev-list", "--parents", "--max-count=1", merge).decode().split()
    bases = treebank("merge-base", "--all", ours, theirs).decode().split()
    assert len(bases) == 1
    return Revisions(*[treebank("show", f"{commit}:{FILE}") for commit in (*bases, ours, theirs, commit)])


def cut(whole: Revisions, most: int = 40) -> Revisions:
    """Return the sentences in which the versions differ, and some others."""
    tables = [dict(_blocks(content)) for content in whole]
    names = list(dict.fromkeys([name for table in tables for name in table]))
    busy = {name for name in names if len({table.get(name) for table in tables}) > 1}
    kept = busy | set([name for name in names if name not in busy][:most])
    return Revisions(*[b"".join([block for name, block in table.items() if name in kept]) for table in tables])


def _blocks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    for block in content.split(b"\n\n"):
        found = re.search(rb"^# sent_id = (\S+)", block, re.MULTILINE)
        if found:
            yield found[1], block + b"\n\n"


def shards(bank: Treebank) -> dict[str, bytes]:
    """Return every shard of the work tree; what conflict markers call the sides is left out."""
    found = {str(path.relative_to(bank.folder)): path.read_bytes() for path in bank.folder.glob("datasets/**/*.jsonl")}
    return {path: re.sub(rb"^([<|>]{7}) .*$", rb"\1", data, flags=re.MULTILINE) for path, data in found.items()}


def fork(bank: Treebank, versions: Revisions) -> None:
    """Make the branches `main` and `topic` of the two sides, in a clone with the driver."""
    bank.run("install")
    bank.bring(versions.base)
    bank.git(bank.folder, "switch", "-qc", "topic")
    bank.bring(versions.theirs)
    bank.git(bank.folder, "switch", "-q", "main")
    bank.bring(versions.ours)


def keys(bank: Treebank, revision: str) -> set[str]:
    """Return what begins the lines of every record and item of a commit, tombstones too."""
    listed = bank.git(
        bank.folder, "grep", "-hoE", r'^\{("item":"[^"]*",)?"id":"[^"]*"', revision, "--", "datasets/*.jsonl"
    )
    return set(listed.splitlines())


def replay(treebank: Callable[..., bytes], bank: Treebank, tmp_path: Path, merge: str, *, whole: bool) -> None:
    versions = revisions(treebank, merge)
    versions = versions if whole else cut(versions)
    paths = [tmp_path / name for name in versions._fields]
    for path, content in zip(paths, versions, strict=True):
        path.write_bytes(content)
    truth = ud_merge.judge(*paths)
    assert {name: len(words) for name, words in truth.items() if words} == MERGES[merge]
    torn = bool(truth["conflicts"])
    fork(bank, versions)

    # with git and the driver, and with labelvc
    git(bank, "merge", "-q", "--no-edit", "topic", code=int(torn))
    by_git = shards(bank)
    git(bank, "reset", "-q", "--hard", *([] if torn else ["HEAD^1"]))
    told = json.loads(bank.run("merge", "topic", "--format", "json", code=int(torn)))
    assert shards(bank) == by_git
    found = {item["key"] for item in told["items"]}
    assert {key.partition("/")[2].partition("#")[0] for key in found} == {word[0] for word in truth["conflicts"]}
    assert len(found) == len(truth["conflicts"])
    assert told["summary"]["records"] == len(truth["together"])
    if torn:
        bank.run("resolve", "--ours")
        bank.run("merge", "--continue")
    assert keys(bank, "HEAD") >= keys(bank, "HEAD^1") | keys(bank, "HEAD^2")
    bank.git(bank.folder, "tag", "ours-made")
    audited = json.loads(bank.run("audit", "merges", "--format", "json"))["summary"]
    assert (audited["clean"], audited["resolved"]) == (1, len(truth["conflicts"]))

    # what was published
    if not torn:
        assert bank.export("--at", "HEAD") == versions.merge
    publish(bank, versions)
    listed = [json.loads(line) for line in bank.run("diff", "ours-made..HEAD", "--format", "jsonl").splitlines()]
    assert {item["key"] for item in listed if item["kind"] != "touched"} <= found
    document = json.loads(bank.run("audit", "merges", "--format", "json", code=int(bool(truth["invented"]))))
    said = {kind: number for kind, number in document["summary"].items() if number and kind not in ("merges", "clean")}
    resolved = len(truth["conflicts"] - truth["invented"])
    assert said == {
        kind: number for kind, number in (("unwritten", len(truth["invented"])), ("resolved", resolved)) if number
    }


def publish(bank: Treebank, versions: Revisions) -> None:
    """Make the merge as it was published, whatever merging gives."""
    git(bank, "reset", "-q", "--hard", "HEAD^1")
    git(bank, "merge", "-q", "--no-commit", "--no-ff", "-s", "ours", "topic")
    bank.source.write_bytes(versions.merge)
    bank.run("import", "conllu", str(bank.source), "--dataset", "sentences", "--mode", "replace")
    git(bank, "add", "--all")
    git(bank, "commit", "-q", "--no-verify", "--no-edit")
    assert bank.export("--at", "HEAD") == versions.merge


def git(bank: Treebank, *words: str, code: int = 0) -> None:
    done = subprocess.run(["git", *words], cwd=bank.folder, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr


@pytest.mark.parametrize(
    "merge", [pytest.param(name, marks=pytest.mark.long) if name in LARGE else name for name in MERGES]
)
def test_a_real_merge_made_again(treebank, bank, tmp_path, merge):
    """The sentences that it touches, and some others."""
    replay(treebank, bank, tmp_path, merge, whole=False)


@pytest.mark.long
@pytest.mark.parametrize("merge", MERGES)
def test_a_real_merge_of_the_whole_treebank_made_again(treebank, bank, tmp_path, merge):
    replay(treebank, bank, tmp_path, merge, whole=True)


def test_these_are_all_merges_of_the_history(treebank):
    listed = treebank("rev-list", "--all", "--merges", "--topo-order", "--reverse").decode().split()
    assert [commit[:7] for commit in listed] == list(MERGES)
