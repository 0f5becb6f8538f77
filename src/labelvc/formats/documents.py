"""A source file that is one JSON document: cut into its members and elements, each decoded only when its turn comes.

The bytes of the file are held once, and a reference to every element of a list; no tree of the whole is ever built.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from json import JSONDecodeError
from json.decoder import scanstring  # type: ignore[attr-defined]
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from labelvc.codec import canonical
from labelvc.errors import DataError
from labelvc.formats import source

_BLANK = b" \t\r\n"
_MARK = b"\xef\xbb\xbf"
_cut = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_cut_list = msgspec.json.Decoder(list[msgspec.Raw]).decode


class Piece(NamedTuple):
    """A part of a document: its bytes, and its place as `labels.json:images[3]`."""

    raw: msgspec.Raw
    where: str

    def value(self) -> Any:
        """Return what it says, read strictly.

        Raises:
            DataError: as for `labelvc.codec.canonical.decode`, with the place.
        """
        try:
            return canonical.decode(bytes(memoryview(self.raw)))
        except DataError as error:
            raise DataError(error.message, where=self.where, hint=error.hint) from None

    def object(self) -> dict[str, Any]:
        """Return the object it is.

        Raises:
            DataError: it is none.
        """
        found = self.value()
        if not isinstance(found, dict):
            raise DataError("an object is wanted here", where=self.where)
        return found


def members(path: Path) -> dict[str, Piece]:
    """Return the members of the object that a file holds.

    Args:
        path: a regular file of UTF-8, with or without a byte order mark.

    Raises:
        DataError: there is no such file, it is not JSON or no object, or has a member twice.
    """
    source.prove(path, longest=0)
    data = path.read_bytes().removeprefix(_MARK)
    try:
        found = _cut(data)
        names = list(_names(data, found))
    except (msgspec.DecodeError, JSONDecodeError, RecursionError) as error:
        said = "nested too deeply" if isinstance(error, RecursionError) else f"not a JSON object: {_short(error)}"
        hint = "NaN and Infinity are no JSON either: correct the source there"
        raise DataError(f"the file is {said}", where=str(path), hint=hint) from None
    if len(names) != len(found):
        raise DataError("a member of the file occurs twice", where=str(path), hint="correct the source")
    return {name: Piece(raw, f"{path.name}:{name[:40]}") for name, raw in found.items()}


def elements(top: Mapping[str, Piece], name: str, path: Path) -> Iterator[Piece]:
    """Yield the elements of a list that is a member; nothing when there is no such member.

    Raises:
        DataError: the member is no list.
    """
    if name not in top:
        return
    try:
        found = _cut_list(top[name].raw)
    except (msgspec.DecodeError, RecursionError):
        raise DataError(f"{name} is no list", where=str(path)) from None
    for number, raw in enumerate(found):
        yield Piece(raw, f"{path.name}:{name}[{number}]")


def _names(data: bytes, found: Mapping[str, msgspec.Raw]) -> Iterator[str]:
    """Yield the names of the members of an object that was cut, one that stands there twice as often as it does.

    Of two members of one name the cut keeps the last; the first is told by bytes that are not the last's.
    """
    at = _after(data, data.index(b"{") + 1)
    text_end = data.rindex(b"}")
    while at < text_end:
        end = at + 1
        while data[end] != 0x22:
            end += 2 if data[end] == 0x5C else 1
        name, _ = scanstring(data[at + 1 : end + 1].decode(), 0)
        yield name
        at = _after(data, _after(data, end + 1) + 1)
        raw = memoryview(found[name])
        if memoryview(data)[at : at + len(raw)] != raw:
            yield name
            return
        at = _after(data, at + len(raw))
        at = _after(data, at + 1) if at < text_end else at


def _after(data: bytes, at: int) -> int:
    while data[at : at + 1] and data[at] in _BLANK:
        at += 1
    return at


def _short(error: Exception) -> str:
    return str(error)[:120]
