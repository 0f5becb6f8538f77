"""Doubles: items with the same text, nearly the same text, or the same picture, whichever shards they lie in."""

from __future__ import annotations

import struct
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import ClassVar

import msgspec

from labelvc import digests
from labelvc.checks.interface import Look, Rule, Shard, asked, finding, threshold
from labelvc.model.finding import Finding, Place
from labelvc.model.project import Dataset, Project
from labelvc.spill import Spill

SHINGLE, BINS, BANDS = 5, 24, 6
"""Characters of a shingle, numbers of a sketch, and how many groups of them must hold one that is equal in both texts."""
SHORTEST = 30
"""Characters of the shortest text that is sketched; of shorter ones every letter counts."""
_NEAR = 0.75
_EACH, _WIDTH = 2, BINS // BANDS * 2
_MIX, _MASK, _LOW = 0x9E3779B1, 0xFFFFFFFF, 0xFFFF
_NUMBERS = f">{BINS}H"
_PARTS, _OVERHEAD, _COMPARED = 256, 200, 16
_RULES = ("item.same_text", "item.near_text", "item.same_media")


class Doubles:
    """Looks for items that are there twice.

    A shard's summary holds 8 bytes for each text and picture, and 56 for each text that is sketched, beside the item's id.
    `judge` sets them aside by what must be equal and compares within a part, so that memory does not grow with the items.
    """

    name: ClassVar[str] = "labelvc.doubles"
    version: ClassVar[int] = 1
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "item.same_text",
            "warning",
            "Two items have the same text",
            "One text labelled twice counts twice, and may stand in training and in test.",
            on_request=True,
        ),
        Rule(
            "item.near_text",
            "warning",
            "Two items have nearly the same text",
            "A text and its near copy in training and in test make every figure too good.",
            _NEAR,
            on_request=True,
        ),
        Rule(
            "item.same_media",
            "warning",
            "Two items show the same file",
            "One picture labelled twice counts twice, and may stand in training and in test.",
            on_request=True,
        ),
    )

    def applies(self, project: Project, dataset: Dataset) -> bool:
        """Apply where a dataset asks for one of the rules."""
        return asked(dataset, *_RULES)

    def look(self, shard: Shard, project: Project) -> Look:
        """Return digests and sketches of this shard's items for `judge`."""
        exact, near, media = [asked(shard.dataset, rule) for rule in _RULES]
        rows: list[tuple[str, str, bytes]] = []
        for line in shard.records("items"):
            fields = line.fields or {}
            item, text, holder = fields.get("id"), fields.get("text"), fields.get("media")
            path = holder.get("path") if isinstance(holder, dict) else None
            if not isinstance(item, str):
                continue
            name = item.encode(errors="replace").decode()
            if isinstance(text, str) and text:
                if exact:
                    rows.append((_RULES[0], name, _digest(text)))
                if near and (sketched := sketch(text)):
                    rows.append((_RULES[1], name, _digest(text) + sketched))
            if media and isinstance(path, str):
                rows.append((_RULES[2], name, _digest(path)))
        return Look([], msgspec.msgpack.encode(rows) if rows else b"")

    def judge(self, summaries: Iterable[tuple[str, bytes]], project: Project, dataset: Dataset) -> Iterator[Finding]:
        """Yield each item that is a double of another one, once a rule, with the one of the shortest id."""
        told: set[tuple[str, str]] = set()
        least, exact = threshold(Doubles, "item.near_text", dataset), asked(dataset, "item.same_text")
        with Spill(_PARTS) as waiting:
            for _, summary in summaries:
                for rule, item, data in msgspec.msgpack.decode(summary):
                    for key in _keys(data):
                        waiting.add(
                            zlib.crc32(key) % _PARTS, (rule, key, item, data), len(data) + len(item) + _OVERHEAD
                        )
            for rows in waiting.all():
                for rule, item, first in _found(rows, least, exact=exact):
                    if (rule, item) not in told:
                        told.add((rule, item))
                        yield _told(rule, item, first, dataset)


