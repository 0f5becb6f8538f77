"""Boxes: has each an area, does it lie inside its picture, was one object boxed twice, and is the shape a plausible one."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar, NamedTuple

from labelvc.checks.interface import Line, Look, Rule, Shard, asked, finding, threshold
from labelvc.model.finding import Finding, Place
from labelvc.model.project import Dataset, Project

_NEAR, _SHIFT = 0.8, 0.1
_TINY, _ASPECT = 4, 20
BEYOND, OVER_THE_EDGE = 0.5, "pixels over the edge of the picture"


class Boxes:
    """Looks at the geometry of `box` records."""

    name: ClassVar[str] = "labelvc.boxes"
    version: ClassVar[int] = 3
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("box.zero_area", "error", "Box has no area", "A box without area trains nothing and divides by zero."),
        Rule(
            "box.outside",
            "error",
            "Box leaves its picture",
            "Pixels that do not exist cannot be labelled.",
            BEYOND,
            OVER_THE_EDGE,
        ),
        Rule(
            "box.near_duplicate",
            "warning",
            "Two boxes of one label all but coincide",
            "One object boxed twice counts twice.",
            _NEAR,
            "intersection over union of the two",
        ),
        Rule(
            "box.shifted_copy",
            "warning",
            "Box is a copy of another one, moved a little",
            "A pasted box was never drawn: one object counts twice, at two places.",
            _SHIFT,
        ),
        Rule(
            "box.tiny",
            "warning",
            "Box is very small",
            "A slip of the mouse leaves a box of a few pixels.",
            _TINY,
            on_request=True,
        ),
        Rule(
            "box.aspect",
            "note",
            "Box is very long or very high",
            "A box along the edge of a picture is often a slip of the mouse.",
            _ASPECT,
            on_request=True,
        ),
    )

    def applies(self, project: Project, dataset: Dataset) -> bool:
        """Apply where a task asks for boxes."""
        return any(name in project.tasks and project.tasks[name].type == "box" for name in dataset.tasks)

    def look(self, shard: Shard, project: Project) -> Look:
        """Return boxes without area, outside their picture, nearly equal, copied, or of a shape nobody draws."""
        lines = shard.holding("box")
        pictures = sizes(shard) if lines else {}
        limits = _Limits.of(shard.dataset)
        groups: dict[tuple[str, ...], list[_Box]] = defaultdict(list)
        found: list[Finding] = []
        for line in lines:
            box = _box(line)
            if box is None or line.fields is None:
                continue
            found += _single(box, pictures.get(str(line.fields.get("item"))), limits, shard.path("annotations"))
            found += _shape(box, limits, shard.path("annotations"))
            # as text: in a record of the wrong shape they may be lists
            groups[*[str(line.fields.get(name)) for name in ("item", "task", "by")], box.label].append(box)
        for boxes in groups.values():
            found += _near(boxes, limits, shard.path("annotations"))
        return Look(found)

    def judge(self, summaries: Iterable[tuple[str, bytes]], project: Project, dataset: Dataset) -> Iterator[Finding]:
        """Yield nothing: all boxes of a picture share a shard."""
        return iter(())


class _Box(NamedTuple):
    x: float
    y: float
    width: float
    height: float
    label: str
    line: Line


class _Limits(NamedTuple):
    """A dataset's thresholds: `shift` 0, `tiny` 0 and `aspect` infinite where a rule keeps still."""

    beyond: float
    near: float
    shift: float
    tiny: float
    aspect: float

    @classmethod
    def of(cls, dataset: Dataset) -> _Limits:
        setting = dataset.checks.get("box.shifted_copy")
        return cls(
            threshold(Boxes, "box.outside", dataset),
            threshold(Boxes, "box.near_duplicate", dataset),
            0.0 if setting and setting.severity == "off" else threshold(Boxes, "box.shifted_copy", dataset),
            threshold(Boxes, "box.tiny", dataset) if asked(dataset, "box.tiny") else 0.0,
            threshold(Boxes, "box.aspect", dataset) if asked(dataset, "box.aspect") else math.inf,
        )


def overlap(one: tuple[float, float, float, float], two: tuple[float, float, float, float]) -> float:
    """Return intersection over union of two boxes `(x, y, width, height)`, 0 when both lack area.

    Source: Everingham et al., The PASCAL Visual Object Classes Challenge, section 4.2.
    """
    across = min(one[0] + one[2], two[0] + two[2]) - max(one[0], two[0])
    down = min(one[1] + one[3], two[1] + two[3]) - max(one[1], two[1])
    shared = max(across, 0) * max(down, 0)
    union = one[2] * one[3] + two[2] * two[3] - shared
    return shared / union if union > 0 else 0.0


