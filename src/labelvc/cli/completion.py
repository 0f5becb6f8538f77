"""Completion: the script that lets a shell complete labelvc's commands, options and file names."""

from __future__ import annotations

import json
from pathlib import Path, PurePath

import click
from click.shell_completion import CompletionItem, get_completion_class

from labelvc.cli.context import environment
from labelvc.cli.output import write

SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_LABELVC_COMPLETE"
"""The variable by which the script asks labelvc for completions (Click's convention for a program of this name)."""


@click.command()
@click.argument("shell", type=click.Choice(SHELLS), required=False)
@click.pass_context
def completion(context: click.Context, /, shell: str | None) -> None:
    """Print the completion script of SHELL; without it, of the shell you use.

    \b
      labelvc completion bash > ~/.local/share/bash-completion/completions/labelvc
      labelvc completion zsh > "${fpath[1]}/_labelvc"
      labelvc completion fish > ~/.config/fish/completions/labelvc.fish
    """
    name = shell or PurePath(environment("SHELL") or "").name
    found = get_completion_class(name) if name in SHELLS else None
    if found is None:
        raise click.UsageError(f"which shell? one of {', '.join(SHELLS)}", context)
    root = context.find_root().command
    write(found(root, {}, "labelvc", VARIABLE).source())


def dataset_names(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the datasets of the work tree that begin with what was typed; a shell waits, so only folders are looked at."""
    top = _top(context)
    found = sorted(path.parent.name for path in (top / "datasets").glob("*/dataset.yaml")) if top else []
    return [CompletionItem(name) for name in found if name.startswith(incomplete)]


def module_names(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the modules of the work tree's lock that begin with what was typed."""
    top = _top(context)
    try:
        rows = [json.loads(line) for line in (top / "modules.lock").read_bytes().splitlines()] if top else []
        found = [str(row["name"]) for row in rows]
    except (OSError, ValueError, TypeError, KeyError):
        return []
    return [CompletionItem(name) for name in found if name.startswith(incomplete)]


def _top(context: click.Context) -> Path | None:
    start = Path.cwd() / (context.find_root().params.get("global_directory") or "")
    return next((folder for folder in (start, *start.parents) if (folder / "labelvc.yaml").is_file()), None)
