"""Expressions: the regular expressions that a labels repository may bring along, none of which takes long on any text.

Python's `re` tries one way to match after the other: on n letters `(a+)+$` makes it try 2^n of them, `a*a*b` n^2. The branch
that is judged is not trusted yet, so an expression is taken only when its form shows that the time grows with the length of
the text: no group is repeated, and every repetition must stop where what follows it begins. One may look for its end, as
in `^(.*)-[0-9]+$`; in an expression without `^` that is the search for the place to begin.
What `re` then does with it is what it always did: the expression itself is not changed.
"""

# No `from __future__ import annotations`: typing would compile the text of each at every start.

import re
import warnings
from collections.abc import Sequence
from functools import cache
from itertools import combinations, product
from math import prod
from typing import NamedTuple

from labelvc.errors import ConfigurationError

_LONGEST = 500  # characters, as in the schema of a dataset
_MOST_COUNTED = 200
_MOST_WAYS = 64
_ESCAPE = r"\\[dDwWsS!-/:-@\[-`{-~]"
_ATOM = (
    rf"(\.|{_ESCAPE}|\[\^?(?:[^\\\[\]]|{_ESCAPE})+\]|[^\\^$.|?*+()\[\]{{}}])"
    r"(?:([?*+]|\{[0-9]+\}|\{[0-9]*,[0-9]*\})([?+]?))?"
)
_TIMES: dict[str, tuple[int, int | None]] = {"?": (0, 1), "*": (0, None), "+": (1, None)}
_OPEN = r"(?s)\\[dDwWsS]|\[.*-[^\x00-\x7f].*\]"
_ASCII = "".join(map(chr, range(128)))
PROPOSED = ("^(.*)-[0-9]+$", "^([^:]*):")
"""Expressions that labelvc proposes itself: a test judges them, not every command."""
_HINT = f"an expression such as {' or '.join(PROPOSED)}"
_FOREIGN = (
    "holds something other than characters, [...], one level of groups, and repetitions of single characters: no group may "
    "be repeated, and there are no look-around, back-references or flags"
)
_SLOW = (
    "can take very long on some texts: begin it with ^, and let each repetition stop where what follows it begins, as in "
    "^([^:]*): (only one may run on, as in ^(.*)-[0-9]+$)"
)


class _Atom(NamedTuple):
    """A character of some kind, and how often it may stand there: `most` is None for any number.

    A possessive repetition gives nothing back.
    """

    text: str
    least: int
    most: int | None
    possessive: bool


class _Flat(NamedTuple):
    """An expression as its parts, one after the other: each is one atom, or the alternatives of a group."""

    parts: list[list[list[_Atom]]]
    begun: bool
    ended: bool


def trouble(text: str) -> str:
    """Return what is wrong with an expression, so that it cannot be used; empty when it can.

    Args:
        text: the expression, in the syntax of Python's `re`.
    """
    return "" if text in PROPOSED else judged(text)


@cache
def judged(text: str) -> str:
    """Return what `trouble` does, of an expression that nobody here judged before."""
    if len(text) > _LONGEST:
        return f"is longer than {_LONGEST} characters"
    try:
        with warnings.catch_warnings(action="error"):  # of what another Python will read otherwise
            re.compile(text)
    except (re.error, OverflowError, RecursionError, Warning) as error:
        return f"is not a regular expression: {error}"
    flat = _parsed(text)
    if flat is None or prod(map(len, flat.parts)) > _MOST_WAYS:
        return _FOREIGN
    classes = _Classes(text)
    if any(not _apart(classes, *pair) for choices in flat.parts for pair in combinations(choices, 2)):
        return _SLOW
    ways = ([atom for atoms in way for atom in atoms] for way in product(*flat.parts))
    return _SLOW if any(_is_slow(classes, way, flat) for way in ways) else ""


@cache
def compiled(text: str | None) -> re.Pattern[str] | None:
    """Return an expression ready to be used, None for none.

    Raises:
        ConfigurationError: it is none, or could take too long.
    """
    if not text:
        return None
    said = trouble(text)
    if said:
        raise ConfigurationError(f"the expression {said}", where=text, hint=_HINT)
    return re.compile(text)


