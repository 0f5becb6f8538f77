"""Bindings: what history says of the versions that records name: which labels there were, and what they meant."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from labelvc import digests
from labelvc.model.project import Binding, Guideline, Project
from labelvc.model.snapshot import Snapshot
from labelvc.store.cache import Cache
from labelvc.store.git import Git

_BY = "labelvc.bindings/1"


class Asked(NamedTuple):
    """A version of a guideline that history is asked about: its guideline, its version, the taxonomy it explained, and whether what it meant is asked."""

    guideline: Guideline
    version: str
    taxonomy: str
    follows: bool


def bound(git: Git, project: Project, snapshot: Snapshot, cache: Cache) -> Project:
    """Return a project with what its guidelines' versions leave open to records.

    History is asked only where a version explained another version of its taxonomy than the one in force, or where the
    project has records follow a new meaning; what it says is remembered. Of a text that was
    never committed nothing is told; where a shallow clone may lack the commit, nothing can be.

    Args:
        git: the repository.
        project: the documents in force.
        snapshot: where they are.
        cache: where what was found is remembered.

    Raises:
        StoreError: git fails, or the clone is shallow and has no commit with one of the texts.
    """
    wanted = list(_asked(project))
    if not wanted:
        return project
    key = f"{_BY}:{project.digest}:{project.guiding.records}"
    kept = cache.get_many([key]).get(key)
    found = msgspec.json.decode(kept, type=dict[str, Binding]) if kept is not None else None
    if found is None:
        # what reads texts of history brings ruamel.yaml: a hook that asks nothing does not pay for it
        found, whole = importlib.import_module("labelvc.ops.borne").out(git, project, snapshot, cache, wanted)
        if whole:
            cache.put_many([(key, msgspec.json.encode(found))])
    if not found:
        return project
    said = digests.sha256_short(msgspec.json.encode(sorted(found.items()))).hexdigest()
    return msgspec.structs.replace(project, bindings=found, digest=f"{project.digest} {said}")


def _asked(project: Project) -> Iterator[Asked]:
    follows = project.guiding.records == "follow"
    for guideline in project.guidelines.values():
        for version in guideline.versions:
            taxonomy = guideline.bound.get(version, "")
            current = project.taxonomies.get(taxonomy.rpartition("@")[0])
            moved = current is not None and taxonomy != f"{current.name}@{current.version}"
            if moved or (follows and version != guideline.version):
                yield Asked(guideline, version, taxonomy if moved else "", follows and version != guideline.version)
