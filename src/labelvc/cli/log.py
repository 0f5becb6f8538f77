"""The command on history: log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import click

from labelvc.cli.context import Settings, pass_settings
from labelvc.cli.output import followed, output_options, say, stream
from labelvc.cli.render import json
from labelvc.cli.render import log as render
from labelvc.errors import ConfigurationError, StoreError
from labelvc.model import shell
from labelvc.ops import log as logging
from labelvc.ops import veil
from labelvc.store import git as plumbing
from labelvc.store import tree
from labelvc.store.git import Git


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
    found: Iterator[logging.Logged] = islice(_read(git, key, span, logging.Filter(**only)), number)
    if settings.progress:
        found = followed(settings, found, output, "reading history", "commits")
    drawn = veil.throughout(git, tree.commit(git, span.head))
    count: Counter[str] = Counter()
    counted = (count.update(commits=1) or one for one in found)
    if form == "text":
        stream(render.log(counted, drawn, color=settings.color), output)
        if not count["commits"]:
            say(settings, "no commit fits")
        return
    items = (render.item(one, drawn) for one in counted)
    if form == "jsonl":
        stream(json.lines(items), output)
    else:
        summary = {"key": key}
        parts = json.streamed(
            "log", items, lambda: {**summary, "commits": count["commits"]}, base=span.base, head=span.head
        )
        stream(parts, output)


def _read(git: Git, key: str, span: logging.Span, only: logging.Filter) -> Iterator[logging.Logged]:
    """Yield the log; who named a document or a revision in place of a key is told where their history is."""
    try:
        yield from logging.read(git, key, span, only)
    except ConfigurationError as error:
        hint = _meant(git, key, span.head) or error.hint
        raise ConfigurationError(error.message, where=error.where, hint=hint) from None


def _meant(git: Git, words: str, head: str) -> str:
    if words in tree.commit(git, head).entries:
        return f"git log -p -- {shell.word(words)}"
    try:
        plumbing.resolve(git, words)
    except StoreError:
        return ""
    return f"labelvc log --at {shell.word(words)}"