class _Classes:
    """Which characters the atoms of an expression match: asked of `re` for ASCII and for all characters it names.

    Of all others only this is known, and on the safe side: a class that may hold one of them may hold any.
    """

    def __init__(self, text: str) -> None:
        self._universe = _ASCII + "".join(sorted({letter for letter in text if not letter.isascii()}))
        self._known: dict[str, frozenset[str]] = {}

    def meet(self, one: str, two: str) -> bool:
        """Tell whether some character matches both."""
        return not self._of(one).isdisjoint(self._of(two))

    def _of(self, atom: str) -> frozenset[str]:
        if atom not in self._known:
            others = atom == "." or atom.startswith("[^") or bool(re.search(_OPEN, atom))
            self._known[atom] = frozenset([*re.findall(atom, self._universe), *([""] if others else [])])
        return self._known[atom]


def _parsed(text: str) -> _Flat | None:
    """Return the parts of an expression; None when it holds anything that cannot be judged."""
    parts: list[list[list[_Atom]]] = []
    group: list[list[_Atom]] | None = None
    begun = text.startswith("^")
    at, end = int(begun), len(text)
    while at < end:
        letter = text[at]
        if letter == "$" and at == end - 1 and group is None:
            return _Flat(parts, begun, ended=True)
        if letter == "(" and group is None:
            group, at = [[]], at + (3 if text.startswith("(?:", at) else 1)
        elif letter == "|" and group:
            group, at = [*group, []], at + 1
        elif letter == ")" and group and all(group):
            parts, group, at = [*parts, group], None, at + 1
        elif found := re.match(_ATOM, text[at:]):
            (parts.append([[_atom(found)]]) if group is None else group[-1].append(_atom(found)))
            at += found.end()
        else:
            return None
    return _Flat(parts, begun, ended=False) if group is None else None


def _atom(found: re.Match[str]) -> _Atom:
    text, times, how = found[1], found[2] or "{1}", found[3] or ""
    if times in _TIMES:
        least, most = _TIMES[times]
    else:
        low, comma, high = times[1:-1].partition(",")
        least, most = int(low or 0), (int(high) if high else None) if comma else int(low)
    return _Atom(text, least, most, possessive=how == "+")


def _apart(classes: _Classes, one: list[_Atom], two: list[_Atom]) -> bool:
    """Tell whether no text begins both alternatives of a group: then never more than one of them is gone through."""
    for a, b in zip(one, two, strict=False):
        if a.least and b.least and not classes.meet(a.text, b.text):
            return True
        if (a.least, a.most, b.least, b.most) != (1, 1, 1, 1):
            return False
    return False


def _is_slow(classes: _Classes, atoms: list[_Atom], flat: _Flat) -> bool:
    """Tell whether the time of one way through an expression may grow faster than the text."""
    units = [unit for atom in atoms for unit in _split(atom)]
    if sum(unit.most or unit.least for unit in units) > _MOST_COUNTED:
        return True
    while units and not flat.ended and not units[-1].least:
        units.pop()  # what may be left out at the very end never fails
    searching = [
        at
        for at, unit in enumerate(units)
        if not (unit.least or unit.possessive or _stops(classes, unit, units[at + 1 :]))
    ]
    searching = searching if flat.begun else [-1, *searching]
    if len(searching) > 1:
        return True
    after = units[searching[0] + 1 :] if searching else []
    return any(unit.most is None and (not after[0].least or classes.meet(after[0].text, unit.text)) for unit in after)


def _split(atom: _Atom) -> list[_Atom]:
    """Return what must be there of an atom and what may be there beyond it, whose `least` is 0."""
    more = None if atom.most is None else atom.most - atom.least
    must = [atom._replace(most=atom.least)] if atom.least else []
    return must + ([atom._replace(least=0, most=more)] if more != 0 else [])


def _stops(classes: _Classes, unit: _Atom, after: Sequence[_Atom]) -> bool:
    """Tell whether a repetition stops where what follows it begins."""
    for other in after:
        if classes.meet(unit.text, other.text):
            return False
        if other.least:
            return True
    return True