def _box(line: Line) -> _Box | None:
    value = line.fields.get("value") if line.fields else None
    corners = value.get("box") if isinstance(value, Mapping) else None
    if not isinstance(corners, list) or len(corners) != 4 or not all(isinstance(n, int | float) for n in corners):
        return None
    x, y, width, height = corners
    return _Box(x, y, width, height, str(value.get("label")) if isinstance(value, Mapping) else "", line)


def sizes(shard: Shard) -> dict[str, tuple[float, float]]:
    """Return width and height in pixels of the pictures among a shard's items, by item."""
    found: dict[str, tuple[float, float]] = {}
    for line in shard.records("items"):
        item = line.fields or {}
        media = item.get("media")
        if isinstance(media, dict) and isinstance(media.get("width"), int) and isinstance(media.get("height"), int):
            found[str(item.get("id"))] = (media["width"], media["height"])
    return found


def leaves(corners: Iterable[tuple[float, float]], size: tuple[float, float], beyond: float) -> Iterator[int]:
    """Yield which of some points lie outside of a picture.

    Half a pixel is no pixel: one belongs to a shape when its centre lies inside (OpenGL 4.6, 14.6.1), and where the centre of
    the first pixel is called 0, as MMDetection 2 and many tools do, the picture itself begins at -0.5.

    Args:
        corners: `(x, y)` in pixels from the upper left corner.
        size: width and height of the picture in pixels.
        beyond: how far over the edge still counts as inside, in pixels.
    """
    wide, high = size[0] + beyond, size[1] + beyond
    for at, (x, y) in enumerate(corners):
        if not (-beyond <= x <= wide and -beyond <= y <= high):
            yield at


def _single(box: _Box, size: tuple[float, float] | None, limits: _Limits, path: str) -> Iterator[Finding]:
    place = Place(path, box.line.number, str(box.line.key or ""), "/value/box")
    corners = f"[{box.x:g},{box.y:g},{box.width:g},{box.height:g}]"
    if box.width <= 0 or box.height <= 0:
        yield finding(
            Boxes,
            "box.zero_area",
            place,
            f"the {box.label} box {corners} has no area",
            "redraw it, or delete the record",
        )
    opposite = (box.x, box.y), (box.x + box.width, box.y + box.height)
    if size and next(leaves(opposite, size, limits.beyond), None) is not None:
        message = f"the {box.label} box {corners} leaves its picture of {size[0]:g}x{size[1]:g}"
        yield finding(Boxes, "box.outside", place, message, "clip it to the picture, or correct the picture's size")


def _shape(box: _Box, limits: _Limits, path: str) -> Iterator[Finding]:
    """Yield a box with an area that is smaller or longer than the dataset wants."""
    short, long = sorted((box.width, box.height))
    if short <= 0:
        return
    place = Place(path, box.line.number, str(box.line.key or ""), "/value/box")
    hint = "redraw it, or set the threshold of {} in dataset.yaml"
    if short < limits.tiny:
        message = f"the {box.label} box is {short:g} pixels at its shorter side, less than {limits.tiny:g}"
        yield finding(Boxes, "box.tiny", place, message, hint.format("box.tiny"))
    elif long > short * limits.aspect:
        message = f"the {box.label} box is {long / short:.3g} times as long as wide, more than {limits.aspect:g}"
        yield finding(Boxes, "box.aspect", place, message, hint.format("box.aspect"))


def _near(boxes: list[_Box], limits: _Limits, path: str) -> Iterator[Finding]:
    """Sweep from left to right: only boxes that overlap on the x axis are compared, and each pair is told once."""
    ordered = sorted(boxes, key=lambda box: box[:4])
    for at, one in enumerate(ordered):
        for two in ordered[at + 1 :]:
            if two.x >= one.x + one.width:
                break
            first, second = sorted((one, two), key=lambda box: box.line.number)
            place = Place(path, second.line.number, str(second.line.key or ""), "/value/box")
            if _copied(first, second, limits.shift):
                message = f"the {second.label} box is {first.line.key} moved by ({second.x - first.x:g},{second.y - first.y:g})"
                yield finding(
                    Boxes, "box.shifted_copy", place, message, "delete the copy, or draw it where its object is"
                )
                continue
            share = overlap(one[:4], two[:4])
            if share > limits.near:
                message = f"the {second.label} box all but coincides with {first.line.key} (IoU {share:.2f})"
                yield finding(
                    Boxes, "box.near_duplicate", place, message, "delete one of the two, or keep both knowingly"
                )


def _copied(one: _Box, two: _Box, limit: float) -> bool:
    """Tell whether two boxes have the very same size and stand apart by no more than a share of it.

    Two people, or one person twice, do not draw the same width and the same height: of the 4,888 boxes of BCCD the only
    such pairs are seven that a tool pasted at (-2,-2).
    """
    if one[2:4] != two[2:4] or one[:2] == two[:2]:
        return False
    return abs(one.x - two.x) <= limit * one.width and abs(one.y - two.y) <= limit * one.height
