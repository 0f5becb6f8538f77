"""A word of a command that is printed is read back by a shell as that word."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelvc.model import shell


@settings(max_examples=60)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12))
def test_a_shell_reads_the_word_back(text: str):
    words = ["sh", "-c", f"printf %s {shell.word(text)}"]
    assert subprocess.run(words, capture_output=True, check=True).stdout.decode() == text


@pytest.mark.parametrize("text", ["main...topic", "main~2..HEAD^", "a/b-c_d@1.2", "feature/ratings...HEAD"])
def test_what_means_nothing_to_a_shell_stays_as_it_is(text: str):
    assert shell.word(text) == text


@pytest.mark.parametrize("text", ["x;touch${IFS}pwned;true", "a b", "$(id)", "`id`", "~root", "a'b", "*", "ü", ""])
def test_all_else_is_quoted(text: str):
    assert shell.word(text).startswith(("'", '"'))
