"""Folder: the shards of a DVC dataset in the work tree, written from a merge and put back again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from labelvc import digests
from labelvc.errors import StoreError
from labelvc.model.snapshot import Entry, Snapshot
from labelvc.store import disk, pointer, stale
from labelvc.store import git as plumbing
from labelvc.store.git import Git
from labelvc.store.reader import Reader

_AT_ONCE = 16
_MARKER = b"<<<<<<< "


def refuse_edits(git: Git, path: str, before: Snapshot) -> None:
    """Refuse to go on where shards behind a pointer were edited and not stored: writing would lose that.

    Args:
        git: where.
        path: of the pointer.
        before: the commit the work tree stands on.

    Raises:
        StoreError: a shard lies there that the commit does not know.
    """
    top = path.removesuffix(".dvc")
    for name in stale.lying(git, top):
        entry = before.entries.get(name)
        if entry is None or (entry.kind == "dvc" and not _holds(git, name, entry)):
            stale.refuse(git, top)
            hint = "labelvc format and commit it, or dvc checkout to drop it; then again"
            raise StoreError("a shard behind a DVC pointer has edits that are not stored", where=name, hint=hint)


def write(git: Git, top: str, wanted: Mapping[str, Entry], before: Mapping[str, Entry]) -> str:
    """Make a folder of shards hold what a snapshot names.

    Args:
        git: where.
        top: the folder.
        wanted: path to entry; others than those below the folder are left alone.
        before: what lies there now, as `refuse_edits` made sure; equal entries are not written again.

    Returns:
        The folder.

    Raises:
        StoreError: an object is nowhere, or the disk is full.
    """
    there = set(stale.lying(git, top))
    inside = {path: entry for path, entry in wanted.items() if path.startswith(f"{top}/")}
    fresh = [(path, entry) for path, entry in inside.items() if path not in there or not entry.same(before.get(path))]
    with Reader(git) as reader:
        some: dict[str, bytes] = {}
        for path, data in reader.many(fresh):
            some[path] = data
            if len(some) >= _AT_ONCE:
                disk.write_all({git.top / name: content for name, content in some.items()}, git.top)
                some.clear()
        gone = dict.fromkeys([git.top / path for path in there - inside.keys()])
        disk.write_all({**{git.top / name: content for name, content in some.items()}, **gone}, git.top)
    return top


def restore(git: Git, commit: str, paths: Sequence[str]) -> None:
    """Put files of the work tree back as the index has them, and delete those it does not have.

    Args:
        git: where; the index is the commit's.
        commit: full id.
        paths: the files.
    """
    listed = plumbing.run(git, "ls-tree", "-r", "-z", "--name-only", "--full-tree", commit)
    known = set(listed.decode("utf-8", "surrogateescape").split("\0"))
    kept = "".join(f"{path}\0" for path in paths if path in known).encode("utf-8", "surrogateescape")
    if kept:
        plumbing.run(git, "checkout-index", "-f", "-u", "-z", "--stdin", data=kept)
    disk.write_all(dict.fromkeys([git.top / path for path in paths if path not in known]), git.top)


def marked(git: Git, top: str) -> Iterator[tuple[str, bytes]]:
    """Yield path and bytes of the shards of a folder that hold conflict markers."""
    for path in sorted(stale.lying(git, top)):
        data = (git.top / path).read_bytes()
        if data.startswith(_MARKER) or b"\n" + _MARKER in data:
            yield path, data


def is_shards(git: Git, path: str) -> bool:
    """Tell whether a path is the pointer of a layer of shards that lies in this work tree."""
    return pointer.stands_for_shards(path) and (git.top / path.removesuffix(".dvc")).is_dir()


def _holds(git: Git, path: str, entry: Entry) -> bool:
    """Tell whether a file holds what an entry of DVC names: by SHA-256 where the manifest gives one, else by MD5."""
    md5, _, sha256 = entry.id.partition(":")
    data = (git.top / path).read_bytes()
    return (
        bool(digests.sha256(data).hexdigest() == sha256)
        if sha256
        else digests.md5(data, usedforsecurity=False).hexdigest() == md5
    )
