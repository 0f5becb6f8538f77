"""Commands on what installed packages bring: plugin list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from labelvc.cli.context import Settings, pass_settings
from labelvc.cli.grouped import NounGroup
from labelvc.cli.output import output_options, write
from labelvc.cli.render import json
from labelvc.cli.render.text import safe
from labelvc.errors import StoreError
from labelvc.model.project import Project
from labelvc.ops import plugins
from labelvc.ops import project as projects
from labelvc.ops.plugins import Plugin
from labelvc.store import git as plumbing
from labelvc.store import tree


@click.group(cls=NounGroup)
def plugin() -> None:
    """Show what installed packages add to labelvc."""


@plugin.command("list")
@output_options("text", "json")
@pass_settings
def plugin_list(settings: Settings, /, form: str, output: Path | None) -> None:
    """List the checks and formats of installed packages, their rules, and the datasets that name them.

    A check runs only in a dataset that sets one of its rules.

    \b
      labelvc plugin list
    """
    found = plugins.installed(_project(settings))
    if form == "json":
        items = [{**one._asdict(), "rules": [rule._asdict() for rule in one.rules]} for one in found]
        write(json.document("plugin-list", items, summary={"plugins": len(found)}), output)
    else:
        write("".join(_lines(found)) or "no installed package brings a check or a format\n", output)


def _project(settings: Settings) -> Project | None:
    """Return the project of the work tree; None where there is none."""
    try:
        git = plumbing.find(settings.directory)
    except StoreError:
        return None
    snapshot = tree.work(git)
    if projects.TOP not in snapshot.entries:
        return None
    with tree.reader(git) as reader:
        return projects.load(git, snapshot, reader)


def _lines(found: Iterable[Plugin]) -> Iterator[str]:
    for one in found:
        where = f"set by {', '.join(one.datasets)}" if one.datasets else "no dataset sets it, so it does not run"
        said = one.trouble or (where if one.kind == "check" else "")
        head = f"{one.kind.ljust(6)}  {safe(one.name)}  {safe(one.package)} {safe(one.version)}"
        yield f"{head}  {safe(said)}".rstrip() + "\n"
        for rule in one.rules:
            bound = "" if rule.threshold is None else f" (threshold {rule.threshold:g})"
            yield f"        {rule.severity.ljust(7)}  {safe(rule.id)}  {safe(rule.title)}{bound}\n"
