"""The sieve: which of many texts can hold anything at all, told from what all values of a kind have in common.

Texts that a glance (`labelvc.core.glance`) does not leave out are joined and translated as a whole, because `bytes.translate`
and `bytes.find` run at hundreds of MB/s where a pattern runs at a few. What the sieve lets through is looked at with patterns;
what it holds back has nothing to find, which `tests/core/test_detect.py` holds for any text.
"""

from __future__ import annotations

import string
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence

from labelvc.codec import surroundings
from labelvc.codec.detectors import MANY, NUMBERS, RUN
from labelvc.core import glance
from labelvc.core.glance import MARK

_MARK = MARK.encode()
_LETTERS = string.ascii_letters.encode()
_DIGITS = bytes.maketrans(b"123456789", b"000000000")
_JOINING = b" .-/()+"
_TOKEN = bytes(ord("x") if chr(byte) in string.ascii_letters + string.digits + "_-+/=" else byte for byte in range(256))
_RUN = b"x" * RUN
_NUMBERS, _MANY = b"0" * NUMBERS, b"0" * MANY
_SHAPE = bytes(
    byte if byte == ord(MARK) else ord("A") if byte in _LETTERS else ord("0") if byte in b"0123456789" else ord(" ")
    for byte in range(256)
)
_DOTTED = (b"0.0.0", b"0.00.0", b"0.000.0")
_ALNUM = b"0" + _LETTERS
_AGE = b"-./0\n-> "  # age-encryption.org/v1 and the first stanza, without letters


def sift(texts: Sequence[str]) -> Mapping[str, set[int]]:
    """Return which texts each sieve lets through, and as `odd` those that may say something else when read in another way.

    Args:
        texts: any texts.

    Returns:
        Name of the sieve (`labelvc.codec.detectors.Sieve`, or `odd`) to positions in `texts`.
    """
    places = glance.telling(texts)
    found = _sifted([texts[at] for at in places])
    return {name: {places[at] for at in positions} for name, positions in found.items()}


def _sifted(texts: Sequence[str]) -> Mapping[str, set[int]]:
    data = glance.joined(texts).encode("utf-8", "surrogatepass")
    bare = data.translate(_DIGITS, _LETTERS)
    shapes = b" " + data.translate(_SHAPE).replace(_MARK, _MARK + b" ")
    numbers = data.translate(_DIGITS, _JOINING)
    found: dict[str, set[int]] = defaultdict(set)
    for sieve, text, needles in (
        ("at", bare, (b"@",)),
        ("dotted", bare, _DOTTED),
        ("dashes", bare, (b"-----", _AGE)),
        ("digits", numbers, (_NUMBERS,)),
        ("many", numbers, (_MANY,)),
        ("iban", shapes, (b" AA00",)),
        ("fiscal", shapes, (b"AAAAAA00A",)),
        ("pairs", bare.translate(None, b"0"), (b"::", b"-----")),
        ("run", data.translate(_TOKEN), (_RUN,)),
        ("odd", bare, (b"%", b"\\", b"&", b"=0", b"=\n", b"=\r")),
    ):
        for needle in needles:
            found[sieve].update(glance.holding(text, needle))
    found["odd"] |= found["run"]
    if not data.isascii():
        found["odd"].update(glance.folding(texts, data))
    return found


def spoken(texts: Sequence[str], places: Sequence[int]) -> Callable[[Collection[str]], set[int]]:
    """Return what tells in which of some texts one of some words in lower case stands, whole or within another, in whatever case.

    Figures are passed over, so a word with some in it counts too.

    Args:
        texts: any texts.
        places: positions of those to look into; each word is looked for in all of them at once.
    """
    data = surroundings.unnumbered(glance.joined([texts[at] for at in places]).lower())
    return lambda words: {places[at] for word in words for at in glance.holding(data, word.encode())}
