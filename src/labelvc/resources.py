"""Where the shipped `schemas/` and `hooks/` are: inside the wheel, or at the top of a checkout."""

from __future__ import annotations

from pathlib import Path

# `importlib.resources` brings `tempfile`, `zipfile` and what unpacks archives with it: a hundredth of a second of every check.
_HERE = Path(__file__).resolve().parent


def folder(name: str) -> Path:
    """Return the folder `schemas` or `hooks` that belongs to this installation.

    Args:
        name: `schemas` or `hooks`.

    Returns:
        The packaged folder when installed from a wheel, else the checkout's own.
    """
    packaged = _HERE / "_data" / name
    return packaged if packaged.is_dir() else _HERE.parents[1] / name
