"""Known people: values that somebody here is known by, found in texts in whatever case, order and spacing, with accents or without.

No pattern knows a name; a list does. A list may be plain, or a filter of keyed digests that tells nothing to who has no gate
key, so that a hook finds names that it does not hold (docs/formats/leaks.md).
"""

from __future__ import annotations

import hmac
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from labelvc.core import views
from labelvc.model.detection import Span

DETECTOR, KIND = "known", "name"
LEAST = 4
"""Letters and digits that a value must have: what is shorter is a word of every other text."""
DIGEST, START = 8, 2
"""Bytes of a digest of a value, and of one of its first word: so few that many other words have the same."""

_INSIDE = "\u00ad\u0300-\u036f\u200b-\u200f\u2060\ufeff\u2019"
_SINGLE = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
"""Scripts that are written without blanks: each of their characters is a word."""
_WORD = rf"[{_SINGLE}]|[^\W_{_SINGLE}](?:[^\W_{_SINGLE}]|[{_INSIDE}'])*"
_ALONE = f"[{_SINGLE}]"
_compiled = lru_cache(maxsize=None)(re.compile)
_FIGURES = re.compile(r"[0-9](?:[ ()./-]{0,3}[0-9]){5,}")
_MARKUP = re.compile(r"<[^<>]{1,40}>|&[a-zA-Z]{2,8};")
"""Tags and named characters of HTML, which part the words of a name and are none."""
_TRUNK = re.compile(r"\(0\)")
_NO_FIGURE = re.compile("[^0-9]+")
_PLAIN = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "'": None, "\u2019": None})  # fmt: skip
_ALIKE = str.maketrans(
    "аеорсухіѕјһԁԛԝνοαικρυτАВЕЅІЈКМНОРСТУХԌԚԜΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "aeopcyxisjhdqwvoaikputABESIJKMHOPCTYXGQWABEZHIKMNOPTYX"
)
"""Letters of Cyrillic and Greek that show as one of Latin (Unicode TS 39 section 4, confusables.txt)."""
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
_UMLAUT = re.compile("[äöü]")
_WRITTEN_OUT = re.compile("([aou])e")
_GAP = 10
"""Characters that may stand between two words of a value: a comma, a line's end and an indent."""
_MOST_WORDS = 8
_SHORTEST_JOINED = 7
_FEWEST_FIGURES, _LONGEST_CODE = 6, 3
_MARK = "\x1f"
Digest = Callable[[str], bytes]
Word = tuple[str, int, int]
"""A word without case, accents and so on, and where it stands."""


class Known(NamedTuple):
    """Values to look for.

    Attributes:
        digests: of every way in which one may be written.
        starts: of the first words of these.
        widths: numbers of words that they have, largest first.
        digest: makes a digest of what stands in a text.
        start: makes one of a first word.
    """

    digests: frozenset[bytes]
    starts: frozenset[bytes]
    widths: tuple[int, ...]
    digest: Digest
    start: Digest

    def spans(self, text: str) -> Iterator[Span]:
        """Yield where a value stands in a text, or in what it says when it is read in another way."""
        found = dict.fromkeys(self._in_plain(text))
        for view in views.views(text).views:
            for span in self._in_plain(view.text):
                if view.tells(span.start, span.end):
                    start, end = view.place(span.start, span.end)
                    found[span._replace(start=start, end=end)] = None
        yield from found

    def _in_plain(self, text: str) -> Iterator[Span]:
        text = _MARKUP.sub(_blank, text)
        written = [(found[0], found.start(), found.end()) for found in _compiled(_WORD).finditer(text)]
        for read in (_normal, _shown) if any(map(_shows, text)) else (_normal,):
            words = [(said, begin, end) for word, begin, end in written if (said := read(word))]
            yield from self._named(text, words)
        for found in _FIGURES.finditer(text):
            if self.digest(_figures(found[0])) in self.digests:
                yield Span(found.start(), found.end(), KIND, DETECTOR, "block")

    def _named(self, text: str, words: list[Word]) -> Iterator[Span]:
        """Yield the values that are words, or begin with one."""
        for at, (word, begin, _) in enumerate(words):
            if self.start(word) in self.starts:
                end = self._longest(text, words, at)
                if end:
                    yield Span(begin, end, KIND, DETECTOR, "block")

    def _longest(self, text: str, words: list[Word], at: int) -> int:
        """Return where the longest value ends that begins with a word; 0 when none does."""
        most = self._joined(words, at)
        for width in self.widths:
            if (
                width <= most
                and self.digest(_MARK.join([word for word, _, _ in words[at : at + width]])) in self.digests
            ):
                return words[at + width - 1][2]
        return 0

    def _joined(self, words: list[Word], at: int) -> int:
        """Return how many words follow one another from a place on with little between them."""
        for after in range(at + 1, min(at + _MOST_WORDS, len(words))):
            if words[after][1] - words[after - 1][2] > _GAP:
                return after - at
        return min(_MOST_WORDS, len(words) - at)


def plain(values: Iterable[str]) -> tuple[Known, int]:
    """Return what finds values, and how many of them are too short, or too long, to be looked for."""
    return _known(values, _itself, _itself)


def keyed(values: Iterable[str], key: bytes) -> tuple[Known, int]:
    """Return what finds values and holds none, and how many are too short, or too long, to be looked for.

    Args:
        values: plain values.
        key: the gate key.
    """
    return _known(values, *_digests(key))


