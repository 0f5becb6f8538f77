"""The command that shows what differs: diff."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import click

from labelvc.cli.context import Settings, pass_settings
from labelvc.cli.grouped import GroupedCommand
from labelvc.cli.output import followed, output_options, say, write
from labelvc.cli.output import stream as pour
from labelvc.cli.render import json
from labelvc.cli.spreading import repository
from labelvc.core import diff as rules
from labelvc.core.counts import GROUPINGS, Counts, Grouping
from labelvc.errors import StoreError
from labelvc.model import shell
from labelvc.model.change import Delta
from labelvc.ops import diff as differing
from labelvc.ops import mechanics, veil
from labelvc.ops.diff import Range
from labelvc.store import tree
from labelvc.store.conflicts import Conflicts
from labelvc.store.git import Git
from labelvc.store.reader import Reader

_HEADINGS = {
    "Compare": ("staged", "exit_code"),
    "Choose": ("keys", "labels", "sample", "seed"),
    "Count": ("stat", "by"),
    "Output": ("form", "output"),
}


class _Asked(NamedTuple):
    """What was typed."""

    keys: tuple[str, ...]
    labels: tuple[str, ...]
    sample: int | None
    seed: str
    stat: bool
    by: tuple[Grouping, ...]
    form: str

    @property
    def tables(self) -> bool:
        return self.stat or bool(self.by)


class _Stream(NamedTuple):
    """Changes as they come, and what counts them."""

    changes: Iterable[rules.Comparison]
    tally: rules.Tally
    counts: Counts | None
    left: Any
    sample: Any
    torn: Conflicts = Conflicts([], {}, [])


@click.command(cls=GroupedCommand, headings=_HEADINGS)
@click.argument("revisions", metavar="[A[..B]]", required=False)
@click.option("--staged", is_flag=True, help="Compare HEAD (or A) with the index.")
@click.option("--exit-code", is_flag=True, help="Exit 1 when content differs.")
@click.option(
    "--key", "keys", multiple=True, metavar="KEY", help="Only this record, item, dataset or document; repeatable."
)
@click.option(
    "--label", "labels", multiple=True, metavar="A->B", help="Only records that went from A to B; * is any; repeatable."
)
@click.option("--sample", type=click.IntRange(min=1), metavar="N", help="Show N of the changes, drawn at random.")
@click.option("--seed", default="0", metavar="TEXT", help="The same seed draws the same sample.  [default: 0]")
@click.option("--stat", is_flag=True, help="Count, and tell which answer became which; list no changes.")
@click.option(
    "--by",
    multiple=True,
    type=click.Choice(GROUPINGS),
    metavar="GROUP",
    help="Count by label, annotator, task, field or slice; repeatable.",
)
@output_options("text", "json", "jsonl", "markdown", "html")
@pass_settings
def diff(
    settings: Settings,
    /,
    revisions: str | None,
    staged: bool,
    exit_code: bool,
    output: Path | None,
    **options: Any,
) -> int:
    """Show which records, items and documents differ: HEAD against the work tree, or two revisions.

    A compares A with the work tree, A..B with B, and A...B where the two parted with B (what a pull request brings).
    A line begins with + (added), - (removed), ~ (changed), . (only `rev` or `at` differs) or = (mechanical: a reshard, a
    storage move, a re-key or a renamed label, which changes no content).

    \b
      labelvc diff main...topic --stat --by annotator
      labelvc diff --label 'cat->dog' --sample 20
      labelvc diff main...topic --format markdown -o comment.md
    """
    asked = _Asked(**options)
    if asked.tables and asked.form == "jsonl":
        raise click.UsageError("--format jsonl lists changes; counts are in --format json")
    git = repository(settings)
    whole = bool(asked.keys or asked.labels or "slice" in asked.by)
    with tree.reader(git) as reader:
        found = _resolved(git, revisions, staged=staged, reader=None if whole else reader)
        pair, torn = differing.settled(git, found)
        deltas = differing.between(git, *pair, reader)
        if settings.progress:
            deltas = followed(settings, deltas, output, "comparing records", "changes")
        stream = _stream(git, pair, asked, deltas, reader)._replace(torn=torn)
        _print(settings, pair, asked, stream, output)
    for one in differing.stale(git, pair):
        folder, message, hint = map(_text().safe, (one.folder, one.message, one.hint))
        say(settings, f"{folder}: {message}\n  next: {hint}")
    counts = stream.tally.summary()
    return 1 if exit_code and (torn.paths or any((counts.records, counts.items, counts.documents))) else 0


def _resolved(git: Git, revisions: str | None, *, staged: bool, reader: Reader | None) -> Range:
    """Return the two moments; a name of what lies in the project is no revision, and `--key` is meant."""
    try:
        return differing.resolve(git, revisions, staged=staged, reader=reader)
    except StoreError as error:
        naming = importlib.import_module("labelvc.ops.naming")
        if revisions and error.where == revisions and naming.known(git, tree.work(git), revisions):
            hint = f"labelvc diff --key {shell.word(revisions)}"
            raise StoreError(error.message, where=error.where, hint=hint) from None
        raise


def _stream(git: Git, pair: Range, asked: _Asked, deltas: Iterator[Delta], reader: Any) -> _Stream:
    """Return the changes that were asked for, counted as they come."""
    drawing = veil.over(git, *pair, reader=reader)
    drawn = mechanics.between(git, pair, drawing).drawn
    wanted, left = None, None
    tally = rules.Tally(kinds=asked.form == "jsonl")
    if asked.keys or asked.labels:
        narrow = importlib.import_module("labelvc.ops.narrow")
        left = narrow.Left()
        deltas = narrow.to_keys(git, pair, deltas, asked.keys, left) if asked.keys else deltas
        wanted = _by_label(git, pair, asked, narrow, left)
    changes = tally.counted(deltas, drawn, wanted)
    counts = None
    if asked.tables or asked.form in ("markdown", "html"):
        sliced = importlib.import_module("labelvc.ops.slices").between if "slice" in asked.by else None
        counts = Counts(asked.by, sliced(git, pair, reader, drawing).of) if sliced else Counts(asked.by)
        changes = counts.counted(changes)
    sample = None
    if asked.sample is not None:
        sample = importlib.import_module("labelvc.core.choose").Sample(asked.sample, asked.seed)
        changes = _sampled(changes, sample)
    return _Stream(changes, tally, counts, left, sample)


def _by_label(git: Git, pair: Range, asked: _Asked, narrow: Any, left: Any) -> Any:
    if not asked.labels:
        return None
    way = importlib.import_module("labelvc.core.choose").way
    ways = [way(label) for label in asked.labels]
    named = narrow.names(git, pair)
    narrow.demand(ways, named)
    return narrow.to_labels(ways, named, left)


def _sampled(changes: Iterable[rules.Comparison], sample: Any) -> Iterator[rules.Comparison]:
    """Yield what tells of mechanical changes, then the sample of the others."""
    for seen in changes:
        if seen.kind != "mechanical":
            sample.add(seen)
        elif seen.said:
            yield seen
    yield from sample.drawn()


def _print(settings: Settings, pair: Range, asked: _Asked, stream: _Stream, output: Path | None) -> None:
    if asked.form == "jsonl":
        pour(json.deltas(stream.changes), output)
    elif asked.form == "json":
        changes = (seen for seen in stream.changes if not asked.tables)
        names = {"base": pair.old.name, "head": pair.new.name}
        pour(json.streamed_deltas(changes, lambda: _numbers(stream, asked), **names), output)
    elif asked.form == "text" and not asked.tables:
        pour(_text().deltas(stream.changes, color=settings.color), output)
        say(settings, "\n".join([_text().totals(stream.tally.summary()), *_notes(stream, asked)]))
    elif asked.form == "text":
        told = _text().deltas(_told(stream.changes), color=settings.color)
        lines = [
            *told,
            *importlib.import_module("labelvc.cli.render.tables").stat(stream.tally.summary(), _tables(stream)),
        ]
        write("".join([*lines, *(f"{note}\n" for note in _notes(stream, asked))]), output)
    else:
        _write_page(pair, asked, stream, output)


def _text() -> Any:
    """Return what writes for people, which a stream for programs does without."""
    return importlib.import_module("labelvc.cli.render.text")


def _write_page(pair: Range, asked: _Asked, stream: _Stream, output: Path | None) -> None:
    report = importlib.import_module("labelvc.cli.render.report")
    page = importlib.import_module(f"labelvc.cli.render.{asked.form}").diff_page
    gathered = report.gather(_told(stream.changes) if asked.stat else stream.changes)
    names = (pair.old.name, pair.new.name)
    write(page(report.Report(*names, gathered, stream.tally.summary(), _tables(stream), _notes(stream, asked))), output)


def _told(changes: Iterable[rules.Comparison]) -> Iterator[rules.Comparison]:
    """Let all changes pass by, for what counts them, and yield the documents that tell of mechanical ones."""
    for seen in changes:
        if seen.kind == "mechanical" and seen.said:
            yield seen


def _tables(stream: _Stream) -> dict[str, Any]:
    return stream.counts.tables() if stream.counts else {}


def _notes(stream: _Stream, asked: _Asked) -> list[str]:
    """Return what is not shown, and why."""
    torn = _text().torn(stream.torn.paths, stream.torn.shards)
    notes = [f"in conflict, not compared: {row}" for row in torn]
    notes += ["next: labelvc resolve"] if notes else []
    if stream.left is not None and stream.left.number:
        options = " and ".join([name for name, given in (("--key", asked.keys), ("--label", asked.labels)) if given])
        notes.append(f"{_text().count(stream.left.number, 'difference')} left out by {options}")
    if stream.sample is not None:
        shown = min(asked.sample or 0, stream.sample.population)
        notes.append(
            f"a sample of {shown:,} of {_text().count(stream.sample.population, 'difference')}, seed {asked.seed}"
        )
    return notes


def _numbers(stream: _Stream, asked: _Asked) -> dict[str, Any]:
    summary = stream.tally.summary()
    moves = [[*row, number] for row, number in sorted(summary.transitions.items(), key=lambda row: (-row[1], row[0]))]
    found: dict[str, Any] = {
        "records": dict(summary.records),
        "items": dict(summary.items),
        "documents": dict(summary.documents),
        "touched_items": summary.touched_items,
        "transitions": [{"task": task, "old": old, "new": new, "count": number} for task, old, new, number in moves],
    }
    if summary.mechanical:
        found["mechanical"] = dict(summary.mechanical)
    if stream.left is not None:
        found["left_out"] = stream.left.number
    if stream.sample is not None:
        found["sample"] = {"of": stream.sample.population, "seed": asked.seed}
    if stream.torn.paths:
        found["conflicts"] = {
            path: stream.torn.shards.get(path, 0) for path in (*stream.torn.paths, *stream.torn.shards)
        }
    if stream.counts:
        found["by"] = {
            name: {row: dict(cells) for row, cells in rows.items()} for name, rows in _tables(stream).items()
        }
    return found
