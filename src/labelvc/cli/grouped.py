"""Commands and groups whose help is laid out for people: options under headings, and whole sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

_WHOLE = 400
"""Characters that no first sentence has."""


class GroupedCommand(click.Command):
    """A command with many options.

    Attributes:
        headings: heading to names of parameters; what stands under none comes last, under `Options`.
    """

    def __init__(self, *arguments: Any, headings: Mapping[str, tuple[str, ...]], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.headings = headings

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options under their headings."""
        options = [param for param in self.get_params(ctx) if isinstance(param, click.Option)]
        records = {option.name: record for option in options if (record := option.get_help_record(ctx))}
        for heading, names in self.headings.items():
            with formatter.section(heading):
                formatter.write_dl([records.pop(name) for name in names])
        with formatter.section("Options"):
            formatter.write_dl(list(records.values()))


class NounGroup(click.Group):
    """A group whose help says of each command in a whole sentence what it does."""

    group_class = type
    """A group in it is one, too (click.Group.group)."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, no sentence cut short, then the options."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, one.get_short_help_str(_WHOLE)) for name, one in commands if one is not None and not one.hidden]
        with formatter.section("Commands"):
            formatter.write_dl(rows)
        click.Command.format_options(self, ctx, formatter)
