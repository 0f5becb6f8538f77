"""Attributes that hide: lines of a `.gitattributes` that keep what changes in data from those who read a diff (gitattributes(5))."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import NamedTuple

NAME = ".gitattributes"
_NOTHING_HIDDEN = frozenset(
    f"diff={name}"
    for name in [
        "ada",
        "bash",
        "bibtex",
        "cpp",
        "csharp",
        "css",
        "dts",
        "elixir",
        "fortran",
        "fountain",
        "golang",
        "html",
        "java",
        "kotlin",
        "labelvc",
        "markdown",
        "matlab",
        "objc",
        "pascal",
        "perl",
        "php",
        "python",
        "ruby",
        "rust",
        "scheme",
        "tex",
    ]
)
"""Drivers that git brings, which only say where a function begins, and ours."""
_HIDING = frozenset(("binary", "-diff", "linguist-generated", "linguist-generated=true", "gitlab-generated"))
_MACRO = re.compile(r"\[attr\](\S+)\s+(.*)")
_LINE = re.compile(r'("(?:[^"\\]|\\.)*"|\S+)\s+(.*)')


class Hiding(NamedTuple):
    """A line that hides something.

    Attributes:
        line: its number, from 1.
        attribute: what hides, `-diff`.
        example: a path that it hides.
    """

    line: int
    attribute: str
    example: str


def hiding(text: str, folder: str, paths: Collection[str]) -> Iterator[Hiding]:
    """Yield the lines by which some paths are not shown in a diff, or not as they are.

    `binary` and `-diff` show nothing, a driver of one's own may have a `textconv` that shows something else, and hosts fold
    what is said to be generated. A line that a later one takes back is told as well: it has no use but to be taken back.

    Args:
        text: content of a `.gitattributes`.
        folder: where it lies, with a `/` at its end; empty at the top.
        paths: files that a person must be able to read in a diff.
    """
    hide = set(_HIDING)
    for number, line in enumerate(text.splitlines(), 1):
        macro = _MACRO.fullmatch(line.strip())
        if macro:
            hide |= {macro[1] for word in macro[2].split() if _hides(word, hide)}
            continue
        found = _LINE.fullmatch(line.strip())
        if found is None or line.lstrip().startswith("#"):
            continue
        told = next((word for word in found[2].split() if _hides(word, hide)), "")
        if told:
            fits = _pattern(found[1].strip('"'), folder).fullmatch
            example = next((path for path in paths if fits(path)), "")
            if example:
                yield Hiding(number, told, example)


def _hides(word: str, hide: Collection[str]) -> bool:
    return word in hide or (word.startswith("diff=") and word not in _NOTHING_HIDDEN)


def _pattern(glob: str, folder: str) -> re.Pattern[str]:
    """Return what fits the paths that a pattern of gitignore(5) names; one without a slash fits names in all folders below."""
    anywhere = "/" not in glob.rstrip("/")
    parts = re.split(r"(\*\*/|/\*\*|\*|\?|\[[^\]]+\])", glob.lstrip("/"))
    turned = {"**/": "(?:.*/)?", "/**": "/.*", "*": "[^/]*", "?": "[^/]"}
    body = "".join([turned.get(part) or (_class(part) if part[:1] == "[" else re.escape(part)) for part in parts])
    return re.compile(re.escape(folder) + ("(?:.*/)?" if anywhere else "") + body, re.DOTALL)


def _class(part: str) -> str:
    inside = part[1:-1].replace("\\", r"\\")
    said = f"[^{inside[1:]}]" if inside[:1] in "!^" else f"[{inside}]"
    try:
        re.compile(said)
    except re.error:
        return "[^/]"
    return said
