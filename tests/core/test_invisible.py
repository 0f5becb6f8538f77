"""Marks that nobody sees are found wherever they stand, and no script that needs a joiner is told off."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelvc.core import invisible, labels

HIDDEN = "\x07\x1b\x7f\x85\u00ad\u061c\u180e\u200b\u200e\u200f\u2028\u202a\u202e\u2060\u2066\u2069\ufeff\U000e0041"
PLAIN = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]))


@given(PLAIN, st.sampled_from(HIDDEN), PLAIN)
def test_a_mark_is_found_and_spelt_out(before, hidden, after):
    assert invisible.mark(before + after) == invisible.mark(before + after, prose=True) == ""
    for prose in (False, True):
        said = invisible.mark(before + hidden + after, prose=prose)
        assert said.startswith(f"holds U+{ord(hidden):04X} (")
        assert hidden not in said
        assert f"\\u{ord(hidden):04x}" in said


def test_lines_and_tabs_are_part_of_prose_alone():
    assert invisible.mark("one\n\ttwo", prose=True) == ""
    assert invisible.mark("one\ntwo") == r"holds U+000A (a control character), which nobody sees: 'one\u000atwo'"


@pytest.mark.parametrize(
    "text",
    ["\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0915\u094d\u200d\u0937", "\U0001f469\u200d\U0001f52c"],
)
def test_joiners_belong_to_scripts_and_pictures_that_need_them(text):
    assert invisible.mark(text) == ""
    assert invisible.mark("cat\u200ddog").startswith("holds U+200D (zero width joiner)")
    assert invisible.mark(f"{text[:-1]}\u200c") != ""


def test_every_text_of_a_document_is_looked_at():
    value = {"a": ["x", {"b~/c": "y\u202e"}], "d\u200b": 1, "e": "fine\n"}
    assert [at for at, _ in invisible.marks(value)] == ["/a/1/b~0~1c", "/d\u200b"]


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("../x", "the id '../x' leads out of a folder where labels name files"),
        ("a/../../x", "the id 'a/../../x' leads out of a folder where labels name files"),
        ("..\\x", "the id '..\\\\x' leads out of a folder where labels name files"),
        ("x\u202ey", "holds U+202E (right-to-left override), which nobody sees: 'x\\u202ey'"),
        ("x\x85y", "holds U+0085 (a control character), which nobody sees: 'x\\u0085y'"),
        ("..", "the id '..' leads out of a folder where labels name files"),
        (".", ""),
        ("a..b/c", ""),
        ("acl:relcl", ""),
        ("Sp\u00e4ti", ""),
    ],
)
def test_an_id_is_what_it_looks_like_and_stays_where_it_is(label, said):
    value = {"version": "1.0.0", "labels": [{"id": label, "name": "Name"}]}
    assert list(labels.troubles(value)) == ([("/labels/0/id", said)] if said else [])


def test_whatever_has_a_mark_does_not_print_as_a_whole():
    """What prints is let by without looking for marks: no letter of Unicode that the marks name may print."""
    every = "".join(map(chr, range(0x110000)))
    for pattern in (invisible._IN_NAMES, invisible._IN_PROSE):
        found = set(re.findall(pattern, every)) | set(re.findall(pattern, "a\u200cb\u200d"))
        assert {"\u200b", "\u202e", "\ufeff", "\U000e0001", "\u200d"} <= found
        assert not [hex(ord(letter)) for letter in found if letter.isprintable()]
    assert not re.findall(invisible._IN_PROSE, "\n\t")
