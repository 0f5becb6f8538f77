"""Commands on who may decide what: policy."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Literal, get_args

import click

from labelvc.cli import signing, timing
from labelvc.cli.asking import policy_check, policy_codeowners, policy_explain
from labelvc.cli.context import Settings, pass_settings
from labelvc.cli.grouped import NounGroup
from labelvc.cli.output import changes, output_options, say, write
from labelvc.cli.render import json, roots, text
from labelvc.cli.render import trust as render
from labelvc.errors import TrustError
from labelvc.model.policy import ChangeKind, Distrust, Need, Policy, Separation
from labelvc.ops import articles, ceremony, people
from labelvc.ops import policy as governing
from labelvc.ops import trust as trusting
from labelvc.ops.articles import Wish
from labelvc.ops.policy import Person
from labelvc.store import git as plumbing
from labelvc.store import keys
from labelvc.store.git import Git

_Command = Callable[..., Any]
_LONGEST = 1 << 16
"""Bytes of the longest proof that is looked at."""
_KINDS = [kind for kind in get_args(ChangeKind) if kind not in ("trust", "other")]
"""Kinds that a rule can be about: trust files answer to the root alone, and what is outside the project to nobody."""


@click.group(cls=NounGroup)
def policy() -> None:
    """Show and change who may decide what; every change is a new signed version of trust/policy.json."""


@policy.command("show", short_help="Show people, roles and rules.")
@output_options("text", "json")
@signing.root_option
@pass_settings
def policy_show(settings: Settings, /, form: str, output: Path | None, root: str | None) -> None:
    """Show people, roles and rules, and the digest of the root to publish.

    \b
      labelvc policy show
    """
    git = plumbing.find(settings.directory)
    trust = signing.trust_here(git, signing.pin(git, root))
    if form == "json":
        summary = render.policy_summary(trust)
        write(json.document("policy-show", render.people_items(trust.policy), summary=summary), output)
    else:
        write("".join(render.policy_lines(trust, color=settings.color)), output)


def _edits(function: _Command) -> _Command:
    """Add what every command that writes a new policy takes, and write what the command returns."""

    @_key_to_sign
    @pass_settings
    @changes
    @functools.wraps(function)
    def command(settings: Settings, /, signing_key: str | None, **options: Any) -> None:
        git = plumbing.find(settings.directory)
        found = ceremony.look(git)
        trust = ceremony.standing(git, found, pinned=False)
        edited = function(git, found.policy, **options)
        signer = people.signer(git, signing.where(signing_key, "--sign-with"), signing.ask, trust.policy)
        ceremony.ensure_mine(found, signer.key)
        governing.write(git, {trusting.POLICY: governing.signed(trust, edited, signer)})
        write(f"{trusting.POLICY}\n")
        for concern in (*governing.raised(trust, edited), *governing.unproven(found.policy, edited, signer.key)):
            say(settings, f"note: {text.safe(concern)}")
        for line in roots.written(
            ceremony.look(git), f"policy version {trust.policy.version + 1}", "Change the policy"
        ):
            say(settings, line)

    return command


def _key_to_sign(function: _Command) -> _Command:
    option = click.option("--sign-with", "signing_key", metavar="FILE", help="Root key to sign the new policy with.")
    return option(function)


@policy.command("add", short_help="Add a person, or keys, roles, addresses of one.")
@click.argument("principal")
@click.option("--name", default="", help="Printed name.")
@click.option("--kind", type=click.Choice(["human", "ci", "bot"]), default=None, help="What they are; default: human.")
@click.option(
    "--key", "files", multiple=True, type=click.Path(path_type=Path), metavar="FILE.pub", help="Public key; repeatable."
)
@click.option(
    "--proof",
    "proofs",
    multiple=True,
    type=click.File("rb"),
    metavar="FILE",
    help="What `labelvc key prove` printed for them: a key with the proof that they hold it; repeatable.",
)
@click.option("--role", "roles", multiple=True, metavar="ROLE", help="Role to give; repeatable.")
@click.option(
    "--email", "emails", multiple=True, metavar="ADDRESS", help="E-mail address of their commits; repeatable."
)
@click.option(
    "--pseudonym",
    "pseudonyms",
    multiple=True,
    metavar="TOKEN",
    help="Token that stands for them in records; repeatable.",
)
@_edits
def policy_add(
    git: Git,
    before: Policy,
    principal: str,
    name: str,
    kind: Literal["human", "ci", "bot"] | None,
    files: tuple[Path, ...],
    proofs: tuple[BinaryIO, ...],
    roles: tuple[str, ...],
    emails: tuple[str, ...],
    pseudonyms: tuple[str, ...],
) -> Policy:
    """Add a principal, or more keys, roles, addresses or pseudonyms to one.

    \b
      labelvc policy add ben --name 'Ben Builder' --email ben@example.org \\
        --role reviewer --key ben.pub
      labelvc policy add ben --role lead --proof ben.proof
    """
    ceremony.ensure_theirs(git, before, principal, name)
    lines = tuple(str(keys.public_key(file)) for file in files)
    made = tuple(file.read(_LONGEST) for file in proofs)
    return governing.added(before, Person(principal, name, kind, lines, emails, pseudonyms, roles, made))


@policy.command("remove", short_help="Take away a person, or a role or key of one.")
@click.argument("principal")
@click.option("--role", metavar="ROLE", help="Take away only this role.")
@click.option("--key", "file", type=click.Path(path_type=Path), metavar="FILE.pub", help="Take away only this key.")
@_edits
def policy_remove(_: Git, before: Policy, principal: str, role: str | None, file: Path | None) -> Policy:
    """Take away a principal, or one role or key of theirs; what they approved before stays approved.

    \b
      labelvc policy remove ben --role lead
    """
    return governing.removed(before, principal, role, None if file is None else str(keys.public_key(file)))


@policy.command("proofs", short_help="Say whether every key must come with a proof.")
@click.option("--required/--optional", default=True, help="Whether a policy with a key that nobody proved is none.")
@_edits
def policy_proofs(_: Git, before: Policy, *, required: bool) -> Policy:
    """Ask for a proof of every key in the policy: that its owner holds it, signed over their id and this project.

    Whoever brings a key runs `labelvc key prove ID`, and whoever keeps the root `labelvc policy add ID --proof FILE`.

    \b
      labelvc policy proofs --required
    """
    return articles.with_proofs(before, required=required)


@policy.group("rule", short_help="Set and remove rules.")
def policy_rule() -> None:
    """Set and remove rules: what a change of some kinds, in some places, needs."""


@policy_rule.command("set")
@click.argument("name")
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice(_KINDS),
    metavar="KIND",
    help=f"What it is about: {', '.join(_KINDS)}; repeatable.",
)
@click.option(
    "--path",
    "paths",
    multiple=True,
    metavar="GLOB",
    help="Where; `*` stops at `/`, `**` does not. Records lie in datasets/NAME/annotations, items in datasets/NAME/items. "
    "Repeatable; default: everywhere.",
)
@click.option(
    "--need",
    "needs",
    multiple=True,
    metavar="ROLE[:COUNT[:author,annotators]]",
    help="How many people of a role, and whom they must not be; repeatable, each by different people.",
)
@click.option("--touch", is_flag=True, help="Only signatures count for which a security key was touched.")
@click.option("--verification", is_flag=True, help="Only those for which it also asked for PIN or fingerprint.")
@click.option(
    "--max-age", callback=timing.span, metavar="SPAN", help="Only a yes counts that is no older: 30d, 36h, 4w."
)
@click.option(
    "--emergency", metavar="ROLE[:COUNT[:author,annotators]]", help="Who lets a change in before the others agree."
)
@click.option(
    "--ratify-within", callback=timing.span, metavar="SPAN", help="How soon the others must agree then: 72h, 3d, 2w."
)
@click.option("--no-emergency", "ordinary", is_flag=True, help="Nobody does any more.")
@click.option("--own-records/--any-records", default=None, help="Whether authors touch only records of their own.")
@_edits
def policy_rule_set(
    _: Git,
    before: Policy,
    name: str,
    kinds: tuple[ChangeKind, ...],
    paths: tuple[str, ...],
    needs: tuple[str, ...],
    touch: bool,
    verification: bool,
    max_age: int | None,
    emergency: str | None,
    ratify_within: int | None,
    ordinary: bool,
    own_records: bool | None,
) -> Policy:
    """Add the rule NAME, or set it anew; what is not given stays as it is.

    `labelvc policy show` tells the names. A change must meet every rule that is about it: what no rule is about is denied.

    \b
      labelvc policy rule set 'labels and items' \\
        --need reviewer:2:author,annotators
      labelvc policy rule set gold --kind labels --path 'datasets/gold/**' \\
        --need lead
    """
    if ordinary and (emergency or ratify_within):
        raise click.UsageError("--emergency and --no-emergency say opposite things", click.get_current_context())
    asked = [_need(word, touch=touch, verification=verification, max_age=max_age) for word in needs]
    if (touch or verification or max_age) and not asked:
        raise click.UsageError(
            "--touch, --verification and --max-age say what --need asks", click.get_current_context()
        )
    return articles.with_rule(
        before,
        Wish(
            name,
            kinds,
            paths,
            asked,
            _need(emergency) if emergency else None,
            own_records,
            ordinary,
            ratify_within,
        ),
    )


@policy_rule.command("remove")
@click.argument("name")
@_edits
def policy_rule_remove(_: Git, before: Policy, name: str) -> Policy:
    """Take a rule away; what no rule is about any more is denied.

    \b
      labelvc policy rule remove gold
    """
    return articles.without_rule(before, name)


@policy.group("role")
def policy_role() -> None:
    """Add and remove roles: hats that rules ask for."""


@policy_role.command("add")
@click.argument("name")
@click.option(
    "--incompatible", multiple=True, metavar="ROLE", help="None of its members may hold this one; repeatable."
)
@_edits
def policy_role_add(_: Git, before: Policy, name: str, incompatible: tuple[str, ...]) -> Policy:
    """Add a role, or more that it excludes; `labelvc policy add PRINCIPAL --role NAME` gives it to somebody.

    \b
      labelvc policy role add auditor --incompatible annotator
    """
    return articles.with_role(before, name, incompatible)


@policy_role.command("remove")
@click.argument("name")
@_edits
def policy_role_remove(_: Git, before: Policy, name: str) -> Policy:
    """Take a role away that no rule asks for.

    \b
      labelvc policy role remove auditor
    """
    return articles.without_role(before, name)


@policy.command("distrust", short_help="Let what somebody signed count for nothing after a commit.")
@click.argument("principal")
@click.option("--key", "keyid", default="", metavar="SHA256:...", help="Only what this key of theirs signed.")
@click.option("--from", "since", required=True, metavar="REV", help="The last commit whose content is still believed.")
@click.option("--reason", required=True, help="Why.")
@_edits
def policy_distrust(git: Git, before: Policy, principal: str, keyid: str, since: str, reason: str) -> Policy:
    """Let the words of a principal, or of one key, count for nothing in all that came in after a commit.

    What came in with that commit or before it stays approved, whatever dates anybody claims. `labelvc audit impact` lists
    what has to be approved again. A second call for the same principal and key moves the commit.

    \b
      labelvc policy distrust ben --from main~12 --reason 'his laptop was stolen'
    """
    if principal not in ceremony.known(git, before):
        raise TrustError(f"{principal} is and was no principal here", hint="labelvc policy show")
    entry = Distrust(principal, plumbing.resolve(git, since), reason, keyid)
    return articles.with_distrust(before, entry)


def _need(words: str, *, touch: bool = False, verification: bool = False, max_age: int | None = None) -> Need:
    """Read `ROLE[:COUNT[:author,annotators]]`."""
    role, _, rest = words.partition(":")
    count, _, apart = rest.partition(":")
    parts = tuple(part for part in get_args(Separation) if part in apart.split(","))
    if (
        not role
        or not re.fullmatch("[1-9][0-9]{0,3}|", count)
        or sorted(parts) != sorted(filter(None, apart.split(",")))
    ):
        raise click.UsageError(f"{words!r} is not ROLE[:COUNT[:author,annotators]]", click.get_current_context())
    return Need(role, int(count or "1"), parts, touch, verification, max_age)


for _asking in (policy_explain, policy_check, policy_codeowners):
    policy.add_command(_asking)
