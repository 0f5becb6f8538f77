"""DSSE v1.0.2 envelopes, read so strictly that one payload and one set of signatures have one spelling.

Source: secure-systems-lab/dsse, `protocol.md` and `envelope.md`.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from labelvc.codec import canonical, plain
from labelvc.errors import DataError
from labelvc.model.approval import Envelope, Signature

IN_TOTO = "application/vnd.in-toto+json"
TUF = "application/vnd.tuf+json"
_LIMIT = 1 << 20
_SIGNATURES = 64


def pae(payload_type: str, payload: bytes) -> bytes:
    """Return the bytes that are signed: `DSSEv1 SP len(type) SP type SP len(payload) SP payload`, lengths in bytes.

    Source: DSSE `protocol.md`, "Signature definition" (pre-authentication encoding).
    """
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def encode(envelope: Envelope) -> bytes:
    """Return the file of an envelope: canonical JSON and `\\n`.

    Args:
        envelope: at least one signature.

    Returns:
        UTF-8 bytes.
    """
    signatures = [{"keyid": each.keyid, "sig": base64.b64encode(each.sig).decode()} for each in envelope.signatures]
    payload = base64.b64encode(envelope.payload).decode()
    return (
        canonical.encode({"payload": payload, "payloadType": envelope.payload_type, "signatures": signatures}) + b"\n"
    )


def decode(raw: bytes, payload_type: str) -> Envelope:
    """Read the file of an envelope.

    DSSE lets readers ignore unknown members and accept two base64 alphabets; stored envelopes are read by many programs
    that must agree, so only the spelling that `encode` writes is accepted.

    Args:
        raw: the file.
        payload_type: the type it must be of, exactly.

    Returns:
        The envelope; its payload is the decoded bytes and nothing was verified.

    Raises:
        DataError: larger than 1 MiB, not JSON, a duplicate, missing or unknown member, another payload type,
            no signature or more than 64, the same key named twice, base64 of another spelling, or bytes before or after.
    """
    if len(raw) > _LIMIT:
        raise DataError(f"an envelope of {len(raw)} bytes is larger than {_LIMIT}")
    found = plain.envelope(raw) or _strictly(raw)
    if found.payload_type != payload_type:
        raise DataError(f"the payload type is not {payload_type}")
    if not 1 <= len(found.signatures) <= _SIGNATURES:
        raise DataError(f"an envelope has 1 to {_SIGNATURES} signatures")
    if len({each.keyid for each in found.signatures}) != len(found.signatures):
        raise DataError("two signatures name the same key")
    return found


def inside(words: bytes) -> tuple[bytes, ...]:
    """Return what a file holds one of if its payload holds some words: their base64, wherever in it they begin (RFC 4648, section 4)."""
    found = []
    for before in range(3):  # three bytes are four letters; of the letters at the ends the neighbours are part
        text = base64.b64encode(bytes(before) + words)
        found.append(text[(before * 8 + 5) // 6 : (before + len(words)) * 8 // 6])
    return tuple(found)


def _strictly(raw: bytes) -> Envelope:
    """Read an envelope member by member, which tells what is wrong with it."""
    value = canonical.decode(raw)
    if not isinstance(value, dict) or sorted(value) != ["payload", "payloadType", "signatures"]:
        raise DataError("an envelope has the members payload, payloadType and signatures, and no other")
    kind, rows = value["payloadType"], value["signatures"]
    if not isinstance(kind, str) or not isinstance(rows, list):
        raise DataError("the payload type is no text, or the signatures are no list")
    envelope = Envelope(kind, _plain(value["payload"]), tuple(_signature(row) for row in rows))
    if encode(envelope) != raw:
        raise DataError("the envelope is not spelled canonically; it was edited or rewritten after it was made")
    return envelope


def _signature(row: Any) -> Signature:
    if not isinstance(row, dict) or sorted(row) != ["keyid", "sig"] or not isinstance(row["keyid"], str):
        raise DataError("a signature has the members keyid and sig, and no other")
    return Signature(row["keyid"], _plain(row["sig"]))


def _plain(text: Any) -> bytes:
    if not isinstance(text, str):
        raise DataError("base64 text is missing")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise DataError("not base64") from None
