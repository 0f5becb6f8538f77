"""COCO instances: nothing lost that is not said to be, twins kept apart, and one changed label one changed line."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelvc.codec import canonical
from labelvc.errors import DataError
from labelvc.formats import documents, registry
from labelvc.formats.interface import Plan
from labelvc.model.project import Dataset, Label, Taxonomy
from tests import strategies
from tests.formats.exchange import DATASET, plan, sample

Thing = dict[str, Any]
SQUARE = [1, 1, 9, 1, 9, 9, 1, 9]
SMALL: Thing = {
    "info": {"year": 2026, "description": "é"},
    "licenses": [],
    "mine": {"deep": [1, None, True]},
    "images": [
        {"id": 7, "file_name": "b/a.jpg", "width": 64, "height": 48, "flickr_url": "https://x/1", "license": None},
        {"id": 8, "file_name": "../up.jpg", "width": 0, "flickr_url": "https://x/2"},
        {"id": 9, "flickr_url": "https://x/3"},
    ],
    "annotations": [
        {"id": 1, "image_id": 7, "category_id": 3, "bbox": [1, 1, 8, 8], "segmentation": [SQUARE], "area": 64, "iscrowd": 0, "note": "x"},
        {"id": 1, "image_id": 7, "category_id": 5, "bbox": [2.5, 2, 8, 8], "segmentation": [[0, 0, 2, 0, 2, 2], SQUARE], "area": 1},
        {"id": 1, "image_id": 8, "category_id": 3, "bbox": [0, 0, 4, 4], "iscrowd": 1, "segmentation": {"counts": [0, 3, 1], "size": [2, 2]}},
        {"id": 4, "image_id": 8, "category_id": 3, "bbox": [0, 0, 4, 4], "segmentation": {"counts": "04", "size": [2, 2]}, "keypoints": [1, 2, 2], "num_keypoints": 1},
        {"id": 5, "image_id": 8, "category_id": 3, "bbox": [0, 0, 4, 4], "segmentation": []},
    ],
    "categories": [{"id": 3, "name": "cat", "supercategory": "animal", "keypoints": ["nose"], "skeleton": [[1, 1]]}, {"id": 5, "name": "dog"}, {"id": 6, "name": "newt"}],
    "scene": [{"image_id": 7, "kind": "wet"}, {"image_id": 9, "kind": "dry"}, {"image_id": 7, "kind": "dark"}],
}  # fmt: skip


def bring(path: Path, said: Plan) -> tuple[list[Thing], list[Thing], Dataset]:
    """Return items, records and the dataset as an import leaves them; a record without an id gets one."""
    rows = list(registry.find("coco").read(path, said))
    assert [row.layer for row in rows].count("dataset") == 1
    found: dict[str, list[Thing]] = {"items": [], "annotations": [], "dataset": []}
    for number, row in enumerate(rows):
        if row.layer == "annotations":
            row.fields.setdefault("id", f"b{number}")
            row.fields["origin"] = {"tool": "coco"}
        found[row.layer].append(canonical.decode(canonical.encode(row.fields)))
    known = Dataset(DATASET.name, DATASET.id, DATASET.tasks, ext=found["dataset"][0]["ext"])
    return found["items"], found["annotations"], known


def there_and_back(folder: Path, content: Thing | str, said: Plan) -> bytes:
    path = sample(folder, "in.json", content if isinstance(content, str) else json.dumps(content))
    items, records, known = bring(path, said)
    registry.find("coco").write(items, records, known, said, folder / "out.json")
    return (folder / "out.json").read_bytes()


def ordered(content: Thing) -> Thing:
    """Return content with its lists in an order of their own, empty ones that a file may as well lack left out."""
    made = json.loads(canonical.encode(content))
    for members in made.values():
        if isinstance(members, list):
            members.sort(key=canonical.encode)
    return made


@pytest.mark.parametrize("kind", ["box", "polygon", "mask"])
def test_everything_comes_back(tmp_path: Path, kind: str) -> None:
    assert ordered(json.loads(there_and_back(tmp_path, SMALL, plan(kind)))) == ordered(SMALL)


@pytest.mark.parametrize("kind", ["box", "polygon", "mask"])
def test_by_a_key_all_but_the_numbers_comes_back(tmp_path: Path, kind: str) -> None:
    made = json.loads(there_and_back(tmp_path, SMALL, plan(kind, key=("flickr_url",))))
    assert [image["id"] for image in made["images"]] == [1, 2, 3]
    assert [one["id"] for one in made["annotations"]] == [1, 2, 3, 4, 5]
    urls = [{image["id"]: image.pop("flickr_url") for image in one["images"]} for one in (made, SMALL_COPY())]
    expected = SMALL_COPY()
    for one, names in ((made, urls[0]), (expected, urls[1])):
        for member in (*one["annotations"], *one["scene"]):
            member["image_id"] = names[member["image_id"]]
            member.pop("id", None)
        for image in one["images"]:
            image["id"] = names[image["id"]]
            image.pop("flickr_url", None)
    assert ordered(made) == ordered(expected)


def SMALL_COPY() -> Thing:  # noqa: N802 -- a constant, fresh
    return json.loads(json.dumps(SMALL))


def test_what_is_stored(tmp_path: Path) -> None:
    items, records, known = bring(sample(tmp_path, "a.json", json.dumps(SMALL)), plan("mask"))
    assert items[0] == {
        "id": "7",
        "media": {"path": "b/a.jpg", "width": 64, "height": 48},
        "ext": {
            "coco": {"flickr_url": "https://x/1", "license": None},
            "coco-lists": {"scene": [{"kind": "wet"}, {"kind": "dark"}]},
        },
    }
    assert [record["id"] for record in records] == ["1", "1.2", "1", "4", "5"]
    assert records[0]["value"] == {"label": "cat", "polygon": [[1, 1], [9, 1], [9, 9], [1, 9]]}
    assert records[0]["ext"] == {"coco": {"area": 64, "iscrowd": 0, "note": "x"}}, "its bbox goes around its outline"
    assert records[1]["value"]["polygon"] == [[1, 1], [9, 1], [9, 9], [1, 9]], "the larger part"
    assert records[1]["ext"]["coco"]["segmentation"] == [[0, 0, 2, 0, 2, 2], True]
    assert records[2]["value"] == {"label": "cat", "rle": {"counts": [0, 3, 1], "size": [2, 2]}}
    assert records[4]["value"] == {"label": "cat", "box": [0, 0, 4, 4]}, "no outline"
    assert known.ext["coco"]["categories"]["newt"] == {"id": 6}
    items, records, _ = bring(tmp_path / "a.json", plan("box", key=("flickr_url",)))
    assert items[1]["id"] == "https://x/2"
    assert items[1]["natural"] == {"flickr_url": "https://x/2"}
    assert "id" not in items[1]["ext"]["coco"]


def test_one_changed_label_is_one_changed_line(tmp_path: Path) -> None:
    items, records, known = bring(sample(tmp_path, "a.json", json.dumps(SMALL)), plan("box"))
    write = registry.find("coco").write
    write(items, records, known, plan("box"), tmp_path / "one.json")
    records[1]["value"]["label"] = "newt"
    write(items, records, known, plan("box"), tmp_path / "two.json")
    pairs = zip(
        (tmp_path / "one.json").read_text().split("\n"), (tmp_path / "two.json").read_text().split("\n"), strict=True
    )
    changed = [(old, new) for old, new in pairs if old != new]
    assert len(changed) == 1
    assert '"category_id":5' in changed[0][0]
    assert '"category_id":6' in changed[0][1]


def test_looked_at_and_empty_is_not_the_same_as_not_labelled(tmp_path: Path) -> None:
    items, records, known = bring(sample(tmp_path, "a.json", json.dumps(SMALL)), plan("box"))
    records.append({"item": "9", "id": "r1", "value": {"empty": True}})
    items.append({"id": "10", "media": {"path": "new.jpg"}})
    assert registry.find("coco").write(items, records, known, plan("box"), tmp_path / "out.json") == 5
    made = {image["id"]: image for image in json.loads((tmp_path / "out.json").read_bytes())["images"]}
    assert made[9]["labelvc_empty"] is True
    assert "labelvc_empty" not in made[10]
    _, back, _ = bring(tmp_path / "out.json", plan("box"))
    assert [record["item"] for record in back if record["value"] == {"empty": True}] == ["9"]


def test_labels_are_looked_up_by_name_never_by_number(tmp_path: Path) -> None:
    pets = Taxonomy("pets", "1.0.0", (Label("felis", "cat"), Label("canis", "dog")))
    said = plan("box", taxonomy=pets)
    items, records, known = bring(sample(tmp_path, "a.json", json.dumps(SMALL)), said)
    assert [record["value"]["label"] for record in records] == ["felis", "canis", "felis", "felis", "felis"]
    other = SMALL_COPY()
    other["categories"] = [{"id": 3, "name": "dog"}, {"id": 5, "name": "cat"}]
    _, renumbered, _ = bring(sample(tmp_path, "b.json", json.dumps(other)), said)
    assert [record["value"]["label"] for record in renumbered] == ["canis", "felis", "canis", "canis", "canis"]
    renamed = Taxonomy("pets", "1.1.0", (Label("felis", "Katze"), Label("canis", "dog")))
    registry.find("coco").write(items, records, known, plan("box", taxonomy=renamed), tmp_path / "out.json")
    made = json.loads((tmp_path / "out.json").read_bytes())
    assert made["categories"][0] == {
        "id": 3,
        "name": "Katze",
        "supercategory": "animal",
        "keypoints": ["nose"],
        "skeleton": [[1, 1]],
    }


def test_records_of_other_origin_make_a_whole_file(tmp_path: Path) -> None:
    records = [
        {"item": "x", "id": "r1", "value": {"label": "cat", "box": [1, 2, 3, 4]}},
        {"item": "x", "id": "r2", "value": {"label": "dog", "polygon": [[0, 0], [4, 0], [4, 4]]}},
    ]
    items = [{"id": "x", "media": {"path": "x.png", "width": 9, "height": 8}}, {"id": "5"}]
    registry.find("coco").write(items, records, DATASET, plan("box"), tmp_path / "out.json")
    assert json.loads((tmp_path / "out.json").read_bytes()) == {
        "images": [{"id": 5}, {"id": 6, "file_name": "x.png", "width": 9, "height": 8}],
        "annotations": [
            {"id": 1, "image_id": 6, "category_id": 1, "area": 12, "bbox": [1, 2, 3, 4], "iscrowd": 0},
            {"id": 2, "image_id": 6, "category_id": 2, "area": 8, "bbox": [0, 0, 4, 4], "iscrowd": 0, "segmentation": [[0, 0, 4, 0, 4, 4]]},
        ],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
    }  # fmt: skip


# ---------------------------------------------------------------- bad input
def changed(part: str, at: int, **members: Any) -> str:
    content = SMALL_COPY()
    content[part][at].update(members)
    return json.dumps(content)


@pytest.mark.parametrize(
    ("content", "message", "where"),
    [
        ("", "empty", ""),
        ("[]", "not a JSON object", ""),
        ("{", "not a JSON object", ""),
        ('{"images": [1e999]}', "annotations", ""),
        (json.dumps(SMALL).replace("2.5", "Infinity"), "not a JSON object", ""),
        (json.dumps(SMALL)[:-1] + ', "info": {}}', "occurs twice", ""),
        (json.dumps(SMALL).replace('"note": "x"', '"note": "x", "note": "y"'), "occurs twice", ":annotations[0]"),
        (json.dumps(SMALL).replace('"area": 64', '"area": 9007199254740993'), "2\\^53", ":annotations[0]"),
        (json.dumps({**SMALL, "images": {}}), "images is no list", ""),
        (json.dumps({**SMALL, "images": [1]}), "object", ":images[0]"),
        ('{"annotations": []}', "no images", ""),
        (changed("images", 1, id=7), "the id of a.json:images\\[0\\]", ":images[1]"),
        (changed("images", 1, id=None), "no id", ":images[1]"),
        (changed("annotations", 2, image_id=99), "no image", ":annotations[2]"),
        (changed("annotations", 2, category_id=99), "no category", ":annotations[2]"),
        (changed("annotations", 2, bbox=[1, 2, 3]), "no bbox", ":annotations[2]"),
        (changed("annotations", 2, id="a#b"), "cannot name a record", ":annotations[2]"),
        (changed("categories", 1, id=3), "two categories", ":categories[1]"),
        (changed("categories", 1, name="cat"), "two categories", ":categories[1]"),
        (changed("categories", 1, name=None), "no name", ":categories[1]"),
        ("{" + '"a":' + "[" * 100_000 + "]" * 100_000 + "}", "nested|not a JSON", ""),
        (json.dumps({**SMALL, "mine": "x"}).encode().replace(b'"x"', b'"\xff"').decode("latin-1"), "", ""),
    ],
)
def test_bad_files_say_where(tmp_path: Path, content: str, message: str, where: str) -> None:
    path = sample(tmp_path, "a.json", content)
    if not message:
        path.write_bytes(content.encode("latin-1"))
        message = "not UTF-8"
    with pytest.raises(DataError, match=message) as caught:
        bring(path, plan("box"))
    assert where in caught.value.where


@pytest.mark.parametrize(
    ("content", "key", "message"),
    [
        (changed("images", 1, flickr_url=None), "flickr_url", "no 'flickr_url'"),
        (changed("images", 1, flickr_url="https://x/1"), "flickr_url", "the key of a.json:images\\[0\\]"),
        (json.dumps(SMALL), "absent", "no 'absent'"),
        (changed("images", 1, flickr_url=[1]), "flickr_url", "no 'flickr_url'"),
        (changed("images", 1, flickr_url="a\nb"), "flickr_url", "cannot name an item"),
    ],
)
def test_a_key_that_names_nothing_is_refused(tmp_path: Path, content: str, key: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        bring(sample(tmp_path, "a.json", content), plan("box", key=(key,)))
    assert "--key" in caught.value.hint


def test_other_tasks_and_values_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="type score"):
        bring(sample(tmp_path, "a.json", json.dumps(SMALL)), plan("score"))
    for value in ({"label": "cat"}, {"box": [1, 2, 3, 4]}, {"label": "cat", "media": "mask.png"}):
        with pytest.raises(DataError, match="no box"):
            registry.find("coco").write(
                [], [{"item": "x", "id": "r", "value": value}], DATASET, plan("box"), tmp_path / "o"
            )
        assert not (tmp_path / "o").exists()


def test_a_large_file_is_held_once(tmp_path: Path) -> None:
    many = {
        **SMALL_COPY(),
        "annotations": [{**SMALL["annotations"][0], "id": at, "note": "n" * 400} for at in range(5000)],
    }
    path = sample(tmp_path, "a.json", json.dumps(many))
    tracemalloc.start()
    rows = sum(1 for _ in registry.find("coco").read(path, plan("box")))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert rows == 5004
    assert peak < 1.5 * path.stat().st_size + 1_500_000


# ---------------------------------------------------------------- there and back
names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=6).filter(str.strip)
numbers = st.integers(-999, 999) | st.decimals(-99, 99, places=2).map(float)
free = st.dictionaries(
    st.sampled_from(["note", "é", "id2", "flickr_url", "attributes", "score"]), strategies.json_values, max_size=3
)
rings = st.lists(st.lists(numbers, max_size=9), max_size=3)
shapes = rings | st.fixed_dictionaries(
    {"counts": st.text(max_size=4) | st.lists(st.integers(0, 9), max_size=3), "size": st.lists(st.integers(0, 9), min_size=2, max_size=2)}
) | strategies.json_values  # fmt: skip


@st.composite
def files(draw: st.DrawFn) -> Thing:
    categories = [
        {**draw(free), "id": at * 2, "name": name}
        for at, name in enumerate(draw(st.lists(names, min_size=1, max_size=3, unique_by=str.strip)))
    ]
    images = [{**draw(free), "id": number} for number in draw(st.lists(st.integers(0, 99), max_size=4, unique=True))]
    for image in images:
        image.update(draw(st.dictionaries(st.sampled_from(["width", "height"]), st.integers(-1, 9), max_size=2)))
        if draw(st.booleans()):
            image["file_name"] = draw(names | st.sampled_from(["/a", "../b", "a/../../c", ""]))
    annotations = []
    for number in draw(st.lists(st.integers(0, 9), max_size=5)) if images else []:
        one = {**draw(free), "id": number, "image_id": draw(st.sampled_from(images))["id"]}
        one["category_id"] = draw(st.sampled_from(categories))["id"]
        one["bbox"] = draw(st.lists(numbers, min_size=4, max_size=4))
        if draw(st.booleans()):
            one["segmentation"] = draw(shapes)
        annotations.append(one)
    beside = {f"top-{name}": value for name, value in draw(free).items()}
    return {**beside, "images": images, "annotations": annotations, "categories": categories}


@settings(max_examples=40)
@given(files(), st.sampled_from(["box", "polygon", "mask"]))
def test_any_file_comes_back(tmp_path_factory: pytest.TempPathFactory, content: Thing, kind: str) -> None:
    made = json.loads(there_and_back(tmp_path_factory.getbasetemp(), content, plan(kind)))
    assert ordered(made) == ordered(content)


@given(st.dictionaries(names, strategies.json_values, max_size=4), st.sampled_from(["", " ", "\n\t"]))
def test_a_document_is_cut_where_its_members_are(
    tmp_path_factory: pytest.TempPathFactory, content: Thing, blank: str
) -> None:
    text = json.dumps(content, ensure_ascii=False, separators=(f"{blank},{blank}", f"{blank}:{blank}"))
    path = sample(tmp_path_factory.getbasetemp(), "cut.json", f"{blank}{text}{blank}")
    assert {name: piece.value() for name, piece in documents.members(path).items()} == json.loads(
        canonical.encode(content)
    )


LICENCES = [
    {"id": 1, "name": "CC BY 2.0", "url": "https://x"},
    {"id": 2, "name": "twice"},
    {"id": 3, "name": "twice"},
    {"id": [4]},
    5,
]


@pytest.mark.parametrize(
    ("said", "licence", "left"),
    [
        (1, "CC BY 2.0", ()),
        ("MIT", "MIT", ()),
        ("CC BY 2.0", "CC BY 2.0", ("license",)),
        (3, "twice", ("license",)),
        ("twice", "twice", ()),
        (9, None, ("license",)),
        (None, None, ("license",)),
        (" ", None, ("license",)),
        ([1], None, ("license",)),
        (True, None, ("license",)),
    ],
)  # fmt: skip
def test_the_licence_of_a_picture_is_the_item_s_and_comes_back(tmp_path: Path, said: Any, licence: str, left: Any):
    content = {**SMALL, "licenses": LICENCES, "images": [{"id": 7, "license": said}], "annotations": [], "scene": []}
    items, _, _ = bring(sample(tmp_path, "a.json", json.dumps(content)), plan("box"))
    assert items[0].get("licence") == licence
    assert tuple(items[0].get("ext", {}).get("coco", ())) == left
    assert ordered(json.loads(there_and_back(tmp_path, content, plan("box")))) == ordered(content)


def test_a_licence_that_was_edited_is_the_one_that_is_written(tmp_path: Path):
    content = {**SMALL, "licenses": LICENCES, "images": [{"id": 7, "license": 3}], "annotations": [], "scene": []}
    items, records, known = bring(sample(tmp_path, "a.json", json.dumps(content)), plan("box"))
    for licence, expected in (("CC BY 2.0", 1), ("twice", 3), ("MIT", "MIT")):
        items[0]["licence"] = licence
        registry.find("coco").write(items, records, known, plan("box"), tmp_path / "out.json")
        assert json.loads((tmp_path / "out.json").read_bytes())["images"][0]["license"] == expected
