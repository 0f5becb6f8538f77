"""The reference: every command as a page of Markdown and as a manual page, and every rule, made from what they say themselves."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterator
from typing import NamedTuple

import click

from labelvc import __version__
from labelvc.cli.lazy import LazyGroup
from labelvc.cli.main import HEADINGS, application
from labelvc.cli.render import rules as render
from labelvc.ops import catalogue

_PROSE = re.compile(r"`([^`]+)`")


class Page(NamedTuple):
    """One command as it shows itself.

    Attributes:
        path: its words, `labelvc check`.
        line: its one-line help.
        usage: its arguments, `[OPTIONS] [A..B]`.
        about: paragraphs of its help; one that starts with `\\b` keeps its line breaks.
        options: (how it is written, help) of each option that is shown.
        commands: (heading, [(name, line)]) of its commands.
    """

    path: str
    line: str
    usage: str
    about: list[str]
    options: list[tuple[str, str]]
    commands: list[tuple[str, list[tuple[str, str]]]]


def pages() -> list[Page]:
    """Return every command that is not hidden, groups before what is in them."""
    with application.make_context("labelvc", [], resilient_parsing=True) as context:
        return list(_walk(application, context))


def markdown() -> dict[str, str]:
    """Return the reference in Markdown: `README.md`, a file a command of the first level with all below it, and the rules."""
    files: dict[str, list[str]] = {}
    for page in pages():
        words = page.path.split(" ")
        name = "README.md" if len(words) == 1 else f"{words[1]}.md"
        files.setdefault(name, []).append(_markdown(page, len(words)))
    rules = render.page(catalogue.every().values(), catalogue.settable())
    return {**{name: "\n".join(parts) for name, parts in files.items()}, "rules.md": rules}


def manual(date: str) -> dict[str, str]:
    """Return the manual pages, section 1: one a command, and `git-labelvc.1` so that `git labelvc --help` finds it.

    Args:
        date: what stands at the foot, `2026-03-01`.
    """
    made = {f"{page.path.replace(' ', '-')}.1": _roff(page, date) for page in pages()}
    return {**made, "git-labelvc.1": ".so man1/labelvc.1\n"}


def _walk(command: click.Command, context: click.Context) -> Iterator[Page]:
    yield _page(command, context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None and not child.hidden:
                with child.make_context(name, [], parent=context, resilient_parsing=True) as inner:
                    yield from _walk(child, inner)


def _page(command: click.Command, context: click.Context) -> Page:
    records = [parameter.get_help_record(context) for parameter in command.get_params(context)]
    commands: list[tuple[str, list[tuple[str, str]]]] = []
    if isinstance(command, click.Group):
        headings = HEADINGS if command is application else {"Commands": tuple(command.list_commands(context))}
        commands = [(heading, [_row(command, context, name) for name in names]) for heading, names in headings.items()]
    about = inspect.cleandoc(command.help or "").split("\f")[0].strip().split("\n\n")
    return Page(
        path=context.command_path,
        line=command.get_short_help_str(200),
        usage=" ".join(command.collect_usage_pieces(context)),
        about=about,
        options=[record for record in records if record is not None and record[1]],
        commands=commands,
    )


def _row(group: click.Group, context: click.Context, name: str) -> tuple[str, str]:
    if isinstance(group, LazyGroup):
        return name, group.table[name][2]
    child = group.get_command(context, name)
    return name, child.get_short_help_str(200) if child is not None else ""


def _markdown(page: Page, depth: int) -> str:
    parts = [f"{'#' * min(depth, 3)} {page.path}\n", f"```\n{page.path} {page.usage}\n```\n"]
    parts += [f"```\n{_kept(text)}\n```\n" if text.startswith("\b") else f"{_joined(text)}\n" for text in page.about]
    for heading, rows in page.commands:
        top = page.path == "labelvc"
        shown = [f"| {f'[{name}]({name}.md)' if top else name} | {_cell(line)} |" for name, line in rows]
        parts.append("\n".join([f"**{heading}**\n", "| command | what it does |", "|---|---|", *shown, ""]))
    if page.options:
        shown = [f"| `{_cell(name)}` | {_cell(line)} |" for name, line in page.options]
        parts.append("\n".join(["| option | what it does |", "|---|---|", *shown, ""]))
    return "\n".join(parts)


def _roff(page: Page, date: str) -> str:
    """Return a manual page in the man macros (groff_man(7))."""
    name = page.path.replace(" ", "-")
    parts = [f'.TH "{name.upper()}" "1" "{date}" "labelvc {__version__}" "labelvc manual"', ".SH NAME"]
    parts += [f"{_escaped(name)} \\- {_escaped(page.line.rstrip('.'))}", ".SH SYNOPSIS", f".B {_escaped(page.path)}"]
    parts += [_escaped(page.usage), ".SH DESCRIPTION"]
    for text in page.about:
        parts += [".nf", _escaped(_kept(text)), ".fi"] if text.startswith("\b") else [".PP", _escaped(_joined(text))]
    for heading, rows in page.commands:
        parts += [f".SH {heading.upper()}", *[line for row in rows for line in _item(*row)]]
    if page.options:
        parts += [".SH OPTIONS", *[line for row in page.options for line in _item(*row)]]
    parts += [".SH EXIT STATUS", "0 done, 1 found something, 2 could not do it, 3 a bug in labelvc, 130 interrupted."]
    if page.path != "labelvc":
        parts += [".SH SEE ALSO", ".BR labelvc (1)"]
    return "\n".join(parts) + "\n"


def _item(name: str, line: str) -> list[str]:
    return [".TP", f"\\fB{_escaped(name)}\\fR", _escaped(line)]


def _escaped(text: str) -> str:
    """Return text as roff takes it literally: backslash, hyphen, and a dot or quote at the start of a line."""
    plain = _PROSE.sub(r"\1", text).replace("\\", "\\e").replace("-", "\\-")
    return "\n".join(f"\\&{line}" if line.startswith((".", "'")) else line for line in plain.split("\n"))


def _kept(text: str) -> str:
    return textwrap.dedent(text.removeprefix("\b").lstrip("\n"))


def _joined(text: str) -> str:
    return " ".join(text.split())


def _cell(text: str) -> str:
    return _joined(text).replace("|", "\\|")
