"""The quick reader of documents and the one that decides agree, place for place, on every text that the quick one takes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelvc.codec import outline
from labelvc.codec.events import MAX_STRICT, quick, strict
from labelvc.errors import DataError

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("tests/examples/**/*.yaml"), *ROOT.glob("src/**/*.yaml")])
TRAPS = [
    "yes", "no", "on", "off", "y", "n", "True", "NULL", "~", "null", "012", "0o14", "0x1F", "1_000", "1e3", "1E+3", ".5", "5.", "+7", "-0",
    ".inf", "-.INF", ".nan", "12:30:00", "190:20:30", "2026-03-01", "2001-12-14t21:59:43.10-05:00", "=", "<<", "1.2.3", "0b11", "''", '""',
    "'it''s'", "a#b", "a #b", "a:b", "a: b", "- a", "? a", "[a:b]", "[a: b]", '["a":b]', "[a: ['':b]]", '{"a":b}', "{a}", "{a, b: }", '{"a":1}', "{'a':#b}", "{? a}", "[?]", "[?:]", "[a,]",
    "|\n  a\n", "|-\n  a\n\n", ">\n  a\n  b\n\n  c\n", "|\n\n  a\n", "|2\n   a\n", "|+\n  a\n\n", ">-\n  a\n   b\n", "| # c\n  a\n",
    "a\n  b", "'a\n\n  b'", '"a\n  b"', "\ta", "a\t# c", '"\\u00e9"', '"\\/"', "\u2028", "\x85", "&a b", "*a", "!!str 1", "! 1", "@a", "%a",
    "k" * 2000, "é𐐷\u202e", "\x7f", "- # c\n  - a", "\n  -\n", "# c\n  a: 1", "---", "...",
]  # fmt: skip
LETTERS = st.sampled_from(
    [*" \n:-?#[]{},'\"|>&*!%@`ab1é.~", "\n  ", ": ", "- ", " #", "\n- ", "{a: ", "a: ", "'b'", "\t", "\\"]
)
MUTATED = st.tuples(
    st.sampled_from(DOCUMENTS), st.lists(st.tuples(st.floats(0, 1), LETTERS, st.booleans()), min_size=1, max_size=4)
)


ESCAPES = st.sampled_from(
    [*(f"\\{sign}" for sign in '0abtnvfre "/\\N_LPqx\n\t'), "\\x41", "\\u00e9", "\\U0001F600", "\\U00110000", "\\ud83d", "\\ud83d\\ude00",
     "\\u12", "\\u0000", "\\n\n  ", "\\\n\n  ", "\\N\n  ", " \\\n  "]
)  # fmt: skip
PIECES = st.sampled_from(
    ["a", "b", " ", "é😀", ": ", ":", " #", "\n  ", ",", "{", "[", "'", '"', "&a", "*a", "|", "-", "?"]
)
QUOTED = st.tuples(
    st.sampled_from(["'", '"', '"']), st.lists(st.one_of(ESCAPES, ESCAPES, PIECES), max_size=5).map("".join)
).map(lambda pair: f"{pair[0]}{pair[1]}{pair[0]}")
SCALARS = st.one_of(
    QUOTED, st.sampled_from(["a", "a b", "a:b", "x#y", "1", "&a b", "*a", "!t b", "C:\\d", "\\n", "it's", "? a", ""])
)
GAPS = st.sampled_from(["", "", " ", "\n ", " # c\n ", ' # "\\q\n  '])


def _flow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Lists and mappings in brackets and braces, with what may stand about their signs."""
    pair = st.tuples(inner, GAPS, st.just(":"), GAPS, inner).map("".join)
    members = st.lists(st.one_of(inner, pair, pair), max_size=3).map(",".join)
    shut = st.sampled_from([("[", "]"), ("{", "}")])
    return st.tuples(shut, GAPS, members, st.sampled_from(["", ","]), GAPS).map(
        lambda parts: f"{parts[0][0]}{parts[1]}{parts[2]}{parts[3]}{parts[4]}{parts[0][1]}"
    )


FLOWS = st.recursive(SCALARS, _flow, max_leaves=6)
LINES = st.one_of(
    st.tuples(SCALARS, st.sampled_from([": ", " : ", ":\n  - ", ":\n- "]), FLOWS, GAPS).map("".join),
    st.tuples(st.just("- "), FLOWS).map("".join),
    st.tuples(st.just("k: "), st.sampled_from(["|", ">-", "|+"]), st.just("\n  a\\n\n    b\n")).map("".join),
)


def decided(text: str) -> outline.Node | None:
    """Return the outline by the reader that decides; None where it refuses the text."""
    try:
        return outline._document(strict(text, ""), outline._Source(text, ""))
    except (DataError, ValueError, RecursionError):
        return None


