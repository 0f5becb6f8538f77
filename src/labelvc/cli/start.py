"""Commands that start and look after a project: init, install, doctor, status."""

from __future__ import annotations

import platform
import shutil
import sys
from collections import Counter
from pathlib import Path

import click

from labelvc import __version__
from labelvc.cli import signing, timing
from labelvc.cli.context import Settings, environment, pass_settings
from labelvc.cli.output import changes, output_options, say, write
from labelvc.cli.render import json, roots, text, trust
from labelvc.core.diff import Summary
from labelvc.errors import TrustError
from labelvc.model.change import Kind
from labelvc.model.shell import word
from labelvc.ops import doctor as examining
from labelvc.ops import install as installing
from labelvc.ops import people, remedy
from labelvc.ops import status as looking
from labelvc.ops.doctor import Line
from labelvc.ops.install import Step
from labelvc.ops.status import Count, Merging, Moves, Status, Waiting
from labelvc.store import files
from labelvc.store import git as plumbing
from labelvc.store.git import Git
from labelvc.store.journal import FINISH, FORGET

_STEPS = {
    "new": "set up",
    "kept": "as it was",
    "renewed": "brought up to date",
    "chained": "set up",
    "left": "left alone",
    "removed": "removed",
    "restored": "restored",
}
_LOCKED = "the key is locked"
_NO_FILES: Counter[Kind] = Counter()
_COLOURS = {"ok": "+", "warn": "warning", "fail": "error"}


@click.command()
@click.option("--uninstall", is_flag=True, help="Take hooks and drivers away; hooks that were there before come back.")
@click.option(
    "--global", "everywhere", is_flag=True, help="Write the drivers to your own configuration, for all clones."
)
@pass_settings
@changes
def install(settings: Settings, uninstall: bool, everywhere: bool) -> None:
    """Set up this clone: git hooks that judge what is committed and pushed, and drivers that merge and show records.

    Hooks go where git looks for them (core.hooksPath is honoured); one that is there already is kept and runs first.
    In a bare repository the hook that judges every pushed commit is set up. Doing it twice changes nothing.

    \b
      labelvc install
    """
    git = plumbing.find(settings.directory)
    if uninstall:
        steps = installing.uninstall(git, everywhere=everywhere)
    else:
        steps = installing.install(git, sys.executable, everywhere=everywhere)
    width = max((len(step.what) for step in steps), default=0)
    write("".join(f"{step.what.ljust(width)}  {_said(step)}\n" for step in steps) or "there was nothing to take away\n")
    if not uninstall:
        write("next: labelvc doctor\n")


@click.command()
@click.option("--finish", is_flag=True, help="Finish what a killed command left half done, or clear it away.")
@click.option("--forget", is_flag=True, help="Leave the files as they are and drop what a killed command left.")
@output_options("text", "json")
@pass_settings
def doctor(settings: Settings, finish: bool, forget: bool, form: str, output: Path | None) -> int:
    """Examine this clone and this machine, and name the cure for what is wrong.

    Exit 1 when something does not work; a warning alone is no failure. Without an option nothing is changed.
    A command that is killed while it writes leaves the files as they were, or a journal from which --finish, or the next
    command that writes, goes on to the end:

    \b
      labelvc doctor --finish
    """
    if finish and forget:
        raise click.UsageError("--finish and --forget exclude each other", click.get_current_context())
    git = plumbing.find(settings.directory)
    if finish or forget:
        left = files.settle(git, forget=forget)
        say(settings, examining.settled(left, forget=forget))
        return 0
    python = f"Python {platform.python_version()} at {sys.executable}"
    machine = examining.Machine(python, __version__, shutil.which("labelvc") or "", lambda: _signing_key(git))
    lines = examining.examine(git, machine)
    summary = {state: sum(line.state == state for line in lines) for state in ("ok", "warn", "fail")}
    if form == "json":
        write(json.document("doctor", [line._asdict() for line in lines], summary=summary), output)
    else:
        write(_examined(lines, color=settings.color), output)
    return 1 if summary["fail"] else 0


@click.command()
@output_options("text", "json")
@pass_settings
def status(settings: Settings, form: str, output: Path | None) -> None:
    """Show the project on one screen: what is in it, what changed, and what to do next.

    \b
      labelvc status
    """
    git = plumbing.find(settings.directory)
    found = looking.look(git, environment("LABELVC_ROOT"), timing.clock())
    if form == "json":
        items = [_item(count, found) for count in found.counts]
        write(json.document("status", items, head=found.commit, summary=_summary(found)), output)
    else:
        write(_screen(found, color=settings.color), output)


