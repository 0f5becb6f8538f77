"""Trailers: the people whom a commit's message names as its authors beside the one in its header."""

from __future__ import annotations

import re
from collections.abc import Iterator

_LINE = r"(?im)^co-authored-by[ \t]*:(.*(?:\n[ \t]+.*)*)$"
_PERSON = r"([^<>]*)<([^<>\r]+)>"


def coauthors(message: str) -> Iterator[tuple[str, str]]:
    """Yield name and address of each person in the `Co-authored-by` lines of a message.

    Lines count wherever they stand, with CR LF at their ends, with more behind the address, and folded, as hosts and git write and
    show them: who is left out could approve their own work.

    Source: git-interpret-trailers(1); GitHub, "Creating a commit with multiple authors".
    """
    if "co-authored-by" in message.casefold():
        for line in re.findall(_LINE, message):
            yield from ((" ".join(name.split()).strip(" ,;"), address) for name, address in re.findall(_PERSON, line))
