"""CSV: real crowd data, the rules of identity, and everything spreadsheets do to text."""

from __future__ import annotations

import csv
import io
import string
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelvc.errors import DataError
from labelvc.formats import source as text_source
from labelvc.formats.csv import look
from tests.formats.exchange import PETS, keyed, plan, read, sample, write
from tests.oracles import vader_counts

VADER = {"layout": "wide", "item": "1", "key": ("word=1",), "value": "4"}
CROWD = {"item": "2", "by": "1", "value": "3"}


# ---------------------------------------------------------------- real data
def test_the_lexicon_comes_in_as_the_oracle_counts_it() -> None:
    expected = vader_counts.count(vader_counts.lexicon())
    items, records = read("csv", vader_counts.lexicon(), plan(**VADER))
    assert (len(items), len(records)) == (expected["lines"], expected["ratings"]) == (7520, 75200)
    words = Counter(item["natural"]["word"] for item in items)
    assert sorted(word for word, times in words.items() if times > 1) == expected["twice"]
    assert len(expected["twice"]) == 14
    assert [item["id"] for item in items] == [f"source-{line}" for line in range(1, 7521)]
    assert {record["id"] for record in records} == {f"r{n:02}" for n in range(1, 11)}
    assert {record["by"] for record in records} == {f"rater-{n:02}" for n in range(1, 11)}
    scores = [record["value"]["score"] for record in records]
    assert (min(scores), max(scores)) == (expected["lowest"], expected["highest"])
    assert all(type(score) is int for score in scores)
    means = {item["id"]: float(item["ext"]["csv"]["2"]) for item in items}
    sums: Counter[str] = Counter()
    for record in records:
        sums[record["item"]] += record["value"]["score"]
    wrong = [item["text"] for item in items if abs(means[item["id"]] - sums[item["id"]] / 10) > 0.0501]
    assert wrong == [word for word, *_ in expected["disagree"]] == ["lmfao"]


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """Return a file with the first lines of the lexicon, their line ends kept."""
    return sample(tmp_path, "few.txt", b"".join(vader_counts.lexicon().read_bytes().splitlines(keepends=True)[:600]))


def test_without_the_double_words_the_word_is_the_id(tmp_path: Path, few: Path) -> None:
    lines = few.read_text().splitlines()
    twice = set(vader_counts.count(vader_counts.lexicon())["twice"])
    single = [line for line in lines if line.split("\t")[0] not in twice]
    path = sample(tmp_path, "single.txt", "\n".join(single))
    items, _ = read("csv", path, plan(**VADER))
    assert [item["id"] for item in items] == [line.split("\t")[0] for line in single]
    path.write_text("\n".join([*single, single[0]]))
    items, _ = read("csv", path, plan(**VADER))
    assert items[0]["id"] == "source-1"


@pytest.mark.parametrize(
    "name", ["HITspam-UsingMTurk", "HITspam-UsingCrowdflower", "BarzanMozafari", "CopyrightInfringement"]
)
def test_crowd_labels_without_a_header(real_data: Path, name: str) -> None:
    path = real_data / "gal-crowd" / name / "labels.txt"
    rows = [line.split("\t") for line in path.read_text().splitlines()]
    items, records = read("csv", path, plan("label", **CROWD))
    assert len(records) == len(rows)
    assert {item["id"] for item in items} == {row[1] for row in rows}
    assert Counter(record["by"] for record in records) == Counter(row[0] for row in rows)
    assert [record["value"]["label"] for record in records] == [row[2] for row in rows]
    assert [record["id"] for record in records] == [f"source-{line}" for line in range(1, len(rows) + 1)]


def test_ratings_without_raters(real_data: Path) -> None:
    path = real_data / "emobank" / "individual_reader_ratings.csv"
    items, records = read("csv", path, plan(value="V"))
    assert (len(items), len(records)) == (10548, 53055)
    assert not any("by" in record for record in records)
    assert set(records[0]["ext"]["csv"]) == {"A", "D"}


