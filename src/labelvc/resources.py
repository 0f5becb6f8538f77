"""Where the shipped `schemas/` and `hooks/` are: inside the wheel, or at the top of a checkout."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

_CHECKOUT = Path(__file__).resolve().parents[2]


def folder(name: str) -> Path:
    """Return the folder `schemas` or `hooks` that belongs to this installation.

    Args:
        name: `schemas` or `hooks`.

    Returns:
        The packaged folder when installed from a wheel, else the checkout's own.
    """
    packaged = Path(str(files("labelvc") / "_data" / name))
    return packaged if packaged.is_dir() else _CHECKOUT / name
