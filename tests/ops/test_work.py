"""What commits did to records: counted many at once as one by one, and remembered of each commit."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from labelvc.core import diff
from labelvc.core.veil import Veil
from labelvc.model.commit import Commit, Person
from labelvc.model.project import Sensitive
from labelvc.model.snapshot import FileChange
from labelvc.ops import work

COMMIT = Commit("1" * 40, (), Person("a", "b"), (), "2026-02-03T04:05:06+00:00", "2026-02-03T04:05:06+00:00", "")
PATH = "datasets/pets/annotations/0.jsonl"
TOKENS = ["prs_" + letter * 28 for letter in "bcd"]
TIMES = [
    "2026-03-01T09:12:44Z", "2026-03-01T23:59:59.5Z", "2026-03-01T23:30:00-05:00", "0001-01-01T00:00:00+05:00",
    "2026-13-01T00:00:00Z", "2026-03-01T09:12Z", "yesterday", "",
]  # fmt: skip
MEMBERS = st.fixed_dictionaries(
    {},
    optional={
        "by": st.sampled_from([*TOKENS, "Jo Doe", "", None, 7]),
        "at": st.sampled_from([*TIMES, None, 3]),
        "gone": st.sampled_from([True, False, "yes"]),
        "origin": st.sampled_from([{"tool": "t"}, {"model": "m"}, {"model": None}, {}, None, "x"]),
        "value": st.sampled_from([{"label": "cat"}, {"text": "x"}, 7, None]),
    },
)


def lines(members: list[dict[str, Any]]) -> list[bytes]:
    return [
        json.dumps({"item": f"p{at}", "id": "r", **one}, separators=(",", ":")).encode()
        for at, one in enumerate(members)
    ]


def tally(veil: Veil) -> work._Tally:
    return work._Tally(COMMIT, veil)


@example([{"by": TOKENS[0], "at": TIMES[0]}, {"by": "Jo Doe"}, {"gone": True}, {"origin": {"model": "m"}}], True)
@example([{"by": TOKENS[0], "at": TIMES[3]}], False)
@given(st.lists(MEMBERS, max_size=4), st.booleans())
def test_law_many_that_came_count_as_each_of_them(members: list[dict[str, Any]], declared: bool):
    rows = lines([*members, *[{"by": TOKENS[at % 3], "at": TIMES[at % 3]} for at in range(64)]])
    fields = [Sensitive("/by", "person", "keyed")] * declared
    one, many = [tally(Veil(lambda _: fields)) for _ in range(2)]
    for delta in diff.pair(FileChange(PATH, [], rows)):
        one.add(delta)
    if many.came(PATH, rows):
        assert many.edits() == one.edits()
    else:
        assert many.edits() == work.Edits()
        assert any(
            type(row.get("by", "")) is not str
            or row.get("at", TIMES[0]) not in TIMES[:4]
            or row.keys() & {"gone", "origin"}
            for row in members
        )
    assert "Jo Doe" not in repr(many.edits())


def test_what_only_looking_closer_tells_is_not_counted_at_once():
    rows = lines([{"by": TOKENS[0]}] * 64)
    assert tally(Veil()).came(PATH, rows)
    assert not tally(Veil()).came(PATH, rows[:63])
    assert not tally(Veil()).came(PATH, [*rows, b'{"id":"r","item":"p"}'])
    assert not tally(Veil()).came("datasets/pets/dataset.yaml", rows)
    assert not tally(Veil(lambda _: [Sensitive("/at", "time", "drop")])).came(PATH, rows)
    items = tally(Veil())
    assert items.came(PATH.replace("annotations", "items"), rows)
    assert items.edits() == work.Edits()
