"""A kill before every single write: the repository is before, or one command takes it to after; nothing is in between."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import pytest

from labelvc.cli import main as cli
from labelvc.store import disk
from tests.copying import copied
from tests.killing import every_write

Command = Callable[..., tuple[int, str, str]]
FOLDER = "datasets/ratings"
COLUMNS = ("--dataset", "ratings", "--item", "text", "--value", "score", "--by", "who", "--key", "id")
LAZY = (
    "labelvc.ops.rewrite",
    "labelvc.ops.tidy",
    "labelvc.ops.transfer",
    "labelvc.ops.reshard",
    "labelvc.ops.rekey",
    "labelvc.cli.pseudonyms",
    "labelvc.ops.doctor",
    "labelvc.ops.adopt",
    "labelvc.cli.modules",
)
WITH_DVC = (*LAZY, "labelvc.store.dvc")
_made: dict[str, Path] = {}


def table(path: Path, shift: int, rows: int = 4) -> Path:
    lines = [f"w{at},word {at},{(at + shift) % 9 - 4},ada" for at in range(rows)]
    path.write_text("\n".join(["id,text,score,who", *lines]) + "\n")
    return path


def make(folder: Path, labelvc: Command, git: Callable[..., str], shelf: Path, *, in_dvc: bool) -> Path:
    """Return a project with four records, committed; made once, copied for each test, with a table of other ratings beside it."""
    name = "behind DVC" if in_dvc else "in git"
    if name not in _made:
        made = shelf / name
        made.mkdir()
        assert labelvc(made, "init", "--template", "rating", *(("--dvc",) if in_dvc else ()))[0] == 0
        assert labelvc(made, "import", "csv", str(table(folder.parent / "in.csv", 0)), *COLUMNS)[0] == 0
        git(made, "add", "--all")
        git(made, "commit", "-qm", "start")
        _made[name] = made
    table(folder.parent / "more.csv", 1)
    return copied(_made[name], folder)


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of what is made once."""
    return tmp_path_factory.mktemp("made")


def state(folder: Path) -> dict[str, bytes]:
    """Return the files of the project by path, without what a kill may leave behind and what git or DVC keep for themselves."""
    found = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
        and not path.is_relative_to(folder / ".git")
        and not path.is_relative_to(folder / ".dvc/cache")
    }
    return {
        path: data
        for path, data in found.items()
        if not path.endswith(disk.UNFINISHED) and not path.startswith((".dvc/tmp", ".dvc/config.local"))
    }


def staged(folder: Path) -> str:
    """Return what the index holds: modes, objects and paths."""
    return subprocess.run(["git", "ls-files", "-s"], cwd=folder, check=True, capture_output=True, text=True).stdout


def edit(folder: Path) -> None:
    for path in sorted((folder / FOLDER / "annotations").rglob("*.jsonl")):
        text = path.read_text().replace('"score":1', '"score":4').replace('"score":-4', '"score":2')
        path.unlink()
        path.write_text(text)


def new_epoch(folder: Path) -> None:
    """Draw the secret beforehand, so that every run makes the same tokens of it."""
    assert cli.run(["-C", str(folder), "pseudonym", "new", "--yes"]) == 0


def a_straggler(folder: Path) -> None:
    """Re-key, and bring the records of before back, as a branch does that was open meanwhile."""
    for words in (("checkout", "-qb", "open"), ("checkout", "-q", "-")):
        subprocess.run(["git", *words], cwd=folder, check=True)
    assert cli.run(["-C", str(folder), "pseudonym", "rekey", "--to", "c", "--chained"]) == 0
    subprocess.run(["git", "commit", "-qm", "a re-key", "--no-verify"], cwd=folder, check=True)
    subprocess.run(["git", "checkout", "-q", "open", "--", f"{FOLDER}/annotations"], cwd=folder, check=True)
    subprocess.run(["git", "commit", "-qm", "a branch of before", "--no-verify"], cwd=folder, check=True)


def nothing(_: Path) -> None:
    """Change nothing beforehand."""


