"""JSON: one envelope for every command, and one line an item for streams (docs/formats, `schemas/`)."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Literal

import msgspec

from labelvc.codec import canonical, shard
from labelvc.core import diff
from labelvc.errors import DataError
from labelvc.model.change import Edit
from labelvc.model.finding import Finding
from labelvc.model.names import Key

Item = Mapping[str, Any]
_encode = msgspec.json.Encoder().encode
_encode_lines = msgspec.json.Encoder().encode_lines
_AT_ONCE = 32


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
    return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"


def lines(items: Iterable[Item]) -> Iterator[str]:
    """Yield one JSON object a line, many lines at once."""
    rest = iter(items)
    while some := list(islice(rest, _AT_ONCE)):
        try:
            yield _encode_lines(some).decode()
        except UnicodeEncodeError:
            # a path that is not UTF-8: the one spelling JSON has for it
            yield "".join([json.dumps(item, default=_plain) + "\n" for item in some])


def finding(found: Finding) -> Item:
    """Return a finding as `check` prints it."""
    return {
        "rule": found.rule,
        "severity": found.severity,
        "place": found.place._asdict(),
        "message": found.message,
        "hint": found.hint,
        "fingerprint": found.fingerprint,
        "by": found.by,
    }


def delta(seen: diff.Comparison, *, pasted: bool = False) -> Item:
    """Return a delta as `diff` prints it; a document's bytes are shown as text.

    Args:
        seen: the delta, its plain values hidden.
        pasted: for `lines` only: put the very bytes of a line where they are what an encoder would write, which is as quick.

    Returns:
        The item. It says `exact: false` when a side is not the whole line or document, so that nobody applies it.
    """
    key, old, new = seen.delta
    if isinstance(key, str):
        return _document(seen)
    one, two = _side(key, old, seen.old, pasted=pasted), _side(key, new, seen.new, pasted=pasted)
    item: dict[str, Any] = {
        "key": str(key),
        "kind": seen.kind,
        "old": seen.old if one is False else one,
        "new": seen.new if two is False else two,
        "fields": seen.pointers,
    }
    if one is False or two is False:
        item["exact"] = False
    return item


def _side(
    key: Key, raw: bytes | None, fields: dict[str, Any], *, pasted: bool
) -> msgspec.Raw | dict[str, Any] | Literal[False] | None:
    """Return one side of a delta; False when the members do not spell the line."""
    if raw is None:
        return None
    try:
        if pasted and _encode(fields) == raw:
            return msgspec.Raw(raw)
        same = canonical.encode(fields, canonical.RECORD_FIRST if key.id else canonical.ITEM_FIRST) == raw
    except (DataError, UnicodeEncodeError):
        return False
    if not same:
        return False
    return msgspec.Raw(raw) if pasted else fields


def _document(seen: diff.Comparison) -> Item:
    key, old, new = seen.delta
    said = [None if raw is None else raw.decode(errors="replace") for raw in (old, new)]
    item: dict[str, Any] = {"key": key, "kind": seen.kind, "old": said[0], "new": said[1], "fields": seen.pointers}
    if seen.said:
        item["said"] = seen.said
    if seen.edits:
        item["edits"] = [_edit(edit) for edit in seen.edits]
    if shard.parse_path(str(key).rpartition(":")[0]) or any(
        text is not None and text.encode() != raw for text, raw in zip(said, (old, new), strict=True)
    ):
        item["exact"] = False
    return item


def _edit(edit: Edit) -> Item:
    item = edit._asdict()
    if edit.what == "changed" and isinstance(edit.old, str) and isinstance(edit.new, str):
        item["words"] = [
            list(stretch) for stretch in importlib.import_module("labelvc.core.prose").words(edit.old, edit.new)
        ]
    return item


def _plain(value: Any) -> Any:
    return json.loads(bytes(value))
