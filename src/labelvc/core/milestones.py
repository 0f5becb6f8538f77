"""Milestones of a project's document: what their schema cannot say of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from labelvc.core import registers


def troubles(
    project: Mapping[str, Any], datasets: Mapping[str, Mapping[str, Any]], names: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the milestones of a project.

    Args:
        project: what its document says.
        datasets: name to what the document of each dataset says, of those that can be read.
        names: of all datasets.

    Yields:
        JSON pointers, and what is wrong there.
    """
    for name, wanted in project.get("milestones", {}).items():
        at, task, dataset = f"/milestones/{name}", wanted["task"], wanted["dataset"]
        if not registers.is_day(wanted["by"]):
            yield f"{at}/by", f"{wanted['by']} is in no calendar"
        if task not in project["tasks"]:
            yield f"{at}/task", f"there is no task {task!r}"
        elif dataset not in names:
            yield f"{at}/dataset", f"there is no dataset {dataset!r}"
        elif dataset in datasets and task not in datasets[dataset]["tasks"]:
            yield f"{at}/task", f"the dataset {dataset} does not ask {task}"
        elif "each" in wanted and "taxonomy" not in project["tasks"][task]:
            yield f"{at}/each", f"the task {task} has no taxonomy, so there are no labels to count each of"
