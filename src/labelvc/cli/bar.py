"""The progress bar on a terminal; a module of its own so that only a terminal pays for importing rich."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

PATIENCE = 0.5
"""Seconds of work before a bar appears: what is done sooner does not flicker."""


@contextlib.contextmanager
def drawn(total: int | None, words: str, *, color: bool) -> Iterator[Callable[..., None]]:
    """Draw a bar on stderr while the block runs, and wipe it away at the end.

    Args:
        total: how many steps there will be; None counts without a bar.
        words: what is going on.
        color: whether it may be coloured.

    Yields:
        `advance(n=1)`.
    """
    said = TextColumn("{task.description}")
    counted = (SpinnerColumn(), said, TextColumn("{task.completed:,.0f}"))
    columns = counted if total is None else (said, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=Console(stderr=True, no_color=not color), transient=True)
    task = bar.add_task(words, total=total)
    begun = time.monotonic()

    def advance(n: int = 1) -> None:
        if not bar.live.is_started and time.monotonic() - begun >= PATIENCE:
            bar.start()
        bar.advance(task, n)

    try:
        yield advance
    finally:
        if bar.live.is_started:
            bar.stop()