def a_module_goes_on(folder: Path) -> None:
    """Take a module that lies in the project, edit a copy, and let the module change."""
    shelf = resources.files("labelvc.ops") / "_templates" / "classification"
    for path in ("module.yaml", "taxonomies/topics.yaml", "guidelines/topic.yaml"):
        (folder / "vendor" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "vendor" / path).write_bytes((shelf / path).read_bytes())
    manifest = folder / "vendor/module.yaml"
    said = manifest.read_text()
    manifest.write_text(said[: said.index("provides:")] + "provides: [taxonomies/topics.yaml, guidelines/topic.yaml]\n")
    assert cli.run(["-C", str(folder), "module", "add", "./vendor"]) == 0
    subprocess.run(["git", "add", "--all"], cwd=folder, check=True)
    subprocess.run(["git", "commit", "-qm", "a module", "--no-verify"], cwd=folder, check=True)
    for path, old, new in (
        ("taxonomies/topics.yaml", "name: Payment", "name: Money"),
        ("vendor/taxonomies/topics.yaml", "name: Order", "name: Orders"),
        ("vendor/guidelines/topic.yaml", "Read the whole text", "Read all of the text"),
        ("vendor/module.yaml", "version: 1.0.0", "version: 1.1.0"),
    ):
        place = folder / path
        place.write_text(place.read_text().replace(old, new, 1))


class Job(NamedTuple):
    """A command that writes.

    Attributes:
        in_dvc: whether the dataset lies behind DVC.
        prepare: what is done before it.
        words: the command.
        step: kill before every so many writes; the tests that are marked long kill before each.
    """

    in_dvc: bool
    prepare: Callable[[Path], None]
    words: tuple[str, ...]
    step: int


JOBS = {
    "import": Job(False, nothing, ("import", "csv", "{more}", *COLUMNS), 4),
    "format": Job(False, edit, ("format",), 2),
    "module add": Job(False, nothing, ("module", "add", "classification"), 3),
    "module update": Job(False, a_module_goes_on, ("module", "update", "classification"), 4),
    "reshard": Job(False, nothing, ("dataset", "reshard", "ratings", "--shards", "64"), 9),
    "storage dvc": Job(False, nothing, ("dataset", "storage", "ratings", "dvc"), 13),
    "storage git": Job(True, nothing, ("dataset", "storage", "ratings", "git"), 7),
    "reshard behind DVC": Job(True, nothing, ("dataset", "reshard", "ratings", "--shards", "4"), 17),
    "re-key": Job(False, new_epoch, ("pseudonym", "rekey", "--to", "c", "--chained"), 7),
    "re-key behind DVC": Job(True, new_epoch, ("pseudonym", "rekey", "--to", "c", "--chained"), 11),
    "mend": Job(False, a_straggler, ("pseudonym", "mend"), 4),
    "import behind DVC": Job(True, nothing, ("import", "csv", "{more}", *COLUMNS), 19),
}


