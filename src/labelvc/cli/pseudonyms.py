"""The command pseudonym: what to do about the secret that tokens are made with."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from labelvc.cli.context import Settings, now, pass_settings
from labelvc.cli.listing import FILE
from labelvc.cli.opening import openers, opening
from labelvc.cli.output import say, write
from labelvc.ops import handover, pseudonyms
from labelvc.store import disk
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


@pseudonym.command("share")
@click.option("-o", "--output", required=True, type=FILE, metavar="FILE", help="Where the key file goes.")
@click.option(
    "--role",
    type=click.Choice([handover.TOKENISE, handover.GATE]),
    default=handover.TOKENISE,
    show_default=True,
    help="Who gets it: those who import, or hooks and CI, which only judge.",
)
@pass_settings
def pseudonym_share(settings: Settings, /, output: Path, role: str) -> None:
    """Write the active epoch's secret, or its gate key, into a file that only those who have the role can open.

    Who that is, the roles of privacy/recipients.yaml say in the last commit. The file can be sent by any way. The gate key
    makes no tokens: it tells which findings are accepted, and finds people who are known here.
    """
    git = plumbing.find(settings.directory)
    disk.replace(output, handover.share(git, role))
    say(settings, f"next, at theirs: labelvc pseudonym accept {output.name} --identity THEIR_KEY")


@pseudonym.command("accept")
@click.argument("file", type=FILE)
@opening
@pass_settings
def pseudonym_accept(settings: Settings, /, file: Path, **brought: Any) -> None:
    """Put the key in a file that somebody shared into this machine's keyring."""
    git = plumbing.find(settings.directory)
    purpose, epoch = handover.accept(git, file, openers(brought))
    does = "makes pseudonyms" if purpose == handover.TOKENISE else "tells which findings are accepted"
    say(settings, f"this machine {does} of epoch {epoch} now")
