"""An erasure: what somebody signs who took a person out, and each holder of the vault's key who has let go of them."""

from __future__ import annotations

from typing import Literal

import msgspec

from labelvc.model.approval import Signer
from labelvc.model.names import Digest

PREDICATE = "urn:labelvc:erasure:1"
NAMESPACE = "erasure@labelvc.v1"
"""SSHSIG namespace of erasures and of their confirmations."""


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename="camel"):
    """What all parts of a statement share."""


class Holder(_Part, frozen=True):
    """Somebody who held a share of the vault's key, and the fingerprints of the keys with which they may confirm."""

    person: str
    keys: tuple[str, ...]


class Counted(_Part, frozen=True, omit_defaults=False):
    """How many lines were dropped and how many unlinked."""

    dropped: int
    unlinked: int


class Erasure(_Part, frozen=True, kw_only=True):
    """The predicate `urn:labelvc:erasure:1` with the subject it is about.

    Attributes:
        root: SHA-256 of the file in `privacy/erasures/` that lists the tokens.
        did: `erase` took them out of the records; `confirm` says that the signer's copy of the vault is without them.
        repository: UUID of the project.
        signer: who: a principal of the policy, or a person of `privacy/recipients.yaml`.
        signed_at: RFC 3339 UTC with `Z`; claimed.
        tool: `labelvc x.y.z`.
        records: of an erasure, what was done in the records.
        holders: of an erasure, who held a share of the vault's key then, and has to confirm.
        vault: of a confirmation, the RFC 6962 root over the rows that are left, in hexadecimal; empty where no vault was.
        tz_offset_minutes: the signer's distance from UTC.
    """

    root: Digest
    did: Literal["erase", "confirm"]
    repository: str
    signer: Signer
    signed_at: str
    tool: str
    records: Counted | None = None
    holders: tuple[Holder, ...] = ()
    vault: str = ""
    tz_offset_minutes: int = 0
