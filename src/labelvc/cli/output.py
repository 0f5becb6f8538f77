"""Where a command's words go: data to stdout or a file, talk and progress bars to stderr."""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from labelvc.cli import harmless
from labelvc.cli.context import Settings
from labelvc.errors import ConfigurationError
from labelvc.model import shell
from labelvc.store import disk

_AT_ONCE = 1 << 16
_Command = TypeVar("_Command", bound=Callable[..., Any])
_MARK = "changes"
_SHOWING: Mapping[str, Collection[object]] = {"dry_run": (True,), "mode": ("plan", "list")}
"""What has a command that changes something show something instead: option to values."""


def changes(function: _Command) -> _Command:
    """Mark a command as one that changes something: under `-q` its exit code alone says what became of it.

    What it writes to a file, in another form than text, or on a dry run is printed all the same: it was asked for. A command
    without the mark is there for what it prints.
    """
    vars(function)[_MARK] = True
    return function


class Destination(click.Path):
    """A file or folder that a person names to be written; an empty name, as an unset variable leaves, is none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Refuse the empty name."""
        if value == "":
            self.fail("the name is empty; is a variable not set?", param, ctx)
        return super().convert(value, param, ctx)


def placed(target: Path) -> Path:
    """Return a destination whose folder is there.

    Raises:
        ConfigurationError: it is not: a misspelt path would be made in silence.
    """
    if not target.parent.is_dir():
        message = "the folder is not there"
        raise ConfigurationError(message, where=str(target.parent), hint=f"mkdir -p {shell.word(str(target.parent))}")
    return target


output_option = click.option(
    "-o",
    "--output",
    "output",
    type=Destination(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the output to FILE, not stdout.",
)


def output_options(*formats: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator that adds `--format` and `-o FILE`; the command receives them as `form` and `output`.

    Args:
        formats: the formats the command can write, the first being the default.
    """
    in_form = click.option(
        "--format",
        "form",
        type=click.Choice(formats),
        default=formats[0],
        show_default=True,
        help="Form of the output.",
    )

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        return in_form(output_option(function))

    return decorate


def write(text: str, output: Path | None = None, *, commands: str = "") -> None:
    """Write data: to stdout, or to a file that is there whole or not at all.

    Args:
        text: what to write, its last line ended.
        output: the file; None means stdout.
        commands: what a host's runner shall obey, after it; only to stdout.
    """
    if output is None:
        stream([text])
        sys.stdout.write(commands)
    else:
        deliver(text.encode(errors="backslashreplace"), output)


def deliver(data: bytes, output: Path) -> None:
    """Write a file that is there whole or not at all; a device, a pipe or a link is written into and never replaced."""
    if output.is_symlink() or (output.exists() and not output.is_file() and not output.is_dir()):
        with importlib.import_module("labelvc.formats.target").file(output) as file:
            file.write(data)
    else:
        disk.replace(output, data)


def stream(parts: Iterable[str | bytes], output: Path | None = None) -> None:
    """Write data as it comes: to stdout, or to a file that is there whole or not at all.

    Args:
        parts: pieces of the text, or of its UTF-8, the last line ended.
        output: the file; None means stdout.
    """
    if output is not None:
        target = importlib.import_module("labelvc.formats.target")  # half of it is for folders
        with target.file(output) as file:
            file.writelines(
                part if isinstance(part, bytes) else part.encode(errors="backslashreplace") for part in parts
            )
        return
    if _hushed():
        return
    waiting: list[str] = []
    size = 0
    for part in parts:
        waiting.append(part.decode() if isinstance(part, bytes) else part)
        size += len(part)
        if size > _AT_ONCE:
            whole, _, rest = "".join(waiting).rpartition("\n")
            sys.stdout.write(_harmless(whole + "\n") if whole else "")
            waiting, size = [rest], len(rest)
    sys.stdout.write(_harmless("".join(waiting)))


def _harmless(text: str) -> str:
    """Return text that neither a terminal nor a host's runner obeys; what a program reads stays as it is."""
    context = click.get_current_context(silent=True)
    told = harmless.unheard(text) if context is None or context.params.get("form", "text") == "text" else text
    return harmless.unseen(told) if sys.stdout.isatty() else told


def _hushed() -> bool:
    """Tell whether the command that runs keeps what it would print to itself: it changes something, under `-q`."""
    context = click.get_current_context(silent=True)
    if context is None or not hasattr(context.command.callback, _MARK):
        return False
    given = context.params
    settings = context.find_object(Settings)
    quiet = given.get("global_quiet") or (settings is not None and settings.quiet)
    showing = given.get("form", "text") != "text" or any(given.get(name) in _SHOWING[name] for name in _SHOWING)
    return bool(quiet) and not showing


def say(settings: Settings, text: str) -> None:
    """Tell a person something on stderr, unless they asked for quiet."""
    if not settings.quiet:
        sys.stdout.flush()  # so that what was written before stands before, wherever both end up
        tell(text + "\n")


def tell(text: str) -> None:
    """Write to stderr, where a person or a host's runner reads it.

    Args:
        text: of ours, with what may come from a repository escaped; its last line ended.
    """
    sys.stderr.write(harmless.unheard(text))


@contextlib.contextmanager
def progress(settings: Settings, total: int | None, words: str, unit: str = "") -> Iterator[Callable[..., None]]:
    """Draw a progress bar on stderr while the block runs, when that is a terminal and nobody asked for quiet.

    Args:
        settings: decides whether a bar is drawn.
        total: how many steps there will be; None when nobody knows yet.
        words: what is going on, `reading shards`.
        unit: what is counted, `shards`: the rate is told with it.

    Yields:
        `advance(n=1, total=None)`, to be called after each n steps, and with the total as soon as it is known.
    """
    if not settings.progress:
        yield lambda n=1, total=None: None
        return
    bar = importlib.import_module("labelvc.cli.bar")  # rich takes 40 ms that only a terminal should pay
    with bar.drawn(total, words, unit, color=settings.color) as advance:
        yield advance


def followed(settings: Settings, found: Iterable[Any], output: Path | None, words: str, unit: str) -> Iterator[Any]:
    """Yield what comes while a progress bar counts it; none is drawn where the same terminal shows the answer.

    Args:
        settings: decides whether a bar is drawn.
        found: what takes long to come.
        output: the file that the answer goes to; None means stdout.
        words: what is going on, `comparing records`.
        unit: what is counted, `changes`.
    """
    apart = settings._replace(progress=settings.progress and (output is not None or not sys.stdout.isatty()))
    with progress(apart, None, words, unit) as advance:
        for one in found:
            yield one
            advance()
