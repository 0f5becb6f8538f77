"""Attribution: which commit made which field, found by walking changes from the newest to the oldest."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from struct import iter_unpack
from typing import Any, NamedTuple

import msgspec

from labelvc.core import diff
from labelvc.core.life import Sides, moves
from labelvc.model import jsonpointer
from labelvc.model.secret import TOKEN

Pointers = tuple[str, ...]
"""Fields of a line; one tuple serves all lines that have the same."""
NAMES = ("/item", "/id", "/rev")
"""Fields that say which record and which version it is; nobody decides them."""
_written = msgspec.json.Encoder(order="deterministic").encode
_is_token = lru_cache(maxsize=1 << 12)(re.compile(TOKEN).fullmatch)
_Step = str | tuple[str] | None  # a value, an object that is walked into, and out of it
_ABSENT = object()
_PLAIN = (str, int, bool)  # equal ones of a kind are spelt alike, which numbers with a point need not be
_Asked = tuple[int, Pointers | None, str | None, "_Asked | None"]
"""A line as it was asked for, by its number: those of its fields that wait (None for all), the pseudonym it stood under
later (None where it is that line itself), and who else asks for the same bytes."""
_MARK = 8
_DIGEST = 16


class Old(NamedTuple):
    """A line of a parent, as a commit changed it.

    Attributes:
        line: its digest.
        by: the pseudonym it stands under; empty when there is none, or a plain value.
        marks: of the fields that differ from it in the new line, one after another.
    """

    line: bytes
    by: str
    marks: bytes


class Rows(NamedTuple):
    """What a commit made of lines, in digests alone: it may be remembered whatever the lines say.

    Attributes:
        born: digests of the lines that no parent had, one after another.
        changed: digest of each other line, and the line of each parent that had the record.
    """

    born: bytes
    changed: list[tuple[bytes, tuple[Old, ...]]]


class Made(NamedTuple):
    """Which commit set fields of a line.

    Attributes:
        pointers: the fields; None for all of them.
        commit: its id.
        by: the pseudonym the record stood under then, empty when there was none; None for that of the line itself.
    """

    pointers: Pointers | None
    commit: str
    by: str | None


def rows(sides: Sides) -> Rows:
    """Return what a commit made of the lines that are no tombstones."""
    born, changed = [], []
    for _, olds, new in moves(sides):
        if new is None or diff.live(new) is None:
            continue
        if any(olds):
            fields = diff.decoded(new)
            changed.append((digest(new), tuple([_old(raw, fields) for raw in olds if raw is not None])))
        else:
            born.append(digest(new))
    return Rows(b"".join(born), changed)


def _old(raw: bytes, new: dict[str, Any]) -> Old:
    old = diff.decoded(raw)
    return Old(digest(raw), token(old.get("by")), b"".join(map(mark, _differing(new, old))))


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


def told(fields: dict[str, Any]) -> tuple[Pointers, list[Any]]:
    """Return the pointers of all values of a line that are no object, sorted, and the values; `NAMES` are left out.

    Lines of one shape have the very same pointers.
    """
    names: list[_Step] = []
    values: list[Any] = []
    _walk(fields, names, values)
    pointers, places = _ordered(tuple(names))
    return pointers, [values[at] for at in places]


def _walk(fields: dict[str, Any], names: list[_Step], values: list[Any]) -> None:
    for name, value in fields.items():
        if type(value) is dict and value:
            names.append((name,))
            _walk(value, names, values)
            names.append(None)
        else:
            names.append(name)
            values.append(value)


@lru_cache(maxsize=1 << 10)  # the lines of a dataset have few shapes
def _ordered(names: tuple[_Step, ...]) -> tuple[Pointers, list[int]]:
    """Return the pointers of a walk but for `NAMES`, in order, and the place of the value of each."""
    found: list[str] = []
    above = [""]
    for name in names:
        if name is None:
            above.pop()
        elif isinstance(name, str):
            found.append(_step(above[-1], name))
        else:
            above.append(_step(above[-1], name[0]))
    rows = sorted((pointer, at) for at, pointer in enumerate(found) if pointer not in NAMES)
    return tuple([pointer for pointer, _ in rows]), [at for _, at in rows]


def _step(at: str, name: str) -> str:
    return f"{at}/{jsonpointer.escaped(name) if '~' in name or '/' in name else name}"


def _differing(new: dict[str, Any], old: dict[str, Any], at: str = "") -> Iterator[str]:
    """Yield the pointers of all values of a line that are no object and that another line has not or has otherwise."""
    for name, value in new.items():
        one = old.get(name, _ABSENT)
        if type(value) is dict and value:
            if one != value or _written(one) != _written(value):
                yield from _differing(value, one if type(one) is dict else {}, _step(at, name))
        elif type(one) is type(value) in _PLAIN:
            if one != value:
                yield _step(at, name)
        elif one is _ABSENT or _written(one) != _written(value):
            yield _step(at, name)


class Attribution:
    """Follows the fields of many lines back to the commits that set them, newest commit first.

    A line is known by its bytes, so a field is followed through whichever parent of a merge had its value, and no graph of
    commits is needed: of two branches that made the very same line the one nearer to the end of history is named.

    Args:
        lines: whose fields are asked for; they are known by their place among them.
    """

    def __init__(self, lines: Sequence[bytes]) -> None:
        self._lines = lines
        self._found: list[tuple[Made, ...]] = [()] * len(lines)
        self._open: dict[bytes, _Asked] = {}
        for number, raw in enumerate(lines):
            line = digest(raw)
            self._open[line] = (number, None, None, self._open.get(line))

    @property
    def open(self) -> int | None:
        """The number of a line some field of which has no commit yet; None when all have theirs."""
        return next((asked[0] for asked in self._open.values()), None)

    def see(self, commit: str, made: Rows) -> None:
        """Look at what a commit made."""
        waiting, found = self._open.pop, self._found
        whole = (Made(None, commit, None),)
        for (line,) in iter_unpack(f"{_DIGEST}s", made.born):
            asked = waiting(line, None)
            while asked is not None:
                number, left, by, asked = asked
                found[number] += whole if left is None and by is None else (Made(left, commit, by),)
        for line, olds in made.changed:
            asked = waiting(line, None)
            while asked is not None:
                number, wanted, by, asked = asked
                left = self._followed(number, wanted, olds)
                if left:
                    found[number] += (Made(left, commit, by),)

    def _followed(self, number: int, wanted: Pointers | None, olds: Sequence[Old]) -> Pointers:
        """Follow fields into the lines that had them before; return those that none had."""
        left = told(diff.decoded(self._lines[number]))[0] if wanted is None else wanted
        for line, by, marks in olds:
            kept, left = _parted(left, marks)
            if kept:
                self._open[line] = (number, kept, by, self._open.get(line))
        return left

    def result(self, number: int) -> tuple[Made, ...]:
        """Return which commit set which fields of the line with this number."""
        return self._found[number]


@lru_cache(maxsize=1 << 12)  # most commits change the same fields of lines of the same shape
def _parted(pointers: Pointers, marks: bytes) -> tuple[Pointers, Pointers]:
    """Return the pointers whose marks are not among some, and those whose are."""
    differing = {marks[at : at + _MARK] for at in range(0, len(marks), _MARK)}
    kept = tuple([pointer for pointer in pointers if mark(pointer) not in differing])
    return kept, tuple([pointer for pointer in pointers if mark(pointer) in differing])


def token(by: object) -> str:
    """Return a pseudonym as it is, of anything else nothing."""
    return by if type(by) is str and _is_token(by) else ""
