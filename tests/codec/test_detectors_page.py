"""The page on leaks names every detector with its rule and source, and the schema of the project every name that it may ask for."""

from __future__ import annotations

import json
from pathlib import Path

from labelvc.codec.detectors import DETECTORS, IDS, REGIONS, RULES
from labelvc.core import detect, known, leaks
from labelvc.model.detection import Settings, Unread

TOP = Path(__file__).resolve().parents[2]


def test_the_page_has_a_row_a_detector():
    page = (TOP / "docs/formats/leaks.md").read_text()
    for row in DETECTORS:
        (line,) = [line for line in page.splitlines() if line.startswith(f"| `{row.id}` |")]
        assert f"`privacy.{row.rule}`" in line
        assert row.source in line


def test_the_schema_knows_the_names_that_there_are():
    known = json.loads((TOP / "schemas/project.v1.json").read_bytes())["properties"]["privacy"]["properties"]["leaks"]
    names = {member: known["properties"][member]["items"].get("enum") for member in known["properties"]}
    assert names == {"regions": sorted(REGIONS), "off": sorted(IDS), "domains": None, "unread": None}
    assert {*names, "reserved"} == set(Settings.__struct_fields__), (
        "what may be asked for is what is read; the benchmark alone asks for reserved ranges"
    )
    assert set(known["properties"]["unread"]["items"]["properties"]) == set(Unread.__struct_fields__)
    page = (TOP / "docs/formats/project.md").read_text()
    asked = page.partition("### What is looked for: `privacy.leaks`\n")[2].partition("\n###")[0]
    assert [line.split("`")[1] for line in asked.splitlines() if line.startswith("| `")] == list(names)


def test_every_rule_has_its_words():
    assert set(leaks.RULES) == {*RULES, known.DETECTOR, detect.UNREAD}
