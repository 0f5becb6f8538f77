"""Canonical bytes, with the rfc8785 package and the standard library as second opinions."""

from __future__ import annotations

import json
import struct

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from labelvc.codec import canonical, quick
from labelvc.errors import DataError
from tests.strategies import json_values, records, scalars, texts


@given(json_values)
def test_bytes_equal_those_of_an_independent_implementation(value: object) -> None:
    assert canonical.encode(value) == rfc8785.dumps(value)


@given(st.binary(min_size=8, max_size=8))
def test_every_double_is_written_as_ecmascript_does(raw: bytes) -> None:
    (number,) = struct.unpack("d", raw)
    if abs(number) < 2**53:
        assert canonical.encode(number) == rfc8785.dumps(number)
        assert float(canonical.encode(number)) == number


@given(json_values)
def test_what_is_written_reads_back_the_same(value: object) -> None:
    assert canonical.encode(canonical.decode(canonical.encode(value))) == canonical.encode(value)


@given(records())
def test_item_and_id_stand_first_and_the_rest_is_sorted(record: dict[str, object]) -> None:
    names = list(json.loads(canonical.encode_record(record)))
    assert names[:2] == ["item", "id"]
    assert names[2:] == sorted(names[2:])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"a":1,"a":2}', "'a' occurs twice"),
        ('{"a":{"b":1,"\\u0062":2}}', "'b' occurs twice"),
        ("NaN", "no JSON number"),
        ("[1e999]", "2^53"),
        ("[1e22]", "2^53"),
        ('"\\ud800"', "surrogate"),
        ('{"\\udfff":1}', "surrogate"),
        ("[" * 40 + "]" * 40, "nested deeper"),
        ("[" * 100_000 + "]" * 100_000, "nested deeper"),
        ("9007199254740992", "2^53"),
        ("1" * 5000, "2^53"),
        ("{", "not JSON"),
        ("", "not JSON"),
        ('\ufeff{"a":1}', "not JSON"),
    ],
)
def test_what_programs_read_differently_is_refused(text: str, words: str) -> None:
    with pytest.raises(DataError, match=words.replace("^", r"\^")):
        canonical.decode(text)


def test_bytes_that_are_not_utf8_are_refused() -> None:
    with pytest.raises(DataError, match="not UTF-8 at byte 2"):
        canonical.decode(b'"a\xff"')


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), 2**53, 2.0**53, -1e300, "\ud800", {"\ud800": 1}, {1: 2}, {1, 2}, b"x"]
)
def test_what_json_cannot_say_is_refused(value: object) -> None:
    with pytest.raises(DataError):
        canonical.encode(value)


def test_nesting_is_limited() -> None:
    value: object = 1
    for _ in range(33):
        value = [value]
    with pytest.raises(DataError, match="nested deeper"):
        canonical.encode(value)


def test_digest_is_sha256_with_its_name() -> None:
    assert canonical.digest(b"abc") == "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


# ---------------------------------------------------------------- the quick ways say what the strict ones say
objects = st.dictionaries(texts, json_values, max_size=4)
spellings = st.recursive(
    st.one_of(scalars.map(json.dumps), st.sampled_from(["1.0", "-0", "1e2", "9007199254740993", "NaN", '"\\":"', '"\x01"', "01"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda rows: f"[{','.join(rows)}]"),
        st.lists(st.tuples(st.sampled_from(['"a"', '"b"', '"\\u0061"', '"é"', '"\\""']), st.sampled_from([":", ": ", " :", "\t: "]), inner), max_size=4).map(
            lambda rows: "{" + ",".join(["".join(row) for row in rows]) + "}"
        ),
    ),
    max_leaves=8,
)  # fmt: skip


@given(objects, st.sampled_from([(), canonical.ITEM_FIRST, canonical.RECORD_FIRST]))
@example({"\ue000": 1, "\U00010000": 2}, ())
@example({"a": '\x00\x1f\x7f\u2028"\\/\b\f'}, ())
@example({"id": {"id": 1}}, canonical.RECORD_FIRST)
@example({"item": "a", "id": "b"}, canonical.RECORD_FIRST)
def test_the_quick_writer_writes_what_the_strict_one_does(value: dict[str, object], first: tuple[str, ...]) -> None:
    assert quick.encode(value, first) in (None, canonical._write(value, first, 32).encode())
    assert canonical.encode(value, first) == canonical._write(value, first, 32).encode()


@given(spellings)
@example('{"a":1,"a":"\\":"}')
@example('{"a" :1,"a":2}')
@example('{"a":"x\\u0022:","a":2}')
@example('{"a":"\\ud800"}')
@example('{"a":[1,[2,{"b":-0}]]}')
@example("{" * 40)
@example('{"a":' * 33 + "1" + "}" * 33)
@example('{"a":' * 32 + "1" + "}" * 32)
@example('{"a":' * 31 + "[1]" + "}" * 31)
def test_the_quick_reader_reads_what_the_strict_one_does(text: str) -> None:
    read = quick.decode(text.encode())
    try:
        strict = canonical.decode(text)
    except DataError:
        assert read is None
    else:
        assert read is None or (read == strict and json.dumps(read) == json.dumps(strict))
