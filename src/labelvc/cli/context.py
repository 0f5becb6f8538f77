"""What every command knows of its surroundings: global options, environment and clock."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import click

from labelvc.errors import ConfigurationError


class Settings(NamedTuple):
    """The global options, resolved.

    Attributes:
        directory: absolute folder to work in.
        quiet: say nothing but errors and what was asked for (labelvc.cli.output).
        verbose: how many times `-v` was given.
        jobs: worker processes to use here; 0 only before `settings_from` decided.
        color: whether text on stdout may be coloured; never where it goes into a file instead.
        progress: whether a progress bar may be drawn on stderr.
        executor: who looks at shards, by name; empty when nobody said.
        scheduler: where a cluster's scheduler is; empty when no option said.
    """

    directory: Path
    quiet: bool = False
    verbose: int = 0
    jobs: int = 1
    color: bool = False
    progress: bool = False
    executor: str = ""
    scheduler: str = ""


SPREAD = ("check", "diff", "import", "report", "review", "taxonomy counts")
"""The commands that use the workers of a cluster (docs/adr/0013-what-is-spread.md)."""
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_QUIET = "Say nothing but errors; a command that is there to show something still shows it."
_COLOR = click.Choice(["auto", "always", "never"])


def global_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the global options to the main group."""
    for option in reversed(_options(hidden=False)):
        function = option(function)
    return function


def pass_settings(function: Callable[..., Any]) -> Callable[..., Any]:
    """Pass `Settings` as a command's first argument, and accept the global options after the command's name too."""

    @functools.wraps(function)
    def command(*arguments: Any, **options: Any) -> Any:
        given = {name: options.pop(name) for name in list(options) if name.startswith("global_")}
        context = click.get_current_context()
        called = context.command_path.removeprefix(context.find_root().command_path).strip()
        if (given.get("global_executor") or given.get("global_scheduler")) and called not in SPREAD:
            spread = f"{', '.join(SPREAD[:-1])} and {SPREAD[-1]}"
            raise click.UsageError(f"{context.info_name} does its work here: --executor is for {spread}")
        settings = settings_from(context.find_object(Settings) or Settings(Path.cwd(), jobs=0), given)
        if options.get("output") is not None:
            settings = settings._replace(color=False)  # what goes into a file is no text on a terminal
        return function(settings, *arguments, **options)

    for option in reversed(_options(hidden=True)):
        command = option(command)
    return command


def settings_from(settings: Settings, options: Mapping[str, Any]) -> Settings:
    """Return settings with the options that were given laid over them.

    Args:
        settings: what holds so far.
        options: values by the names `_options` declares; None (or 0, False) where an option was not given.
    """
    directory = (settings.directory / (options.get("global_directory") or "")).resolve()
    quiet = settings.quiet or bool(options.get("global_quiet"))
    color = options.get("global_color")
    return Settings(
        directory=directory,
        quiet=quiet,
        verbose=settings.verbose + int(options.get("global_verbose") or 0),
        jobs=options.get("global_jobs") or settings.jobs or processors(),
        color=settings.color if color is None else _colored(color),
        progress=sys.stderr.isatty() and not quiet and not environment("CI"),
        executor=options.get("global_executor") or settings.executor,
        scheduler=options.get("global_scheduler") or settings.scheduler,
    )


def today() -> str:
    """Return the date in UTC, `2026-12-02`, of the time that `now` returns."""
    return now().strftime("%Y-%m-%d")


def now() -> datetime:
    """Return the time in UTC, to the second; SOURCE_DATE_EPOCH, when set, is the time.

    Raises:
        ConfigurationError: SOURCE_DATE_EPOCH is no whole number of seconds.
    """
    fixed = environment("SOURCE_DATE_EPOCH")
    if not fixed:
        return datetime.now(UTC).replace(microsecond=0)
    try:
        return datetime.fromtimestamp(int(fixed), UTC)
    except (ValueError, OverflowError, OSError):
        raise ConfigurationError(
            "SOURCE_DATE_EPOCH is no whole number of seconds", hint="unset SOURCE_DATE_EPOCH"
        ) from None


def environment(name: str) -> str | None:
    """Return an environment variable, or None when it is unset or empty."""
    return os.environ.get(name) or None


def in_ci() -> bool:
    """Tell whether this runs in CI, as CI services say it: CI=true."""
    return (environment("CI") or "").casefold() in {"true", "1"}


def processors() -> int:
    """Return how many processors this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _colored(choice: str) -> bool:
    """Decide on colour: the flag, NO_COLOR, CLICOLOR_FORCE or FORCE_COLOR, whether stdout is a terminal."""
    if choice != "auto":
        return choice == "always"
    if environment("NO_COLOR"):
        return False
    forced = environment("CLICOLOR_FORCE") or environment("FORCE_COLOR")
    return forced not in {None, "0"} or (sys.stdout.isatty() and environment("TERM") != "dumb")


def _options(*, hidden: bool) -> list[Callable[..., Any]]:
    """Return the global options; as options of a command they are hidden and have no default, so that they only add."""
    variable: Callable[[str], str | None] = (lambda _: None) if hidden else (lambda name: name)
    return [
        click.option("-C", "global_directory", type=_FOLDER, metavar="DIR", hidden=hidden, help="Work in DIR."),
        click.option("-q", "--quiet", "global_quiet", is_flag=True, hidden=hidden, help=_QUIET),
        click.option("-v", "--verbose", "global_verbose", count=True, hidden=hidden, help="Say more."),
        click.option(
            "--color",
            "global_color",
            type=_COLOR,
            default=None if hidden else "auto",
            envvar=variable("LABELVC_COLOR"),
            hidden=hidden,
            help="Colour the output; auto: on a terminal, unless NO_COLOR is set.",
        ),
        click.option(
            "--jobs",
            "global_jobs",
            type=click.IntRange(min=1),
            metavar="N",
            envvar=variable("LABELVC_JOBS"),
            hidden=hidden,
            help="Use N processes here; default: one for each processor.",
        ),
        click.option(
            "--executor",
            "global_executor",
            metavar="NAME",
            envvar=variable("LABELVC_EXECUTOR"),
            hidden=hidden,
            help="Look at shards in processes (here, the default) or on a dask cluster: check, diff, report, review.",
        ),
        click.option(
            "--scheduler",
            "global_scheduler",
            metavar="ADDR",
            hidden=hidden,
            help="Find the Dask scheduler at ADDR, such as tcp://HOST:8786.",
        ),
    ]
