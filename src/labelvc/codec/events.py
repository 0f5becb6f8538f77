"""Events: what stands in a YAML text one after another, by either of two libraries; each is loaded when it is used.

ruamel.yaml reads YAML 1.2 and decides. libyaml, through PyYAML, is twenty times as fast and reads YAML 1.1, so it is asked
only for text that both versions read alike, place for place (tests/codec/test_events.py holds the one against the other).
A text that is long must be such a text: nobody waits a minute for what somebody else wrote.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from labelvc.errors import DataError

Made = TypeVar("Made")
MAX_STRICT = 128 << 10
"""Characters of the longest text that the slow library reads, in two seconds at worst."""
_APART = ("\t", "\r", "\x85", "\u2028", "\u2029", "\ufeff", "\n%", "\n...")
"""What the versions, or the libraries, do not read alike: tabs, ends of lines that are more than a line feed, directives."""
_UNSURE = (
    re.compile(r"^[%.]"),
    re.compile(r"-(?<![|>]-) *(?:#|$)", re.MULTILINE),  # a member that begins on another line, or is empty
    re.compile(r"\?(?<![^ \n\[{,-]\?)"),  # a key that is marked as such
    re.compile(r"['\"] *:[^ \n]"),  # a key in quotes, and what stands close behind its colon
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


def walked(text: str, where: str, walk: Callable[[Iterator[Any]], Made]) -> Made:
    """Return what a walk over the events of a text makes of them, by whichever library can tell.

    Args:
        text: a document.
        where: its path, for messages.
        walk: takes events with the attributes of ruamel.yaml's.

    Raises:
        DataError: not YAML, or not what the walk takes; or a long text in which only the slow library could tell.
    """
    made = quick(text, walk)
    if made is not None:
        return made
    if len(text) > MAX_STRICT and _unsure(text) is None and importlib.import_module("yaml").__with_libyaml__:
        raise _refusal(text, where, walk)
    return walk(_begun(text, where))


def quick(text: str, walk: Callable[[Iterator[Any]], Made | None]) -> Made | None:
    """Return what a walk over the events of a text by libyaml makes of them.

    Returns:
        None where the other reader must tell: libyaml is not there, the text is not for it, or it or the walk refused it.
    """
    if _unsure(text) is not None:
        return None
    yaml = importlib.import_module("yaml")
    if not yaml.__with_libyaml__:
        return None
    try:
        return walk(_fast(yaml, text))
    except (yaml.YAMLError, DataError, ValueError, RecursionError, StopIteration):
        return None


def _fast(yaml: Any, text: str) -> Iterator[Any]:
    found = iter(yaml.cyaml.CParser(text).get_event, None)
    return _watched(found, text) if "|" in text or ">" in text else found


def _unsure(text: str) -> int | None:
    """Return where a text has something that the versions may not read alike; None where it has nothing of that kind."""
    for mark in _APART:
        if mark in text:
            return text.index(mark) + (len(mark) > 1)
    return next((found.start() for sign in _UNSURE if (found := sign.search(text))), None)


def _begun(text: str, where: str) -> Iterator[Any]:
    """Yield the events of the slow library, as far into a text as there is time for."""
    for event in strict(text, where):
        if event.start_mark.index > MAX_STRICT:
            raise _too_long(text, where)
        yield event


def _too_long(text: str, where: str) -> DataError:
    """Return why a long text is read no further: the first thing in it that is not plain."""
    said, at = f"is longer than {MAX_STRICT >> 10} KiB", _unsure(text)
    if at is None:
        return trouble(f"{said}: only PyYAML with libyaml reads it", where, 0)
    held = text[at : at + 2].strip(" \n") or text[at]
    return trouble(f"{said}: must be plain YAML, without {held!r}", where, text.count("\n", 0, at) + 1)


def _refusal(text: str, where: str, walk: Callable[[Iterator[Any]], object]) -> DataError:
    """Return what libyaml, or the walk, has against a long text."""
    yaml = importlib.import_module("yaml")
    try:
        walk(_fast(yaml, text))
    except DataError as error:
        return error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return trouble(f"not YAML: {str(error.problem or error.context)[:80]}", where, mark.line + 1 if mark else 0)
    except (yaml.YAMLError, ValueError, RecursionError, StopIteration):
        pass
    return trouble(f"is longer than {MAX_STRICT >> 10} KiB: must be plain YAML", where, 0)


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
