"""A source file of text: proved to be readable before anything is made of it, so that an error names byte and line."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path

from labelvc.errors import DataError

LONGEST = 16 * 2**20
"""Longest line in bytes; a longer one is no line of labels but a file without line breaks."""

_CHUNK = 2**20
_MARK = codecs.BOM_UTF8
_WIDE = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


def prove(path: Path, ends: bytes = b"\n", longest: int = LONGEST) -> None:
    """Read a file once, in pieces, and refuse what no reader of text should see.

    Args:
        path: a regular file.
        ends: the bytes each of which ends a line.
        longest: longest line in bytes; 0 for a file that is one document, not lines.

    Raises:
        DataError: there is no such file, it is empty, not UTF-8, holds a NUL byte, or has a line beyond the longest.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    offset, line, tail = 0, 1, 0
    for chunk in _chunks(path):
        pending = len(decoder.getstate()[0])
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError as error:
            raise _undecodable(
                path, offset - pending + error.start, line + error.object.count(b"\n", 0, error.start)
            ) from None
        if (nul := chunk.find(b"\0")) >= 0:
            found = line + chunk.count(b"\n", 0, nul)
            raise DataError(f"the file is not text: a NUL byte at byte {offset + nul}", where=f"{path}:{found}")
        first = min([at for end in ends if (at := chunk.find(end)) >= 0], default=-1)
        if longest and tail + (len(chunk) if first < 0 else first) > longest:
            raise DataError(
                "the line is longer than 16 MiB", where=f"{path}:{line}", hint="put each record on its own line"
            )
        tail = tail + len(chunk) if first < 0 else len(chunk) - max(map(chunk.rfind, ends)) - 1
        offset += len(chunk)
        line += chunk.count(b"\n")
    if decoder.getstate()[0]:
        raise _undecodable(path, offset - len(decoder.getstate()[0]), line)
    if not offset:
        raise DataError("the file is empty", where=str(path))


def lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield (1-based number, line without `\\n` or `\\r\\n`) of a file that `prove` let through; no byte order mark."""
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            line = raw.rstrip(b"\n").removesuffix(b"\r") if raw.endswith(b"\r\n") else raw.removesuffix(b"\n")
            yield number, line.removeprefix(_MARK) if number == 1 else line


def quotes(path: Path) -> bool:
    """Tell whether the file holds a quotation mark at all."""
    return any(b'"' in chunk for chunk in _chunks(path))


def _chunks(path: Path) -> Iterator[bytes]:
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist" if not path.exists() else "is no regular file"
        raise DataError(f"the source {what}", where=str(path), hint="name a file")
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            if file.tell() == len(chunk):
                for mark, name in _WIDE.items():
                    if chunk.startswith(mark):
                        raise DataError(f"the file is {name}, not UTF-8", where=f"{path}:1", hint=_convert(path, name))
            yield chunk


def _undecodable(path: Path, offset: int, line: int) -> DataError:
    return DataError(f"not UTF-8 at byte {offset}", where=f"{path}:{line}", hint=_convert(path, "WINDOWS-1252"))


def _convert(path: Path, name: str) -> str:
    return f"convert it, for instance: iconv -f {name} -t UTF-8 {path.name} > utf8-{path.name}"
