"""The command privacy: what stands in plain where git would keep it, and what cannot be promised."""

from __future__ import annotations

import importlib
import json as library
from pathlib import Path
from typing import get_args

import click

from labelvc.cli.context import Settings, pass_settings, today
from labelvc.cli.lazy import LazyGroup
from labelvc.cli.listing import FILE, lines
from labelvc.cli.output import changes, output_options, progress, say, write
from labelvc.cli.render import json, text
from labelvc.core import known
from labelvc.model import listing
from labelvc.model.detection import BASELINE, Why
from labelvc.model.finding import SEVERITIES
from labelvc.ops import accepting
from labelvc.ops import privacy as plain
from labelvc.ops.gates import Brought
from labelvc.ops.project import ERASURES
from labelvc.store import git as plumbing
from labelvc.store import tree
from labelvc.store.git import Git

_HERE = "labelvc.cli.privacy"
_TABLE = {
    "accept": (_HERE, "privacy_accept", "Answer for a finding: this value may stand in this place."),
    "incident": ("labelvc.cli.incident", "incident", "Find all that holds a value, and how to take it out of history."),
    "risk": ("labelvc.cli.risk", "risk", "Count how many people look alike by their quasi-identifiers."),
    "scan": (_HERE, "privacy_scan", "Look for what stands in plain: staged, everywhere, or in every commit."),
    "status": (_HERE, "privacy_status", "Show what is looked for here, and what cannot be promised."),
}


@click.group(cls=LazyGroup, table=_TABLE)
def privacy() -> None:
    """Find personal data and secrets before git keeps them, and say what to do when it came too late."""


@click.command("scan")
@click.argument("revisions", metavar="[A..B]", required=False)
@click.option("--staged", is_flag=True, help="Look at the index: what a commit would bring. This is the default.")
@click.option("--all", "everything", is_flag=True, help="Look at all files of the work tree.")
@click.option(
    "--fail-on", type=click.Choice(SEVERITIES), default="error", show_default=True, help="Least severity that exits 1."
)
@click.option(
    "--identities",
    type=FILE,
    metavar="FILE",
    help="Look for these names, addresses and numbers too, one a line, this once.",
)
@output_options("text", "json", "jsonl")
@pass_settings
def privacy_scan(
    settings: Settings,
    /,
    revisions: str | None,
    staged: bool,
    everything: bool,
    fail_on: str,
    identities: Path | None,
    form: str,
    output: Path | None,
) -> int:
    """Look for e-mail addresses, accounts, telephone numbers, keys and the like that stand in plain.

    With A..B every commit is looked at by itself, merges against all their parents, and its message: what one commit brings
    and the next takes back was published all the same. The settings of A say what is looked for, so a branch cannot look
    away from itself. No output shows a value. Exit 1 when a finding is at or above --fail-on.

    \b
      labelvc privacy scan
      labelvc privacy scan main..topic
    """
    if sum((bool(revisions), staged, everything)) > 1:
        raise click.UsageError("choose one of A..B, --staged and --all")
    git = plumbing.find(settings.directory)
    brought = _brought(settings, identities)
    with progress(settings, None, "looking for plain text", "shards") as advance:
        if revisions:
            looked = plain.history(git, revisions, brought=brought)
        elif everything:
            looked = plain.everything(git, brought=brought)
        else:
            looked = plain.staged(git, brought=brought, jobs=settings.jobs, advance=advance)
    found = looked.findings
    items = [json.finding(one) for one in found]
    if form == "json":
        summary: dict[str, int] = {severity: sum(one.severity == severity for one in found) for severity in SEVERITIES}
        summary |= {"commits": looked.commits}
        write(json.document("check", items, base=looked.base, head=looked.head, summary=summary), output)
    elif form == "jsonl":
        write("".join(json.lines(items)), output)
    else:
        commits = f"; {text.count(looked.commits, 'commit')} looked at" if revisions else ""
        write("".join(text.findings(found, color=settings.color)) + f"{text.tally(found)}{commits}\n", output)
    least = SEVERITIES.index(fail_on)
    return 1 if any(SEVERITIES.index(one.severity) >= least for one in found) else 0


