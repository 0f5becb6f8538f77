"""The accept path never accepts what jsonschema-rs or the canonical form refuses, and accepts what it was made for."""

from __future__ import annotations

import functools
import json
import random
import re
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from labelvc.codec import accept, canonical
from labelvc.core import expect
from labelvc.errors import DataError
from tests.strategies import DATASET, PROJECT, TOKEN, json_values, records, values

SCHEMA = expect.line_schema(PROJECT, DATASET, "annotations")
ACCEPTOR = accept.compile_schema(SCHEMA, canonical.RECORD_FIRST, ("item", "id", "by"))
REFEREE = jsonschema_rs.Draft202012Validator(SCHEMA, validate_formats=True)


def good(line: bytes) -> bool:
    """Decide by the slow and independent road: strict parser, canonical form, schema library."""
    try:
        value = canonical.decode(line)
        return isinstance(value, dict) and canonical.encode_record(value) == line and REFEREE.is_valid(value)
    except DataError:
        return False


@given(records())
def test_valid_records_are_accepted_unless_they_need_the_slow_path(record: dict[str, Any]) -> None:
    line = canonical.encode_record(record).decode()
    assert good(line.encode())
    if "e" not in re.sub(r'"(?:[^"\\]|\\.)*"', "", line).replace("true", ""):
        digits = max(map(len, re.findall(r"-?[0-9.]+", re.sub(r'"(?:[^"\\]|\\.)*"', "", line))), default=0)
        if digits < 12:
            assert ACCEPTOR.accepts(line), line


@settings(max_examples=400)
@given(
    records(),
    st.sampled_from(sorted({"item", "id", "rev", "task", "under", "value", "by", "at", "gone", "x"})),
    json_values,
)
@example(
    {"item": "a", "id": "b", "rev": 1, "task": "mood", "under": "mood@1.0.0", "value": {"score": 1}},
    "value",
    {"score": 1.5},
)
@example({"item": "a", "id": "b", "rev": 1, "task": "share", "value": {"score": 1}}, "value", {"score": 1.0000001})
@example({"item": "a", "id": "b", "rev": 1, "task": "share", "value": {"score": 1}}, "value", {"score": 1e-7})
def test_whatever_is_accepted_is_valid(record: dict[str, Any], name: str, value: Any) -> None:
    try:
        line = canonical.encode_record({**record, name: value})
    except DataError:
        return
    if ACCEPTOR.accepts(line.decode()):
        assert good(line), line


@settings(max_examples=400)
@given(records(), st.randoms(use_true_random=False))
def test_no_mutation_of_bytes_slips_through(record: dict[str, Any], chance: random.Random) -> None:
    line = bytearray(canonical.encode_record(record))
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(line))
        choice = chance.randrange(4)
        if choice == 0:
            line[at] = chance.choice(b'0123456789-.eE",:{}[]\\ #\x00\x1f\x7fu')
        elif choice == 1:
            del line[at]
        elif choice == 2:
            line.insert(at, chance.choice(b'0 .-"\\e+'))
        else:
            to = chance.randrange(len(line))
            line[at], line[to] = line[to], line[at]
        if not line:
            return
    try:
        text = bytes(line).decode()
    except UnicodeDecodeError:
        return
    if ACCEPTOR.accepts(text):
        assert good(bytes(line)), text


@pytest.mark.parametrize(
    "score", ["-5", "5", "1.0", "01", "-0", "1e0", "+1", "10", '"1"', "1.5", "null", "true", "4.0000000000000001"]
)
def test_scores_outside_the_scale_are_not_accepted(score: str) -> None:
    line = f'{{"item":"a","id":"b","rev":1,"task":"mood","under":"mood@1.0.0","value":{{"score":{score}}}}}'
    assert not ACCEPTOR.accepts(line)


@pytest.mark.parametrize("score", ["0", "1", "0.5", "0.123456789012", "0.000001"])
def test_fractions_within_bounds_are_accepted(score: str) -> None:
    line = f'{{"item":"a","id":"b","rev":1,"task":"share","value":{{"score":{score}}}}}'
    assert ACCEPTOR.accepts(line)
    assert good(line.encode())


@pytest.mark.parametrize("score", ["1.1", "-0.1", "0.0000001", "0.50", "1.0", "2", "-0", ".5", "0.12345678901234567"])
def test_other_fractions_are_not(score: str) -> None:
    assert not ACCEPTOR.accepts(f'{{"item":"a","id":"b","rev":1,"task":"share","value":{{"score":{score}}}}}')


