"""What commands on trust share: where a key and the pinned root are named, and how a passphrase is asked for."""

from __future__ import annotations

import re
import sys

import click

from labelvc.cli.context import Settings, environment, in_ci
from labelvc.cli.output import say
from labelvc.errors import ConfigurationError
from labelvc.model.policy import Trust
from labelvc.ops import ceremony
from labelvc.ops.people import Where
from labelvc.ops.trust import Chain
from labelvc.store import git as plumbing
from labelvc.store import keys
from labelvc.store.git import Git

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")

_UNPINNED = (
    "error: nobody pinned the root, so it could be anybody's\n"
    "  next: ask who keeps the root for its digest, and set LABELVC_ROOT to it"
)

key_option = click.option(
    "--key",
    metavar="FILE",
    help="Private key to sign with, or its .pub where ssh-agent holds it; default: git's or the clone's.",
)
root_option = click.option(
    "--root",
    "root",
    metavar="sha256:...",
    help="Digest of the first root of trust, as you know it from elsewhere; default: LABELVC_ROOT or git's labelvc.root.",
)


def where(option: str | None, name: str = "--key") -> Where:
    """Return where a signing key may be named: the option that was typed, called NAME, and the environment."""
    return Where(option, environment("LABELVC_KEY"), environment("SSH_AUTH_SOCK"), name)


def ask(words: str) -> str:
    """Ask for a passphrase on the terminal.

    Args:
        words: what to show, `passphrase of FILE`.

    Returns:
        What was typed.

    Raises:
        TrustError: there is no terminal; says how to do without.
    """
    if not sys.stdin.isatty():
        raise keys.untyped(words.removeprefix("passphrase of "), environment("SSH_AUTH_SOCK"))
    return str(click.prompt(words, hide_input=True, err=True))


def pin(git: Git, option: str | None) -> str | None:
    """Return the digest of the first root that somebody named: option, environment, git's settings of repository or user.

    Raises:
        ConfigurationError: it is no digest.
    """
    found = option or environment("LABELVC_ROOT") or plumbing.config_get(git, "labelvc.root")
    if found and not _DIGEST.fullmatch(found):
        raise ConfigurationError(
            "the pinned root is no digest",
            hint="write sha256:<64 hex digits> in --root, LABELVC_ROOT or git's labelvc.root; see `labelvc trust show`",
        )
    return found or None


def unproved(settings: Settings, pinned: str | None) -> bool:
    """Tell whether this is CI and nobody named the root, and say so: whoever serves the repository could have left all trust out."""
    if not in_ci() or pinned is not None:
        return False
    say(settings, _UNPINNED)
    return True


def trust_here(git: Git, pinned: str | None = None) -> Trust:
    """Return the policy as it lies in the work tree; in a bare repository, at HEAD.

    Raises:
        TrustError: there is none, or it does not verify.
    """
    return chain_here(git, pinned).trust(pinned=pinned is not None)


def chain_here(git: Git, pinned: str | None = None) -> Chain:
    """Return the trust files as they lie in the work tree, none of them a draft.

    Raises:
        TrustError: as `trust_here`.
    """
    return ceremony.look(git, pinned, drafts=False)
