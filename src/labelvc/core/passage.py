"""Passages: the part of a text that a record speaks of, with a few words around it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from labelvc.core.diff import Comparison
from labelvc.model.exhibit import Passage, Sign

_TOKEN = re.compile(r"c(\d{1,9})-(\d{1,9})(?:\.\d+)?")
"""Name of a word's record, with the code points it stands at (docs/formats/interchange.md, CoNLL-U)."""
_AROUND = 120
_LONGEST = 240
_WHOLE = 280
REACH = 600
"""So many characters beside what is shown are enough to know whether a value is cut at its edge."""


def passages(seen: Comparison, text: str) -> tuple[Passage, ...]:
    """Return the text with what a record marks in it: once where both sides mark the same, else before and after.

    Args:
        seen: the record.
        text: of its item.
    """
    if not text:
        return ()
    name = "" if isinstance(seen.delta.key, str) else seen.delta.key.id
    spans: list[tuple[Sign, tuple[int, int] | None]] = list(_spans(seen, name, len(text)))
    found = dict.fromkeys(_cut(sign, text, span) for sign, span in spans)
    return tuple(found)


def span_of(fields: Mapping[str, Any], name: str, length: int) -> tuple[int, int] | None:
    """Return the code points that a record marks; None when it marks none that are in its text."""
    value = fields.get("value")
    said = value.get("span") if isinstance(value, Mapping) else None
    if isinstance(said, list) and len(said) == 2 and all(type(at) is int for at in said):
        start, end = said
    elif fields and (found := _TOKEN.fullmatch(name)):
        start, end = int(found[1]), int(found[2])
    else:
        return None
    return (start, end) if 0 <= start <= end <= length else None


def _spans(seen: Comparison, name: str, length: int) -> Iterator[tuple[Sign, tuple[int, int] | None]]:
    old, new = [span_of(side, name, length) for side in (seen.old, seen.new)]
    if seen.kind == "removed":
        yield "-", old
    elif seen.kind == "added":
        yield "+", new
    elif old == new:
        yield "=", new
    else:
        yield "-", old
        yield "+", new


def _cut(sign: Sign, text: str, span: tuple[int, int] | None) -> Passage:
    if span is None:
        return Passage("=", "", "", text if len(text) <= _WHOLE else text[: _WHOLE - 1] + "…")
    start, end = span
    before, marked, after = text[max(0, start - _AROUND) : start], text[start:end], text[end : end + _AROUND]
    if len(marked) > _LONGEST:
        marked = f"{marked[: _LONGEST // 2]} … {marked[-_LONGEST // 2 :]}"
    return Passage(
        sign, ("…" if start > _AROUND else "") + before, marked, after + ("…" if end + _AROUND < len(text) else "")
    )
