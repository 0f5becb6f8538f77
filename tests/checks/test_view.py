"""A shard as checks see it: columns and lines that are decoded together say what each line says by itself."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

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
