"""The progress bar on a terminal; a module of its own so that only a terminal pays for importing rich."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

PATIENCE = 0.5
"""Seconds of work before a bar appears: what is done sooner does not flicker."""


class _Rate(ProgressColumn):
    """How many a second, over the last half minute."""

    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def render(self, task: Task) -> Text:
        """Return the rate, or nothing while there is none."""
        speed = task.speed
        return Text(f"{speed:,.0f} {self._unit}/s" if speed and self._unit else "", style="progress.data.speed")


@contextlib.contextmanager
def drawn(total: int | None, words: str, unit: str = "", *, color: bool) -> Iterator[Callable[..., None]]:
    """Draw a bar on stderr while the block runs, and wipe it away at the end.

    Args:
        total: how many steps there will be; with None they are counted without a bar until `advance` is told.
        words: what is going on.
        unit: what is counted, for the rate.
        color: whether it may be coloured.

    Yields:
        `advance(n=1, total=None)`.
    """
    said = TextColumn("{task.description}")
    counted = (SpinnerColumn(), said, TextColumn("{task.completed:,.0f}"), _Rate(unit))
    measured = (said, BarColumn(), MofNCompleteColumn(), _Rate(unit), TimeRemainingColumn(compact=True))
    columns = counted if total is None else measured
    bar = Progress(*columns, console=Console(stderr=True, no_color=not color), transient=True)
    task = bar.add_task(words, total=total)
    begun = time.monotonic()

    def advance(n: int = 1, total: int | None = None) -> None:
        if total is not None:
            bar.columns = measured
            bar.update(task, total=total)
        if not bar.live.is_started and time.monotonic() - begun >= PATIENCE:
            bar.start()
        bar.advance(task, n)

    try:
        yield advance
    finally:
        if bar.live.is_started:
            bar.stop()
