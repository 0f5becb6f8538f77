"""The commands that bring a branch in: merge, and resolve for what needs a person."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import click

from labelvc.cli.context import Settings, pass_settings, today
from labelvc.cli.output import changes, output_options, progress, say, tell, write
from labelvc.cli.render import conflict, json, text
from labelvc.core.veil import Veil
from labelvc.errors import StoreError
from labelvc.model.change import Strategy
from labelvc.ops import merge as merging
from labelvc.ops import resolve as resolving
from labelvc.ops import veil
from labelvc.ops.merge import Merge
from labelvc.ops.resolve import Left
from labelvc.store import git as plumbing
from labelvc.store import pending, pointer
from labelvc.store.git import Git

_ANSWERS: dict[str, Strategy] = {"o": "ours", "t": "theirs", "u": "union", "n": "newest", "s": "conflict"}
_ASKED = "[o]urs, [t]heirs, [u]nion, [n]ewest, [s]kip, [q]uit"


@click.command()
@click.argument("rev", required=False)
@click.option("-m", "--message", default="", metavar="TEXT", help="Message of the merge commit.")
@click.option("--no-commit", is_flag=True, help="Stop before the commit.")
@click.option("--no-ff", is_flag=True, help="Make a merge commit even where HEAD could simply move forward.")
@click.option("--continue", "go_on", is_flag=True, help="Check and commit a merge whose conflicts are resolved.")
@click.option("--abort", is_flag=True, help="Take back a merge that is not committed, an interrupted one too.")
@output_options("text", "json")
@pass_settings
@changes
def merge(
    settings: Settings,
    /,
    rev: str | None,
    message: str,
    no_commit: bool,
    no_ff: bool,
    go_on: bool,
    abort: bool,
    form: str,
    output: Path | None,
) -> int:
    """Bring REV into the branch you are on, record by record, through git and DVC.

    Records that only one side changed are taken over; of a record that both changed, the fields are brought together by
    the rules in dataset.yaml. What no rule decides is marked, for `labelvc resolve`. Everything else git merges itself.
    A merge without conflicts is checked and committed. Exit 1 when a person is needed.

    \b
      labelvc merge topic
      labelvc merge --continue
    """
    if sum((bool(rev), go_on, abort)) != 1:
        raise click.UsageError("name one revision to merge, or --continue, or --abort")
    git = plumbing.find(settings.directory)
    if abort:
        commit = merging.abort(git)
        say(settings, f"the merge is taken back; {commit[:10]} is checked out again")
        return 0
    with progress(settings, None, "merging shards", "shards") as advance:
        done = (
            merging.finish(git, jobs=settings.jobs, today=today())
            if go_on
            else merging.merge(
                git,
                rev or "",
                message=message,
                commit=not no_commit,
                forward=not no_ff,
                jobs=settings.jobs,
                today=today(),
                advance=advance,
            )
        )
    left = Left(done.outcome.torn if done.outcome else {}, _documents(done))
    drawn = veil.at(git, done.commit, done.other) if left.conflicts else Veil()
    if form == "json":
        write(
            json.document(
                "merge", _items(left, drawn), base=done.other, head=done.commit, summary=_summary(done, left)
            ),
            output,
        )
    else:
        write("".join(_told(done, left, drawn, rev or "the other side", color=settings.color)), output)
    return 0 if done.state in ("merged", "forward", "current", "staged") else 1


@click.command()
@click.argument("keys", nargs=-1, metavar="[KEY]...")
@click.option("--ours", is_flag=True, help="Our side wins the fields that both changed.")
@click.option("--theirs", is_flag=True, help="Their side wins them.")
@click.option("--newest", is_flag=True, help="The side with the later `at` wins them, where both have one.")
@click.option("--union", is_flag=True, help="Lists are united, less what either side took out.")
@click.option("--annotator", metavar="PSEUDONYM", help="The side this annotator made wins.")
@output_options("text", "json", "jsonl")
@pass_settings
@changes
def resolve(
    settings: Settings,
    /,
    keys: tuple[str, ...],
    annotator: str | None,
    form: str,
    output: Path | None,
    **sides: bool,
) -> int:
    """Decide what a merge left in conflict: all of it, or the records, items or datasets named by KEY.

    Asks for each on a terminal when no side is chosen; elsewhere it lists them. A side that is chosen wins only the
    fields that both sides changed: what the other side alone changed is kept. A shard is staged when nothing in it is
    in conflict any more. Exit 1 while something is left.

    \b
      labelvc resolve --theirs reviews/rev-00042
    """
    git = plumbing.find(settings.directory)
    chosen = [cast(Strategy, name) for name, given in sides.items() if given]
    if len(chosen) + bool(annotator) > 1:
        raise click.UsageError("choose one of --ours, --theirs, --newest, --union and --annotator, no two")
    left = resolving.left(git)
    drawn = veil.at(git, "HEAD", *pending.others(git))
    settled = 0
    if chosen or annotator:
        _demand(left, keys)
        choice = chosen[0] if chosen else "conflict"
        settled, left = resolving.resolve(git, resolving.by_side(choice, keys, annotator or ""))
    elif form == "text" and sys.stdin.isatty() and left.conflicts:
        answers = _ask(left, keys, drawn, color=settings.color)
        settled, left = resolving.resolve(git, lambda found: answers.get(str(found.key), "conflict"))
    elif not left.conflicts:  # rules settle all that is marked, as where git merged without the driver
        settled, left = resolving.resolve(git, lambda _: "conflict")
    if form == "text":
        write("".join(conflict.some(left.conflicts, drawn, color=settings.color)), output)
    elif form == "jsonl":
        write("".join(json.lines(_items(left, drawn))), output)
    else:
        state = "conflict" if left.conflicts or left.documents else "resolved"
        summary = {"state": state, "settled": settled, "conflicts": left.records(), "documents": left.documents}
        write(json.document("merge", _items(left, drawn), head="HEAD", summary=summary), output)
    nothing = "nothing settled; " if (chosen or annotator) and left.conflicts and not settled else ""
    say(settings, nothing + _next(git, left, settled))
    return 1 if left.conflicts or left.documents else 0


def _ask(left: Left, keys: tuple[str, ...], drawn: Veil, *, color: bool) -> Mapping[str, Strategy]:
    """Ask a person about each conflict; what was answered before they quit counts."""
    answers: dict[str, Strategy] = {}
    wanted = resolving.by_side("ours", keys)
    for found in (one for here in left.conflicts.values() for one in here if wanted(one) == "ours"):
        tell("".join(conflict.lines(found, drawn, color=color)))
        answer = click.prompt(f"  {_ASKED}", type=click.Choice([*_ANSWERS, "q"]), show_choices=False, err=True)
        if answer == "q":
            break
        answers[str(found.key)] = _ANSWERS[answer]
    return answers


def _demand(left: Left, keys: tuple[str, ...]) -> None:
    """Refuse a key that names nothing in conflict: a slip of the pen would look like a decision."""
    for key in keys:
        wanted = resolving.by_side("ours", (key,))
        if not any(wanted(found) == "ours" for here in left.conflicts.values() for found in here):
            raise StoreError("nothing of that name is in conflict", where=key, hint="labelvc resolve --format jsonl")


def _documents(done: Merge) -> list[str]:
    if done.outcome is None:
        return []
    return sorted({row.path for row in done.outcome.stages} - done.outcome.torn.keys() - {*_pointers(done)})


def _pointers(done: Merge) -> list[str]:
    return [f"datasets/{name}/annotations.dvc" for name in (done.outcome.stored if done.outcome else [])]


def _items(left: Left, drawn: Veil) -> list[Mapping[str, Any]]:
    return [conflict.item(found, path, drawn) for path, here in left.conflicts.items() for found in here]


def _summary(done: Merge, left: Left) -> Mapping[str, Any]:
    tally = done.outcome.tally._asdict() if done.outcome else {}
    found = [json.finding(one) for one in done.report.findings] if done.report else []
    return {"state": done.state, **tally, "conflicts": left.records(), "documents": left.documents, "findings": found}


def _told(done: Merge, left: Left, drawn: Veil, rev: str, *, color: bool) -> list[str]:
    """Return what a merge came to, in the order a person needs it."""
    rev = text.safe(rev)
    if done.state == "current":
        return [f"{rev} is in already\n"]
    if done.state == "forward":
        return [f"HEAD had nothing of its own: it moved forward to {done.commit[:10]}\n"]
    told = []
    if done.outcome is not None:
        counts = done.outcome.tally
        parts = [
            f"{text.count(counts.merged, 'shard')} merged by record" if counts.merged else "",
            f"{text.count(counts.taken, 'shard')} taken over" if counts.taken else "",
            f"{text.count(counts.records, 'record')} changed on both sides came together" if counts.records else "",
        ]
        told.append(f"{', '.join(filter(None, parts)) or 'no shard differs'}\n")
    if done.state == "conflict":
        told += conflict.some(left.conflicts, drawn, color=color)
        told += [
            f"{text.paint('!', '-', on=color)} {text.safe(path)}  git could not merge this document\n"
            for path in left.documents
        ]
        counted = {"record": left.records(), "document": len(left.documents)}
        told.append(
            f"{' and '.join(text.count(n, noun) for noun, n in counted.items() if n)} in conflict; nothing is committed\n"
        )
        told.append("next: labelvc resolve; then labelvc merge --continue; or labelvc merge --abort\n")
    elif done.state == "wrong" and done.report is not None:
        told += text.findings(done.report.findings, color=color)
        told.append(f"the merged labels break a check ({text.tally(done.report.findings)}); nothing is committed\n")
        told.append("next: mend and git add them, then labelvc merge --continue; or labelvc merge --abort\n")
    elif done.state == "staged":
        told.append("staged, not committed; next: labelvc merge --continue\n")
    else:
        found = done.report.findings if done.report else []
        told.append(
            f"merged as {done.commit[:10]}{f'; {text.tally(found)}: labelvc check HEAD^..HEAD' if found else ''}\n"
        )
    return told


def _next(git: Git, left: Left, settled: int) -> str:
    done = f"{text.count(settled, 'conflict')} settled; " if settled else ""
    documents = "".join([_way_on(path) for path in left.documents])
    if left.conflicts:
        return f"{documents}{done}{text.count(left.records(), 'record')} in conflict; choose --ours, --theirs, --newest, --union or --annotator"
    if left.documents:
        return f"{documents}{done}{text.count(len(left.documents), 'document')} in conflict"
    verb = pending.underway(git).rpartition(" ")[2]
    following = {"": "git commit", "merge": "labelvc merge --continue"}.get(verb, f"git {verb} --continue")
    return f"{done}nothing is in conflict any more; next: {following}"


def _way_on(path: str) -> str:
    """Return what helps with a document in conflict: what lies behind a pointer only a merge by record brings together."""
    if pointer.is_about_shards(path):
        return f"{text.safe(path)} stands for shards: git merge --abort, then labelvc merge REV\n"
    return f"edit {text.safe(path)}, then git add it\n"
