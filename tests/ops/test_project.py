"""The project of a snapshot: loaded from commit, index and work tree alike, and every wrong document told with its place."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from labelvc.codec import document
from labelvc.errors import ConfigurationError
from labelvc.model.finding import Finding
from labelvc.model.project import Project
from labelvc.ops import project as projects
from labelvc.ops import templates
from labelvc.store import git as plumbing
from labelvc.store import tree
from labelvc.store.cache import Cache

IDS = ("6f9619ff-8b86-4d01-b42d-00c04fc964ff", "0c4a7f7e-6c1e-4b3a-9a5e-2f6c1b7d9e10")
Git = Callable[..., str]


@pytest.fixture
def labels(repo: Path, git: Git) -> Path:
    """Return a repository that holds the `classification` template, committed."""
    for path, data in templates.contents("classification", "demo", *IDS).items():
        write(repo, path, data)
    git(repo, "add", ".")
    git(repo, "commit", "-qm", "Begin")
    return repo


def write(folder: Path, path: str, data: bytes | str) -> None:
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(data if isinstance(data, bytes) else data.encode())


def replace(folder: Path, path: str, old: str, new: str) -> None:
    text = (folder / path).read_text()
    assert old in text, old
    write(folder, path, text.replace(old, new, 1))


def load(folder: Path, moment: str = "work") -> Project:
    git = plumbing.find(folder)
    snapshot = (
        {"work": tree.work, "index": tree.index}[moment](git)
        if moment in ("work", "index")
        else tree.commit(git, moment)
    )
    with tree.reader(git) as reader:
        return projects.load(git, snapshot, reader)


def problems(folder: Path) -> list[Finding]:
    git = plumbing.find(folder)
    with tree.reader(git) as reader:
        return projects.problems_of(git, tree.work(git), reader)


def told(folder: Path) -> list[tuple[str, str, int, str]]:
    return [(found.rule, found.place.path, found.place.line, found.place.pointer) for found in problems(folder)]


def test_a_project_says_what_its_documents_say(labels: Path):
    project = load(labels)
    assert (project.id, project.name, project.domain) == (IDS[0], "demo", "main")
    assert project.tasks["topic"].type == "label"
    assert project.datasets["texts"].tasks == {"topic": True}
    assert project.datasets["texts"].slices == ("/channel",)
    assert [label.id for label in project.taxonomies["topics"].labels] == [
        "order",
        "delivery",
        "delivery-damage",
        "payment",
        "other",
    ]
    assert project.taxonomies["topics"].labels[2].parent == "delivery"
    assert project.guidelines["topic"].versions == ("1.0.0",)


def test_the_three_moments_are_read_apart(labels: Path, git: Git):
    replace(labels, "labelvc.yaml", 'name: "demo"', "name: staged")
    git(labels, "add", ".")
    replace(labels, "labelvc.yaml", "name: staged", "name: unstaged")
    assert [load(labels, moment).name for moment in ("HEAD", "index", "work")] == ["demo", "staged", "unstaged"]
    digests = {load(labels, moment).digest for moment in ("HEAD", "index", "work")}
    assert len(digests) == 3


def test_a_clone_gives_the_same_digest(labels: Path, tmp_path: Path, git: Git):
    git(tmp_path, "clone", "-q", str(labels), "copy")
    assert load(tmp_path / "copy").digest == load(labels, "HEAD").digest


def test_no_project(repo: Path):
    with pytest.raises(ConfigurationError) as caught:
        load(repo)
    assert caught.value.hint == "labelvc init"


def test_the_first_problem_names_path_line_pointer_and_command(labels: Path):
    replace(labels, "labelvc.yaml", "type: label", "type: lable")
    with pytest.raises(ConfigurationError) as caught:
        load(labels)
    line = (labels / "labelvc.yaml").read_text().split("\n").index("    type: lable") + 1
    assert caught.value.where == f"labelvc.yaml:{line}"
    assert caught.value.message.startswith("/tasks/topic/type must be one of label, labels")
    assert "labelvc check" in caught.value.hint


def test_every_problem_is_listed_at_once(labels: Path):
    replace(labels, "labelvc.yaml", "guideline: topic", "guideline: topics")
    replace(labels, "datasets/texts/dataset.yaml", "  topic: true", "  topic: true\n  topik: false")
    replace(labels, "taxonomies/topics.yaml", "parent: delivery", "parent: parcel")
    replace(labels, "guidelines/topic.yaml", "  order:\n", "  orders:\n")
    write(labels, "guidelines/broken.yaml", "a: [\n")
    assert [(rule, path, pointer) for rule, path, _, pointer in told(labels)] == [
        ("document.reference", "datasets/texts/dataset.yaml", "/tasks/topik"),
        ("document.yaml", "guidelines/broken.yaml", ""),
        ("document.reference", "guidelines/topic.yaml", "/labels/orders"),
        ("document.reference", "labelvc.yaml", "/tasks/topic/guideline"),
        ("document.reference", "taxonomies/topics.yaml", "/labels/2/parent"),
    ]
    assert all(found.place.line and found.severity == "error" and found.hint for found in problems(labels))
    with pytest.raises(ConfigurationError, match="and 4 more problems"):
        load(labels)


@pytest.mark.parametrize(
    ("path", "old", "new", "pointer", "words"),
    [
        ("labelvc.yaml", "taxonomy: topics", "taxonomy: themes", "/tasks/topic/taxonomy", "taxonomies/themes.yaml"),
        ("labelvc.yaml", "taxonomy: topics", "taxonomy: themes", "/tasks/topic/taxonomy", "there is topics"),
        ("datasets/texts/dataset.yaml", "name: texts", "name: words", "/name", "datasets/words/dataset.yaml"),
        ("taxonomies/topics.yaml", "name: topics", "name: themes", "/name", "taxonomies/themes.yaml"),
        ("guidelines/topic.yaml", "name: topic", "name: topics", "/name", "guidelines/topics.yaml"),
        ("guidelines/topic.yaml", "taxonomy: topics", "taxonomy: themes", "/taxonomy", "no taxonomy 'themes'"),
        ("taxonomies/topics.yaml", "id: other", "id: order", "/labels/4/id", "twice"),
        ("taxonomies/topics.yaml", "parent: delivery", "parent: delivery-damage", "/labels/2/parent", "own ancestor"),
    ],
)
def test_references(labels: Path, path: str, old: str, new: str, pointer: str, words: str):
    replace(labels, path, old, new)
    found = [finding for finding in problems(labels) if (finding.place.path, finding.place.pointer) == (path, pointer)]
    assert [finding.rule for finding in found] == ["document.reference"]
    assert words in found[0].message


def test_a_broken_document_is_not_reported_wherever_it_is_used(labels: Path):
    write(labels, "taxonomies/topics.yaml", "labels: [\n")
    assert [(rule, path) for rule, path, _, _ in told(labels)] == [("document.yaml", "taxonomies/topics.yaml")]


def test_mending_makes_it_good_again(labels: Path):
    before = load(labels)
    replace(labels, "labelvc.yaml", "goal:", "gaol:")
    assert {pointer for _, _, _, pointer in told(labels)} == {"", "/gaol"}
    replace(labels, "labelvc.yaml", "gaol:", "goal:")
    assert told(labels) == []
    assert load(labels) == before


def test_a_newer_document_says_so(labels: Path):
    replace(labels, "datasets/texts/dataset.yaml", "dataset:1", "dataset:2")
    (found,) = problems(labels)
    assert (found.rule, found.place.pointer) == ("document.schema", "/schema")
    assert "newer labelvc" in found.message
    assert "upgrade" in found.hint


def published(folder: Path, path: str) -> dict[str, str]:
    value = document.read((folder / path).read_bytes())
    return {"digest": document.digest(value), "version": value["version"]}


def line(**members: str) -> str:
    return json.dumps(members, sort_keys=True, separators=(",", ":")) + "\n"


def test_published_versions_come_before_the_one_in_the_tree(labels: Path):
    first = line(**published(labels, "guidelines/topic.yaml"))
    replace(labels, "guidelines/topic.yaml", "version: 1.0.0", "version: 1.1.0")
    second = line(**published(labels, "guidelines/topic.yaml"))
    write(labels, "guidelines/topic.versions.jsonl", first)
    assert load(labels).guidelines["topic"].versions == ("1.0.0", "1.1.0")
    write(labels, "guidelines/topic.versions.jsonl", first + second)
    assert load(labels).guidelines["topic"].versions == ("1.0.0", "1.1.0")
    replace(labels, "guidelines/topic.yaml", "version: 1.1.0", "version: 1.2.0 # three")
    assert load(labels).guidelines["topic"].versions == ("1.0.0", "1.1.0", "1.2.0")


@pytest.mark.parametrize("path", ["guidelines/topic.yaml", "taxonomies/topics.yaml"])
def test_a_published_version_must_not_change_what_it_says(labels: Path, path: str):
    write(labels, path.replace(".yaml", ".versions.jsonl"), line(**published(labels, path)))
    replace(labels, path, "schema:", "# a comment changes nothing\nschema:")
    assert told(labels) == []
    replace(
        labels,
        path,
        "version: 1.0.0",
        "version: 1.0.0\ntitle: Other words" if "title:" not in (labels / path).read_text() else "version: 1.0.0",
    )
    replace(labels, path, "title: ", "title: Not ")
    assert [(rule, where, pointer) for rule, where, _, pointer in told(labels)] == [
        ("document.version", path, "/version")
    ]


def test_a_copied_dataset_needs_an_id_of_its_own(labels: Path):
    copy = (labels / "datasets/texts/dataset.yaml").read_text().replace("name: texts", "name: tweets")
    write(labels, "datasets/tweets/dataset.yaml", copy)
    assert [(rule, path, pointer) for rule, path, _, pointer in told(labels)] == [
        ("document.reference", "datasets/tweets/dataset.yaml", "/id")
    ]
    write(labels, "datasets/tweets/dataset.yaml", copy.replace(IDS[1], IDS[1][:-1] + "1"))
    assert told(labels) == []


def test_lines_of_published_versions_are_checked(labels: Path):
    good = line(digest="sha256:" + "0" * 64, version="0.9.0")
    write(labels, "guidelines/topic.versions.jsonl", good + line(digest="md5:0", version="0.9.1"))
    assert told(labels) == [("document.schema", "guidelines/topic.versions.jsonl", 2, "/1/digest")]
    write(labels, "guidelines/topic.versions.jsonl", good + good)
    assert told(labels) == [("document.reference", "guidelines/topic.versions.jsonl", 2, "/1/version")]
    write(labels, "guidelines/topic.versions.jsonl", good + '{"version": "1.0.0"}\n')
    assert told(labels) == [("document.yaml", "guidelines/topic.versions.jsonl", 2, "")]


def test_markers_of_a_merge_are_told_as_such(labels: Path):
    text = (labels / "taxonomies/topics.yaml").read_text()
    at = text.index("  - ")
    torn = f"{text[:at]}<<<<<<< ours\n{text[at:]}=======\n{text[at:]}>>>>>>> theirs\n"
    write(labels, "taxonomies/topics.yaml", torn)
    write(labels, "guidelines/topic.versions.jsonl", "<<<<<<< ours\n=======\n>>>>>>> theirs\n")
    found = {(one.place.path, one.place.line, one.message) for one in problems(labels) if one.rule == "document.yaml"}
    said = "a merge left it in conflict: decide between its markers"
    assert found == {
        ("guidelines/topic.versions.jsonl", 1, said),
        ("taxonomies/topics.yaml", torn[: torn.index("<<<<<<<")].count("\n") + 1, said),
    }


def test_a_damaged_memory_costs_time_and_nothing_else(labels: Path):
    before = load(labels)
    git = plumbing.find(labels)
    with Cache(git) as cache, tree.reader(git) as reader:
        keys = [f"labelvc.documents/3:{noun}:{digest}" for noun, digest in keys_of(labels)]
        assert len(cache.get_many(keys)) == 4
        cache.put_many([(key, b"{nonsense") for key in keys])
        assert projects.load(git, tree.work(git), reader, cache) == before


def test_that_documents_fit_each_other_is_remembered_of_these_documents_alone(labels: Path, git: Git):
    """One list of labels fits the guideline of one revision, and the list of another does not, in whatever order they are asked."""
    replace(labels, "guidelines/topic.yaml", "taxonomy: topics", "taxonomy: others")
    write(labels, "taxonomies/others.yaml", (labels / "taxonomies/topics.yaml").read_text().replace("topics", "others"))
    write(labels, "taxonomies/others.versions.jsonl", "")
    for _ in range(2):
        assert told(labels) == []
        (labels / "taxonomies/others.yaml").rename(labels / "others.yaml")
        assert ("document.reference", "guidelines/topic.yaml") in {(rule, path) for rule, path, *_ in told(labels)}
        (labels / "others.yaml").rename(labels / "taxonomies/others.yaml")


def keys_of(folder: Path) -> list[tuple[str, str]]:
    found = []
    for path in ("labelvc.yaml", "datasets/texts/dataset.yaml", "taxonomies/topics.yaml", "guidelines/topic.yaml"):
        noun = projects.noun_of(path)
        assert noun is not None
        found.append(
            (
                noun[0],
                subprocess.run(["sha256sum", path], cwd=folder, capture_output=True, text=True, check=True).stdout[:64],
            )
        )
    return found


PROGRAM = """
import sys
from pathlib import Path
from labelvc.ops import project as projects
from labelvc.store import git as plumbing, tree
git = plumbing.find(Path.cwd())
with tree.reader(git) as reader:
    print(projects.load(git, tree.index(git), reader).digest)
