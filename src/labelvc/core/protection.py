"""Protection: what a sensitive field may hold, by its mode, and how a plain value is made coarser (docs/formats/privacy.md)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from labelvc.errors import DataError
from labelvc.model import jsonpointer
from labelvc.model.names import Layer
from labelvc.model.secret import SEALED, TOKEN

if TYPE_CHECKING:
    from labelvc.model.project import Dataset, Sensitive

TEXT = "/text"
"""What labels cover: the text of an item."""
COVERED = "/value/text"
"""What a label covers, said again in its record."""
PSEUDONYM = f"^{TOKEN}$"
_SEALED = f"^{SEALED}$"
_TIMES = {"year": "^[0-9]{4}$", "month": "^[0-9]{4}-(0[1-9]|1[0-2])$"}
_TIME = r"(?s)([0-9]{4})(?:-(0[1-9]|1[0-2])(?:-(?:0[1-9]|[12][0-9]|3[01])(?:[T ].*)?)?)?"
_FIGURES = 15  # a larger number is none that JSON keeps
_LONGEST = {"year": 4, "month": 7}
_is_token = re.compile(TOKEN).fullmatch
_is_sealed = re.compile(SEALED).fullmatch

WORDS = {
    "keyed": "keyed pseudonyms",
    "random": "random pseudonyms",
    "sealed": "sealed values",
    "drop": "no values",
    "generalise": "coarser values",
    "redact": "texts without personal data",
}
"""What fields of a mode hold, for people."""


def form(field: Sensitive) -> dict[str, Any]:
    """Return the JSON Schema of what a field may hold; of one that is left out, a schema that nothing fits."""
    if field.mode == "drop":
        return {"not": {}}
    if field.mode == "sealed":
        return {"type": "string", "pattern": _SEALED}
    if field.mode != "generalise":
        return {"type": "string", "pattern": PSEUDONYM}
    if field.to:
        return {"type": "string", "pattern": _TIMES[field.to]}
    if field.prefix:
        return {"type": "string", "minLength": 1, "maxLength": field.prefix}
    return {"type": "number", "multipleOf": field.step}


def proof(field: Sensitive) -> Callable[[object], bool]:
    """Return what tells whether a value has the form of its field, or is a token or sealed, which never is plain."""
    if field.mode != "generalise":
        return protected
    if field.to:
        shape = re.compile(_TIMES[field.to].removesuffix("$") + r"\Z")
        return lambda value: protected(value) or (isinstance(value, str) and shape.match(value) is not None)
    if field.prefix:
        return lambda value: protected(value) or (isinstance(value, str) and len(value) <= field.prefix)
    return lambda value: protected(value) or (_is_number(value) and _lower(value, field.step) == value)


def protected(value: object) -> bool:
    """Tell whether a value looks like a token or a sealed value."""
    return isinstance(value, str) and (_is_token(value) is not None or _is_sealed(value) is not None)


def coarser(field: Sensitive, value: Any) -> Any:
    """Return a value as coarse as its field asks; one that is coarse enough comes back as it is.

    Args:
        field: of mode `generalise`.
        value: the plain value.

    Raises:
        DataError: the value is no time or number; it is never named.
    """
    if field.prefix:
        return str(value)[: field.prefix]
    if field.to:
        found = re.fullmatch(_TIME, str(value))
        if found is None or (field.to == "month" and found[2] is None):
            raise DataError(
                f"a value at {field.pointer} is no time that can be cut to its {field.to}",
                hint="write it as 2026-03-01 or 2026-03-01T09:12:44Z in the source",
            )
        return found[0][: _LONGEST[field.to]]
    try:
        number = Decimal(str(value)) if not isinstance(value, bool) else Decimal("NaN")
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or number.adjusted() > _FIGURES:
        raise DataError(f"a value at {field.pointer} is no number, so it has no bin", hint="correct it in the source")
    return _lower(number, field.step)


def declared(fields: Iterable[Sensitive], layer: Layer, pointer: str) -> Sensitive | None:
    """Return the first of some fields that a pointer leads to, or into."""
    return next(
        (field for field in fields if field.layer == layer and jsonpointer.inside(field.pointer).match(pointer)), None
    )


def texts(fields: Iterable[Sensitive], layer: Layer) -> list[str]:
    """Return the globs of the texts of a layer that redaction may have left tokens in; what a label covers of such a text is one."""
    asked = [field for field in fields if field.mode == "redact"]
    covers = any(field.layer == "items" and jsonpointer.inside(field.pointer).match(TEXT) for field in asked)
    found = [field.pointer for field in asked if field.layer == layer]
    return [*found, *([COVERED] if covers and layer == "annotations" and COVERED not in found else [])]


def place(dataset: Dataset, field: Sensitive) -> str:
    """Return the place that a field's values are sealed for: they open nowhere else."""
    return f"{dataset.id} {field.layer} {field.pointer}"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _lower(value: Any, step: float) -> int | float:
    """Return the lower end of a number's bin, worked out in decimal: 0.7 is a multiple of 0.1 as people write it."""
    width = Decimal(str(step))
    lower = (Decimal(str(value)) / width).to_integral_value("ROUND_FLOOR") * width
    return int(lower) if lower == lower.to_integral_value() else float(lower)
