"""The command that brings shards into form: format."""

from __future__ import annotations

import click

from labelvc.cli.context import Settings, pass_settings
from labelvc.cli.output import say
from labelvc.cli.render import text
from labelvc.ops import tidy
from labelvc.store import git as plumbing


@click.command("format")
@click.option("--staged", is_flag=True, help="Format what is staged, and stage the result.")
@pass_settings
def format(settings: Settings, /, staged: bool) -> int:  # noqa: A001 - the command's name
    """Bring changed shards into canonical form: bytes, order, placement, rev, tombstones; DVC datasets are stored."""
    git = plumbing.find(settings.directory)
    done = tidy.tidy(git, staged=staged)
    for name, change in done.rewrites.items():
        say(
            settings,
            f"{name}: {text.count(len(change.files), 'shard')} rewritten, {text.count(len(change.deltas), 'line')} brought into form",
        )
    for name in done.stored:
        say(settings, f"{name}: stored with DVC, pointer staged")
    if not done.rewrites and not done.stored:
        say(settings, "everything was in form already")
    return 0
