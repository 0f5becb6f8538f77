"""Reach: everything of a repository that holds some words, whichever way it is reached, and what was signed over it."""

from __future__ import annotations

import importlib
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from labelvc.codec import canonical
from labelvc.errors import StoreError
from labelvc.ops import approvals
from labelvc.ops import manifest as manifests
from labelvc.ops.look import Advance
from labelvc.store import git as plumbing
from labelvc.store import outs, pointer, tree
from labelvc.store.git import Git
from labelvc.store.objects import Objects

_MD5 = re.compile(rb"md5: *['\"]?([0-9a-f]{32}(?:\.dir)?)")
_SHA256 = re.compile(rb"sha256:[0-9a-f]{64}")
_BEGINNING = 8192  # git-filter-repo takes what holds a zero byte in it for no text (`tweak_blob`)
_LOG = (
    "log", "--all", "--topo-order", "--reverse", "--diff-merges=first-parent", "--root", "--raw", "--no-abbrev", "--no-renames",
    "--no-show-signature", "-z", "--format=%x01%H%x02%P%x02%cI",
)  # fmt: skip


class Object(NamedTuple):
    """An object of git that holds the words.

    Attributes:
        id: its name.
        kind: `blob`, `commit` or `tag` (then its message holds them), or `tree` (then a name in it does).
        path: one of its paths; empty for what has none.
        size: bytes.
        reached: whether a branch, tag or other ref leads to it.
        text: whether it counts as text.
    """

    id: str
    kind: str
    path: str
    size: int
    reached: bool
    text: bool


class Brought(NamedTuple):
    """A commit that brought something that holds the words into its line; when, and the paths."""

    id: str
    at: str
    paths: tuple[str, ...]


class Stored(NamedTuple):
    """An object of DVC: md5, one of the paths it stood at, bytes, and where the cache has it."""

    md5: str
    path: str
    size: int
    place: Path


class Reach(NamedTuple):
    """What holds the words.

    Attributes:
        objects: of git.
        brought: commits, oldest first.
        holding: how many commits have it in their tree or message.
        commits: how many there are.
        refs: names of those that lead to one of them.
        stored: objects of DVC.
        unread: objects of DVC that are in no cache here, so that nobody could look; md5 to path.
        remotes: DVC remotes as (name, url).
        releases: versions whose data hold it.
        approvals: change-sets that bind a line or document which holds it, with how many.
        untold: change-sets whose list was not kept, so that nobody can tell.
        spelled: the spellings that were found, with how often.
    """

    objects: list[Object]
    brought: list[Brought]
    holding: int
    commits: int
    refs: list[str]
    stored: list[Stored]
    unread: dict[str, str]
    remotes: list[tuple[str, str]]
    releases: list[str]
    approvals: dict[str, int]
    untold: int
    spelled: Counter[bytes]

    @property
    def pushed(self) -> bool:
        """Whether a remote was seen to have it."""
        return any(name.startswith("refs/remotes/") for name in self.refs)


def pattern(words: Iterable[bytes]) -> re.Pattern[bytes]:
    """Return what finds any of some words, the longest first."""
    return re.compile(b"|".join([re.escape(word) for word in sorted(set(words), key=len, reverse=True)]))


def find(git: Git, wanted: re.Pattern[bytes], advance: Advance | None = None) -> Reach:
    """Look through all objects of git, reached or not, and all of DVC that history names and the caches have.

    Args:
        git: the repository.
        wanted: what to look for.
        advance: called after each object of git.

    Raises:
        StoreError: an object cannot be read, or this is a shallow clone, which hides a part.
    """
    if plumbing.is_shallow(git):
        raise StoreError("a shallow clone hides most of the history", hint="git fetch --unshallow")
    look = _Look(git, wanted)
    paths = _paths(git)
    look.objects(paths, advance)
    look.dvc(paths)
    walk = _Walk(git, look.bearing, look.said, wanted)
    releases = _releases(git, walk)
    bound, untold = _approvals(git, look.digests)
    remotes = _remotes(git) if look.pointers else []
    return Reach(
        look.found, walk.brought, len(walk.holding), walk.number, walk.refs(), look.stored, look.unread, remotes, releases, bound,
        untold, look.spelled,
    )  # fmt: skip


