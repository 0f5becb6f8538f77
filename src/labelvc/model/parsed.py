"""A document as it was read: what it says, where each part stands, and what is wrong with it."""

# No `from __future__ import annotations`: msgspec would compile and evaluate the text of each at every start.

from typing import Any

import msgspec


class Trouble(msgspec.Struct, frozen=True, array_like=True):
    """One thing wrong with a document: the rule, a JSON pointer, what is wrong, and the 1-based line (0: unknown)."""

    rule: str
    pointer: str
    message: str
    line: int = 0


class Parsed(msgspec.Struct, frozen=True, array_like=True):
    """A document as it was read.

    Attributes:
        value: plain dicts, lists and scalars; None when it could not be read.
        lines: JSON pointer to 1-based line.
        troubles: what is wrong with it on its own.
    """

    value: Any
    lines: dict[str, int]
    troubles: list[Trouble]

    def line(self, pointer: str) -> int:
        """Return the line of a pointer, or of the nearest place above it that the document has."""
        while pointer and pointer not in self.lines:
            pointer = pointer.rpartition("/")[0]
        return self.lines.get(pointer, 0)
