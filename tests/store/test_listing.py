"""A listing is the dict of what git printed, whatever the paths are called, and tells two of them apart as two dicts would."""

from __future__ import annotations

import io
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelvc.model import listing
from labelvc.model.listing import Listing
from labelvc.model.snapshot import Entry
from labelvc.store import git as plumbing
from labelvc.store import tree

_PARTS = st.sampled_from(
    [
        b"a",
        b"b.jsonl",
        b"100644 blob 0",
        b"x blob y",
        b"z 0\ty",
        b"\tt",
        b"n\n0",
        b"\xff\xf5",
        "é\U0001f600\uffee".encode(),
        b"a/b",
    ]
)
PATHS = st.lists(_PARTS, min_size=1, max_size=3).map(b"/".join)
FILES = st.dictionaries(
    PATHS, st.tuples(st.sampled_from(["100644", "100755", "120000"]), st.sampled_from("0123f")), max_size=30
)
FORMS = {"tree": b"%b blob %b\t%b\0", "index": b"%b %b 0\t%b\0"}
Files = dict[bytes, tuple[str, str]]


def printed(files: Files, form: str) -> bytes:
    return b"".join(
        [FORMS[form] % (mode.encode(), oid(mark).encode(), path) for path, (mode, mark) in sorted(files.items())]
    )


def oid(mark: str) -> str:
    return mark * 40


def read(data: bytes) -> Listing:
    found = listing.read(io.BytesIO(data))
    assert found is not None
    return found


def plain(files: Files) -> dict[str, Entry]:
    return {
        os.fsdecode(path): Entry("link" if mode == "120000" else "git", oid(mark), mode == "100755")
        for path, (mode, mark) in sorted(files.items())
    }


@given(FILES, st.sampled_from([*FORMS]), PATHS)
def test_a_listing_is_the_dict_of_what_git_printed(files: Files, form: str, start: bytes):
    found, truth = read(printed(files, form)), plain(files)
    assert [*found.items()] == [*truth.items()]
    assert [*found] == [*truth]
    assert len(found) == len(truth)
    assert all(found[path] == entry for path, entry in truth.items())
    for path in (os.fsdecode(start), "b.jsonl", "", "a\0", "\ud800", "y"):
        assert found.get(path) == truth.get(path)
        assert (path in found) == (path in truth)
    begin = os.fsdecode(start)
    assert dict(found.under(begin)) == {path: entry for path, entry in truth.items() if path.startswith(begin)}
    assert found.ending(begin) == [path for path in truth if path.endswith(begin)]


@given(FILES, FILES, FILES, st.sampled_from(["", "a"]), st.booleans())
def test_two_listings_differ_as_two_dicts_do(one: Files, two: Files, more: Files, start: str, shared: bool):
    over = {
        path: None if entry.id[0] in "12" else Entry("disk", "") if entry.id[0] == "3" else entry
        for path, entry in plain(more).items()
    }
    left = read(printed(one, "tree"))
    right = (left if shared else read(printed(two, "index"))).over(over)
    before = plain(one)
    after = {path: entry for path, entry in {**(before if shared else plain(two)), **over}.items() if entry is not None}
    assert dict(right.items()) == after
    assert [*right] == sorted(after, key=os.fsencode)
    paths = {path for path in before | after if path.startswith(start)}
    unlike = {path for path in paths if before.get(path) != after.get(path) or not (path in after and after[path].id)}
    assert left.differing(right, start) == {path for path in unlike if path in after or path in before}


@given(FILES, FILES, st.integers(20, 200))
def test_what_differs_is_listed_as_it_was_and_as_it_is(one: Files, two: Files, piece: int):
    unlike = sorted(path for path in one | two if one.get(path) != two.get(path))
    data = b"".join([_change(path, one.get(path), two.get(path)) for path in unlike])
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(listing, "_PIECE", piece)
        found = listing.compared(io.BytesIO(data))
    assert found is not None
    before, after = found
    assert dict(before.items()) == plain({path: one[path] for path in unlike if path in one})
    assert dict(after.items()) == plain({path: two[path] for path in unlike if path in two})
    assert listing.compared(io.BytesIO(data + b":100644")) is None
    assert listing.compared(io.BytesIO(data + _change(b"zz", None, None).replace(b"D", b"U"))) is None
    module = b":160000 100644 %b %b T\0zz\0" % (b"1" * 40, b"2" * 40)
    more = listing.compared(io.BytesIO(data + module))
    assert more is not None
    assert ("zz" in more[0], "zz" in more[1]) == (False, True)


def _change(path: bytes, one: tuple[str, str] | None, two: tuple[str, str] | None) -> bytes:
    (was, old), (now, new) = one or ("000000", "0"), two or ("000000", "0")
    how = "A" if one is None and two else "D" if two is None else "M"
    return f":{was} {now} {oid(old)} {oid(new)} {how}\0".encode() + path + b"\0"


def test_many_rows_are_read_in_pieces_and_cut_alike(monkeypatch: pytest.MonkeyPatch):
    files = {
        b"datasets/d/items/%05d.jsonl" % number: ("100644", "0123456789abcdef"[number * 7 % 16])
        for number in range(3000)
    }
    whole = read(printed(files, "tree"))
    monkeypatch.setattr(listing, "_PIECE", 1000)
    small = read(printed(files, "index"))
    assert [*whole.items()] == [*small.items()] == [*plain(files).items()]
    assert whole._rows == small._rows
    assert len(whole._rows.blocks) > 150
    files[b"datasets/d/items/01500.jsonl"] = ("100644", "f")
    assert [*whole._rows.differing(read(printed(files, "tree"))._rows)].count("datasets/d/items/00001.jsonl") == 0


def test_what_is_no_row_is_not_taken_for_one():
    row = printed({b"a": ("100644", "1")}, "index")
    for data in (row[:-1], row + b"x", b"x" + row, row.replace(b"100644", b"000000"), b"\0", row + b"100644 \tb\0"):
        assert listing.read(io.BytesIO(data)) is None
    assert [*read(b"")] == []


def test_submodules_and_sides_of_a_conflict_are_left_out():
    rows = [
        b"100644 %b 1\ta 0\0",
        b"100644 %b 2\ta 0\0",
        b"120000 %b 3\ta 0\0",
        b"100644 %b 0\tb\0",
        b"160000 %b 0\tc\0",
    ]
    assert [*read(b"".join([row % (b"1" * 64) for row in rows]))] == ["b"]
    assert [*read(b"160000 commit %b\tc\x00100644 blob %b\td\0" % (b"1" * 40, b"2" * 40))] == ["d"]


def test_a_tree_that_no_git_made_hides_no_file(repo: Path):
    git = plumbing.find(repo)
    blobs = [
        plumbing.run(git, "hash-object", "-w", "--stdin", data=data).decode().strip() for data in (b"1", b"2", b"3")
    ]
    rows = [
        b"100644 %b\0%b" % (name, bytes.fromhex(blob)) for name, blob in zip((b"z", b"a", b"z"), blobs, strict=True)
    ]
    words = ["git", "hash-object", "-t", "tree", "--literally", "-w", "--stdin"]
    made = (
        subprocess.run(words, cwd=repo, input=b"".join(rows), capture_output=True, check=True).stdout.decode().strip()
    )
    commit = plumbing.run(git, "commit-tree", made, "-m", "odd").decode().strip()
    entries = tree.commit(git, commit).entries
    assert dict(entries.items()) == {"a": Entry("git", blobs[1]), "z": Entry("git", blobs[2])}
    assert entries["a"].id == blobs[1]
    assert entries["z"].id == blobs[2]
