"""Small XML documents: parsed without entities or document types, kept as JSON, and written with the indentation they had."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from xml.parsers.expat import ExpatError, ParserCreate

from labelvc.errors import DataError

LARGEST = 64 * 2**20
"""Largest file in bytes."""

_DEEPEST = 12
_DECLARATION = re.compile(rb"<\?xml[^>]*\?>(?=\r?\n<)")
_ENCODING = re.compile(r"encoding\s*=\s*[\"']([^\"']*)")
_INDENT = re.compile(rb"<annotation[^>]*>\r?\n([ \t]+)<")
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NAME = re.compile(r"[^\W\d][\w.:-]*")
_TEXT = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}
_ATTRIBUTE = {**_TEXT, '"': "&quot;", "\n": "&#10;", "\t": "&#9;"}
_MIXED = "#text"


class Element:
    """An element: name, attributes, child elements, text, and the line it begins in; text beside children is a child `#text`."""

    __slots__ = ("attributes", "children", "line", "name", "text")

    def __init__(self, name: str, attributes: Mapping[str, str] | None = None, text: str = "", line: int = 0) -> None:
        self.name = name
        self.attributes = dict(attributes or {})
        self.children: list[Element] = []
        self.text = text
        self.line = line

    def child(self, name: str) -> Element | None:
        """Return the first child of a name."""
        return next((child for child in self.children if child.name == name), None)


class Document(NamedTuple):
    """A parsed file.

    Attributes:
        root: its outermost element.
        declaration: `<?xml ...?>` as it stands in a line of its own, when it says UTF-8 or nothing; else empty.
        indent: what each level is indented by; empty when all stands in one line.
        end: what follows the root: a line break or nothing.
    """

    root: Element
    declaration: str
    indent: str
    end: str


def parse(path: Path) -> Document:
    """Read an XML file.

    Args:
        path: the file.

    Returns:
        The document.

    Raises:
        DataError: not well-formed, deeper than 12, larger than 64 MiB, or with a document type: no entity is ever declared or
            expanded (https://owasp.org/www-community/vulnerabilities/XML_External_Entity_(XXE)_Processing).
    """
    if path.stat().st_size > LARGEST:
        raise DataError("the file is larger than 64 MiB", where=str(path))
    raw = path.read_bytes()
    root = _tree(raw, path)
    found = _DECLARATION.match(raw)
    declaration = found[0].decode("ascii", "replace") if found else ""
    encoding = _ENCODING.search(declaration)
    if encoding and encoding[1].upper() != "UTF-8":
        declaration = ""
    indent = _INDENT.search(raw)
    return Document(root, declaration, indent[1].decode() if indent else "", "\n" if raw.endswith(b"\n") else "")


def content(children: Sequence[Element], said: Mapping[int, Any], order: Sequence[str]) -> dict[str, Any] | list[Any]:
    """Return elements as JSON: an object where their order is the usual one, else a list of [name, content, attributes].

    Args:
        children: the elements.
        said: `id()` of elements that the record itself rebuilds, to what stands for them: `true`.
        order: names in their usual order, of all levels; others follow by name.

    Returns:
        In an object, what the record rebuilds is left out; in a list it stands as `true`. Text is a string.
    """
    values = [said.get(id(child), _inner(child, said, order)) for child in children]
    names = [child.name for child in children]
    plain = not any(child.attributes or child.name == _MIXED for child in children)
    if plain and len(set(names)) == len(names) and names == sorted(names, key=lambda name: rank(name, order)):
        return {name: value for name, value in zip(names, values, strict=True) if value is not True}
    return listed(children, said, order)


def listed(children: Sequence[Element], said: Mapping[int, Any], order: Sequence[str]) -> list[Any]:
    """Return elements as the list that `content` makes of them where their order is not the usual one."""
    return [
        [child.name, said.get(id(child), _inner(child, said, order)), *([child.attributes] if child.attributes else [])]
        for child in children
    ]


def rank(name: str, order: Sequence[str]) -> tuple[int, str]:
    """Return the sort key of an element among its siblings."""
    return (order.index(name), "") if name in order else (len(order), name)


def pairs(stored: Any, order: Sequence[str]) -> list[tuple[str, Any, Mapping[str, str]]]:
    """Return what `content` made as (name, content, attributes), in order; what has another shape is left out."""
    if isinstance(stored, dict):
        return [(name, stored[name], {}) for name in sorted(stored, key=lambda name: rank(name, order))]
    found = (
        [entry for entry in stored if isinstance(entry, list) and len(entry) in (2, 3)]
        if isinstance(stored, list)
        else []
    )
    return [(str(entry[0]), entry[1], entry[2] if len(entry) == 3 else {}) for entry in found]


def element(name: str, stored: Any, attributes: Mapping[str, str], order: Sequence[str]) -> Element:
    """Return the element that `content` made JSON of."""
    made = Element(name, attributes, stored if isinstance(stored, str) else "")
    if not isinstance(stored, str):
        made.children = [element(*pair, order) for pair in pairs(stored, order) if pair[1] not in (True, False)]
    return made


def write(root: Element, declaration: str, indent: str, end: str, where: str) -> str:
    """Return the text of a document.

    Raises:
        DataError: a name or text cannot stand in XML 1.0 (https://www.w3.org/TR/xml/#charsets).
    """
    parts = [declaration, "\n"] if declaration else []
    _write(root, "\n" if indent else "", indent, parts, where)
    return "".join(parts) + end


def _tree(raw: bytes, path: Path) -> Element:
    top = Element("")
    stack = [top]
    parser = ParserCreate()
    parser.buffer_text = True

    def start(name: str, attributes: dict[str, str]) -> None:
        if len(stack) > _DEEPEST:
            raise DataError(f"elements are nested deeper than {_DEEPEST}", where=f"{path}:{parser.CurrentLineNumber}")
        made = Element(name, attributes, line=parser.CurrentLineNumber)
        stack[-1].children.append(made)
        stack.append(made)

    def end(name: str) -> None:
        made = stack.pop()
        texts = [child for child in made.children if child.name == _MIXED]
        if len(texts) == len(made.children):
            made.text = "".join([child.text for child in texts])
            made.children = []
        else:
            made.children = [child for child in made.children if child.name != _MIXED or child.text.strip()]

    def text(data: str) -> None:
        stack[-1].children.append(Element(_MIXED, text=data, line=parser.CurrentLineNumber))

    def refuse(*arguments: object) -> None:
        where = f"{path}:{parser.CurrentLineNumber}"
        raise DataError(
            "the file declares a document type, which can hide entities", where=where, hint="remove the <!DOCTYPE ...>"
        )

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    try:
        parser.Parse(raw, True)
    except ExpatError as error:
        raise DataError(
            f"not well-formed XML: {str(error).partition(':')[0]}",
            where=f"{path}:{error.lineno}",
            hint="mend the file, or take it out of the folder",
        ) from None
    except (LookupError, ValueError):
        raise DataError(
            "the XML declares an encoding that cannot be read", where=f"{path}:1", hint="convert it to UTF-8"
        ) from None
    return top.children[0]


def _inner(child: Element, said: Mapping[int, Any], order: Sequence[str]) -> Any:
    return content(child.children, said, order) if child.children else child.text


def _write(node: Element, margin: str, indent: str, parts: list[str], where: str) -> None:
    if node.name == _MIXED:
        parts.append(_escaped(node.text.strip(), _TEXT, where))
        return
    if not _NAME.fullmatch(node.name):
        raise DataError(f"{node.name[:40]!r} cannot name an element", where=where)
    attributes = "".join(
        [f' {name}="{_escaped(value, _ATTRIBUTE, where)}"' for name, value in sorted(node.attributes.items())]
    )
    if node.children:
        parts.append(f"<{node.name}{attributes}>")
        for child in node.children:
            parts.append(margin + indent if margin else "")
            _write(child, margin + indent if margin else "", indent, parts, where)
        parts.append(f"{margin}</{node.name}>")
    elif node.text:
        parts.append(f"<{node.name}{attributes}>{_escaped(node.text, _TEXT, where)}</{node.name}>")
    else:
        parts.append(f"<{node.name}{attributes}/>")


def _escaped(text: object, table: Mapping[str, str], where: str) -> str:
    shown = str(text)
    if _FORBIDDEN.search(shown):
        raise DataError("a text holds a control character, which XML cannot", where=where)
    for character, escape in table.items():
        shown = shown.replace(character, escape)
    return shown
