"""The log: commits newest first, each with the lines that it changed, as one stream."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from labelvc.errors import StoreError
from labelvc.model.commit import Commit, Person
from labelvc.model.snapshot import FileChange
from labelvc.store import git as plumbing
from labelvc.store import patch, process
from labelvc.store.git import Git

_MARK = b"\1"
_FIELDS = 8
_FORM = "%x01%H%x00%P%x00%an%x00%ae%x00%aI%x00%cI%x00%B%x00%x01"
_END = b"\0\1\n"
_COAUTHOR = re.compile(r"^co-authored-by:\s*(.*?)\s*<([^<>\n]*)>\s*$", re.IGNORECASE | re.MULTILINE)
_INDEX = re.compile(rb"index ([0-9a-f,]+)\.\.([0-9a-f]+)")
_whole: set[Path] = set()
# What git's approxidate knows (date.c) besides numbers; of anything else it says nothing and takes now.
_WORDS = "now|today|yesterday|noon|midnight|tea|never|last|(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|satur|sun)(?:day)?"
_DATE = re.compile(rf"\d|\b(?:{_WORDS})\b", re.IGNORECASE)
_RAW = re.compile(r":\d+ \d+ ([0-9a-f]+) ([0-9a-f]+) [A-Z]\d*")


class Merged(NamedTuple):
    """A file of a merge that differs from that of each parent.

    Attributes:
        path: POSIX path relative to the top of the project.
        olds: its git object id in each parent; empty where a parent lacks it.
        new: its git object id in the merge; empty when the merge lacks it.
    """

    path: str
    olds: tuple[str, ...]
    new: str


class Entry(NamedTuple):
    """A commit and the files that it changed, which are read from git while they are walked through.

    Attributes:
        commit: the commit.
        files: a `FileChange` a file; of a merge a `Merged` for each file that differs from all parents'.
    """

    commit: Commit
    files: Iterator[FileChange | Merged]


def read(git: Git, head: str, paths: Sequence[str], *, base: str = "") -> Iterator[Entry]:
    """Yield the commits that changed files, newest first, children before parents.

    History is not simplified: neither an edit inside a merge nor a side that a merge threw away is missed.

    Args:
        git: where.
        head: revision to begin with.
        paths: git's pathspecs: a file, a folder, or a pattern with `*`; none for all files.
        base: revision to end before; empty for all of history.

    Yields:
        Entries; what is left unread of one is skipped when the next is asked for.

    Raises:
        StoreError: unknown revision, a missing object, or history that ends early in a shallow clone.
    """
    with plumbing.start(git, *_listing(git, head, base), "--", *paths) as listed:
        yield from _Stream(plumbing.patches(git, listed.out, _FORM, paths)).entries()
        plumbing.demand(git, "rev-list", listed.end())


def commits(git: Git, head: str, paths: Sequence[str]) -> list[Commit]:
    """Return the commits that `read` yields, without looking at what they changed.

    Raises:
        StoreError: as for `read`.
    """
    told = plumbing.run(git, *_listing(git, head, ""), f"--format={_FORM}", "--", *paths)
    return [entry.commit for entry in _Stream(io.BytesIO(told)).entries()]


def named(git: Git, ids: Sequence[str]) -> dict[str, Commit]:
    """Return commits by their full ids."""
    if not ids:
        return {}
    told = plumbing.run(git, "rev-list", "--no-walk=unsorted", f"--format={_FORM}", *ids)
    return {entry.commit.id: entry.commit for entry in _Stream(io.BytesIO(told)).entries()}


def some(git: Git, wanted: Sequence[Commit], paths: Sequence[str]) -> Iterator[Entry]:
    """Yield the entries of some commits, in their order; one that changes none of the paths is left out.

    Raises:
        StoreError: an object is missing.
    """
    with process.nameless_file() as asked:
        asked.write("".join([f"{commit.id}\n" for commit in wanted]).encode())
        asked.seek(0)
        yield from _Stream(plumbing.patches(git, asked, _FORM, paths)).entries()


def _listing(git: Git, head: str, base: str) -> list[str]:
    """Return the command that lists commits.

    Raises:
        StoreError: unknown revision, or history that ends early in a shallow clone.
    """
    if git.common not in _whole:
        if plumbing.is_shallow(git):
            raise StoreError("history is cut off in this shallow clone", where=head, hint=process.UNSHALLOW)
        _whole.add(git.common)  # a clone that has all of history keeps it
    span = [plumbing.resolve(git, head), *([f"^{plumbing.resolve(git, base)}"] if base else [])]
    return ["rev-list", "--full-history", "--topo-order", *span]


def moment(git: Git, date: str) -> int:
    """Return a date as git reads it, in seconds since 1970.

    Raises:
        StoreError: nothing in it looks like a date: git would take it for now.
    """
    if not _DATE.search(date):
        raise StoreError(
            f"{date!r} is no date", hint="write 2026-03-01, 2026-03-01T09:00:00Z, `2 weeks ago` or `yesterday`"
        )
    told = plumbing.run(git, "rev-parse", f"--since={date}").decode()
    return int(told.rpartition("=")[2])


def parents(git: Git, head: str) -> dict[str, tuple[str, ...]]:
    """Return every commit up to a revision with its parents, children before parents."""
    listed = plumbing.run(git, "rev-list", "--topo-order", "--parents", plumbing.resolve(git, head)).decode()
    return {words[0]: tuple(words[1:]) for words in map(str.split, listed.splitlines())}


def blobs(git: Git, head: str, path: str) -> list[str]:
    """Return the object ids of all versions of a file up to a revision, newest first, each once."""
    words = ("log", "--format=", "--raw", "-m", "--no-abbrev", "--no-renames", "--full-history", "--no-show-signature")
    told = plumbing.run(
        git, "-c", "log.showRoot=true", "--literal-pathspecs", *words, plumbing.resolve(git, head), "--", path
    )
    rows = _RAW.findall(told.decode("utf-8", "surrogateescape"))
    return list(dict.fromkeys(oid for old, new in rows for oid in (new, old) if oid.strip("0")))


def pathspec(path: str) -> str:
    """Return the pathspec that names a path literally: what git's patterns know is escaped."""
    return re.sub(r"([\\*?\[])", r"\\\1", path)


