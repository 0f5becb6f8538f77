"""Four published versions of a real collection: what changed between them is what another program counts in the files."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from labelvc.codec import document
from labelvc.core import licences
from labelvc.model.project import Dataset
from tests.oracles import taco_counts

VERSIONS = ("2019-06-09.56bdab8", "2019-06-24.a35e944", "2019-06-26.1e4d24a", "2019-12-19.508da01")
KEYED = ("--key", "flickr_url")
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def versions(real_data: Path, tmp_path: Path) -> list[Path]:
    """Return the four files, unpacked."""
    made = []
    for name in VERSIONS:
        packed = real_data / "taco" / f"annotations.{name}.json.gz"
        if not packed.is_file():
            pytest.skip("TACO is not among the real data")
        path = tmp_path / f"{name}.json"
        path.write_bytes(gzip.decompress(packed.read_bytes()))
        made.append(path)
    return made


@pytest.fixture
def bring(labelvc: Command) -> Callable[..., tuple[int, Any, str]]:
    """Import a version over what is there, commit it; return (code, JSON, errors)."""

    def run(folder: Path, source: Path, *words: str) -> tuple[int, Any, str]:
        asked = ("import", "coco", str(source), "--dataset", "pictures", "--mode", "replace", "--add-labels")
        code, out, err = labelvc(folder, *asked, *words, "--format", "json")
        return code, json.loads(out) if code == 0 else None, err

    return run


@pytest.fixture
def commit(git: Callable[..., str]) -> Callable[[Path], None]:
    """Commit all of the work tree."""

    def run(folder: Path) -> None:
        git(folder, "add", "--all")
        git(folder, "commit", "-qm", "Next version")

    return run


def lines(folder: Path, layer: str) -> list[dict[str, Any]]:
    found = sorted((folder / "datasets/pictures" / layer).glob("*.jsonl"))
    return [json.loads(line) for path in found for line in path.read_text().splitlines()]


def told(document: Any) -> dict[str, Any]:
    """Return the oracle's figures as an import tells them."""
    summary = document["summary"]
    moves = Counter()
    for item in document["items"]:
        if item["kind"] == "changed" and not item["key"].endswith("#"):
            pair = item["old"]["value"]["label"], item["new"]["value"]["label"]
            moves[pair] += pair[0] != pair[1]
    return {
        "images_added": summary["items"].get("added", 0),
        "images_removed": summary["items"].get("removed", 0),
        "added": summary["records"].get("added", 0),
        "removed": summary["records"].get("removed", 0),
        "changed": summary["records"].get("changed", 0),
        "moved": +moves,
    }


@pytest.mark.parametrize("template", ["boxes"])
def test_by_natural_key_every_version_is_its_real_changes(project, versions, bring, commit, template):
    folder = project(template)
    code, document, err = bring(folder, versions[0], *KEYED)
    assert (code, document["summary"]["records"]["added"], document["summary"]["items"]["added"]) == (0, 1827, 715), err
    commit(folder)
    seen = []
    for old, new in pairwise(versions):
        code, document, err = bring(folder, new, *KEYED)
        assert code == 0, err
        expected = taco_counts.compare(old, new)
        assert told(document) == expected
        seen.append((expected["added"], expected["removed"], sum(expected["moved"].values())))
        commit(folder)
    assert seen == [(329, 4, 8), (28, 28, 0), (2632, 0, 304)]
    assert sum("gone" not in line for line in lines(folder, "annotations")) == 4784


def test_by_their_numbers_the_second_version_is_stopped_and_the_advice_leads_on(
    project, versions, bring, commit, git, labelvc
):
    folder = project("boxes")
    assert bring(folder, versions[0])[0] == 0
    commit(folder)
    code, _, err = bring(folder, versions[1])
    assert code == 1
    number = taco_counts.by_number(versions[0], versions[1])
    assert f"{number:,} of the 1,827 ids stored here would be rewritten, 1,541 of them" in err
    assert git(folder, "status", "--porcelain") == ""
    typed = err.partition("next: labelvc ")[2].partition(" finds items by")[0].split()
    assert typed[-2:] == ["--key", "flickr_url"]
    code, out, err = labelvc(folder, *typed, "--format", "json")
    assert code == 0, err
    figures = told(json.loads(out))
    assert {name: figures[name] for name in ("added", "removed")} == {"added": 329, "removed": 4}
    assert sum(figures["moved"].values()) == 8


