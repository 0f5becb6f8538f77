"""Modules: what one says of itself, and what the lock keeps of one that was taken."""

# No `from __future__ import annotations`: msgspec would compile and evaluate the text of each at every start.

from collections.abc import Mapping

import msgspec

LOCK = "modules.lock"
"""The list of modules that a project took."""


class Manifest(msgspec.Struct, frozen=True):
    """What `module.yaml` says.

    Attributes:
        name: of the module.
        version: major.minor.patch.
        licence: under which its documents may be used.
        provides: paths of its documents, in the module and in a project alike.
        title, description: for people.
    """

    name: str
    version: str
    licence: str
    provides: tuple[str, ...]
    title: str = ""
    description: str = ""


class Pinned(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line of `modules.lock`: a module that was taken.

    Attributes:
        name: what it is called here.
        version: of the module.
        source: where it came from, as `labelvc module update` finds it again.
        documents: path to `sha256:` of its bytes as the module gave them.
        commit: full id of the source's commit; empty where the source is no git repository.
        licence: as the module says.
    """

    name: str
    version: str
    source: str
    documents: Mapping[str, str]
    commit: str = ""
    licence: str = ""
