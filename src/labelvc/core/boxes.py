"""Boxes of a picture before and after: which are there no more, which came, which are as they were."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any

from labelvc.core.ways import named
from labelvc.model.exhibit import Box, Sign

MOST = 60
"""Boxes of one picture on a page; those that differ go before those that stayed."""
_FAR = 1e6


def compared(before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]]) -> tuple[tuple[Box, ...], int]:
    """Return the boxes of the records of a picture, those that stayed first, and how many are left out.

    Args:
        before: its live records before.
        after: the same after.
    """
    old, new = [{str(one.get("id")): found for one in side if (found := _corners(one))} for side in (before, after)]
    rows: list[tuple[int, Box]] = []
    for name in sorted({*old, *new}):
        one, two = old.get(name), new.get(name)
        if one == two and two is not None:
            rows.append((0, _box("=", two)))
            continue
        rows += [(1, _box("-", one))] if one else []
        rows += [(2, _box("+", two))] if two else []
    rows.sort(key=lambda row: row[0])
    left = max(0, len(rows) - MOST)
    return tuple(box for _, box in rows[left:]), left


def _corners(record: Mapping[str, Any]) -> tuple[str, tuple[float, ...]] | None:
    value = record.get("value")
    corners = value.get("box") if isinstance(value, Mapping) else None
    if not isinstance(corners, list) or len(corners) != 4:
        return None
    if not all(type(at) in (int, float) and isfinite(at) and abs(at) <= _FAR for at in corners):
        return None
    return named(str(value.get("label", ""))) if isinstance(value, Mapping) else "", tuple(map(float, corners))


def _box(sign: Sign, found: tuple[str, tuple[float, ...]]) -> Box:
    label, (x, y, width, height) = found
    return Box(sign, label, x, y, width, height)
