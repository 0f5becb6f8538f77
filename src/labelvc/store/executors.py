"""Executors: where work on shards is done, here or on workers of a cluster, and which ones there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, NamedTuple, Protocol, Self, TypeVar

from labelvc.errors import ConfigurationError

BUILT_IN: dict[str, str] = {
    "processes": "",
    "dask": "labelvc.store.dask:start",
}
"""Name to `module:attribute` of a `Start`; `processes` has none: forks of this process see the repository themselves."""

GROUP = "labelvc.executors"
"""Entry points of other packages: name to `module:attribute` of a `Start`."""

Result = TypeVar("Result")


class Started(NamedTuple):
    """Workers that were reached.

    Attributes:
        pool: a `concurrent.futures.Executor`, such as Dask's `client.get_executor(pure=False)`; labelvc gives it importable
            functions and bytes, and shuts it down.
        width: how many tasks it runs at once.
        trouble: says why a task failed with an error that the task did not raise (its workers were killed); without an
            error, why nothing moves (the scheduler is gone, no worker is left). Empty when the error is the task's own, or
            there is hope. Asked every few seconds while a result is waited for.
    """

    pool: Any
    width: int
    trouble: Callable[[BaseException | None], str] = lambda _: ""


class Start(Protocol):
    """What a package brings: reach the workers at an address (what `--scheduler` says, it may be empty)."""

    def __call__(self, address: str) -> Started:
        """Return the workers; raise `StoreError` when they cannot be reached or do not fit."""


class Executor(Protocol):
    """Workers that have no copy of the repository."""

    def __enter__(self) -> Self:
        """Return the executor; workers are reached with the first work."""

    def __exit__(self, *_: object) -> None:
        """Let go of the workers; what they still do is dropped."""

    def spread(
        self, function: Callable[[bytes], list[Result]], parcels: Callable[[int], Iterator[bytes]]
    ) -> Iterator[Result]:
        """Yield the results of an importable function over parcels, in their order.

        Args:
            function: gets the bytes of one parcel and returns any number of results.
            parcels: makes the parcels for so many tasks at once; asked for more while earlier ones are worked on.

        Yields:
            What the function returns.

        Raises:
            StoreError: the workers cannot be reached, do not fit, or are lost for good.
            Error: what the function raises.
        """


def names() -> tuple[str, ...]:
    """Return the names of the built-in executors, for help and messages."""
    return tuple(BUILT_IN)


def find(name: str, address: str) -> Executor | None:
    """Return an executor by its name; other packages are asked only for names that are not built in.

    Args:
        name: `processes`, `dask`, or what an installed package calls its own.
        address: of the scheduler.

    Returns:
        The executor, which has not reached anything yet; None for `processes`.

    Raises:
        ConfigurationError: nothing installed has this name, or what it needs is not installed.
    """
    if name == "processes":
        return None
    executor: Executor = import_module("labelvc.store.cluster").Cluster(_start(name), address)
    return executor


def _start(name: str) -> Start:
    where = BUILT_IN.get(name, "")
    try:
        if where:
            module, _, attribute = where.partition(":")
            found: Start = getattr(import_module(module), attribute)
            return found
        for point in import_module("importlib.metadata").entry_points(group=GROUP, name=name):
            loaded: Start = point.load()
            return loaded
    except (ImportError, AttributeError) as error:
        hint = (
            f"pip install 'labelvc[{name}]'"
            if where
            else f"pip install --force-reinstall the package that brings {name}"
        )
        raise ConfigurationError(f"the executor {name!r} cannot be loaded: {error}", hint=hint) from None
    raise ConfigurationError(
        f"there is no executor {name!r}", hint=f"use one of {', '.join(names())}, or install a package that brings it"
    )