@pytest.mark.parametrize(
    ("at", "accepted"),
    [("2026-03-01T09:12:44Z", True), ("2026-02-29T09:12:44Z", False), ("2026-13-01T00:00:00Z", False), ("2026-03-01T09:12:44+01:00", False),
     ("2026-04-31T00:00:00Z", False), ("2026-03-01T24:00:00Z", False), ("2026-03-01", False)],
)  # fmt: skip
def test_times_are_utc(at: str, accepted: bool) -> None:
    line = f'{{"item":"a","id":"b","at":"{at}","rev":1,"task":"note","value":{{"text":""}}}}'
    assert bool(ACCEPTOR.accepts(line)) == accepted


@given(st.lists(records(), max_size=5), st.randoms(use_true_random=False))
def test_one_pass_proves_a_shard_and_reads_its_heads(found: list[dict[str, Any]], chance: random.Random) -> None:
    lines = [canonical.encode_record(record).decode() for record in found]
    if lines and chance.random() < 0.5:
        at = chance.randrange(len(lines))
        lines[at] = chance.choice([lines[at] + lines[at], lines[at][:-1], "x" + lines[at], lines[at] + " ", "", "\n"])
    text = "".join(f"{line}\n" for line in lines)
    heads = ACCEPTOR.read(text, text.count("\n"))
    if heads is None:
        return
    kept = text.split("\n")[:-1]
    assert len(heads) == len(kept)
    for head, line in zip(heads, kept, strict=True):
        record = json.loads(line)
        assert head == (record["item"], record["id"], record.get("by", ""))
        assert good(line.encode()) or not ACCEPTOR.ordered(line)


def test_lines_without_escapes_take_the_quick_way() -> None:
    line = f'{{"item":"a","id":"b","by":"{TOKEN}","rev":1,"task":"kind","value":{{"label":"cat"}}}}\n'
    assert ACCEPTOR.read(line * 2, 2) == [("a", "b", TOKEN)] * 2
    assert ACCEPTOR.read(line + line[:-1], 2) is None
    assert ACCEPTOR.read(line + "x" + line, 2) is None
    assert ACCEPTOR.read(line.replace('"a"', '"a\\t"'), 1) is None


def test_a_shard_is_accepted_as_a_whole_or_not_at_all() -> None:
    line = '{"item":"a","id":"b","rev":1,"task":"note","value":{"text":"x"}}\n'
    assert ACCEPTOR.accepts_all(line * 3)
    assert ACCEPTOR.accepts_all("")
    assert not ACCEPTOR.accepts_all(line * 3 + line.replace('"x"', "7"))
    assert not ACCEPTOR.accepts_all(line.rstrip("\n"))


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"a": {}}, "additionalProperties": True},
        {"type": "object", "properties": {"a": {"type": "integer", "multipleOf": 3}}, "required": ["a"], "additionalProperties": False},
        {"type": "object", "properties": {"a": {"type": "array"}}, "required": ["a"], "additionalProperties": False},
        {"type": "object", "properties": {"a": {"type": "array", "items": {}, "uniqueItems": True}}, "required": ["a"], "additionalProperties": False},
        {"type": "object", "properties": {"a": {"type": "string", "pattern": "^.*$"}}, "required": ["a"], "additionalProperties": False},
        {"type": "object", "properties": {"a": {"not": {}}}, "required": ["a"], "additionalProperties": False},
        {"type": "object", "properties": {}, "additionalProperties": False, "if": {}},
    ],
)  # fmt: skip
def test_keywords_that_are_no_regular_language_are_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(accept.Unsupported):
        accept.compile_schema(schema, ())


@pytest.mark.parametrize(
    ("ext", "accepted"),
    [('{"a":1,"b":2}', True), ('{"b":1,"a":2}', False), ('{"a":1,"a":1}', False), ('{"item":1,"id":2}', False), ('{"a":{"c":1,"b":2}}', False),
     ('{"item":1,"id":2,"a":3}', False), ('{"a":[{"b":1}]}', False), ('{"😀":1,"\uffee":2}', True), ('{"\uffee":1,"😀":2}', False)],
)  # fmt: skip
def test_open_objects_are_sorted_too(ext: str, accepted: bool) -> None:
    line = f'{{"item":"a","id":"b","ext":{ext},"rev":1,"task":"note","value":{{"text":"x"}}}}'
    assert ACCEPTOR.accepts(line) == accepted
    assert good(line.encode()) == accepted or ext == '{"a":[{"b":1}]}'


@given(st.sampled_from(sorted(values)).flatmap(lambda task: values[task].map(lambda value: (task, value))))
def test_every_value_shape_satisfies_its_own_schema(pair: tuple[str, Any]) -> None:
    task, value = pair
    schema = expect.value_schema(PROJECT.tasks[task], expect.labels_of(PROJECT, PROJECT.tasks[task]))
    assert jsonschema_rs.is_valid(schema, json.loads(json.dumps(value)))


