"""Stale: a DVC folder whose shards are not edits of what the pointer beside it names, but come from another pointer.

git ignores the folder: `git switch` brings the other branch's pointer and leaves the shards lying. Until `dvc checkout` they
look like edits, and storing them would write the former branch's labels over this one's. Neither git nor DVC remembers what
a folder was made from, so its bytes are held against the pointers that this repository knows, in any branch or reflog.

* Edits it is, when the pointer is still the very file beside which labelvc last saw its own shards lie: git puts a new file
  there whenever it brings another pointer. The file is known as git's index knows files, by inode and times.
* Else the folder is stale when a shard that differs from the pointer's is byte for byte another pointer's; when a shard that
  the pointer names is not there; or when of all lines in which another pointer differs from this one the folder holds some
  of the other's and none of this one's, since then it was edited after the switch, or before.
* What labelvc stored last is one of the other pointers, when git has taken its pointer back.
"""

from __future__ import annotations

import json
import os
import re
import stat
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from labelvc import digests
from labelvc.codec import shard
from labelvc.errors import StoreError
from labelvc.model.names import Key
from labelvc.model.snapshot import Entry
from labelvc.store import disk, files, pairing, pending, pointer, proved
from labelvc.store import git as plumbing
from labelvc.store.git import Git
from labelvc.store.objects import Objects
from labelvc.store.pairing import Apart
from labelvc.store.reader import Reader

KEEP = "labelvc format --edited"
_NOTES = "folders"
_MD5 = 32
_BRANCH = re.compile(r"(?!remotes/)[^~^]+")


class Stale(NamedTuple):
    """What lies in a folder in place of what its pointer names.

    Attributes:
        folder: `datasets/<name>/annotations`.
        commit: the newest commit whose pointer names it; empty when no commit does.
        name: what git calls that commit, `main~3`; empty when no branch leads to it.
        foreign: how many shards come from there; 0 when shards are only missing.
        edited: how many are neither from there nor as the pointer names them.
        missing: how many shards the pointer names that do not lie there.
        pointed: whether a pointer lies beside the folder.
    """

    folder: str
    commit: str
    name: str
    foreign: int
    edited: int
    missing: int
    pointed: bool

    @property
    def message(self) -> str:
        """What is the matter, in a sentence."""
        if not self.foreign:
            return f"the folder lacks {_count(self.missing)} that its DVC pointer names"
        commit = f"{self.name} ({self.commit[:10]})" if self.name else self.commit[:10]
        whose = f"holds the shards of {commit}" if commit else "holds what labelvc stored here last"
        edits = f", with edits in {_count(self.edited)}," if self.edited else ""
        return f"the folder {whose}{edits} and not what its DVC pointer names"

    @property
    def hint(self) -> str:
        """What to type next: nothing is lost by the first command that is named."""
        keep = f"or, if these are your edits of this branch, {KEEP}"
        back = f"dvc checkout {self.folder}.dvc" if self.pointed else f"rm -r {self.folder}"
        if not (self.edited and self.foreign):
            return f"{back}; {keep}"
        there = self.name if _BRANCH.fullmatch(self.name) else f"--detach {self.commit[:10]}"
        rescue = f"git switch {there}, labelvc format and git commit keep the edits; " if self.commit else ""
        return f"{rescue}{back.replace('checkout', 'checkout --force')} drops them; {keep}"


class _Version(NamedTuple):
    """A pointer and its manifest, as a commit, the work tree or our note has them."""

    commit: str
    pointer: bytes
    manifest: bytes


