"""The command that writes the page of a label pull request: review."""

from __future__ import annotations

import importlib
from pathlib import Path

import click

from labelvc.cli import signing, timing
from labelvc.cli.context import Settings, pass_settings, today
from labelvc.cli.output import output_options, progress, say, write
from labelvc.cli.render import json
from labelvc.cli.render import review as render
from labelvc.cli.spreading import repository
from labelvc.model.review import Review
from labelvc.ops import review as reviewing
from labelvc.ops.gates import Brought
from labelvc.ops.review import Asked

_SMALLEST = 2_000


@click.command()
@click.argument("revisions", metavar="A...B")
@click.option(
    "--examples",
    type=click.IntRange(0, 20),
    metavar="N",
    help="Show N records of each way a label went, drawn at random.  [default: as profiles say, else 3, more where there are few ways]",
)
@click.option(
    "--budget",
    type=click.IntRange(min=_SMALLEST),
    metavar="N",
    help="Characters of Markdown at most; what is left out is counted.  [default: as profiles say, else 60000]",
)
@click.option(
    "--exit-code",
    is_flag=True,
    help="Exit 1 when it is not approved, brings errors or lost something in a merge.",
)
@signing.root_option
@output_options("text", "json", "markdown", "html")
@pass_settings
def review(
    settings: Settings,
    /,
    revisions: str,
    examples: int | None,
    budget: int | None,
    exit_code: bool,
    root: str | None,
    form: str,
    output: Path | None,
) -> int:
    """Write the page of a label pull request: everything that B brings to A.

    How it stands to the policy and what to type next, counts, new and fixed findings, which label became which with examples,
    rates by annotator and slice, the shift of the whole, agreement, documents, merges, privacy, and how to make the page again.
    One HTML file needs no network and runs no script; Markdown is for a comment on the pull request. Exit 2 when how it stands
    to the policy or what a merge did cannot be told.

    \b
      labelvc review main...topic
      labelvc review main...topic --format html -o review.html
      labelvc review main...topic --format markdown -o comment.md
    """
    git = repository(settings)
    pinned = signing.pin(git, root)
    with progress(settings, None, "looking at shards", "shards") as advance:
        asked = Asked(pinned, Brought(today()), settings.jobs, examples, advance, timing.clock())
        found = reviewing.review(git, revisions, asked)
    if form == "json":
        write(json.indented(render.document(found)), output)
    elif form == "text":
        write("".join(render.text(found, color=settings.color)), output)
    elif form == "markdown":
        write(importlib.import_module("labelvc.cli.render.review_markdown").page(found, budget or found.budget), output)
    else:
        write(importlib.import_module("labelvc.cli.render.review_html").page(found), output)
    if output is not None:
        say(settings, f"{render.STATES[found.verdict.state]}; {render.quality(found)}")
    if found.verdict.state == "undecidable" or found.merges.problems or signing.unproved(settings, pinned):
        return 2
    return int(exit_code and _is_open(found))


def _is_open(found: Review) -> bool:
    """Tell whether something stands against a change."""
    lost = found.merges.verdicts.keys() - {"resolved"}
    unsaid = found.verdict.state not in (*render.GOOD, "ungoverned")
    return unsaid or bool(found.quality.new.get("error")) or bool(lost)
