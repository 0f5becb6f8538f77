"""Commands on modules: what was taken from elsewhere, taking more, and what an update would change."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from labelvc.cli.completion import dataset_names, module_names
from labelvc.cli.context import Settings, pass_settings, today
from labelvc.cli.grouped import NounGroup
from labelvc.cli.guidelines import DRY
from labelvc.cli.output import changes, output_options, progress, say, write
from labelvc.cli.render import json, text
from labelvc.cli.render import module as render
from labelvc.model.finding import SEVERITIES
from labelvc.ops import adopt, modules
from labelvc.ops.adopt import Done, Wish
from labelvc.ops.gates import Brought
from labelvc.store import fetching, origins
from labelvc.store import git as plumbing

_NAME = click.argument("name", shell_complete=module_names)
_KEEP = click.option("--keep", is_flag=True, help="Where both sides say something, let stand what stands here.")
_ANYWAY = click.option("--anyway", is_flag=True, help="Take it although it brings errors.")
_WAIT = click.option(
    "--wait",
    type=click.FloatRange(0, 3600, min_open=True),
    default=fetching.WAIT,
    show_default=True,
    metavar="SECONDS",
    help="How long fetching may take.",
)


@click.group(cls=NounGroup)
def module() -> None:
    """Modules: documents copied from elsewhere, pinned in modules.lock; nothing of one is ever run."""


@module.command("list")
@click.option("--library", is_flag=True, help="List what comes with labelvc.")
@output_options("text", "json", "jsonl")
@pass_settings
def module_list(settings: Settings, /, library: bool, form: str, output: Path | None) -> None:
    """List the modules this project took, and whether their documents were edited here.

    \b
      labelvc module list
      labelvc module list --library
    """
    if library:
        items = [render.offered(one) for one in modules.shelved()]
    else:
        git = plumbing.find(settings.directory)
        items = [render.row(one, states) for one, states in modules.listing(git)]
    if form == "json":
        write(json.document("module-list", items, summary={"modules": len(items), "library": library}), output)
    elif form == "jsonl":
        write("".join(json.lines(items)), output)
    else:
        write("".join(render.table(items)) or "no modules\n", output)
        if not items:
            say(settings, "next: labelvc module list --library; labelvc module add NAME")


@module.command("add")
@click.argument("source")
@click.option("--at", "rev", default="", metavar="REV", help="Branch, tag or commit of a git repository.")
@click.option("--name", default="", metavar="NAME", help="What it is called here; default: its own name.")
@click.option(
    "--dataset",
    "datasets",
    multiple=True,
    metavar="NAME",
    shell_complete=dataset_names,
    help="Have this dataset take its profiles; repeatable.",
)
@_KEEP
@_ANYWAY
@DRY
@_WAIT
@output_options("text", "json")
@pass_settings
@changes
def module_add(
    settings: Settings,
    /,
    source: str,
    rev: str,
    name: str,
    datasets: tuple[str, ...],
    keep: bool,
    anyway: bool,
    dry_run: bool,
    wait: float,
    form: str,
    output: Path | None,
) -> int:
    """Copy the documents of SOURCE into the project, and enter it into modules.lock.

    SOURCE is a name of the library (`labelvc module list --library`) or of a package that is installed, a folder, or the
    address of a git repository, https or ssh, with `#FOLDER` when the module is not at its top. The project explains itself
    without the module from then on. Exit 1, and nothing is written, when a document is here already and says otherwise, or
    when new errors come of it.

    \b
      labelvc module add box-checks --dataset pictures
      labelvc module add ../shared/litter --at v2.1.0
      labelvc module add https://example.org/labels/modules.git#litter --at main
    """
    if name and not origins.is_name(name):
        raise click.BadParameter("letters, digits, _ and -, at most 64", param_hint="--name")
    git = plumbing.find(settings.directory)
    found = modules.read(git, settings.directory, source, rev, wait=wait)
    with progress(settings, None, "looking at shards", "shards") as advance:
        wish = Wish(keep, anyway, dry_run, datasets, Brought(today()), settings.jobs, advance)
        done = adopt.add(git, found, name, wish)
    return _told(settings, "add", done, form, output, dry=dry_run)


@module.command("update")
@_NAME
@click.option(
    "--to", "rev", default="", metavar="REV", help="Branch, tag or commit; default: what its source gives now."
)
@_KEEP
@_ANYWAY
@DRY
@_WAIT
@output_options("text", "json")
@pass_settings
@changes
def module_update(
    settings: Settings,
    /,
    name: str,
    rev: str,
    keep: bool,
    anyway: bool,
    dry_run: bool,
    wait: float,
    form: str,
    output: Path | None,
) -> int:
    """Bring NAME up to date: its documents by what they say, the findings that come and go, the settings that turn.

    What was edited here is merged by labels, blocks and members. Exit 1, and nothing is written, where both sides changed
    the same, or when new errors come of it.

    \b
      labelvc module update box-checks --dry-run
      labelvc module update litter --to v2.2.0
    """
    git = plumbing.find(settings.directory)
    before = modules.chosen(git, name)
    found = modules.read(git, git.top, before.source, rev or modules.following(before), wait=wait)
    with progress(settings, None, "looking at shards", "shards") as advance:
        wish = Wish(keep, anyway, dry_run, (), Brought(today()), settings.jobs, advance)
        done = adopt.update(git, found, before, git.top, wish)
    return _told(settings, "update", done, form, output, dry=dry_run)


@module.command("remove")
@_NAME
@click.option("--keep", is_flag=True, help="Leave its documents here, as the project's own.")
@click.option("--anyway", is_flag=True, help="Remove it although that brings errors.")
@DRY
@output_options("text", "json")
@pass_settings
@changes
def module_remove(
    settings: Settings, /, name: str, keep: bool, anyway: bool, dry_run: bool, form: str, output: Path | None
) -> int:
    """Take NAME out of modules.lock, and its documents out of the project.

    Exit 1, and nothing is written, when a task or a dataset needs one of them.

    \b
      labelvc module remove litter --keep
    """
    git = plumbing.find(settings.directory)
    before = modules.chosen(git, name)
    wish = Wish(keep, anyway, dry_run, (), Brought(today()), settings.jobs)
    return _told(settings, "remove", adopt.remove(git, before, wish), form, output, dry=dry_run)


@module.command("check")
@click.option(
    "--fail-on", type=click.Choice(SEVERITIES), default="error", show_default=True, help="Least severity that exits 1."
)
@output_options("text", "json", "jsonl")
@pass_settings
def module_check(settings: Settings, /, fail_on: str, form: str, output: Path | None) -> int:
    """Hold modules.lock against the documents that lie here: what is missing, edited, or given by two modules.

    `labelvc check` does the same among everything else; it needs no network.

    \b
      labelvc module check --fail-on note
    """
    git = plumbing.find(settings.directory)
    found = modules.examine(git)
    items = [json.finding(one) for one in found]
    if form == "json":
        counted: dict[str, int] = {severity: sum(one.severity == severity for one in found) for severity in SEVERITIES}
        write(
            json.document("check", items, head="work tree", summary={**counted, "known": 0, "shards": 0, "lines": 0}),
            output,
        )
    elif form == "jsonl":
        write("".join(json.lines(items)), output)
    else:
        write("".join(text.findings(found, color=settings.color)) + f"{text.tally(found)}\n", output)
    return int(any(SEVERITIES.index(one.severity) >= SEVERITIES.index(fail_on) for one in found))


def _told(settings: Settings, verb: str, done: Done, form: str, output: Path | None, *, dry: bool) -> int:
    """Write what adopting came to, and return the exit code."""
    if form == "json":
        items: list[Any] = list(render.items(done))
        write(json.document("module-change", items, summary=render.summary(verb, done)), output)
    else:
        parts: Iterator[str] = render.told(done, color=settings.color)
        write("".join(parts), output)
    if done.stopped:
        say(settings, render.reason(verb, done))
    elif dry:
        say(settings, "nothing was written (--dry-run)")
    else:
        say(settings, render.onward(verb, done) if done.written else "nothing was written: it is all here already")
    return int(bool(done.stopped))
