"""A person's signed decision on one change-set, and the envelope that keeps the very bytes that were signed."""

from __future__ import annotations

import hashlib
from typing import Literal, NamedTuple

import msgspec

from labelvc.model.names import Digest

PREDICATE = "urn:labelvc:approval:1"
REKEY = "urn:labelvc:rekey:1"
NAMESPACE = "approval@labelvc.v1"
"""SSHSIG namespace of approvals."""
TRUST_NAMESPACE = "trust@labelvc.v1"
"""SSHSIG namespace of roots and policies."""

Verdict = Literal["approve", "reject", "withdraw", "abstain"]
AGAINST: tuple[Verdict, ...] = ("reject", "withdraw")
"""What says no, or takes a yes back. It is about parts of its change-set too, so it always has its list beside it."""
Meaning = Literal["authorship", "review", "approval", "responsibility", "verification", "emergency"]
"""What the signature means, 21 CFR 11.50(a)(3)."""


class Signature(NamedTuple):
    """One signature of an envelope.

    Attributes:
        keyid: fingerprint of the key, `SHA256:...`, or of a raw signature what securesystemslib calls the key; a hint,
            never trusted.
        sig: the signature: an armoured SSHSIG, or the raw one an approval may carry beside it.
    """

    keyid: str
    sig: bytes


class Envelope(NamedTuple):
    """A DSSE envelope: the payload is kept as the bytes that were signed and is never written anew."""

    payload_type: str
    payload: bytes
    signatures: tuple[Signature, ...]

    @property
    def digest(self) -> Digest:
        """Payload digest: the identity of a statement (an envelope's own bytes are not one)."""
        return Digest("sha256:" + hashlib.sha256(self.payload).hexdigest())


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename="camel"):
    """What all parts of a statement share."""


class Signer(_Part, frozen=True):
    """Who signs: the principal and the printed name, which must be the policy's, 21 CFR 11.50(a)(1)."""

    principal: str
    printed_name: str


class Scope(_Part, frozen=True, omit_defaults=False):
    """What the change-set is part of.

    Attributes:
        repository: UUID of the project; an approval of a fork's or another project's is none.
        binding: `delta`: the list of what moved lies beside the statement, so that it also counts for a part of another change;
            `whole`: the list is too long for that, and the statement counts for the very change-set alone.
        added, removed, changed: how many things the signer was shown.
    """

    repository: str
    binding: Literal["delta", "whole"]
    added: int
    changed: int
    removed: int


class Seen(_Part, frozen=True):
    """The policy the signer saw; evidence only, the verifier uses the one in force."""

    version: int
    sha256: str


class Material(_Part, frozen=True):
    """A document that the signer went by: what labels mean, how they are checked, a report of a check, a list of what was looked at."""

    name: str
    sha256: str


class Approval(_Part, frozen=True, kw_only=True):
    """One decision; the predicate `urn:labelvc:approval:1` with the subject it is about.

    Attributes:
        root: digest of the change-set.
        decision: anything but `approve` counts as not approved.
        meaning: what the signature means.
        role: the hat worn; must be one the policy grants.
        signer: who.
        signed_at: RFC 3339 UTC with `Z`; claimed, never used to decide whether a key is valid.
        tz_offset_minutes: the signer's distance from UTC.
        reason: why; asked for with everything but `approve`.
        scope: what it is part of.
        policy: the policy the signer saw.
        authors: principals who made the change, as the signer found them.
        materials: documents in force, and what else the signer went by.
        reference: where it was talked about, such as a pull request's address; evidence only.
        supersedes: payload digests of the signer's earlier statements on the same change-set.
        expires_at: RFC 3339 UTC with `Z`: the last second in which a yes counts; empty: it has no end. What it takes back, and
            whom it names as authors, has none.
        nonce: 32 hex digits.
        tool: `labelvc x.y.z`.
    """

    root: Digest
    decision: Verdict
    meaning: Meaning
    role: str
    signer: Signer
    signed_at: str
    scope: Scope
    policy: Seen
    nonce: str
    tool: str
    tz_offset_minutes: int = 0
    reason: str = ""
    authors: tuple[str, ...] = ()
    materials: tuple[Material, ...] = ()
    supersedes: tuple[Digest, ...] = ()
    expires_at: str = ""
    reference: str = ""


class Epochs(_Part, frozen=True):
    """Whose tokens became others, and the epoch that these are of."""

    before: tuple[str, ...]
    after: str


class Mapped(_Part, frozen=True):
    """What became of the tokens: how many, and the SHA-256 of the lines `<old> <new>`, sorted, each ended by a line break."""

    tokens: int
    sha256: str


class States(_Part, frozen=True):
    """State digests of the snapshots between which the signer read the re-key, SHA-256 in hexadecimal."""

    before: str
    after: str


class Rekeying(Approval, frozen=True, kw_only=True):
    """A yes to a re-key, and what it is said to be; the predicate `urn:labelvc:rekey:1`.

    The moves of its change-set are records and items in which tokens changed, one to one, and nothing else. Whether that is
    so, the lines tell: it counts for nothing where they say otherwise.

    Attributes:
        epochs: of the tokens.
        mapping: what became of each.
        states: evidence: the whole states, other changes included.
    """

    epochs: Epochs
    mapping: Mapped
    states: States
