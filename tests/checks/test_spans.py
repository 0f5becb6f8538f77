"""Where a character ends: what Unicode's own examples say, and never a cut that another program would make too."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelvc.checks import spans

WHOLE = (
    "e\u0301", "\r\n", "\U0001f44d\U0001f3fd", "\U0001f1e9\U0001f1ea", "\u2764\ufe0f", "\u0928\u093f", "\U0001f469\u200d\U0001f4bb",
    "\U0001f3f4\U000e0067\U000e0062\U000e007f", "z\u0351\u036b\u0343",
)  # fmt: skip
ODD = [
    *"a 1\r\n\u0301\u0300\u200d\ufe0f\u093f\u0928\u4e2d\u3042",
    "\U0001f469",
    "\U0001f1e9",
    "\U0001f1ea",
    "\U0001f3fd",
    "\U0001f4bb",
    "\u2764",
]


@pytest.mark.parametrize("character", WHOLE, ids=ascii)
def test_one_character_of_several_code_points_is_never_cut(character: str):
    text = f"a{character}b"
    inside = [spans.inside_character(text, at) for at in range(len(text) + 1)]
    assert inside == [False, False, *[True] * (len(character) - 1), False, False]


@pytest.mark.parametrize(
    "text", ["ab", "\n\r", "\U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7", "\u4e2d\u6587", " \u0301", "a\u200db"]
)
def test_two_characters_may_be_cut(text: str):
    assert not spans.inside_character(text, 2 if len(text) > 2 else 1)


@given(st.lists(st.sampled_from(ODD), max_size=8).map("".join))
def test_what_is_called_inside_is_inside_for_another_program(text: str):
    other = pytest.importorskip("wcwidth")
    if not hasattr(other, "iter_graphemes"):
        pytest.skip("this wcwidth does not know characters")
    ends, at = {0}, 0
    for character in other.iter_graphemes(text):
        at += len(character)
        ends.add(at)
    assert [at for at in range(len(text) + 1) if spans.inside_character(text, at) and at in ends] == []


@given(st.text(max_size=12), st.integers(-3, 15))
def test_any_text_has_an_answer_and_its_ends_are_inside_of_nothing(text: str, at: int):
    answers = spans.inside_character(text, at), spans.inside_word(text, at)
    assert answers == (False, False) or 0 < at < len(text)
