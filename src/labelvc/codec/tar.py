"""Archives of plain files in the one spelling that two runs share: POSIX ustar, sorted, without dates and owners.

Source: POSIX.1-2017, pax, "ustar Interchange Format". What is read must be spelled as it is written, so that a program that
unpacks it sees the very files that were looked at: no links, no devices, no name twice, none that leads elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import IO

from labelvc.errors import DataError

MOST = 9_999
"""How many files there may be."""
LARGEST = 64 << 20
"""How many bytes a file may have."""
_ALL = 1 << 30
_SHORTER = "name a shorter range"
_BLOCK = 512
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*){0,5}")
_LONGEST = 100
_KINDS = {
    b"1": "a hard link", b"2": "a symbolic link", b"3": "a device", b"4": "a device", b"5": "a folder", b"6": "a pipe",
    b"x": "a header of another format", b"g": "a header of another format", b"L": "a header of another format",
    b"K": "a header of another format", b"S": "a file with holes",
}  # fmt: skip


def write(files: Mapping[str, bytes]) -> Iterator[bytes]:
    """Yield the bytes of an archive.

    Args:
        files: name to content, in any order.

    Raises:
        DataError: too many files, one that is too large, or a name that `read` would refuse.
    """
    if len(files) > MOST:
        raise DataError(f"{len(files):,} files are more than the {MOST:,} that an archive may hold", hint=_SHORTER)
    if sum(map(len, files.values())) > _ALL:
        raise DataError(f"the files have more than the {_ALL:,} bytes that an archive may hold", hint=_SHORTER)
    for name in sorted(files):
        if len(files[name]) > LARGEST:
            raise DataError(f"a file of {len(files[name]):,} bytes is more than an archive may hold", where=name)
        if not _NAME.fullmatch(name) or max(map(len, _split(name))) > _LONGEST:
            raise DataError("a file of this name cannot stand in an archive", where=name)
        yield _header(name, len(files[name]))
        yield files[name]
        yield bytes(-len(files[name]) % _BLOCK)
    yield bytes(2 * _BLOCK)


def is_one(start: bytes) -> bool:
    """Tell by its first 512 bytes whether a file claims to be an archive."""
    return start[257:262] == b"ustar"


def read(source: IO[bytes]) -> dict[str, bytes]:
    """Read an archive; nothing is written anywhere.

    Args:
        source: an archive as `write` makes it.

    Returns:
        Name to content, sorted.

    Raises:
        DataError: it is spelled otherwise; says at which file and in what.
    """
    files: dict[str, bytes] = {}
    last, total = "", 0
    while (header := _whole(source, _BLOCK)) != bytes(_BLOCK):
        name, size = _opened(header)
        if name in files:
            raise DataError("the archive holds this name twice", where=name)
        if name < last:
            raise DataError("the files of the archive are not in order", where=name)
        total += size
        if size > LARGEST or total > _ALL:
            raise DataError("the archive is larger than it may be when unpacked", where=name)
        if len(files) == MOST:
            raise DataError(f"the archive holds more than {MOST:,} files")
        files[name], last = _whole(source, size), name
        if any(_whole(source, -size % _BLOCK)):
            raise DataError("something stands behind the end of this file", where=name)
    if any(_whole(source, _BLOCK)) or source.read(1):
        raise DataError("something stands behind the end of the archive")
    return files


def _header(name: str, size: int) -> bytes:
    """Return the header of a file: mode 0644, owner 0, date 0."""
    above, own = _split(name)
    fields = [
        own.encode().ljust(_LONGEST, b"\0"), b"0000644\0", b"0000000\0", b"0000000\0", b"%011o\0" % size, b"%011o\0" % 0, b" " * 8,
        b"0", bytes(100), b"ustar\00000", bytes(32), bytes(32), bytes(16), above.encode().ljust(155 + 12, b"\0"),
    ]  # fmt: skip
    whole = b"".join(fields)
    return whole[:148] + b"%06o\0 " % sum(whole) + whole[156:]


def _split(name: str) -> tuple[str, str]:
    """Return the two fields that a name stands in; a long one is split at its last `/`."""
    if len(name) <= _LONGEST:
        return "", name
    above, _, own = name.rpartition("/")
    return above, own


def _opened(header: bytes) -> tuple[str, int]:
    """Return name and size of a header that is spelled as `_header` spells it."""
    own, above = [field.rstrip(b"\0").decode("ascii", "backslashreplace") for field in (header[:100], header[345:500])]
    name = f"{above}/{own}" if above else own
    if not is_one(header):
        raise DataError("the archive is damaged, or is none in the ustar format", where=name[:100])
    if kind := _KINDS.get(header[156:157]):
        raise DataError(f"the archive holds {kind} where only plain files may be", where=name)
    if name.startswith("/") or ".." in name.split("/"):
        raise DataError("a name in the archive leads out of its folder", where=name)
    if not _NAME.fullmatch(name):
        raise DataError("a name in the archive is none that labelvc gives", where=name)
    digits = header[124:135]
    if not re.fullmatch(rb"[0-7]{11}", digits) or header != _header(name, int(digits, 8)):
        raise DataError("a file's header is not spelled as labelvc writes it", where=name)
    return name, int(digits, 8)


def _whole(source: IO[bytes], size: int) -> bytes:
    if size > LARGEST:
        raise DataError("the archive is larger than it may be when unpacked")
    data = source.read(size)
    if len(data) < size:
        raise DataError("the archive is cut short")
    return data
