"""Commands that bring labels in and hand them out: import, export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from labelvc.cli.context import Settings, pass_settings, today
from labelvc.cli.output import Destination, changes, output_options, placed, progress, say, write
from labelvc.cli.render import json, text
from labelvc.cli.spreading import repository
from labelvc.core import diff as rules
from labelvc.core.veil import Veil
from labelvc.model.change import Delta
from labelvc.ops import sources, transfer
from labelvc.ops.licensing import Asked
from labelvc.ops.request import Request
from labelvc.store import git as plumbing
from labelvc.store import tree

_SHOWN = 10
_NEXT = "labelvc check --all, then git add --all && git commit"


class _Source(click.Path):
    """A file or folder to read; a DVC pointer may stand for it."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Refuse what is neither here nor behind a pointer."""
        path = Path(value)
        return path if sources.pointer(path).is_file() else super().convert(value, param, ctx)


@click.command("import")
@click.argument("form_name", metavar="FORMAT")
@click.argument("source", metavar="SRC", type=_Source(exists=True, path_type=Path))
@click.option("--dataset", "-D", required=True, metavar="NAME", help="Dataset to import into.")
@click.option("--task", default="", metavar="NAME", help="Task of the records; needed when the dataset has several.")
@click.option(
    "--layout",
    type=click.Choice(["long", "wide"]),
    default="long",
    show_default=True,
    help="csv, jsonl: a row an answer (long), or a row an item with a column an annotator (wide).",
)
@click.option("--item", metavar="COL", help="csv, jsonl: column with the item's name or text.")
@click.option("--by", metavar="COL", help="csv, jsonl: column with the annotator.")
@click.option(
    "--value",
    metavar="COL",
    help="csv, jsonl: column with the answer. With --layout wide: columns of annotators (ann,ben), or one column of lists.",
)
@click.option(
    "--key",
    "keys",
    multiple=True,
    metavar="FIELD",
    help="Natural key: what names the item whatever number it has, a column, or a field of a COCO image; repeatable.",
)
@click.option(
    "--mode",
    type=click.Choice(["add", "replace"]),
    default="add",
    show_default=True,
    help="add keeps what SRC lacks; replace deletes it, leaving tombstones.",
)
@click.option(
    "--allow-renumbering",
    is_flag=True,
    help="Write even where the source has most of what is stored here under other ids.",
)
@click.option("--add-labels", is_flag=True, help="Add labels that the taxonomy lacks to it.")
@click.option(
    "--offsets",
    type=click.Choice(["codepoints", "utf16", "bytes"]),
    help="What the spans of SRC count; what they cover is compared, where SRC says it.  [default: code points, not compared]",
)
@click.option("--dry-run", is_flag=True, help="Say what would happen, write nothing.")
@output_options("text", "json")
@pass_settings
@changes
def import_command(
    settings: Settings,
    /,
    form_name: str,
    source: Path,
    dataset: str,
    task: str,
    mode: Any,
    allow_renumbering: bool,
    add_labels: bool,
    offsets: Any,
    dry_run: bool,
    form: str,
    output: Path | None,
    keys: tuple[str, ...],
    layout: str,
    item: str | None,
    by: str | None,
    value: str | None,
) -> int:
    """Import SRC, a file or folder of FORMAT, into the work tree.

    The import is a diff: records that are already there and equal are left alone, annotators' names and declared
    sensitive fields become pseudonyms, and `rev` grows where a record changed. Nothing is committed.

    FORMAT is csv (tabs and semicolons too), jsonl, conllu, voc or coco, or one that an installed package brings.
    A COL is a column's name, or its number where a csv has no header; of jsonl a field, or a JSON pointer as
    /answer/choice. Without one, the usual names are looked for, such as item, text, annotator and label.

    Where SRC is not here but its DVC pointer is, workers read it from the remote: --executor dask.

    With --key, items are found by that field and records by their content, whatever numbers the source gives them. An
    import that would give most stored ids another meaning is refused.

    \b
      labelvc import csv answers.csv --dataset texts --item 1 --by who --dry-run
      labelvc import coco instances.json --dataset pictures --key flickr_url \\
        --mode replace
    """
    git = repository(settings)
    words = {"key": keys, "layout": layout, "item": item, "by": by, "value": value}
    with (
        sources.at_hand(git, source) as here,
        progress(settings, None, f"reading {source.name}", "rows") as advance,
    ):
        request = Request(form_name, here, dataset, task, mode, words, add_labels, allow_renumbering, offsets)
        found = (transfer.prepare if dry_run else transfer.perform)(git, request, advance)
    told = _as_json(found, source.name) if form == "json" else _as_text(settings, found, source.name, dry_run=dry_run)
    write(told, output)
    if not dry_run:
        new = found.rewrite.files or found.documents
        say(settings, f"next: {_NEXT}" if new else "all of it is there already")
    return 0


