"""Pascal VOC: an item a picture, a record a box, called by where the box is and never by its place in the file.

Source: the development kit of the challenge, http://host.robots.ox.ac.uk/pascal/VOC/voc2012/ (section 5, annotations).
Corners become width and height as they stand (`w = xmax - xmin`), whatever a tool meant by its last pixel.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

from labelvc.core import match
from labelvc.errors import DataError
from labelvc.formats import elements, values, voc_write
from labelvc.formats.elements import Element
from labelvc.formats.interface import Fidelity, Plan, Row
from labelvc.formats.spool import counting
from labelvc.formats.tables import nameable, together
from labelvc.model.project import Dataset

_NUMBER = re.compile(r"[+-]?\d{1,15}(?:\.\d{0,30})?(?:[eE][+-]?\d)?", re.ASCII)
_FARTHEST = 10**9
_WHOLE = re.compile(r"\d{1,9}", re.ASCII)


class Voc:
    """Reads and writes folders of Pascal VOC annotations."""

    name: ClassVar[str] = "voc"
    title: ClassVar[str] = "Pascal VOC, one XML file a picture"
    reads: ClassVar[bool] = True
    writes: ClassVar[bool] = True
    fidelity: ClassVar[Fidelity] = Fidelity(
        kept=(
            "boxes, labels, every other element and attribute, order of objects and elements",
            "indentation, XML declaration",
        ),
        lost=(
            "comments, processing instructions, CDATA marks, order of attributes",
            "irregular blanks between elements, encodings other than UTF-8",
            "by, at, rev, under, origin",
        ),
    )

    def read(self, source: Path, plan: Plan) -> Iterator[Row]:
        """Yield pictures and their boxes, files by name; see `labelvc.formats.interface.Format`.

        Args:
            source: one XML file, a folder of them, or a folder whose `Annotations` holds them.
            plan: names the task and its labels; a key names elements of the picture, `filename` or `source/flickrid`.
        """
        named: dict[str, str] = {}
        called = values.names(plan.taxonomy)
        shown = voc_write.titles(plan.taxonomy)
        for path in files(source):
            for row in _picture(path, plan, called, shown):
                if row.layer == "items" and named.setdefault(row.fields["id"], path.name) != path.name:
                    message = f"the picture has the key of {named[row.fields['id']]}"
                    raise DataError(message, where=str(path), hint="name another --key, or several")
                yield row

    def write(
        self,
        items: Iterable[Mapping[str, Any]],
        records: Iterable[Mapping[str, Any]],
        dataset: Dataset,
        plan: Plan,
        target: Path,
    ) -> int:
        """Write a folder with one file a picture; see `labelvc.formats.interface.Format`."""
        return voc_write.write(items, records, plan, target)


FORMAT = Voc()


def files(source: Path) -> list[Path]:
    """Return the XML files of a source, by name.

    Raises:
        DataError: there are none.
    """
    if source.is_file():
        return [source]
    for folder in (source, source / "Annotations"):
        found = sorted(path for path in folder.glob("*.xml") if path.is_file()) if folder.is_dir() else []
        if found:
            return found
    raise DataError("there is no XML file", where=str(source), hint="name the folder that holds the annotations")


def box_id(box: Iterable[float]) -> str:
    """Return the id of a box: `b` and ten letters of the SHA-256 of `[x,y,w,h]` in canonical JSON.

    The label is no part of it: a box that gets another label is the same box with a change, not one lost and one found.
    """
    return "b" + match.letters(list(box))


def _picture(path: Path, plan: Plan, called: Mapping[str, str], shown: Mapping[str, str]) -> Iterator[Row]:
    document = elements.parse(path)
    root = document.root
    if root.name != "annotation":
        raise DataError(f"the root element is {root.name[:40]!r}, not 'annotation'", where=f"{path}:{root.line}")
    natural = {name: _found(root, name, path) for name in plan.key}
    item = together([*natural.values()]) if natural else path.stem
    if not nameable(item):
        raise DataError("the name of the file, or the key, cannot name an item", where=str(path))
    boxes = [
        (element.line, _box(element, path, called, shown)) for element in root.children if element.name == "object"
    ]
    seen: Counter[str] = Counter()
    for _, record in boxes:
        seen[record["id"]] += 1
        record["item"] = item
        count = seen[record["id"]]
        record["id"] = f"{plan.prefix}{record['id']}" + (f".{count}" if count > 1 else "")
    ids = [record["id"] for _, record in boxes]
    media, content = _media(root, path)
    style = {
        "attributes": root.attributes or None,
        "content": content or None,
        "declaration": document.declaration or None,
        "end": None if document.end == "\n" else document.end,
        "indent": None if document.indent == "\t" else document.indent,
        "objects": None if ids == sorted(ids, key=counting) else ids,
    }
    kept = {name: value for name, value in style.items() if value is not None}
    yield Row(
        "items",
        {
            "id": item,
            "media": media,
            **({"natural": natural} if natural else {}),
            **({"ext": {"voc": kept}} if kept else {}),
        },
        f"{path.name}:{root.line}",
    )
    for line, record in boxes:
        yield Row("annotations", record, f"{path.name}:{line}")


def _found(root: Element, name: str, path: Path) -> str:
    """Return the text of the element that a part of the key names, one level below another after each `/`."""
    element: Element | None = root
    for step in name.split("/"):
        element = element.child(step) if element is not None else None
    if element is None or element.children or not element.text.strip():
        there = ", ".join(dict.fromkeys(child.name for child in root.children if child.text.strip()))
        hint = f"name another --key; the picture has {there[:200]}"
        raise DataError(f"the picture has no {name[:40]!r} that could name it", where=str(path), hint=hint)
    return element.text.strip()


def _media(root: Element, path: Path) -> tuple[dict[str, Any], Any]:
    """Return what the item itself says of the picture, and the JSON of all other elements."""
    named, size = root.child("filename"), root.child("size")
    media: dict[str, Any] = {"path": path.stem}
    said: dict[int, Any] = {}
    if named is not None and not named.children and values.SAFE_PATH.fullmatch(named.text):
        media["path"] = named.text
        said[id(named)] = True
    for name in ("width", "height"):
        element = size.child(name) if size is not None else None
        if element is not None and _WHOLE.fullmatch(element.text.strip()):
            media[name] = int(element.text)
            if str(media[name]) == element.text:
                said[id(element)] = True
    objects = [element.name == "object" for element in root.children]
    children = (
        [element for element in root.children if element.name != "object"]
        if objects == sorted(objects)
        else root.children
    )
    said.update({id(element): True for element in children if element.name == "object"})
    # an object that something follows must be told with its place
    form = elements.content if children is not root.children else elements.listed
    content: Any = form(children, said, voc_write.ORDER)
    if named is None and isinstance(content, dict):
        content["filename"] = False
    return media, content


def _box(element: Element, path: Path, called: Mapping[str, str], shown: Mapping[str, str]) -> dict[str, Any]:
    where = f"{path}:{element.line}"
    name, corners = element.child("name"), element.child("bndbox")
    if name is None or name.children or not name.text.strip():
        raise DataError("the object has no name", where=where)
    if corners is None:
        raise DataError("the object has no bndbox", where=where, hint="import other shapes with another format")
    texts = {part: _text(corners, part, path) for part in voc_write.CORNERS}
    left, top, right, bottom = (Decimal(text.strip()) for text in texts.values())
    box = [voc_write.number(number) for number in (left, top, right - left, bottom - top)]
    label = called.get(name.text.strip(), name.text.strip())
    said: dict[int, Any] = {}
    if shown.get(label, label) == name.text:
        said[id(name)] = True
    usual = tuple(child.name for child in corners.children) == voc_write.CORNERS
    if usual and voc_write.corners(box) == texts and not any(child.attributes for child in corners.children):
        said[id(corners)] = True
    content = elements.content(element.children, said, voc_write.ORDER)
    style = {"attributes": element.attributes, "content": content}
    kept = {name: value for name, value in style.items() if value}
    return {
        "item": "",
        "id": box_id(box),
        "value": {"label": label, "box": box},
        **({"ext": {"voc": kept}} if kept else {}),
    }


def _text(corners: Element, part: str, path: Path) -> str:
    element = corners.child(part)
    if element is None:
        raise DataError(f"the bndbox has no {part}", where=f"{path}:{corners.line}")
    if not _NUMBER.fullmatch(element.text.strip()) or abs(Decimal(element.text.strip())) > _FARTHEST:
        raise DataError(f"{part} is no number", where=f"{path}:{element.line}")
    return element.text
