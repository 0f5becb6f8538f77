"""Notes: a log's checkpoint with a witness's cosignature, as other programs of transparency logs read it.

Sources: C2SP signed-note, tlog-checkpoint and tlog-cosignature, all v1.0.0; of the last the Ed25519 form `cosignature/v1`.
"""

from __future__ import annotations

import base64
import hashlib
from typing import NamedTuple

from cryptography.hazmat.primitives import serialization

from labelvc.codec import sshsig
from labelvc.model.policy import PublicKey

_TYPE = b"\4"
"""Signature type of a timestamped Ed25519 cosignature."""


class Cosigner(NamedTuple):
    """Who cosigns: the name that stands in the note, and the 32 bytes of their Ed25519 key.

    The name is made of the key: what is signed does not hold it, so one key must not cosign under two.
    """

    name: str
    raw: bytes

    @property
    def keyid(self) -> bytes:
        """The 4 bytes by which a reader finds the key of a signature."""
        return hashlib.sha256(self.name.encode() + b"\n" + _TYPE + self.raw).digest()[:4]

    @property
    def vkey(self) -> str:
        """The key as readers of notes take it, `name+id+base64`."""
        return f"{self.name}+{self.keyid.hex()}+{base64.b64encode(_TYPE + self.raw).decode()}"


def cosigner(key: PublicKey) -> Cosigner | None:
    """Return whom a key stands for in a note; None when it is no plain Ed25519 key, of which the form has no signature."""
    if key.kind != sshsig.ED25519:
        return None
    form = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    raw = sshsig.crypto_key(key).public_bytes(*form)
    return Cosigner(f"labelvc/{hashlib.sha256(key.blob).hexdigest()[:32]}", raw)


def checkpoint(origin: str, size: int, root: str) -> str:
    """Return the text of a checkpoint.

    Args:
        origin: name of the log, without spaces and `+`.
        size: number of leaves.
        root: RFC 6962 root over them, in hexadecimal.
    """
    return f"{origin}\n{size}\n{base64.b64encode(bytes.fromhex(root)).decode()}\n"


def to_sign(text: str, moment: int) -> bytes:
    """Return what a witness signs of a checkpoint's text at a moment, in seconds since 1970."""
    return f"cosignature/v1\ntime {moment}\n{text}".encode()


def note(text: str, who: Cosigner, moment: int, made: bytes) -> str:
    """Return a checkpoint with one cosignature, made over `to_sign`."""
    line = base64.b64encode(who.keyid + moment.to_bytes(8, "big") + made).decode()
    return f"{text}\n\N{EM DASH} {who.name} {line}\n"
