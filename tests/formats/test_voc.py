"""Pascal VOC: real blood cells byte-equal there and back, boxes that keep their name, and XML that hides nothing."""

from __future__ import annotations

import hashlib
import shutil
import tracemalloc
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from labelvc.errors import DataError
from labelvc.formats import elements, registry
from labelvc.formats.voc import box_id
from labelvc.model.project import Label, Taxonomy
from tests.formats.exchange import keyed, plan, read, sample, write
from tests.oracles import bccd_counts

P = plan("box")

SMALL = """<annotation>
	<folder>f</folder>
	<filename>a.jpg</filename>
	<size>
		<width>640</width>
		<height>480</height>
		<depth>3</depth>
	</size>
	<object>
		<name>cat</name>
		<difficult>0</difficult>
		<bndbox>
			<xmin>1</xmin>
			<ymin>2</ymin>
			<xmax>30</xmax>
			<ymax>40</ymax>
		</bndbox>
	</object>
</annotation>
"""


@pytest.fixture
def cells(real_data: Path, tmp_path: Path) -> Path:
    """Return a copy of the real folder that may be changed."""
    return Path(shutil.copytree(real_data / "bccd-voc" / "BCCD" / "Annotations", tmp_path / "cells"))


def there_and_back(folder: Path, content: str | bytes) -> bytes:
    """Return a file after import and export."""
    items, records = read("voc", sample(folder, "a.xml", content), P)
    write("voc", items, records, folder / "out", P)
    return (folder / "out" / "a.xml").read_bytes()


def figures(items: list[Any], records: list[Any]) -> dict[str, Any]:
    """Return the oracle's figures, made from records."""
    labels: dict[str, int] = {}
    boxes: dict[str, list[tuple[Any, ...]]] = {}
    for record in records:
        x, y, width, height = record["value"]["box"]
        labels[record["value"]["label"]] = labels.get(record["value"]["label"], 0) + 1
        boxes.setdefault(record["item"], []).append((record["value"]["label"], x, y, x + width, y + height))
    pairs = [(a, b) for found in boxes.values() for n, a in enumerate(found) for b in found[n + 1 :]]
    return {
        "items": len(items),
        "records": len(records),
        "zero_area": sum(0 in record["value"]["box"][2:] for record in records),
        "near_duplicates": sum(a[0] == b[0] and bccd_counts.overlap(a, b) > 0.8 for a, b in pairs),
        "labels": labels,
    }


# ---------------------------------------------------------------- real data
def test_real_folders_come_in_as_the_oracle_counts_them(cells: Path) -> None:
    expected = bccd_counts.count(cells)
    assert {name: expected[name] for name in ("items", "records", "zero_area", "near_duplicates")} == {
        "items": 364, "records": 4888, "zero_area": 2, "near_duplicates": 8,
    }  # fmt: skip
    assert figures(*read("voc", cells, P)) == expected
    path = cells / "BloodImage_00000.xml"
    path.write_text(
        path.read_text()
        .replace("<xmax>491</xmax>", "<xmax>260</xmax>", 1)
        .replace("<name>RBC</name>", "<name>WBC</name>", 1)
    )
    followed = bccd_counts.count(cells)
    assert followed["zero_area"] == 3
    assert followed["labels"]["WBC"] == expected["labels"]["WBC"] + 1
    assert figures(*read("voc", cells, P)) == followed


def test_all_real_files_come_back_byte_by_byte(cells: Path, tmp_path: Path) -> None:
    items, records = read("voc", cells, P)
    assert write("voc", items, records, tmp_path / "out", P) == 4888
    assert [
        path.name for path in cells.iterdir() if path.read_bytes() != (tmp_path / "out" / path.name).read_bytes()
    ] == []
    assert len(list((tmp_path / "out").iterdir())) == 364


def test_the_folder_above_the_annotations_will_do(real_data: Path) -> None:
    items, _ = read("voc", real_data / "bccd-voc" / "BCCD", P)
    assert len(items) == 364


def test_one_changed_label_changes_exactly_its_line(cells: Path, tmp_path: Path) -> None:
    path = cells / "BloodImage_00001.xml"
    items, records = read("voc", path, P)
    records[2]["value"]["label"] = "new & strange"
    write("voc", items, records, tmp_path / "out", P)
    pairs = zip(path.read_text().split("\n"), (tmp_path / "out" / path.name).read_text().split("\n"), strict=True)
    assert [new for old, new in pairs if old != new] == ["\t\t<name>new &amp; strange</name>"]


