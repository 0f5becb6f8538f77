"""Threat 16 of the study, at the outputs that hosts show: what the gate finds stands in no file that `ci` writes for others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.zoo import Zoo, zoo, zoo_template

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