def test_a_second_import_gives_the_same_keys(few: Path) -> None:
    first, second = (read("csv", few, plan(**VADER)) for _ in range(2))
    assert first == second


# ---------------------------------------------------------------- identity
def test_one_item_may_have_answers_anywhere(tmp_path: Path) -> None:
    path = sample(tmp_path, "a.csv", "item,by,value\nx,ada,1\ny,ada,2\nx,ben,3\n")
    items, records = read("csv", path, plan())
    assert [item["id"] for item in items] == ["x", "y"]
    assert {key: record["value"]["score"] for key, record in keyed(records).items()} == {
        ("x", "source-2"): 1,
        ("y", "source-3"): 2,
        ("x", "source-4"): 3,
    }


def test_an_id_column_names_the_answers_and_survives_inserted_rows(tmp_path: Path) -> None:
    path = sample(tmp_path, "a.csv", "item,id,by,value\nx,r1,ada,1\ny,r1,ada,2\n")
    _, before = read("csv", path, plan())
    path.write_text("item,id,by,value\nnew,r1,ada,9\nx,r1,ada,1\ny,r1,ada,2\n")
    _, after = read("csv", path, plan())
    assert keyed(before).items() <= keyed(after).items()


def test_a_prefix_keeps_the_answers_to_two_tasks_apart(tmp_path: Path) -> None:
    path = sample(tmp_path, "a.csv", "item,V,A\nx,1,2\n")
    keys = [list(keyed(read("csv", path, plan(value=name, prefix=f"{name}."))[1])) for name in "VA"]
    assert keys == [[("x", "V.source-2")], [("x", "A.source-2")]]
    wide = plan(layout="wide", value="V,A", prefix="t.")
    items, records = read("csv", path, wide)
    assert [record["id"] for record in records] == ["t.r01", "t.r02"]
    write("csv", items, records, tmp_path / "b.csv", plan(layout="wide", value="list", prefix="t."))
    assert (tmp_path / "b.csv").read_text() == 'item,text,list\nsource-2,x,"[1,2]"\n'
    path.write_text("item,id,V\nx,r9,1\n")
    assert list(keyed(read("csv", path, plan(value="V", prefix="t."))[1])) == [("x", "r9")]


def test_a_key_is_the_id_and_kept_as_natural(tmp_path: Path) -> None:
    path = sample(tmp_path, "a.csv", "url,title,a,b\nh://1,one,1,2\nh://2,two,3,\n")
    items, records = read("csv", path, plan(layout="wide", item="title", key=("url",)))
    assert items[0] == {"id": "h://1", "natural": {"url": "h://1"}, "text": "one"}
    assert [(record["item"], record["id"], record["by"]) for record in records] == [
        ("h://1", "r01", "a"),
        ("h://1", "r02", "b"),
        ("h://2", "r01", "a"),
    ]


def test_two_columns_together_may_be_the_key(tmp_path: Path) -> None:
    path = sample(tmp_path, "a.csv", "doc,no,text,value\nd1,1,a,1\nd1,2,b,2\n")
    items, _ = read("csv", path, plan(key=("doc", "no")))
    assert [item["id"] for item in items] == ["d1/1", "d1/2"]
    assert items[0]["natural"] == {"doc": "d1", "no": "1"}


def test_a_text_that_cannot_be_a_name_gets_the_line(tmp_path: Path) -> None:
    path = sample(tmp_path, "a.csv", 'item,value\n"two\nlines",1\n' + "x" * 600 + ",2\n")
    items, _ = read("csv", path, plan())
    assert [item["id"] for item in items] == ["source-2", "source-4"]
    assert items[0]["text"] == "two\nlines"


def test_one_item_shown_by_two_texts_is_refused(tmp_path: Path) -> None:
    path = sample(tmp_path, "a.csv", "item,text,value\nx,one,1\nx,two,2\n")
    with pytest.raises(DataError) as caught:
        read("csv", path, plan())
    assert "line 2" in caught.value.message
    assert caught.value.where.endswith(":3")


