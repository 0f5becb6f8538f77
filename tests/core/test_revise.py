"""`rev`: a successor is always legal, never a line that was there before, and says what was asked for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from labelvc.codec import canonical
from labelvc.core import revise
from labelvc.core.diff import decoded, live
from labelvc.model.change import Delta
from labelvc.model.names import Key
from tests.strategies import json_values, records

KEY = Key("pets", "a", "1")


def named(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "item": KEY.item, "id": KEY.id}


rows = records().map(named)
lines = st.one_of(
    st.none(),
    rows.map(canonical.encode_record),
    st.sampled_from([b"junk", b"[]", b'{"item":"a","id":"1","rev":"x"}', b"\xff"]),
)
wanted = st.one_of(st.none(), rows.filter(lambda row: "gone" not in row))


@given(lines, wanted)
@example(
    b'{"item":"a","id":"1","rev":1,"value":{"score":true}}', {"item": "a", "id": "1", "rev": 1, "value": {"score": 1}}
)
@example(
    b'{"item":"a","id":"1","rev":1,"value":{"score":1.0}}', {"item": "a", "id": "1", "rev": 1, "value": {"score": 1}}
)
def test_a_successor_is_legal_and_says_what_was_asked(old: bytes | None, new: dict[str, Any] | None) -> None:
    line = revise.successor(old, new, KEY)
    assert revise.problem(Delta(KEY, old, line)) == ""
    if new is None:
        assert line is None or live(line) is None or (old is not None and line == old and live(old) is None)
    else:
        assert line is not None
        content = [
            {name: value for name, value in row.items() if name not in ("rev", "at")} for row in (decoded(line), new)
        ]
        assert canonical.encode(content[0]) == canonical.encode(content[1])
    assert revise.successor(line, new, KEY) == line


@given(st.lists(wanted, min_size=2, max_size=6))
def test_no_line_ever_comes_back(story: list[dict[str, Any] | None]) -> None:
    line: bytes | None = None
    seen: list[bytes] = []
    for new in story:
        after = revise.successor(line, new, KEY)
        if after != line:
            assert after is not None
            assert after not in seen
            seen.append(after)
            assert revise.revision(after) == len(seen)
        line = after


@given(rows, json_values)
def test_an_edit_without_a_new_rev_is_always_seen(row: dict[str, Any], value: Any) -> None:
    old = canonical.encode_record(row)
    new = canonical.encode_record({**row, "value": value})
    assert bool(revise.problem(Delta(KEY, old, new))) == (old != new)


LINE = b'{"item":"a","id":"1","rev":%d}'


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (None, LINE % 1, ""),
        (None, LINE % 2, ""),
        (None, LINE % 0, "a new record starts with rev 1, not 0"),
        (LINE % 2, LINE % 3, ""),
        (LINE % 2, LINE % 4, ""),
        (LINE % 2, LINE % 1, "rev is 1 where 3 must follow 2"),
        (LINE % 2, None, "the record was deleted without a tombstone"),
        (LINE % 2, b"junk", "rev is 0 where 3 must follow 2"),
        (LINE % 2, LINE % 2, ""),
    ],
)
def test_what_is_said(old: bytes | None, new: bytes | None, said: str) -> None:
    assert revise.problem(Delta(KEY, old, new)) == said


def test_items_and_documents_carry_no_rev():
    assert revise.problem(Delta(Key("pets", "a", ""), b'{"id":"a"}', None)) == ""
    assert revise.problem(Delta("labelvc.yaml", b"a", b"b")) == ""


def test_a_tombstone_holds_a_key_and_a_rev_and_nothing_else():
    assert revise.tombstone(KEY, 7) == b'{"item":"a","id":"1","gone":true,"rev":7}'


def test_a_record_that_comes_back_goes_on_counting():
    first = revise.successor(None, {"item": "a", "id": "1", "value": {"text": "x"}}, KEY)
    gone = revise.successor(first, None, KEY)
    assert revise.successor(gone, None, KEY) == gone
    again = revise.successor(gone, {"item": "a", "id": "1", "value": {"text": "x"}}, KEY)
    assert [revise.revision(line) for line in (first, gone, again)] == [1, 2, 3]


def test_bookkeeping_alone_is_no_change():
    line = canonical.encode_record(
        {"item": "a", "id": "1", "at": "2026-03-01T09:12:44Z", "rev": 4, "value": {"text": "x"}}
    )
    assert (
        revise.successor(
            line, {"item": "a", "id": "1", "at": "2026-04-01T00:00:00Z", "rev": 9, "value": {"text": "x"}}, KEY
        )
        == line
    )
