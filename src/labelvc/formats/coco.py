"""COCO instances: an item an image, a record an annotation, whatever else the file says kept where it belongs.

Source: the format's own page, https://cocodataset.org/#format-data (sections 1 and 2, object and keypoint detection).
Numbers of annotations, images and categories are names only where the person gives no key: exports renumber.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from labelvc.codec import canonical
from labelvc.errors import DataError
from labelvc.formats import coco_licence, coco_shape, coco_write, documents, values
from labelvc.formats.documents import Piece
from labelvc.formats.interface import Fidelity, Plan, Row
from labelvc.formats.tables import nameable, together
from labelvc.model.project import Dataset

EMPTY = coco_write.EMPTY
_LONGEST_ID = 256
_SHOWN = 8


class Coco:
    """Reads and writes COCO instances."""

    name: ClassVar[str] = "coco"
    title: ClassVar[str] = "COCO instances, one JSON file"
    reads: ClassVar[bool] = True
    writes: ClassVar[bool] = True
    fidelity: ClassVar[Fidelity] = Fidelity(
        kept=(
            "boxes, polygons, run lengths, labels, images without annotations",
            "every other field of images, annotations, categories, info, licenses and beside them",
            "numbers of images and annotations, those used twice too (without --key)",
        ),
        lost=(
            "order of images, annotations and members, blanks, spelling of numbers (561.0 is 561)",
            "numbers of images and annotations (with --key: they are counted anew)",
            "by, at, rev, under, origin",
        ),
    )

    def read(self, source: Path, plan: Plan) -> Iterator[Row]:
        """Yield what belongs to the dataset, then images, then annotations; see `labelvc.formats.interface.Format`.

        Args:
            source: one JSON file.
            plan: names the task, of type `box`, `polygon` or `mask`; with a key (fields of an image) images are named by
                it, and annotations carry no id, so that they are found by content.
        """
        if plan.asked.type not in coco_shape.TYPES:
            hint = f"import into a task of type {', '.join(coco_shape.TYPES)}: labelvc import --task NAME"
            raise DataError(f"COCO instances do not answer a task of type {plan.asked.type}", hint=hint)
        yield from _read(source, plan)

    def write(
        self,
        items: Iterable[Mapping[str, Any]],
        records: Iterable[Mapping[str, Any]],
        dataset: Dataset,
        plan: Plan,
        target: Path,
    ) -> int:
        """Write one file; see `labelvc.formats.interface.Format`."""
        return coco_write.write(items, records, dataset, plan, target)


FORMAT = Coco()


def _read(source: Path, plan: Plan) -> Iterator[Row]:
    top = documents.members(source)
    parts = {name: documents.elements(top, name, source) for name in ("images", "annotations", "categories")}
    for name in ("images", "annotations"):
        if name not in top:
            raise DataError(
                f"the file has no {name}", where=str(source), hint="COCO instances have images, annotations"
            )
    labels, categories = _categories(parts["categories"], plan)
    rest = {name: piece.value() for name, piece in top.items() if name not in parts}
    aside = _by_image(rest)
    licences = coco_licence.Licences(rest.get("licenses"))
    images: dict[bytes, str] = {}
    names: dict[str, str] = {}
    rows = [_image(piece, plan, images, names, aside, licences) for piece in parts["images"]]
    about = {name: value for name, value in rest.items() if name not in aside} | _unclaimed(aside)
    if "categories" in top:
        about["categories"] = categories
    yield Row("dataset", {"ext": {"coco": about}}, str(source))
    for fields, empty, where in rows:
        yield Row("items", fields, where)
        if empty:
            mark = {"item": fields["id"], "id": f"{plan.prefix}empty", "value": {"empty": True}}
            yield Row("annotations", mark, where)
    del rows
    seen: Counter[tuple[str, str]] = Counter()
    for piece in parts["annotations"]:
        yield Row("annotations", _annotation(piece, plan, images, labels, seen), piece.where)


def _categories(pieces: Iterable[Piece], plan: Plan) -> tuple[dict[bytes, str], dict[str, Any]]:
    """Return category ids to labels, and by label what else is said of a category."""
    called = values.names(plan.taxonomy)
    shown = coco_write.titles(plan.taxonomy)
    labels: dict[bytes, str] = {}
    kept: dict[str, Any] = {}
    for piece in pieces:
        category = piece.object()
        name, number = category.get("name"), category.get("id")
        if not isinstance(name, str) or not name.strip() or isinstance(number, list | dict) or number is None:
            raise DataError("the category has no id or no name", where=piece.where)
        label = called.get(name.strip(), name.strip())
        code = canonical.encode(number)
        if label in kept or code in labels:
            raise DataError(
                "two categories have one id, or mean one label",
                where=piece.where,
                hint="rename one of them in the source",
            )
        labels[code] = label
        kept[label] = {
            member: said for member, said in category.items() if member != "name" or shown.get(label, label) != said
        }
    return labels, kept


def _by_image(rest: Mapping[str, Any]) -> dict[str, dict[bytes, list[Any]]]:
    """Return the lists beside images whose members each name an image, by the image they name."""
    found: dict[str, dict[bytes, list[Any]]] = {}
    for name, members in rest.items():
        if (
            isinstance(members, list)
            and members
            and all(isinstance(one, dict) and "image_id" in one for one in members)
        ):
            held = found.setdefault(name, {})
            for one in members:
                held.setdefault(canonical.encode(one["image_id"]), []).append(one)
    return found


def _unclaimed(aside: Mapping[str, Mapping[bytes, list[Any]]]) -> dict[str, list[Any]]:
    """Return what names no image of the file; a list that is named here is there even when images hold all of it."""
    return {name: [one for members in held.values() for one in members] for name, held in aside.items()}


def _image(
    piece: Piece,
    plan: Plan,
    images: dict[bytes, str],
    names: dict[str, str],
    aside: Mapping[str, dict[bytes, list[Any]]],
    licences: coco_licence.Licences,
) -> tuple[dict[str, Any], bool, str]:
    """Return the item of an image, whether it says that it was looked at and found empty, and where it stands."""
    image = piece.object()
    number = image.get("id")
    if number is None or isinstance(number, list | dict | bool):
        raise DataError("the image has no id", where=piece.where)
    code = canonical.encode(number)
    if code in images:
        raise DataError(f"the image has the id of {names[images[code]]}", where=piece.where, hint="correct the source")
    empty = image.pop(EMPTY, False) is True
    media = {name: image.pop(name) for name in ("width", "height") if _whole(image.get(name))}
    natural = {name: _key(image, name, piece.where) for name in plan.key}
    if values.SAFE_PATH.fullmatch(str(image.get("file_name") or "")) and isinstance(image["file_name"], str):
        media["path"] = image.pop("file_name")
    item = together([_text(value) for value in natural.values()]) if natural else _text(number)
    if not nameable(item):
        raise DataError(
            "the image has an id or key that cannot name an item", where=piece.where, hint="name another --key"
        )
    if natural and item in names:
        raise DataError(
            f"the image has the key of {names[item]}", where=piece.where, hint="name another --key, or several"
        )
    names[item] = piece.where
    if natural or (type(number) is int and number >= 0):
        del image["id"]
    for name in natural:
        image.pop(name, None)
    images[code] = item
    if "path" not in media:
        image.update({name: media.pop(name) for name in tuple(media)})
    fields: dict[str, Any] = {"id": item, **licences.taken(image)}
    fields.update({name: found for name, found in (("media", media), ("natural", natural)) if found})
    mine = {name: held.pop(code) for name, held in aside.items() if code in held}
    for members in mine.values():
        for one in members:
            del one["image_id"]
    ext = {name: found for name, found in (("coco", image), (coco_write.LISTS, mine)) if found}
    return {**fields, **({"ext": ext} if ext else {})}, empty, piece.where


def _key(image: Mapping[str, Any], name: str, where: str) -> Any:
    value = image.get(name)
    if value is None or value == "" or isinstance(value, list | dict):
        usable = [
            field for field, said in image.items() if said not in (None, "") and not isinstance(said, list | dict)
        ]
        hint = f"name another --key; the image has {', '.join(usable[:_SHOWN])}"
        raise DataError(f"the image has no {name[:40]!r} that could name it", where=where, hint=hint)
    return value


def _annotation(
    piece: Piece,
    plan: Plan,
    images: Mapping[bytes, str],
    labels: Mapping[bytes, str],
    seen: Counter[tuple[str, str]],
) -> dict[str, Any]:
    found = piece.object()
    image = images.get(canonical.encode(found.pop("image_id", None)))
    if image is None:
        raise DataError(
            "the annotation belongs to no image of the file", where=piece.where, hint="look at its image_id"
        )
    label = labels.get(canonical.encode(found.pop("category_id", None)))
    if label is None:
        raise DataError(
            "the annotation is of no category of the file", where=piece.where, hint="look at its category_id"
        )
    number = found.get("id")
    if number is not None and (isinstance(number, list | dict | bool) or not _recordable(_text(number))):
        raise DataError("the annotation's id cannot name a record", where=piece.where, hint="import with --key")
    record: dict[str, Any] = {"item": image}
    if plan.key or number is None:
        found.pop("id", None)
    else:
        name = _text(number)
        seen[image, name] += 1
        record["id"] = name if seen[image, name] == 1 else f"{name}.{seen[image, name]}"
        if record["id"] == name and type(number) is int and number >= 0:
            del found["id"]
    record["value"] = {"label": label, **coco_shape.taken(found, plan.asked.type, piece.where)}
    if found:
        record["ext"] = {"coco": found}
    return record


def _whole(value: Any) -> bool:
    return type(value) is int and value >= 1


def _text(value: Any) -> str:
    return value if isinstance(value, str) else canonical.encode(value).decode()


def _recordable(name: str) -> bool:
    return nameable(name) and len(name) <= _LONGEST_ID and "#" not in name
