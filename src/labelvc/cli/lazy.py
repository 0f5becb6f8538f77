"""A group of commands that imports a command's module only when it is called."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click
from click.shell_completion import CompletionItem

_EXTENSIONS = "typing_extensions"
Row = tuple[str, str, str]
"""Where a command is and what it says of itself: module, attribute, one line."""


class LazyGroup(click.Group):
    """A group that knows its commands from a table.

    Attributes:
        table: name to module, attribute and one-line help.
        headings: headings of the help to names of commands, in order; commands under no heading are hidden.
        meant: other words that people type, to the command they mean.
    """

    def __init__(
        self,
        *arguments: Any,
        table: Mapping[str, Row],
        headings: Mapping[str, tuple[str, ...]] | None = None,
        meant: Mapping[str, str] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(*arguments, **options)
        self.table = table
        self.headings = headings or {"Commands": tuple(table)}
        self.meant = meant or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names under the headings, in their order."""
        return [name for names in self.headings.values() for name in names]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command, or return None when there is none of that name."""
        if cmd_name not in self.table:
            return None
        module, attribute, _ = self.table[cmd_name]
        _load_msgspec()
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one was probably meant."""
        name = args[0]
        if name in self.table or name.startswith("-") or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        alike = [self.meant[name]] if name in self.meant else near(name, self.list_commands(ctx))[:1]
        suggestion = f"; did you mean `{alike[0]}`?" if alike else ""
        raise click.UsageError(f"there is no command `{name}`{suggestion}", ctx)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands under their headings, then the options."""
        width = max(map(len, self.table))
        for heading, names in self.headings.items():
            with formatter.section(heading):
                formatter.write_dl([(name.ljust(width), self.table[name][2]) for name in names])
        click.Command.format_options(self, ctx, formatter)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete a command's name without importing any command."""
        names = [name for name in self.list_commands(ctx) if name.startswith(incomplete)]
        items = [CompletionItem(name, help=self.table[name][2]) for name in names]
        return items + click.Command.shell_complete(self, ctx, incomplete)


def near(word: str, words: Sequence[str]) -> list[str]:
    """Return those of some words that one may have been meant to be, the likeliest first; who types right loads nothing for it."""
    found: list[str] = importlib.import_module("difflib").get_close_matches(word, words)
    return found


def _load_msgspec() -> None:
    """Import what nearly all commands need, without the 4 ms of typing_extensions: `typing` has the same since Python 3.11.

    Source: msgspec/_utils.py, which does without them where there are none. Whoever else imports them later gets them.
    """
    modules: dict[str, Any] = sys.modules
    if "msgspec" in modules or _EXTENSIONS in modules:
        return
    modules[_EXTENSIONS] = None
    try:
        importlib.import_module("msgspec")
    finally:
        del modules[_EXTENSIONS]
