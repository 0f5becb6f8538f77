"""Tabled: what is made of a table column by column is what its rows make: lines, tokens, labels, notes and refusals."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labelvc.errors import DataError
from labelvc.formats import block, registry
from labelvc.formats.block import Block
from labelvc.formats.interface import Plan
from labelvc.model.project import Dataset, Sensitive
from labelvc.ops import project as projects
from labelvc.ops.incoming import DIGITS, Incoming, TwiceError
from labelvc.ops.reading import Reading
from labelvc.ops.tokens import Tokens
from labelvc.store import tree
from tests.zoo import ANNA, Zoo, zoo, zoo_template

__all__ = ["zoo", "zoo_template"]

COLUMNS = ("item", "text", "who", "answer", "id", "at", "note", "mail")
WORDS = {"item": "item", "by": "who", "value": "answer"}
ANSWERS = {"mood": ["1", "-2.0", "x"], "kind": ["cat", "Dog", "unicorn", '{"empty":true}'], "note": ["t", "é", '"']}
plain = st.sampled_from(["a", "b c", "p1", "é😀", "a1", "x" * 300])
odd = st.sampled_from(
    ["", "", 'say "x"', "\\", "a,b", "a#b", "line\nend", "\x01", "\x7f", "y" * 600, ANNA, "None", " "]
)
FIELDS = [
    Sensitive("/ext/csv/mail", "email"),
    Sensitive("/ext/jsonl/mail", "email"),
    Sensitive("/ext/jsonl/note", "other"),
    Sensitive("/ext/csv", "other"),
    Sensitive("/value/text", "other"),
    Sensitive("/natural/item", "person", "items"),
    Sensitive("/text", "person", "items"),
    Sensitive("/id", "person", "items"),
    Sensitive("/item", "person"),
    Sensitive("/id", "account"),
    Sensitive("/at", "other"),
]


@st.composite
def tables(draw: st.DrawFn, task: str) -> list[dict[str, Any]]:
    """Return rows of a table, most of them ordinary."""
    shape = draw(st.sampled_from([COLUMNS, COLUMNS, COLUMNS[:4], COLUMNS[1:5]]))
    cells = st.one_of(plain, plain, plain, odd) if draw(st.booleans()) else plain
    rows = []
    for at in range(draw(st.integers(1, 5))):
        row = {name: draw(cells) for name in shape}
        row["answer"] = draw(st.sampled_from([*ANSWERS[task], *ANSWERS[task], ""]))
        if "id" in row:
            row["id"] = draw(st.sampled_from([f"r{at}", f"r{at}", row["id"]]))
        if "text" in row and "item" in row:
            row["text"] = draw(st.sampled_from([f"text {row['item']}", f"text {row['item']}", row["text"]]))
        rows.append(row)
    return rows


def as_csv(rows: list[dict[str, Any]], quoting: Any) -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), quoting=quoting, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def as_lines(rows: list[dict[str, Any]], said: dict[str, Any], separators: Any) -> str:
    return "".join(
        json.dumps({**row, **said}, separators=separators, ensure_ascii=len(row) % 2 == 0) + "\n" for row in rows
    )


class Ways:
    """Both ways in, of one repository."""

    def __init__(self, zoo: Zoo) -> None:
        self.at, self.work = zoo.at, tree.work(zoo.at)
        with tree.reader(zoo.at) as reader:
            self.project = projects.load(zoo.at, self.work, reader)

    def dataset(self, fields: Iterable[Sensitive]) -> Dataset:
        return msgspec.structs.replace(self.project.datasets["pets"], sensitive=tuple(fields))

    def read(self, form: str, task: str, dataset: Dataset, blocks: Iterable[Block]) -> tuple[Any, Any]:
        """Return all that a reading leaves, and how it ended."""
        tokens = Tokens(self.at, self.work, self.project, dataset)
        reading = Reading(self.project, dataset, task, form, tokens)
        lines, end = {}, None
        with Incoming(dataset) as incoming:
            try:
                reading.into(incoming, blocks, lambda _: None)
                for cell in sorted(incoming.cells(DIGITS)):
                    for name, rows in incoming.shards(cell, DIGITS).items():
                        lines[name] = rows._replace(unnamed=sorted(rows.unnamed))
                        incoming.lines(rows)
            except DataError as error:
                end = error.message, error.where, error.hint
            except TwiceError as twice:
                end = twice.layer
            records = incoming.records
        return (lines, records, dict(reading.labels), reading.natural, list(reading.riders.items())), end

    def plan(self, task: str, key: bool) -> Plan:
        asked = self.project.tasks[task]
        taxonomy = self.project.taxonomies.get(asked.taxonomy or "")
        return Plan(task=task, asked=asked, prefix="m.", taxonomy=taxonomy, key=("item",) * key, **WORDS)

    def both(self, form: str, task: str, fields: Iterable[Sensitive], path: Path, key: bool) -> tuple[Any, Any]:
        found, dataset, plan = registry.find(form), self.dataset(fields), self.plan(task, key)
        rows = self.read(form, task, dataset, [Block(partial(found.read, path, plan))])
        return self.read(form, task, dataset, block.of(found, path, plan)), rows


@pytest.fixture
def ways(zoo: Zoo) -> Ways:
    zoo.begin_pseudonyms()
    return Ways(zoo)


def forbidden() -> NoReturn:
    raise AssertionError("the rows were asked")


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_columns_make_what_rows_make(ways: Ways, tmp_path: Path, form: str):
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
    @given(st.data())
    def law(data: st.DataObject) -> None:
        task = data.draw(st.sampled_from(sorted(ANSWERS)))
        rows = data.draw(tables(task))
        path = tmp_path / f"in.{form}"
        if form == "csv":
            text = as_csv(rows, data.draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])))
        else:
            said = data.draw(
                st.sampled_from([{}, {}, {"mail": None}, {"note": 0.5}, {"who": 7}, {"answer": 1}, {"x": {}}])
            )
            text = as_lines(rows, said, data.draw(st.sampled_from([None, (",", ":")])))
        path.write_bytes(text.encode())
        fields = data.draw(st.lists(st.sampled_from(FIELDS), max_size=3, unique=True))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(block, "CHUNK", data.draw(st.sampled_from([1, 200, 1 << 17])))
            (found, end), (expected, refused) = ways.both(form, task, fields, path, data.draw(st.booleans()))
        if isinstance(refused, tuple) and "another text" in refused[0]:  # or only the lines tell, or something below
            assert end is not None
        else:
            assert end == refused
        if refused is None:
            assert found == expected

    law()


@pytest.mark.parametrize("form", ["csv", "jsonl"])
@pytest.mark.parametrize("key", [False, True])
def test_of_an_ordinary_table_no_row_is_asked(ways: Ways, tmp_path: Path, form: str, key: bool):
    rows = [
        {
            "item": f"i{at % 9}",
            "text": f't "{at % 9}"',
            "who": f"Anna {at % 3}",
            "answer": "cat",
            "note": "",
            "mail": "m@x.org",
        }
        | ({} if key else {"id": f"r{at}", "at": ""})
        for at in range(40)
    ]
    path = tmp_path / f"in.{form}"
    path.write_text(as_csv(rows, csv.QUOTE_MINIMAL) if form == "csv" else as_lines(rows, {"n": 3}, None))
    fields = [Sensitive(f"/ext/{form}/mail", "email"), Sensitive("/ext/contact", "email")]
    found, plan = registry.find(form), ways.plan("kind", key)
    blocks = [Block(forbidden, columns) for _, columns in block.of(found, path, plan)]
    said, end = ways.read(form, "kind", ways.dataset(fields), blocks)
    assert (said, end) == ways.read(form, "kind", ways.dataset(fields), [Block(partial(found.read, path, plan))])
    assert end is None
    assert said[1:3] == (40, {"animals": {"cat": 40}})
    assert not any(
        b"x.org" in line or b"Anna" in line for shard in said[0].values() for lines in shard for line in lines
    )
