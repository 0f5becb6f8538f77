"""Spellings: every way in which a value may stand in a file, as one pattern over bytes, and what to put in its place."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from labelvc.codec import dsse
from labelvc.errors import ConfigurationError

SHORTEST = 4
REMOVED = b"(removed)"
"""What takes a value's place: it is good in JSON and YAML strings, and no detector takes it for anything."""

_FULL_WIDTH = 0xFEE0
_LEAST = 6
_ASTRAL = 0x10000
_NUMBER = re.compile(r"[+0-9 ./()\-]+|[A-Za-z]{2}[0-9]{2}[A-Za-z0-9 ]{10,}")
_SEPARATORS = re.compile(r"[ ./()\-]")
_BETWEEN = rb"[ ./()\-]{0,3}"
_INVISIBLE = b"(?:" + b"|".join([re.escape(mark.encode()) for mark in "\u200b\u200c\u200d\u2060\ufeff\u00ad"]) + b")*"


def pattern(value: str) -> re.Pattern[bytes]:
    """Return what finds a value in bytes, however it is spelled.

    As it stands, in any case; in Unicode forms NFC and NFD; with letters escaped as JSON and URLs do, in full width, with
    marks between that show as nothing; in UTF-16, hexadecimal and base64. Of a number with or without its separators.

    Args:
        value: the value, of four characters or more.

    Raises:
        ConfigurationError: it is too short: everything would be found.
    """
    text = value.strip()
    if len(text) < SHORTEST:
        hint = "name the whole of what must go, with what stands around it"
        raise ConfigurationError(f"a value of fewer than {SHORTEST} characters stands everywhere", hint=hint)
    if _NUMBER.fullmatch(text) and sum(letter.isalnum() for letter in text) >= _LEAST:
        bare = _SEPARATORS.sub("", text)
        plain = [_BETWEEN.join([_letter(letter) for letter in bare])]
    else:
        forms = dict.fromkeys([text, *[unicodedata.normalize(form, text) for form in ("NFC", "NFD")]])
        plain = [_INVISIBLE.join([_letter(letter) for letter in form]) for form in forms]
    exact = dict.fromkeys(re.escape(part) for part in _encoded(text))
    return re.compile(b"|".join([*[b"(?i:" + part + b")" for part in plain], *exact]))


def replacement(spelled: bytes) -> bytes:
    """Return what takes the place of a spelling: figures become figures, since they may be a number of JSON.

    UTF-16 keeps its width.
    """
    if spelled.isdigit():
        return b"1" + b"0" * (len(spelled) - 1)
    return REMOVED


def _letter(letter: str) -> bytes:
    """Return what finds one character: itself, escaped for JSON or a URL, or in full width."""
    raw = letter.encode("utf-8", "surrogatepass")
    code = ord(letter)
    units = [code] if code < _ASTRAL else [0xD800 + (code - _ASTRAL >> 10), 0xDC00 + (code - _ASTRAL & 0x3FF)]
    ways = [
        re.escape(raw),
        b"".join([rb"\\u%04x" % unit for unit in units]),
        b"".join([b"%%%02x" % byte for byte in raw]),
    ]
    if "!" <= letter <= "~":
        ways.append(re.escape(chr(code + _FULL_WIDTH).encode()))
    if letter in '"\\/':
        ways.insert(0, rb"\\" + re.escape(raw))
    return b"(?:" + b"|".join(ways) + b")"


def _encoded(text: str) -> Iterator[bytes]:
    """Yield a text in other alphabets, those of base64 wherever in a longer text it begins."""
    raw = text.encode()
    yield from (raw.hex().encode(), raw.hex().upper().encode())
    yield from (text.encode("utf-16-le"), text.encode("utf-16-be"))
    for part in dsse.inside(raw):
        yield part
        yield part.translate(bytes.maketrans(b"+/", b"-_"))
