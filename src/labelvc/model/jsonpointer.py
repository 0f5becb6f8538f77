"""JSON pointers: the path of a member inside a document (RFC 6901)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any


@lru_cache(maxsize=1024)  # a dataset has few names, and a diff asks for them at every changed record
def escaped(name: str) -> str:
    """Return a member's name as one step of a pointer (RFC 6901, section 3)."""
    return name.replace("~", "~0").replace("/", "~1")


def steps(pointer: str) -> list[str]:
    """Return the names of the members a pointer walks through (RFC 6901, section 4); `""` walks through none."""
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def reach(value: Any, pointer: str) -> Any:
    """Return what stands at a pointer that walks through objects only, or None."""
    for name in steps(pointer):
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value
