"""Deltas read back from the output of `labelvc diff`, to be applied (docs/formats/diff.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Literal, TypeVar

import msgspec

from labelvc.codec import canonical, shard
from labelvc.codec.quick import UNREADABLE
from labelvc.errors import DataError
from labelvc.model import shell
from labelvc.model.change import Delta
from labelvc.model.names import Key
from labelvc.model.snapshot import FILE

_T = TypeVar("_T")
_AGAIN = "labelvc diff --format jsonl -o FILE"
_NOTHING = b"null"
_BEGIN = b'"items": ['
_Mode = Literal["100644", "100755", "120000"]
_value = msgspec.json.Decoder().decode
_written = msgspec.json.Encoder().encode


class _Item(msgspec.Struct, forbid_unknown_fields=True):
    key: str
    kind: Literal["added", "removed", "changed", "touched", "mechanical"]
    old: msgspec.Raw
    new: msgspec.Raw
    fields: msgspec.Raw
    exact: bool = True
    modes: tuple[_Mode | None, _Mode | None] | None = None
    said: msgspec.Raw = msgspec.Raw(b"")
    edits: msgspec.Raw = msgspec.Raw(b"")


class _Whole(msgspec.Struct, forbid_unknown_fields=True):
    schema: Literal["urn:labelvc:schema:diff:1"]
    base: str
    head: str
    summary: msgspec.Raw
    items: list[_Item]


_item = msgspec.json.Decoder(_Item).decode
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_whole = msgspec.json.Decoder(_Whole).decode


def read(lines: Iterable[bytes], where: str = "") -> Iterator[Delta]:
    """Read what `labelvc diff --format json` or `--format jsonl` printed.

    Args:
        lines: the lines of the file, as they come.
        where: its name, for messages.

    Yields:
        The deltas, with whole lines and documents.

    Raises:
        DataError: it is no diff, or one of its changes does not hold the whole line: a plain value is hidden, or the line
            is spelled as JSON does not carry it.
    """
    rest = iter(lines)
    for number, line in enumerate(rest, 1):
        if not line.strip():
            continue
        if number == 1 and line.rstrip().endswith(_BEGIN) and line.startswith(b'{"schema":'):
            yield from _streamed(line, rest, where)
            return
        if number == 1 and not _is_item(line):
            whole = _decoded(_whole, line + b"".join(rest), where)
            yield from [_delta(item, f"{where}: item {at}") for at, item in enumerate(whole.items, 1)]
            return
        yield _delta(_decoded(_item, line, f"{where}:{number}"), f"{where}:{number}")


def _streamed(head: bytes, rest: Iterator[bytes], where: str) -> Iterator[Delta]:
    """Yield the deltas of an object that is written with an item a line, as `labelvc diff` writes it: one at a time."""
    waiting, tail = b"", b""
    for number, line in enumerate(rest, 2):
        if line.startswith(b"]"):
            tail = line + b"".join(rest)
            break
        if waiting:
            yield _of_line(waiting, f"{where}:{number - 1}", last=False)
        waiting = line
    _decoded(_whole, head + tail, where)  # cut short, it is no object
    if waiting:
        yield _of_line(waiting, where, last=True)


def _of_line(line: bytes, where: str, *, last: bool) -> Delta:
    item = line.rstrip()
    if item.endswith(b",") == last:
        raise DataError("this is no output of labelvc diff: a comma is missing or too many", where=where, hint=_AGAIN)
    return _delta(_decoded(_item, item.removesuffix(b","), where), where)


def _is_item(line: bytes) -> bool:
    """Tell whether a first line is a change by itself, and not the beginning of a document."""
    try:
        return "key" in _members(line)
    except UNREADABLE:
        return line.lstrip().startswith(b'{"key"')


def _decoded(decode: Callable[[bytes], _T], data: bytes, where: str) -> _T:
    try:
        return decode(data)
    except UNREADABLE as error:
        said = f"this is no output of labelvc diff: {error}" if isinstance(error, msgspec.DecodeError) else "not UTF-8"
        raise DataError(said, where=where, hint=_AGAIN) from None


def _delta(item: _Item, where: str) -> Delta:
    """Return the delta an item tells of; its key must be that of its lines."""
    if not item.exact:
        record = "#" in item.key
        why = "a plain value is hidden, or its spelling is not canonical" if record else "it is no UTF-8 text"
        raise DataError(
            f"the change of {item.key} does not hold the whole {'line' if record else 'file'} ({why}), so it cannot be applied",
            where=where,
            hint="labelvc check; then make the diff anew" if record else f"git checkout REV -- {shell.word(item.key)}",
        )
    sides = [bytes(side).strip() for side in (item.old, item.new)]
    kinds = {side[:1] for side in sides if side != _NOTHING}
    if kinds == {b'"'}:
        old, new = [None if side == _NOTHING else _text(side, where) for side in sides]
        return Delta(item.key, old, new, _modes(item, old, new, where))
    if kinds != {b"{"}:
        raise DataError(f"the change of {item.key} holds no record and no document", where=where, hint=_AGAIN)
    key = Key.parse(item.key)
    old, new = [None if side == _NOTHING else _line(side, key, where) for side in sides]
    return Delta(key, old, new)


def _modes(item: _Item, old: bytes | None, new: bytes | None, where: str) -> tuple[str, ...]:
    """Return the modes of both sides, a plain file's of one that is not there; none where both are plain."""
    told = item.modes or (FILE if old is not None else None, FILE if new is not None else None)
    if any((mode is None) != (side is None) for mode, side in zip(told, (old, new), strict=True)):
        raise DataError(f"the change of {item.key} has a mode and no file, or no mode", where=where, hint=_AGAIN)
    modes = tuple([mode or FILE for mode in told])
    return () if modes == (FILE, FILE) else modes


def _text(side: bytes, where: str) -> bytes:
    return str(_decoded(_value, side, where)).encode()


def _line(side: bytes, key: Key, where: str) -> bytes:
    """Return a line's bytes: as they stand where they are written without spaces, else in canonical form."""
    value = _decoded(_value, side, where)
    compact = _written(value) == side
    raw = side if compact else canonical.encode(value, canonical.RECORD_FIRST if key.id else canonical.ITEM_FIRST)
    if shard.key_of(raw, key.dataset, "annotations" if key.id else "items") != key:
        raise DataError(f"the line of {key} is that of another key", where=where, hint=_AGAIN)
    return raw
