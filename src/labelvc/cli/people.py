"""Commands on people and what they may do: key, policy."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import click

from labelvc.cli import signing
from labelvc.cli.context import Settings, environment, now, pass_settings
from labelvc.cli.output import output_options, say, write
from labelvc.cli.render import json, text
from labelvc.cli.render import trust as render
from labelvc.codec import sshsig
from labelvc.errors import TrustError
from labelvc.model import release, witness
from labelvc.model.approval import NAMESPACE, TRUST_NAMESPACE
from labelvc.ops import people
from labelvc.ops import policy as governing
from labelvc.ops import trust as trusting
from labelvc.ops.policy import Person
from labelvc.store import git as plumbing
from labelvc.store import keys

_Command = Callable[..., Any]


@click.group()
def key() -> None:
    """Show whose keys count, and choose the one to sign with."""


@key.command("list")
@output_options("text", "json", "allowed-signers")
@pass_settings
def key_list(settings: Settings, /, form: str, output: Path | None) -> None:
    """List the keys of the policy's principals and those that ssh-agent holds.

    `--format allowed-signers` is what `ssh-keygen -Y verify -f` reads.
    """
    git = plumbing.find(settings.directory)
    rows = [
        {"principal": name, "fingerprint": sshsig.read_public(line).fingerprint, "key": line, "place": "policy"}
        for name, person in signing.trust_here(git).policy.principals.items()
        for line in person.keys
    ]
    owned = {row["key"]: row["principal"] for row in rows}
    agent = environment("SSH_AUTH_SOCK")
    rows += [
        {"principal": owned.get(str(held), ""), "fingerprint": held.fingerprint, "key": str(held), "place": "agent"}
        for held, _ in (keys.agent_keys(agent) if agent else [])
    ]
    if form == "json":
        write(json.document("key", rows), output)
    elif form == "allowed-signers":
        names = f'namespaces="{NAMESPACE},{TRUST_NAMESPACE},{release.NAMESPACE},{witness.NAMESPACE}"'
        lines = [f"{row['principal']} {names} {row['key']}\n" for row in rows if row["place"] == "policy"]
        write("".join(lines), output)
    else:
        write("".join(f"{row['principal'] or '-':<16}  {row['fingerprint']}  {row['place']}\n" for row in rows), output)


@key.command("show")
@click.argument("principal")
@pass_settings
def key_show(settings: Settings, /, principal: str) -> None:
    """Print the public keys of a principal."""
    person = signing.trust_here(plumbing.find(settings.directory)).policy.principals.get(principal)
    if person is None:
        raise TrustError(f"{principal} is no principal", hint="labelvc policy show")
    write("".join(f"{line} {principal}\n" for line in person.keys))


@key.command("use")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@pass_settings
def key_use(settings: Settings, /, file: Path) -> None:
    """Sign with this key from now on in this clone (git config labelvc.signingKey)."""
    found = keys.public_key(file if file.suffix == ".pub" else file.with_name(file.name + ".pub"))
    people.remember(plumbing.find(settings.directory), str(file))
    say(settings, f"signing with {found.fingerprint} ({keys.absolute(str(file))})")


@click.group()
def policy() -> None:
    """Show and change who may decide what; every change is a new signed version of trust/policy.json."""


@policy.command("show")
@output_options("text", "json")
@signing.root_option
@pass_settings
def policy_show(settings: Settings, /, form: str, output: Path | None, root: str | None) -> None:
    """Show people, roles and rules, and the digest of the root to publish."""
    git = plumbing.find(settings.directory)
    trust = signing.trust_here(git, signing.pin(git, root))
    if form == "json":
        summary = render.policy_summary(trust)
        write(json.document("policy-show", render.people_items(trust.policy), summary=summary), output)
    else:
        write("".join(render.policy_lines(trust, color=settings.color and output is None)), output)


@policy.command("init")
@click.option("--as", "principal", metavar="ID", help="Your id; default: made from your name.")
@click.option("--name", help="Your printed name; default: git's user.name.")
@click.option("--email", help="Address of your commits; default: git's user.email.")
@signing.key_option
@pass_settings
def policy_init(
    settings: Settings, /, principal: str | None, name: str | None, email: str | None, key: str | None
) -> None:
    """Make the root of trust and the first policy, both signed by you; this clone signs with --key from now on."""
    git = plumbing.find(settings.directory)
    trusting.ensure_none(git)
    known = (name, email) if name and email else plumbing.identity(git)
    name, email = name or known[0], email or known[1]
    project_id = trusting.project_id(git)
    signer = people.signer(git, signing.where(key), signing.ask)
    contents = trusting.create(git, project_id, principal or trusting.slug(name), name, email, signer, now())
    governing.write(git, contents)
    if key:
        people.remember(git, key)
    write("".join(f"{path}\n" for path in sorted(contents)))
    say(settings, f"root {signing.trust_here(git).anchor}: publish it; `labelvc verify --root` compares with it")
    say(settings, "signed and staged; next: git commit -m 'Govern' -- trust")
    say(settings, f"then, for a second person: {governing.enrol('reviewer')}")


def _edits(function: _Command) -> _Command:
    """Add what every command that writes a new policy takes, and write what the command returns."""

    @_key_to_sign
    @pass_settings
    @functools.wraps(function)
    def command(settings: Settings, /, signing_key: str | None, **options: Any) -> None:
        git = plumbing.find(settings.directory)
        trust = signing.trust_here(git)
        edited = function(trust.policy, **options)
        signer = people.signer(git, signing.where(signing_key, "--sign-with"), signing.ask, trust.policy)
        data = governing.signed(trust, edited, signer)
        governing.write(git, {trusting.POLICY: data})
        write(f"{trusting.POLICY}\n")
        for concern in governing.raised(trust, edited):
            say(settings, f"note: {text.safe(concern)}")
        version = trust.policy.version + 1
        say(settings, f"policy version {version}, signed and staged; next: git commit -m 'Change the policy' -- trust")

    return command


def _key_to_sign(function: _Command) -> _Command:
    option = click.option("--sign-with", "signing_key", metavar="FILE", help="Root key to sign the new policy with.")
    return option(function)


@policy.command("add")
@click.argument("principal")
@click.option("--name", default="", help="Printed name.")
@click.option("--kind", type=click.Choice(["human", "ci", "bot"]), default=None, help="Default: human.")
@click.option(
    "--key", "files", multiple=True, type=click.Path(path_type=Path), metavar="FILE.pub", help="Public key; repeatable."
)
@click.option("--role", "roles", multiple=True, help="Role to give; repeatable.")
@click.option("--email", "emails", multiple=True, help="Address of their commits; repeatable.")
@click.option(
    "--pseudonym",
    "pseudonyms",
    multiple=True,
    metavar="TOKEN",
    help="Token that stands for them in records; repeatable.",
)
@_edits
def policy_add(
    before: Any,
    principal: str,
    name: str,
    kind: Literal["human", "ci", "bot"] | None,
    files: tuple[Path, ...],
    roles: tuple[str, ...],
    emails: tuple[str, ...],
    pseudonyms: tuple[str, ...],
) -> Any:
    """Add a principal, or more keys, roles, addresses or pseudonyms to one."""
    lines = tuple(str(keys.public_key(file)) for file in files)
    return governing.added(before, Person(principal, name, kind, lines, emails, pseudonyms, roles))


@policy.command("remove")
@click.argument("principal")
@click.option("--role", help="Take away only this role.")
@click.option("--key", "file", type=click.Path(path_type=Path), metavar="FILE.pub", help="Take away only this key.")
@_edits
def policy_remove(before: Any, principal: str, role: str | None, file: Path | None) -> Any:
    """Take away a principal, or one role or key of theirs; what they approved before stays approved."""
    return governing.removed(before, principal, role, None if file is None else str(keys.public_key(file)))


@policy.command("check")
@signing.root_option
@pass_settings
def policy_check(settings: Settings, /, root: str | None) -> int:
    """Verify root and policy in the work tree and tell what is worth mending; exit 1 when something is."""
    git = plumbing.find(settings.directory)
    trust = signing.trust_here(git, signing.pin(git, root))
    found = list(governing.concerns(trust.policy, trust.root))
    write("".join(f"{text.safe(concern)}\n" for concern in found))
    say(settings, f"policy version {trust.policy.version} verifies; {text.count(len(found), 'concern')}")
    return 1 if found else 0
