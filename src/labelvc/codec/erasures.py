"""The payloads of erasures and their confirmations: in-toto statements, read as strictly as `codec.statement` reads others."""

from __future__ import annotations

import re

import msgspec

from labelvc.codec import moment, statement
from labelvc.errors import DataError
from labelvc.model.erasure import PREDICATE, Erasure

SUBJECT = "labelvc:erasure"
_PERSON = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
_ROOT = re.compile(r"(?:[0-9a-f]{64})?")


def encode(value: Erasure) -> bytes:
    """Return the payload of an erasure or a confirmation.

    Raises:
        DataError: text that is not NFC, or that holds control or direction characters.
    """
    return statement.about(PREDICATE, SUBJECT, value)


def decode(payload: bytes) -> Erasure:
    """Read the payload of an erasure or a confirmation.

    Raises:
        DataError: it is anything but the exact bytes of one.
    """
    predicate, digest = statement.opened(payload, PREDICATE, SUBJECT)
    try:
        value = msgspec.convert({**predicate, "root": digest}, Erasure)
    except msgspec.ValidationError as error:
        raise DataError(f"the erasure is not well formed: {error}") from None
    people = [holder.person for holder in value.holders]
    good = (
        _PERSON.fullmatch(value.signer.principal)
        and moment.is_instant(value.signed_at)
        and _ROOT.fullmatch(value.vault)
        and people == sorted(set(people))
        and all(map(_PERSON.fullmatch, people))
        and all(_FINGERPRINT.fullmatch(key) for holder in value.holders for key in holder.keys)
        and (value.did == "erase") == (value.records is not None)
        and not (value.did == "confirm" and value.holders)
        and not (value.did == "erase" and value.vault)
        and (value.records is None or min(value.records.dropped, value.records.unlinked) >= 0)
    )
    if not good:
        raise DataError("the erasure is not well formed: a name, digest, time, count or key is not as it must be")
    if encode(value) != payload:
        raise DataError("the erasure is not spelled canonically")
    return value
