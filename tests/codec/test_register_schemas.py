"""Registers: one schema says what all kinds have, each kind's what it has beyond, and readers of the published files agree."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from labelvc.codec import document, schema
from labelvc.model import register
from labelvc.resources import folder

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
DOCUMENTS = sorted(EXAMPLES.glob("*/register-*/*.yaml"))
PUBLISHED = {path.name: json.loads(path.read_bytes()) for path in folder("schemas").glob("register*.json")}
REGISTRY = Registry().with_resources([(said["$id"], Resource.from_contents(said)) for said in PUBLISHED.values()])


@pytest.mark.parametrize("kind", register.KINDS)
def test_a_kind_is_a_row_and_a_schema(kind: str):
    own = PUBLISHED[f"register-{kind}.v1.json"]
    common = PUBLISHED["register.v1.json"]
    assert own["allOf"] == [{"$ref": common["$id"]}]
    assert set(own["properties"]) & set(common["properties"]) == {"schema", "id"}
    shown = {*register.KINDS[kind].lapses, *register.KINDS[kind].shown}
    assert shown <= {*own["properties"], *common["properties"]}
    for name, said in own.get("$defs", {}).items():
        assert said == common["$defs"][name], "a definition that both have is one"
    whole = schema.schema(f"register-{kind}")
    assert whole["required"] == [*common["required"], *own.get("required", ())]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_who_reads_the_published_schemas_comes_to_the_same_verdict(path: Path):
    value = document.read(path.read_bytes())
    published = Draft202012Validator(PUBLISHED[f"{path.parent.name}.v1.json"], registry=REGISTRY)
    assert published.is_valid(value) == (schema.problems(path.parent.name, value) == [])
