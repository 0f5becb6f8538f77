"""JSON: one envelope for every command, and one line an item for streams (docs/formats, `schemas/`)."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec

from labelvc.codec import canonical, shard
from labelvc.core import diff
from labelvc.errors import DataError
from labelvc.model.change import Edit
from labelvc.model.names import Key

if TYPE_CHECKING:
    from labelvc.model.commit import Commit
    from labelvc.model.finding import Finding
    from labelvc.model.waiver import Waived

Item = Mapping[str, Any]
_encode = msgspec.json.Encoder().encode
_encode_lines = msgspec.json.Encoder().encode_lines
_AT_ONCE = 32
_NULL = b"null"


def document(
    noun: str, items: Sequence[Item], *, base: str = "", head: str = "", summary: Mapping[str, Any] | None = None
) -> str:
    """Return one JSON object with a line break.

    Args:
        noun: name of the schema, `check`, `diff` ...
        items: what was found.
        base: the revision compared with, as the person wrote it.
        head: the revision looked at.
        summary: counts.

    Returns:
        `{"schema","base","head","summary","items"}`.
    """
    whole = {
        "schema": f"urn:labelvc:schema:{noun}:1",
        "base": base,
        "head": head,
        "summary": dict(summary or {}),
        "items": list(items),
    }
    return indented(whole)


def indented(whole: Item) -> str:
    """Return one JSON object with a line break, a member a line."""
    told = json.dumps(whole, ensure_ascii=False)
    try:
        return msgspec.json.format(told, indent=1) + "\n"  # json itself indents without its C encoder
    except UnicodeEncodeError:
        return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"


def streamed(
    noun: str, items: Iterable[Item], summary: Callable[[], Mapping[str, Any]], *, base: str = "", head: str = ""
) -> Iterator[str]:
    """Yield the object of `document` piece by piece, its summary last: memory holds one item at a time.

    Args:
        noun: name of the schema.
        items: what was found, as it comes.
        summary: asked for the counts when all items have gone by.
        base: as for `document`.
        head: as for `document`.
    """
    return _streamed(noun, (json.dumps(item, ensure_ascii=False) + "\n" for item in items), summary, base, head)


def streamed_deltas(
    changes: Iterable[diff.Comparison], summary: Callable[[], Mapping[str, Any]], *, base: str = "", head: str = ""
) -> Iterator[str]:
    """Yield what `streamed` yields, of deltas as `deltas` writes them."""
    return _streamed("diff", deltas(changes), summary, base, head)


def _streamed(
    noun: str, parts: Iterable[str], summary: Callable[[], Mapping[str, Any]], base: str, head: str
) -> Iterator[str]:
    """Yield an object whose items are lines, of which each part holds some; in a line of JSON there is no other line break."""
    first = {"schema": f"urn:labelvc:schema:{noun}:1", "base": base, "head": head}
    yield json.dumps(first, ensure_ascii=False)[:-1] + ', "items": ['
    mark = "\n"
    for part in parts:
        yield mark + part[:-1].replace("\n", ",\n")
        mark = ",\n"
    yield f'\n], "summary": {json.dumps(dict(summary()), ensure_ascii=False)}}}\n'


def lines(items: Iterable[Item]) -> Iterator[str]:
    """Yield one JSON object a line, many lines at once."""
    rest = iter(items)
    while some := list(islice(rest, _AT_ONCE)):
        try:
            yield _encode_lines(some).decode()
        except UnicodeEncodeError:
            # a path that is not UTF-8: the one spelling JSON has for it
            yield "".join([json.dumps(item) + "\n" for item in some])


def commit(one: Commit) -> Item:
    """Return a commit as `log`, `blame` and `trace` print it."""
    return {
        "id": one.id,
        "author": {"name": one.author.name, "email": one.author.email},
        "coauthors": [{"name": person.name, "email": person.email} for person in one.coauthors],
        "authored": one.authored,
        "committed": one.committed,
        "subject": one.subject,
    }


def waived(one: Waived) -> Item:
    """Return a finding that somebody lets stand, with who, why, and until when."""
    by = one.waiver
    told = {"by": by.by, "made": by.made, "expires": by.expires, "reason": by.reason}
    return {**finding(one.finding, "waived"), "waiver": told}


def finding(found: Finding, state: str = "") -> Item:
    """Return a finding as `check` prints it.

    Args:
        found: the finding.
        state: `new`, `known`, `fixed` or `waived`, where those are listed together.
    """
    return {
        "rule": found.rule,
        "severity": found.severity,
        "place": found.place._asdict(),
        "message": found.message,
        "hint": found.hint,
        "fingerprint": found.fingerprint,
        "by": found.by,
        **({"state": state} if state else {}),
    }


def deltas(changes: Iterable[diff.Comparison]) -> Iterator[str]:
    """Yield deltas as `delta` tells them, one a line, many lines at once.

    A delta whose encoded members are its lines byte for byte, as those of canonical lines nearly always are, is not looked
    at again.
    """
    rest = iter(changes)
    while some := list(islice(rest, _AT_ONCE)):
        try:
            yield b"".join([_line(seen) for seen in some]).decode()
        except UnicodeEncodeError:
            # a path that is not UTF-8: the one spelling JSON has for it
            yield "".join([json.dumps(delta(seen)) + "\n" for seen in some])


def _line(seen: diff.Comparison) -> bytes:
    key, old, new, _ = seen.delta
    if type(key) is Key:
        one, two = None if old is None else seen.old, None if new is None else seen.new
        line = _encode({"key": str(key), "kind": seen.kind, "old": one, "new": two, "fields": seen.pointers})
        # a quote in the key is escaped, so the first `"old":` is the member's own name
        if line.startswith(b'"old":%b,"new":%b,"fields":' % (old or _NULL, new or _NULL), line.find(b'"old":')):
            return line + b"\n"
    return _encode(delta(seen)) + b"\n"


def delta(seen: diff.Comparison) -> Item:
    """Return a delta as `diff` prints it; a document's bytes are shown as text.

    Args:
        seen: the delta, its plain values hidden.

    Returns:
        The item. It says `exact: false` when a side is not the whole line or document, so that nobody applies it.
    """
    key, old, new, _ = seen.delta
    if isinstance(key, str):
        return _document(seen)
    sides = [None if raw is None else fields for raw, fields in ((old, seen.old), (new, seen.new))]
    item: dict[str, Any] = {
        "key": str(key),
        "kind": seen.kind,
        "old": sides[0],
        "new": sides[1],
        "fields": seen.pointers,
    }
    if not _spells(key, sides[0], old) or not _spells(key, sides[1], new):
        item["exact"] = False
    return item


def _spells(key: Key, fields: dict[str, Any] | None, raw: bytes | None) -> bool:
    """Tell whether the canonical form of what is shown is the line itself."""
    if fields is None:
        return True
    try:
        return canonical.encode(fields, canonical.RECORD_FIRST if key.id else canonical.ITEM_FIRST) == raw
    except DataError:
        return False


def _document(seen: diff.Comparison) -> Item:
    key, old, new, modes = seen.delta
    said = [None if raw is None else raw.decode(errors="replace") for raw in (old, new)]
    item: dict[str, Any] = {"key": key, "kind": seen.kind, "old": said[0], "new": said[1], "fields": seen.pointers}
    if modes:
        item["modes"] = [None if text is None else mode for text, mode in zip(said, modes, strict=True)]
    if seen.said:
        item["said"] = seen.said
    if seen.edits:
        item["edits"] = [edit(one) for one in seen.edits]
    if shard.parse_path(str(key).rpartition(":")[0]) or any(
        text is not None and text.encode() != raw for text, raw in zip(said, (old, new), strict=True)
    ):
        item["exact"] = False
    return item


def edit(one: Edit) -> Item:
    """Return an edit of a document, of a text that changed with the words that stayed, went and came."""
    item = one._asdict()
    if one.what == "changed" and isinstance(one.old, str) and isinstance(one.new, str):
        item["words"] = [
            list(stretch) for stretch in importlib.import_module("labelvc.core.prose").words(one.old, one.new)
        ]
    return item