def sketch(text: str) -> bytes:
    """Return 24 numbers of two bytes; two texts have as large a share of them equal as of all their shingles, on average.

    Shingles are runs of five characters, without case and without the width of white space (Broder 1997, On the
    resemblance and containment of documents). One hash of each, the smallest in each of 24 equal ranges (Li, Owen and Zhang
    2012, One permutation hashing); an empty range borrows from the next one that is not (Shrivastava and Li 2014).

    Args:
        text: the text.

    Returns:
        48 bytes; none for a text shorter than 30 characters.
    """
    plain = " ".join(text.casefold().split())
    if len(plain) < SHORTEST:
        return b""
    if plain.isascii():
        data = plain.encode()
        shingles = {data[at : at + SHINGLE] for at in range(len(data) - SHINGLE + 1)}
    else:
        shingles = {plain[at : at + SHINGLE].encode(errors="replace") for at in range(len(plain) - SHINGLE + 1)}
    hashes = sorted([zlib.crc32(shingle) * _MIX & _MASK for shingle in shingles], reverse=True)
    least = {number * BINS >> 32: number >> 3 & _LOW for number in hashes}
    at_hand = least[min(least)] + 1  # what the ranges behind the last one borrow, from the first
    found = [0] * BINS
    for at in range(BINS - 1, -1, -1):
        at_hand = found[at] = least.get(at, at_hand + 1 & _LOW)
    return struct.pack(_NUMBERS, *found)


def alike(one: bytes, two: bytes) -> float:
    """Return the share of numbers that are equal in two sketches: an estimate of the share of equal shingles, +-0.08."""
    return sum(one[at : at + _EACH] == two[at : at + _EACH] for at in range(0, len(one), _EACH)) / BINS


def bands(sketched: bytes) -> list[bytes]:
    """Return the six groups of numbers of a sketch, each with its place, of which one must be equal in both texts."""
    return [bytes([at]) + sketched[at * _WIDTH : (at + 1) * _WIDTH] for at in range(BANDS)]


def _digest(text: str) -> bytes:
    return bytes(digests.sha256(text.encode(errors="replace")).digest()[:8])


def _keys(data: bytes) -> list[bytes]:
    return bands(data[8:]) if len(data) > 8 else [data]


def _found(
    rows: Iterable[tuple[str, bytes, str, bytes]], least: float, *, exact: bool
) -> Iterator[tuple[str, str, str]]:
    """Yield (rule, item, the first one it doubles); of many with an equal group, only the first 16 are compared with."""
    groups: dict[tuple[str, bytes], list[tuple[str, bytes]]] = defaultdict(list)
    for rule, key, item, data in sorted(rows, key=lambda row: (len(row[2]), row[2])):
        before = groups[rule, key]
        for first, other in before:
            if first != item and (rule != _RULES[1] or _is_near(data, other, least, exact=exact)):
                yield rule, item, first
                break
        if len(before) < _COMPARED:
            before.append((item, data))


def _is_near(one: bytes, two: bytes, least: float, *, exact: bool) -> bool:
    """Tell whether two texts are nearly the same; where equal ones are asked for, those are told as equal."""
    return not (exact and one[:8] == two[:8]) and alike(one[8:], two[8:]) >= least


def _told(rule: str, item: str, first: str, dataset: Dataset) -> Finding:
    what = {
        _RULES[0]: "has the same text as",
        _RULES[1]: "has nearly the same text as",
        _RULES[2]: "shows the same file as",
    }
    place = Place(f"datasets/{dataset.name}/items", 0, f"{dataset.name}/{item}#")
    hint = "decide on a branch which of the two stays; delete the other with its records, then labelvc format"
    return finding(Doubles, rule, place, f"{what[rule]} {dataset.name}/{first}#", hint)