@pytest.mark.parametrize(
    ("name", "step"),
    [
        *((name, job.step) for name, job in JOBS.items()),
        *(pytest.param(name, 1, marks=pytest.mark.long) for name in JOBS),
    ],
)
def test_a_kill_before_any_write_leaves_before_or_leads_to_after(name, step, tmp_path, shelf, labelvc, git):
    in_dvc, prepare, words, _ = JOBS[name]
    uses_dvc = in_dvc or name == "storage dvc"
    start = make(tmp_path / "labels", labelvc, git, shelf, in_dvc=in_dvc)
    if name == "storage dvc":
        subprocess.run([sys.executable, "-m", "dvc", "init", "--quiet"], cwd=start, check=True)
        git(start, "commit", "-qm", "DVC")
    prepare(start)
    before = state(start)
    words = tuple(word.format(more=tmp_path / "more.csv") for word in words)
    out = tmp_path / "killed"
    out.mkdir()
    copies = every_write(start, words, out, modules=WITH_DVC if uses_dvc else LAZY, step=step)
    after, index_before, index_after = state(copies[-1]), staged(start), staged(copies[-1])
    assert after != before
    assert len(copies) > 5
    ways = set()
    for copy in copies[:-1]:
        lock = copy / ".git/index.lock"  # `doctor` names one that git itself left
        lock.unlink(missing_ok=True)
        pending = (copy / ".git/labelvc/journal").exists()
        code, told, err = labelvc(copy, "doctor", "--format", "json")
        lines = {line["topic"]: line for line in json.loads(told)["items"]}
        left = lines.get("interrupted")
        if not pending:
            assert state(copy) in (before, after), copy
        if left is None:
            assert not pending
            ways.add("nothing left")
        else:
            assert left["cure"] == "labelvc doctor --finish", left
            code, _, err = labelvc(copy, "doctor", "--finish")
            assert code == 0, (copy, err)
            ways.add(err.split(":")[0].strip())
        found = state(copy)
        assert found in (before, after), (copy, sorted(set(found.items()) ^ set(after.items())))
        assert staged(copy) == (index_before if found == before else index_after), copy
        assert not [path for path in copy.rglob(f"*{disk.UNFINISHED}") if ".git" not in path.parts], copy
        assert not list((copy / ".git/labelvc").glob("[dj][ro]*"))
    assert {"finished", "nothing had been changed; type it again"} <= ways, ways
    last = copies[-2]
    if state(last) == after:
        assert labelvc(last, "check", "--all")[0] == 0


class Half(NamedTuple):
    """An import that a kill left half done: some files new and others old; and the files before and after it."""

    folder: Path
    before: dict[str, bytes]
    after: dict[str, bytes]


@pytest.fixture
def half(tmp_path: Path, shelf: Path, labelvc: Command, git: Callable[..., str]) -> Half:
    """Return a copy of it."""
    if "half" not in _made:
        start = make(tmp_path / "labels", labelvc, git, shelf, in_dvc=False)
        words = ("import", "csv", str(tmp_path / "more.csv"), *COLUMNS)
        (tmp_path / "killed").mkdir()
        copies = every_write(start, words, tmp_path / "killed", modules=LAZY, step=4)
        before, after = state(start), state(copies[-1])
        found = next(copy for copy in copies if state(copy) not in (before, after))
        for name, folder in (("before", start), ("half", found), ("after", copies[-1])):
            _made[name] = copied(folder, shelf / name)
    return Half(copied(_made["half"], tmp_path / "half"), state(_made["before"]), state(_made["after"]))


def test_readers_refuse_what_is_half_done_and_writers_finish_it(half, labelvc):
    half, _, after = half
    for command in (
        ("check", "--all"),
        ("check", "--staged"),
        ("diff",),
        ("dataset", "list"),
        ("plumbing", "hook", "pre-commit"),
    ):
        code, _, err = labelvc(half, *command)
        assert code == 2, command
        assert "next: labelvc doctor --finish" in err
    code, out_, _ = labelvc(half, "status")
    assert code == 0
    assert "interrupted" in out_
    assert "next: labelvc doctor --finish" in out_
    assert labelvc(half, "format")[0] == 0
    assert state(half) == after


def test_an_edit_after_the_kill_is_not_written_over(half, labelvc):
    half, before, after = half
    waiting = next(path for path, data in state(half).items() if after[path] != data and path.endswith(".jsonl"))
    mine = before[waiting].replace(b'"score":', b'"score": ')
    (half / waiting).write_bytes(mine)
    code, _, err = labelvc(half, "format")
    assert code == 2
    assert waiting in err
    assert "labelvc doctor --forget" in err
    assert (half / waiting).read_bytes() == mine
    _, told, _ = labelvc(half, "doctor")
    assert "cannot be finished" in told
    assert labelvc(half, "doctor", "--forget")[0] == 0
    assert (half / waiting).read_bytes() == mine
    assert labelvc(half, "format")[0] == 0


def test_what_git_took_back_after_the_kill_stays_taken_back(half, labelvc, git):
    half, before, _ = half
    git(half, "restore", ".")
    git(half, "clean", "-fdq")
    assert labelvc(half, "doctor", "--finish")[0] == 0
    assert state(half) == before
    assert labelvc(half, "check", "--all")[0] == 0
