"""A change-set: what moved between two snapshots as sorted lines of digests, and the one root a person signs.

A line is canonical JSON `{"k":key,"n":digest or null,"o":digest or null}`; lines are sorted by their bytes, so that
`LC_ALL=C sort -c` proves the order; the root is the RFC 6962 tree hash over the lines without their `\\n`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import pairwise
from json.encoder import encode_basestring
from operator import eq
from typing import Any, NamedTuple, overload

import msgspec

from labelvc.codec import canonical, merkle
from labelvc.codec.quick import UNREADABLE
from labelvc.errors import DataError
from labelvc.model.change import ChangeSet, Delta, Move
from labelvc.model.names import Digest, Key

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_MIDDLE = b',"n":'
"""What follows the key in a line."""
_EMPTY_ROOT = merkle.digest(())


class _Row(msgspec.Struct, frozen=True):
    k: str
    n: str | None
    o: str | None


class _About(msgspec.Struct, frozen=True):
    by: str | None = None
    gone: bool = False
    rev: Any = 0


_NOBODY = _About()


_row = msgspec.json.Decoder(_Row).decode
_about = msgspec.json.Decoder(_About).decode


class Touch(NamedTuple):
    """What only the full lines tell of one move.

    Attributes:
        was, stays: whether something other than a tombstone was there, and is there now.
        held: whether anything was there, a tombstone included.
        old_by, new_by: pseudonyms of those who made the old and the new version of a record; empty where there is none.
    """

    was: bool
    stays: bool
    held: bool
    old_by: str
    new_by: str


class Moves(Sequence[Move]):
    """Moves as the lines that say them, each read when it is asked for: that takes half the memory.

    Args:
        lines: the lines of a change-set, without `\\n`.
    """

    def __init__(self, lines: Sequence[bytes]) -> None:
        self._lines = lines

    def __len__(self) -> int:
        """Return their number."""
        return len(self._lines)

    def __iter__(self) -> Iterator[Move]:
        """Yield them in order."""
        return map(_move, self._lines)

    @overload
    def __getitem__(self, at: int) -> Move: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Move]: ...
    def __getitem__(self, at: int | slice) -> Move | Sequence[Move]:
        """Return one of them, or those of a slice."""
        return Moves(self._lines[at]) if isinstance(at, slice) else _move(self._lines[at])

    def __eq__(self, other: object) -> bool:
        """Tell whether another sequence has the same moves."""
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(eq, self, other))

    __hash__ = None  # type: ignore[assignment]


def _move(raw: bytes) -> Move:
    row = _row(raw)
    return Move(row.k, None if row.o is None else Digest(row.o), None if row.n is None else Digest(row.n))


class Gathered(NamedTuple):
    """A change-set with what only the full lines tell.

    Attributes:
        changeset: the moves and their root.
        lines: the change-set's lines, in order.
        touches: what the full lines tell of each move, in the same order.
        twice: keys that move more than once, which no sound shard can cause.
        stuck: keys of records that were there and whose `rev` does not grow: the new line can be one that was there before, so
            that an old approval of what followed it would fit again (`labelvc.core.revise`).
    """

    changeset: ChangeSet
    lines: list[bytes]
    touches: list[Touch]
    twice: frozenset[str] = frozenset()
    stuck: frozenset[str] = frozenset()

    @property
    def by(self) -> frozenset[str]:
        """Pseudonyms of those who made the old or the new version of a touched record."""
        kinds = {id(touch): touch for touch in self.touches}.values()  # equal ones are one object
        return frozenset(name for touch in kinds for name in (touch.old_by, touch.new_by) if name)

    @property
    def sums(self) -> tuple[int, int, int]:
        """How many things were added, changed and removed; a tombstone counts as removed."""
        seen = Counter((touch.was, touch.stays) for touch in self.touches)
        added = seen[False, True] + seen[False, False]
        return added, seen[True, True], seen[True, False]


def gather(deltas: Iterable[Delta]) -> Gathered:
    """Make the change-set of deltas in one pass; their lines are not kept.

    Args:
        deltas: everything that differs, in any order.

    Returns:
        The change-set with its counts.

    Raises:
        DataError: a key cannot be written as UTF-8.
    """
    rows: list[tuple[bytes, Touch]] = []
    stuck: list[str] = []
    kinds: dict[tuple[bool, bool, bool, str, str], Touch] = {}
    for key, old, new, _ in deltas:
        if old == new:  # a mode is no content
            continue
        record = isinstance(key, Key)
        was, stays = _about_line(old, record=record), _about_line(new, record=record)
        told = (
            old is not None and not was.gone,
            new is not None and not stays.gone,
            old is not None,
            was.by or "",
            stays.by or "",
        )
        name = key_text(key)
        if record and old is not None and new is not None and not name.endswith("#") and _rev(was) >= _rev(stays):
            stuck.append(name)
        touch = kinds.get(told)
        if touch is None:
            touch = kinds[told] = Touch(*told)
        rows.append((_line(name, _digest(old), _digest(new)), touch))
    rows.sort()
    heads = [raw.partition(_MIDDLE)[0] for raw, _ in rows]  # in a key no quotation mark stands alone
    twice = frozenset([_move(rows[at][0]).key for at, (one, two) in enumerate(pairwise(heads)) if one == two])
    return _sum(rows, twice, frozenset(stuck))


def part(found: Gathered, keys: Collection[str]) -> Gathered:
    """Return the change-set of some of the moves of another: those with these keys."""
    rows = zip(found.lines, found.touches, strict=True)
    kept = frozenset(keys)
    return _sum([row for row in rows if _row(row[0]).k in kept], found.twice & kept, found.stuck & kept)


def _sum(rows: Sequence[tuple[bytes, Touch]], twice: frozenset[str], stuck: frozenset[str]) -> Gathered:
    lines = [raw for raw, _ in rows]
    return Gathered(ChangeSet(Moves(lines), merkle.digest(lines)), lines, [touch for _, touch in rows], twice, stuck)


def key_text(key: Key | str) -> str:
    """Return how a change-set names a thing.

    A record or item is `dataset/item#id`. A document is its path with `%` and `#` written `%25` and `%23`, so that no file
    can be named like a record, whose approval may need other people.
    """
    if isinstance(key, str):
        return key.replace("%", "%25").replace("#", "%23") if "#" in key or "%" in key else key
    return f"{key.dataset}/{key.item}#{key.id}"


def line(move: Move) -> bytes:
    """Return the line of a move, without `\\n`."""
    return _line(*move)


def _line(key: str, old: Digest | None, new: Digest | None) -> bytes:
    come = "null" if new is None else f'"{new}"'
    went = "null" if old is None else f'"{old}"'
    try:
        return f'{{"k":{encode_basestring(key)},"n":{come},"o":{went}}}'.encode()
    except UnicodeEncodeError:
        raise DataError(
            "a name is not UTF-8 and cannot be signed", where=key.encode(errors="replace").decode()
        ) from None


def write(lines: Iterable[bytes]) -> bytes:
    """Return the bytes of `changeset.jsonl`."""
    return b"".join([raw + b"\n" for raw in lines])


def read(data: bytes) -> ChangeSet:
    """Read the bytes of a `changeset.jsonl`.

    Args:
        data: the file.

    Returns:
        The change-set, its root computed from these bytes.

    Raises:
        DataError: a line that is not the canonical line of a move, lines not in order, a key twice, a move that moves
            nothing, or no `\\n` at the end; says which line.
    """
    if data and not data.endswith(b"\n"):
        raise DataError("the change-set does not end with a line break")
    lines = data.split(b"\n")[:-1]
    moves = list(_moves(lines))
    if any(not low < high for low, high in pairwise(lines)):
        raise DataError("the lines of the change-set are not in order", hint="LC_ALL=C sort -c changeset.jsonl")
    if len({move.key for move in moves}) != len(moves):
        raise DataError("a key stands twice in the change-set")
    return ChangeSet(moves, merkle.digest(lines))


def _moves(lines: Iterable[bytes]) -> Iterator[Move]:
    good = _DIGEST.fullmatch
    for number, raw in enumerate(lines, 1):
        try:
            move = _move(raw)
        except UNREADABLE:
            raise DataError(f"line {number} of the change-set is no change") from None
        for digest in (move.new, move.old):
            if digest is not None and not good(digest):
                raise DataError(f"line {number} of the change-set has a digest that is not sha256:<hex>")
        if move.old == move.new or line(move) != raw:
            raise DataError(f"line {number} of the change-set is not spelled canonically, or changes nothing")
        yield move


def empty(changeset: ChangeSet) -> bool:
    """Tell whether nothing moved."""
    return changeset.root == _EMPTY_ROOT


def _digest(raw: bytes | None) -> Digest | None:
    return None if raw is None else canonical.digest(raw)


def _about_line(raw: bytes | None, *, record: bool) -> _About:
    """Return who made a line, whether it is a tombstone, and its `rev`; nothing of what is no record or cannot be read."""
    if raw is None or not record:
        return _NOBODY
    try:
        return _about(raw)
    except UNREADABLE:
        return _NOBODY


def _rev(about: _About) -> int:
    return about.rev if type(about.rev) is int else 0