class _Stream:
    """Splits git's lines into commits: a header begins with \\x01, which no line of a patch does."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines = iter(lines)
        self._next = b""

    def entries(self) -> Iterator[Entry]:
        for _ in self._body():
            pass
        while self._next:
            commit = self._commit()
            files = _combined(self._body()) if len(commit.parents) > 1 else patch.read(self._body())
            yield Entry(commit, files)
            for _ in files:
                pass

    def _commit(self) -> Commit:
        head = [self._next]
        while not head[-1].endswith(_END):
            line = next(self._lines, b"")
            if not line:
                raise StoreError("git broke off in the middle of its log", hint=process.REPAIR)
            head.append(line)
        fields = b"".join(head)[1:].decode("utf-8", "replace").split("\0")
        if len(fields) != _FIELDS:
            raise StoreError("a commit is not what it should be", where=fields[0], hint=process.REPAIR)
        own, above, name, address, authored, committed, message, _ = fields
        return Commit(
            own,
            tuple(above.split()),
            Person(name, address),
            tuple(Person(who, mail.strip()) for who, mail in _COAUTHOR.findall(message)),
            _offset(authored),
            _offset(committed),
            message.strip().partition("\n")[0],
        )

    def _body(self) -> Iterator[bytes]:
        self._next = b""
        for line in self._lines:
            if line[:1] == _MARK:
                self._next = line
                return
            yield line


def _offset(time: str) -> str:
    """Spell UTC as an offset, whatever git's version does."""
    return f"{time[:-1]}+00:00" if time.endswith("Z") else time


def _combined(lines: Iterable[bytes]) -> Iterator[Merged]:
    """Yield the files of a combined patch; its lines are left out (diff-format: every one begins with blank, + or -)."""
    path = b""
    for line in lines:
        if line.startswith(b"diff --combined "):
            path = line[len(b"diff --combined ") : -1]
        elif path and (found := _INDEX.match(line)):
            olds = tuple(_present(oid) for oid in found[1].decode().split(","))
            yield Merged(patch.unquoted(path), olds, _present(found[2].decode()))
            path = b""


def _present(oid: str) -> str:
    return oid if oid.strip("0") else ""