def write(known: Known) -> bytes:
    """Return the bytes of a filter: widths, number of digests, digests, starts."""
    head = f"{','.join(map(str, known.widths))} {len(known.digests)}\n".encode()
    return head + b"".join(sorted(known.digests)) + b"".join(sorted(known.starts))


def read(data: bytes, key: bytes) -> Known | None:
    """Return the filter that `write` wrote, None when the bytes are none."""
    head, _, body = data.partition(b"\n")
    found = re.fullmatch(rb"([1-8](?:,[1-8])*) ([0-9]{1,9})", head)
    if found is None:
        return None
    cut = int(found[2]) * DIGEST
    if len(body) < cut or (len(body) - cut) % START:
        return None
    digests = frozenset([body[at : at + DIGEST] for at in range(0, cut, DIGEST)])
    starts = frozenset([body[at : at + START] for at in range(cut, len(body), START)])
    return Known(digests, starts, tuple(map(int, found[1].split(b","))), *_digests(key))


def _known(values: Iterable[str], digest: Digest, start: Digest) -> tuple[Known, int]:
    ways: set[tuple[str, ...]] = set()
    figures: set[str] = set()
    left = 0
    for value in values:
        written, numbers = _ways(value), _numbers(value)
        ways |= written
        figures |= numbers
        left += not (written or numbers)
    digests = {digest(_MARK.join(way)) for way in ways} | {digest(number) for number in figures}
    starts = {start(way[0]) for way in ways}
    widths = sorted({len(way) for way in ways} | {1}, reverse=True)
    return Known(frozenset(digests), frozenset(starts), tuple(widths), digest, start), left


def _digests(key: bytes) -> tuple[Digest, Digest]:
    return _remembering(key, b"known1 ", DIGEST), _remembering(key, b"start1 ", START)


def _remembering(key: bytes, use: bytes, size: int) -> Digest:
    """Return what makes keyed digests of texts, and remembers those that it made lately."""
    made: dict[str, bytes] = {}

    def digest(text: str) -> bytes:
        found = made.get(text)
        if found is None:
            if len(made) >= _REMEMBERED:
                made.clear()
            found = made[text] = hmac.digest(key, use + _itself(text), "sha256")[:size]
        return found

    return digest


_REMEMBERED = 1 << 16


def _itself(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _ways(value: str) -> set[tuple[str, ...]]:
    """Return the ways in which a value may be written, each as words: in order, the last word first, in one piece, spoken."""
    if not any(map(str.isalpha, value)):
        return set()
    found: set[tuple[str, ...]] = set()
    first, comma, rest = value.partition(",")
    for spelled in {value, f"{rest} {first}" if comma else value}:
        for folded in (spelled, spelled.lower().translate(_UMLAUTS), _WRITTEN_OUT.sub(r"\1", spelled.lower())):
            words = _words(folded)
            if len(words) == 1 and folded.lower() != spelled.lower() and not _UMLAUT.search(spelled.lower()):
                continue  # Michael is not Michal
            found |= {words, (*words[-1:], *words[:-1])}
            if len(words) > 1 and len("".join(words)) >= _SHORTEST_JOINED:
                found |= {("".join(words),), ("".join((*words[-1:], *words[:-1])),)}
    if value.count("@") == 1 and " " not in value.strip():
        local, _, domain = value.partition("@")
        found |= {_words(f"{part} at {_spoken(domain)}") for part in (local, _spoken(local))}
    return {way for way in found if _weight("".join(way)) >= LEAST and len(way) <= _MOST_WORDS}


def _spoken(text: str) -> str:
    return text.replace(".", " dot ")


def _weight(text: str) -> int:
    """Return how many letters a text has; one of a script in which each is a word counts twice."""
    return len(text) + len(_compiled(_ALONE).findall(text))


def _words(text: str) -> tuple[str, ...]:
    return tuple([said for found in _compiled(_WORD).finditer(text) if (said := _normal(found[0]))])


def _numbers(value: str) -> set[str]:
    """Return the ways in which a telephone number may be written, as digits: with its country, and without."""
    if any(map(str.isalpha, value)):
        return set()
    digits = _figures(value)
    if len(digits) < _FEWEST_FIGURES:
        return set()
    found = {digits}
    if value.strip().startswith(("+", "00")):
        for code in range(1, _LONGEST_CODE + 1):
            found |= {digits[code:], f"0{digits[code:]}"}
    return {number for number in found if len(number) >= _FEWEST_FIGURES}


def _blank(found: re.Match[str]) -> str:
    return " " * len(found[0])


def _figures(text: str) -> str:
    return _NO_FIGURE.sub("", _TRUNK.sub("", text)).removeprefix("00")


@lru_cache(maxsize=1 << 16)
def _normal(word: str) -> str:
    """Return a word without case, accents, compatibility forms and marks that show as nothing."""
    if word.isascii():
        return word.lower().replace("'", "")
    if any(map(str.isascii, unicodedata.normalize("NFKD", word))):  # of two scripts: somebody made it look like another
        word = word.translate(_ALIKE)
    letters = unicodedata.normalize("NFKD", word.casefold())
    kept = [letter for letter in letters if unicodedata.category(letter) not in ("Mn", "Cf")]
    return "".join(kept).casefold().translate(_PLAIN)


@lru_cache(maxsize=1 << 16)
def _shown(word: str) -> str:
    """Return what a word shows as: one of another script, all of whose letters look like Latin ones, as that; else as `_normal`."""
    shown = word.translate(_ALIKE)
    return _normal(shown if shown.isascii() else word)


def _shows(letter: str) -> bool:
    """Tell whether a letter is of another script and looks like a Latin one."""
    return ord(letter) in _ALIKE
