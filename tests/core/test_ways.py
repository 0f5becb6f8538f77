"""Ways, passages and shifts as values: what a page says of labels that became others."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelvc.core import passage, ways
from labelvc.core.diff import Comparison
from labelvc.model.change import Delta, Kind
from labelvc.model.exhibit import Passage
from labelvc.model.names import Key

TEXT = "the cat and the dog"
LABELS = st.sampled_from([None, "a", "b", "c", "d", "é", ""])


def seen(kind: Kind, old: dict[str, Any], new: dict[str, Any], name: str = "w1") -> Comparison:
    return Comparison(Delta(Key("pets", "p1", name), None, None), kind, old, new, [])


def span(start: int, end: int) -> dict[str, Any]:
    return {"value": {"label": "cat", "span": [start, end]}}


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (seen("changed", span(4, 7), span(4, 7)), [Passage("=", "the ", "cat", " and the dog")]),
        (seen("removed", span(4, 7), {}), [Passage("-", "the ", "cat", " and the dog")]),
        (seen("added", {}, span(16, 19)), [Passage("+", "the cat and the ", "dog", "")]),
        (
            seen("changed", span(4, 7), span(0, 7)),
            [Passage("-", "the ", "cat", " and the dog"), Passage("+", "", "the cat", " and the dog")],
        ),
        (seen("changed", {"value": {}}, {"value": {}}, "c4-7"), [Passage("=", "the ", "cat", " and the dog")]),
        (seen("added", {}, {"value": {"label": "x"}}), [Passage("=", "", "", TEXT)]),
        (seen("added", {}, span(4, 99)), [Passage("=", "", "", TEXT)]),
        (seen("added", {}, span(7, 4)), [Passage("=", "", "", TEXT)]),
        (seen("added", {}, {"value": {"span": ["4", None]}}), [Passage("=", "", "", TEXT)]),
    ],
)
def test_what_a_record_marks_is_marked(change, wanted):
    assert list(passage.passages(change, TEXT)) == wanted


def test_of_a_long_text_what_stands_around_the_mark_is_shown():
    text = "x" * 500_000 + "MARK" + "y" * 500_000
    (one,) = passage.passages(seen("added", {}, span(500_000, 500_004)), text)
    assert (one.marked, one.before[0], one.after[-1]) == ("MARK", "…", "…")
    assert len(one.before) == len(one.after) == 121
    (one,) = passage.passages(seen("added", {}, span(0, 1_000_004)), text)
    assert len(one.marked) < 250


@given(st.dictionaries(st.tuples(st.sampled_from("tu"), LABELS, LABELS), st.integers(1, 50), max_size=30))
def test_the_list_and_the_squares_say_the_same(turns):
    found = ways.told(turns, "seed", {})
    assert sum(way.count for way in found.list) + found.more_records == found.records == sum(turns.values())
    assert len(found.list) + found.more == found.distinct == len(turns)
    assert [way.count for way in found.list] == sorted((way.count for way in found.list), reverse=True)
    assert not found.list or found.list[-1].coverage == 100.0
    for grid in found.grids:
        counted = Counter[tuple[str | None, str | None]]()
        for (task, old, new), number in turns.items():
            if task == grid.task:
                counted[old, new] += number
        cells = {
            (old, new): grid.rows[row][column]
            for row, old in enumerate(grid.labels)
            for column, new in enumerate(grid.labels)
            if grid.rows[row][column]
        }
        assert cells == dict(counted)
        assert grid.records == sum(cells.values())


def test_of_many_labels_the_rest_share_a_line():
    found = ways.told({("t", f"l{at:02}", None): 100 - at for at in range(30)}, "seed", {})
    (grid,) = found.grids
    assert (len(grid.labels), grid.others, grid.labels[-1]) == (21, True, None)
    assert sum(map(sum, grid.rows)) == found.records
    assert grid.rows[-1][20] == sum(range(71, 81))


@given(
    st.dictionaries(st.sampled_from("abcd"), st.integers(1, 99)),
    st.dictionaries(st.sampled_from("abcd"), st.integers(1, 99)),
)
def test_the_distance_is_between_nothing_and_all_and_the_same_both_ways(before, after):
    one, two = (ways.shift(("d", "t"), *pair, None, frozenset()) for pair in ((before, after), (after, before)))
    assert one.distance == two.distance
    assert 0 <= one.distance <= 100
    assert ways.shift(("d", "t"), before, before, None, frozenset()).distance == 0
    assert [row.points for row in one.rows] == pytest.approx(
        [-row.points for row in sorted(two.rows, key=lambda r: [x.label for x in one.rows].index(r.label))]
    )


def test_labels_that_fall_under_the_floor_are_named():
    before, after = {"a": 10, "b": 10, "c": 9, "d": 12}, {"a": 9, "b": 10, "c": 8, "d": 3}
    found = ways.shift(("d", "t"), before, after, 10, frozenset("abc"))
    assert found.under == ("a",)  # c was under it before, d is out of use
    assert found.floor == 10
