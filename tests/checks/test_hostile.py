"""Lines that no program writes: each gives findings that name it, never a crash, and nothing is told twice."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from labelvc.checks import registry
from labelvc.model.finding import Finding
from labelvc.model.project import CheckSetting
from labelvc.ops import look
from tests.strategies import DATASET, PROJECT, TOKEN
from tests.zoo import BEN, CONTACT, PLAIN, Zoo, zoo, zoo_template

__all__ = ["zoo", "zoo_template"]


EVERY = msgspec.structs.replace(
    DATASET,
    slices=("/genre", "/ext/a/b"),
    checks={rule: CheckSetting(threshold=0 if rule.endswith("floor") else None) for rule in registry.catalogue()},
)
WHOLE = msgspec.structs.replace(PROJECT, datasets={"pets": EVERY})
texts = st.sampled_from(
    ["", "i", "cat", "the cat and the dog", "\ud800", "e\u0301", "2026-03-01T09:12:44Z", TOKEN, "\0"]
)
scalars = texts | st.sampled_from([None, True, 0, -1, 1, 3, 1e308, -0.5, 10**400])
odd = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=3), max_leaves=6
)
numbers = st.sampled_from([0, 1, 2, 5, 5, 20, 1e308, -1, 0.5])
label, corners = st.sampled_from(["cat", "dog", "dodo"]) | odd, st.lists(numbers, min_size=4, max_size=4) | odd
points = st.lists(st.lists(numbers, min_size=2, max_size=2) | odd, max_size=6) | odd
ends = st.lists(st.integers(-1, 20), min_size=2, max_size=2).map(sorted) | odd
values = st.one_of(
    st.fixed_dictionaries({"label": label}),
    st.fixed_dictionaries({"label": label, "box": corners}),
    st.fixed_dictionaries({"label": label, "span": ends}, optional={"text": odd}),
    st.fixed_dictionaries({"label": label, "polygon": points}, optional={"polyline": points, "points": points}),
    st.fixed_dictionaries({}, optional={"labels": odd, "soft": odd, "score": odd, "empty": odd}),
)
MEMBERS = {
    "item": "i", "id": "r", "at": "2026-03-01T09:12:44Z", "by": TOKEN, "task": "kind", "origin": {"model": "m"}, "under": "g@1",
}  # fmt: skip
ITEM = {
    "id": "i",
    "text": "the cat and the dog sat on the mat, caf\xe9",
    "media": {"path": "b", "width": 9, "height": 9},
    "genre": "a",
}


@st.composite
def rows(draw: st.DrawFn, like: dict[str, Any]) -> Any:
    """Draw a line that is nearly right: some members are of another kind, more are there, or one is missing."""
    if draw(st.integers(0, 9)) == 0:
        return draw(odd)
    row = dict(like)
    if like is MEMBERS:
        row |= {"id": draw(texts), "task": draw(st.sampled_from(sorted(PROJECT.tasks))), "value": draw(values)}
    for name in draw(st.lists(st.sampled_from([*row, "gone", "ext", "source", "licence"]), max_size=2)):
        row[name] = draw(odd)
    return row


lines, items = st.lists(rows(MEMBERS), max_size=6), st.lists(rows(ITEM), max_size=3)


def written(rows: list[Any]) -> bytes:
    """Write lines as no program of ours does: escapes, no order, halves of characters, huge numbers."""
    return b"".join([json.dumps(row).encode() + b"\n" for row in rows])


@given(items, lines)
@example(
    [{"id": "i", "text": "ab"}], [{"item": "i", "value": {"label": ["x"], "span": [0, True], "box": [1, 2, None, 4]}}]
)
@example(
    [{"id": "i", "media": {"path": "\ud800", "width": 10**400, "height": 1}}],
    [{"item": "i", "value": {"box": [1e308, 1e308, 1e308, 1e308], "label": "cat"}}],
)
@example(
    [], [{"item": "i", "task": "outline", "value": {"polygon": [[1e308, -1e308], [-1e308, 1e308], [1, 1], [2, 1e308]]}}]
)
def test_lines_of_any_shape_crash_no_check_that_was_asked_for(of_items: list[Any], of_records: list[Any]):
    outcome = look.look(WHOLE, EVERY, "00", written([ITEM, *of_items]), written(of_records))
    found = list(outcome.findings)
    for check in registry.checks_for(WHOLE):
        summary = outcome.summaries.get(check.name)
        found += check.judge([("00", summary)] if summary else [], WHOLE, EVERY)
    for finding in found:
        assert isinstance(finding, Finding)
        assert finding.message.encode(errors="backslashreplace")
        assert (finding.rule in registry.catalogue(), finding.place.path[:14]) == (True, "datasets/pets/")


def rules(zoo: Zoo) -> list[str]:
    return [finding.rule for finding in zoo.everything()]


@pytest.mark.parametrize("member", ["item", "id", "by", "task", "under", "value", "ext", "origin"])
@pytest.mark.parametrize("text", [r'"\ud800"', r'"a\udfffb"', "[1]", '{"a":[]}', "null", "1e999"])
def test_a_member_that_is_no_text_or_half_a_character(zoo: Zoo, member: str, text: str):
    fields = {
        "item": '"b.jpg"',
        "id": '"x9"',
        "rev": "1",
        "task": '"where"',
        "value": '{"box":[1,1,1,1],"label":"cat"}',
    }
    line = ",".join([f'"{name}":{value}' for name, value in {**fields, member: text}.items()])
    shard = zoo.shard("pictures/b.jpg#x1")
    zoo.write(shard, zoo.read(shard) + f"{{{line}}}\n".encode())
    found = zoo.everything()
    assert any(finding.place.path == shard and finding.severity == "error" for finding in found)
    assert zoo.unstaged().findings


@pytest.mark.parametrize("layer", ["items", "annotations"])
def test_half_a_character_in_a_key(zoo: Zoo, layer: str):
    key = "pets/p1#" if layer == "items" else "pets/p1#n1"
    zoo.respell(key, '"id":"', r'"id":"\ud800')
    assert "record.json" in rules(zoo)


def test_a_box_whose_maker_is_a_list(zoo: Zoo):
    for name in ("x1", "x2"):
        zoo.change(f"pictures/b.jpg#{name}", by=["x"], value={"label": "cat", "box": [10, 10, 20, 20]})
    assert sorted(rules(zoo)) == ["box.near_duplicate", "record.schema", "record.schema"]


def test_a_task_named_inside_ext_is_no_answer(zoo: Zoo):
    zoo.change("pets/p1#k1", ext={"contact": CONTACT, "rev": 1, "task": "mood"})
    assert rules(zoo) == []
    zoo.bury("pets/p1#m1")
    assert rules(zoo) == []
    zoo.bury("pets/p1#m2")
    assert rules(zoo) == ["label.missing"]


def test_a_conflict_is_told_once(zoo: Zoo):
    line = zoo.raw("pets/p1#k1")
    both = b"\n".join([b"<<<<<<< ours", line, b"=======", line.replace(b'"cat"', b'"dog"'), b">>>>>>> theirs"])
    zoo.write(zoo.shard("pets/p1#k1"), zoo.read(zoo.shard("pets/p1#k1")).replace(line, both))
    assert rules(zoo) == ["shard.markers"]


@pytest.mark.parametrize(
    "at", ["yesterday", "2026-02-30T00:00:00Z", "2026-02-03T00:00:00", "2026-02-03T00:00:00+01:00"]
)
def test_a_malformed_time_is_told_once(zoo: Zoo, at: str):
    zoo.change("pets/p1#n1", at=at)
    assert rules(zoo) == ["record.schema"]


@pytest.mark.parametrize(
    ("pointer", "key", "members"),
    [
        ("/value/text", "pets/p1#n1", {"value": {"text": PLAIN}}),
        ("/ext/a~1b", "pets/p1#n1", {"ext": {"a/b": PLAIN}}),
        ("/ext/a~0b/c", "pets/p1#n1", {"ext": {"a~b": {"c": PLAIN}}}),
        ("/origin/ref", "pets/p1#n1", {"origin": {"ref": PLAIN}}),
        ("/value/text", "pets/p1#w1", {"value": {"label": "cat", "span": [4, 7], "text": PLAIN}}),
    ],
)
def test_a_plain_value_at_any_declared_pointer(zoo: Zoo, pointer: str, key: str, members: dict):
    more = f"sensitive:\n  - {{pointer: {pointer}, kind: person}}"
    zoo.replace("datasets/pets/dataset.yaml", "sensitive:", more)
    zoo.change(key, **members)
    at = [finding for finding in zoo.everything() if finding.rule == "privacy.plaintext"]
    assert [(finding.place.key, finding.place.pointer) for finding in at if finding.place.key == key] == [
        (key, pointer)
    ]
    assert PLAIN not in repr(at)


def test_an_empty_answer_has_no_sensitive_member(zoo: Zoo):
    zoo.replace("datasets/pets/dataset.yaml", "sensitive:", "sensitive:\n  - {pointer: /value/text, kind: person}")
    zoo.change("pets/p1#n1", value={"empty": True})
    zoo.change("pets/p1#w1", value={"label": "cat", "span": [4, 7], "text": BEN})
    assert "privacy.plaintext" not in [
        one.rule for one in zoo.everything() if one.place.key in ("pets/p1#n1", "pets/p1#w1")
    ]


def test_a_dvc_dataset_whose_edit_is_not_stored_is_told_without_all(zoo: Zoo):
    zoo.store_in_dvc()
    zoo.commit("to DVC")
    assert zoo.unstaged().findings == []
    zoo.change("pets/p2#m1", value={"score": 3})
    assert [finding.rule for finding in zoo.unstaged().findings] == ["dvc.unstored"]
