"""Bindings: what history says of the versions that records name: which labels there were, and what they meant."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import msgspec

from labelvc import digests
from labelvc.core import bump
from labelvc.errors import StoreError
from labelvc.model.project import Binding, Guideline, Project
from labelvc.model.snapshot import Snapshot
from labelvc.ops.versions import Noun, Texts, Value
from labelvc.store import tree
from labelvc.store.cache import Cache
from labelvc.store.git import Git

_BY = "labelvc.bindings/1"
_Said = Callable[[Noun, str, str], Value | None]
"""What finds the text of a document in a version; of the empty version the text in force."""


class _Asked(NamedTuple):
    """A version of a guideline that history is asked about: its guideline, its version, the taxonomy it explained, and whether what it meant is asked."""

    guideline: Guideline
    version: str
    taxonomy: str
    follows: bool


def bound(git: Git, project: Project, snapshot: Snapshot, cache: Cache) -> Project:
    """Return a project with what its guidelines' versions leave open to records.

    History is asked only where a version explained another version of its taxonomy than the one in force, or where the
    project has records follow a new meaning; what it says is remembered. Of a text that is in no commit here nothing is told.

    Args:
        git: the repository.
        project: the documents in force.
        snapshot: where they are.
        cache: where what was found is remembered.

    Raises:
        StoreError: git fails.
    """
    wanted = list(_asked(project))
    if not wanted:
        return project
    key = f"{_BY}:{project.digest}:{project.guiding.records}"
    kept = cache.get_many([key]).get(key)
    found = msgspec.json.decode(kept, type=dict[str, Binding]) if kept is not None else None
    if found is None:
        found, whole = _found(git, project, snapshot, cache, wanted)
        if whole:
            cache.put_many([(key, msgspec.json.encode(found))])
    if not found:
        return project
    said = digests.sha256_short(msgspec.json.encode(sorted(found.items()))).hexdigest()
    return msgspec.structs.replace(project, bindings=found, digest=f"{project.digest} {said}")


def _asked(project: Project) -> Iterator[_Asked]:
    follows = project.guiding.records == "follow"
    for guideline in project.guidelines.values():
        for version in guideline.versions:
            taxonomy = guideline.bound.get(version, "")
            current = project.taxonomies.get(taxonomy.rpartition("@")[0])
            moved = current is not None and taxonomy != f"{current.name}@{current.version}"
            if moved or (follows and version != guideline.version):
                yield _Asked(guideline, version, taxonomy if moved else "", follows and version != guideline.version)


def _found(
    git: Git, project: Project, snapshot: Snapshot, cache: Cache, wanted: list[_Asked]
) -> tuple[dict[str, Binding], bool]:
    """Return the bindings, and whether every text was found."""
    found, whole = dict[str, Binding](), True
    with tree.reader(git) as reader:
        texts: dict[tuple[Noun, str], Texts] = {}

        def said(noun: Noun, name: str, version: str) -> Value | None:
            nonlocal whole
            if (noun, name) not in texts:
                texts[noun, name] = Texts(git, snapshot, reader, cache, noun, name)
            try:
                return texts[noun, name].version(version) if version else texts[noun, name].now
            except StoreError:
                whole = False
                return None

        for one in wanted:
            binding = Binding(one.taxonomy, *_labels(project, one, said), _outdated(one, said))
            if binding.absent or binding.retired or binding.outdated != ():
                found[f"{one.guideline.name}@{one.version}"] = binding
    return found, whole


def _labels(project: Project, one: _Asked, said: _Said) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the labels of today that a taxonomy did not have, to the version that brought each, and those out of use in it."""
    name, _, version = one.taxonomy.rpartition("@")
    value = said("taxonomy", name, version) if name else None
    if value is None:
        return {}, ()
    then = {label["id"]: label.get("status") == "deprecated" for label in value["labels"]}
    current = project.taxonomies[name]
    brought: Mapping[str, str] = {
        label: str(step["version"]) for step in reversed(current.lineage) for label in step.get("to", ())
    }
    absent = {label.id: brought.get(label.id, current.version) for label in current.labels if label.id not in then}
    return absent, tuple(label for label, out in then.items() if out)


def _outdated(one: _Asked, said: _Said) -> tuple[str, ...] | None:
    if not one.follows:
        return ()
    old = said("guideline", one.guideline.name, one.version)
    new = said("guideline", one.guideline.name, "")
    if old is None or new is None:
        return ()
    labels = bump.affected(bump.weighed("guideline", old, new))
    return None if labels is None else tuple(sorted(labels))
