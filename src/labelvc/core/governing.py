"""Governing: the project of a branch as the settings of its base judge it, so that a branch softens nothing that judges it.

Two tables say of each member of a project and of a dataset who decides it: the branch, for it is what a branch is there to
change, or the base, for it says what is wrong. A member that is in no table cannot be (tests/core/test_governing.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from labelvc.model.project import CheckSetting, Dataset, Project, ReviewSetting, Task

Decide = Callable[[Any, Any], Any]
"""Returns a member from that of the base and that of the branch."""


def by(base: Project, project: Project) -> Project:
    """Return a project as the settings of its base judge it.

    What exists is the branch's: labels, guidelines, datasets, fields, tasks. What is wrong is the base's: a setting that a
    branch makes softer holds from the next change on. A dataset that is new has its checks with their own severities and
    thresholds, and is reviewed as is usual.

    Args:
        base: the documents of where the branch would go.
        project: those of the branch.
    """
    asked = msgspec.structs.replace(
        project, **{name: decide(getattr(base, name), getattr(project, name)) for name, decide in PROJECT.items()}
    )
    if msgspec.structs.replace(asked, accepted=project.accepted, waivers=project.waivers) != project:
        asked = msgspec.structs.replace(asked, digest=f"{project.digest} {base.digest}")
    return asked


def _of_branch(_base: Any, own: Any) -> Any:
    return own


def _of_base(base: Any, _own: Any) -> Any:
    return base


def _kept(base: Any, own: Any) -> Any:
    return base or own


def _datasets(base: Mapping[str, Dataset], own: Mapping[str, Dataset]) -> dict[str, Dataset]:
    return {name: _dataset(base.get(name), dataset) for name, dataset in own.items()}


def _dataset(base: Dataset | None, own: Dataset) -> Dataset:
    if base is None:
        return msgspec.structs.replace(own, checks=dict.fromkeys(own.checks, CheckSetting()), review=ReviewSetting())
    said = {name: decide(getattr(base, name), getattr(own, name)) for name, decide in DATASET.items()}
    return msgspec.structs.replace(own, **said)


def _tasks(base: Mapping[str, Task], own: Mapping[str, Task]) -> dict[str, Task]:
    return {name: _task(base[name], task) if name in base else task for name, task in own.items()}


def _task(base: Task, own: Task) -> Task:
    """Return a task with the narrower of two scales; one of another type is another question."""
    if base.type != own.type:
        return own
    said = {name: decide(getattr(base, name), getattr(own, name)) for name, decide in TASK.items()}
    return msgspec.structs.replace(own, **said)


def _highest(base: float | None, own: float | None) -> float | None:
    return max((value for value in (base, own) if value is not None), default=None)


def _lowest(base: float | None, own: float | None) -> float | None:
    return min((value for value in (base, own) if value is not None), default=None)


def _needed(base: Mapping[str, bool], own: Mapping[str, bool]) -> dict[str, bool]:
    """Return the tasks of a dataset: one that every item needs an answer to is needed as long as it is asked."""
    return {task: needed or base.get(task, False) for task, needed in own.items()}


def _fields(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of items: what one may hold that was declared before is as it was."""
    return {name: base.get(name, schema) for name, schema in own.items()}


def _protected(base: tuple[Any, ...], own: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the sensitive fields, those of the base among them that the branch has no longer."""
    said = {(field.pointer, field.layer) for field in own}
    return (*own, *[field for field in base if (field.pointer, field.layer) not in said])


def _both(base: frozenset[str], own: frozenset[str]) -> frozenset[str]:
    return base | own


PROJECT: Mapping[str, Decide] = {
    "id": _of_branch,
    "name": _of_branch,
    "tasks": _tasks,
    "datasets": _datasets,
    "taxonomies": _of_branch,
    "guidelines": _of_branch,
    "digest": _of_branch,
    "domain": _of_branch,
    "leaks": _of_base,
    "erased": _both,  # who was forgotten stays so, whatever the branch says
    "licences": _of_base,
    "erase": _of_base,
    "accepted": _of_base,
    "waivers": _of_base,
    "epochs": _of_branch,
    "guiding": _of_base,
    "modules": _of_branch,  # `labelvc.ops.pinned` holds the lock against that of the base
    "milestones": _of_branch,  # what is wanted by when: `report` tells of it, and no finding comes of it
    "bindings": _of_branch,
}
DATASET: Mapping[str, Decide] = {
    "name": _of_branch,
    "id": _of_branch,
    "tasks": _needed,
    "storage": _of_branch,
    "shards": _of_branch,
    "group": _of_branch,
    "natural_key": _kept,
    "item_fields": _fields,
    "slices": _of_base,
    "sensitive": _protected,
    "risk": _kept,
    "checks": _of_base,
    "profiles": _of_branch,  # `checks`, `slices` and `review` hold what they say
    "review": _of_base,
    "sources": _of_branch,
    "merge": _of_base,
    "title": _of_branch,
    "ext": _of_branch,
}
TASK: Mapping[str, Decide] = {
    "type": _of_branch,
    "taxonomy": _of_branch,
    "guideline": _kept,
    "minimum": _highest,
    "maximum": _lowest,
    "step": _highest,
    "fields": _of_branch,
    "groups": _of_base,
    "title": _of_branch,
}
