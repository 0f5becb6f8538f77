"""Doubles: items with the same text, nearly the same text, or the same picture, whichever shards they lie in."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, compress
from typing import ClassVar

import msgspec

from labelvc import digests
from labelvc.checks import recurring
from labelvc.checks.interface import Look, Rule, Shard, asked, finding, threshold
from labelvc.checks.recurring import Recurring
from labelvc.core import sketch
from labelvc.model.finding import Finding, Place
from labelvc.model.project import Dataset, Project
from labelvc.spill import Spill

_NEAR = 0.75
_PARTS, _OVERHEAD, _COMPARED = 256, 200, 16
_DIGEST = 8
_RULES = ("item.same_text", "item.near_text", "item.same_media")


class Doubles:
    """Looks for items that are there twice.

    A shard's summary holds 8 bytes for each text and picture, and 56 for each text that is sketched, beside the item's id.
    `judge` sets them aside by what must be equal and compares within a part, so that memory does not grow with the items.
    """

    name: ClassVar[str] = "labelvc.doubles"
    version: ClassVar[int] = 2
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "item.same_text",
            "warning",
            "Two items have the same text",
            "One text labelled twice counts twice, and may stand in training and in test.",
            on_request=True,
            across=True,
        ),
        Rule(
            "item.near_text",
            "warning",
            "Two items have nearly the same text",
            "A text and its near copy in training and in test make every figure too good.",
            _NEAR,
            on_request=True,
            across=True,
        ),
        Rule(
            "item.same_media",
            "warning",
            "Two items show the same file",
            "One picture labelled twice counts twice, and may stand in training and in test.",
            on_request=True,
            across=True,
        ),
    )

    def applies(self, project: Project, dataset: Dataset) -> bool:
        """Apply where a dataset asks for one of the rules."""
        return asked(dataset, *_RULES)

    def look(self, shard: Shard, project: Project) -> Look:
        """Return digests and sketches of this shard's items for `judge`."""
        exact, near, media = [asked(shard.dataset, rule) for rule in _RULES]
        texts, paths = list[tuple[str, str]](), list[tuple[str, str]]()
        for line in shard.records("items"):
            fields = line.fields or {}
            item, text, holder = fields.get("id"), fields.get("text"), fields.get("media")
            if isinstance(item, str):
                name = item.encode(errors="replace").decode()
                if isinstance(text, str) and text:
                    texts.append((name, text))
                if media and isinstance(holder, dict) and isinstance(path := holder.get("path"), str):
                    paths.append((name, path))
        digested = [(name, _digest(text)) for name, text in texts]
        sketched = sketch.sketches([text for _, text in texts]) if near else ()
        parts = (
            _columns(_RULES[0], digested if exact else ()),
            _columns(
                _RULES[1], [(name, data + more) for (name, data), more in zip(digested, sketched, strict=False) if more]
            ),
            _columns(_RULES[2], [(name, _digest(path)) for name, path in paths]),
        )
        told = [part for part in parts if part.names]
        return Look([], msgspec.msgpack.encode(told) if told else b"")

    def judge(self, summaries: Iterable[tuple[str, bytes]], project: Project, dataset: Dataset) -> Iterator[Finding]:
        """Yield each item that is a double of another one, once a rule, with the one of the shortest id."""
        told: set[tuple[str, str]] = set()
        least, exact = threshold(Doubles, "item.near_text", dataset), asked(dataset, "item.same_text")
        with Spill(_PARTS) as waiting:
            for rule, key, item, data in _suspects(summaries):
                waiting.add(zlib.crc32(key) % _PARTS, (rule, key, item, data), len(data) + len(item) + _OVERHEAD)
            for rows in waiting.all():
                for rule, item, first in _found(rows, least, exact=exact):
                    if (rule, item) not in told:
                        told.add((rule, item))
                        yield _told(rule, item, first, dataset)


class _Columns(msgspec.Struct, frozen=True, array_like=True):
    """What one rule compares of the items of a shard: their names, and as many bytes of each."""

    rule: str
    names: list[str]
    data: bytes

    def numbers(self) -> list[float]:
        """Return a number for all that may be equal in two items: the digest of each, or the six groups of its sketch."""
        found, each = recurring.numbers(self.data), len(self.data) // len(self.names) // _DIGEST
        if each > 1:
            del found[::each]
        return found

    def rows(self, places: Iterable[int], each: int) -> Iterator[tuple[str, bytes, str, bytes]]:
        """Yield (rule, key, item, bytes) for some of those numbers, of which every item has so many."""
        width = len(self.data) // len(self.names)
        for place in places:
            at, group = divmod(place, each)
            data = self.data[at * width : (at + 1) * width]
            key = data if width == _DIGEST else sketch.band(data[_DIGEST:], group)
            yield self.rule, key, self.names[at], data


def _columns(rule: str, rows: Sequence[tuple[str, bytes]]) -> _Columns:
    return _Columns(rule, [name for name, _ in rows], b"".join([data for _, data in rows]))


def _suspects(summaries: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, bytes, str, bytes]]:
    """Yield (rule, key, item, bytes) of what may be a double: its key, or one that looks the same, occurs more than once."""
    with Spill(1) as kept, Recurring() as seen:
        for _, summary in summaries:
            kept.add(0, summary, len(summary))
            for part in _decoded(summary):
                seen.add(part.numbers())
        doubled = seen.found()
        for summary in chain.from_iterable(kept.blocks(0)):
            for part in _decoded(summary):
                found = part.numbers()
                places: Iterable[int] = range(len(found))
                if doubled is not None:
                    places = compress(places, map(doubled.__contains__, found))
                yield from part.rows(places, len(found) // len(part.names))


def _decoded(summary: bytes) -> list[_Columns]:
    return msgspec.msgpack.decode(summary, type=list[_Columns])


def _digest(text: str) -> bytes:
    return bytes(digests.sha256(text.encode(errors="replace")).digest()[:_DIGEST])


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
    return not (exact and one[:_DIGEST] == two[:_DIGEST]) and sketch.alike(one[_DIGEST:], two[_DIGEST:]) >= least


def _told(rule: str, item: str, first: str, dataset: Dataset) -> Finding:
    what = {
        _RULES[0]: "has the same text as",
        _RULES[1]: "has nearly the same text as",
        _RULES[2]: "shows the same file as",
    }
    place = Place(f"datasets/{dataset.name}/items", 0, f"{dataset.name}/{item}#")
    hint = "decide on a branch which of the two stays; delete the other with its records, then labelvc format"
    return finding(Doubles, rule, place, f"{what[rule]} {dataset.name}/{first}#", hint)
