"""Pascal VOC files being written: pictures and boxes back as elements, other elements from where reading left them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from labelvc.codec import canonical
from labelvc.errors import DataError
from labelvc.formats import elements, values
from labelvc.formats import target as output
from labelvc.formats.elements import Element
from labelvc.formats.interface import Plan
from labelvc.formats.spool import Spool, understood
from labelvc.model.project import Taxonomy

ORDER = (
    "folder", "filename", "path", "source", "flickrid", "owner", "size", "segmented", "object",
    "name", "pose", "truncated", "difficult", "occluded", "bndbox", "part",
    "database", "annotation", "image", "width", "height", "depth", "xmin", "ymin", "xmax", "ymax",
)  # fmt: skip
"""Elements in their usual order, whatever their level."""

CORNERS = ("xmin", "ymin", "xmax", "ymax")

_NAME = re.compile(r"[^/\\\x00-\x1f\x7f]{1,200}")


def write(items: Iterable[Mapping[str, Any]], records: Iterable[Mapping[str, Any]], plan: Plan, target: Path) -> int:
    """Write a folder of files `<item>.xml`.

    Args:
        items: pictures.
        records: their boxes.
        plan: names the task; its taxonomy turns label ids into names.
        target: the folder; other files in it stay.

    Returns:
        Number of boxes written.

    Raises:
        DataError: an item cannot name a file, a record is no box, or a text cannot stand in XML.
    """
    shown, called = titles(plan.taxonomy), values.names(plan.taxonomy)
    written = 0
    with Spool(items, records, plan.task) as spool, output.folder(target) as folder:
        for name in spool:
            if not _NAME.fullmatch(name) or name.startswith("."):
                raise DataError("the item's id cannot name a file", where=f"{name[:40]}#", hint="export another format")
            item, boxes = spool.item(name), spool.records(name)
            with understood(item):
                text = _picture(item, boxes, shown, called)
            (folder / f"{name}.xml").write_bytes(text.encode())
            written += len(boxes)
    return written


def titles(taxonomy: Taxonomy | None) -> dict[str, str]:
    """Return label ids to the names that reading takes for them."""
    called = values.names(taxonomy)
    return {
        label.id: label.name for label in (taxonomy.labels if taxonomy else ()) if called.get(label.name) == label.id
    }


def corners(box: Sequence[int | float]) -> dict[str, str]:
    """Return the corners of a box [x,y,w,h] as text, added up in decimals so that none is off by the last digit."""
    x, y, width, height = (Decimal(_digits(number)) for number in box)
    return dict(zip(CORNERS, map(_plain, (x, y, x + width, y + height)), strict=True))


def number(value: Decimal) -> int | float:
    """Return a decimal as the JSON number nearest to it."""
    return int(value) if value == value.to_integral_value() and abs(value) < 2**53 else float(value)


def _picture(
    item: Mapping[str, Any], boxes: Sequence[Mapping[str, Any]], shown: Mapping[str, str], called: Mapping[str, str]
) -> str:
    ext = _ext(item)
    listed = {name: place for place, name in enumerate(ext.get("objects", ()))}
    ordered = sorted(boxes, key=lambda record: listed.get(record["id"], len(listed)))
    objects = [_object(record, shown, called) for record in ordered]
    media = item.get("media", {})
    root = Element("annotation", ext.get("attributes"))
    waiting = iter(objects)
    last = -1
    for name, stored, attributes in elements.pairs(_root(ext.get("content", {}), media), ORDER):
        if name == "object" and stored is True:
            root.children.extend(next(([made] for made in waiting), []))
            last = len(root.children)
        elif name == "filename" and stored is True:
            root.children.append(Element(name, attributes, str(media.get("path", ""))))
        elif name == "size" and not isinstance(stored, str):
            root.children.append(_size(stored, attributes, media))
        elif stored is not False:
            root.children.append(elements.element(name, stored, attributes, ORDER))
    at = last if last >= 0 else len(root.children)
    root.children[at:at] = list(waiting)
    where = f"{item['id']}#"
    return elements.write(root, ext.get("declaration", ""), ext.get("indent", "\t"), ext.get("end", "\n"), where)


def _root(stored: Any, media: Mapping[str, Any]) -> Any:
    """Put in what an object leaves out because the item says it."""
    if not isinstance(stored, dict):
        return stored
    known = {"filename": True} if "path" in media else {}
    sized: dict[str, Any] = {"size": {}} if "width" in media or "height" in media else {}
    return {**known, **sized, **stored}


def _size(stored: Any, attributes: Mapping[str, str], media: Mapping[str, Any]) -> Element:
    if isinstance(stored, dict):
        stored = {**{name: True for name in ("width", "height") if name in media}, **stored}
    made = Element("size", attributes)
    for name, value, extra in elements.pairs(stored, ORDER):
        said = media.get(name) if name in ("width", "height") else None
        spelled = isinstance(value, str) and value.strip().lstrip("0") == str(said).lstrip("0")
        if said is not None and not spelled:
            made.children.append(Element(name, extra, str(said)))
        elif not isinstance(value, bool):
            made.children.append(elements.element(name, value, extra, ORDER))
    return made


def _object(record: Mapping[str, Any], shown: Mapping[str, str], called: Mapping[str, str]) -> Element:
    where = f"{record['item']}#{record['id']}"
    value, ext = record["value"], _ext(record)
    box, label = value.get("box"), value.get("label")
    if not (isinstance(box, list) and len(box) == 4 and isinstance(label, str)):
        raise DataError("the record is no box with a label", where=where, hint="export another format")
    stored = ext.get("content", {})
    if isinstance(stored, dict):
        stored = {"name": True, "bndbox": True, **stored}
    made = Element("object", ext.get("attributes"))
    for name, inner, attributes in elements.pairs(stored, ORDER):
        if name == "name" and not (isinstance(inner, str) and called.get(inner.strip(), inner.strip()) == label):
            made.children.append(Element("name", attributes, shown.get(label, label)))
        elif name == "bndbox":
            made.children.append(_bndbox(inner, attributes, box))
        elif not isinstance(inner, bool):
            made.children.append(elements.element(name, inner, attributes, ORDER))
    return made


def _bndbox(inner: Any, attributes: Mapping[str, str], box: Sequence[int | float]) -> Element:
    """Return the corners, as the source spelled them when they still are this box."""
    fresh = Element("bndbox", attributes)
    fresh.children = [Element(name, text=text) for name, text in corners(box).items()]
    if isinstance(inner, bool):
        return fresh
    old = elements.element("bndbox", inner, attributes, ORDER)
    try:
        x, y, right, bottom = (Decimal(found.text.strip()) for found in map(old.child, CORNERS) if found is not None)
    except (ArithmeticError, ValueError):
        return fresh
    return old if [number(x), number(y), number(right - x), number(bottom - y)] == list(box) else fresh


def _digits(value: float) -> str:
    return canonical.encode(value).decode()


def _plain(value: Decimal) -> str:
    return _digits(number(value))


def _ext(thing: Mapping[str, Any]) -> Mapping[str, Any]:
    found = thing.get("ext", {}).get("voc", {})
    return found if isinstance(found, dict) else {}
