"""The baseline: findings of plain text that somebody answers for, each bound to its rule, its value and its place.

A line names no value but a mark of it that only who holds the gate key can make, so that another value in the same place is
new, a line that moves is not, and nobody can try values against the file (docs/formats/leaks.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from labelvc.codec import canonical
from labelvc.model.detection import Accepted

RULE = "privacy.baseline"
LETTERS = 10
"""Letters of a mark: 43 bits, too many to meet by chance and too few to prove a guess by."""


def by_place(lines: Iterable[Accepted]) -> Mapping[tuple[str, str, str], tuple[Accepted, ...]]:
    """Return exceptions by rule, place and pointer."""
    found: dict[tuple[str, str, str], tuple[Accepted, ...]] = {}
    for line in lines:
        place = line.rule, line.at, line.pointer
        found[place] = (*found.get(place, ()), line)
    return found


def ended(line: Accepted, today: str) -> bool:
    """Tell whether an exception holds no more; without a date of today, one that ends at all does not."""
    return line.expires is not None and not (today and today <= line.expires)


def write(lines: Iterable[Accepted]) -> bytes:
    """Return the file's bytes: canonical lines, sorted, none twice."""
    rows = [{name: said for name in line.__struct_fields__ if (said := getattr(line, name))} for line in lines]
    return b"".join([row + b"\n" for row in sorted({canonical.encode(row) for row in rows})])
