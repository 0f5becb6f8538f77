"""dataset list, show, new, reshard and storage as a user meets them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from labelvc.codec import schema
from labelvc.store import dvc
from labelvc.store import git as plumbing

COLUMNS = ("--dataset", "ratings", "--item", "text", "--value", "score", "--by", "who", "--key", "id")


@pytest.fixture
def labels(repo, labelvc, git, tmp_path) -> Path:
    """Return a project with 40 ratings in 16 shards, committed."""
    rows = "\n".join([f"w{at},word {at},{at % 9 - 4},ada" for at in range(40)])
    (tmp_path / "in.csv").write_text(f"id,text,score,who\n{rows}\n")
    assert labelvc(repo, "init", "--template", "rating")[0] == 0
    assert labelvc(repo, "import", "csv", str(tmp_path / "in.csv"), *COLUMNS)[0] == 0
    git(repo, "add", "--all")
    git(repo, "commit", "-qm", "start")
    return repo


def valid(noun: str, text: str) -> dict:
    document = json.loads(text)
    assert schema.problems(noun, document) == []
    return document


def behind_dvc(folder: Path, git: Callable[..., str], labelvc: Callable[..., tuple[int, str, str]]) -> None:
    subprocess.run([sys.executable, "-m", "dvc", "init", "--quiet"], cwd=folder, check=True)
    git(folder, "commit", "-qnm", "DVC")
    code, _, err = labelvc(folder, "dataset", "storage", "ratings", "dvc")
    assert code == 0, err
    git(folder, "commit", "-qnm", "behind DVC")


def shards(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "datasets/ratings/annotations").rglob("*.jsonl")}


def test_list_and_show(labels, labelvc):
    assert labelvc(labels, "dataset", "list")[:2] == (
        0,
        "dataset  items  records  shards  storage  tasks\nratings     40       40      14  git      sentiment\n",
    )
    code, out, err = labelvc(labels, "dataset", "show", "ratings")
    assert (code, err) == (0, "")
    told = [line for line in out.splitlines() if "  id  " not in line]
    assert "\n".join(told) == snapshot("""\
ratings
  title        Words and their ratings
  storage      git
  layout       16 shards, 14 with annotations
  natural key  /natural/id
  sources      replace-me
  items        40
  records      40
  a shard      171 bytes to 857 bytes, median 343 bytes; 1 to 5 lines, median 2
  task         sentiment (score)  40 of 40 items (100 %)\
