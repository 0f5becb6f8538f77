"""Merging of records: laws over any three versions, and what each rule decides."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelvc.codec import canonical, shard
from labelvc.core import merge, reconcile, revise
from labelvc.core.reconcile import Rules
from labelvc.model.change import Conflict, Delta, Strategy
from labelvc.model.names import Key
from labelvc.model.snapshot import FileChange
from tests.strategies import TOKEN, records

PATH = "datasets/pets/annotations/00.jsonl"
KEY = Key("pets", "p1", "m1")
PLAIN = Rules()
TOKENS = Rules(groups={"syntax": (("/value/head", "/value/deprel"),)}, open=frozenset(["syntax"]))


def line(rev: int = 1, **fields: Any) -> bytes:
    return canonical.encode_record({"item": "p1", "id": "m1", "rev": rev, **fields})


def gone(rev: int = 2) -> bytes:
    return line(rev, gone=True)


def change(old: bytes | None, new: bytes | None) -> FileChange:
    return FileChange(PATH, [old] if old and old != new else [], [new] if new and old != new else [])


def merged(
    base: bytes | None, ours: bytes | None, theirs: bytes | None, rules: Rules = PLAIN, chosen: Strategy = "conflict"
) -> bytes | Conflict | None:
    """Merge three versions of one line and return what our side's line becomes."""
    found = merge.merge(change(base, ours), change(base, theirs), reconcile.resolver("annotations", rules, chosen))
    left = [*([ours] if ours else [])]
    for raw in found.gone:
        left.remove(raw)
    left += found.come
    if found.conflicts:
        assert not left
        return found.conflicts[0]
    assert len(left) <= 1
    return left[0] if left else None


def value(raw: bytes | Conflict | None) -> dict[str, Any]:
    assert isinstance(raw, bytes), raw
    return dict(canonical.decode(raw))


# ---------------------------------------------------------------- laws
@st.composite
def versions(draw: st.DrawFn) -> tuple[bytes | None, bytes | None, bytes | None]:
    """Draw three versions of a record, the sides made from the base by changing some of its fields."""
    base = draw(records()) | {"item": "p1", "id": "m1"}
    made: list[dict[str, Any] | None] = [draw(st.sampled_from([base, None]))]
    for _ in range(2):
        other = draw(records()) | {"item": "p1", "id": "m1"}
        names = draw(st.sets(st.sampled_from(sorted({*base, *other} - {"item", "id"}))))
        side = {name: content for name, content in base.items() if name not in names}
        side |= {name: other[name] for name in names if name in other}
        made.append(
            draw(st.sampled_from([side, side, side, base, None, {"item": "p1", "id": "m1", "gone": True, "rev": 4}]))
        )
    return tuple(None if one is None else canonical.encode_record(one) for one in made)


@given(versions())
def test_both_sides_get_the_same_bytes(three):
    base, ours, theirs = three
    one, two = merged(base, ours, theirs), merged(base, theirs, ours)
    if isinstance(one, Conflict):
        assert isinstance(two, Conflict)
        assert (one.kind, one.fields, one.base, one.ours) == (two.kind, two.fields, two.base, two.theirs)
    else:
        assert one == two


@given(versions())
def test_what_one_side_left_alone_is_what_the_other_made_of_it(three):
    base, ours, theirs = three
    assert merged(base, base, theirs) == theirs
    assert merged(base, ours, base) == ours
    assert merged(base, ours, ours) == ours


@given(versions())
def test_every_field_is_one_sides_own_and_nothing_is_made_up(three):
    base, ours, theirs = three
    found = merged(base, ours, theirs)
    if isinstance(found, Conflict) or found is None:
        return
    result, sides = value(found), [value(raw) if raw else {} for raw in (base, ours, theirs)]
    for name, content in result.items():
        if name not in ("rev", "ext", "value"):
            assert any(canonical.encode(side.get(name)) == canonical.encode(content) for side in sides[1:])
    shapes = [set(side.get("value", {})) for side in sides[1:] if side]
    assert not shapes or "gone" in result or set(result.get("value", {})) in shapes


@given(versions())
def test_a_change_of_one_side_alone_is_never_lost(three):
    base, ours, theirs = three
    found = merged(base, ours, theirs)
    if isinstance(found, Conflict) or found is None or not (base and ours and theirs):
        return
    before, mine, new, result = map(value, (base, ours, theirs, found))
    if any("gone" in side for side in (before, mine, new)):
        return
    for name in {*before, *mine, *new} - {"rev", "value", "ext", "by", "origin", "under"}:
        same = [canonical.encode(side.get(name)) for side in (before, mine, new, result)]
        if same[0] == same[1] != same[2]:
            assert same[3] == same[2]
        if same[0] == same[2] != same[1]:
            assert same[3] == same[1]


