"""What lies in a DVC folder: a file is what the manifest says when its bytes are, and nothing is taken on trust."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from labelvc.store import tree
from tests.zoo import Zoo, zoo, zoo_template

__all__ = ["zoo", "zoo_template"]
FOLDER = "datasets/pets/annotations"


@pytest.fixture
def stored(zoo: Zoo) -> Zoo:
    """Return the zoo with its pets behind a pointer and the shards in the work tree as plain files."""
    zoo.store_in_dvc()
    zoo.commit("Store in DVC")
    for path in sorted((zoo.folder / FOLDER).rglob("*.jsonl")):
        data = path.read_bytes()
        path.unlink()
        path.write_bytes(data)
    return zoo


def kinds(zoo: Zoo) -> dict[str, str]:
    return {path: entry.kind for path, entry in tree.work(zoo.at).entries.items() if path.startswith(f"{FOLDER}/")}


def test_files_that_are_as_stored_keep_their_id_and_edited_ones_have_none(stored: Zoo):
    assert set(kinds(stored).values()) == {"dvc"}
    assert tree.changed(tree.commit(stored.at, "HEAD"), tree.work(stored.at)) == []
    path = stored.shard("pets/p1#m1")
    stored.change("pets/p1#m1", value={"score": 3})
    assert {name for name, kind in kinds(stored).items() if kind == "disk"} == {path}
    assert tree.changed(tree.commit(stored.at, "HEAD"), tree.work(stored.at)) == [path]


def test_an_edit_that_keeps_length_and_times_is_seen(stored: Zoo):
    path = Path(stored.folder, stored.shard("pets/p1#m1"))
    before = path.stat()
    path.write_bytes(path.read_bytes().replace(b'"score":2', b'"score":3'))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert kinds(stored)[stored.shard("pets/p1#m1")] == "disk"


@pytest.mark.parametrize("spoil", ["objects", "listing", "manifest", "pointer"])
def test_what_cannot_be_proved_here_is_read_from_the_disk(stored: Zoo, spoil: str):
    cache = stored.folder / ".dvc/cache/files/md5"
    if spoil == "manifest":
        (stored.folder / f"{FOLDER}.sha256").unlink()
    elif spoil == "pointer":
        (stored.folder / f"{FOLDER}.dvc").write_text("<<<<<<< HEAD\n")
    else:
        for path in [
            path for path in cache.rglob("*") if path.is_file() and (path.suffix == ".dir") == (spoil == "listing")
        ]:
            path.unlink()
    assert set(kinds(stored).values()) == {"disk"}
    with tree.reader(stored.at) as reader:
        for path, entry in tree.work(stored.at).entries.items():
            if path.startswith(f"{FOLDER}/"):
                assert reader.read(path, entry) == stored.read(path)
