"""A shard as checks see it: columns and lines that are decoded together say what each line says by itself."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from labelvc.checks import registry
from labelvc.checks.view import View
from labelvc.codec import canonical
from tests.checks.test_annotators import ASKED, PROJECT


def record(item: str, name: str, value: dict[str, Any], more: dict[str, Any]) -> bytes:
    return canonical.encode_record({"item": item, "id": name, "rev": 1, "task": "kind", "value": value, **more})


VALUES = st.sampled_from(
    [{"label": "cat"}, {"label": "dog"}, {"label": "cat", "box": [1, 2, 3, 4]}, {"label": "cat", "span": [0, 3]}]
)
MORE = st.sampled_from(
    [
        {},
        {"at": "2026-03-01T09:12:44Z"},
        {"by": "psn_2b5xqkz7vd3fgh4jm6np"},
        {"ext": {"a": 1, "task": "other", "box": [0]}},
        {"value": {"text": 'a "box":[1] in a text'}},
        {"under": "mood@1.1.0"},
        {"gone": True, "task": None},
    ]
)
GOOD = st.builds(record, st.sampled_from(["i1", "i2", "é", 'q"u']), st.sampled_from(["a", "b"]), VALUES, MORE)
ODD = st.sampled_from(
    [b"", b" ", b"{}", b"{}{}", b"[]", b"null", b'{"item":"i1"', b"\xff", b'{"item":"i1","id":"z","task":["kind"]}']
)


def alone(line: bytes) -> Any:
    """Return what a line says by itself, by another reader; None of what is no object."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


@given(st.lists(GOOD | ODD, max_size=6))
@example([b"", b"{}{}", record("i1", "a", {"label": "cat"}, {})])
def test_law_lines_that_are_decoded_together_say_what_each_says_alone(lines: list[bytes]):
    view = View(PROJECT, ASKED, "00", b"", b"".join([line + b"\n" for line in lines]))
    expected = [alone(line) for line in lines]
    assert [line.fields for line in view.records()] == expected
    assert [line.number for line in view.records()] == list(range(1, len(lines) + 1))
    said = view.answers().said
    rows = [row or {} for row in expected]
    assert [(one.task, one.under, one.value) for one in said] == [
        (row.get("task"), row.get("under"), row.get("value", msgspec.UNSET)) for row in rows
    ]
    for member in ("box", "span"):
        held = {line.number for line in view.holding(member)}
        assert held >= {
            at for at, row in enumerate(rows, 1) if isinstance(row.get("value"), dict) and member in row["value"]
        }


PLAIN = st.builds(
    record, st.sampled_from(["i1", "i2"]), st.sampled_from(["a", "b"]), VALUES, st.sampled_from([{}, {"rev": 2}])
)
SHARDS = st.lists(PLAIN | GOOD | ODD, max_size=6)
ITEMS = st.sampled_from([b"", b'{"id":"i1","text":"a"}\n{"id":"i2"}\n', b'{"id":"i1","text":1}\n'])


ONE, TWO = [record("i1", name, {"label": "cat"}, {}) for name in "ab"]


@example([ONE, TWO], [ONE, b"{}"], set(), b"", b"", True)
@example([ONE, TWO], [ONE, TWO.replace(b"cat", b"cow")], set(), b"", b"", True)
@given(SHARDS, SHARDS, st.sets(st.integers(0, 5)), ITEMS, ITEMS, st.booleans())
@settings(max_examples=60)
def test_law_a_view_that_takes_over_lines_of_another_is_seen_as_if_it_were_alone(
    lines: list[bytes], others: list[bytes], kept: set[int], items: bytes, more: bytes, ended: bool
):
    others = [lines[at] if at in kept and at < len(lines) else line for at, line in enumerate(others)]
    one, two = [b"".join([line + b"\n" for line in side]) for side in (lines, others)]
    two = two if ended else two[:-1]
    first = View(PROJECT, ASKED, "00", items, one)
    checks = [check for check in registry.checks_for(PROJECT) if check.applies(PROJECT, ASKED)]
    for check in checks:
        check.look(first, PROJECT)
    beside, alone = first.other(PROJECT, ASKED, more, two), View(PROJECT, ASKED, "00", more, two)
    assert [check.look(beside, PROJECT) for check in checks] == [check.look(alone, PROJECT) for check in checks]
