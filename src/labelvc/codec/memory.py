"""The client state: `<project>.json` in the state folder, canonical JSON, read only in the one spelling that is written."""

from __future__ import annotations

import re

import msgspec

from labelvc.codec import canonical
from labelvc.errors import DataError
from labelvc.model.memory import SCHEMA, Mark, Memory

_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?|")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
PROJECT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""What the UUID of a project looks like; nothing else names a file."""


def write(memory: Memory) -> bytes:
    """Return the file's bytes."""
    return canonical.encode({"schema": SCHEMA, **msgspec.to_builtins(memory)}) + b"\n"


def read(data: bytes, project: str) -> Memory:
    """Read the file of a project.

    Args:
        data: its bytes.
        project: UUID of the project it shall be about.

    Raises:
        DataError: it is anything but what `write` makes of a memory of this project.
    """
    try:
        value = canonical.decode(data.removesuffix(b"\n"))
        if not isinstance(value, dict) or value.pop("schema", None) != SCHEMA:
            raise DataError(f"it is no {SCHEMA}")
        found = msgspec.convert(value, Memory)
    except msgspec.ValidationError as error:
        raise DataError(str(error)) from None
    if found.project != project:
        raise DataError("it is about another project")
    if not _DIGEST.fullmatch(found.anchor) or not all(map(_sound, found.refs.values())) or write(found) != data:
        raise DataError("it is not as labelvc writes it")
    return found


def _sound(mark: Mark) -> bool:
    release = mark.release
    numbers = mark.root >= 0 and mark.policy >= 0 and (release is None or release.sequence > 0)
    return (
        numbers
        and bool(_COMMIT.fullmatch(mark.commit))
        and (release is None or bool(_DIGEST.fullmatch(release.digest)))
    )
