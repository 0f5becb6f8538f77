"""Real corrections to a treebank, as commits: differences speak of words, every revision is given back byte by byte."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.oracles import ud_diff

FILE = "en_ewt-ud-dev.conllu"
OLD, NEW = "c999e2b", "741ecb7"
MALFORMED = ("cbeaf4d", "104ea82", "c62284d")
PLAIN = ("form", "lemma", "upos", "xpos", "feats", "head", "misc")

Command = Callable[..., tuple[int, str, str]]
STANDING = ("address", "card", "email", "iban", "phone", "place", "secret", "ssn", "url")


class Treebank:
    """A project that holds a treebank; each revision of the file becomes a commit."""

    def __init__(self, folder: Path, source: Path, labelvc: Command, git: Callable[..., str]) -> None:
        self.folder, self.source, self._labelvc, self.git = folder, source, labelvc, git
        self.contents: list[bytes] = []

    def run(self, *words: str, code: int = 0) -> str:
        found, out, err = self._labelvc(self.folder, *words)
        assert found == code, out + err
        return out

    def bring(self, content: bytes) -> str:
        """Import a revision over the last one and commit it; returns what import says."""
        self.source.write_bytes(content)
        mode = ("--mode", "replace") if self.contents else ()
        said = self.run("import", "conllu", str(self.source), "--dataset", "sentences", *mode)
        self.contents.append(content)
        self.git(self.folder, "add", "--all")
        self.git(self.folder, "commit", "-qm", f"revision {len(self.contents)}", "--allow-empty")
        return said

    def export(self, *words: str) -> bytes:
        target = self.source.with_name("out.conllu")
        self.run("export", "conllu", "--dataset", "sentences", "-o", str(target), *words)
        return target.read_bytes()

    def figures(self, revisions: str) -> dict[str, Any]:
        """Return the oracle's figures as `labelvc diff` tells them."""
        document = json.loads(self.run("diff", revisions, "--format", "json"))
        summary, records = document["summary"], [one for one in document["items"] if "#" in one["key"]]
        changed = [one for one in records if one["kind"] == "changed"]
        fields = Counter(field.removeprefix("/value/") for one in changed for field in one["fields"])
        moves = [(move["old"], move["new"], move["count"]) for move in summary["transitions"]]
        assert sum(count for *_, count in moves) == fields["deprel"]
        relabelled = {one["key"].partition("#")[0] for one in changed if "/value/deprel" in one["fields"]}
        kinds = Counter(one["kind"] for one in records)
        assert {kind: number for kind, number in summary["records"].items() if number} == dict(kinds)
        return {
            "removed": kinds["removed"],
            "added": kinds["added"],
            "changed": kinds["changed"],
            "relations": fields["deprel"],
            "transitions": len(moves),
            "sentences": len(relabelled),
            "first": list(moves[0]) if moves else [],
            **{name: fields[name] for name in PLAIN},
        }


@pytest.fixture
def bank(project: Callable[[str], Path], tmp_path: Path, labelvc: Command, git: Callable[..., str]) -> Treebank:
    """Return a project without words yet, in which the addresses and numbers of these published letters may stand."""
    (tmp_path / "source").mkdir()
    folder = project("tokens")
    with (folder / "datasets/sentences/dataset.yaml").open("a") as declared:
        declared.write("checks:\n" + "".join(f"  privacy.{kind}: {{severity: note}}\n" for kind in STANDING))
    git(folder, "add", "--all")
    git(folder, "commit", "-qm", "What may stand here")
    return Treebank(folder, tmp_path / "source" / FILE, labelvc, git)


def expected(folder: Path, old: bytes, new: bytes) -> dict[str, Any]:
    """Return the oracle's figures."""
    paths = [folder / name for name in ("old", "new")]
    for path, content in zip(paths, (old, new), strict=True):
        path.write_bytes(content)
    found = ud_diff.compare(*paths)
    del found["old"], found["new"]
    return {**found, "changed": len(ud_diff.changed(*paths))}


def blocks(content: bytes, number: int) -> bytes:
    """Return the first sentences of a file."""
    return b"\n\n".join(content.split(b"\n\n")[:number]) + b"\n\n"


def differing(one: bytes, two: bytes) -> list[tuple[bytes, bytes]]:
    return [pair for pair in zip(one.split(b"\n"), two.split(b"\n"), strict=True) if pair[0] != pair[1]]


def edit(content: bytes, number: int, column: int, cell: Callable[[list[bytes]], bytes]) -> bytes:
    """Change one cell of the word in this line, counted from 0."""
    lines = content.split(b"\n")
    cells = lines[number].split(b"\t")
    assert len(cells) == 10
    cells[column] = cell(cells)
    lines[number] = b"\t".join(cells)
    return b"\n".join(lines)


def test_two_releases_differ_in_words_and_not_in_numbers(treebank, bank, tmp_path):
    old, new = (treebank("show", f"{revision}:{FILE}") for revision in (OLD, NEW))
    counted = expected(tmp_path, old, new)
    assert counted == {
        "removed": 4, "added": 2, "relations": 237, "transitions": 60, "sentences": 140, "first": ["nummod", "flat", 33],
        "form": 0, "lemma": 24, "upos": 9, "xpos": 9, "feats": 22, "head": 275, "misc": 46, "changed": 418,
    }  # fmt: skip
    assert "25,149 records" in bank.bring(old)
    assert "no findings" in bank.run("check", "--all", "--fail-on", "note")
    assert "25,147 records" in bank.bring(new)
    assert "no findings" in bank.run("check", "--all", "--fail-on", "note")
    assert bank.figures("HEAD~1..HEAD") == counted
    told = bank.run("diff", "HEAD~1..HEAD", "--stat").splitlines()
    assert told[0].startswith("records: 418 changed, 2 added, 4 removed in 168 items")
    assert ["nummod", "->", "flat", "33"] in [line.split()[-4:] for line in told], told
    assert bank.export("--at", "HEAD~1") == old
    assert bank.export("--at", "HEAD") == bank.export() == new