class _Look:
    """Looks at bytes and keeps what holds the words."""

    def __init__(self, git: Git, wanted: re.Pattern[bytes]) -> None:
        self._git, self._wanted = git, wanted
        self.found: list[Object] = []
        self.stored: list[Stored] = []
        self.unread: dict[str, str] = {}
        self.bearing: set[str] = set()
        self.said: set[str] = set()
        self.digests: set[bytes] = set()
        self.spelled: Counter[bytes] = Counter()
        self.pointers: list[str] = []

    def objects(self, paths: Mapping[str, str], advance: Advance | None) -> None:
        """Look at every object of git."""
        listed = plumbing.run(self._git, "cat-file", "--batch-all-objects", "--batch-check", "--unordered").decode()
        rows = [(name, kind, int(size)) for name, kind, size in map(str.split, listed.splitlines())]
        with Objects(self._git) as objects:
            for (name, kind, size), data in zip(rows, objects.many([row[0] for row in rows]), strict=True):
                path = paths.get(name, "")
                if path.endswith(".dvc") and kind == "blob":
                    self.pointers.append(name)
                if self._holds(data, lines=kind == "blob"):
                    text = b"\0" not in data[:_BEGINNING]
                    self.found.append(Object(name, kind, path, size, name in paths, text))
                    (self.bearing if kind == "blob" else self.said).add(name)
                if advance:
                    advance(1)
        self.found.sort(key=lambda one: (one.path, one.id))

    def dvc(self, paths: Mapping[str, str]) -> None:
        """Look at every object of DVC that a pointer in git leads to; a pointer to one that holds the words holds them."""
        cache, verdicts = pointer.Cache(self._git), dict[str, bool]()
        with Objects(self._git) as objects:
            for name, data in zip(self.pointers, objects.many(self.pointers), strict=True):
                home = paths[name].removesuffix(".dvc")
                found = [self._stored(cache, md5.decode(), home, verdicts) for md5 in _MD5.findall(data)]
                self.bearing.update([name] if any(found) else [])

    def _stored(self, cache: pointer.Cache, md5: str, path: str, verdicts: dict[str, bool]) -> bool:
        if md5 in verdicts:
            return verdicts[md5]
        verdicts[md5] = False
        place = cache.find(md5)
        if place is None:
            self.unread[md5] = path
            return False
        data = place.read_bytes()
        own = self._holds(data, lines=not md5.endswith(".dir"))
        if own:
            self.stored.append(Stored(md5, path, len(data), place))
        inside = [
            self._stored(cache, member, f"{path}/{name}", verdicts) for name, member in self._members(md5, path, data)
        ]
        verdicts[md5] = own or any(inside)
        return verdicts[md5]

    def _members(self, md5: str, path: str, data: bytes) -> Sequence[tuple[str, str]]:
        if not md5.endswith(".dir"):
            return ()
        try:
            return list(outs.rows(data, path))
        except StoreError:
            self.unread[md5] = path
            return ()

    def _holds(self, data: bytes, *, lines: bool) -> bool:
        """Tell whether bytes hold the words, and keep how, and the digests of lines and files that somebody may have signed."""
        spelled = self._wanted.findall(data)
        if not spelled:
            return False
        self.spelled.update(spelled)
        if lines:
            held = [line for line in data.split(b"\n") if self._wanted.search(line)]
            self.digests.update([canonical.digest(part).encode() for part in (data, *held)])
        return True


