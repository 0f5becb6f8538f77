"""Revisions: whether a name surely means one thing, for a git that takes one of several and does not say so."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

_NAME = r"(?:[^~^:@]|@(?!\{))+"
_SHORT = "[0-9a-fA-F]{4,}"
_DIGITS, _WHOLE = "0123456789abcdef", (40, 64)
_PLACES = ("refs/{}", "refs/tags/{}", "refs/heads/{}", "refs/remotes/{}", "refs/remotes/{}/HEAD")


def is_plain(rev: str, directory: Path, is_there: Callable[[str], bool]) -> bool:
    """Tell whether a revision is surely the name of one thing; where it is not, `git rev-parse` must tell, which warns.

    A tag goes before the branch of its name, and a ref before the commit whose id begins so; `git cat-file` says nothing of it.

    Source: gitrevisions(7), the places where a <refname> is looked for.

    Args:
        rev: a revision, with what may follow the name (`main~2`).
        directory: git folder of the work tree, the first place where a name is looked for.
        is_there: tells whether there is a ref of a full name.
    """
    if rev == "HEAD" or _is_whole(rev):  # what nearly all ask for compiles no expression
        return True
    name = re.match(_NAME, rev)
    if name is None or name[0] == "HEAD" or _is_whole(name[0]):
        return name is not None
    if re.fullmatch(_SHORT, name[0]) or (directory / name[0]).exists():
        return False
    return sum(is_there(place.format(name[0])) for place in _PLACES) == 1


def _is_whole(name: str) -> bool:
    """Tell whether a name is a full id."""
    return len(name) in _WHOLE and not name.strip(_DIGITS)
