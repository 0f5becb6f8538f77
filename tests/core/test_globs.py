"""Globs: they fit what a simple oracle says, in time that nobody can make long."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelvc.core import globs


def fits(glob: str, text: str) -> bool:
    """Say it by a table: which beginnings of the text each beginning of the glob fits."""
    row = [True] + [False] * len(text)
    while glob:
        if glob.startswith("*"):
            wide = glob.startswith("**")
            for at, letter in enumerate(text):
                row[at + 1] |= row[at] and (wide or letter != "/")
            glob = glob[2 if wide else 1 :]
        else:
            row = [False] + [was and letter == glob[0] for was, letter in zip(row, text, strict=False)]
            glob = glob[1:]
    return row[-1]


@settings(max_examples=600)
@given(st.text("ab/*", max_size=9), st.text("ab/\n*", max_size=9))
def test_a_glob_fits_what_the_oracle_says(glob: str, text: str):
    assert globs.match(text, (glob,)) is fits(glob, text)


@settings(max_examples=300)
@given(st.lists(st.sampled_from(["a", "ab", "a/b", "/", "*", "**", "b*a"]), max_size=6), st.data())
def test_a_glob_fits_what_is_made_from_it(parts: list[str], data: st.DataObject):
    glob = "".join(parts)
    text = "".join(
        data.draw(st.text("ab/", max_size=4))
        if part == "**"
        else data.draw(st.text("ab", max_size=4))
        if part == "*"
        else part
        for part in parts
    )
    assert globs.match(text, (glob,)) is fits(glob, text)


@pytest.mark.parametrize("glob", ["**a" * 40, "*a" * 40, "**a*b" * 20, "a**" * 40 + "c", "**/*" * 30, "*" * 200 + "c"])
def test_no_glob_takes_long(glob: str):
    """With a pattern that goes back over each star these take longer than the world has."""
    started = time.process_time()
    assert not globs.match("a" * 2000 + "b", (glob,)) or glob.endswith("*")
    assert time.process_time() - started < 2
