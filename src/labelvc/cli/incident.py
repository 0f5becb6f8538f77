"""The command privacy incident: where a value that reached history lies, and how to take it out; the value is never shown."""

from __future__ import annotations

import json as library
import shlex
from collections.abc import Iterator
from pathlib import Path

import click

from labelvc.cli.context import Settings, pass_settings
from labelvc.cli.opening import typed
from labelvc.cli.output import output_options, progress, write
from labelvc.cli.render import erasing as render
from labelvc.cli.render.text import count, safe
from labelvc.ops import incident as incidents
from labelvc.ops.incident import Files, Incident
from labelvc.store import git as plumbing

_UNREAD = "nothing here holds it, but {} of DVC could not be looked at: dvc fetch --all-commits, and again\n"


@click.command("incident", short_help="Find all that holds a value, and how to take it out of history.")
@click.argument("rule", required=False, default="")
@click.argument("place", metavar="[PATH|KEY]", required=False, default="")
@click.option("--at", metavar="COMMIT", help="The commit that the finding names; without it the work tree.")
@click.option("--value", is_flag=True, help="Ask for the value instead of a finding: on the terminal, or from stdin.")
@output_options("text", "json")
@pass_settings
def incident(
    settings: Settings, /, rule: str, place: str, at: str | None, value: bool, form: str, output: Path | None
) -> int:
    """Find every commit, path and object that holds a plain value, and write what takes it out of history.

    RULE and PATH or KEY are those of a finding of `labelvc privacy scan`, such as `privacy.email texts/m2#a1`. The value
    is never shown. The file for git filter-repo holds it: you alone may read it, in the git folder, and you delete it.
    Nothing else is changed. Exit 1 when something holds the value, 2 when nothing does and objects of DVC are not here.

    \b
      labelvc privacy incident privacy.email texts/m2#a1
    """
    if value == bool(rule and place):
        raise click.UsageError("name RULE and PATH or KEY of a finding, or --value to be asked for the value")
    git = plumbing.find(settings.directory)
    values = {typed("the value that must go")} if value else incidents.values_at(git, rule, place, at)
    with progress(settings, None, "looking through history", "objects") as advance:
        found = incidents.find(git, sorted(values), advance)
    if form == "json":
        write(library.dumps(_told(found), ensure_ascii=False, indent=1) + "\n", output)
    else:
        write("".join(_text(found)), output)
    return 1 if found.found else 2 if found.reach.unread else 0


def _text(found: Incident) -> Iterator[str]:
    if not found.found:
        yield (
            "nothing holds it: no object of git or DVC here\n"
            if not found.reach.unread
            else _UNREAD.format(count(len(found.reach.unread), "object"))
        )
        return
    spelled = found.reach.spelled
    yield f"{'found':<13}{count(sum(spelled.values()), 'time')}, in {count(len(spelled), 'spelling')}\n"
    yield from render.reach(found.reach)
    yield "".join(
        [
            f"{'' if at else 'not changed':<13}{one.id[:10] or '-'}  {one.kind}  {safe(one.why)}\n"
            for at, one in enumerate(found.left)
        ]
    )
    yield "then\n"
    yield "".join([f"  {at}. {step}\n" for at, step in enumerate(_steps(found), 1)])
    yield "not reached\n"
    yield "".join([f"  - {limit}\n" for limit in incidents.LIMITS])


def _told(found: Incident) -> dict[str, object]:
    files = found.files
    return {
        "schema": "urn:labelvc:schema:privacy-incident:1",
        "found": found.found,
        "spellings": len(found.reach.spelled),
        "occurrences": sum(found.reach.spelled.values()),
        **render.reach_of(found.reach),
        "replace": str(files.replace) if files.replace else None,
        "strip": str(files.strip) if files.strip else None,
        "names": str(files.names) if files.names else None,
        "unchanged": [one._asdict() for one in found.left],
        "steps": list(_steps(found)) if found.found else [],
        "limits": list(incidents.LIMITS),
    }


def _steps(found: Incident) -> Iterator[str]:
    """Yield what to do, in order; a step that nothing calls for is left out."""
    reach, files = found.reach, found.files
    if found.lies != "history":
        yield from _local(found)
        return
    yield "a key or password is known from now on: make a new one before anything else"
    yield "say so to whoever answers for personal data: a breach may have to be reported within 72 hours (GDPR, article 33)"
    yield "correct the files of HEAD, labelvc format, commit"
    if files.replace:
        yield "git clone --mirror URL fresh.git; cd fresh.git"
        yield _filter(files)
        yield f"the files hold the value; when it is done: shred -u {' '.join(shlex.quote(str(path)) for path in files if path)}"
    if reach.stored or reach.unread:
        yield "dvc gc --workspace --cloud in a clone of the corrected HEAD: it deletes all objects of older versions, here and at the remote"
    if reach.approvals:
        yield f"the approvals of {count(len(reach.approvals), 'change-set')} are void, since their lines are others now: labelvc approve again"
    if reach.releases:
        yield f"releases {', '.join(reach.releases)} are void: cut a new one, and say so to who has them"
    yield "commits have new names: where policy distrust or a witness names one, write it anew; labelvc check --all; labelvc verify --all"
    if reach.pushed:
        yield "git push --mirror --force; ask the host to drop caches, forks and refs of pull requests"
    yield _CACHE
    yield "everybody deletes their clone and clones anew; nobody merges an old branch"
    yield "labelvc privacy incident again, here and in a fresh clone: it must find nothing"


_CACHE = 'rm -r "$(git rev-parse --git-common-dir)/labelvc/cache": what labelvc remembers of documents; it is made anew'


def _local(found: Incident) -> Iterator[str]:
    """Yield what to do where no commit holds it that anybody else may have."""
    if found.lies == "tip":
        yield "correct the files, labelvc format, git add --all, git commit --amend: the last commit alone holds it, and no remote-tracking ref leads to it"
    yield "git reflog expire --expire=now --all; git gc --prune=now"
    yield _CACHE
    if found.reach.approvals:
        yield f"the approvals of {count(len(found.reach.approvals), 'change-set')} are void, since their lines are others now: labelvc approve again"
    yield "where you pushed it by another way, or handed it out: a key or password is known, and who answers for personal data must hear of it"
    yield "labelvc privacy incident again: it must find nothing"


def _filter(files: Files) -> str:
    words = ["git", "filter-repo"]
    for path, options in (
        (files.replace, ("--replace-text", "--replace-message")),
        (files.strip, ("--strip-blobs-with-ids",)),
        (files.names, ("--paths-from-file",)),
    ):
        words += [word for option in options for word in (option, str(path))] if path else []
    return shlex.join(words)
