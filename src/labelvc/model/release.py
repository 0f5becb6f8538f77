"""A release: what a person signs when data go out, and which release it follows."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from labelvc.model.approval import Seen, Signer
from labelvc.model.names import Digest

PREDICATE = "urn:labelvc:release:1"
NAMESPACE = "release@labelvc.v1"
"""SSHSIG namespace of releases."""
FOLDER = "releases"


class Version(NamedTuple):
    """A version of the data, ordered as Semantic Versioning 2.0.0 orders versions without a suffix."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        """Return it as people write it, `1.2.0`."""
        return f"{self.major}.{self.minor}.{self.patch}"


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename="camel"):
    """What all parts of a manifest share."""


class Previous(_Part, frozen=True):
    """The release before: its version and the digest of its payload."""

    version: str
    sha256: str


class Salted(_Part, frozen=True):
    """The root over salted lines, which gives no guess away; whose secret made the salts, the epoch says."""

    epoch: str
    root: str


class Data(_Part, frozen=True):
    """One dataset.

    Attributes:
        name: its name.
        shards: number of files of items and records: the leaves under `root`.
        items, records: how many there are.
        tombstones: how many of the lines only say that something was deleted.
        root: RFC 6962 root over the shards, in hexadecimal; see `labelvc.core.release.leaf`.
        salted: the same over salted lines; None when the secret was not there.
    """

    name: str
    shards: int
    items: int
    records: int
    tombstones: int
    root: str
    salted: Salted | None = None


class Document(_Part, frozen=True):
    """A document as it was released; `version` where it has one."""

    path: str
    sha256: str
    version: str = ""


class Checkpoint(_Part, frozen=True):
    """The log of approvals.

    Attributes:
        size: number of statements.
        root: RFC 6962 root over them, in hexadecimal.
        consistency: proof that the log of the release before is its beginning; empty where that was empty or is the same.
    """

    size: int
    root: str
    consistency: tuple[str, ...] = ()


class Release(_Part, frozen=True, kw_only=True):
    """The predicate `urn:labelvc:release:1` with the subject it is about.

    Attributes:
        root: state digest: RFC 6962 root over datasets and documents.
        version: `1.2.0`.
        sequence: 1, then one more each time.
        repository: UUID of the project.
        datasets: by name.
        documents: project, datasets, guidelines and taxonomies, by path.
        approvals: checkpoint of the log of approvals.
        policy: the policy in force.
        role: the hat worn.
        signer: who.
        signed_at: RFC 3339 UTC with `Z`; claimed.
        tool: `labelvc x.y.z`.
        previous: the release before; None for the first.
        tz_offset_minutes: the signer's distance from UTC.
    """

    root: Digest
    version: str
    sequence: int
    repository: str
    datasets: tuple[Data, ...]
    documents: tuple[Document, ...]
    approvals: Checkpoint
    policy: Seen
    role: str
    signer: Signer
    signed_at: str
    tool: str
    previous: Previous | None = None
    tz_offset_minutes: int = 0
