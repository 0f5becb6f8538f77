"""The command on one record: trace."""

from __future__ import annotations

import importlib
from pathlib import Path

import click

from labelvc.cli.context import Settings, environment, pass_settings
from labelvc.cli.output import output_options, write
from labelvc.cli.render import json, life
from labelvc.core.veil import Veil
from labelvc.errors import DataError
from labelvc.model.names import Key
from labelvc.ops import trace as tracing
from labelvc.store import git as plumbing
from labelvc.store.git import Git


@click.command()
@click.argument("key", metavar="KEY")
@click.option("--at", "revision", default="HEAD", show_default=True, metavar="REV", help="The last commit to look at.")
@output_options("text", "json", "prov")
@pass_settings
def trace(settings: Settings, /, key: str, revision: str, form: str, output: Path | None) -> None:
    """Tell the life of one record: who set it to what, when, under which guideline, and which approvals cover it.

    KEY is dataset/item#id as `diff` prints it; dataset/item# is the item itself. All of it comes from the repository.
    `--format prov` writes W3C PROV-JSON, with pseudonyms and principals for agents.

    \b
      labelvc trace reviews/rev-00042#r1
    """
    git = plumbing.find(settings.directory)
    found = tracing.trace(git, _key(git, key, revision), revision, environment("LABELVC_ROOT"))
    drawn = Veil(lambda _: found.sensitive)
    if form == "json":
        write(
            json.document("trace", life.items(found, drawn), head=revision, summary=life.summary(found)),
            output,
        )
    elif form == "prov":
        write(importlib.import_module("labelvc.cli.render.prov").document(found, drawn), output)
    else:
        write("".join(life.trace(found, drawn, color=settings.color)), output)


def _key(git: Git, text: str, revision: str) -> Key:
    try:
        return Key.parse(text)
    except DataError:  # who knows what it may have meant is loaded only then
        found: Key = importlib.import_module("labelvc.ops.naming").key(git, text, revision)
        return found
