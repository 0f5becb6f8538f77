"""Sketches: 24 numbers of a text, of which two texts share as many as they share of their shingles, for many texts at once.

Shingles are runs of five characters, without case and without the width of white space (Broder 1997, On the resemblance and
containment of documents). One hash of each, the smallest in each of 24 equal ranges (Li, Owen and Zhang 2012, One permutation
hashing); an empty range borrows from the next one that is not (Shrivastava and Li 2014).

The hashes of all texts are worked out side by side, in whole numbers with one lane of 64 bits a shingle: a loop over shingles
costs nine times as much (tests/core/test_sketch.py has one).
"""

from __future__ import annotations

import re
import struct
import zlib
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import chain, repeat

SHINGLE, BINS, BANDS = 5, 24, 6
"""Characters of a shingle, numbers of a sketch, and how many groups of them must hold one that is equal in both texts."""
SHORTEST = 30
"""Characters of the shortest text that is sketched; of shorter ones every letter counts."""
_EACH, _WIDTH = 2, BINS // BANDS * 2
_MIX, _MASK, _LOW = 0x9E3779B1, 0xFFFFFFFF, 0xFFFF
_WHOLE = 1 << 52
"""Added to a hash, its bits are the low ones of a float, and floats are sorted four times as fast as whole numbers."""
_HIGH = _WHOLE.bit_length() + 1022 << 4
_BOUNDS = [float(_WHOLE - (-at * (_MASK + 1) // BINS)) for at in range(BINS)]
_END = float(_WHOLE + _MASK + 1)
_AT_ONCE = 1 << 14
_ZERO = zlib.crc32(bytes(SHINGLE))
_PLANES = [
    [
        bytes(
            [
                (zlib.crc32(bytes(at) + bytes([byte]) + bytes(SHINGLE - 1 - at)) ^ _ZERO) >> shift & 0xFF
                for byte in range(256)
            ]
        )
        for at in range(SHINGLE)
    ]
    for shift in range(0, 32, 8)
]
"""What each byte of a shingle adds to each byte of its CRC-32, which is a sum without carry."""
_ODD = re.compile(r"[^\x00-\x7f]")


def sketches(texts: Sequence[str]) -> list[bytes]:
    """Return the sketch of each text.

    Args:
        texts: any texts.

    Returns:
        48 bytes a text; none for one shorter than 30 characters.
    """
    plain = [" ".join(text.casefold().split()) for text in texts]
    found, least = [b""] * len(texts), dict[int, list[float]]()
    for at, hashes in _hashes(plain):
        if at in least:
            hashes += [number for number in least[at] if number < _END]
        least[at] = _least(hashes)
    for at, row in zip(least, _written(list(least.values())), strict=True):
        found[at] = row
    return found


def alike(one: bytes, two: bytes) -> float:
    """Return the share of numbers that are equal in two sketches: an estimate of the share of equal shingles, +-0.08."""
    return sum(one[at : at + _EACH] == two[at : at + _EACH] for at in range(0, len(one), _EACH)) / BINS


def band(sketched: bytes, at: int) -> bytes:
    """Return one of the six groups of numbers of a sketch, with its place; one of them must be equal in both texts."""
    return bytes([at]) + sketched[at * _WIDTH : (at + 1) * _WIDTH]


def _hashes(texts: Sequence[str]) -> Iterator[tuple[int, list[float]]]:
    """Yield the place of each text that is long enough with the hashes of its shingles; a very long one in several parts."""
    waiting: list[tuple[int, str]] = []
    size = 0
    for at, text in enumerate(texts):
        if len(text) < SHORTEST:
            continue
        for begin in range(0, len(text) - SHINGLE + 1, _AT_ONCE):
            waiting.append((at, text[begin : begin + _AT_ONCE + SHINGLE - 1]))
            size += len(waiting[-1][1])
            if size >= _AT_ONCE:
                yield from _parted(waiting)
                waiting, size = [], 0
    yield from _parted(waiting)


def _parted(texts: Sequence[tuple[int, str]]) -> Iterator[tuple[int, list[float]]]:
    hashes = _hashed("".join([text for _, text in texts])) if texts else []
    begin = 0
    for at, text in texts:
        yield at, hashes[begin : begin + len(text) - SHINGLE + 1]
        begin += len(text)


def _hashed(text: str) -> list[float]:
    """Return the hash of the shingle at each place of a text: its CRC-32, mixed, as a float.

    A character beyond ASCII has several bytes: the few shingles with one are hashed one by one.
    """
    data, number = text.encode("ascii", "replace"), len(text) - SHINGLE + 1
    lanes = bytearray(8 * number)
    for at, tables in enumerate(_PLANES):
        plane = (_ZERO >> 8 * at & 0xFF) * _repeated(b"\1", number)
        for step, table in enumerate(tables):
            plane ^= int.from_bytes(data[step : step + number].translate(table), "little")
        lanes[at::8] = plane.to_bytes(number, "little")
    mixed = int.from_bytes(lanes, "little") * _MIX & _repeated(_MASK.to_bytes(8, "little"), number)
    lanes[:] = mixed.to_bytes(8 * number, "little")
    lanes[6::8], lanes[7::8] = [bytes([byte]) * number for byte in _HIGH.to_bytes(2, "little")]
    found = list(struct.unpack(f"<{number}d", lanes))
    for at in () if text.isascii() else sorted(_odd(text, number)):
        found[at] = float(zlib.crc32(text[at : at + SHINGLE].encode(errors="replace")) * _MIX & _MASK | _WHOLE)
    return found


def _odd(text: str, number: int) -> set[int]:
    """Return the places of the shingles, of so many, that hold a character beyond ASCII."""
    places = [found.start() for found in _ODD.finditer(text)]
    return {at for place in places for at in range(max(place - SHINGLE + 1, 0), min(place + 1, number))}


def _least(hashes: list[float]) -> list[float]:
    """Return the first hash from the beginning of each range on; behind the last one, what ranges borrow from the first."""
    hashes.sort()
    hashes.append(float(int(hashes[0]) + 8 & 0x7FFFF | _MASK + 1 | _WHOLE))
    return list(map(hashes.__getitem__, map(bisect_left, repeat(hashes), _BOUNDS)))


def _written(least: Sequence[list[float]]) -> Iterator[bytes]:
    """Yield the sketch of each text: 16 bits of each hash, and one more for each range that it was borrowed over."""
    number = BINS * len(least)
    lanes = int.from_bytes(struct.pack(f"<{number}d", *chain.from_iterable(least)), "little")
    hashes = lanes & _repeated((_MASK * 2 + 1).to_bytes(8, "little"), number)
    ranges = hashes * BINS >> 32 & _repeated(b"\x3f\0\0\0\0\0\0\0", number)
    back = _repeated(struct.pack(f"<{BINS}Q", *[_LOW + 1 - at for at in range(BINS)]), len(least))
    values = hashes >> 3 & _repeated(_LOW.to_bytes(8, "little"), number)
    sums = (values + ranges + back).to_bytes(8 * number, "little")
    rows = bytearray(_EACH * number)
    rows[0::2], rows[1::2] = sums[1::8], sums[0::8]
    return (bytes(rows[at : at + _EACH * BINS]) for at in range(0, len(rows), _EACH * BINS))


def _repeated(lane: bytes, number: int) -> int:
    return int.from_bytes(lane * number, "little")
