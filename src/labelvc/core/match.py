"""Match: which stored thing a source means where it does not say so itself, found by content alone.

A record is where it is (its shape) and what it says there (its label). Sources renumber their answers; they seldom redraw
them. So the same shape is the same record even under another label, and no number of the source is looked at.
The rules and their order are those of docs/formats/interchange.md, "Natural keys".
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from labelvc import digests
from labelvc.codec import canonical

ALPHABET = "bcdfghjklmnpqrstvwxz"
"""Twenty letters without vowels, so that an id is no word."""

OVERLAP = 0.5
"""Least intersection over union at which two shapes of one label are the same record, drawn anew."""

SHAPES = {
    "box": "b", "polygon": "p", "polyline": "l", "points": "k", "rle": "m", "media": "m", "span": "s",
    "from": "r", "to": "r",
}  # fmt: skip
"""Members of a value that say where it is, to the letter an id made from them begins with."""

_SECOND = ("segmentation", "bbox")  # further shapes that other tools' fields hold beside the value's own
_LENGTH = 10
_NEAREST = 64  # of one cell; more shapes of one label and size in one spot are no picture any more

_written = msgspec.json.Encoder(order="sorted").encode  # only compared: canonical JSON takes six times as long

Thing = Mapping[str, Any]
Box = tuple[float, float, float, float]


class _Look(NamedTuple):
    """What identifies a record: who said it, its own shape, further shapes, and the answer."""

    by: str
    place: bytes
    others: tuple[bytes, ...]
    answer: bytes
    whole: bytes


def place(value: Any) -> dict[str, Any]:
    """Return the members of a value that say where it is; empty for answers about an item as a whole."""
    return {name: value[name] for name in SHAPES if name in value} if isinstance(value, dict) else {}


def shapes(record: Thing) -> list[bytes]:
    """Return where a record is, as JSON to compare: its own shape first, then those kept of it under `ext`."""
    where = place(record.get("value"))
    ext = record.get("ext")
    spaces = [space for space in ext.values() if isinstance(space, dict)] if isinstance(ext, dict) else []
    further = [_written([member, space[member]]) for space in spaces for member in _SECOND if space.get(member)]
    return [_written(where), *further] if where else []


def name(record: Thing) -> str:
    """Return the id of a record that has none: a letter for its shape and ten letters of a SHA-256.

    Hashed is the shape in canonical JSON, so that a record keeps its id when its label changes. Where it is known who made
    the record, and for answers about the item as a whole, the item and who made it go in, too: the ids of one person's
    records in two items have nothing in common.

    Args:
        record: with `item` and `value`, perhaps with `by`.

    Returns:
        Eleven letters; two records in one place by one person have the same.
    """
    found = place(record.get("value"))
    letter = next((SHAPES[shape] for shape in found), "a")
    shape: Any = next(iter(found.values())) if len(found) == 1 else found
    who = str(record.get("by") or "")
    return letter + letters([record.get("item"), who, shape] if who or not found else shape)


def letters(value: Any) -> str:
    """Return ten letters of the SHA-256 of a value in canonical JSON: its ten lowest digits in base 20, lowest first."""
    number = int.from_bytes(digests.sha256(canonical.encode(value)).digest(), "big")
    made = []
    for _ in range(_LENGTH):
        number, letter = divmod(number, len(ALPHABET))
        made.append(ALPHABET[letter])
    return "".join(made)


def records(old: Mapping[str, Thing], new: Sequence[Thing], *, whole: bool) -> list[str | None]:
    """Find which stored records of an item the records of a source are.

    In this order, each rule for what the one before left over: equal in everything; the same shape and answer; the same
    further shape (a box or outline kept under `ext`) and answer; the same shape; the same further shape; and, with `whole`,
    the same label where the shapes overlap most, then answers without shape and without author, in order of what they say.
    Who made a record counts wherever the source says it.

    Args:
        old: stored records of one item and task by id.
        new: records of the source, in any order.
        whole: the source is all there is, so that what it lacks is gone and may be what has changed.

    Returns:
        For each of `new` the id of its record, or None when it is new. The order of `new` and `old` plays no part, except
        between records that are equal.
    """
    if not old:
        return [None] * len(new)
    by = any(record.get("by") for record in new)
    stored = {identifier: _look(old[identifier], by=by) for identifier in sorted(old)}
    asked = [_look(record, by=by) for record in new]
    order = sorted(range(len(new)), key=lambda number: asked[number].whole)
    found: dict[int, str] = {}
    for rule in range(5 + 2 * whole):
        gone = set(found.values())
        left = {identifier: look for identifier, look in stored.items() if identifier not in gone}
        waiting = [number for number in order if number not in found]
        if not left or not waiting:
            break
        if rule == 5:
            found.update(_drawn_anew(old, left, new, waiting))
            continue
        free: dict[Any, list[str]] = defaultdict(list)
        for identifier, look in left.items():
            for seen in _keys(look, rule):
                free[seen].append(identifier)
        for identifiers in free.values():
            identifiers.reverse()
        taken: set[str] = set()
        for number in waiting:
            pairs = (free[seen] for seen in _keys(asked[number], rule) if seen in free)
            chosen = next((one for one in map(_popped(taken), pairs) if one), None)
            if chosen:
                taken.add(chosen)
                found[number] = chosen
    return [found.get(number) for number in range(len(new))]


def items(old: Mapping[str, Collection[bytes]], new: Mapping[str, Collection[bytes]]) -> dict[str, str]:
    """Find which stored items the items of a source are, by what is unmistakable in them.

    Args:
        old: stored items that the source does not name, each with digests of its content.
        new: items of the source that are not stored under their name, likewise.

    Returns:
        New name to old name, where at least half of what the poorer of the two holds is in both and in no third item.
    """
    held = (
        (number, seen, holder)
        for number, side in enumerate((old, new))
        for holder, every in side.items()
        for seen in every
    )
    shared = unmistakable(held)
    return paired(shared, {pair: min(len(set(new[pair[0]])), len(set(old[pair[1]]))) for pair in shared})


def unmistakable(held: Iterable[tuple[int, bytes, str]]) -> Counter[tuple[str, str]]:
    """Count what two items share and no third one has.

    Args:
        held: 0 for a stored item and 1 for one of the source, a digest of what it holds, and its name; all of one digest.

    Returns:
        (new name, old name) to number of digests.
    """
    holders: tuple[dict[bytes, set[str]], dict[bytes, set[str]]] = (defaultdict(set), defaultdict(set))
    for side, seen, holder in held:
        holders[side][seen].add(holder)
    both = ((holders[1][seen], holders[0][seen]) for seen in holders[1].keys() & holders[0].keys())
    sole = ((mine, theirs) for mine, theirs in both if len(mine) == len(theirs) == 1)
    return Counter((one, other) for mine, theirs in sole for one in mine for other in theirs)


def paired(shared: Mapping[tuple[str, str], int], poorer: Mapping[tuple[str, str], int]) -> dict[str, str]:
    """Choose pairs of items, those that share most first.

    Args:
        shared: (new name, old name) to what they share.
        poorer: the same to what the poorer of the two holds.

    Returns:
        New name to old name, where they share at least half of that.
    """
    found: dict[str, str] = {}
    taken: set[str] = set()
    for pair, count in sorted(shared.items(), key=lambda row: (-row[1], row[0])):
        mine, theirs = pair
        if 2 * count >= poorer[pair] and mine not in found and theirs not in taken:
            found[mine] = theirs
            taken.add(theirs)
    return found


def _popped(taken: set[str]) -> Callable[[list[str]], str | None]:
    def pop(identifiers: list[str]) -> str | None:
        while identifiers:
            identifier = identifiers.pop()
            if identifier not in taken:
                return identifier
        return None

    return pop


def _look(record: Thing, *, by: bool) -> _Look:
    value = record.get("value")
    where = place(value)
    answer = {member: said for member, said in value.items() if member not in where} if isinstance(value, dict) else {}
    found = shapes(record)
    who = str(record.get("by") or "") if by else ""
    content = _written([value, record.get("ext")])
    return _Look(who, found[0] if found else b"", tuple(found[1:]), _written(answer), content)


def _keys(look: _Look, rule: int) -> list[Any]:
    """Return under what a record is looked for by a rule; nothing where the rule would tell no two records apart."""
    distinct = look.place or look.by
    if rule == 0:
        return [(look.by, look.whole)]
    if rule == 1:
        return [(look.by, look.place, look.answer)]
    if rule == 2:
        return [(look.by, other, look.answer) for other in look.others]
    if rule == 3:
        return [(look.by, look.place)] if distinct else []
    if rule == 4:
        return [(look.by, other) for other in look.others]
    return [] if distinct else [()]


def _drawn_anew(
    old: Mapping[str, Thing], left: Mapping[str, _Look], new: Sequence[Thing], waiting: Sequence[int]
) -> dict[int, str]:
    """Pair shapes of one author and label that overlap enough, those that overlap most first."""
    cells: dict[Any, list[tuple[str, Box]]] = defaultdict(list)
    by = any(look.by for look in left.values())
    for identifier in left:
        box = _bounds(old[identifier])
        if box:
            cells[_kind(old[identifier], by=by), *_cell(box)].append((identifier, box))
    pairs: list[tuple[float, int, str, int]] = []
    for rank, number in enumerate(waiting):
        box = _bounds(new[number])
        for near in _near(box) if box else ():
            for identifier, other in cells.get((_kind(new[number], by=by), *near), ())[:_NEAREST]:
                shared = _overlap(box, other) if box else 0
                if shared >= OVERLAP:
                    pairs.append((-shared, rank, identifier, number))
    found: dict[int, str] = {}
    taken: set[str] = set()
    for _, _, identifier, number in sorted(pairs):
        if number not in found and identifier not in taken:
            found[number] = identifier
            taken.add(identifier)
    return found


def _kind(record: Thing, *, by: bool) -> tuple[str, str, str]:
    value = record.get("value")
    label = value.get("label") if isinstance(value, dict) else ""
    shape = "span" if isinstance(value, dict) and "span" in value else ""
    return (str(record.get("by") or "") if by else "", str(label), shape)


def _bounds(record: Thing) -> Box | None:
    """Return the box around a record's shape (x, y, width, height); None when it has no area or is no shape."""
    value = record.get("value")
    if not isinstance(value, dict):
        return None
    flat = _numbers(value.get("box"), 4)
    if flat is None and "span" in value and (span := _numbers(value["span"], 2)):
        flat = [span[0], 0, span[1] - span[0], 1]
    points = value.get("polygon") or value.get("polyline") or value.get("points")
    if flat is None and isinstance(points, list):
        pairs = [pair for point in points if (pair := _numbers(point, 2))]
        xs, ys = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        flat = [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)] if pairs else None
    if flat is None and isinstance(record.get("ext"), dict):
        held = [_numbers(space.get("bbox"), 4) for space in record["ext"].values() if isinstance(space, dict)]
        flat = next((one for one in held if one), None)
    return (flat[0], flat[1], flat[2], flat[3]) if flat and flat[2] > 0 and flat[3] > 0 else None


