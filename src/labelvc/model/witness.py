"""A witness: somebody with a clone of their own who signs that they saw a release, so that history cannot be told twice."""

from __future__ import annotations

import msgspec

from labelvc.model.approval import Signer
from labelvc.model.names import Digest
from labelvc.model.release import Previous

PREDICATE = "urn:labelvc:witness:1"
NAMESPACE = "witness@labelvc.v1"
"""SSHSIG namespace of witnesses' statements."""


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename="camel"):
    """What all parts of a statement share."""


class Counted(_Part, frozen=True):
    """The log of approvals as the witness found it: number of statements, and RFC 6962 root over them in hexadecimal."""

    size: int
    root: str


class Witness(_Part, frozen=True, kw_only=True):
    """The predicate `urn:labelvc:witness:1` with the subject it is about.

    Attributes:
        root: payload digest of the release.
        version, sequence: of the release.
        repository: UUID of the project.
        approvals: checkpoint of the log of approvals.
        signer: who.
        signed_at: RFC 3339 UTC with `Z`; claimed.
        tool: `labelvc x.y.z`.
        since: the release before it that the same witness signed, which this one continues; None when there is none.
        tz_offset_minutes: the signer's distance from UTC.
    """

    root: Digest
    version: str
    sequence: int
    repository: str
    approvals: Counted
    signer: Signer
    signed_at: str
    tool: str
    since: Previous | None = None
    tz_offset_minutes: int = 0
