"""Globs over places and keys: `*` stops at `/`, `**` does not, everything else stands for itself."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache


def match(text: str, globs: Iterable[str]) -> bool:
    """Tell whether one of some globs fits the whole of a text, in time that grows with the square of its length at most."""
    return any(_pattern(glob).fullmatch(text) for glob in globs)


@lru_cache(maxsize=1024)
def _pattern(glob: str) -> re.Pattern[str]:
    """Return a pattern that never goes back over a star but the last ones.

    The first place where what follows a star fits is as good as any later one, and an atomic group stays there: after `*`,
    since no `/` lies between the two places; after `**`, since what fits earlier also ends earlier.
    """
    first, *others = re.split(r"\*{2,}", glob)
    if not others:
        return re.compile(_last(first), re.DOTALL)
    between = "".join(f"(?>.*?{_early(block)})" for block in others[:-1])
    return re.compile(f"{_early(first)}{between}.*{_last(others[-1])}", re.DOTALL)


def _early(block: str) -> str:
    """Return a pattern for what stands before a `**`."""
    start, *more = map(re.escape, block.split("*"))
    return start + "".join(f"(?>[^/]*?{text})" for text in more)


def _last(block: str) -> str:
    """Return a pattern for what ends the text."""
    before, star, end = block.rpartition("*")
    return f"{_early(before)}[^/]*{re.escape(end)}" if star else re.escape(end)
