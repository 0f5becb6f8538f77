"""Surroundings: what stands beside a piece of a text, for detectors that may not use lookaround (RE2 has none)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_WORD = re.compile(r"[^\W\d_]+(?:\.[^\W\d_]\.?)*")
_BEFORE, _AFTER = 32, 12
_FIGURES = b"0123456789"
_JOINS = ".-/:,"
_BLANKS = frozenset(("", " ", "\n"))
_LONGEST_WORD = 24
_NEAR = 64
"""Further than `beside` looks from wherever in a match a value, or its extension, ends."""


def stands_free(text: str, start: int, end: int) -> bool:
    """Tell whether a number stands by itself: it is no part of a longer word, decimal, version or date."""
    before, after = text[start - 1 : start] if start else "", text[end : end + 1]
    if before in _BLANKS and after in _BLANKS:
        return True
    if before and (before == "_" or before.isalnum()):
        return False
    if after and (after == "_" or after.isalnum()):
        return False
    if before and before in _JOINS and start > 1 and _joined(text, start - 2, before):
        return False
    return not (after and after in _JOINS and text[end + 1 : end + 2].isdigit())


def _joined(text: str, at: int, mark: str) -> bool:
    """Tell whether a mark joins what follows to what ends at a place: a digit, or a path as in `10.1000/s.123`.

    A slash after a letter joins nothing: `/users/219-09-9998` is a path (RFC 3986 section 3.3) to somebody.
    """
    if text[at].isdigit():
        return True
    return mark == "." and "/" in text[max(at - _LONGEST_WORD, 0) : at].rpartition(" ")[2]


def beside(text: str, start: int, end: int, words: frozenset[str]) -> bool:
    """Tell whether one of some words stands near: whole words of the 32 characters before and the 12 after.

    A word is compared whole, without case: `lic` is not in `public`, what Presidio's matcher took it for (its issue 1063).

    Args:
        text: all of it.
        start: where the piece begins.
        end: where it ends.
        words: in lower case.
    """
    if not words:
        return False
    near = f"{text[_begun(text, start, _BEFORE) : start]} {text[end : end + _AFTER]}".lower()
    return not words.isdisjoint(_WORD.findall(near))


def before(text: str, start: int, words: frozenset[str], reach: int = _BEFORE) -> bool:
    """Tell whether one of some words stands in the characters before a place."""
    return not words.isdisjoint(_WORD.findall(text[_begun(text, start, reach) : start].lower()))


def nearby(text: str, words: Iterable[str], pieces: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield those pieces of a text near which one of some words may stand: `beside` of what it lets through tells.

    Args:
        text: all of it.
        words: in lower case; within another word they count too.
        pieces: where each begins and ends, in order.
    """
    lower = text.replace("\u0130", "i").lower()  # the one letter that two are written for
    bare = unnumbered(lower)
    places = sorted({at for word in words if word.encode() in bare for at in _places(lower, word)})
    at, last = 0, len(places)
    for start, end in pieces:
        while at < last and places[at] < start - _NEAR:
            at += 1
        if at == last:
            return
        if places[at] < end + _NEAR:
            yield start, end


def unnumbered(text: str) -> bytes:
    """Return a text without its ASCII digits, in which a word that stands in it stands too and can be looked for quickly."""
    return text.encode("utf-8", "surrogatepass").translate(None, _FIGURES)


def _places(text: str, word: str) -> Iterator[int]:
    at = text.find(word)
    while at >= 0:
        yield at
        at = text.find(word, at + 1)


def _begun(text: str, start: int, reach: int) -> int:
    """Return where the word begins that stands so many characters before a place."""
    at = max(start - reach, 0)
    least = max(at - _LONGEST_WORD, 0)
    while at > least and text[at - 1].isalnum():
        at -= 1
    return at