@given(versions())
def test_a_merged_record_outgrows_both_sides(three):
    base, ours, theirs = three
    found = merged(base, ours, theirs)
    if isinstance(found, Conflict) or found is None:
        return
    if None in (ours, theirs) or base in (ours, theirs) or ours == theirs:
        return
    for side in (ours, theirs):
        assert found == side or revise.problem(Delta(KEY, side, found)) == ""


@given(versions(), st.sampled_from(["ours", "theirs"]))
def test_a_chosen_side_leaves_nothing_in_conflict(three, chosen):
    base, ours, theirs = three
    found = merged(base, ours, theirs, chosen=chosen)
    assert not isinstance(found, Conflict)
    open_one = merged(base, ours, theirs)
    if isinstance(open_one, Conflict) and isinstance(found, bytes) and open_one.fields not in [("",), ()]:
        side = value(ours if chosen == "ours" else theirs)
        for pointer in open_one.fields:
            top = pointer.split("/")[1]
            if top not in ("value", "ext"):
                assert canonical.encode(value(found).get(top)) == canonical.encode(side.get(top))


@given(st.lists(versions(), max_size=6), st.randoms(use_true_random=False))
def test_records_are_merged_alike_alone_and_in_company(many, chance):
    """No record's merge depends on its neighbours, or on their order."""
    decide = reconcile.resolver("annotations", Rules())
    sides: list[list[bytes]] = [[], [], [], []]
    alone = []
    for number, three in enumerate(many):
        base, ours, theirs = [raw and raw.replace(b'"id":"m1"', b'"id":"n%d"' % number) for raw in three]
        one, two = change(base, ours), change(base, theirs)
        alone.append(merge.merge(one, two, decide))
        for side, raws in zip(sides, (one.old, one.new, two.old, two.new), strict=True):
            side.extend(raws)
    for side in sides:
        chance.shuffle(side)
    found = merge.merge(FileChange(PATH, sides[0], sides[1]), FileChange(PATH, sides[2], sides[3]), decide)
    assert sorted(found.come) == sorted(raw for one in alone for raw in one.come)
    assert sorted(found.gone) == sorted(raw for one in alone for raw in one.gone)
    assert {c.key for c in found.conflicts} == {c.key for one in alone for c in one.conflicts}


# ---------------------------------------------------------------- rules
def test_a_label_and_a_box_changed_apart_come_together():
    base = line(value={"label": "cat", "box": [0, 0, 9, 9]}, task="where")
    ours = line(2, value={"label": "dog", "box": [0, 0, 9, 9]}, task="where")
    theirs = line(2, value={"label": "cat", "box": [1, 0, 9, 9]}, task="where")
    assert value(merged(base, ours, theirs)) == {
        "item": "p1", "id": "m1", "rev": 3, "task": "where", "value": {"label": "dog", "box": [1, 0, 9, 9]},
    }  # fmt: skip


def test_the_coordinates_of_a_box_are_one_decision():
    base = line(value={"label": "cat", "box": [0, 0, 9, 9]}, task="where")
    found = merged(
        base,
        line(2, value={"label": "cat", "box": [1, 0, 9, 9]}, task="where"),
        line(2, value={"label": "cat", "box": [0, 0, 8, 9]}, task="where"),
    )
    assert isinstance(found, Conflict)
    assert found.fields == ("/value/box",)


@pytest.mark.parametrize(
    ("mine", "new", "fields"),
    [
        ({"head": "w3"}, {"deprel": "obj"}, ("/value/deprel", "/value/head")),
        ({"head": "w3"}, {"upos": "NOUN"}, ()),
        ({"head": "w3", "deprel": "obj"}, {"head": "w3", "deprel": "obj"}, ()),
    ],
)
def test_head_and_relation_move_together(mine, new, fields):
    start = {"form": "sees", "head": "w1", "deprel": "nsubj", "upos": "VERB"}
    found = merged(
        line(task="syntax", value=start),
        line(2, task="syntax", value=start | mine),
        line(2, task="syntax", value=start | new),
        TOKENS,
    )
    if fields:
        assert isinstance(found, Conflict)
        assert found.fields == fields
    else:
        assert value(found)["value"] == start | mine | new


