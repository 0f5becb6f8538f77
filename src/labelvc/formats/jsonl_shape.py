"""Shapes of JSON lines: many lines of one program have the same members in one spelling, and one expression takes them apart.

The expression is made from a line that was read strictly; what it matches are objects with just these members, so that no
name occurs twice, whose values are texts, numbers, `true`, `false` or `null`. Any other line is read by itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import NamedTuple

from labelvc.codec import canonical
from labelvc.errors import DataError
from labelvc.formats.block import Extra

_MOST = 8
_PATIENCE = 4  # calls in a row that found nothing: then it is not worth the time
_SPELLINGS = ((", ", ": "), (",", ":"))
_CONTROL = bytes(range(32))
_WORDS = rb'"([^"]*+)"'
_SCALAR = rb'("[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"|[-+.0-9eE]++|true|false|null)'
_REMEMBERED = 4096


class Shape(NamedTuple):
    """Lines with the same members.

    Attributes:
        names: of the members, in the order of the line.
        words: takes lines apart whose values are all texts without a backslash, into what stands between the marks.
        scalars: takes any of them apart, into values as they are spelled.
    """

    names: tuple[str, ...]
    words: re.Pattern[bytes]
    scalars: re.Pattern[bytes]


class Found(NamedTuple):
    """Lines of one shape.

    Attributes:
        numbers: of the lines.
        members: name to values.
        plain: as for `labelvc.formats.block.Columns`.
    """

    numbers: Sequence[int]
    members: dict[str, Extra]
    plain: bool


class Shapes:
    """The shapes of a file, learned as they come."""

    def __init__(self) -> None:
        self._known: list[Shape] = []
        self._spelled: dict[bytes, bytes] = {}
        self._failed = 0

    def apart(self, data: bytes, number: int) -> list[Found]:
        """Take lines apart.

        Args:
            data: whole lines.
            number: of the first one.

        Returns:
            Those of each shape; nothing when a line must be read by itself.
        """
        if self._failed >= _PATIENCE:
            return []
        found = self._apart(data.replace(b"\r\n", b"\n") if b"\r" in data else data, number)
        self._failed = 0 if found else self._failed + 1
        return found

    def _apart(self, data: bytes, number: int) -> list[Found]:
        data = data if data.endswith(b"\n") else data + b"\n"
        if not self._known:
            self._learn(data[: data.find(b"\n")])
        ends = data.count(b"\n")
        # a control character inside a text is no JSON
        if not self._known or len(data.translate(None, _CONTROL)) + ends != len(data):
            return []
        shape = self._known[0]
        width = len(shape.names) + 1
        if b"\\" not in data and b"\x7f" not in data:
            flat = shape.words.split(data)
            if len(flat) == ends * width + 1 and not any(flat[::width]):
                members = {name: Extra(flat[at::width]) for at, name in enumerate(shape.names, 1)}
                return [Found(range(number, number + ends), members, plain=True)]
        try:
            return self._mixed(data.split(b"\n")[:-1], number)
        except DataError:
            return []

    def _mixed(self, lines: list[bytes], number: int) -> list[Found]:
        left = [(at, line) for at, line in enumerate(lines, number) if line.strip()]
        found: list[Found] = []
        tried = 0
        while left:
            if tried == len(self._known) and not self._learn(left[0][1]):
                return []
            shape = self._known[tried]
            tried += 1
            matches = [(at, line, shape.scalars.fullmatch(line)) for at, line in left]
            rows = [(at, match.groups()) for at, _, match in matches if match is not None]
            left = [(at, line) for at, line, match in matches if match is None]
            if rows:
                cells = zip(*[row for _, row in rows], strict=True)
                members = {name: self._read(column) for name, column in zip(shape.names, cells, strict=True)}
                found.append(Found([at for at, _ in rows], members, plain=False))
        return found

    def _read(self, spelled: Sequence[bytes]) -> Extra:
        """Return values from their spelling: texts, or canonical JSON where not all are texts."""
        if all(cell[0] == ord('"') for cell in spelled):
            texts = [cell[1:-1] if b"\\" not in cell else canonical.decode(cell).encode() for cell in spelled]
            return Extra(texts)
        return Extra([self._canonical(cell) for cell in spelled], json=True)

    def _canonical(self, cell: bytes) -> bytes:
        if len(self._spelled) > _REMEMBERED:
            self._spelled.clear()
        if cell not in self._spelled:
            self._spelled[cell] = canonical.encode(canonical.decode(cell))
        return self._spelled[cell]

    def _learn(self, line: bytes) -> bool:
        """Add the shape of a line; False when it has none, or there are too many."""
        try:
            value = canonical.decode(line)
        except DataError:
            return False
        if not isinstance(value, dict) or not value or len(self._known) == _MOST:
            return False
        for comma, colon in _SPELLINGS:
            for ascii_only in (False, True):
                begins = [re.escape(f"{json.dumps(name, ensure_ascii=ascii_only)}{colon}".encode()) for name in value]
                words, scalars = [
                    rb"\{" + comma.encode().join([begin + cell for begin in begins]) + rb"\}"
                    for cell in (_WORDS, _SCALAR)
                ]
                if re.fullmatch(scalars, line):
                    self._known.append(Shape(tuple(value), re.compile(words + rb"\n"), re.compile(scalars)))
                    return True
        return False
