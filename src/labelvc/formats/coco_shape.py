"""Shapes of COCO: how the bbox and segmentation of an annotation become a record's value, and back.

What the value says is taken out of the annotation; what it does not say stays there, so that writing finds it again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from labelvc.codec import canonical
from labelvc.errors import DataError

TYPES = ("box", "polygon", "mask")
"""Types of task that an annotation can answer."""

_SIDES = 4


def taken(found: dict[str, Any], kind: str, where: str) -> dict[str, Any]:
    """Take the shape out of an annotation.

    A task of boxes gets the bbox. One of polygons or masks gets the outline, or the run lengths; of an outline in several
    parts the largest, whose place in `segmentation` becomes `true`. Where there is no usable outline it gets the bbox,
    and `labelvc check` says so.

    Args:
        found: the annotation; members that the shape says are removed.
        kind: the task's type.
        where: its place, for messages.

    Returns:
        The members of the value beside the label.

    Raises:
        DataError: there is no shape at all.
    """
    if kind != "box":
        shape = _outline(found) or _runs(found)
        if shape:
            if "polygon" in shape and "bbox" not in found:
                found["bbox"] = False
            elif "polygon" in shape and _numbers(found["bbox"]) and found["bbox"] == around(segments(shape, found)):
                del found["bbox"]
            return shape
    box = found.get("bbox")
    if not isinstance(box, list) or not _numbers(box) or len(box) != _SIDES:
        raise DataError(
            "the annotation has no bbox of four numbers",
            where=where,
            hint="correct the source, or import into a task of type mask",
        )
    del found["bbox"]
    return {"box": box}


def given(value: Mapping[str, Any], ext: dict[str, Any]) -> dict[str, Any]:
    """Return bbox and segmentation of a value, the inverse of `taken`.

    Args:
        value: the record's value.
        ext: what was kept of the annotation; members that are used up are removed.

    Returns:
        The members `bbox` and `segmentation` as far as they are known, or nothing when the value is no such shape.
    """
    if "box" in value:
        return {"bbox": value["box"]}
    if "polygon" in value:
        rings = segments(value, ext)
        ext.pop("segmentation", None)
        made: dict[str, Any] = {"segmentation": rings}
        if ext.get("bbox") is False:
            del ext["bbox"]
        elif "bbox" not in ext:
            made["bbox"] = around(rings)
        return made
    return {"segmentation": value["rle"]} if "rle" in value else {}


def segments(value: Mapping[str, Any], ext: Mapping[str, Any]) -> list[Any]:
    """Return all rings of an outline as COCO writes them, flat; the value's own where `true` stands among those kept."""
    if "polygon" not in value:
        return []
    own = [number for point in value["polygon"] for number in point]
    kept = ext.get("segmentation")
    parts = kept if isinstance(kept, list) and any(ring is True for ring in kept) else [True]
    return [own if ring is True else ring for ring in parts]


def around(rings: Sequence[Any]) -> list[int | float] | None:
    """Return the bbox around rings, computed in decimals; None where there is nothing to go around."""
    numbers = [ring for ring in rings if _numbers(ring)]
    xs = [number for ring in numbers for number in ring[::2]]
    ys = [number for ring in numbers for number in ring[1::2]]
    if not xs or not ys:
        return None
    left, right, top, bottom = map(_decimal, (min(xs), max(xs), min(ys), max(ys)))
    return [_plain(number) for number in (left, top, right - left, bottom - top)]


def area(value: Mapping[str, Any]) -> int | float:
    """Return the area of a box or polygon in square pixels, by the shoelace formula; 0 of anything else."""
    if "box" in value:
        return _plain(_decimal(value["box"][2]) * _decimal(value["box"][3]))
    points = [(_decimal(x), _decimal(y)) for x, y in value.get("polygon", ())]
    pairs = zip(points, points[1:] + points[:1], strict=True)
    return _plain(abs(sum((x * b - a * y for (x, y), (a, b) in pairs), Decimal(0))) / 2)


def _outline(found: dict[str, Any]) -> dict[str, Any]:
    rings = found.get("segmentation")
    usable = [ring for ring in rings if _ring(ring)] if isinstance(rings, list) else []
    if not isinstance(rings, list) or not usable:
        return {}
    largest = max(usable, key=lambda ring: area({"polygon": _pairs(ring)})) if len(usable) > 1 else usable[0]
    at = rings.index(largest)
    if len(rings) > 1:
        rings[at] = True
    else:
        del found["segmentation"]
    return {"polygon": _pairs(largest)}


def _runs(found: dict[str, Any]) -> dict[str, Any]:
    runs = found.get("segmentation")
    if not isinstance(runs, dict) or runs.keys() != {"counts", "size"}:
        return {}
    counts, size = runs["counts"], runs["size"]
    listed = isinstance(counts, str) or (isinstance(counts, list) and all(map(_offset, counts)))
    if not listed or not isinstance(size, list) or len(size) != 2 or not all(map(_offset, size)):
        return {}
    del found["segmentation"]
    return {"rle": runs}


def _ring(ring: Any) -> bool:
    return _numbers(ring) and len(ring) >= 6 and len(ring) % 2 == 0


def _pairs(ring: Sequence[Any]) -> list[list[Any]]:
    return [list(pair) for pair in zip(ring[::2], ring[1::2], strict=True)]


def _numbers(found: Any) -> bool:
    return isinstance(found, list) and all(type(number) in (int, float) for number in found)


def _offset(number: Any) -> bool:
    return type(number) is int and number >= 0


def _decimal(number: float) -> Decimal:
    return Decimal(canonical.encode(number).decode())


def _plain(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() and abs(value) < 2**53 else float(value)