def test_a_span_and_its_words_are_one_decision():
    start = {"label": "cat", "span": [0, 3], "text": "the"}
    found = merged(
        line(task="words", value=start),
        line(2, task="words", value=start | {"span": [0, 4], "text": "thee"}),
        line(2, task="words", value=start | {"span": [0, 2], "text": "th"}),
    )
    assert isinstance(found, Conflict)
    assert found.fields == ("/value/span", "/value/text")


def test_a_shape_that_neither_side_has_is_a_conflict():
    """One side says nothing is there, the other moves its box: neither a label without a box nor the reverse was said."""
    start = {"label": "cat", "box": [0, 0, 9, 9]}
    found = merged(
        line(task="where", value={"label": "cat"}),
        line(2, task="where", value=start),
        line(2, task="where", value={"empty": True}),
    )
    assert isinstance(found, Conflict)


def test_who_answered_and_under_which_guideline_is_one_decision():
    base = line(by="prs_a", under="mood@1.0.0", value={"score": 1})
    ours = line(2, by="prs_b", under="mood@1.0.0", value={"score": 2})
    theirs = line(2, by="prs_a", under="mood@1.1.0", value={"score": 1})
    found = merged(base, ours, theirs)
    assert isinstance(found, Conflict)
    assert found.fields == ("/by", "/under")


@pytest.mark.parametrize(
    ("mine", "new", "open_to"),
    [
        ({"by": "prs_b"}, {"value": {"label": "dog"}}, False),
        ({"under": "kind@2.0.0"}, {"value": {"label": "dog"}}, False),
        ({"by": "prs_b", "value": {"label": "dog"}}, {"ext": {"note": "?"}}, True),
        ({"by": "prs_b", "value": {"label": "dog"}}, {"value": {"label": "dog"}}, True),
        ({"by": "prs_b"}, {"at": "2026-02-02T00:00:00Z"}, True),
    ],
)
def test_nobody_is_made_to_say_what_another_said(mine, new, open_to):
    """Who answered stands under their own answer: one side's name with the other side's label is a conflict."""
    start = {"by": "prs_a", "under": "kind@1.0.0", "value": {"label": "cat"}, "task": "kind"}
    base, ours, theirs = line(**start), line(2, **{**start, **mine}), line(2, **{**start, **new})
    found = merged(base, ours, theirs)
    if open_to:
        assert value(found) == {**value(base), **mine, **new, "rev": 3}
        return
    assert isinstance(found, Conflict)
    assert found.fields == tuple(sorted({*(f"/{name}" for name in mine), "/value/label"}))
    assert value(merged(base, ours, theirs, chosen="theirs")) == {**value(theirs), "rev": 3}
    assert value(merged(base, ours, theirs, chosen="ours")) == {**value(ours), "rev": 3}


def test_a_strategy_for_who_answered_lets_it_be_merged_alone():
    """As where one branch gives everybody a new pseudonym while the other goes on labelling."""
    base = line(by="prs_a", value={"label": "cat"})
    ours, theirs = line(2, by="prs_b", value={"label": "cat"}), line(2, by="prs_a", value={"label": "dog"})
    found = merged(base, ours, theirs, Rules({"/by": "newest"}))
    assert (value(found)["by"], value(found)["value"], value(found)["rev"]) == ("prs_b", {"label": "dog"}, 3)


@pytest.mark.parametrize("times", [(None, None), ("2026-01-02T00:00:00Z", None), ("2026-01-02T00:00:00Z",) * 2])
@pytest.mark.parametrize("turned", [False, True])
def test_newest_of_sides_without_a_later_one_is_asked(times, turned):
    """Nothing else tells which answer is later: not `rev`, which counts edits, and not the bytes of the line."""
    base = line(value={"score": 0}, task="mood")
    sides = [
        line(rev, **({"at": at} if at else {}), value={"score": score}, task="mood")
        for rev, at, score in ((3, times[0], -1), (2, times[1], 1))
    ]
    ours, theirs = reversed(sides) if turned else sides
    assert isinstance(merged(base, ours, theirs, Rules({"/value/score": "newest"})), Conflict)
    assert isinstance(merged(base, ours, theirs, chosen="newest"), Conflict)


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("ours", {"labels": ["cat", "dog"]}),
        ("theirs", {"labels": ["emu"]}),
        ("newest", {"labels": ["emu"]}),
        ("union", {"labels": ["dog", "emu"]}),
        ("max", None),
        ("conflict", None),
    ],
)
def test_each_strategy_of_a_field(strategy, expected):
    base = line(at="2026-01-01T00:00:00Z", value={"labels": ["cat"]}, task="kinds")
    ours = line(2, at="2026-01-02T00:00:00Z", value={"labels": ["cat", "dog"]}, task="kinds")
    theirs = line(2, at="2026-01-03T00:00:00Z", value={"labels": ["emu"]}, task="kinds")
    found = merged(base, ours, theirs, Rules({"/value/labels": strategy}))
    if expected is None:
        assert isinstance(found, Conflict)
    else:
        assert value(found)["value"] == expected
        assert value(found)["at"] == "2026-01-03T00:00:00Z"


