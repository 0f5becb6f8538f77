"""Work spread over processes in chunks, with its results in order."""

from __future__ import annotations

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from labelvc.batches import batches
from labelvc.errors import StoreError

_AHEAD = 3
_installed: list[Callable[[list[Any]], Iterable[Any]]] = []

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_chunks(
    function: Callable[[list[Item]], Iterable[Result]], items: Iterable[Item], jobs: int, size: int = 128
) -> Iterator[Result]:
    """Yield the results of a function that takes many items at a time, in the order of the items.

    Workers are forked, so the function may be a closure over anything; items and results are pickled. Three chunks a worker are
    given out ahead, so that memory stays flat however many items there are.

    Args:
        function: gets a list of neighbouring items and yields any number of results.
        items: all of them, asked for as they are needed.
        jobs: number of processes; with 1 all is done here, lazily.
        size: items of a chunk: where one takes a millisecond, the last worker is alone for a tenth of a second at most.

    Yields:
        What the function yields.

    Raises:
        StoreError: a worker was killed.
        Exception: whatever the function raises, of the first chunk that fails.
    """
    chunks = batches(items, size)
    if jobs <= 1:
        for chunk in chunks:
            yield from function(chunk)
        return
    fork = multiprocessing.get_context("fork")
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(jobs, mp_context=fork, initializer=_install, initargs=(function,))
    waiting: deque[Future[list[Any]]] = deque()
    try:
        for chunk in chunks:
            if len(waiting) >= jobs * _AHEAD:
                yield from waiting.popleft().result()
            waiting.append(pool.submit(_work, chunk))
        while waiting:
            yield from waiting.popleft().result()
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
