"""Snapshots: what files a commit, the index or the work tree holds, how to read them, and which lines differ."""

from __future__ import annotations

import heapq
import importlib
import io
import os
import re
import stat
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter

from labelvc.batches import batches
from labelvc.codec import shard
from labelvc.errors import StoreError
from labelvc.model import listing
from labelvc.model.listing import Listing
from labelvc.model.snapshot import Entry, FileChange, Snapshot
from labelvc.store import disk, kept, patch, pointer, treerows
from labelvc.store import git as plumbing
from labelvc.store.git import Git
from labelvc.store.reader import Reader

_AT_ONCE = 500
_LAYER = re.compile(r"datasets/[^/]+/(?:annotations|items)/")


def commit(git: Git, rev: str, under: Sequence[str] = ()) -> Snapshot:
    """Return the files of a commit.

    Args:
        git: where.
        rev: a revision.
        under: files or folders to list, DVC members included; none for all.

    Returns:
        The snapshot; submodules are not in it.

    Raises:
        StoreError: no such revision, a missing object, or a DVC listing that is nowhere.
    """
    found, wide = plumbing.resolve(git, rev), pointer.beside(under)
    entries = kept.listed(git, (found, *wide), lambda: _committed(git, found, wide))
    return Snapshot(rev, "commit", found, _with_members(git, entries, under))


def index(git: Git, under: Sequence[str] = ()) -> Snapshot:
    """Return the files of the index; a path in conflict has no agreed bytes and is left out (`conflicts.unmerged` names them).

    Args:
        git: where; GIT_INDEX_FILE of a hook (`git commit -a`) is followed.
        under: files or folders to list; none for all.

    Returns:
        The snapshot.

    Raises:
        StoreError: the index is broken, or a DVC listing is nowhere.
    """
    return Snapshot("index", "index", plumbing.head(git), _with_members(git, _staged(git, under), under))


def work(git: Git, under: Sequence[str] = (), *, settled: bool = True) -> Snapshot:
    """Return the files of the work tree: tracked or new, unchanged ones with their git id; of ignored files only shards.

    A DVC folder is read where it lies; when it is not there at all (a fresh clone before `dvc pull`), its pointer speaks.

    Args:
        git: where.
        under: files or folders to list; none for all.
        settled: refuse what a killed command left between two states; only who shows that state leaves it out.

    Returns:
        The snapshot.

    Raises:
        StoreError: a bare repository, a broken index, a DVC listing that is needed and nowhere, another repository
            among the shards, or a killed command that must be finished first.
    """
    if git.bare:
        raise StoreError("a bare repository has no work tree", where=str(git.top), hint="name a commit")
    if settled:
        _refuse_unfinished(git)
    wide = pointer.beside(under)
    listed = _staged(git, under)
    words = ("diff-files", "--raw", "-z", "--ignore-submodules=all")
    changed = _rows(plumbing.run(git, "--literal-pathspecs", *words, "--", *wide))
    lying: dict[str, Entry | None] = {}
    for about, path in zip(changed[::2], changed[1::2], strict=True):
        if about.endswith("D"):
            lying[path] = None
        elif not about.endswith("U"):
            lying[path] = _unread(git, path, about[8:14])
        elif os.path.lexists(git.top / path):
            lying[path] = lying.get(path) or _unread(git, path)
    told = ("--literal-pathspecs", "ls-files", "-v", "-c", "-o", "--exclude-standard", "-z", "--", *wide)
    tagged = [(row[0], row[2:]) for row in _rows(plumbing.run(git, *told)) if row[0] not in "HM"]
    for tag, path in tagged:
        if tag != "?" and (os.path.lexists(git.top / path) or tag == "h"):
            lying.setdefault(path, _unread(git, path) if os.path.lexists(git.top / path) else None)
    ignored = _ignored(git, listed.over(lying), under)
    for path in [*(path for tag, path in tagged if tag == "?"), *ignored]:
        if path.endswith("/") and _LAYER.match(path):
            raise StoreError(
                "another git repository lies among the shards", where=path, hint=f"mv {path}.git elsewhere"
            )
        if not path.endswith(("/", disk.UNFINISHED)):
            lying[path] = _unread(git, path)
    members = _with_members(git, listed.over(lying), under, lying=True)
    return Snapshot("work tree", "work", plumbing.head(git), members, tuple(ignored))


