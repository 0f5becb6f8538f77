"""The demo is a test: it asserts each step itself, and what it leaves behind is read here without labelvc."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts/demo"


def run(folder: Path) -> str:
    scripts = Path(sys.executable).parent
    done = subprocess.run(
        [sys.executable, SCRIPT, "--folder", folder],
        env={**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Run the demo once and return its folder and what it told."""
    folder = tmp_path_factory.mktemp("demo") / "demo"
    return folder, run(folder)


def records(repository: Path, revision: str) -> list[dict]:
    listed = subprocess.run(
        ["git", "ls-tree", "-r", "--name-only", revision, "datasets/ratings/annotations"],
        cwd=repository, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    wanted = "".join(f"{revision}:{path}\n" for path in listed).encode()
    told = subprocess.run(
        ["git", "cat-file", "--batch"], cwd=repository, input=wanted, capture_output=True, check=True
    ).stdout
    return [json.loads(line) for line in told.split(b"\n") if line.startswith(b"{")]


def test_what_the_demo_tells(demo):
    _, told = demo
    for words in (
        "7,520 items, 75,200 records",
        "14 warnings",
        "score.range",
        "privacy.plaintext",
        "4 changed",
        "on one page",
        "Done in",
    ):
        assert words in told
    assert "Traceback" not in told


def test_what_the_demo_leaves_behind(demo):
    repository = demo[0] / "labels"
    before = {(r["item"], r["id"]): r for r in records(repository, "main~2")}
    after = {(r["item"], r["id"]): r for r in records(repository, "main")}
    assert len(before) == 75_200
    assert before.keys() == after.keys()
    gone = [key for key, record in after.items() if record.get("gone")]
    corrected = [key for key, record in after.items() if "value" in record and record["value"] != before[key]["value"]]
    assert (len(gone), len(corrected)) == (140, 4)
    assert all(after[key]["rev"] == before[key]["rev"] + 1 for key in (*gone, *corrected))
    untouched = after.keys() - set(gone) - set(corrected)
    assert all(after[key] == before[key] for key in untouched)


def test_the_approval_convinces_ssh_keygen(demo, tmp_path):
    folder = demo[0]
    (statement,) = (folder / "labels/approvals").rglob("the-reviewer.*.json")
    (changes,) = (folder / "labels/approvals").rglob("changeset.jsonl")
    envelope = json.loads(statement.read_bytes())
    payload, kind = base64.b64decode(envelope["payload"]), envelope["payloadType"].encode()
    pae = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
    (tmp_path / "signature").write_bytes(base64.b64decode(envelope["signatures"][0]["sig"]))
    key = (folder / "reviewer.key.pub").read_text()
    (tmp_path / "allowed").write_text(f'the-reviewer namespaces="approval@labelvc.v1" {key}')
    words = [
        "ssh-keygen",
        "-Y",
        "verify",
        "-f",
        "allowed",
        "-I",
        "the-reviewer",
        "-n",
        "approval@labelvc.v1",
        "-s",
        "signature",
    ]
    assert subprocess.run(words, cwd=tmp_path, input=pae, capture_output=True, check=False).returncode == 0
    assert subprocess.run(words, cwd=tmp_path, input=pae + b"x", capture_output=True, check=False).returncode != 0
    said = json.loads(payload)
    assert said["subject"][0]["digest"]["sha256"] == changes.parent.name
    assert len(changes.read_bytes().splitlines()) == 158


def root(leaves: list[bytes]) -> bytes:
    """Return the tree hash of RFC 6962, section 2.1, as it is written there."""
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + root(leaves[:half]) + root(leaves[half:])).digest()


def test_the_signed_root_is_that_of_the_lines_and_the_lines_are_all_that_differs(demo):
    repository = demo[0] / "labels"
    (changes,) = (repository / "approvals").rglob("changeset.jsonl")
    lines = changes.read_bytes().splitlines()
    assert lines == sorted(lines)
    assert root(lines).hex() == changes.parent.name
    signed = {said["k"]: (said["o"], said["n"]) for said in map(json.loads, lines)}
    before, after = (digests(repository, revision) for revision in ("main~2", "main"))
    moved = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    assert signed == {key: (before.get(key), after.get(key)) for key in moved}


def digests(repository: Path, revision: str) -> dict[str, str]:
    """Return the SHA-256 of every line of the ratings by its key."""
    listed = subprocess.run(
        ["git", "ls-tree", "-r", "--name-only", revision, "datasets/ratings"], cwd=repository, capture_output=True, text=True, check=True
    ).stdout.split()  # fmt: skip
    wanted = "".join(f"{revision}:{path}\n" for path in listed if path.endswith(".jsonl")).encode()
    told = subprocess.run(
        ["git", "cat-file", "--batch"], cwd=repository, input=wanted, capture_output=True, check=True
    ).stdout
    found = {}
    for line in told.split(b"\n"):
        if line.startswith(b"{"):
            said = json.loads(line)
            key = f"ratings/{said['item']}#{said['id']}" if "item" in said else f"ratings/{said['id']}#"
            found[key] = f"sha256:{hashlib.sha256(line).hexdigest()}"
    return found


def test_what_it_leaves_is_clean_and_its_last_words_can_be_typed(demo):
    repository, told = demo[0] / "labels", demo[1]
    environment = {
        **{name: value for name, value in os.environ.items() if name != "GIT_CONFIG_GLOBAL"},
        "PATH": "/usr/local/bin:/usr/bin:/bin",  # a person's, who never put labelvc there
        "XDG_STATE_HOME": str(demo[0] / "state"),
        "XDG_CONFIG_HOME": str(demo[0] / "config"),
    }
    status = ["git", "status", "--porcelain"]
    assert subprocess.run(status, cwd=repository, capture_output=True, text=True, check=True).stdout == ""
    typed = [line.strip() for line in told.split("Explore it")[1].splitlines() if line.startswith("  ")]
    assert len(typed) > 8
    place, *typed = typed
    assert place.startswith("cd ")
    for line in typed:
        if line:
            words = ["sh", "-c", f"{place}\n{line}"]
            done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
            assert done.returncode == int("verify --all" in line), (line, done.stdout[-1000:], done.stderr)
            assert done.stdout, line


def test_a_folder_that_is_no_demo_is_left_alone(tmp_path):
    (tmp_path / "mine").write_text("precious\n")
    done = subprocess.run([sys.executable, SCRIPT, "--folder", tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "choose another --folder" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_every_signed_line_is_the_digest_of_what_main_holds(demo):
    repository = demo[0] / "labels"
    (changes,) = (repository / "approvals").rglob("changeset.jsonl")
    files = (repository / "datasets/ratings").rglob("*.jsonl")
    held = {hashlib.sha256(line).hexdigest() for path in files for line in path.read_bytes().splitlines()}
    for line in changes.read_bytes().splitlines():
        new = json.loads(line)["n"]
        assert new is None or new.removeprefix("sha256:") in held


@pytest.mark.long
def test_a_second_run_starts_clean(demo):
    assert "Done in" in run(demo[0])
