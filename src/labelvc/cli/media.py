"""The command media: pictures that are labelled, without what they tell beside their pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from labelvc.cli.context import Settings, pass_settings
from labelvc.cli.output import say, write
from labelvc.cli.render import text
from labelvc.ops import media as pictures
from labelvc.store import git as plumbing


@click.group()
def media() -> None:
    """Bring pictures in, without what tells who took them and where."""


@media.command("add")
@click.argument(
    "sources", metavar="FILE...", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--dataset", "-D", required=True, metavar="NAME", help="Dataset they belong to.")
@click.option(
    "--shapes",
    type=click.Choice(["stored", "seen"]),
    help="What existing shapes were drawn on: the picture as it is stored, or as it is seen.  [default: told by the item's size]",
)
@pass_settings
def media_add(settings: Settings, /, sources: tuple[Path, ...], dataset: str, shapes: Any) -> None:
    """Put JPEG and PNG files into the dataset's media folder, clean and upright.

    Exif with place, thumbnail and time, XMP, IPTC, comments and text are left out; pixels stay as they are. A picture that
    its Exif says to turn is turned, and the boxes and outlines of its item with it. An item whose `media` names the file is
    its item, else there is a new one. Nothing is committed.
    """
    git = plumbing.find(settings.directory)
    for one in pictures.add(git, dataset, sources, shapes):
        along = f" with {text.count(len(one.records), 'record')}" if one.records else ""
        turned = f", turned upright{along}" if one.orientation != 1 else ""
        write(f"{text.safe(one.path)}  {one.digest[:19]}  {one.removed:,} bytes of metadata left out{turned}\n")
    say(settings, "next: labelvc check --all, then git add --all && git commit")
