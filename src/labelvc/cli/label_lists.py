"""Commands that bring taxonomies in from the label lists of other tools, and write them out as such."""

from __future__ import annotations

from pathlib import Path

import click

from labelvc.cli.context import Settings, pass_settings
from labelvc.cli.guidelines import DRY
from labelvc.cli.output import changes, deliver, output_option, say, write
from labelvc.ops import label_lists
from labelvc.store import git as plumbing

_FORMS = click.Choice(("skos", "csv", "coco", "voc", "conllu"))


@click.command("import")
@click.argument("form_name", type=_FORMS, metavar="FORMAT")
@click.argument("source", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--name", "called", default="", metavar="NAME", help="Of the new taxonomy; default: that of the file.")
@DRY
@pass_settings
@changes
def taxonomy_import(settings: Settings, /, form_name: str, source: Path, called: str, dry_run: bool) -> None:
    """Make a taxonomy from a label list: skos (RDF/XML), csv, coco, voc or conllu.

    A column of a csv is one of id, name, parent, aliases (separated by |), description, status and attributes (JSON). Of coco
    the categories are taken, with their supercategories above them; voc and conllu are names, one a line, where acl:relcl
    lies under acl.

    \b
      labelvc taxonomy import skos eurovoc.rdf --name subjects
      labelvc taxonomy import coco instances.json --name objects --dry-run
    """
    name = called or source.stem.replace(".", "-").replace(" ", "-")
    done = label_lists.bring(plumbing.find(settings.directory), form_name, source, name, dry=dry_run)
    would = "would have" if dry_run else "has"
    write(f"{name} {done.version} {would} {done.labels:,} label{'s'[: done.labels != 1]}\n")
    say(settings, "nothing was written (--dry-run)" if dry_run else f"next: labelvc taxonomy publish {name}")


@click.command("export")
@click.argument("form_name", type=_FORMS, metavar="FORMAT")
@click.argument("name")
@output_option
@pass_settings
def taxonomy_export(settings: Settings, /, form_name: str, name: str, output: Path | None) -> None:
    """Write taxonomy NAME as a label list: skos (RDF/XML), csv, coco, voc or conllu.

    What the list cannot hold is told.

    \b
      labelvc taxonomy export skos topics -o topics.rdf
    """
    data, lost = label_lists.take(plumbing.find(settings.directory), form_name, name)
    if output is None:
        write(data.decode())
    else:
        deliver(data, output)
    if lost:
        say(settings, f"{form_name} cannot hold: {', '.join(lost)}")
