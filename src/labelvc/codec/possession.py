"""Possession: the proof that somebody holds the private half of a key, signed with it over who they are to be and where."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from functools import lru_cache

from labelvc.codec import armour, sshsig
from labelvc.errors import TrustError
from labelvc.model.policy import PublicKey

NAMESPACE = "enrolment@labelvc.v1"
"""SSHSIG namespace of such proofs."""


def challenge(repository: str, principal: str) -> bytes:
    """Return what is signed: the project's UUID and the principal's id, each on a line; of another project or person it proves nothing."""
    return f"{repository}\n{principal}\n".encode()


@lru_cache(maxsize=1000)  # the same stand in every version of a policy
def proved(armoured: bytes, repository: str, principal: str) -> PublicKey:
    """Return the key that a proof shows somebody to hold.

    Args:
        armoured: an SSHSIG file, as `ssh-keygen -Y sign` writes it.
        repository: UUID of the project.
        principal: who is to own the key.

    Raises:
        TrustError: it is no signature, or not a good one over these two.
    """
    key = sshsig.read_public(str(sshsig.parse(armoured).key))
    sshsig.verify(armoured, challenge(repository, principal), NAMESPACE, key)
    return key


def packed(armoured: bytes) -> str:
    """Return a proof as a policy keeps it: base64 without armour."""
    return base64.b64encode(armour.read(armoured)).decode()


def lines(proofs: Iterable[str], repository: str, principal: str) -> frozenset[str]:
    """Return the keys, as lines, that proofs of a policy are about.

    Raises:
        TrustError: one of them is not good.
    """
    try:
        files = [armour.write(base64.b64decode(each, validate=True)) for each in proofs]
    except (binascii.Error, ValueError):
        raise TrustError("a proof is not base64") from None
    return frozenset(str(proved(file, repository, principal)) for file in files)
