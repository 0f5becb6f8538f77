"""Distant: a file to be imported that lies behind a DVC pointer which only workers of a cluster can follow."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from labelvc.errors import Error, StoreError
from labelvc.model import shell
from labelvc.ops.sources import pointer
from labelvc.store import disk, outs, pieces
from labelvc.store.git import Git
from labelvc.store.outs import Out

_OPEN = Path("/proc/self/fd")


@contextmanager
def brought(git: Git, source: Path) -> Iterator[Path]:
    """Yield a copy of what workers of a cluster read of a source, gone at the end.

    The copy has no name of its own where the system allows it, so that a killed command leaves nothing of it.

    Args:
        git: the repository, perhaps with workers.
        source: a name that only a DVC pointer beside it stands for.

    Raises:
        StoreError: it cannot be brought.
        Error: what is raised within, told of the source and not of its copy.
    """
    far, out = git.far, _out(source)
    if far is None:
        raise _absent(source, "the file is behind a DVC pointer and not here")
    with tempfile.TemporaryDirectory(prefix="labelvc-") as folder:
        copy = Path(folder) / source.name
        with tempfile.TemporaryFile() if _OPEN.is_dir() else copy.open("wb+") as file:
            try:
                pieces.bring(git, far, out, file)
            except OSError as error:
                raise disk.failure(error, Path(folder)) from None
            if not copy.exists():
                copy.symlink_to(_OPEN / str(file.fileno()))
            try:
                yield copy
            except Error as error:
                told = [text.replace(str(copy), str(source)) for text in (error.message, error.where, error.hint)]
                raise type(error)(told[0], where=told[1], hint=told[2]) from None


def _out(source: Path) -> Out:
    """Return the one file that the pointer of a source stands for.

    Raises:
        StoreError: it stands for a folder or for nothing that DVC keeps.
    """
    lead = pointer(source)
    found = outs.read(str(lead), lead.read_bytes())
    if len(found) != 1 or found[0].folder:
        raise _absent(source, "the source is behind a DVC pointer to no single file, and not here")
    return found[0]


def _absent(source: Path, message: str) -> StoreError:
    lead = shell.word(str(pointer(source)))
    hint = f"dvc pull {lead}; or, where only workers of a cluster reach the remote of a file: --executor dask --scheduler ADDR"
    return StoreError(message, where=str(source), hint=hint)
