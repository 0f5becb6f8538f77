"""The forgotten: lines that hold tokens which the ledger lists since a change, wherever in the project they stand."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from labelvc.checks import pseudonyms
from labelvc.checks.view import View
from labelvc.model.finding import Finding
from labelvc.model.project import Project
from labelvc.model.snapshot import Snapshot
from labelvc.ops.cells import cells_of, contents
from labelvc.store.git import Git


def standing(
    git: Git,
    project: Project,
    snapshot: Snapshot,
    tokens: Collection[str],
    datasets: Iterable[str],
    seen: Collection[tuple[str, str]],
) -> Iterator[Finding]:
    """Yield the lines that hold some tokens: all shards are searched for these alone, and no other check is asked again.

    Args:
        git: the repository.
        project: the documents in force.
        snapshot: where the shards are.
        tokens: of those who were forgotten.
        datasets: names of datasets to search.
        seen: (dataset, shard name) of shards that every check looks at anyway.

    Raises:
        StoreError: a file cannot be read.
    """
    cells = cells_of(project, snapshot, (), set(datasets))
    wanted = re.compile(b"|".join([re.escape(token.encode()) for token in sorted(tokens)]))
    rest = (cell for cell in cells if (cell.dataset, cell.name) not in seen)
    for cell, items, records in contents(git, rest, lying=cells.lying):
        if wanted.search(items) or wanted.search(records):
            view = View(project, project.datasets[cell.dataset], cell.name, items, records)
            yield from pseudonyms.forgotten(view, tokens)
