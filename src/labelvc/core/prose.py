"""Prose compared: which words left a text and which came into it, and which entries of a list."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

_WORDS = re.compile(r"\w+|\s+|[^\w\s]")
_MOST = 4_000


class Stretch(NamedTuple):
    """Some words of two texts: on both sides (`=`), only in the old (`-`), or only in the new (`+`)."""

    sign: Literal["=", "-", "+"]
    text: str


def words(old: str, new: str) -> list[Stretch]:
    """Compare two texts word by word.

    Args:
        old: the text before.
        new: the text after.

    Returns:
        Stretches in reading order; those not `+` spell the old text, those not `-` the new. Texts of more than 4,000
        words together are not compared within: that would take quadratic time.
    """
    before, after = _WORDS.findall(old), _WORDS.findall(new)
    if len(before) + len(after) > _MOST:
        return _apart(old, new)
    found: list[Stretch] = []
    for tag, one, two, three, four in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            found.append(Stretch("=", "".join(before[one:two])))
        else:
            found += _apart("".join(before[one:two]), "".join(after[three:four]))
    return found


def pairs(old: Sequence[str], new: Sequence[str]) -> list[tuple[int | None, int | None]]:
    """Pair the entries of two lists that differ.

    Args:
        old: the entries before, each as text.
        new: the entries after.

    Returns:
        (position before, position after) of each entry that changed, came (None before) or went (None after).
    """
    if len(old) + len(new) > _MOST:
        return [*[(at, None) for at in range(len(old))], *[(None, at) for at in range(len(new))]]
    found: list[tuple[int | None, int | None]] = []
    for tag, one, two, three, four in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        both = min(two - one, four - three)
        found += [(one + at, three + at) for at in range(both)]
        found += [(at, None) for at in range(one + both, two)]
        found += [(None, at) for at in range(three + both, four)]
    return found


def _apart(old: str, new: str) -> list[Stretch]:
    sides: list[Stretch] = [Stretch("-", old), Stretch("+", new)]
    return [side for side in sides if side.text]
