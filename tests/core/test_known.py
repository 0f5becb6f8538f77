"""Known people: a value is found however it is cased, accented, ordered, spaced or hidden, and a filter finds what the list finds."""

from __future__ import annotations

import re
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelvc.core import known

KEY = b"\7" * 32
PEOPLE = ("John Doe", "José García-López", "Müller, Jürgen", "O'Neil Blythe", "jo.public@firma.de", "+49 30 901820", "jdoe42", "王小明", "Anna Maria Rossi", "Josi Hope", "Роса Сева")  # fmt: skip

FOUND = {
    "John Doe wrote": "John Doe",
    "ask john   DOE.": "john   DOE",
    "Doe, John": "Doe, John",
    "John\n    Doe": "John\n    Doe",
    "mail john.doe@x.example": "john.doe",
    "john_doe and": "john_doe",
    "see JohnDoe42 or johndoe": "johndoe",
    "Ｊｏｈｎ Ｄｏｅ": "Ｊｏｈｎ Ｄｏｅ",
    "Jo\u200bhn D\u00adoe": "Jo\u200bhn D\u00adoe",
    "J\u043ehn D\u03bfe": "J\u043ehn D\u03bfe",
    "ask \u0458\u043e\u0455\u0456 \u04bb\u043e\u0440\u0435 now": "\u0458\u043e\u0455\u0456 \u04bb\u043e\u0440\u0435",
    "\u0408\u041e\u0405\u0406 \u041d\u041e\u0420\u0415": "\u0408\u041e\u0405\u0406 \u041d\u041e\u0420\u0415",
    "\u0408osi \u041dope": "\u0408osi \u041dope",
    "РОСА СЕВА пишет": "РОСА СЕВА",
    "Jo=\nhn D=6Fe": "Jo=\nhn D=6Fe",
    "John%2520Doe": "John%2520Doe",
    "Jose Garcia Lopez": "Jose Garcia Lopez",
    "JOSE\u0301 GARCI\u0301A-LO\u0301PEZ": "JOSE\u0301 GARCI\u0301A-LO\u0301PEZ",
    "Jürgen Müller": "Jürgen Müller",
    "Juergen Mueller": "Juergen Mueller",
    "Jurgen Muller": "Jurgen Muller",
    "O\u2019Neil Blythe": "O\u2019Neil Blythe",
    "ONeil Blythe": "ONeil Blythe",
    "jo.public (at) firma (dot) de": "jo.public (at) firma (dot) de",
    "JO.PUBLIC@FIRMA.DE": "JO.PUBLIC@FIRMA.DE",
    "030/901820": "030/901820",
    "0049-30-901820": "0049-30-901820",
    "+49 (0)30 901820": "49 (0)30 901820",
    "(30) 90 18 20": "30) 90 18 20",
    "is JDOE42 here": "JDOE42",
    "我是王小明。": "王小明",
    "Rossi Anna Maria": "Rossi Anna Maria",
    "John%20Doe": "John%20Doe",
    "John&nbsp;Doe": "John&nbsp;Doe",
    "<td>John</td><td>Doe</td>": "John</td><td>Doe",
    "John <b>Doe</b>": "John <b>Doe",
    "Sm9obiBEb2UgaXMgaGVyZQ==": "Sm9obiBEb2UgaXMgaGVyZQ==",
}
NONE = [
    "Johnny Doe", "John Does", "John met Jane Doe", "a doe, johnson", "Doe", "John", "jdoe421", "xjdoe42", "30 901821", "Anna Rossi",
    "John went home and later we saw a Doe", "王小", "John" + " " * 12 + "Doe",
]  # fmt: skip


def said(found: known.Known, text: str) -> list[str]:
    return [text[span.start : span.end] for span in found.spans(text)]


@pytest.mark.parametrize("make", [lambda: known.plain(PEOPLE)[0], lambda: known.keyed(PEOPLE, KEY)[0]])
@pytest.mark.parametrize("text", FOUND)
def test_what_is_found(text: str, make):
    assert said(make(), text) == [FOUND[text]]


@pytest.mark.parametrize("text", NONE)
def test_what_is_none(text: str):
    assert said(known.plain(PEOPLE)[0], text) == []


def test_what_is_too_short_is_told():
    assert known.plain(["Ng", "", "12", "Li Bo", "x" * 5])[1] == 3
    assert said(known.plain(["Michael"])[0], "Michal") == []


@given(
    st.lists(st.text(max_size=8), max_size=6),
    st.lists(st.sampled_from([*PEOPLE, *FOUND, *NONE]), max_size=4),
    st.booleans(),
)
def test_law_a_filter_written_and_read_finds_what_the_list_finds(noise: list[str], texts: list[str], joined: bool):
    people = [*PEOPLE, *noise]
    plain, left = known.plain(people)
    keyed, too = known.keyed(people, KEY)
    read = known.read(known.write(keyed), KEY)
    assert read is not None
    assert left == too
    for text in [" ".join([*texts, *noise])] if joined else [*texts, *noise]:
        assert list(read.spans(text)) == list(keyed.spans(text)) == list(plain.spans(text))


@given(
    st.text(alphabet=st.characters(categories=("Ll", "Lu")), min_size=4, max_size=9),
    st.text(max_size=5),
    st.text(max_size=5),
)
def test_law_a_listed_word_is_found_where_it_stands_free(word: str, before: str, after: str):
    found = known.plain([word])[0]
    if found.digests:
        assert word in said(found, f"{before} {word} {after}") or any(
            word in one for one in said(found, f"{before} {word} {after}")
        )


def test_a_filter_holds_no_value_and_another_key_finds_nobody():
    keyed, _ = known.keyed(PEOPLE, KEY)
    data = known.write(keyed)
    for value in PEOPLE:
        for word in re.findall(r"\w{4,}", value):
            for form in (word, word.lower(), unicodedata.normalize("NFKD", word)):
                assert form.encode() not in data
    other = known.read(data, b"\10" * 32)
    assert other is not None
    assert [text for text in FOUND if said(other, text)] == []
    assert known.read(data[:-1], KEY) is None
    assert known.read(b"1 9\n" + b"x" * 8, KEY) is None


@pytest.mark.parametrize("piece", ["john ", "john", "1 ", "é", "王", "a.", "%4a", "'", "\u0301"])
def test_a_text_made_to_be_slow_is_not(piece: str):
    found = known.keyed(PEOPLE, KEY)[0]
    before = time.process_time()
    list(found.spans(piece * (300_000 // len(piece))))
    assert time.process_time() - before < 5
