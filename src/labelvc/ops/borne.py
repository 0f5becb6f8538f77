"""Borne out: what the texts of history say of the versions that records name: the labels there were, and what they meant."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from labelvc.core import bump
from labelvc.errors import StoreError
from labelvc.model.project import Binding, Project
from labelvc.model.snapshot import Snapshot
from labelvc.ops.bindings import Asked
from labelvc.ops.versions import Noun, Texts, Value
from labelvc.store import git as plumbing
from labelvc.store import tree
from labelvc.store.cache import Cache
from labelvc.store.git import Git

_Said = Callable[[Noun, str, str], Value | None]
"""What finds the text of a document in a version; of the empty version the text in force."""


def out(
    git: Git, project: Project, snapshot: Snapshot, cache: Cache, wanted: Sequence[Asked]
) -> tuple[dict[str, Binding], bool]:
    """Return what versions leave open to the records that name them, and whether every text of theirs was found.

    Args:
        git: the repository.
        project: the documents in force.
        snapshot: where they are.
        cache: where documents are remembered.
        wanted: the versions.

    Raises:
        StoreError: git fails, or the clone is shallow and has no commit with one of the texts.
    """
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
                if plumbing.is_shallow(git):  # whoever fetches the rest can tell
                    raise
                whole = False
                return None

        for one in wanted:
            binding = Binding(one.taxonomy, *_labels(project, one, said), _outdated(one, said))
            if binding.absent or binding.retired or binding.outdated != ():
                found[f"{one.guideline.name}@{one.version}"] = binding
    return found, whole


def _labels(project: Project, one: Asked, said: _Said) -> tuple[dict[str, str], tuple[str, ...]]:
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


def _outdated(one: Asked, said: _Said) -> tuple[str, ...] | None:
    if not one.follows:
        return ()
    old = said("guideline", one.guideline.name, one.version)
    new = said("guideline", one.guideline.name, "")
    if old is None or new is None:
        return ()
    labels = bump.affected(bump.weighed("guideline", old, new))
    return None if labels is None else tuple(sorted(labels))
