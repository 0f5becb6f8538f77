"""Commands on datasets: list, show, new, reshard, storage."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any, Literal

import click

from labelvc.cli.completion import dataset_names
from labelvc.cli.context import Settings, pass_settings
from labelvc.cli.grouped import NounGroup
from labelvc.cli.output import changes, output_options, progress, say, write
from labelvc.cli.render import json, text
from labelvc.core import protection
from labelvc.model.project import Project, Sensitive
from labelvc.ops import dataset as datasets
from labelvc.ops import reshard as resharding
from labelvc.ops.dataset import Shown
from labelvc.ops.reshard import Done, Layout
from labelvc.store import git as plumbing

_NAME = click.argument("name", shell_complete=dataset_names)
_ABSENT = "not on this machine: dvc pull"


@click.group(cls=NounGroup)
def dataset() -> None:
    """Show datasets, make one, and change how one is stored without changing a record."""


@dataset.command("list")
@output_options("text", "json", "jsonl")
@pass_settings
def dataset_list(settings: Settings, /, form: str, output: Path | None) -> None:
    """List the datasets and how much they hold.

    \b
      labelvc dataset list
    """
    found = datasets.listing(plumbing.find(settings.directory))
    items = [_row(shown) for shown in found]
    if form == "json":
        write(json.document("dataset-list", items, summary=_total(found)), output)
    elif form == "jsonl":
        write("".join(json.lines(items)), output)
    elif found:
        write("".join(_table(found)), output)
    else:
        write("no datasets\n", output)
        say(settings, "next: labelvc dataset new NAME --task TASK")


@dataset.command("show")
@_NAME
@output_options("text", "json")
@pass_settings
def dataset_show(settings: Settings, /, name: str, form: str, output: Path | None) -> None:
    """Show what NAME is and how much it holds.

    How large its shards are, whether another number of them would fit, and how far its tasks have come.

    \b
      labelvc dataset show ratings
    """
    git = plumbing.find(settings.directory)
    with progress(settings, None, "shards read") as advance:
        found, project = datasets.show(git, name, advance)
    if form == "json":
        write(json.document("dataset-show", [_whole(found)]), output)
    else:
        write("".join(_page(found, project)), output)


@dataset.command("new")
@click.argument("name")
@click.option("--task", "tasks", multiple=True, required=True, metavar="TASK", help="Task asked here; repeatable.")
@click.option(
    "--storage",
    type=click.Choice(["git", "dvc"]),
    default="git",
    show_default=True,
    help="Where annotations lie: in git, or behind a DVC pointer.",
)
@click.option(
    "--shards",
    type=int,
    default=16,
    metavar="N",
    help="Number of shards, a power of four; without it the first import chooses.",
)
@click.option("--group", metavar="RE", help="Expression whose capture in an item's id decides its shard.")
@click.option(
    "--natural-key", "pointers", multiple=True, metavar="POINTER", help="Field no two items share; repeatable."
)
@pass_settings
@changes
def dataset_new(
    settings: Settings,
    /,
    name: str,
    tasks: tuple[str, ...],
    storage: str,
    shards: int,
    group: str | None,
    pointers: tuple[str, ...],
) -> None:
    """Make a dataset: write datasets/NAME/dataset.yaml.

    \b
      labelvc dataset new tweets --task sentiment --natural-key /natural/tweet_id
    """
    wanted = datasets.Wanted(name, str(uuid.uuid4()), tasks, storage, shards, group, pointers)
    write(datasets.new(plumbing.find(settings.directory), wanted) + "\n")
    say(settings, f"next: labelvc import FORMAT SRC --dataset {name}")


def _dry(function: Any) -> Any:
    return click.option("--dry-run", is_flag=True, help="Say what would happen, write nothing.")(function)


@dataset.command("reshard")
@_NAME
@click.option("--shards", type=click.IntRange(min=1), metavar="N", help="Number of shards, a power of four.")
@click.option("--auto", is_flag=True, help="Choose the number: shards of about 64 KB in git, 1.5 MB in DVC.")
@click.option("--group", metavar="RE", help="Expression whose capture in an item's id decides its shard.")
@click.option("--no-group", is_flag=True, help="Let the item's id itself decide its shard.")
@_dry
@output_options("text", "json")
@pass_settings
@changes
def dataset_reshard(
    settings: Settings,
    /,
    name: str,
    shards: int | None,
    auto: bool,
    group: str | None,
    no_group: bool,
    dry_run: bool,
    form: str,
    output: Path | None,
) -> None:
    """Spread NAME over another number of shards, or by another group.

    Every line stays as it is. The dataset must have no changes that are not committed. Commit the result alone: `labelvc diff` shows dataset.yaml only.

    \b
      labelvc dataset reshard ratings --auto --dry-run
      labelvc dataset reshard ratings --shards 256
    """
    context = click.get_current_context()
    if auto + (shards is not None) > 1 or (group is not None and no_group):
        raise click.UsageError("--auto and --shards, or --group and --no-group, exclude each other", context)
    if not (auto or shards or group or no_group):
        raise click.UsageError("say --shards N, --auto, --group RE or --no-group", context)
    git = plumbing.find(settings.directory)
    request = resharding.Request(name, 0 if auto else shards, group, regroup=bool(group) or no_group)
    with progress(settings, None, "lines moved") as advance:
        done = resharding.reshard(git, request, dry=dry_run, advance=advance)
    if form == "json":
        write(
            json.document("dataset-change", [_change(name, done)], summary={"written": _wrote(done, dry=dry_run)}),
            output,
        )
        return
    if not done.moved:
        write(f"{name} has {_layout(done.new)} already\n", output)
        return
    say_so = "would have" if dry_run else "has"
    rows = [
        f"{name} {say_so} {_layout(done.new)} instead of {_layout(done.old)}\n",
        f"{text.count(done.lines, 'line')} unchanged in {text.count(done.written, 'file')}, {done.deleted:,} deleted\n",
        f"a shard of annotations: {_spread(done.sizes)}\n",
    ]
    write("".join(rows if done.lines else rows[:1]), output)
    _say_next(settings, name, done, dry=dry_run, word="Reshard")


@dataset.command("storage")
@_NAME
@click.argument("where", metavar="git|dvc", type=click.Choice(["git", "dvc"]))
@_dry
@output_options("text", "json")
@pass_settings
@changes
def dataset_storage(
    settings: Settings, /, name: str, where: Literal["git", "dvc"], dry_run: bool, form: str, output: Path | None
) -> None:
    """Move the annotations of NAME between git and DVC.

    Every line stays as it is, and the result is staged. The dataset must have no changes that are not committed. Behind DVC git holds a pointer and a list of SHA-256 sums; items stay in git. What older commits hold stays in git.

    \b
      labelvc dataset storage ratings dvc
    """
    git = plumbing.find(settings.directory)
    with progress(settings, None, "lines read") as advance:
        done = resharding.store(git, name, where, dry=dry_run, advance=advance)
    if form == "json":
        write(
            json.document("dataset-change", [_change(name, done)], summary={"written": _wrote(done, dry=dry_run)}),
            output,
        )
        return
    if not done.moved:
        write(f"the annotations of {name} lie in {_place(where)} already\n", output)
        return
    would = "would lie" if dry_run else "lie"
    rows = [
        f"the annotations of {name} {would} {'behind DVC' if where == 'dvc' else 'in git'}\n",
        f"{text.count(done.lines, 'line')} unchanged; a shard: {_spread(done.sizes)}\n",
        *[f"{path}\n" for path in done.documents],
    ]
    write("".join(rows), output)
    _say_next(settings, name, done, dry=dry_run, word="Move")


def _say_next(settings: Settings, name: str, done: Done, *, dry: bool, word: str) -> None:
    if dry:
        say(settings, "nothing was written (--dry-run)")
    else:
        stage = f"git add --all datasets/{name} && " if done.storage == "git" and word == "Reshard" else ""
        say(settings, f"next: {stage}git commit -m '{word} {name}'")
    if done.advice is not None and done.advice.wanted:
        count = text.count(done.advice.shards, "shard")
        say(settings, f"then: {count} would fit better there: labelvc dataset reshard {name} --auto")


def _wrote(done: Done, *, dry: bool) -> bool:
    return done.moved and not dry


def _place(storage: str) -> str:
    return {"git": "git", "dvc": "DVC"}[storage]


def _sensitive(field: Sensitive) -> str:
    return f"{text.safe(field.pointer)} ({field.layer}, {protection.WORDS[field.mode]})"


def _layout(layout: Layout) -> str:
    group = f" grouped by {text.safe(layout.group)}" if layout.group else ""
    return f"{text.count(layout.shards, 'shard')}{group}"


def _spread(found: Any) -> str:
    """Return `18 KB to 72 KB, median 62 KB`."""
    if not found.most:
        return "none"
    return f"{_bytes(found.least)} to {_bytes(found.most)}, median {_bytes(found.median)}"


def _bytes(size: int) -> str:
    for unit, worth in (("MB", 1_000_000), ("KB", 1_000)):
        if size >= worth:
            return f"{size / worth:.1f} {unit}" if size < 10 * worth else f"{size / worth:,.0f} {unit}"
    return text.count(size, "byte")


def _table(found: list[Shown]) -> list[str]:
    rows = [("dataset", "items", "records", "shards", "storage", "tasks")]
    for shown in found:
        figures = ("?", "?") if shown.items < 0 else (f"{shown.items:,}", f"{shown.records:,}")
        tasks = ", ".join(shown.dataset.tasks) + (f"  ({_ABSENT})" if shown.items < 0 else "")
        rows.append((shown.dataset.name, *figures, f"{shown.shards:,}", shown.dataset.storage, tasks))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    return [
        f"{row[0].ljust(widths[0])}  {'  '.join(row[at].rjust(widths[at]) for at in (1, 2, 3))}  {row[4].ljust(widths[4])}  {row[5]}\n"
        for row in rows
    ]


def _page(shown: Shown, project: Project) -> list[str]:
    """Return a dataset in words."""
    known = shown.dataset
    absent = shown.items < 0
    rows = [
        ("title", text.safe(known.title)),
        ("id", known.id),
        ("storage", "annotations behind a DVC pointer, items in git" if known.storage == "dvc" else "git"),
        ("layout", f"{_layout(Layout(known.shards, known.group))}, {shown.shards:,} with annotations"),
        ("natural key", ", ".join(map(text.safe, known.natural_key))),
        ("fields", ", ".join(map(text.safe, known.item_fields))),
        ("slices", ", ".join(map(text.safe, known.slices))),
        ("sensitive", ", ".join(map(_sensitive, known.sensitive))),
        ("sources", ", ".join(text.safe(source.get("name", "?")) for source in known.sources)),
        ("items", _ABSENT if absent else f"{shown.items:,}"),
        ("records", "" if absent else f"{shown.records:,}{f', and {shown.gone:,} deleted' if shown.gone else ''}"),
        ("a shard", "" if absent or not shown.shards else f"{_spread(shown.sizes)}; {_lines(shown)}"),
        ("reshard", _advised(shown)),
        *[("task", f"{name}{_asked(project, name)}  {_coverage(shown, name)}") for name in known.tasks],
    ]
    return [f"{known.name}\n", *[f"  {title.ljust(11)}  {said}\n" for title, said in rows if said]]


def _lines(shown: Shown) -> str:
    if shown.lines.least == shown.lines.most:
        return f"{text.count(shown.lines.most, 'line')} each"
    return f"{shown.lines.least:,} to {text.count(shown.lines.most, 'line')}, median {shown.lines.median:,}"


def _asked(project: Project, name: str) -> str:
    task = project.tasks[name]
    return f" ({task.type}{f', {task.taxonomy}' if task.taxonomy else ''})"


def _coverage(shown: Shown, name: str) -> str:
    needed = "" if shown.dataset.tasks[name] else ", optional"
    if shown.coverage is None:
        return needed.removeprefix(", ")
    covered = shown.coverage[name]
    share = f" ({100 * covered // shown.items} %)" if shown.items else ""
    return f"{covered:,} of {text.count(shown.items, 'item')}{share}{needed}"


def _advised(shown: Shown) -> str:
    if not shown.advice.wanted:
        return ""
    count = text.count(shown.advice.shards, "shard")
    return f"{count} would fit: labelvc dataset reshard {shown.dataset.name} --auto"


def _row(shown: Shown) -> dict[str, object]:
    return {
        "name": shown.dataset.name,
        "storage": shown.dataset.storage,
        "items": shown.items,
        "records": shown.records,
        "gone": shown.gone,
        "shards": shown.shards,
        "tasks": list(shown.dataset.tasks),
    }


def _total(found: list[Shown]) -> dict[str, object]:
    here = [shown for shown in found if shown.items >= 0]
    return {
        "datasets": len(found),
        "items": sum(shown.items for shown in here),
        "records": sum(shown.records for shown in here),
        "absent": len(found) - len(here),
    }


def _whole(shown: Shown) -> dict[str, object]:
    known = shown.dataset
    tasks = {
        name: {"required": required, "covered": None if shown.coverage is None else shown.coverage[name]}
        for name, required in known.tasks.items()
    }
    return {
        **_row(shown),
        "tasks": tasks,
        "id": known.id,
        "title": known.title,
        "layout": Layout(known.shards, known.group)._asdict(),
        "natural_key": list(known.natural_key),
        "slices": list(known.slices),
        "bytes": shown.sizes._asdict(),
        "lines": shown.lines._asdict(),
        "advice": shown.advice._asdict(),
    }


def _change(name: str, done: Done) -> dict[str, object]:
    return {
        "name": name,
        "storage": done.storage,
        "old": done.old._asdict(),
        "new": done.new._asdict(),
        "lines": done.lines,
        "written": done.written,
        "deleted": done.deleted,
        "bytes": done.sizes._asdict(),
        "documents": done.documents,
    }
