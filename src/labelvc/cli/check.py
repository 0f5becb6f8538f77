"""The command that asks whether the content is right: check."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

import click

from labelvc.cli.context import Settings, pass_settings, today
from labelvc.cli.output import output_options, progress, say, write
from labelvc.cli.render import json, text
from labelvc.cli.render import rules as listing
from labelvc.cli.render.hosts import Judged
from labelvc.cli.spreading import repository
from labelvc.model.finding import SEVERITIES, Severity
from labelvc.ops import catalogue, judges
from labelvc.ops import check as checking
from labelvc.ops import diff as differing
from labelvc.ops.gates import Brought
from labelvc.store import conflicts, tree

_HOSTS = ("sarif", "junit", "gitlab", "github")
"""Forms for code hosts, each a module of `labelvc.cli.render`."""


@click.command()
@click.argument("revisions", metavar="[A[..B]]", required=False)
@click.option("--staged", is_flag=True, help="Judge the index: what a commit would bring.")
@click.option("--all", "everything", is_flag=True, help="Judge all files of the work tree, not only what changed.")
@click.option(
    "--fail-on", type=click.Choice(SEVERITIES), default="error", show_default=True, help="Least severity that exits 1."
)
@click.option("--known", is_flag=True, help="List what was there before as well, and what is gone; neither fails.")
@click.option("--rules", is_flag=True, help="List the rules instead of checking.")
@output_options("text", "json", "jsonl", *_HOSTS)
@pass_settings
def check(
    settings: Settings,
    /,
    revisions: str | None,
    staged: bool,
    everything: bool,
    fail_on: Severity,
    known: bool,
    rules: bool,
    form: str,
    output: Path | None,
) -> int:
    """Ask whether the content is right: form, keys, labels, ranges, references, boxes, pseudonyms.

    Without arguments it judges what the work tree changes against HEAD; with A..B what B changes against A, with A...B
    what B changes since the two parted, by what A says today. Findings that were there before are counted, not listed:
    --known lists them. Exit 1 when a finding is at or above --fail-on.

    \b
      labelvc check
      labelvc check --all --format sarif -o findings.sarif
      labelvc check main...topic --known
    """
    if rules:
        write(_catalogue(form, color=settings.color), output)
        return 0
    if sum((bool(revisions), staged, everything)) > 1:
        raise click.UsageError("choose one of A..B, --staged and --all")
    if known and (everything or form in _HOSTS):
        raise click.UsageError("--known is for what changed, as text, json or jsonl")
    git = repository(settings)
    if staged:
        conflicts.refuse(git)
    with progress(settings, None, "looking at shards", "shards") as advance:
        if everything:
            pair = differing.Range(tree.empty()._replace(name=""), tree.work(git))
            report = checking.everything(git, pair.new, brought=Brought(today()), jobs=settings.jobs, advance=advance)
        else:
            pair = differing.resolve(git, revisions, staged=staged)
            by, brought = judges.of_range(git, revisions), Brought(today())
            report = checking.changed(
                git, *pair, by=by, brought=brought, fixed=known, jobs=settings.jobs, advance=advance
            )
    if form in _HOSTS:
        judged = Judged(
            pair.old.name, pair.new.name, pair.new.entries, report.asked, fail_on, report.unchanged, report.waived
        )
        every = catalogue.of_packages(report.asked)
        write(importlib.import_module(f"labelvc.cli.render.{form}").write(report.findings, every, judged), output)
        say(settings, _told(report))
    elif form == "text":
        write("".join(_lines(report, color=settings.color, known=known)), output)
    else:
        _structured(report, pair, form, output, known=known)
    worst = report.worst()
    return 1 if worst is not None and SEVERITIES.index(worst) >= SEVERITIES.index(fail_on) else 0


def _lines(report: checking.Report, *, color: bool, known: bool) -> Iterator[str]:
    yield from text.findings(report.findings, color=color)
    if known:
        for heading, found in (("there before", report.unchanged), ("gone", report.fixed)):
            yield f"{heading}: {text.tally(found)}\n"
            yield from text.findings(found, color=color)
    yield from text.waived(report.waived, color=color)
    yield f"{_told(report, listed=known)}\n"


def _told(report: checking.Report, *, listed: bool = False) -> str:
    known = f", {text.count(report.known, 'known finding')}" if report.known else ""
    known += " not listed (--known lists them)" if known and not listed else ""
    waived = f", {len(report.waived):,} waived" if report.waived else ""
    waived += f", {report.accepted:,} accepted" if report.accepted else ""
    looked = f"{text.count(report.lines, 'line')} in {text.count(report.shards, 'shard')} looked at"
    return f"{text.tally(report.findings)}{known}{waived}; {looked}"


def _structured(report: checking.Report, pair: differing.Range, form: str, output: Path | None, *, known: bool) -> None:
    items = [json.finding(one, "new" if known else "") for one in report.findings]
    if known:
        items += [json.finding(one, "known") for one in report.unchanged]
        items += [json.finding(one, "fixed") for one in report.fixed]
    items += [json.waived(one) for one in report.waived]
    if form == "jsonl":
        write("".join(json.lines(items)), output)
        return
    summary: dict[str, int] = {
        severity: sum(one.severity == severity for one in report.findings) for severity in SEVERITIES
    }
    summary |= {"known": report.known, "shards": report.shards, "lines": report.lines}
    summary |= {"fixed": len(report.fixed)} if known else {}
    summary |= {"waived": len(report.waived)} if report.waived else {}
    summary |= {"accepted": report.accepted} if report.accepted else {}
    write(json.document("check", items, base=pair.old.name, head=pair.new.name, summary=summary), output)


def _catalogue(form: str, *, color: bool) -> str:
    every = catalogue.every().values()
    if form == "text":
        return "".join(listing.text(every, color=color))
    items = listing.items(every, catalogue.settable())
    if form == "json":
        return json.document("rules", items, summary={"rules": len(items)})
    if form == "jsonl":
        return "".join(json.lines(items))
    raise click.UsageError("--rules is written as text, json or jsonl")
