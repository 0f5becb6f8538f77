"""Offsets of other programs as code points: UTF-16 units, as JavaScript and Java count, and bytes of UTF-8."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from typing import Literal

from labelvc.errors import DataError

Unit = Literal["codepoints", "utf16", "bytes"]
_WIDTHS = {"utf16": "utf-16-le", "bytes": "utf-8"}
_BYTES = {"utf16": 2, "bytes": 1}
_NOUNS = {"codepoints": "code points", "utf16": "UTF-16 units", "bytes": "bytes"}


class Offsets:
    """One text, measured in one unit.

    Args:
        text: the text.
        unit: what its offsets count.

    Raises:
        DataError: the text holds half of a surrogate pair, which has no place in UTF-8 or UTF-16.
    """

    def __init__(self, text: str, unit: Unit) -> None:
        self._unit, self._length = unit, len(text)
        self._starts: Sequence[int] = range(len(text) + 1)
        if unit != "codepoints" and not (unit == "bytes" and text.isascii()):
            try:
                widths = [len(character.encode(_WIDTHS[unit])) // _BYTES[unit] for character in text]
            except UnicodeEncodeError:
                raise DataError("a text holds half of a surrogate pair, which cannot be stored") from None
            self._starts = list(accumulate(widths, initial=0))

    def code_points(self, start: int, end: int) -> tuple[int, int]:
        """Return a span in code points.

        Args:
            start: where it begins.
            end: where it ends, not included.

        Raises:
            DataError: it is empty, lies outside of the text, or cuts a character in two.
        """
        if not 0 <= start < end <= self._starts[-1]:
            message = f"the span [{start},{end}] does not lie in a text of {self._starts[-1]} {_NOUNS[self._unit]}"
            raise DataError(
                message, hint="--offsets with the unit that the source counts in: codepoints, utf16 or bytes"
            )
        found = bisect_left(self._starts, start), bisect_left(self._starts, end)
        if (self._starts[found[0]], self._starts[found[1]]) != (start, end):
            message = f"the span [{start},{end}] cuts a character in two, counted in {_NOUNS[self._unit]}"
            raise DataError(
                message, hint="--offsets with the unit that the source counts in: codepoints, utf16 or bytes"
            )
        return found
