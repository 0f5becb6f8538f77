"""The command media: pictures that are labelled, without what they tell beside their pixels, and whether they are still the same."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import click

from labelvc.cli.context import Settings, pass_settings
from labelvc.cli.grouped import NounGroup
from labelvc.cli.output import changes, output_options, progress, say, write
from labelvc.cli.render import json, text
from labelvc.ops import likeness
from labelvc.ops import media as pictures
from labelvc.store import git as plumbing


@click.group(cls=NounGroup)
def media() -> None:
    """Bring pictures in, without what tells who took them and where; see whether they are the ones that were labelled."""


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
@changes
def media_add(settings: Settings, /, sources: tuple[Path, ...], dataset: str, shapes: Any) -> None:
    """Put JPEG and PNG files into the dataset's media folder, clean and upright.

    Exif with place, thumbnail and time, XMP, IPTC, comments and text are left out; pixels stay as they are. A picture that
    its Exif says to turn is turned, and the boxes and outlines of its item with it. An item whose `media` names the file is
    its item, else there is a new one; it notes the SHA-256, by which `media check` knows the file. Nothing is committed.

    \b
      labelvc media add photos/*.jpg --dataset pictures
    """
    git = plumbing.find(settings.directory)
    for one in pictures.add(git, dataset, sources, shapes):
        along = f" with {text.count(len(one.records), 'record')}" if one.records else ""
        turned = f", turned upright{along}" if one.orientation != 1 else ""
        write(f"{text.safe(one.path)}  {one.digest[:19]}  {one.removed:,} bytes of metadata left out{turned}\n")
    say(settings, "next: labelvc check --all, then git add --all && git commit")


_WORDS = {
    "other": "is another file than the one that was labelled",
    "absent": "is not on this machine, so that it cannot be told",
}


@media.command("check")
@click.option("--dataset", "-D", default="", metavar="NAME", help="Only this dataset.")
@click.option("--require", is_flag=True, help="Exit 2 when a file is not here, and so cannot be told.")
@output_options("text", "json", "jsonl")
@pass_settings
def media_check(settings: Settings, /, dataset: str, require: bool, form: str, output: Path | None) -> int:
    """Hold media files against the SHA-256 of the files that were labelled.

    An item says it in `media.sha256`, or the dataset's `media.sha256` for its path. Exit 1 when a file is another one. Files
    that are not on this machine are counted; with --require they exit 2.

    \b
      labelvc media check
      labelvc media check --dataset pictures --require
    """
    git = plumbing.find(settings.directory)
    with progress(settings, None, "reading media", "files") as advance:
        found = list(likeness.of(git, dataset, advance))
    counted = Counter(one.state for one in found)
    summary = {state: counted[state] for state in ("same", "other", "absent", "unnamed")}
    rows = [one._asdict() for one in found]
    if form == "json":
        write(json.document("media-check", rows, summary=summary), output)
    elif form == "jsonl":
        write("".join(json.lines(rows)), output)
    else:
        told = [
            f"{one.state.ljust(7)} {text.safe(f'{one.dataset}/{one.item}')}  {text.safe(one.path)} {_WORDS[one.state]}\n"
            for one in found
            if one.state == "other" or (require and one.state == "absent")
        ]
        write("".join([*told, f"{', '.join(f'{number:,} {state}' for state, number in summary.items())}\n"]), output)
    return 1 if counted["other"] else 2 if require and counted["absent"] else 0