# ---------------------------------------------------------------- names, labels, paths
ODD = st.text(st.sampled_from('ab/.#"\\ \t\n\x00\x1f\x7f\x85\xa0\u2028\u3000\ufeffé😀'), max_size=6)
KINDS = {"item": expect.ITEM, "id": expect.IDENTIFIER, "label": expect.LABEL, "path": expect.PATH}


@settings(max_examples=500)
@given(st.sampled_from(sorted(KINDS)), ODD)
@example("path", "../a")
@example("path", "a/..")
@example("path", "a/../b")
@example("path", "/a")
@example("path", "a..b/.c")
@example("label", " a")
@example("label", "a\xa0")
def test_a_text_is_accepted_only_if_its_schema_says_so(kind: str, text: str) -> None:
    rules = {"type": "object", "properties": {"x": KINDS[kind]}, "required": ["x"], "additionalProperties": False}
    accepted = accept.compile_schema(rules, ()).accepts(canonical.encode({"x": text}).decode())
    valid = jsonschema_rs.Draft202012Validator(rules).is_valid({"x": text})
    assert valid or not accepted
    if valid and kind in ("item", "id"):
        assert accepted
    if valid and text.isascii() and text.isprintable() and not set(text) & set('"\\'):
        assert accepted


@pytest.mark.parametrize(("kind", "most"), [("item", 512), ("id", 256), ("label", 128)])
@pytest.mark.parametrize("letter", ["a", "é", '"'])
def test_the_longest_name(kind: str, most: int, letter: str) -> None:
    rules = {"type": "object", "properties": {"x": KINDS[kind]}, "required": ["x"], "additionalProperties": False}
    acceptor = accept.compile_schema(rules, (), ("x",) if kind != "label" else ())
    fits, exceeds = (canonical.encode({"x": letter * length}).decode() for length in (most, most + 1))
    assert acceptor.accepts(fits) == (letter != '"' or kind != "label")
    assert not acceptor.accepts(exceeds)
    if kind != "label" and letter != '"':
        assert acceptor.read(f"{fits}\n", 1) == [letter * most]
        assert acceptor.read(f"{exceeds}\n", 1) is None


def test_an_open_object_stands_only_where_its_order_is_looked_at() -> None:
    inner = {"type": "array", "items": {"type": "object"}}
    properties = {"id": {"type": "string"}, "a": inner, "b": {"type": "object"}}
    rules = {"type": "object", "additionalProperties": False, "properties": properties, "required": ["id"]}
    acceptor = accept.compile_schema(rules, ("id",))
    assert acceptor.accepts('{"id":"x"}')
    assert acceptor.accepts('{"id":"x","b":{"x":1,"y":2}}')
    assert not acceptor.accepts('{"id":"x","b":{"y":1,"x":2}}')
    assert not acceptor.accepts('{"id":"x","a":[{"y":1,"x":2}]}')


def test_a_schema_that_demands_an_open_object_has_no_heads() -> None:
    rules = {
        "type": "object",
        "additionalProperties": False,
        "properties": {"b": {"type": "object"}},
        "required": ["b"],
    }
    acceptor = accept.compile_schema(rules, ())
    assert acceptor.read('{"b":{}}\n', 1) is None
    assert acceptor.accepts_all('{"b":{}}\n')


@pytest.mark.parametrize(
    "rules",
    [
        {"type": "string", "pattern": "^(a+)+$"},
        {"type": "string", "pattern": "^(a|a)*$"},
        {"type": "string", "maxLength": 10**12},
        {"type": "string", "maxLength": 5.0},
        {"type": "array", "minItems": 10**12, "items": {"type": "string"}},
        {
            "type": "object",
            "additionalProperties": False,
            "properties": {f"m{n}": {"type": "string"} for n in range(2000)},
        },
        functools.reduce(lambda inner, _: {"type": "array", "items": inner}, range(28), {"type": "string"}),
    ],
)
def test_a_field_that_a_pattern_cannot_hold_takes_the_slow_path(rules: Any) -> None:
    """Fields are declared in the repository that is judged: neither their patterns nor their size may stop a check."""
    schema = {"type": "object", "additionalProperties": False, "properties": {"id": {"type": "string"}, "x": rules}}
    found = accept.compile_schema({**schema, "required": ["id"]}, ("id",))
    assert '"x"' not in found.line
    assert found.accepts('{"id":"a"}')
    assert not found.accepts('{"id":"a","x":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"}')
