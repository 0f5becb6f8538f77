"""Commands on trust: approve, verify, key, policy."""

from __future__ import annotations

import functools
import re
import secrets
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import click

from labelvc.cli.context import Settings, environment, now, pass_settings
from labelvc.cli.output import output_options, progress, say, write
from labelvc.cli.render import json, text
from labelvc.cli.render import trust as render
from labelvc.codec import sshsig
from labelvc.errors import ConfigurationError, TrustError
from labelvc.model.approval import NAMESPACE, TRUST_NAMESPACE, Verdict
from labelvc.model.names import Digest
from labelvc.model.policy import Trust
from labelvc.ops import approve as approving
from labelvc.ops import people, project
from labelvc.ops import policy as governing
from labelvc.ops import trust as trusting
from labelvc.ops import verify as verifying
from labelvc.ops.approve import Wish
from labelvc.ops.people import Where
from labelvc.ops.policy import Person
from labelvc.ops.verify import Course, Step
from labelvc.store import git as plumbing
from labelvc.store import keys, tree
from labelvc.store.git import Git

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_BAD = ("missing", "denied", "rejected")
_key = click.option("--key", metavar="FILE", help="Private key to sign with, or the .pub of one that ssh-agent holds.")
_root = click.option(
    "--root", "pin", metavar="sha256:...", help="Digest of the first root, from outside this repository."
)
_Command = Callable[..., Any]


@click.command()
@click.argument("revisions", metavar="A...B")
@click.option("--role", required=True, help="The hat you wear; the policy must grant it to you.")
@click.option("--decision", type=click.Choice(["approve", "reject", "withdraw"]), default="approve", show_default=True)
@click.option("--reason", default="", help="Why; asked for with reject and withdraw.")
@click.option("--as", "principal", metavar="PRINCIPAL", help="Who you are; must own the key.")
@click.option("--yes", is_flag=True, help="Do not ask on a terminal before signing.")
@_key
@_root
@pass_settings
def approve(
    settings: Settings,
    /,
    revisions: str,
    role: str,
    decision: Verdict,
    reason: str,
    principal: str | None,
    yes: bool,
    key: str | None,
    pin: str | None,
) -> None:
    """Sign your decision on everything that B brings to A.

    What is signed is the set of record and document changes, not a commit: the approval survives squash, rebase and merge.
    The file is written to approvals/ and staged; commit it on the branch. Authors and annotators of the change are refused
    where the policy asks for others.
    """
    git = plumbing.find(settings.directory)
    _refuse_two_dots(git, revisions)
    change = approving.examine(git, revisions, _pin(git, pin))
    signer = people.signer(git, _where(key), _ask, change.trust.policy)
    wish = Wish(role, decision, "review" if decision == "reject" else "approval", reason, principal)
    approval = approving.draft(change, wish, signer.key, now().astimezone(), secrets.token_hex(16))
    say(settings, render.preview(change, approval, signer.key.fingerprint).rstrip("\n"))
    if sys.stdin.isatty() and not yes:
        click.confirm("sign this", abort=True, err=True)
    contents = approving.seal(change, approval, signer)
    governing.write(git, contents)
    write("".join(f"{path}\n" for path in sorted(contents)))
    say(settings, f"next: git commit -m '{decision.capitalize()} as {role}' -- approvals")


def _refuse_two_dots(git: Git, revisions: str) -> None:
    """Refuse A..B when A has gone on: it would take back what A brought since, which B never did."""
    one, dots, two = revisions.partition("..")
    if dots and not two.startswith(".") and not plumbing.is_ancestor(git, *_ends(git, one, two)):
        raise click.UsageError(f"{one} has gone on since the branch was cut; write {one}...{two}")


def _ends(git: Git, *words: str) -> list[str]:
    return [plumbing.resolve(git, word or "HEAD") for word in words]


