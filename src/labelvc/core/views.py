"""Views: other ways in which a text may be written - full-width digits, invisible marks, escapes, mail, base64, hex - read plainly."""

from __future__ import annotations

import binascii
import re
import sys
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from labelvc.codec.detectors import RUN

_ESCAPES = re.compile(
    r"(?:%(?:25)*[0-9A-Fa-f]{2})+|%u[0-9A-Fa-f]{4}"
    r"|(?<!\\)\\++(?:x[0-9A-Fa-f]{2}|u[dD][89ABab][0-9A-Fa-f]{2}\\++u[dD][C-Fc-f][0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|u\{[0-9A-Fa-f]{1,6}\}"
    r"|U[0-9A-Fa-f]{8}|[0-3][0-7]{2})|\\[\\nrt/\"']"
    r"|&(?:amp;)*#(?:[xX]0*[0-9A-Fa-f]{1,6}|0*[0-9]{1,7});?"
    r"|&(?:amp;)*(?:commat|period|lowbar|plus|colon|hyphen|dash|nbsp|sol|num|amp|equals|percnt|bsol);"
)
"""What was escaped once, or again and again: `%252540`, `\\\\\\\\u0040`, `&amp;amp;#64;`; backslashes in a row are looked over once."""
_AGAIN = re.compile(r"(?<=%)(?:25)+(?=[0-9A-Fa-f]{2})|(?<=&)(?:amp;)+(?=.)|\\+(?=\\[xuU0-3])")
_NAMED = {
    "&commat;": "@", "&period;": ".", "&lowbar;": "_", "&plus;": "+", "&colon;": ":", "&hyphen;": "-", "&dash;": "-", "&nbsp;": " ",
    "&sol;": "/", "&num;": "#", "&amp;": "&", "&equals;": "=", "&percnt;": "%", "&bsol;": "\\",
}  # fmt: skip
"""Of the named characters of HTML (WHATWG HTML section 13.5) those of which values and escapes are made."""
_QUOTED = re.compile(r"(?:=[0-9A-F]{2})+|=\r?\n")
_IS_QUOTED = re.compile(r"=(?:[0-9][0-9A-F]|[A-F][0-9]|\r?\n)")
"""Quoted-printable (RFC 2045 section 6.7): an octet, and a line that goes on in the next."""
_BASE64 = re.compile(rf"[A-Za-z0-9+/_-]{{{RUN - 2}}}(?:[A-Za-z0-9+/_-]{{2,}}={{0,2}}|[A-Za-z0-9+/_-]=|==)")
"""Words of so many letters, padding counted: what is shorter is a word of every other text."""
_BLOCK = re.compile(r"(?m)^(?:[A-Za-z0-9+/]{60,76}[ \t]*\r?\n)+[A-Za-z0-9+/]{1,76}={0,2}")
"""Base64 in lines of 64 (RFC 7468) or 76 (RFC 2045 section 6.8): a value may begin in one and end in the next."""
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+")
_DEEPEST = 4
"""Ways of writing that may lie on one another: base64 of percent signs in a string of JSON, in full width."""
_MOST, LEAST = 3, 1 << 17
"""How many times its own length the readings of a text may have together, and how many characters those of any text."""
REACH = 128
"""Characters on each side of what is written otherwise: no value with blanks in it, and no word beside one, is longer."""
_EDGE = 64
"""So far from where a view was cut a value is judged by words that were cut off; it is no news, since nothing changed there."""
_GAP = re.compile(r"[ \t\n](?:(?<=[^\W\d_][ \t\n])|(?=[^\W\d_]))")
"""Blanks that no number goes on over: a letter stands on one side of them."""
_SHORTEST = 9
"""Characters that a word of base64 or hex must say: with `RUN`, 10 bytes in base64 with its padding, 12 without, and 9 in hex."""
_COMMON = 64
"""Characters of a word that may stand again and again, so that what it hides is remembered."""
_DASHES = frozenset("\u2010\u2011\u2012\u2013\u2212\ufe63\uff0d")
_FULL_STOPS = frozenset("\uff0e\uff61\u2024")
_TAGS, _LAST_TAG = "\U000e0020", "\U000e007e"
"""Tag characters say ASCII and show as nothing (Unicode section 23.9)."""
_NOTHING = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
"""Default_Ignorable_Code_Point of Unicode's DerivedCoreProperties.txt that are no format characters."""
_BLANK_BRAILLE = "\u2800"
_LINES = str.maketrans("", "", "\t\r\n")
_LETTERS = {"n": "\n", "r": "\r", "t": "\t"}
_SHORT, _PAIR = len("\\n"), len("\\ud835\\udc1a")
_TELLING = frozenset("@.%+-_")
"""The marks of which values are made; other full-width punctuation is how Chinese and Japanese are written, and stays."""