def _brought(settings: Settings, identities: Path | None) -> Brought:
    """Return the date and the people that a file lists; says how many of them are too short to be looked for."""
    people = tuple(lines(identities)) if identities else ()
    left = known.plain(people)[1]
    if left:
        say(settings, f"note: {text.count(left, 'line')} of {identities} too short, or too long, to be looked for")
    return Brought(today(), people)


@click.command("accept")
@click.argument("finding", metavar="MARK")
@click.option("--why", required=True, type=click.Choice(get_args(Why)), help="Why the value may stand.")
@click.option("--expires", default="", metavar="DAY", help="Last day on which it may, such as 2027-06-30.")
@click.option(
    "--at", multiple=True, metavar="PLACE", help="Only this record, item or file, when the value stands in several."
)
@pass_settings
@changes
def privacy_accept(settings: Settings, /, finding: str, why: Why, expires: str, at: tuple[str, ...]) -> None:
    """Answer for a finding: write an exception for it into privacy/baseline.jsonl and stage that.

    MARK is the ten letters that `privacy scan --all` shows beside a finding where the epoch's secret is on this machine.
    The exception holds for this value in this place and needs the approval that the policy asks for the folder `privacy`.
    A branch is judged by the exceptions it started from: merge the exception first. Keys can never be accepted.

    \b
      labelvc privacy accept kq7v2mxa5d --why synthetic --expires 2027-06-30
    """
    git = plumbing.find(settings.directory)
    answer = accepting.Answer(plumbing.config_get(git, "user.email") or "", why, expires, today())
    made = accepting.accept(git, finding, answer, at)
    write("".join([f"{line.rule}  {line.at} {line.pointer}".rstrip() + "\n" for line in made]))
    say(settings, f"staged; next: git commit -m 'Answer for a finding' -- {BASELINE}, and have it approved")


@click.command("status")
@output_options("text", "json")
@pass_settings
def privacy_status(settings: Settings, /, form: str, output: Path | None) -> None:
    """Show what is looked for here, and what cannot be promised.

    \b
      labelvc privacy status
    """
    git = plumbing.find(settings.directory)
    standing = plain.standing(git)
    entries, held = _erasures(git)
    if form == "json":
        told = {
            "schema": "urn:labelvc:schema:privacy-status:1",
            "regions": standing.settings.regions,
            "domains": standing.settings.domains,
            "unread": [{"paths": one.paths, "why": one.why} for one in standing.settings.unread],
            "detectors": standing.detectors,
            "off": standing.off,
            "erasures": [
                {"name": name, "pending": pending, "holders": holders} for name, pending, holders, _ in entries
            ],
            "held": held,
            "limits": plain.LIMITS,
        }
        write(library.dumps(told, ensure_ascii=False, indent=1) + "\n", output)
        return
    none = "none (labelvc.yaml: privacy.leaks.{})"
    rows = [f"left unread    {', '.join(one.paths)}  {one.why}\n" for one in standing.settings.unread]
    rows += [f"erased         {name}  {said}\n" for name, _, _, said in entries]
    rows += (
        [f"vault          still holds {text.count(held, 'erased token')}: labelvc erase --confirm\n"] if held else []
    )
    write(
        f"looked for     {', '.join(standing.detectors)}\n"
        f"regions        {', '.join(standing.settings.regions) or none.format('regions')}\n"
        f"own domains    {', '.join(standing.settings.domains) or none.format('domains')}\n"
        + "".join(rows)
        + "not promised\n"
        + "".join([f"  - {limit}\n" for limit in plain.LIMITS]),
        output,
    )


def _erasures(git: Git) -> tuple[list[tuple[str, list[str], list[str], str]], int]:
    """Return the erasures with who is pending of whom, and how many erased tokens the vault here still knows.

    What reads signatures is loaded where there is something to read.
    """
    work = tree.work(git)
    if not any(listing.paths(work.entries, ERASURES)):
        return [], 0
    erasures = importlib.import_module("labelvc.ops.erasures")
    render = importlib.import_module("labelvc.cli.render.erasing")
    found = erasures.read(git, work)
    held = erasures.held(git, {token for entry in found for token in entry.tokens})
    return [(entry.name, entry.pending, list(entry.holders), render.standing(entry)) for entry in found], held