# ---------------------------------------------------------------- identity
def test_a_box_keeps_its_name_when_others_come_and_go_or_its_label_changes(cells: Path) -> None:
    path = cells / "BloodImage_00000.xml"
    _, before = read("voc", path, P)
    text = path.read_text()
    first = text[text.index("\t<object>") : text.index("</object>") + len("</object>\n")]
    path.write_text(text.replace(first, "").replace("<name>RBC</name>", "<name>WBC</name>", 1))
    _, after = read("voc", path, P)
    assert [record["id"] for record in after] == [record["id"] for record in before[1:]]
    changed = [key for key, record in keyed(after).items() if keyed(before)[key] != record]
    assert len(changed) == 1


def test_boxes_in_one_place_are_counted(tmp_path: Path) -> None:
    thing = SMALL[SMALL.index("\t<object>") : SMALL.index("</annotation>")]
    _, records = read("voc", sample(tmp_path, "a.xml", SMALL.replace(thing, thing * 3)), P)
    first = records[0]["id"]
    assert [record["id"] for record in records] == [first, f"{first}.2", f"{first}.3"]
    assert first == box_id([1, 2, 29, 38])
    assert len(first) == 11
    _, records = read("voc", tmp_path / "a.xml", plan("box", prefix="cells."))
    assert [record["id"] for record in records] == [f"cells.{first}", f"cells.{first}.2", f"cells.{first}.3"]


def test_the_name_of_a_box_is_made_as_the_page_says() -> None:
    number = int(hashlib.sha256(b"[1,2,29,38]").hexdigest(), 16)
    letters = ["bcdfghjklmnpqrstvwxz"[number // 20**place % 20] for place in range(10)]
    assert box_id([1, 2, 29, 38]) == "b" + "".join(letters)


def test_what_is_stored(tmp_path: Path) -> None:
    items, records = read("voc", sample(tmp_path, "a.xml", SMALL), P)
    assert items == [
        {
            "id": "a",
            "ext": {"voc": {"content": {"folder": "f", "size": {"depth": "3"}}}},
            "media": {"height": 480, "path": "a.jpg", "width": 640},
        }
    ]
    assert records == [
        {
            "item": "a",
            "id": box_id([1, 2, 29, 38]),
            "ext": {"voc": {"content": {"difficult": "0"}}},
            "value": {"box": [1, 2, 29, 38], "label": "cat"},
        }
    ]


def test_labels_are_looked_up_and_written_by_name(tmp_path: Path) -> None:
    pets = Taxonomy("pets", "1.0.0", (Label("felis", "cat"), Label("canis", "dog")))
    said = plan("box", taxonomy=pets)
    for name in ("cat", "felis", " cat "):
        content = SMALL.replace("<name>cat</name>", f"<name>{name}</name>")
        items, records = read("voc", sample(tmp_path, "a.xml", content), said)
        assert records[0]["value"]["label"] == "felis"
        write("voc", items, records, tmp_path / "out", said)
        assert (tmp_path / "out" / "a.xml").read_text() == content
        records[0]["value"]["label"] = "canis"
        write("voc", items, records, tmp_path / "out", said)
        assert "<name>dog</name>" in (tmp_path / "out" / "a.xml").read_text()


# ---------------------------------------------------------------- spellings
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<xmax>30</xmax>", "<xmax>30.0</xmax>"),
        ("<xmin>1</xmin>", "<xmin>0.1</xmin>"),
        ("<xmax>30</xmax>", "<xmax>0.30000000000000004</xmax>"),
        ("<xmin>1</xmin>", "<xmin> 1 </xmin>"),
        ("<xmin>1</xmin>\n\t\t\t<ymin>2</ymin>", "<ymin>2</ymin>\n\t\t\t<xmin>1</xmin>"),
        ("<width>640</width>", "<width>0640</width>"),
        ("<width>640</width>", "<width>big</width>"),
        ("\t<filename>a.jpg</filename>\n", ""),
        ("<filename>a.jpg</filename>", "<filename>/pictures/a.jpg</filename>"),
        ("<filename>a.jpg</filename>", "<filename>../../a.jpg</filename>"),
        ("<annotation>", '<annotation verified="yes &amp; &lt;no&gt;">'),
        ("<annotation>", '<?xml version="1.0" encoding="utf-8"?>\n<annotation>'),
        ("<difficult>0</difficult>", "<difficult>0</difficult>\n\t\t<difficult>1</difficult>"),
        (
            "<difficult>0</difficult>",
            '<mine a="1">é&amp;<b/></mine>'.replace("é&amp;<b/>", "\n\t\t\t<b/>\n\t\t\t<c>é&amp;</c>\n\t\t"),
        ),
        ("\t</object>\n", "\t</object>\n\t<segmented>0</segmented>\n"),
        ("</annotation>\n", "</annotation>"),
        ("\t", "    "),
    ],
)
def test_odd_spellings_come_back(tmp_path: Path, old: str, new: str) -> None:
    assert old in SMALL
    content = SMALL.replace(old, new)
    assert there_and_back(tmp_path, content).decode() == content


