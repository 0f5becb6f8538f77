"""The forgotten: lines that hold tokens which the ledger lists since a change, wherever in the project they stand."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from labelvc.batches import batches
from labelvc.checks import pseudonyms
from labelvc.checks.view import View
from labelvc.codec import shard
from labelvc.model.finding import Finding
from labelvc.model.names import Layer
from labelvc.model.project import Project
from labelvc.model.snapshot import Snapshot
from labelvc.ops import look
from labelvc.store import tree
from labelvc.store.git import Git

_LAYERS: tuple[Layer, ...] = ("items", "annotations")
_AT_ONCE = 512


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
    cells = look.cells_of(project, snapshot, (), set(datasets))
    wanted = re.compile(b"|".join([re.escape(token.encode()) for token in sorted(tokens)]))
    with tree.reader(git) as reader:
        for some in batches((cell for cell in cells if (cell.dataset, cell.name) not in seen), _AT_ONCE):
            paths = [
                (shard.path(cell.dataset, layer, cell.name), entry)
                for cell in some
                for layer, entry in zip(_LAYERS, (cell.items, cell.annotations), strict=True)
                if entry
            ]
            data = reader.lying(paths) if cells.lying else reader.many(paths)
            for cell in some:
                items = next(data)[1] if cell.items else b""
                annotations = next(data)[1] if cell.annotations else b""
                if wanted.search(items) or wanted.search(annotations):
                    view = View(project, project.datasets[cell.dataset], cell.name, items, annotations)
                    yield from pseudonyms.forgotten(view, tokens)
