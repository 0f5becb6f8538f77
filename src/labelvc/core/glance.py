"""The glance: which of many texts hold anything that the sieve need look at, told in a pass or three over all of them.

With google-re2 (the extra `fast`) one automaton passes over the texts and knows a date from a telephone number. Without it
`bytes.translate` tells which texts have a digit or a mark that some value has, and the sieve has more of them to look at.
"""

from __future__ import annotations

import importlib
import string
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any

from labelvc.codec.detectors import NUMBERS, RUN
from labelvc.core import views

MARK = "\x1f"
"""Stands between texts that are looked at together."""
LEAST = 1 << 14
"""Bytes of text for which it is worth to load google-re2."""
_MARK = MARK.encode()
_ASCII = bytes(range(128))
_MANY_LETTERS = 64
_IN_RUN = string.ascii_letters + string.digits + "_-+/="
_RUN = b"x" * RUN
_RUNS = bytes(ord("x") if chr(byte) in _IN_RUN else byte for byte in range(256))
_TELLING = bytes(
    ord("!") if chr(byte) in "@%\\&:=" + string.digits else byte if chr(byte) == MARK else ord(" ")
    for byte in range(256)
)
_NEEDLES = (
    rb"[@%\\]",
    rb"&[#abcdehlnps]",
    rb"=[0-9A-F\r\n]",
    rb"-----",
    rb"age-encryption\.org/v1",
    rb":[0-9A-Fa-f]{0,4}:",
    rb"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]",
    rb"[0-9](?:[ ./()+-]*[0-9]){%d}" % (NUMBERS - 1),
    rb"[^0-9A-Za-z][A-Za-z]{2}[0-9]{2}",
    rb"[A-Za-z]{6}[0-9]{2}[A-Za-z]",
    rb"[0-9A-Za-z_+/=-]{%d}" % RUN,
)
"""What every value of some sieve has (`labelvc.codec.detectors.Sieve`), in RE2's syntax; none reaches over a mark."""
_MEMORY = 1 << 26
"""Bytes of states that the automaton may remember: digits and letters in long runs lead it through many."""


def telling(texts: Sequence[str]) -> list[int]:
    """Return the positions of the texts in which anything can be found, in order.

    Args:
        texts: any texts.
    """
    data = (MARK + joined(texts)).encode("utf-8", "surrogatepass")
    automaton = _automaton() if len(data) >= LEAST else None
    found = set(_by_bytes(data) if automaton is None else _by_automaton(automaton, data))
    if not data.isascii():
        found.update(folding(texts, data))
    return sorted(found)


def joined(texts: Sequence[str]) -> str:
    """Return texts as one, a mark between each two; a mark in one of them is a blank."""
    whole = MARK.join(texts)
    return whole if whole.count(MARK) == len(texts) - 1 else MARK.join([text.replace(MARK, " ") for text in texts])


def holding(data: bytes, needle: bytes) -> Iterator[int]:
    """Yield the positions of the texts, parted by marks, that hold a needle."""
    number = seen = 0
    at = data.find(needle)
    while at >= 0:
        number += data.count(_MARK, seen, at)
        yield number
        seen = data.find(_MARK, at)
        if seen < 0:
            return
        at = data.find(needle, seen)


def folding(texts: Sequence[str], data: bytes) -> Iterator[int]:
    """Yield the positions of the texts in which some character is folded; `data` are the texts, parted by marks."""
    letters = [
        letter for letter in set(data.translate(None, _ASCII).decode("utf-8", "surrogatepass")) if views.odd(letter)
    ]
    if len(letters) > _MANY_LETTERS:
        yield from (at for at, text in enumerate(texts) if not text.isascii())
        return
    first = data.startswith(_MARK)
    for letter in letters:
        yield from (at - first for at in holding(data, letter.encode("utf-8", "surrogatepass")))


def _by_bytes(data: bytes) -> Iterator[int]:
    """Yield the positions of texts, each after a mark, with a digit, a mark of a value, five dashes or a long run."""
    for shown, needle in ((data.translate(_TELLING), b"!"), (data, b"-----"), (data.translate(_RUNS), _RUN)):
        yield from (at - 1 for at in holding(shown, needle))


def _by_automaton(automaton: Any, data: bytes) -> Iterator[int]:
    """Yield the positions of texts, each after a mark, in which a needle is."""
    number, at = -1, 0
    while (found := automaton.search(data, at)) is not None:
        place = found.start()
        number += data.count(_MARK, at, place + 1)
        yield number
        at = data.find(_MARK, place + 1)
        if at < 0:
            return


@lru_cache(maxsize=1)
def _automaton() -> Any:
    """Return the automaton of all needles; None without google-re2, whose name other packages have taken too."""
    with suppress(ImportError, AttributeError):
        re2 = importlib.import_module("re2")
        options = re2.Options()
        options.encoding, options.max_mem = re2.Options.Encoding.LATIN1, _MEMORY
        return re2.compile(b"|".join(_NEEDLES), options)
    return None
