"""Commands on batches: items drawn to be worked on together, pilots among them, and what was answered."""

from __future__ import annotations

import re
from pathlib import Path

import click

from labelvc.cli.context import Settings, pass_settings, today
from labelvc.cli.grouped import NounGroup
from labelvc.cli.output import changes, output_options, say, write
from labelvc.cli.render import batch as render
from labelvc.cli.render import json
from labelvc.ops import batch as batches
from labelvc.ops.batch import Order
from labelvc.store import git as plumbing

_NAME = re.compile("[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


def _named(context: click.Context, argument: click.Parameter, given: str) -> str:
    if not _NAME.fullmatch(given):
        raise click.BadParameter(f"{given!r} is no name; write letters, digits, _ and -", context, argument)
    return given


@click.group(cls=NounGroup)
def batch() -> None:
    """Batches: items drawn to be worked on together; a pilot tries a guideline out."""


@batch.command("new")
@click.argument("name", callback=_named)
@click.option("--dataset", required=True, metavar="NAME", help="Dataset whose items are drawn.")
@click.option("--task", required=True, metavar="NAME", help="Task: what is asked about them.")
@click.option("--size", required=True, type=click.IntRange(1, 100_000), metavar="N", help="How many items.")
@click.option("--seed", required=True, metavar="TEXT", help="Of the draw: the same seed draws the same items.")
@click.option(
    "--stratify",
    "field",
    default="",
    metavar="FIELD",
    help="Each value of this field of the items has its share; a name or a JSON pointer.",
)
@click.option("--pilot", is_flag=True, help="Try the guideline out: agreement on these items says whether it is clear.")
@pass_settings
@changes
def batch_new(
    settings: Settings, /, name: str, dataset: str, task: str, size: int, seed: str, field: str, pilot: bool
) -> None:
    """Draw items and write them down as batches/NAME.yaml.

    The draw is by hash and seed, so that anybody can repeat it. Let two people or more answer each item of a pilot, and
    import their answers; `labelvc batch show NAME` says how far they agree.

    \b
      labelvc batch new pilot-1 --pilot --dataset texts --task topic \\
        --stratify genre --size 50 --seed 1
    """
    pointer = f"/{field}" if field and not field.startswith("/") else field
    order = Order(name, "pilot" if pilot else "work", dataset, task, pointer, size, seed, today())
    drawn = batches.draw(plumbing.find(settings.directory), order)
    write(render.drawn(drawn))
    found = sum(len(stratum["items"]) for stratum in drawn["strata"])
    if found < size:
        say(settings, f"{size:,} were asked for; {dataset} has no more than {found:,}")
    say(settings, f"next: git add {batches.path_of(name)} && git commit -m 'Draw {name}'")


@batch.command("list")
@output_options("text", "json", "jsonl")
@pass_settings
def batch_list(settings: Settings, /, form: str, output: Path | None) -> None:
    """List the batches.

    \b
      labelvc batch list
    """
    found = batches.listed(plumbing.find(settings.directory))
    items = [render.row(one) for one in found]
    if form == "json":
        write(json.document("batch-list", items, summary={"batches": len(items)}), output)
    elif form == "jsonl":
        write("".join(json.lines(items)), output)
    else:
        write("".join(render.table(found)) or "no batches\n", output)


@batch.command("show")
@click.argument("name")
@output_options("text", "json")
@pass_settings
def batch_show(settings: Settings, /, name: str, form: str, output: Path | None) -> None:
    """Show NAME, how far people agree on it, and which labels they take for each other.

    \b
      labelvc batch show pilot-1
    """
    found = batches.shown(plumbing.find(settings.directory), name)
    if form == "json":
        write(json.document("batch-show", [render.whole(found)], summary={"batch": name}), output)
    else:
        write("".join(render.shown(found)), output)
