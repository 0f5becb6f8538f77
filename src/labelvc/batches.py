"""Batches: a stream cut into lists, so that neither one at a time nor all at once is the choice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")


def batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Yield lists of so many neighbours; the last one may be shorter, and none is empty."""
    source = iter(items)
    while some := list(islice(source, size)):
        yield some
