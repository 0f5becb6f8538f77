"""A kill and a full disk: every file is the old one or the new one, and the next command works."""

from __future__ import annotations

import io
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from labelvc.cli import main as cli
from labelvc.codec import dsse, tar
from tests.copying import copied

LABELVC = Path(sys.executable).with_name("labelvc")
UNFINISHED = ".labelvc-unfinished"
ROWS = 600
COLUMNS = ("--dataset", "ratings", "--item", "text", "--value", "score", "--by", "who", "--key", "id")
_made: dict[str, Path] = {}


class Job(NamedTuple):
    """A command that writes: what is done before it, its words, and where its files lie."""

    prepare: Callable[[Path], None]
    words: tuple[str, ...]
    under: str


def table(folder: Path, shift: int) -> Path:
    """Write a table of ratings; with another shift every rating is another one."""
    path = folder.parent / f"ratings-{shift}.csv"
    rows = [f"w{at},word {at},{(at + who + shift) % 9 - 4},rater {who}" for at in range(ROWS) for who in range(4)]
    path.write_text("\n".join(["id,text,score,who", *rows]) + "\n")
    return path


def edit(folder: Path) -> None:
    """Change one rating of every shard and leave order and bookkeeping to `format`."""
    for path in sorted((folder / "datasets/ratings/annotations").rglob("*.jsonl")):
        line, _, rest = path.read_text().partition("\n")
        head, mark, score = line.partition('"score":')
        path.write_text(f"{rest}{head}{mark}{'1' if not score.startswith('1') else '2'}}}}}\n")


def commit_edits(folder: Path) -> None:
    git(folder, "switch", "-qc", "topic")
    edit(folder)
    run(folder, "format")
    git(folder, "commit", "-qam", "edits")


