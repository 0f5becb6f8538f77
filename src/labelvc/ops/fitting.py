"""Fitting: labels on a text, measured in code points and held against what they cover."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from labelvc.codec import canonical
from labelvc.codec.offsets import Offsets, Unit
from labelvc.core.redact import Range
from labelvc.errors import DataError, Error
from labelvc.model.names import Layer
from labelvc.ops.incoming import ITEM

_HINT = "correct the offsets in the source, or say what they count: --offsets codepoints, utf16 or bytes"


class MisfitError(Exception):
    """A line of the source cannot go on.

    Attributes:
        raw: the line, as it was read.
        error: what is wrong with it.
    """

    def __init__(self, raw: bytes, error: Error) -> None:
        super().__init__(error.message)
        self.raw, self.error = raw, error


class Line(NamedTuple):
    """A line on its way: what it is (`Incoming.add`), as it was read, and its members."""

    kind: int
    raw: bytes
    fields: dict[str, Any]

    def __repr__(self) -> str:
        """Show no member."""
        return f"Line({self.kind}, ...)"

    @property
    def layer(self) -> Layer:
        """The layer of the line."""
        return "items" if self.kind == ITEM else "annotations"

    @property
    def item(self) -> str:
        """The item that it is or is about."""
        found: str = self.fields["id" if self.kind == ITEM else "item"]
        return found

    @property
    def name(self) -> str:
        """The id of a record; empty for an item, and for a record that has none yet."""
        return str(self.fields.get("id", "")) if self.kind != ITEM else ""

    def written(self) -> bytes:
        """Return the line as it is now."""
        return canonical.encode(self.fields, canonical.ITEM_FIRST if self.kind == ITEM else canonical.RECORD_FIRST)


def span(fields: Mapping[str, Any]) -> Range | None:
    """Return where a label is; None for a record of another kind."""
    value = fields.get("value")
    match value.get("span") if isinstance(value, dict) else None:
        case [int(start), int(end)]:
            return start, end
    return None


def place(fields: Mapping[str, Any], at: Range, text: str) -> None:
    """Give a label another place, and what it covers there."""
    fields["value"].update({"span": [*at], "text": text[slice(*at)]})


def measure(line: Line, text: Any, unit: Unit) -> None:
    """Give a label its offsets in code points, and what it covers.

    Args:
        line: the label.
        text: what it is on.
        unit: what its offsets count now.

    Raises:
        MisfitError: the text is not there, the span is none of it, or covers other text than the record says.
    """
    at = span(line.fields)
    if at is None:
        return
    if not isinstance(text, str):
        message = f"the source does not bring the text of the item, so offsets in {unit} say nothing"
        raise MisfitError(line.raw, DataError(message, hint="bring items and their labels in one source"))
    try:
        found = Offsets(text, unit).code_points(*at)
    except DataError as error:
        raise MisfitError(line.raw, error) from None
    line.fields["value"]["span"] = [*found]
    hold(line, text)
    place(line.fields, found, text)


def hold(line: Line, text: str) -> Range:
    """Return where a label is, in code points.

    Raises:
        MisfitError: it lies outside of the text, or covers other text than it says.
    """
    start, end = span(line.fields) or (0, 0)
    covered = line.fields["value"].get("text")
    if not 0 <= start < end <= len(text):
        message = f"the span [{start},{end}] does not lie in a text of {len(text)} code points"
        raise MisfitError(line.raw, DataError(message, hint=_HINT))
    if isinstance(covered, str) and text[start:end] != covered:
        message = f"the span [{start},{end}] covers other text than the record says"
        raise MisfitError(line.raw, DataError(message, hint=_HINT))
    return start, end
