"""The command that brings shards into form: format."""

from __future__ import annotations

import click

from labelvc.cli.context import Settings, pass_settings
from labelvc.cli.output import changes, progress, say
from labelvc.cli.render import text
from labelvc.ops import tidy
from labelvc.store import git as plumbing


@click.command("format")
@click.option("--staged", is_flag=True, help="Format what is staged, and stage the result.")
@click.option(
    "--since", metavar="REV", help="Let `rev` grow past REV as well, where a `git revert` brought an old one back."
)
@click.option(
    "--edited", is_flag=True, help="What lies behind a DVC pointer is my edit, though it is what another commit holds."
)
@pass_settings
@changes
def format(settings: Settings, /, staged: bool, since: str | None, edited: bool) -> int:  # noqa: A001 - the command's name
    """Bring shards into form after an edit by hand: spelling and order of lines, their shard, `rev`, tombstones.

    `rev` becomes one more than in HEAD where a record differs from HEAD, and a line that is gone leaves a tombstone.
    A dataset behind a DVC pointer is stored with DVC, and its pointer staged; not when another branch's shards still lie
    there, after a `git switch` without `dvc checkout`.

    \b
      labelvc format
      labelvc format --staged
    """
    if staged and edited:
        raise click.UsageError("--edited is about the work tree: it does not go with --staged")
    git = plumbing.find(settings.directory)
    with progress(settings, None, "looking at shards", "shards") as advance:
        done = tidy.tidy(git, staged=staged, since=since, edited=edited, advance=advance)
    for name, change in done.rewrites.items():
        say(
            settings,
            f"{name}: {text.count(len(change.files), 'shard')} rewritten, {text.count(len(change.deltas), 'line')} brought into form",
        )
    for name in done.stored:
        say(settings, f"{name}: stored with DVC, pointer staged")
    if not done.rewrites and not done.stored:
        more = (
            f", counted from {since} too" if since else "; after a `git revert`, --since REV counts rev from before it"
        )
        say(settings, f"everything is in form already{more}")
    return 0
