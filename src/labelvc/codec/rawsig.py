"""Raw signatures: over the very bytes, in no wrapping of SSH, for programs that read DSSE and know no SSHSIG.

Sources: DSSE `protocol.md`; securesystemslib's names of keys and schemes, which in-toto and TUF programs share.
"""

from __future__ import annotations

import hashlib
import importlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from labelvc.codec import sshsig
from labelvc.errors import TrustError
from labelvc.model.policy import PublicKey

# securesystemslib's key type and scheme. A security key has none: it signs over its own flags and counter as well.
_SCHEMES = {
    sshsig.ED25519: ("ed25519", "ed25519"),
    sshsig.RSA: ("rsa", "rsa-pkcs1v15-sha512"),
    **{f"ecdsa-sha2-nistp{bits}": ("ecdsa", f"ecdsa-sha2-nistp{bits}") for bits in (256, 384, 521)},
}
_HASHES = {256: hashes.SHA256(), 384: hashes.SHA384(), 521: hashes.SHA512()}


def possible(key: PublicKey) -> bool:
    """Tell whether a key of this type can make a raw signature."""
    return key.kind in _SCHEMES


def keyid(key: PublicKey) -> str:
    """Return what securesystemslib calls a key: the SHA-256 of its description in canonical JSON, in hexadecimal.

    Args:
        key: of a type that can make a raw signature.
    """
    kind, scheme = _SCHEMES[key.kind]
    public = sshsig.crypto_key(key)
    if isinstance(public, ed25519.Ed25519PublicKey):
        told = public.public_bytes_raw().hex()
    else:
        # loaded for the few who meet such a key, and not for all who verify
        serialization = importlib.import_module("cryptography.hazmat.primitives.serialization")
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        told = public.public_bytes(serialization.Encoding.PEM, form).decode()
    # Its canonical JSON escapes quotes and backslashes only, so the line ends of a PEM stay as they are.
    text = f'{{"keytype":"{kind}","keyval":{{"public":"{told}"}},"scheme":"{scheme}"}}'
    return hashlib.sha256(text.encode()).hexdigest()


def of_agent(key: PublicKey, made: bytes) -> bytes:
    """Return the raw signature in what ssh-agent answers, `string(algorithm) string(raw)`.

    Raises:
        TrustError: it is not in the form of the key's type.
    """
    _, rest = sshsig.unpack(made)
    raw, _ = sshsig.unpack(rest)
    return sshsig.ecdsa_der(raw) if _SCHEMES[key.kind][0] == "ecdsa" else raw


def verify(key: PublicKey, message: bytes, raw: bytes) -> None:
    """Return when a raw signature over the message is good.

    Args:
        key: the trusted key that must have made it.
        message: what was signed.
        raw: 64 bytes of Ed25519, PKCS#1 v1.5 with SHA-512 of RSA, DER of ECDSA.

    Raises:
        TrustError: it is not.
    """
    public = sshsig.crypto_key(key)
    try:
        if isinstance(public, rsa.RSAPublicKey):
            public.verify(raw, message, padding.PKCS1v15(), hashes.SHA512())
        elif isinstance(public, ec.EllipticCurvePublicKey):
            public.verify(raw, message, ec.ECDSA(_HASHES[public.curve.key_size]))
        else:
            public.verify(raw, message)
    except (InvalidSignature, ValueError):
        raise TrustError(f"the raw signature by {key.fingerprint} is not good for these bytes") from None
