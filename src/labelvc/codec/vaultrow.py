"""Rows of the vault: one canonical line a token, each sealed by itself, so that two vaults merge line by line.

AES-SIV (RFC 5297) gives equal rows equal bytes, and binds each to its project, kind, token and epoch: a line moved to
another token does not open (docs/formats/vault.md).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from labelvc.codec import canonical
from labelvc.codec.derive import hkdf, prefixed
from labelvc.errors import DataError
from labelvc.model.secret import ALPHABET, TOKEN

KEY_BYTES = 64
"""A key of AES-SIV: two of AES-256."""
_NIBBLES = ALPHABET[:16]
_is_token = re.compile(TOKEN).fullmatch


class Row(NamedTuple):
    """A line of the vault, still sealed; a tombstone has no content."""

    token: str
    epoch: str
    sealed: bytes | None


class Keys(NamedTuple):
    """What opens rows: the vault's secret, and the project it is for."""

    secret: bytes
    project: str

    def __repr__(self) -> str:
        """Show no byte of it."""
        return "Keys(...)"


def seal(keys: Keys, token: str, epoch: str, content: dict[str, Any]) -> Row:
    """Seal the content of a row."""
    return Row(token, epoch, _cipher(keys, token).encrypt(canonical.encode(content), _bound(keys, token, epoch)))


def open_row(keys: Keys, row: Row, where: str = "") -> dict[str, Any]:
    """Return the content of a row.

    Raises:
        DataError: the row was changed, belongs to another token or project, or the key is another one.
    """
    try:
        plain = _cipher(keys, row.token).decrypt(row.sealed or b"", _bound(keys, row.token, row.epoch))
    except (InvalidTag, ValueError):
        raise DataError(
            "a row of the vault does not open: it was changed, or belongs to another token",
            where=where or row.token,
            hint="labelvc vault status; then take the row from a colleague's vault: labelvc vault merge FOLDER",
        ) from None
    found: dict[str, Any] = canonical.decode(plain)
    return found


def write(row: Row) -> bytes:
    """Return a row's line without its `\\n`."""
    if row.sealed is None:
        return canonical.encode({"e": row.epoch, "gone": True, "t": row.token})
    return canonical.encode({"c": base64.b64encode(row.sealed).decode(), "e": row.epoch, "t": row.token})


def read(line: bytes, where: str) -> Row:
    """Read a row's line.

    Raises:
        DataError: the line is no row in canonical form.
    """
    try:
        value = canonical.decode(line)
        gone = value == {"e": value["e"], "gone": True, "t": value["t"]}
        row = Row(value["t"], value["e"], None if gone else base64.b64decode(value["c"], validate=True))
        if _is_token(row.token) and isinstance(row.epoch, str) and write(row) == line:
            return row
    except (DataError, KeyError, TypeError, ValueError, binascii.Error):
        pass
    hint = "take the file from a colleague's vault: labelvc vault merge FOLDER"
    raise DataError("the line is no row of a vault (docs/formats/vault.md)", where=where, hint=hint) from None


def hide(key: bytes, text: str, *bound: str) -> str:
    """Return a text sealed in place: letters that no detector takes for anything, two a byte; equal texts look equal."""
    sealed = AESSIV(key).encrypt(text.encode(), [prefixed("sealed1", *bound)])
    return "".join([_NIBBLES[byte >> 4] + _NIBBLES[byte & 15] for byte in sealed])


def show(key: bytes, letters: str, *bound: str) -> str | None:
    """Return the text that was sealed in place, or None where this key or place does not open it."""
    codes = [_NIBBLES.find(letter) for letter in letters]
    if len(codes) % 2 or -1 in codes:
        return None
    sealed = bytes([high << 4 | low for high, low in zip(codes[::2], codes[1::2], strict=True)])
    try:
        return AESSIV(key).decrypt(sealed, [prefixed("sealed1", *bound)]).decode()
    except (InvalidTag, ValueError):
        return None


def wrap(key: bytes, secret: bytes, *bound: str) -> str:
    """Return a secret sealed under another key, as text."""
    return base64.b64encode(AESSIV(key).encrypt(secret, [prefixed("wrap1", *bound)])).decode()


def unwrap(key: bytes, text: str, *bound: str) -> bytes | None:
    """Return the secret that was sealed, or None where it was sealed under another key or for something else."""
    try:
        return AESSIV(key).decrypt(base64.b64decode(text, validate=True), [prefixed("wrap1", *bound)])
    except (InvalidTag, ValueError, binascii.Error):
        return None


def _cipher(keys: Keys, token: str) -> AESSIV:
    return _of_kind(keys, token[:3])


@lru_cache(maxsize=64)
def _of_kind(keys: Keys, letters: str) -> AESSIV:
    salt = bytes.fromhex(keys.project.replace("-", ""))
    return AESSIV(hkdf(keys.secret, salt, prefixed("labelvc/v1", "vault", letters), KEY_BYTES))


def _bound(keys: Keys, token: str, epoch: str) -> list[bytes]:
    return [prefixed(keys.project, token[:3], token, epoch)]


def without(content: dict[str, Any], gone: Callable[[str], bool]) -> dict[str, Any]:
    """Return a way back (docs/formats/vault.md) that does not tell any more what the tokens of the forgotten stand for."""
    moves = [[*places, token, None if gone(token) else said] for *places, token, said in content["moves"]]
    return {**content, "moves": moves}
