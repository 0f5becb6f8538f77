"""Strategies: what a dataset says of merging its records, as the merge's rules want it."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from labelvc.core.reconcile import Rules
from labelvc.store import process

if TYPE_CHECKING:
    from labelvc.model.project import Project

# Where none of these stands no document speaks of merging: YAML may spell a name with escapes, and UTF-16 has NULs.
_SAYING = (b"merge", b"token", b"\\", b"\0")


def here(start: Path, name: str) -> Rules:
    """Return what HEAD says of merging a dataset, for the merge driver; nothing when its documents cannot be read.

    Args:
        start: a folder of the work tree.
        name: of the dataset.
    """
    said = process.peek(start, "HEAD:labelvc.yaml", f"HEAD:datasets/{name}/dataset.yaml")
    if not any(word in said for word in _SAYING):
        return Rules()
    # What reads a project takes longer to import than the merge of a shard takes.
    project: Project | None = importlib.import_module("labelvc.ops.layers").project_here(start)
    return of(project, name)


def of(project: Project | None, name: str) -> Rules:
    """Return what a dataset says of merging; nothing when the project or the dataset cannot be read."""
    dataset = project.datasets.get(name) if project else None
    if project is None or dataset is None:
        return Rules()
    tokens = {name: task for name, task in project.tasks.items() if task.type == "token"}
    groups = {
        name: tuple(tuple(f"/value/{field}" for field in group) for group in task.groups)
        for name, task in tokens.items()
    }
    return Rules(dataset.merge, groups, frozenset(tokens))
