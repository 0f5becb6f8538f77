"""A cluster: workers behind a `concurrent.futures.Executor`, kept busy with a few parcels each and no more."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from typing import Any, Self, TypeVar

from labelvc.errors import Error, StoreError
from labelvc.store.executors import Start, Started

_AHEAD = 3
"""Parcels given out for each task that runs: a worker that is done finds the next one there, and memory stays flat."""
_PATIENCE = 2.0
"""Seconds between two looks whether there is still hope."""

Result = TypeVar("Result")


class Cluster:
    """An `Executor` over whatever `start` reaches; the connection is made once, with the first work.

    Args:
        start: reaches the workers.
        address: where they are.
    """

    def __init__(self, start: Start, address: str) -> None:
        self._start = start
        self._address = address
        self._started: Started | None = None

    def __enter__(self) -> Self:
        """Return the cluster."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the workers without waiting for what they still do."""
        if self._started is not None:
            self._started.pool.shutdown(wait=False)
            self._started = None

    def spread(
        self, function: Callable[[bytes], list[Result]], parcels: Callable[[int], Iterator[bytes]]
    ) -> Iterator[Result]:
        """Yield the results of a function over parcels; see `Executor.spread`."""
        if self._started is None:
            self._started = self._start(self._address)
        started = self._started
        waiting: deque[Future[list[Result]]] = deque()
        try:
            for parcel in parcels(started.width):
                if len(waiting) >= started.width * _AHEAD:
                    yield from self._result(started, waiting.popleft())
                waiting.append(started.pool.submit(function, parcel))
            while waiting:
                yield from self._result(started, waiting.popleft())
        finally:
            for future in waiting:
                future.cancel()

    def _result(self, started: Started, future: Future[Any]) -> list[Any]:
        while True:
            try:
                results: list[Any] = future.result(timeout=_PATIENCE)
                return results
            except Error:
                raise
            except (Exception, CancelledError) as error:
                waited = isinstance(error, TimeoutError) and not future.done()
                trouble = started.trouble(None if waited else error)
                if isinstance(error, CancelledError):
                    trouble = trouble or "the scheduler dropped the work"
                if trouble:
                    future.cancel()
                    raise self._lost(trouble) from None
                if not waited:
                    raise

    def _lost(self, message: str) -> StoreError:
        hint = "start scheduler and workers and run it again (what was finished before is remembered); or leave --executor away"
        return StoreError(message, where=self._address, hint=hint)
