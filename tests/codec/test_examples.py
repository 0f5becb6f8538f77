"""Each file in tests/examples is a test: what lies in `valid` has no problem, what lies in `invalid` has the one it names.

What an invalid file expects stands in its first line (`# expect: document.schema /tasks/topic`), or, where a file has no
comments, in its name before `--` (`value.label--number.json`; `top` is the whole value, `yaml` what cannot be read).
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema_rs
import pytest

from labelvc.codec import canonical, schema
from labelvc.core import references
from labelvc.errors import DataError
from labelvc.ops import parsing

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
VALID = sorted(path for path in (EXAMPLES / "valid").rglob("*") if path.is_file())
INVALID = sorted(path for path in (EXAMPLES / "invalid").rglob("*") if path.is_file())


def name(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def found(path: Path) -> list[tuple[str, str, str]]:
    """Return (rule, pointer, message) of everything wrong with an example."""
    noun, data = path.parent.name, path.read_bytes()
    if path.suffix != ".yaml":
        try:
            values = (
                [canonical.decode(raw) for raw in data.splitlines()]
                if path.suffix == ".jsonl"
                else [canonical.decode(data)]
            )
        except DataError as error:
            return [("document.yaml", "", error.message)]
        return [("document.schema", at, message) for value in values for at, message in schema.problems(noun, value)]
    parsed = parsing.parse(noun, data)
    troubles = [(trouble.rule, trouble.pointer, trouble.message) for trouble in parsed.troubles]
    if troubles or noun not in ("project", "dataset", "taxonomy", "guideline", "profile", "recipients"):
        return troubles
    document = references.Document(noun, parsed.value.get("name", ""), parsed.value)
    everything = {
        "dataset": frozenset(["texts"]),
        "taxonomy": frozenset(["t", "topics"]),
        "guideline": frozenset("g"),
        "profile": frozenset(["strict"]),
    }
    return [(trouble.rule, trouble.pointer, trouble.message) for trouble in references.troubles([document], everything)]


def expected(path: Path) -> tuple[str, str] | None:
    first = path.read_bytes().split(b"\n", 1)[0]
    comment = re.fullmatch(rb"# expect: (\S+) ?(\S*)", first)
    if comment:
        return comment[1].decode(), comment[2].decode()
    start, mark, _ = path.stem.partition("--")
    if not mark:
        return None
    if start == "yaml":
        return "document.yaml", ""
    return "document.schema", "" if start == "top" else "/" + start.replace(".", "/")


@pytest.mark.parametrize("path", VALID, ids=name)
def test_valid(path: Path):
    assert found(path) == []


@pytest.mark.parametrize("path", INVALID, ids=name)
def test_invalid(path: Path):
    problems = found(path)
    assert problems
    wanted = expected(path)
    assert wanted is None or wanted in [problem[:2] for problem in problems], problems


@pytest.mark.parametrize("path", [path for path in [*VALID, *INVALID] if path.suffix == ".json"], ids=name)
def test_a_second_validator_agrees(path: Path):
    """jsonschema-rs, written by other people in another language, comes to the same verdict with the published schema."""
    rules = schema.schema(path.parent.name)
    if "finding" in rules.get("$defs", {}):
        rules = json.loads(json.dumps(rules).replace('"urn:labelvc:schema:finding:1"', '"#/$defs/finding"', 1))
        del rules["$defs"]["finding"]["$id"]
    verdict = jsonschema_rs.validator_for(rules).is_valid(json.loads(path.read_bytes()))
    assert verdict == (schema.problems(path.parent.name, json.loads(path.read_bytes())) == [])


def test_every_noun_has_enough_of_both():
    for noun in ("project", "dataset", "taxonomy", "guideline", "item", "record", "finding"):
        assert sum(path.parent.name == noun for path in VALID) >= 3, noun
        assert sum(path.parent.name == noun for path in INVALID) >= 6, noun
