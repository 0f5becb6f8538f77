"""A security key in software: it composes what a FIDO device signs for OpenSSH, with whatever flags a test wants.

Written from OpenSSH `PROTOCOL.u2f` and `PROTOCOL.sshsig` without looking at the code under test.
"""

from __future__ import annotations

import base64
import hashlib
import os
import struct
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from labelvc.model.policy import PublicKey
from labelvc.store.keys import Signer

TOUCHED, VERIFIED = 1, 4
ED25519 = "sk-ssh-ed25519@openssh.com"
ECDSA = "sk-ecdsa-sha2-nistp256@openssh.com"
KINDS = (ED25519, ECDSA)
DUMMY = Path(os.environ.get("SK_DUMMY", "/usr/lib/openssh/regress/misc/sk-dummy/sk-dummy.so"))
"""OpenSSH's own device in software, of Debian's package openssh-tests; it may be anywhere."""
Private = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey


class Authenticator(NamedTuple):
    """A device with one key."""

    private: Private
    application: bytes = b"ssh:"

    @property
    def kind(self) -> str:
        return ED25519 if isinstance(self.private, ed25519.Ed25519PrivateKey) else ECDSA

    @property
    def key(self) -> PublicKey:
        raw, form = serialization.Encoding.Raw, serialization.PublicFormat.Raw
        if isinstance(self.private, ec.EllipticCurvePrivateKey):
            raw, form = serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        point = self.private.public_key().public_bytes(raw, form)
        parts = [point] if self.kind == ED25519 else [b"nistp256", point]
        return PublicKey(self.kind, strings(self.kind.encode(), *parts, self.application))

    def sign(
        self, message: bytes, namespace: str, flags: int = TOUCHED, kind: str = "", hash_name: str = "sha512"
    ) -> bytes:
        """Return an armoured signature; `kind` is the signature type, when it is to be another."""
        digest = hashlib.new(hash_name, message).digest()
        blob = b"SSHSIG" + strings(namespace.encode(), b"", hash_name.encode(), digest)
        tail = struct.pack(">BI", flags, 7)
        signed = hashlib.sha256(self.application).digest() + tail + hashlib.sha256(blob).digest()
        if isinstance(self.private, ec.EllipticCurvePrivateKey):
            numbers = decode_dss_signature(self.private.sign(signed, ec.ECDSA(hashes.SHA256())))
            made = strings(*(number.to_bytes(number.bit_length() // 8 + 1) for number in numbers))
        else:
            made = self.private.sign(signed)
        signature = strings((kind or self.kind).encode(), made) + tail
        whole = b"SSHSIG\0\0\0\1" + strings(self.key.blob, namespace.encode(), b"", hash_name.encode(), signature)
        return armour(whole)

    def signer(self, flags: int = TOUCHED) -> Signer:
        return Signer(self.key, "a device", lambda message, namespace: self.sign(message, namespace, flags))


def make(kind: str = ED25519, application: bytes = b"ssh:") -> Authenticator:
    private: Private = (
        ed25519.Ed25519PrivateKey.generate() if kind == ED25519 else ec.generate_private_key(ec.SECP256R1())
    )
    return Authenticator(private, application)


def strings(*parts: bytes) -> bytes:
    return b"".join(struct.pack(">I", len(part)) + part for part in parts)


def armour(blob: bytes) -> bytes:
    text = base64.b64encode(blob)
    lines = [text[at : at + 70] for at in range(0, len(text), 70)]
    return b"\n".join([b"-----BEGIN SSH SIGNATURE-----", *lines, b"-----END SSH SIGNATURE-----", b""])
