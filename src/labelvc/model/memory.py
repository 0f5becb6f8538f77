"""What a person's machine remembers of a project: how far each branch had come when it last verified."""

from __future__ import annotations

import msgspec

from labelvc.model.names import Digest

SCHEMA = "urn:labelvc:schema:client-state:1"


class Newest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The last release of a chain: its place in it, and its payload digest."""

    sequence: int
    digest: Digest


class Mark(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How far a branch had come.

    Attributes:
        commit: the last one that verified; empty when only its releases did.
        root, policy: their versions there.
        release: the newest release that verified; None when none did.
    """

    commit: str = ""
    root: int = 0
    policy: int = 0
    release: Newest | None = None


class Memory(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is remembered of a project.

    Attributes:
        project: its UUID.
        anchor: payload digest of root version 1, which was pinned.
        refs: full names of git's refs to how far they had come.
    """

    project: str
    anchor: Digest
    refs: dict[str, Mark]
