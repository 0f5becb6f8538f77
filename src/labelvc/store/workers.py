"""Work spread over processes in chunks, with its results in order."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from labelvc.errors import StoreError

_CHUNKS = 8
_installed: list[Callable[[list[Any]], Iterable[Any]]] = []

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_chunks(
    function: Callable[[list[Item]], Iterable[Result]], items: Sequence[Item], jobs: int, worth: int = 32
) -> Iterator[Result]:
    """Yield the results of a function that takes many items at a time, in the order of the items.

    The items are cut into about 8 chunks a worker: fewer leave workers idle at the end, one an item costs more than the
    work. Workers are forked, so the function may be a closure over anything; items and results are pickled.

    Args:
        function: gets a list of neighbouring items and yields any number of results.
        items: all of them.
        jobs: number of processes; with 1 all is done here, lazily.
        worth: with fewer items than this no process is started.

    Yields:
        What the function yields.

    Raises:
        StoreError: a worker was killed.
        Exception: whatever the function raises, of the first chunk that fails.
    """
    jobs = min(jobs, len(items))
    size = max(1, -(-len(items) // (max(jobs, 1) * _CHUNKS)))
    chunks = [list(items[start : start + size]) for start in range(0, len(items), size)]
    if jobs <= 1 or len(items) < worth:
        for chunk in chunks:
            yield from function(chunk)
        return
    fork = multiprocessing.get_context("fork")
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(jobs, mp_context=fork, initializer=_install, initargs=(function,))
    try:
        for results in pool.map(_work, chunks):
            yield from results
    except BrokenProcessPool:
        raise StoreError(
            "a worker process was killed, perhaps for want of memory", hint="run it again with `--jobs 1`"
        ) from None
    except BaseException:  # Ctrl-C, an error, or a caller that has seen enough: nobody waits for the rest
        for worker in set(multiprocessing.active_children()) - others:
            worker.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _install(function: Callable[[list[Any]], Iterable[Any]]) -> None:
    """Prepare a worker: Ctrl-C is the parent's to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _installed[:] = [function]


def _work(chunk: list[Any]) -> list[Any]:
    return list(_installed[0](chunk))
