"""The command that applies a diff: plumbing apply."""

from __future__ import annotations

from typing import BinaryIO

import click

from labelvc.cli.context import Settings, pass_settings
from labelvc.cli.output import changes, say
from labelvc.cli.render import text
from labelvc.codec import deltas
from labelvc.ops import apply as applying
from labelvc.store import git as plumbing


@click.command()
@click.argument("file", type=click.File("rb"), default="-")
@click.option("--reverse", is_flag=True, help="Undo the changes instead.")
@pass_settings
@changes
def apply(settings: Settings, /, file: BinaryIO, reverse: bool) -> None:
    """Bring the changes of FILE (or stdin), an output of `labelvc diff --format json` or jsonl, into the work tree.

    All of them or none: each must start from what lies there, byte for byte. Exit 1 when one does not.

    \b
      labelvc diff main..topic --format jsonl | labelvc plumbing apply
    """
    found = deltas.read(file, getattr(file, "name", "stdin"))
    done = applying.apply(plumbing.find(settings.directory), applying.turned(found) if reverse else found)
    say(settings, f"applied: {text.totals(done)}")
