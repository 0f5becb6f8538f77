"""Columns: what is written member by member is what is written object by object."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from labelvc.codec import canonical, columns
from labelvc.codec.columns import Member
from tests.strategies import json_values, texts

ABSENT = object()
names = st.one_of(st.sampled_from(["item", "id", "by", "value", "\ue000", "\U00010000"]), texts)


@st.composite
def tables(draw: st.DrawFn) -> tuple[int, dict[str, tuple[list[Any], bool, bool]]]:
    """Return a number of objects, and of each member its values, whether it is a text, and whether it may be absent."""
    count = draw(st.integers(1, 4))
    members = {}
    for name in draw(st.lists(names, max_size=5, unique=True)):
        text, optional = draw(st.booleans()), draw(st.booleans())
        value = texts.filter(bool) if text and optional else texts if text else json_values
        if not optional and draw(st.booleans()):
            members[name] = ([draw(value)] * count, text, False)
            continue
        choice = st.one_of(st.just(ABSENT), value) if optional else value
        members[name] = (draw(st.lists(choice, min_size=count, max_size=count)), text, optional)
    return count, members


def member(values: list[Any], text: bool, optional: bool, *, same: bool) -> Member:
    def cell(value: Any) -> bytes:
        if value is ABSENT:
            return b""
        return bytes(columns.insides([value.encode()])[0]) if text else canonical.encode(value)

    cells = [cell(value) for value in values]
    constant = same and not optional and len(set(cells)) == 1
    return Member(cells[0] if constant else cells, text, optional)


@given(tables(), st.sampled_from([(), canonical.ITEM_FIRST, canonical.RECORD_FIRST]), st.booleans())
@example((2, {"a": ([ABSENT, "x"], True, True), "b": ([1, ABSENT], False, True)}), (), False)
@example((2, {"a": ([ABSENT, ABSENT], True, True)}), (), False)
@example((3, {}), (), False)
def test_objects_are_written_as_one_by_one(table: Any, first: tuple[str, ...], same: bool) -> None:
    count, members = table
    expected = [
        canonical.encode({name: row[0][at] for name, row in members.items() if row[0][at] is not ABSENT}, first)
        for at in range(count)
    ]
    cells = {name: member(*row, same=same) for name, row in members.items()}
    assert columns.objects(cells, count, first) == expected


@given(st.lists(texts))
@example(['"', "\\", "\x00\x1f", "\x7f", "\u2028", "é", ""])
def test_what_stands_inside_is_what_a_text_has_between_its_quotation_marks(found: list[str]) -> None:
    inside = columns.insides([text.encode() for text in found])
    assert [b'"%b"' % text for text in inside] == [canonical.encode(text) for text in found]
    assert columns.controls([text.encode() for text in found]) == any(char < " " for text in found for char in text)
