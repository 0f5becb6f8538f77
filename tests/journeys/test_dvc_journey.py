"""A dataset behind DVC: plain `dvc` stays right, any revision is read, an exchanged object is refused, storage can move."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from labelvc.cli import main as cli
from tests.copying import copied
from tests.journeys.conftest import contents

Command = Callable[..., tuple[int, str, str]]
Git = Callable[..., str]

FOLDER = "datasets/ratings"
KEY = "ratings/w1#source-2"
COLUMNS = ("--item", "text", "--value", "score", "--by", "who", "--key", "code")
_made: dict[str, Path] = {}


def dvc(folder: Path, *words: str, code: int = 0) -> str:
    """Run DVC's own command line, as somebody without labelvc would."""
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *words], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def manifest_holds(folder: Path) -> bool:
    words = ["sha256sum", "--check", "--strict", "--quiet", "annotations.sha256"]
    return subprocess.run(words, cwd=folder / FOLDER, capture_output=True, check=False).returncode == 0


def rate(folder: Path, score: int) -> None:
    """Change the rating that KEY names, as a script would: files that DVC linked are replaced, not written into."""
    for path in (folder / FOLDER / "annotations").iterdir():
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        for row in rows:
            if f"ratings/{row['item']}#{row['id']}" == KEY:
                row["value"]["score"] = score
                path.unlink()
                path.write_text("".join(json.dumps(row) + "\n" for row in rows))
                return
    pytest.fail("the record is not there")


