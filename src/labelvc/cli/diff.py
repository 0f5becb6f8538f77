"""The command that shows what differs: diff."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from labelvc.cli.context import Settings, pass_settings
from labelvc.cli.output import output_options, say, write
from labelvc.cli.render import json, text
from labelvc.cli.spreading import repository
from labelvc.core import diff as rules
from labelvc.model.change import Delta
from labelvc.ops import diff as differing
from labelvc.ops import naming, veil

_AT_ONCE = 1 << 16


@click.command()
@click.argument("revisions", metavar="[A[..B]]", required=False)
@click.option("--staged", is_flag=True, help="Compare HEAD (or A) with the index.")
@click.option("--stat", is_flag=True, help="Only counts, and which answer became which how often.")
@click.option(
    "--key",
    "keys",
    multiple=True,
    metavar="KEY",
    help="Only this: dataset/item#id, dataset/item, a dataset, or a document's path; repeatable.",
)
@click.option("--exit-code", is_flag=True, help="Exit 1 when anything differs.")
@output_options("text", "json", "jsonl")
@pass_settings
def diff(
    settings: Settings,
    /,
    revisions: str | None,
    staged: bool,
    stat: bool,
    keys: tuple[str, ...],
    exit_code: bool,
    form: str,
    output: Path | None,
) -> int:
    """Show which records, items and documents differ: HEAD against the work tree, or two revisions.

    A compares A with the work tree, A..B with B, and A...B where the two parted with B (what a pull request brings).
    A line begins with + (added), - (removed), ~ (changed) or . (only `rev` or `at` differs).
    """
    git = repository(settings)
    pair = differing.resolve(git, revisions, staged=staged, whole=bool(keys))
    changes: Iterable[Delta] = differing.between(git, pair.old, pair.new)
    if keys:
        changes = [delta for delta in changes if any(differing.matches(delta, key) for key in keys)]
        for key in keys:
            if not any(differing.matches(delta, key) for delta in changes):
                naming.demand(git, pair, key)
    tally = rules.Tally()
    counted = tally.counted(changes, veil.over(git, *pair).drawn)
    if form == "json":
        items = [json.delta(delta) for delta in counted if not stat]
        write(
            json.document("diff", items, base=pair.old.name, head=pair.new.name, summary=_numbers(tally.summary())),
            output,
        )
    elif form == "jsonl":
        _stream(json.lines(json.delta(delta) for delta in counted), output)
    elif stat:
        for _ in counted:
            pass
        write("".join(text.stat(tally.summary())), output)
    else:
        _stream(text.deltas(counted, color=settings.color), output)
        say(settings, text.totals(tally.summary()))
    found = tally.summary()
    return 1 if exit_code and any((found.records, found.items, found.documents)) else 0


def _numbers(summary: rules.Summary) -> dict[str, Any]:
    moves = [[*row, number] for row, number in sorted(summary.transitions.items(), key=lambda row: (-row[1], row[0]))]
    return {
        "records": dict(summary.records),
        "items": dict(summary.items),
        "documents": dict(summary.documents),
        "touched_items": summary.touched_items,
        "transitions": [{"task": task, "old": old, "new": new, "count": number} for task, old, new, number in moves],
    }


def _stream(parts: Iterable[str], output: Path | None) -> None:
    if output is not None:
        target = importlib.import_module("labelvc.formats.target")  # half of it is for folders
        with target.file(output) as file:
            file.writelines(part.encode(errors="backslashreplace") for part in parts)
        return
    waiting: list[str] = []
    size = 0
    for part in parts:
        waiting.append(part)
        size += len(part)
        if size > _AT_ONCE:
            sys.stdout.write("".join(waiting))
            waiting, size = [], 0
    sys.stdout.write("".join(waiting))
