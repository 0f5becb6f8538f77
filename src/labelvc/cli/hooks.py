"""What the hooks run: it reads what git tells a hook and prints what is wrong with the cure."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from labelvc.cli.context import Settings, environment, in_ci, pass_settings, today
from labelvc.cli.output import tell
from labelvc.cli.render import text
from labelvc.core import changeset as changesets
from labelvc.model.finding import SEVERITIES
from labelvc.model.hooks import HOOKS, SERVER_HOOKS
from labelvc.ops import diff
from labelvc.ops import hook as hooks
from labelvc.ops.gates import Brought
from labelvc.ops.hook import Judgement, Push
from labelvc.store import git as plumbing
from labelvc.store import program, tree

SHOWN = 20
"""How many findings a hook prints; `labelvc check` prints all."""
PASSED_BY = {
    "pre-commit": "git commit --no-verify",
    "pre-merge-commit": "git merge --no-verify",
    "commit-msg": "git commit --no-verify",
    "pre-push": "git push --no-verify",
}


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--first", type=click.Path(path_type=Path), metavar="FILE", help="Run this hook first, when it is there.")
@click.argument("name", type=click.Choice([*HOOKS, *SERVER_HOOKS]), metavar="NAME")
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
@pass_settings
def hook(settings: Settings, first: Path | None, name: str, words: tuple[str, ...]) -> int:
    """Judge what git is about to take in: the hook NAME with the WORDS git gave it.

    Commits and merges are judged by the index, messages by their file, pushes by the commits they bring. Run in CI by the pre-commit framework,
    where nothing is staged, all of the checkout is judged, or with --from-ref and --to-ref what lies between them.
    Exit 1 when there is an error.
    """
    framework = first is None and environment("PRE_COMMIT") is not None
    told = sys.stdin.buffer.read() if name in {"pre-push", "pre-receive"} and not framework else b""
    if first and first.is_file() and first.stat().st_mode & 0o111:
        code = program.run([str(first.resolve()), *words], settings.directory, data=told, attached=True).code
        if code:
            return code if 0 < code < 128 else 1
    git = plumbing.find(settings.directory)
    rows = told.decode("utf-8", "surrogateescape")
    if name == "commit-msg":
        judgements = hooks.message(git, Path(words[0] if words else ""), brought=Brought(today()))
    elif name == "pre-receive":
        judgements = hooks.received(git, hooks.read_received(rows), brought=Brought(today()), jobs=settings.jobs)
    elif name == "pre-push" or (framework and environment("PRE_COMMIT_TO_REF")):
        pushes = [_from_framework()] if framework else hooks.read_pushed(rows)
        remote = environment("PRE_COMMIT_REMOTE_NAME") or (words[0] if words else "")
        judgements = hooks.pushed(git, pushes, remote, brought=Brought(today()), jobs=settings.jobs)
    elif framework and in_ci():
        judgements = hooks.checkout(git, brought=Brought(today()), jobs=settings.jobs)
    else:
        judgements = hooks.staged(git, brought=Brought(today()), jobs=settings.jobs)
    errors = sum([_tell(settings, judgement) for judgement in judgements])
    if errors:
        round_it = f"; `{PASSED_BY[name]}` goes round this hook, not round CI" if name in PASSED_BY else ""
        tell(f"{name}: stopped by {text.count(errors, 'error')}{round_it}\n")
    return 1 if errors else 0


def _from_framework() -> Push:
    """Return what the pre-commit framework tells of a push in its environment.

    It tells of one ref only, leaves out where a branch starts whose root is pushed too, and tells nothing when a person
    runs it by hand: then HEAD is meant.
    """
    new = environment("PRE_COMMIT_TO_REF") or environment("PRE_COMMIT_LOCAL_BRANCH") or "HEAD"
    return Push(environment("PRE_COMMIT_REMOTE_BRANCH") or new, environment("PRE_COMMIT_FROM_REF") or "", new)


def _tell(settings: Settings, judgement: Judgement) -> int:
    """Print the first findings of a judgement on stderr, where git shows them; return how many of all are errors."""
    found = judgement.report.findings
    if found:
        worst = sorted(found, key=lambda one: -SEVERITIES.index(one.severity))
        tell(f"{judgement.step}: {text.tally(found)}\n")
        tell("".join(text.findings(worst[:SHOWN], color=settings.color)))
        if len(found) > SHOWN:
            tell(f"and {len(found) - SHOWN:,} more: {judgement.command}\n")
    return sum(one.severity == "error" for one in found)


@click.command()
@click.argument("old")
@click.argument("new")
@pass_settings
def changeset(settings: Settings, old: str, new: str) -> None:
    """Print the lines of the change-set between the revisions OLD and NEW, the very bytes whose root a person signs."""
    git = plumbing.find(settings.directory)
    one, two = tree.commit(git, old), tree.commit(git, new)
    gathered = changesets.gather(diff.between(git, one, two))
    sys.stdout.write(changesets.write(gathered.lines).decode())
