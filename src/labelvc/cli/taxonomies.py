"""Commands on taxonomies: versions, operations on labels with their lineage, and the migration of records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from labelvc.cli.context import Settings, pass_settings
from labelvc.cli.grouped import NounGroup
from labelvc.cli.guidelines import DRY, VERSION, listed, tell
from labelvc.cli.label_lists import taxonomy_export, taxonomy_import
from labelvc.cli.output import changes, output_options, progress, say, write
from labelvc.cli.registers import entry_of
from labelvc.cli.render import json, tally
from labelvc.cli.render import taxonomy as render
from labelvc.cli.spreading import repository
from labelvc.core.lineage import Operation
from labelvc.ops import migrate as migrating
from labelvc.ops import publication
from labelvc.ops import tally as tallying
from labelvc.ops import taxonomy as taxonomies
from labelvc.ops.publication import Wanted
from labelvc.store import git as plumbing

_NAME = click.argument("name")
_REASON = click.option("--reason", default="", metavar="TEXT", help="Why; stands in the lineage.")


@click.group(cls=NounGroup)
def taxonomy() -> None:
    """Taxonomies: sets of labels whose ids never change; what is done to them stands in their lineage."""


@taxonomy.command("list")
@output_options("text", "json", "jsonl")
@pass_settings
def taxonomy_list(settings: Settings, /, form: str, output: Path | None) -> None:
    """List the taxonomies and what changed since publication.

    \b
      labelvc taxonomy list
    """
    listed(settings, "taxonomy", form, output)


@taxonomy.command("publish")
@click.argument("name")
@VERSION
@DRY
@output_options("text", "json")
@pass_settings
@changes
def taxonomy_publish(
    settings: Settings, /, name: str, version: str, dry_run: bool, form: str, output: Path | None
) -> None:
    """Publish taxonomy NAME under the version its change calls for.

    The document is taken as it lies in the work tree. A label that goes, moves, is merged or split takes a major version,
    a new, renamed or deprecated one a minor, the rest a patch. A smaller step is refused. Commit document and list
    together.

    \b
      labelvc taxonomy publish cells
    """
    git = plumbing.find(settings.directory)
    done = publication.publish(git, "taxonomy", name, entry_of(git, ""), Wanted(version, dry=dry_run))
    tell(settings, "taxonomy", name, done, form, output, dry=dry_run)


def _operate(settings: Settings, name: str, asked: Operation, *, dry: bool) -> None:
    done = taxonomies.operate(plumbing.find(settings.directory), name, asked, dry=dry)
    write(render.done(name, done, dry=dry))
    if dry:
        say(settings, "nothing was written (--dry-run)")
        return
    migrates = asked.kind in ("merge", "split")
    say(
        settings,
        f"next: labelvc taxonomy migrate {name} --dry-run" if migrates else f"next: labelvc taxonomy publish {name}",
    )


@taxonomy.command("add")
@_NAME
@click.argument("label")
@click.option("--name", "called", default="", metavar="TEXT", help="What people see; default: LABEL.")
@click.option("--parent", default=None, metavar="LABEL", help="The label above.")
@_REASON
@DRY
@pass_settings
@changes
def taxonomy_add(
    settings: Settings, /, name: str, label: str, called: str, parent: str | None, reason: str, dry_run: bool
) -> None:
    """Add LABEL to taxonomy NAME.

    \b
      labelvc taxonomy add cells platelet --name 'Platelet'
    """
    _operate(settings, name, Operation("add", (), (label,), called, parent, reason), dry=dry_run)


@taxonomy.command("rename")
@_NAME
@click.argument("label")
@click.argument("called", metavar="TEXT")
@_REASON
@DRY
@pass_settings
@changes
def taxonomy_rename(settings: Settings, /, name: str, label: str, called: str, reason: str, dry_run: bool) -> None:
    """Have people see LABEL of taxonomy NAME as TEXT; no record is touched.

    Records hold the id, which stays. To give a label another id, merge it into a new one.

    \b
      labelvc taxonomy rename cells RBC 'Red blood cell'
    """
    _operate(settings, name, Operation("rename", (label,), (), called, None, reason), dry=dry_run)


@taxonomy.command("merge")
@_NAME
@click.argument("labels", metavar="LABEL...", nargs=-1, required=True)
@click.option(
    "--into", required=True, metavar="LABEL", help="What they are from now on; a new label where there is none."
)
@click.option("--name", "called", default="", metavar="TEXT", help="What people see of a new one.")
@_REASON
@DRY
@pass_settings
@changes
def taxonomy_merge(
    settings: Settings, /, name: str, labels: tuple[str, ...], into: str, called: str, reason: str, dry_run: bool
) -> None:
    """Merge each LABEL of taxonomy NAME into one.

    Their ids stay in the list as deprecated, so that none is used again. `taxonomy migrate` then gives their records the
    new label.

    \b
      labelvc taxonomy merge litter 'Plastic bottle' 'Glass bottle' --into Bottle
    """
    _operate(settings, name, Operation("merge", labels, (into,), called, None, reason), dry=dry_run)


@taxonomy.command("split")
@_NAME
@click.argument("label")
@click.option(
    "--into",
    "into",
    required=True,
    multiple=True,
    metavar="LABEL",
    help="What it may be from now on; repeatable, LABEL itself too.",
)
@_REASON
@DRY
@pass_settings
@changes
def taxonomy_split(
    settings: Settings, /, name: str, label: str, into: tuple[str, ...], reason: str, dry_run: bool
) -> None:
    """Split LABEL of taxonomy NAME into several.

    Which of them a record is only a person can say: `taxonomy migrate` lists the records.

    \b
      labelvc taxonomy split cells platelet --into platelet --into platelet-clump
    """
    _operate(settings, name, Operation("split", (label,), into, "", None, reason), dry=dry_run)


@taxonomy.command("move")
@_NAME
@click.argument("label")
@click.option("--under", "parent", default=None, metavar="LABEL", help="The label above; default: the top.")
@_REASON
@DRY
@pass_settings
@changes
def taxonomy_move(settings: Settings, /, name: str, label: str, parent: str | None, reason: str, dry_run: bool) -> None:
    """Put LABEL of taxonomy NAME under another one.

    \b
      labelvc taxonomy move cells platelet-clump --under platelet
    """
    _operate(settings, name, Operation("move", (label,), (), "", parent, reason), dry=dry_run)


@taxonomy.command("deprecate")
@_NAME
@click.argument("labels", metavar="LABEL...", nargs=-1, required=True)
@_REASON
@DRY
@pass_settings
@changes
def taxonomy_deprecate(settings: Settings, /, name: str, labels: tuple[str, ...], reason: str, dry_run: bool) -> None:
    """Take each LABEL of taxonomy NAME out of use.

    \b
      labelvc taxonomy deprecate cells clot --reason 'never agreed on'
    """
    _operate(settings, name, Operation("deprecate", labels, (), "", None, reason), dry=dry_run)


@taxonomy.command("migrate")
@_NAME
@DRY
@output_options("text", "json", "jsonl")
@pass_settings
@changes
def taxonomy_migrate(settings: Settings, /, name: str, dry_run: bool, form: str, output: Path | None) -> int:
    """Give records the labels that theirs were merged into, as the lineage of taxonomy NAME says.

    Each of them says so in `origin.migration`, and keeps the guideline version it was made under. Records whose label was
    split are listed, by split and by annotator, since a person must decide, and so are records of one annotator that a
    merge makes alike. Commit the result alone. Exit 1 while a person is needed.

    \b
      labelvc taxonomy migrate cells --dry-run
      labelvc taxonomy migrate cells --format jsonl -o worklist.jsonl
    """
    git = plumbing.find(settings.directory)
    with progress(settings, None, "looking at records", "shards") as advance:
        done = migrating.migrate(git, name, dry=dry_run, advance=advance)
    items: list[Any] = list(render.items(done))
    if form == "json":
        write(json.document("taxonomy-migrate", items, summary=render.summary(done, dry=dry_run)), output)
    elif form == "jsonl":
        write("".join(json.lines(items)), output)
    else:
        write("".join(render.migration(done, dry=dry_run, color=settings.color)), output)
    if dry_run:
        say(settings, "nothing was written (--dry-run)")
    elif done.moves:
        say(settings, f"next: git add --all && git commit -m 'Migrate to {done.version}'")
    if done.open:
        first = "then" if done.moves and not dry_run else "next"
        say(
            settings,
            f"{first}: decide those of a split label: import the answers, or edit the records and labelvc format",
        )
    return 1 if done.open or done.twins else 0


@taxonomy.command("counts")
@_NAME
@click.option("--level", type=click.IntRange(0), default=0, metavar="N", help="Roll up: 1 to the top, 2 below it ...")
@click.option("--at", default="", metavar="REV", help="Count at REV; default: the work tree.")
@output_options("text", "json", "jsonl")
@pass_settings
def taxonomy_counts(settings: Settings, /, name: str, level: int, at: str, form: str, output: Path | None) -> None:
    """Count the records of each label of taxonomy NAME, or of all labels below those of one level together.

    A record counts once for a label; its share is 1, the probability of a soft label, or its part of a set.

    \b
      labelvc taxonomy counts objects --level 1
    """
    git = repository(settings)
    with progress(settings, None, "looking at records", "shards") as advance:
        found = tallying.of(git, name, level=level, at=at, advance=advance)
    items: list[Any] = list(tally.items(found))
    if form == "json":
        write(json.document("taxonomy-counts", items, head=at, summary=tally.summary(found)), output)
    elif form == "jsonl":
        write("".join(json.lines(items)), output)
    else:
        write("".join(tally.table(found)), output)


taxonomy.add_command(taxonomy_import)
taxonomy.add_command(taxonomy_export)
