"""Draft: a tree of git in the making, beside the index and the work tree, which see nothing of it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Self

from labelvc.errors import StoreError
from labelvc.model.snapshot import FILE
from labelvc.store import disk, objects, process
from labelvc.store import git as plumbing
from labelvc.store.git import Git
from labelvc.store.process import REPAIR
from labelvc.store.treewalk import Stage

_NOBODY = ("-c", "user.name=labelvc", "-c", "user.email=labelvc@localhost", "-c", "commit.gpgSign=false")
# One pack takes in what a loose file and a temporary one each took: a third of the time. Level 1 as git's loose objects.
_LISTENING = {
    "fast-import": ("-c", "pack.compression=1", "fast-import", "--quiet", "--depth=0"),
    "update-index": ("update-index", "-z", "--index-info"),
}

ASIDE = "index.labelvc"
"""Name of the index while entries are written into it, in the folder of git's own."""
_YOUNGEST = (1 << 31) - 1  # the last second that every file system can note


class Draft:
    """A tree that starts as a commit's and is changed path by path; use it as a context manager.

    Objects are written to the repository, where they stay unseen until something refers to them. Two gits listen for as
    long as there is something to say: one takes the objects in, one the names, so that memory holds neither.
    """

    def __init__(self, git: Git, commit: str = "") -> None:
        self._git = git
        self._commit = commit
        self._running: dict[str, process.Running] = {}
        self._marks: dict[str, int] = {}
        self._told = 0

    def __enter__(self) -> Self:
        """Make the folder the draft lives in."""
        self._folder = _made(self._git)
        self._index = str(self._folder / "index")
        self._names = self._folder / "marks"
        try:
            plumbing.run(self._git, "read-tree", *([self._commit] if self._commit else ["--empty"]), index=self._index)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """End the gits that listen and delete the folder."""
        for running in self._running.values():
            running.process.kill()
            running.end()
        _cleared(self._folder)

    def put(self, path: str, data: bytes) -> None:
        """Write an object and give a path these bytes; which id it has, git works out anyway and tells at the end.

        Args:
            path: where it goes in the tree.
            data: its bytes.

        Raises:
            StoreError: the disk is full.
        """
        self._told += 1
        self._marks[path] = self._told
        self._say("fast-import", b"blob\nmark :%d\ndata %d\n%b\n" % (self._told, len(data), data))

    def keep(self, data: bytes) -> str:
        """Write an object that is not in the tree, and return its id.

        Raises:
            StoreError: the disk is full.
        """
        self._say("fast-import", b"blob\ndata %d\n%b\n" % (len(data), data))
        return objects.blob_id(data, self._commit)

    def take(self, stages: Iterable[Stage]) -> None:
        """Give paths objects that are there already; a path with an empty id is taken out of the tree.

        Raises:
            StoreError: the disk is full.
        """
        for stage in stages:
            self._marks.pop(stage.path, None)
            self._say("update-index", _line(stage, len(self._commit)))

    def write(self) -> str:
        """Return the id of the tree as it is now.

        Raises:
            StoreError: the disk is full, or git lacks an object that was put.
        """
        self._end("fast-import")
        if self._marks:
            named = dict(row.split(" ") for row in self._names.read_text("ascii").splitlines())
            self.take([Stage(path, FILE, named[f":{mark}"]) for path, mark in self._marks.items()])
        self._end("update-index")
        return plumbing.run(self._git, "write-tree", index=self._index).decode().strip()

    def _end(self, verb: str) -> None:
        running = self._running.pop(verb, None)
        if running is not None:
            plumbing.demand(self._git, verb, running.end())

    def _say(self, verb: str, data: bytes) -> None:
        running = self._running.get(verb)
        if running is None:
            words = (*_LISTENING[verb], *([f"--export-marks={self._names}"] if verb == "fast-import" else []))
            running = plumbing.start(self._git, *words, index=self._index, talk=True)
            self._running[verb] = running
        try:
            running.process.stdin.write(data)  # type: ignore[union-attr] # `talk` opened it
        except BrokenPipeError:
            plumbing.demand(self._git, verb, running.end())
            raise StoreError("git ended before it was told all", where=str(self._git.common), hint=REPAIR) from None


