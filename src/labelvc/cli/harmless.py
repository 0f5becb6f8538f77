"""Words that may come from a repository, made harmless where they are shown: on a terminal, and in the log of a host's runner."""

from __future__ import annotations

import os
import re

_HOST = "GITHUB_ACTIONS"


def shown(words: str) -> str:
    """Return words that move no cursor, colour nothing and reorder nothing (CVE-2021-42574); lines stay lines."""
    return "".join([mark if mark.isprintable() or mark in "\n\xa0" else f"\\u{ord(mark):04x}" for mark in words])


def unseen(text: str) -> str:
    """Return JSON, or text of ours, without what a terminal obeys and a person does not see; what JSON it was it still is.

    Colours of ours pass: no text of a repository holds an escape any more.
    """
    if text.isascii():
        return text
    return re.sub(r"[\x80-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]", lambda one: f"\\u{ord(one[0]):04x}", text)


def unheard(words: str, *, runner: bool = False) -> str:
    """Return words in which the runner of GitHub Actions finds no command; elsewhere they are as they were.

    It takes `##[` from the middle of a line, and `::` from its beginning, blanks before it left out (actions/runner,
    `ActionCommand.cs`).

    Args:
        words: what is to be printed.
        runner: a runner reads it, whether its environment says so or not.
    """
    if not (runner or os.environ.get(_HOST)) or ("##[" not in words and "::" not in words):
        return words
    return re.sub(r"(?m)^([^\S\n]*):(?=:)", r"\1: ", words.replace("##[", "# #["))
