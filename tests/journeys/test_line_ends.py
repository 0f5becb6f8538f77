"""A clone whose git writes CR LF and whom no attribute tells otherwise: what is stored stays LF, and format ends it well."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., tuple[int, str, str]]
ROWS = "id,item,label\na1,m1,delivery\na2,m1,order\na1,m2,payment\n"


@pytest.fixture
def clone(project: Callable[[str], Path], labelvc: Run, git: Callable[..., str], tmp_path: Path) -> Path:
    """Return a clone without `.gitattributes` whose work tree has CR LF in every file."""
    folder = project("classification")
    (tmp_path / "in.csv").write_text(ROWS)
    assert labelvc(folder, "import", "csv", str(tmp_path / "in.csv"), "--dataset", "texts")[0] == 0
    git(folder, "rm", "-q", ".gitattributes")
    git(folder, "add", "--all")
    git(folder, "commit", "-qm", "Three answers")
    git(folder, "clone", "-q", "-c", "core.autocrlf=true", str(folder), str(tmp_path / "clone"))
    assert all(b"\r\n" in path.read_bytes() for path in shards(tmp_path / "clone"))
    return tmp_path / "clone"


def shards(folder: Path) -> list[Path]:
    return sorted((folder / "datasets").rglob("*.jsonl"))


def stored(folder: Path) -> set[str]:
    """Return the line ends of the shards that git keeps."""
    words = ["git", "ls-files", "--eol", "--", "datasets/*.jsonl"]
    listed = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True).stdout
    return {line.split()[0] for line in listed.splitlines()}


def quiet(labelvc: Run, folder: Path) -> None:
    """Hold that nothing is found, differs or is to be formatted."""
    for words in (["check"], ["check", "--all"]):
        code, out, err = labelvc(folder, *words)
        assert (code, out.startswith("no findings")) == (0, True), out + err
    assert labelvc(folder, "diff")[:2] == (0, "")
    assert "in form already" in labelvc(folder, "format")[2]


def test_what_git_calls_unchanged_is_unchanged(clone: Path, labelvc: Run):
    before = [path.read_bytes() for path in shards(clone)]
    quiet(labelvc, clone)
    assert [path.read_bytes() for path in shards(clone)] == before


def test_an_edit_is_one_change_once_it_is_formatted(clone: Path, labelvc: Run, git: Callable[..., str]):
    for path in shards(clone):
        path.write_bytes(path.read_bytes().replace(b'"delivery"', b'"other"'))
    code, out, _ = labelvc(clone, "check")
    assert code == 1
    assert {line for line in out.splitlines() if "next:" in line} == {"        next: labelvc format"}
    lines = labelvc(clone, "diff")[1].splitlines()
    assert "~ texts/m1#a1  /value/label delivery -> other" in lines
    assert ". texts/m1#a2  spelling or line end alone, which labelvc format undoes" in lines
    assert labelvc(clone, "format")[0] == 0
    assert labelvc(clone, "diff")[1] == "~ texts/m1#a1  /value/label delivery -> other\n"
    assert labelvc(clone, "check")[0] == 0
    git(clone, "commit", "-qam", "An edit")
    assert stored(clone) == {"i/lf"}
    assert labelvc(clone, "diff", "HEAD~1..HEAD")[1] == "~ texts/m1#a1  /value/label delivery -> other\n"
    quiet(labelvc, clone)


def test_files_that_were_only_touched_are_put_in_order(clone: Path, labelvc: Run, git: Callable[..., str]):
    for path in shards(clone):
        os.utime(path, (0, 0))
    assert labelvc(clone, "check")[0] == 1
    assert labelvc(clone, "format")[0] == 0
    assert all(b"\r" not in path.read_bytes() for path in shards(clone))
    quiet(labelvc, clone)
    git(clone, "add", "--all")
    assert git(clone, "status", "--porcelain") == ""


def test_an_import_writes_what_it_would_write_anywhere(clone: Path, labelvc: Run, git: Callable[..., str]):
    (clone.parent / "more.csv").write_text(ROWS.replace("payment", "other") + "a9,m9,other\n")
    code, out, err = labelvc(clone, "import", "csv", "../more.csv", "--dataset", "texts")
    assert code == 0, out + err
    assert "records: 1 changed, 1 added, 0 removed in 2 items; items: 1 added" in out
    assert labelvc(clone, "check")[0] == 0
    git(clone, "add", "--all")
    git(clone, "commit", "-qm", "More")
    assert stored(clone) == {"i/lf"}
    quiet(labelvc, clone)


def test_doctor_names_the_cause(clone: Path, labelvc: Run, git: Callable[..., str]):
    said = labelvc(clone, "doctor")[1]
    assert "attributes" in said
    assert "echo 'datasets/**/*.jsonl text eol=lf diff=labelvc merge=labelvc' >> .gitattributes" in said
    (clone / ".gitattributes").write_text("datasets/**/*.jsonl text eol=lf diff=labelvc merge=labelvc\n")
    git(clone, "add", "--all")
    git(clone, "commit", "-qm", "Attributes")
    quiet(labelvc, clone)
