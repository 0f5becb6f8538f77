"""Commits: what git's commit objects say of who made them, when and why."""

# No `from __future__ import annotations`: see model/commit.py, whose values this makes.

import re
from datetime import datetime, timedelta, timezone

from labelvc.codec import trailers
from labelvc.model.commit import Commit, Person

# Names and dates of any other form are for git to make sense of (ident.c, `split_ident_line`; date.c).
_PERSON = r"([^<>\s](?:[^<>\n]*[^<>\s])?) <([^<>\s]*)> ([1-9][0-9]{5,10}) ([+-])(0[0-9]|1[0-4])([0-5][0-9])\n"
_HEAD = rf"tree [0-9a-f]+\n((?:parent [0-9a-f]+\n)*)author {_PERSON}committer {_PERSON}"
_SPELT = "\nencoding "
_ONCE = ("\nauthor ", "\ncommitter ")  # of several git shows the last


def read(own: str, data: bytes) -> Commit | None:
    """Return a commit as `git log --format` shows it.

    Source: git's commit.c (`parse_commit_buffer`) and pretty.c (`%an %ae %aI %cI %B`).

    Args:
        own: its full id.
        data: the object's bytes.

    Returns:
        The commit; None for one that only git can show: it was written in another encoding than UTF-8, or not by git.
    """
    try:
        head, gap, message = data.decode().partition("\n\n")
    except UnicodeDecodeError:
        return None
    found = re.match(_HEAD, f"{head}\n")
    if found is None or not gap or _SPELT in head or b"\0" in data or any(head.count(line) > 1 for line in _ONCE):
        return None
    above, name, address, *authored, _, _, seconds, sign, hours, minutes = found.groups()
    return Commit(
        own,
        tuple(above.split()[1::2]),
        Person(name, address),
        tuple([Person(who, mail.strip()) for who, mail in trailers.coauthors(message)]),
        _date(*authored),
        _date(seconds, sign, hours, minutes),
        message.strip().partition("\n")[0],
    )


def _date(seconds: str, sign: str, hours: str, minutes: str) -> str:
    """Return a date in ISO 8601, UTC spelt as an offset."""
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return datetime.fromtimestamp(int(seconds), timezone(-offset if sign == "-" else offset)).isoformat()
