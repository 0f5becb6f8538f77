"""A finding: what a check saw, where, how bad it is and what to do."""

# No `from __future__ import annotations`: typing would compile the text of each at every start.

from typing import Literal, NamedTuple

from labelvc import digests

Severity = Literal["note", "warning", "error"]
SEVERITIES: tuple[Severity, ...] = ("note", "warning", "error")


class Place(NamedTuple):
    """Where: a file, a line in it, the key of the record and a JSON pointer into the record.

    Attributes:
        path: POSIX path relative to the top of the project.
        line: 1-based line, 0 when the whole file is meant.
        key: `dataset/item#id`, or empty.
        pointer: RFC 6901 JSON pointer into the record or document, or empty.
    """

    path: str
    line: int = 0
    key: str = ""
    pointer: str = ""


class Finding(NamedTuple):
    """One thing that is wrong or worth knowing; it never holds a sensitive value.

    Attributes:
        rule: id of the rule, `noun.problem`.
        severity: `note`, `warning` or `error`.
        place: where it is.
        message: what is wrong, one sentence.
        hint: the command or edit that mends it.
        by: the check and its version, `labelvc.boxes/1`.
    """

    rule: str
    severity: Severity
    place: Place
    message: str
    hint: str = ""
    by: str = ""

    @property
    def fingerprint(self) -> str:
        """16 hex digits that stay the same when lines move: rule, key or path, pointer and message."""
        text = "\0".join((self.rule, self.place.key or self.place.path, self.place.pointer, self.message))
        return str(digests.sha256(text.encode(errors="backslashreplace")).hexdigest()[:16])