print(*sorted({name.partition(".")[0] for name in sys.modules} & {"yaml", "ruamel", "jsonschema", "jsonschema_rs", "referencing", "rpds", "dvc", "click", "rich", "cryptography", "difflib"}))
"""


def test_unchanged_documents_need_neither_yaml_nor_schemas(labels: Path, git: Git):
    """The second run of a hook on the same documents imports nothing heavy; a changed document brings it in again."""

    def run() -> list[str]:
        return subprocess.run(
            [sys.executable, "-c", PROGRAM], cwd=labels, capture_output=True, text=True, check=True, env=os.environ
        ).stdout.split("\n")

    first, second = run(), run()
    assert first[0] == second[0]
    assert {"yaml", "jsonschema_rs"} <= set(first[1].split())
    assert second[1] == ""
    replace(labels, "guidelines/topic.yaml", "status: draft", "status: active")
    git(labels, "add", ".")
    third = run()
    assert third[0] != first[0]
    assert "yaml" in third[1]


@pytest.mark.parametrize(
    ("path", "noun"),
    [
        ("labelvc.yaml", ("project", "")),
        ("datasets/a/dataset.yaml", ("dataset", "a")),
        ("taxonomies/a.b.yaml", ("taxonomy", "a.b")),
        ("guidelines/a.yaml", ("guideline", "a")),
        ("guidelines/a.versions.jsonl", ("versions", "guideline/a")),
        ("taxonomies/a.versions.jsonl", ("versions", "taxonomy/a")),
        ("datasets/a/items/00.jsonl", None),
        ("x/labelvc.yaml", None),
        ("taxonomies/x/a.yaml", None),
        ("taxonomies/a.yml", None),
        ("labelvc.yaml.bak", None),
    ],
)
def test_which_paths_are_documents(path: str, noun: tuple[str, str] | None):
    assert projects.noun_of(path) == noun
