"""JSON pointers: the path of a member inside a document (RFC 6901), and globs of them, in which a step `*` is any member."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

ANY = "*"
"""The step of a glob that any member of an object and any element of an array fits."""


@lru_cache(maxsize=1024)  # a dataset has few names, and a diff asks for them at every changed record
def escaped(name: str) -> str:
    """Return a member's name as one step of a pointer (RFC 6901, section 3)."""
    return name.replace("~", "~0").replace("/", "~1")


def steps(pointer: str) -> list[str]:
    """Return the names of the members a pointer walks through (RFC 6901, section 4); `""` walks through none."""
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


@lru_cache(maxsize=1024)
def _steps(pointer: str) -> tuple[str, ...]:
    return tuple(steps(pointer))


def reach(value: Any, pointer: str) -> Any:
    """Return what stands at a pointer that walks through objects only, or None."""
    for name in _steps(pointer):
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def places(value: Any, path: Sequence[str], at: int = 0) -> Iterator[tuple[Any, Any]]:
    """Yield where the steps of a glob lead: the object or array that holds it, and its name or position there.

    Args:
        value: the document.
        path: the steps; a name leads into objects only, `*` into arrays too.
        at: which step is the next one.
    """
    if path[at] == ANY and isinstance(value, dict | list):
        names: list[Any] = list(value if isinstance(value, dict) else range(len(value)))
    else:
        names = [path[at]] if isinstance(value, dict) and path[at] in value else []
    for name in names:
        if at == len(path) - 1:
            yield value, name
        else:
            yield from places(value[name], path, at + 1)


@lru_cache(maxsize=1024)
def inside(glob: str) -> re.Pattern[str]:
    """Return the pattern that `match`es a pointer to what a glob fits, or to something inside it, up to where that begins."""
    parts = ["[^/]*" if step == ANY else re.escape(step) for step in glob.split("/")]
    return re.compile("/".join(parts) + "(?=/|$)")


def texts(value: Any, path: Sequence[str], at: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield every text that the steps of a glob lead to, or into: its pointer, what holds it, and its name or position there.

    Args:
        value: the document.
        path: the steps; when they are used up every text inside is meant.
        at: pointer to the value.
    """
    members: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        members = [*value.items()]
    elif isinstance(value, list):
        members = [*enumerate(value)]
    for name, inner in members:
        if not path or path[0] == ANY or (isinstance(value, dict) and path[0] == name):
            below = f"{at}/{escaped(str(name))}"
            if isinstance(inner, str) and len(path) <= 1:
                yield below, value, name
            else:
                yield from texts(inner, path[1:], below)


def hiding(pointer: str) -> str:
    """Return a pointer in which names that no document of labelvc has are `***`: whoever writes a name may write a person's."""
    return "/".join([step if re.fullmatch(_NAME, step) else HIDDEN for step in pointer.split("/")])


HIDDEN = "***"
_NAME = r"|[0-9]{1,7}|(?:[A-Za-z_$]|~[01])(?:[A-Za-z0-9_.…*-]|~[01]){0,79}"
"""Names of members as documents have them; `merge` of a dataset has pointers themselves, with `~1` for `/` (RFC 6901 section 3)."""
