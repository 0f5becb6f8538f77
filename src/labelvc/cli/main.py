"""The command line itself: one lazy group, and the place where an error becomes an exit code and three lines."""

from __future__ import annotations

import importlib
import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from labelvc import __version__
from labelvc.cli import harmless, lazy
from labelvc.cli.context import Settings, environment, global_options, settings_from
from labelvc.cli.lazy import LazyGroup, Row
from labelvc.errors import Error, RefusedError
from labelvc.store import kept

if TYPE_CHECKING:
    from traceback import TracebackException

COMMANDS: dict[str, Row] = {
    "init": ("labelvc.cli.initialise", "init", "Make a labels project here, ready to commit."),
    "install": ("labelvc.cli.start", "install", "Set up git hooks and the merge and diff drivers in this clone."),
    "doctor": ("labelvc.cli.start", "doctor", "Examine this clone and name the cure for what is wrong."),
    "status": ("labelvc.cli.start", "status", "Show the project, its changes and what to do next."),
    "completion": ("labelvc.cli.completion", "completion", "Print the completion script of a shell."),
    "import": ("labelvc.cli.transfer", "import_command", "Bring labels in from another format."),
    "export": ("labelvc.cli.transfer", "export", "Write labels out in another format."),
    "format": ("labelvc.cli.tidying", "format", "Rewrite shards in their one canonical form."),
    "check": ("labelvc.cli.check", "check", "Ask whether the content is right."),
    "diff": ("labelvc.cli.diff", "diff", "Show which records changed, field by field."),
    "merge": ("labelvc.cli.merge", "merge", "Bring a branch in, record by record."),
    "resolve": ("labelvc.cli.merge", "resolve", "Decide what a merge left in conflict."),
    "log": ("labelvc.cli.log", "log", "List the commits that changed records."),
    "blame": ("labelvc.cli.blame", "blame", "Show who last changed each label of an item."),
    "trace": ("labelvc.cli.trace", "trace", "Tell where a label came from and who answered for it."),
    "review": ("labelvc.cli.review", "review", "Write the page of a label pull request."),
    "report": ("labelvc.cli.report", "report", "Write the dashboard of a line of history."),
    "approve": ("labelvc.cli.trust", "approve", "Sign your decision on a change."),
    "verify": ("labelvc.cli.trust", "verify", "Ask whether the trust is right: who approved what."),
    "ci": ("labelvc.cli.ci", "ci", "Judge a pull request, and write what hosts show of it."),
    "release": ("labelvc.cli.release", "release", "Name a state of the data, sign it, prove it again."),
    "audit": ("labelvc.cli.audit", "audit", "Look back: what went wrong and nobody saw."),
    "guideline": (
        "labelvc.cli.guidelines",
        "guideline",
        "Guidelines: how to decide, in versions; what a new one changes.",
    ),
    "taxonomy": ("labelvc.cli.taxonomies", "taxonomy", "Taxonomies: labels, what is done to them, in versions."),
    "register": ("labelvc.cli.registers", "register", "Registers: decisions, risks and the like, owned and dated."),
    "module": ("labelvc.cli.modules", "module", "Modules: documents copied from elsewhere, pinned in modules.lock."),
    "dataset": ("labelvc.cli.dataset", "dataset", "Datasets: what they hold, how they are stored."),
    "batch": ("labelvc.cli.batch", "batch", "Batches: items drawn to be worked on together, pilots among them."),
    "waiver": ("labelvc.cli.waivers", "waiver", "Waivers: findings that somebody lets stand, for a time."),
    "media": ("labelvc.cli.media", "media", "Pictures, clean and upright."),
    "key": ("labelvc.cli.people", "key", "Keys of people and CI."),
    "policy": ("labelvc.cli.policy", "policy", "Roles, and the approvals a change needs."),
    "trust": ("labelvc.cli.roots", "trust", "The root of trust: whose keys sign the policy."),
    "pseudonym": ("labelvc.cli.pseudonyms", "pseudonym", "Secrets that pseudonyms are made with."),
    "vault": ("labelvc.cli.vault", "vault", "What tokens stand for, outside of git."),
    "erase": ("labelvc.cli.erase", "erase", "Take a person out of records, vault and ledger."),
    "privacy": ("labelvc.cli.privacy", "privacy", "Personal data and secrets that stand in plain."),
    "plugin": ("labelvc.cli.plugins", "plugin", "What installed packages add."),
    "plumbing": ("labelvc.cli.plumbing", "plumbing", "What git and hooks call; not for typing."),
}
"""Every command: name to module, attribute and its line in the help. A command's module is imported when called."""

