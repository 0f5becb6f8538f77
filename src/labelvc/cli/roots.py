"""Commands on the root of trust: trust."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import click

from labelvc.cli import signing
from labelvc.cli.context import Settings, now, pass_settings
from labelvc.cli.grouped import NounGroup
from labelvc.cli.output import changes, output_options, say, write
from labelvc.cli.render import json
from labelvc.cli.render import roots as render
from labelvc.model.policy import PublicKey
from labelvc.ops import ceremony, people
from labelvc.ops import policy as governing
from labelvc.ops import trust as trusting
from labelvc.store import git as plumbing
from labelvc.store import keys
from labelvc.store.git import Git

_owner = click.option(
    "--owner", "owners", multiple=True, metavar="ID=FILE.pub", help="Another owner of the root; repeatable."
)
_threshold = click.option(
    "--threshold", type=click.IntRange(min=1), metavar="N", help="How many owners must sign root and policy."
)


@click.group(cls=NounGroup)
def trust() -> None:
    """Make, show, sign and rotate the root of trust: whose keys may say who decides."""


@trust.command("init", short_help="Make the root of trust and the first policy.")
@click.option("--as", "principal", metavar="ID", help="Your id; default: made from your name.")
@click.option("--name", help="Your printed name; default: git's user.name.")
@click.option("--email", help="Address of your commits; default: git's user.email.")
@_owner
@_threshold
@signing.key_option
@pass_settings
@changes
def trust_init(
    settings: Settings,
    /,
    principal: str | None,
    name: str | None,
    email: str | None,
    owners: tuple[str, ...],
    threshold: int | None,
    key: str | None,
) -> None:
    """Make the root of trust and the first policy, signed by you; this clone signs with --key from now on.

    You are its only owner, or one of several: with --owner, two must sign unless --threshold says otherwise. Until enough
    of them did (`labelvc trust sign`), root and policy are drafts and count for nothing.

    \b
      labelvc trust init --key ~/.ssh/id_ed25519
      labelvc trust init --owner ben=ben.pub --threshold 2
    """
    git = plumbing.find(settings.directory)
    ceremony.ensure_none(git)
    known = (name, email) if name and email else plumbing.identity(git)
    name, email = name or known[0], email or known[1]
    project_id = trusting.project_id(git)
    others = _owners(owners)
    signer = people.signer(git, signing.where(key), signing.ask)
    least = threshold or min(2, len({principal or trusting.slug(name), *others}))
    start = (project_id, principal or trusting.slug(name), name, email, signer, now())
    contents = ceremony.create(git, *start, others, least)
    governing.write(git, contents)
    if key:
        people.remember(git, key)
    say(settings, f"root {ceremony.look(git).roots[0].digest}: publish it; `labelvc verify --root` compares with it")
    _written(settings, git, contents, "Govern")
    say(settings, f"then, for {'more people' if others else 'a second person'}: {governing.enrol('reviewer')}")


@trust.command("show", short_help="Show the digest to publish, and who signed what.")
@signing.root_option
@output_options("text", "json")
@pass_settings
def trust_show(settings: Settings, /, root: str | None, form: str, output: Path | None) -> None:
    """Show the chain of roots, who signed them, what waits for signatures, and the digest to publish.

    \b
      labelvc trust show
    """
    git = plumbing.find(settings.directory)
    pin = signing.pin(git, root)
    chain = ceremony.look(git, pin)
    if form == "json":
        summary = render.summary(chain, pinned=pin is not None)
        write(json.document("trust-show", render.items(chain), summary=summary), output)
    else:
        write("".join(render.lines(chain, pinned=pin is not None)), output)


@trust.command("sign", short_help="Add your signature to a draft of root or policy.")
@click.option("--yes", is_flag=True, help="Do not ask on a terminal before signing.")
@signing.key_option
@signing.root_option
@pass_settings
@changes
def trust_sign(settings: Settings, /, yes: bool, key: str | None, root: str | None) -> int:
    """Add your signature to the drafts in the work tree that wait for it: a new root, a policy, or both.

    Each is shown first, against what is in force at HEAD: owners that come and go, and everything that the policy says
    otherwise.

    \b
      labelvc trust sign
    """
    git = plumbing.find(settings.directory)
    pin = signing.pin(git, root)
    chain, before = ceremony.look(git, pin), ceremony.in_force(git, pin)
    signer = people.signer(git, signing.where(key), signing.ask, chain.policy)
    wanted = ceremony.waiting(chain, signer.key)
    for seal in wanted:
        say(settings, "".join(render.preview(chain, seal, before)).rstrip("\n"))
    say(settings, f"signed by   {render.owner(wanted, signer.key.fingerprint)}, {signer.key.fingerprint}")
    if sys.stdin.isatty() and not yes and not click.confirm("sign this", err=True):
        say(settings, "not signed; nothing was written")
        return 1
    contents = ceremony.sign(wanted, signer)
    governing.write(git, contents)
    _written(settings, git, contents, "Sign")
    return 0


@trust.command("rotate", short_help="Change who owns the root, and how many must sign.")
@click.option(
    "--add",
    "added",
    multiple=True,
    metavar="ID=FILE.pub",
    help="A new owner, or the new key of one; a principal of the policy with that key. Repeatable.",
)
@click.option("--remove", "removed", multiple=True, metavar="ID", help="An owner to take away; repeatable.")
@_threshold
@signing.key_option
@signing.root_option
@pass_settings
@changes
def trust_rotate(
    settings: Settings,
    /,
    added: tuple[str, ...],
    removed: tuple[str, ...],
    threshold: int | None,
    key: str | None,
    root: str | None,
) -> None:
    """Write the next root: other owners, other keys, another threshold, or the same until later when its date is over.

    It is a draft until enough owners have signed: of the root before it, and of itself. Your signature is the first; the others
    run `labelvc trust sign`. Where the new root asks other people for the policy, they sign that again too.

    \b
      labelvc trust rotate --add ben=ben.pub --threshold 2
      labelvc trust rotate --add ada=new-key.pub
      labelvc trust rotate --remove ben --threshold 1
    """
    git = plumbing.find(settings.directory)
    found = signing.chain_here(git, signing.pin(git, root))
    following = ceremony.rotated(found, _owners(added), removed, threshold, now())
    signer = people.signer(git, signing.where(key), signing.ask, found.policy)
    contents = ceremony.rotate(found, following, signer, now())
    governing.write(git, contents)
    _written(settings, git, contents, "Rotate the root")


def _written(settings: Settings, git: Git, contents: Mapping[str, bytes], message: str) -> None:
    """Name the files, and say what still waits for whom."""
    write("".join(f"{path}\n" for path in sorted(contents)))
    chain = ceremony.look(git)
    what = f"root version {chain.roots[-1].version}, policy version {chain.policy.version}"
    for line in render.written(chain, what, message):
        say(settings, line)


def _owners(words: tuple[str, ...]) -> dict[str, PublicKey]:
    """Read `ID=FILE.pub`."""
    found: dict[str, PublicKey] = {}
    for word in words:
        name, equals, file = word.partition("=")
        if not (name and equals and file):
            raise click.UsageError(f"{word!r} is not ID=FILE.pub", click.get_current_context())
        if name in found:
            raise click.UsageError(f"{name} is named twice; an owner has one key", click.get_current_context())
        found[name] = keys.public_key(Path(file))
    return found
