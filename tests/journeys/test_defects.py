"""Real defects of real data: each is found, as often as another program counts it, and nothing else is an error."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

TEMPLATE = {"object-a", "object-b", "object-c"}
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def pictures(real_data: Path, tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    """Return the last official version of TACO, as a file and as what it says."""
    packed = real_data / "taco" / "annotations.2019-12-19.508da01.json.gz"
    if not packed.is_file():
        pytest.skip("TACO is not among the real data")
    source = tmp_path / "taco.json"
    source.write_bytes(gzip.decompress(packed.read_bytes()))
    return source, json.loads(source.read_bytes())


@pytest.fixture
def ratings(real_data: Path) -> Path:
    """Return the file of a crowd that was asked which tasks are spam: worker, item, label."""
    source = real_data / "gal-crowd" / "HITspam-UsingCrowdflower" / "labels.txt"
    if not source.is_file():
        pytest.skip("the crowd's labels of HITspam are not among the real data")
    return source


def ask(folder: Path, dataset: str, checks: str) -> None:
    path = folder / f"datasets/{dataset}/dataset.yaml"
    text = path.read_text()
    start = text.index("checks:\n") if "checks:\n" in text else -1
    more = f"checks:\n{checks}"
    path.write_text(text[:start] + more + text[start + len("checks:\n") :] if start >= 0 else text + more)


def found(labelvc: Command, folder: Path) -> list[dict[str, Any]]:
    code, out, err = labelvc(folder, "check", "--all", "--format", "json")
    items = json.loads(out)["items"]
    assert code == int(any(item["severity"] == "error" for item in items)), err
    return items


def beyond(image: dict[str, Any], box: list[float]) -> float:
    """Return by how many pixels a box reaches over an edge of its picture."""
    x, y, width, height = box
    return max(-x, -y, x + width - image["width"], y + height - image["height"])


def test_pictures_without_licence_rare_labels_and_boxes_outside(project, labelvc: Command, pictures):
    source, said = pictures
    folder = project("boxes")
    assert labelvc(folder, "import", "coco", str(source), "--dataset", "pictures", "--add-labels")[0] == 0
    taxonomy = folder / "taxonomies/objects.yaml"  # of the 60 labels one was never used, so the import did not bring it
    taxonomy.write_text(taxonomy.read_text() + "  - {id: Plastified paper bag, name: Plastified paper bag}\n")
    ask(folder, "pictures", "  item.licence: {severity: warning}\n  label.floor: {threshold: 10}\n")
    items = found(labelvc, folder)
    rules = Counter(item["rule"] for item in items)
    images = {image["id"]: image for image in said["images"]}
    over = sorted(far for one in said["annotations"] if (far := beyond(images[one["image_id"]], one["bbox"])) > 0)
    assert (over[0], len(over[1:]), over[1] >= 1) == (
        0.5,
        6,
        True,
    )  # one is a drawing program's half pixel, six are out
    used = Counter(one["category_id"] for one in said["annotations"])
    rare = {one["name"] for one in said["categories"] if used[one["id"]] < 10}
    assert (rules["box.outside"], rules["item.licence"]) == (6, 715)
    assert (len(said["categories"]), len(rare), sum(not image["license"] for image in said["images"])) == (60, 19, 715)
    assert {item["rule"] for item in items if item["severity"] == "error"} == {"box.outside"}
    assert {item["message"].split("'")[1] for item in items if item["rule"] == "label.floor"} - TEMPLATE == rare
    ask(folder, "pictures", "  box.outside: {threshold: 0}\n")
    assert Counter(item["rule"] for item in found(labelvc, folder))["box.outside"] == 7


def test_a_crowd_whose_workers_answered_twice(project, labelvc: Command, ratings: Path):
    rows = [line.split("\t") for line in ratings.read_text().splitlines()]
    twice = sum(number - 1 for number in Counter((worker, item) for worker, item, _ in rows).values())
    assert twice == 4169
    folder = project("classification")
    words = ("--item", "2", "--by", "1", "--value", "3", "--dataset", "texts", "--add-labels")
    code, out, err = labelvc(folder, "import", "csv", str(ratings), *words)
    assert code == 0, out + err
    items = found(labelvc, folder)
    assert Counter(item["rule"] for item in items) == {"rating.duplicate": twice}
