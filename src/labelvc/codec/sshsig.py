"""SSH keys and SSHSIG signatures, byte for byte as OpenSSH writes them and stricter than OpenSSH reads them.

Source: OpenSSH `PROTOCOL.sshsig` and `PROTOCOL.u2f` (security keys), RFC 4253 section 6.6, RFC 8332 (RSA with SHA-2),
RFC 8709 (Ed25519), RFC 5656 (ECDSA).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from functools import lru_cache
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from labelvc.codec import armour, dated
from labelvc.errors import TrustError
from labelvc.model.policy import Presence, PublicKey

ED25519 = "ssh-ed25519"
RSA = "ssh-rsa"
SK_ED25519 = "sk-ssh-ed25519@openssh.com"
SK_ECDSA = "sk-ecdsa-sha2-nistp256@openssh.com"
_MAGIC = b"SSHSIG"
_ED25519_SIZE = 64
_LEAST_RSA = 3072
_PEOPLE = 1000  # few people sign much: what was found of their keys is remembered
_PRIME = 2**255 - 19
# What `ssh-keygen -Y sign` uses, and the older choice its protocol still lists.
_HASHES = {"sha512": hashlib.sha512, "sha256": hashlib.sha256}
_RSA_HASHES: dict[str, hashes.HashAlgorithm] = {"rsa-sha2-512": hashes.SHA512(), "rsa-sha2-256": hashes.SHA256()}
_CURVES: dict[str, tuple[ec.EllipticCurve, hashes.HashAlgorithm]] = {
    "nistp256": (ec.SECP256R1(), hashes.SHA256()),
    "nistp384": (ec.SECP384R1(), hashes.SHA384()),
    "nistp521": (ec.SECP521R1(), hashes.SHA512()),
}
_ECDSA = "ecdsa-sha2-"
_CURVE_OF = {SK_ECDSA: "nistp256", **{_ECDSA + name: name for name in _CURVES}}
_FIELDS = {ED25519: 2, RSA: 3, SK_ED25519: 3, SK_ECDSA: 4, **{_ECDSA + name: 3 for name in _CURVES}}
# What a browser makes with an sk-ecdsa key; it signs over other bytes.
_WEBAUTHN = f"webauthn-{SK_ECDSA}"
_TOUCHED, _VERIFIED = 1, 4
# y coordinates, sign bit cleared, of the points whose order divides 8; with both signs they are the 14 encodings for
# which one signature can be good for every message (C2SP/CCTV ed25519; ssh-keygen and OpenSSL accept such keys).
_SMALL_ORDER = frozenset({
    0, 1, _PRIME - 1, _PRIME, _PRIME + 1,
    int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"),
    int.from_bytes(bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), "little"),
})  # fmt: skip

Crypto = ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey | rsa.RSAPublicKey


class SshSignature(NamedTuple):
    """The fields of an SSHSIG signature.

    Attributes:
        key: public key it says it was made with; believe it only after comparing it with a key you trust.
        namespace: what the signature is for.
        hash: name of the hash over the message.
        kind: signature algorithm.
        raw: the signature itself, in the algorithm's own form.
        tail: what follows it: the flags and the counter of a security key.
    """

    key: PublicKey
    namespace: str
    hash: str
    kind: str
    raw: bytes
    tail: bytes


@lru_cache(maxsize=_PEOPLE)
def read_public(text: str, *, where: str = "") -> PublicKey:
    """Read one public key line, `ssh-ed25519 AAAA... comment`.

    Args:
        text: the line; blanks around it and a comment are ignored.
        where: its place, for messages.

    Returns:
        The key.

    Raises:
        TrustError: no such line, or one with something before the key, a type that cannot be used, an RSA key under 3072 bits, an Ed25519 key of small order, a
            point that is none of its curve or is spelled otherwise, or a security key made for web pages.
    """
    words = text.split(maxsplit=2)
    if len(words) < 2 or "\n" in text.strip():
        raise TrustError("not an SSH public key", where=where, hint="pass the .pub file that ssh-keygen wrote")
    try:
        blob = base64.b64decode(words[1], validate=True)
    except (binascii.Error, ValueError):
        raise dated.unread(text, where) from None
    if base64.b64encode(blob).decode() != words[1]:
        raise TrustError("an SSH public key in an unusual spelling", where=where)
    key = PublicKey(words[0], blob)
    _usable(key, where)
    return key


def key_of_blob(blob: bytes) -> PublicKey:
    """Return the public key of a wire blob; only its type is read."""
    kind, _ = _string(blob)
    return PublicKey(_name(kind), blob)


def public_blob(kind: str, *parts: bytes) -> bytes:
    """Return the wire form of a key from its type and the strings after it."""
    return pack(kind.encode()) + b"".join(pack(part) for part in parts)


def to_sign(message: bytes, namespace: str) -> bytes:
    """Return the bytes a key signs: the hash of the message with the namespace; `PROTOCOL.sshsig` section 3.

    Args:
        message: what is signed.
        namespace: what for, `approval@labelvc.v1`.

    Returns:
        Bytes to give to the key or to ssh-agent.
    """
    return _blob(message, namespace, "sha512")


def wrap(key: PublicKey, namespace: str, signature: bytes) -> bytes:
    """Return the armoured signature file.

    Args:
        key: public key that signed.
        namespace: as given to `to_sign`.
        signature: `string(algorithm) string(raw)`, as ssh-agent answers.

    Returns:
        ASCII, lines of 70 columns, ended by `\\n`.
    """
    return armour.write(_inside(key, namespace, signature))


def signature_blob(kind: str, raw: bytes) -> bytes:
    """Return `string(algorithm) string(raw)` of a signature."""
    return pack(kind.encode()) + pack(raw)


def ecdsa_der(raw: bytes) -> bytes:
    """Return the DER form of an ECDSA signature from its two mpints; RFC 5656 section 3.1.2.

    Raises:
        TrustError: it is not two positive numbers, spelled canonically.
    """
    first, second = [int.from_bytes(_positive(part)) for part in _strings(raw, 2)]
    return encode_dss_signature(first, second)


def parse(armoured: bytes) -> SshSignature:
    """Read an armoured signature.

    Args:
        armoured: the file, exactly as `wrap` or `ssh-keygen -Y sign` writes it.

    Returns:
        Its fields; nothing was verified.

    Raises:
        TrustError: anything before or after it (OpenSSH ignores what follows), another spelling of the base64, another
            version, a reserved field that is not empty, an unknown hash, or a field that does not fill its length.
    """
    blob = armour.read(armoured)
    if blob[:10] != _MAGIC + b"\0\0\0\1":
        raise TrustError("not an SSH signature of version 1")
    fields, rest = [], blob[10:]
    for _ in range(5):
        field, rest = _string(rest)
        fields.append(field)
    key, namespace, reserved, hash_name, signature = fields
    if rest or reserved:
        raise TrustError("the SSH signature holds something that its format has no room for")
    if _name(hash_name) not in _HASHES:
        raise TrustError(f"the hash {_name(hash_name)!r} is not accepted in an SSH signature")
    kind, rest = _string(signature)
    raw, tail = _string(rest)
    return SshSignature(key_of_blob(key), _name(namespace), _name(hash_name), _name(kind), raw, tail)


def verify(armoured: bytes, message: bytes, namespace: str, key: PublicKey) -> Presence:
    """Return when the signature over the message is good.

    OpenSSH calls a security key's signature good that nobody touched the key for; here it is refused: a program that
    reaches the key could have made it unseen.

    Args:
        armoured: signature file.
        message: what was signed.
        namespace: what it must be for.
        key: the trusted key that must have made it.

    Returns:
        What a security key says of the person; nothing of other keys.

    Raises:
        TrustError: says why not; a key type this version cannot verify is named as such, never as a bad signature.
    """
    found = _usual(armoured, namespace, key) or parse(armoured)
    if found.key.kind not in _FIELDS:
        raise dated.unsupported(found.key.kind, "")
    if found.kind == _WEBAUTHN:
        raise dated.unsupported(found.kind, "")
    if found.namespace != namespace:
        raise TrustError(f"the signature was made for {found.namespace!r}, not for {namespace!r}")
    if found.key != key:
        raise TrustError(f"the signature was made by {found.key.fingerprint}, not by {key.fingerprint}")
    public = _usable(key, "")
    blob = _blob(message, namespace, found.hash)
    asserted = is_security_key(key)
    if len(found.tail) != (5 if asserted else 0):
        raise TrustError("the SSH signature does not end as one of its key type does")
    try:
        _check(found, public, _asserted(found, blob) if asserted else blob)
    except InvalidSignature:
        raise TrustError(f"the signature by {key.fingerprint} is not good for these bytes") from None
    except (ValueError, UnsupportedAlgorithm):
        raise TrustError(f"the key {key.fingerprint} or its signature is malformed") from None
    if not asserted:
        return Presence()
    if not found.tail[0] & _TOUCHED:
        raise TrustError(
            f"the security key {key.fingerprint} signed without being touched, so a program may have signed unseen",
            hint="make the key without `-O no-touch-required`, and sign anew",
        )
    return Presence(touch=True, verification=bool(found.tail[0] & _VERIFIED))


def is_security_key(key: PublicKey) -> bool:
    """Tell whether a key is kept by a FIDO device, which tells with each signature whether it was touched."""
    return key.kind in (SK_ED25519, SK_ECDSA)


def crypto_key(key: PublicKey) -> Crypto:
    """Return a key as `cryptography` has it; of a security key, without its application.

    Args:
        key: of a type that can be used.

    Raises:
        TrustError: it names another curve than its type, or its fields do not fill it.
        ValueError: not a point of its curve, a compressed one (two spellings would be two fingerprints of one key), or
            numbers that make no RSA key.
    """
    parts = _strings(key.blob, _FIELDS[key.kind])
    if key.kind == RSA:
        return rsa.RSAPublicNumbers(*[int.from_bytes(_positive(part)) for part in parts[1:]]).public_key()
    name = _CURVE_OF.get(key.kind)
    if name is None:
        return ed25519.Ed25519PublicKey.from_public_bytes(parts[1])
    if parts[1] != name.encode():
        raise TrustError("an ECDSA key that names two curves")
    if parts[2][:1] != b"\4":
        raise ValueError("compressed")
    return ec.EllipticCurvePublicKey.from_encoded_point(_CURVES[name][0], parts[2])


def pack(data: bytes) -> bytes:
    """Return an SSH string: length as 32 bits, then the bytes; RFC 4251 section 5."""
    return struct.pack(">I", len(data)) + data


def unpack(data: bytes) -> tuple[bytes, bytes]:
    """Return the first SSH string and what follows it.

    Raises:
        TrustError: the data ends before it.
    """
    return _string(data)


def _asserted(found: SshSignature, blob: bytes) -> bytes:
    """Return what a security key signs: its application, flags and counter, and the message; `PROTOCOL.u2f`."""
    application = _strings(found.key.blob, _FIELDS[found.key.kind])[-1]
    return hashlib.sha256(application).digest() + found.tail + hashlib.sha256(blob).digest()


def _check(found: SshSignature, public: Crypto, signed: bytes) -> None:
    key = found.key
    if isinstance(public, rsa.RSAPublicKey):
        if found.kind not in _RSA_HASHES:
            raise TrustError(f"an RSA signature of type {found.kind!r} is not accepted", hint="sign with rsa-sha2-512")
        public.verify(found.raw, signed, padding.PKCS1v15(), _RSA_HASHES[found.kind])
    elif found.kind != key.kind:
        raise TrustError(f"a signature of type {found.kind!r} by a key of type {key.kind!r}")
    elif isinstance(public, ec.EllipticCurvePublicKey):
        public.verify(ecdsa_der(found.raw), signed, ec.ECDSA(_CURVES[_CURVE_OF[key.kind]][1]))
    else:
        public.verify(found.raw, signed)


@lru_cache(maxsize=_PEOPLE)
def _usable(key: PublicKey, where: str) -> Crypto:
    """Return a key as `cryptography` has it; refuse one that cannot be verified, or whose signatures prove nothing."""
    kind = _name(_string(key.blob)[0])
    if kind != key.kind:
        raise TrustError(f"the key says it is {key.kind!r} and is {kind!r}", where=where)
    if kind not in _FIELDS:
        raise dated.unsupported(kind, where)
    try:
        public = crypto_key(key)
    except ValueError:
        raise TrustError(f"the {kind} key is malformed", where=where) from None
    parts = _strings(key.blob, _FIELDS[kind])
    if isinstance(public, ed25519.Ed25519PublicKey):
        y = int.from_bytes(parts[1], "little") & (2**255 - 1)
        if y in _SMALL_ORDER or y >= _PRIME:
            raise TrustError("an Ed25519 key of small order: one signature of it fits many messages", where=where)
    if isinstance(public, rsa.RSAPublicKey) and public.key_size < _LEAST_RSA:
        raise TrustError(f"an RSA key needs {_LEAST_RSA} bits", where=where, hint="ssh-keygen -t ed25519")
    if is_security_key(key) and not parts[-1].startswith(b"ssh:"):
        message = f"unsupported key type {kind!r} made for web pages, not for SSH"
        raise TrustError(message, where=where, hint="ssh-keygen -t ed25519-sk")
    return public


def _usual(armoured: bytes, namespace: str, key: PublicKey) -> SshSignature | None:
    """Read a signature that is, but for its last 64 bytes, the text that `wrap` writes for this Ed25519 key; None of any other."""
    if key.kind != ED25519:
        return None
    begin, blob = _begin(namespace, key), armour.plain(armoured)
    if blob is None or len(blob) != len(begin) + _ED25519_SIZE or not blob.startswith(begin):
        return None
    return SshSignature(key, namespace, "sha512", ED25519, blob[len(begin) :], b"")


@lru_cache(maxsize=_PEOPLE)
def _begin(namespace: str, key: PublicKey) -> bytes:
    """Return what stands before the 64 bytes of an Ed25519 signature over SHA-512."""
    nothing = bytes(_ED25519_SIZE)
    return _inside(key, namespace, signature_blob(ED25519, nothing)).removesuffix(nothing)


def _inside(key: PublicKey, namespace: str, signature: bytes) -> bytes:
    parts = (key.blob, namespace.encode(), b"", b"sha512", signature)
    return _MAGIC + struct.pack(">I", 1) + b"".join(pack(part) for part in parts)


def _blob(message: bytes, namespace: str, hash_name: str) -> bytes:
    return _before_hash(namespace, hash_name) + pack(_HASHES[hash_name](message).digest())


@lru_cache
def _before_hash(namespace: str, hash_name: str) -> bytes:
    return _MAGIC + b"".join(pack(part) for part in (namespace.encode(), b"", hash_name.encode()))


def _string(data: bytes) -> tuple[bytes, bytes]:
    size = int.from_bytes(data[:4])
    if len(data) < 4 or len(data) - 4 < size:
        raise TrustError("an SSH key or signature ends too early")
    return data[4 : 4 + size], data[4 + size :]


def _strings(data: bytes, count: int) -> list[bytes]:
    """Return exactly so many SSH strings."""
    found = []
    for _ in range(count):
        one, data = _string(data)
        found.append(one)
    if data:
        raise TrustError("an SSH key or signature has bytes left over")
    return found


def _name(raw: bytes) -> str:
    try:
        return raw.decode("ascii")
    except UnicodeDecodeError:
        raise TrustError("a name in an SSH key or signature is not ASCII") from None


def _positive(raw: bytes) -> bytes:
    """Return a multiple-precision integer that is positive and not padded; RFC 4251 section 5."""
    if not raw or raw[0] & 0x80 or (raw[0] == 0 and (len(raw) == 1 or not raw[1] & 0x80)):
        raise TrustError("a number in an SSH key or signature is not spelled canonically")
    return raw
