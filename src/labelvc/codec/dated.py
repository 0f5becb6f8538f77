"""Dated: forms of a key that say until when, or on whose word, it is good; they are refused with the reason.

A policy knows keys alone. One counts from the commit that brings it to the one that takes it out, never by a date: a date would be
dropped here without a word, or decided by whoever sets a clock. Source: OpenSSH `PROTOCOL.certkeys`, sshd(8) on authorized_keys
(`expiry-time`, `cert-authority`), ssh-keygen(1) on allowed_signers (`valid-before`).
"""

from __future__ import annotations

import re

from labelvc.errors import TrustError
from labelvc.model import shell

_CERTIFICATE = re.compile(r".+-cert-v[0-9]{2}@openssh\.com")
_LATER = re.compile(r"\S\s+((?:sk-)?(?:ssh|ecdsa)-[a-z0-9@.-]+) AAAA[A-Za-z0-9+/=]+")
_DATES = re.compile(r"(?i)valid-before|valid-after|expiry-time")


def unsupported(kind: str, where: str) -> TrustError:
    """Return the error of a key of a type that cannot be used.

    Args:
        kind: the type, as the key says it.
        where: its place, for messages.
    """
    message = f"unsupported key type {kind!r}"
    if not _CERTIFICATE.fullmatch(kind):
        return TrustError(message, where=where, hint="ssh-keygen -t ed25519")
    told = "a certificate, good until a date and on the word of an authority; here keys count, from commit to commit"
    hint = "pass or sign with the key itself, FILE.pub and not FILE-cert.pub"
    return TrustError(f"{message}: {told}", where=where, hint=hint)


def unread(text: str, where: str) -> TrustError:
    """Return the error of a line that does not begin with a key: where one stands later on, what stands before it would be dropped.

    Args:
        text: the line.
        where: its place, for messages.
    """
    found = _LATER.search(text)
    if found is None:
        return TrustError("an SSH public key that is not base64", where=where)
    what = "dates" if _DATES.search(text) else "a name or options"
    told = f"a key with {what} before it, which would count for nothing: a key counts from the commit that brings it to the one that takes it out"
    hint = f"if the key still holds: grep -o '{found[1]} AAAA[^ ]*' {shell.word(where or 'FILE')} > KEY.pub, and pass KEY.pub"
    return TrustError(told, where=where, hint=hint)
