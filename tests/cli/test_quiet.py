"""Under `-q` a command that changes something answers by its exit code, and one that shows something shows it."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from labelvc.cli import context, output
from labelvc.cli.main import application

SHOW = """
    audit bundle, audit impact, audit merges, audit population, audit prove, audit recheck, audit sample, audit trace,
    batch list, batch show, blame, check, ci, completion, dataset list, dataset show, diff, doctor, export,
    guideline impact, guideline list, guideline render, key list, key show, log, media check, module check, module list,
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
    plumbing apply, policy add, policy distrust, policy remove, policy role add, policy role remove, policy rule remove,
    policy rule set, privacy accept, pseudonym accept, pseudonym mend, pseudonym new, pseudonym rekey, register close,
    register new, register note, release cut, release witness, resolve, taxonomy add, taxonomy deprecate,
    taxonomy import, taxonomy merge, taxonomy migrate, taxonomy move, taxonomy publish, taxonomy rename, taxonomy split,
    trust init, trust rotate, trust sign, vault filter, vault forget, vault merge, vault new, vault rotate, vault seal,
    waiver add, waiver remove
"""


def commands(
    group: click.Group, parent: click.Context, path: tuple[str, ...] = ()
) -> Iterator[tuple[str, click.Context]]:
    for name in getattr(group, "table", None) or group.list_commands(parent):
        command = group.get_command(parent, name)
        inner = click.Context(command, info_name=name, parent=parent)
        if isinstance(command, click.Group):
            yield from commands(command, inner, (*path, name))
        else:
            yield " ".join((*path, name)), inner


@functools.cache
def tree(*, quiet: bool) -> dict[str, click.Context]:
    root = click.Context(application, info_name="labelvc")
    root.obj = context.Settings(Path(), quiet=quiet)
    return dict(commands(application, root))


def words(text: str) -> list[str]:
    return " ".join(text.split()).split(", ")


def test_each_command_is_one_or_the_other():
    """Who adds a command says which it is: `changes` (labelvc.cli.output), or else it is there for what it prints."""
    marked = {name: hasattr(one.command.callback, "changes") for name, one in tree(quiet=True).items()}
    assert sorted(name for name, changes in marked.items() if changes) == words(CHANGE)
    assert sorted(name for name, changes in marked.items() if not changes) == words(SHOW)


def printed(one: click.Context, capsys, **given: object) -> str:
    one.params = {**{param.name: param.get_default(one) for param in one.command.params}, **given}
    with one:
        output.write("result\n")
        output.stream(["more\n"])
    return capsys.readouterr().out


@pytest.mark.parametrize("name", words(CHANGE))
def test_what_changes_is_quiet(name: str, capsys, tmp_path):
    quiet, loud = tree(quiet=True)[name], tree(quiet=False)[name]
    for_real = {"mode": "apply"} if name == "erase" else {}
    assert printed(quiet, capsys, **for_real) == ""
    assert printed(loud, capsys, global_quiet=True, **for_real) == "", "-q after the command's name"
    assert printed(loud, capsys, **for_real) == "result\nmore\n"
    has = {param.name for param in quiet.command.params}
    if "form" in has:
        assert printed(quiet, capsys, **for_real, form="json") == "result\nmore\n"
    if "dry_run" in has:
        assert printed(quiet, capsys, dry_run=True) == "result\nmore\n"
    with quiet:
        output.write("result\n", tmp_path / "file")
    assert (tmp_path / "file").read_text() == "result\n"


@pytest.mark.parametrize("name", words(SHOW))
def test_what_shows_is_not(name: str, capsys):
    assert printed(tree(quiet=True)[name], capsys) == "result\nmore\n"


def test_in_a_project(tmp_path, labelvc):
    """Real commands, one after the other: no word where all is well, the error where it is not."""
    (tmp_path / "in.csv").write_text("item,text,annotator,label\nm1,fine,ann,praise\n")
    assert labelvc(tmp_path, "-q", "init", "labels") == (0, "", "")
    labels = tmp_path / "labels"
    done = (
        ("install",),
        ("import", "csv", "../in.csv", "--dataset", "texts", "--add-labels"),
        ("format",),
        ("taxonomy", "add", "topics", "refund"),
        ("taxonomy", "publish", "topics"),
        ("guideline", "publish", "topic"),
        ("register", "new", "decision", "--title", "one label each", "--owner", "ada"),
    )
    assert {one: labelvc(labels, "-q", *one) for one in done} == dict.fromkeys(done, (0, "", ""))
    assert labelvc(labels, "-q", "status")[1].startswith("labels  on main")
    assert labelvc(labels, "taxonomy", "add", "topics", "voucher", "--dry-run", "-q")[1]
    code, out, err = labelvc(labels, "-q", "guideline", "publish", "other")
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert "\n  next: " in err


def test_results_are_written_in_one_place():
    """What prints past `output.write` and `output.stream` would print under `-q`, too."""
    own = {
        path.name
        for path in Path(output.__file__).parent.glob("*.py")
        if re.search(r"sys\.stdout\.write|click\.echo|print\(", path.read_text("utf-8"))
    }
    assert own == {"output.py", "main.py", "diff.py", "hooks.py", "plumbing.py"}, (
        "main: errors as JSON; the others only show"
    )
