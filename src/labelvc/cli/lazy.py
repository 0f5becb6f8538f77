"""A group of commands that imports a command's module only when it is called."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
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


class _Later(ModuleType):
    """A module that is loaded when something of it is asked for."""

    def __getattr__(self, name: str) -> Any:
        """Return a member of the module itself, which takes this one's place; what the import system asks for is not there yet."""
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(importlib.import_module(self.__name__), name)


def _load_msgspec() -> None:
    """Import what nearly all commands need, without what it brings along: a sixth of what it takes to trace a record.

    `typing` has what is in typing_extensions since Python 3.11. Nobody here asks for a description of a type, or its JSON Schema,
    for which msgspec makes forty classes at every start. Whoever asks for one of them later gets it.

    Source: msgspec/_utils.py, which does without typing_extensions where there are none; msgspec/__init__.py and json.py.
    """
    modules: dict[str, Any] = sys.modules
    if "msgspec" in modules:
        return
    schemas: Any = _Later("msgspec._json_schema")
    schemas.schema, schemas.schema_components = map(_later, ("schema", "schema_components"))
    spared = {_EXTENSIONS: None, "msgspec.inspect": _Later("msgspec.inspect"), schemas.__name__: schemas}
    spared = {name: module for name, module in spared.items() if name not in modules}
    modules |= spared
    try:
        importlib.import_module("msgspec")
    finally:
        for name in spared:
            del modules[name]


def _later(name: str) -> Callable[..., Any]:
    """Return a function of `msgspec.json` that is loaded when it is called."""

    def function(*given: Any, **named: Any) -> Any:
        return getattr(importlib.import_module("msgspec._json_schema"), name)(*given, **named)

    return function
