"""Documents: YAML files read strictly into plain values, and edited so that only the touched lines differ.

An edit replaces the text of the value it changes and leaves every other character as it was: comments, quotes, blank
lines and indentation of the rest survive by construction. The result is read again before it is returned.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from labelvc.codec import canonical
from labelvc.codec.events import trouble
from labelvc.codec.outline import MAX_BYTES, Member, Node, outline, plain
from labelvc.errors import DataError
from labelvc.model import jsonpointer

_PLAIN = re.compile(r"[A-Za-z](?:[A-Za-z0-9 _./@()+-]*[A-Za-z0-9_)])?|[0-9]+\.[0-9]+\.[0-9]+")
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?")
_RESERVED = re.compile(r"(?i:null|true|false)")
_CONTROL = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_STEP = 2


Path = tuple[str, ...]
"""Names from the outermost mapping down; a member of a list is its number, `-` is one to be appended."""
_NOTHING: Mapping[Path, Sequence[Any]] = {}


class Read(NamedTuple):
    """A document read with places: its plain value, and the 1-based line of each JSON pointer."""

    value: dict[str, Any]
    lines: Mapping[str, int]


def read(data: bytes, where: str = "") -> dict[str, Any]:
    """Read a document strictly.

    Args:
        data: the file's bytes, at most 4 MiB.
        where: its path, for messages.

    Returns:
        Plain dicts, lists, text, numbers, bools and None; whole floats come as int, as in canonical JSON.

    Raises:
        DataError: not UTF-8, not YAML 1.2, a duplicate key, more than one document, an anchor, alias, tag or directive,
            nesting beyond 32, a number JSON cannot hold, or more than 4 MiB; says the line and what to do.
    """
    return plain(_text(data, where), where)


def read_places(data: bytes, where: str = "") -> Read:
    """Read a document as `read` does, and keep the line of every value.

    Returns:
        The value and the line of each JSON pointer in it.
    """
    root = outline(_text(data, where), where)
    lines: dict[str, int] = {"": 1}
    _places(root, "", lines)
    return Read(root.plain(), lines)


def read_lines(data: bytes, where: str = "") -> list[dict[str, Any]]:
    """Read a file of canonical lines, one object a line (`*.versions.jsonl`, `privacy/epochs.jsonl`).

    Raises:
        DataError: a line is not a JSON object in canonical form, or the last line lacks its end.
    """
    found = []
    if data and not data.endswith(b"\n"):
        raise trouble("the last line has no line end", where, data.count(b"\n") + 1)
    for number, raw in enumerate(data.split(b"\n")[:-1], 1):
        try:
            value = canonical.decode(raw)
        except DataError as error:
            raise trouble(error.message, where, number) from None
        if not isinstance(value, dict):
            raise trouble("the line is not an object", where, number)
        if canonical.encode(value) != raw:
            raise trouble("the line is not in canonical form (names sorted, no spaces)", where, number)
        found.append(value)
    return found


def digest(value: Mapping[str, Any]) -> str:
    """Return the digest of what a document says, whatever its comments and layout: `sha256:` of its canonical JSON."""
    return canonical.digest(canonical.encode(dict(value)))


def edit(data: bytes, changes: Mapping[Path, Any], added: Mapping[Path, Sequence[Any]] = _NOTHING) -> bytes:
    """Set values in a document, leaving every other character alone.

    Args:
        data: the document's bytes.
        changes: path to new value. A path is the names from the outermost mapping down; a member of a list is its
            number, `-` appends to a list. Mappings on the way that are missing are made.
        added: path of a list to the members to append to it.

    Returns:
        The new bytes.

    Raises:
        DataError: the document cannot be read, a path leads through text or past the end of a list, or a value is no
            JSON value.
    """
    fresh = [((*path, "-"), members) for path, members in added.items() if members]
    return _splice(data, [*[(path, [value]) for path, value in changes.items()], *fresh])


def edited(value: Any, changes: Mapping[Path, Any]) -> Any:
    """Return what a document says after `edit`, given what it says."""
    for path, said in changes.items():
        value = _applied(value, path, [said])
    return value


def extend(data: bytes, path: Path, members: Sequence[Any]) -> bytes:
    """Append members to the list at a path, as `edit` does, in one go.

    Raises:
        DataError: as `edit`.
    """
    return edit(data, {}, {path: members})


def _text(data: bytes, where: str) -> str:
    if len(data) > MAX_BYTES:
        raise trouble(f"is larger than {MAX_BYTES >> 20} MiB; a document is written by people", where, 0)
    if data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise trouble("starts with a byte order mark; save it as UTF-8 without one", where, 1)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise trouble(
            f"not UTF-8 at byte {error.start}; save it as UTF-8", where, data.count(b"\n", 0, error.start) + 1
        ) from None


def _places(node: Node, pointer: str, lines: dict[str, int]) -> None:
    for name, member in node.names.items():
        below = f"{pointer}/{jsonpointer.escaped(name)}"
        lines[below] = member.line
        _places(member.node, below, lines)
    for number, below_node in enumerate(node.members):
        below = f"{pointer}/{number}"
        lines[below] = below_node.line
        _places(below_node, below, lines)


_Edit = tuple[Path, Sequence[Any]]
"""A path and what to set there, or to append."""


def _splice(data: bytes, edits: Sequence[_Edit]) -> bytes:
    """Carry edits out in one reading of the text, or one after another where they meet."""
    if not edits:
        return data
    if not all(path for path, _ in edits):
        raise DataError("an edit needs a path")
    canonical.encode([list(values) for _, values in edits])
    text = _text(data, "")
    root = outline(text, "")
    pieces = _apart(root, edits, text)
    if pieces is None:
        for one in edits:
            data = _splice(data, [one])
        return data
    wanted = root.plain()
    for path, values in edits:
        wanted = _applied(wanted, path, values)
    lines = "\r\n" if "\r\n" in text else "\n"
    for start, end, new in reversed(pieces):
        text = text[:start] + new.replace("\n", lines) + text[end:]
    result = text.encode()
    if read(result) != wanted:
        first = "/".join(edits[0][0])[:40]
        raise DataError(f"could not set {first} without touching the rest", hint="edit the document by hand")
    return result


def _apart(root: Node, edits: Sequence[_Edit], text: str) -> list[tuple[int, int, str]] | None:
    """Return what to put where, in order; None when edits meet, or one needs what another brings."""
    if len(edits) == 1:
        return [_change(root, *edits[0], text)]
    try:
        pieces = sorted(_change(root, path, values, text) for path, values in edits)
    except DataError:
        return None
    met = any(two[0] < one[1] or two[0] == one[0] for one, two in pairwise(pieces))
    return None if met else pieces


def _change(root: Node, path: Path, values: Sequence[Any], text: str) -> tuple[int, int, str]:
    """Return what to put where: (start, end, new text)."""
    node, member, flow = root, None, False
    for at, name in enumerate(path):
        flow = flow or node.flow
        below = _below(node, name)
        if below is None:
            return _add(node, member, path[at:], values, flow, text)
        node, member = below
    return _replace(node, member, values[0], flow=flow)


def _below(node: Node, name: str) -> tuple[Node, Member | None] | None:
    if node.kind == "mapping":
        member = node.names.get(name)
        return (member.node, member) if member else None
    if node.kind == "sequence" and name.isascii() and name.isdigit() and int(name) < len(node.members):
        return node.members[int(name)], None
    return None


def _add(
    node: Node, member: Member | None, rest: Path, values: Sequence[Any], flow: bool, text: str
) -> tuple[int, int, str]:
    """Add a member to a mapping or members to a list."""
    name = rest[0]
    listed = rest[1:] == ("-",)
    added = [list(values)] if listed else [_nest(rest[1:], value) for value in values]
    if node.kind == "scalar" and node.value is not None:
        raise DataError(f"cannot set {name[:40]!r}: a single value stands where a list or mapping is needed")
    if node.kind == "sequence" and name != "-":
        raise DataError(f"the list has {len(node.members)} members; {name[:40]!r} is not one of them (`-` appends)")
    if not node.names and not node.members:
        return _replace(node, member, added if name == "-" else {name: added[0]}, flow=flow)
    if node.flow:
        words = [_flow(value) for value in added] if node.kind == "sequence" else [f"{_name(name)}: {_flow(added[0])}"]
        last = (*node.members, *[found.node for found in node.names.values()])[-1].end
        return last, last, ", " + ", ".join(words)
    lines = _block(added if node.kind == "sequence" else {name: added[0]}, node.column)
    at = text.find("\n", node.end)
    at = len(text) if at < 0 else at - 1 if text[at - 1 : at] == "\r" else at
    return at, at, "".join([f"\n{line}" for line in lines])


def _replace(node: Node, member: Member | None, value: Any, *, flow: bool) -> tuple[int, int, str]:
    """Replace a node's text by that of a value."""
    block = node.kind != "scalar" and not node.flow
    after_key = member.key_end + 1 if member else node.start
    if flow or not _is_tree(value):
        if block and member:
            return after_key, node.end, f" {_flow(value)}"
        return node.start, node.end, f" {_flow(value)}" if node.start == node.end else _flow(value)
    if block:
        return node.start, node.end, "\n".join(_block(value, node.column)).lstrip(" ")
    if member:
        return after_key, node.end, "".join([f"\n{line}" for line in _block(value, member.column + _STEP)])
    gap = " " if node.start == node.end else ""
    return node.start, node.end, gap + "\n".join(_block(value, node.column + len(gap))).lstrip(" ")


