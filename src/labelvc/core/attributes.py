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
_HIDING = frozenset(("binary", "-diff"))
_GENERATED = ("linguist-generated", "gitlab-generated")
_ESCAPE = re.compile(r"\\([0-7]{3}|.)")
_SPACE = " \t\r\f\v"
_STARS, _MOST_STARS = re.compile(r"\*+"), 4
_MACRO = re.compile(r"\[attr\](\S+)\s+(.*)", re.ASCII)
_LINE = re.compile(r'("(?:[^"\\]|\\.)*"|\S+)\s+(.*)', re.ASCII)


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
    for number, row in enumerate(text.removeprefix("\ufeff").split("\n"), 1):  # git knows no other end of a line
        line = row.strip(_SPACE)
        macro = _MACRO.fullmatch(line)
        if macro:
            hide |= {macro[1] for word in macro[2].split() if _hides(word, hide)}
            continue
        found = _LINE.fullmatch(line)
        if found is None or line.startswith("#"):
            continue
        told = next((word for word in found[2].split() if _hides(word, hide)), "")
        if told:
            fits = _pattern(_unquoted(found[1]), folder).fullmatch
            example = next((path for path in paths if fits(path)), "")
            if example:
                yield Hiding(number, told, example)


def _hides(word: str, hide: Collection[str]) -> bool:
    name, _, value = word.partition("=")
    generated = name in _GENERATED and value not in ("false", "0")
    return generated or word in hide or (name == "diff" and bool(value) and word not in _NOTHING_HIDDEN)


def _unquoted(name: str) -> str:
    """Return a pattern without the quotes of C that may stand around it."""
    return _ESCAPE.sub(_plain, name[1:-1]) if name.startswith('"') else name


def _plain(found: re.Match[str]) -> str:
    return chr(int(found[1], 8)) if len(found[1]) > 1 else found[1]


def _pattern(glob: str, folder: str) -> re.Pattern[str]:
    """Return what fits the paths that a pattern of gitignore(5) names; one without a slash fits names in all folders below.

    A pattern with more stars than anybody needs fits everything: what takes long to tell is not told to hide nothing.
    """
    if len(_STARS.findall(glob)) > _MOST_STARS:
        return re.compile(re.escape(folder) + ".*", re.DOTALL)
    anywhere = "/" not in glob.rstrip("/")
    parts = re.split(r"(\\.|\*\*/|/\*\*|\*|\?|\[(?:\[:[a-z]+:\]|[^\]])+\])", glob.lstrip("/"))
    turned = {"**/": "(?:.*/)?", "/**": "/.*", "*": "[^/]*", "?": "[^/]"}
    body = "".join([turned.get(part) or _told(part) for part in parts])
    return re.compile(re.escape(folder) + ("(?:.*/)?" if anywhere else "") + body, re.DOTALL)


def _told(part: str) -> str:
    if part[:1] == "[" and len(part) > 1:
        return _class(part)
    return re.escape(part[1:] if part[:1] == "\\" and len(part) > 1 else part)


def _class(part: str) -> str:
    if "[:" in part:
        return "[^/]"
    inside = part[1:-1].replace("\\", r"\\")
    said = f"[^{inside[1:]}]" if inside[:1] in "!^" else f"[{inside}]"
    try:
        re.compile(said)
    except re.error:
        return "[^/]"
    return said