# ---------------------------------------------------------------- values
@pytest.mark.parametrize(
    ("cell", "score"),
    [("3", 3), (" -1.50 ", -1.5), ("3.0", 3), ("1e2", 100), (".5", 0.5), ("+7", 7), ("-0.0", 0), ("1e-300", 1e-300)],
)
def test_numbers(tmp_path: Path, cell: str, score: float) -> None:
    _, records = read("csv", sample(tmp_path, "a.csv", f"item;value\nx;{cell}\n"), plan())
    assert records[0]["value"] == {"score": score}
    assert type(records[0]["value"]["score"]) is type(score)


@pytest.mark.parametrize(
    "cell", ["abc", "nan", "inf", "1_0", "1e999", "1e300", "9007199254740993", "٣", "3,5", "0x1f", "ada@example.com"]
)
def test_what_is_no_number_is_refused_without_being_repeated(tmp_path: Path, cell: str) -> None:
    path = sample(tmp_path, "a.csv", f'item;value\n"x";1\ny;{cell}\n')
    with pytest.raises(DataError) as caught:
        read("csv", path, plan(item="item", value="value"))
    assert caught.value.where == "a.csv:3"
    assert cell not in caught.value.message + caught.value.hint


def test_labels_are_looked_up_by_id_then_by_name(tmp_path: Path) -> None:
    path = sample(tmp_path, "a.csv", "item,value\na,cat\nb,Hund\nc,dog\nd,unicorn\ne,\n")
    items, records = read("csv", path, plan("label", taxonomy=PETS))
    assert [record["value"]["label"] for record in records] == ["cat", "dog", "dog", "unicorn"]
    assert len(items) == 5


def test_label_sets_are_sorted_and_unique(tmp_path: Path) -> None:
    path = sample(tmp_path, "a.csv", "item,value\na,Hund|cat|dog\nb,bird\n")
    _, records = read("csv", path, plan("labels", taxonomy=PETS))
    assert [record["value"]["labels"] for record in records] == [["cat", "dog"], ["bird"]]


def test_other_types_are_json_objects(tmp_path: Path) -> None:
    box = '{""label"":""cat"",""box"":[1,2,3,4]}'
    _, records = read("csv", sample(tmp_path, "a.csv", f'item,value\na,"{box}"\nb,"{{""empty"":true}}"\n'), plan("box"))
    assert [record["value"] for record in records] == [{"label": "cat", "box": [1, 2, 3, 4]}, {"empty": True}]
    with pytest.raises(DataError, match="JSON object"):
        read("csv", sample(tmp_path, "b.csv", "item,value\na,cat\n"), plan("box"))


