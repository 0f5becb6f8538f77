"""The life of lines: which commit made which field, found by walking changes from the newest to the oldest."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from labelvc.codec import shard
from labelvc.core import diff
from labelvc.model import jsonpointer
from labelvc.model.names import Key
from labelvc.model.secret import TOKEN

Name = Key | bytes
"""What tells lines apart: their key, or the bytes they begin with."""
Sides = Sequence[tuple[Mapping[Name, bytes], Mapping[Name, bytes]]]
"""For each parent of a commit the lines that differ: those of the parent and those of the commit."""

NAMES = ("/item", "/id", "/rev")
"""Fields that say which record and which version it is; nobody decides them."""
_written = msgspec.json.Encoder(order="deterministic").encode
_is_token = re.compile(TOKEN).fullmatch
_ABSENT = object()
_MARK = 8
_DIGEST = 16


class Row(NamedTuple):
    """What a commit made of a line, in digests alone: it may be remembered whatever the line says.

    Attributes:
        new: digest of the line it made.
        by: the pseudonym it stands under; empty when there is none, or a plain value.
        olds: for each parent that had the record, the digest of its line and the marks of the fields that differ from it.
    """

    new: bytes
    by: str
    olds: tuple[tuple[bytes, bytes], ...]


class Made(NamedTuple):
    """Which commit set a field, and under which pseudonym."""

    commit: str
    by: str


def moves(sides: Sides) -> Iterator[tuple[Name, tuple[bytes | None, ...], bytes | None]]:
    """Yield what a commit changed against each of its parents.

    Args:
        sides: one pair for each parent; the root commit has one, whose parent has no lines.

    Yields:
        What names the line, the line in each parent, and in the commit; a merge that took a parent's line changed nothing.
    """
    first_old, first_new = sides[0]
    for name in first_old.keys() | first_new.keys():
        olds = tuple([old.get(name) for old, _ in sides])
        news = [new.get(name) for _, new in sides]
        if all(old != new for old, new in zip(olds, news, strict=True)):
            yield name, olds, news[0]


def rows(sides: Sides) -> Iterator[Row]:
    """Yield the row of each line that a commit made and that is no tombstone."""
    for _, olds, new in moves(sides):
        if new is not None and diff.live(new) is not None:
            yield row(olds, new)


def row(olds: Sequence[bytes | None], new: bytes) -> Row:
    """Return what a commit made of a line whose parents' lines are given."""
    known = [old for old in olds if old is not None]
    if not known:
        return Row(digest(new), _by(new), ())
    fields = diff.decoded(new)
    by = fields.get("by")
    told = [(digest(old), b"".join(map(mark, leaves(fields, diff.decoded(old))))) for old in known]
    return Row(digest(new), by if isinstance(by, str) and _is_token(by) else "", tuple(told))


def digest(raw: bytes) -> bytes:
    """Return what a line is known by: `rev` makes every line of a record's life another one."""
    return hashlib.blake2b(raw, digest_size=_DIGEST).digest()


_marks: dict[str, bytes] = {}


def mark(pointer: str) -> bytes:
    """Return the digest of a pointer: the names of members may be somebody's."""
    found = _marks.get(pointer)
    if found is None:
        found = hashlib.blake2b(pointer.encode("utf-8", "surrogatepass"), digest_size=_MARK).digest()
        if len(_marks) < 1 << 12:
            _marks[pointer] = found
    return found


def leaves(new: dict[str, Any], old: dict[str, Any] | None = None) -> list[str]:
    """Return the pointers of all values of a line that are no object and that another line has not or has otherwise."""
    found: list[str] = []
    _gather(new, old or {}, "", found)
    return found


