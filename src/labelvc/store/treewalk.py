"""Tree walks: the files of a tree, and those in which two trees differ, one by one as git tells them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from labelvc.codec import shard
from labelvc.model.names import Layer
from labelvc.model.snapshot import FILE, Entry, stored
from labelvc.store import git as plumbing
from labelvc.store.git import Git

MODULE = "160000"
"""Mode of a submodule."""
_NOTHING = "000000"
_CHUNK = 1 << 16
# Rows of ls-tree and of diff-tree --raw, both with -z.
_LISTED = re.compile(r"(\d{6}) [a-z]+ ([0-9a-f]+)\t([^\0]+)\0")
_MOVED = re.compile(r":(\d{6}) (\d{6}) ([0-9a-f]+) ([0-9a-f]+) [A-Z]\d*\0([^\0]+)\0")
_SHARD = re.compile(rf"(?<![^\0]){FILE} blob [0-9a-f]+\t{shard.OWN_PATH}\0")
_CHANGED_SHARD = re.compile(rf"(?<![^\0]):{FILE} {FILE} [0-9a-f]+ [0-9a-f]+ M\0{shard.OWN_PATH}\0")
_FOLDER = re.compile(r"datasets/[^/]+/(?:annotations|items)(?=/)")


class Stage(NamedTuple):
    """One version of a path in the index: mode and object id; stage 0 is merged, 1 the base, 2 ours, 3 theirs."""

    path: str
    mode: str
    id: str
    stage: int = 0

    @property
    def entry(self) -> Entry | None:
        """The entry of a snapshot that it is; None for a submodule, which is no file."""
        return _entry(self.mode, self.id)


class Outline(NamedTuple):
    """The files of a tree, its shards told in brief: there may be many thousand of them.

    Attributes:
        rows: path to all that is no shard.
        digits: dataset and layer to the numbers of digits in the names of its shards, each with the number of such shards;
            below zero for what is no plain file in the folder where a shard of that name belongs.
    """

    rows: dict[str, Stage]
    digits: dict[tuple[str, Layer], dict[int, int]]


def files(git: Git, tree: str, under: str = "") -> Iterator[Stage]:
    """Yield the files, links and submodules of a tree, in git's order.

    Args:
        git: where.
        tree: id of a tree or commit.
        under: a file or folder to list; empty for all.

    Raises:
        StoreError: no such object.
    """
    for text in _pieces(git, "ls-tree", _listing(tree, under)):
        for mode, oid, path in _LISTED.findall(text):
            yield Stage(path, mode, oid)


def outline(git: Git, tree: str) -> Outline:
    """Return the files of a tree, with its shards in brief.

    Raises:
        StoreError: no such object.
    """
    found = Outline({}, {})
    for text in _pieces(git, "ls-tree", _listing(tree)):
        sound = Counter([(name, layer, len(few or many)) for name, layer, few, _, many in _SHARD.findall(text)])
        for (name, layer, digits), number in sound.items():
            _count(found, (name, "items" if layer == "items" else "annotations"), digits, number)
        for mode, oid, path in _LISTED.findall(_SHARD.sub("", text)):
            _note(found, Stage(path, mode, oid), 1)
    return found


def outline_after(before: Outline, moves: Mapping[str, str]) -> Outline:
    """Return the files of a tree, from those of another tree and what `moves` tells of the two."""
    found = Outline(dict(before.rows), {place: dict(digits) for place, digits in before.digits.items()})
    for text in moves.values():
        for row in _MOVED.finditer(_CHANGED_SHARD.sub("", text)):
            was, now, old, new, path = row.groups()
            for mode, oid, number in ((was, old, -1), (now, new, 1)):
                if mode != _NOTHING:
                    _note(found, Stage(path, mode, oid), number)
    return found


def _note(found: Outline, stage: Stage, number: int) -> None:
    """Note that a file is there, or with -1 that it is not any more."""
    own = shard.own_path(stage.path) if stage.mode == FILE else None
    parsed = own or shard.parse_path(stage.path)
    if parsed is not None:
        _count(found, parsed[:2], len(parsed[2]) if own else -len(parsed[2]), number)
    elif number > 0:
        found.rows[stage.path] = stage
    else:
        found.rows.pop(stage.path, None)


def _count(found: Outline, place: tuple[str, Layer], digits: int, number: int) -> None:
    counts = found.digits.setdefault(place, {})
    counts[digits] = counts.get(digits, 0) + number
    if not counts[digits]:
        del counts[digits]
    if not counts:
        del found.digits[place]


def moves(git: Git, old: str, new: str) -> dict[str, str]:
    """Return the rows of the files in which two trees differ, for `moved_in`: those of each folder of shards, all others under no name.

    Args:
        git: where.
        old: id of a tree or commit.
        new: id of another.

    Raises:
        StoreError: no such object.
    """
    found: dict[str, list[str]] = {}
    for row in _moved(git, old, new):
        folder = _FOLDER.match(row[5])
        found.setdefault(folder[0] if folder else "", []).append(row[0])
    return {folder: "".join(rows) for folder, rows in found.items()}


def moved(git: Git, old: str, new: str, under: str) -> Iterator[tuple[str, Entry | None, Entry | None]]:
    """Yield (path, entry before, entry after) of each file in which two trees differ, in git's order; equal folders are skipped.

    Args:
        git: where.
        old: id of a tree or commit.
        new: id of another.
        under: a folder to look at.

    Raises:
        StoreError: no such object.
    """
    yield from map(_sides, _moved(git, old, new, under))


def moved_in(rows: str) -> Iterator[tuple[str, Entry | None, Entry | None]]:
    """Yield what `moved` yields, from the rows of one folder."""
    yield from map(_sides, _MOVED.finditer(rows))


def _moved(git: Git, old: str, new: str, under: str = "") -> Iterator[re.Match[str]]:
    words = (
        "diff-tree",
        "-r",
        "-z",
        "--raw",
        "--no-renames",
        "--no-abbrev",
        old,
        new,
        *(["--", under] if under else []),
    )
    rest = ""
    for piece in _pieces(git, "diff-tree", ("--literal-pathspecs", *words)):
        text, end = rest + piece, 0
        for row in _MOVED.finditer(text):
            yield row
            end = row.end()
        rest = text[end:]


def _sides(row: re.Match[str]) -> tuple[str, Entry | None, Entry | None]:
    was, now, before, after, path = row.groups()
    return path, _entry(was, before), _entry(now, after)


def _entry(mode: str, oid: str) -> Entry | None:
    return None if mode in (MODULE, _NOTHING) else stored(mode, oid)


def _listing(tree: str, under: str = "") -> tuple[str, ...]:
    return ("--literal-pathspecs", "ls-tree", "-r", "-z", "--full-tree", tree, *(["--", under] if under else []))


def _pieces(git: Git, verb: str, words: tuple[str, ...]) -> Iterator[str]:
    """Yield what git prints as it arrives, each piece up to a zero byte."""
    rest = b""
    with plumbing.start(git, *words) as running:
        while chunk := running.out.read(_CHUNK):
            whole, mark, rest = (rest + chunk).rpartition(b"\0")
            yield (whole + mark).decode("utf-8", "surrogateescape")
        plumbing.demand(git, verb, running.end())
