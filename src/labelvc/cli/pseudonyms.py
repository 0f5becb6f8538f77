"""The command pseudonym: what to do about the secret that tokens are made with."""

from __future__ import annotations

import secrets
import sys
from pathlib import Path
from typing import Any

import click

from labelvc.cli import signing
from labelvc.cli.context import Settings, now, pass_settings
from labelvc.cli.grouped import NounGroup
from labelvc.cli.listing import FILE
from labelvc.cli.opening import openers, opening
from labelvc.cli.output import changes, progress, say, write
from labelvc.cli.render import text
from labelvc.errors import RefusedError
from labelvc.model.project import Project
from labelvc.model.secret import Secret
from labelvc.ops import custody, handover, mending, people, pseudonyms, rekeyed
from labelvc.ops import policy as governing
from labelvc.ops import rekey as rekeying
from labelvc.ops.carrying import Chained
from labelvc.ops.custody import Act
from labelvc.ops.rekey import Asked, Done
from labelvc.ops.rekeyed import Looked, Wish
from labelvc.store import disk
from labelvc.store import git as plumbing
from labelvc.store.git import Git

_WARNING = "the same person has another token from now on, and nobody can tell that the two are one"


@click.group(cls=NounGroup)
def pseudonym() -> None:
    """Look after the secrets that turn names into pseudonyms."""


