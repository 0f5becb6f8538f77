"""Matching by content: the same shape is the same record, whatever number it has and in whatever order it comes."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelvc.core import match
from tests import strategies

Thing = dict[str, Any]


def box(label: str, *numbers: float, by: str = "", **ext: Any) -> Thing:
    made: Thing = {"item": "i", "value": {"label": label, "box": list(numbers)}}
    if by:
        made["by"] = by
    if ext:
        made["ext"] = {"coco": ext}
    return made


def said(**value: Any) -> Thing:
    by = value.pop("by", "")
    return {"item": "i", "value": value, **({"by": by} if by else {})}


A, B, C = box("cat", 0, 0, 10, 10), box("dog", 50, 50, 10, 10), box("cat", 90, 0, 10, 10)


@pytest.mark.parametrize(
    ("old", "new", "whole", "expected"),
    [
        ([A, B], [B, A], True, ["1", "0"]),
        ([A, B], [box("dog", 0, 0, 10, 10)], False, ["0"]),  # a label move
        ([A, box("dog", 0, 0, 10, 10)], [box("dog", 0, 0, 10, 10), A], True, ["1", "0"]),
        ([A, box("dog", 0, 0, 10, 10)], [box("bird", 0, 0, 10, 10), A], True, ["1", "0"]),
        ([A], [box("cat", 1, 1, 10, 10)], True, ["0"]),  # drawn anew
        ([A], [box("cat", 1, 1, 10, 10)], False, [None]),  # when only adding, perhaps a second cat
        ([A], [box("dog", 1, 1, 10, 10)], True, [None]),
        ([A], [box("cat", 5, 5, 10, 10)], True, [None]),  # an overlap of a seventh
        ([A, box("cat", 3, 0, 10, 10)], [box("cat", 2, 0, 10, 10)], True, ["1"]),  # the one it overlaps most
        ([box("cat", 0, 0, 9, 9, segmentation=[[1, 2, 3]])], [box("dog", 5, 5, 9, 9, segmentation=[[1, 2, 3]])], False, ["0"]),
        ([box("cat", 0, 0, 10, 10, by="a")], [A], False, ["0"]),  # the source does not say who
        ([A], [box("cat", 0, 0, 10, 10, by="a")], False, [None]),  # it does, and it was nobody we know
        ([box("cat", 0, 0, 9, 9, by="a"), box("dog", 0, 0, 9, 9, by="b")], [box("cat", 0, 0, 9, 9, by="b")], True, ["1"]),
        ([said(label="x", by="a"), said(label="y", by="b")], [said(label="y", by="a")], False, ["0"]),
        ([said(label="x")], [said(label="y")], True, ["0"]),  # the item's one answer changed
        ([said(label="x")], [said(label="y")], False, [None]),  # a second answer
        ([said(label="x"), said(label="y")], [said(label="y"), said(label="z")], True, ["1", "0"]),
        ([said(label="p", span=[0, 5], text="hello")], [said(label="q", span=[0, 5], text="hello")], False, ["0"]),
        ([said(label="p", span=[0, 8], text="hello yo")], [said(label="p", span=[0, 5], text="hello")], True, ["0"]),
        ([A, A], [A, A, A], True, ["0", "1", None]),
        ([box("cat", 1, 1, 0, 0)], [box("cat", 1, 1, 0, 1)], True, [None]),  # nothing overlaps what has no area
    ],
)  # fmt: skip
def test_what_is_the_same(old: list[Thing], new: list[Thing], whole: bool, expected: list[str | None]) -> None:
    assert match.records({str(at): one for at, one in enumerate(old)}, new, whole=whole) == expected


numbers = st.integers(0, 6)
labels = st.sampled_from(["cat", "dog"])
things = st.builds(
    lambda label, x, y, w, h, by: box(label, x, y, w, h, by=by),
    labels, numbers, numbers, numbers, numbers, st.sampled_from(["", "a", "b"]),
) | st.builds(lambda label, by: said(label=label, by=by), labels, st.sampled_from(["", "a"]))  # fmt: skip


@given(st.lists(things, max_size=8), st.lists(things, max_size=8), st.booleans(), st.randoms())
def test_order_plays_no_part_and_no_id_is_given_twice(
    old: list[Thing], new: list[Thing], whole: bool, chance: random.Random
) -> None:
    stored = {f"r{at}": one for at, one in enumerate(old)}
    found = match.records(stored, new, whole=whole)
    given_out = [name for name in found if name]
    assert len(set(given_out)) == len(given_out)
    assert set(given_out) <= stored.keys()
    shuffled = chance.sample(range(len(new)), len(new))
    names = chance.sample(sorted(stored), len(stored))
    again = match.records({name: stored[name] for name in names}, [new[at] for at in shuffled], whole=whole)

    def pairs(ids: list[str | None], things: list[Thing]) -> list[str]:
        return sorted(f"{one} {name}" for one, name in zip(things, ids, strict=True))

    assert pairs(found, new) == pairs(again, [new[at] for at in shuffled])


@given(st.lists(things, max_size=8), st.randoms())
def test_what_did_not_change_is_found(old: list[Thing], chance: random.Random) -> None:
    stored = {f"r{at}": one for at, one in enumerate(old)}
    names = chance.sample(sorted(stored), len(stored))
    found = match.records(stored, [stored[name] for name in names], whole=True)
    same = all("by" in one for one in old) or not any("by" in one for one in old)
    for name, here in zip(names, found, strict=True):
        assert here is not None
        if same:
            assert stored[here] == stored[name]


@given(st.lists(st.tuples(numbers, numbers, st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=6))
def test_cells_miss_no_overlap(boxes: list[tuple[int, int, int, int]]) -> None:
    first, *others = [tuple(map(float, one)) for one in boxes]
    near = set(match._near(first))  # type: ignore[arg-type]
    for other in others:
        if match._overlap(first, other) >= match.OVERLAP:  # type: ignore[arg-type]
            assert match._cell(other) in near  # type: ignore[arg-type]


def test_a_crowded_picture_takes_time_in_proportion() -> None:
    def seconds(count: int) -> float:
        chance = random.Random(7)
        places = [(chance.random() * 4000, chance.random() * 4000) for _ in range(count)]
        old = {str(at): box("cat", x, y, 20, 20) for at, (x, y) in enumerate(places)}
        new = [box("cat", x + 1, y + 1, 20, 20) for x, y in places]
        begin = time.process_time()
        found = match.records(old, new, whole=True)
        spent = time.process_time() - begin
        assert sum(name == str(at) for at, name in enumerate(found)) > 0.98 * count
        return spent

    small = max(seconds(400), 0.005)
    assert seconds(3200) < 8 * 4 * small


def test_items_are_told_by_what_only_they_hold() -> None:
    old = {"a": [b"1", b"2", b"3"], "b": [b"4"], "c": [b"5", b"6"], "d": [b"9"]}
    new = {"x": [b"1", b"2"], "y": [b"4", b"7", b"8"], "z": [b"5", b"9"], "w": []}
    assert match.items(old, new) == {"x": "a", "y": "b", "z": "c"}
    assert match.items({"a": [b"1"], "b": [b"1"]}, {"x": [b"1"]}) == {}
    assert match.items(old, {"x": [b"1", b"p", b"q"]}) == {}, "one of three on both sides is an accident"


def test_names_of_records() -> None:
    assert match.name(A)[0] == "b"
    assert match.name(A) == match.name(box("dog", 0, 0, 10, 10)) != match.name(B)
    mine = [match.name({**said(label="x", by="anna"), "item": item}) for item in ("i", "j")]
    assert mine[0] != mine[1], "the ids of one person's answers have nothing in common"
    assert match.name(said(label="p", polygon=[[0, 0], [1, 1], [2, 0]]))[0] == "p"


odd = strategies.json_values
hostile = st.fixed_dictionaries(
    {},
    optional={
        "value": odd
        | st.dictionaries(st.sampled_from(["label", "box", "polygon", "points", "span", "rle"]), odd, max_size=3),
        "ext": odd
        | st.dictionaries(st.just("coco"), odd | st.dictionaries(st.sampled_from(["bbox", "segmentation"]), odd)),
        "by": odd,
    },
)


@settings(max_examples=150)
@given(st.lists(hostile, max_size=4), st.lists(hostile, max_size=4))
def test_lines_edited_by_hand_never_stumble(old: list[Thing], new: list[Thing]) -> None:
    found = match.records({str(at): one for at, one in enumerate(old)}, new, whole=True)
    assert len(found) == len(new)
    for one in new:
        match.name(one)
