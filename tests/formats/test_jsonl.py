"""JSON lines: labelvc's own without loss, others by named fields, and no line that two programs could read differently."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelvc.errors import DataError
from tests import strategies
from tests.formats.exchange import PETS, keyed, plan, read, sample, write


@given(
    st.lists(strategies.records(), max_size=6),
    st.dictionaries(strategies.names, strategies.texts, min_size=1, max_size=3),
)
def test_own_lines_come_back_without_loss(
    tmp_path_factory: pytest.TempPathFactory, found: list[Any], texts: dict[str, str]
) -> None:
    records = list(keyed([{**record, "task": "t"} for record in found if not record.get("gone")]).values())
    items = [{"id": name, "text": texts.get(name, "")} for name in {*texts, *(record["item"] for record in records)}]
    path = tmp_path_factory.getbasetemp() / "own.jsonl"
    assert write("jsonl", items, records, path, plan()) == len(records)
    back_items, back = read("jsonl", path, plan())
    assert keyed(back) == {
        key: {name: value for name, value in record.items() if name != "rev"} for key, record in keyed(records).items()
    }
    assert sorted(back_items, key=str) == sorted(items, key=str)


def test_named_fields_and_pointers(tmp_path: Path) -> None:
    lines = [
        {"doc": {"url": "h://1"}, "text": "one", "who": "ada", "answer": "Hund", "seconds": 3},
        {"doc": {"url": "h://1"}, "text": "one", "who": "ben", "answer": None},
        {"doc": {"url": "h://2"}, "text": "two", "answer": "unicorn"},
    ]
    path = sample(tmp_path, "a.jsonl", "\n".join(map(json.dumps, lines)) + "\n\n")
    items, records = read("jsonl", path, plan("label", taxonomy=PETS, key=("url=/doc/url",), by="who", value="/answer"))
    assert items == [
        {"id": "h://1", "natural": {"url": "h://1"}, "text": "one"},
        {"id": "h://2", "natural": {"url": "h://2"}, "text": "two"},
    ]
    assert records[0] == {
        "item": "h://1",
        "id": "unnamed-0",
        "by": "ada",
        "ext": {"jsonl": {"doc": {"url": "h://1"}, "seconds": 3}},
        "value": {"label": "dog"},
    }
    assert [(record["item"], record["value"]["label"]) for record in records[1:]] == [("h://2", "unicorn")]


def test_wide_lists_and_wide_fields(tmp_path: Path) -> None:
    path = sample(tmp_path, "a.jsonl", '{"text":"x","votes":[1,null,3]}\n{"text":"y","votes":[]}\n')
    items, records = read("jsonl", path, plan(layout="wide", item="text", value="votes"))
    assert [item["id"] for item in items] == ["source-1", "source-2"]
    assert [(record["id"], record["by"], record["value"]["score"]) for record in records] == [
        ("r01", "rater-01", 1),
        ("r03", "rater-03", 3),
    ]
    path.write_text('{"text":"x","ada":1}\n{"text":"y","ben":2}\n')
    _, records = read("jsonl", path, plan(layout="wide", item="text"))
    assert [(record["id"], record["by"]) for record in records] == [("r01", "ada"), ("r02", "ben")]


def test_whole_values_are_taken_as_they_are(tmp_path: Path) -> None:
    path = sample(
        tmp_path,
        "a.jsonl",
        '{"item":"x","value":{"label":"cat","span":[0,1],"text":"c"}}\n{"item":"x","value":{"empty":true}}\n',
    )
    _, records = read("jsonl", path, plan("span", item="item"))
    assert [record["value"] for record in records] == [{"label": "cat", "span": [0, 1], "text": "c"}, {"empty": True}]


@pytest.mark.parametrize(
    ("line", "words", "message"),
    [
        (b'{"item":"x","id":"r","value":{}', {}, "not JSON"),
        (b'{"item":"x","id":"r","id":"s","value":{}}', {}, "occurs twice"),
        (b'{"item":"x","id":"r","value":NaN}', {}, "no JSON number"),
        (b'{"item":"x","id":"r","value":{"text":"\\ud800"}}', {}, "surrogate"),
        (b'{"item":"x","id":"r","value":' + b"[" * 100_000 + b"]" * 100_000 + b"}", {}, "deep"),
        (b'{"item":"x","id":"r","value":{"text":"\xff"}}', {}, "not UTF-8"),
        (b"[1]", {}, "no JSON object"),
        (b'{"item":"x","value":3}', {}, "no record and no item"),
        (b'{"item":"x","value":"cat"}', {"item": "item"}, "no answer to a task"),
        (b'{"item":["x"],"value":3}', {"item": "item"}, "list or an object"),
        (b'{"value":3}', {"item": "item"}, "names no item"),
        (b'{"item":"x","value":3}', {"item": "item", "value": "value", "layout": "wide"}, "no list"),
    ],
)
def test_bad_lines_say_which(tmp_path: Path, line: bytes, words: dict[str, Any], message: str) -> None:
    good = b'{"item":"x","value":[3]}' if words.get("layout") else b'{"item":"x","value":3}' if words else b'{"id":"x"}'
    path = sample(tmp_path, "a.jsonl", good + b"\n" + line + b"\n")
    with pytest.raises(DataError) as caught:
        read("jsonl", path, plan(**words))
    assert message in caught.value.message
    assert caught.value.where.endswith("a.jsonl:2")


def test_an_unknown_field_lists_those_there_are(tmp_path: Path) -> None:
    path = sample(tmp_path, "a.jsonl", '{"sentence":"x","vote":3}\n')
    with pytest.raises(DataError) as caught:
        read("jsonl", path, plan(item="sentence", value="votes"))
    assert "'sentence', 'vote'" in caught.value.message


def test_a_hundred_megabytes_in_one_line_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with path.open("wb") as file:
        file.write(b'{"id":"')
        for _ in range(100):
            file.write(b"x" * 2**20)
        file.write(b'"}\n')
    with pytest.raises(DataError, match="16 MiB"):
        read("jsonl", path, plan())


def test_a_failed_export_leaves_the_old_file(tmp_path: Path) -> None:
    path = sample(tmp_path, "a.jsonl", "as it was")
    with pytest.raises(DataError):
        write("jsonl", [{"id": "x"}], [{"item": "x", "id": "r", "value": {"score": 2**60}}], path, plan())
    assert path.read_text() == "as it was"
    assert [found.name for found in tmp_path.iterdir()] == ["a.jsonl"]
