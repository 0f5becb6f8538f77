"""The tree of commands, walked: each with the context that it runs in."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path

import click

from labelvc.cli import context
from labelvc.cli.main import application


def commands(
    group: click.Group, parent: click.Context, path: tuple[str, ...] = ()
) -> Iterator[tuple[str, click.Context]]:
    for name in getattr(group, "table", None) or group.list_commands(parent):
        command = group.get_command(parent, name)
        inner = click.Context(command, info_name=name, parent=parent)
        if isinstance(command, click.Group):
            yield from commands(command, inner, (*path, name))
        else:
            yield " ".join((*path, name)), inner


@functools.cache
def tree(*, quiet: bool) -> dict[str, click.Context]:
    root = click.Context(application, info_name="labelvc")
    root.obj = context.Settings(Path(), quiet=quiet)
    return dict(commands(application, root))
