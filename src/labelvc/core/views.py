"""Views: other ways in which a text may be written - full-width digits, invisible marks, escapes, base64, hex - read plainly."""

from __future__ import annotations

import binascii
import re
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from labelvc.codec.detectors import RUN

_ESCAPES = re.compile(
    r"(?:%[0-9A-Fa-f]{2})+|\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4})|&#(?:[0-9]{1,7}|[xX][0-9A-Fa-f]{1,6});"
    r"|&(?:commat|period|lowbar|plus|colon|hyphen|dash|nbsp|sol|num);"
)
_NAMED = {"&commat;": "@", "&period;": ".", "&lowbar;": "_", "&plus;": "+", "&colon;": ":", "&hyphen;": "-", "&dash;": "-", "&nbsp;": " ", "&sol;": "/", "&num;": "#"}  # fmt: skip
"""Of the named characters of HTML (WHATWG HTML section 13.5) those of which values are made."""
_BASE64 = re.compile(rf"[A-Za-z0-9+/_-]{{{RUN},}}={{0,2}}")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+")
_SHORTEST = 9
"""Bytes: nothing shorter than what 16 hex digits or 12 letters of base64 hold is looked at."""
_DASHES = frozenset("\u2010\u2011\u2012\u2013\u2212\ufe63\uff0d")
_FULL_STOPS = frozenset("\uff0e\uff61\u2024")
_TELLING = frozenset("@.%+-_")
"""The marks of which values are made; other full-width punctuation is how Chinese and Japanese are written, and stays."""


class View(NamedTuple):
    """A text read in another way.

    Attributes:
        text: what it says.
        starts: for each of its characters, where what it was written as begins in the original.
        ends: and where that ends.
        whole: whether only all of it has a place in the original: a value inside covers all of that.
    """

    text: str
    starts: Sequence[int]
    ends: Sequence[int]
    whole: bool = False

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Return where a piece of the view stands in the original."""
        if self.whole:
            return self.starts[0], self.ends[-1]
        return self.starts[start], self.ends[end - 1]


def views(text: str) -> Iterator[View]:
    """Yield what a text says when it is read in each other way that it may be written in; nothing for plain text.

    Compatibility forms, other digits and marks that show as nothing are folded into one view; escapes are decoded in it; words of base64 and hex that decode to text are each a view of their own. One level deep.
    """
    folded = None
    if not text.isascii():
        folded = _folded(text)
        if folded is not None:
            yield folded
    if "%" in text or "\\" in text or "&" in text:
        decoded = _escapes(folded or View(text, range(len(text)), range(1, len(text) + 1)))
        if decoded is not None:
            yield decoded
    for word in _BASE64.finditer(text):
        said = _hidden(word[0])
        if said is not None:
            yield View(said, (word.start(),), (word.end(),), whole=True)


def odd(text: str) -> bool:
    """Tell whether some character of a text would be folded."""
    return any(_plain(letter) != letter for letter in set(text) if not letter.isascii())


@lru_cache(maxsize=4096)
def _plain(letter: str) -> str:
    """Return what a character stands for: NFKC, digits of any script as ASCII, formats as nothing."""
    if letter in _DASHES:
        return "-"
    if letter in _FULL_STOPS:
        return "."
    category = unicodedata.category(letter)
    if category == "Cf" or "\ufe00" <= letter <= "\ufe0f":
        return ""
    if category == "Nd":
        return str(unicodedata.decimal(letter))
    if category == "Zs":
        return " "
    plain = unicodedata.normalize("NFKC", letter)
    return plain if plain.isascii() and (plain in _TELLING or plain.isalnum()) else letter


def _folded(text: str) -> View | None:
    folds = {ord(letter): plain for letter in set(text) if not letter.isascii() and (plain := _plain(letter)) != letter}
    if not folds:
        return None
    if all(len(plain) == 1 for plain in folds.values()):
        return View(text.translate(folds), range(len(text)), range(1, len(text) + 1))
    starts: list[int] = []
    for at, letter in enumerate(text):
        starts += [at] * len(folds.get(ord(letter), letter))
    return View(text.translate(folds), starts, [at + 1 for at in starts])


def _escapes(view: View) -> View | None:
    """Decode percent signs (RFC 3986 section 2.1), `&#64;` and `&commat;` of HTML and what JSON, YAML and programs write with a backslash."""
    letters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    at = 0
    for found in _ESCAPES.finditer(view.text):
        letters.append(view.text[at : found.start()])
        starts += view.starts[at : found.start()]
        ends += view.ends[at : found.start()]
        said = _said(found[0])
        letters.append(said)
        starts += [view.starts[found.start()]] * len(said)
        ends += [view.ends[found.end() - 1]] * len(said)
        at = found.end()
    if not at:
        return None
    return View("".join(letters) + view.text[at:], starts + list(view.starts[at:]), ends + list(view.ends[at:]))


def _said(escaped: str) -> str:
    """Return what one escape stands for."""
    if escaped in _NAMED:
        return _NAMED[escaped]
    if escaped[0] == "%":
        return unquote_to_bytes(escaped).decode(errors="replace")
    number = escaped.lstrip("\\ux&#X").rstrip(";")
    code = int(number, 10 if escaped[0] == "&" and escaped[2] not in "xX" else 16)
    return chr(code) if code <= sys.maxunicode else "\ufffd"


def _hidden(word: str) -> str | None:
    """Return the text that a word is the base64 (RFC 4648 sections 4 and 5) or the hex of; None when it is no text."""
    candidates = []
    if _HEX.fullmatch(word):
        candidates.append(bytes.fromhex(word))
    bare = word.rstrip("=").translate(str.maketrans("-_", "+/"))
    if len(bare) % 4 != 1:
        try:
            candidates.append(binascii.a2b_base64(bare + "=" * (-len(bare) % 4)))
        except binascii.Error:
            return None
    for data in candidates:
        wide = next(
            (form for at, form in ((1, "utf-16-le"), (0, "utf-16-be")) if data and not any(data[at::2])), "utf-8"
        )
        try:
            said = data.decode(wide)
        except UnicodeDecodeError:
            continue
        if len(said) >= _SHORTEST and all(letter.isprintable() or letter in "\t\r\n" for letter in said):
            return said
    return None
