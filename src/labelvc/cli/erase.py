"""The command erase: a person taken out of records, vault and ledger, and who has still to let go of them."""

from __future__ import annotations

import json as library
import sys
from pathlib import Path
from typing import Any, cast

import click

from labelvc.cli import signing
from labelvc.cli.context import Settings, now, pass_settings
from labelvc.cli.opening import openers, opening, typed
from labelvc.cli.output import changes, output_options, progress, say, write
from labelvc.cli.render import erasing as render
from labelvc.core.erasure import Way
from labelvc.core.pseudonym import KINDS
from labelvc.ops import erase as erasing
from labelvc.ops import erasures, subject
from labelvc.ops.custody import Act
from labelvc.ops.sharing import Openers
from labelvc.ops.subject import Asked
from labelvc.store import git as plumbing
from labelvc.store import tree
from labelvc.store.git import Git


@click.command(short_help="Take a person out of records, vault and ledger.")
@click.argument("who", metavar="[TOKEN]", required=False, default="")
@click.option(
    "--value", is_flag=True, help="Ask for the plain value instead of a token: on the terminal, or from stdin."
)
@click.option(
    "--kind", type=click.Choice(sorted(KINDS)), default="person", show_default=True, help="Kind of the value."
)
@click.option(
    "--plan",
    "mode",
    flag_value="plan",
    default="plan",
    help="Tell what would be done, and what cannot. This is the default.",
)
@click.option("--apply", "mode", flag_value="apply", help="Do it, sign the ledger and stage what changed.")
@click.option(
    "--confirm",
    "mode",
    flag_value="confirm",
    help="As a holder of the vault's key: forget here too, and sign that you did.",
)
@click.option("--list", "mode", flag_value="list", help="Show the ledger, and who has still to confirm.")
@click.option(
    "--records", type=click.Choice(["drop", "unlink"]), help="What becomes of every record, whatever its place."
)
@click.option("--reason", default="", metavar="TEXT", help="Why; goes into the vault's log and nowhere else.")
@click.option("--yes", is_flag=True, help="Do not ask on a terminal before it is done.")
@opening
@signing.key_option
@output_options("text", "json")
@pass_settings
@changes
def erase(
    settings: Settings, /, who: str, value: bool, kind: str, mode: str, records: str | None, reason: str, yes: bool, key: str | None,
    form: str, output: Path | None, **brought: Any,
) -> int:  # fmt: skip
    """Take a person out of everything here that can still be changed: records at HEAD, vault, links and keys.

    TOKEN is one of their tokens; with the vault's key (-i) all others of the same person are found. Records are unlinked
    where the token stands as `by` alone, and dropped where it stands elsewhere. The ledger, privacy/erasures, is signed and
    names tokens, never a value. Every holder of the vault's key confirms by --confirm; until then it is pending (exit 1 of
    --list). What history, remotes and other people hold is listed, and stays.

    \b
      labelvc erase prs_bwnbfgqzjncrnlmznmftbjkcqtzn
      labelvc erase prs_bwnbfgqzjncrnlmznmftbjkcqtzn --apply -i ada.key
      labelvc erase --list
    """  # fmt: skip
    git = plumbing.find(settings.directory)
    if mode == "list":
        return _list(git, form, output)
    act = Act(plumbing.config_get(git, "user.email") or "", now().strftime("%Y-%m-%dT%H:%M:%SZ"), reason)
    held = openers(brought)
    if mode == "confirm":
        return _confirm(settings, git, who, act, held, key)
    if bool(who) == value:
        raise click.UsageError("name a TOKEN, or --value to be asked for a plain value")
    asked = Asked("", typed("the value to forget"), kind) if value else Asked(who)
    found = subject.find(git, asked, held if held.identities or held.lent else None, act)
    way = cast("Way | None", records)
    if mode == "plan":
        with progress(settings, None, "looking through history", "objects") as advance:
            plan = erasing.plan(git, found, way, advance)
        told = {"schema": "urn:labelvc:schema:erase-plan:1", **render.plan_of(plan)}
        write(_json(told) if form == "json" else "".join(render.plan(plan)), output)
        return 0
    signer = erasures.signer_of(git, signing.where(key), signing.ask)
    if sys.stdin.isatty() and not yes and not click.confirm(f"erase {', '.join(found.tokens)}", err=True):
        say(settings, "nothing was done")
        return 1
    done = erasing.apply(git, found, way, act, held, signer, now().astimezone())
    write("".join(render.done(done)), output)
    if done.written:
        say(settings, "staged; next: git commit -m 'Forget somebody', have it approved, then labelvc erase --list")
    return 0


def _list(git: Git, form: str, output: Path | None) -> int:
    """Show the ledger; exit 1 while something is pending or wrong."""
    found = erasures.read(git, tree.work(git))
    if form == "json":
        told = {"schema": "urn:labelvc:schema:erase-list:1", "items": [render.entry_of(entry) for entry in found]}
        write(_json(told), output)
    else:
        write("".join(render.entries(found)) or "nobody was erased\n", output)
    return int(any(entry.pending or entry.problems or entry.signed is None for entry in found))


def _confirm(settings: Settings, git: Git, wanted: str, act: Act, held: Openers, key: str | None) -> int:
    """Forget here what the ledger lists, and sign that it is gone."""
    signer = erasures.signer_of(git, signing.where(key), signing.ask)
    written = erasing.confirm(git, wanted, act, held, signer, now().astimezone())
    write("".join([f"{path}\n" for path in written]))
    say(settings, "staged; next: git commit -m 'Confirm an erasure'" if written else "confirmed already; gone here")
    return 0


def _json(told: object) -> str:
    return library.dumps(told, ensure_ascii=False, indent=1) + "\n"
