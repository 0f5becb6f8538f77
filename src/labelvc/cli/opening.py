"""What commands that open keys share: whose identities, whose lent shares, and how a passphrase is asked for."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from labelvc.cli.listing import FILE, lines
from labelvc.cli.signing import ask
from labelvc.errors import ConfigurationError, TrustError
from labelvc.ops.sharing import Openers
from labelvc.store import age

_identity = click.option(
    "--identity",
    "-i",
    multiple=True,
    type=FILE,
    metavar="FILE",
    help="Private key that opens a share of the vault's key; repeatable, one for each holder.",
)
_lent = click.option(
    "--share", multiple=True, type=FILE, metavar="FILE", help="Share of the key that somebody lent you."
)
_passphrase = click.option(
    "--passphrase-file",
    type=FILE,
    metavar="FILE",
    help="Read the passphrase of the identities from here, its first line.",
)


def opening(function: Any) -> Any:
    """Add the options that open a key to a command."""
    for option in (_passphrase, _lent, _identity):
        function = option(function)
    return function


def openers(options: dict[str, Any]) -> Openers:
    """Return what the options of `opening` brought.

    Raises:
        TrustError: a file is no identity, or its passphrase is wrong.
    """
    words = asking(options["passphrase_file"])
    found = [identity for path in options["identity"] for identity in age.load(path, words)]
    return Openers(found, options["share"])


def typed(words: str) -> str:
    """Return a sensitive value: typed on the terminal without being shown, or the first line of stdin.

    Raises:
        ConfigurationError: there is none.
    """
    if sys.stdin.isatty():
        found = str(click.prompt(words, hide_input=True, err=True))
    else:
        found = sys.stdin.readline().rstrip("\r\n")
    if not found.strip():
        raise ConfigurationError("no value came in", hint="type it when asked, or send it to stdin: --value < FILE")
    return found


def asking(path: Path | None) -> age.Ask:
    """Return what asks for a passphrase: a file's first line, else the terminal."""
    return _on_terminal if path is None else lambda _: _first_line(path)


def _on_terminal(words: str) -> str:
    """Ask on the terminal; ssh-agent, the way out where a key signs, opens no file."""
    if not sys.stdin.isatty():
        message = "a passphrase is needed, and no terminal is here to type it on"
        where = words.removeprefix("passphrase of ")
        raise TrustError(message, where=where, hint="--passphrase-file FILE, with the passphrase in its first line")
    return ask(words)


def _first_line(path: Path) -> str:
    return (lines(path) or [""])[0]
