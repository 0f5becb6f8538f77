"""The command on one record: trace."""

from __future__ import annotations

import importlib
from pathlib import Path

import click

from labelvc.cli.context import Settings, environment, pass_settings
from labelvc.cli.output import output_options, write
from labelvc.core.veil import Veil
from labelvc.errors import DataError
from labelvc.model.names import Key
from labelvc.ops import trace as tracing
from labelvc.store import git as plumbing
from labelvc.store.git import Git


@click.command()
@click.argument("key", metavar="KEY")
@click.option("--at", "revision", default="HEAD", show_default=True, metavar="REV", help="The last commit to look at.")
@click.option("--checks", is_flag=True, help="Ask the checks now what they find in each version of the record.")
@output_options("text", "json", "prov")
@pass_settings
def trace(settings: Settings, /, key: str, revision: str, checks: bool, form: str, output: Path | None) -> int:
    """Tell the life of one record: who set it to what, when, under which guideline, and which approvals cover it.

    KEY is dataset/item#id as `diff` prints it; dataset/item# is the item itself. All of it comes from the repository.
    `--format prov` writes W3C PROV-JSON, with pseudonyms and principals for agents.

    No file keeps what `check` said. With --checks each version is judged now, by the rules of this labelvc under the
    documents, severities and waivers of its own commit; what only shows across shards is not asked. Exit 0 whatever they
    find, 2 when a version cannot be judged.

    \b
      labelvc trace reviews/rev-00042#r1
      labelvc trace reviews/rev-00042#r1 --checks
    """
    if checks and form == "prov":
        raise click.UsageError("--checks is told as text or json: PROV has no word for a finding")
    git = plumbing.find(settings.directory)
    found = tracing.trace(git, _key(git, key, revision), revision, environment("LABELVC_ROOT"))
    drawn = Veil(lambda _: found.sensitive)
    judged = importlib.import_module("labelvc.ops.hindsight").judged(git, found) if checks else None
    if form == "json":
        steps = importlib.import_module("labelvc.cli.render.steps")
        write(steps.document(found, drawn, judged, head=revision), output)
    elif form == "prov":
        write(importlib.import_module("labelvc.cli.render.prov").document(found, drawn), output)
    else:
        life = importlib.import_module("labelvc.cli.render.life")
        write("".join(life.trace(found, drawn, judged, color=settings.color)), output)
    return 2 if any(one.untold for one in judged or ()) else 0


def _key(git: Git, text: str, revision: str) -> Key:
    try:
        return Key.parse(text)
    except DataError:  # who knows what it may have meant is loaded only then
        found: Key = importlib.import_module("labelvc.ops.naming").key(git, text, revision)
        return found
