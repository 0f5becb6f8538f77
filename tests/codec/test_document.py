"""Documents are read as plain trees and nothing else, with the line of what is wrong."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from labelvc.codec import canonical, document
from labelvc.errors import DataError

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(-(2.0**53) + 1, 2.0**53 - 1)
    | st.text()
)
TREES = st.dictionaries(
    st.text(min_size=1),
    st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
        max_leaves=12,
    ),
    min_size=1,
    max_size=6,
)


def refused(data: bytes) -> DataError:
    with pytest.raises(DataError) as caught:
        document.read(data, "labelvc.yaml")
    return caught.value


@given(TREES)
def test_json_is_read_as_what_it_says(tree: dict[str, object]):
    """JSON is YAML 1.2: what `canonical` writes and reads, `document` reads the same."""
    written = canonical.encode(tree).decode()
    data = "".join(
        [letter if letter.isprintable() or letter > "\uffff" else f"\\u{ord(letter):04x}" for letter in written]
    )
    assert document.read(data.encode()) == canonical.decode(data) == canonical.decode(written)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"), ("yes", "yes"), ("on", "on"), ("y", "y"), ("true", True), ("False", False), ("null", None), ("~", None), ("", None),
        ("0o17", 15), ("017", 17), ("0x1F", 31), ("1_000", "1_000"), ("12:30", "12:30"), ("2026-03-01", "2026-03-01"), ("1.0", 1), ("-0.5", -0.5),
        ("1e3", 1000), (".5", 0.5), ("+7", 7), ("1.2.3", "1.2.3"), ('"1"', "1"), ("'it''s'", "it's"), ("=", "="),
        ("a  # words", "a"), ("a#b", "a#b"),
    ],
)  # fmt: skip
def test_plain_words_follow_yaml_1_2(text: str, value: object):
    assert document.read(f"a: {text}\n".encode()) == {"a": value}


def test_keys_are_text_as_written():
    assert document.read(b"1: a\ntrue: b\n-4: c\nno: d\n1.0: e\n") == {
        "1": "a",
        "true": "b",
        "-4": "c",
        "no": "d",
        "1.0": "e",
    }


@pytest.mark.parametrize(
    ("data", "line", "word"),
    [
        (b"a: 1\nb: [1,\nc: 2\n", 2, "YAML"),
        (b"a: 1\na: 2\n", 2, "twice"),
        (b"a:\n  b: 1\n  c: 2\n  b: 3\n", 4, "'b'"),
        (b"a: {x: 1, x: 2}\n", 1, "twice"),
        (b"a: 1\nb: &x 2\n", 2, "anchor"),
        (b"a: 1\nb: *x\n", 2, "alias"),
        (b"a: !!str 1\n", 1, "tag"),
        (b"a: ! 1\n", 1, "tag"),
        (b"a: 1\n---\nb: 2\n", 2, "second document"),
        (b"%YAML 1.1\n---\na: 1\n", 2, "directive"),
        (b"%TAG ! tag:x,2000:\n---\na: 1\n", 2, "directive"),
        (b"a: 1\nb: .nan\n", 2, "finite"),
        (b"a: 1\nb: 1e400\n", 2, "too large"),
        (b"a: 9007199254740993\n", 1, "quotes"),
        (b"a: 1\nb: \xc3\x28\n", 2, "UTF-8"),
        (b"a: 1\nb: \x00\n", 2, "U+0000"),
        (b'a: "\\udc00"\n', 1, "surrogate"),
        (b'"\\udc00": 1\n', 1, "surrogate"),
        (b"? [a]\n: 1\n", 1, "key"),
        (b"&a x: 1\n", 1, "key"),
        (b"- a\n", 1, "key: value"),
        (b"words\n", 1, "key: value"),
        (b"# nothing\n", 1, "empty"),
        (b"a: " + b"[" * 40 + b"]" * 40 + b"\n", 1, "deeper"),
    ],
)
def test_what_is_refused_says_its_line(data: bytes, line: int, word: str):
    error = refused(data)
    assert error.where == f"labelvc.yaml:{line}"
    assert word in error.message
    assert "labelvc check" in error.hint


def test_size_and_bombs_cost_no_time():
    before = time.process_time()
    assert "MiB" in refused(b"a: " + b"x" * (100 << 20)).message
    assert (
        "anchor"
        in refused(
            b"a: &a [x,x]\n" + b"".join(b"%c: &%c [*%c,*%c]\n" % (c + 1, c + 1, c, c) for c in b"abcdefghijkl")
        ).message
    )
    assert "deeper" in refused(b"[" * 100_000).message
    assert "deeper" in refused(b"- " * 100_000).message
    assert "quotes" in refused(b"a: " + b"9" * 500_000).message
    assert time.process_time() - before < 10


def test_lines_of_pointers():
    read = document.read_places(b"# first\na: 1\nb:\n  - x: 1\n    y/z: 2\n  -\n    ~t: 3\n")
    assert read.value == {"a": 1, "b": [{"x": 1, "y/z": 2}, {"~t": 3}]}
    assert read.lines == {"": 1, "/a": 2, "/b": 3, "/b/0": 4, "/b/0/x": 4, "/b/0/y~1z": 5, "/b/1": 7, "/b/1/~0t": 7}


def test_a_second_reader_agrees_where_yaml_is_plain():
    text = b"a: 1\nb: [x, 'y', \"z\\n\"]\nc:\n  d: |\n    two\n    lines\n  e: >-\n    folded\n    words\n\n    end\nf: {g: null, h: -2.5}\n"
    assert document.read(text) == YAML(typ="safe", pure=True).load(text)


def test_canonical_lines():
    data = b'{"digest":"sha256:00","version":"1.0.0"}\n{"digest":"sha256:01","version":"1.1.0"}\n'
    assert [line["version"] for line in document.read_lines(data)] == ["1.0.0", "1.1.0"]
    assert document.read_lines(b"") == []


@pytest.mark.parametrize(
    ("data", "line", "word"),
    [
        (b'{"a":1}\n{"b": 2}\n', 2, "canonical"),
        (b'{"b":1,"a":2}\n', 1, "canonical"),
        (b'{"a":1,"a":2}\n', 1, "twice"),
        (b'{"a":1}', 1, "line end"),
        (b"[1]\n", 1, "object"),
        (b"{\n", 1, "JSON"),
        (b"\n", 1, "JSON"),
        (b'{"a":1}\r\n', 1, "canonical"),
    ],
)
def test_lines_that_are_refused(data: bytes, line: int, word: str):
    with pytest.raises(DataError, match=word) as caught:
        document.read_lines(data, "x.versions.jsonl")
    assert caught.value.where == f"x.versions.jsonl:{line}"


def test_the_digest_is_of_what_is_said():
    assert document.digest(document.read(b"a: 1 # words\nb: [x]\n")) == document.digest(json.loads('{"b":["x"],"a":1}'))
    assert document.digest(document.read(b"a: 1\n")) != document.digest(document.read(b'a: "1"\n'))


@pytest.mark.parametrize(
    "changes",
    [
        {("a",): 2, ("c", "d"): "x", ("l", "0"): 5},
        {("new", "x"): 1, ("new", "y"): 2},
        {("l", "-"): 4, ("l", "2"): 5},
        {("c",): {"d": 1}, ("c", "d"): 2},
        {("l", "-"): {"z": 1}, ("c", "e"): 3, ("a",): None},
    ],
)
def test_many_edits_at_once_are_the_same_as_one_after_another(changes):
    text = b"# top\na: 1  # one\nc:\n  d: 2\nl:\n  - 1\n  - 2\n"
    one_by_one = text
    for path, value in changes.items():
        one_by_one = document.edit(one_by_one, {path: value})
    assert document.edit(text, changes) == one_by_one
    assert document.read(one_by_one) == document.edited(document.read(text), changes)
