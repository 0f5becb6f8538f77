"""Dask: workers behind a scheduler that somebody else runs. Importing it takes half a second; only `--executor dask` does."""

from __future__ import annotations

import logging
import threading
import time
import warnings
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from typing import Any, TypeVar

from distributed import Client, KilledWorker
from distributed.comm.addressing import parse_address
from distributed.comm.registry import get_backend

from labelvc import __version__
from labelvc.errors import StoreError
from labelvc.store.executors import Started

_CONNECT = 5
_FIRST = 10.0
_PATIENCE = 30.0
_ANSWER = 10
_CLOSE = 2
"""Seconds to wait for the scheduler, a first worker, a new worker when the last one is gone, an answer, and a farewell."""
_START = "dask scheduler; dask worker ADDRESS --nworkers 2 --nthreads 1 (docs/guide/scale.md)"


_LOGGERS = (
    "distributed",
    "distributed.client",
    "distributed.comm",
    "distributed.core",
    "tornado",
    "tornado.application",
)

Result = TypeVar("Result")


def start(address: str) -> Started:
    """Connect to a scheduler, and make sure that its workers can do what is asked of them.

    Args:
        address: `tcp://HOST:8786`, or `tls://` with certificates from Dask's own configuration.

    Returns:
        The workers.

    Raises:
        StoreError: nobody answers, there is no worker, or versions of labelvc, Python or Dask differ.
    """
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    try:
        client = _within(2 * _CONNECT, lambda: _connect(address))
    except (OSError, ValueError, ImportError, TypeError) as error:
        said = " ".join(str(error).split()) or "it does not answer"
        raise StoreError(f"the Dask scheduler cannot be reached: {said}", where=address, hint=_START) from None
    try:
        width = _within(_FIRST + _ANSWER, lambda: _examine(client, address))
    except TimeoutError:
        _close(client)
        hint = "dask scheduler and workers: look at their logs, and start those anew that stand still"
        raise StoreError("the Dask scheduler or one of its workers does not answer", where=address, hint=hint) from None
    except BaseException:
        _close(client)
        raise
    pool = _Pool(client)
    return Started(pool, width, pool.trouble)


def _connect(address: str) -> Any:
    get_backend(parse_address(address)[0])  # a client with a scheme that is none would take ten seconds to go
    connect: Any = Client
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that versions differ is told in our own words
        return connect(address, timeout=_CONNECT, set_as_default=False, name="labelvc")


def _examine(client: Any, address: str) -> int:
    """Return how many tasks the workers run at once, once there is a worker and all of them fit."""
    try:
        client.wait_for_workers(1, timeout=_FIRST)
    except TimeoutError:
        hint = f"dask worker {address} --nworkers 2 --nthreads 1"
        raise StoreError("the Dask scheduler has no worker", where=address, hint=hint) from None
    _compare(client.get_versions(packages=["labelvc"]))
    threads: dict[str, int] = client.nthreads()
    return max(1, sum(threads.values()))


def _within(seconds: float, work: Callable[[], Result]) -> Result:
    """Return what a function returns; raise TimeoutError when it takes longer, as Dask waits for ever on who stands still."""
    done: Future[Result] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised where the result is waited for
            done.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return done.result(timeout=seconds)


def _close(client: Any) -> None:
    with suppress(OSError, TimeoutError, CancelledError):  # a scheduler that does not answer keeps nobody here
        client.close(timeout=_CLOSE)


def _compare(versions: Any) -> None:
    """Refuse a scheduler or worker whose labelvc, Python or Dask is another than ours: half of it would fail halfway."""
    ours = _chosen(versions["client"])
    others = {"the scheduler": versions["scheduler"]}
    others |= {f"the worker {address}": found for address, found in versions["workers"].items()}
    for who, found in others.items():
        theirs = _chosen(found)
        for what, here in ours.items():
            if theirs[what] != here:
                message = f"{who} has {what} {theirs[what]}" if theirs[what] else f"{who} does not have {what}"
                hint = f"pip install 'labelvc[dask]=={__version__}' distributed=={ours['distributed']} there"
                raise StoreError(f"{message}; here it is {here}", hint=hint)


def _chosen(found: Any) -> dict[str, str]:
    packages = found["packages"]
    python = ".".join(str(packages["python"]).split(".")[:2])
    return {"Python": python, "labelvc": packages["labelvc"] or "", "distributed": packages["distributed"] or ""}


class _Pool:
    """What `Started` asks of a pool, over a Dask client."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._executor = client.get_executor(pure=False)
        self._lonely = 0.0

    def submit(self, function: Any, parcel: bytes) -> Any:
        """Give out a task; Dask gives it to another worker when its own is killed."""
        return self._executor.submit(function, parcel)

    def shutdown(self, *, wait: bool) -> None:
        """Drop what is not done and disconnect."""
        with suppress(OSError, TimeoutError, CancelledError):
            self._executor.shutdown(wait=wait)
        _close(self._client)

    def trouble(self, error: BaseException | None) -> str:
        """Say why a task failed with an error that is not its own, or, without one, why nothing moves."""
        if isinstance(error, KilledWorker):
            return (
                f"Dask workers died over the same few shards ({error.allowed_failures + 1}), perhaps for want of memory"
            )
        if error is not None and not isinstance(error, CancelledError):
            return ""
        if self._client.status != "running":
            return "the Dask scheduler is gone"
        try:
            workers = len(self._client.nthreads(callback_timeout=_ANSWER))
        except (OSError, TimeoutError):
            return "the Dask scheduler does not answer any more"
        if workers:
            self._lonely = 0.0
            return ""
        self._lonely = self._lonely or time.monotonic()
        return "no Dask worker is left" if time.monotonic() - self._lonely > _PATIENCE else ""
