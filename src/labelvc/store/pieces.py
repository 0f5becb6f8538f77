"""Pieces: a file behind a DVC pointer that only the workers of a cluster can read, brought here a few MB at a time."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Sequence
from typing import IO

from labelvc.errors import StoreError
from labelvc.model.snapshot import Entry
from labelvc.store import parcel
from labelvc.store.executors import Executor
from labelvc.store.git import Git
from labelvc.store.outs import Out

_BYTES = 4 << 20


def bring(git: Git, far: Executor, out: Out, into: IO[bytes]) -> None:
    """Write a file that workers read into another one, and prove it by the MD5 of its pointer.

    Args:
        git: the repository, whose DVC settings name the remote.
        far: the workers.
        out: the file; no folder.
        into: where to; memory holds a few pieces for each worker.

    Raises:
        StoreError: workers or remote cannot be reached, the object is nowhere, or it is not what the pointer names.
        OSError: it cannot be written.
    """
    entry = Entry("dvc", out.md5)

    def file(_: object) -> Sequence[parcel.File]:
        return [(out.path, entry)]

    ((size, own),) = list(far.spread(sizes, parcel.pack(git, [None], file)))
    ends = [(begin, min(size, begin + _BYTES)) for begin in range(0, size, _BYTES)]
    digest = hashlib.md5(usedforsecurity=False)
    for data in far.spread(ranges, parcel.pack(git, ends, file, most=1)) if ends else ():
        digest.update(data)
        into.write(data)
    into.flush()
    if own and digest.hexdigest() != out.md5:
        hint = "dvc push --force, from a clone where `dvc status` is clean"
        raise StoreError(f"DVC object {out.md5} is damaged", where=out.path, hint=hint)


def sizes(data: bytes) -> list[tuple[int, bool]]:
    """Return, on a worker, what `labelvc.store.dvc.size_remote` says of the objects of a parcel."""
    remote, asked = parcel.unread(data)
    dvc = importlib.import_module("labelvc.store.dvc")
    return [dvc.size_remote(remote, path, entry) for _, path, entry in asked]


def ranges(data: bytes) -> list[bytes]:
    """Return, on a worker, bytes of the objects of a parcel, whose items are where they begin and end."""
    remote, asked = parcel.unread(data)
    dvc = importlib.import_module("labelvc.store.dvc")
    return [dvc.range_remote(remote, path, entry, *ends) for ends, path, entry in asked]
