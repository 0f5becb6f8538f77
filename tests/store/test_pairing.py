"""A pointer or a manifest that somebody edited by hand is told by every command that looks at the folder, and nothing is stored."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.zoo import Zoo, zoo, zoo_template

__all__ = ["zoo", "zoo_template"]
Command = Callable[..., tuple[int, str, str]]
FOLDER = "datasets/pets/annotations"
POINTER, MANIFEST = f"{FOLDER}.dvc", f"{FOLDER}.sha256"
NOWHERE = "0" * 32 + ".dir"
EDITS: dict[str, tuple[str, Callable[[bytes], bytes], str]] = {
    "zeroed": (POINTER, lambda data: re.sub(rb"md5: [0-9a-f]{32}", b"md5: " + b"0" * 32, data), NOWHERE),
    "garbage": (POINTER, lambda data: re.sub(rb"md5: .*", b"md5: none", data), "not a DVC pointer to one folder"),
    "other digest": (MANIFEST, lambda data: b"0" * 8 + data[8:], "the SHA-256 manifest was edited"),
    "line gone": (MANIFEST, lambda data: data.partition(b"\n")[2], "the SHA-256 manifest was edited"),
    "no manifest": (MANIFEST, lambda data: data + b"hello\n", f"{MANIFEST}:5: not a line of sha256sum"),
}


def test_pointer_and_manifest_edited_by_hand(zoo: Zoo, labelvc: Command, subtests: pytest.Subtests):
    zoo.store_in_dvc()
    whole = zoo.commit("Store in DVC")
    kept = {path: zoo.read(path) for path in (POINTER, MANIFEST)}
    for name, (path, edit, message) in EDITS.items():
        with subtests.test(name):
            zoo.write(path, edit(kept[path]))
            for words in (("check",), ("check", "--all")):
                code, out, err = labelvc(zoo.folder, *words)
                assert (code, "dvc.unstored" in out, message in out) == (1, True, True), out + err
                assert f"{FOLDER}/0.jsonl" not in out, "the shards are right"
            said = labelvc(zoo.folder, "status")[1], labelvc(zoo.folder, "diff")[2]
            assert all(message in one for one in said), said
            code, _, err = labelvc(zoo.folder, "format")
            assert (code, message.rpartition(": ")[2] in err) == (2, True), err
            cure = f"git checkout {'HEAD ' if name == 'no manifest' else ''}-- {path}"
            assert (cure if name != "garbage" else f"dvc add {FOLDER}") in out, out
        zoo.write(path, kept[path])
    zoo.write(POINTER, EDITS["zeroed"][1](kept[POINTER]))
    zoo.git("add", POINTER)
    out = labelvc(zoo.folder, "check")[1]
    assert f"git checkout HEAD -- {POINTER}" in out, "git's index holds it, too"
    zoo.git("checkout", "HEAD", "--", POINTER)
    assert labelvc(zoo.folder, "check", "--all")[0] == labelvc(zoo.folder, "format")[0] == 0
    assert zoo.git("status", "--porcelain") == ""
    assert zoo.git("rev-parse", "HEAD") == whole


def test_a_pointer_to_what_another_commit_had_is_no_pointer_to_these(zoo: Zoo, labelvc: Command):
    """It lies in the cache, so a commit would bring the labels of before back."""
    zoo.store_in_dvc()
    zoo.commit("Store in DVC")
    before = zoo.read(POINTER)
    zoo.change("pets/p2#m1", value={"score": 3}, bump=0)
    assert labelvc(zoo.folder, "format")[0] == 0
    after = zoo.read(POINTER)
    assert "the DVC pointer" not in labelvc(zoo.folder, "check")[1]
    zoo.write(POINTER, before)
    code, _, err = labelvc(zoo.folder, "check")
    assert (code, "it was exchanged or the manifest is old" in err, "mv " in err) == (2, True, False), err
    code, _, err = labelvc(zoo.folder, "format")
    assert (code, "in no cache" in err, f"git checkout -- {POINTER}" in err) == (2, False, True), err
    zoo.git("checkout", "--", POINTER)
    assert zoo.read(POINTER) == after
    assert "dvc.unstored" not in labelvc(zoo.folder, "check")[1]
