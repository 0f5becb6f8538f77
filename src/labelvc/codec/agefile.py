"""Age files from outside: how much work the header of one asks for before it is opened (age-encryption.org/v1, C2SP age.md)."""

from __future__ import annotations

import base64
import binascii
import re

MOST_WORK = 20
"""The largest binary logarithm of scrypt's work that is done: 1 GiB of memory; age and rage write 18 or less on most machines."""

_INTRO = b"age-encryption.org/v1\n"
_ARMOR = b"-----BEGIN AGE ENCRYPTED FILE-----"
_STANZA = re.compile(rb"^-> ([!-~]+)((?: [!-~]+)*)$", re.MULTILINE)
_HEADER = 1 << 16


def is_age(data: bytes) -> bool:
    """Tell whether bytes begin as an age file does, armored or not."""
    return data.startswith((_INTRO, _ARMOR))


def work(data: bytes) -> int | None:
    """Return the binary logarithm of the work that an age file's passphrase asks for.

    Args:
        data: the file.

    Returns:
        The number; None when no passphrase opens it. One that cannot be read counts as more than anybody does.
    """
    header = _binary(data)[:_HEADER].partition(b"\n---")[0]
    for kind, arguments in _STANZA.findall(header):
        if kind == b"scrypt":
            last = arguments.split()[-1] if arguments.split() else b""
            return int(last) if re.fullmatch(rb"[1-9][0-9]?", last) else MOST_WORK + 1
    return None


def _binary(data: bytes) -> bytes:
    """Return an armored file's bytes, as far as the header may reach."""
    if not data.startswith(_ARMOR):
        return data
    lines = data[: 2 * _HEADER].splitlines()[1:]
    body = b"".join([line for line in lines if not line.startswith(b"-----")])
    try:
        return base64.b64decode(body[: len(body) // 4 * 4])
    except binascii.Error:
        return b""
