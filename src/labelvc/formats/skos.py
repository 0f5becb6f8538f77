"""SKOS: a taxonomy as a concept scheme in RDF/XML, which every SKOS tool reads (https://www.w3.org/TR/skos-reference/).

A concept is a label: its notation the id, its preferred label the name, the first `broader` the parent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from labelvc.errors import DataError
from labelvc.formats import elements
from labelvc.formats.elements import Element

_SPACES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "dct": "http://purl.org/dc/terms/",
    "owl": "http://www.w3.org/2002/07/owl#",
}
_SHORT = {space: prefix for prefix, space in _SPACES.items()}
_ABOUT = ("rdf:about", "rdf:ID", "rdf:nodeID")
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_START = 4096
Value = Mapping[str, Any]
Triples = dict[str, dict[str, list[tuple[str, str]]]]
"""Subject to predicate to what it says: text or an address, and the language."""


def read(path: Path) -> dict[str, Any]:
    """Return what a file of RDF/XML says of labels, as members of a taxonomy's document.

    Raises:
        DataError: it is no such file, a concept lacks a name, or two have one id.
    """
    found: Triples = {}
    _refuse_other_forms(path)
    root = elements.parse(path).root
    if _resolved(root.name, _spaces(root, {})) != "rdf:RDF":
        raise DataError("is no RDF/XML", where=str(path), hint="have the tool export SKOS as RDF/XML (.rdf)")
    for child in root.children:
        _node(child, _spaces(root, {}), found, 0)
    concepts = {subject: said for subject, said in found.items() if ("skos:Concept", "") in _types(said)}
    ids = {subject: _id(subject, said) for subject, said in concepts.items()}
    labels = [_label(subject, said, ids, path) for subject, said in concepts.items()]
    if not labels:
        raise DataError("holds no skos:Concept", where=str(path))
    scheme = next((said for said in found.values() if ("skos:ConceptScheme", "") in _types(said)), {})
    head = {"version": "owl:versionInfo", "title": "dct:title", "description": "dct:description"}
    return {**{name: text for name, said in head.items() if (text := _best(scheme.get(said, [])))}, "labels": labels}


def _refuse_other_forms(path: Path) -> None:
    """Refuse RDF in a form that is no XML, and say how it becomes one."""
    with path.open("rb") as file:
        start = file.read(_START).removeprefix(b"\xef\xbb\xbf").lstrip()
    if start[:1] in (b"", b"<") and not re.match(rb"<[a-z]+:[^>\s]*>", start):
        return
    form = "JSON-LD" if start[:1] in (b"{", b"[") else "Turtle or N-Triples"
    said = "have the tool export SKOS as RDF/XML (.rdf)"
    if form != "JSON-LD":
        said += ", or convert it: rapper -i turtle -o rdfxml FILE > FILE.rdf (package raptor2-utils)"
    raise DataError(f"seems to be {form}; SKOS is read as RDF/XML only", where=str(path), hint=said)


def write(value: Value) -> bytes:
    """Return a taxonomy as RDF/XML.

    Args:
        value: what its document says.

    Raises:
        DataError: a text holds a character that XML cannot.
    """
    scheme = f"urn:labelvc:taxonomy:{value['name']}"
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<rdf:RDF"]
    lines += [f'  xmlns:{prefix}="{space}"' for prefix, space in _SPACES.items()]
    lines += ["  >", f'  <skos:ConceptScheme rdf:about="{scheme}">', *_text("owl:versionInfo", value["version"])]
    lines += [*_text("dct:title", value.get("title")), *_text("dct:description", value.get("description"))]
    lines.append("  </skos:ConceptScheme>")
    for label in value["labels"]:
        lines += [f'  <skos:Concept rdf:about="{scheme}#{quote(label["id"], safe="")}">', *_said(label, scheme)]
        lines.append("  </skos:Concept>")
    text = "\n".join([*lines, "</rdf:RDF>", ""])
    wrong = _UNWRITABLE.search(text)
    if wrong:
        raise DataError(f"a text holds U+{ord(wrong[0]):04X}, which XML cannot", hint="labelvc taxonomy export csv")
    return text.encode()


def _said(label: Value, scheme: str) -> Iterator[str]:
    yield f'    <skos:inScheme rdf:resource="{scheme}"/>'
    yield from _text("skos:notation", label["id"])
    yield from _text("skos:prefLabel", label["name"])
    for alias in label.get("aliases", ()):
        yield from _text("skos:altLabel", alias)
    yield from _text("skos:definition", label.get("description"))
    if label.get("parent"):
        yield f'    <skos:broader rdf:resource="{scheme}#{quote(label["parent"], safe="")}"/>'
    if label.get("status") == "deprecated":
        yield '    <owl:deprecated rdf:datatype="http://www.w3.org/2001/XMLSchema#boolean">true</owl:deprecated>'


def _text(name: str, text: str | None) -> list[str]:
    return [f"    <{name}>{escape(text, quote=False)}</{name}>".replace("\r", "&#13;")] if text else []


def _spaces(element: Element, above: Mapping[str, str]) -> dict[str, str]:
    """Return the namespaces that hold inside of an element by their prefix, and the language by `xml:lang`."""
    own = {name[6:]: said for name, said in element.attributes.items() if name.startswith("xmlns:")}
    plain = {"": element.attributes["xmlns"]} if "xmlns" in element.attributes else {}
    language = {name: said for name, said in element.attributes.items() if name == "xml:lang"}
    return {**above, **plain, **own, **language}


def _resolved(name: str, spaces: Mapping[str, str]) -> str:
    """Return a name with the prefix that it has here, whatever the file calls its namespace."""
    prefix, _, local = name.rpartition(":")
    known = _SHORT.get(spaces.get(prefix, ""), "")
    return f"{known}:{local}" if known else name if prefix == "xml" else f"?:{local}"


def _node(element: Element, spaces: Mapping[str, str], found: Triples, number: int) -> str:
    """Take in a node element and what is inside of it; return its subject (RDF 1.1 XML Syntax, 2)."""
    spaces = _spaces(element, spaces)
    said = {_resolved(name, spaces): text for name, text in element.attributes.items()}
    subject = next((said[name] for name in _ABOUT if name in said), f"_:{element.line}.{number}")
    own = found.setdefault(subject, {})
    kind = _resolved(element.name, spaces)
    if kind != "rdf:Description":
        own.setdefault("rdf:type", []).append((kind, ""))
    for name, text in said.items():
        if name.startswith(("skos:", "dct:", "owl:")):
            own.setdefault(name, []).append((text, spaces.get("xml:lang", "")))
    for at, child in enumerate(element.children):
        inner = _spaces(child, spaces)
        told = {_resolved(name, inner): text for name, text in child.attributes.items()}
        text = told.get("rdf:resource", told.get("rdf:nodeID", child.text.strip()))
        if child.children and told.get("rdf:parseType") not in ("Literal", "Collection"):
            text = _node(child.children[0], inner, found, at)
        predicate = _resolved(child.name, inner)
        text = _resolved_type(text) if predicate == "rdf:type" else text
        own.setdefault(predicate, []).append((text, inner.get("xml:lang", "")))
    return subject


def _resolved_type(address: str) -> str:
    space, mark, local = address.rpartition("#")
    return f"{_SHORT.get(space + mark, '?')}:{local}"


def _types(said: Mapping[str, list[tuple[str, str]]]) -> list[tuple[str, str]]:
    return [(kind, "") for kind, _ in said.get("rdf:type", [])]


def _best(texts: list[tuple[str, str]]) -> str:
    """Return one of several texts: in no language, else in English, else the first."""
    ranked = sorted(texts, key=lambda row: (row[1] != "", not row[1].startswith("en")))
    return ranked[0][0] if ranked else ""


def _id(subject: str, said: Mapping[str, list[tuple[str, str]]]) -> str:
    return _best(said.get("skos:notation", [])) or unquote(re.split(r"[#/:]", subject.rstrip("#/"))[-1])


def _label(
    subject: str, said: Mapping[str, list[tuple[str, str]]], ids: Mapping[str, str], path: Path
) -> dict[str, Any]:
    name = _best(said.get("skos:prefLabel", []))
    if not name:
        raise DataError(f"the concept {subject[:80]!r} has no skos:prefLabel", where=str(path))
    others = [text for text, _ in (*said.get("skos:prefLabel", []), *said.get("skos:altLabel", [])) if text]
    parent = next((ids[above] for above, _ in said.get("skos:broader", []) if above in ids), None)
    aliases = [
        text for text in dict.fromkeys(others) if text.casefold() not in (name.casefold(), ids[subject].casefold())
    ]
    deprecated = any(text == "true" for text, _ in said.get("owl:deprecated", []))
    return {
        "id": ids[subject],
        "name": name,
        **({"parent": parent} if parent else {}),
        **({"description": text} if (text := _best(said.get("skos:definition", []))) else {}),
        **({"aliases": aliases} if aliases else {}),
        **({"status": "deprecated"} if deprecated else {}),
    }