def _shown(found: transfer.Imported, delta: Delta) -> rules.Comparison:
    return Veil(lambda _: found.dataset.sensitive).drawn(rules.compare(delta))


def _as_json(found: transfer.Imported, source: str) -> str:
    summary = found.rewrite.deltas.summary
    numbers = {
        "records": dict(summary.records),
        "items": dict(summary.items),
        "read": dict(found.read),
        "notes": found.notes,
    }
    items = [json.delta(_shown(found, delta)) for delta in found.rewrite.deltas]
    return json.document("diff", items, head=source, summary=numbers)


def _as_text(settings: Settings, found: transfer.Imported, source: str, *, dry_run: bool) -> str:
    deltas = found.rewrite.deltas
    first = deltas.first(_SHOWN) if dry_run else []
    lines = [text.delta(_shown(found, delta), color=settings.color) for delta in first]
    if first and len(deltas) > len(first):
        lines.append(f"  ... and {len(deltas) - len(first):,} more\n")
    items, records = found.read["items"], found.read["annotations"]
    lines.append(f"read {text.count(items, 'item')}, {text.count(records, 'record')} of {text.safe(source)}\n")
    lines += [f"note: {text.safe(note)}\n" for note in found.notes]
    did, shards = "would write" if dry_run else "wrote", text.count(len(found.rewrite.files), "shard")
    lines.append(f"{did} {shards}: {text.totals(deltas.summary)}\n")
    return "".join(lines)


@click.command()
@click.argument("form_name", metavar="FORMAT")
@click.option("--dataset", "-D", required=True, metavar="NAME", help="Dataset to export.")
@click.option("--task", default="", metavar="NAME", help="Task to export; needed when the dataset has several.")
@click.option(
    "--layout",
    type=click.Choice(["long", "wide"]),
    default="long",
    show_default=True,
    help="csv: a row an answer (long), or a row an item with a column an annotator (wide).",
)
@click.option("--item", metavar="COL", help="csv: call the column of items so.  [default: item]")
@click.option("--by", metavar="COL", help="csv: call the column of annotators so.  [default: by]")
@click.option(
    "--value",
    metavar="COL",
    help="csv: call the column of answers so; with --layout wide, write one column of lists.  [default: value]",
)
@click.option("--at", "revision", metavar="REV", help="Revision to export; the work tree when not given.")
@click.option(
    "--because", default="", metavar="ID", help="Decision of the register that permits it, whatever the licences."
)
@click.option(
    "-o",
    "--output",
    "target",
    required=True,
    type=Destination(path_type=Path),
    metavar="DEST",
    help="File to write; a folder for voc.",
)
@pass_settings
def export(
    settings: Settings,
    /,
    form_name: str,
    dataset: str,
    task: str,
    revision: str | None,
    because: str,
    target: Path,
    layout: str,
    item: str | None,
    by: str | None,
    value: str | None,
) -> int:
    """Write a dataset's records in another tool's FORMAT to DEST, rebuilt from the records alone.

    FORMAT is csv (tabs for a DEST that ends in .tsv), jsonl, conllu, voc or coco, or one that an installed package brings.
    Deleted records are left out, and annotators stay pseudonyms. The same --at REV gives the same file every time.

    Items are refused whose source forbids it (at REV, or at HEAD by its register) or whose licence has ended; where sources are registered, also those of which
    nobody can tell; where labelvc.yaml says `licences`, also those that have none or another. A closed decision with
    `permits` lets them out.

    \b
      labelvc export coco --dataset pictures -o instances.json
      labelvc export csv --dataset texts --at v1.0.0 -o texts.csv
    """
    git = plumbing.find(settings.directory)
    placed(target)
    snapshot = tree.commit(git, revision) if revision else tree.work(git)
    words = {"layout": layout, "item": item, "by": by, "value": value}
    asked = Asked(today(), because)
    with progress(settings, None, f"writing {target.name}", "shards") as advance:
        done = transfer.export(git, snapshot, form_name, dataset, target, words, asked, task, advance)
    if done.note:
        say(settings, f"note: {text.safe(done.note)}")
    say(settings, f"wrote {text.count(done.records, 'record')} to {target}")
    return 0
