"""Commands on registers: dated, owned documents opened, listed, noted and closed."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from labelvc.cli.context import Settings, pass_settings, today
from labelvc.cli.grouped import NounGroup
from labelvc.cli.output import changes, output_options, say, write
from labelvc.cli.render import json
from labelvc.cli.render import register as render
from labelvc.codec import document
from labelvc.errors import DataError
from labelvc.model.register import KINDS
from labelvc.model.snapshot import Snapshot
from labelvc.ops import registering, registers
from labelvc.ops.registering import Entry
from labelvc.ops.registers import Document
from labelvc.store import git as plumbing
from labelvc.store import tree
from labelvc.store.git import Git

_DAY = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])")
KIND = click.Choice(tuple(KINDS))


def _day(context: click.Context, option: click.Parameter, given: str) -> str:
    if given and not _DAY.fullmatch(given):
        raise click.BadParameter(f"{given!r} is no day; write 2026-12-31", context, option)
    return given


def day_option(name: str, words: str) -> Callable[..., Any]:
    """Return an option that takes a day."""
    return click.option(name, default="", callback=_day, metavar="DAY", help=words)


def dated(words: str) -> Callable[..., Any]:
    """Return the option that says on which day something is done."""
    return day_option("--on", f"{words}; default: today.")


_AT = click.option("--at", default="", metavar="REV", help="Look at REV, not at the work tree.")


def one_line(_: click.Context, __: click.Parameter, value: str | None) -> str:
    """Return a title; refuse what is more than one line, or nothing. Of an option that was not given it is empty."""
    if value is None:
        return ""
    if not value.strip() or not value.isprintable():
        raise click.BadParameter("must be one line that can be read")
    return value.strip()


@click.group(cls=NounGroup)
def register() -> None:
    """Registers: decisions, risks, incidents and the like, each owned and dated."""


@register.command("new")
@click.argument("kind", type=KIND, metavar="KIND")
@click.option("--title", required=True, callback=one_line, help="What it is about, in one line.")
@click.option("--owner", default="", metavar="WHO", help="Principal or role; default: you, as the policy knows you.")
@day_option("--due", "Last day on which it may still be open.")
@click.option("--link", "links", multiple=True, metavar="ID", help="Another document it belongs with; repeatable.")
@click.option(
    "--about", "about", multiple=True, metavar="WORDS", help="A key, path or address it is about; repeatable."
)
@click.option(
    "--set", "members", multiple=True, metavar="MEMBER=VALUE", help="A member of the kind, as YAML; repeatable."
)
@dated("Opened on DAY")
@output_options("text", "json")
@pass_settings
@changes
def register_new(
    settings: Settings,
    /,
    kind: str,
    title: str,
    owner: str,
    due: str,
    links: Sequence[str],
    about: Sequence[str],
    members: Sequence[str],
    on: str,
    form: str,
    output: Path | None,
) -> None:
    """Open a document of KIND in the work tree.

    KIND is decision, risk, incident, misuse, source, review, feedback or proposal. The id is its kind, the next number and the
    first words of its title, and never changes. What each kind holds is told in docs/formats/register.md.

    \b
      labelvc register new decision --title 'One label or two' --due 2026-12-15
      labelvc register new risk --title 'Faces in pictures' --set likelihood=3 \\
        --set impact=5
      labelvc register new source --title 'Street pictures' \\
        --set licence=CC-BY-4.0 --set expires=2027-06-30
    """
    said = {"title": title, "owner": owner, "due": due, "links": list(links), "about": list(about)}
    given = {name: value for name, value in said.items() if value} | dict(map(_member, members))
    git = plumbing.find(settings.directory)
    done(settings, registering.opened(git, kind, given, entry_of(git, on)), _on(on), form, output, "Open")


def _member(words: str) -> tuple[str, Any]:
    """Return name and value of MEMBER=VALUE; a value that is no YAML is text."""
    name, mark, value = words.partition("=")
    if not mark or not name.isidentifier():
        raise click.BadParameter(f"{words!r} is not MEMBER=VALUE", param_hint="--set")
    try:
        said = document.read(f"value: {value}\n".encode())
    except DataError:
        said = {}
    return name, said["value"] if said.keys() == {"value"} and said["value"] is not None else value


@register.command("list")
@click.argument("kind", type=KIND, metavar="[KIND]", required=False)
@click.option("--open", "still", is_flag=True, help="Only those that are open.")
@click.option("--overdue", "late", is_flag=True, help="Only those that are overdue.")
@_AT
@dated("Say what is overdue on DAY")
@output_options("text", "json", "jsonl")
@pass_settings
def register_list(
    settings: Settings,
    /,
    kind: str | None,
    still: bool,
    late: bool,
    at: str,
    on: str,
    form: str,
    output: Path | None,
) -> None:
    """List documents, of one KIND or of all; risks with their matrix.

    \b
      labelvc register list
      labelvc register list risk --open
    """
    git = plumbing.find(settings.directory)
    found = registers.listed(git, _snapshot(git, at), _on(on), kind or "")
    wanted = [one for one in found if not (still and one.value["status"] != "open") and not (late and not one.late)]
    _listed(wanted, at, _on(on), form, output)


@register.command("overdue")
@click.argument("kind", type=KIND, metavar="[KIND]", required=False)
@_AT
@dated("Say what is overdue on DAY")
@output_options("text", "json", "jsonl")
@pass_settings
def register_overdue(settings: Settings, /, kind: str | None, at: str, on: str, form: str, output: Path | None) -> int:
    """List open documents whose day is over; exit 1 when there are any.

    A document is overdue after the day `due`, a source after `expires` too. Of one with an escalation it says who is
    asked by now.

    \b
      labelvc register overdue
      labelvc register overdue source --on 2027-01-01
    """
    git = plumbing.find(settings.directory)
    found = [one for one in registers.listed(git, _snapshot(git, at), _on(on), kind or "") if one.late]
    _listed(found, at, _on(on), form, output, none="nothing is overdue\n")
    return int(bool(found))


def _listed(
    found: Sequence[Document], at: str, on: str, form: str, output: Path | None, none: str = "no documents\n"
) -> None:
    items = [render.row(one) for one in found]
    if form == "json":
        write(json.document("register-list", items, head=at, summary=render.totals(found, on)), output)
    elif form == "jsonl":
        write("".join(json.lines(items)), output)
    else:
        write("".join(render.table(found)) or none, output)


@register.command("show")
@click.argument("name", metavar="KIND/ID")
@_AT
@dated("Say whether it is overdue on DAY")
@output_options("text", "json")
@pass_settings
def register_show(settings: Settings, /, name: str, at: str, on: str, form: str, output: Path | None) -> None:
    """Show a document; its kind and number are enough.

    \b
      labelvc register show decision/0007
    """
    git = plumbing.find(settings.directory)
    _shown(registers.shown(git, _snapshot(git, at), name, _on(on)), at, _on(on), form, output)


@register.command("note")
@click.argument("name", metavar="KIND/ID")
@click.argument("said", metavar="TEXT")
@day_option("--due", "Move the day on which it is due.")
@dated("Noted on DAY")
@output_options("text", "json")
@pass_settings
@changes
def register_note(
    settings: Settings, /, name: str, said: str, due: str, on: str, form: str, output: Path | None
) -> None:
    """Add a line to the history of an open document.

    \b
      labelvc register note risk/0002 'Blurring is in review.' --due 2027-01-31
    """
    git = plumbing.find(settings.directory)
    made = registering.edited(git, name, entry_of(git, on), registering.noting(said, _on(on), due))
    done(settings, made, _on(on), form, output, "Note on")


@register.command("close")
@click.argument("name", metavar="KIND/ID")
@click.option("--reason", required=True, help="Why; of a decision, what was decided.")
@dated("Closed on DAY")
@output_options("text", "json")
@pass_settings
@changes
def register_close(settings: Settings, /, name: str, reason: str, on: str, form: str, output: Path | None) -> None:
    """Close a document, saying why.

    \b
      labelvc register close decision/0007 --reason 'Two: people tell them apart.'
    """
    git = plumbing.find(settings.directory)
    made = registering.edited(git, name, entry_of(git, on), registering.closing(reason, _on(on)))
    done(settings, made, _on(on), form, output, "Close")


def done(settings: Settings, found: Document, on: str, form: str, output: Path | None, what: str) -> None:
    """Write a document that was opened or changed, and say how to commit it."""
    _shown(found, "", on, form, output)
    say(settings, f"next: git add {found.path} && git commit -m '{what} {found.id}'")


def _shown(found: Document, at: str, on: str, form: str, output: Path | None) -> None:
    if form == "json":
        write(json.document("register-show", [render.whole(found)], head=at, summary={"on": on}), output)
    else:
        write("".join(render.page(found)), output)


def _on(given: str) -> str:
    return given or today()


def entry_of(git: Git, on: str) -> Entry:
    """Return who acts on a register, by the address git has, and the day; today where none is given."""
    return Entry(_on(on), plumbing.config_get(git, "user.email") or "")


def _snapshot(git: Git, at: str) -> Snapshot:
    return tree.commit(git, at) if at else tree.work(git)