def find(git: Git, folder: str) -> Stale | Apart | None:
    """Tell whether a DVC folder in the work tree is stale; take note of one that is as its pointer says.

    Args:
        git: where.
        folder: `datasets/<name>/annotations`.

    Returns:
        What lies there, or which of pointer and manifest was edited; None when nothing lies there, or what the pointer
        names, or edits of that; None, too, in a merge that labelvc began: its conflicts are settled in the shards.

    Raises:
        StoreError: the pointer cannot be read (a merge left both versions), or what it names is nowhere.
    """
    if git.bare or not (git.top / folder).is_dir():
        return None
    marks, noted = _marks(git, folder), _noted(git, folder)
    if marks and noted is not None and noted[0] == marks:
        return None
    begun = pending.read(git)
    if begun is not None and f"{folder}.dvc" in begun.pointers:
        return None
    here = _Folder(git, folder, _beside(git, folder))
    apart = pairing.find(git, folder, lying(git, folder), proved=not here.differing)
    if apart is not None:
        return apart
    if not here.differing:
        _write(git, folder, marks, here.version)
        return None
    found = here.judged([noted[1]] if noted else [])
    return found._replace(pointed=bool(marks)) if found else None


def refuse(git: Git, folder: str, *, edited: bool = False) -> None:
    """Refuse to go on with a folder that is stale.

    Args:
        git: where.
        folder: as for `find`.
        edited: a person said that what lies there are edits.

    Raises:
        StoreError: it is; or as for `find`.
    """
    found = find(git, folder)
    if found is not None and not edited:
        raise StoreError(found.message, where=folder, hint=found.hint)


def among(git: Git, folders: Iterable[str]) -> list[Stale | Apart]:
    """Return what `find` finds of some folders, for who shows them; a pointer that cannot be read is among it."""
    found: list[Stale | Apart] = []
    for folder in folders:
        try:
            one = find(git, folder)
        except StoreError as problem:
            where = problem.where if problem.where != folder else ""
            one = Apart(folder, f"{where}: {problem.message}" if where else problem.message, problem.hint)
        found += [one] if one else []
    return found


def note(git: Git, folder: str) -> None:
    """Note that a folder holds what the pointer beside it names: it was just stored, or checked out."""
    with suppress(StoreError):
        _write(git, folder, _marks(git, folder), _beside(git, folder))


def lying(git: Git, folder: str) -> Iterator[str]:
    """Yield the files of a folder of the work tree, by their path in the project."""
    waiting = [folder] if (git.top / folder).is_dir() else []
    while waiting:
        here = waiting.pop()
        with os.scandir(git.top / here) as rows:
            for row in rows:
                if row.is_dir(follow_symlinks=False):
                    waiting.append(f"{here}/{row.name}")
                elif not row.name.endswith(files.UNFINISHED):
                    yield f"{here}/{row.name}"