def _ignored(git: Git, entries: Mapping[str, Entry], under: Sequence[str]) -> list[str]:
    """Return the shards that lie in the work tree and that git ignores: what writes shards must know them all the same.

    Args:
        git: where.
        entries: the files of the work tree; what lies behind a DVC pointer among them is rightly ignored.
        under: files or folders to look in; none for all.

    Returns:
        Their paths, in git's order.
    """
    folders = [folder for folder in disk.layers(git.top) if f"{folder}.dvc" not in entries]
    if not folders:
        return []
    listed = plumbing.run(
        git, "--literal-pathspecs", "ls-files", "-o", "-i", "--exclude-standard", "-z", "--", *folders
    )
    wanted = tuple(path.rstrip("/") for path in under)
    return [path for path in _rows(listed) if shard.parse_path(path) and (not wanted or _covered(path, wanted))]


def staged(git: Git, *, settled: bool = True) -> tuple[Snapshot, Snapshot]:
    """Return HEAD and the index; what both share is listed once, by git's own comparison of the two.

    Args:
        git: where.
        settled: as for `work`.

    Returns:
        Both snapshots; before the first commit the first has no files.

    Raises:
        StoreError: as for `commit` and `index`, or a killed command that must be finished first.
    """
    if settled and not git.bare:
        _refuse_unfinished(git)
    new = index(git)
    if not new.commit:
        return empty()._replace(name="HEAD"), new
    listed = listing.of(new.entries)
    sides = _compared(git, "diff-index", "--cached", "--ita-visible-in-index", new.commit)
    if sides is None or any(map(pointer.stands_for_shards, listed.ending(".dvc"))):
        return commit(git, new.commit)._replace(name="HEAD"), new
    before, after = sides
    entries = listed.over({**dict.fromkeys(after), **dict(before.items())})
    return Snapshot("HEAD", "commit", new.commit, entries), new


def differing(
    git: Git, old: str, new: str, source: Reader | None = None, *, beside: Sequence[str] | None = None
) -> tuple[Snapshot, Snapshot]:
    """Return the snapshots of two commits with only the files that differ, or with all when records lie in DVC.

    Args:
        git: where.
        old: a revision.
        new: another.
        source: a reader whose git has compared other commits before; None when two commits are all.
        beside: folders to leave out; where they are told, a git tells the lines with the files, for `changes` to read next.

    Returns:
        The two snapshots, enough for `changed` and `changes`.

    Raises:
        StoreError: as for `commit`.
    """
    if source is None or beside is None:
        ids = plumbing.resolve(git, old), plumbing.resolve(git, new)
    else:
        ids = source.resolve(old), source.resolve(new)
    if source is None:
        sides = _compared(git, "diff-tree", "-r", *ids)
    else:
        told = source.differences.files(*ids) if beside is None else source.differences.begin(*ids, beside)
        sides = _enough(listing.compared(io.BytesIO(told)))
    if sides is None:
        return commit(git, ids[0])._replace(name=old), commit(git, ids[1])._replace(name=new)
    return Snapshot(old, "commit", ids[0], sides[0]), Snapshot(new, "commit", ids[1], sides[1])


def empty() -> Snapshot:
    """Return the snapshot before the first commit: no files."""
    return Snapshot("nothing", "commit", "", Listing())


def changed(old: Snapshot, new: Snapshot, under: str = "") -> list[str]:
    """Return the paths that may hold different bytes, without reading any.

    Args:
        old: before.
        new: after.
        under: what the paths start with.

    Returns:
        Sorted paths whose entries are on one side only, differ, or are only known by reading.
    """
    return sorted(listing.of(old.entries).differing(listing.of(new.entries), under))


