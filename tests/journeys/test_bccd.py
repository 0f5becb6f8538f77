"""Real boxes around blood cells: what is imported, found and exported is what another program counts in the XML."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.copying import copied
from tests.oracles import bccd_counts

RULES = {
    "box.zero_area": "zero_area",
    "box.near_duplicate": "near",
    "box.outside": "outside",
    "box.shifted_copy": "copies",
}
KNOWN = {"items": 364, "records": 4888, "zero_area": 2, "near_duplicates": 8}
DOUBLED = ("box.near_duplicate", "box.shifted_copy")
"""A pair that all but coincides is told by one of these: whether one box was pasted decides by which."""


@pytest.fixture
def cells(real_data: Path, tmp_path: Path) -> Path:
    """Return a copy of the real folder that may be changed."""
    source = real_data / "bccd-voc" / "BCCD" / "Annotations"
    if not source.is_dir():
        pytest.skip("the boxes of BCCD are not among the real data")
    return copied(source, tmp_path / "cells")


@pytest.fixture
def few(cells: Path) -> Path:
    """Return the copy with all pictures of odd boxes, and some others: what one mutation does is seen on forty pictures."""
    odd = set(bccd_counts.doubled(cells)) | {"BloodImage_00338", "BloodImage_00343"}
    plain = [path for path in sorted(cells.glob("*.xml")) if path.stem not in odd]
    for path in plain[30:]:
        path.unlink()
    counted = bccd_counts.count(cells)
    assert (counted["items"], counted["zero_area"], counted["near_duplicates"]) == (40, 2, 8)
    return cells


@pytest.fixture
def bring(project: Callable[[str], Path], labelvc: Callable[..., tuple[int, str, str]]) -> Callable[[Path], Path]:
    """Import a folder of VOC files into a project, afresh or over what is there."""
    made: list[Path] = []

    def run(source: Path) -> Path:
        made or made.append(project("boxes"))
        words = ["import", "voc", str(source), "--dataset", "pictures", "--add-labels", "--mode", "replace"]
        code, out, err = labelvc(made[0], *words)
        assert code == 0, out + err
        return made[0]

    return run


@pytest.fixture
def figures(labelvc: Callable[..., tuple[int, str, str]]) -> Callable[[Path], dict[str, Any]]:
    """Return the oracle's figures as labelvc tells them: items and labels from stored lines, the rest from `check`."""

    def tell(folder: Path) -> dict[str, Any]:
        found = findings(labelvc, folder)
        lines = {
            layer: [
                json.loads(line)
                for path in sorted((folder / "datasets/pictures" / layer).glob("*.jsonl"))
                for line in path.read_text().splitlines()
            ]
            for layer in ("items", "annotations")
        }
        live = [line for line in lines["annotations"] if "gone" not in line]
        rules = Counter(item["rule"] for item in found)
        assert set(rules) <= set(RULES), rules
        return {
            "items": len(lines["items"]),
            "records": len(live),
            "labels": dict(Counter(line["value"]["label"] for line in live)),
            **{name: rules[rule] for rule, name in RULES.items() if name != "near"},
            "near_duplicates": sum(rules[rule] for rule in DOUBLED),
        }

    return tell


def findings(labelvc: Callable[..., tuple[int, str, str]], folder: Path) -> list[dict[str, Any]]:
    code, out, err = labelvc(folder, "check", "--all", "--format", "json")
    document = json.loads(out)
    assert code == int(any(item["severity"] == "error" for item in document["items"])), err
    return document["items"]


def expected(source: Path) -> dict[str, Any]:
    return {**bccd_counts.count(source), "outside": bccd_counts.outside(source), "copies": bccd_counts.copied(source)}


def edit(path: Path, change: Callable[[ET.Element], None]) -> None:
    tree = ET.parse(path)
    change(tree.getroot())
    tree.write(path)


def flatten(root: ET.Element) -> None:
    """Take away the area of the first box."""
    box = root.find("object/bndbox")
    box.find("xmax").text = box.findtext("xmin")


def double(root: ET.Element) -> None:
    """Draw the first box a second time, two pixels further."""
    second = ET.fromstring(ET.tostring(root.find("object")))
    for corner in second.find("bndbox"):
        corner.text = str(int(corner.text) - 2)
    root.append(second)