class _Folder:
    """The shards that lie in a folder, held against what its pointer and other pointers name.

    Attributes:
        version: the pointer beside the folder.
        differing: paths of shards that are not what it names, those that only one of the two has included.
    """

    def __init__(self, git: Git, folder: str, version: _Version) -> None:
        self._git, self._folder, self.version = git, folder, version
        self._cache = pointer.Cache(git)
        self._digests: dict[tuple[str, bool], str] = {}
        self._told: dict[tuple[str, str], int] = {}
        self._lying = {path for path in lying(git, folder) if shard.parse_path(path)}
        self._named = self._names(version, far=True)
        unsure = (self._named.keys() | self._lying) - self._proved()
        self.differing = {path for path in unsure if not self._holds(path, self._named.get(path))}

    def _proved(self) -> set[str]:
        """Return shards that are what the pointer names, most of which were hashed before and were at rest ever since."""
        since = time.time_ns()
        with suppress(StoreError), Reader(self._git) as reader:  # what is no plain file is looked at by itself
            members = (self.version.manifest and self._objects(self.version)) or {}
            statuses = dict(reader.scan(self._folder)) if members else {}
            plain = {path for path, one in statuses.items() if one.st_nlink == 1 and stat.S_ISREG(one.st_mode)}
            wanted = {path: entry for path, entry in members.items() if path in plain and path in self._lying}
            return proved.held(self._git, reader, wanted, statuses, since)
        return set()

    def judged(self, noted: list[_Version]) -> Stale | None:
        """Return what lies there; None for edits.

        Args:
            noted: what labelvc saw there last, which is asked after all commits.
        """
        same, whose = 0, ""
        edited: list[str] = []
        present = self.differing & self._lying
        for version in (*_versions(self._git, self._folder), *noted):
            with suppress(StoreError):  # a pointer that cannot be read was never checked out
                named = self._names(version)
                shared = sum(self._holds(path, named.get(path)) for path in present)
                same, whose = (shared, version.commit) if shared > same else (same, whose)
                if not (same or edited) and self._is_edited(version, named):
                    edited.append(version.commit)
        missing = len(self._named.keys() - self._lying)
        if not (same or missing or edited):
            return None
        commit = whose if same else edited[0] if edited else ""
        foreign = same or len(edited and present)
        return Stale(
            self._folder, commit, _name(self._git, commit), foreign, len(present) - same, missing, pointed=True
        )

    def _names(self, version: _Version, *, far: bool = False) -> Mapping[str, str]:
        """Return path to digest of the shards a pointer names: SHA-256, or MD5 where it has no manifest.

        Args:
            version: the pointer.
            far: get its listing from the remote where it is not here; otherwise it names nothing then.
        """
        if not version.pointer:
            return {}
        found = pointer.read(f"{self._folder}.dvc", version.pointer)
        if version.manifest:
            named = pointer.manifest(f"{self._folder}.sha256", version.manifest)
        elif far or self._cache.has(found.md5):
            named = {path: entry.id for path, entry in pointer.members(found, self._cache.listing(found), None).items()}
        else:
            named = {}
        return {path: digest for path, digest in named.items() if shard.parse_path(path)}

    def _holds(self, path: str, digest: str | None) -> bool:
        """Tell whether a shard has a digest; None is that of a shard which is not there."""
        if path not in self._lying or digest is None:
            return path not in self._lying and digest is None
        short = len(digest) == _MD5
        if (path, short) not in self._digests:
            data = (self._git.top / path).read_bytes()
            hashed = digests.md5(data, usedforsecurity=False) if short else digests.sha256(data)
            self._digests[path, short] = hashed.hexdigest()
        return self._digests[path, short] == digest

    def _is_edited(self, version: _Version, named: Mapping[str, str]) -> bool:
        """Tell whether the folder holds another pointer's shards, all of which were edited where the two pointers differ."""
        apart = {path for path in named.keys() | self._named.keys() if named.get(path) != self._named.get(path)}
        if not named or not apart or not apart <= self.differing:
            return False  # somewhere the folder holds what only this pointer names
        mine, theirs = self._objects(self.version), self._objects(version)
        if mine is None or theirs is None:
            return False  # what was never here was never checked out
        told = [self._side(path, mine.get(path), theirs.get(path)) for path in sorted(apart)]
        return min(told) >= 0 and max(told) > 0

    def _objects(self, version: _Version) -> Mapping[str, Entry] | None:
        """Return the shards behind a pointer; None where its listing is not here."""
        if not version.pointer:
            return {}
        found = pointer.read(f"{self._folder}.dvc", version.pointer)
        if not self._cache.has(found.md5):
            return None
        sums = pointer.manifest(f"{self._folder}.sha256", version.manifest) if version.manifest else None
        return pointer.members(found, self._cache.listing(found), sums)

    def _side(self, path: str, mine: Entry | None, theirs: Entry | None) -> int:
        """Tell, as `_side`, whose lines a shard holds; 0 where an object is not here."""
        case = path, theirs.id if theirs else ""
        if case not in self._told:
            both = [entry for entry in (mine, theirs) if entry is not None]
            here = all(self._cache.has(entry.id.partition(":")[0]) for entry in both)
            sides = [self._cache.read(path, entry) if entry and here else b"" for entry in (mine, theirs)]
            data = (self._git.top / path).read_bytes() if path in self._lying else b""
            self._told[case] = _side(path, data, *sides) if here else 0
        return self._told[case]


