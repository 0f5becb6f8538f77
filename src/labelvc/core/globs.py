"""Globs over places and keys: `*` stops at `/`, `**` does not, everything else stands for itself."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache


def match(text: str, globs: Iterable[str]) -> bool:
    """Tell whether one of some globs fits the whole of a text."""
    return any(_pattern(glob).fullmatch(text) for glob in globs)


@lru_cache(maxsize=1024)
def _pattern(glob: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*|\*)", glob)
    return re.compile("".join({"**": ".*", "*": "[^/]*"}.get(part, re.escape(part)) for part in parts))