def test_one_more_changed_word_is_one_more_in_exactly_its_figure(treebank, bank, tmp_path):
    old, new = (blocks(treebank("show", f"{revision}:{FILE}"), 300) for revision in (OLD, NEW))
    before = expected(tmp_path, old, new)
    assert before["changed"] > 20
    kept = set(old.split(b"\n"))
    rows = [(at, line) for at, line in enumerate(new.split(b"\n")) if b"\tdet\t" in line and line in kept]
    word = next(at for at, line in rows if line.split(b"\t")[6] > b"2")
    relabelled = edit(new, word, 7, lambda _: b"det:never")
    reheaded = edit(new, word, 6, lambda _: b"1")
    bank.bring(old)
    start = bank.git(bank.folder, "rev-parse", "HEAD").strip()
    for content, steps in (
        (new, {}),
        (relabelled, {"relations": 1, "transitions": 1, "changed": 1}),
        (reheaded, {"head": 1, "changed": 1}),
        (edit(new, word, 2, lambda cells: cells[2] + b"x"), {"lemma": 1, "changed": 1}),
    ):
        counted = expected(tmp_path, old, content)
        assert {name: counted[name] - before[name] for name in steps} == steps
        assert [name for name in counted if counted[name] != before[name] and name not in steps] in ([], ["sentences"])
        bank.bring(content)
        assert bank.figures(f"{start}..main") == counted


def test_one_label_changed_by_hand_changes_exactly_its_line(treebank, bank):
    content = blocks(treebank("show", f"{NEW}:{FILE}"), 300)
    bank.bring(content)
    shards = sorted((bank.folder / "datasets/sentences/annotations").rglob("*.jsonl"))
    path = next(path for path in shards if '"deprel":"nsubj"' in path.read_text())
    path.write_text(path.read_text().replace('"deprel":"nsubj"', '"deprel":"nsubj:changed"', 1))
    bank.run("check", "--fail-on", "error", code=1)
    bank.run("format")
    bank.run("check", "--fail-on", "note")
    ((old, new),) = differing(content, bank.export())
    assert new == old.replace(b"\tnsubj\t", b"\tnsubj:changed\t")
    assert bank.export("--at", "HEAD") == content
    (delta,) = [json.loads(line) for line in bank.run("diff", "--format", "jsonl").splitlines()]
    assert set(delta["fields"]) - {"/rev"} == {"/value/deprel"}


def successive(treebank: Callable[..., bytes], number: int) -> list[bytes]:
    """Return the file at the last commits of the first-parent line that can be read, oldest first."""
    listed = treebank("rev-list", "--first-parent", f"--max-count={number + len(MALFORMED)}", NEW, "--", FILE)
    good = [name for name in listed.decode().split() if not name.startswith(MALFORMED)]
    return [treebank("show", f"{name}:{FILE}") for name in good[:number]][::-1]


def walk(bank: Treebank, revisions: list[bytes], folder: Path) -> None:
    """Import revisions as commits, hold each difference, each export and the life of one word to what the files say."""
    start = int(bank.git(bank.folder, "rev-list", "--count", "HEAD"))
    for content in revisions:
        bank.bring(content)
    total = int(bank.git(bank.folder, "rev-list", "--count", "HEAD"))
    assert total == start + len(revisions)
    lives: Counter[Any] = Counter()
    for at, (old, new) in enumerate(pairwise(revisions)):
        back = len(revisions) - 2 - at
        counted = expected(folder, old, new)
        assert bank.figures(f"HEAD~{back + 1}..HEAD~{back}") == counted, at
        lives.update(ud_diff.changed(folder / "old", folder / "new").keys())
    for at, content in enumerate(revisions):
        assert bank.export("--at", f"HEAD~{len(revisions) - 1 - at}") == content, at
    assert "no findings" in bank.run("check", "--all", "--fail-on", "note")
    sentence = max(lives, key=lambda word: (lives[word], str(word)))[0]
    keys = {
        json.loads(line)["key"]
        for back in range(len(revisions) - 1)
        for line in bank.run("diff", f"HEAD~{back + 1}..HEAD~{back}", "--format", "jsonl").splitlines()
    }
    steps = []
    for key in sorted(key for key in keys if key.startswith(f"sentences/{sentence}#") and not key.endswith("#")):
        told = json.loads(bank.run("trace", key, "--format", "json"))
        steps.append(sum(step["kind"] == "changed" for step in told["items"]))
    assert sorted(filter(None, steps)) == sorted(times for (name, _), times in lives.items() if name == sentence)


def test_eight_successive_revisions_are_commits_that_give_each_file_back(treebank, bank, tmp_path):
    """The sentences that these revisions touch, and a hundred others."""
    whole = successive(treebank, 8)
    cut = [content.split(b"\n\n") for content in whole]
    assert len({len(rows) for rows in cut}) == 1
    busy = {at for at, rows in enumerate(zip(*cut, strict=True)) if len(set(rows)) > 1}
    kept = sorted(busy | set(range(100)))
    walk(bank, [b"\n\n".join([rows[at] for at in kept if rows[at].strip()]) + b"\n\n" for rows in cut], tmp_path)


@pytest.mark.long
def test_thirty_successive_revisions_of_the_whole_treebank(treebank, bank, tmp_path):
    walk(bank, successive(treebank, 30), tmp_path)
