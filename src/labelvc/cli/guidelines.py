"""Commands on guidelines: what versions there are, publishing the next, what it leaves to be done, and pages for annotators."""

from __future__ import annotations

from pathlib import Path

import click

from labelvc.cli.context import Settings, pass_settings
from labelvc.cli.grouped import NounGroup
from labelvc.cli.output import changes, output_options, progress, say, write
from labelvc.cli.proposing import guideline_propose
from labelvc.cli.registers import entry_of
from labelvc.cli.render import guideline as render
from labelvc.cli.render import json, manual
from labelvc.core import semver
from labelvc.ops import publication, versions, worklist
from labelvc.ops.publication import Publication, Wanted
from labelvc.ops.versions import Noun
from labelvc.store import git as plumbing

_STATUSES = ("draft", "pilot", "active", "retired")
DRY = click.option("--dry-run", is_flag=True, help="Say what would happen, write nothing.")


def _version(context: click.Context, option: click.Parameter, given: str) -> str:
    if given and not semver.is_version(given):
        raise click.BadParameter(f"{given!r} is no version; write 1.2.0", context, option)
    return given


VERSION = click.option(
    "--version",
    "version",
    default="",
    callback=_version,
    metavar="V",
    help="Publish as V, not as the least version allowed.",
)


@click.group(cls=NounGroup)
def guideline() -> None:
    """Guidelines: how to decide, in versions that never change what they say."""


def listed(settings: Settings, noun: Noun, form: str, output: Path | None) -> None:
    """Write the documents of a kind with how they stand to what was published."""
    found = versions.listing(plumbing.find(settings.directory), noun)
    items = [render.row(one) for one in found]
    if form == "json":
        write(json.document("versions-list", items, summary={"noun": noun}), output)
    elif form == "jsonl":
        write("".join(json.lines(items)), output)
    else:
        write("".join(render.table(found)) or f"no {versions.FOLDERS[noun]}\n", output)


@guideline.command("list")
@output_options("text", "json", "jsonl")
@pass_settings
def guideline_list(settings: Settings, /, form: str, output: Path | None) -> None:
    """List the guidelines and what changed since publication.

    \b
      labelvc guideline list
    """
    listed(settings, "guideline", form, output)


@guideline.command("publish")
@click.argument("name")
@VERSION
@click.option("--status", type=click.Choice(_STATUSES), default=None, help="Give it this status as well.")
@click.option("--takes", "takes", multiple=True, metavar="ID", help="A proposal that it takes; repeatable.")
@DRY
@output_options("text", "json")
@pass_settings
@changes
def guideline_publish(
    settings: Settings,
    /,
    name: str,
    version: str,
    status: str | None,
    takes: tuple[str, ...],
    dry_run: bool,
    form: str,
    output: Path | None,
) -> None:
    """Publish guideline NAME under the version its change calls for.

    The document is taken as it lies in the work tree. A definition, condition or rule that reads otherwise changes the
    meaning and takes a major version; examples, edge cases and a label's first definition clarify: a minor one; the rest
    is editorial: a patch. A smaller step is refused. Afterwards the version never changes what it says. Commit document
    and list together. Proposals that it names under `because` are closed by it; --takes names one there as well.

    \b
      labelvc guideline publish sentiment --dry-run
      labelvc guideline publish sentiment --status active
      labelvc guideline publish sentiment --takes proposal/4
    """
    git = plumbing.find(settings.directory)
    wanted = Wanted(version, status or "", takes, dry_run)
    done = publication.publish(git, "guideline", name, entry_of(git, ""), wanted)
    tell(settings, "guideline", name, done, form, output, dry=dry_run)


def tell(
    settings: Settings, noun: Noun, name: str, done: Publication, form: str, output: Path | None, *, dry: bool
) -> None:
    """Write what publishing came to, and say what comes next."""
    if form == "json":
        write(
            json.document("publication", list(render.edited(done)), summary=render.published(noun, name, done)), output
        )
        return
    write("".join(render.publication(name, done, dry=dry, color=settings.color)), output)
    if dry and not done.written and done.version != done.before:
        say(settings, "nothing was written (--dry-run)")
    elif done.written:
        paths = " ".join([done.path, versions.listed_at(noun, name), *[one.path for one in done.takes]])
        say(settings, f"next: git add {paths} && git commit -m 'Publish {name} {done.version}'")
        if noun == "guideline" and done.weight == "meaning":
            say(settings, f"then: labelvc guideline impact {name}")


@guideline.command("impact")
@click.argument("name")
@click.option(
    "--at",
    "at",
    default="",
    metavar="REV",
    help="Look at the records and the guideline of REV; default: the work tree.",
)
@click.option(
    "--since", default="", metavar="REV", help="Also tell which records that REV left to be looked at are done."
)
@output_options("text", "json", "jsonl")
@pass_settings
def guideline_impact(settings: Settings, /, name: str, at: str, since: str, form: str, output: Path | None) -> None:
    """List records made under another meaning of guideline NAME.

    Each record names the version it was made under; those whose label meant something else in it are the worklist. A
    record is done when it names a version that means the same as today's, or is gone.

    \b
      labelvc guideline impact relations
      labelvc guideline impact relations --since v2 --format jsonl -o rest.jsonl
    """
    git = plumbing.find(settings.directory)
    with progress(settings, None, "looking at records", "shards") as advance:
        found = worklist.of(git, name, at=at, since=since, advance=advance)
    items = [render.entry(one) for one in found.entries]
    if form == "json":
        write(json.document("guideline-impact", items, base=since, head=at, summary=render.totals(name, found)), output)
    elif form == "jsonl":
        write("".join(json.lines(items)), output)
    else:
        write("".join(render.impact(name, found, color=settings.color)), output)


@guideline.command("render")
@click.argument("name")
@click.option("--against", default="", metavar="V", help="Mark what changed since published version V.")
@output_options("markdown", "html")
@pass_settings
def guideline_render(settings: Settings, /, name: str, against: str, form: str, output: Path | None) -> None:
    """Write guideline NAME for people who label.

    As Markdown, or as one HTML file that needs nothing else.

    \b
      labelvc guideline render sentiment --format html -o sentiment.html
      labelvc guideline render sentiment --against 1.0.0
    """
    shown = versions.shown(plumbing.find(settings.directory), name, against)
    write(manual.page(shown, form), output)


guideline.add_command(guideline_propose)