def _nest(rest: Path, value: Any) -> Any:
    for name in reversed(rest):
        value = [value] if name == "-" else {name: value}
    return value


def _applied(value: Any, path: Path, values: Sequence[Any]) -> Any:
    """Return the plain value with the change made: what the edited text must read back as."""
    if not path:
        return json.loads(canonical.encode(values[0]))
    name, rest = path[0], path[1:]
    if isinstance(value, list) and name != "-":
        members = list(value)
        members[int(name)] = _applied(value[int(name)], rest, values)
        return members
    if name == "-":
        return [*(value or []), *[_applied(None, (), [_nest(rest, new)]) for new in values]]
    below = dict(value or {})
    below[name] = _applied(below.get(name), rest, values)
    return below


def _is_tree(value: Any) -> bool:
    return isinstance(value, dict | list | tuple) and bool(value)


def _block(value: Any, indent: int) -> list[str]:
    """Write a mapping or list that is not empty as block lines."""
    margin = " " * indent
    lines: list[str] = []
    for mark, member in _marked(value):
        if not _is_tree(member):
            lines.append(f"{margin}{mark} {_flow(member)}")
        elif mark == "-":
            first, *rest = _block(member, indent + _STEP)
            lines += [f"{margin}- {first.lstrip(' ')}", *rest]
        else:
            lines += [f"{margin}{mark}", *_block(member, indent + _STEP)]
    return lines


def _marked(value: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(value, dict):
        return [(f"{_name(name)}:", member) for name, member in value.items()]
    return [("-", member) for member in value]


def _flow(value: Any) -> str:
    """Write a value on one line: a plain word where that is safe, else JSON, which YAML 1.2 contains."""
    if isinstance(value, dict):
        return "{" + ", ".join([f"{_name(name)}: {_flow(member)}" for name, member in value.items()]) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join([_flow(member) for member in value]) + "]"
    if isinstance(value, str):
        return value if _PLAIN.fullmatch(value) and not _RESERVED.fullmatch(value) else _quoted(value)
    return canonical.encode(value).decode()


def _name(name: str) -> str:
    return name if _PLAIN_KEY.fullmatch(name) else _quoted(name)


def _quoted(text: str) -> str:
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))
