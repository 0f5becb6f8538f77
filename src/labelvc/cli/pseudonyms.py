"""The command pseudonym: what to do about the secret that tokens are made with."""

from __future__ import annotations

import sys

import click

from labelvc.cli.context import Settings, now, pass_settings
from labelvc.cli.output import say, write
from labelvc.ops import pseudonyms
from labelvc.store import git as plumbing

_WARNING = "the same person has another token from now on, and nobody can tell that the two are one"


@click.group()
def pseudonym() -> None:
    """Look after the secrets that turn names into pseudonyms."""


@pseudonym.command("new")
@click.option("--yes", is_flag=True, help="Do not ask on a terminal before.")
@pass_settings
def pseudonym_new(settings: Settings, /, yes: bool) -> None:
    """Begin a new epoch: a new secret on this machine, the epoch before retired.

    For a secret that nobody has any more, or that too many know. Old tokens stay as they are; in new ones the same person is
    somebody else. Where somebody still has the secret, copy their file instead: `labelvc doctor` says how.
    """
    git = plumbing.find(settings.directory)
    say(settings, _WARNING)
    if sys.stdin.isatty() and not yes:
        click.confirm("begin a new epoch", abort=True, err=True)
    write(f"{pseudonyms.renew(git, now().strftime('%Y-%m-%dT%H:%M:%SZ'))}\n")
    say(settings, "staged; next: git commit -m 'A new epoch of pseudonyms' -- privacy")