def redraw(root: ET.Element) -> None:
    """Draw the first box a second time, a pixel wider."""
    second = ET.fromstring(ET.tostring(root.find("object")))
    second.find("bndbox/xmax").text = str(int(second.findtext("bndbox/xmax")) - 1)
    root.append(second)


def push_out(root: ET.Element) -> None:
    """Let the first box end right of its picture."""
    root.find("object/bndbox/xmax").text = str(int(root.findtext("size/width")) + 5)


def test_all_boxes_come_in_and_check_finds_what_is_wrong_with_them(cells, bring, figures, labelvc, tmp_path):
    counted = bccd_counts.count(cells)
    assert {name: counted[name] for name in KNOWN} == KNOWN
    folder = bring(cells)
    assert figures(folder) == expected(cells)
    found = findings(labelvc, folder)
    zero = [item["place"]["key"].split("#")[0] for item in found if item["rule"] == "box.zero_area"]
    assert sorted(zero) == ["pictures/BloodImage_00338", "pictures/BloodImage_00343"]
    doubled = [item["place"]["key"].split("#")[0][9:] for item in found if item["rule"] in DOUBLED]
    assert sorted(doubled) == sorted(name for name, pairs in bccd_counts.doubled(cells).items() for _ in pairs)
    copies = [item for item in found if item["rule"] == "box.shifted_copy"]
    assert len(copies) == bccd_counts.copied(cells) == 7
    assert {item["message"].rpartition(" by ")[2] for item in copies} <= {"(-2,-2)", "(2,2)"}
    (real,) = [item for item in found if item["rule"] == "box.near_duplicate"]
    assert (real["place"]["key"].split("#")[0], real["severity"]) == ("pictures/BloodImage_00013", "warning")
    assert all(item["hint"] and item["place"]["line"] for item in found)
    code, _, err = labelvc(folder, "export", "voc", "--dataset", "pictures", "-o", str(tmp_path / "out"))
    assert code == 0, err
    names = [path.name for path in cells.iterdir()]
    assert [name for name in names if (cells / name).read_bytes() != (tmp_path / "out" / name).read_bytes()] == []


@pytest.mark.long
def test_nothing_in_clean_files_is_flagged(cells, bring, figures):
    """Files in which the oracle finds nothing wrong, all 356 of them."""
    dirty = set(bccd_counts.doubled(cells)) | {"BloodImage_00338", "BloodImage_00343"}
    for name in dirty:
        (cells / f"{name}.xml").unlink()
    counted = expected(cells)
    assert counted["items"] == 364 - len(dirty) > 350
    assert counted["zero_area"] == counted["near_duplicates"] == counted["outside"] == 0
    assert figures(bring(cells)) == counted


@pytest.mark.parametrize(
    ("change", "name", "step"),
    [(flatten, "zero_area", 1), (double, "copies", 1), (redraw, "near_duplicates", 1), (push_out, "outside", 1)],
)
def test_one_more_wrong_box_is_one_more_finding(few, bring, figures, change, name, step):
    before = expected(few)
    edit(few / "BloodImage_00000.xml", change)
    after = expected(few)
    assert after[name] == before[name] + step
    others = {key for key in before if before[key] != after[key]} - {name}
    assert others in (set(), {"records", "labels"}, {"records", "labels", "near_duplicates"})
    assert figures(bring(few)) == after


def test_removing_one_of_two_boxes_or_mending_one_is_one_finding_less_and_a_tombstone(
    few, bring, figures, git, labelvc
):
    folder = bring(few)
    git(folder, "add", "--all")
    git(folder, "commit", "-qm", "all boxes")
    before = expected(few)
    name, pairs = next(iter(bccd_counts.doubled(few).items()))
    second = pairs[0][1]

    def drop(root: ET.Element) -> None:
        root.remove(next(thing for thing in root.iter("object") if bccd_counts.corners(thing) == second[1:]))

    edit(few / f"{name}.xml", drop)
    bring(few)
    counted = expected(few)
    assert {key: before[key] - counted[key] for key in ("records", "near_duplicates", "zero_area", "items")} == {
        "records": 1, "near_duplicates": 1, "zero_area": 0, "items": 0,
    }  # fmt: skip
    assert figures(folder) == counted
    _, out, _ = labelvc(folder, "diff", "--format", "jsonl")
    gone = [json.loads(line) for line in out.splitlines()]
    records = [delta for delta in gone if "#" in delta["key"] and not delta["key"].endswith("#")]
    assert [(delta["kind"], delta["key"].split("#")[0]) for delta in records] == [("removed", f"pictures/{name}")]
    assert records[0]["new"]["gone"] is True
    edit(
        few / "BloodImage_00338.xml",
        lambda root: [root.remove(thing) for thing in root.findall("object") if is_flat(thing)],
    )
    bring(few)
    assert figures(folder)["zero_area"] == expected(few)["zero_area"] == before["zero_area"] - 1


