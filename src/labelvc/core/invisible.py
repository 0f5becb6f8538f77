"""Invisible marks: characters of a text that nobody sees, and that turn round or part what is read."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from labelvc.model import jsonpointer

_TURNING = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_WIDTHLESS = "\u00ad\u180e\u200b\u2060-\u2064\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"
_CONTROL = "\x00-\x1f\x7f-\x9f\u2028\u2029"
_JOINERS = "(?<![\u0080-\U0010ffff])[\u200c\u200d]|[\u200c\u200d](?![\u0080-\U0010ffff])"
# Compiled by who meets a letter that does not print: their sets take 37 ms, as much as a whole start.
_IN_NAMES = f"[{_CONTROL}{_TURNING}{_WIDTHLESS}]|{_JOINERS}"
_IN_PROSE = f"(?![\\n\\t])[{_CONTROL}{_TURNING}{_WIDTHLESS}]|{_JOINERS}"
_AROUND = 20


def mark(text: str, *, prose: bool = False) -> str:
    """Return what is wrong with the first invisible mark of a text, escaped and with what stands around it; empty for none.

    Joiners count where they stand beside ASCII: within Persian, Indic scripts and emoji they are part of the spelling
    (Unicode Standard Annex 31, section 2.3). All else of CVE-2021-42574 counts, and what has no width.

    Args:
        text: a name, or prose.
        prose: whether lines and tabs are part of it.
    """
    if (text.replace("\n", "").replace("\t", "") if prose else text).isprintable():
        return ""
    found = re.search(_IN_PROSE if prose else _IN_NAMES, text)
    if not found:
        return ""
    letter = found[0]
    name = unicodedata.name(letter, "a control character").lower()
    around = text[max(0, found.start() - _AROUND) : found.end() + _AROUND]
    return f"holds U+{ord(letter):04X} ({name}), which nobody sees: {escaped(around)!s}"


def escaped(text: str) -> str:
    """Return a text in quotes in which every mark that is not seen is spelt out."""
    inner = "".join([one if one.isprintable() else f"\\u{ord(one):04x}" for one in text])
    return f"'{inner}'"


def marks(value: Any, at: str = "") -> Iterator[tuple[str, str]]:
    """Yield the texts of a document, names of members too, that hold an invisible mark: (JSON pointer, what is wrong)."""
    if isinstance(value, str):
        wrong = mark(value, prose=True)
        if wrong:
            yield at, wrong
    elif isinstance(value, dict):
        for name, inner in value.items():
            below = f"{at}/{jsonpointer.escaped(name)}"
            wrong = mark(name)
            if wrong:
                yield below, wrong
            yield from marks(inner, below)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from marks(inner, f"{at}/{number}")
