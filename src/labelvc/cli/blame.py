"""The command on the present: blame."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from labelvc.cli.context import Settings, pass_settings
from labelvc.cli.output import output_options, progress, stream
from labelvc.cli.render import blame as render
from labelvc.cli.render import json
from labelvc.core.veil import Veil
from labelvc.errors import ConfigurationError, DataError
from labelvc.model.names import Key
from labelvc.ops import blame as blaming
from labelvc.ops import naming, veil
from labelvc.ops.blame import Fields
from labelvc.store import git as plumbing
from labelvc.store import tree
from labelvc.store.git import Git

if TYPE_CHECKING:
    from labelvc.ops.look import Advance


@click.command()
@click.argument("item", metavar="ITEM|DATASET")
@click.option("--at", "revision", default="HEAD", show_default=True, metavar="REV", help="The last commit to look at.")
@output_options("text", "json", "jsonl")
@pass_settings
def blame(settings: Settings, /, item: str, revision: str, form: str, output: Path | None) -> None:
    """Show for every field of an item's records, or of all records of a dataset, which commit last changed it.

    ITEM is dataset/item, or the key of one of its records as `diff` prints it. What a dataset's commits changed is
    remembered in this clone, so that the second time is quick.

    \b
      labelvc blame reviews/rev-00042
      labelvc blame reviews --format jsonl -o blame.jsonl
    """
    git = plumbing.find(settings.directory)
    end = tree.commit(git, revision)
    drawn = veil.throughout(git, end)
    count: Counter[str] = Counter()
    apart = settings._replace(progress=settings.progress and (output is not None or not sys.stdout.isatty()))
    with progress(apart, None, "following lines back", "commits") as advance:
        found = _shown(_blamed(git, item, revision, advance), drawn, count)
        if form == "text":
            stream(render.blame(found, color=settings.color), output)
        elif form == "jsonl":
            stream(render.lines(found), output)
        else:
            stream(json.streamed("blame", render.items(found), lambda: dict(count), head=revision), output)


def _blamed(git: Git, words: str, revision: str, advance: Advance) -> Iterator[blaming.Blamed]:
    """Yield the records of what was typed: a dataset, an item, or the item that a record's key names."""
    dataset, name = words.partition("/")[::2]
    if not name:
        try:
            yield from blaming.whole(git, dataset, revision, advance)
        except ConfigurationError as error:
            advice = naming.hint(git, tree.commit(git, revision), words)
            raise ConfigurationError(error.message, where=error.where, hint=advice or error.hint) from None
        return
    shorter = name.rpartition("#")[0]
    try:
        found = blaming.item(git, dataset, name, revision)
        first = next(found)
    except DataError:
        if not shorter:
            raise
        found = blaming.item(git, dataset, shorter, revision)  # a record's key names its item
        first = next(found)
    yield first
    yield from found


def _shown(found: Iterable[blaming.Blamed], drawn: Veil, count: Counter[str]) -> Iterator[blaming.Blamed]:
    """Yield records with their plain values hidden, counted as they come."""
    for key, fields in found:
        count["records"] += 1
        yield key, _drawn(drawn, key, fields)


def _drawn(drawn: Veil, key: Key, fields: Fields) -> Fields:
    pointers, values = drawn.line(key, fields.pointers, fields.values)
    if values is fields.values and pointers is fields.pointers:
        return fields
    return msgspec.structs.replace(fields, pointers=pointers, values=values)
