"""Commands on history: log, trace, blame."""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import click
import msgspec

from labelvc.cli.context import Settings, environment, pass_settings
from labelvc.cli.output import output_options, say, stream, write
from labelvc.cli.render import json, life
from labelvc.core.veil import Veil
from labelvc.errors import ConfigurationError, DataError
from labelvc.model.names import Key
from labelvc.ops import blame as blaming
from labelvc.ops import log as logging
from labelvc.ops import naming, veil
from labelvc.ops import trace as tracing
from labelvc.ops.blame import Fields
from labelvc.store import git as plumbing
from labelvc.store import tree
from labelvc.store.git import Git

_END = click.option(
    "--at", "revision", default="HEAD", show_default=True, metavar="REV", help="The last commit to look at."
)


@click.command()
@click.argument("key", metavar="[KEY]", default="")
@click.option(
    "--label", default="", metavar="ID", help="Only changes of records that had or got this label (or score)."
)
@click.option("--annotator", default="", metavar="PSEUDONYM", help="Only records made by this pseudonym.")
@click.option(
    "--under", default="", metavar="NAME@VERSION", help="Only records made under this version of a guideline."
)
@click.option("--task", default="", metavar="TASK", help="Only records of this task.")
@click.option("--since", default="", metavar="DATE", help="Only commits after this date, as git reads it.")
@click.option("--until", default="", metavar="DATE", help="Only commits before this date.")
@click.option("-n", "number", type=click.IntRange(min=1), metavar="N", help="At most so many commits.")
@click.option("--at", "revisions", default="HEAD", show_default=True, metavar="REV|A..B", help="Where to look.")
@output_options("text", "json", "jsonl")
@pass_settings
def log(
    settings: Settings, /, key: str, number: int | None, revisions: str, form: str, output: Path | None, **only: str
) -> None:
    """List the commits that changed records, items or documents, newest first.

    KEY is dataset/item#id, dataset/item, or a dataset; without it everything is listed. For a record or an item each change
    is shown, old -> new; for more than that how many changed.

    \b
    labelvc log reviews/rev-00042#r1
    labelvc log reviews --label negative --since 2026-03-01
    """
    git = plumbing.find(settings.directory)
    span = logging.course(git, revisions, only.pop("since"), only.pop("until"))
    found = islice(logging.read(git, key, span, logging.Filter(**only)), number)
    drawn = veil.throughout(git, tree.commit(git, span.head))
    count: Counter[str] = Counter()
    counted = (count.update(commits=1) or one for one in found)
    if form == "text":
        stream(life.log(counted, drawn, color=settings.color), output)
        if not count["commits"]:
            say(settings, "no commit fits")
        return
    items = (life.log_item(one, drawn) for one in counted)
    if form == "jsonl":
        stream(json.lines(items), output)
    else:
        summary = {"key": key}
        parts = json.streamed(
            "log", items, lambda: {**summary, "commits": count["commits"]}, base=span.base, head=span.head
        )
        stream(parts, output)


@click.command()
@click.argument("key", metavar="KEY")
@_END
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
    end = tree.commit(git, revision)
    found = tracing.trace(git, naming.key(git, key, end), revision, environment("LABELVC_ROOT"))
    drawn = veil.throughout(git, end)
    if form == "json":
        write(
            json.document("trace", life.trace_items(found, drawn), head=revision, summary=life.trace_summary(found)),
            output,
        )
    elif form == "prov":
        write(importlib.import_module("labelvc.cli.render.prov").document(found, drawn), output)
    else:
        write("".join(life.trace(found, drawn, color=settings.color)), output)


@click.command()
@click.argument("item", metavar="ITEM|DATASET")
@_END
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
    found = (
        (key, _drawn(drawn, key, fields)) for key, fields in _blamed(git, item, revision) if not count.update(records=1)
    )
    if form == "text":
        stream(life.blame(found, color=settings.color), output)
    elif form == "jsonl":
        stream(life.blame_lines(found), output)
    else:
        stream(json.streamed("blame", life.blame_items(found), lambda: dict(count), head=revision), output)


def _blamed(git: Git, words: str, revision: str) -> Iterator[blaming.Blamed]:
    """Yield the records of what was typed: a dataset, an item, or the item that a record's key names."""
    dataset, name = words.partition("/")[::2]
    if not name:
        try:
            yield from blaming.whole(git, dataset, revision)
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


def _drawn(drawn: Veil, key: Key, fields: Fields) -> Fields:
    pointers, values = drawn.line(key, fields.makers.pointers, fields.values)
    if values is fields.values and pointers is fields.makers.pointers:
        return fields
    return Fields(values, msgspec.structs.replace(fields.makers, pointers=pointers))
