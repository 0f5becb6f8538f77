"""COCO instances being written: one object a line, rebuilt from items and records, numbered as the source was or anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import IO, Any

from labelvc.codec import canonical
from labelvc.errors import DataError
from labelvc.formats import coco_licence, coco_shape, values
from labelvc.formats import target as output
from labelvc.formats.interface import Plan
from labelvc.formats.spool import Spool, understood
from labelvc.model.project import Dataset, Taxonomy

EMPTY = "labelvc_empty"
"""Member of an image, `true` when it was looked at and nothing is on it: COCO itself has no word for that."""

LISTS = "coco-lists"
"""Space under `ext` of an item for what lists beside `images` say of it (`scene_annotations`)."""

_OWN = ("images", "annotations", "categories")
_FIRST = ("id", "image_id", "category_id")
_DIGITS = 15
Thing = Mapping[str, Any]


def write(items: Iterable[Thing], records: Iterable[Thing], dataset: Dataset, plan: Plan, target: Path) -> int:
    """Write one file.

    Args:
        items: images.
        records: their annotations.
        dataset: whose `ext.coco` holds info, licences, categories and other members of the file.
        plan: names the task; its taxonomy turns label ids into names.
        target: the file.

    Returns:
        Number of annotations written; images that are marked empty have none.

    Raises:
        DataError: a record is no box, outline or run lengths with a label, or two images have one number.
    """
    kept = dataset.ext.get("coco")
    about = {name: said for name, said in kept.items() if name not in _OWN[:2]} if isinstance(kept, dict) else {}
    with Spool(items, records, plan.task) as spool, output.file(target) as file:
        numbers = _Numbers(spool)
        categories = _Categories(about.pop("categories", None), plan.taxonomy)
        beside = {name: said for name, said in about.items() if _sided(said)}
        file.write(b"{")
        for name in sorted(about.keys() - beside.keys()):
            file.write(canonical.encode(name) + b":" + canonical.encode(about[name]) + b",\n")
        _listed(file, "images", _images(spool, numbers, beside, coco_licence.Licences(about.get("licenses"))))
        file.write(b",\n")
        written = _listed(file, "annotations", _annotations(spool, numbers, categories))
        for name in sorted(beside):
            file.write(b",\n")
            _listed(file, name, _members(spool, numbers, name, beside[name]))
        file.write(b",\n")
        _listed(file, "categories", categories.all())
        file.write(b"}\n")
    return written


def titles(taxonomy: Taxonomy | None) -> dict[str, str]:
    """Return label ids to the names that reading takes for them."""
    called = values.names(taxonomy)
    return {
        label.id: label.name for label in (taxonomy.labels if taxonomy else ()) if called.get(label.name) == label.id
    }


class _Numbers:
    """Which number an image or annotation has: the source's where it is known, else the next free one."""

    def __init__(self, spool: Spool) -> None:
        self.images: dict[str, Any] = {}
        nameless: list[str] = []
        taken: dict[bytes, str] = {}
        highest = 0
        for name in spool:
            item = spool.item(name)
            with understood(item):
                number = _image_number(item)
                if number is None:
                    nameless.append(name)
                    continue
                code = canonical.encode(number)
                if code in taken:
                    raise DataError("two images have one number", where=f"{name}#", hint=f"look at {taken[code]}#, too")
                taken[code] = name
                self.images[name] = number
                for record in spool.records(name):
                    highest = max(highest, _whole(_annotation_number(record)))
        self.images.update(zip(nameless, count(max(map(_whole, self.images.values()), default=0) + 1), strict=False))
        for name in nameless:
            with understood(spool.item(name)):
                for record in spool.records(name):
                    highest = max(highest, _whole(_annotation_number(record)))
        self._next = count(highest + 1)

    def annotation(self, record: Thing) -> Any:
        """Return the number of an annotation; a new one at every call for a record that has none."""
        number = _annotation_number(record)
        return next(self._next) if number is None else number


