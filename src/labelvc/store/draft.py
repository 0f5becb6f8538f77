"""Draft: a tree of git in the making, beside the index and the work tree, which see nothing of it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Self

from labelvc.errors import StoreError
from labelvc.store import files, objects
from labelvc.store import git as plumbing
from labelvc.store.git import Git

_BATCH = 256
_NOBODY = ("-c", "user.name=labelvc", "-c", "user.email=labelvc@localhost", "-c", "commit.gpgSign=false")
FILE = "100644"
"""Mode of a plain file."""


class Stage(NamedTuple):
    """One version of a path in the index: mode and object id; stage 0 is merged, 1 the base, 2 ours, 3 theirs."""

    path: str
    mode: str
    id: str
    stage: int = 0


class Draft:
    """A tree that starts as a commit's and is changed path by path; use it as a context manager.

    Objects are written to the repository, where they stay unseen until something refers to them.
    """

    def __init__(self, git: Git, commit: str = "") -> None:
        self._git = git
        self._commit = commit
        self._waiting: list[tuple[Path, str]] = []
        self._rows: list[Stage] = []

    def __enter__(self) -> Self:
        """Make the folder the draft lives in."""
        self._folder = tempfile.TemporaryDirectory(dir=files.private_folder(self._git, "drafts"), prefix="draft-")
        self._index = str(Path(self._folder.name) / "index")
        plumbing.run(self._git, "read-tree", *([self._commit] if self._commit else ["--empty"]), index=self._index)
        return self

    def __exit__(self, *_: object) -> None:
        """Delete the folder."""
        self._folder.cleanup()

    def put(self, path: str, data: bytes, *, listed: bool = True) -> str:
        """Write an object, give a path these bytes, and return the object's id.

        Args:
            path: where it goes in the tree.
            data: its bytes.
            listed: whether it goes into the tree at all; otherwise it is only an object.
        """
        oid = objects.blob_id(data, self._commit)
        beside = Path(self._folder.name) / str(len(self._waiting))
        beside.write_bytes(data)
        self._waiting.append((beside, oid))
        if listed:
            self._rows.append(Stage(path, FILE, oid))
        if len(self._waiting) >= _BATCH:
            self._flush()
        return oid

    def take(self, stages: Iterable[Stage]) -> None:
        """Give paths objects that are there already; a path with an empty id is taken out of the tree."""
        self._rows += stages

    def write(self) -> str:
        """Return the id of the tree as it is now."""
        self._flush()
        update(self._git, self._rows, index=self._index)
        self._rows.clear()
        return plumbing.run(self._git, "write-tree", index=self._index).decode().strip()

    def _flush(self) -> None:
        if not self._waiting:
            return
        names = "".join(f"{beside}\n" for beside, _ in self._waiting).encode("utf-8", "surrogateescape")
        told = (
            plumbing.run(self._git, "hash-object", "-w", "--no-filters", "--stdin-paths", data=names).decode().split()
        )
        if told != [oid for _, oid in self._waiting]:
            raise StoreError("git stored other bytes than it was given", where=str(self._git.common), hint="git fsck")
        for beside, _ in self._waiting:
            beside.unlink()
        self._waiting.clear()


def update(git: Git, stages: Sequence[Stage], *, index: str = "") -> None:
    """Write entries into an index, the repository's own unless one is named.

    Args:
        git: where.
        stages: entries; a path with an empty id leaves the index, and one that has stages loses its merged entry first.
        index: path of another index file.
    """
    zero = "0" * len(next((row.id for row in stages if row.id), "0" * 40))
    split = dict.fromkeys(row.path for row in stages if row.stage)
    lines = [f"0 {zero}\t{path}\0" for path in split]
    lines += [
        f"{row.mode} {row.id} {row.stage}\t{row.path}\0" if row.id else f"0 {zero}\t{row.path}\0" for row in stages
    ]
    if lines:
        data = "".join(lines).encode("utf-8", "surrogateescape")
        plumbing.run(git, "update-index", "-z", "--index-info", data=data, index=index)


def commit(git: Git, tree: str, parents: Iterable[str], message: str) -> str:
    """Write a commit that no branch points to and return its id; it is for this process and says so.

    Args:
        git: where.
        tree: its tree.
        parents: its parents.
        message: its message.
    """
    above = [word for parent in parents for word in ("-p", parent)]
    return plumbing.run(git, *_NOBODY, "commit-tree", tree, *above, "-m", message).decode().strip()


class Texts(NamedTuple):
    """What git's own merge makes of files it merges by lines.

    Attributes:
        tree: the merged tree, with conflict markers where it could not decide.
        stages: the versions of each path in conflict.
        said: what git says of each conflict, for people.
    """

    tree: str
    stages: list[Stage]
    said: list[str]


def merge_texts(git: Git, ours: str, theirs: str) -> Texts:
    """Merge two commits as `git merge` would, into a tree and nothing else (git-merge-tree(1), since git 2.38).

    Args:
        git: where.
        ours: full id of a commit.
        theirs: full id of another that shares an ancestor with it.

    Returns:
        The merged tree and its conflicts.

    Raises:
        StoreError: git is older, or an object is missing.
    """
    words = ("merge-tree", "--write-tree", "-z", "--messages", ours, theirs)
    with plumbing.start(git, *words) as running:
        out = running.out.read()
        done = running.end()
    if done.code not in (0, 1) or not out:
        hint = "git --version: labelvc merge needs 2.38 or newer; `git merge` works with any"
        raise StoreError(
            done.said or "git could not merge the documents", where=f"{ours[:10]} {theirs[:10]}", hint=hint
        )
    head, _, rest = out.partition(b"\0")
    listed, _, told = rest.partition(b"\0\0") if rest[:1] != b"\0" else (b"", b"", rest[1:])
    rows = [_stage(row) for row in listed.decode("utf-8", "surrogateescape").split("\0") if row]
    return Texts(head.decode(), rows, list(_conflicts(told)) if rows else [])


def listed(git: Git, tree: str) -> dict[str, Stage]:
    """Return the files, links and submodules of a tree by path."""
    rows = plumbing.run(git, "ls-tree", "-r", "-z", "--full-tree", tree).decode("utf-8", "surrogateescape").split("\0")
    found = (row.partition("\t")[::2] for row in rows if row)
    return {path: Stage(path, about.split()[0], about.split()[2]) for about, path in found}


def _stage(row: str) -> Stage:
    about, _, path = row.partition("\t")
    mode, oid, number = about.split()
    return Stage(path, mode, oid, int(number))


def _conflicts(told: bytes) -> Iterator[str]:
    """Yield git's sentences about conflicts: number of paths, the paths, a type, the message; each ended by a NUL."""
    words = told.decode("utf-8", "replace").split("\0")
    at = 0
    while at < len(words) and words[at].isdigit():
        at += 1 + int(words[at])
        kind, message = words[at : at + 2]
        at += 2
        if kind.startswith("CONFLICT"):
            yield message.strip()