@pytest.mark.parametrize(
    ("pointer", "applies"), [("/value", True), ("/value/score", True), ("/ext", False), ("/val", False)]
)
def test_a_strategy_holds_for_the_field_and_all_below(pointer, applies):
    found = merged(
        line(value={"score": 1}), line(2, value={"score": 2}), line(2, value={"score": 3}), Rules({pointer: "max"})
    )
    assert isinstance(found, bytes) == applies


def test_max_compares_numbers_with_numbers_and_text_with_text_only():
    for one, two, best in [(1, 2.5, 2.5), ("a", "b", "b"), (True, 1, None), (1, "1", None), ([1], [2], None)]:
        found = merged(line(ext={"n": 0}), line(2, ext={"n": one}), line(2, ext={"n": two}), Rules({"/ext/n": "max"}))
        assert isinstance(found, Conflict) if best is None else value(found)["ext"]["n"] == best


def test_a_tombstone_against_an_edit_is_a_conflict_and_against_bookkeeping_is_not():
    base = line(value={"score": 1}, at="2026-01-01T00:00:00Z")
    found = merged(base, gone(), line(2, value={"score": 2}, at="2026-01-01T00:00:00Z"))
    assert isinstance(found, Conflict)
    assert (found.kind, found.fields) == ("deleted", ("",))
    assert merged(base, gone(2), line(4, value={"score": 1}, at="2026-02-02T00:00:00Z")) == gone(5)


def test_a_field_of_that_name_makes_no_tombstone():
    found = merged(line(ext={"n": 0}), line(2, ext={"n": 1}), line(2, ext={"gone": True, "n": 2}))
    assert isinstance(found, Conflict)
    assert (found.kind, found.fields) == ("edited", ("/ext/n",))


def test_two_tombstones_are_one_deletion():
    base = line(value={"score": 1})
    assert merged(base, gone(2), gone(2)) == gone(2)
    assert merged(base, gone(2), gone(5)) == merged(base, gone(5), gone(2)) == gone(5)


def test_a_deletion_without_a_tombstone_against_an_edit_is_a_conflict():
    base = line(value={"score": 1})
    assert isinstance(merged(base, None, line(2, value={"score": 2})), Conflict)


def test_equal_additions_are_none_and_unequal_ones_are_a_conflict():
    assert merged(None, line(value={"score": 1}), line(value={"score": 1})) == line(value={"score": 1})
    found = merged(None, line(value={"score": 1}), line(value={"score": 2}))
    assert isinstance(found, Conflict)
    assert (found.kind, found.fields, found.base) == ("added", ("/value/score",), ())


def test_fields_of_other_tools_are_merged_one_by_one_and_none_is_lost():
    base = line(ext={"a": 1, "deep": {"x": 1, "y": [1]}}, value={"score": 1})
    ours = line(2, ext={"a": 2, "deep": {"x": 1, "y": [1]}}, value={"score": 1})
    theirs = line(2, ext={"a": 1, "deep": {"x": 1, "y": [1, 2]}, "z/~": None}, value={"score": 1})
    assert value(merged(base, ours, theirs))["ext"] == {"a": 2, "deep": {"x": 1, "y": [1, 2]}, "z/~": None}


@pytest.mark.parametrize(
    ("mine", "new"), [({"a": {"b": 1}}, {"a": 2}), ({"a": {"b": 1}}, {"a": {}}), ({}, {"a": {"c": 1}})]
)
def test_an_object_against_a_value_in_its_place_is_a_conflict_or_whole(mine, new):
    base = {"a": {"b": 0}}
    found = merged(line(ext=base), line(2, ext=mine), line(2, ext=new))
    assert isinstance(found, Conflict) or canonical.encode(value(found).get("ext")) in map(
        canonical.encode, (mine, new)
    )


def test_over_a_base_that_nobody_agreed_on_every_difference_is_a_conflict():
    """A field that one side took away must not come back because the base of a criss-cross does not know it."""
    base = reconcile.undecided(line(value={"score": 1}), "annotations")
    found = merged(base, line(3, value={"score": 1}, ext={"a": 1}), line(3, value={"score": 1}))
    assert isinstance(found, Conflict)
    assert found.fields == ("/ext/a",)
    assert merged(base, line(3, value={"score": 1}), line(3, value={"score": 1})) == line(3, value={"score": 1})