@pytest.mark.long
def test_it_is_stopped_though_every_box_was_corrected_and_though_it_only_adds(
    project, versions, bring, commit, labelvc
):
    folder = project("boxes")
    assert bring(folder, versions[2])[0] == 0
    commit(folder)
    code, _, err = bring(folder, versions[3])
    assert (code, "1,843 of the 2,152 ids" in err) == (1, True), err
    words = ("import", "coco", str(versions[3]), "--dataset", "pictures", "--add-labels")
    assert labelvc(folder, *words)[0] == 1
    code, out, _ = labelvc(folder, *words, "--allow-renumbering", "--dry-run")
    assert (code, "4,472 added" in out) == (0, True), out


def test_a_keyed_dataset_is_not_doubled_by_an_import_that_forgets_the_key(project, versions, bring, commit, labelvc):
    folder = project("boxes")
    assert bring(folder, versions[2], *KEYED)[0] == 0
    commit(folder)
    words = ("import", "coco", str(versions[2]), "--dataset", "pictures", "--add-labels")
    code, _, err = labelvc(folder, *words)
    assert (code, "--key flickr_url finds items by flickr_url" in err) == (1, True), err


def test_keys_that_really_changed_are_counted_and_can_be_accepted(project, versions, bring, commit):
    """From the first version to the last, 537 of 715 pictures got another address."""
    folder = project("boxes")
    assert bring(folder, versions[0], *KEYED)[0] == 0
    commit(folder)
    code, _, err = bring(folder, versions[3], *KEYED)
    assert code == 1
    keys = [{one["flickr_url"] for one in json.loads(version.read_bytes())["images"]} for version in versions[::3]]
    same, gone, new = len(keys[0] & keys[1]), len(keys[0] - keys[1]), len(keys[1] - keys[0])
    assert (same, gone, new) == (178, 537, 1322)
    assert (
        f"most keys changed: by flickr_url the source has {same} of the 715 items stored here, lacks {gone} and brings "
        f"{new:,} new ones" in err
    )
    assert (
        "next: if the items were really replaced, add --allow-renumbering; if they only got other keys, name another"
        in err
    )
    code, document, err = bring(folder, versions[3], *KEYED, "--allow-renumbering")
    assert (code, document["summary"]["records"]["added"] > 2957) == (0, True), err


@pytest.mark.long
def test_a_label_that_was_only_renamed_moves_no_record(project, versions, bring, commit):
    folder = project("boxes")
    assert bring(folder, versions[2], *KEYED)[0] == 0
    taxonomy = folder / "taxonomies/objects.yaml"
    text = taxonomy.read_text()
    for old, new in (("Plastic drink bottle", "Clear plastic bottle"), ("Plastic Film", "Plastic film")):
        assert f"name: {old}" in text
        text = text.replace(f"name: {old}", f"name: {new}")
    taxonomy.write_text(text)
    commit(folder)
    code, document, err = bring(folder, versions[3], *KEYED)
    assert code == 0, err
    figures = told(document)
    assert (figures["added"], figures["removed"], figures["moved"]) == (2632, 0, Counter())


def test_what_comes_out_is_what_went_in(project, versions, bring, labelvc, tmp_path):
    folder = project("boxes")
    assert bring(folder, versions[3])[0] == 0
    target = tmp_path / "out.json"
    code, _, err = labelvc(folder, "export", "coco", "--dataset", "pictures", "-o", str(target))
    assert code == 0, err
    assert ordered(target) == ordered(versions[3])
    numbers = Counter(one["id"] for one in json.loads(target.read_bytes())["annotations"])
    assert sorted(number for number, count in numbers.items() if count == 2) == [309, 4040]


def test_715_pictures_have_no_licence_and_stay_where_the_project_asks_for_one(
    project, versions, bring, labelvc, tmp_path
):
    folder = project("boxes")
    assert bring(folder, versions[3])[0] == 0
    path, target = folder / "labelvc.yaml", tmp_path / "out.json"
    named = ["CC", "ODBL (c) OpenLitterMap & Contributors"]
    path.write_bytes(document.edit(path.read_bytes(), {("licences",): {"allow": named}}))
    code, _, err = labelvc(folder, "export", "coco", "--dataset", "pictures", "-o", str(target))
    assert (code, target.exists(), "715 of 1,500 items may not be handed out: 715 without a licence" in err) == (
        1,
        False,
        True,
    ), err
    terms = licences.of(Dataset("pictures", "", {}))
    counted = Counter(map(terms.licence, lines(folder, "items")))
    assert counted == {"": 715, "ODBL (c) OpenLitterMap & Contributors": 466, "CC": 319}


def ordered(path: Path) -> dict[str, Any]:
    """Return a file's content, lists in an order of their own."""
    said = json.loads(path.read_bytes())
    for members in said.values():
        if isinstance(members, list):
            members.sort(
                key=lambda member: json.dumps([member.get(n) for n in ("id", "image_id", "bbox", "background_ids")])
            )
    return said