def _signing_key(git: Git) -> str:
    """Return which key would sign, without opening one that is locked."""
    try:
        found = people.signer(git, signing.where(None), _locked)
    except TrustError as problem:
        if problem.message != _LOCKED:
            raise
        return f"{problem.where}, locked with a passphrase"
    return f"{found.key.fingerprint} ({found.where})"


def _locked(words: str) -> str:
    raise TrustError(_LOCKED, where=words.removeprefix("passphrase of "))


def _said(step: Step) -> str:
    return f"{_STEPS[step.state]}{': ' if step.note else ''}{step.note}"


def _examined(lines: list[Line], *, color: bool) -> str:
    """Return one line a topic, the cure below what needs one, and the sum of it."""
    width = max(len(line.topic) for line in lines)
    rows = []
    for line in lines:
        rows.append(
            f"{text.paint(line.state.ljust(4), _COLOURS[line.state], on=color)}  {line.topic.ljust(width)}  {text.safe(line.message)}\n"
        )
        if line.cure:
            rows.append(f"{' ' * (width + 8)}{text.paint('next: ' + text.safe(line.cure), 'dim', on=color)}\n")
    bad = [
        f"{count} {word}"
        for state, word in (("fail", "broken"), ("warn", "to look at"))
        if (count := _number(lines, state))
    ]
    return "".join([*rows, f"\n{', '.join(bad) or 'all well'}\n"])


def _number(lines: list[Line], state: str) -> int:
    return sum(line.state == state for line in lines)


def _screen(found: Status, *, color: bool) -> str:
    """Return the status as a person reads it."""
    place = f"on {found.branch}" if found.branch else "on no branch"
    commit = f"{place} at {found.commit[:10]}" if found.commit else f"{place}, no commit yet"
    parts = [
        f"{text.paint(text.safe(found.project.name), 'bold', on=color)}  {commit}\n\n",
        *_table(found.counts),
        "\n",
    ]
    if found.interrupted:
        parts.append(f"interrupted {examining.left_by(found.interrupted)}\n")
    state = "killed while it wrote files" if found.merging.killed else "every conflict is resolved"
    idle = not (found.merging.paths or found.merging.begun or found.merging.killed)
    parts += _conflicts(found.merging) or ([] if idle else [f"merging     {state}\n"])
    parts += _changes("staged", found.staged, found.counts) + _changes("not staged", found.unstaged, found.counts)
    parts += [f"stale       {text.safe(one.folder)}: {text.safe(one.message)}\n" for one in found.stale]
    if found.untracked:
        parts.append(f"untracked   {text.count(sum(found.untracked.values()), 'shard')} that git does not know yet\n")
    if found.waiting:
        parts.append(f"approvals   {_awaited(found.waiting)}\n")
    parts += [f"draft       {seal.path}: {roots.state(seal)}\n" for seal in found.drafts]
    return "".join([*parts, f"\nnext: {_advice(found)}\n"])


def _table(counts: list[Count]) -> list[str]:
    """Return an aligned table of the datasets."""
    rows = [("dataset", "items", "records", "shards", "storage")]
    for count in counts:
        absent = count.items < 0
        figures = ("?", "?") if absent else (f"{count.items:,}", f"{count.records:,}")
        note = "  not on this machine: dvc pull" if absent else ""
        rows.append((text.safe(count.name), *figures, f"{count.shards:,}", f"{count.storage}{note}"))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return [
        f"{row[0].ljust(widths[0])}  {'  '.join(cell.rjust(width) for cell, width in zip(row[1:4], widths[1:], strict=True))}  {row[4]}\n"
        for row in rows
    ]


def _conflicts(merging: Merging) -> list[str]:
    """Return what is in conflict, a line each."""
    rows = text.torn(merging.paths, merging.shards)
    return [f"{head.ljust(12)}{row}\n" for head, row in zip(["conflicts", *[""] * len(rows)], rows, strict=False)]


def _changes(title: str, moves: Moves, counts: list[Count]) -> list[str]:
    """Return what changed: on one line where the project has one dataset, else a line a dataset and one for documents."""
    if len(counts) < 2 or not moves.datasets:
        return [f"{title.ljust(12)}{_moved(moves.whole, moves.files)}\n"]
    width = max(map(len, moves.datasets))
    rows = [f"{text.safe(name).ljust(width)}  {_moved(summary)}" for name, summary in moves.datasets.items()]
    if any(moves.whole.documents.values()) or moves.files:
        rows.append(_moved(moves.whole._replace(records=Counter(), items=Counter()), moves.files))
    return [f"{head.ljust(12)}{row}\n" for head, row in zip([title, *[""] * len(rows)], rows, strict=False)]


