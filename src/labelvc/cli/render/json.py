"""JSON: one envelope for every command, and one line an item for streams (docs/formats, `schemas/`)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import msgspec

from labelvc.core import diff
from labelvc.model.finding import Finding

Item = Mapping[str, Any]
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
    first = {"schema": f"urn:labelvc:schema:{noun}:1", "base": base, "head": head}
    yield json.dumps(first, ensure_ascii=False)[:-1] + ', "items": ['
    mark = "\n"
    for item in items:
        yield mark + json.dumps(item, ensure_ascii=False)
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


def delta(seen: diff.Comparison) -> Item:
    """Return a delta as `diff` prints it; a document's bytes are shown as text."""
    key, old, new = seen.delta
    if isinstance(key, str):
        said = [None if raw is None else raw.decode(errors="replace") for raw in (old, new)]
        return {"key": key, "kind": seen.kind, "old": said[0], "new": said[1], "fields": []}
    return {
        "key": str(key),
        "kind": seen.kind,
        "old": None if old is None else seen.old,
        "new": None if new is None else seen.new,
        "fields": seen.pointers,
    }