def _gather(new: dict[str, Any], old: dict[str, Any], at: str, found: list[str]) -> None:
    for name, value in new.items():
        one = old.get(name, _ABSENT)
        step = f"{at}/{jsonpointer.escaped(name) if '~' in name or '/' in name else name}"
        if type(value) is dict and value:
            _gather(value, one if type(one) is dict else {}, step, found)
        elif type(one) is type(value) is str:
            found += [step] if one != value else []
        elif one is _ABSENT or _written(one) != _written(value):
            found.append(step)


class Attribution:
    """Follows the fields of many lines back to the commits that set them, newest commit first.

    A line is known by its bytes, so a field is followed through whichever parent of a merge had its value, and no graph of
    commits is needed: of two branches that made the very same line the one nearer to the end of history is named.
    """

    def __init__(self) -> None:
        self._open: dict[bytes, list[tuple[int, tuple[str, ...]]]] = {}
        self._found: list[list[tuple[tuple[str, ...], Made]]] = []
        self._shapes: dict[tuple[str, ...], tuple[str, ...]] = {}

    def add(self, raw: bytes) -> None:
        """Ask for all fields of a line; lines are numbered from 0 in the order they are asked for."""
        wanted = self._shape([pointer for pointer in leaves(diff.decoded(raw)) if pointer not in NAMES])
        if wanted:
            self._open.setdefault(digest(raw), []).append((len(self._found), wanted))
        self._found.append([])

    @property
    def open(self) -> int | None:
        """The number of a line some field of which has no commit yet; None when all have theirs."""
        return next((rows[0][0] for rows in self._open.values()), None)

    def see(self, commit: str, made: Iterable[Row]) -> None:
        """Look at what a commit made."""
        known: dict[str, Made] = {}
        for new, by, olds in made:
            for number, wanted in self._open.pop(new, ()):
                left: Sequence[str] = wanted
                for old, marks in olds:
                    differing = {marks[at : at + _MARK] for at in range(0, len(marks), _MARK)}
                    kept = [pointer for pointer in left if mark(pointer) not in differing]
                    if kept:
                        self._open.setdefault(old, []).append((number, self._shape(kept)))
                        left = [pointer for pointer in left if mark(pointer) in differing]
                if left:
                    self._found[number].append((self._shape(left), known.setdefault(by, Made(commit, by))))

    def result(self, number: int) -> list[tuple[str, Made]]:
        """Return (pointer, commit) of the line with this number, sorted; what has none yet is left out."""
        return sorted((pointer, made) for pointers, made in self._found[number] for pointer in pointers)

    def _shape(self, pointers: Sequence[str]) -> tuple[str, ...]:
        """Return one tuple for all that are equal: most lines of a dataset have the same fields."""
        shape = tuple(pointers)
        return self._shapes.setdefault(shape, shape)


_BY = re.compile(rb'(?:,"at":"[^"\\]*")?(?:,"by":"([^"\\]*)")?')


def _by(raw: bytes) -> str:
    """Return the pseudonym of a line without decoding it: in canonical order only `at` stands between key and `by`."""
    head = shard.HEADS["annotations"].match(raw)
    found = _BY.match(raw, head.end()) if head else None
    by = found[1].decode("utf-8", "replace") if found and found[1] else ""
    if not by and b'"by":' in raw:
        told = diff.decoded(raw).get("by")
        by = told if isinstance(told, str) else ""
    return by if _is_token(by) else ""


def integrations(parents: Mapping[str, Sequence[str]], head: str) -> dict[str, tuple[str, str]]:
    """Return for each commit the first-parent step (parent, commit) by which it came into the history of head.

    Args:
        parents: every commit up to head with its parents.
        head: where the first-parent history ends.
    """
    chain = [head]
    while parents[chain[-1]]:
        chain.append(parents[chain[-1]][0])
    found: dict[str, tuple[str, str]] = {}
    for commit in reversed(chain):
        step = (parents[commit][0] if parents[commit] else "", commit)
        waiting = [commit]
        while waiting:
            here = waiting.pop()
            if here not in found:
                found[here] = step
                waiting += parents[here]
    return found