class Changes(NamedTuple):
    """What a reading changed, in order.

    Attributes:
        starts, ends: where each change stands in what is read.
        old_starts, old_ends: and where in what it was read from.
    """

    starts: list[int]
    ends: list[int]
    old_starts: list[int]
    old_ends: list[int]

    def back(self, start: int, end: int) -> tuple[int, int]:
        """Return where a piece of what is read stands in what it was read from; of a change, all of it."""
        at = bisect_right(self.starts, start) - 1
        if at >= 0:
            start = self.old_starts[at] if start < self.ends[at] else start - self.ends[at] + self.old_ends[at]
        at = bisect_left(self.starts, end) - 1
        if at >= 0:
            end = self.old_ends[at] if end <= self.ends[at] else end - self.ends[at] + self.old_ends[at]
        return start, end


class View(NamedTuple):
    """A text, or the part of it around what is written in another way, read in that way.

    Attributes:
        text: what it says.
        above: what it was read from; None for the text itself.
        first: where it begins there.
        changes: how it differs from what stands there; None for not at all.
        word: where the word stands there that it is the base64 or hex of.
        whole: whether only all of that word has a place in the text: a value inside covers all of it.
        cut: whether the text goes on before it, and after it.
        folded: whether it is another with letters folded, which was read in all other ways itself.
    """

    text: str
    above: View | None = None
    first: int = 0
    changes: Changes | None = None
    word: tuple[int, int] | None = None
    whole: bool = False
    cut: tuple[bool, bool] = (False, False)
    folded: bool = False

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Return where a piece of the view, of one character at least, stands in the original."""
        view = self
        while view.above is not None:
            if view.word:
                start, end = view.word
            else:
                start, end = view.changes.back(start, end) if view.changes else (start, end)
            start, end, view = start + view.first, end + view.first, view.above
        return start, end

    def tells(self, start: int, end: int) -> bool:
        """Tell whether a piece of the view is judged by all that stands beside it: it lies in no edge that was cut."""
        return not (self.cut[0] and end <= _EDGE) and not (self.cut[1] and start >= len(self.text) - _EDGE)


class Readings(NamedTuple):
    """What a text says when it is read in each other way that it may be written in.

    Attributes:
        views: what was read.
        complete: whether that is all; else it is written in so many ways that nobody read the rest.
    """

    views: list[View]
    complete: bool = True


def views(text: str, reach: int = REACH) -> Readings:
    """Return what a text says when it is read in each other way that it may be written in; nothing for plain text.

    Compatibility forms, other digits and marks that show as nothing are folded; escapes are decoded, and what mail quotes;
    words of base64 and hex that decode to text are each a view of their own. Each is read again, four deep. Only what is
    near enough to something that changed to be one value with it is read, so that a long text costs what changes in it does;
    and where that is more than three times the text there is no end to it: then the readings are not complete.

    Args:
        text: any text.
        reach: how many characters on each side of a change are read with it, and on to the next gap between words.
    """
    layer = [View(text)]
    seen = {(text, 0, len(text))}
    left = max(LEAST, _MOST * len(text))
    found: list[View] = []
    for depth in range(_DEEPEST):
        above, layer = layer, []
        for new in (new for view in above for new in _read(view, reach, mail=not depth or view.whole)):
            if _fresh(new, seen):
                left -= len(new.text)
                if left < 0:
                    return Readings(found, complete=False)
                layer.append(new)
                found.append(new)
    return Readings(found)


def _fresh(view: View, seen: set[tuple[str, int, int]]) -> bool:
    """Tell whether a view says anything that none before says in the same place, and remember it."""
    if not view.text:
        return False
    one = (view.text, *view.place(0, len(view.text)))
    known = one in seen
    seen.add(one)
    return not known


def _read(view: View, reach: int, *, mail: bool) -> Iterator[View]:
    """Yield what a view says when it is read in each other way, one level deep; of a folded one only the words in it."""
    folds = {} if view.folded or view.text.isascii() else _folds(view.text)
    if folds:
        for first, last in _parts(view.text, f"[{re.escape(''.join(sorted(folds)))}]+", reach):
            yield _folded(_part(view, first, last), folds)._replace(folded=True)
    plain = _folded(view, folds) if folds else view
    if not view.folded and ("%" in plain.text or "\\" in plain.text or "&" in plain.text):
        for first, last in _parts(plain.text, _ESCAPES, reach):
            yield from _decoded(_part(plain, first, last), _ESCAPES, _said)
    if not view.folded and mail and _IS_QUOTED.search(plain.text):
        for first, last in _parts(plain.text, _QUOTED, reach):
            yield from _decoded(_part(plain, first, last), _QUOTED, _unquoted)
    for pattern in (_BLOCK, _BASE64):
        for word in pattern.finditer(view.text):
            said = _hidden("".join(word[0].split())) if len(word[0]) > _COMMON else _hidden_again(word[0])
            if said is not None:
                yield View(said, view, word=word.span(), whole=True)


def _parts(text: str, pattern: re.Pattern[str] | str, reach: int) -> list[tuple[int, int]]:
    """Return the parts of a text around the matches of a pattern: `reach` on each side, then to the next gap; none touch."""
    if len(text) <= 4 * reach:
        return [(0, len(text))]
    parts: list[tuple[int, int]] = []
    begin, reached = -1, 0
    for match in re.finditer(pattern, text):
        start, end = match.span()
        if begin < 0:
            begin = _gap_before(text, 0, max(start - reach, 0), reach)
        elif start - reach > reached:
            reached = _gap(text, reached)
            following = _gap_before(text, reached, start - reach, reach)
            if following > reached:
                parts.append((begin, reached))
                begin = following
        reached = max(reached, end + reach)
    if begin >= 0:
        parts.append((begin, _gap(text, reached)))
    return parts


def _gap(text: str, at: int) -> int:
    """Return where the first gap from a place on begins."""
    gap = _GAP.search(text, at)
    return gap.start() if gap else len(text)


def _gap_before(text: str, least: int, at: int, step: int) -> int:
    """Return where the last gap before a place begins; `least`, or before it, if there is none after that."""
    while at > least:
        before = max(at - step, least)
        gaps = [found.start() for found in _GAP.finditer(text, before, at)]
        if gaps:
            return gaps[-1]
        at = before
    return at


def _part(view: View, first: int, last: int) -> View:
    """Return a part of a view."""
    text = view.text
    if not first and last == len(text):
        return view
    cut = (first > 0 or view.cut[0], last < len(text) or view.cut[1])
    return View(text[first:last], view, first, whole=view.whole, cut=cut)


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


def _folds(text: str) -> dict[str, str]:
    """Return the letters of a text that stand for others, and for which."""
    return {letter: plain for letter in set(text) if not letter.isascii() and (plain := _plain(letter)) != letter}


def _folded(view: View, folds: Mapping[str, str]) -> View:
    """Return a view with letters as what they stand for."""
    wider = "".join([letter for letter, plain in folds.items() if len(plain) != 1])
    found = re.finditer(f"[{re.escape(wider)}]", view.text) if wider else ()
    changes = _changes([(one.start(), one.end(), len(folds[one[0]])) for one in found])
    table = {ord(letter): plain for letter, plain in folds.items()}
    return _read_as(view, view.text.translate(table), changes)


def _decoded(view: View, pattern: re.Pattern[str], say: Callable[[str], str]) -> Iterator[View]:
    """Yield a view with each match of a pattern as it is said; nothing where none matches."""
    made: list[tuple[int, int, int]] = []

    def put(found: re.Match[str]) -> str:
        said = say(found[0])
        made.append((*found.span(), len(said)))
        return said

    text = pattern.sub(put, view.text)
    if made:
        yield _read_as(view, text, _changes(made))


def _read_as(view: View, text: str, changes: Changes | None) -> View:
    return View(text, view, changes=changes, whole=view.whole, cut=view.cut)


def _changes(made: Sequence[tuple[int, int, int]]) -> Changes | None:
    """Return changes of which it is known where what was written begins and ends, and how long is what it says."""
    if not made:
        return None
    shifts = accumulate([said - end + start for start, end, said in made], initial=0)
    starts = [start + shift for (start, _, _), shift in zip(made, shifts, strict=False)]
    ends = [start + said for start, (_, _, said) in zip(starts, made, strict=True)]
    return Changes(starts, ends, [start for start, _, _ in made], [end for _, end, _ in made])


@lru_cache(maxsize=4096)
def _said(escaped: str) -> str:
    """Return what percent signs (RFC 3986 section 2.1), characters of HTML and what JSON, YAML and programs write with a backslash stand for."""
    escaped = _AGAIN.sub("", escaped)
    if escaped in _NAMED:
        return _NAMED[escaped]
    if escaped.startswith("%") and escaped[1] != "u":
        return unquote_to_bytes(escaped).decode(errors="replace")
    if len(escaped) == _SHORT:
        return _LETTERS.get(escaped[1], escaped[1])
    if len(escaped) == _PAIR and escaped[0] == "\\":
        return bytes.fromhex(escaped[2:6] + escaped[8:]).decode("utf-16-be")
    if escaped[1].isdigit():
        return chr(int(escaped[1:], 8))
    number = escaped.lstrip("%\\xuU{&#X").rstrip(";}")
    code = int(number or "0", 10 if escaped[0] == "&" and escaped[2] not in "xX" else 16)
    return chr(code) if code <= sys.maxunicode else "\ufffd"


@lru_cache(maxsize=4096)
def _unquoted(quoted: str) -> str:
    """Return what octets of quoted-printable say; nothing for the end of a line that goes on in the next."""
    return "" if quoted[-1] == "\n" else bytes.fromhex(quoted.replace("=", "")).decode(errors="replace")


def _hidden(word: str) -> str | None:
    """Return the text that a word is the base64 (RFC 4648 sections 4 and 5) or the hex of; None when it is no text."""
    candidates = []
    if _HEX.fullmatch(word):
        candidates.append(bytes.fromhex(word))
    bare = word.rstrip("=").replace("-", "+").replace("_", "/")
    if len(bare) % 4 != 1:
        try:
            candidates.append(binascii.a2b_base64(bare + "=" * (-len(bare) % 4)))
        except binascii.Error:
            return None
    for data in candidates:
        try:
            said = data.decode(_encoding(data))
        except UnicodeDecodeError:
            continue
        if len(said) >= _SHORTEST and (said.isprintable() or said.translate(_LINES).isprintable()):
            return said
    return None


_hidden_again = lru_cache(maxsize=4096)(_hidden)


def _encoding(data: bytes) -> str:
    """Return the encoding of a text in bytes: UTF-16 where every second is zero."""
    if not data[1::2].strip(b"\0"):
        return "utf-16-le"
    return "utf-8" if data[::2].strip(b"\0") else "utf-16-be"
