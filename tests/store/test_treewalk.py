"""Tree walks: what two trees differ in leads from the outline of one to the outline of the other."""

from __future__ import annotations

import random
import subprocess

import pytest

from labelvc.model.snapshot import FILE, LINK
from labelvc.store import git as plumbing
from labelvc.store import treewalk
from labelvc.store.treewalk import MODULE

PATHS = [
    *[f"datasets/{name}/{layer}/{place}" for name in ("a", "a b") for layer in ("annotations", "items", "media")
      for place in ("00.jsonl", "01.jsonl", "0123.jsonl", "012/012301.jsonl", "013/012301.jsonl", "x\n.jsonl", "note")],
    "datasets/a/annotations.dvc", "datasets/a/dataset.yaml", "labelvc.yaml", ":100644 100644 a b M", "datasets",
]  # fmt: skip


@pytest.fixture
def tree(repo):
    """Return a function that makes a tree of paths and modes."""
    blobs = [subprocess.run(["git", "hash-object", "-w", "--stdin"], cwd=repo, input=text, capture_output=True, check=True)
             .stdout.decode().strip() for text in (b"one\n", b"two\n")]  # fmt: skip

    def make(rows: dict[str, tuple[str, int]]) -> str:
        words = "".join([f"{mode} {blobs[which]}\t{path}\0" for path, (mode, which) in rows.items()])
        subprocess.run(["git", "read-tree", "--empty"], cwd=repo, check=True)
        subprocess.run(["git", "update-index", "-z", "--index-info"], cwd=repo, input=words.encode(), check=True)
        return subprocess.run(["git", "write-tree"], cwd=repo, capture_output=True, check=True).stdout.decode().strip()

    return make


@pytest.mark.parametrize("seed", range(12))
def test_an_outline_and_what_differs_make_the_other_outline(repo, tree, seed):
    chance, at = random.Random(seed), plumbing.find(repo)

    def drawn() -> dict[str, tuple[str, int]]:
        paths = [path for path in PATHS if chance.random() < 0.6 and path != "datasets"]
        paths = paths if chance.random() < 0.9 else [":100644 100644 a b M", "datasets"]
        return {
            path: (chance.choice((FILE, FILE, FILE, "100755", LINK, MODULE)), chance.randrange(2)) for path in paths
        }

    trees = [tree(drawn()) for _ in range(4)]
    for old in trees:
        for new in trees:
            moves = treewalk.moves(at, old, new)
            before = treewalk.outline(at, old)
            kept = {place: dict(digits) for place, digits in before.digits.items()}
            assert treewalk.outline_after(before, moves) == treewalk.outline(at, new)
            assert before.digits == kept, "the other one stays as it is"
            for folder in {path.rpartition("/")[0] for path in PATHS if path.count("/") == 3 and "media" not in path}:
                told = list(treewalk.moved_in(moves.get(folder, "")))
                assert told == list(treewalk.moved(at, old, new, folder))
            assert bool(moves) == (old != new)
