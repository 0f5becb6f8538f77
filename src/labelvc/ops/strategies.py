"""Strategies: what a dataset says of merging its records, as the merge's rules want it."""

from __future__ import annotations

from pathlib import Path

from labelvc.core.merge import Rules
from labelvc.model.project import Project
from labelvc.ops import project as projects
from labelvc.store import git as plumbing
from labelvc.store import tree


def here(start: Path, name: str) -> Rules:
    """Return what HEAD says of merging a dataset, for the merge driver; nothing when its documents cannot be read.

    Args:
        start: a folder of the work tree.
        name: of the dataset.
    """
    git = plumbing.find(start)
    snapshot = tree.commit(git, "HEAD", ("labelvc.yaml", "datasets", "taxonomies", "guidelines", "privacy"))
    with tree.reader(git) as reader:
        return of(projects.examine(git, snapshot, reader)[1], name)


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
