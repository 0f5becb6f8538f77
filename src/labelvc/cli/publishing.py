"""The commands that hand a release to the world: its description for machines, and its card for people."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from pathlib import Path

import click

from labelvc.cli import signing
from labelvc.cli.context import Settings, pass_settings, today
from labelvc.cli.grouped import NounGroup
from labelvc.cli.output import output_options, say, write
from labelvc.cli.render import text
from labelvc.cli.versions import VERSION
from labelvc.core.disclosure import Gap
from labelvc.model.release import Version
from labelvc.ops import manifest as manifests
from labelvc.ops import publish as publishing
from labelvc.ops import reviewed as reviewing
from labelvc.ops.licensing import Asked
from labelvc.store import git as plumbing
from labelvc.store import tree


@click.group(cls=NounGroup)
def export() -> None:
    """Write a release in a form that other tools read."""


@export.command("croissant", short_help="Write a release as Croissant 1.1 with RAI 1.0.")
@click.argument("version", type=VERSION, required=False)
@click.option(
    "-o",
    "--output",
    "target",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DEST",
    help="Folder for the description and the files it names; FILE.json for the description alone.",
)
@click.option(
    "--because", default="", metavar="ID", help="Decision of the register that permits it, whatever the licences."
)
@pass_settings
def croissant(settings: Settings, /, version: Version | None, target: Path, because: str) -> None:
    """Write a release, the last when none is named, as Croissant 1.1 with RAI 1.0 (JSON-LD).

    DEST gets croissant.json, a file of rows for the items of each dataset and one for each task, each with its SHA-256.
    Rows are flat: docs/formats/croissant.md says which columns a task has. Annotators stay pseudonyms, `ext` and deleted
    records are left out. What nobody wrote down is left out too, and named.

    Rows are refused as `labelvc export` refuses them: of items whose licence or source does not let them out.

    \b
      labelvc release export croissant 1.0.0 -o croissant
    """
    git = plumbing.find(settings.directory)
    found = publishing.croissant_of(git, version, target, Asked(today(), because))
    for note in found.notes:
        say(settings, f"note: {text.safe(note)}")
    rows, files = text.count(found.rows, "row"), text.count(len(found.tables), "file")
    say(
        settings, f"described {rows} in {files}" if target.suffix == ".json" else f"wrote {rows} in {files} to {target}"
    )
    _tell(settings, found.gaps)


@click.command("card", short_help="Describe a release for those who use the data.")
@click.argument("version", type=VERSION, required=False)
@output_options("markdown", "html", "json")
@pass_settings
def card(settings: Settings, /, version: Version | None, form: str, output: Path | None) -> None:
    """Write the data card of a release, the last when none is named, under the headings of Datasheets for Datasets.

    It says what the project's documents, the records and the approvals say; questions that none of them answers stand in
    a section of their own, with the place to answer them.

    \b
      labelvc release card --format html -o card.html
    """
    git = plumbing.find(settings.directory)
    with tree.reader(git) as reader:
        made = manifests.find(git, plumbing.resolve(git, "HEAD"), version)
        told = importlib.import_module("labelvc.ops.facts").gather(git, reader, made)
        agreed = importlib.import_module("labelvc.ops.trends").agreed(git, reader, made.commit)
    found = manifests.history(git, plumbing.resolve(git, "HEAD"))
    changes = reviewing.of_release(git, found, made.version, signing.pin(git, None))
    write(importlib.import_module("labelvc.cli.render.card").page(told, changes, agreed, form), output)


def _tell(settings: Settings, gaps: Iterable[Gap]) -> None:
    for gap in gaps:
        say(settings, f"gap: {gap.about}; write it to {gap.where}")