# ---------------------------------------------------------------- shapes
@pytest.mark.parametrize("mark", ["\t", ",", ";"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_delimiters_line_ends_and_marks(tmp_path: Path, mark: str, end: str, bom: bytes) -> None:
    text = end.join([mark.join(row) for row in (["item", "by", "value"], ["x é", "ada", "1"], ["y", "ben", "2"])])
    items, records = read("csv", sample(tmp_path, "a.csv", bom + text.encode()), plan())
    assert [item["id"] for item in items] == ["x é", "y"]
    assert [record["by"] for record in records] == ["ada", "ben"]


def test_semicolons_in_cells_and_decimal_points_do_not_mislead(tmp_path: Path) -> None:
    path = sample(tmp_path, "a.csv", "item,labels\nx;1,a;b\ny;2,c;d\n")
    assert look(path, plan("label")).delimiter == ","


def test_quotation_marks_in_tab_files_are_text_unless_they_quote(tmp_path: Path) -> None:
    path = sample(tmp_path, "a.tsv", 'item\tvalue\n"\t1\nsay "x\t2\n')
    assert [item["id"] for item in read("csv", path, plan())[0]] == ['"', 'say "x']
    path.write_text('item\tvalue\n"a\tb"\t1\n"say ""x"""\t2\n')
    items, _ = read("csv", path, plan())
    assert [item["text"] for item in items] == ["a\tb", 'say "x"']


def test_wide_columns_are_annotators(tmp_path: Path) -> None:
    path = sample(tmp_path, "a.csv", "item,ada,ben,note\nx,1,2,hm\ny,,3,\n")
    _, records = read("csv", path, plan(layout="wide", value="ada,ben"))
    assert [(record["item"], record["id"], record["by"]) for record in records] == [
        ("source-2", "r01", "ada"),
        ("source-2", "r02", "ben"),
        ("source-3", "r02", "ben"),
    ]
    items, _ = read("csv", path, plan(layout="wide", value="ada,ben"))
    assert items[0]["ext"] == {"csv": {"note": "hm"}}


def test_memory_does_not_grow_with_rows_of_one_item(tmp_path: Path) -> None:
    import tracemalloc

    from labelvc.formats import registry

    path = sample(tmp_path, "a.csv", "item,by,value\n" + "x,ada,1\n" * 60_000)
    tracemalloc.start()
    assert sum(1 for _ in registry.find("csv").read(path, plan())) == 60_001
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6_000_000


# ---------------------------------------------------------------- bad input
@pytest.mark.parametrize(
    ("content", "words", "message", "where"),
    [
        (b"", {}, "empty", ""),
        (b"item,value\nx,\xff1\n", {}, "not UTF-8 at byte 13", ":2"),
        (b"item,value\nx,1\ny\xc3", {}, "not UTF-8 at byte 16", ":3"),
        ("item,value\nx,1\n".encode("utf-16"), {}, "UTF-16", ":1"),
        (b"item,value\nx,1\n\0", {}, "NUL byte at byte 15", ":3"),
        (b"item,value\nx,1,2\n", {}, "3 cells", ":2"),
        (b'item,value\nx,1\n"y,2\n', {}, "cannot be read", ":3"),
        (b"item,value,value\nx,1,2\n", {}, "two columns", ":1"),
        (b"colour,shape\nx,1\n", {}, "'colour', 'shape'", ""),
        (b"item,shape\nx,1\n", {}, "no column holds the answer", ""),
        (b"item,value\nx,1\n", {"by": "who"}, "no column 'who'", ""),
        (b"item,value\nx,1\n", {"key": ("url",)}, "no column 'url'", ""),
        (b"item,value\n,1\n", {}, "names no item", ":2"),
        (b"item,id,value\nx,a#b,1\n", {}, "cannot name a record", ":2"),
        (b"item\nx\n", {"layout": "wide"}, "no column is left", ""),
        (b"1,2\nx,1\n", {"item": "3", "value": "2"}, "no column '3'", ""),
        (b"a\tb\n", {"layout": "wide", "item": "1", "value": "2"}, "no list", ":1"),
    ],
)
def test_bad_input_says_where(tmp_path: Path, content: bytes, words: dict[str, Any], message: str, where: str) -> None:
    path = sample(tmp_path, "a.csv", content)
    with pytest.raises(DataError) as caught:
        read("csv", path, plan(**words))
    assert message in caught.value.message
    assert "a.csv" in caught.value.where
    assert caught.value.where.endswith(where)


def test_a_folder_or_nothing_is_no_table(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent.csv"):
        with pytest.raises(DataError):
            read("csv", path, plan())


def test_a_line_without_end_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with path.open("wb") as file:
        file.write(b"item,value\nx,")
        for _ in range(100):
            file.write(b"1" * 2**20)
    with pytest.raises(DataError) as caught:
        read("csv", path, plan())
    assert "16 MiB" in caught.value.message
    assert caught.value.where.endswith(":2")


def test_lines_that_end_in_carriage_returns_are_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with path.open("wb") as file:
        file.write(b"item,value\r")
        for number in range(17):
            file.write(b"%d,1" % number + b" " * 2**20 + b"\r")
    items, records = read("csv", path, plan())
    assert (len(items), len(records)) == (17, 17)


def test_a_cell_without_end_is_told_from_a_stray_quotation_mark(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with path.open("wb") as file:
        file.write(b'item,value\nx,"1\n')
        for _ in range(17):
            file.write(b" " * 2**20 + b"\n")
    with pytest.raises(DataError) as caught:
        read("csv", path, plan())
    assert caught.value.message == "a cell is longer than 16 MiB"
    assert caught.value.where.endswith(":2")
    assert "is its quotation mark closed?" in caught.value.hint


def test_the_place_of_a_wrong_byte_is_right_across_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_source, "_CHUNK", 5)
    good = "é€😀\n" * 7
    for cut in range(4):
        path = sample(tmp_path, "a.csv", good.encode() + b"x" * cut + b"\xe2\x28")
        with pytest.raises(DataError) as caught:
            text_source.prove(path)
        assert caught.value.message == f"not UTF-8 at byte {len(good.encode()) + cut}"
        assert caught.value.where.endswith(":8")
    text_source.prove(sample(tmp_path, "b.csv", good))


# ---------------------------------------------------------------- there and back
anything = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12) | st.sampled_from(
    [
        '"',
        '""',
        "a,b",
        "a;b",
        "\t",
        "\n",
        "\r",
        "\r\n",
        "e\u0301",
        "👩‍👩‍👧",
        '{"text":"x"}',
        '{"empty":true}',
        "=1+1",
        " ",
        "|",
        "\ufeff",
        "0",
        "None",
    ]
)
words = anything.filter(bool)
VALUES: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "score": st.one_of(st.integers(-(2**53) + 1, 2**53 - 1), st.floats(-(2.0**53) + 1, 2.0**53 - 1)).map(
        lambda n: {"score": n}
    ),
    "label": anything.map(lambda label: {"label": label}),
    "labels": st.lists(anything, max_size=3, unique=True).map(lambda labels: {"labels": sorted(labels)}),
    "text": anything.map(lambda text: {"text": text}),
    "span": anything.map(lambda text: {"label": text, "span": [0, len(text)], "text": text}),
}


def _numbers_of(value: dict[str, Any]) -> dict[str, Any]:
    score = value.get("score")
    return {"score": int(score)} if isinstance(score, float) and score.is_integer() else value


@st.composite
def tables(draw: st.DrawFn) -> tuple[str, list[dict[str, Any]], list[dict[str, Any]]]:
    kind = draw(st.sampled_from(sorted(VALUES)))
    names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8)
    items = [
        {"id": name, "text": draw(anything)} for name in draw(st.lists(names, min_size=1, max_size=4, unique=True))
    ]
    ids = st.text(string.ascii_letters + "é☃ .-", min_size=1, max_size=5)
    records = []
    for item in items:
        for identifier in draw(st.lists(ids, max_size=3, unique=True)):
            value = draw(VALUES[kind] | st.just({"empty": True}))
            record = {"item": item["id"], "id": identifier, "value": _numbers_of(value)}
            said = {"by": draw(anything), "at": draw(st.sampled_from(["", "2026-03-01T09:12:44Z"]))}
            record.update({name: cell for name, cell in said.items() if cell})
            extra = draw(st.dictionaries(st.sampled_from(["note", "item", "Zeit, Ort"]), words, max_size=2))
            records.append({**record, "ext": {"csv": extra}} if extra else record)
    return kind, items, records