@pseudonym.command("new")
@click.option("--yes", is_flag=True, help="Do not ask on a terminal before it begins.")
@pass_settings
@changes
def pseudonym_new(settings: Settings, /, yes: bool) -> None:
    """Begin a new epoch: a new secret on this machine, the epoch before retired.

    For a secret that nobody has any more, or that too many know. Old tokens stay as they are; in new ones the same person is
    somebody else. Where somebody still has the secret, copy their file instead: `labelvc doctor` says how.

    \b
      labelvc pseudonym new
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
@click.option("--epoch", metavar="EPOCH", help="Letters of the epoch; the active one when left out.")
@pass_settings
def pseudonym_share(settings: Settings, /, output: Path, role: str, epoch: str | None) -> None:
    """Write an epoch's secret, or its gate key, into a file that only those who have the role can open.

    Who that is, the roles of privacy/recipients.yaml say in the last commit. The file can be sent by any way. The gate key
    makes no tokens: it tells which findings are accepted, and finds people who are known here. After a chained re-key who
    imports needs the secrets of the epochs before it too.

    \b
      labelvc pseudonym share -o epoch-b.share
      labelvc pseudonym share --role gate -o gate.share
    """
    git = plumbing.find(settings.directory)
    disk.replace(output, handover.share(git, role, epoch))
    say(settings, f"next, at theirs: labelvc pseudonym accept {output.name} --identity THEIR_KEY")


@pseudonym.command("accept")
@click.argument("file", type=FILE)
@opening
@pass_settings
@changes
def pseudonym_accept(settings: Settings, /, file: Path, **brought: Any) -> None:
    """Put the key in a file that somebody shared into this machine's keyring.

    \b
      labelvc pseudonym accept epoch-b.share -i ada.key
    """
    git = plumbing.find(settings.directory)
    purpose, epoch = handover.accept(git, file, openers(brought))
    does = "makes pseudonyms" if purpose == handover.TOKENISE else "tells which findings are accepted"
    say(settings, f"this machine {does} of epoch {epoch} now")


_role = click.option(
    "--role", metavar="ROLE", help="Put your name under it, in a role that the policy's rules on re-keys ask for."
)
_as = click.option("--as", "principal", metavar="PRINCIPAL", help="Who you are; must own the key.")


@pseudonym.command("rekey")
@click.option(
    "--to", "epoch", required=True, metavar="EPOCH", help="Letters of the epoch to begin: the one after the last."
)
@click.option(
    "--chained", is_flag=True, help="Make new tokens of the old ones; without it, of the values in the vault."
)
@click.option("--dry-run", is_flag=True, help="Say what would happen, write nothing.")
@_role
@_as
@signing.key_option
@signing.root_option
@opening
@pass_settings
@changes
def pseudonym_rekey(
    settings: Settings,
    /,
    epoch: str,
    chained: bool,
    dry_run: bool,
    role: str | None,
    principal: str | None,
    key: str | None,
    root: str | None,
    **brought: Any,
) -> None:
    """Begin an epoch and give everybody their token in it, in all datasets, as one change of no content.

    With --chained a token becomes one that is made of it: no plain value is needed and no vault. Without it the vault is
    opened, and each new token is made of the value. `rev` grows in every record that holds a token; nothing else changes,
    and all of it is staged. With --role the statement on it is signed at once and staged beside it.

    \b
      labelvc pseudonym rekey --to c --chained --role lead
      labelvc pseudonym rekey --to c -i ada.key -i ben.key
    """
    git = plumbing.find(settings.directory)
    asked = Asked(epoch, now().strftime("%Y-%m-%dT%H:%M:%SZ"), chained)
    if role is not None:
        rekeyed.refuse_role(git, role, signing.pin(git, root))
    ways = _chained if chained else custody.carriers(git, _act(git, f"re-key to epoch {epoch}"), openers(brought))
    with progress(settings, None, "carrying tokens", "lines") as advance:
        done = rekeying.rekey(git, asked, ways, dry=dry_run, advance=advance)
    _told(settings, done, dry=dry_run)
    if dry_run:
        return
    looked = rekeyed.look(git, None, signing.pin(git, root))
    if looked.found.flaw is not None:
        rekeyed.refuse_flawed(looked)
    for name, token in looked.unnamed:
        say(settings, f"the policy must name {name} anew: labelvc policy add {name} --pseudonym {token}")
    if role is None:
        say(settings, "staged; next: labelvc pseudonym verify-rekey, then git commit")
    elif looked.unnamed:
        say(settings, f"staged, not signed; after that: labelvc pseudonym verify-rekey --role {role}")
    else:
        _sign(settings, git, looked, role, principal, key)


@pseudonym.command("mend")
@opening
@pass_settings
@changes
def pseudonym_mend(settings: Settings, /, **brought: Any) -> None:
    """Give tokens that a re-key missed what it made of their persons' others, in all datasets, and stage that.

    They come in by a branch that was open across the re-key, or by a file that was exported before; `check` finds them
    (`privacy.epoch`). After a re-key by values the vault is opened. `rev` grows in every record that changes.

    \b
      labelvc pseudonym mend
      labelvc pseudonym mend -i ada.key -i ben.key
    """
    git = plumbing.find(settings.directory)
    one = custody.read(git, _act(git, "mend what a re-key missed"), openers(brought)) if brought["identity"] else None
    with progress(settings, None, "looking for tokens", "lines") as advance:
        done = mending.mend(git, one, advance)
    if done is None:
        say(settings, "no token is left from before a re-key")
    else:
        _told(settings, done, dry=False)
        say(settings, "staged; next: labelvc diff --staged, then git commit")


@pseudonym.command("verify-rekey")
@click.argument("revisions", metavar="[A..B | A...B]", required=False)
@click.option("--keys", is_flag=True, help="Make every new token again too, with the keys: shows two people swapped.")
@_role
@_as
@signing.key_option
@signing.root_option
@opening
@pass_settings
def pseudonym_verify_rekey(
    settings: Settings,
    /,
    revisions: str | None,
    keys: bool,
    role: str | None,
    principal: str | None,
    key: str | None,
    root: str | None,
    **brought: Any,
) -> int:
    """Ask whether a change is a re-key and nothing else: tokens one to one, everything else as it was. Needs no key.

    Without a range the last commit is compared with what is staged. Exit 1 with the first line that is no part of it.
    Without keys nobody can tell whether two people changed places everywhere; with --keys each token is made again, by the
    secrets of the epochs, and where they were made of values by the vault.

    \b
      labelvc pseudonym verify-rekey main...rekey --role lead
    """
    git = plumbing.find(settings.directory)
    looked = rekeyed.look(git, revisions, signing.pin(git, root))
    rekeyed.refuse_flawed(looked)
    found = looked.found
    lines = f"{text.count(found.records, 'record')} and {text.count(found.items, 'item')}"
    write(
        f"re-keyed {lines} from epoch {', '.join(found.before)} to {found.epoch}: "
        f"{text.count(len(found.into), 'token')}, one to one, 0 content changes\n"
    )
    if keys:
        one = (
            custody.read(git, _act(git, f"re-key to epoch {found.epoch}"), openers(brought))
            if brought["identity"]
            else None
        )
        flaw, forgotten = rekeyed.recomputed(git, looked, one)
        if flaw is not None:
            raise RefusedError(flaw.message, where=flaw.key, hint="do not merge it; labelvc pseudonym rekey anew")
        write("every new token is the one that the keys make\n")
        if forgotten:
            say(
                settings, f"but {text.count(forgotten, 'token')} of somebody who was forgotten, of whom nobody can tell"
            )
    for path in found.documents:
        say(settings, f"also changed, and judged by its own rules: {path}")
    if role is not None:
        _sign(settings, git, looked, role, principal, key)
    return 0


def _sign(settings: Settings, git: Git, looked: Looked, role: str, principal: str | None, key: str | None) -> None:
    policy = looked.trust.policy if looked.trust else None
    signer = people.signer(git, signing.where(key), signing.ask, policy)
    wish = Wish(role, principal, now().astimezone(), secrets.token_hex(16))
    contents = rekeyed.sign(git, looked, wish, signer)
    governing.write(git, contents)
    write("".join(f"{path}\n" for path in sorted(contents)))
    say(settings, "signed and staged; next: git commit")


def _chained(secret: Secret, project: Project) -> Chained:
    return Chained(secret, project, {})


def _act(git: Git, reason: str) -> Act:
    who = plumbing.config_get(git, "user.email") or ""
    return Act(who, now().strftime("%Y-%m-%dT%H:%M:%SZ"), reason)


def _told(settings: Settings, done: Done, *, dry: bool) -> None:
    lines = f"{text.count(done.records, 'record')} and {text.count(done.items, 'item')}"
    verb = "would become" if dry else "became"
    old = ", ".join(done.before)
    say(settings, f"{text.count(len(done.tokens), 'token')} of epoch {old} {verb} one of {done.epoch} each, in {lines}")
    if done.waiting:
        say(settings, f"{text.count(done.waiting, 'row')} for the vault to take in: labelvc vault seal")