def _moved(summary: Summary, files: Counter[Kind] = _NO_FILES) -> str:
    """Return `records: 3 changed, 1 added; documents: 1 changed`, or `nothing`."""
    named = (
        ("records", summary.records),
        ("items", summary.items),
        ("documents", summary.documents),
        ("files", files),
    )
    words = [
        f"{noun}: {', '.join(f'{number:,} {kind}' for kind, number in sorted(counts.items()) if number)}"
        for noun, counts in named
        if any(counts.values())
    ]
    return "; ".join(words) or "nothing"


def _awaited(waiting: Waiting) -> str:
    """Return `main...HEAD waits for 1 reviewer`, and who it is when nobody can."""
    if waiting.state != "missing":
        return f"{waiting.range} is {waiting.state}"
    wanted = " and ".join(text.count(need.asked - need.have, need.role) for need in waiting.needs)
    stuck = "".join(f"; {trust.able(need)}" for need in waiting.needs if need.stuck)
    return f"{waiting.range} waits for {wanted}{stuck}"


def _advice(found: Status) -> str:
    """Return the one command that is most likely wanted now."""
    if found.interrupted:
        return FORGET if found.interrupted.strange else FINISH
    if found.merging.killed:
        return files.UNMERGE
    if found.merging.paths:
        return "labelvc resolve"
    if found.merging.begun:
        return "labelvc merge --continue"
    if found.stale:
        return found.stale[0].hint
    if not found.commit:
        return f"{'' if found.installed else 'labelvc install, then '}git add --all && git commit"
    if found.drafts:
        return roots.cure(found.drafts)
    if _moved(found.staged.whole, found.staged.files) != "nothing":
        return "labelvc diff --staged, then git commit"
    if _moved(found.unstaged.whole, found.unstaged.files) != "nothing":
        return "labelvc format && labelvc check, then git add"
    if found.waiting and found.waiting.state == "missing" and found.waiting.needs:
        needs, words = found.waiting.needs, found.waiting.range
        told = [f"{'' if need.stuck else f'a {need.role}: '}{remedy.cure(need, words)}" for need in needs]
        return "; ".join(dict.fromkeys(told))
    if found.waiting and found.waiting.state not in ("approved", "unchanged"):
        return f"labelvc verify {word(found.waiting.range)}"
    if not any(count.items for count in found.counts):
        name = found.counts[0].name if found.counts else "NAME"
        return f"labelvc import csv FILE --dataset {name}"
    return "git switch -c my-change, then labelvc import, or edit the shards"


def _summary(found: Status) -> dict[str, object]:
    return {
        "project": found.project.name,
        "id": found.project.id,
        "branch": found.branch,
        "conflicts": found.merging.paths,
        "unresolved": sum(found.merging.shards.values()),
        "marked": found.merging.shards,
        "stale": [one.folder for one in found.stale],
        "merging": found.merging.begun,
        "interrupted": None if found.interrupted is None else examining.summary_of(found.interrupted),
        "staged": {**_kinds(found.staged.whole), **_files(found.staged)},
        "unstaged": {**_kinds(found.unstaged.whole), **_files(found.unstaged)},
        "waiting": None if found.waiting is None else _waiting(found.waiting),
        **({"drafts": [seal.path for seal in found.drafts]} if found.drafts else {}),
        "next": _advice(found),
    }


def _waiting(waiting: Waiting) -> dict[str, object]:
    roles = {need.role: need.asked - need.have for need in waiting.needs}
    return {"range": waiting.range, "state": waiting.state, "roles": roles}


def _item(count: Count, found: Status) -> dict[str, object]:
    """Return a dataset with what changed in it."""
    moved: dict[str, object] = {
        name: {noun: kinds for noun, kinds in _kinds(moves.datasets[count.name]).items() if noun != "documents"}
        if count.name in moves.datasets
        else {"records": {}, "items": {}}
        for name, moves in (("staged", found.staged), ("unstaged", found.unstaged))
    }
    return {**count._asdict(), **moved, "untracked": found.untracked.get(count.name, 0)}


def _kinds(summary: Summary) -> dict[str, dict[str, int]]:
    named = (("records", summary.records), ("items", summary.items), ("documents", summary.documents))
    return {noun: {str(kind): number for kind, number in counts.items()} for noun, counts in named}


def _files(moves: Moves) -> dict[str, dict[str, int]]:
    return {"files": {str(kind): number for kind, number in moves.files.items()}} if moves.files else {}