class _Categories:
    """The categories of the file: those kept from the source, and one for every other label that records use."""

    def __init__(self, kept: Any, taxonomy: Taxonomy | None) -> None:
        self._shown, self._called = titles(taxonomy), values.names(taxonomy)
        self._by_label: dict[str, dict[str, Any]] = {}
        for label, category in kept.items() if isinstance(kept, dict) else ():
            if isinstance(category, dict) and category.get("id") is not None:
                self._by_label[label] = {**category, "name": self._name(label, category.get("name"))}
        self._next = count(max([_whole(category["id"]) for category in self._by_label.values()], default=0) + 1)

    def _name(self, label: str, said: Any) -> Any:
        same = isinstance(said, str) and self._called.get(said.strip(), said.strip()) == label
        return said if same else self._shown.get(label, label)

    def number(self, label: str) -> Any:
        """Return the number of a label's category."""
        if label not in self._by_label:
            self._by_label[label] = {"id": next(self._next), "name": self._name(label, None)}
        return self._by_label[label]["id"]

    def all(self) -> list[dict[str, Any]]:
        """Return them in the order of their numbers."""
        return sorted(self._by_label.values(), key=lambda category: (_whole(category["id"]), str(category["id"])))


def _listed(file: IO[bytes], name: str, members: Iterable[Thing]) -> int:
    """Write a member that is a list, an object a line; return how many."""
    written = 0
    file.write(canonical.encode(name) + b":[")
    for member in members:
        file.write((b",\n" if written else b"\n") + canonical.encode(dict(member), _FIRST))
        written += 1
    file.write(b"\n]" if written else b"]")
    return written


def _images(
    spool: Spool, numbers: _Numbers, beside: dict[str, Any], licences: coco_licence.Licences
) -> Iterator[Thing]:
    """Yield images, and take down in passing which lists beside them there are."""
    for name in spool:
        item = spool.item(name)
        with understood(item):
            beside.update({name: [] for name in _space(item, LISTS) if name not in (*beside, *_OWN)})
            image = {**licences.given(item, _space(item, "coco")), **item.get("natural", {})}
            media = item.get("media", {})
            image.update({part: media[part] for part in ("width", "height") if part in media})
            if "path" in media:
                image["file_name"] = media["path"]
            if any(record["value"].get("empty") is True for record in spool.records(name)):
                image[EMPTY] = True
            image["id"] = numbers.images[name]
        yield image


def _annotations(spool: Spool, numbers: _Numbers, categories: _Categories) -> Iterator[Thing]:
    for name in spool:
        with understood(spool.item(name)):
            records = [record for record in spool.records(name) if record["value"].get("empty") is not True]
            made = [_annotation(record, numbers, categories) for record in records]
        yield from made


def _annotation(record: Thing, numbers: _Numbers, categories: _Categories) -> Thing:
    value, ext = record["value"], _space(record, "coco")
    shape = coco_shape.given(value, ext)
    if not shape or not isinstance(value.get("label"), str):
        where = f"{record['item']}#{record['id']}"
        raise DataError("the record is no box, polygon or rle with a label", where=where, hint="export another format")
    if record.get("origin", {}).get("tool") != "coco":  # readers of COCO expect both
        ext = {"area": coco_shape.area(value), "iscrowd": 0, **ext}
    category = categories.number(value["label"])
    known = {"id": numbers.annotation(record), "image_id": numbers.images[record["item"]], "category_id": category}
    return {**ext, **shape, **known}


def _members(spool: Spool, numbers: _Numbers, name: str, left: Any) -> Iterator[Thing]:
    """Yield a list beside images: what items hold of it, then what no image claimed."""
    for item in map(spool.item, spool):
        with understood(item):
            held = [dict(member) for member in _space(item, LISTS).get(name, ())]
        for member in held:
            yield {**member, "image_id": numbers.images[item["id"]]}
    yield from left


def _sided(said: Any) -> bool:
    return isinstance(said, list) and all(isinstance(member, dict) and "image_id" in member for member in said)


def _space(thing: Thing, name: str) -> dict[str, Any]:
    found = thing.get("ext", {}).get(name, {})
    return dict(found) if isinstance(found, dict) else {}


def _image_number(item: Thing) -> Any:
    """Return the number an image came with; one that is named by a key has none but what the key says."""
    natural = item.get("natural", {})
    if natural:
        return natural.get("id")
    return _space(item, "coco").get("id", _counted(item["id"]))


def _annotation_number(record: Thing) -> Any:
    return _space(record, "coco").get("id", _counted(record["id"]))


def _counted(name: str) -> int | None:
    """Return the number that a name spells."""
    plain = name.isascii() and name.isdecimal() and len(name) <= _DIGITS
    return int(name) if plain and str(int(name)) == name else None


def _whole(number: Any) -> int:
    return number if type(number) is int else 0
