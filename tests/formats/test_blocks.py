"""Blocks: a file taken apart many lines at a time holds what it holds line by line, and is refused where it is refused."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from labelvc.codec import canonical
from labelvc.errors import DataError
from labelvc.formats import block, csv_rows
from labelvc.formats.csv_rows import Sheet
from labelvc.formats.jsonl_shape import Shapes
from tests.strategies import json_values, scalars, texts

Told = tuple[list[Any], tuple[str, str, str] | None]


def told(found: Iterator[Any]) -> Told:
    """Return what comes, and the error that ends it."""
    rows = []
    try:
        rows.extend(found)
    except DataError as error:
        return rows, (error.message, error.where, error.hint)
    return rows, None


# ---------------------------------------------------------------- CSV
pieces = st.sampled_from(
    ["a", "é😀", ",", ",", "\t", '"', '""', '"a,b"', "\n", "\n", "\r\n", "\r", " ", "\x00"[:0], "\x7f", "\\"]
)


def cells(sheet: Sheet) -> Iterator[tuple[int, list[str]]]:
    for numbers, columns, plain in csv_rows.cells(sheet):
        for number, row in zip(numbers, zip(*columns, strict=True), strict=True):
            marked = [char for cell in row for char in cell.decode() if char < " " or char in '"\\\x7f']
            assert not (plain and marked)
            yield number, [cell.decode() for cell in row]


@given(
    st.lists(pieces, max_size=24).map("".join),
    st.integers(1, 4),
    st.sampled_from([(",", True), ("\t", True), ("\t", False)]),
    st.booleans(),
    st.sampled_from([1, 2, 3, 7, 64]),
    st.booleans(),
)
@example('a,b\n"x\ny",1\nz,2\n', 2, (",", True), False, 7, False)
@example('a,b\nx,"1\n', 2, (",", True), True, 3, False)
@example("a\n\nb\n", 1, (",", True), True, 64, False)
@example("a,b\r\nc,d\r\n\r\n", 2, (",", True), True, 3, True)
@example("a,b\rc,d\re,f", 2, (",", True), False, 3, False)
@example("a,b\nc\n,d\n", 2, (",", True), True, 64, False)
def test_cells_of_many_rows_are_those_of_one_row_after_another(
    tmp_path_factory: pytest.TempPathFactory,
    text: str,
    width: int,
    spelling: tuple[str, bool],
    headless: bool,
    chunk: int,
    marked: bool,
):
    path = tmp_path_factory.getbasetemp() / "blocks.csv"
    path.write_bytes(codecs.BOM_UTF8 * marked + text.encode())
    sheet = Sheet(path, *spelling, tuple("abcd"[:width]), headless)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(block, "CHUNK", chunk)
        found = told(cells(sheet))
    assert found == told(csv_rows.body(sheet))


def test_a_regular_file_is_cut_and_never_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "a.csv"
    path.write_text("item,value\r\n" + "".join(f"x{at},{at}\r\n" for at in range(100_000)))
    monkeypatch.setattr(csv_rows, "_read", lambda *_: pytest.fail("read"))
    sheet = Sheet(path, ",", True, ("item", "value"), headless=False)
    assert sum(len(found.numbers) for found in csv_rows.cells(sheet)) == 100_000


# ---------------------------------------------------------------- JSON lines
names = st.sampled_from(["a", "b", 'q"', "é", "a b"])


@st.composite
def lines(draw: st.DrawFn) -> list[str]:
    """Return lines as programs spell them, most of one shape."""
    shape = draw(st.lists(names, min_size=1, max_size=3, unique=True))
    found = []
    for _ in range(draw(st.integers(1, 6))):
        value = draw(st.sampled_from([texts, texts, scalars, json_values]))
        here = draw(st.sampled_from([shape, shape, shape, shape[:1]]))
        row = {name: draw(value) for name in here}
        spaced, plain = draw(st.booleans()), draw(st.booleans())
        found.append(json.dumps(row, separators=None if spaced else (",", ":"), ensure_ascii=plain))
    odd = ["", '{"a":1,"a":2}', '{"a": "x\ty"}', "[1]", '{"a": 01}', '{"a":"x"} ', '{"a": 1e400}', '{"a":"\\ud800"}']
    return draw(st.permutations([*found, *draw(st.lists(st.sampled_from(odd), max_size=1))]))


@given(lines(), st.sampled_from(["\n", "\r\n"]), st.booleans())
@example(['{"a": "x', 'y"}', '{"a": "z"}'], "\n", True)
@example(['{"a": "z"}', '{"a": "x', 'y"}'], "\n", True)
@example(['{"a": "x"}', "", '{"a": "y"}'], "\n", False)
@example(['{"a":"x\x7f"}', '{"a":"y\\n"}', '{"a":null}'], "\n", False)
def test_lines_taken_apart_say_what_they_say_one_by_one(found: list[str], end: str, last: bool):
    data = (end.join(found) + end * last).encode()
    rows: dict[int, dict[str, Any]] = {}
    for numbers, members, plain in Shapes().apart(data, 5):
        for row, number in enumerate(numbers):
            assert number not in rows
            rows[number] = {}
            for name, (said, in_json) in members.items():
                value = canonical.decode(said[row]) if in_json else said[row].decode()
                assert canonical.encode(value) == said[row] if in_json else isinstance(value, str)
                assert not plain or not any(char < " " or char in '"\\\x7f' for char in value)
                rows[number][name] = value
    if rows:
        strict = {at: canonical.decode(line.encode()) for at, line in enumerate(found, 5) if line.strip()}
        assert rows == strict
        assert [*map(list, rows.values())] == [*map(list, (strict[at] for at in rows))]
        assert json.dumps(rows) == json.dumps({at: strict[at] for at in rows})


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("separators", [None, (",", ":")])
def test_ordinary_lines_are_taken_apart(ascii_only: bool, separators: Any):
    rows: list[dict[str, Any]] = [{"id": f"é{at}", "text": 'say "x"\n' * (at % 7 == 0), "n": at} for at in range(50)]
    rows += [{"id": "x", "text": None, "n": 0.5}, {"id": "x", "n": True}]
    data = "".join(json.dumps(row, ensure_ascii=ascii_only, separators=separators) + "\n" for row in rows).encode()
    found = Shapes().apart(data, 1)
    assert [len(one.numbers) for one in found] == [51, 1]
    plain = "".join(json.dumps({"a": f"x{at}"}, separators=separators) + "\n" for at in range(9)).encode()
    assert Shapes().apart(plain, 1)[0].plain


def test_a_file_whose_lines_have_no_shape_is_not_tried_for_ever():
    shapes, odd = Shapes(), b'{"a": [1]}\n'
    for _ in range(4):
        assert shapes.apart(odd, 1) == []
    assert shapes.apart(b'{"a": 1}\n', 1) == []
