"""Text for people: findings, deltas and the life of a record, short and aligned, safe to print on any terminal."""

from __future__ import annotations

import importlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from labelvc import digests
from labelvc.codec import shard
from labelvc.core import diff
from labelvc.model import jsonpointer
from labelvc.model.change import Edit, Kind
from labelvc.model.finding import Finding
from labelvc.model.waiver import Waived

_COLOURS = {"error": "31", "warning": "33", "note": "36", "+": "32", "-": "31", "~": "33", "dim": "2", "bold": "1"}
_SIGNS: dict[Kind, str] = {"added": "+", "removed": "-", "changed": "~", "touched": ".", "mechanical": "="}
_WIDEST = 60
_LONGEST = 300
_MARK = 12
_SHOWN = 12
_LISTED = 10
_READABLE = 1 << 16


def safe(text: str) -> str:
    """Return text with everything escaped that moves the cursor, changes colours or reorders what is read.

    Source: CVE-2021-42574 (bidirectional overrides); control characters by Unicode category Cc, Cf, Zl, Zp.
    """
    if text.isascii() and text.isprintable():
        return text
    category = importlib.import_module("unicodedata").category  # nearly all text is as plain as that
    return "".join([c if c.isprintable() or category(c) == "Zs" else f"\\u{ord(c):04x}" for c in text])


def paint(text: str, colour: str, *, on: bool) -> str:
    """Return text in a colour of the house, or as it is."""
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if on else text


def findings(found: Iterable[Finding], *, color: bool) -> Iterator[str]:
    """Yield lines: severity, rule, where, what; below it what to do, each advice once."""
    told: set[tuple[str, str]] = set()
    for one in found:
        where = named(one.place.key or one.place.path)
        line = f":{one.place.line}" if one.place.line and not one.place.key else ""
        head = f"{paint(one.severity.ljust(7), one.severity, on=color)} {one.rule.ljust(18)} {where}{line}"
        yield f"{head}  {clip(safe(one.message), _LONGEST)}\n"
        if one.hint and (one.rule, one.hint) not in told:
            yield f"        {paint('next: ' + safe(one.hint), 'dim', on=color)}\n"
        told.add((one.rule, one.hint))


def waived(found: Sequence[Waived], *, color: bool) -> Iterator[str]:
    """Yield lines: what somebody lets stand, who, until when and why; nothing where there is nothing."""
    for one, by in found[:_SHOWN]:
        where = named(one.place.key or one.place.path)
        yield f"{paint('waived', 'dim', on=color)}  {one.rule.ljust(18)} {where}  {clip(safe(one.message), _LONGEST)}\n"
        said = f"by {by.by} until {by.expires}: {by.reason}"
        yield f"        {paint(clip(safe(said), _LONGEST), 'dim', on=color)}\n"
    if len(found) > _SHOWN:
        yield f"        and {len(found) - _SHOWN:,} more that are waived\n"


def tally(found: Iterable[Finding]) -> str:
    """Return `2 errors, 8 warnings`, or `no findings`."""
    counts = Counter([one.severity for one in found])
    words = [count(counts[severity], severity) for severity in ("error", "warning", "note") if counts[severity]]
    return ", ".join(words) or "no findings"


def count(number: int, noun: str) -> str:
    """Return `1 record`, `7,520 records`."""
    plural = {"entry": "entries", "query": "queries"}.get(noun, noun + "s")
    return f"{number:,} {noun if number == 1 else plural}"


def delta(seen: diff.Comparison, *, color: bool) -> str:
    """Return one line: sign, key, and what went to what."""
    sign, key = _SIGNS[seen.kind], seen.delta.key
    head = f"{paint(sign, sign, on=color) if sign in _COLOURS else sign} {named(str(key))}"
    return f"{head}  {what(seen)}\n"


def what(seen: diff.Comparison) -> str:
    """Return what went to what, without sign and key."""
    if isinstance(seen.delta.key, str):
        noun = "line without a key" if shard.parse_path(seen.delta.key.rpartition(":")[0]) else "document"
        said = clip(safe(seen.said), _LONGEST)
        return f"{said} (mechanical)" if seen.kind == "mechanical" else f"{noun} {seen.kind}{said and f': {said}'}"
    if seen.kind in ("added", "removed"):
        value = seen.new if seen.kind == "added" else seen.old
        return short(value.get("value", value.get("text", value.get("media", value))))
    if seen.kind == "touched":
        pairs = [(name, seen.old.get(name, "-"), seen.new.get(name, "-")) for name in ("rev", "at")]
        differing = [f"{name} {short(old)} -> {short(new)}" for name, old, new in pairs if old != new]
        return differing[0] if differing else "spelling or line end alone, which labelvc format undoes"
    moves = [(safe(pointer), _at(seen.old, pointer), _at(seen.new, pointer)) for pointer in seen.fields]
    return "; ".join([f"{pointer} {old} -> {new}" for pointer, old, new in moves])