@given(tables(), st.sampled_from(["a.csv", "a.tsv"]))
def test_long_tables_come_back(tmp_path_factory: pytest.TempPathFactory, table: Any, name: str) -> None:
    kind, items, records = table
    path = tmp_path_factory.getbasetemp() / name
    assert write("csv", items, records, path, plan(kind)) == len(records)
    back_items, back = read("csv", path, plan(kind))
    assert {item["id"]: item["text"] for item in back_items} == {item["id"]: item["text"] for item in items}
    renamed = [
        {
            **record,
            "ext": {"csv": {{"item": "ext.item"}.get(name, name): cell for name, cell in record["ext"]["csv"].items()}},
        }
        if "ext" in record
        else record
        for record in records
    ]
    assert keyed(back) == keyed(renamed)


@given(st.data())
def test_wide_tables_come_back(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["score", "label", "text", "labels"]))
    people = data.draw(
        st.lists(words.filter(lambda who: who not in ("item", "text", "ext")), min_size=1, max_size=4, unique=True)
    )
    items = [{"id": f"source-{n}", "text": data.draw(anything)} for n in range(2, 2 + data.draw(st.integers(1, 4)))]
    records = [
        {"item": item["id"], "id": f"r{place:02}", "by": who, "value": _numbers_of(data.draw(VALUES[kind]))}
        for n, item in enumerate(items)
        for place, who in enumerate(people, 1)
        if n == 0 or data.draw(st.booleans())
    ]
    path = tmp_path_factory.getbasetemp() / "wide.csv"
    assert write("csv", items, records, path, plan(kind, layout="wide")) == len(records)
    back_items, back = read("csv", path, plan(kind, layout="wide"))
    assert back_items == items
    assert keyed(back) == keyed(records)


