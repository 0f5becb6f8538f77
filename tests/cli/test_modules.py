"""module list, add, update, remove and check as a user meets them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import click
import pytest
from inline_snapshot import snapshot

from labelvc.cli.completion import module_names
from labelvc.cli.main import application
from labelvc.codec import document, schema
from tests.serving import serving

Run = Callable[..., tuple[int, str, str]]
TAXONOMY = """# What lies on the ground
schema: urn:labelvc:schema:taxonomy:1
name: litter
version: 1.0.0
labels:
  - {id: bottle, name: Bottle}   # glass or plastic
  - {id: can, name: Can}
  - {id: paper, name: Paper}
"""
GUIDELINE = """schema: urn:labelvc:schema:guideline:1
name: litter
version: 1.0.0
title: What lies there
status: active
taxonomy: litter
general: [Look twice]
labels:
  bottle: {definition: A vessel with a neck.}
  can: {definition: A vessel of metal.}
"""
PROFILE = """schema: urn:labelvc:schema:profile:1
name: litter
version: 1.0.0
checks:
  box.near_duplicate: {threshold: 0.9}
  box.outside: {severity: error}
"""
MANIFEST = """schema: urn:labelvc:schema:module:1
name: litter
version: 1.0.0
licence: CC0-1.0
provides: [taxonomies/litter.yaml, guidelines/litter.yaml, profiles/litter.yaml]
"""
FIRST = {
    "module.yaml": MANIFEST,
    "taxonomies/litter.yaml": TAXONOMY,
    "guidelines/litter.yaml": GUIDELINE,
    "profiles/litter.yaml": PROFILE,
}
SECOND = {
    "module.yaml": MANIFEST.replace("version: 1.0.0", "version: 1.1.0"),
    "taxonomies/litter.yaml": TAXONOMY.replace("1.0.0", "1.1.0").replace("name: Can}", "name: Tin}")
    + "  - {id: cup, name: Cup}\n",
    "guidelines/litter.yaml": GUIDELINE.replace("of metal.", "of thin metal."),
    "profiles/litter.yaml": PROFILE.replace("1.0.0", "1.1.0").replace("0.9", "0.5").replace("error", "warning"),
}


def put(folder: Path, contents: Mapping[str, str]) -> Path:
    for path, text in contents.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


@pytest.fixture
def module(tmp_path: Path, git: Callable[..., str]) -> Path:
    """Return a module in a repository of its own, with two versions."""
    folder = tmp_path / "shared"
    folder.mkdir()
    git(folder, "init", "-q")
    for tag, contents in (("v1", FIRST), ("v2", SECOND)):
        git(put(folder, contents), "add", "--all")
        git(folder, "commit", "-qm", tag)
        git(folder, "tag", tag)
    return folder


@pytest.fixture
def labels(repo: Path, labelvc: Run, git: Callable[..., str], tmp_path: Path) -> Path:
    """Return a project with two boxes that overlap by two thirds, and one that leaves its picture."""
    assert labelvc(repo, "init", "--template", "boxes")[0] == 0
    rows = [("a", 10, 10, 20, 20), ("b", 10, 10, 20, 30), ("c", 90, 90, 20, 20)]
    lines = [
        json.dumps({"item": "p.jpg", "id": name, "task": "objects", "value": {"label": "object-a", "box": box}})
        for name, *box in rows
    ]
    lines.append(json.dumps({"id": "p.jpg", "media": {"path": "p.jpg", "width": 100, "height": 100}}))
    (tmp_path / "in.jsonl").write_text("\n".join(lines) + "\n")
    code, _, err = labelvc(repo, "import", "jsonl", str(tmp_path / "in.jsonl"), "--dataset", "pictures")
    assert code == 0, err
    commit(repo, git)
    return repo


def commit(repo: Path, git: Callable[..., str]) -> None:
    git(repo, "add", "--all")
    git(repo, "commit", "-qm", "next", "--no-verify")


def run(repo: Path, labelvc: Run, *words: str, code: int = 0) -> str:
    found, out, err = labelvc(repo, *words)
    assert found == code, out + err
    return out


def change(repo: Path, labelvc: Run, *words: str, code: int = 0) -> dict:
    said = json.loads(run(repo, labelvc, "module", *words, "--format", "json", code=code))
    assert schema.problems("module-change", said) == []
    return said


def states(said: dict) -> dict[str, str]:
    return {item["path"]: item["state"] for item in said["items"] if item["kind"] == "document"}


def take(repo: Path, labelvc: Run, git: Callable[..., str]) -> None:
    """Take the first version, and have the pictures checked by its profile."""
    run(repo, labelvc, "module", "add", "../shared", "--at", "v1")
    path = repo / "datasets/pictures/dataset.yaml"
    said = path.read_text()
    path.write_text(said[: said.index("checks:")].rstrip() + "\nprofiles: [litter]\n")
    commit(repo, git)


# ---------------------------------------------------------------- add
def test_add_copies_the_documents_and_pins_them(labels, labelvc, module, git):
    out = run(labels, labelvc, "module", "add", "../shared", "--at", "v1")
    head = git(module, "rev-parse", "v1").strip()
    assert out.replace(head[:10], "COMMIT") == snapshot("""\
