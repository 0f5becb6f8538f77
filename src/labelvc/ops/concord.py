"""Concord: what is wrong with the documents of a project, each by itself and with the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from labelvc.core import references
from labelvc.model.finding import Finding, Place
from labelvc.ops.project import BY, Read


def findings(documents: Sequence[Read], settable: Mapping[str, bool | None] | None = None) -> list[Finding]:
    """Return everything that is wrong with the documents of one snapshot.

    Args:
        documents: all of them, as they were read.
        settable: as for `labelvc.core.references.troubles`.

    Returns:
        Findings of the rules in `labelvc.ops.rules`, sorted by path and line.
    """
    found = [
        _finding(read, trouble.rule, trouble.pointer, trouble.message, trouble.line)
        for read in documents
        for trouble in read.parsed.troubles
    ]
    good = {references.Document(read.noun, read.name, None): read for read in documents if not read.parsed.troubles}
    names = references.named((read.noun, read.name) for read in documents)
    said = [key._replace(value=read.parsed.value) for key, read in good.items()]
    for trouble in references.troubles(said, names, settable):
        read = good[trouble.document._replace(value=None)]
        found.append(_finding(read, trouble.rule, trouble.pointer, trouble.message, read.parsed.line(trouble.pointer)))
    return sorted(
        found, key=lambda finding: (finding.place.path, finding.place.line, finding.rule, finding.place.pointer)
    )


def _finding(read: Read, rule: str, pointer: str, message: str, line: int) -> Finding:
    place = f"{read.path}:{line}" if line else read.path
    hint = "pip install --upgrade labelvc" if "newer labelvc" in message else f"mend {place}, then run: labelvc check"
    return Finding(rule, "error", Place(read.path, line, "", pointer), message, hint, BY)
