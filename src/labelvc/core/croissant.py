"""Croissant 1.1 with RAI 1.0: a dataset described in JSON-LD (docs.mlcommons.org/croissant).

Source of the terms: MLCommons Croissant Format Specification 1.1 and Croissant RAI Specification 1.0. The vocabulary is
`https://schema.org/`: readers refuse the `http` that the specification prints.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from labelvc.core.flat import Column, Kind

Node = dict[str, Any]
CONFORMS = ("http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0")
ATTRIBUTED = "http://www.w3.org/ns/prov#wasAttributedTo"
_LANGUAGE = {"@container": "@language"}
_OURS = (
    "arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "extract", "field", "fileObject", "fileProperty",
    "fileSet", "format", "includes", "isArray", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet",
    "references", "regex", "repeated", "replace", "samplingRate", "separator", "source", "subField", "transform",
)  # fmt: skip
CONTEXT: Mapping[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    **{name: f"cr:{name}" for name in _OURS},
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": _LANGUAGE,
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": _LANGUAGE,
    "prov": "http://www.w3.org/ns/prov#",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
}
_TEXT, _LABEL = "sc:Text", ["sc:Text", "cr:Label"]
_TYPES: Mapping[Kind, Any] = {
    "text": _TEXT, "label": _LABEL, "texts": _TEXT, "labels": _LABEL, "whole": "sc:Integer", "number": "sc:Float",
    "numbers": "sc:Float", "points": "sc:Float", "truth": "sc:Boolean",
}  # fmt: skip
_SHAPES: Mapping[Kind, str] = {"texts": "-1", "labels": "-1", "numbers": "-1", "points": "-1,2"}


class Table(NamedTuple):
    """A file of rows: a JSON array of objects, one a line.

    Attributes:
        name: of its record set, `pets/mood`.
        about: what a row is.
        columns: what the objects have.
        key: names of the columns that name a row.
        file: its name.
        size: number of bytes.
        sha256: of its bytes, in hexadecimal.
    """

    name: str
    about: str
    columns: Sequence[Column]
    key: tuple[str, ...]
    file: str
    size: int
    sha256: str


def document(about: Mapping[str, Any], tables: Sequence[Table]) -> Node:
    """Return the description of a dataset.

    Args:
        about: members of the dataset itself; what is empty is left out.
        tables: its files.
    """
    said = {name: value for name, value in about.items() if value not in (None, "", [], ())}
    return {
        "@context": dict(CONTEXT),
        "@type": "sc:Dataset",
        "conformsTo": list(CONFORMS),
        **said,
        "distribution": [_file(table) for table in tables],
        "recordSet": [_rows(table) for table in tables],
    }


def _file(table: Table) -> Node:
    return {
        "@type": "cr:FileObject",
        "@id": table.file,
        "name": table.file,
        "description": f"A JSON array. {table.about}",
        "contentUrl": table.file,
        "contentSize": f"{table.size} B",
        "encodingFormat": "application/json",
        "sha256": table.sha256,
    }


def _rows(table: Table) -> Node:
    key = [{"@id": f"{table.name}/{name}"} for name in table.key]
    return {
        "@type": "cr:RecordSet",
        "@id": table.name,
        "name": table.name,
        "description": table.about,
        "key": key[0] if len(key) == 1 else key,
        "field": [_field(table, column) for column in table.columns],
    }


def _field(table: Table, column: Column) -> Node:
    """Return a field. Its values are found by path: of columns read as a table, pandas makes numbers where all look like some."""
    field: Node = {
        "@type": "cr:Field",
        "@id": f"{table.name}/{column.name}",
        "name": column.name,
        "description": column.about,
        "dataType": _TYPES[column.kind],
        "source": {"fileObject": {"@id": table.file}, "extract": {"jsonPath": f"$[*].'{column.name}'"}},
    }
    if shape := _SHAPES.get(column.kind):
        field |= {"isArray": True, "arrayShape": shape}
    if column.name == "by":
        field["equivalentProperty"] = ATTRIBUTED
    return field
