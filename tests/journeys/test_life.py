"""The life of real words: `trace` and `blame` say what a walk over all revisions says, whatever was done to the files since."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labelvc.model.names import Key
from labelvc.ops import blame, trace
from labelvc.store import git as plumbing
from tests.journeys.test_ud import MALFORMED, NEW, Treebank, bank, successive
from tests.oracles.life import History, leaves
from tests.zoo import Zoo

__all__ = ["bank"]
FILE = "en_ewt-ud-dev.conllu"


def hold(folder: Path, seed: int, words: int) -> dict[str, int]:
    """Hold the lives of random words, and the blame of all, to what a walk over the revisions says."""
    at = plumbing.find(folder)
    history = History(folder, "sentences")
    lives = history.lives()
    chosen = random.Random(seed).sample(sorted(lives), words - words // 4)
    chosen += sorted(lives, key=lambda key: (-len(lives[key]), key))[: words // 4]  # and those that changed most
    former = 0
    for item, name in chosen:
        life = trace.trace(at, Key("sentences", item, name))
        own = [step for step in life.steps if step.delta.key == (("sentences", item, name))]
        told = [(step.commit.id, step.delta.old, step.delta.new) for step in own]
        assert [row[::2] for row in told] == [row[::2] for row in lives[item, name]], (item, name)
        for step, (commit, old, new) in zip(own, lives[item, name], strict=True):
            if step.former is None:
                assert step.delta.old == old
                continue
            former += 1
            (took,) = [row for row in lives[step.former.item, step.former.id] if row[0] == commit]
            assert took[1] == step.delta.old
            aside = ("/item", "/id", "/rev", "/at", "/origin")
            before, after = [
                {at: v for at, v in leaves(line).items() if not at.startswith(aside)} for line in (took[1], new)
            ]
            assert before == after
    expected = history.blame(lives)
    for _ in range(2):  # the second time from what is remembered
        found = {
            (key.item, key.id): {origin.pointer: origin.commit.id for origin in origins}
            for key, origins in blame.whole(at, "sentences")
        }
        assert found == expected
    return {"words": len(lives), "steps": sum(map(len, lives.values())), "former": former}


def reshard(bank: Treebank, shards: int) -> None:
    """Change the number of shards and rewrite them."""
    path = bank.folder / "datasets/sentences/dataset.yaml"
    text = path.read_text()
    (old,) = [line for line in text.splitlines() if line.startswith("shards:")]
    path.write_text(text.replace(old, f"shards: {shards}"))
    bank.run("format")
    bank.git(bank.folder, "add", "--all")
    bank.git(bank.folder, "commit", "-qnm", f"{shards} shards")


def squash(bank: Treebank, number: int) -> None:
    bank.git(bank.folder, "reset", "-q", "--soft", f"HEAD~{number}")
    bank.git(bank.folder, "commit", "-qnm", f"the last {number} at once")


def relabel(bank: Treebank, number: int) -> None:
    """Change the relation of some words by hand."""
    for path in sorted((bank.folder / "datasets/sentences/annotations").rglob("*.jsonl"))[:number]:
        data = path.read_text().replace('"deprel":"det"', '"deprel":"det:changed"', 3)
        path.unlink()  # a link into the cache of DVC must not be written through
        path.write_text(data)
    bank.run("format")


def everything(bank: Treebank, words: int) -> None:
    """Squash, reshard and move to DVC, with changes between, and hold the lives each time."""
    hold(bank.folder, 1, words)
    squash(bank, 3)
    hold(bank.folder, 2, words // 4)
    reshard(bank, 256)
    relabel(bank, 20)
    bank.git(bank.folder, "commit", "-qnam", "by hand")
    hold(bank.folder, 3, words // 4)
    zoo = Zoo(bank.folder)
    zoo.store_in_dvc("sentences")
    zoo.commit("Store in DVC")
    relabel(bank, 7)
    zoo.store_in_dvc("sentences")
    zoo.commit("Behind the pointer")
    hold(bank.folder, 4, words // 2)


def test_words_live_as_the_revisions_say(treebank: Callable[..., bytes], bank: Treebank):
    """Eight successive revisions: the sentences that they touch, and some others."""
    cut = [content.split(b"\n\n") for content in successive(treebank, 8)]
    names: dict[Any, set[bytes]] = {}
    for rows in cut:
        for row in rows:
            names.setdefault(sent(row), set()).add(row)
    kept = {name for name, rows in names.items() if len(rows) > 1} | set(sorted(names)[:30])
    for rows in cut:
        bank.bring(b"\n\n".join([row for row in rows if row.strip() and sent(row) in kept]) + b"\n\n")
    everything(bank, 40)


def sent(block: bytes) -> bytes:
    return next((line for line in block.split(b"\n") if line.startswith(b"# sent_id")), b"")


@pytest.mark.long
def test_words_live_as_all_revisions_say(treebank: Callable[..., bytes], bank: Treebank):
    listed = treebank("rev-list", "--reverse", "--topo-order", NEW, "--", FILE).decode().split()
    met = 0
    for name in listed:
        if not name.startswith(MALFORMED):
            bank.source.write_bytes(treebank("show", f"{name}:{FILE}"))
            mode = ("--mode", "replace") if met else ()
            bank.run("import", "conllu", str(bank.source), "--dataset", "sentences", *mode)
            bank.git(bank.folder, "add", "--all")
            bank.git(bank.folder, "commit", "-qnm", f"revision {name}", "--allow-empty")
            met += 1
    assert met > 400
    everything(bank, 200)


def test_log_counts_what_trace_tells(treebank: Callable[..., bytes], bank: Treebank):
    blocks = [b"\n\n".join(content.split(b"\n\n")[:200]) + b"\n\n" for content in successive(treebank, 12)]
    for content in blocks:
        bank.bring(content)
    lives = History(bank.folder, "sentences").lives()
    told = [json.loads(line) for line in bank.run("log", "sentences", "--format", "jsonl").splitlines()]
    counted = {row["commit"]["id"]: sum(row["records"].values()) for row in told if row["records"]}
    expected: dict[str, int] = {}
    for steps in lives.values():
        for commit, _, _ in steps:
            expected[commit] = expected.get(commit, 0) + 1
    assert counted == expected
    item, name = max(lives, key=lambda key: (len(lives[key]), key))
    rows = [json.loads(line) for line in bank.run("log", f"sentences/{item}#{name}", "--format", "jsonl").splitlines()]
    assert [row["commit"]["id"] for row in rows] == [commit for commit, _, _ in lives[item, name]][::-1]
