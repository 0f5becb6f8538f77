"""The page on leaks names every detector with its rule and source, and the schema of the project every name that it may ask for."""

from __future__ import annotations

import json
from pathlib import Path

from labelvc.codec.detectors import DETECTORS, IDS, REGIONS, RULES
from labelvc.core import known, leaks

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
    assert names == {"regions": sorted(REGIONS), "off": sorted(IDS), "domains": None}


def test_every_rule_has_its_words():
    assert set(leaks.RULES) == {*RULES, known.DETECTOR}