def test_lists_come_back_with_the_other_columns(tmp_path: Path, few: Path) -> None:
    items, records = read("csv", few, plan(**VADER))
    path = tmp_path / "back.csv"
    assert write("csv", items, records, path, plan(layout="wide", value="ratings")) == 6000
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    source = [line.split("\t") for line in few.read_text().splitlines()]
    assert [[row["text"], row["2"], row["3"], row["ratings"]] for row in rows] == [
        [word, mean, spread, ratings.strip().replace(" ", "")] for word, mean, spread, ratings in source
    ]
    again_items, again = read("csv", path, plan(layout="wide", value="ratings"))
    assert [item["id"] for item in again_items] == [item["id"] for item in items]
    assert keyed(again) == keyed(records)


def test_a_gap_in_a_list_stays_a_gap(tmp_path: Path) -> None:
    records = [{"item": "x", "id": f"r{n:02}", "by": f"rater-{n:02}", "value": {"score": n}} for n in (1, 3)]
    path = tmp_path / "a.csv"
    write("csv", [{"id": "x", "text": "t"}], records, path, plan(layout="wide", value="v"))
    assert path.read_text() == 'item,text,v\nx,t,"[1,null,3]"\n'
    assert keyed(read("csv", path, plan(layout="wide", value="v"))[1]) == keyed(records)


def test_other_programs_read_what_is_written(tmp_path: Path) -> None:
    strange = 'a "quoted", line\r\nbreak; and\ttab'
    path = tmp_path / "a.csv"
    write(
        "csv",
        [{"id": "x", "text": strange}],
        [{"item": "x", "id": "r1", "value": {"label": "cat"}}],
        path,
        plan("label"),
    )
    rows = list(csv.DictReader(io.StringIO(path.read_bytes().decode(), newline="")))
    assert rows == [{"item": "x", "id": "r1", "by": "", "at": "", "value": "cat", "text": strange}]


def test_two_answers_of_one_person_do_not_fit_a_wide_table(tmp_path: Path) -> None:
    records = [{"item": "x", "id": f"r{n}", "by": "ada", "value": {"score": n}} for n in (1, 2)]
    path = sample(tmp_path, "a.csv", "as it was")
    with pytest.raises(DataError) as caught:
        write("csv", [{"id": "x"}], records, path, plan(layout="wide"))
    assert "--layout long" in caught.value.hint
    assert path.read_text() == "as it was"
    assert [found.name for found in tmp_path.iterdir()] == ["a.csv"]


def test_rows_stand_in_counting_order_and_other_tasks_and_tombstones_are_left_out(tmp_path: Path) -> None:
    items = [{"id": f"source-{n}"} for n in (10, 9, 1)]
    records = [{"item": f"source-{n}", "id": "r1", "task": "t", "value": {"score": n}} for n in (10, 9)]
    records += [
        {"item": "source-1", "id": "r1", "task": "other", "value": {"score": 0}},
        {"item": "source-9", "id": "r2", "gone": True, "rev": 2},
    ]
    path = tmp_path / "a.csv"
    assert write("csv", items, records, path, plan()) == 2
    assert path.read_text() == "item,id,by,at,value\nsource-1,,,,\nsource-9,r1,,,9\nsource-10,r1,,,10\n"
