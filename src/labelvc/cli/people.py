"""Commands on the keys of people."""

from __future__ import annotations

from pathlib import Path

import click

from labelvc.cli import signing
from labelvc.cli.context import Settings, environment, pass_settings
from labelvc.cli.grouped import NounGroup
from labelvc.cli.output import changes, output_options, say, write
from labelvc.cli.render import json
from labelvc.codec import possession, sshsig
from labelvc.errors import TrustError
from labelvc.model import release, witness
from labelvc.model.approval import NAMESPACE, TRUST_NAMESPACE
from labelvc.ops import people
from labelvc.ops import policy as governing
from labelvc.store import git as plumbing
from labelvc.store import keys


@click.group(cls=NounGroup)
def key() -> None:
    """Show whose keys count, and choose the one to sign with."""


@key.command("list")
@output_options("text", "json", "allowed-signers")
@pass_settings
def key_list(settings: Settings, /, form: str, output: Path | None) -> None:
    """List the keys of the policy's principals and those that ssh-agent holds.

    `--format allowed-signers` is what `ssh-keygen -Y verify -f` reads.

    \b
      labelvc key list
      labelvc key list --format allowed-signers -o allowed_signers
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
    """Print the public keys of a principal.

    \b
      labelvc key show ben
    """
    person = signing.trust_here(plumbing.find(settings.directory)).policy.principals.get(principal)
    if person is None:
        raise TrustError(f"{principal} is no principal", hint="labelvc policy show")
    write("".join(f"{line} {principal}\n" for line in person.keys))


@key.command("prove", short_help="Sign that you hold a key, for whoever adds it to the policy.")
@click.argument("principal")
@signing.key_option
@pass_settings
def key_prove(settings: Settings, /, principal: str, key: str | None) -> None:
    """Sign that you hold a key, over this project and the id you are to have, for whoever adds you to the policy.

    \b
      labelvc key prove ben --key ~/.ssh/id_ed25519 > ben.proof
      labelvc policy add ben --role reviewer --proof ben.proof
    """
    git = plumbing.find(settings.directory)
    governing.ensure_id(principal)
    repository = signing.trust_here(git).policy.repository
    signer = people.signer(git, signing.where(key), signing.ask)
    write(signer.sign(possession.challenge(repository, principal), possession.NAMESPACE).decode())
    say(
        settings,
        f"{signer.key.fingerprint} is {principal}'s; next, who keeps the root: labelvc policy add {principal} --proof FILE",
    )


@key.command("use")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@pass_settings
@changes
def key_use(settings: Settings, /, file: Path) -> None:
    """Sign with this key from now on in this clone (git config labelvc.signingKey).

    \b
      labelvc key use ~/.ssh/id_ed25519
    """
    found = keys.public_key(file if file.suffix == ".pub" else file.with_name(file.name + ".pub"))
    people.remember(plumbing.find(settings.directory), str(file))
    say(settings, f"signing with {found.fingerprint} ({keys.absolute(str(file))})")