def _numbers(found: Any, count: int) -> list[float] | None:
    if isinstance(found, list) and len(found) == count and all(type(one) in (int, float) for one in found):
        return found
    return None


def _cell(box: Box) -> tuple[int, int, int, int]:
    """Return the size class of a box and the square of that size in which its middle lies.

    Boxes that share half of their union differ in size by a factor of two at most, and their middles by half of the
    smaller side: they lie in neighbouring cells of neighbouring classes.
    """
    wide, high = math.frexp(box[2])[1], math.frexp(box[3])[1]
    return wide, high, _square(box[0] + box[2] / 2, wide), _square(box[1] + box[3] / 2, high)


def _square(middle: float, size: int) -> int:
    return math.floor(math.ldexp(middle, -size))


def _near(box: Box) -> Iterator[tuple[int, int, int, int]]:
    wide, high, _, _ = _cell(box)
    for w in (wide - 1, wide, wide + 1):
        x = _square(box[0] + box[2] / 2, w)
        for h in (high - 1, high, high + 1):
            y = _square(box[1] + box[3] / 2, h)
            for at in range(9):
                yield w, h, x + at // 3 - 1, y + at % 3 - 1


def _overlap(one: Box, two: Box) -> float:
    wide = min(one[0] + one[2], two[0] + two[2]) - max(one[0], two[0])
    high = min(one[1] + one[3], two[1] + two[3]) - max(one[1], two[1])
    shared = max(wide, 0) * max(high, 0)
    return shared / (one[2] * one[3] + two[2] * two[3] - shared)