def changes(
    git: Git, old: Snapshot, new: Snapshot, under: str = "datasets/", source: Reader | None = None
) -> Iterator[FileChange]:
    """Yield the lines that differ between two snapshots; lines equal on both sides are never yielded.

    From a commit to a commit or the index, git's own diff is the fastest producer of changed lines; what lies in DVC or
    on the disk is walked.

    Args:
        git: where.
        old: before.
        new: after.
        under: what the paths start with.
        source: as for `differing`.

    Yields:
        One change a file, sorted by path.

    Raises:
        StoreError: an object is missing or broken, or a work-tree file cannot be read.
    """
    paths = changed(old, new, under)
    plain: set[str] = set()
    if old.kind == "commit" and new.kind in ("commit", "index"):
        plain = {*paths} - listing.of(old.entries).odd() - listing.of(new.entries).odd()
    away = {path for path in paths if git.far is not None and (_in_dvc(old, path) or _in_dvc(new, path))}
    streams = [_compared_far(git, old, new, [path for path in paths if path in away])] if away else []
    if walked := [path for path in paths if path not in plain and path not in away]:
        streams.append(_walked(git, old, new, walked))
    if plain:
        lines = _told(git, old, new, plain, under, source)
        streams.append(change for change in lines if change.path in plain)
    yield from streams[0] if len(streams) == 1 else heapq.merge(*streams, key=attrgetter("path"))


def _told(
    git: Git, old: Snapshot, new: Snapshot, paths: Collection[str], under: str, source: Reader | None
) -> Iterator[FileChange]:
    """Yield what git tells of some files that differ under a place, and it may be of others; of two commits it is asked once."""
    few = sorted(paths) if len(paths) < 100 else [under] if under.endswith("/") else []
    if new.kind == "index":
        return plumbing.diff_lines(git, old.commit, "index", few)
    asked = lambda: plumbing.diff_lines(git, old.commit, new.commit, few)  # noqa: E731
    if source is not None and old.commit:
        asked = lambda: source.differences.lines(old.commit, new.commit)  # noqa: E731
    return kept.lines(git, (old.commit, new.commit, *few), asked)


def reader(git: Git) -> Reader:
    """Return a reader of entries, to be used as a context manager."""
    return Reader(git)


def _refuse_unfinished(git: Git) -> None:
    importlib.import_module("labelvc.store.files").refuse_unfinished(git)  # commits are compared without what writes


def _unread(git: Git, path: str, told: str = "") -> Entry:
    return disk.entry(git.top / path, told)


def _rows(listed: bytes) -> list[str]:
    return listed.decode("utf-8", "surrogateescape").split("\0")[:-1]


def _committed(git: Git, commit: str, under: Sequence[str]) -> Listing:
    found = treerows.read(git, commit, under)
    if found is None:
        found = _listed(git, "ls-tree", "-r", "-z", "--full-tree", commit, "--", *under)
    if found is None:
        raise StoreError("the trees of a commit cannot be read", where=commit, hint="git fsck --full")
    return found


def _listed(git: Git, *words: str) -> Listing | None:
    """Return the files that git lists; None when what it says cannot be read."""
    with plumbing.start(git, "--literal-pathspecs", *words) as running:
        found = listing.read(running.out)
        plumbing.demand(git, words[0], running.end())
    return found


def _staged(git: Git, under: Sequence[str]) -> Listing:
    found = _listed(git, "ls-files", "-s", "-z", "--", *pointer.beside(under))
    if found is None:
        where = str(git.directory / "index")
        raise StoreError("the index is cut short or broken", where=where, hint="rm .git/index && git reset")
    return found


def _compared(git: Git, *words: str) -> tuple[Listing, Listing] | None:
    """Return the files that git finds to differ, as they are on each side.

    None when that cannot stand for both listings: an unmerged file, or a DVC pointer whose files must be listed.
    """
    with plumbing.start(git, words[0], "--raw", "-z", "--no-renames", "--no-abbrev", *words[1:]) as running:
        found = listing.compared(running.out)
        plumbing.demand(git, words[0], running.end())
    return _enough(found)


