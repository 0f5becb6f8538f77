"""Columns: the canonical lines of many objects of one shape, written member by member, with no object in between.

What comes out is what `canonical.encode` makes of each object (tests/codec/test_columns.py), at a sixth of its cost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import NamedTuple

from labelvc.codec import canonical

_CONTROL = bytes(range(32))
_ESCAPED = _CONTROL + b'"\\'


class Member(NamedTuple):
    """One member of many objects.

    Attributes:
        cells: of each object, in one order for all members, its canonical value; one value for all when it is bytes.
        text: the cells are what stands between the quotation marks of a text, as `insides` returns it.
        optional: the objects that have an empty cell lack the member.
    """

    cells: Sequence[bytes] | bytes
    text: bool = False
    optional: bool = False


def insides(texts: Sequence[bytes]) -> Sequence[bytes]:
    """Return what stands between the quotation marks of each text in canonical JSON.

    Args:
        texts: in UTF-8.

    Returns:
        As many byte strings, most often the same ones.
    """
    if not _holds(texts, _ESCAPED):
        return texts
    return [canonical.encode(text.decode())[1:-1] if _holds([text], _ESCAPED) else text for text in texts]


def controls(texts: Iterable[bytes]) -> bool:
    """Tell whether a text holds a character below U+0020, which JSON forbids in a text and names do not have."""
    return _holds(texts, _CONTROL)


def objects(members: Mapping[str, Member], count: int, first: tuple[str, ...] = ()) -> list[bytes]:
    """Return the canonical bytes of objects, as `canonical.encode` would.

    Args:
        members: name to member.
        count: number of objects.
        first: as for `canonical.encode`.

    Returns:
        One byte string an object.
    """
    pieces: list[Iterable[bytes]] = []
    ordered = canonical.ordered(tuple(members), first)
    # where the first member may be missing, each begins with a comma and the first one is taken off
    loose = bool(ordered) and members[ordered[0][0]].optional
    written, comma = (b"", b",") if loose else (b"{", b"")
    for name, head in ordered:
        cells, text, optional = members[name]
        quote = b'"' if text else b""
        begin, comma = comma + head.encode() + quote, b","
        if isinstance(cells, bytes):
            written += begin + cells + quote
        elif optional and b"" in cells:
            pieces += [repeat(written), [begin + cell + quote if cell else b"" for cell in cells]]
            written = b""
        else:
            pieces += [repeat(written + begin), cells]
            written = quote
    pieces.append(repeat(written + (b"" if loose else b"}"), count))
    found = map(b"".join, zip(*pieces, strict=False))
    return [b"{%b}" % row[1:] for row in found] if loose else list(found)


def _holds(texts: Iterable[bytes], wanted: bytes) -> bool:
    joined = b"".join(texts)
    return len(joined.translate(None, wanted)) != len(joined)