def test_one_line_without_indentation_comes_back(tmp_path: Path) -> None:
    content = "".join(line.strip() for line in SMALL.split("\n"))
    assert there_and_back(tmp_path, content).decode() == content


def test_objects_between_other_elements_keep_their_place(tmp_path: Path) -> None:
    thing = SMALL[SMALL.index("\t<object>") : SMALL.index("</annotation>")]
    content = SMALL.replace("\t<size>", thing.replace(">1<", ">0<") + "\t<size>")
    assert there_and_back(tmp_path, content).decode() == content


def test_a_moved_box_is_written_where_it_is(tmp_path: Path) -> None:
    items, records = read("voc", sample(tmp_path, "a.xml", SMALL.replace("<xmax>30<", "<xmax>30.0<")), P)
    records[0]["value"]["box"] = [0.1, 2, 0.2, 38]
    write("voc", items, records, tmp_path / "out", P)
    corners = ET.parse(tmp_path / "out" / "a.xml").getroot().find("object/bndbox")
    assert corners is not None
    assert [element.text for element in corners] == ["0.1", "2", "0.3", "40"]


def test_records_of_other_origin_make_plain_files(tmp_path: Path) -> None:
    record = {"item": "x", "id": "r1", "value": {"label": "cat", "box": [1, 2, 3, 4]}}
    write(
        "voc",
        [{"id": "x", "media": {"path": "x.png", "width": 9, "height": 8}}, {"id": "y", "text": "none"}],
        [record],
        tmp_path / "out",
        P,
    )
    assert bccd_counts.boxes(tmp_path / "out" / "x.xml") == [("cat", 1, 2, 4, 6)]
    assert (tmp_path / "out" / "y.xml").read_text() == "<annotation/>\n"


def test_other_files_of_the_folder_stay(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    sample(tmp_path / "out", "notes.txt", "mine")
    there_and_back(tmp_path, SMALL)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.xml", "notes.txt"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.xml", "out"]


# ---------------------------------------------------------------- bad input
LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("content", "message", "line"),
    [
        (LAUGHS + "\n" + SMALL.replace("cat", "&b;"), "document type", 1),
        ('<!DOCTYPE x SYSTEM "file:///etc/passwd">\n' + SMALL, "document type", 1),
        ("\n\n<!DOCTYPE annotation>\n" + SMALL, "document type", 3),
        (SMALL.replace("cat", "&nbsp;"), "not well-formed", 10),
        (SMALL.replace("</object>", ""), "not well-formed", 19),
        (SMALL.replace("annotation>", "other>"), "not 'annotation'", 1),
        (SMALL.replace("<name>cat</name>", ""), "no name", 9),
        (SMALL.replace("<name>cat</name>", "<name> </name>"), "no name", 9),
        (SMALL.replace("bndbox", "polygon"), "no bndbox", 9),
        (SMALL.replace("<xmin>1</xmin>", ""), "no xmin", 12),
        (SMALL.replace("<xmin>1</xmin>", "<xmin>one</xmin>"), "xmin is no number", 13),
        (SMALL.replace("<xmin>1</xmin>", "<xmin>nan</xmin>"), "xmin is no number", 13),
        (SMALL.replace("<xmin>1</xmin>", "<xmin>1e9e9</xmin>"), "xmin is no number", 13),
        (SMALL.replace("<xmin>1</xmin>", "<xmin>99999999999</xmin>"), "xmin is no number", 13),
        (SMALL.replace("<folder>f</folder>", "<a>" * 40 + "</a>" * 40), "deeper", 2),
        ("", "not well-formed", 1),
        (b'<?xml version="1.0" encoding="klingon"?><annotation/>', "not well-formed|encoding", 1),
        (SMALL.encode().replace(b"cat", b"\xff"), "not well-formed", 10),
    ],
)
def test_bad_files_say_where(tmp_path: Path, content: str | bytes, message: str, line: int) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read("voc", sample(tmp_path, "a.xml", content), P)
    assert caught.value.where.endswith(f"a.xml:{line}")


