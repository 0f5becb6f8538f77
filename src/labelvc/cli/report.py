"""The command that writes the lead's dashboard: report."""

from __future__ import annotations

import importlib
from pathlib import Path

import click

from labelvc.cli import signing
from labelvc.cli.context import Settings, pass_settings, today
from labelvc.cli.output import output_options, progress, say, write
from labelvc.cli.render import dashboard as render
from labelvc.cli.render import json
from labelvc.cli.spreading import repository
from labelvc.ops import report as reporting
from labelvc.ops.gates import Brought
from labelvc.ops.report import Asked

_SMALLEST, _BUDGET = 2_000, 60_000


@click.command()
@click.argument("revision", metavar="[REV]", default="HEAD")
@click.option("--since", default="", metavar="DATE", help="Begin with the first step on or after this date.")
@click.option("--to", default="", metavar="DATE", help="End with the last step before or on this date.")
@click.option(
    "--by",
    default="",
    metavar="SLICE",
    help="Tell progress by this slice.  [default: the first that each dataset declares]",
)
@click.option(
    "--budget",
    type=click.IntRange(min=_SMALLEST),
    default=_BUDGET,
    show_default=True,
    metavar="N",
    help="Characters of Markdown at most; what is left out is counted.",
)
@signing.root_option
@output_options("text", "json", "markdown", "html")
@pass_settings
def report(
    settings: Settings,
    /,
    revision: str,
    since: str,
    to: str,
    by: str,
    budget: int,
    root: str | None,
    form: str,
    output: Path | None,
) -> None:
    """Write the dashboard of a line of history: what a lead asks every week.

    Progress by label and slice, milestones and when they will be reached, findings and agreement over time, how long reviews
    took and what is not approved, who worked when, which label became which, what is open in registers, and guidelines that
    left records behind. REV is main, mostly; its steps along first parents count, and the commits that they merged. Dates are
    as git reads them.

    \b
      labelvc report main
      labelvc report main --since '3 months ago' --format html -o report.html
    """
    git = repository(settings)
    pinned = signing.pin(git, root)
    with progress(settings, None, "looking back", "commits") as advance:
        found = reporting.report(git, Asked(revision, since, to, by, pinned, Brought(today()), settings.jobs, advance))
    if form == "json":
        write(json.indented(render.document(found)), output)
    elif form == "text":
        write("".join(render.text(found, color=settings.color)), output)
    elif form == "markdown":
        write(importlib.import_module("labelvc.cli.render.dashboard_markdown").page(found, budget), output)
    else:
        write(importlib.import_module("labelvc.cli.render.dashboard_html").page(found), output)
    if output is not None:
        say(settings, render.glance(found))
