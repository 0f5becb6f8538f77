"""Files that a person names with an option: how they are named, and what stands in them line by line."""

from __future__ import annotations

from pathlib import Path

import click

from labelvc.errors import TrustError

FILE = click.Path(dir_okay=False, path_type=Path)


def lines(path: Path) -> list[str]:
    """Return the lines of a file that are not blank.

    Raises:
        TrustError: it cannot be read as text.
    """
    try:
        return [line for line in path.read_text().splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError):
        raise TrustError("could not read the file as text", where=str(path), hint=f"ls -l {path}") from None
