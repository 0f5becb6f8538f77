"""Problems are told in plain words, at the right place, without echoing what was found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelvc import resources
from labelvc.codec import published, schema
from labelvc.errors import ConfigurationError

SCHEMAS = sorted(resources.folder("schemas").glob("*.v1.json"))
RECORD = {"item": "a", "id": "r", "rev": 1, "task": "t", "value": {"label": "x"}}
OBJECTS = st.dictionaries(st.text(max_size=4), st.none(), max_size=2)


def record(**changes: object) -> list[tuple[str, str]]:
    return [tuple(problem) for problem in schema.problems("record", {**RECORD, **changes})]


@pytest.mark.parametrize("noun", ["check", "trace"])
def test_finding_is_the_same_inside_of(noun: str):
    alone = schema.schema("finding")
    assert schema.schema(noun)["$defs"]["finding"] == alone


@pytest.mark.parametrize(
    ("changes", "pointer", "message"),
    [
        ({"rev": 0}, "/rev", "must be at least 1"),
        ({"rev": 1.5}, "/rev", "must be a whole number"),
        ({"item": 7}, "/item", "must be text; write it in quotes"),
        ({"item": None}, "/item", "must be text"),
        ({"item": ""}, "/item", "must not be empty"),
        ({"item": "x" * 600}, "/item", "must not be longer than 512 characters"),
        ({"value": {}}, "/value", "must not be empty"),
        ({"value": 3}, "/value", "must be a mapping"),
        ({"value": {"label": "x", "span": [1, 2]}}, "/value", "lacks 'text'"),
        ({"value": {"label": "x", "span": [1], "text": ""}}, "/value/span", "must have at least 2 members"),
        ({"value": {"label": "x", "span": [1, 2, 3], "text": ""}}, "/value/span", "must not have more members"),
        ({"value": {"soft": {"a": 2}}}, "/value/soft/a", "must be at most 1"),
        ({"value": {"labels": ["a", "a"]}}, "/value/labels", "must not hold the same member twice"),
        ({"value": {"lable": "x"}}, "/value", "needs one of label, labels, soft, score, text, ranking, form, empty"),
        ({"value": {"label": "x", "boks": 1}}, "/value/boks", "is not known here"),
        ({"orgin": {}}, "/orgin", "is not known here; did you mean 'origin'?"),
        ({"valeu": {}}, "/valeu", "is not known here; did you mean 'value'?"),
        ({"a/b~c": 1}, "/a~1b~0c", "is not known here"),
        ({"by": "ada@example.com"}, "/by", "must be: a pseudonym of who made it, 28 or 29 letters after prs_ (docs/formats/pseudonym.md)"),
        ({"gone": True}, "/value", "does not belong here"),
    ],
)  # fmt: skip
def test_words(changes: dict[str, object], pointer: str, message: str):
    assert (pointer, message) in record(**changes)


def test_all_problems_are_told_and_sorted():
    found = schema.problems("record", {"id": "a#b", "rev": 0, "value": {"label": 1}})
    assert [problem.pointer for problem in found] == ["", "", "/id", "/rev", "/value/label"]
    assert {problem.message for problem in found if not problem.pointer} == {"lacks 'item'", "lacks 'task'"}


def test_a_line_end_does_not_slip_through():
    """Python's `$` also matches before a last line end; JSON Schema's does not."""
    assert schema.problems("item", {"id": "a"}) == []
    assert schema.problems("item", {"id": "a\n"}) != []
    name = schema.schema("project")["$defs"]["name"]
    assert schema.problems_against(name, "a") == []
    assert schema.problems_against(name, "a\n") != []


@given(st.text(min_size=4, max_size=60), st.sampled_from([path.name.split(".")[0] for path in SCHEMAS]))
def test_values_are_never_echoed(secret: str, noun: str):
    """Whatever stands as a value, anywhere, is in no message."""
    marked = f"§{secret}§"
    rules = schema.schema(noun)
    value = dict.fromkeys(rules["properties"], marked)
    for problem in schema.problems(noun, value) + schema.problems(
        noun, {name: [marked] for name in rules["properties"]}
    ):
        assert marked not in problem.message
        assert marked not in problem.pointer


def test_long_names_are_cut():
    (problem,) = schema.problems("record", {**RECORD, "x" * 5000: 1})
    assert len(problem.pointer) <= 42
    assert len(problem.message) < 100


@given(st.sampled_from([path.name.split(".")[0] for path in SCHEMAS]), st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["schema", "id", "name", "tasks", "labels", "value", "label", "items", "text", "box"]) | st.text(max_size=3), inner, max_size=4)))  # fmt: skip
def test_anything_gets_an_answer(noun: str, value: object):
    """No value of JSON makes the explanation fail, and each problem says something."""
    assert all(problem.message for problem in schema.problems(noun, value))


def test_newer_documents():
    assert schema.newer("project", {"schema": "urn:labelvc:schema:project:2"}) == 2
    for value in (
        {"schema": "urn:labelvc:schema:project:1"},
        {"schema": "urn:labelvc:schema:dataset:2"},
        {"schema": 7},
        {},
        [],
        None,
    ):
        assert schema.newer("project", value) is None


def test_schemas_in_documents():
    assert schema.schema_problem({"type": "string"}) is None
    assert schema.schema_problem(True) is None
    problem = schema.schema_problem({"properties": {"a": {"minimum": "x"}}})
    assert problem is not None
    assert problem.pointer == "/properties/a/minimum"
    assert problem.message == "is no JSON Schema: must be a number"


@pytest.mark.parametrize(
    ("rules", "pointer"),
    [
        ({"$ref": "http://localhost:1/x.json"}, "/$ref"),
        ({"$ref": "file:///etc/hostname"}, "/$ref"),
        ({"$ref": "#/$defs/a", "$defs": {"a": True}}, "/$ref"),
        ({"allOf": [{"items": {"$dynamicRef": "#a"}}]}, "/allOf/0/items/$dynamicRef"),
        ({"$id": "http://localhost:1/", "type": "string"}, "/$id"),
    ],
)
def test_a_field_refers_to_nothing(rules: dict[str, object], pointer: str):
    """It is declared in the repository that is judged: what it referred to would be read or fetched by who judges."""
    problem = schema.schema_problem(rules)
    assert problem == schema.Problem(pointer, "refers to another place: write its rules out here")


@pytest.mark.parametrize("pattern", ["(?=a)a", r"(a)\1", "(?<!a)b", "(a{1000}){1000}"])
def test_a_field_has_patterns_that_are_matched_in_one_pass(pattern: str):
    for rules in ({"pattern": pattern}, {"patternProperties": {pattern: True}}):
        problem = schema.schema_problem({"type": ["string", "object"], **rules})
        assert problem is not None
        assert "is no regular expression that is matched in one pass" in problem.message
    assert schema.schema_problem({"pattern": "^(a+)+$"}) is None  # that engine never goes back


def test_a_missing_schema_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(resources, "folder", lambda name: tmp_path)
    with pytest.raises(ConfigurationError, match="no schema"):
        schema.schema("project")


BUILT_ON = {
    part["$ref"] for path in SCHEMAS for part in json.loads(path.read_bytes()).get("allOf", ()) if "$ref" in part
}
"""Schemas that others build on: those say what else there may be, and close the whole."""


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.name)
def test_schema_files_are_closed_and_described(path: Path):
    """A misspelt member must not be ignored in silence: every fixed object is closed."""
    rules = json.loads(path.read_bytes())
    if "properties" in rules and rules["$id"] not in BUILT_ON:
        built = "allOf" in rules and {part.get("$ref") for part in rules["allOf"]} <= BUILT_ON
        assert rules.get("unevaluatedProperties" if built else "additionalProperties") is False


def test_only_the_schema_of_all_registers_is_built_on():
    assert {"urn:labelvc:schema:register:1"} == BUILT_ON


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parents[1] / "examples").glob("*/*/*.json")), ids=lambda path: path.name
)
def test_what_fits_is_what_nothing_is_said_of(path: Path):
    value = json.loads(path.read_bytes())
    for noun in {path.parent.name, "taxonomy", "record"}:
        assert published.fits(noun, value) <= (schema.problems(noun, value) == [])


WORDS = st.sampled_from(["a", "", " a", "a\n", "a\x85", "\x1c", "\u00a0", "a\ufeff", "\u2028", "1.0.0", "1.0.0\n", "urn:labelvc:schema:taxonomy:1", "é", "active", "𐐷" * 128])  # fmt: skip
LABELS = st.fixed_dictionaries(
    {"id": WORDS, "name": WORDS}, optional={"parent": st.none() | WORDS, "status": WORDS, "description": WORDS}
)


@given(st.fixed_dictionaries({"schema": st.just("urn:labelvc:schema:taxonomy:1"), "name": st.sampled_from(["a", "a\n", "-", "é"]), "version": st.sampled_from(["1.0.0", "1.0.0\n", "01.0.0", "1.0.0-a"]), "labels": st.lists(LABELS, max_size=3)}))  # fmt: skip
def test_a_value_that_fits_breaks_no_rule(value):
    assert published.fits("taxonomy", value) <= (schema.problems("taxonomy", value) == [])
