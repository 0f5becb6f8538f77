"""An edit changes what it should and leaves every other character alone."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from labelvc.codec import document
from labelvc.errors import DataError

TEXT = b"""# The head.
schema: x # said why

a: 1   # one
b:
  # before the list
  - x: "quoted" # here
    y: |
      two
      lines

  # between
  - {x: 'flow', y: [1, 2]} # there
c:
d: {e: [1, 2], f: {}}
# before the last
last: words   # end
# The foot.
"""
NAMES = st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.text(max_size=20) | st.sampled_from(["no", "1", "a: b", "- a", "# c", "{", "*x", "&x", " a", "a\n", "null", "~"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


def comments(data: bytes) -> list[str]:
    return re.findall(r"#.*", data.decode())


def test_only_the_touched_line_differs():
    edited = document.edit(TEXT, {("a",): 2})
    assert edited == TEXT.replace(b"a: 1 ", b"a: 2 ")


def test_several_at_once():
    edited = document.edit(
        TEXT,
        {
            ("b", "0", "x"): "new: text",
            ("b", "1", "y", "-"): 3,
            ("c", "deep", "er"): [1],
            ("d", "f", "g"): None,
            ("z",): {"k": "v"},
        },
    )
    assert edited.decode() == (
        TEXT.decode()
        .replace('"quoted"', '"new: text"')
        .replace("[1, 2]} # there", "[1, 2, 3]} # there")
        .replace("c:\n", "c:\n  deep:\n    er:\n      - 1\n")
        .replace("f: {}", "f: {g: null}")
        .replace("end\n", "end\nz:\n  k: v\n")
    )


def test_a_block_becomes_a_word_and_back():
    once = document.edit(TEXT, {("b",): "gone"})
    assert document.read(once)["b"] == "gone"
    assert document.read(document.edit(once, {("b",): [{"x": 1}]}))["b"] == [{"x": 1}]


def test_members_are_appended():
    data = b"labels:\n- id: a # first\n  name: A\n\n# the end\n"
    edited = document.extend(data, ("labels",), [{"id": "b", "name": "B"}, {"id": "1", "name": "yes: no"}])
    assert (
        edited
        == b'labels:\n- id: a # first\n  name: A\n- id: b\n  name: B\n- id: "1"\n  name: "yes: no"\n\n# the end\n'
    )
    assert document.extend(data, ("labels",), []) == data


@pytest.mark.parametrize("empty", [b"labels: []\n", b"labels:\n", b"labels: # none yet\n", b"labels: []"])
def test_members_of_an_empty_list(empty: bytes):
    edited = document.extend(empty, ("labels",), [{"id": "a"}, {"id": "b"}])
    assert document.read(edited) == {"labels": [{"id": "a"}, {"id": "b"}]}
    assert comments(edited) == comments(empty)


def test_members_of_a_list_that_is_not_there_yet():
    edited = document.edit(b"labels:\n", {}, {("labels",): [{"id": "a"}, {"id": "b"}], ("lineage",): [1, 2]})
    assert edited == b"labels:\n  - id: a\n  - id: b\nlineage:\n  - 1\n  - 2\n"


def test_line_ends_of_windows_stay():
    edited = document.edit(b"a: 1\r\nb:\r\n  - x\r\n", {("c",): {"d": 1}, ("b", "-"): "y"})
    assert edited == b"a: 1\r\nb:\r\n  - x\r\n  - y\r\nc:\r\n  d: 1\r\n"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((), 1),
        (("a", "b"), 1),
        (("b", "7"), 1),
        (("b", "x"), 1),
        (("a",), float("nan")),
        (("a",), {1: 2}),
        (("a",), b"x"),
        (("a",), "\ud800"),
    ],
)
def test_what_cannot_be_set(path: tuple[str, ...], value: object):
    with pytest.raises(DataError):
        document.edit(TEXT, {path: value})


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(
        [
            ("a",),
            ("b", "0"),
            ("b", "0", "x"),
            ("b", "0", "new"),
            ("b", "1", "y"),
            ("b", "1", "new"),
            ("b", "-"),
            ("c",),
            ("c", "n"),
            ("d", "e", "-"),
            ("d", "f", "n"),
            ("last",),
            ("n", "m"),
        ]
    ),
    VALUES,
)
def test_what_is_set_is_read_and_comments_stay(path: tuple[str, ...], value: object):
    """Read after edit gives the value; comments outside of the replaced value survive; two readers agree on the rest."""
    edited = document.edit(TEXT, {path: value})
    found = document.read(edited)
    for name in path:
        found = found[-1] if name == "-" else found[int(name)] if isinstance(found, list) else found[name]
    assert found == value
    replaced = {("b", "0"): "# here"}.get(path)
    assert [comment for comment in comments(TEXT) if comment != replaced and comment not in edited.decode()] == []
    assert YAML(typ="rt").load(edited.decode())["schema"] == "x"
    before, after = TEXT.splitlines(), edited.splitlines()
    assert len([line for line in before if line in after]) >= len(before) - 6


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(NAMES, VALUES, min_size=1, max_size=4))
def test_a_document_built_by_edits_alone(members: dict[str, object]):
    data = b"start: 1\n"
    for name, value in members.items():
        data = document.edit(data, {(name,): value})
    assert document.read(data) == {"start": 1} | members
