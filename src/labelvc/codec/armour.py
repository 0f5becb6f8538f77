"""Armour: the text around the bytes of an SSH signature, in the one spelling that OpenSSH writes.

Source: OpenSSH `PROTOCOL.sshsig` section 2 and `sshsig.c`, `sshsig_armor`.
"""

from __future__ import annotations

import binascii
import re

from labelvc.errors import TrustError

_BEGIN = b"-----BEGIN SSH SIGNATURE-----\n"
_END = b"\n-----END SSH SIGNATURE-----\n"
_COLUMNS = 70
_LARGEST = 16384
_ARMOURED = re.compile(rb"%b[A-Za-z0-9+/=\n]+%b" % (_BEGIN, _END))


def write(blob: bytes) -> bytes:
    """Return the armoured text: ASCII, lines of 70 columns, ended by `\\n`."""
    text = binascii.b2a_base64(blob, newline=False)
    lines = [text[start : start + _COLUMNS] for start in range(0, len(text), _COLUMNS)]
    return _BEGIN + b"\n".join(lines) + _END


def read(text: bytes) -> bytes:
    """Return the bytes in an armoured text.

    Raises:
        TrustError: anything before or after it (OpenSSH ignores what follows), or another spelling of the base64.
    """
    if len(text) > _LARGEST:
        raise TrustError("the signature is too long")
    blob = plain(text)
    if blob is None:
        if not _ARMOURED.fullmatch(text):
            raise TrustError("not an armoured SSH signature, or something stands before or after it")
        raise TrustError("the SSH signature is not base64, or not spelled as OpenSSH spells it")
    return blob


def plain(text: bytes) -> bytes | None:
    """Return the bytes whose armoured text this is; None where it is that of none."""
    try:
        blob = binascii.a2b_base64(text[len(_BEGIN) : -len(_END)])  # passes over what is no base64
    except binascii.Error:
        return None
    return blob if write(blob) == text else None
