"""Whole shards: looking at one says no record-level word just when every line is good by a slow, independent road."""

from __future__ import annotations

import random
from typing import Any

import jsonschema_rs
from hypothesis import example, given, settings
from hypothesis import strategies as st

from labelvc.codec import canonical, shard
from labelvc.core import expect
from labelvc.errors import DataError
from labelvc.ops import look
from tests.strategies import DATASET, PROJECT, records

LINES = frozenset(
    [
        "record.json",
        "record.canonical",
        "record.schema",
        "record.task",
        "label.unknown",
        "label.deprecated",
        "score.range",
        "under.unknown",
        "privacy.plaintext",
    ]
)
SCHEMAS = {
    layer: jsonschema_rs.Draft202012Validator(expect.line_schema(PROJECT, DATASET, layer), validate_formats=True)
    for layer in ("annotations", "items")
}
FIRST = {"annotations": canonical.RECORD_FIRST, "items": canonical.ITEM_FIRST}
NAME = "00"


def is_good(line: bytes, layer: str = "annotations") -> bool:
    """Judge one line by the strict parser, the canonical form and another library's reading of the schema."""
    try:
        fields = canonical.decode(line)
        return (
            isinstance(fields, dict)
            and canonical.encode(fields, FIRST[layer]) == line
            and SCHEMAS[layer].is_valid(fields)
        )
    except DataError:
        return False


def complaints(annotations: bytes, items: bytes = b"") -> set[tuple[str, int]]:
    """Return (path, line) of what is said about single lines."""
    outcome = look.look(PROJECT, DATASET, NAME, items, annotations)
    return {(finding.place.path, finding.place.line) for finding in outcome.findings if finding.rule in LINES}


PATHS = {layer: shard.path("pets", layer, NAME) for layer in ("annotations", "items")}
rows = st.lists(records(), min_size=1, max_size=5).map(lambda found: [canonical.encode_record(row) for row in found])


def bad_lines(data: bytes, layer: str = "annotations") -> set[tuple[str, int]]:
    """Return the places of bad lines; conflict markers are the shard's to tell."""
    markers = (b"<<<<<<< ", b"||||||| ", b"=======", b">>>>>>> ")
    return {
        (PATHS[layer], number)
        for number, line in enumerate(shard.lines(data), 1)
        if not is_good(line, layer) and not line.startswith(markers)
    }


@given(rows)
def test_a_shard_of_good_lines_has_no_record_level_finding(lines: list[bytes]) -> None:
    data = shard.write(lines)
    assert bad_lines(data) == set()
    assert complaints(data) == set()


@settings(max_examples=80)
@given(rows, st.randoms(use_true_random=False))
def test_a_mutated_shard_is_found_line_by_line(lines: list[bytes], chance: random.Random) -> None:
    data = bytearray(shard.write(lines))
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(data))
        data[at : at + chance.randint(0, 2)] = bytes(
            chance.choices(b'0123456789-.eE",:{}[]\\ #\x00\x1f\n\x80u', k=chance.randint(0, 2))
        )
    assert complaints(bytes(data)) == bad_lines(bytes(data))


@given(
    rows,
    st.sampled_from(["rev", "task", "value", "by", "at", "under", "x", "item"]),
    st.sampled_from([None, 0, -1, 1.5, "", "x", [], {}, True, "2026-13-01T00:00:00Z"]),
)
@example(
    [canonical.encode_record({"item": "a", "id": "1", "rev": 1, "task": "kind", "value": {"label": "cat"}})],
    "x",
    "someone@example.org",
)
def test_a_wrong_member_is_found(lines: list[bytes], name: str, value: Any) -> None:
    row = {**canonical.decode(lines[0]), name: value}
    data = shard.write([canonical.encode_record(row), *lines[1:]])
    assert complaints(data) == bad_lines(data)


items = st.fixed_dictionaries(
    {"id": st.text(min_size=1, max_size=4), "x": st.just(0)},
    optional={"text": st.text(max_size=4), "ext": st.dictionaries(st.text(max_size=2), st.integers(), max_size=2)},
)


@given(st.lists(items, min_size=1, max_size=4), st.booleans(), st.randoms(use_true_random=False))
def test_items_are_found_line_by_line_too(found: list[dict], mutate: bool, chance: random.Random) -> None:
    keep = chance.random() < 0.5
    lines = []
    for item in found:
        try:
            lines.append(
                canonical.encode_item({name: value for name, value in item.items() if name != "x" or not keep})
            )
        except DataError:
            continue
    data = bytearray(shard.write(lines))
    if mutate and data:
        data[chance.randrange(len(data))] = chance.choice(b'09",:{}[]\\ \n')
    assert complaints(b"", bytes(data)) == bad_lines(bytes(data), "items")


@given(st.binary(max_size=60), st.binary(max_size=60))
@example(b"\n\n", b"\n")
@example(b"\xff\n", b'{"id":"a"}')
@example(b'{"item":"a","id":"1"', b'{"id":"a"}\n{"id":"a"}\n')
@example(b'["item"]\n', b"[]\n")
@example(b'{"item":1,"id":2,"gone":true,"rev":1}\n', b'{"id":{}}\n')
def test_any_bytes_are_looked_at_without_falling_over(annotations: bytes, items: bytes) -> None:
    assert complaints(annotations, items) == bad_lines(annotations) | bad_lines(items, "items")
