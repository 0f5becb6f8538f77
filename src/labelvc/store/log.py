"""The log: commits newest first, each with the lines that it changed, as one stream."""

# No `from __future__ import annotations`: typing would compile the text of each at every start.

import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from labelvc.codec import trailers
from labelvc.errors import StoreError
from labelvc.model.commit import Commit, Person
from labelvc.model.snapshot import FileChange
from labelvc.store import git as plumbing
from labelvc.store import patch, process
from labelvc.store.git import Git

_MARK, _FIELDS = b"\1", 8
_FORM = "%x01%H%x00%P%x00%an%x00%ae%x00%aI%x00%cI%x00%B%x00%x01"
_END = b"\0\1\n"
# Settings that `git log` reads and plumbing does not are set aside.
_WALKED = (
    *process.ROOM, "-c", "core.quotePath=false", "-c", "log.showRoot=true", "-c", "log.follow=false", "log", "--full-history",
    "--sparse", "--topo-order", *plumbing.RAW, "--format=%x01%H %P", "--no-show-signature", "--no-color", "--no-notes",
    "--ignore-submodules=none",
)  # fmt: skip
_MODULE = "160000"
_FIRST, _LAST = "1970-01-01T00:00:00+00:00", "9999-12-31T23:59:59+00:00"
_DIGITS = 12
_NEVER = 10**_DIGITS
_ESCAPED = str.maketrans({mark: f"\\{mark}" for mark in "\\*?["})
# Patterns that few need are compiled by who needs them: thirty at every start cost more than a git process.
_INDEX = rb"index ([0-9a-f,]+)\.\.([0-9a-f]+)"
_whole: set[Path] = set()
# What git's approxidate knows (date.c) besides numbers; of anything else it says nothing and takes now.
_WORDS = "now|today|yesterday|noon|midnight|tea|never|last|(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|satur|sun)(?:day)?"
_DATE = rf"(?i)\d|\b(?:{_WORDS})\b"
_RAW = r":\d+ \d+ ([0-9a-f]+) ([0-9a-f]+) [A-Z]\d*"


class Versions(NamedTuple):
    """A file that a commit changed, by what git stores of it.

    Attributes:
        path: POSIX path relative to the top of the project.
        olds: its git object id in each parent, the root commit having one without files; empty where a parent lacks it.
        new: its git object id in the commit; empty when the commit lacks it.
    """

    path: str
    olds: tuple[str, ...]
    new: str


class Parted(NamedTuple):
    """A commit as if it had one parent at most, and the files in which it differs from that.

    Attributes:
        commit: its full id.
        parent: that of the parent; empty for a root commit.
        files: the files.
    """

    commit: str
    parent: str
    files: list[Versions]


class Walk(NamedTuple):
    """A history.

    Attributes:
        parents: every commit with its parents, children before parents.
        made: in that order the commits that changed files, a merge once for each parent from which it differs.
    """

    parents: dict[str, tuple[str, ...]]
    made: list[Parted]


class Entry(NamedTuple):
    """A commit and the files that it changed, which are read from git while they are walked through.

    Attributes:
        commit: the commit.
        files: a `FileChange` a file; of a merge `Versions` for each file that differs from all parents'.
    """

    commit: Commit
    files: Iterator[FileChange | Versions]

    def parted(self) -> Parted:
        """Read the files of an entry of `apart`."""
        files = [file for file in self.files if isinstance(file, Versions)]
        return Parted(self.commit.id, "".join(self.commit.parents), files)


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
    with plumbing.start(git, *_listing(git, head, base)) as listed:
        yield from _Stream(plumbing.changes(git, listed.out, _FORM, paths, lines=True)).entries()
        plumbing.demand(git, "rev-list", listed.end())


def these(git: Git, wanted: Iterable[str], paths: Sequence[str]) -> Iterator[Entry]:
    """Yield what `read` does of some commits by their full ids, in their order; one that changes none of the paths is left out.

    Raises:
        StoreError: an object is missing.
    """
    with process.nameless_file() as asked:
        asked.write("".join([f"{commit}\n" for commit in wanted]).encode())
        asked.seek(0)
        yield from _Stream(plumbing.changes(git, asked, _FORM, paths, lines=True)).entries()


def commits(git: Git, head: str, paths: Sequence[str], base: str = "") -> list[Commit]:
    """Return the commits that `read` yields, without looking at what they changed.

    Raises:
        StoreError: as for `read`.
    """
    told = plumbing.run(git, *_listing(git, head, base), f"--format={_FORM}", "--", *paths)
    return [entry.commit for entry in _Stream(io.BytesIO(told)).entries()]


