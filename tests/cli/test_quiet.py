"""Under `-q` a command that changes something answers by its exit code, and one that shows something shows it."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from labelvc.cli import output
from tests.commands import tree


def printed(one: click.Context, capsys, **given: object) -> str:
    one.params = {**{param.name: param.get_default(one) for param in one.command.params}, **given}
    with one:
        output.write("result\n")
        output.stream(["more\n"])
    return capsys.readouterr().out


CHANGE = [name for name, one in tree(quiet=True).items() if hasattr(one.command.callback, "changes")]
SHOW = [name for name in tree(quiet=True) if name not in CHANGE]


@pytest.mark.parametrize("name", CHANGE)
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


@pytest.mark.parametrize("name", SHOW)
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
