"""The progress bar on a terminal; a module of its own so that only a terminal pays for importing rich."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextlib.contextmanager
def drawn(total: int | None, words: str, *, color: bool) -> Iterator[Callable[..., None]]:
    """Draw a bar on stderr until the block ends, then wipe it away.

    Args:
        total: how many steps there will be; None draws a bar that only moves.
        words: what is going on.
        color: whether it may be coloured.

    Yields:
        `advance(n=1)`.
    """
    console = Console(stderr=True, no_color=not color)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(words, total=total)

        def advance(n: int = 1) -> None:
            bar.advance(task, n)

        yield advance