def named(git: Git, ids: Sequence[str]) -> dict[str, Commit]:
    """Return commits by their full ids."""
    if not ids:
        return {}
    words = ("rev-list", "--no-walk=unsorted", f"--format={_FORM}", "--stdin")
    told = plumbing.run(git, *words, data="\n".join(ids).encode())
    return {entry.commit.id: entry.commit for entry in _Stream(io.BytesIO(told)).entries()}


def apart(git: Git, wanted: Mapping[str, Sequence[str]], paths: Sequence[str]) -> Iterator[Entry]:
    """Yield some commits with `Versions` of their files; a merge once for each parent, as if it had no other.

    So a file of a merge is seen that is one parent's and not the other's, which a combined diff leaves out
    (diff-tree: `<commit> <parent>` on its input).

    Args:
        git: where.
        wanted: full ids of commits, each with its parents.
        paths: as for `read`.

    Yields:
        Entries in that order; none of what changes none of the paths. `parents` of their commits has one parent at most.

    Raises:
        StoreError: an object is missing.
    """
    asked = [f"{commit} {parent}".rstrip() for commit, above in wanted.items() for parent in above or ("",)]
    with process.nameless_file() as source:
        source.write("".join([f"{one}\n" for one in asked]).encode())
        source.seek(0)
        yield from _Stream(plumbing.changes(git, source, _FORM, paths, lines=False)).entries()


def walk(git: Git, head: str, paths: Sequence[str]) -> Walk:
    """Return what `parents` and `apart` do of a revision together, from as few gits: one where history has no merge.

    Args:
        git: where.
        head: the revision.
        paths: as for `read`.

    Raises:
        StoreError: unknown revision, a missing object, or history that ends early in a shallow clone.
    """
    _demand_whole(git, head)
    found: dict[str, tuple[str, ...]] = {}
    made: dict[str, list[Parted]] = {}
    try:
        listed = plumbing.run(git, *_WALKED, plumbing.resolve(git, head), "--", *paths)
    except StoreError:  # a setting of the interface that this git cannot read stops it, and no plumbing
        found = parents(git, head)
        return Walk(found, [entry.parted() for entry in apart(git, found, paths)])
    for told in listed.split(_MARK)[1:]:
        line, _, rows = told.partition(b"\n")
        own, *above = line.decode().split()
        found[own] = tuple(above)
        if files := [_versions(row) for row in rows.splitlines(keepends=True) if row != b"\n"]:
            made[own] = [Parted(own, "".join(above), files)]
    plumbing.remember(git, list(found))
    if merges := {own: above for own, above in found.items() if len(above) > 1}:
        for entry in apart(git, merges, paths):
            made.setdefault(entry.commit.id, []).append(entry.parted())
    return Walk(found, [one for own in found for one in made.get(own, ())])


def _listing(git: Git, head: str, base: str) -> list[str]:
    """Return the command that lists commits.

    Raises:
        StoreError: unknown revision, or history in that span that ends early in a shallow clone.
    """
    _demand_whole(git, head, base)
    return ["rev-list", "--full-history", "--topo-order", *_span(git, head, base)]


def _span(git: Git, head: str, base: str) -> list[str]:
    return [plumbing.resolve(git, head), *([f"^{plumbing.resolve(git, base)}"] if base else [])]


def _demand_whole(git: Git, head: str, base: str = "") -> None:
    """Refuse a history that is cut off; a clone that has all of it keeps it.

    Of a shallow clone the commits since another are whole when none of them is one that it was cut off at: those have no
    parents there (gitglossary, shallow repository).
    """
    if git.common in _whole:
        return
    if not plumbing.is_shallow(git):
        _whole.add(git.common)
    elif not base or plumbing.run(git, "rev-list", "-1", "--max-parents=0", *_span(git, head, base)):
        where = f"{base}..{head}" if base else head
        raise StoreError("history is cut off in this shallow clone", where=where, hint=process.UNSHALLOW)


def dates(git: Git, head: str) -> list[tuple[str, int]]:
    """Return the commits of the first-parent line to a revision, oldest first, with the seconds since 1970 that each claims to be from.

    They are read from the commits themselves: a commit-graph keeps the last 34 bits of a date (gitformat-commit-graph), so that
    two clones could disagree.

    Raises:
        StoreError: unknown revision, or history that ends early in a shallow clone.
    """
    _demand_whole(git, head)
    words = ("rev-list", "--first-parent", "--reverse", "--format=%H %ct", plumbing.resolve(git, head))
    rows = (line.partition(" ") for line in plumbing.run(git, *words).decode("ascii", "replace").splitlines()[1::2])
    return [(commit, _claimed(date)) for commit, _, date in rows]