def is_flat(thing: ET.Element) -> bool:
    left, upper, right, lower = bccd_counts.corners(thing)
    return left == right or upper == lower


def test_one_relabelled_box_is_one_transition(few, bring, figures, git, labelvc):
    folder = bring(few)
    git(folder, "add", "--all")
    git(folder, "commit", "-qm", "all boxes")
    edit(few / "BloodImage_00000.xml", lambda root: setattr(root.find("object[1]/name"), "text", "Platelets"))
    bring(few)
    assert figures(folder) == expected(few)
    _, out, _ = labelvc(folder, "diff", "--stat", "--format", "json")
    summary = json.loads(out)["summary"]
    assert {kind: number for kind, number in summary["records"].items() if number} == {"changed": 1}
    assert [(move["old"], move["new"], move["count"]) for move in summary["transitions"]] == [("WBC", "Platelets", 1)]


def test_a_threshold_of_the_dataset_decides_what_counts_as_double(few, bring, labelvc, git):
    folder = bring(few)
    declared = folder / "datasets/pictures/dataset.yaml"
    declared.write_text(declared.read_text().replace("checks:\n", "checks:\n  box.shifted_copy: {severity: off}\n"))
    for threshold in (0.9, 0.5):
        text = declared.read_text()
        start = text.index("threshold: ") + len("threshold: ")
        declared.write_text(text[:start] + str(threshold) + text[text.index(" ", start) :])
        found = [item for item in findings(labelvc, folder) if item["rule"] == "box.near_duplicate"]
        assert len(found) == sum(map(len, bccd_counts.doubled(few, threshold).values())), threshold


def again(labelvc: Callable[..., tuple[int, str, str]], folder: Path, source: Path, *words: str) -> tuple[int, str]:
    asked = ["import", "voc", str(source), "--dataset", "pictures", "--add-labels", "--mode", "replace", *words]
    code, out, err = labelvc(folder, *asked)
    return code, out + err


def test_all_boxes_moved_and_all_labels_changed_is_no_renumbering(few, bring, labelvc, git):
    folder = bring(few)
    git(folder, "add", "--all")
    git(folder, "commit", "-qm", "all boxes")

    def move(root: ET.Element) -> None:
        for corner in root.iter("bndbox"):
            for place in corner:
                place.text = str(int(place.text) + 2)

    def relabel(root: ET.Element) -> None:
        for name in root.iterfind("object/name"):
            name.text = f"new {name.text}"

    for change in (move, relabel):
        for path in few.iterdir():
            edit(path, change)
        assert again(labelvc, folder, few)[0] == 0


def test_pictures_under_other_names_are_stopped_and_found_by_what_is_drawn_on_them(few, bring, labelvc, git):
    folder = bring(few)
    git(folder, "add", "--all")
    git(folder, "commit", "-qm", "all boxes")
    for path in sorted(few.iterdir()):
        path.rename(path.with_name(f"renamed-{path.name}"))
    code, said = again(labelvc, folder, few)
    records = bccd_counts.count(few)["records"]
    assert (code, f"{records} of the {records} ids stored here" in said) == (1, True), said
    assert git(folder, "status", "--porcelain") == ""
    code, said = again(labelvc, folder, few, "--key", "filename")
    assert code == 0, said
    assert "0 changed, 0 added, 0 removed in 0 items; items: 40 changed" in said
    code, said = again(labelvc, folder, few, "--key", "filename")
    assert (code, "wrote 0 shards" in said) == (0, True), said