def test_an_answer_to_one_task_is_not_taken_for_an_answer_to_another():
    base = line(task="kind", value={"label": "cat"})
    ours, theirs = line(2, task="breed", value={"label": "cat"}), line(2, task="kind", value={"label": "dog"})
    found = merged(base, ours, theirs)
    assert isinstance(found, Conflict)
    assert value(merged(base, ours, theirs, chosen="ours")) == {**value(ours), "rev": 3}
    assert value(merged(base, ours, theirs, chosen="theirs")) == {**value(theirs), "rev": 3}
    both = merged(
        base,
        line(2, task="breed", value={"label": "tabby"}),
        line(2, task="kind", value={"label": "cat"}, ext={"n": 1}),
    )
    assert value(both)["task"] == "breed"


def test_numbers_that_python_takes_for_equal_are_told_apart():
    found = merged(line(ext={"n": 0}), line(2, ext={"n": 1}), line(2, ext={"n": True}))
    assert isinstance(found, Conflict)


def test_doubled_keys_keep_every_line():
    one, two = line(value={"score": 1}), line(value={"score": 2})
    ours = FileChange(PATH, [one, two], [line(2, value={"score": 3}), line(2, value={"score": 4})])
    theirs = FileChange(PATH, [one, two], [line(2, value={"score": 5}), line(2, value={"score": 6})])
    found = merge.merge(ours, theirs, reconcile.resolver("annotations", Rules()))
    assert [conflict.kind for conflict in found.conflicts] == ["doubled"]
    assert (len(found.conflicts[0].ours), len(found.conflicts[0].theirs)) == (2, 2)
    chosen = merge.merge(ours, theirs, reconcile.resolver("annotations", Rules(), "theirs"))
    assert sorted(chosen.come) == sorted(theirs.new)


def test_two_lines_of_a_doubled_key_changed_apart_are_both_kept():
    one, two = line(value={"score": 1}), line(value={"score": 2})
    ours = FileChange(PATH, [one], [line(2, value={"score": 3})])
    theirs = FileChange(PATH, [two], [line(2, value={"score": 4})])
    found = merge.merge(ours, theirs, reconcile.resolver("annotations", Rules()))
    assert (found.gone, found.come) == ([two], [line(2, value={"score": 4})])


@pytest.mark.parametrize(
    "raw", [b"not json", b"[1]", b'{"item":"p1","id":"m1"', b"\xff\xfe", b'{"item":"p1","id":"m1","n":1e999}', b""]
)
def test_lines_that_are_no_records_are_kept_on_both_sides(raw):
    other = line(2, value={"score": 2})
    base = line(value={"score": 1})
    decide = reconcile.resolver("annotations", Rules())
    found = merge.merge(FileChange(PATH, [base], [raw]), FileChange(PATH, [base], [other]), decide)
    kept = [*found.come, *[one for c in found.conflicts for one in (*c.ours, *c.theirs)]]
    assert other in kept
    assert raw not in found.gone or raw in kept


def test_an_item_is_merged_by_field_and_has_no_rev():
    path = "datasets/pets/items/00.jsonl"
    base, ours, theirs = [
        canonical.encode_item({"id": "p1", **fields})
        for fields in ({"text": "a", "source": "s"}, {"text": "b", "source": "s"}, {"text": "a", "source": "t"})
    ]
    decide = reconcile.resolver("items", Rules())
    found = merge.merge(FileChange(path, [base], [ours]), FileChange(path, [base], [theirs]), decide)
    assert found.come == [canonical.encode_item({"id": "p1", "text": "b", "source": "t"})]


def test_annotators_of_one_item_never_conflict():
    lines = [
        canonical.encode_record({"item": "p1", "id": who, "rev": 1, "by": TOKEN, "value": {"score": 1}}) for who in "ab"
    ]
    decide = reconcile.resolver("annotations", Rules())
    found = merge.merge(FileChange(PATH, [], lines[:1]), FileChange(PATH, [], lines[1:]), decide)
    assert (found.come, found.conflicts) == (lines[1:], [])


def test_the_key_of_a_conflict_is_readable():
    found = merged(None, line(value={"score": 1}), line(value={"score": 2}))
    assert isinstance(found, Conflict)
    assert str(found.key) == "pets/p1#m1"
    assert shard.parse_path(PATH) is not None
