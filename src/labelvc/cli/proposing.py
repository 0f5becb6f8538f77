"""The command that proposes a change of a guideline, and says what gave rise to it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from labelvc.cli.context import Settings, pass_settings, today
from labelvc.cli.output import changes, output_options, progress, say
from labelvc.cli.registers import dated, day_option, done, entry_of, one_line
from labelvc.errors import ConfigurationError
from labelvc.ops import check as checking
from labelvc.ops import proposals
from labelvc.ops.gates import Brought
from labelvc.ops.proposals import Origin
from labelvc.store import git as plumbing
from labelvc.store import tree
from labelvc.store.git import Git


@click.command("propose", short_help="Propose a change, and say what gave rise to it.")
@click.argument("name")
@click.option(
    "--from",
    "kind",
    required=True,
    type=click.Choice(["finding", "feedback", "discussion"]),
    help="What gave rise to it.",
)
@click.argument("sources", metavar="SOURCE...", nargs=-1, required=True)
@click.option("--label", default="", metavar="LABEL", help="The label whose blocks it would change.")
@click.option(
    "--block",
    type=click.Choice([*proposals.OF_LABELS, *proposals.FOR_ALL]),
    default=None,
    metavar="BLOCK",
    help=f"The block it would change: {', '.join([*proposals.OF_LABELS, *proposals.FOR_ALL])}.",
)
@click.option("--text", "words", default="", metavar="TEXT", help="What the block should say.")
@click.option(
    "--title", default=None, callback=one_line, help="What it is about, in one line; default: label and block."
)
@click.option("--owner", default="", metavar="WHO", help="Principal or role; default: you, as the policy knows you.")
@day_option("--due", "Last day on which it may still be open.")
@dated("Opened on DAY")
@output_options("text", "json")
@pass_settings
@changes
def guideline_propose(
    settings: Settings,
    /,
    name: str,
    kind: str,
    sources: Sequence[str],
    label: str,
    block: str | None,
    words: str,
    title: str,
    owner: str,
    due: str,
    on: str,
    form: str,
    output: Path | None,
) -> None:
    """Propose a change of guideline NAME: a document of the register that its next version can take.

    SOURCE is, of a finding, its fingerprint (labelvc check --all --format json) or a rule: then all that it found; of
    feedback, what was said, @FILE that holds it, or feedback/ID of the register; of a discussion, its address.

    \b
      labelvc guideline propose topic --from finding example.contradicted
      labelvc guideline propose topic --from feedback @mail.txt --label delivery \\
        --block edge_cases
      labelvc guideline propose topic --from discussion https://example.org/7 \\
        --block ambiguity --text 'Take the first.'
    """
    git = plumbing.find(settings.directory)
    entry = entry_of(git, on)
    origin = _origin(settings, git, name, kind, sources, entry.on)
    said = {"label": label, "block": block, "text": words, "title": title, "owner": owner, "due": due}
    made = proposals.opened(git, name, origin, {member: value for member, value in said.items() if value}, entry)
    done(settings, made, entry.on, form, output, "Open")
    number = made.id.partition("-")[0]
    say(settings, f"then: edit guidelines/{name}.yaml, and labelvc guideline publish {name} --takes {number}")


def _origin(settings: Settings, git: Git, name: str, kind: str, sources: Sequence[str], on: str) -> Origin:
    if kind == "finding":
        with progress(settings, None, "looking at shards", "shards") as advance:
            found = checking.everything(
                git, tree.work(git), brought=Brought(today()), jobs=settings.jobs, advance=advance
            )
        return proposals.of_findings(git, name, found.findings, sources)
    if len(sources) > 1:
        raise click.UsageError(f"one SOURCE of {kind}, in quotes where it has blanks")
    if kind == "discussion":
        return proposals.of_discussion(sources[0])
    words = sources[0]
    return proposals.of_feedback(git, _read(settings.directory / words[1:]) if words.startswith("@") else words, on)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "is not UTF-8"
        raise ConfigurationError(f"cannot be read: {why}", where=str(path), hint="name a file of text") from None
