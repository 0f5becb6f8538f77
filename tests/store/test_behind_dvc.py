"""What lies in a DVC folder: a file is what the manifest says when its bytes are, and nothing is taken on trust."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import Self

import pytest

from labelvc.errors import StoreError
from labelvc.model.snapshot import Entry
from labelvc.store import proved, tree
from labelvc.store.reader import Reader
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


class Noting(Reader):
    """A reader that notes which files it hashes."""

    hashed: list[str]

    def holds(self, path: str, entry: Entry, *, linked: bool = False) -> bool:
        self.hashed.append(path)
        return super().holds(path, entry, linked=linked)


def hashed(zoo: Zoo, wanted: dict[str, Entry], held: set[str]) -> list[str]:
    """Have files proved, make sure of the outcome, and return those that were hashed for it."""
    with Noting(zoo.at) as reader:
        reader.hashed = []
        since = time.time_ns()
        statuses = {path: (zoo.folder / path).lstat() for path in wanted}
        assert proved.held(zoo.at, reader, wanted, statuses, since) == held
        return reader.hashed


def test_a_file_that_was_proved_is_hashed_again_when_it_may_have_changed(stored: Zoo, monkeypatch: pytest.MonkeyPatch):
    wanted = {path: entry for path, entry in tree.work(stored.at).entries.items() if entry.kind == "dvc"}
    assert hashed(stored, wanted, {*wanted}) == hashed(stored, wanted, {*wanted}) == [*wanted]  # written a moment ago
    monkeypatch.setattr(proved, "_REST", 0)
    assert hashed(stored, wanted, {*wanted}) == [*wanted]
    assert hashed(stored, wanted, {*wanted}) == []

    one, two, three = [*wanted][:3]
    path = stored.folder / one
    before = path.stat()
    path.write_bytes(path.read_bytes().replace(b'"rev":1', b'"rev":2'))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    copy = stored.folder / "copy"
    copy.write_bytes((stored.folder / two).read_bytes())
    copy.replace(stored.folder / two)
    other = {**wanted, three: Entry("dvc", f"{wanted[three].id[:-1]}x")}
    assert hashed(stored, other, {*wanted} - {one, three}) == [one, two, three]
    assert hashed(stored, other, {*wanted} - {one, three}) == [one, three]  # only what fits is remembered

    monkeypatch.setattr(proved, "_REST", 1 << 60)
    assert hashed(stored, wanted, {*wanted} - {one}) == [*wanted]
    monkeypatch.setattr(proved, "_REST", 0)
    shutil.rmtree(stored.folder / ".git/labelvc/cache")
    assert hashed(stored, wanted, {*wanted} - {one}) == [*wanted]


def test_an_object_that_left_the_cache_is_missed_at_once(stored: Zoo, monkeypatch: pytest.MonkeyPatch):
    """That all objects are there is remembered by the state of their folders, which changes with what is in them."""
    monkeypatch.setattr(proved, "_REST", 0)
    before = kinds(stored)
    assert set(before.values()) == {"dvc"}
    assert kinds(stored) == before
    path = min(before)
    md5 = tree.work(stored.at).entries[path].id.partition(":")[0]
    place = stored.folder / ".dvc/cache/files/md5" / md5[:2] / md5[2:]
    aside = place.rename(stored.folder / "aside")
    assert kinds(stored) == {**before, path: "disk"}
    assert kinds(stored) == {**before, path: "disk"}
    aside.rename(place)
    assert kinds(stored) == before
    place.unlink()
    place.mkdir()
    assert kinds(stored) == {**before, path: "disk"}
    monkeypatch.setattr(proved, "_REST", 1 << 60)
    assert kinds(stored) == {**before, path: "disk"}


@pytest.mark.parametrize("kind", ["hard", "symbolic"])
def test_an_edit_through_a_link_into_the_cache_is_seen(stored: Zoo, monkeypatch: pytest.MonkeyPatch, kind: str):
    """It changes the object as well, so that being the same file proves nothing."""
    monkeypatch.setattr(proved, "_REST", 0)
    for path, entry in tree.work(stored.at).entries.items():
        if entry.kind == "dvc":
            md5 = entry.id.partition(":")[0]
            place = stored.folder / ".dvc/cache/files/md5" / md5[:2] / md5[2:]
            place.chmod(0o644)
            (stored.folder / path).unlink()
            (stored.folder / path).hardlink_to(place) if kind == "hard" else (stored.folder / path).symlink_to(place)
    before = kinds(stored)
    assert set(before.values()) == {"dvc"}
    assert kinds(stored) == before
    path = stored.shard("pets/p1#m1")
    with (stored.folder / path).open("r+b") as file:
        data = file.read().replace(b'"score":2', b'"score":3')
        file.seek(0)
        file.write(data)
    assert kinds(stored) == {**before, path: "disk"}


def test_a_file_that_goes_while_a_folder_is_listed_is_none(stored: Zoo, monkeypatch: pytest.MonkeyPatch):
    class Going:
        """A row of a file that somebody removes before anybody asks what it is."""

        name = "gone.jsonl"

        def is_dir(self, **_: object) -> bool:
            return False

        def stat(self, **_: object) -> os.stat_result:
            raise FileNotFoundError

    class Rows(list):
        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            """Close nothing."""

    before = kinds(stored)
    scandir = os.scandir

    def scanned(place: object) -> Rows:
        with scandir(place) as rows:
            return Rows([Going(), *rows])

    monkeypatch.setattr(os, "scandir", scanned)
    assert kinds(stored) == before


def test_a_folder_that_became_a_link_is_not_followed(stored: Zoo, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(proved, "_REST", 0)
    assert set(kinds(stored).values()) == {"dvc"}
    (stored.folder / FOLDER).rename(stored.folder / "elsewhere")
    (stored.folder / FOLDER).symlink_to(stored.folder / "elsewhere")
    with pytest.raises(StoreError, match="symbolic link is not followed"):
        tree.work(stored.at)


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
