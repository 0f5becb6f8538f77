"""The command privacy: what stands in plain where git would keep it, and what cannot be promised."""

from __future__ import annotations

import json as library
from pathlib import Path

import click

from labelvc.cli.context import Settings, pass_settings
from labelvc.cli.output import output_options, progress, write
from labelvc.cli.render import json, text
from labelvc.model.finding import SEVERITIES
from labelvc.ops import privacy as plain
from labelvc.store import git as plumbing


@click.group()
def privacy() -> None:
    """Find personal data and secrets before git keeps them."""


@privacy.command("scan")
@click.argument("revisions", metavar="[A..B]", required=False)
@click.option("--staged", is_flag=True, help="Look at the index: what a commit would bring. This is the default.")
@click.option("--all", "everything", is_flag=True, help="Look at all files of the work tree.")
@click.option(
    "--fail-on", type=click.Choice(SEVERITIES), default="error", show_default=True, help="Least severity that exits 1."
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
    form: str,
    output: Path | None,
) -> int:
    """Look for e-mail addresses, accounts, telephone numbers, keys and the like that stand in plain.

    With A..B every commit is looked at by itself, merges against all their parents, and its message: what one commit brings
    and the next takes back was published all the same. The settings of A say what is looked for, so a branch cannot look
    away from itself. No output shows a value. Exit 1 when a finding is at or above --fail-on.
    """
    if sum((bool(revisions), staged, everything)) > 1:
        raise click.UsageError("choose one of A..B, --staged and --all")
    git = plumbing.find(settings.directory)
    with progress(settings, None, "looking for plain text", "shards") as advance:
        if revisions:
            looked = plain.history(git, revisions, jobs=settings.jobs)
        elif everything:
            looked = plain.everything(git)
        else:
            looked = plain.staged(git, jobs=settings.jobs, advance=advance)
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


@privacy.command("status")
@output_options("text", "json")
@pass_settings
def privacy_status(settings: Settings, /, form: str, output: Path | None) -> None:
    """Show what is looked for here, and what cannot be promised."""
    standing = plain.standing(plumbing.find(settings.directory))
    if form == "json":
        told = {
            "schema": "urn:labelvc:schema:privacy-status:1",
            "regions": standing.settings.regions,
            "domains": standing.settings.domains,
            "detectors": standing.detectors,
            "off": standing.off,
            "limits": plain.LIMITS,
        }
        write(library.dumps(told, ensure_ascii=False, indent=1) + "\n", output)
        return
    none = "none (labelvc.yaml: privacy.leaks.{})"
    write(
        f"looked for     {', '.join(standing.detectors)}\n"
        f"regions        {', '.join(standing.settings.regions) or none.format('regions')}\n"
        f"own domains    {', '.join(standing.settings.domains) or none.format('domains')}\n"
        "not promised\n" + "".join([f"  - {limit}\n" for limit in plain.LIMITS]),
        output,
    )
