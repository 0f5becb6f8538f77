"""Shell: how a word is written into a command that somebody types: a branch may be called `x;rm -rf .`."""

from __future__ import annotations

import re

_PLAIN = r"(?a)[\w@%+=:,./~^-]+"


def word(text: str) -> str:
    """Return a word as a POSIX shell reads it back: as it is where no character of it means anything to one.

    `~` and `^` are left bare, since revisions end with them; at the beginning of a word a shell would read `~` as a folder.

    Source: POSIX.1-2017, Shell Command Language, 2.2.2 Single-Quotes.

    Args:
        text: the word.
    """
    if re.fullmatch(_PLAIN, text) and text[0] not in "~=":
        return text
    return "'" + text.replace("'", "'\"'\"'") + "'"
