"""The review of real changes: boxes around blood cells looked at in a browser, and two releases of a treebank."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from PIL import Image

from tests.browser import look
from tests.journeys.test_bccd import bring, cells, edit, few, is_flat
from tests.journeys.test_ud import FILE, MALFORMED, NEW, OLD, Treebank, bank, expected
from tests.oracles import bccd_counts

__all__ = ["bank", "bring", "cells", "few"]
Run = Callable[..., tuple[int, str, str]]
MAGENTA = (255, 47, 208)
KEPT = "BloodImage_00013"
"""Two cells that overlap, not one that was boxed twice."""
SHOWN = ("BloodImage_00013", "BloodImage_00020", "BloodImage_00338", "BloodImage_00343")


@pytest.fixture
def corrected(few: Path, bring: Callable[[Path], Path], real_data: Path, git: Callable[..., str], labelvc: Run) -> Path:
    """Return a project with a branch that removes boxes without area and shifted copies, and keeps what is none."""
    folder = bring(few)
    files = [str(real_data / f"bccd-voc/BCCD/JPEGImages/{name}.jpg") for name in SHOWN]
    code, _, err = labelvc(folder, "media", "add", *files, "--dataset", "pictures")
    assert code == 0, err
    git(folder, "add", "--all")
    git(folder, "commit", "-qm", "All boxes")
    git(folder, "switch", "-qc", "boxes")
    for name in ("BloodImage_00338", "BloodImage_00343"):
        edit(few / f"{name}.xml", lambda root: [root.remove(one) for one in root.findall("object") if is_flat(one)])
    for name, pairs in bccd_counts.doubled(few).items():
        if name != KEPT:
            edit(few / f"{name}.xml", without({pair[1][1:] for pair in pairs}))
    bring(few)
    git(folder, "add", "--all")
    git(folder, "commit", "-qm", "Remove boxes without area and doubled boxes")
    return folder


def without(copies: set[tuple[float, ...]]) -> Callable[[ET.Element], None]:
    """Return what takes boxes with these corners out of a file."""

    def take(root: ET.Element) -> None:
        for one in root.findall("object"):
            if bccd_counts.corners(one) in copies:
                root.remove(one)

    return take


def reviewed(labelvc: Run, folder: Path, words: str, *more: str) -> dict[str, Any]:
    code, out, err = labelvc(folder, "review", words, "--format", "json", *more)
    assert code == 0, err
    return dict(json.loads(out))


def test_doubled_boxes_are_removed_and_the_pair_that_is_none_stays(corrected, few, labelvc):
    found = reviewed(labelvc, corrected, "main...boxes")
    counted = bccd_counts.count(few)
    records = found["counts"]["records"]
    assert (records["removed"], records["added"], records["changed"]) == (9, 0, 0)
    assert (records["before"], records["after"]) == (counted["records"] + 9, counted["records"])
    assert found["counts"]["items"]["changed"] == 9  # what VOC says of the picture beside its boxes
    assert {row["name"] for row in found["fields"]["rows"]} == {
        "(whole record)",
        "item /ext/voc/end",
        "item /ext/voc/objects",
    }
    assert found["quality"]["fixed"] == {"error": 2, "warning": 7}
    assert found["quality"]["new"] == {}
    (way,) = found["ways"]["list"]
    assert (way["old"], way["new"], way["count"], way["shown"], way["at_most"]) == ("RBC", None, 9, 9, 0)
    (shift,) = found["shifts"]
    labels = {row["label"]: (row["before"], row["after"]) for row in shift["rows"]}
    assert labels == {name: (number + 9 * (name == "RBC"), number) for name, number in counted["labels"].items()}
    (agreement,) = found["agreement"]
    assert "box" in agreement["why"]
    pictures = {one["picture"]["path"][:-4]: one["picture"] for one in way["examples"]}
    assert KEPT not in pictures
    assert {name for name, one in pictures.items() if one["digest"]} == set(SHOWN) - {KEPT}
    for name, one in pictures.items():
        gone = [box for box in one["boxes"] if box["sign"] != "="]
        assert one["differing"] == len(gone) == 1
        assert (gone[0]["sign"], gone[0]["label"]) == ("-", "RBC")
        if name not in ("BloodImage_00338", "BloodImage_00343"):
            corners = [gone[0]["x"] + gone[0]["width"], gone[0]["y"] + gone[0]["height"]]
            twin = [[box["x"] + box["width"], box["y"] + box["height"]] for box in one["boxes"] if box["sign"] == "="]
            assert [at + 2 for at in corners] in twin
        assert bool(one["digest"]) != bool(one["why"])


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_browser_draws_the_boxes_on_the_right_cells(corrected, few, labelvc, tmp_path, real_data, dark):
    page = tmp_path / "review.html"
    code, _, err = labelvc(corrected, "review", "main...boxes", "--format", "html", "-o", str(page))
    assert code == 0, err
    assert page.stat().st_size < 1_000_000
    facts, image = look(page, dark=dark)
    assert facts["dark"] is dark
    assert facts["faint"] == []
    assert facts["loaded"] == []
    assert not facts["wide"]
    ink, paper = image.getpixel((5, 5)), (0x14, 0x18, 0x1F) if dark else (255, 255, 255)
    assert ink == paper
    whole = {one["label"].partition(".jpg")[0]: one for one in facts["pictures"] if one["view"] == "0 0 640 480"}
    gone = {
        name: pairs[0][1][1:] for name, pairs in bccd_counts.doubled(real_data / "bccd-voc/BCCD/Annotations").items()
    }
    assert set(whole) == {*gone, "BloodImage_00338", "BloodImage_00343"} - {KEPT}
    for name, one in whole.items():
        left, top, wide, _ = one["place"]
        scale = (wide - 2) / 640  # within the line around it
        (box,) = one["went"]
        if name in gone:
            x, y, right, low = gone[name]
            wanted = (left + 1 + x * scale, top + 1 + y * scale, (right - x) * scale, (low - y) * scale)
            assert box == pytest.approx(wanted, abs=3)
        if name in SHOWN:
            with Image.open(real_data / f"bccd-voc/BCCD/JPEGImages/{name}.jpg") as picture:
                assert _alike(image, picture.convert("RGB"), (left + 1, top + 1), scale)
        around = image.crop(
            (round(box[0] - 12), round(box[1] - 12), round(box[0] + box[2] + 12), round(box[1] + box[3] + 12))
        )
        data = around.tobytes()
        assert sum(_near(data[at : at + 3], MAGENTA) for at in range(0, len(data), 3)) > 30, name
    assert not any(one["came"] for one in facts["pictures"])
    for one in facts["pictures"]:
        name = one["label"].partition(".jpg")[0]
        if one["view"] != "0 0 640 480" and name in gone.keys() - set(SHOWN):
            assert _drawn(image, one, gone[name]), name


def _drawn(image: Image.Image, one: dict[str, Any], box: tuple[float, ...]) -> bool:
    """Tell whether the box that stays, two pixels from one that went, is seen in the near view: by its right edge."""
    x, y, wide, _ = map(float, one["view"].split())
    left, top, width, _ = one["place"]
    scale = (width - 2) / wide
    right, middle = left + 1 + (box[2] + 2 - x) * scale, top + 1 + ((box[1] + box[3]) / 2 - y) * scale
    paper = image.getpixel((round(left + 5), round(top + 5)))
    return any(not _near(image.getpixel((round(right) + at, round(middle))), paper) for at in (-1, 0, 1))


def _alike(image: Image.Image, picture: Image.Image, corner: tuple[float, float], scale: float) -> bool:
    """Tell whether a picture is drawn there: most of a grid of points have its colours; boxes cover some."""
    points = [(x, y) for x in range(20, 640, 31) for y in range(20, 480, 29)]
    same = [
        _near(
            image.getpixel((round(corner[0] + x * scale), round(corner[1] + y * scale))), picture.getpixel((x, y)), 40
        )
        for x, y in points
    ]
    return sum(same) > 0.8 * len(points)


def _near(one: Any, two: Any, most: int = 48) -> bool:
    return max(abs(left - right) for left, right in zip(one, two, strict=True)) <= most


def release(treebank: Callable[..., bytes], bank: Treebank, names: list[str]) -> None:
    """Import one published revision as `main` and the others as commits of `release`."""
    bank.bring(treebank("show", f"{OLD}:{FILE}"))
    bank.git(bank.folder, "switch", "-qc", "release")
    for name in names:
        bank.bring(treebank("show", f"{name}:{FILE}"))


def hold(found: dict[str, Any], counted: dict[str, Any]) -> None:
    """Hold the figures of a review to those that the oracle reads in the files."""
    records, ways = found["counts"]["records"], found["ways"]
    assert {name: records[name] for name in ("before", "after", "removed", "added", "changed", "relabelled")} == {
        "before": 25_149, "after": 25_147, "removed": counted["removed"], "added": counted["added"],
        "changed": counted["changed"], "relabelled": counted["relations"],
    }  # fmt: skip
    turns = [way for way in ways["list"] if way["old"] is not None and way["new"] is not None]
    assert len(turns) == counted["transitions"]
    assert [turns[0][name] for name in ("old", "new", "count")] == counted["first"]
    assert ways["records"] == counted["relations"] + counted["removed"] + counted["added"]
    fields = {row["name"].removeprefix("/value/"): row["changed"] for row in found["fields"]["rows"]}
    for name in ("lemma", "upos", "xpos", "feats", "head", "misc"):
        assert fields[name] == counted[name], name
    (shift,) = found["shifts"]
    assert (shift["before"], shift["after"]) == (25_149, 25_147)
    assert [(plan["seen"], plan["at_most"]) for plan in ways["plans"]] == [
        (seen, worst(ways["records"], seen)) for seen in (30, 59, 100)
    ]


def worst(size: int, seen: int) -> int:
    """Return the most that may be wrong when a clean sample of so many is no rarer than one in twenty: all are tried."""
    return max(bad for bad in range(size - seen + 1) if 20 * math.comb(size - bad, seen) >= math.comb(size, seen))


def test_two_releases_of_a_treebank_are_one_pull_request(treebank, bank, tmp_path, labelvc):
    release(treebank, bank, [NEW])
    counted = expected(tmp_path, *[treebank("show", f"{name}:{FILE}") for name in (OLD, NEW)])
    assert (counted["relations"], counted["transitions"], counted["removed"], counted["added"]) == (237, 60, 4, 2)
    found = reviewed(labelvc, bank.folder, "main...release")
    hold(found, counted)
    assert found["counts"]["edits"] == 418 + 4 + 2  # in one commit nothing is edited twice
    assert found["quality"]["fixed"] == {}
    assert found["quality"]["new"] == {}  # numbers that look like telephones stood in these records before
    marked = [one for way in found["ways"]["list"] for example in way["examples"] for one in example["passages"]]
    assert all(one["marked"] for one in marked)
    words = ("review", "main...release", "--format", "markdown")
    _, page, _ = labelvc(bank.folder, *words)
    assert 30_000 < len(page) <= 60_000
    target = tmp_path / "review.html"
    labelvc(bank.folder, "review", "main...release", "--format", "html", "-o", str(target))
    assert target.stat().st_size < 1_000_000


@pytest.mark.long
def test_a_pull_request_of_all_real_commits_says_how_often_was_edited(treebank, bank, tmp_path, labelvc):
    listed = treebank("rev-list", "--first-parent", "--reverse", f"{OLD}..{NEW}", "--", FILE).decode().split()
    names = [name for name in listed if not name.startswith(MALFORMED)]
    release(treebank, bank, names)
    found = reviewed(labelvc, bank.folder, "main...release")
    hold(found, expected(tmp_path, *[treebank("show", f"{name}:{FILE}") for name in (OLD, NEW)]))
    assert found["counts"]["commits"] == len(names)
    assert found["counts"]["edits"] > 424  # some words were edited twice
