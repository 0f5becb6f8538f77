"""Subkeys of an epoch's secret: one for each use, so that what one of them makes tells nothing of the others."""

from __future__ import annotations

import hmac

from labelvc.codec.derive import hkdf, prefixed
from labelvc.model.secret import Secret

GATE = "gate"
"""The use of the key that marks findings and finds known people; who holds it can make no token."""
_TAG = 16


def subkey(secret: Secret, project: str, use: str, domain: str = "", kind: str = "", length: int = 32) -> bytes:
    """Return a key for one use: HKDF-SHA256 with the project as salt (docs/formats/pseudonym.md).

    Args:
        secret: an epoch's secret.
        project: UUID of the project.
        use: `gate`, `blind`, `link`, `wrap` ...
        domain: pseudonymisation domain, where the use depends on it.
        kind: kind of value, where the use depends on it.
        length: bytes wanted.
    """
    salt = bytes.fromhex(project.replace("-", ""))
    return hkdf(secret.reveal(), salt, prefixed("labelvc/v1", use, domain, kind), length)


def tag(key: bytes, *parts: str | bytes) -> str:
    """Return 32 hex digits that only who holds the key can make of some parts."""
    return hmac.digest(key, prefixed(*parts), "sha256")[:_TAG].hex()


def is_tag(said: object, key: bytes, *parts: str | bytes) -> bool:
    """Tell whether something that somebody may have written by hand is the tag of some parts."""
    return hmac.compare_digest(str(said).encode(errors="replace"), tag(key, *parts).encode())
