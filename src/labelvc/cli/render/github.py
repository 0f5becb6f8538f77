"""GitHub annotations: workflow commands that a step prints (docs.github.com, workflow commands)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from labelvc.checks.interface import Rule
from labelvc.cli.render import hosts
from labelvc.cli.render.hosts import Judged
from labelvc.cli.render.text import count, safe
from labelvc.model.finding import Finding, Severity

MOST = 10
"""Annotations of each level that one step may show; those printed later are dropped without a word (zizmor#634)."""
_LEVELS: dict[Severity, str] = {"error": "error", "warning": "warning", "note": "notice"}
_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"})


def write(findings: Iterable[Finding], catalogue: Mapping[str, Rule], judged: Judged) -> str:
    """Return the lines, the most severe first and no more than a step may show; the last one says how many are left out.

    Args:
        findings: what was found.
        catalogue: rules by their id, whose titles are told.
        judged: what was looked at.

    Returns:
        One line an annotation; empty when nothing was found.
    """
    return "".join(_lines(hosts.ranked(findings), catalogue, judged))


def _lines(ordered: list[Finding], catalogue: Mapping[str, Rule], judged: Judged) -> Iterator[str]:
    there = Counter([found.severity for found in ordered])
    room: dict[Severity, int] = dict.fromkeys(_LEVELS, MOST)
    if any(there[severity] > most for severity, most in room.items()):
        room["note"] -= 1  # the last line is a notice too
    shown = Counter[Severity]()
    for found in ordered:
        if shown[found.severity] < room[found.severity]:
            shown[found.severity] += 1
            yield _line(found, catalogue, judged)
    left = there - shown
    if left:
        words = ", ".join([count(left[severity], severity) for severity in _LEVELS if left[severity]])
        yield f"::notice title=labelvc::and {words} more, which no annotation shows: see the report\n"


def _line(found: Finding, catalogue: Mapping[str, Rule], judged: Judged) -> str:
    path, line = hosts.anchor(found.place, judged.files)
    title = f"{catalogue[found.rule].title} ({found.rule})" if found.rule in catalogue else found.rule
    properties = {"file": path, "line": str(line), "title": title}
    said = ",".join([f"{name}={safe(value).translate(_PROPERTY)}" for name, value in properties.items()])
    return f"::{_LEVELS[found.severity]} {said}::{hosts.sentence(found).translate(_DATA)}\n"
