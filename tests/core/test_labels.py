"""What is wrong with the labels of a taxonomy is said at its place."""

from __future__ import annotations

import pytest

from labelvc.core import labels

GOOD = {
    "version": "2.0.0",
    "attributes": {
        "size": {"type": "number", "minimum": 0, "maximum": 1},
        "kind": {"type": "text", "values": ["thing", "stuff"]},
        "crowd": {"type": "boolean"},
    },
    "labels": [
        {"id": "a", "name": "A", "aliases": ["Alpha"], "attributes": {"size": 0.5, "kind": "stuff", "colour": "#fff"}},
        {"id": "b", "name": "Other", "parent": "a"},
        {"id": "c", "name": "Other", "attributes": {"crowd": True}},
        {"id": "d", "name": "A", "status": "deprecated"},
    ],
    "lineage": [
        {"version": "1.1.0", "kind": "add", "to": ["c"]},
        {"version": "2.0.0", "kind": "merge", "from": ["d"], "to": ["a"]},
    ],
}


def with_label(**changes):
    return {**GOOD, "labels": [*GOOD["labels"], {"id": "e", "name": "E", **changes}]}


def with_step(**step):
    return {**GOOD, "lineage": [*GOOD["lineage"], {"version": "2.0.0", **step}]}


def test_a_good_one():
    assert list(labels.troubles(GOOD)) == []


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (with_label(id="a"), ("/labels/4/id", "the label 'a' occurs twice")),
        (with_label(parent="z"), ("/labels/4/parent", "there is no label 'z'")),
        (with_label(parent="e"), ("/labels/4/parent", "the label is its own ancestor")),
        (with_label(name="OTHER"), ("/labels/4/name", "the label 'c' beside it is called so already: merge them")),
        (with_label(aliases=["x", "alpha"]), ("/labels/4/aliases/1", "the label 'a' is known as 'alpha' already")),
        (with_label(aliases=["B"]), ("/labels/4/aliases/0", "the label 'b' is known as 'B' already")),
        (with_label(attributes={"size": 2}), ("/labels/4/attributes/size", "must be at most 1")),
        (with_label(attributes={"size": -1}), ("/labels/4/attributes/size", "must be at least 0")),
        (with_label(attributes={"size": True}), ("/labels/4/attributes/size", "must be a number")),
        (with_label(attributes={"kind": "no"}), ("/labels/4/attributes/kind", "must be one of thing, stuff")),
        (with_label(attributes={"crowd": 1}), ("/labels/4/attributes/crowd", "must be true or false")),
        (
            {**GOOD, "attributes": {"a/b": {"type": "number", "minimum": 2, "maximum": 1}}},
            ("/attributes/a~1b/minimum", "is more than the maximum"),
        ),
        (
            with_step(kind="merge", **{"from": ["d"], "to": ["z"]}),
            ("/lineage/2/to/0", "there is no label 'z', which records would get"),
        ),
        (
            with_step(kind="split", **{"from": ["b"], "to": ["a", "c"]}),
            ("/lineage/2/from/0", "the label 'b' is in use, and records of it would become 'a', 'c'"),
        ),
        (
            {**with_step(kind="add", to=["b"]), "version": "1.5.0"},
            ("/lineage/1/version", "2.0.0 comes after 1.5.0, the version of the document"),
        ),
        (
            with_step(kind="add", to=["b"], version="1.0.0"),
            ("/lineage/2/version", "1.0.0 comes before 2.0.0, the version of the step above it"),
        ),
    ],
)
def test_what_is_wrong_is_said_at_its_place(value, said):
    assert next(iter(labels.troubles(value))) == said
