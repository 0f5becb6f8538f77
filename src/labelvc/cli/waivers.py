"""Commands on waivers: findings that somebody lets stand, why, and until when."""

from __future__ import annotations

from pathlib import Path

import click

from labelvc.cli.context import Settings, pass_settings, today
from labelvc.cli.grouped import NounGroup
from labelvc.cli.output import changes, output_options, progress, say, write
from labelvc.cli.render import json, text
from labelvc.model.waiver import WAIVERS, Waiver
from labelvc.ops import waivers as waiving
from labelvc.ops.gates import Brought
from labelvc.ops.waivers import Answer, Standing
from labelvc.store import git as plumbing


def _one_line(_: click.Context, __: click.Parameter, value: str) -> str:
    if not value.strip() or not value.isprintable():
        raise click.BadParameter("must be one line that can be read")
    return value.strip()


@click.group(cls=NounGroup)
def waiver() -> None:
    """Waivers: findings that somebody lets stand, for a time and with a reason."""


@waiver.command("add")
@click.argument("rule")
@click.argument("places", metavar="[PLACE]...", nargs=-1)
@click.option("--dataset", metavar="NAME", help="Everything of a dataset, in place of PLACE.")
@click.option("--label", default="", metavar="ID", help="Only findings whose message names this label.")
@click.option("--reason", required=True, callback=_one_line, metavar="TEXT", help="Why it may stand.")
@click.option("--expires", required=True, metavar="DAY", help="Last day on which it may, such as 2027-06-30.")
@click.option(
    "--by", "who", default="", metavar="WHO", help="Who answers for it; default: you, as the policy knows you."
)
@pass_settings
@changes
def waiver_add(
    settings: Settings,
    /,
    rule: str,
    places: tuple[str, ...],
    dataset: str | None,
    label: str,
    reason: str,
    expires: str,
    who: str,
) -> None:
    """Let findings of RULE stand: write it into waivers.jsonl and stage that.

    PLACE is the key of a record or item, the path of a file, or a glob over either: `*` stops at `/`, `**` does not. The
    policy says who must approve it. A branch is judged by the waivers of its base: merge the waiver first. What stands in
    plain is accepted value by value: `labelvc privacy accept`.

    \b
      labelvc waiver add box.near_duplicate 'cells/BloodImage_00013#o7' \\
        --reason 'two cells' --expires 2027-06-30
      labelvc waiver add label.floor --dataset texts --label other \\
        --reason 'rare by nature' --expires 2027-03-31
    """
    about = (*places, *([f"datasets/{dataset}/**"] if dataset else []))
    if not about:
        raise click.UsageError("say what it covers: a PLACE or --dataset")
    made = waiving.add(plumbing.find(settings.directory), rule, about, Answer(who, reason, expires, today()), label)
    write("".join(map(_line, made)))
    say(settings, f"staged; next: git commit -m 'Waive {rule}' -- {WAIVERS}, and have it approved")


@waiver.command("remove")
@click.argument("rule")
@click.argument("places", metavar="[PLACE]...", nargs=-1)
@pass_settings
@changes
def waiver_remove(settings: Settings, /, rule: str, places: tuple[str, ...]) -> None:
    """Take waivers of RULE out of waivers.jsonl and stage that: those for a PLACE as they say it, or all.

    \b
      labelvc waiver remove box.near_duplicate 'cells/BloodImage_00013#o7'
    """
    gone = waiving.remove(plumbing.find(settings.directory), rule, places)
    write("".join(map(_line, gone)))
    say(settings, f"staged; next: git commit -m 'Waive {rule} no more' -- {WAIVERS}, and have it approved")


@waiver.command("list")
@click.option("--at", "rev", default="", metavar="REV", help="Look at REV, not at the work tree.")
@output_options("text", "json", "jsonl")
@pass_settings
def waiver_list(settings: Settings, /, rev: str, form: str, output: Path | None) -> int:
    """List waivers with how they stand: they hold, have ended, or nothing that is found needs them.

    Everything is checked to tell. Exit 1 when one has ended.

    \b
      labelvc waiver list
    """
    git = plumbing.find(settings.directory)
    with progress(settings, None, "looking at shards", "shards") as advance:
        found = waiving.standing(git, Brought(today()), settings.jobs, rev, advance)
    items = [_item(one) for one in found]
    states = [one.state for one in found]
    summary = {"waivers": len(found), **{name: states.count(name) for name in ("holds", "ended", "unused")}}
    if form == "json":
        write(json.document("waiver-list", items, head=rev or "work tree", summary=summary), output)
    elif form == "jsonl":
        write("".join(json.lines(items)), output)
    else:
        lines = [f"{one.state.ljust(7)} {_line(one.waiver, one.covers)}" for one in found]
        said = f"{text.count(len(found), 'waiver')}; {summary['ended']:,} ended, {summary['unused']:,} unused\n"
        write("".join([*lines, said]), output)
    return int("ended" in states)


def _line(one: Waiver, covers: int | None = None) -> str:
    label = f" label {text.safe(one.label)}" if one.label else ""
    number = "" if covers is None else f"  covers {text.count(covers, 'finding')};"
    return (
        f"{one.rule}  {text.safe(one.at)}{label}{number}  by {text.safe(one.by)} {one.made}, until {one.expires}: "
        f"{text.safe(one.reason)}\n"
    )


def _item(one: Standing) -> json.Item:
    by = one.waiver
    said = {name: told for name in by.__struct_fields__ if (told := getattr(by, name))}
    return {**said, "state": one.state, "covers": one.covers}
