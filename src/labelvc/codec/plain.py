"""Plain: envelopes and approvals of ordinary spelling, read in one pass, where that provably says the same as reading them strictly.

What is read is written again by msgspec and must be the very bytes it was read from (tests/codec/test_plain.py): a duplicate, missing
or unknown member, another order, another base64 or another number would come out otherwise.
"""

from __future__ import annotations

import re

import msgspec

from labelvc.codec import canonical
from labelvc.model import approval as noun
from labelvc.model.approval import Approval, Envelope, Signature

TYPE = "https://in-toto.io/Statement/v1"
CHANGE_SET = "labelvc:changeset"
_PRINTED = bytes(sorted({*range(ord(" "), ord("~") + 1)} - {ord("\\")}))
_SHA256 = re.compile(rb"[0-9a-f]{64}")
_LONG = re.compile(rb'":-?[0-9]{16}')  # what may be a number beyond 2^53-1, see `canonical`


class _Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    keyid: str
    sig: bytes


class _Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    payload: bytes
    payload_type: str
    signatures: tuple[_Signature, ...]


_envelope = msgspec.json.Decoder(_Envelope).decode
_approval = msgspec.json.Decoder(Approval).decode
_written = msgspec.json.Encoder(order="sorted").encode
_ROOT = "0" * 64
_SUBJECT = [{"digest": {"sha256": _ROOT}, "name": CHANGE_SET}]
_FRAME = canonical.encode({"_type": TYPE, "predicate": {}, "predicateType": noun.PREDICATE, "subject": _SUBJECT})
_BEGIN, _, _END = _FRAME.partition(b"{}")
_AT = _END.index(_ROOT.encode()) - len(_END)
_BEFORE, _BEHIND = _END[:_AT], _END[_AT + len(_ROOT) :]


def is_printed(raw: bytes) -> bool:
    """Tell whether bytes are ASCII that is seen, none of it escaped."""
    return not raw.translate(None, _PRINTED)


def envelope(raw: bytes) -> Envelope | None:
    """Return a DSSE envelope, as `labelvc.codec.dsse.encode` writes it; None where only reading it strictly tells what it is."""
    try:
        found = _envelope(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if _written(found) + b"\n" != raw:
        return None
    return Envelope(
        found.payload_type, found.payload, tuple([Signature(each.keyid, each.sig) for each in found.signatures])
    )


def approval(payload: bytes) -> Approval | None:
    """Return what an approval says that is written in plainly printed ASCII; None where only reading it strictly tells.

    The statement around the predicate is always the same but for the digest of the change-set, which an `Approval` has as its
    `root`. In text without an escape every quotation mark is one of JSON's own, so that what is cut out here is a member.
    """
    root = payload[_AT : _AT + len(_ROOT)]
    said = payload[len(_BEGIN) : -len(_END)]
    framed = payload == b"".join((_BEGIN, said, _BEFORE, root, _BEHIND))
    if not framed or not _SHA256.fullmatch(root) or not is_printed(payload) or _LONG.search(said):
        return None
    digest = b"sha256:%b" % root
    try:
        found = _approval(b'{"root":"%b",%b' % (digest, said[1:]))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    whole = found.root.encode() == digest and _written(found).replace(b',"root":"%b"' % digest, b"", 1) == said
    return found if whole else None
