"""Pictures: the bytes of a JPEG or PNG, without what tells who took it, when, where and with what.

Pixels are not touched: segments and chunks are copied or left out. Sources: JPEG is ITU-T T.81 annex B, JFIF is ITU-T T.871,
Exif is CIPA DC-008, PNG is the W3C's third edition (2023).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from labelvc.errors import DataError

JPEG, PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
_EXIF = b"Exif\0\0"
_STANDALONE = frozenset([0x01, *range(0xD0, 0xD8)])
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_TABLES = frozenset([0xC4, 0xCC, 0xDB, 0xDC, 0xDD, 0xDE, 0xDF])
_END, _SCAN, _JFIF, _ICC, _ADOBE = 0xD9, 0xDA, 0xE0, 0xE2, 0xEE
_CHUNKS = frozenset(
    (
        b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"mDCV", b"cLLI", b"sBIT", b"bKGD", b"hIST", b"pHYs",
        b"acTL", b"fcTL", b"fdAT",
    )
)  # fmt: skip
_ORIENTATION, _GPS, _LATITUDE, _LONGITUDE = 0x0112, 0x8825, 2, 4
_SHORT, _LONG = 3, 4
_UPRIGHT, _LAST_ORIENTATION = 1, 8
_BROKEN = "the picture is damaged: {}"


class Piece(NamedTuple):
    """A segment of a JPEG or a chunk of a PNG.

    Attributes:
        kind: marker or type of chunk.
        body: what it holds, without marker and length.
        raw: all of it; of a scan its data too.
    """

    kind: int | bytes
    body: bytes
    raw: bytes


def is_picture(data: bytes) -> bool:
    """Tell whether bytes begin as a JPEG or PNG does."""
    return data.startswith((JPEG, PNG))


def cleaned(data: bytes) -> bytes:
    """Return a picture with nothing but what its pixels and colours need.

    Exif with its thumbnail and place, XMP, IPTC, comments, makers' segments, text, times and whatever follows the end are left
    out; a colour profile, and Adobe's note on colours, stay.

    Raises:
        DataError: it is no JPEG or PNG, or damaged.
    """
    if data.startswith(PNG):
        return PNG + b"".join([piece.raw for piece in _pieces(data) if piece.kind in _CHUNKS])
    return b"\xff\xd8" + b"".join([_kept(piece) for piece in _pieces(data)]) + b"\xff\xd9"


def size(data: bytes) -> tuple[int, int]:
    """Return width and height in pixels, as they are stored.

    Raises:
        DataError: it is no JPEG or PNG, or damaged.
    """
    for piece in _pieces(data):
        if piece.kind == b"IHDR":
            width, height = struct.unpack_from(">II", piece.body)
            return width, height
        if piece.kind in _FRAMES:
            height, width = struct.unpack_from(">HH", piece.body, 1)
            return width, height
    raise DataError(_BROKEN.format("it does not say how large it is"))


def orientation(data: bytes) -> int:
    """Return how a picture is to be turned to be seen upright: the tag of Exif, 1 to 8, and 1 where there is none.

    Raises:
        DataError: it is no JPEG or PNG, or damaged.
    """
    for exif in _exif(data):
        found = _Tags(exif).number(_ORIENTATION)
        if _UPRIGHT < found <= _LAST_ORIENTATION:
            return found
    return _UPRIGHT


def places(data: bytes) -> bool:
    """Tell whether a picture says where it was taken, in Exif or XMP; one that is damaged is looked at as far as it goes."""
    try:
        for piece in _pieces(data):
            if b"GPSLatitude" in piece.body and piece.kind not in (_SCAN, b"IDAT"):
                return True
            exif = _exif_of(piece)
            if exif is not None and _Tags(exif).is_placed():
                return True
    except DataError:
        return False
    return False


def _kept(piece: Piece) -> bytes:
    """Return what stays of a segment."""
    if piece.kind in _FRAMES or piece.kind in _TABLES or piece.kind == _SCAN:
        return piece.raw
    if piece.kind == _JFIF and piece.body.startswith(b"JFIF\0"):
        body = piece.body[:12].ljust(12, b"\0") + b"\0\0"  # no thumbnail
        return b"\xff\xe0" + struct.pack(">H", len(body) + 2) + body
    if piece.kind == _ICC and piece.body.startswith(b"ICC_PROFILE\0"):
        return piece.raw
    return piece.raw if piece.kind == _ADOBE and piece.body.startswith(b"Adobe") else b""


def _exif(data: bytes) -> Iterator[bytes]:
    for piece in _pieces(data):
        found = _exif_of(piece)
        if found is not None:
            yield found


def _exif_of(piece: Piece) -> bytes | None:
    if piece.kind == b"eXIf":
        return piece.body
    return piece.body[len(_EXIF) :] if piece.kind == 0xE1 and piece.body.startswith(_EXIF) else None


def _pieces(data: bytes) -> Iterator[Piece]:
    if data.startswith(PNG):
        return _chunks(data)
    if data.startswith(JPEG):
        return _segments(data)
    raise DataError(
        "the file is no JPEG and no PNG", hint="convert it: other formats hide what they hold in other places"
    )


def _chunks(data: bytes) -> Iterator[Piece]:
    at, kind = len(PNG), b""
    while kind != b"IEND":
        if at + 12 > len(data):
            raise DataError(_BROKEN.format("it ends early"))
        (length,), kind = struct.unpack_from(">I", data, at), data[at + 4 : at + 8]
        raw = data[at : at + 12 + length]
        if len(raw) < 12 + length or zlib.crc32(raw[4:-4]) != int.from_bytes(raw[-4:], "big"):
            raise DataError(_BROKEN.format(f"its part at byte {at} is not whole"))
        yield Piece(kind, raw[8:-4], raw)
        at += 12 + length


def _segments(data: bytes) -> Iterator[Piece]:
    at = 2
    while True:
        while data[at : at + 2] == b"\xff\xff":
            at += 1
        if at + 2 > len(data) or data[at] != 0xFF:
            raise DataError(_BROKEN.format(f"there is no marker at byte {at}"))
        kind = data[at + 1]
        if kind == _END:
            return
        if kind in _STANDALONE:
            at += 2
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        end = at + 2 + length
        if length < 2 or end > len(data):
            raise DataError(_BROKEN.format(f"its part at byte {at} is not whole"))
        body, start = data[at + 4 : end], at
        at = _behind_scan(data, end) if kind == _SCAN else end
        yield Piece(kind, body, data[start:at])


def _behind_scan(data: bytes, at: int) -> int:
    """Return where the data of a scan end: at a marker that is neither a stuffed byte nor a restart."""
    while True:
        at = data.find(b"\xff", at)
        if at < 0 or at + 1 >= len(data):
            raise DataError(_BROKEN.format("it ends early"))
        if data[at + 1] and data[at + 1] not in _STANDALONE and data[at + 1] != 0xFF:
            return at
        at += 1 if data[at + 1] == 0xFF else 2


class _Tags:
    """The first list of tags of Exif, which is TIFF inside."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._order = "<" if data[:2] == b"II" else ">"
        self._found = self._list(self._at("I", 4))

    def number(self, tag: int) -> int:
        """Return a number, 0 where there is none."""
        kind, place = self._found.get(tag, (0, 0))
        return self._at("H", place) if kind == _SHORT else self._at("I", place) if kind == _LONG else 0

    def is_placed(self) -> bool:
        """Tell whether there is a latitude or longitude."""
        return not {_LATITUDE, _LONGITUDE}.isdisjoint(self._list(self.number(_GPS)))

    def _list(self, at: int) -> dict[int, tuple[int, int]]:
        """Return the tags of a list to their type and where their value stands."""
        if not at:
            return {}
        places = [at + 2 + 12 * number for number in range(self._at("H", at))]
        return {self._at("H", one): (self._at("H", one + 2), one + 8) for one in places if one + 12 <= len(self._data)}

    def _at(self, form: str, at: int) -> int:
        width = struct.calcsize(form)
        return int.from_bytes(self._data[at : at + width], "little" if self._order == "<" else "big")