def agree(text: str) -> bool:
    """Hold both readers against each other; tell whether the quick one took the text."""
    found = quick(text, lambda events: outline._document(events, outline._Source(text, "")))
    said = quick(text, outline._said_by)
    if found is None:
        assert said is None
        return False
    assert found == decided(text), text
    assert said == found.plain()
    return True


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_on_every_document_that_lies_here(path: Path):
    agree(path.read_bytes().decode(errors="replace"))


@pytest.mark.parametrize("trap", TRAPS)
def test_where_versions_of_yaml_part(trap: str):
    for text in (
        f"a: {trap}\nb: 1\n",
        f"a:\n  - {trap}\n  - 1\n",
        f"a: [{trap}, 1]\n",
        f"{trap}: 1\n",
        f"a: {{b: {trap}}}",
        f"\ufeff{trap}",
    ):
        agree(text)
        agree(text.replace("\n", "\r\n"))


@settings(max_examples=300, deadline=None)
@given(st.lists(LETTERS, max_size=30).map("".join))
def test_on_any_row_of_signs(text: str):
    agree(text)
    agree(f"a: 1\n{text}\n")
    agree(f"a: [b, {text}]\n")


@settings(max_examples=150, deadline=None)
@given(MUTATED)
def test_on_documents_with_a_slip_in_them(case):
    path, slips = case
    text = path.read_text(errors="replace")[:600]
    for at, sign, instead in slips:
        place = round(at * len(text))
        text = text[:place] + sign + text[place + instead :]
    agree(text)


@settings(max_examples=500, deadline=None)
@given(st.lists(LINES, min_size=1, max_size=3).map("\n".join))
def test_on_escapes_anchors_brackets_and_comments(text: str):
    agree(text)


def test_an_escape_does_not_make_a_document_slow():
    for sign, said in (("\\u00e9", "é"), ("\\/", "/"), ("\\n", "\n"), ("\\\n  ", ""), ("\\L", "\u2028")):
        text = f'a: "x{sign}y"\n'
        assert agree(text)
        assert outline.plain(text, "") == {"a": f"x{said}y"}


LONG = "a: [\n" + "  {b: c},\n" * (MAX_STRICT // 10) + "]\n"


@pytest.mark.parametrize(
    ("slip", "said", "line"),
    [
        ("# a tab\there\n", "is longer than 128 KiB: must be plain YAML, without '\\t", 1),
        ("z: {'a':1}\n", 'is longer than 128 KiB: must be plain YAML, without "\':"', 1),
        ("z: [" + "[" * 100000 + "\n", "nested deeper than 32", 1),
        ("%YAML 1.1\n---\n", "starts with a % directive", 2),
        ("z: |2\n   a\n", "is longer than 128 KiB: must be plain YAML", 0),
        ("z: 1\nz: 2\n", "the key 'z' occurs twice in one mapping", 2),
        ("z: &a 1\n", "uses an anchor (&name)", 1),
        ("z: [1\n", "not YAML: did not find expected ',' or ']'", 2),
    ],
)
def test_a_long_document_is_plain_or_refused_at_once(slip: str, said: str, line: int):
    """Whoever writes a document decides neither that it takes a minute to read nor what it says to whom."""
    assert len(LONG) > MAX_STRICT
    assert outline.plain(LONG, "x.yaml")["a"][-1] == {"b": "c"}
    with pytest.raises(DataError) as caught:
        outline.plain(slip + LONG, "x.yaml")
    assert (caught.value.message[: len(said)], caught.value.where) == (said, f"x.yaml:{line}" if line else "x.yaml")
    assert caught.value.hint == "mend x.yaml, then run: labelvc check"


def test_the_quick_reader_takes_what_people_and_commands_write():
    """Else documents of 10,000 labels would be read at the pace of the other one."""
    text = (
        "# Kinds\nschema: urn:labelvc:schema:taxonomy:1\nname: topics\nversion: 1.0.0\nlabels:\n"
        "  - {id: a-1, name: Größe # 1}\n  - {id: a-1, name: 'Größe', parent: null}   # said why\n  - id: \"1\"\n    name: it's\n"
        '    description: >-\n      Two\n      lines.\n    attributes: {colour: "#ff0000", codes: [1, 2.5, true]}\n'
    ).replace(" # 1}", "}")
    assert agree(text)


def test_without_libyaml_the_other_reader_reads_all(monkeypatch):
    monkeypatch.setattr("yaml.__with_libyaml__", False)
    assert quick("a: 1\n", outline._said_by) is None
    assert outline.plain("a: 1\n", "") == {"a": 1}
    with pytest.raises(DataError, match="is longer than 128 KiB: only PyYAML with libyaml reads it"):
        outline.plain(LONG, "")