litter 1.0.0 from ../shared at COMMIT, CC0-1.0
+ taxonomies/litter.yaml  is new here
+ guidelines/litter.yaml  is new here
+ profiles/litter.yaml  is new here

new: 3 warnings
warning guideline.silent   guidelines/litter.yaml:8  does not explain the label 'paper' of litter
        next: explain it under `labels:` in guidelines/litter.yaml, then labelvc guideline publish litter
warning guideline.example  guidelines/litter.yaml:9  the label 'bottle' has no example
        next: write `examples:` under it in guidelines/litter.yaml, then labelvc guideline publish litter
warning guideline.example  guidelines/litter.yaml:10  the label 'can' has no example
""")
    for path, text in FIRST.items():
        assert path == "module.yaml" or (labels / path).read_text() == text
    (line,) = document.read_lines((labels / "modules.lock").read_bytes())
    assert schema.problems("lock", line) == []
    assert (line["source"], line["commit"], line["version"]) == ("../shared", head, "1.0.0")
    assert git(labels, "diff", "--cached", "--name-only") == "", "nothing is staged"
    assert run(labels, labelvc, "module", "check") == "no findings\n"
    listed = json.loads(run(labels, labelvc, "module", "list", "--format", "json"))
    assert schema.problems("module-list", listed) == []
    assert [one["name"] for one in listed["items"]] == ["litter"]


def test_a_folder_is_read_as_it_lies_and_a_commit_as_it_was(labels, labelvc, module):
    change(labels, labelvc, "add", "../shared")
    assert (labels / "taxonomies/litter.yaml").read_text() == SECOND["taxonomies/litter.yaml"]
    assert "commit" not in json.loads((labels / "modules.lock").read_text())


def test_what_is_meant_is_guessed_and_quiet_is_quiet(labels, labelvc, module, git):
    assert "next: choose one of: box-checks, text-checks\n" in labelvc(labels, "module", "add", "bxo-checks")[2]
    (labels / "mine").mkdir()
    assert "next: labelvc module add ./mine, if that folder is meant\n" in labelvc(labels, "module", "add", "mine")[2]
    assert labelvc(labels, "module", "add", "text-checks", "-q") == (0, "", "")
    assert labelvc(labels, "module", "update", "text-checks", "-q") == (0, "", "")
    assert labelvc(labels, "module", "update", "text-checks", "-q", "--dry-run")[1].startswith("text-checks 1.1.0")


def test_a_dry_run_writes_nothing(labels, labelvc, module, git):
    assert "is new here" in run(labels, labelvc, "module", "add", "../shared", "--dry-run")
    assert git(labels, "status", "--porcelain") == ""


def test_a_document_that_is_here_already_stops_it(labels, labelvc, module, git):
    """With --keep what it lacks is brought in, block by block, and what it says stays."""
    put(labels, {"taxonomies/litter.yaml": TAXONOMY, "guidelines/litter.yaml": GUIDELINE.replace("metal", "tin")})
    commit(labels, git)
    said = change(labels, labelvc, "add", "../shared", "--at", "v1", code=1)
    assert (said["summary"]["stopped"], said["summary"]["written"]) == ("conflict", False)
    conflicts = {item["path"]: item["conflicts"] for item in said["items"] if item["kind"] == "document"}
    assert conflicts == snapshot(
        {
            "taxonomies/litter.yaml": [],
            "guidelines/litter.yaml": ["/labels/can/definition"],
            "profiles/litter.yaml": [],
        }
    )
    assert git(labels, "status", "--porcelain") == ""
    wanted = GUIDELINE.replace("  can: {definition: A vessel of metal.}\n", "")
    (labels / "guidelines/litter.yaml").write_text("# ours\n" + wanted.replace("What lies there", "Ours"))
    said = change(labels, labelvc, "add", "../shared", "--at", "v1", "--keep")
    assert states(said)["guidelines/litter.yaml"] == "merged"
    text = (labels / "guidelines/litter.yaml").read_text()
    assert (
        text
        == "# ours\n" + wanted.replace("What lies there", "Ours") + '  can:\n    definition: "A vessel of metal."\n'
    )
    assert "edited   guidelines/litter.yaml" in run(labels, labelvc, "module", "list")


def test_every_module_of_the_library_can_be_taken(labels, labelvc, git):
    listed = json.loads(run(labels, labelvc, "module", "list", "--library", "--format", "json"))
    assert schema.problems("module-list", listed) == []
    names = [one["name"] for one in listed["items"]]
    assert names == snapshot(
        ["box-checks", "boxes", "classification", "crowd-checks", "rating", "spans", "text-checks", "tokens"]
    )
    for name in names:
        said = change(labels, labelvc, "add", name)
        assert set(states(said).values()) <= {"new", "same"}
    assert labelvc(labels, "module", "check")[0] == 0


def test_a_dataset_takes_the_profiles_at_once(labels, labelvc, module, git):
    """And what that would find is told before it is taken."""
    said = change(labels, labelvc, "add", "../shared", "--dataset", "pictures")
    assert states(said)["datasets/pictures/dataset.yaml"] == "takes"
    assert [(one["rule"], one["new"], one["softer"]) for one in said["items"] if one["kind"] == "setting"] == [
        ("box.outside", "warning", True)
    ]
    path = labels / "datasets/pictures/dataset.yaml"
    assert document.read(path.read_bytes())["profiles"] == ["litter"]
    change(labels, labelvc, "add", "text-checks", "--dataset", "pictures")
    assert document.read(path.read_bytes())["profiles"] == ["litter", "text-checks"]
    for words in (("spans", "--dataset", "pictures"), ("crowd-checks", "--dataset", "nothing")):
        assert labelvc(labels, "module", "add", *words)[0] in (1, 2)
    said = change(labels, labelvc, "add", "box-checks", "--dataset", "pictures", code=1)
    assert said["summary"]["stopped"] == "broken", "two profiles that disagree"


def test_from_a_server_once_and_offline_ever_after(labels, labelvc, module, git, tmp_path, monkeypatch):
    """Over real https; a clone without the module, the network or a cache says the same of the project."""
    with serving(module.parent, tmp_path) as url:
        monkeypatch.setenv("GIT_SSL_CAINFO", str(tmp_path / "server.pem"))
        address = f"{url}/shared/.git"
        run(labels, labelvc, "module", "add", address, "--at", "v1", "--dataset", "pictures")
        commit(labels, git)
        path = labels / "taxonomies/litter.yaml"
        path.write_text(path.read_text().replace("name: Paper}", "name: Card}"))
        said = change(labels, labelvc, "update", "litter", "--to", "v2")
        assert states(said)["taxonomies/litter.yaml"] == "merged"
        assert said["summary"]["commit"] == git(module, "rev-parse", "v2").strip()
        commit(labels, git)
        assert change(labels, labelvc, "update", "litter")["summary"]["commit"] == said["summary"]["commit"]
    lock = json.loads((labels / "modules.lock").read_text())
    assert (lock["source"], lock["commit"]) == (address, said["summary"]["commit"])
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(labels), str(clone))
    assert run(clone, labelvc, "module", "check") == run(labels, labelvc, "module", "check")
    assert labelvc(clone, "check", "--all")[1] == labelvc(labels, "check", "--all")[1]
    code, _, err = labelvc(clone, "module", "update", "litter", "--wait", "5")
    assert (code, f"git ls-remote {address}" in err) == (2, True), err
    assert git(clone, "status", "--porcelain") == ""
    assert labelvc(labels, "module", "update", "litter", "--to", lock["commit"])[0] == 0, "its commit is kept here"


# ---------------------------------------------------------------- templates
PROJECT = """schema: urn:labelvc:schema:project:1
id: {id}
name: "{name}"
goal: Find litter
tasks: {objects: {type: box, taxonomy: litter, guideline: litter}}
"""
DATASET = """schema: urn:labelvc:schema:dataset:1
name: NAME
id: {dataset_id}
tasks: {objects: false}
profiles: [litter]
"""
TEMPLATE = {
    **FIRST,
    "module.yaml": MANIFEST.replace("[", "[labelvc.yaml, datasets/street/dataset.yaml, datasets/beach/dataset.yaml, "),
    "labelvc.yaml": PROJECT,
    "datasets/street/dataset.yaml": DATASET.replace("NAME", "street"),
    "datasets/beach/dataset.yaml": DATASET.replace("NAME", "beach"),
}


@pytest.fixture
def template(tmp_path: Path, git: Callable[..., str]) -> Path:
    """Return a repository with a module that is a template, in a folder below its top."""
    folder = tmp_path / "templates"
    put(folder / "litter", TEMPLATE)
    git(folder, "init", "-q")
    git(folder, "add", "--all")
    git(folder, "commit", "-qm", "Litter")
    git(folder, "tag", "v1")
    return folder / "litter"


def test_a_project_is_made_of_a_template_from_elsewhere(template, tmp_path, labelvc, git):
    (template / "labelvc.yaml").write_text("schema: [\n")
    code, out, err = labelvc(tmp_path, "init", "new", "--template", "./templates/litter", "--at", "v1")
    assert code == 0, out + err
    folder = tmp_path / "new"
    assert "profiles/litter.yaml" in out
    project = document.read((folder / "labelvc.yaml").read_bytes())
    ids = {document.read(path.read_bytes())["id"] for path in folder.glob("datasets/*/dataset.yaml")}
    assert (project["name"], len(ids | {project["id"]})) == ("new", 3)
    assert not (folder / "modules.lock").exists(), "a start to be edited, no dependency"
    assert labelvc(folder, "check", "--all")[0] == 0
    commit(folder, git)
    said = change(folder, labelvc, "add", "../templates/litter", "--at", "v1")
    assert set(states(said).values()) == {"same"}, "who wants its updates says so"
    assert said["summary"]["written"]


@pytest.mark.parametrize(
    ("path", "old", "new", "said"),
    [
        ("module.yaml", "labelvc.yaml, ", "", "is no template"),
        ("module.yaml", "datasets/street/dataset.yaml, datasets/beach/dataset.yaml, ", "", "is no template"),
        ("labelvc.yaml", "type: box", "type: boxes", "/tasks/objects/type"),
        ("labelvc.yaml", "taxonomy: litter", "taxonomy: rubbish", "there is no taxonomy 'rubbish'"),
        ("datasets/beach/dataset.yaml", "[litter]", "[litter, none]", "there is no profile 'none'"),
        (
            "datasets/beach/dataset.yaml",
            "profiles:",
            "checks: {box.outsid: {severity: error}}\nprofiles:",
            "'box.outsid'",
        ),
        ("profiles/litter.yaml", "box.outside", "box.outsid", "'box.outsid'"),
    ],
)
def test_a_template_that_makes_no_project_writes_nothing(template, tmp_path, labelvc, path, old, new, said):
    text = (template / path).read_text()
    assert old in text
    (template / path).write_text(text.replace(old, new))
    code, _, err = labelvc(tmp_path, "init", "new", "--template", "./templates/litter")
    assert (code, said in err, "next: " in err) == (2, True, True), err
    assert not (tmp_path / "new").exists()


# ---------------------------------------------------------------- update
def test_an_update_shows_what_it_changes_before_it_is_taken(labels, labelvc, module, git):
    take(labels, labelvc, git)
    out = run(labels, labelvc, "module", "update", "litter", "--to", "v2", "--dry-run")
    head = git(module, "rev-parse", "v2").strip()
    assert out.replace(head[:10], "COMMIT") == snapshot("""\
