"""Waivers: which findings somebody lets stand, which waivers are over, and which cover nothing (docs/formats/waiver.md)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from labelvc.codec import canonical
from labelvc.core import globs
from labelvc.model.finding import Finding
from labelvc.model.waiver import Waived, Waiver

_NEVER = ("approval.", "ci.", "document.", "merge.", "module.", "privacy.", "register.", "waiver.", "record.rev")


def may(rule: str) -> bool:
    """Tell whether findings of a rule can be let stand.

    Not what stands in plain, which the baseline answers for value by value; not what says that a document, the history or an
    approval cannot be relied on; and not waivers themselves.
    """
    return not rule.startswith(_NEVER)


def ended(waiver: Waiver, today: str) -> bool:
    """Tell whether a waiver holds no more; without a date of today none does."""
    return not today or today > waiver.expires


def covers(waiver: Waiver, found: Finding) -> bool:
    """Tell whether a finding is one that a waiver is about, whatever the day."""
    if found.rule != waiver.rule or not may(found.rule):
        return False
    names = [name for name in (found.place.key, found.place.path) if name]
    if not any(name == waiver.at or globs.match(name, (waiver.at,)) for name in names):
        return False
    return not waiver.label or any(f"label {label}" in found.message for label in _quoted(waiver.label))


def apart(findings: Iterable[Finding], waivers: Sequence[Waiver], today: str) -> tuple[list[Finding], list[Waived]]:
    """Return the findings that nobody lets stand, and the others with what does.

    Args:
        findings: what was found.
        waivers: those that judge.
        today: date, `2026-12-02`; empty when nobody said.
    """
    by_rule: dict[str, list[Waiver]] = defaultdict(list)
    for waiver in waivers:
        if not ended(waiver, today):
            by_rule[waiver.rule].append(waiver)
    left, waived = list[Finding](), list[Waived]()
    for found in findings:
        covering = next((one for one in by_rule.get(found.rule, ()) if covers(one, found)), None)
        if covering is None:
            left.append(found)
        else:
            waived.append(Waived(found, covering))
    return left, waived


def write(waivers: Iterable[Waiver]) -> bytes:
    """Return the file's bytes: canonical lines, sorted, none twice."""
    rows = [{name: said for name in one.__struct_fields__ if (said := getattr(one, name))} for one in waivers]
    return b"".join([row + b"\n" for row in sorted({canonical.encode(row) for row in rows})])


def _quoted(label: str) -> tuple[str, str]:
    """Return the ways in which messages name a label."""
    return repr(label), f'"{label}"'
