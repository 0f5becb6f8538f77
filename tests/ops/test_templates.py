"""Templates: each is a whole, valid, commented project from the first commit on."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelvc.codec import document
from labelvc.errors import ConfigurationError
from labelvc.model.project import Project
from labelvc.ops import project as projects
from labelvc.ops import taxonomy, templates
from labelvc.store import git as plumbing
from labelvc.store import tree

IDS = ("6f9619ff-8b86-4d01-b42d-00c04fc964ff", "0c4a7f7e-6c1e-4b3a-9a5e-2f6c1b7d9e10")
BLOCKS = ["definition", "use_when", "avoid_when", "examples", "counterexamples", "edge_cases", "rationale"]


def begin(folder: Path, template: str, name: str = "demo") -> Project:
    for path, data in templates.contents(template, name, *IDS).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    git = plumbing.find(folder)
    with tree.reader(git) as reader:
        snapshot = tree.work(git)
        assert projects.problems_of(git, snapshot, reader) == []
        return projects.load(git, snapshot, reader)


@pytest.mark.parametrize("template", templates.TEMPLATES)
def test_a_template_is_a_valid_project(repo: Path, template: str):
    project = begin(repo, template)
    assert (project.name, project.id) == ("demo", IDS[0])
    (dataset,) = project.datasets.values()
    assert dataset.id == IDS[1]
    assert dataset.tasks == dict.fromkeys(project.tasks, True)
    for task in project.tasks.values():
        assert task.guideline in project.guidelines
        assert task.taxonomy is None or task.taxonomy in project.taxonomies


def test_what_each_template_asks():
    asked = {}
    for template in templates.TEMPLATES:
        contents = templates.contents(template, "demo", *IDS)
        asked[template] = {
            name: task["type"] for name, task in document.read(contents["labelvc.yaml"])["tasks"].items()
        }
    assert asked == {
        "rating": {"sentiment": "score"},
        "classification": {"topic": "label"},
        "boxes": {"objects": "box"},
        "spans": {"entities": "span"},
        "tokens": {"syntax": "token"},
    }


def test_the_rating_scale(repo: Path):
    task = begin(repo, "rating").tasks["sentiment"]
    assert (task.minimum, task.maximum, task.step) == (-4, 4, 1)


@pytest.mark.parametrize("template", templates.TEMPLATES)
def test_documents_are_commented_and_nothing_is_left_to_fill(template: str):
    for path, data in templates.contents(template, "demo", *IDS).items():
        text = data.decode()
        assert text.startswith("# "), path
        assert "Specification: docs/formats/" in text, path
        assert not re.search(r"\{(name|id|dataset_id)\}", text), path
        assert all(len(line) <= 130 for line in text.split("\n")), path
        assert text.endswith("\n"), path


@pytest.mark.parametrize("template", templates.TEMPLATES)
def test_guidelines_hold_every_block_for_every_label(template: str):
    contents = templates.contents(template, "demo", *IDS)
    (guideline,) = [document.read(data) for path, data in contents.items() if path.startswith("guidelines/")]
    assert len(guideline["ambiguity"].split()) > 15
    for label, blocks in guideline["labels"].items():
        assert list(blocks) == BLOCKS, label
        assert all(blocks.values()), label


@pytest.mark.parametrize("template", ["classification", "boxes", "spans"])
def test_guidelines_explain_every_label(template: str):
    contents = templates.contents(template, "demo", *IDS)
    read = {path.split("/")[0]: document.read(data) for path, data in contents.items()}
    assert sorted(read["guidelines"]["labels"]) == sorted(label["id"] for label in read["taxonomies"]["labels"])


@given(
    st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", fullmatch=True)
    | st.sampled_from(["null", "true", "1e3", "0x10", "2026", "no"])
)
def test_any_allowed_name_stays_text(name: str):
    assert document.read(templates.contents("rating", name, *IDS)["labelvc.yaml"])["name"] == name


@pytest.mark.parametrize("name", ["", "a b", "../x", "x: y", "{id}", "-a", "a\n", "x" * 65, "ä"])
def test_a_name_that_does_not_fit_is_refused(name: str):
    with pytest.raises(ConfigurationError):
        templates.contents("rating", name, *IDS)


@pytest.mark.parametrize(
    ("template", "ids"),
    [("ratings", IDS), ("../rating", IDS), ("rating", ("x", IDS[1])), ("rating", (IDS[0], IDS[1].upper()))],
)
def test_other_wrong_words_are_refused(template: str, ids: tuple[str, str]):
    with pytest.raises(ConfigurationError) as caught:
        templates.contents(template, "demo", *ids)
    assert caught.value.hint


@given(st.text(max_size=80))
def test_a_suggested_name_is_allowed(folder: str):
    assert templates.contents("rating", templates.suggested_name(folder), *IDS)


def test_labels_are_added_to_a_taxonomy(repo: Path, git: Callable[..., str]):
    begin(repo, "boxes")
    path = repo / "taxonomies" / "objects.yaml"
    before = path.read_bytes()
    path.write_bytes(taxonomy.add_labels(before, ["RBC", "object-a", "WBC", "RBC", "yes: no"]))
    added = [line for line in path.read_bytes().split(b"\n") if line not in before.split(b"\n")]
    assert added == [
        b"  - id: RBC",
        b"    name: RBC",
        b"  - id: WBC",
        b"    name: WBC",
        b'  - id: "yes: no"',
        b'    name: "yes: no"',
    ]
    assert path.read_bytes().startswith(before)
    assert taxonomy.add_labels(path.read_bytes(), ["WBC"]) == path.read_bytes()
    git_ = plumbing.find(repo)
    with tree.reader(git_) as reader:
        assert projects.problems_of(git_, tree.work(git_), reader) == []