@click.command()
@click.argument("revisions", metavar="[A..B | A...B | A]", required=False)
@click.option("--all", "everything", is_flag=True, help="Judge the whole first-parent history.")
@click.option("--strict", is_flag=True, help="Count steps before the first policy as not approved.")
@_root
@output_options("text", "json", "jsonl")
@pass_settings
def verify(
    settings: Settings,
    /,
    revisions: str | None,
    everything: bool,
    strict: bool,
    pin: str | None,
    form: str,
    output: Path | None,
) -> int:
    """Ask whether every change was approved as the policy before it demands.

    A..B judges each first-parent step, A...B one step from the merge base (a pull request), nothing the step that made HEAD.
    Exit 1 when a word is missing, 2 when it cannot be told: an author nobody knows, a policy that does not verify, missing
    data, or, with CI=true, a root that nobody pinned (--root, LABELVC_ROOT or `git config labelvc.root`).
    """
    git = plumbing.find(settings.directory)
    pinned = _pin(git, pin)
    going = verifying.course(git, revisions, everything=everything)
    with progress(settings, len(going.pairs), "verifying steps") as advance:
        steps, anchors = verifying.verify(git, going, pinned, advance)
    anchors |= _anchor_of_head(git, going, pinned)
    write(_report(steps, going, anchors, revisions, form, color=settings.color and output is None), output)
    return _verdict(settings, steps, anchors, strict=strict)


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
        for name, person in _trust_here(git).policy.principals.items()
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
        names = f'namespaces="{NAMESPACE},{TRUST_NAMESPACE}"'
        lines = [f"{row['principal']} {names} {row['key']}\n" for row in rows if row["place"] == "policy"]
        write("".join(lines), output)
    else:
        write("".join(f"{row['principal'] or '-':<16}  {row['fingerprint']}  {row['place']}\n" for row in rows), output)


@key.command("show")
@click.argument("principal")
@pass_settings
def key_show(settings: Settings, /, principal: str) -> None:
    """Print the public keys of a principal."""
    person = _trust_here(plumbing.find(settings.directory)).policy.principals.get(principal)
    if person is None:
        raise TrustError(f"{principal} is no principal", hint="labelvc policy show")
    write("".join(f"{line} {principal}\n" for line in person.keys))


@key.command("use")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@pass_settings
def key_use(settings: Settings, /, file: Path) -> None:
    """Sign with this key from now on in this clone (git config labelvc.signingKey)."""
    git = plumbing.find(settings.directory)
    place = file if file.is_absolute() else Path.cwd() / file
    public = place if place.suffix == ".pub" else place.with_name(place.name + ".pub")
    found = keys.public_key(public)
    plumbing.config_set(git, "labelvc.signingKey", str(place))
    say(settings, f"signing with {found.fingerprint} ({place})")


@click.group()
def policy() -> None:
    """Show and change who may decide what; every change is a new signed version of trust/policy.json."""


@policy.command("show")
@output_options("text", "json")
@_root
@pass_settings
def policy_show(settings: Settings, /, form: str, output: Path | None, pin: str | None) -> None:
    """Show people, roles and rules, and the digest of the root to publish."""
    git = plumbing.find(settings.directory)
    trust = _trust_here(git, _pin(git, pin))
    if form == "json":
        summary = render.policy_summary(trust)
        write(json.document("policy-show", render.people_items(trust.policy), summary=summary), output)
    else:
        write("".join(render.policy_lines(trust, color=settings.color and output is None)), output)


@policy.command("init")
@click.option("--as", "principal", metavar="ID", help="Your id; default: made from your name.")
@click.option("--name", help="Your printed name; default: git's user.name.")
@click.option("--email", help="Address of your commits; default: git's user.email.")
@_key
@pass_settings
def policy_init(
    settings: Settings, /, principal: str | None, name: str | None, email: str | None, key: str | None
) -> None:
    """Make the root of trust and the first policy, both signed by you."""
    git = plumbing.find(settings.directory)
    trusting.ensure_none(git)
    known = (name, email) if name and email else plumbing.identity(git)
    name, email = name or known[0], email or known[1]
    with tree.reader(git) as reader:
        found = project.load(git, tree.work(git), reader)
    signer = people.signer(git, _where(key), _ask)
    contents = trusting.create(git, found.id, principal or trusting.slug(name), name, email, signer, now())
    governing.write(git, contents)
    write("".join(f"{path}\n" for path in sorted(contents)))
    say(settings, f"root {_trust_here(git).anchor}: publish it; `labelvc verify --root` compares with it")
    say(settings, "next: labelvc policy add SOMEBODY --name NAME --key FILE.pub --role reviewer --email ADDRESS")


