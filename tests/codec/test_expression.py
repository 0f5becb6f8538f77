"""Expressions of a repository: what people write is taken, and of what is taken nothing takes long."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from labelvc.codec import expression
from labelvc.errors import ConfigurationError

TAKEN = [
    "^(.*)-[0-9]+$", "^([^:]+):", "^([^:]*):", "^(p)", "(x)", r"^(doc\d+)", r"doc\d+", "^p(.)", "[0-9]", "(1|2)", "x",
    r"^(.+)_\d+_\d+$", "^([^/]+/[^/]+/[^/]+)/", "/([^/]+)/", r"^(\w+)-", "^(.{4})", "^(train|test|dev)-", "^(.*?)-",
    "^(?:img|vid)_([0-9]+)", "^([0-9]+|none)$", "^([^–]+)–", "([)])x", r"^(.*)\.[a-z]+$", r"a\\$", "^([a-z]++)", "", "^",
    "^[A-Z]{2}-[0-9]{4}$", r"^https?://.+$", r"^[^@]+@[^@]+\.[a-z]+$",
]  # fmt: skip
SLOW = [
    "a*a*b", "(.*)-(.*)x", "a?" * 25 + "a" * 25, "[a-z]+$", "([^/]+)/", "(.*)-", "^a*a*$", "^.*.*$", "^.*a[ab]*c",
    "^(a|a)(a|a)(a|a)$", "^(a|ab)$", "^(.*?)-(.*)$", "^.{0,5000}$", "^[а-я]*[ж-ю]*$", r"^\d*[^a]*$", "^(–*)(–*)x$",
]  # fmt: skip
FOREIGN = [
    "(a+)+$", "^(a+)+$", "([a-z]+)*", "(a|a)*", "^(.*?,){11}P", r"(a)\1", "(?=a)b", "(?i)a", "a|b", "((a))", "(a|)b", "()",
    "(?P<x>a)", r"\bx", r"\x41", "a$b", "a^", "[]a]",
]  # fmt: skip


@pytest.mark.parametrize("text", TAKEN)
def test_what_people_write_is_taken(text: str):
    assert expression.trouble(text) == ""
    assert expression.compiled(text) == (re.compile(text) if text else None)


@pytest.mark.parametrize("text", SLOW)
def test_what_may_take_long_is_refused_with_the_remedy(text: str):
    assert expression.trouble(text).startswith(
        "can take very long on some texts: begin it with ^, and let each repetition"
    )
    with pytest.raises(ConfigurationError) as caught:
        expression.compiled(text)
    assert caught.value.hint == "an expression such as ^(.*)-[0-9]+$ or ^([^:]*):"


@pytest.mark.parametrize("text", FOREIGN)
def test_what_cannot_be_judged_is_refused(text: str):
    assert expression.trouble(text).startswith("holds something other than characters")


@pytest.mark.parametrize("text", expression.PROPOSED)
def test_what_labelvc_proposes_itself_is_right_without_a_look(text: str):
    assert expression.trouble(text) == expression.judged(text) == ""


def test_what_is_none_is_refused():
    for text in ("(", "[", "a{2}{3}", "a{99999999999}", "[[]", "[a--b]", "[a&&b]"):
        assert expression.trouble(text).startswith("is not a regular expression: ")
    assert expression.trouble("(" * 400 + ")" * 400) == "is longer than 500 characters"
    assert expression.trouble("(" * 200 + ")" * 200)


class Atom(NamedTuple):
    """A class of characters, its letters out of `LETTERS`, and how often it stands there."""

    text: str
    letters: str
    times: str
    least: int
    most: int
    how: str

    def __str__(self) -> str:
        return self.text + self.times + self.how


LETTERS = "ab1-"
CLASSES = [
    ("a", "a"),
    ("b", "b"),
    ("-", "-"),
    ("[ab]", "ab"),
    ("[^-]", "ab1"),
    (".", LETTERS),
    ("[0-9]", "1"),
    (r"\w", "ab1"),
]
TIMES = [("", 1, 1), ("", 1, 1), ("?", 0, 1), ("*", 0, 999), ("+", 1, 999), ("{2}", 2, 2), ("{1,3}", 1, 3)]
Parts = Sequence[Sequence[Sequence[Atom]]]


@st.composite
def atoms(draw: st.DrawFn) -> Atom:
    (text, letters), (times, least, most) = draw(st.sampled_from(CLASSES)), draw(st.sampled_from(TIMES))
    return Atom(text, letters, times, least, most, draw(st.sampled_from(["", "", "?", "+"])) if times else "")


SEQUENCES = st.lists(atoms(), min_size=1, max_size=3)
PARTS = st.lists(st.one_of(atoms().map(lambda atom: [[atom]]), st.lists(SEQUENCES, min_size=1, max_size=3)), max_size=5)


def spelled(parts: Parts, *, begun: bool, ended: bool) -> str:
    inside = ["|".join(["".join(map(str, atoms)) for atoms in choices]) for choices in parts]
    whole = [
        f"({text})" if len(choices) > 1 or len(choices[0]) > 1 else text
        for choices, text in zip(parts, inside, strict=True)
    ]
    return f"{'^' * begun}{''.join(whole)}{'$' * ended}"


def steps(parts: Parts, text: str, *, begun: bool, ended: bool) -> tuple[int, bool]:
    """Match as `re` does, without its short cuts; return how many characters were looked at, and whether it matched."""
    count = 0

    def part(at: int, here: int) -> bool:
        if at == len(parts):
            return not ended or here == len(text)
        return any(atom(choice, 0, at, here) for choice in parts[at])

    def atom(choice: Sequence[Atom], index: int, at: int, here: int) -> bool:
        nonlocal count
        count += 1
        if index == len(choice):
            return part(at + 1, here)
        one, run = choice[index], 0
        while run < one.most and here + run < len(text) and text[here + run] in one.letters:
            run += 1
            count += 1
        if run < one.least:
            return False
        tried = range(run, run - 1, -1) if one.how == "+" else range(run, one.least - 1, -1)
        tried = range(one.least, run + 1) if one.how == "?" else tried
        return any(atom(choice, index + 1, at, here + length) for length in tried)

    matched = any(part(0, start) for start in range(1 if begun else len(text) + 1))
    return count, matched


@settings(max_examples=300)
@given(
    PARTS,
    st.booleans(),
    st.booleans(),
    st.text(LETTERS, max_size=2),
    st.text(LETTERS, min_size=1, max_size=3),
    st.text(LETTERS, max_size=2),
)
@example(
    [
        [[Atom(".", LETTERS, "*", 0, 999, "")]],
        [[Atom("-", "-", "", 1, 1, "")]],
        [[Atom("[0-9]", "1", "+", 1, 999, "")]],
    ],
    True,
    True,
    "",
    "-1",
    "a",
)
def test_the_time_of_what_is_taken_grows_with_the_text(
    parts: Parts, begun: bool, ended: bool, before: str, unit: str, after: str
):
    text = spelled(parts, begun=begun, ended=ended)
    assume(expression.trouble(text) == "")
    found = []
    for many in (24, 48):
        whole = before + unit * many + after
        count, matched = steps(parts, whole, begun=begun, ended=ended)
        assert matched == bool(re.search(text, whole))
        found.append(count)
    assert found[1] <= 3 * found[0], (text, before, unit, after, found)
