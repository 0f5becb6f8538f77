"""The sieve: which of many texts can hold anything at all, told from what all values of a kind have in common.

Texts are joined and translated as a whole, because `bytes.translate` and `bytes.find` run at hundreds of MB/s where a
pattern runs at a few. What the sieve lets through is looked at with patterns; what it holds back has nothing to find, which
`tests/core/test_detect.py` holds for any text.
"""

from __future__ import annotations

import string
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from labelvc.codec.detectors import MANY, NUMBERS, RUN
from labelvc.core import views

MARK = "\x1f"
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
_ASCII = bytes(range(128))
_MANY_LETTERS = 64


def sift(texts: Sequence[str]) -> Mapping[str, set[int]]:
    """Return which texts each sieve lets through, and as `odd` those that may say something else when read in another way.

    Args:
        texts: any texts.

    Returns:
        Name of the sieve (`labelvc.codec.detectors.Sieve`, or `odd`) to positions in `texts`.
    """
    joined = MARK.join(texts)
    if joined.count(MARK) != len(texts) - 1:
        joined = MARK.join([text.replace(MARK, " ") for text in texts])
    data = joined.encode("utf-8", "surrogatepass")
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
        ("odd", bare, (b"%", b"\\", b"&#")),
    ):
        for needle in needles:
            found[sieve].update(_holding(text, needle))
    found["odd"] |= found["run"]
    if not joined.isascii():
        found["odd"].update(_folding(texts, data))
    return found


def _holding(text: bytes, needle: bytes) -> Iterator[int]:
    """Yield the positions of the texts, parted by marks, that hold a needle."""
    number = seen = 0
    at = text.find(needle)
    while at >= 0:
        number += text.count(_MARK, seen, at)
        yield number
        seen = text.find(_MARK, at)
        if seen < 0:
            return
        at = text.find(needle, seen)


def _folding(texts: Sequence[str], data: bytes) -> Iterator[int]:
    """Yield the positions of the texts in which some character is folded."""
    letters = [
        letter for letter in set(data.translate(None, _ASCII).decode("utf-8", "surrogatepass")) if views.odd(letter)
    ]
    if len(letters) > _MANY_LETTERS:
        yield from (at for at, text in enumerate(texts) if not text.isascii())
        return
    for letter in letters:
        yield from _holding(data, letter.encode("utf-8", "surrogatepass"))
