"""Redaction of free text: personal data in it is replaced, and every label keeps covering what it covered.

Personal data that a label begins or ends in is replaced piece by piece, so that no boundary of a label falls into a
replacement: then each boundary has one place in the new text, and the way back is the same way.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from labelvc.errors import DataError
from labelvc.model.secret import TOKEN

Range = tuple[int, int]
"""Start and end in code points, the end not included."""

_JOINER, _SELECTORS = "\u200d", ("\ufe0e", "\ufe0f")
MARK = "[["
_mark = re.compile(rf"\[\[({TOKEN})((?:~[0-9]+)?)\]\]")


class Piece(NamedTuple):
    """Personal data in a text.

    Attributes:
        start, end: code points.
        kind: kind of value, as pseudonyms have it.
        weight: how sure that is; of two that overlap the surer one stays.
    """

    start: int
    end: int
    kind: str
    weight: float = 1


class Part(NamedTuple):
    """A piece of personal data, or what the boundaries of labels left of it.

    Attributes:
        start, end: code points of this part.
        whole: the piece it is of.
        number: which part of it, from 1; 0 where the piece is whole.
    """

    start: int
    end: int
    whole: Piece
    number: int


class Move(NamedTuple):
    """Where a part was, and where its replacement is."""

    old: Range
    new: Range


class Redacted(NamedTuple):
    """A text without its personal data, and the way from one to the other."""

    text: str
    moves: tuple[Move, ...]

    def place(self, span: Range) -> Range:
        """Return where a label of the old text is in the new one.

        Raises:
            DataError: it begins or ends inside of a replacement: the text was redacted without it.
        """
        return self._along(span, [move.old for move in self.moves], [move.new for move in self.moves])

    def back(self, span: Range) -> Range:
        """Return where a label of the new text is in the old one.

        Raises:
            DataError: it begins or ends inside of a replacement.
        """
        return self._along(span, [move.new for move in self.moves], [move.old for move in self.moves])

    @staticmethod
    def _along(span: Range, before: Sequence[Range], after: Sequence[Range]) -> Range:
        ends = [end for _, end in before]

        def moved(at: int) -> int:
            passed = bisect_right(ends, at)
            if passed < len(before) and before[passed][0] < at:
                raise DataError("a label begins or ends inside of personal data that was replaced whole")
            return at + (after[passed - 1][1] - before[passed - 1][1] if passed else 0)

        return moved(span[0]), moved(span[1])


def apart(text: str, found: Iterable[Piece]) -> list[Piece]:
    """Return personal data that does not overlap: of two that do, the surer, then the longer, then the left one is whole.

    What sticks out of it on the other stays personal data of its own, so that no letter that anything found is left.

    Args:
        text: the text.
        found: personal data in it; what is empty or lies outside is left out.
    """
    ranked = sorted(
        [_whole_characters(text, piece) for piece in found if 0 <= piece.start < piece.end <= len(text)],
        key=lambda piece: (-piece.weight, piece.start - piece.end, piece.start),
    )
    kept: list[Piece] = []
    for piece in ranked:
        kept += _outside(piece, kept)
        kept.sort()
    return kept


def parts(pieces: Iterable[Piece], labels: Iterable[Range]) -> list[Part]:
    """Return personal data cut wherever a label begins or ends strictly inside of it.

    Args:
        pieces: personal data that does not overlap, in order.
        labels: where labels are.
    """
    boundaries = sorted({at for span in labels for at in span})
    found: list[Part] = []
    for piece in pieces:
        inside = boundaries[bisect_right(boundaries, piece.start) : bisect_left(boundaries, piece.end)]
        ends = [piece.start, *inside, piece.end]
        for number, (start, end) in enumerate(pairwise(ends), 1):
            found.append(Part(start, end, piece, number if inside else 0))
    return found


def redacted(text: str, cut: Iterable[Part], instead: Callable[[Part], str]) -> Redacted:
    """Return a text with parts of it replaced.

    Args:
        text: the old text.
        cut: its parts, apart and in order.
        instead: what stands in place of a part; never empty.

    Raises:
        DataError: a replacement is empty, which would leave a label nothing to cover.
    """
    done: list[str] = []
    moves: list[Move] = []
    at = length = 0
    for part in cut:
        new = instead(part)
        if not new:
            raise DataError("personal data in a text cannot be replaced by nothing")
        done += [text[at : part.start], new]
        start = length + part.start - at
        moves.append(Move((part.start, part.end), (start, start + len(new))))
        at, length = part.end, start + len(new)
    return Redacted("".join([*done, text[at:]]), tuple(moves))


def marked(token: str, number: int = 0) -> str:
    """Return how a token stands in a text: `[[prs_...]]`, and `[[prs_...~2]]` for the second part of a piece."""
    return f"{MARK}{token}{f'~{number}' if number else ''}]]"


def marks(text: str) -> list[re.Match[str]]:
    """Return where tokens stand in a text as redaction puts them: group 1 is the token, group 2 the number of a part or empty."""
    return list(_mark.finditer(text))


def exchanged(text: str, instead: Callable[[re.Match[str]], str]) -> Redacted:
    """Return a text with another token in place of each that redaction left, and the way from one to the other.

    Args:
        text: the old text.
        instead: of a match of `marks`, in order, the token that takes the place of its own; the same one where it stays.
    """
    done: list[str] = []
    moves: list[Move] = []
    at = length = 0
    for found in marks(text):
        new = f"{MARK}{instead(found)}{found[2]}]]"
        if new != found[0]:
            done += [text[at : found.start()], new]
            start = length + found.start() - at
            moves.append(Move(found.span(), (start, start + len(new))))
            at, length = found.end(), start + len(new)
    return Redacted("".join([*done, text[at:]]), tuple(moves))


def exchanges(old: str, new: str) -> list[tuple[str, str]] | None:
    """Return the tokens of which one took the other's place in a text; None where anything else differs."""
    one, two = _mark.split(old), _mark.split(new)
    if len(one) != len(two) or any(a != b for at in (0, 2) for a, b in zip(one[at::3], two[at::3], strict=True)):
        return None
    return [(a, b) for a, b in zip(one[1::3], two[1::3], strict=True) if a != b]


def _outside(piece: Piece, kept: Sequence[Piece]) -> list[Piece]:
    """Return what of a piece lies outside of others that are in order."""
    left, found = piece.start, []
    for other in kept:
        if other.end <= left or other.start >= piece.end:
            continue
        if other.start > left:
            found.append(piece._replace(start=left, end=other.start))
        left = other.end
    return [*found, piece._replace(start=left)] if left < piece.end else found


def _whole_characters(text: str, piece: Piece) -> Piece:
    """Return a piece that ends and begins with whole characters: marks, selectors and joined signs belong to what they follow."""
    start, end = piece.start, piece.end
    while end < len(text) and (_continues(text[end]) or text[end - 1] == _JOINER):
        end += 1
    while start and (_continues(text[start]) or text[start - 1] == _JOINER):
        start -= 1
    return piece._replace(start=start, end=end)


def _continues(character: str) -> bool:
    return unicodedata.category(character).startswith("M") or character == _JOINER or character in _SELECTORS