@pytest.fixture
def labels(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project with two revisions of 400 ratings behind DVC, both pushed; the remote lies beside it."""
    if "labels" not in _made:
        top = tmp_path_factory.mktemp("made")
        folder = top / "labels"
        rows = [
            f"w{at},source-{2 * at + who - 1},Word {at},{(at + who) % 5},rater {who}"
            for at in range(1, 201)
            for who in (1, 2)
        ]
        (top / "in.csv").write_text("\n".join(["code,id,text,score,who", *rows]) + "\n")
        assert cli.run(["-q", "init", str(folder), "--template", "rating", "--dvc"]) == 0
        dvc(folder, "remote", "add", "--default", "store", "../remote")
        words = ["-q", "-C", str(folder), "import", "csv", str(top / "in.csv"), "--dataset", "ratings", *COLUMNS]
        assert cli.run(words) == 0
        for number in (1, 2):
            for git in (["add", "--all"], ["commit", "-qm", f"revision {number}"]):
                subprocess.run(["git", *git], cwd=folder, check=True, capture_output=True)
            dvc(folder, "push")
            if number == 1:
                rate(folder, -3)
                assert cli.run(["-q", "-C", str(folder), "format"]) == 0
        _made["labels"] = top
    copied(_made["labels"], tmp_path / "project")
    return tmp_path / "project" / "labels"


def told(labelvc: Command, folder: Path, *words: str) -> str:
    code, out, err = labelvc(folder, *words)
    assert code == 0, (words, out, err)
    return out


def refused(labelvc: Command, folder: Path, *words: str) -> str:
    before = contents(folder)
    code, out, err = labelvc(folder, *words)
    assert code == 2, (words, out, err)
    assert "Traceback" not in out + err
    assert "\n  where: " in err, err
    assert "\n  next: " in err, err
    assert contents(folder) == before
    return err


def cached(folder: Path, data: bytes) -> Path:
    """Return the object in DVC's cache that holds these bytes."""
    found = (folder / ".dvc/cache/files/md5").rglob("*")
    return next(path for path in found if path.is_file() and path.read_bytes() == data)


def test_plain_dvc_is_right_about_it_here_and_in_another_clone(labels, git, labelvc, tmp_path):
    assert git(labels, "status", "--porcelain") == ""
    assert "up to date" in dvc(labels, "status")
    assert "in sync" in dvc(labels, "status", "--cloud")
    assert manifest_holds(labels)
    changed = told(labelvc, labels, "diff", "HEAD~1..HEAD")
    assert f"{KEY}  /value/score 2 -> -3" in changed
    dvc(labels, "gc", "--workspace", "--force")
    assert told(labelvc, labels, "diff", "HEAD~1..HEAD") == changed
    git(tmp_path, "clone", "-q", str(labels), "clone")
    clone = tmp_path / "clone"
    (clone / ".dvc/config.local").write_text(f"['remote \"store\"']\n    url = {labels.parent / 'remote'}\n")
    assert not (clone / FOLDER / "annotations").exists()
    assert told(labelvc, clone, "diff", "HEAD~1..HEAD") == changed
    assert "no findings" in told(labelvc, clone, "check", "--all")
    assert not (clone / FOLDER / "annotations").exists()
    dvc(clone, "pull")
    assert "up to date" in dvc(clone, "status")
    assert manifest_holds(clone)
    assert git(clone, "status", "--porcelain") == ""
    assert "no findings" in told(labelvc, clone, "check", "--all")
    assert contents(clone / FOLDER).keys() == contents(labels / FOLDER).keys()
    rate(clone, 2)
    code, out, _ = labelvc(clone, "check", "--all")
    assert code == 1
    assert "dvc.unstored" in out
    told(labelvc, clone, "format")
    git(clone, "commit", "-qm", "revision 3")
    dvc(clone, "push")
    git(labels, "pull", "-q", str(clone), "main")
    assert f"{KEY}  /value/score -3 -> 2" in told(labelvc, labels, "diff", "HEAD~1..HEAD")
    dvc(labels, "pull")
    assert "no findings" in told(labelvc, labels, "check", "--all")
    life = json.loads(told(labelvc, labels, "trace", KEY, "--format", "json"))
    assert [step["new"]["value"]["score"] for step in life["items"]] == [2, -3, 2]
    git(labels, "checkout", "-q", "HEAD~2")
    dvc(labels, "checkout")
    assert "no findings" in told(labelvc, labels, "check", "--all")
    assert told(labelvc, labels, "diff") == ""


def test_an_exchanged_object_is_refused_by_its_sha256(labels, labelvc):
    """DVC knows objects by md5 and looks at the bytes of a cached one no more; the manifest in git does."""
    path = next(path for path in (labels / FOLDER / "annotations").iterdir() if b'"item":"w1"' in path.read_bytes())
    good = path.read_bytes()
    stored = cached(labels, good)
    shutil.rmtree(labels / FOLDER / "annotations")
    stored.chmod(0o644)
    stored.write_bytes(good.replace(b'"score":-3', b'"score":-2'))
    assert stored.read_bytes() != good
    name = str(path.relative_to(labels))
    for words in (
        ("diff", "HEAD~1..HEAD"),
        ("check", "HEAD~1..HEAD"),
        ("check", "--all"),
        ("export", "jsonl", "--dataset", "ratings", "--at", "HEAD", "-o", "../out.jsonl"),
        ("trace", KEY),
        ("format",),
    ):
        said = refused(labelvc, labels, *words)
        assert "SHA-256" in said, (words, said)
        assert name in said, (words, said)
    dvc(labels, "checkout", "--force")
    if (labels / name).read_bytes() != good:
        code, out, err = labelvc(labels, "check", "--all")
        assert code in (1, 2), (out, err)
        assert not manifest_holds(labels)
    stored.unlink(missing_ok=True)
    assert told(labelvc, labels, "diff", "HEAD~1..HEAD").startswith("~ ")


def test_an_exchanged_object_in_the_remote_is_refused(labels, labelvc):
    path = next(path for path in (labels / FOLDER / "annotations").iterdir() if b'"item":"w1"' in path.read_bytes())
    good = path.read_bytes()
    remote = labels.parent / "remote"
    far = next(path for path in remote.rglob("*") if path.is_file() and path.read_bytes() == good)
    far.chmod(0o644)
    far.write_bytes(good.replace(b'"score":-3', b'"score":-2'))
    shutil.rmtree(labels / ".dvc/cache")
    shutil.rmtree(labels / FOLDER / "annotations")
    code, out, err = labelvc(labels, "diff", "HEAD~1..HEAD")
    assert code == 2, (out, err)
    assert str(path.relative_to(labels)) in err
    far.write_bytes(good)
    path_to_dvc = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    words = ["sh", "-c", err.split("  next: ")[1]]
    subprocess.run(words, cwd=labels, check=True, capture_output=True, env={**os.environ, "PATH": path_to_dvc})
    assert told(labelvc, labels, "diff", "HEAD~1..HEAD").startswith("~ ")


def test_what_is_in_no_cache_and_no_remote_is_named(labels, labelvc, git):
    remote = labels.parent / "remote"
    remote.rename(labels.parent / "away")
    shutil.rmtree(labels / ".dvc/cache")
    history = (("trace", KEY), ("log",), ("log", KEY), ("blame", "ratings/w1"), ("report", "-o", "../report.html"))
    for words in (("diff", "HEAD~1..HEAD"), ("check", "HEAD~1..HEAD"), *history):
        said = refused(labelvc, labels, *words)
        assert f"{FOLDER}/annotations" in said
        assert "dvc pull" in said
    assert "no findings" in told(labelvc, labels, "check", "--all")
    shutil.rmtree(labels / FOLDER / "annotations")
    for words in (("check", "--all"), ("check", "--staged"), ("diff",), ("format",), ("verify", "--all")):
        code, out, err = labelvc(labels, *words)
        assert code == 2 or words[0] == "verify" or words == ("check", "--staged"), (words, out, err)
        assert "Traceback" not in out + err
    said = refused(labelvc, labels, "export", "jsonl", "--dataset", "ratings", "-o", "../out.jsonl")
    assert "dvc pull" in said
    (labels.parent / "away").rename(remote)
    dvc(labels, "pull")
    assert "no findings" in told(labelvc, labels, "check", "--all")
    assert git(labels, "status", "--porcelain") == ""


@pytest.mark.parametrize("broken", ["nothing", "no yaml", "other md5", "a path out"])
def test_a_broken_pointer(labels, labelvc, git, broken):
    pointer = labels / FOLDER / "annotations.dvc"
    text = pointer.read_text()
    md5 = text.split("md5: ")[1].split(".dir")[0]
    pointer.write_text(
        {
            "nothing": "",
            "no yaml": "outs: [\n",
            "other md5": text.replace(md5, "0" * 32),
            "a path out": text.replace("path: annotations", "path: ../../../outside"),
        }[broken]
    )
    git(labels, "commit", "-qnam", "broken")
    said = refused(labelvc, labels, "diff", "HEAD~1..HEAD")
    assert FOLDER in said
    refused(labelvc, labels, "check", "HEAD~1..HEAD")
    refused(labelvc, labels, "check", "--staged")


def test_storage_moves_from_git_to_dvc_and_no_record_changes(tmp_path, git, labelvc):
    folder = tmp_path / "labels"
    assert cli.run(["-q", "init", str(folder), "--template", "rating"]) == 0
    rows = [
        f"w{at},source-{2 * at + who - 1},Word {at},{(at + who) % 5},rater {who}"
        for at in range(1, 101)
        for who in (1, 2)
    ]
    (tmp_path / "in.csv").write_text("\n".join(["code,id,text,score,who", *rows]) + "\n")
    told(labelvc, folder, "import", "csv", str(tmp_path / "in.csv"), "--dataset", "ratings", *COLUMNS)
    git(folder, "add", "--all")
    git(folder, "commit", "-qm", "in git")
    before = {path.name: path.read_bytes() for path in (folder / FOLDER / "annotations").iterdir()}
    declared = folder / FOLDER / "dataset.yaml"
    # of another length: within one second git may not see an edit that keeps the length once DVC wrote the index
    declared.write_text(declared.read_text().replace("storage: git", "storage: dvc # moved"))
    assert f"next: git rm -r --cached {FOLDER}/annotations" in refused(labelvc, folder, "format")
    git(folder, "rm", "-rq", "--cached", f"{FOLDER}/annotations")
    assert "next: dvc init" in refused(labelvc, folder, "format")
    dvc(folder, "init", "--quiet")
    told(labelvc, folder, "format")
    git(folder, "add", "--all")
    git(folder, "commit", "-qm", "behind DVC")
    tracked = git(folder, "ls-files", FOLDER).split()
    assert [path for path in tracked if "/annotations/" in path] == []
    assert {f"{FOLDER}/annotations.dvc", f"{FOLDER}/annotations.sha256"} <= set(tracked)
    assert {path.name: path.read_bytes() for path in (folder / FOLDER / "annotations").iterdir()} == before
    summary = json.loads(told(labelvc, folder, "diff", "HEAD~1..HEAD", "--format", "json"))["summary"]
    assert not any(summary["records"].values())
    assert not any(summary["items"].values())
    assert "no findings" in told(labelvc, folder, "check", "HEAD~1..HEAD")
    assert "no findings" in told(labelvc, folder, "check", "--all")
    assert "up to date" in dvc(folder, "status")
    rate(folder, -3)
    told(labelvc, folder, "format")
    git(folder, "commit", "-qam", "a change behind the pointer")
    life = json.loads(told(labelvc, folder, "trace", KEY, "--format", "json"))
    assert [step["new"]["value"]["score"] for step in life["items"]] == [2, -3]
    assert f"{KEY}  /value/score 2 -> -3" in told(labelvc, folder, "diff", "HEAD~2..HEAD")


def test_what_a_branch_without_the_dataset_finds_lying_there_goes_and_comes_back(labels, git, labelvc):
    """git forgets that the folder was ignored when it takes the pointer away, and neither it nor DVC deletes the folder."""
    git(labels, "switch", "-qc", "without")
    git(labels, "rm", "-rq", FOLDER)
    git(labels, "commit", "-qnm", "no ratings")
    assert (labels / FOLDER / "annotations").is_dir()
    code, out, _ = labelvc(labels, "check")
    assert (code, {line.split()[1] for line in out.splitlines() if line.startswith("error")}) == (1, {"shard.stray"})
    git(labels, "add", "--all")
    assert labelvc(labels, "check", "--staged")[0] == 1  # the hook stops who commits it
    git(labels, "restore", "--staged", ".")
    git(labels, "clean", "-fdq", FOLDER)  # as the guide says
    assert "no findings" in told(labelvc, labels, "check", "--all")
    assert git(labels, "status", "--porcelain") == ""
    git(labels, "switch", "-q", "main")
    dvc(labels, "checkout")
    assert "no findings" in told(labelvc, labels, "check", "--all")
    assert told(labelvc, labels, "diff") == ""
    assert git(labels, "status", "--porcelain") == ""


def test_status_after_a_switch_without_checkout_names_dvc_checkout(labels, git, labelvc):
    """The shards of the branch that was left still lie there: `format` would store them on this one."""
    git(labels, "switch", "-q", "--detach", "HEAD~1")
    told_now = told(labelvc, labels, "status")
    assert "not staged  records: 1 changed" in told_now
    assert "stale       datasets/ratings/annotations: the folder holds the shards of main (" in told_now
    assert "next: dvc checkout datasets/ratings/annotations.dvc; or, if these are your edits" in told_now
    dvc(labels, "checkout")
    assert "not staged  nothing" in told(labelvc, labels, "status")