JOBS = {
    "import": Job(lambda _: None, ("import", "csv", "../ratings-1.csv", *COLUMNS), "datasets"),
    "format": Job(edit, ("format",), "datasets"),
    "approve": Job(
        commit_edits, ("approve", "main...topic", "--role", "reviewer", "--key", "../ben", "--yes"), "approvals"
    ),
}


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True).stdout


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([LABELVC, *words], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (words, done.stdout[-2000:], done.stderr[-2000:])
    return done


@pytest.fixture
def labels(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project with 2,400 ratings, committed, whose policy knows a reviewer who is not the author."""
    if "labels" not in _made:
        top = tmp_path_factory.mktemp("made")
        folder = top / "labels"
        for who in ("ada", "ben"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(top / who)], check=True)
        here = ["-q", "-C", str(folder)]
        assert cli.run(["-q", "init", str(folder), "--template", "rating", "--key", str(top / "ada")]) == 0
        words = ["policy", "add", "ben", "--name", "Ben", "--key", str(top / "ben.pub"), "--role", "reviewer"]
        assert cli.run([*here, *words, "--email", "ben@example.com", "--sign-with", str(top / "ada")]) == 0
        assert cli.run([*here, "import", "csv", str(table(folder, 0)), *COLUMNS]) == 0
        table(folder, 1)
        git(folder, "add", "--all")
        git(folder, "commit", "-qm", "start")
        _made["labels"] = top
    copied(_made["labels"], tmp_path / "project")
    return tmp_path / "project" / "labels"


def files(folder: Path, under: str) -> dict[str, bytes]:
    """Return the files below a folder by path, without what a kill may leave behind."""
    found = (folder / under).rglob("*")
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in found
        if path.is_file() and not path.name.endswith(UNFINISHED)
    }


def unfinished(folder: Path, under: str) -> int:
    """Return how many temporary files lie below a folder."""
    return sum(name.endswith(UNFINISHED) for _, _, names in os.walk(folder / under) for name in names)


def written(folder: Path, under: str) -> set[tuple[str, int]]:
    """Return (path, inode) of the files below a folder: a rename shows as another inode."""
    return {
        (entry.path, entry.inode())
        for top, _, _ in os.walk(folder / under)
        for entry in os.scandir(top)
        if not entry.name.endswith(UNFINISHED)
    }


def kill(folder: Path, job: Job, moment: str, draw: random.Random, whole: float) -> int:
    """Start a job and kill it at a moment: at any time, when it writes temporary files, when it has begun to rename them."""
    before = written(folder, job.under)
    process = subprocess.Popen(
        [LABELVC, *job.words], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    if moment == "any":
        time.sleep(draw.uniform(0.1, whole))
    while moment == "writing" and process.poll() is None and not unfinished(folder, job.under):
        pass
    while moment == "renaming" and process.poll() is None and written(folder, job.under) == before:
        pass
    if moment == "writing":
        time.sleep(draw.uniform(0, 0.01))
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    return process.wait()


@pytest.mark.parametrize(
    ("name", "moment", "seed"),
    [
        ("import", "writing", 1),
        ("import", "renaming", 1),
        ("import", "renaming", 2),
        ("format", "renaming", 1),
        ("approve", "writing", 1),
        ("approve", "renaming", 1),
        ("import", "any", 1),
        *(
            pytest.param(name, moment, seed, marks=pytest.mark.long)
            for name in JOBS
            for moment in ("writing", "renaming", "any")
            for seed in range(3, 11)
        ),
    ],
)
def test_a_kill_leaves_no_half_of_a_file(labels, tmp_path, name, moment, seed):
    job, draw = JOBS[name], random.Random(f"{name} {moment} {seed}")
    job.prepare(labels)
    old = files(labels, job.under)
    copied(labels.parent, tmp_path / "undisturbed")
    undisturbed = tmp_path / "undisturbed/labels"
    start = time.monotonic()
    run(undisturbed, *job.words)
    whole = time.monotonic() - start
    new = files(undisturbed, job.under)
    assert new != old
    kill(labels, job, moment, draw, whole)
    found = files(labels, job.under)
    for path, data in found.items():
        if path.startswith("approvals/") and not path.endswith("changeset.jsonl"):
            assert data.endswith(b"]}\n"), path
        else:
            assert data in (old.get(path), new.get(path)), path
    assert set(old) & set(new) <= set(found)
    (labels / ".git/index.lock").unlink(missing_ok=True)
    for words in (("status",), ("check", "--all"), ("diff", "--stat")):
        done = subprocess.run([LABELVC, *words], cwd=labels, capture_output=True, text=True, check=False)
        refused = (labels / ".git/labelvc/journal").exists() and words[0] != "status"
        assert done.returncode in ((2,) if refused else (0, 1)), (words, done.stdout, done.stderr)
        assert ("next: labelvc doctor --finish" in done.stderr) == refused
        assert UNFINISHED not in done.stdout
    assert UNFINISHED not in git(labels, "status", "--porcelain", "--untracked-files=all")
    run(labels, *job.words)
    if name == "approve":
        git(labels, "commit", "-qm", "approve")
        run(labels, "verify", "main...topic")
    else:
        assert files(labels, job.under) == new
    assert run(labels, "check", "--all").stdout.startswith("no findings")


SIGNED = {
    "release": Job(lambda _: None, ("release", "cut", "1.0.0", "--unapproved", "--yes", "--key", "../ada"), "releases"),
    "root": Job(lambda _: None, ("trust", "rotate", "--add", "ben=../ben.pub", "--key", "../ada"), "trust"),
    "policy": Job(lambda _: None, ("policy", "add", "eve", "--name", "Eve", "--sign-with", "../ada"), "trust"),
    "bundle": Job(lambda _: None, ("audit", "bundle", "-o", "bundles/all.tar"), "bundles"),
}


@pytest.mark.long
@pytest.mark.parametrize("name", SIGNED)
def test_a_kill_leaves_no_half_of_what_is_signed(labels, name):
    job, draw = SIGNED[name], random.Random(name)
    (labels / "bundles").mkdir()
    for moment in ("writing", "renaming", "any", "any", "any", "any", "any", "any"):
        kill(labels, job, moment, draw, 1.2)
        for path, data in files(labels, job.under).items():
            if name == "bundle":
                assert "VERIFY.md" in tar.read(io.BytesIO(data))
            else:
                assert dsse.decode(data, dsse.TUF if path.startswith("trust/root") else dsse.IN_TOTO).signatures
        (labels / ".git/index.lock").unlink(missing_ok=True)
        git(labels, "reset", "-q", "--hard")
        git(labels, "clean", "-q", "-fd", "releases", "trust", "bundles")
        (labels / "bundles").mkdir(exist_ok=True)
        assert run(labels, "status").stderr.count("Traceback") == 0
    run(labels, *job.words)
    assert files(labels, job.under)


# ---------------------------------------------------------------- a full disk
def refused(folder: Path, job: Job, done: subprocess.CompletedProcess[str], old: dict[str, bytes]) -> None:
    said = done.stdout + done.stderr
    assert done.returncode == 2, said
    assert "Traceback" not in said
    assert "\n  where: " in done.stderr, said
    assert "\n  next: " in done.stderr, said
    assert files(folder, job.under) == old
    assert not unfinished(folder, "")


@pytest.mark.parametrize("name", JOBS)
def test_a_file_that_may_not_grow_changes_nothing(labels, name):
    job = JOBS[name]
    job.prepare(labels)
    old = files(labels, job.under)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))

    done = subprocess.run(
        [LABELVC, *job.words], cwd=labels, capture_output=True, text=True, check=False, preexec_fn=limit
    )
    refused(labels, job, done, old)
    run(labels, *job.words)
    assert files(labels, job.under) != old


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a folder on a disk of its own that has 12 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(folder)]
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount here")
    if done.returncode:
        pytest.skip(f"no small disk can be mounted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("name", JOBS)
@pytest.mark.parametrize("left", [0, 150_000])
def test_a_full_disk_changes_nothing(labels, small_disk, name, left):
    job = JOBS[name]
    copied(labels.parent, small_disk / "project")
    folder = small_disk / "project/labels"
    job.prepare(folder)
    old = files(folder, job.under)
    filler = small_disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            file.truncate(max(0, file.tell() // 4096 * 4096 - left // 4096 * 4096))
    done = subprocess.run([LABELVC, *job.words], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode or not left:
        refused(folder, job, done, old)
    filler.unlink()
    run(folder, *job.words)
    assert files(folder, job.under) != old
    run(folder, "check", "--all")
