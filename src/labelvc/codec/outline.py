"""The outline of a YAML document: its values with the place of each in the text, and nothing YAML allows beyond a plain tree.

A document is what JSON can say, with comments: one document, text keys, each key once, no anchors, aliases, tags or
directives, numbers and words by the core schema of YAML 1.2.2 section 10.3.2 (so `no` and `2026-03-01` are text).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Literal, NamedTuple

from labelvc.codec.events import quick, trouble, walked
from labelvc.errors import DataError

MAX_BYTES = 4 << 20
MAX_DEPTH = 32
_EXACT = 2**53 - 1
_INEXACT = "a number beyond 2^53-1 is not the same in every program; write it in quotes"
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_ENDLESS = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_NUMBER = re.compile(r"[-+.0-9]")
"""How a word begins that may be a number."""
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


class Node(NamedTuple):
    """One value and where it is written.

    Attributes:
        kind: what it is.
        value: the value of a scalar, else None.
        start, end: character positions of its text; a block collection ends where its last member does.
        line: 1-based.
        column: 0-based column of `start`.
        flow: written in braces or brackets, or inside such.
        names: members of a mapping.
        members: members of a sequence.
    """

    kind: Literal["scalar", "mapping", "sequence"]
    value: Any
    start: int
    end: int
    line: int
    column: int
    flow: bool = False
    names: Mapping[str, Member] = {}
    members: tuple[Node, ...] = ()

    def plain(self) -> Any:
        """Return the value as plain dicts, lists and scalars."""
        if self.kind == "mapping":
            return {name: member.node.plain() for name, member in self.names.items()}
        return [member.plain() for member in self.members] if self.kind == "sequence" else self.value


class Member(NamedTuple):
    """One member of a mapping: its value, the end of its key's text, and the key's line and column."""

    node: Node
    key_end: int
    line: int
    column: int


def outline(text: str, where: str) -> Node:
    """Return the outline of a document.

    Args:
        text: the document.
        where: its path, for messages.

    Returns:
        The outermost mapping.

    Raises:
        DataError: not YAML, or YAML that is more than a plain tree; says the line.
    """
    try:
        return walked(text, where, partial(_document, source=_Source(text, where)))
    except (ValueError, RecursionError):
        raise trouble("not YAML that can be read", where, 0) from None


def plain(text: str, where: str) -> dict[str, Any]:
    """Return what a document says, as `outline(text, where).plain()` does and in half of the time.

    Args:
        text: the document.
        where: its path, for messages.

    Raises:
        DataError: as for `outline`.
    """
    said = quick(text, _said_by)
    if said is None:
        said = outline(text, where).plain()
    return said


class _Source(NamedTuple):
    """The text being read and its path."""

    text: str
    where: str


def _document(events: Iterator[Any], source: _Source) -> Node:
    where = source.where
    root: Node | None = None
    for event in events:
        if type(event).__name__ == "DocumentStartEvent":
            line = event.start_mark.line + 1
            if root is not None:
                raise trouble("holds a second document (a line `---`); keep one a file", where, line)
            if event.version is not None or event.tags:
                raise trouble("starts with a % directive; leave it out", where, line)
            root = _node(next(events), events, source, MAX_DEPTH)
        elif type(event).__name__ in ("StreamStartEvent", "StreamEndEvent"):
            continue
    if root is None or (root.kind == "scalar" and root.value is None):
        raise trouble("the document is empty", where, 1)
    if root.kind != "mapping":
        raise trouble("must consist of `key: value` lines", where, root.line)
    return root


def _node(event: Any, events: Iterator[Any], source: _Source, depth: int) -> Node:
    kind = type(event).__name__
    if kind == "AliasEvent":
        raise _refused(event, source, "uses an alias (*name); write the value out")
    if event.anchor is not None:
        raise _refused(event, source, "uses an anchor (&name); write the value out where it is needed")
    if event.tag is not None:
        raise _refused(event, source, "uses a tag (!name); a document holds plain values only")
    if kind == "ScalarEvent":
        return _scalar(event, source)
    if depth == 0:
        raise _refused(event, source, f"nested deeper than {MAX_DEPTH}")
    if kind == "MappingStartEvent":
        return _mapping(event, events, source, depth - 1)
    return _sequence(event, events, source, depth - 1)


def _refused(event: Any, source: _Source, why: str) -> DataError:
    return trouble(why, source.where, event.start_mark.line + 1)


def _mapping(start: Any, events: Iterator[Any], source: _Source, depth: int) -> Node:
    names: dict[str, Member] = {}
    end = start.start_mark.index
    for event in events:
        if type(event).__name__ == "MappingEndEvent":
            end = event.end_mark.index if start.flow_style else end
            break
        key, mark = _key(event, source.where), event.start_mark
        if key in names:
            raise trouble(f"the key {key[:40]!r} occurs twice in one mapping", source.where, mark.line + 1)
        node = _node(next(events), events, source, depth)
        ended = event.end_mark
        after = ended.index
        if node.start == node.end:
            node = node._replace(start=after + 1, end=after + 1, line=ended.line + 1, column=ended.column + 1)
        names[key] = Member(node, after, mark.line + 1, mark.column)
        end = node.end
    mark = start.start_mark
    return Node("mapping", None, mark.index, end, mark.line + 1, mark.column, bool(start.flow_style), names)


def _sequence(start: Any, events: Iterator[Any], source: _Source, depth: int) -> Node:
    members: list[Node] = []
    end = start.start_mark.index
    for event in events:
        if type(event).__name__ == "SequenceEndEvent":
            end = event.end_mark.index if start.flow_style else end
            break
        members.append(_node(event, events, source, depth))
        end = members[-1].end
    mark = start.start_mark
    return Node(
        "sequence", None, mark.index, end, mark.line + 1, mark.column, bool(start.flow_style), {}, tuple(members)
    )


def _said_by(events: Iterator[Any]) -> dict[str, Any] | None:
    """Return what the one document of events says; None where it is no mapping."""
    found = [_said(next(events), events, MAX_DEPTH) for event in events if _begins(event)]
    return found[0] if len(found) == 1 and isinstance(found[0], dict) else None


def _begins(event: Any) -> bool:
    return type(event).__name__ == "DocumentStartEvent" and event.version is None and not event.tags


def _said(event: Any, events: Iterator[Any], depth: int) -> Any:
    """Return what an event says together with those that belong to it.

    Raises:
        ValueError: it is more than a plain tree.
    """
    kind = type(event).__name__
    if kind == "AliasEvent" or event.anchor is not None or event.tag is not None:
        raise ValueError(kind)
    if kind == "ScalarEvent":
        return _value(event, "")
    if depth == 0:
        raise ValueError(kind)
    if kind == "SequenceStartEvent":
        members = []
        for below in events:
            if type(below).__name__ == "SequenceEndEvent":
                break
            members.append(_said(below, events, depth - 1))
        return members
    names: dict[str, Any] = {}
    for below in events:
        if type(below).__name__ == "MappingEndEvent":
            break
        name = _key(below, "")
        if name in names:
            raise ValueError(name)
        names[name] = _said(next(events), events, depth - 1)
    return names


def _key(event: Any, where: str) -> str:
    """Return a key as its text: `1` and `no` are the text as written, since the names of labels look like that."""
    if type(event).__name__ != "ScalarEvent" or event.anchor is not None or event.tag is not None:
        raise trouble("a key must be plain text", where, event.start_mark.line + 1)
    return _whole(event.value, where, event.start_mark.line + 1)


def _scalar(event: Any, source: _Source) -> Node:
    mark, end = event.start_mark, event.end_mark.index
    start = mark.index
    if event.style in ("|", ">"):
        written = source.text[start:end]
        keeps_blank_lines = "+" in written.split("\n", 1)[0]
        end = start + len(written.removesuffix("\n") if keeps_blank_lines else written.rstrip())
    elif start == end:
        while start and source.text[start - 1].isspace():
            start -= 1
        end = start
    return Node("scalar", _value(event, source.where), start, end, mark.line + 1, mark.column)


def _value(event: Any, where: str) -> Any:
    """Return what a scalar says."""
    text = event.value
    if not event.style and (text in _WORDS or _NUMBER.match(text)):
        return _resolve(text, where, event.start_mark.line + 1)
    return text if text.isascii() else _whole(text, where, event.start_mark.line + 1)


def _resolve(text: str, where: str, line: int) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        # the length is looked at first, since reading a long row of digits takes quadratic time
        number = int(text, 0 if text[:2] in ("0o", "0x") else 10) if len(text) < 32 else _EXACT + 1
        if abs(number) > _EXACT:
            raise trouble(_INEXACT, where, line)
        return number
    if _FLOAT.fullmatch(text):
        value = float(text)
        if not math.isfinite(value):
            raise trouble("a number is too large for a double", where, line)
        if abs(value) > _EXACT:
            raise trouble(_INEXACT, where, line)
        return int(value) if value.is_integer() else value
    if _ENDLESS.fullmatch(text):
        raise trouble("a number must be finite; write it in quotes if text is meant", where, line)
    return text


def _whole(text: str, where: str, line: int) -> str:
    """Refuse half of a surrogate pair, which YAML lets an escape write and UTF-8 cannot store."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise trouble(
                "an escape writes half of a surrogate pair; write the character itself", where, line
            ) from None
    return text
