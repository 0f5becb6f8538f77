"""Sources: where a file or folder that is to be imported can be read."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from labelvc.store.git import Git


def pointer(source: Path) -> Path:
    """Return where the DVC pointer of a file stands."""
    return Path(f"{source}.dvc")  # a folder such as `.` has no name


@contextmanager
def at_hand(git: Git, source: Path) -> Iterator[Path]:
    """Yield where a source can be read: where it is, or a copy of what workers of a cluster read of it, gone at the end.

    Args:
        git: the repository, perhaps with workers.
        source: a file or folder, or a name that only a DVC pointer beside it stands for.

    Raises:
        StoreError: it is not here and cannot be brought.
        Error: what is raised within, told of the source and not of its copy.
    """
    if source.exists():
        yield source
        return
    # nearly every source is here: it does not pay for what reads pointers and makes parcels
    with importlib.import_module("labelvc.ops.distant").brought(git, source) as copy:
        yield copy
