"""Taxonomies edited by commands: what is done to labels is written with its lineage, everything else left as it was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from labelvc.codec import document
from labelvc.core import bump, lineage, references, semver
from labelvc.core.lineage import Operation
from labelvc.core.references import Document
from labelvc.errors import RefusedError
from labelvc.ops import versions
from labelvc.store import disk, files, tree
from labelvc.store.cache import Cache
from labelvc.store.git import Git


class Done(NamedTuple):
    """What was done to a taxonomy.

    Attributes:
        path: of its document.
        version: that it has now.
        asked: what was done.
        data: the document's bytes.
    """

    path: str
    version: str
    asked: Operation
    data: bytes


def operate(git: Git, name: str, asked: Operation, *, dry: bool = False) -> Done:
    """Do something to the labels of a taxonomy in the work tree: edit the labels, append the lineage, raise the version.

    Args:
        git: the repository.
        name: of the taxonomy.
        asked: what is to be done.
        dry: write nothing.

    Returns:
        What was done; the document is not staged.

    Raises:
        ConfigurationError: there is no such taxonomy, or something is wrong with its document.
        RefusedError: the labels do not allow it.
        StoreError: what the version published last said is in no commit here, or the disk is full.
    """
    asked = asked._replace(
        labels=tuple(label for label in asked.labels if asked.kind != "merge" or label not in asked.into)
    )
    with files.lock(git), tree.reader(git) as reader, Cache(git) as cache:
        texts, data = versions.opened(git, reader, cache, "taxonomy", name)
        base = texts.base()
        last = str(base["version"]) if base else ""
        value: versions.Value = texts.now or {}
        try:
            edits = lineage.changes(value, asked)
        except RefusedError as refused:
            raise RefusedError(refused.message, where=texts.path, hint=refused.hint.replace("NAME", name)) from None
        grown = {**value, "labels": [*value["labels"], *edits.fresh]}
        step = dict(lineage.step(asked, str(value["version"])))
        version = _version(base, document.edited(grown, {**edits.values, ("lineage", "-"): step}))
        values: dict[tuple[str, ...], Any] = {**edits.values, ("version",): version}
        values |= {("lineage", at, "version"): version for at in lineage.pending(value, last)}
        values["lineage", "-"] = {**step, "version": version}
        told = document.edited(grown, values)
        data = document.edit(data, values, {("labels",): edits.fresh})
        for trouble in references.troubles([Document("taxonomy", name, told)], {"taxonomy": frozenset([name])}):
            raise RefusedError(trouble.message, where=f"{texts.path} {trouble.pointer}")
        if not dry:
            disk.write_all({git.top / texts.path: data}, git.top)
        return Done(texts.path, version, asked, data)


def _version(base: versions.Value | None, value: versions.Value) -> str:
    """Return the version a taxonomy has after an operation: the least its edits since the last one allow, or a higher one it has."""
    said = str(value["version"])
    weight = bump.heaviest(bump.weighed("taxonomy", base, value)) if base else None
    if base is None or weight is None:
        return said
    least = bump.least(str(base["version"]), weight)
    return least if semver.precedes(said, least) else said


def add_labels(data: bytes, fresh: Sequence[str]) -> bytes:
    """Add the labels a taxonomy lacks at the end of its list; id and name are the same text.

    Args:
        data: the taxonomy's bytes.
        fresh: ids, in the order to add them.

    Returns:
        The new bytes; the same when none is missing.

    Raises:
        DataError: the document cannot be read.
    """
    known = {label.get("id") for label in document.read(data).get("labels") or () if isinstance(label, dict)}
    missing = [label for label in dict.fromkeys(fresh) if label not in known]
    return document.extend(data, ("labels",), [{"id": label, "name": label} for label in missing])
