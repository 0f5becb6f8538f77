"""Times that are typed as options, and the time that it is."""

from __future__ import annotations

import click

from labelvc.cli.context import now
from labelvc.codec import moment


def instant(_: click.Context, parameter: click.Parameter, typed: str | None) -> str | None:
    """Return a moment that somebody typed, RFC 3339 UTC; None where nobody did.

    Raises:
        click.BadParameter: it is none.
    """
    found = moment.read(typed, now()) if typed is not None else None
    if typed is not None and found is None:
        told = "30d (h hours, d days, w weeks), 2026-12-31 (its end in UTC) or 2026-12-31T18:00:00Z"
        raise click.BadParameter(f"{typed!r} is no time: write {told}", param=parameter)
    return found


def span(_: click.Context, parameter: click.Parameter, typed: str | None) -> int | None:
    """Return a stretch of time that somebody typed, in seconds; None where nobody did.

    Raises:
        click.BadParameter: it is none.
    """
    found = moment.span(typed) if typed is not None else None
    if typed is not None and found is None:
        raise click.BadParameter(f"{typed!r} is no stretch of time: write 36h, 30d or 4w", param=parameter)
    return found


def clock() -> int:
    """Return the time in seconds since 1970."""
    return int(now().timestamp())
