"""Encodings: what the bytes of a file say, in letters of one, two or four bytes."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

_PRINTABLE = re.compile(rb"[\x20-\x7e\t]{6,}")
_WIDE = re.compile(rb"[\x20-\x7e\t](?:(?:\0|\0\0\0)[\x20-\x7e\t]){5,}")
"""ASCII in letters of two or four bytes, of either order, wherever in a file it begins."""
_BOMS = (
    (codecs.BOM_UTF32_LE, ("utf-32", "utf-32-be", "utf-16-le", "utf-16-be")),
    (codecs.BOM_UTF32_BE, ("utf-32", "utf-32-le", "utf-16-le", "utf-16-be")),
    (codecs.BOM_UTF16_LE, ("utf-16", "utf-16-be")),
    (codecs.BOM_UTF16_BE, ("utf-16", "utf-16-le")),
)
"""How a file begins that has a byte order mark, and how it is read: as the mark says, and as it does not, since marks are easily made."""
_BEGINNING = 4096
_HALF = b"\0\0\0"
"""Ends a letter of two or four bytes of which a file has only the first."""


def readings(data: bytes) -> Iterator[tuple[str, bool]]:
    """Yield what a file says, and whether that has lines: as UTF-8, else what is readable in it; and in wider letters.

    A file that looks as if it were UTF-16 or UTF-32 is read both ways, since looks are easily made; of any other what is
    written in wider letters somewhere in it.
    """
    try:
        yield data.decode(), True
    except UnicodeDecodeError:
        yield "\n".join([run.decode() for run in _PRINTABLE.findall(data)]), False
    wide = next((encodings for mark, encodings in _BOMS if data.startswith(mark)), ())
    if not wide and data[:_BEGINNING].count(0) > len(data[:_BEGINNING]) // 8:
        wide = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
    for encoding in wide:
        yield (data + _HALF).decode(encoding, "replace"), True
    if not wide and b"\0" in data:
        yield "\n".join([run.replace(b"\0", b"").decode() for run in _WIDE.findall(data)]), False
