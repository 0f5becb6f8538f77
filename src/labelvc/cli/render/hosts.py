"""What all outputs for code hosts share: what was judged, a place that every host takes, the worst first, and one line that says it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from labelvc.checks.interface import Rule
from labelvc.cli.render.text import clip, named, safe
from labelvc.model.finding import SEVERITIES, Finding, Place, Severity
from labelvc.model.waiver import Waived

TOP = "labelvc.yaml"
_LONGEST = 1000
_POINTED = ("annotations", "items")


class Judged(NamedTuple):
    """What was judged.

    Attributes:
        base: the revision compared with; empty when none.
        head: what was looked at: a revision, `index`, `work tree`.
        files: paths of what was looked at.
        asked: the rules that judged, by dataset; those of the project as a whole under the empty name.
        fail_on: least severity that fails.
        known: findings that the base has too.
        waived: findings that somebody lets stand.
        untold: what could not be told, in words.
    """

    base: str = ""
    head: str = ""
    files: Container[str] = ()
    asked: Mapping[str, Sequence[Rule]] = {}
    fail_on: Severity = "error"
    known: Sequence[Finding] = ()
    waived: Sequence[Waived] = ()
    untold: Sequence[str] = ()

    def fails(self, severity: Severity) -> bool:
        """Tell whether a severity fails."""
        return SEVERITIES.index(severity) >= SEVERITIES.index(self.fail_on)


def ranked(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings with the most severe first, those of one severity in the order they came in."""
    return sorted(findings, key=lambda found: -SEVERITIES.index(found.severity))


def anchor(place: Place, files: Container[str]) -> tuple[str, int]:
    """Return a path and a line from 1 that a host finds in the repository.

    One result without a place makes a host refuse the whole file (github/codeql-action#2459). What lies behind DVC is no file
    for it: the pointer stands for that. What is no file is told at its dataset's document, or at the project's.

    Args:
        place: where the finding is.
        files: paths of what was looked at.
    """
    top, _, rest = place.path.partition("/")
    dataset, _, inside = rest.partition("/")
    layer = inside.partition("/")[0]
    pointer = f"datasets/{dataset}/{layer}.dvc"
    if top == "datasets" and layer in _POINTED and pointer in files:
        return pointer, 1
    if place.path in files:
        return place.path, max(place.line, 1)
    document = f"datasets/{dataset}/dataset.yaml"
    return (document if top == "datasets" and document in files else TOP), 1


def fingerprinted(findings: Iterable[Finding]) -> Iterator[tuple[Finding, str]]:
    """Yield each finding with a fingerprint that no other one here has: the second of equal ones ends in `-2`."""
    seen = Counter[str]()
    for found in findings:
        mark = found.fingerprint
        seen[mark] += 1
        yield found, mark if seen[mark] == 1 else f"{mark}-{seen[mark]}"


def sentence(found: Finding) -> str:
    """Return one line: the record when there is one, what is wrong, what to do; safe to show anywhere."""
    where = f"{named(found.place.key)}: " if found.place.key else ""
    cure = f" (next: {found.hint})" if found.hint else ""
    return clip(where + safe(found.message), _LONGEST) + clip(safe(cure), _LONGEST)


def dataset_of(found: Finding, asked: Container[str]) -> str:
    """Return the dataset whose rules a finding belongs to; empty for the project as a whole."""
    top, _, rest = found.place.path.partition("/")
    name = rest.partition("/")[0]
    return name if top == "datasets" and name in asked else ""