def test_a_folder_without_annotations_says_so(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent"):
        with pytest.raises(DataError, match="no XML"):
            read("voc", path, P)


@pytest.mark.parametrize("name", ["../../escape", "a/b", "a\\b", "..", ".hidden", "x" * 300])
def test_an_item_cannot_choose_where_it_is_written(tmp_path: Path, name: str) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    with pytest.raises(DataError, match="cannot name a file"):
        write("voc", [{"id": name}], [], tmp_path / "deep" / "er" / "out", P)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["deep", "er"]


def test_what_is_no_box_or_no_text_is_refused(tmp_path: Path) -> None:
    for value, message in (
        ({"label": "cat"}, "no box"),
        ({"label": "c\x00t", "box": [1, 2, 3, 4]}, "control character"),
    ):
        with pytest.raises(DataError, match=message) as caught:
            write("voc", [{"id": "x"}], [{"item": "x", "id": "r1", "value": value}], tmp_path / "out", P)
        assert caught.value.where.startswith("x#")
        assert not (tmp_path / "out").exists()


def test_memory_stays_flat_over_files(tmp_path: Path) -> None:
    for number in range(400):
        sample(tmp_path, f"{number}.xml", SMALL)
    tracemalloc.start()
    assert sum(1 for _ in registry.find("voc").read(tmp_path, P)) == 800
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


# ---------------------------------------------------------------- there and back
letters = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), min_size=1, max_size=8
)
texts = letters.filter(str.strip) | st.sampled_from(["e\u0301", "👩‍👩‍👧", "<b>&amp;", "]]>", "a\nb", '"', "a\tb"])
names = st.sampled_from(["pose", "truncated", "difficult", "occluded", "owner", "eigenes", "x-y", "é"])
numbers = st.integers(0, 9999) | st.decimals(0, 999, places=3).map(float)


@st.composite
def things(draw: st.DrawFn, depth: int = 2) -> elements.Element:
    made = elements.Element(draw(names), draw(st.dictionaries(st.sampled_from(["a", "b"]), texts, max_size=2)))
    if depth and draw(st.booleans()):
        made.children = draw(st.lists(things(depth - 1), max_size=3))
    if not made.children:
        made.text = draw(st.just("") | texts)
    return made


@st.composite
def pictures(draw: st.DrawFn) -> str:
    def leaf(name: str, text: object) -> elements.Element:
        return elements.Element(name, text=str(text))

    root = elements.Element("annotation")
    for _ in range(draw(st.integers(0, 4))):
        thing = elements.Element("object")
        corners = elements.Element("bndbox")
        corners.children = [leaf(name, draw(numbers)) for name in ("xmin", "ymin", "xmax", "ymax")]
        parts = [leaf("name", draw(texts)), corners, *draw(st.lists(things(), max_size=3))]
        thing.children = draw(st.permutations(parts))
        root.children.append(thing)
    size = elements.Element("size")
    size.children = [leaf(name, draw(st.integers(1, 999))) for name in ("width", "height", "depth")]
    others = draw(st.lists(things(), max_size=3)) + draw(st.sampled_from([[], [leaf("filename", "a b.jpg"), size]]))
    root.children = draw(st.permutations(root.children + others))
    return elements.write(root, "", draw(st.sampled_from(["\t", "  ", ""])) if root.children else "\t", "\n", "")


FOLLOWED = (
    "<annotation>\n\t<object>\n\t\t<name>0</name>\n\t\t<bndbox>\n"
    + "".join(f"\t\t\t<{corner}>0</{corner}>\n" for corner in ("xmin", "ymin", "xmax", "ymax"))
    + "\t\t</bndbox>\n\t</object>\n\t<pose/>\n</annotation>\n"
)
"""One object, and after it an element that usually stands after objects: it moved in front of it."""


@settings(max_examples=60)
@example(FOLLOWED)
@given(pictures())
def test_any_picture_comes_back_byte_by_byte(tmp_path_factory: pytest.TempPathFactory, content: str) -> None:
    assert there_and_back(tmp_path_factory.getbasetemp(), content.encode()).decode() == content


# ---------------------------------------------------------------- natural keys
def test_a_picture_is_called_by_its_key(tmp_path: Path) -> None:
    path = sample(tmp_path, "a.xml", SMALL.replace("<folder>f</folder>", "<source><flickrid>77</flickrid></source>"))
    items, records = read("voc", path, plan("box", key=("source/flickrid", "filename")))
    assert items[0]["id"] == records[0]["item"] == "77/a.jpg"
    assert items[0]["natural"] == {"filename": "a.jpg", "source/flickrid": "77"}
    with pytest.raises(DataError, match="no 'absent'") as caught:
        read("voc", path, plan("box", key=("absent",)))
    assert "filename" in caught.value.hint
    sample(tmp_path, "b.xml", SMALL)
    sample(tmp_path, "c.xml", SMALL)
    with pytest.raises(DataError, match=r"the key of a\.xml"):
        read("voc", tmp_path, plan("box", key=("filename",)))
