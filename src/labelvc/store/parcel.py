"""Parcels: work as bytes for a worker that has no copy of the repository, and what it finds when it opens one.

What git and the disk hold travels in the parcel; of what lies behind a DVC pointer only the digest does, and the worker reads
it from the DVC remote. No secret, key or credential is ever put into a parcel.
"""

from __future__ import annotations

import importlib
import pickle
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from labelvc import __version__
from labelvc.errors import StoreError
from labelvc.model.snapshot import Entry, FileChange
from labelvc.store import patch
from labelvc.store.git import Git
from labelvc.store.reader import Reader

_BYTES = 4 << 20
_ITEMS = 64
_TASKS = 8
"""Tasks for each that runs at once: fewer leave workers idle at the end, more cost more than they bring."""

Item = TypeVar("Item")
File = tuple[str, Entry | None]


class Remote(NamedTuple):
    """A DVC remote as far as another machine may know it: never its credentials.

    Attributes:
        name: of the default remote; empty when the repository names none, and then the worker's own default counts.
        urls: (name, url) of it and of those its url refers to (`remote://name/...`).
    """

    name: str
    urls: tuple[tuple[str, str], ...] = ()


class _Parcel(NamedTuple):
    shared: bytes
    remote: Remote
    items: list[Any]
    files: list[list[tuple[str, Entry | None, bytes | None]]]


def maker(rules: str) -> tuple[str, str, str]:
    """Return what client and worker must have in common: labelvc, Python and the versions of the rules."""
    return (__version__, ".".join(map(str, sys.version_info[:2])), rules)


def pack(
    git: Git,
    items: Sequence[Item],
    files: Callable[[Item], Sequence[File]],
    *,
    shared: Any = None,
    rules: str = "",
    lying: bool = False,
    most: int = _ITEMS,
) -> Callable[[int], Iterator[bytes]]:
    """Return what makes parcels of items for so many tasks at once, for `Executor.spread`.

    Args:
        git: the repository.
        items: values that can be pickled, neighbours of which go into one parcel.
        files: the files an item needs, always the same number; an entry of None stands for no file.
        shared: what every item needs; it travels with each parcel, since what only one worker holds dies with it.
        rules: versions of the rules; a worker with others refuses.
        lying: the entries are of the work tree, where the disk is quicker than git.
        most: items of a parcel, where what comes back of one is large.
    """

    def parcels(width: int) -> Iterator[bytes]:
        wanted = [list(files(item)) for item in items]
        here = [(path, entry) for row in wanted for path, entry in row if entry is not None and entry.kind != "dvc"]
        away = any(entry is not None and entry.kind == "dvc" for row in wanted for _, entry in row)
        remote = importlib.import_module("labelvc.store.dvc").remote(git) if away else Remote("")
        many = max(1, min(most, -(-len(items) // (width * _TASKS))))
        common = pickle.dumps(shared, pickle.HIGHEST_PROTOCOL)
        with Reader(git) as reader:
            data = reader.lying(here) if lying else reader.many(here)
            rows = zip(items, wanted, strict=True)
            while some := list(_some(rows, data, many)):
                parcel = _Parcel(common, remote, [item for item, _ in some], [row for _, row in some])
                yield pickle.dumps((maker(rules), pickle.dumps(parcel, pickle.HIGHEST_PROTOCOL)))

    return parcels


def opened(data: bytes, rules: Callable[[Any], str] | None = None) -> tuple[Any, Iterator[tuple[Any, list[bytes]]]]:
    """Open a parcel on a worker.

    Args:
        data: the parcel.
        rules: returns the versions of the rules this worker has, of what is shared.

    Returns:
        What is shared, and (item, bytes of its files) pairs; a file that is not there is empty.

    Raises:
        StoreError: client and worker have different versions, or a DVC object cannot be read or is not what was committed.
    """
    made, parcel = _unpacked(data)
    shared = _common(parcel.shared)
    if rules is not None:
        _same(made, maker(rules(shared)))
    wanted = [(path, entry) for row in parcel.files for path, entry, sent in row if entry is not None and sent is None]
    if not wanted:
        fetched: Iterator[bytes] = iter(())
    else:
        fetched = importlib.import_module("labelvc.store.dvc").read_remote(parcel.remote, wanted)
    return shared, _files(parcel, fetched)


def unread(data: bytes) -> tuple[Remote, list[tuple[Any, str, Entry]]]:
    """Open, on a worker, a parcel whose items need one DVC object each, and read none of them.

    Returns:
        The remote that they lie in, and of each item itself, the path of its file and the entry.

    Raises:
        StoreError: client and worker have different versions.
    """
    parcel = _unpacked(data)[1]
    pairs = zip(parcel.items, parcel.files, strict=True)
    return parcel.remote, [(item, path, entry) for item, ((path, entry, _),) in pairs if entry is not None]


def contents(data: bytes) -> list[bytes]:
    """Return, on a worker, the bytes of the files of a parcel's items: how a DVC object reaches a client without the remote."""
    return [content for _, files in opened(data)[1] for content in files]


def differences(data: bytes) -> list[FileChange]:
    """Return, on a worker, the lines that differ between the two files of each item, which is their path."""
    changes = [patch.walk(path, left, right) for path, (left, right) in opened(data)[1]]
    return [change for change in changes if change.old or change.new]


def _unpacked(data: bytes) -> tuple[tuple[str, ...], _Parcel]:
    made, inner = pickle.loads(data)  # noqa: S301 - it came from the client, which could run anything here anyway
    _same(made[:2], maker("")[:2])
    parcel: _Parcel = pickle.loads(inner)  # noqa: S301
    return made, parcel


def _files(parcel: _Parcel, fetched: Iterator[bytes]) -> Iterator[tuple[Any, list[bytes]]]:
    for item, row in zip(parcel.items, parcel.files, strict=True):
        yield item, [b"" if entry is None else next(fetched) if sent is None else sent for _, entry, sent in row]


def _some(
    rows: Iterator[tuple[Any, list[File]]], data: Iterator[tuple[str, bytes]], most: int
) -> Iterator[tuple[Any, list[tuple[str, Entry | None, bytes | None]]]]:
    """Yield items with their files until there are enough of them or of their bytes."""
    size = 0
    for item, wanted in islice(rows, most):
        row = [(path, entry, None if entry is None or entry.kind == "dvc" else next(data)[1]) for path, entry in wanted]
        size += sum(len(sent) for _, _, sent in row if sent)
        yield item, row
        if size >= _BYTES:
            return


@lru_cache(maxsize=4)
def _common(shared: bytes) -> Any:
    return pickle.loads(shared)  # noqa: S301


def _same(theirs: tuple[str, ...], ours: tuple[str, ...]) -> None:
    words = ("labelvc", "Python", "the checks")
    for word, client, worker in zip(words, theirs, ours, strict=False):
        if client != worker:
            message = f"a worker has another version of {word}: {worker} there, {client} here"
            raise StoreError(message, hint=f"pip install labelvc=={__version__} on every worker, with the same Python")
