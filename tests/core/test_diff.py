"""Differences: undoing, pairing and joining are exact; kinds, fields and counts say what bytes say."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from labelvc.codec import canonical, shard
from labelvc.core import diff
from labelvc.model import jsonpointer
from labelvc.model.change import Delta
from labelvc.model.names import Key
from labelvc.model.snapshot import FileChange
from labelvc.store import patch
from tests.strategies import json_values, records

PATH = "datasets/pets/annotations/00.jsonl"
KEY = Key("pets", "a", "1")


@st.composite
def shards(draw: st.DrawFn) -> bytes:
    """Draw the bytes of a sound shard over few keys, so that two of them share many."""
    found = {}
    for item, name in draw(st.sets(st.tuples(st.sampled_from("ab"), st.sampled_from("12")))):
        row = draw(st.sampled_from(ROWS))
        found[item, name] = canonical.encode_record({**row, "item": item, "id": name})
    return shard.write(found.values())


ROWS: list[dict[str, Any]] = [
    {"rev": 1, "task": "mood", "value": {"score": 1}},
    {"rev": 2, "task": "mood", "value": {"score": 1}},
    {"rev": 2, "task": "mood", "value": {"score": 2}},
    {"rev": 3, "gone": True},
]


def differences(old: bytes, new: bytes) -> list[Delta]:
    return list(diff.pair(patch.walk(PATH, old, new)))


@given(shards(), shards())
def test_turned_round_a_diff_is_the_diff_turned_round(old: bytes, new: bytes) -> None:
    assert [~delta for delta in differences(old, new)] == differences(new, old)
    assert differences(old, old) == []
    assert all(differences(old, new)) == all(old != new for _ in differences(old, new))


@given(shards(), shards())
def test_applied_to_the_old_a_diff_gives_the_new(old: bytes, new: bytes) -> None:
    lines = {shard.key_of(line, "pets"): line for line in shard.lines(old)}
    for delta in differences(old, new):
        assert lines.get(delta.key) == delta.old
        if delta.new is None:
            del lines[delta.key]
        else:
            lines[delta.key] = delta.new
    assert shard.write(lines.values()) == new


@given(
    st.lists(
        st.sampled_from(
            [b"junk", b"{}", *map(canonical.encode_record, ({"item": "a", "id": "1", "rev": n} for n in (1, 2)))]
        )
    ),
    st.data(),
)
def test_pairing_loses_no_line_of_a_broken_shard(old: list[bytes], data: st.DataObject) -> None:
    new = data.draw(st.permutations(old)) + data.draw(st.lists(st.just(b"more"), max_size=2))
    found = list(diff.pair(FileChange(PATH, old, new)))
    gained = Counter(delta.new for delta in found) - Counter(delta.old for delta in found)
    assert Counter({line: times for line, times in gained.items() if line is not None}) == Counter(new) - Counter(old)


@given(st.permutations([canonical.encode_record({"item": item, "id": "1", "rev": 1}) for item in "abc"]))
def test_a_line_that_only_moved_within_its_file_is_no_change(lines: list[bytes]) -> None:
    assert list(diff.pair(FileChange(PATH, lines, sorted(lines)))) == []


def test_a_file_that_is_no_shard_has_no_deltas():
    assert list(diff.pair(FileChange("datasets/pets/dataset.yaml", [b"a"], [b"b"]))) == []


# ---------------------------------------------------------------- join
keys = st.sampled_from([Key("pets", "a", name) for name in "12"])
sides = st.sampled_from([None, b"x", b"y"])


@given(st.lists(st.builds(Delta, keys, sides, sides), max_size=6))
@example([Delta(KEY, None, b"x"), Delta(KEY, None, b"y")])
@example([Delta(KEY, b"x", None), Delta(KEY, None, b"x")])
@example([Delta(KEY, b"x", None), Delta(KEY, None, b"y"), Delta(KEY, None, b"x")])
def test_joining_adds_and_loses_nothing_but_what_cancels_out(deltas: list[Delta]) -> None:
    def balance(some: list[Delta]) -> Counter:
        total: Counter = Counter()
        for key, old, new, _ in some:
            total[key, new] += new is not None
            total[key, old] -= old is not None
        return Counter({place: count for place, count in total.items() if count})

    assert balance(list(diff.join(deltas))) == balance(deltas)


@given(st.lists(st.tuples(keys, sides, sides), unique_by=lambda row: row[0]), st.randoms(use_true_random=False))
def test_what_left_one_shard_and_came_into_another_is_one_change(rows: list[tuple], chance) -> None:
    halves = [half for key, old, new in rows for half in (Delta(key, old, None), Delta(key, None, new)) if half]
    chance.shuffle(halves)
    found = sorted(diff.join(halves), key=str)
    assert found == sorted([delta for row in rows if (delta := Delta(*row))], key=str)


SPELT = [
    None,
    b'{"item":"a","id":"1","rev":2,"gone":true}',
    b'{"item":"a","id":"1","rev":2,"gone" : true}',
    b'{"item":"a","id":"1","rev":2,"g\\u006fne":true}',
    b'{"item":"a","id":"1","rev":2,"gone":1}',
    b'{"item":"a","id":"1","rev":2,"note":"gone","gone":false}',
    b'{"item":"a","id":"1","rev":2,"ext":{"gone":true}}',
    b'{"item":"a","id":"1","rev":1,"gone":true,"gone":false}',
    b'{"item":"a","id":"1","rev":2,"gone":true',
    b'"gone"',
]


@pytest.mark.parametrize(("one", "two"), [(one, two) for one in SPELT for two in SPELT if one or two])
def test_the_kind_alone_is_that_of_the_whole_comparison(one, two):
    """However a tombstone is spelt, and whatever looks like one."""
    for key in (KEY, f"{PATH}:0123456789ab"):
        assert diff.kind_of(Delta(key, one, two)) == diff.compare(Delta(key, one, two)).kind


# ---------------------------------------------------------------- kinds and fields
@given(records(), records())
def test_kinds_turn_round(one: dict, two: dict) -> None:
    lines = [canonical.encode_record({**row, "item": "a", "id": "1"}) for row in (one, two)]
    turned = {"added": "removed", "removed": "added"}
    delta = Delta(KEY, *lines)
    kind = diff.kind_of(delta)
    assert diff.kind_of(~delta) == turned.get(kind, kind)
    if kind == "changed":
        assert diff.fields(delta)
    if kind == "touched" and not (one.get("gone") or two.get("gone")):
        assert {**one, "rev": 0, "at": 0, "item": 0, "id": 0} == {**two, "rev": 0, "at": 0, "item": 0, "id": 0}


@given(json_values, json_values)
@example([1], [True])
@example({"a": [0, {"b": False}]}, {"a": [0, {"b": 0}]})
@example({}, [])
@example({"a": None}, {})
def test_pointers_are_empty_just_when_the_values_have_equal_bytes(one: Any, two: Any) -> None:
    one, two = (canonical.decode(canonical.encode(value)) for value in (one, two))
    same = canonical.encode(one) == canonical.encode(two)
    assert (list(diff.pointers(one, two)) == []) == same
    assert list(diff.pointers(one, two)) == list(diff.pointers(two, one))
    assert list(diff.pointers(one, one)) == []


@settings(max_examples=200)
@given(st.dictionaries(st.text(max_size=3), json_values, min_size=1, max_size=3), json_values)
@example({"a/b~c": {"~1": 1}}, 2)
def test_a_pointer_finds_what_differs(fields: dict[str, Any], value: Any) -> None:
    name = min(fields)
    other = {**fields, name: value}
    for pointer in diff.pointers(fields, other):
        old, new = jsonpointer.reach(fields, pointer), jsonpointer.reach(other, pointer)
        assert canonical.encode(old) != canonical.encode(new) or None in (old, new)


@pytest.mark.parametrize(
    ("old", "new", "kind", "fields"),
    [
        ({"rev": 1, "value": {"score": 1}}, {"rev": 2, "value": {"score": 2}}, "changed", ["/value/score"]),
        ({"rev": 1, "at": "x"}, {"rev": 2, "at": "y"}, "touched", []),
        (
            {"rev": 1, "value": {"labels": ["a"]}},
            {"rev": 1, "value": {"labels": ["a", "b"]}},
            "changed",
            ["/value/labels"],
        ),
        (
            {"rev": 1, "value": {"score": 1}},
            {"rev": 1, "value": {"label": "a"}},
            "changed",
            ["/value/label", "/value/score"],
        ),
        ({"rev": 1, "ext": {"a/b": 1}}, {"rev": 1, "ext": {"a/b": 2}}, "changed", ["/ext/a~1b"]),
        ({"gone": True, "rev": 2}, {"gone": True, "rev": 3}, "touched", []),
        ({"rev": 1, "value": {"empty": True}}, {"gone": True, "rev": 2}, "removed", ["/gone", "/value"]),
        ({"gone": True, "rev": 2}, {"rev": 3, "value": {"text": ""}}, "added", ["/gone", "/value"]),
        (None, {"gone": True, "rev": 1}, "touched", ["/gone", "/id", "/item"]),
        (None, {"rev": 1, "value": {"text": '"gone":true'}}, "added", ["/id", "/item", "/value"]),
        ({"rev": 1, "value": {"score": 1}}, {"rev": 1, "value": {"score": True}}, "changed", ["/value/score"]),
    ],
)
def test_kinds_and_fields(old: dict | None, new: dict | None, kind: str, fields: list[str]) -> None:
    lines = [row and canonical.encode_record({"item": "a", "id": "1", **row}) for row in (old, new)]
    assert diff.kind_of(Delta(KEY, *lines)) == kind
    assert diff.fields(Delta(KEY, *lines)) == fields


def test_counts():
    def record(item: str, name: str, **members: Any) -> bytes:
        return canonical.encode_record({"item": item, "id": name, "task": "mood", "rev": 1, **members})

    moves = {"1": ({"score": 1}, {"score": 2}), "2": ({"score": 1}, {"score": 2}), "3": ({"score": 1}, {"empty": True})}
    deltas = [
        Delta(Key("d", "a", name), record("a", name, value=old), record("a", name, value=new))
        for name, (old, new) in moves.items()
    ]
    deltas += [
        Delta(Key("d", "b", "1"), None, record("b", "1", value={"score": 0})),
        Delta(Key("d", "b", "2"), record("b", "2", value={"score": 0}), record("b", "2", gone=True)),
        Delta(Key("d", "b", "3"), record("b", "3", at="x"), record("b", "3", at="y")),
        Delta(Key("d", "c", ""), None, b'{"id":"c"}'),
        Delta("labelvc.yaml", b"a", b"b"),
    ]
    found = diff.summarise(deltas)
    assert found.records == {"changed": 3, "added": 1, "removed": 1, "touched": 1}
    assert (found.items, found.documents, found.touched_items) == ({"added": 1}, {"changed": 1}, 2)
    assert found.transitions == {("mood", "1", "2"): 2, ("mood", "1", "(empty)"): 1}


@given(st.binary(max_size=30))
def test_any_bytes_can_be_shown(raw: bytes) -> None:
    assert isinstance(diff.decoded(raw), dict)
    assert diff.kind_of(Delta(KEY, None, raw)) in ("added", "touched")