def deltas(changes: Iterable[diff.Comparison], *, color: bool) -> Iterator[str]:
    """Yield one line a delta, and one for all of a mechanical change; below a document that changed, what it says otherwise."""
    for seen in changes:
        if seen.kind == "mechanical":
            if seen.said:
                yield delta(seen, color=color)
            continue
        yield delta(seen, color=color)
        if not isinstance(seen.delta.key, str):
            continue
        if seen.edits:
            yield from _edits(seen.edits, color=color)
        elif seen.delta.old and seen.delta.new and (not seen.said or seen.delta.modes):
            yield from _lines(seen.delta.old, seen.delta.new, color=color)


def _edits(edits: Sequence[Edit], *, color: bool) -> Iterator[str]:
    """Yield what a document says otherwise, no more than a screen shows."""
    words = importlib.import_module("labelvc.cli.render.edits")
    for edit in edits[:_SHOWN]:
        sign, stretches = words.sentence(edit)
        yield f"    {paint(sign, sign, on=color)} {clip(safe(words.plain(stretches)), _LONGEST)}\n"
    if len(edits) > _SHOWN:
        yield f"    and {count(len(edits) - _SHOWN, 'more edit')}\n"


def _lines(old: bytes, new: bytes, *, color: bool) -> Iterator[str]:
    """Yield what left a plain text and what came into it, no more than a screen shows."""
    if b"\0" in old or b"\0" in new:
        return
    if len(old) + len(new) > _READABLE:
        yield "    too long to show here; `git diff` shows it\n"
        return
    sides = [side.decode(errors="replace").splitlines() for side in (old, new)]
    differ = importlib.import_module("difflib").unified_diff(*sides, lineterm="", n=0)
    rows = [row for row in islice(differ, 2, None) if not row.startswith("@@")]
    for row in rows[:_SHOWN]:
        yield f"    {paint(row[0], row[0], on=color)} {clip(safe(row[1:]), _LONGEST)}\n"
    if len(rows) > _SHOWN:
        yield f"    and {count(len(rows) - _SHOWN, 'more line')}\n"


def totals(summary: diff.Summary) -> str:
    """Return `2 changed, 1 added, 0 removed records in 3 items; 1 document changed`."""
    words = [f"{summary.records[kind]:,} {kind}" for kind in ("changed", "added", "removed")]
    touched = summary.records["touched"]
    line = f"records: {', '.join(words)}{f', {touched:,} touched' if touched else ''} in {count(summary.touched_items, 'item')}"
    for noun, counts in (("items", summary.items), ("documents", summary.documents)):
        said = [f"{number:,} {kind}" for kind, number in sorted(counts.items()) if number]
        line += f"; {noun}: {', '.join(said)}" if said else ""
    if summary.mechanical:
        line += (
            f"; mechanical: {', '.join([count(number, noun) for noun, number in sorted(summary.mechanical.items())])}"
        )
    return line


def _at(fields: dict[str, Any], pointer: str) -> str:
    value = jsonpointer.reach(fields, pointer)
    return "(none)" if value is None else short(value)


def short(value: object) -> str:
    """Return a value in at most 60 characters, safe to print."""
    if isinstance(value, dict) and len(value) == 1:
        (name, inner), *_ = value.items()
        return f"{safe(name)} {short(inner)}"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return clip(safe(text[: _WIDEST + 1]), _WIDEST)


def clip(text: str, most: int) -> str:
    """Return text in at most so many characters, the cut shown."""
    return text if len(text) <= most else text[: most - 1] + "…"


def named(words: str, most: int = _LONGEST) -> str:
    """Return a key or path in at most so many characters, safe to print.

    What is left out of its middle is told by the beginning of its SHA-256, so that no two different ones look the same.
    """
    shown = safe(words)
    if len(shown) <= most:
        return shown
    mark = f"…{digests.sha256_short(words.encode(errors='backslashreplace')).hexdigest()[:_MARK]}…"
    end = (most - len(mark)) // 3
    return shown[: most - len(mark) - end] + mark + shown[-end:]


def torn(paths: Sequence[str], shards: Mapping[str, int]) -> list[str]:
    """Return what is in conflict: shards with the number of places that a person must decide, then other files."""
    rows = [f"{safe(path)}  {_places(number)}" for path, number in shards.items()]
    rows += [safe(path) for path in paths if path not in shards]
    return [*rows[:_LISTED], f"{count(len(rows) - _LISTED, 'more file')}"] if len(rows) > _LISTED else rows


def _places(number: int) -> str:
    return count(number, "conflict") if number else "no marker is left in it"
