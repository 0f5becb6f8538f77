"""The schema of a line: one for all tasks and one for the task a line names, and both give one verdict."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from labelvc.codec import canonical, schema
from labelvc.core import expect
from labelvc.errors import DataError
from labelvc.model.project import Dataset, Project, Sensitive, Task
from tests.strategies import DATASET, LABELS, PROJECT, TOKEN, json_values, names, records, scalars


def judge(rules: dict[str, Any] | None) -> jsonschema_rs.Draft202012Validator | None:
    return None if rules is None else jsonschema_rs.Draft202012Validator(rules, validate_formats=True)


WHOLE = judge(expect.line_schema(PROJECT, DATASET, "annotations"))
PUBLISHED = judge(schema.schema("record"))
ITEMS = judge(expect.line_schema(PROJECT, DATASET, "items"))
PUBLISHED_ITEMS = judge(schema.schema("item"))


@given(records())
def test_a_valid_record_fits_the_published_schema_too(record: dict[str, Any]) -> None:
    assert WHOLE.is_valid(record)
    assert PUBLISHED.is_valid(record), record


@settings(max_examples=300)
@given(
    records(),
    st.sampled_from(["item", "id", "rev", "task", "under", "value", "by", "at", "gone", "origin", "x"]),
    json_values,
)
@example(
    {"item": "a", "id": "b", "rev": 1, "task": "kind", "value": {"label": "cat"}},
    "value",
    {"empty": True, "label": "cat"},
)
@example({"item": "a", "id": "b", "rev": 1, "task": "kind", "value": {"label": "cat"}}, "value", {"empty": False})
@example({"item": "a", "id": "b", "rev": 1, "task": "kind", "value": {"label": "cat"}}, "gone", False)
@example({"item": "a", "id": "b", "rev": 1, "task": "kind", "value": {"label": "cat"}}, "task", ["kind"])
def test_the_schema_of_one_task_says_what_the_schema_of_all_says(record: dict, name: str, value: Any) -> None:
    changed = {**record, name: value}
    single = judge(expect.schema_for(PROJECT, DATASET, "annotations", changed))
    assert WHOLE.is_valid(changed) == (single is not None and single.is_valid(changed))


items = st.fixed_dictionaries(
    {"id": names},
    optional={
        "ext": st.dictionaries(names, json_values, max_size=2),
        "licence": names,
        "media": st.fixed_dictionaries(
            {"path": st.just("a/b.jpg")}, optional={"width": st.integers(1, 9), "height": st.integers(1, 9)}
        ),
        "natural": st.dictionaries(names, scalars, min_size=1, max_size=2),
        "source": names,
        "text": st.text(max_size=5),
    },
)


@given(items)
def test_a_valid_item_is_valid(item: dict[str, Any]) -> None:
    assert ITEMS.is_valid(item)


@settings(max_examples=300)
@given(items, st.sampled_from(["id", "media", "natural", "text", "txet", "ext", "source"]), json_values)
@example({"id": "a"}, "id", "a\x07b")
@example({"id": "a"}, "id", "a" * 513)
@example({"id": "a"}, "media", {"path": "../../x"})
@example({"id": "a"}, "media", {"path": "/etc/passwd"})
@example({"id": "a"}, "natural", {"a": ["b"]})
@example({"id": "a"}, "natural", {})
def test_an_item_that_the_published_schema_refuses_is_refused(item: dict, name: str, value: Any) -> None:
    changed = {**item, name: value}
    assert PUBLISHED_ITEMS.is_valid(changed) or not ITEMS.is_valid(changed)


RATING = {"item": "a", "id": "b", "rev": 1, "task": "kind", "value": {"label": "cat"}}


@settings(max_examples=300)
@given(records(), st.sampled_from(["item", "id", "rev", "value", "by", "at", "origin", "ext", "x"]), json_values)
@example(RATING, "id", "a\x07b")
@example(RATING, "item", "a" * 513)
@example(RATING, "id", "a" * 257)
@example(RATING, "origin", {})
@example({**RATING, "task": "words"}, "value", {"label": "cat", "span": [0, 1]})
@example({**RATING, "task": "syntax"}, "value", {"head": "root"})
@example({**RATING, "task": "link"}, "value", {"label": "cat", "from": "a\n", "to": "b"})
def test_a_record_that_the_published_schema_refuses_is_refused(record: dict, name: str, value: Any) -> None:
    changed = {**record, name: value}
    assert PUBLISHED.is_valid(changed) or not WHOLE.is_valid(changed)


# ---------------------------------------------------------------- one value a task type
GOOD: dict[str, list[Any]] = {
    "label": [{"label": "cat"}],
    "labels": [{"labels": []}, {"labels": ["cat", "dog"]}],
    "soft": [{"soft": {"cat": 1}}, {"soft": {"cat": 0.5, "dog": 0.5}}],
    "score": [{"score": 0}, {"score": -4}, {"score": 4}],
    "span": [{"label": "cat", "span": [0, 1], "text": "x"}],
    "box": [{"label": "cat", "box": [0, 0.5, 1, 2]}],
    "polygon": [{"label": "cat", "polygon": [[0, 0], [1, 0], [1, 1]]}],
    "polyline": [{"label": "cat", "polyline": [[0, 0], [1, 0]]}],
    "points": [{"label": "cat", "points": [[0, 0]]}],
    "mask": [{"label": "cat", "rle": {"counts": "a", "size": [1, 2]}}, {"label": "cat", "media": "m.png"}],
    "relation": [{"label": "cat", "from": "a", "to": "b"}],
    "text": [{"text": ""}, {"text": "x"}],
    "ranking": [{"ranking": ["cat"]}, {"ranking": ["dog", "cat"]}],
    "token": [{"form": "x", "head": "root"}, {"form": "x"}],
}
BAD: dict[str, list[Any]] = {
    "label": [{"label": "cow"}, {"label": 1}, {"labels": ["cat"]}, {"label": "cat", "x": 1}, {}],
    "labels": [{"labels": ["cow"]}, {"labels": "cat"}],
    "soft": [{"soft": {"cow": 1}}, {"soft": {"cat": 1.5}}, {"soft": {"cat": -0.1}}, {"soft": ["cat"]}],
    "score": [{"score": 5}, {"score": -5}, {"score": 0.5}, {"score": "1"}, {"score": None}, {"score": True}],
    "span": [
        {"label": "cat", "span": [0, 1]},
        *({"label": "cat", "span": span, "text": "x"} for span in ([-1, 1], [0], [0, 1, 2])),
    ],
    "box": [{"label": "cat", "box": [0, 0, 1]}, {"label": "cat", "box": [0, 0, 1, "1"]}, {"box": [0, 0, 1, 1]}],
    "polygon": [{"label": "cat", "polygon": [[0, 0], [1, 0]]}, {"label": "cat", "polygon": [[0], [1], [2]]}],
    "polyline": [{"label": "cat", "polyline": [[0, 0]]}],
    "points": [{"label": "cat", "points": []}],
    "mask": [
        {"label": "cat"},
        {"label": "cat", "rle": {"counts": "a"}},
        {"label": "cat", "rle": {"counts": "a", "size": [1, 2]}, "media": "m"},
    ],
    "relation": [{"label": "cat", "from": "a"}, {"label": "cat", "from": "a#", "to": "b"}],
    "text": [{"text": 1}, {}],
    "ranking": [{"ranking": []}, {"ranking": ["cow"]}],
    "token": [{"form": 1}, {"form": "x", "lemma": "x"}, {"head": "root"}, {}],
}


def one_task(kind: str, **more: Any) -> tuple[Project, Dataset]:
    words = {"score": {"minimum": -4, "maximum": 4, "step": 1}, "token": {"fields": ("form", "head")}}.get(kind, {})
    project = msgspec.structs.replace(PROJECT, tasks={"t": Task(kind, taxonomy="animals", **words)})
    return project, msgspec.structs.replace(DATASET, tasks={"t": False}, **more)


@pytest.mark.parametrize("kind", GOOD)
def test_the_value_of_each_task_type(kind: str) -> None:
    rules = judge(expect.line_schema(*one_task(kind), "annotations"))
    for value in [*GOOD[kind], {"empty": True}]:
        assert rules.is_valid({"item": "a", "id": "1", "rev": 1, "task": "t", "value": value}), value
    for value in [*BAD[kind], {"empty": False}, {"empty": True, "label": "cat"}, None, [], "cat"]:
        assert not rules.is_valid({"item": "a", "id": "1", "rev": 1, "task": "t", "value": value}), value


def test_every_task_type_has_its_examples():
    assert set(GOOD) == set(BAD) == set(expect._VALUES)


# ---------------------------------------------------------------- labels, versions, tokens
def test_deprecated_labels_are_not_for_use_and_no_taxonomy_means_any_label():
    assert expect.labels_of(PROJECT, PROJECT.tasks["kind"]) == list(LABELS)
    assert expect.labels_of(PROJECT, Task("label")) is None
    rules = judge(expect.value_schema(Task("label"), None))
    assert rules.is_valid({"label": "anything"})
    assert not rules.is_valid({"label": ""})


def test_under_is_demanded_where_there_is_a_guideline_and_free_where_there_is_none():
    assert expect.versions_of(PROJECT, PROJECT.tasks["mood"]) == ["mood@1.0.0", "mood@1.1.0"]
    assert expect.versions_of(PROJECT, PROJECT.tasks["kind"]) is None
    head = {"item": "a", "id": "1", "rev": 1}
    for row, good in [
        ({"task": "mood", "under": "mood@1.0.0", "value": {"score": 1}}, True),
        ({"task": "mood", "under": "mood@9.0.0", "value": {"score": 1}}, False),
        ({"task": "mood", "value": {"score": 1}}, False),
        ({"task": "kind", "under": "a handbook", "value": {"label": "cat"}}, True),
        ({"task": "kind", "value": {"label": "cat"}}, True),
        ({"task": "other", "value": {"label": "cat"}}, False),
        ({"gone": True}, True),
        ({"gone": True, "by": TOKEN}, False),
    ]:
        assert WHOLE.is_valid({**head, **row}) == good, row


@pytest.mark.parametrize(
    ("pointer", "layer", "row"),
    [
        ("/by", "annotations", {"by": None}),
        ("/ext/contact", "annotations", {"ext": {"contact": None, "x": 1}}),
        ("/ext/a/b", "annotations", {"ext": {"a": {"b": None, "c": 1}}}),
        ("/origin/ref", "annotations", {"origin": {"ref": None}}),
        ("/value/text", "annotations", {"task": "note", "value": {"text": None}}),
        ("/value/text", "annotations", {"task": "words", "value": {"text": None, "label": "cat", "span": [0, 1]}}),
        ("/value/form", "annotations", {"task": "syntax", "value": {"form": None}}),
        ("/ext/a~1b", "annotations", {"ext": {"a/b": None}}),
        ("/ext/a~0b/~1", "annotations", {"ext": {"a~b": {"/": None}}}),
        ("/ext/ ", "items", {"ext": {" ": None}}),
        ("/source", "items", {"source": None}),
        ("/ext/owner", "items", {"ext": {"owner": None}}),
        ("/natural/name", "items", {"natural": {"name": None}}),
    ],
)
def test_a_declared_sensitive_field_takes_tokens_only(pointer: str, layer: str, row: dict[str, Any]) -> None:
    dataset = msgspec.structs.replace(DATASET, sensitive=(Sensitive(pointer, layer=layer),))
    head = (
        {"id": "1"}
        if layer == "items"
        else {"item": "a", "id": "1", "rev": 1, "task": "kind", "value": {"label": "cat"}}
    )

    def filled(value: Any, inside: Any) -> Any:
        if isinstance(inside, dict):
            return {name: filled(value, member) for name, member in inside.items()}
        return value if inside is None else inside

    own = expect.schema_for(PROJECT, dataset, layer, {**head, **row})
    for rules in (expect.line_schema(PROJECT, dataset, layer), own):
        assert judge(rules).is_valid({**head, **filled(TOKEN, row)})
        for value in ("someone@example.org", "", 7, None, [TOKEN], f"{TOKEN} "):
            assert not judge(rules).is_valid({**head, **filled(value, row)}), value
        assert "value" in row or judge(rules).is_valid(head)


@given(records())
def test_a_schema_is_not_changed_by_its_use(record: dict[str, Any]) -> None:
    before = expect.line_schema(PROJECT, DATASET, "annotations")
    expect.schema_for(
        PROJECT, msgspec.structs.replace(DATASET, sensitive=(Sensitive("/ext/x"),)), "annotations", record
    )
    assert expect.line_schema(PROJECT, DATASET, "annotations") == before
    try:
        canonical.encode(before)
    except DataError as error:
        raise AssertionError(error.message) from None


def test_the_field_of_a_token_that_is_called_like_the_taxonomy_holds_its_labels_or_none():
    task = Task("token", taxonomy="upos", fields=("form", "upos", "xpos"))
    rules = judge(expect.value_schema(task, ["NOUN", "VERB"]))
    assert [rules.is_valid({"form": "x", "upos": said}) for said in ("NOUN", "_", "NOUNX")] == [True, True, False]
    assert rules.is_valid({"form": "x", "xpos": "anything"})
    apart = judge(expect.value_schema(msgspec.structs.replace(task, taxonomy="parts"), ["NOUN"]))
    assert apart.is_valid({"form": "x", "upos": "anything"})
