"""What a change of a guideline or taxonomy weighs, and the least version that may follow."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelvc.core import bump, semver

GUIDELINE: dict[str, Any] = {
    "schema": "urn:labelvc:schema:guideline:1",
    "name": "cells",
    "version": "1.2.3",
    "title": "Cells",
    "status": "active",
    "owner": "lead",
    "taxonomy": "cells",
    "ambiguity": "Take the larger one.",
    "general": ["One box a cell."],
    "labels": {
        "RBC": {
            "definition": "A round cell without nucleus.",
            "use_when": ["half of it can be seen"],
            "avoid_when": ["only a shadow can be seen"],
            "examples": [{"text": "a pale ring", "label": "RBC"}, "a ring"],
            "counterexamples": [{"text": "a dark kernel", "label": "WBC", "why": "a nucleus"}],
            "edge_cases": [{"text": "cut off by the edge", "label": "RBC"}],
            "rationale": "Counting needs whole cells.",
        },
        "WBC": {},
    },
}
TAXONOMY: dict[str, Any] = {
    "name": "cells",
    "version": "1.0.0",
    "labels": [
        {"id": "RBC", "name": "red"},
        {"id": "WBC", "name": "white", "description": "white cells"},
        {"id": "clump", "name": "clump", "parent": "RBC"},
    ],
}


def changed(value: dict[str, Any], *steps: Any, to: Any) -> dict[str, Any]:
    """Return a copy with a member set, or taken out where `to` is None."""
    copied = copy.deepcopy(value)
    at: Any = copied
    for step in steps[:-1]:
        at = at[step]
    if to is None:
        del at[steps[-1]]
    else:
        at[steps[-1]] = to
    return copied


@pytest.mark.parametrize(
    ("steps", "to", "weight"),
    [
        (("title",), "Blood cells", "editorial"),
        (("owner",), "somebody", "editorial"),
        (("status",), "retired", "editorial"),
        (("labels", "RBC", "rationale"), "Another reason.", "editorial"),
        (("labels", "RBC", "definition"), "a ROUND cell, without  nucleus", "editorial"),
        (("labels", "RBC", "definition"), "A round cell with nucleus.", "meaning"),
        (("labels", "RBC", "definition"), None, "meaning"),
        (("labels", "WBC", "definition"), "A cell with a nucleus.", "clarifying"),
        (("labels", "RBC", "use_when"), ["half of it can be seen", "it is round"], "meaning"),
        (("labels", "RBC", "avoid_when"), None, "meaning"),
        (("labels", "RBC", "examples"), ["a ring"], "clarifying"),
        (("labels", "RBC", "examples", 0, "label"), "WBC", "meaning"),
        (("labels", "RBC", "examples", 0, "why"), "no nucleus", "clarifying"),
        (("labels", "RBC", "edge_cases", 0, "label"), "WBC", "meaning"),
        (("labels", "RBC", "counterexamples"), None, "clarifying"),
        (("labels", "WBC"), None, "meaning"),
        (("labels", "platelet"), {"definition": "A small body."}, "clarifying"),
        (("ambiguity",), "Take the smaller one.", "meaning"),
        (("general",), ["One box a cell.", "No boxes on shadows."], "meaning"),
        (("taxonomy",), "blood", "meaning"),
    ],
)
def test_weight_of_a_guidelines_edit(steps, to, weight):
    found = bump.weighed("guideline", GUIDELINE, changed(GUIDELINE, *steps, to=to))
    assert bump.heaviest(found) == weight


def test_a_case_that_changes_sides_is_decided_otherwise():
    new = copy.deepcopy(GUIDELINE)
    blocks = new["labels"]["RBC"]
    blocks["counterexamples"].append(blocks["examples"].pop(1))
    found = bump.weighed("guideline", GUIDELINE, new)
    assert {one.weight for one in found} == {"meaning"}
    assert bump.affected(found) == {"RBC"}
    moved = copy.deepcopy(GUIDELINE)
    moved["labels"]["WBC"]["examples"] = [moved["labels"]["RBC"]["examples"].pop(0)]
    assert bump.affected(bump.weighed("guideline", GUIDELINE, moved)) == {"RBC", "WBC"}


def test_numbers_in_a_rule_are_no_punctuation():
    old = changed(GUIDELINE, "labels", "RBC", "definition", to="At least 3.5 of it.")
    new = changed(GUIDELINE, "labels", "RBC", "definition", to="At least 35 of it.")
    assert bump.heaviest(bump.weighed("guideline", old, new)) == "meaning"
    new = changed(GUIDELINE, "labels", "RBC", "definition", to="At least -3.5 of it.")
    assert bump.heaviest(bump.weighed("guideline", old, new)) == "meaning"


def test_affected_labels():
    assert bump.affected(bump.weighed("guideline", GUIDELINE, changed(GUIDELINE, "ambiguity", to="Ask."))) is None
    assert bump.affected(bump.weighed("guideline", GUIDELINE, changed(GUIDELINE, "labels", "WBC", to=None))) == {"WBC"}
    assert bump.affected(bump.weighed("guideline", GUIDELINE, changed(GUIDELINE, "title", to="T"))) == frozenset()


@pytest.mark.parametrize(
    ("labels", "lineage", "weight", "affected"),
    [
        ([*TAXONOMY["labels"], {"id": "platelet", "name": "platelet"}], [], "clarifying", set()),
        (TAXONOMY["labels"][:2], [], "meaning", {"clump"}),
        ([{"id": "RBC", "name": "erythrocyte"}, *TAXONOMY["labels"][1:]], [], "clarifying", set()),
        ([*TAXONOMY["labels"][:2], {"id": "clump", "name": "clump", "parent": "WBC"}], [], "meaning", {"clump"}),
        ([*TAXONOMY["labels"][:2], {**TAXONOMY["labels"][2], "status": "deprecated"}], [], "clarifying", set()),
        (
            [{"id": "RBC", "name": "red", "attributes": {"colour": "red"}}, *TAXONOMY["labels"][1:]],
            [],
            "editorial",
            set(),
        ),
        (
            TAXONOMY["labels"],
            [{"version": "2.0.0", "kind": "split", "from": ["RBC"], "to": ["RBC", "clump"]}],
            "meaning",
            {"RBC", "clump"},
        ),
    ],
)
def test_weight_of_a_taxonomys_edit(labels, lineage, weight, affected):
    new = {**TAXONOMY, "labels": labels, **({"lineage": lineage} if lineage else {})}
    found = bump.weighed("taxonomy", TAXONOMY, new)
    assert bump.heaviest(found) == weight
    assert bump.affected(found) == affected


@pytest.mark.parametrize(
    ("version", "editorial", "clarifying", "meaning"),
    [
        ("1.2.3", "1.2.4", "1.3.0", "2.0.0"),
        ("0.2.3", "0.2.4", "0.2.4", "0.3.0"),
        ("2.0.0-rc.1", "2.0.0", "2.0.0", "2.0.0"),
    ],
)
def test_least_version(version, editorial, clarifying, meaning):
    assert [bump.least(version, weight) for weight in bump.WEIGHTS] == [editorial, clarifying, meaning]


ORDER = [
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "1.0.0",
    "1.0.1",
    "1.2.0",
    "1.10.0",
    "2.0.0",
]


def test_the_order_is_that_of_semantic_versioning():
    """The first eight are the example of section 11 of its page."""
    for at, one in enumerate(ORDER):
        for later, two in enumerate(ORDER):
            assert semver.precedes(one, two) == (at < later)


VERSIONS = st.tuples(*[st.integers(0, 999)] * 3).map(lambda parts: ".".join(map(str, parts)))


@given(VERSIONS, st.sampled_from(bump.WEIGHTS))
def test_the_next_version_follows_and_is_a_version(version, weight):
    least = bump.least(version, weight)
    assert semver.is_version(least)
    assert semver.precedes(version, least)


TEXT = st.text(alphabet="ab .,", max_size=6)
BLOCKS = st.fixed_dictionaries(
    {},
    optional={
        "definition": TEXT,
        "use_when": st.lists(TEXT, max_size=2),
        "examples": st.lists(TEXT, max_size=2),
        "rationale": TEXT,
    },
)
LABELS = st.dictionaries(st.sampled_from(["a", "b", "c"]), BLOCKS)


@given(LABELS, LABELS)
def test_whatever_differs_has_a_weight_and_whatever_is_equal_has_none(old, new):
    one, two = ({**GUIDELINE, "labels": labels} for labels in (old, new))
    found = bump.weighed("guideline", one, two)
    assert bool(found) == (old != new)
    assert (bump.heaviest(found) is None) == (old == new)
    affected = bump.affected(found)
    assert affected is not None
    assert affected <= old.keys() | new.keys()
