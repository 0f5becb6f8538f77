"""Derived keys: HKDF-SHA256 and the length-prefixed encoding that keeps what goes into a key apart."""

from __future__ import annotations

import hmac

_HASH_BYTES = 32


def prefixed(*parts: str | bytes) -> bytes:
    """Return the parts, each after its length as four big-endian bytes.

    Two different lists of parts never give the same bytes, so ("ab", "c") and ("a", "bc") stay apart.

    Args:
        parts: text (as UTF-8) or bytes.

    Returns:
        The encoding called `lp` in docs/formats/pseudonym.md.
    """
    raw = [part.encode() if isinstance(part, str) else part for part in parts]
    return b"".join([len(part).to_bytes(4, "big") + part for part in raw])


def hkdf(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """Return key material derived from a secret.

    Args:
        secret: input keying material.
        salt: public salt; empty means 32 zero bytes.
        info: what the key is for.
        length: number of bytes wanted, at most 255 * 32.

    Returns:
        `length` bytes: HKDF with SHA-256 (RFC 5869 sections 2.2 and 2.3).
    """
    pseudorandom = hmac.digest(salt or bytes(_HASH_BYTES), secret, "sha256")
    block, output = b"", b""
    for number in range(1, -(-length // _HASH_BYTES) + 1):
        block = hmac.digest(pseudorandom, block + info + bytes([number]), "sha256")
        output += block
    return output[:length]


def commitment(secret: bytes) -> str:
    """Return the public commitment to an epoch's secret: it tells a wrong secret and nothing about the right one.

    Args:
        secret: the 32 bytes.

    Returns:
        32 lower-case hex digits: HKDF-SHA256(secret, no salt, lp("labelvc/v1", "commit"), 16 bytes).
    """
    return hkdf(secret, b"", prefixed("labelvc/v1", "commit"), 16).hex()