def _side(path: str, data: bytes, mine: bytes, theirs: bytes) -> int:
    """Tell whose lines a shard holds where two versions of it differ: 1 theirs, -1 at least one of mine, 0 nobody's."""
    dataset, layer, _ = shard.parse_path(path) or ("", "annotations", "")
    lies, own, other = [
        {shard.key_of(line, dataset, layer) or line: line for line in shard.lines(some)}
        for some in (data, mine, theirs)
    ]
    apart: set[Key | bytes] = {key for key in own.keys() | other.keys() if own.get(key) != other.get(key)}
    if any(lies.get(key) == own.get(key) for key in apart):
        return -1
    return int(any(lies.get(key) == other.get(key) for key in apart))


def _beside(git: Git, folder: str) -> _Version:
    """Return the pointer beside a folder; where somebody deleted it, that of HEAD."""
    paths = [f"{folder}.dvc", f"{folder}.sha256"]
    if (git.top / paths[0]).is_file():
        return _Version("", *[place.read_bytes() if (place := git.top / path).is_file() else b"" for path in paths])
    head = plumbing.head(git)
    return _Version(head, *[plumbing.show(git, head, path) if head else b"" for path in paths])


def _versions(git: Git, folder: str) -> Iterator[_Version]:
    """Yield the pointers that commits hold, of every branch and reflog, the newest first."""
    paths = [f"{folder}.dvc", f"{folder}.sha256"]
    if "\n" in folder:
        return  # no dataset can be called so
    every = ("--literal-pathspecs", "rev-list", "--all", "--reflog", "--full-history", "--", *paths)
    commits = plumbing.run(git, *every).decode().split()
    asked = "".join([f"{commit}:{path}\n" for commit in commits for path in paths])
    told = plumbing.run(git, "cat-file", "--batch-check=%(objectname)", data=asked.encode("utf-8", "surrogateescape"))
    ids = ["" if row.endswith(b" missing") else row.decode() for row in told.splitlines()]
    seen: dict[tuple[str, str], str] = {}
    for commit, one, two in zip(commits, ids[::2], ids[1::2], strict=True):
        seen.setdefault((one, two), commit)
    with Objects(git) as objects:
        for (one, two), commit in seen.items():
            if one:
                yield _Version(commit, objects.read(one), objects.read(two) if two else b"")


def _name(git: Git, commit: str) -> str:
    """Return what git calls a commit, by the nearest branch; empty where none leads to it."""
    if not commit:
        return ""
    refs = [f"--refs=refs/{kind}/*" for kind in ("heads", "remotes")]
    try:
        told = plumbing.run(git, "name-rev", "--name-only", "--no-undefined", *refs, commit)
    except StoreError:
        return ""
    return told.decode("utf-8", "replace").strip()


def _marks(git: Git, folder: str) -> list[list[object]]:
    """Return what tells pointer and manifest of the work tree from any others that git would put in their place."""
    found: list[list[object]] = []
    for path in (f"{folder}.dvc", f"{folder}.sha256"):
        with suppress(OSError):
            about = (git.top / path).lstat()
            found.append([path, about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns])
    return found if found and found[0][0] == f"{folder}.dvc" else []


def _noted(git: Git, folder: str) -> tuple[list[list[object]], _Version] | None:
    """Return the note of a folder: marks of the pointer beside it when it was last seen whole, and what that named."""
    try:
        marks, *texts = json.loads(_place(git, folder).read_bytes())
        return marks, _Version("", *[text.encode("utf-8", "surrogateescape") for text in texts])
    except (OSError, ValueError, TypeError, AttributeError):
        return None


def _write(git: Git, folder: str, marks: list[list[object]], version: _Version) -> None:
    """Write the note of a folder; where the git folder cannot be written, there is none."""
    if marks and marks == _marks(git, folder):  # git may have switched while the shards were read
        texts = [data.decode("utf-8", "surrogateescape") for data in version[1:]]
        with suppress(StoreError):
            disk.replace(_place(git, folder), json.dumps([marks, *texts]).encode())


def _place(git: Git, folder: str) -> Path:
    return git.directory / "labelvc" / _NOTES / f"{folder.split('/')[1]}.json"


def _count(number: int) -> str:
    return f"{number:,} shard{'' if number == 1 else 's'}"
