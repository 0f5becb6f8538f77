"""Label lists: a taxonomy as other tools write it down, and what each of these forms cannot hold."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from labelvc.codec import canonical
from labelvc.errors import ConfigurationError, DataError
from labelvc.formats import skos

Value = Mapping[str, Any]
_COLUMNS = ("id", "name", "parent", "aliases", "description", "status", "attributes")
_SEPARATOR = "|"
_NUMBER, _GROUP = "coco_id", "coco_supercategory"
_LARGEST = 64 << 20


class Form(NamedTuple):
    """A form of label lists.

    Attributes:
        title: in one line.
        read: a file to members of a taxonomy's document, `labels` at least.
        write: what a taxonomy's document says to bytes.
        keeps: members of a label, and of the document, that it holds.
    """

    title: str
    read: Callable[[Path], dict[str, Any]]
    write: Callable[[Value], bytes]
    keeps: frozenset[str]


def form(name: str) -> Form:
    """Return a form by its name.

    Raises:
        ConfigurationError: there is none.
    """
    if name not in FORMS:
        raise ConfigurationError(f"there is no label list {name!r}", hint=f"use one of {', '.join(FORMS)}")
    return FORMS[name]


def lost(name: str, value: Value) -> Iterator[str]:
    """Yield what a form cannot hold of a taxonomy, in words."""
    keeps = form(name).keeps
    for member in ("parent", "aliases", "description", "status", "attributes"):
        number = sum(bool(label.get(member)) for label in value["labels"])
        if member not in keeps and number:
            yield f"{member} of {number:,} label{'s'[: number != 1]}"
    renamed = sum(label["id"] != label["name"] for label in value["labels"])
    if "id" not in keeps and renamed:
        yield f"ids of {renamed:,} label{'s'[: renamed != 1]} whose name is another"
    for member in ("title", "description", "lineage", "attributes"):
        if f"/{member}" not in keeps and value.get(member):
            yield f"the taxonomy's {member}"


def _read_csv(path: Path) -> dict[str, Any]:
    rows = csv.DictReader(io.StringIO(_text(path), newline=""))
    if not {"id", "name"} & set(rows.fieldnames or ()):
        raise DataError(f"needs a column id or name in its first line, of {', '.join(_COLUMNS)}", where=f"{path}:1")
    return {"labels": [_from_row(row, f"{path}:{rows.line_num}") for row in rows]}


def _from_row(row: Mapping[str, str | None], where: str) -> dict[str, Any]:
    cells = {
        name: (cell or "").strip() for name, cell in row.items() if isinstance(name, str) and isinstance(cell, str)
    }
    said: dict[str, Any] = {"id": cells.get("id") or cells.get("name"), "name": cells.get("name") or cells.get("id")}
    said |= {name: cells[name] for name in ("parent", "description", "status") if cells.get(name)}
    if cells.get("aliases"):
        said["aliases"] = cells["aliases"].split(_SEPARATOR)
    if cells.get("attributes"):
        try:
            said["attributes"] = canonical.decode(cells["attributes"])
        except DataError as error:
            raise DataError(f"attributes: {error.message}", where=where, hint='write {"colour":"#fff"}') from None
    return said


def _write_csv(value: Value) -> bytes:
    file = io.StringIO(newline="")
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(_COLUMNS)
    for label in value["labels"]:
        if any(_SEPARATOR in alias for alias in label.get("aliases", ())):
            raise DataError(f"an alias of {label['id']!r} holds {_SEPARATOR!r}", hint="labelvc taxonomy export skos")
        cells = {**label, "aliases": _SEPARATOR.join(label.get("aliases", ()))}
        if label.get("attributes"):
            cells["attributes"] = canonical.encode(label["attributes"]).decode()
        rows.writerow([cells.get(name) or "" for name in _COLUMNS])
    return file.getvalue().encode()


def _read_coco(path: Path) -> dict[str, Any]:
    said = canonical.decode(_text(path))
    rows = said.get("categories") if isinstance(said, dict) else said
    if not isinstance(rows, list) or not all(
        isinstance(row, dict) and isinstance(row.get("name"), str) for row in rows
    ):
        raise DataError("has no list `categories` of objects with a name", where=str(path))
    names = [row["name"] for row in rows]
    above = dict.fromkeys(row["supercategory"] for row in rows if isinstance(row.get("supercategory"), str))
    labels = [{"id": name, "name": name, "attributes": {_GROUP: True}} for name in above if name and name not in names]
    for row in rows:
        parent = row.get("supercategory")
        labels.append({"id": row["name"], "name": row["name"]})
        labels[-1] |= {"parent": parent} if parent and parent != row["name"] else {}
        labels[-1] |= {"attributes": {_NUMBER: row["id"]}} if isinstance(row.get("id"), int) else {}
    return {"labels": labels}


def _write_coco(value: Value) -> bytes:
    named = {label["id"]: label["name"] for label in value["labels"]}
    taken = {number for label in value["labels"] if (number := label.get("attributes", {}).get(_NUMBER)) is not None}
    free = (number for number in range(1, 1 << 53) if number not in taken)
    rows = []
    for label in value["labels"]:
        attributes = label.get("attributes", {})
        if label.get("status") == "deprecated" or attributes.get(_GROUP) is True:
            continue
        number = attributes.get(_NUMBER)
        above = named.get(label.get("parent") or label["id"], label["name"])
        rows.append({"id": next(free) if number is None else number, "name": label["name"], "supercategory": above})
    return json.dumps({"categories": rows}, ensure_ascii=False, indent=1).encode() + b"\n"


def _read_lines(path: Path) -> dict[str, Any]:
    names = [line.strip() for line in _text(path).splitlines()]
    return {"labels": [{"id": name, "name": name} for name in names if name and not name.startswith("#")]}


def _write_lines(value: Value) -> bytes:
    rows = [label["name"] for label in value["labels"] if label.get("status") != "deprecated"]
    return "".join([f"{name}\n" for name in rows]).encode()


def _read_relations(path: Path) -> dict[str, Any]:
    """Read a list of relations, whose subtypes are written `acl:relcl` (universaldependencies.org/u/overview/syntax.html)."""
    labels = _read_lines(path)["labels"]
    known = {label["id"] for label in labels}
    for label in labels:
        above = label["id"].partition(":")[0]
        if above != label["id"] and above in known:
            label["parent"] = above
    return {"labels": labels}


def _text(path: Path) -> str:
    if path.stat().st_size > _LARGEST:
        raise DataError("the file is larger than 64 MiB", where=str(path))
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"not UTF-8 at byte {error.start}", where=str(path), hint="save it as UTF-8") from None


FORMS: Mapping[str, Form] = {
    "skos": Form(
        "a SKOS concept scheme in RDF/XML",
        skos.read,
        skos.write,
        frozenset(("id", "parent", "aliases", "description", "status", "/title", "/description")),
    ),
    "csv": Form("a table, one label a row", _read_csv, _write_csv, frozenset(_COLUMNS)),
    "coco": Form("the categories of COCO", _read_coco, _write_coco, frozenset(("attributes", "parent"))),
    "voc": Form("names, one a line", _read_lines, _write_lines, frozenset()),
    "conllu": Form("relations, one a line; `acl:relcl` lies under `acl`", _read_relations, _write_lines, frozenset()),
}
"""Name to form."""
