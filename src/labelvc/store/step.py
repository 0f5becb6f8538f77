"""Steps: the files of a transaction as a journal notes them, and how far one has come."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from labelvc import digests


class Step(NamedTuple):
    """One file of a transaction.

    Attributes:
        path: relative to the top of the work tree.
        staged: name of the new bytes beside it; None to delete the file.
        old: what `state` said of it before; None when there was no file.
        new: what it will say after.
    """

    path: str
    staged: str | None
    old: str | None
    new: str | None


class Noted:
    """The steps of a journal or a draft, read anew each time: memory holds none of them."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __iter__(self) -> Iterator[Step]:
        """Yield the steps, none when there is no file; a line that a full disk cut short is none."""
        with suppress(FileNotFoundError), self._path.open(encoding="ascii") as file:
            for line in file:
                if not line.endswith("\n"):
                    return
                row = json.loads(line)
                if isinstance(row, list):
                    yield Step(*row)


def progress(top: Path, step: Step) -> str:
    """Tell where a step is: `old`, `new`, `back` (put in place and taken back by somebody) or `strange`."""
    place = top / step.path
    try:
        now = state(place)
    except OSError:
        return "strange"
    if step.staged is None:
        return "new" if now is None else "old" if now == step.old else "strange"
    waits = os.path.lexists(place.with_name(step.staged))
    if now == step.old:
        return "old" if waits else "new" if step.old == step.new else "back"
    return "new" if now == step.new and not waits else "strange"


def state(path: str | Path) -> str | None:
    """Return the SHA-256 of a file, what a link says, or None when nothing is there."""
    try:
        if stat.S_ISLNK(os.lstat(path).st_mode):
            return link_state(os.fsencode(os.readlink(path)))
        return str(digests.sha256(Path(path).read_bytes()).hexdigest())
    except (FileNotFoundError, NotADirectoryError):
        return None


def link_state(leads: bytes) -> str:
    """Return what `state` says of a link that leads somewhere."""
    return f"link {os.fsdecode(leads)}"
