"""Outlines: polygons, lines and points: do they lie inside their picture, hold an area, and never cross themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, ClassVar

from labelvc.checks.boxes import BEYOND, OVER_THE_EDGE, leaves, sizes
from labelvc.checks.interface import Look, Rule, Shard, finding, threshold
from labelvc.model.finding import Finding, Place
from labelvc.model.project import Dataset, Project

_TYPES = frozenset({"polygon", "polyline", "points", "mask"})
_MEMBERS = ("polygon", "polyline", "points")
_MOST_PAIRS = 1_000_000
_SLACK = 1e-9
_Point = tuple[float, float]
_Edge = tuple[_Point, _Point]


class Outlines:
    """Looks at the geometry of `polygon`, `polyline` and `points` records and of masks given as an outline."""

    name: ClassVar[str] = "labelvc.outlines"
    version: ClassVar[int] = 2
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "outline.outside",
            "error",
            "Outline leaves its picture",
            "Pixels that do not exist cannot be labelled.",
            BEYOND,
            OVER_THE_EDGE,
        ),
        Rule(
            "outline.no_area",
            "error",
            "Polygon has no area, or line no length",
            "Points that fall together or lie in one line enclose nothing.",
        ),
        Rule(
            "outline.crossing",
            "warning",
            "Polygon crosses itself",
            "Programs disagree about what is inside where an outline crosses itself.",
        ),
    )

    def applies(self, project: Project, dataset: Dataset) -> bool:
        """Apply where a task asks for outlines."""
        return any(name in project.tasks and project.tasks[name].type in _TYPES for name in dataset.tasks)

    def look(self, shard: Shard, project: Project) -> Look:
        """Return outlines that leave their picture, enclose nothing, or cross themselves."""
        lines = shard.holding(*_MEMBERS)
        pictures = sizes(shard) if lines else {}
        beyond = threshold(Outlines, "outline.outside", shard.dataset)
        found: list[Finding] = []
        for line in lines:
            value = line.fields.get("value") if line.fields else None
            if not isinstance(value, Mapping) or line.fields is None:
                continue
            for member in _MEMBERS:
                points = _points(value.get(member))
                if points:
                    size = pictures.get(str(line.fields.get("item")))
                    place = Place(shard.path("annotations"), line.number, str(line.key or ""), f"/value/{member}")
                    if size:
                        found += _outside(points, f"{value.get('label')} {member}", size, beyond, place)
                    found += _problems(points, member, str(value.get("label")), place)
        return Look(found)

    def judge(self, summaries: Iterable[tuple[str, bytes]], project: Project, dataset: Dataset) -> Iterator[Finding]:
        """Yield nothing: each outline stands for itself."""
        return iter(())


def crossing(points: Sequence[_Point]) -> _Edge | None:
    """Return one edge of a closed outline that another one crosses, None when there is none.

    Only edges that cross in their inner parts count: an outline that touches itself in a corner encloses the same pixels
    for everybody. Edges are swept from left to right, so that only those that share some x are compared.

    Args:
        points: corners in order; the last is joined to the first.

    Returns:
        The edge, or the last one looked at where more than a million pairs would have to be compared.
    """
    edges = sorted(
        [(min(one, two), max(one, two)) for one, two in pairwise([*points, points[0]]) if one != two],
    )
    compared = 0
    for at, one in enumerate(edges):
        for two in edges[at + 1 :]:
            if two[0][0] >= one[1][0]:
                break
            compared += 1
            if compared > _MOST_PAIRS or _cross(one, two):
                return one
    return None


def _cross(one: _Edge, two: _Edge) -> bool:
    """Tell whether each edge has its ends on both sides of the other (O'Rourke, Computational Geometry in C, 1.5)."""
    return _apart(one, two) and _apart(two, one)


def _apart(edge: _Edge, other: _Edge) -> bool:
    (x, y), (to_x, to_y) = edge
    across, down = to_x - x, to_y - y
    sides = [across * (at_y - y) - down * (at_x - x) for at_x, at_y in other]
    slack = _SLACK * (abs(across) + abs(down))
    return min(sides) < -slack and max(sides) > slack


def _points(value: Any) -> list[_Point]:
    """Return the points of a value; none where one of them is no pair of numbers, which another check tells."""
    if not isinstance(value, list):
        return []
    pairs = [
        (point[0], point[1])
        for point in value
        if isinstance(point, list) and len(point) == 2 and all(isinstance(number, int | float) for number in point)
    ]
    return pairs if len(pairs) == len(value) else []


def _outside(
    points: list[_Point], name: str, size: tuple[float, float], beyond: float, place: Place
) -> Iterator[Finding]:
    at = next(leaves(points, size, beyond), None)
    if at is not None:
        message = f"point {at + 1} of the {name} leaves its picture of {size[0]:g}x{size[1]:g}"
        hint = "clip it to the picture, or correct the picture's size"
        yield finding(Outlines, "outline.outside", place, message, hint)


def _problems(points: list[_Point], member: str, label: str, place: Place) -> Iterator[Finding]:
    if member == "points":
        return
    if len(set(points)) == 1 or (member == "polygon" and _in_line(points)):
        message = f"the {label} {member} has no {'area' if member == 'polygon' else 'length'}"
        yield finding(Outlines, "outline.no_area", place, message, "redraw it, or delete the record")
    elif member == "polygon" and crossing(points):
        message = f"the {label} polygon crosses itself"
        hint = "redraw it; or split it into parts that do not cross"
        yield finding(Outlines, "outline.crossing", place, message, hint)


def _in_line(points: list[_Point]) -> bool:
    """Tell whether all points lie in one line, or fall together."""
    x, y = points[0]
    far_x, far_y = max(points, key=lambda point: abs(point[0] - x) + abs(point[1] - y))
    across, down = far_x - x, far_y - y
    slack = _SLACK * (abs(across) + abs(down)) ** 2
    return all(abs(across * (at_y - y) - down * (at_x - x)) <= slack for at_x, at_y in points)
