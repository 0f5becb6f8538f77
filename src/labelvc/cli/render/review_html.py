"""A review as one HTML file: no script, no network, light and dark; each number in it says where in the JSON it stands."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, NamedTuple

from markupsafe import Markup

from labelvc.cli.render import edits, html
from labelvc.cli.render import review as words
from labelvc.cli.render.text import safe
from labelvc.codec import pictures
from labelvc.core.counts import NOBODY
from labelvc.model import jsonpointer
from labelvc.model.exhibit import Box, Picture
from labelvc.model.review import Review
from labelvc.model.ways import Grid

_FORMS = {"": ",", "percent": ",.1f", "share": ",.2f", "points": "+,.2f", "rate": ",.1f", "figure": ".3f"}
_NEAR = 0.35  # of a picture's width: what differs in a smaller part of it is shown once more, larger
_MARGIN, _LEAST = 24, 120
_TINY = 6
_FEW, _SHORT = 6, 4  # names of more columns stand upright where they are longer


class View(NamedTuple):
    """A part of a picture: its corner and size."""

    x: float
    y: float
    width: float
    height: float

    def __str__(self) -> str:
        """Return it as a `viewBox` has it."""
        return " ".join([f"{side:g}" for side in self])


def page(found: Review) -> str:
    """Return a review as an HTML page.

    Args:
        found: the review.
    """
    told = words.document(found)
    places = {
        one.key: f"way-{number}-{at}"
        for number, way in enumerate(found.ways.list, 1)
        for at, one in enumerate(way.examples, 1)
    }
    template = html.environment().get_template("review.html.jinja")
    return template.render(
        told=told,
        n=lambda pointer, form="": number_at(told, pointer, form),
        words=words,
        review=found,
        places=places,
        grids=[_shades(grid) for grid in found.ways.grids],
        tall=[
            len(grid.labels) > _FEW and max(map(len, filter(None, grid.labels)), default=0) > _SHORT
            for grid in found.ways.grids
        ],
        documents=[[edits.sentence(edit) for edit in one.edits] for one in found.documents],
        images=_images(found),
        pictured=any(one.picture for way in found.ways.list for one in way.examples),
        whole=_whole,
        near=_near,
        tiny=_tiny,
        alt=_alt,
        nobody=NOBODY,
        bar=length,
    )


def number_at(told: Mapping[str, Any], pointer: str, form: str) -> Markup:
    """Return a number of the JSON with the pointer to it; a dash where there is none."""
    value: Any = told
    for step in jsonpointer.steps(pointer):
        value = value[int(step)] if isinstance(value, list | tuple) else value[step]
    if value is None:
        return Markup('<span class="soft">–</span>')
    shown = f"{value:{_FORMS[form]}}".replace("-", "−")
    return Markup('<data value="{}" data-at="{}">{}</data>').format(value, pointer, shown)


def _shades(grid: Grid) -> list[list[int]]:
    """Return how dark each cell of a square is, 0 to 9; all others together are many, and no measure for one way."""
    alone = len(grid.labels)
    most = max([number for row in grid.rows[:alone] for number in row[:alone]], default=0)
    return [
        [min(9, max(1, round(9 * number / (most or number)))) if number else 0 for number in row] for row in grid.rows
    ]


def length(part: float, whole: float) -> int:
    """Return how long a bar is in twentieths, one at least."""
    return min(20, max(1, round(20 * abs(part) / whole))) if whole else 1


def _images(found: Review) -> list[tuple[str, int, int, str]]:
    """Return each picture of the page once: its digest, the size it is shown in, and its bytes as a URI."""
    shown = dict.fromkeys(
        (one.picture.digest, one.picture.width, one.picture.height)
        for way in found.ways.list
        for one in way.examples
        if one.picture and one.picture.digest
    )
    return [(digest, width, height, _uri(found.pictures[digest])) for digest, width, height in shown]


def _uri(data: bytes) -> str:
    kind = "png" if data.startswith(pictures.PNG) else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def _whole(picture: Picture) -> View:
    return View(0, 0, picture.width, picture.height)


def _near(picture: Picture) -> View | None:
    """Return the part of a picture in which boxes differ, when that is a small one."""
    found = [one for one in picture.boxes if one.sign != "="]
    if not found:
        return None
    left, top = min(one.x for one in found), min(one.y for one in found)
    right, low = max(one.x + one.width for one in found), max(one.y + one.height for one in found)
    width, height = max(_LEAST, right - left + 2 * _MARGIN), max(_LEAST, low - top + 2 * _MARGIN)
    height = max(height, width * picture.height / picture.width)
    width = height * picture.width / picture.height
    if width > _NEAR * picture.width:
        return None
    return View(round((left + right - width) / 2), round((top + low - height) / 2), round(width), round(height))


def _tiny(box: Box) -> bool:
    """Tell whether a box is too small to be seen as it is."""
    return box.width < _TINY or box.height < _TINY


def _alt(picture: Picture) -> str:
    """Return what a picture shows, in words, for who does not see it."""
    signs = {"+": "added", "-": "removed"}
    found = [f"{signs[one.sign]} {one.label} box" for one in picture.boxes if one.sign in signs]
    return safe(f"{picture.path}: {', '.join(found) or 'no box differs'}")
