"""Plumbing: what git, hooks and programs call."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys

import pytest

from labelvc.cli import merging
from labelvc.codec import canonical, merkle
from labelvc.core import changeset
from labelvc.errors import DataError
from labelvc.ops import hook

BASE = b'{"item":"a","id":"1","v":1}\n{"item":"b","id":"1","v":1}\n{"item":"c","id":"1","v":1}\n{"item":"d","id":"1","v":1}\n'


@pytest.fixture
def sides(tmp_path, monkeypatch):
    """Write base, ours and theirs as git does for a merge driver; return the driver's arguments."""
    monkeypatch.chdir(tmp_path)

    def write(ours: bytes, theirs: bytes, base: bytes = BASE) -> list[str]:
        for name, data in (("base", base), ("ours", ours), ("theirs", theirs)):
            (tmp_path / name).write_bytes(data)
        return ["base", "ours", "theirs", "7", "datasets/x/annotations/00.jsonl"]

    return write


def test_the_driver_merges_what_does_not_touch(sides, tmp_path):
    changed = BASE.replace(b'"a","id":"1","v":1', b'"a","id":"1","v":2')
    assert merging.run(sides(changed, BASE.replace(b'"d","id":"1","v":1', b'"d","id":"1","v":3'))) == 0
    assert (tmp_path / "ours").read_bytes() == changed.replace(b'"d","id":"1","v":1', b'"d","id":"1","v":3')


def test_the_driver_leaves_markers_of_the_asked_length(sides, tmp_path):
    arguments = sides(
        BASE.replace(b'"a","id":"1","v":1', b'"a","id":"1","v":2'),
        BASE.replace(b'"a","id":"1","v":1', b'"a","id":"1","v":3'),
    )
    arguments[3] = "11"
    assert merging.run(arguments) == 1
    text = (tmp_path / "ours").read_bytes()
    assert text.count(b"<" * 11 + b" ours\n") == text.count(b">" * 11 + b" theirs\n") == 1
    assert b'"v":2' in text
    assert b'"v":3' in text


@pytest.mark.parametrize("trouble", ["binary", "missing"])
def test_the_driver_never_takes_ours_in_silence(sides, tmp_path, capfd, trouble):
    arguments = sides(b"\0ours", b"\0theirs", b"\0base")
    if trouble == "missing":
        (tmp_path / "theirs").unlink()
    assert merging.run(arguments) == 1
    assert "is in conflict" in capfd.readouterr().err


def test_the_driver_runs_through_both_doors(sides, tmp_path):
    for module in ("labelvc.cli", "labelvc.cli.main"):
        arguments = sides(BASE, BASE + b'{"item":"e","id":"1","v":1}\n')
        code = "import sys; from labelvc.cli.main import main; main()" if module.endswith("main") else None
        start = ["-c", code] if code else ["-P", "-m", module]
        done = subprocess.run(
            [sys.executable, *start, "plumbing", "merge-driver", *arguments], cwd=tmp_path, check=False
        )
        assert done.returncode == 0
        assert (tmp_path / "ours").read_bytes().count(b"\n") == 5


def test_digest_is_that_of_the_canonical_line(tmp_path, labelvc, monkeypatch):
    line = canonical.encode_record({"item": "w#1", "id": "r1", "rev": 1, "value": {"score": 1}})
    loose = json.dumps({"value": {"score": 1.0}, "rev": 1, "id": "r1", "item": "w#1"}).encode()
    (tmp_path / "records.jsonl").write_bytes(line + b"\n" + loose + b"\n")
    code, out, _ = labelvc(tmp_path, "plumbing", "digest", "records.jsonl")
    assert code == 0
    assert out == f"sha256:{hashlib.sha256(line).hexdigest()}  w#1#r1\n" * 2
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b'{"text":"x","id":"w1"}\n')))
    code, out, _ = labelvc(tmp_path, "plumbing", "digest")
    item = b'{"id":"w1","text":"x"}'
    assert (code, out) == (0, f"sha256:{hashlib.sha256(item).hexdigest()}  w1\n")


def test_digest_of_a_bad_line_says_which(tmp_path, labelvc):
    (tmp_path / "records.jsonl").write_bytes(b'{"item":"a","id":"1"}\n{"item":"a","item":"b"}\n')
    code, _, err = labelvc(tmp_path, "plumbing", "digest", "records.jsonl")
    assert code == 2
    assert "records.jsonl:2" in err


def test_textconv_shows_one_field_a_line(tmp_path, labelvc):
    record = {"item": "w1", "id": "r1", "rev": 1, "value": {"span": [0, 5], "a/b": {}}}
    (tmp_path / "shard.jsonl").write_bytes(canonical.encode_record(record) + b"\n<<<<<<< ours\nno record\xff\n[1]\n")
    code, out, _ = labelvc(tmp_path, "plumbing", "textconv", "shard.jsonl")
    assert code == 0
    assert out == "w1#r1\n  /rev = 1\n  /value/a~1b = {}\n  /value/span = [0, 5]\n<<<<<<< ours\nno record\\xff\n[1]\n"


def test_changeset_prints_the_lines_whose_root_is_signed(repo, git, labelvc):
    labelvc(repo, "init", "--template", "rating")
    git(repo, "add", "--all")
    git(repo, "commit", "-qm", "one")
    path = repo / "guidelines" / "sentiment.yaml"
    path.write_bytes(path.read_bytes() + b"# more\n")
    git(repo, "commit", "-qam", "two")
    code, out, _ = labelvc(repo, "plumbing", "changeset", "HEAD~", "HEAD")
    assert code == 0
    read = changeset.read(out.encode())
    assert [move.key for move in read.moves] == ["guidelines/sentiment.yaml"]
    assert read.root == merkle.digest(out.encode().splitlines())
    back = changeset.read(labelvc(repo, "plumbing", "changeset", "HEAD", "HEAD~")[1].encode())
    assert (back.moves[0].old, back.moves[0].new) == (read.moves[0].new, read.moves[0].old)


def test_what_git_tells_hooks_is_read(tmp_path):
    none, one, two = "0" * 40, "1" * 40, "2" * 40
    assert hook.read_pushed(f"refs/heads/a {one} refs/heads/b {two}\n(delete) {none} refs/heads/c {one}\n") == [
        hook.Push("refs/heads/b", two, one),
        hook.Push("refs/heads/c", one, ""),
    ]
    assert hook.read_received(f"{none} {one} refs/heads/a\n") == [hook.Push("refs/heads/a", "", one)]
    assert hook.read_received(f"{'0' * 64} {'1' * 64} refs/heads/a\n")[0].old == ""
    for reader in (hook.read_pushed, hook.read_received):
        with pytest.raises(DataError):
            reader("what is\n")


def test_a_hook_outside_of_a_repository_could_not_do_it(tmp_path, labelvc):
    assert labelvc(tmp_path, "plumbing", "hook", "pre-commit")[0] == 2


def test_plumbing_is_listed_only_by_its_own_help(tmp_path, labelvc):
    code, out, _ = labelvc(tmp_path, "plumbing", "--help")
    assert code == 0
    assert "merge-driver" in out
