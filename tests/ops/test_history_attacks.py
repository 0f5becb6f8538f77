"""Attacks on histories: odd commits and pointers, criss-cross without end, a work tree that the shell names in its own way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from hashlib import md5, sha256
from pathlib import Path
from typing import Any

import pytest

from labelvc.errors import StoreError
from labelvc.ops import audit, threeway
from labelvc.ops.audit import Auditor
from labelvc.store import pointer
from tests.ops.test_merge import at, behind, fork, lines, merged, scored, seen, switch
from tests.zoo import Zoo, zoo, zoo_template

__all__ = ["zoo", "zoo_template"]
Run = Callable[..., tuple[int, str, str]]
POINTER, MANIFEST = "datasets/pets/annotations.dvc", "datasets/pets/annotations.sha256"


# ---------------------------------------------------------------- where the shell says the work tree is
@pytest.mark.parametrize("inside", [".", "datasets/pets"])
def test_folders_that_the_environment_names_from_where_one_stands(zoo: Zoo, labelvc: Run, monkeypatch, inside: str):
    """Git at the top of the project took `GIT_WORK_TREE=../..` for a folder above it, and the merge lost their side."""
    fork(zoo, scored("pets/p1#m1", 3), scored("pets/p2#m1", -3))
    monkeypatch.setenv("GIT_DIR", os.path.relpath(zoo.folder / ".git", zoo.folder / inside))
    monkeypatch.setenv("GIT_WORK_TREE", os.path.relpath(zoo.folder, zoo.folder / inside))
    assert labelvc(zoo.folder / inside, "merge", "topic")[0] == 0
    assert labelvc(zoo.folder / inside, "trace", "pets/p2#m1")[0] == 0
    monkeypatch.delenv("GIT_DIR")
    monkeypatch.delenv("GIT_WORK_TREE")
    assert at(zoo, "pets/p1#m1")["value"] == {"score": 3}
    assert at(zoo, "pets/p2#m1")["value"] == {"score": -3}
    assert zoo.git("status", "--porcelain") == ""


# ---------------------------------------------------------------- pointers and listings of others
def listed(zoo: Zoo, names: dict[str, bytes], listing: bytes = b"") -> None:
    """Let the pointer name files that lie in the cache, with their manifest."""

    def keep(data: bytes, end: str = "") -> str:
        name = md5(data, usedforsecurity=False).hexdigest()
        place = zoo.folder / f".dvc/cache/files/md5/{name[:2]}/{name[2:]}{end}"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        place.write_bytes(data)
        return name + end

    rows = [{"md5": keep(data), "relpath": name} for name, data in names.items()]
    own = keep(listing or json.dumps(rows).encode(), ".dir")
    zoo.write(POINTER, f"outs:\n- md5: {own}\n  hash: md5\n  path: annotations\n")
    sums = [f"{sha256(data).hexdigest()}  annotations/{name}\n" for name, data in names.items()]
    zoo.write(MANIFEST, "".join(sums))


@pytest.mark.parametrize(
    ("name", "forward", "manifest"),
    [
        ("../../../../elsewhere/x.jsonl", True, False),
        ("../../../../elsewhere/x.jsonl", False, False),
        ("a/../../../x.jsonl", True, True),
        ("", True, False),
    ],
    ids=["above", "above-merged", "round", "absolute"],
)
def test_a_listing_that_leads_elsewhere_is_not_checked_out(zoo: Zoo, name: str, forward: bool, manifest: bool):
    """DVC follows `..` in a listing, which comes from a remote that others write to."""
    behind(zoo)
    zoo.commit("base")
    zoo.git("switch", "-qc", "topic")
    listed(zoo, {name or f"{zoo.folder.parent}/elsewhere/x.jsonl": b"theirs\n"})
    if not manifest:
        (zoo.folder / MANIFEST).unlink()
    zoo.commit("theirs")
    zoo.git("switch", "-q", "main")
    if not forward:
        zoo.write("notes.txt", "x")
        zoo.commit("ours")
    before = seen(zoo)
    with pytest.raises(StoreError, match=r"listing is broken|not a line of sha256sum"):
        merged(zoo)
    assert seen(zoo) == before
    assert list(zoo.folder.parent.rglob("x.jsonl")) == []


@pytest.mark.parametrize("forward", [True, False], ids=["forward", "merge"])
def test_objects_that_are_nowhere_are_missed_before_anything_moves(zoo: Zoo, forward: bool):
    behind(zoo)
    zoo.commit("base")
    zoo.git("switch", "-qc", "topic")
    zoo.replace(POINTER, zoo.read(POINTER).decode().split("md5: ")[1][:32], "0" * 32)
    zoo.commit("theirs")
    switch(zoo, "main")
    if not forward:
        zoo.write("notes.txt", "x")
        zoo.commit("ours")
    before = seen(zoo)
    with pytest.raises(StoreError, match="in no cache and no remote"):
        merged(zoo)
    assert seen(zoo) == before


DEEP = b"[" * 100_000 + b"]" * 100_000


@pytest.mark.parametrize(
    "listing",
    [
        DEEP,
        b'[{"md5":"%s","relpath":"\\ud800"}]' % (b"0" * 32),
        b'[{"md5":"%s","relpath":"\\u0000"}]' % (b"0" * 32),
        b"7",
    ],
    ids=["deep", "half-a-character", "nul", "number"],
)
def test_what_is_no_listing_is_refused(listing: bytes):
    with pytest.raises(StoreError, match="listing is broken"):
        pointer.members(pointer.Pointer(POINTER.removesuffix(".dvc"), "0" * 32 + ".dir"), listing, None)


def test_a_listing_without_end_stops_no_command(zoo: Zoo, labelvc: Run):
    behind(zoo)
    listed(zoo, {}, DEEP)
    zoo.commit("theirs")
    for words in (["check", "HEAD~1..HEAD"], ["log"]):
        code, _, err = labelvc(zoo.folder, *words)
        assert (code, "listing is broken" in err) == (2, True), (words, err)


@pytest.mark.parametrize("text", ["md5: {}\n  path: annotations", "md5: {}.dir\n  path: items"], ids=["file", "items"])
def test_a_pointer_to_a_file_or_to_another_folder_is_none(text: str):
    data = f"outs:\n- {text.format('0' * 32)}\n".encode()
    with pytest.raises(StoreError, match="not a DVC pointer"):
        pointer.read(POINTER, data)


@pytest.mark.parametrize("name", ["../x.jsonl", "annotations/../../x.jsonl", "/x.jsonl"])
def test_a_manifest_that_leads_out_of_its_folder_is_refused(name: str):
    with pytest.raises(StoreError, match="not a line of sha256sum"):
        pointer.manifest(MANIFEST, f"{'0' * 64}  {name}\n".encode())


def test_format_does_not_begin_what_dvc_will_refuse(zoo: Zoo, labelvc: Run):
    """A merge of a reshard with a move to DVC ends so, when their document is taken."""
    behind(zoo)
    zoo.git("add", "--force", "datasets/pets/annotations")
    zoo.change("pets/p1#m1", bump=0, value={"score": 3})
    code, _, err = labelvc(zoo.folder, "format")
    assert code == 2
    assert "git rm -r --cached datasets/pets/annotations" in err
    assert "killed" not in labelvc(zoo.folder, "doctor")[1]
    zoo.git("rm", "-rq", "--cached", "datasets/pets/annotations")
    assert labelvc(zoo.folder, "format")[0] == 0
    assert zoo.row("pets/p1#m1")["rev"] == 2


# ---------------------------------------------------------------- histories that cross each other again and again
def ladder(zoo: Zoo, rounds: int) -> None:
    """Make `main` and `topic`, which merged each other before every commit; no two commits hold the same."""
    root = zoo.git("rev-parse", "HEAD")
    who = "committer A <a@example.com> 1700000000 +0000\ndata 1\nx\n"
    told = [f"commit refs/heads/side{side}\nmark :{side}\n{who}from {root}\n" for side in (1, 2)]
    mark, heads = 2, [1, 2]
    for step in range(rounds):
        for side, other in ((1, 2), (2, 1)):
            mark += 1
            told.append(
                f"commit refs/heads/side{side}\nmark :{mark}\n{who}from :{heads[side - 1]}\nmerge :{heads[other - 1]}\n"
            )
            texts = {side: f"{step + 100}", **({other: f"{step + 99}"} if step else {})}
            told += [f"M 644 inline notes{name}.txt\ndata 3\n{text}\n" for name, text in texts.items()]
        heads = [mark - 1, mark]
    subprocess.run(["git", "fast-import", "--quiet"], cwd=zoo.folder, input="".join(told).encode(), check=True)
    zoo.git("checkout", "-qB", "topic", "side2")
    scored("pets/p2#m1", -3)(zoo)
    zoo.commit("theirs")
    zoo.git("checkout", "-qB", "main", "side1")
    scored("pets/p1#m1", 3)(zoo)
    zoo.commit("ours")


def test_a_history_of_criss_cross_merges_is_worked_out_once(zoo: Zoo, monkeypatch: pytest.MonkeyPatch):
    """Each merge works out the bases below it: an audit of 59 merges did so 870 times and took four minutes."""
    ladder(zoo, 6)
    asked: list[tuple[str, str]] = []
    within: list[int] = [0]
    whole = threeway.three_way

    def counted(git: Any, ours: str, theirs: str, *rest: Any, **options: Any) -> Any:
        asked.append((ours, theirs))
        within.append(within[-1] + 1)
        assert within[-1] < 4, "one below the other, as deep as the history"
        try:
            return whole(git, ours, theirs, *rest, **options)
        finally:
            within.pop()

    monkeypatch.setattr(threeway, "three_way", counted)
    assert merged(zoo).state == "merged"
    with Auditor(zoo.at) as auditor:
        assert [found for one in audit.merges(zoo.at, None) for found in auditor.examine(one)] == []
    assert len(asked) == len(set(asked)) == 6  # the merge, and the bases of five rounds
    assert [at(zoo, key)["value"] for key in ("pets/p1#m1", "pets/p2#m1")] == [{"score": 3}, {"score": -3}]


def test_a_shallow_clone_that_may_hide_the_best_base_does_not_merge(zoo: Zoo, labelvc: Run):
    """From the older base that is left, a label that our side took back would come again without a word."""
    zoo.git("switch", "-qc", "early")
    scored("pets/p1#m1", 3)(zoo)
    zoo.commit("a label")
    zoo.git("branch", "topic")
    scored("pets/p2#m1", 3)(zoo)
    cut = zoo.commit("another")
    zoo.git("switch", "-q", "main")
    scored("pets/p3#m1", 4)(zoo)
    zoo.commit("main goes on")
    assert merged(zoo, "early").state == "merged"
    scored("pets/p1#m1", -1)(zoo)
    zoo.commit("taken back")
    zoo.git("switch", "-q", "topic")
    scored("pets/p4#m1", 4)(zoo)
    zoo.commit("theirs")
    zoo.git("switch", "-q", "main")
    (zoo.folder / ".git/shallow").write_text(f"{cut}\n")
    for words in (["merge", "topic"], ["diff", "main...topic"]):
        code, _, err = labelvc(zoo.folder, *words)
        assert (code, "git fetch --unshallow" in err) == (2, True), (words, err)
    (zoo.folder / ".git/shallow").unlink()
    assert labelvc(zoo.folder, "merge", "topic")[0] == 0
    assert at(zoo, "pets/p1#m1")["value"] == {"score": -1}


# ---------------------------------------------------------------- commits as no git writes them
@pytest.mark.parametrize(
    ("date", "told"),
    [
        ("253402300800 +0000", "9999-12-31T23:59:59+00:00"),
        ("99999999999999999999 +0000", "1970-01-01T00:00:00+00:00"),
        ("-5 +0000", "1970-01-01T00:00:00+00:00"),
        ("1700000000", "1970-01-01T00:00:00+00:00"),
        ("", "1970-01-01T00:00:00+00:00"),
        ("1700000000 +9959", None),
        ("1700000000 +0530", "2023-11-15T03:43:20+05:30"),
    ],
)
def test_a_date_that_is_none(zoo: Zoo, labelvc: Run, date: str, told: str | None):
    scored("pets/p1#m1", 3)(zoo)
    zoo.git("add", "--all")
    who = f"A <a@example.com> {date}".rstrip()
    head = (
        f"tree {zoo.git('write-tree')}\nparent {zoo.git('rev-parse', 'HEAD')}\nauthor {who}\ncommitter {who}\n\nodd\n"
    )
    words = ["git", "hash-object", "-t", "commit", "-w", "--literally", "--stdin"]
    made = subprocess.run(words, cwd=zoo.folder, input=head.encode(), capture_output=True, check=True)
    zoo.git("update-ref", "HEAD", made.stdout.decode().strip())
    code, out, err = labelvc(zoo.folder, "log", "--format", "jsonl")
    assert code == 0, err
    first = json.loads(out.splitlines()[0])["commit"]
    assert told in (None, first["committed"])
    assert first["authored"] == first["committed"]
    for words in (["log", "--since", "2020-01-01"], ["log", "--until", "2020-01-01"], ["trace", "pets/p1#m1"]):
        code, _, err = labelvc(zoo.folder, *words)
        assert code == 0, err


# ---------------------------------------------------------------- a diff from anybody
@pytest.mark.parametrize("target", [".git", ".git/hooks", "approvals", "datasets/pets"])
def test_a_diff_is_not_applied_through_a_link(zoo: Zoo, labelvc: Run, tmp_path: Path, target: str):
    """A link that somebody committed led a new document into the git folder."""
    (zoo.folder / target).mkdir(parents=True, exist_ok=True)
    (zoo.folder / "notes").symlink_to(target)
    zoo.commit("a link")
    diff = tmp_path / "diff.jsonl"
    diff.write_text('{"key":"notes/below/pre-commit","kind":"added","old":null,"new":"evil\\n","fields":[]}\n')
    code, _, err = labelvc(zoo.folder, "plumbing", "apply", str(diff))
    assert (code, "link" in err) == (2, True)
    assert not list((zoo.folder / target).rglob("below"))


@pytest.mark.parametrize("key", ["Approvals/x/changeset.jsonl", "datasets/pets/Annotations.dvc", "RELEASES/1.json"])
def test_a_diff_names_nothing_refused_in_other_letters(zoo: Zoo, labelvc: Run, tmp_path: Path, key: str):
    """Some file systems do not tell them apart."""
    diff = tmp_path / "diff.jsonl"
    diff.write_text(json.dumps({"key": key, "kind": "added", "old": None, "new": "x", "fields": []}) + "\n")
    assert labelvc(zoo.folder, "plumbing", "apply", str(diff))[0] == 2
    assert zoo.git("status", "--porcelain") == ""


# ---------------------------------------------------------------- odd names
def test_ids_that_hold_line_ends_stop_no_check(zoo: Zoo, labelvc: Run):
    for name in ("a\nb", "a\nzz", "c\\nd"):
        zoo.put(f"pets/{name}#", {"id": name, "natural": {"word": f"w{name[0]}"}, "text": "t"})
    code, out, err = labelvc(zoo.folder, "check", "--all", "--format", "jsonl")
    assert "Traceback" not in err
    found = [json.loads(row) for row in out.splitlines()]
    doubled = [row["message"] for row in found if row["rule"] == "item.duplicate"]
    assert doubled == ["has the same natural key as pets/a\nb#"]
    assert code == 1  # a key with a line end cannot be read


def test_a_name_in_conflict_moves_no_cursor_in_the_doctor(zoo: Zoo, labelvc: Run):
    name = "docs/\x1b[31m\u202e.md"
    fork(zoo, lambda zoo: zoo.write(name, "ours"), lambda zoo: zoo.write(name, "theirs"))
    assert merged(zoo).state == "conflict"
    _, out, _ = labelvc(zoo.folder, "doctor")
    assert "in conflict: docs/\\u001b[31m\\u202e.md" in out
    assert not {"\x1b", "\u202e"} & set(out)


def test_nothing_is_lost_where_both_sides_store_the_same_shards_otherwise(zoo: Zoo):
    """One side moves its records behind DVC while the other reshards: a person decides about the document, records are all there."""

    def reshard(zoo: Zoo) -> None:
        zoo.git("add", "--all")
        subprocess.run(
            [sys.executable, "-m", "labelvc.cli", "-q", "dataset", "reshard", "pets", "--shards", "16"],
            cwd=zoo.folder,
            check=True,
        )

    fork(zoo, reshard, behind)
    found = merged(zoo)
    assert found.state == "conflict"
    assert found.outcome is not None
    assert found.outcome.torn == {}
    held = {
        line
        for path in Path(zoo.folder).glob("datasets/pets/annotations/**/*.jsonl")
        for line in path.read_text().splitlines()
    }
    assert held == {line for line in lines(zoo, "topic") if line.startswith('{"item":"p')}
