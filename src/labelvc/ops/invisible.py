"""Invisible: findings about texts of documents that hold marks which nobody sees."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from labelvc.checks.interface import Rule
from labelvc.core import invisible
from labelvc.model.finding import Finding, Place
from labelvc.ops.project import Read

RULES = (
    Rule(
        "document.invisible",
        "warning",
        "Text holds marks that nobody sees",
        "Two names look alike and are not, or a text reads otherwise than it is stored.",
    ),
)
_HINT = "type the text anew without it"


def of(documents: Sequence[Read]) -> Iterator[Finding]:
    """Yield the texts of documents with control characters, or marks that turn the direction of writing or have no width."""
    for read in documents:
        for at, wrong in invisible.marks(read.parsed.value):
            place = Place(read.path, read.parsed.line(at), "", at)
            yield Finding("document.invisible", "warning", place, wrong, _HINT)
