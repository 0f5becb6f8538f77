"""The specification pages say what the schemas say: every member is named, every example is valid."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from labelvc.codec import canonical, schema
from labelvc.ops import parsing

FORMATS = Path(__file__).resolve().parents[2] / "docs" / "formats"
PAGES = {
    "project": "project", "dataset": "dataset", "taxonomy": "taxonomy", "guideline": "guideline", "versions": "guideline", "profile": "profile", "module": "module", "lock": "module", "batch": "batch", "batch-list": "batch", "batch-show": "batch", "item": "item",
    "record": "record", "finding": "finding", "check": "finding", "diff": "diff", "trace": "trace", "blame": "blame", "log": "log", "epoch": "pseudonym",
    "merge": "merge", "audit-merges": "audit-merges",
    "audit-population": "audit-population", "audit-sample": "audit-population", "audit-bundle": "audit-bundle", "audit-trace": "audit-trace",
    "release-verify": "release", "inclusion": "release",
    "dataset-list": "datasets", "dataset-show": "datasets", "dataset-change": "datasets", "status": "status",
    "client-state": "client-state", "recipients": "vault", "baseline": "leaks", "erasure": "vault",
    "review": "review", "erase-plan": "erasure", "erase-list": "erasure", "privacy-incident": "incident", "privacy-risk": "risk",
    "register": "register", "register-decision": "register", "register-risk": "register", "register-incident": "register",
    "register-misuse": "register", "register-source": "register", "register-review": "register", "register-feedback": "register", "register-proposal": "register",
    "register-list": "register", "register-show": "register", "waiver": "waiver", "waiver-list": "waiver",
}  # fmt: skip


def members(rules: object) -> set[str]:
    """Return the names of all members that a schema declares, at any depth."""
    found: set[str] = set()
    if isinstance(rules, dict):
        found |= set(rules["properties"]) if isinstance(rules.get("properties"), dict) else set()
        for inside in rules.values():
            found |= members(inside)
    elif isinstance(rules, list):
        for inside in rules:
            found |= members(inside)
    return found


def page(noun: str) -> str:
    return (FORMATS / f"{PAGES[noun]}.md").read_text()


@pytest.mark.parametrize("noun", PAGES)
def test_every_member_is_named(noun: str):
    words = set(re.findall("[A-Za-z_][A-Za-z0-9_]*", page(noun)))
    assert members(schema.schema(noun)) - words == set()
    assert f"urn:labelvc:schema:{noun}:1" in page(noun)


@pytest.mark.parametrize("name", sorted(set(PAGES.values())))
def test_a_page_has_members_rules_examples_and_errors(name: str):
    text = (FORMATS / f"{name}.md").read_text()
    assert "\n|---|" in text
    assert "\n## Errors" in text
    assert "```yaml" in text or "```json" in text


@pytest.mark.parametrize("noun", ["project", "dataset", "taxonomy", "guideline", "batch", "register-decision"])
def test_yaml_examples_are_valid(noun: str):
    (example,) = re.findall(r"```yaml\n(.*?)```", page(noun), re.DOTALL)
    assert parsing.parse(noun, example.encode()).troubles == []


@pytest.mark.parametrize(
    ("noun", "first"),
    [("item", ("id",)), ("record", ("item", "id")), ("versions", ()), ("epoch", ()), ("baseline", ()), ("waiver", ())],
)
def test_json_lines_are_valid_and_canonical(noun: str, first: tuple[str, ...]):
    examples = [
        line for block in re.findall(r"```json\n(.*?)```", page(noun), re.DOTALL) for line in block.splitlines()
    ]
    lines = [line for line in examples if not line.startswith('{"schema":')]
    assert lines
    for line in lines:
        value = canonical.decode(line)
        assert schema.problems(noun, value) == []
        assert canonical.encode(value, first).decode() == line
    for told in map(canonical.decode, set(examples).difference(lines)):  # what a command says of them
        assert schema.problems(told["schema"].split(":")[3], told) == []


@pytest.mark.parametrize(
    "noun",
    [
        "check",
        "diff",
        "review",
        "audit-merges",
        "audit-population",
        "audit-bundle",
        "audit-trace",
        "release-verify",
        "register-list",
    ],
)
def test_envelopes_are_valid(noun: str):
    (example,) = re.findall(r"```json\n(.*?)```", page(noun), re.DOTALL)
    assert schema.problems(noun, json.loads(example)) == []


@pytest.mark.parametrize("name", ["datasets", "status"])
def test_every_output_on_a_page_is_valid(name: str):
    examples = re.findall(r"```json\n(.*?)```", (FORMATS / f"{name}.md").read_text(), re.DOTALL)
    for example in map(json.loads, examples):
        assert schema.problems(example["schema"].split(":")[3], example) == []
    assert len(examples) == sum(page == name for page in PAGES.values())


def test_links_lead_somewhere():
    for path in FORMATS.glob("*.md"):
        for link in re.findall(r"\]\(([a-z-]+)\.md\)", path.read_text()):
            assert (FORMATS / f"{link}.md").is_file() or link == path.stem, f"{path.name} -> {link}.md"