litter 1.0.0 -> 1.1.0 from ../shared at COMMIT
~ taxonomies/litter.yaml  as the module gives it now
    ~ version 1.0.0 -> 1.1.0
    ~ label can renamed Can -> Tin
    + label cup (Cup)
~ guidelines/litter.yaml  as the module gives it now
    ~ label can definition A vessel of metal. -> A vessel of thin metal.
~ profiles/litter.yaml  as the module gives it now
    ~ version 1.0.0 -> 1.1.0
    ~ /checks/box.near_duplicate/threshold 0.9 -> 0.5
    ~ /checks/box.outside/severity error -> warning

settings that turn
  pictures  box.near_duplicate threshold 0.9 -> 0.5
  pictures  box.outside severity error -> warning  softer

new: 2 warnings
warning box.near_duplicate pictures/p.jpg#b  the object-a box all but coincides with pictures/p.jpg#a (IoU 0.67)
        next: delete one of the two, or keep both knowingly
warning guideline.silent   guidelines/litter.yaml:8  does not explain the label 'cup' of litter
        next: explain it under `labels:` in guidelines/litter.yaml, then labelvc guideline publish litter
""")
    assert git(labels, "status", "--porcelain") == ""
    said = change(labels, labelvc, "update", "litter", "--to", "v2")
    assert said["summary"]["written"]
    softer = [item for item in said["items"] if item["kind"] == "setting" and item["softer"]]
    assert [(one["rule"], one["old"], one["new"]) for one in softer] == [("box.outside", "error", "warning")]
    fresh = [item["finding"]["rule"] for item in said["items"] if item["kind"] == "finding"]
    checked = json.loads(labelvc(labels, "check", "--format", "json")[1])
    assert fresh == [one["rule"] for one in checked["items"]], "what was foreseen is what check then says"
    assert (labels / "profiles/litter.yaml").read_text() == SECOND["profiles/litter.yaml"]


def test_an_update_that_brings_errors_is_taken_when_somebody_says_so(labels, labelvc, module, git):
    take(labels, labelvc, git)
    harder = SECOND["profiles/litter.yaml"].replace("threshold: 0.5", "severity: error, threshold: 0.5")
    put(module, {"profiles/litter.yaml": harder})
    commit(module, git)
    code, out, err = labelvc(labels, "module", "update", "litter")
    assert (code, err) == snapshot(
        (1, "nothing was written: errors would come of it; --anyway takes it all the same\n")
    )
    assert "error   box.near_duplicate pictures/p.jpg#" in out
    assert git(labels, "status", "--porcelain") == ""
    assert change(labels, labelvc, "update", "litter", "--anyway")["summary"]["written"]


def test_what_was_edited_here_is_merged(labels, labelvc, module, git):
    take(labels, labelvc, git)
    path = labels / "taxonomies/litter.yaml"
    path.write_text(path.read_text().replace("name: Paper}", "name: Paper or card}  # ours").replace("1.0.0", "1.0.1"))
    said = change(labels, labelvc, "update", "litter", "--to", "v2")
    assert states(said) == {
        "taxonomies/litter.yaml": "merged",
        "guidelines/litter.yaml": "taken",
        "profiles/litter.yaml": "taken",
    }
    assert path.read_text() == snapshot("""\