def _enough(found: tuple[Listing, Listing] | None) -> tuple[Listing, Listing] | None:
    """Return the files that differ, or None as `_compared` does."""
    if found is None:
        return None
    about = [path for side in found for end in (".dvc", ".sha256") for path in side.ending(end)]
    return None if any(map(pointer.is_about_shards, about)) else found


def _with_members(git: Git, entries: Listing, under: Sequence[str], *, lying: bool = False) -> Listing:
    """Add the files behind DVC pointers, in the work tree those that lie there; what git itself holds is not hidden by them."""
    pointers = [path for path in entries.ending(".dvc") if pointer.stands_for_shards(path)]
    if not pointers:
        return entries
    found: dict[str, Entry] = {}
    with Reader(git) as source:
        for path in pointers:
            folder = path.removesuffix(".dvc")
            if lying and (git.top / folder).is_dir():
                found |= _lying(git, source, path, entries)
            else:
                found |= source.members(path, entries[path], entries.get(pointer.manifest_path(path)))
    if any(True for path in pointers for _ in entries.paths(f"{path.removesuffix('.dvc')}/")):
        found = {path: entry for path, entry in found.items() if path not in entries}
    whole = entries.over(found)
    if not under:
        return whole
    wanted = tuple(path.rstrip("/") for path in under)
    return Listing(over={path: entry for path, entry in whole.items() if _covered(path, wanted)})


def _covered(path: str, wanted: tuple[str, ...]) -> bool:
    return any(path.startswith(some) and path[len(some) : len(some) + 1] in ("", "/") for some in wanted)


def _lying(git: Git, source: Reader, path: str, entries: Mapping[str, Entry]) -> dict[str, Entry]:
    """Return the files of a DVC folder in the work tree; those that are what the manifest says keep their id.

    A file is proved by its SHA-256, a link to its object by that of the object; where there is no manifest, by being that link.
    """
    folder, lying, since = path.removesuffix(".dvc"), Entry("disk", ""), time.time_ns()
    statuses = {name: status for name, status in source.scan(folder) if not name.endswith(disk.UNFINISHED)}
    symbolic = {name for name, status in statuses.items() if stat.S_ISLNK(status.st_mode)}
    linked = symbolic | {name for name, status in statuses.items() if status.st_nlink > 1}
    sums = entries.get(pointer.manifest_path(path))
    members = source.members(path, entries[path], sums) if linked else source.at_hand(path, entries[path], sums)
    asked = linked & members.keys() if sums is None else symbolic & members.keys()
    links = {name for name in asked if source.link(git.top / name, members[name])}
    known = links if sums is None else set()
    unsure = {name: members[name] for name in statuses if name in members and name not in symbolic - links}
    if sums is not None and unsure:
        statuses |= {name: (git.top / name).stat() for name in links}
        known = importlib.import_module("labelvc.store.proved").held(git, source, unsure, statuses, since, links)
    return dict.fromkeys(statuses, lying) | {name: members[name] for name in known}


def _in_dvc(snapshot: Snapshot, path: str) -> bool:
    entry = snapshot.entries.get(path)
    return entry is not None and entry.kind == "dvc"


def _compared_far(git: Git, old: Snapshot, new: Snapshot, paths: Sequence[str]) -> Iterator[FileChange]:
    """Yield what `_walked` yields, of files that workers of a cluster read from the DVC remote and compare."""
    if git.far is None or not paths:
        return
    parcel = importlib.import_module("labelvc.store.parcel")
    sides = lambda path: [(path, side.entries.get(path)) for side in (old, new)]  # noqa: E731
    yield from git.far.spread(parcel.differences, parcel.pack(git, paths, sides))


def _walked(git: Git, old: Snapshot, new: Snapshot, paths: Iterable[str]) -> Iterator[FileChange]:
    with Reader(git) as source:
        for some in batches(paths, _AT_ONCE):
            sides = [(path, old.entries.get(path), new.entries.get(path)) for path in some]
            stream = source.many([(path, entry) for path, *pair in sides for entry in pair if entry is not None])
            for path, before, after in sides:
                left = b"" if before is None else next(stream)[1]
                right = b"" if after is None else next(stream)[1]
                change = patch.walk(path, left, right)
                if change.old or change.new:
                    yield change