class _Walk:
    """Every commit of every ref, oldest first: what its tree holds, by what its line brought and took away."""

    def __init__(self, git: Git, bearing: set[str], said: set[str], wanted: re.Pattern[bytes]) -> None:
        self._git = git
        self.brought: list[Brought] = []
        self.holding: set[str] = set()
        self.number = 0
        self._reaching: set[str] = set()
        nothing: frozenset[str] = frozenset()
        held: dict[str, frozenset[str]] = {}
        for commit, parents, at, rows in _steps(git):
            self.number += 1
            before = held.get(parents[0], nothing) if parents else nothing
            here = {
                path for path, new in rows if new in bearing or (new.strip("0") and wanted.search(os.fsencode(path)))
            }
            after = (before.difference(path for path, _ in rows) | here) if rows else before
            fresh = {path for path in here if not any(path in held.get(parent, nothing) for parent in parents[1:])}
            held[commit] = after
            if after or commit in said:
                self.holding.add(commit)
            if fresh or commit in said:
                self.brought.append(Brought(commit, at, tuple(sorted(fresh))))
            if commit in self.holding or not self._reaching.isdisjoint(parents):
                self._reaching.add(commit)
        self._said = said

    def refs(self) -> list[str]:
        """Return the refs that lead to a commit which holds the words, and tags whose message does."""
        form = "--format=%(refname) %(objectname) %(*objectname)"
        rows = [row.split() for row in plumbing.run(self._git, "for-each-ref", form).decode().splitlines()]
        led = self._reaching | self._said
        return [name for name, *ids in rows if not led.isdisjoint(ids)]


def _steps(git: Git) -> Iterator[tuple[str, list[str], str, list[tuple[str, str]]]]:
    """Yield commits with their parents, time, and (path, object) of what differs from the first parent."""
    for told in plumbing.run(git, *_LOG).decode("utf-8", "surrogateescape").split("\1")[1:]:
        head, *parts = told.split("\0")
        commit, parents, at = head.strip("\n").split("\2")
        pieces = [part.lstrip("\n") for part in parts if part.strip("\n")]
        rows = [(path, meta.split()[3]) for meta, path in zip(pieces[::2], pieces[1::2], strict=False)]
        yield commit, parents.split(), at, rows


def _paths(git: Git) -> dict[str, str]:
    """Return the objects that refs lead to, with one path of each."""
    listed = plumbing.run(git, "rev-list", "--objects", "--all").decode("utf-8", "surrogateescape")
    found = {name: path for name, _, path in (row.partition(" ") for row in listed.splitlines())}
    tags = plumbing.run(git, "for-each-ref", "--format=%(objectname)").decode().split()
    return {**dict.fromkeys(tags, ""), **found}


def _releases(git: Git, walk: _Walk) -> list[str]:
    head = plumbing.head(git)
    made = manifests.history(git, head) if head else []
    return [str(one.version) for one in made if one.commit in walk.holding]


def _approvals(git: Git, digests: set[bytes]) -> tuple[dict[str, int], int]:
    """Return the change-sets at HEAD that bind something of these digests, and how many keep no list."""
    head = plumbing.head(git)
    snapshot = tree.commit(git, head, (approvals.FOLDER,)) if head else tree.empty()
    bound: dict[str, int] = {}
    untold = 0
    with tree.reader(git) as reader:
        for root, files in approvals.folders(snapshot).items():
            path = f"{approvals.folder_of(root)}/{approvals.CHANGE_SET}"
            if path not in files:
                untold += 1
                continue
            lines = reader.read(path, files[path]).splitlines()
            number = sum(not digests.isdisjoint(_SHA256.findall(line)) for line in lines)
            bound.update([(root, number)] if number else [])
    return bound, untold


def _remotes(git: Git) -> list[tuple[str, str]]:
    """Return the DVC remotes, without passwords; none where DVC's settings cannot be read."""
    try:
        return list(importlib.import_module("labelvc.store.dvc").remote(git).urls)
    except StoreError:
        return []