# What lies on the ground
schema: urn:labelvc:schema:taxonomy:1
name: litter
version: 1.1.0
labels:
  - {id: bottle, name: Bottle}   # glass or plastic
  - {id: can, name: Tin}
  - {id: paper, name: Paper or card}  # ours
  - id: cup
    name: Cup
""")
    assert run(labels, labelvc, "module", "list").splitlines()[1].split() == ["edited", "taxonomies/litter.yaml"]


def test_what_both_sides_changed_is_told_and_never_written_over(labels, labelvc, module, git):
    take(labels, labelvc, git)
    path = labels / "taxonomies/litter.yaml"
    path.write_text(path.read_text().replace("name: Can}", "name: Beer can}"))
    before = path.read_text()
    code, out, err = labelvc(labels, "module", "update", "litter", "--to", "v2")
    assert code == 1
    assert "! /labels/can/name was changed here and there" in out
    assert "--keep" in err
    assert path.read_text() == before
    assert (labels / "profiles/litter.yaml").read_text() == PROFILE, "all of it or nothing"
    change(labels, labelvc, "update", "litter", "--to", "v2", "--keep")
    assert "Beer can" in path.read_text()
    assert "id: cup" in path.read_text()


def test_what_was_never_committed_cannot_be_merged_without_asking(labels, labelvc, module, git, tmp_path):
    """A folder as source knows no past, and neither does a history in which the copy never lay as it was given."""
    folder = put(tmp_path / "plain", FIRST)
    change(labels, labelvc, "add", "../plain")
    path = labels / "guidelines/litter.yaml"
    path.write_text(path.read_text().replace("Look twice", "Look three times"))
    put(folder, SECOND)
    code, out, _ = labelvc(labels, "module", "update", "litter")
    assert code == 1
    assert "is in no commit here" in out
    assert change(labels, labelvc, "update", "litter", "--keep")["summary"]["written"]
    assert "Look three times" in path.read_text()


def test_from_a_commit_that_is_still_there_it_can(labels, labelvc, module, git):
    change(labels, labelvc, "add", "../shared", "--at", "v1")
    path = labels / "guidelines/litter.yaml"
    path.write_text(path.read_text().replace("Look twice", "Look three times"))
    change(labels, labelvc, "update", "litter", "--to", "v2")
    assert "Look three times" in path.read_text()
    assert "thin metal" in path.read_text()


def test_a_document_the_module_gives_no_more_stays(labels, labelvc, module, git):
    take(labels, labelvc, git)
    put(
        module, {"module.yaml": SECOND["module.yaml"].replace("taxonomies/litter.yaml, ", "").replace("1.1.0", "2.0.0")}
    )
    commit(module, git)
    assert states(change(labels, labelvc, "update", "litter"))["taxonomies/litter.yaml"] == "left"
    assert (labels / "taxonomies/litter.yaml").is_file()
    assert run(labels, labelvc, "module", "check", "--fail-on", "note") == "no findings\n"


def test_a_document_that_went_is_brought_back(labels, labelvc, module, git):
    """Though without it the project does not fit together any more."""
    take(labels, labelvc, git)
    (labels / "taxonomies/litter.yaml").unlink()
    assert "missing  taxonomies/litter.yaml" in run(labels, labelvc, "module", "list")
    out = run(labels, labelvc, "module", "check", code=1)
    assert [line.split()[1] for line in out.splitlines() if line.startswith("error")] == ["module.missing"]
    said = change(labels, labelvc, "update", "litter", "--to", "v1")
    assert states(said)["taxonomies/litter.yaml"] == "new"
    assert [one["finding"]["rule"] for one in said["items"] if one["kind"] == "ended"] == ["document.reference"]
    assert git(labels, "status", "--porcelain") == ""


def test_a_published_version_does_not_change_what_it_says(labels, labelvc, module, git):
    """A module that changes a text under its old number is stopped, until the copy here has a version of its own."""
    take(labels, labelvc, git)
    run(labels, labelvc, "guideline", "publish", "litter")
    commit(labels, git)
    said = change(labels, labelvc, "update", "litter", "--to", "v2", code=1)
    assert said["summary"]["stopped"] == "broken"
    assert [one["finding"]["rule"] for one in said["items"] if one["kind"] == "finding"] == ["document.version"]
    path = labels / "guidelines/litter.yaml"
    path.write_text(path.read_text().replace("version: 1.0.0", "version: 2.0.0"))
    assert states(change(labels, labelvc, "update", "litter", "--to", "v2"))["guidelines/litter.yaml"] == "merged"
    assert "is published after 1.0.0: changes the meaning" in run(labels, labelvc, "guideline", "publish", "litter")
    assert run(labels, labelvc, "check").startswith(("1 warning", "warning"))


def test_a_module_that_changes_without_a_new_version_is_told(labels, labelvc, module, git):
    take(labels, labelvc, git)
    put(module, {**SECOND, "module.yaml": MANIFEST})
    commit(module, git)
    out = run(labels, labelvc, "module", "update", "litter", "--dry-run")
    assert out.splitlines()[0].endswith(", changed under the same version")
    assert "same version" not in run(labels, labelvc, "module", "update", "litter", "--to", "v2", "--dry-run")


def test_nothing_new_is_nothing_written(labels, labelvc, module, git):
    take(labels, labelvc, git)
    said = change(labels, labelvc, "update", "litter", "--to", "v1")
    assert set(states(said).values()) == {"same"}
    assert not said["summary"]["written"]
    assert git(labels, "status", "--porcelain") == ""
    assert (
        labelvc(labels, "module", "update", "litter", "--to", "v1")[2]
        == "nothing was written: it is all here already\n"
    )


# ---------------------------------------------------------------- remove and check
def test_remove_takes_the_documents_along_unless_somebody_needs_them(labels, labelvc, module, git):
    take(labels, labelvc, git)
    said = change(labels, labelvc, "remove", "litter", code=1)
    assert said["summary"]["stopped"] == "broken", "a dataset takes its profile"
    assert change(labels, labelvc, "remove", "litter", "--keep")["summary"]["written"]
    assert not (labels / "modules.lock").exists()
    assert (labels / "profiles/litter.yaml").is_file()
    git(labels, "restore", ".")
    git(labels, "revert", "--no-edit", "HEAD")
    change(labels, labelvc, "add", "../shared", "--at", "v1")
    change(labels, labelvc, "remove", "litter")
    assert git(labels, "status", "--porcelain") == ""


def test_remove_loses_no_edit(labels, labelvc, module, git):
    change(labels, labelvc, "add", "../shared", "--at", "v1")
    path = labels / "profiles/litter.yaml"
    path.write_text(path.read_text().replace("0.9", "0.8"))
    code, _, err = labelvc(labels, "module", "remove", "litter")
    assert code == 1
    assert "was edited here" in err
    assert path.is_file()


def test_check_tells_what_is_missing_edited_or_given_twice(labels, labelvc, module, git):
    take(labels, labelvc, git)
    lock = labels / "modules.lock"
    lock.write_text(lock.read_text() + lock.read_text().replace('"name":"litter"', '"name":"other"'))
    (labels / "guidelines/litter.yaml").unlink()
    path = labels / "taxonomies/litter.yaml"
    path.write_text(path.read_text().replace("Paper", "Card"))
    out = run(labels, labelvc, "module", "check", code=1)
    assert out == snapshot("""\