""")
    listed = valid("dataset-list", labelvc(labels, "dataset", "list", "--format", "json")[1])
    assert listed["summary"] == {"datasets": 1, "items": 40, "records": 40, "absent": 0}
    (line,) = labelvc(labels, "dataset", "list", "--format", "jsonl")[1].splitlines()
    assert json.loads(line) == listed["items"][0]
    shown = valid("dataset-show", labelvc(labels, "dataset", "show", "ratings", "--format", "json")[1])
    assert shown["items"][0]["tasks"] == {"sentiment": {"required": True, "covered": 40}}


def test_coverage_counts_items_that_have_a_record(labels, labelvc, git):
    path = next((labels / "datasets/ratings/annotations").rglob("*.jsonl"))
    gone = len(path.read_bytes().splitlines())
    path.unlink()
    assert labelvc(labels, "format")[0] == 0
    out = labelvc(labels, "dataset", "show", "ratings")[1]
    assert f"{40 - gone} of 40 items" in out
    assert f"{40 - gone}, and {gone} deleted" in out


def test_an_empty_project_has_datasets_to_make(repo, labelvc):
    labels = repo
    assert labelvc(repo, "init", "--template", "rating")[0] == 0
    shutil.rmtree(labels / "datasets")
    code, out, err = labelvc(labels, "dataset", "list")
    assert (code, out, err) == (0, "no datasets\n", "next: labelvc dataset new NAME --task TASK\n")
    code, out, err = labelvc(labels, "dataset", "new", "b", "--task", "sentiment", "--natural-key", "/natural/id")
    assert (code, out) == (0, "datasets/b/dataset.yaml\n")
    assert labelvc(labels, "check")[0] == 0
    assert labelvc(labels, "dataset", "show", "b")[0] == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("ratings", "--task", "sentiment"), 1, "a dataset of that name is there"),
        (("a/b", "--task", "sentiment"), 2, "a dataset's name consists of"),
        (("..", "--task", "sentiment"), 2, "a dataset's name consists of"),
        (("b", "--task", "mood"), 2, "there is no task 'mood'"),
        (("b",), 2, "missing option '--task'"),
        (("b", "--task", "sentiment", "--shards", "5"), 2, "5 is not a possible number"),
        (("b", "--task", "sentiment", "--group", "("), 2, "not a regular expression"),
        (("b", "--task", "sentiment", "--natural-key", "id"), 2, "/natural_key/0"),
        (("b", "--task", "sentiment", "--storage", "dvc"), 2, "DVC is not set up"),
    ],
)
def test_a_new_dataset_that_cannot_be(labels, labelvc, git, words, code, said):
    found, out, err = labelvc(labels, "dataset", "new", *words)
    assert (found, out) == (code, "")
    assert said in err
    assert "next: " in err
    assert git(labels, "status", "--porcelain") == ""


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("nope", "--shards", "4"), 2, "there is no dataset 'nope'"),
        (("ratings",), 2, "say --shards N"),
        (("ratings", "--shards", "5"), 2, "not a possible number"),
        (("ratings", "--auto", "--shards", "4"), 2, "exclude each other"),
        (("ratings", "--group", "x", "--no-group"), 2, "exclude each other"),
        (("ratings", "--group", "["), 2, "not a regular expression"),
    ],
)
def test_a_reshard_that_cannot_be(labels, labelvc, git, words, code, said):
    found, _, err = labelvc(labels, "dataset", "reshard", *words)
    assert found == code
    assert said in err
    assert git(labels, "status", "--porcelain") == ""


def test_reshard_is_one_line_in_a_diff(labels, labelvc, git):
    code, out, err = labelvc(labels, "dataset", "reshard", "ratings", "--shards", "4", "--dry-run")
    assert (code, err) == (0, "nothing was written (--dry-run)\n")
    assert git(labels, "status", "--porcelain") == ""
    code, again, err = labelvc(labels, "dataset", "reshard", "ratings", "--shards", "4")
    assert again == out.replace("would have", "has")
    assert err == "next: git add --all datasets/ratings && git commit -m 'Reshard ratings'\n"
    assert labelvc(labels, "dataset", "reshard", "ratings", "--shards", "4")[:2] == (
        0,
        "ratings has 4 shards already\n",
    )
    assert labelvc(labels, "status")[1].count("records: ") == 0
    code, _, err = labelvc(labels, "dataset", "reshard", "ratings", "--shards", "64")
    assert code == 1
    assert "changes that are not committed" in err
    git(labels, "add", "--all")
    git(labels, "commit", "-qnm", "reshard")
    code, out, err = labelvc(labels, "diff", "HEAD~1..HEAD")
    assert [line for line in out.splitlines() if line[:1] != " "] == [
        "= datasets/ratings/dataset.yaml  cut into 4 shards, were 16 (mechanical)"
    ]
    assert "records: 0 changed, 0 added, 0 removed in 0 items; mechanical: 1 document" in err
    for words in (("--all",), ("HEAD~1..HEAD",)):
        assert labelvc(labels, "check", *words)[0] == 0
    document = valid(
        "dataset-change", labelvc(labels, "dataset", "reshard", "ratings", "--auto", "--format", "json")[1]
    )
    assert (document["summary"], document["items"][0]["new"]["shards"]) == ({"written": True}, 16)


def test_storage_there_and_back(labels, labelvc, git):
    before, start = shards(labels), git(labels, "rev-parse", "HEAD").strip()
    code, _, err = labelvc(labels, "dataset", "storage", "ratings", "dvc")
    assert (code, "next: dvc init" in err) == (2, True)
    behind_dvc(labels, git, labelvc)
    assert shards(labels) == before
    tracked = git(labels, "ls-files", "datasets/ratings").split()
    assert not [path for path in tracked if "/annotations/" in path]
    assert (
        subprocess.run(
            ["sha256sum", "--quiet", "-c", "annotations.sha256"], cwd=labels / "datasets/ratings", check=False
        ).returncode
        == 0
    )
    assert labelvc(labels, "check", "--all")[:2] == (0, "no findings; 80 lines in 14 shards looked at\n")
    assert labelvc(labels, "check", "HEAD~1..HEAD")[0] == 0
    document = valid("dataset-change", labelvc(labels, "dataset", "storage", "ratings", "dvc", "--format", "json")[1])
    assert document["summary"] == {"written": False}
    assert labelvc(labels, "dataset", "reshard", "ratings", "--shards", "4")[0] == 0
    git(labels, "commit", "-qnm", "reshard")
    assert git(labels, "status", "--porcelain") == ""
    assert labelvc(labels, "dataset", "reshard", "ratings", "--auto")[0] == 0
    git(labels, "commit", "-qnm", "reshard")
    code, _, err = labelvc(labels, "dataset", "storage", "ratings", "git")
    assert code == 0, err
    git(labels, "commit", "-qnm", "in git")
    assert git(labels, "status", "--porcelain") == ""
    assert shards(labels) == before
    names = {path.name for path in (labels / "datasets/ratings").iterdir()}
    assert names == {"annotations", "items", "dataset.yaml"}
    assert labelvc(labels, "check", "--all")[0] == 0
    assert labelvc(labels, "diff", f"{start}..HEAD", "--stat")[1].startswith("records: 0 changed, 0 added, 0 removed")


@pytest.mark.parametrize("kind", ["hardlink", "symlink", "not there"])
def test_links_into_the_cache_become_files_of_their_own(labels, labelvc, git, kind):
    before = shards(labels)
    behind_dvc(labels, git, labelvc)
    if kind != "not there":
        (labels / ".dvc/config.local").write_text(f"[cache]\n    type = {kind}\n")
    shutil.rmtree(labels / "datasets/ratings/annotations")
    if kind != "not there":
        dvc.checkout(plumbing.find(labels), ["datasets/ratings/annotations.dvc"])
    code, _, err = labelvc(labels, "dataset", "storage", "ratings", "git")
    assert code == 0, err
    assert shards(labels) == before
    for path in (labels / "datasets/ratings/annotations").rglob("*.jsonl"):
        assert not path.is_symlink()
        assert path.stat().st_nlink == 1
        assert os.access(path, os.W_OK)
        assert path.stat().st_mode & 0o200
    git(labels, "commit", "-qnm", "in git")
    assert git(labels, "status", "--porcelain") == ""


def test_what_nobody_has_pulled_is_said(labels, labelvc, git):
    behind_dvc(labels, git, labelvc)
    shutil.rmtree(labels / "datasets/ratings/annotations")
    shutil.rmtree(labels / ".dvc/cache")
    for words in (("list",), ("show", "ratings")):
        code, _, err = labelvc(labels, "dataset", *words)
        assert code == 2
        assert "next: dvc pull" in err
    code, _, err = labelvc(labels, "dataset", "storage", "ratings", "git")
    assert code == 2
    assert "next: " in err


def test_a_shell_completes_names(labels, labelvc, monkeypatch):
    monkeypatch.setenv("_LABELVC_COMPLETE", "bash_complete")
    for typed, found in (("r", ["plain,ratings"]), ("x", [])):
        monkeypatch.setenv("COMP_WORDS", f"labelvc dataset show {typed}")
        monkeypatch.setenv("COMP_CWORD", "3")
        assert labelvc(labels / "datasets", "ignored")[1].split() == found
