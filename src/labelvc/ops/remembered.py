"""Remembered: what commits did, worked out once for each and kept by its id: commits never change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import msgspec

from labelvc.batches import batches
from labelvc.model.commit import Commit
from labelvc.store.cache import Cache

_STEPS = 256
_HEAVY = 8 << 20
"""Bytes of what one commit did from which on it is worked out again: it would push all else out of the cache."""
_Done = TypeVar("_Done")


def by_commit(
    cache: Cache,
    commits: Iterable[Commit],
    key_of: Callable[[Commit], str],
    kind: type[_Done],
    made: Callable[[Sequence[Commit]], Iterator[tuple[Commit, _Done]]],
) -> Iterator[tuple[Commit, _Done]]:
    """Yield what each of some commits did, in their order.

    Args:
        cache: where it is remembered.
        commits: the commits.
        key_of: returns what that of a commit depends on.
        kind: the type of it; called without anything it is nothing.
        made: works it out for commits that are not remembered, in their order; those that did nothing may be left out.
    """
    read = msgspec.msgpack.Decoder(kind).decode
    for some in batches(commits, _STEPS):
        keys = {commit.id: key_of(commit) for commit in some}
        kept = dict(_recalled(cache.get_many(keys.values()).items(), read))
        missing = [commit for commit in some if keys[commit.id] not in kept]
        fresh: list[tuple[str, bytes]] = []
        told = made(missing) if missing else iter(())
        following = next(told, None)
        try:
            for commit in some:
                done = kept.pop(keys[commit.id], None)
                if done is None:
                    done = kind()
                    if following is not None and following[0].id == commit.id:
                        done, following = following[1], next(told, None)
                    fresh += _written(keys[commit.id], done)
                yield commit, done
        finally:
            cache.put_many(fresh)


def _written(key: str, done: object) -> Iterator[tuple[str, bytes]]:
    raw = msgspec.msgpack.encode(done)
    if len(raw) < _HEAVY:
        yield key, raw


def _recalled(kept: Iterable[tuple[str, bytes]], read: Callable[[bytes], Any]) -> Iterator[tuple[str, Any]]:
    for key, raw in kept:
        try:
            yield key, read(raw)
        except msgspec.DecodeError:  # another labelvc wrote it in its own shape
            continue