error   module.conflict    guidelines/litter.yaml  the modules litter and other both give it
        next: labelvc module remove other --keep
error   module.missing     guidelines/litter.yaml  litter@1.0.0 gave it, and it is not here
        next: labelvc module update litter brings it back; or labelvc module remove litter --keep
error   module.missing     guidelines/litter.yaml  other@1.0.0 gave it, and it is not here
        next: labelvc module update other brings it back; or labelvc module remove other --keep
error   module.conflict    profiles/litter.yaml  the modules litter and other both give it
error   module.conflict    taxonomies/litter.yaml  the modules litter and other both give it
note    module.edited      taxonomies/litter.yaml  differs from what litter@1.0.0 gave
        next: labelvc module update litter --dry-run; an update keeps what was edited here
note    module.edited      taxonomies/litter.yaml  differs from what other@1.0.0 gave
        next: labelvc module update other --dry-run; an update keeps what was edited here
5 errors, 2 notes
""")
    assert "module.missing" in run(labels, labelvc, "check", code=1)


def test_check_reads_nothing_where_there_is_no_lock(labels, labelvc, gits):
    gits()
    before = len(gits()) if labelvc(labels, "check", "--all")[0] == 1 else 0
    assert before
    code, out, _ = labelvc(labels, "module", "check", "--format", "json")
    assert (code, json.loads(out)["items"]) == (0, [])
    assert schema.problems("check", json.loads(out)) == []


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda text: text.replace("{", '{"a":"x",', 1), "is not known here"),
        (lambda text: text + text, "has two lines of the module 'litter'"),
        (lambda text: text.replace('"name":"litter"', '"name":"z"') + text, "is not sorted by the names of modules"),
        (lambda text: text.replace(":", ": "), "canonical form"),
        (lambda text: text[:-1], "no line end"),
        (lambda text: "<<<<<<< ours\n" + text, "document.yaml"),
        (lambda text: text.replace("guidelines/litter.yaml", "../litter.yaml"), "has a name that does not fit"),
    ],
)
def test_a_lock_that_is_wrong_is_told(labels, labelvc, module, git, break_it, message):
    take(labels, labelvc, git)
    path = labels / "modules.lock"
    path.write_text(break_it(path.read_text()))
    out = run(labels, labelvc, "module", "check", code=1)
    assert message in out
    assert "modules.lock" in out
    for words in (("update", "litter"), ("remove", "litter"), ("add", "box-checks"), ("list",)):
        assert labelvc(labels, "module", *words)[0] == 2, words


def test_a_shell_completes_the_names_of_modules(labels, labelvc, module, git, monkeypatch):
    take(labels, labelvc, git)
    monkeypatch.chdir(labels)
    for said, wanted in (("", ["litter"]), ("l", ["litter"]), ("x", [])):
        context = click.Context(application)
        assert [item.value for item in module_names(context, click.Argument(["name"]), said)] == wanted
    (labels / "modules.lock").write_text("<<<<<<<\n")
    assert module_names(click.Context(application), click.Argument(["name"]), "") == []


def test_a_branch_that_takes_another_module_merges(labels, labelvc, module, git):
    """git merges the lock by lines and may stop; then one side is taken, and what the other took is taken again."""
    take(labels, labelvc, git)
    git(labels, "switch", "-qc", "topic")
    change(labels, labelvc, "add", "text-checks")
    commit(labels, git)
    git(labels, "switch", "-q", "main")
    change(labels, labelvc, "update", "litter", "--to", "v2")
    commit(labels, git)
    code, out, err = labelvc(labels, "merge", "topic", "-m", "Both")
    assert (code, "! modules.lock  git could not merge" in out) == (1, True), err
    git(labels, "checkout", "--ours", "modules.lock")
    git(labels, "add", "modules.lock")
    said = change(labels, labelvc, "add", "text-checks")
    assert (states(said), said["summary"]["written"]) == ({"profiles/text-checks.yaml": "same"}, True)
    git(labels, "add", "--all")
    code, out, err = labelvc(labels, "merge", "--continue")
    assert code == 0, out + err
    assert run(labels, labelvc, "module", "check", "--fail-on", "note") == "no findings\n"
    assert len(document.read_lines((labels / "modules.lock").read_bytes())) == 2
