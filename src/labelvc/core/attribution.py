"""Attribution: which commit made which field, found by walking changes from the newest to the oldest."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from struct import iter_unpack
from typing import Any, NamedTuple

import msgspec

from labelvc.core import diff
from labelvc.core.life import Sides
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
_Asked = tuple[int, Pointers | None, str | None, "_Place", "_Asked | None"]
"""A line as it was asked for, by its number: those of its fields that wait (None for all), the pseudonym it stood under
later (None where it is that line itself), where it waits, and who else asks for the same bytes."""
_MARK = 8
_DIGEST = 16


class Old(NamedTuple):
    """A line of a parent, as a commit changed it.

    Attributes:
        line: its digest.
        by: the pseudonym it stands under; empty when there is none, or a plain value.
        marks: of the fields that differ from it in the new line, one after another.
        parent: which of the commit's parents has it, counted from 0.
    """

    line: bytes
    by: str
    marks: bytes
    parent: int


class Rows(NamedTuple):
    """What a commit made of lines, in digests alone: it may be remembered whatever the lines say.

    Attributes:
        born: digests of the lines that no parent had, one after another.
        changed: digest of each other line that no parent had, and the line of each parent that had the record.
        taken: digest of each line of a merge that its first parent had not, and which parent had it.
    """

    born: bytes = b""
    changed: Sequence[tuple[bytes, tuple[Old, ...]]] = ()
    taken: Sequence[tuple[bytes, int]] = ()


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
    """Return what a commit made of the lines that are no tombstones.

    Args:
        sides: for each parent all lines that differ from it; the root commit has one, whose parent has no lines.
    """
    born, changed, taken = [], [], []
    for name, new in sides[0][1].items():
        if diff.live(new) is None:
            continue
        same = next((at for at, (_, come) in enumerate(sides) if name not in come), None)
        olds = [(at, gone[name]) for at, (gone, _) in enumerate(sides) if name in gone]
        if same is not None:
            taken.append((digest(new), same))
        elif olds:
            fields = diff.decoded(new)
            changed.append((digest(new), tuple([_old(raw, fields, at) for at, raw in olds])))
        else:
            born.append(digest(new))
    return Rows(b"".join(born), changed, taken)


def _old(raw: bytes, new: dict[str, Any], parent: int) -> Old:
    old = diff.decoded(raw)
    return Old(digest(raw), token(old.get("by")), b"".join(map(mark, _differing(new, old))), parent)


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


class _Place:
    """A commit that is still to be seen, where lines wait; two that turn out to be one commit become one place."""

    __slots__ = ("into",)

    def __init__(self) -> None:
        self.into: _Place | None = None

    @property
    def here(self) -> _Place:
        """The place that this one has become."""
        place = self
        while place.into is not None:
            place.into = place.into.into or place.into
            place = place.into
        return place

    def become(self, other: _Place) -> None:
        """Become another place, with all that waits here."""
        one, two = self.here, other.here
        if one is not two:
            one.into = two


class Attribution:
    """Follows the fields of many lines back to the commits that set them, newest commit first.

    A line waits at a commit that has it. Where that commit did not make it, it waits at the first of its parents that has it too;
    most lines go the same way all the time, so places move and lines do not.

    Args:
        lines: whose fields are asked for; they are known by their place among them.
        parents: every commit of the history with its parents, children before parents; the lines wait at the first.
    """

    def __init__(self, lines: Sequence[bytes], parents: Mapping[str, Sequence[str]]) -> None:
        self._lines, self._parents, self._order = lines, parents, iter(parents)
        self._found: list[tuple[Made, ...]] = [()] * len(lines)
        self._open: dict[bytes, _Asked] = {}
        head = _Place()
        self._at = {next(iter(parents)): head}
        for number, raw in enumerate(lines):
            self._wait(digest(raw), number, None, None, head)

    @property
    def open(self) -> int | None:
        """The number of a line some field of which has no commit yet; None when all have theirs."""
        return next((asked[0] for asked in self._open.values()), None)

    def see(self, commit: str, made: Rows) -> None:
        """Look at what a commit made; those that are passed over made nothing of the lines."""
        for passed in self._order:
            place = self._at.pop(passed, None)
            if place is not None:
                if passed == commit:
                    self._look(commit, made, place.here)
                for parent in self._parents[passed][:1]:
                    self._at.setdefault(parent, place).become(place)
            if passed == commit:
                return

    def _look(self, commit: str, made: Rows, place: _Place) -> None:
        found = self._found
        whole = (Made(None, commit, None),)
        for (line,) in iter_unpack(f"{_DIGEST}s", made.born):
            for number, left, by in self._waiting(line, place):
                found[number] += whole if left is None and by is None else (Made(left, commit, by),)
        for line, olds in made.changed:
            for number, wanted, by in self._waiting(line, place):
                left = self._followed(number, wanted, olds, commit, place)
                if left:
                    found[number] += (Made(left, commit, by),)
        for line, parent in made.taken:
            for number, wanted, by in self._waiting(line, place):
                self._wait(line, number, wanted, by, self._before(commit, parent, place))

    def _wait(self, line: bytes, number: int, wanted: Pointers | None, by: str | None, place: _Place) -> None:
        self._open[line] = (number, wanted, by, place, self._open.get(line))

    def _waiting(self, line: bytes, place: _Place) -> list[tuple[int, Pointers | None, str | None]]:
        """Take out who waits for a line at a place."""
        asked, found = self._open.pop(line, None), []
        while asked is not None:
            number, wanted, by, at, asked = asked
            if at is place or at.here is place:
                found.append((number, wanted, by))
            else:
                self._wait(line, number, wanted, by, at)
        return found

    def _before(self, commit: str, parent: int, place: _Place) -> _Place:
        """Return the place of one of a commit's parents; to the first the commit's own place will move."""
        return self._at.setdefault(self._parents[commit][parent], _Place()) if parent else place

    def _followed(
        self, number: int, wanted: Pointers | None, olds: Sequence[Old], commit: str, place: _Place
    ) -> Pointers:
        """Follow fields into the lines that had them before; return those that none had."""
        left = told(diff.decoded(self._lines[number]))[0] if wanted is None else wanted
        for line, by, marks, parent in olds:
            kept, left = _parted(left, marks)
            if kept:
                self._wait(line, number, kept, by, self._before(commit, parent, place))
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
