"""Views: other ways in which a text may be written - full-width digits, invisible marks, escapes, mail, base64, hex - read plainly."""

from __future__ import annotations

import binascii
import re
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from labelvc.codec.detectors import RUN

_ESCAPES = re.compile(
    r"(?:%[0-9A-Fa-f]{2})+"
    r"|\\(?:x[0-9A-Fa-f]{2}|u[dD][89ABab][0-9A-Fa-f]{2}\\u[dD][C-Fc-f][0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|u\{[0-9A-Fa-f]{1,6}\}"
    r"|U[0-9A-Fa-f]{8}|[0-3][0-7]{2}|[\\nrt/\"'])"
    r"|&#(?:[xX][0-9A-Fa-f]{1,6}|[0-9]{1,7});?"
    r"|&(?:commat|period|lowbar|plus|colon|hyphen|dash|nbsp|sol|num|amp|equals|percnt|bsol);"
)
_NAMED = {
    "&commat;": "@", "&period;": ".", "&lowbar;": "_", "&plus;": "+", "&colon;": ":", "&hyphen;": "-", "&dash;": "-", "&nbsp;": " ",
    "&sol;": "/", "&num;": "#", "&amp;": "&", "&equals;": "=", "&percnt;": "%", "&bsol;": "\\",
}  # fmt: skip
"""Of the named characters of HTML (WHATWG HTML section 13.5) those of which values and escapes are made."""
_QUOTED = re.compile(r"(?:=[0-9A-F]{2})+|=\r?\n")
_IS_QUOTED = re.compile(r"=(?:[0-9][0-9A-F]|[A-F][0-9]|\r?\n)")
"""Quoted-printable (RFC 2045 section 6.7): an octet, and a line that goes on in the next."""
_BASE64 = re.compile(rf"[A-Za-z0-9+/_-]{{{RUN},}}={{0,2}}")
_BLOCK = re.compile(r"(?m)^(?:[A-Za-z0-9+/]{60,76}[ \t]*\r?\n)+[A-Za-z0-9+/]{1,76}={0,2}")
"""Base64 in lines of 64 (RFC 7468) or 76 (RFC 2045 section 6.8): a value may begin in one and end in the next."""
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+")
_DEEPEST = 3
"""Ways of writing that may lie on one another: base64 of percent signs in a string of JSON."""
_DEEPER = 1 << 16
"""Characters that the deeper readings of a text may have together; of a longer text as many as it has itself."""
_SHORTEST = 9
"""Bytes: nothing shorter than what 16 hex digits or 12 letters of base64 hold is looked at."""
_DASHES = frozenset("\u2010\u2011\u2012\u2013\u2212\ufe63\uff0d")
_FULL_STOPS = frozenset("\uff0e\uff61\u2024")
_TAGS, _LAST_TAG = "\U000e0020", "\U000e007e"
"""Tag characters say ASCII and show as nothing (Unicode section 23.9)."""
_NOTHING = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
"""Default_Ignorable_Code_Point of Unicode's DerivedCoreProperties.txt that are no format characters."""
_BLANK_BRAILLE = "\u2800"
_LETTERS = {"n": "\n", "r": "\r", "t": "\t"}
_SHORT, _PAIR = len("\\n"), len("\\ud835\\udc1a")
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

    Compatibility forms, other digits and marks that show as nothing are folded into one view; escapes are decoded in it, and
    what mail quotes; words of base64 and hex that decode to text are each a view of their own. Each is read again, three
    deep; the deeper ones as far as they have no more characters than the text, so that a reading costs what its length does.
    """
    layer = [View(text, range(len(text)), range(1, len(text) + 1))]
    seen = {(text, 0, len(text))}
    left = max(_DEEPER, len(text))
    for depth in range(_DEEPEST):
        layer = [new for view in layer for new in _read(view, mail=not depth or view.whole) if _fresh(new, seen)]
        if depth:
            kept = list(accumulate((len(view.text) for view in layer), initial=0))
            layer = [view for view, until in zip(layer, kept[1:], strict=True) if until <= left]
            left -= sum(len(view.text) for view in layer)
        yield from layer


def _fresh(view: View, seen: set[tuple[str, int, int]]) -> bool:
    """Tell whether nothing that was read before says the same in the same place, and remember it."""
    one = (view.text, *view.place(0, len(view.text)))
    known = one in seen
    seen.add(one)
    return not known


def _read(view: View, *, mail: bool) -> Iterator[View]:
    """Yield what a view says when it is read in each other way, one level deep."""
    folded = None if view.text.isascii() else _folded(view)
    if folded is not None:
        yield folded
    plain = folded or view
    if "%" in plain.text or "\\" in plain.text or "&" in plain.text:
        yield from _decoded(plain, _ESCAPES, _said)
    if mail and _IS_QUOTED.search(plain.text):
        yield from _decoded(plain, _QUOTED, _unquoted)
    for each in (view, folded) if folded else (view,):
        for pattern in (_BLOCK, _BASE64):
            for word in pattern.finditer(each.text):
                said = _hidden("".join(word[0].split()))
                if said is not None:
                    start, end = each.place(word.start(), word.end())
                    yield View(said, (start,), (end,), whole=True)


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
    if _TAGS <= letter <= _LAST_TAG:
        return chr(ord(letter) - ord(_TAGS) + ord(" "))
    category = unicodedata.category(letter)
    if category == "Cf" or _NOTHING.match(letter):
        return ""
    if letter == _BLANK_BRAILLE:
        return " "
    if category == "Nd":
        return str(unicodedata.decimal(letter))
    if category == "Zs":
        return " "
    plain = unicodedata.normalize("NFKC", letter)
    return plain if plain.isascii() and (plain in _TELLING or plain.isalnum()) else letter


def _folded(view: View) -> View | None:
    text = view.text
    folds = {ord(letter): plain for letter in set(text) if not letter.isascii() and (plain := _plain(letter)) != letter}
    if not folds:
        return None
    said = text.translate(folds)
    if view.whole or all(len(plain) == 1 for plain in folds.values()):
        return view._replace(text=said)
    wider = "".join([chr(letter) for letter, plain in folds.items() if len(plain) != 1])
    starts: list[int] = []
    ends: list[int] = []
    at = 0
    for found in re.finditer(f"[{re.escape(wider)}]", text):
        place = found.start()
        more = len(folds[ord(found[0])])
        starts += (*view.starts[at:place], *[view.starts[place]] * more)
        ends += (*view.ends[at:place], *[view.ends[place]] * more)
        at = place + 1
    return View(said, starts + list(view.starts[at:]), ends + list(view.ends[at:]))


def _decoded(view: View, pattern: re.Pattern[str], say: Callable[[str], str]) -> Iterator[View]:
    """Yield a view with each match of a pattern as it is said; nothing where none matches."""
    letters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    at = 0
    for found in pattern.finditer(view.text):
        said = say(found[0])
        letters += (view.text[at : found.start()], said)
        if not view.whole:
            starts += view.starts[at : found.start()]
            ends += view.ends[at : found.start()]
            starts += [view.starts[found.start()]] * len(said)
            ends += [view.ends[found.end() - 1]] * len(said)
        at = found.end()
    if not at:
        return
    text = "".join(letters) + view.text[at:]
    if view.whole:
        yield view._replace(text=text)
    else:
        yield View(text, starts + list(view.starts[at:]), ends + list(view.ends[at:]))


def _said(escaped: str) -> str:
    """Return what percent signs (RFC 3986 section 2.1), characters of HTML and what JSON, YAML and programs write with a backslash stand for."""
    if escaped in _NAMED:
        return _NAMED[escaped]
    if escaped[0] == "%":
        return unquote_to_bytes(escaped).decode(errors="replace")
    if len(escaped) == _SHORT:
        return _LETTERS.get(escaped[1], escaped[1])
    if len(escaped) == _PAIR:
        return bytes.fromhex(escaped[2:6] + escaped[8:]).decode("utf-16-be")
    if escaped[1].isdigit():
        return chr(int(escaped[1:], 8))
    number = escaped.lstrip("\\xuU{&#X").rstrip(";}")
    code = int(number or "0", 10 if escaped[0] == "&" and escaped[2] not in "xX" else 16)
    return chr(code) if code <= sys.maxunicode else "\ufffd"


def _unquoted(quoted: str) -> str:
    """Return what octets of quoted-printable say; nothing for the end of a line that goes on in the next."""
    return "" if quoted[-1] == "\n" else bytes.fromhex(quoted.replace("=", "")).decode(errors="replace")


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
