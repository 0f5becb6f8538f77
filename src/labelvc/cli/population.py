"""The commands that count: audit population and audit sample."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, get_args

import click

from labelvc.cli import signing
from labelvc.cli.context import Settings, pass_settings
from labelvc.cli.output import output_options, progress, say, stream, write
from labelvc.cli.render import json
from labelvc.cli.render import population as render
from labelvc.core import sampling
from labelvc.model.names import Digest
from labelvc.model.policy import ChangeKind
from labelvc.ops import course as courses
from labelvc.ops import population as counting
from labelvc.ops.population import Census, Member, Row, Totals
from labelvc.store import git as plumbing
from labelvc.store import tree

_Command = Callable[..., Any]
_NOTHING = "-"


def _range(function: _Command) -> _Command:
    """Add what names a population."""
    revisions = click.argument("revisions", metavar="[A..B | A...B | A]", required=False)
    everything = click.option("--all", "everything", is_flag=True, help="The whole first-parent history.")
    by = click.option(
        "--by",
        type=click.Choice(["step", "record"]),
        default="step",
        show_default=True,
        help="What is listed: each step, or each record, item and document that a step changed.",
    )
    kinds = click.option(
        "--kind",
        "kinds",
        multiple=True,
        type=click.Choice([kind for kind in get_args(ChangeKind) if kind != "rekeys"]),
        metavar="KIND",
        help="With --by record, only what is of this kind: labels, items, guidelines ...; repeatable.",
    )
    return revisions(everything(by(kinds(signing.root_option(function)))))


@click.command("population", short_help="List all that came in, approved or not.")
@_range
@output_options("text", "csv", "jsonl", "json")
@pass_settings
def population(
    settings: Settings,
    /,
    revisions: str | None,
    everything: bool,
    by: str,
    kinds: tuple[ChangeKind, ...],
    root: str | None,
    form: str,
    output: Path | None,
) -> int:
    """List every change of every first-parent step, approved or not, and what shows that the list is whole.

    The range is as for `verify`. Authors are principals, or `unknown`; dates are what commits claim. Exit 1 when a change
    is not approved, 2 when it cannot be told, as `verify`.

    \b
      labelvc audit population --all
      labelvc audit population v1.0.0..HEAD --by record --format csv
    """
    _refuse_kinds(by, kinds)
    git = plumbing.find(settings.directory)
    pinned = signing.pin(git, root)
    going = courses.read(git, revisions, everything=everything)
    totals = Totals()
    with ExitStack() as stack:
        reader = stack.enter_context(tree.reader(git))
        census = Census(git, reader, pinned)
        advance = stack.enter_context(progress(settings, len(going.pairs), "listing steps"))
        members = totals.of(_members(census.rows(going), by, kinds, advance))
        ends = counting.end(git, reader, going.base), counting.end(git, reader, going.head)
        if form == "json":

            def summary() -> Any:
                return render.summary(totals, ends, by, _named(census.anchors), going, kinds)

            words = {"base": going.base, "head": going.head}
            stream(json.streamed("audit-population", map(render.item, members), summary, **words), output)
        elif form == "jsonl":
            stream(json.lines(map(render.item, members)), output)
        elif form == "csv":
            stream(render.sheet(members, by), output)
        else:
            stream(_text(members, settings.color, lambda: render.totals(totals, going, ends, by, kinds)), output)
        if form in ("csv", "jsonl"):
            say(settings, "".join(render.totals(totals, going, ends, by, kinds)).rstrip("\n"))
    return 2 if signing.unproved(settings, pinned) else totals.code


@click.command("sample", short_help="Draw a sample of what came in, that anybody can draw again.")
@_range
@click.option(
    "--n",
    "number",
    metavar="N",
    type=click.IntRange(min=1),
    required=True,
    help="How many; with --stratify, of each part.",
)
@click.option("--seed", required=True, metavar="TEXT", help="Any text; the same text draws the same sample.")
@click.option("--stratify", type=click.Choice(["kind", "author", "state"]), help="Draw from each part alone.")
@output_options("text", "csv", "jsonl", "json")
@pass_settings
def sample(
    settings: Settings,
    /,
    revisions: str | None,
    everything: bool,
    by: str,
    kinds: tuple[ChangeKind, ...],
    root: str | None,
    number: int,
    seed: str,
    stratify: str | None,
    form: str,
    output: Path | None,
) -> int:
    """Draw a sample of what came in, tell how others draw the same one, and what it proves when it is clean.

    Drawn are those with the smallest SHA-256 of the seed, a NUL and the id. Whoever chooses the seed must not know the
    population yet; a number that comes up in public later is best.

    \b
      labelvc audit sample --all --by record --kind labels --n 60 \\
        --seed 'lottery of 2026-03-07: 4 8 15 16 23 42'
      labelvc audit sample v1..v2 --n 10 --stratify author --seed 4711
    """
    if not seed.isprintable():
        raise click.UsageError("a seed is text that can be printed")
    _refuse_kinds(by, kinds)
    git = plumbing.find(settings.directory)
    pinned = signing.pin(git, root)
    going = courses.read(git, revisions, everything=everything)
    totals = Totals()
    with tree.reader(git) as reader, progress(settings, len(going.pairs), "listing steps") as advance:
        census = Census(git, reader, pinned)
        members = totals.of(_members(census.rows(going), by, kinds, advance))
        strata = sampling.draw(((_part(one, stratify), one.id, _slim(one)) for one in members), number, seed)
    told = [(part, sampling.bound(part.size, len(part.drawn))) for part in strata]
    command = render.recipe(going, by, number, seed, stratify, kinds)
    chosen = [one for part in strata for one in part.drawn]
    if form == "json":
        about = render.drawing(told, totals, by, command, seed, number)
        items = [render.item(one) for one in chosen]
        write(json.document("audit-sample", items, base=going.base, head=going.head, summary=about), output)
    elif form == "jsonl":
        stream(json.lines(map(render.item, chosen)), output)
    elif form == "csv":
        stream(render.sheet(chosen, by), output)
    else:
        stream(render.drawn(told, totals, by, command, seed, color=settings.color), output)
    return 2 if signing.unproved(settings, pinned) else 0


def _text(members: Iterator[Member], color: bool, totals: Callable[[], Iterator[str]]) -> Iterator[str]:
    """Yield the members, and then the sums, which are known when the members have gone by."""
    yield from render.text(members, color=color)
    yield from totals()


def _refuse_kinds(by: str, kinds: tuple[ChangeKind, ...]) -> None:
    if kinds and by != "record":
        raise click.UsageError("a step is of several kinds; --kind goes with --by record", click.get_current_context())


def _members(
    rows: Iterator[Row], by: str, kinds: tuple[ChangeKind, ...], advance: Callable[[], None]
) -> Iterator[Member]:
    for row in rows:
        if by == "step":
            yield row
        else:
            yield from (one for one in counting.moves(row) if not kinds or one.kinds[0] in kinds)
        advance()


def _part(member: Member, stratify: str | None) -> str:
    if stratify is None:
        return ""
    if stratify == "state":
        return member.state
    return "+".join(member.kinds if stratify == "kind" else member.authors) or _NOTHING


def _slim(member: Member) -> Member:
    """Return a member that keeps of its step's moves no more than its own."""
    row = member if isinstance(member, Row) else member.row
    own = {} if isinstance(member, Row) else {member.move.key: row.words[member.move.key]}
    slim = row._replace(words=own, found=counting.NOTHING, step=row.step._replace(uncovered=()))
    return slim if isinstance(member, Row) else member._replace(row=slim)


def _named(anchors: dict[Digest, bool]) -> dict[str, bool]:
    return {str(root): pinned for root, pinned in anchors.items()}
