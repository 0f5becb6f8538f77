"""What every command says of itself: what it does, an example that works, options explained, lines that fit; and whether it changes something."""

from __future__ import annotations

import re
import shlex

import click
import pytest

from tests.commands import tree

COMMANDS = tree(quiet=False)
SHOWN = [name for name in COMMANDS if not name.startswith("plumbing")]
COLUMNS = 80


def page(name: str) -> str:
    around = COMMANDS[name]
    around.terminal_width = COLUMNS
    return around.command.get_help(around)


def groups() -> list[click.Context]:
    found = {}
    for one in COMMANDS.values():
        parent = one.parent
        while parent is not None:
            found[parent.command_path] = parent
            parent = parent.parent
    return list(found.values())


def examples(name: str) -> list[str]:
    """Return the example lines of a command's help, a line that goes on in the next one whole."""
    help_text = (COMMANDS[name].command.help or "").replace("\\\n", " ")
    kept = [part for part in re.split(r"\n\s*\n", help_text) if part.lstrip().startswith("\b")]
    return [line.strip() for part in kept for line in part.splitlines() if line.strip().startswith("labelvc ")]


@pytest.mark.parametrize("name", SHOWN)
def test_an_example_that_can_be_typed(name: str):
    found = examples(name)
    assert any(line.startswith(f"labelvc {name}") for line in found)
    for line in found:
        words = shlex.split(re.split(r" [|>] ", line)[0])[1:]
        path = next(
            path for path in sorted(COMMANDS, key=len, reverse=True) if words[: len(path.split())] == path.split()
        )
        around = COMMANDS[path]
        parser = around.command.make_parser(around)
        given, _, _ = parser.parse_args(words[len(path.split()) :])  # raises where an option is not there
        arguments = [param for param in around.command.params if isinstance(param, click.Argument) and param.required]
        needed = [param for param in around.command.params if isinstance(param, click.Option) and param.required]
        assert all(given.get(param.name) for param in (*arguments, *needed)), line


@pytest.mark.parametrize("name", SHOWN)
def test_every_option_is_explained_and_tells_its_default(name: str):
    for param in COMMANDS[name].command.params:
        if not isinstance(param, click.Option) or param.hidden:
            continue
        assert param.help, param.opts
        assert param.help.strip().endswith((".", "]")), (param.opts, "a sentence")
        if (
            isinstance(param.default, str | int | float)
            and not param.is_flag
            and param.default
            and not param.flag_value
        ):
            record = param.get_help_record(COMMANDS[name])
            assert "default" in record[1], param.opts


@pytest.mark.parametrize("name", COMMANDS)
def test_lines_fit_and_break_well(name: str):
    for line in page(name).splitlines():
        assert len(line) <= COLUMNS, line
        assert not re.search(r"[a-z]-$", line), f"a word is broken: {line}"


def test_groups_say_what_is_in_them_before_their_options():
    for around in groups():
        around.terminal_width = COLUMNS
        text = around.command.get_help(around)
        assert max(map(len, text.splitlines())) <= COLUMNS, around.command_path
        assert text.index("\nOptions:") > text.rindex(":\n", 0, text.index("\nOptions:")), around.command_path
        for name in around.command.list_commands(around):
            assert re.search(rf"^  {name} +[A-Z]", text, re.MULTILINE), (around.command_path, name)


def test_the_same_thing_has_the_same_words():
    said: dict[str, set[str | None]] = {}
    called: dict[str, set[str]] = {}
    for name in SHOWN:
        for param in COMMANDS[name].command.params:
            if isinstance(param, click.Option) and not param.hidden:
                said.setdefault(param.opts[-1], set()).add(param.help)
                if not isinstance(param.type, click.Choice):
                    called.setdefault(param.opts[-1], set()).add(param.make_metavar(COMMANDS[name]))
    assert [len(said[option]) for option in ("--dry-run", "--root", "-i")] == [1, 2, 1], "a bundle's root is its own"
    assert [called[option] for option in ("--dataset", "--role", "--reason", "--on")] == [
        {"NAME"},
        {"ROLE"},
        {"TEXT"},
        {"DAY"},
    ]
    for name in COMMANDS:
        assert not re.search(r"[Ee]xits with|[Ee]xit code|may be repeated", " ".join(page(name).split())), name


SHOW = """
    audit bundle, audit impact, audit merges, audit population, audit prove, audit recheck, audit sample, audit trace,
    batch list, batch show, blame, check, ci, completion, dataset list, dataset show, diff, doctor, export,
    guideline impact, guideline list, guideline render, key list, key prove, key show, log, media check, module check, module list,
    plugin list, plumbing changeset, plumbing digest, plumbing hook, plumbing merge-driver, plumbing textconv,
    policy check, policy codeowners, policy explain, policy show, privacy incident, privacy risk, privacy scan,
    privacy status, pseudonym share, pseudonym verify-rekey, register list, register overdue, register show,
    release card, release compare, release export croissant, release list, release notes, release show, release verify,
    report, review, status, taxonomy counts, taxonomy export, taxonomy list, trace, trust show, vault identity,
    vault lend, vault restore, vault reveal, vault status, verify, waiver list
"""
CHANGE = """
    approve, batch new, dataset new, dataset reshard, dataset storage, erase, format, guideline propose,
    guideline publish, import, init, install, key use, media add, merge, module add, module remove, module update,
    plumbing apply, policy add, policy distrust, policy proofs, policy remove, policy role add, policy role remove, policy rule remove,
    policy rule set, privacy accept, pseudonym accept, pseudonym mend, pseudonym new, pseudonym rekey, register close,
    register new, register note, release cut, release witness, resolve, taxonomy add, taxonomy deprecate,
    taxonomy import, taxonomy merge, taxonomy migrate, taxonomy move, taxonomy publish, taxonomy rename, taxonomy split,
    trust init, trust rotate, trust sign, vault filter, vault forget, vault merge, vault new, vault rotate, vault seal,
    waiver add, waiver remove
"""


def words(text: str) -> list[str]:
    return " ".join(text.split()).split(", ")


def test_each_command_is_one_or_the_other():
    """Who adds a command says which it is: `changes` (labelvc.cli.output), or else it is there for what it prints."""
    marked = {name: hasattr(one.command.callback, "changes") for name, one in tree(quiet=True).items()}
    assert sorted(name for name, changes in marked.items() if changes) == words(CHANGE)
    assert sorted(name for name, changes in marked.items() if not changes) == words(SHOW)