def merged_and_renamed(labelvc: Command, folder: Path) -> dict[str, Any]:
    """Do to the labels what upstream did between its first version and the second, and migrate; return the summary."""

    def run(*words: str) -> str:
        code, out, err = labelvc(folder, "taxonomy", *words)
        assert code == 0, out + err
        return out

    run("merge", "objects", "Bread bag", "Cereal bag", "Produce bag", "--into", "Plastic Film")
    run("merge", "objects", "Retort pouch", "--into", "Other plastic wrapper")
    run("rename", "objects", "Plastic Film", "Plastic film")
    run("rename", "objects", "Plastic drink bottle", "Clear plastic bottle")
    return json.loads(run("migrate", "objects", "--format", "json"))["summary"]


def test_what_upstream_merged_and_renamed_is_lineage_and_migrates_to_the_published_labels(
    project, versions, bring, commit, labelvc, git
):
    """63 categories became 60: four were merged away, two renamed. The oracle reads what each outline is called in the files."""
    folder = project("boxes")

    assert bring(folder, versions[0], *KEYED)[0] == 0
    assert labelvc(folder, "taxonomy", "publish", "objects")[0] == 0
    commit(folder)
    before = {line["id"]: line["value"]["label"] for line in lines(folder, "annotations")}
    told = merged_and_renamed(labelvc, folder)
    moves = {(*way["from"], *way["to"]): way["records"] for way in told["labels"]}
    assert moves == taco_counts.compare(versions[0], versions[1])["moved"]
    assert (told["open"], told["alike"], told["left"]) == (0, 0, {})
    assert labelvc(folder, "check", "--all")[0] == 0
    named = {label["id"]: label["name"] for label in taxonomy(folder)["labels"]}
    after = {line["id"]: named[line["value"]["label"]] for line in lines(folder, "annotations")}
    ways = Counter((before[name], after[name]) for name in before if before[name] != after[name])
    published = taco_counts.compare(versions[0], versions[3])["moved"]
    assert ways.keys() == published.keys()
    assert all(
        ways[way] >= number for way, number in published.items()
    )  # four records were deleted upstream, 28 redrawn
    assert {label["id"] for label in taxonomy(folder)["labels"] if label.get("status") == "deprecated"} == {
        "Bread bag", "Cereal bag", "Produce bag", "Retort pouch",
    }  # fmt: skip


def test_every_record_that_upstream_kept_has_the_published_label(project, versions, bring, commit, labelvc):
    """1,795 of 1,827 outlines are the same in the last version; the oracle finds each again by itself."""
    folder = project("boxes")
    assert bring(folder, versions[0], *KEYED)[0] == 0
    commit(folder)
    merged_and_renamed(labelvc, folder)
    first, last = (taco_counts.load(versions[at], "flickr_url") for at in (0, 3))
    known = {(url, spelt(outline)): said[0] for url, held in last.items() for outline, said in held.items()}
    pairs = {old: new for new, old in taco_counts.same_images(first, last).items()}
    named = {label["id"]: label["name"] for label in taxonomy(folder)["labels"]}
    urls = {item["id"]: item["natural"]["flickr_url"] for item in lines(folder, "items")}
    same, rest = Counter(), Counter()
    for line in lines(folder, "annotations"):
        label, url = named[line["value"]["label"]], urls[line["item"]]
        published = known.get((pairs.get(url, ""), spelt(json.dumps(line["ext"]["coco"]["segmentation"]))))
        if published is None:
            rest[label] += 1
        else:
            same[label == published] += 1
    assert (same, rest.total()) == ({True: 1795}, 32), rest


def spelt(outline: str) -> str:
    """Return an outline with every number spelt alike."""
    return json.dumps(json.loads(outline, parse_int=float))


@pytest.mark.long
def test_what_upstream_did_beside_that_is_listed_when_the_next_version_comes(project, versions, bring, commit, labelvc):
    folder = project("boxes")
    assert bring(folder, versions[0], *KEYED)[0] == 0
    commit(folder)
    merged_and_renamed(labelvc, folder)
    commit(folder)
    for old, new in pairwise(versions):
        code, document, err = bring(folder, new, *KEYED)
        assert code == 0, err
        expected, found = taco_counts.compare(old, new), told(document)
        boxes = found.pop("changed")  # of those that moved upstream the box may have changed as well
        assert expected["changed"] - expected["moved"].total() <= boxes <= expected.pop("changed")
        assert found == {**expected, "moved": Counter()}
        gone = Counter(
            item["old"]["value"]["label"]
            for item in document["items"]
            if item["kind"] == "removed" and not item["key"].endswith("#")
        )
        assert gone.total() == expected["removed"]
        commit(folder)


def taxonomy(folder: Path) -> dict[str, Any]:
    return document.read((folder / "taxonomies/objects.yaml").read_bytes())
