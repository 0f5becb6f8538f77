"""Published schemas: the JSON Schema of each noun, and whether a value fits it.

What is wrong with one that does not fit is told by `labelvc.codec.schema`, which is loaded only for that.
"""

from __future__ import annotations

import importlib
import json
import re
from functools import cache
from typing import Any

from labelvc import resources
from labelvc.errors import ConfigurationError

_VERSION = re.compile(r"urn:labelvc:schema:([a-z-]+):([0-9]{1,9})")


def schema(noun: str) -> dict[str, Any]:
    """Return the schema of a noun.

    Args:
        noun: `project`, `dataset`, `taxonomy`, `guideline`, `item`, `record`, `finding` ...

    Returns:
        The content of `schemas/<noun>.v1.json`, with the schemas it builds on written out in it; a new dict each time.

    Raises:
        ConfigurationError: there is no such schema in this installation.
    """
    path = resources.folder("schemas") / f"{noun}.v1.json"
    try:
        found: dict[str, Any] = json.loads(path.read_bytes())
    except (OSError, ValueError):
        raise ConfigurationError(
            f"there is no schema of {noun!r}",
            where=str(path),
            hint="install labelvc again: pip install --force-reinstall labelvc",
        ) from None
    return _whole(found)


def _whole(found: dict[str, Any]) -> dict[str, Any]:
    """Return a schema that says all itself: what it builds on by `allOf` is a part of it, under what it says of the same."""
    parts = [_VERSION.fullmatch(part.get("$ref", "")) for part in found.get("allOf", ())]
    if not parts or not all(parts):
        return found
    del found["allOf"]
    found["additionalProperties"] = found.pop("unevaluatedProperties")
    for part in parts:
        under = schema(part[1] if part else "")
        merged = {name: {**under.get(name, {}), **found.get(name, {})} for name in ("properties", "$defs")}
        found = {**under, **found, **merged, "required": [*under["required"], *found.get("required", ())]}
    return found


def fits(noun: str, value: Any) -> bool:
    """Tell whether a value is good by the schema of a noun, a hundred times as fast as saying what is wrong with it.

    Args:
        noun: as for `schema`.
        value: the decoded value.

    Returns:
        False also where it cannot be told.
    """
    try:
        return bool(_validator(noun).is_valid(value))
    except ValueError:
        return False


@cache
def _validator(noun: str) -> Any:
    library = importlib.import_module("jsonschema_rs")
    return library.Draft202012Validator(schema(noun), offline=True)
