"""Threat 16 of the study: what the gate finds stands in no output, log, cache or traceback, and in no file that `ci` writes for others."""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from benchmarks import corpora

from labelvc.codec import canonical, shard
from labelvc.core import leaks
from tests.zoo import Zoo, make, zoo, zoo_template

__all__ = ["zoo", "zoo_template"]
Run = Callable[..., tuple[int, str, str]]
MAIL, ACCOUNT = "jo.public@firma.de", "DE89370400440532013000"
FORMS = ("text", "json", "jsonl", "sarif", "junit", "gitlab", "github")


def spoil(zoo: Zoo) -> None:
    """Write a person into every place of a branch that a page could show: texts, labels, names, documents, slices, messages."""
    zoo.git("switch", "-q", "-c", "topic")
    zoo.change("pets/p2#", text=f"write to {MAIL} or {ACCOUNT}", ext={MAIL: 1, "x": {f"n {MAIL}": [MAIL]}})
    zoo.put(f"pets/{MAIL}#", {"id": MAIL, "natural": {"word": "x"}, "text": "hello"})
    zoo.write(f"notes/{MAIL}.txt", "x")
    zoo.change("pets/p1#m1", value={"label": MAIL})
    zoo.change("pets/p1#m2", task=MAIL)
    zoo.change("pets/p2#m1", under=f"mood@{MAIL}")
    zoo.change("pets/p1#n1", value={"text": f"call {MAIL}"})
    zoo.replace("taxonomies/animals.yaml", "labels:", f"description: ask {MAIL}\nlabels:")
    zoo.commit(f"say {MAIL}")


@pytest.mark.parametrize("document", ["sound", "a rule of a dataset is a person"])
def test_privacy_16_no_file_that_a_host_shows_holds_what_the_gate_finds(
    zoo: Zoo, labelvc: Run, tmp_path: Path, document: str
):
    spoil(zoo)
    if document != "sound":
        zoo.replace("datasets/pets/dataset.yaml", "checks: {}", f"checks: {{{MAIL}: {{severity: off}}}}")
        zoo.commit("A rule")
    told: dict[str, str] = {}
    out = tmp_path / "out"
    commands = [("ci", "--base", "main", "--head", "HEAD", "-o", str(out), "--annotations", "github")]
    commands += [
        (*words, "--format", form)
        for words in (("check", "main..HEAD"), ("privacy", "scan", "main..HEAD"))
        for form in FORMS
    ]
    commands += [
        ("review", "main..HEAD"),
        ("review", "main..HEAD", "--format", "html"),
        ("privacy", "scan", "--all"),
        ("status",),
        ("doctor",),
    ]
    for words in commands:
        code, said, err = labelvc(zoo.folder, *words)
        assert code in (0, 1, 2), err
        told[" ".join(words)] = said + err
    told |= {path.name: path.read_text() for path in out.iterdir()}
    assert {
        "review.html",
        "review.json",
        "summary.md",
        "findings.sarif",
        "junit.xml",
        "gl-code-quality.json",
    } <= told.keys()
    assert "e-mail" in told["summary.md"]
    assert [name for name, said in told.items() if MAIL in said or ACCOUNT in said or "jo.public" in said] == []


STRUCTURED = {"EMAIL_ADDRESS", "CREDIT_CARD", "IBAN_CODE", "US_SSN", "PHONE_NUMBER", "IP_ADDRESS", "US_DRIVER_LICENSE"}
SHORTEST = 7


class Crowd(NamedTuple):
    """A repository in whose index texts of the corpora are, in shards and in a file; and every gold value in them."""

    zoo: Zoo
    texts: list[str]
    gold: list[str]

    def standing(self, told: str) -> list[int]:
        """Return the positions of the gold values that stand in something told, never the values."""
        return [at for at, value in enumerate(self.gold) if value in told]


def rows() -> Iterator[tuple[str, set[str]]]:
    """Yield every text of the corpora with its gold values: those that have a form, and of the others the ones of several words.

    A single word, as `May` or `Service`, may stand in a message by itself.
    """
    for row in json.loads((corpora.DATA / "presidio-research/synth_dataset_v2.json").read_bytes()):
        told = [(span["entity_value"], span["entity_type"] in STRUCTURED) for span in row["spans"]]
        yield row["full_text"], {value for value, sure in told if sure or (" " in value and len(value) >= SHORTEST)}
    for line in (corpora.DATA / "faker_generated/structured_spans.jsonl").read_bytes().splitlines():
        row = json.loads(line)
        yield row["text"], {row["text"][start:end] for start, end, _ in row["spans"]}


@pytest.fixture(scope="module", params=[400, pytest.param(None, marks=pytest.mark.long)], ids=["some", "all"])
def crowd(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Crowd:
    if not corpora.DATA.is_dir():
        pytest.skip("LABELVC_TEST_DATA names no folder with pii/")
    zoo = make(tmp_path_factory.mktemp("crowd") / "zoo")
    chosen = list(rows())
    if request.param:
        chosen = random.Random(5).sample(chosen, request.param)
    texts = [text for text, _ in chosen]
    lines: dict[str, list[bytes]] = {}
    for number, text in enumerate(texts):
        row = {"id": f"x{number}", "natural": {"word": f"x{number}"}, "text": text}
        lines.setdefault(zoo.shard(f"pets/x{number}#"), []).append(canonical.encode(row, canonical.ITEM_FIRST))
    for path, more in lines.items():
        zoo.write(path, shard.write(sorted([*shard.lines(zoo.read(path)), *more])))
    zoo.write("texts.txt", "\n".join(texts))
    zoo.git("add", "--all")
    return Crowd(zoo, texts, sorted(set().union(*[gold for _, gold in chosen])))


def test_privacy_16_no_output_cache_or_log_holds_a_value_of_the_corpora(
    crowd: Crowd, labelvc: Run, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    said = ""
    for words in (
        ("privacy", "scan"),
        ("privacy", "scan", "--all", "--format", "json"),
        ("check", "--staged", "--format", "jsonl"),
        ("plumbing", "hook", "pre-commit"),
    ):
        code, out, err = labelvc(crowd.zoo.folder, *words)
        assert code == 1
        said += out + err
    files = [path for path in (crowd.zoo.folder / ".git/labelvc").rglob("*") if path.is_file()]
    kept = "".join([path.read_bytes().decode(errors="replace") for path in files])
    assert said.count("in plain text") > len(crowd.texts)
    assert crowd.standing(said + caplog.text + kept) == []


def test_privacy_16_no_traceback_holds_what_the_gate_finds(crowd: Crowd, labelvc: Run, monkeypatch: pytest.MonkeyPatch):
    """A bug of ours quotes what it could not take: all the texts at once, as they are and as Python shows them."""

    def fail(*_: object) -> None:
        try:
            {}[crowd.texts[0]]
        except KeyError as problem:
            raise ValueError("cannot take " + "\n".join([*crowd.texts, repr(crowd.texts)])) from problem

    monkeypatch.setattr(leaks, "_finding", fail)
    code, out, err = labelvc(crowd.zoo.folder, "privacy", "scan")
    assert (code, err.count("Traceback")) == (3, 2)
    assert [name in err for name in ("KeyError: (its words", "ValueError: (its words")] == [True, True]
    assert crowd.standing(out + err) == []