def update(git: Git, stages: Sequence[Stage]) -> None:
    """Write entries into the repository's index.

    Args:
        git: where.
        stages: entries; a path with an empty id leaves the index, and one that has stages loses its merged entry first.

    Raises:
        StoreError: another git holds the index, or the disk is full.
    """
    length = len(next((row.id for row in stages if row.id), ""))
    split = dict.fromkeys(row.path for row in stages if row.stage)
    lines = [_line(row, length) for row in (*[Stage(path, FILE, "") for path in split], *stages)]
    if lines:
        with _aside(git) as index:
            plumbing.run(git, *_LISTENING["update-index"], data=b"".join(lines), index=str(index))


def rehearse(git: Git, old: str, new: str) -> None:
    """Let git say what speaks against going from one tree to another with index and work tree, and do nothing.

    It is shown a copy of the index that looks younger than any file, so that files which were written in the same second as the
    index, and compared a moment ago, are not compared once more: who writes the index does that.

    Args:
        git: where.
        old: id of the commit or tree that is checked out.
        new: of the other.

    Raises:
        StoreError: edits or untracked files are in the way, or another git holds the index.
    """
    place = _place(git)
    folder = _made(git)
    try:
        copy = folder / "index"
        copy.write_bytes(place.read_bytes())
        os.utime(copy, (_YOUNGEST, _YOUNGEST))
        seen = place if place.with_name(f"{place.name}.lock").exists() else copy
        plumbing.run(git, "read-tree", "-m", "-u", "--dry-run", old, new, index=str(seen))
    except OSError as error:
        raise disk.failure(error, place) from None
    finally:
        _cleared(folder)


def _made(git: Git) -> Path:
    """Return a new folder of our own for an index."""
    folder = disk.private_folder(git, "drafts") / f"draft-{os.urandom(8).hex()}"
    folder.mkdir(mode=0o700)
    return folder


def _cleared(folder: Path) -> None:
    """Delete such a folder."""
    for path in folder.iterdir():  # an index, and perhaps its lock
        path.unlink()
    folder.rmdir()


def _place(git: Git) -> Path:
    """Return where the index of the repository is."""
    return git.top / (process.environment(alone=git.alone).get("GIT_INDEX_FILE") or git.directory / "index")


@contextmanager
def _aside(git: Git) -> Iterator[Path]:
    """Lend a copy of the repository's index that takes its place afterwards, so that git reads no file again that it just wrote.

    A file that is as young as the index may have changed unseen since, so whoever writes an index compares the contents of all
    such files and strikes those out that did (gitformat-index, Documentation/technical/racy-git.txt). The copy looks younger
    than any file while git works on it, and takes the place of the index with the time of that one: what could have changed
    unseen is compared by the next who asks.
    """
    place = _place(git)
    lock, copy = place.with_name(f"{place.name}.lock"), place.with_name(ASIDE)
    try:
        os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666))
    except FileExistsError:
        hint = f"when no git runs: rm {lock}"
        raise StoreError("another git works on the index, or one was killed", where=str(lock), hint=hint) from None
    except OSError as error:
        raise disk.failure(error, lock) from None
    try:
        about = place.stat()
        copy.write_bytes(place.read_bytes())
        copy.chmod(stat.S_IMODE(about.st_mode))
        os.utime(copy, (_YOUNGEST, _YOUNGEST))
        yield copy
        os.utime(copy, ns=(about.st_atime_ns, about.st_mtime_ns))
        copy.replace(place)
    except OSError as error:
        raise disk.failure(error, place) from None
    finally:
        copy.unlink(missing_ok=True)
        lock.unlink(missing_ok=True)


def joined(git: Git, tree: str, parents: Sequence[str], message: str) -> str:
    """Write a commit that no branch points to and return its id, the same whoever writes it: it is as young as its youngest parent.

    Args:
        git: where.
        tree: its tree.
        parents: its parents.
        message: its message, one line.
    """
    young = max(map(int, plumbing.run(git, "show", "-s", "--format=%ct", *parents).split()))
    who = f"labelvc <labelvc@localhost> {young} +0000"
    rows = [
        f"tree {tree}",
        *[f"parent {each}" for each in parents],
        f"author {who}",
        f"committer {who}",
        "",
        message,
        "",
    ]
    data = "\n".join(rows).encode()
    return plumbing.run(git, "hash-object", "-t", "commit", "-w", "--stdin", data=data).decode().strip()


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


def _line(row: Stage, length: int) -> bytes:
    """Return an entry as `update-index --index-info` reads it; an id of zeros takes a path out."""
    about = f"{row.mode} {row.id} {row.stage}" if row.id else f"0 {'0' * (length or 40)}"
    return f"{about}\t{row.path}\0".encode("utf-8", "surrogateescape")


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