def moment(git: Git, date: str) -> int:
    """Return a date as git reads it, in seconds since 1970.

    Raises:
        StoreError: nothing in it looks like a date: git would take it for now.
    """
    if not re.search(_DATE, date):
        raise StoreError(
            f"{date!r} is no date", hint="write 2026-03-01, 2026-03-01T09:00:00Z, `2 weeks ago` or `yesterday`"
        )
    told = plumbing.run(git, "rev-parse", f"--since={date}").decode()
    return int(told.rpartition("=")[2])


def parents(git: Git, head: str, base: str = "") -> dict[str, tuple[str, ...]]:
    """Return every commit up to a revision with its parents, children before parents.

    Args:
        git: where.
        head: the revision.
        base: revision to end before; empty for all of history.

    Raises:
        StoreError: unknown revision, or history in that span that ends early in a shallow clone.
    """
    _demand_whole(git, head, base)
    listed = plumbing.run(git, "rev-list", "--topo-order", "--parents", *_span(git, head, base)).decode()
    found = {own: tuple(above) for own, *above in map(str.split, listed.splitlines())}
    plumbing.remember(git, list(found))
    return found


def blobs(git: Git, head: str, path: str) -> list[str]:
    """Return the object ids of all versions of a file up to a revision, newest first, each once."""
    words = ("log", "--format=", "--raw", "-m", "--no-abbrev", "--no-renames", "--full-history", "--no-show-signature")
    told = plumbing.run(
        git, "-c", "log.showRoot=true", "--literal-pathspecs", *words, plumbing.resolve(git, head), "--", path
    )
    rows = re.findall(_RAW, told.decode("utf-8", "surrogateescape"))
    return list(dict.fromkeys(oid for old, new in rows for oid in (new, old) if oid.strip("0")))


def pathspec(path: str) -> str:
    """Return the pathspec that names a path literally: what git's patterns know is escaped."""
    return path.translate(_ESCAPED)


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
            files = _files(self._body(), merge=len(commit.parents) > 1)
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
            tuple([Person(who, mail.strip()) for who, mail in trailers.coauthors(message)]),
            _date(authored),
            _date(committed),
            message.strip().partition("\n")[0],
        )

    def _body(self) -> Iterator[bytes]:
        self._next = b""
        for line in self._lines:
            if line[:1] == _MARK:
                self._next = line
                return
            yield line


def _claimed(seconds: str) -> int:
    """Return a commit's date; what is none is the epoch, as git has it, and what no clock will show the last that one can."""
    digits = seconds.lstrip("0")
    return _NEVER if len(digits) > _DIGITS else int(digits) if digits.isdecimal() else 0


def _date(time: str) -> str:
    """Return a date of a commit in ISO 8601, UTC spelt as an offset whatever git's version does.

    A commit may hold anything as its date: what is none is the epoch, as git itself has it, what lies beyond the year 9999
    its end, and an offset of a day or more is left out.
    """
    found = f"{time[:-1]}+00:00" if time.endswith("Z") else time
    for said in (found, f"{found[:19]}+00:00"):
        with suppress(ValueError):
            datetime.fromisoformat(said)
            return said
    return _LAST if found[:5].isdigit() else _FIRST


def _files(lines: Iterator[bytes], *, merge: bool) -> Iterator[FileChange | Versions]:
    """Yield the files of a commit, of whichever form git was asked for."""
    line = next((line for line in lines if line != b"\n"), b"")
    whole = chain([line], lines)
    if line.startswith(b":"):
        return map(_versions, whole)
    return _combined(whole) if merge else patch.read(whole)


def _versions(line: bytes) -> Versions:
    """Read a row of raw output: as many colons as parents, modes, ids, what happened, and the path (diff-format)."""
    about, _, path = line[:-1].partition(b"\t")
    words = about.decode().lstrip(":").split(" ")
    modes, ids = words[: len(words) // 2], words[len(words) // 2 : -1]
    *olds, new = [_present(oid) if mode != _MODULE else "" for mode, oid in zip(modes, ids, strict=True)]
    return Versions(patch.unquoted(path), tuple(olds), new)


def _combined(lines: Iterable[bytes]) -> Iterator[Versions]:
    """Yield the files of a combined patch; its lines are left out (diff-format: every one begins with blank, + or -)."""
    path = b""
    for line in lines:
        if line.startswith(b"diff --combined "):
            path = line[len(b"diff --combined ") : -1]
        elif path and (found := re.match(_INDEX, line)):
            olds = tuple(_present(oid) for oid in found[1].decode().split(","))
            yield Versions(patch.unquoted(path), olds, _present(found[2].decode()))
            path = b""


def _present(oid: str) -> str:
    return oid if oid.strip("0") else ""
