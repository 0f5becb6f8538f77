"""Events: what stands in a YAML text one after another, by either of two libraries; each is loaded when it is used.

ruamel.yaml reads YAML 1.2 and decides. libyaml, through PyYAML, is twenty times as fast and reads YAML 1.1, so it is asked
only for text that both versions read alike, place for place (tests/codec/test_events.py holds the one against the other).
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from labelvc.errors import DataError

Made = TypeVar("Made")
_APART = ("\\", "\t", "\r", "\x85", "\u2028", "\u2029", "\ufeff", "\n%", "\n...")
"""What the versions, or the libraries, do not read alike: escapes, tabs, ends of lines that are more than a line feed, directives."""
_UNSURE = (
    re.compile(r"^[%.]"),
    re.compile(r"-(?<![|>]-) *(?:#|$)", re.MULTILINE),  # a member that begins on another line, or is empty
    re.compile(r"\?(?<![^ \n\[{,-]\?)"),  # a key that is marked as such
    re.compile(r"['\"] *:[^ \nA-Za-z0-9'\"\[{]"),  # a key in quotes, and what stands close behind its colon
)
_BLOCKS = ("|", ">")
_BLOCK = re.compile(r"[|>][+-]?\n +[^ \n]")  # one that says no width, and begins with words


def trouble(message: str, where: str, line: int) -> DataError:
    """Return the error for a place in a document, with what to do next."""
    return DataError(
        message,
        where=f"{where}:{line}" if line else where,
        hint=f"mend {where or 'the document'}, then run: labelvc check",
    )


def quick(text: str, walk: Callable[[Iterator[Any]], Made | None]) -> Made | None:
    """Return what a walk over the events of a text by libyaml makes of them.

    Args:
        text: a document.
        walk: takes events with the attributes of ruamel.yaml's.

    Returns:
        None where the other reader must tell: libyaml is not there, the text is not for it, or it or the walk refused it.
    """
    if any(mark in text for mark in _APART) or any(sign.search(text) for sign in _UNSURE):
        return None
    yaml = importlib.import_module("yaml")
    if not yaml.__with_libyaml__:
        return None
    try:
        found = iter(yaml.cyaml.CParser(text).get_event, None)
        return walk(_watched(found, text) if "|" in text or ">" in text else found)
    except (yaml.YAMLError, DataError, ValueError, RecursionError, StopIteration):
        return None


def _watched(found: Iterator[Any], text: str) -> Iterator[Any]:
    """Yield events as long as the blocks of text among them are plain ones."""
    for event in found:
        if getattr(event, "style", "") in _BLOCKS and not _BLOCK.match(text, event.start_mark.index):
            raise ValueError
        yield event


def strict(text: str, where: str) -> Iterator[Any]:
    """Yield the events of a text by ruamel.yaml.

    Args:
        text: a document.
        where: its path, for messages.

    Raises:
        DataError: not YAML; says the line.
    """
    yaml, errors = importlib.import_module("ruamel.yaml"), importlib.import_module("ruamel.yaml.error")
    reader = importlib.import_module("ruamel.yaml.reader")
    try:
        yield from yaml.YAML(typ="safe", pure=True).parse(text)
    except errors.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        if error.context_mark and mark and mark.index >= len(text.rstrip()):
            mark = error.context_mark  # what was never closed is found at the end, and mended where it began
        said = str(error.problem or error.context)[:80]
        raise trouble(f"not YAML: {said}", where, mark.line + 1 if mark else 0) from None
    except reader.ReaderError as error:
        said = f"holds the character U+{error.character:04X}, which YAML does not allow"
        raise trouble(said, where, text.count("\n", 0, error.position) + 1) from None
