"""Commands on history: trace, blame."""

from __future__ import annotations

from pathlib import Path

import click

from labelvc.cli.context import Settings, environment, pass_settings
from labelvc.cli.output import output_options, write
from labelvc.cli.render import json, life
from labelvc.errors import DataError
from labelvc.ops import naming, veil
from labelvc.ops import trace as tracing
from labelvc.store import git as plumbing
from labelvc.store import tree


@click.command()
@click.argument("key", metavar="KEY")
@click.option("--at", "revision", default="HEAD", show_default=True, metavar="REV", help="The last commit to look at.")
@output_options("text", "json")
@pass_settings
def trace(settings: Settings, /, key: str, revision: str, form: str, output: Path | None) -> None:
    """Tell the life of one record: who set it to what, when, under which guideline, and which approvals cover it.

    KEY is dataset/item#id as `diff` prints it; dataset/item# is the item itself. All of it comes from the repository.
    """
    git = plumbing.find(settings.directory)
    end = tree.commit(git, revision)
    found = tracing.trace(git, naming.key(git, key, end), revision, environment("LABELVC_ROOT"))
    drawn = veil.over(git, end)
    if form == "json":
        summary = {"key": str(found.key), "steps": len(found.steps)}
        write(json.document("trace", life.trace_items(found, drawn), head=revision, summary=summary), output)
    else:
        write("".join(life.trace(found, drawn, color=settings.color)), output)


@click.command()
@click.argument("item", metavar="ITEM")
@click.option("--at", "revision", default="HEAD", show_default=True, metavar="REV", help="The last commit to look at.")
@output_options("text", "json")
@pass_settings
def blame(settings: Settings, /, item: str, revision: str, form: str, output: Path | None) -> None:
    """Show for every field of an item's records which commit last changed it.

    ITEM is dataset/item, or the key of one of its records as `diff` prints it.
    """
    git = plumbing.find(settings.directory)
    end = tree.commit(git, revision)
    dataset, slash, name = item.partition("/")
    if not slash or not name:
        advice = naming.hint(git, end, item)
        raise DataError(f"{item!r} is no item", hint=advice or naming.WRITTEN)
    shorter = name.rpartition("#")[0]
    try:
        found = tracing.blame(git, dataset, name, revision)
    except DataError:
        if not shorter:
            raise
        found = tracing.blame(git, dataset, shorter, revision)  # a record's key names its item
    drawn = veil.over(git, end)
    found = {
        key: [
            origin._replace(pointer=pointer, value=value)
            for origin, (pointer, value) in zip(origins, drawn.leaves(key, [row[:2] for row in origins]), strict=True)
        ]
        for key, origins in found.items()
    }
    if form == "json":
        write(json.document("blame", life.blame_items(found), head=revision, summary={"records": len(found)}), output)
    else:
        write("".join(life.blame(found, color=settings.color)), output)