HEADINGS: dict[str, tuple[str, ...]] = {
    "Start": ("init", "install", "doctor", "status", "completion"),
    "Work": ("import", "export", "format", "check", "diff", "merge", "resolve", "log", "blame", "trace", "erase"),
    "Review": ("review", "approve", "verify", "ci", "report", "release", "audit"),
    "Nouns": (
        "guideline",
        "taxonomy",
        "module",
        "dataset",
        "batch",
        "register",
        "waiver",
        "media",
        "policy",
        "trust",
        "key",
        "privacy",
        "pseudonym",
        "vault",
        "plugin",
    ),
}
"""The headings of `labelvc --help` and their commands in order; what stands under none is hidden."""

MEANT = {
    "add": "import",
    "annotate": "blame",
    "convert": "import",
    "dashboard": "report",
    "fix": "format",
    "history": "log",
    "hooks": "install",
    "lint": "check",
    "setup": "init",
    "sign": "approve",
    "stats": "report",
    "test": "check",
    "validate": "check",
    "why": "trace",
}
"""What people type who know other tools."""

EPILOG = (
    "Global options may stand before or after the command. Exit codes: 0 done, 1 found something, 2 could not do it, "
    "3 a bug in labelvc, 130 interrupted."
)


CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@click.command(cls=LazyGroup, table=COMMANDS, headings=HEADINGS, meant=MEANT, epilog=EPILOG, context_settings=CONTEXT)
@click.version_option(__version__, prog_name="labelvc", message="%(prog)s %(version)s")
@global_options
@click.pass_context
def application(context: click.Context, /, **options: Any) -> None:
    """Keep labels, guidelines and taxonomies as reviewed, signed, provable files under git and DVC."""
    context.obj = settings_from(Settings(Path.cwd(), jobs=0), options)


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code; nothing but the exit of the interpreter itself gets past it.

    A command returns nothing or 0 when it is done, 1 when it found something, and raises for the rest.

    Args:
        arguments: what was typed after `labelvc`.

    Returns:
        0 done, 1 found something or refused, 2 could not do it, 3 a bug, 130 interrupted, 141 nobody reads the output.
    """
    try:
        result = _invoke(list(arguments))
        sys.stdout.flush()
    except BrokenPipeError:
        return _nobody_reads()
    except (click.Abort, KeyboardInterrupt, EOFError):
        _print("interrupted\n")
        return 130
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except Exception as problem:  # noqa: BLE001 - the one place where every error ends
        return _report(problem, arguments)
    return result if isinstance(result, int) else 0


def main() -> int:
    """Run with the arguments of the process and return its exit code."""
    _leave_no_core()
    for stream in (sys.stdout, sys.stderr):
        reconfigure: Callable[..., None] | None = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
    return run(sys.argv[1:])


def _leave_no_core() -> None:
    """Ask the system for no core file, of git and other children neither: what is in memory may be a key or a plain value."""
    with suppress(ImportError, OSError, ValueError):  # not every system has such limits
        resource = importlib.import_module("resource")
        _, most = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (0, most))


def _invoke(arguments: list[str]) -> object:
    """Run the command, or answer a shell that asks for completions; `Command.main` would end a broken pipe with 1."""
    if environment("_LABELVC_COMPLETE"):
        return application.main(arguments, prog_name="labelvc", complete_var="_LABELVC_COMPLETE")
    with kept.keeping(), application.make_context("labelvc", arguments) as context:
        return application.invoke(context)


def _report(problem: Exception, arguments: Sequence[str]) -> int:
    """Print an error for people, and for programs when they asked for JSON; return the exit code it has."""
    if isinstance(problem, click.exceptions.NoArgsIsHelpError):
        _print(problem.format_message() + "\n")
        return 2
    code, kind, message, where, hint = _told(problem)
    if code == 3:
        _print("".join(_steps(importlib.import_module("traceback").TracebackException.from_exception(problem))))
    rest = [f"  where: {where}" if where else "", f"  next: {hint}" if hint else ""]
    lines = [harmless.shown(f"error: {message}"), *[harmless.shown(line).replace("\n", "\\u000a") for line in rest]]
    _print("\n".join(filter(None, lines)) + "\n")
    if _wants_json(arguments):
        document = {"error": {"kind": kind, "message": f"{message} ({where})" if where else message, "hint": hint}}
        try:
            sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
            sys.stdout.flush()
        except OSError:
            return code
    return code


def _steps(told: TracebackException) -> Iterator[str]:
    """Yield the way to an error, and the kind of each one on it, first things first.

    What a library says of a value it cannot take quotes it, and no detector knows a name: these lines are sent to others.
    """
    before = told.__cause__ or (None if told.__suppress_context__ else told.__context__)
    if before:
        yield from _steps(before)
        yield "\nand then:\n\n"
    yield "Traceback (most recent call last):\n"
    yield from told.stack.format()
    yield f"{told.exc_type.__qualname__ if told.exc_type else 'an error'}: (its words are left out, for they may quote data)\n"


def _mistyped(problem: click.NoSuchOption) -> str:
    """Say which option was meant; click counts the dashes as letters alike, and takes `--to` for `--jobs`."""
    near = lazy.near(problem.option_name.lstrip("-"), [one.lstrip("-") for one in problem.possibilities or ()])
    meant = " or ".join([f"--{name}" for name in near])
    return f"{problem.message.removesuffix('.')}{f'; did you mean {meant}?' if meant else ''}"


def _told(problem: Exception) -> tuple[int, str, str, str, str]:
    """Return exit code, kind, message, place and hint of an error."""
    if isinstance(problem, Error):
        code = 1 if isinstance(problem, RefusedError) else 2
        return code, problem.kind, problem.message, problem.where, problem.hint
    if isinstance(problem, click.UsageError):
        path = problem.ctx.command_path if problem.ctx else "labelvc"
        message = _mistyped(problem) if isinstance(problem, click.NoSuchOption) else problem.format_message()
        message = message.removesuffix(".")
        needed = _needed(problem.ctx) if isinstance(problem, click.MissingParameter) and problem.ctx else ""
        hint = f"{path} {needed}; see {path} --help" if needed else _range(problem) or f"{path} --help"
        return 2, "usage", message[:1].lower() + message[1:], "", hint
    if isinstance(problem, click.ClickException):
        return 2, "usage", problem.format_message(), "", ""
    if isinstance(problem, OSError):
        where = os.fsdecode(problem.filename) if isinstance(problem.filename, (str, bytes)) else ""
        return 2, "store", f"the system says: {problem.strerror or problem}", where, "labelvc doctor"
    hint = "this is a bug in labelvc: please report it with the lines above to the maintainers of your copy"
    return 3, "bug", f"{type(problem).__name__} in labelvc itself", f"labelvc {__version__}", hint


def _range(problem: click.UsageError) -> str:
    """Return how two revisions are written that were typed as git takes them, with a blank between; empty where it is another mistake."""
    found = re.fullmatch(r"Got unexpected extra argument \((\S+)\)", problem.message)
    first = problem.ctx.params.get("revisions") if problem.ctx else None
    if problem.ctx is None or found is None or not isinstance(first, str) or ".." in first:
        return ""
    dots = "..." if any(param.metavar == "A...B" for param in problem.ctx.command.params) else ".."
    word = importlib.import_module("labelvc.model.shell").word
    return f"{problem.ctx.command_path} {word(first + dots + found[1])}"


def _needed(context: click.Context) -> str:
    """Return all words that a command cannot do without, so that who lacks one does not learn of the next one by another error."""
    words = []
    for param in context.command.get_params(context):
        if param.required:
            name = param.make_metavar(context)
            words.append(f"{param.opts[0]} {name}" if isinstance(param, click.Option) else name)
    return " ".join(words)


def _wants_json(arguments: Sequence[str]) -> bool:
    """Tell whether the command was asked for JSON, from its words: a usage error has no parsed options."""
    words = list(arguments)
    pairs = zip(words, [*words[1:], ""], strict=True)
    return any(
        word in {"--format=json", "--format=jsonl"} or (word == "--format" and following in {"json", "jsonl"})
        for word, following in pairs
    )


def _nobody_reads() -> int:
    """Let the interpreter exit in peace after the reader of a pipe has gone."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    except (OSError, ValueError):
        return 141
    return 141


def _print(text: str) -> None:
    """Write to stderr, come what may."""
    try:
        sys.stderr.write(harmless.unheard(text))
        sys.stderr.flush()
    except OSError:
        return