def _edits(function: _Command) -> _Command:
    """Add what every command that writes a new policy takes, and write what the command returns."""

    @_key_to_sign
    @pass_settings
    @functools.wraps(function)
    def command(settings: Settings, /, signing_key: str | None, **options: Any) -> None:
        git = plumbing.find(settings.directory)
        trust = _trust_here(git)
        edited = function(trust.policy, **options)
        signer = people.signer(git, _where(signing_key), _ask, trust.policy)
        data = governing.signed(trust, edited, signer)
        governing.write(git, {trusting.POLICY: data})
        write(f"{trusting.POLICY}\n")
        say(settings, f"policy version {trust.policy.version + 1}; next: git commit -m 'Change the policy' -- trust")

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
@_root
@pass_settings
def policy_check(settings: Settings, /, pin: str | None) -> int:
    """Verify root and policy in the work tree and tell what is worth mending; exit 1 when something is."""
    git = plumbing.find(settings.directory)
    trust = _trust_here(git, _pin(git, pin))
    found = list(governing.concerns(trust))
    write("".join(f"{text.safe(concern)}\n" for concern in found))
    say(settings, f"policy version {trust.policy.version} verifies; {text.count(len(found), 'concern')}")
    return 1 if found else 0


def _report(
    steps: list[Step], going: Course, anchors: dict[Digest, bool], revisions: str | None, form: str, *, color: bool
) -> str:
    items = [render.step_item(step) for step in steps]
    if form == "jsonl":
        return "".join(json.lines(items))
    states = Counter(step.state for step in steps)
    if form == "json":
        roots = [{"root": digest, "pinned": pinned} for digest, pinned in sorted(anchors.items())]
        summary = {"steps": len(steps), "states": dict(sorted(states.items())), "roots": roots}
        return json.document("verify", items, base=going.base, head=going.head, summary=summary)
    one = revisions if revisions and "..." in revisions else None
    told = [
        line
        for step in steps
        for line in render.step_lines(step, one or f"{step.parent[:12]}..{step.commit[:12]}", color=color)
    ]
    sums = ", ".join(f"{number} {state}" for state, number in sorted(states.items())) or "no step"
    ends = "".join(
        f"root {digest} ({'pinned' if pinned else 'unpinned'})\n" for digest, pinned in sorted(anchors.items())
    )
    return "".join([*told, f"{text.count(len(steps), 'step')}: {sums}\n", ends])


def _verdict(settings: Settings, steps: list[Step], anchors: dict[Digest, bool], *, strict: bool) -> int:
    """Return the exit code; that something could not be told weighs more than that something is missing."""
    if any(step.state == "undecidable" for step in steps):
        return 2
    if (environment("CI") or "").casefold() in {"true", "1"} and not all(anchors.values()):
        say(
            settings,
            "error: nobody pinned the root, so it could be anybody's\n  next: ask who keeps the root for its digest, and set LABELVC_ROOT to it",
        )
        return 2
    bad = (*_BAD, "ungoverned") if strict else _BAD
    return int(any(step.state in bad for step in steps))


def _anchor_of_head(git: Git, going: Course, pin: str | None) -> dict[Digest, bool]:
    """Return the root at the last commit; a pinned one must be there and be the right one."""
    snapshot = tree.commit(git, going.head, ("trust",))
    if not trusting.present(snapshot) and pin is None:
        return {}
    with tree.reader(git) as reader:
        try:
            trust = trusting.load(reader, snapshot, pin)
        except TrustError:
            if pin is not None:
                raise
            return {}
    return {trust.anchor: trust.pinned}


def _trust_here(git: Git, pin: str | None = None) -> Trust:
    """Return the policy as it lies in the work tree; in a bare repository, at HEAD."""
    with tree.reader(git) as reader:
        snapshot = tree.commit(git, "HEAD", ("trust",)) if git.bare else tree.work(git, ("trust",))
        return trusting.load(reader, snapshot, pin)


def _pin(git: Git, option: str | None) -> str | None:
    """Return the digest of the first root that somebody named: option, environment, git's settings of repository or user."""
    found = option or environment("LABELVC_ROOT") or plumbing.config_get(git, "labelvc.root")
    if found and not _DIGEST.fullmatch(found):
        raise ConfigurationError(
            "the pinned root is no digest", hint="--root sha256:<64 hex digits>, see `labelvc policy show`"
        )
    return found or None


def _where(option: str | None) -> Where:
    return Where(option, environment("LABELVC_KEY"), environment("SSH_AUTH_SOCK"))


def _ask(words: str) -> str:
    """Ask for a passphrase on the terminal; where there is none, say how to do without."""
    if not sys.stdin.isatty():
        raise TrustError(f"{words}: nobody is there to type it", hint="ssh-add the key, then pass its .pub")
    return str(click.prompt(words, hide_input=True, err=True))
