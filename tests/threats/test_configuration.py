"""A person's own git configuration changes no verdict: what `verify` and `ci` say of a governed line is the same bytes under any."""

from __future__ import annotations

import os
from pathlib import Path

from tests.people import Desk
from tests.trusting import desk, desk_template, people_keys

__all__ = ["desk", "desk_template", "people_keys"]
MAPPED = """\
Zoe <zoe@example.com> <ada@example.com>
Cleo Checker <cleo@example.com> <ben@example.com>
"""
SETTINGS = """
[log]
	showSignature = true
	mailmap = true
	follow = true
	date = relative
	decorate = full
	showRoot = false
	excludeDecoration = refs/*
	diffMerges = first-parent
	initialDecorationSet = all
[mailmap]
	file = {mailmap}
[i18n]
	logOutputEncoding = UTF-16
	commitEncoding = ISO-8859-1
[format]
	pretty = oneline
[diff]
	renames = copies
	noPrefix = true
	mnemonicPrefix = true
	context = 0
	interHunkContext = 9
	algorithm = patience
	indentHeuristic = false
	orderFile = {order}
	ignoreSubmodules = all
	colorMoved = zebra
	wordRegex = .
	relative = true
	submodule = log
	suppressBlankEmpty = true
[gpg]
	format = openpgp
[gpg "ssh"]
	allowedSignersFile = /dev/null
	revocationFile = {revoked}
[core]
	abbrev = 4
	quotePath = false
	attributesFile = {attributes}
	precomposeUnicode = true
	commentChar = s
[color]
	ui = always
[column]
	ui = always
[grep]
	lineNumber = true
[status]
	relativePaths = true
	showUntrackedFiles = no
[merge]
	conflictStyle = diff3
"""


def line(desk: Desk) -> None:
    """Make a main with a merge that Ben approved, and a topic with a co-author who said yes, in a signed commit, and an author nobody knows."""
    desk.approve("ben")
    desk.git("checkout", "-q", "main")
    desk.git("merge", "-q", "--no-ff", "-m", "Merge", "topic")
    desk.git("checkout", "-q", "-b", "more")
    desk.relabel("fine", "rev-2")
    desk.approve("ben", "main...more", commit=False)
    signing = ("-c", "gpg.format=ssh", "-c", f"user.signingKey={desk.key('ada')}")
    desk.git(
        *signing,
        "commit",
        "-q",
        "-S",
        "--amend",
        "--only",
        "-m",
        "Ünal und Ben\n\nCo-authored-by: Bën <ben@example.com>",
    )
    desk.commit("Bring the yes", "cleo")
    desk.relabel("sad", "rev-3", who="zoë")


def said(desk: Desk, out: Path) -> tuple[object, ...]:
    """Return all that the two commands say, and with which exit codes."""
    told = [
        desk.labelvc("verify", *words, "--format", "json")
        for words in (("--all", "main"), ("--all", "more"), ("main...more",), ("main...more~1",))
    ]
    code, *shown = desk.labelvc("ci", "--base", "main", "--head", "more", "-o", str(out))
    files = {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}
    return told, code, [each.replace(str(out), "OUT") for each in shown], files


def test_no_setting_of_a_person_changes_what_is_said_of_a_line(desk: Desk, tmp_path: Path):
    line(desk)
    before = said(desk, tmp_path / "before")
    told, code, _, files = before
    assert ([each[0] for each in told], code) == ([0, 2, 2, 1], 2), (
        "one that was approved, one nobody knows, one by its own author"
    )
    assert '"principal": "ben"' in told[3][1]
    assert "review.json" in files

    places = {name: tmp_path / name for name in ("mailmap", "order", "revoked", "attributes")}
    places["mailmap"].write_text(MAPPED)
    places["order"].write_text("approvals/*\n*.jsonl\n")
    places["revoked"].write_text("".join((desk.keys / f"{who}.pub").read_text() for who in ("ada", "ben", "cleo")))
    places["attributes"].write_text("* -diff -text export-ignore merge=ours encoding=UTF-16\n")
    with Path(os.environ["GIT_CONFIG_GLOBAL"]).open("a") as settings:
        settings.write(SETTINGS.format(**places))
    assert desk.git("log", "-1", "--encoding=UTF-8", "--format=%aE", "main~1") == "zoe@example.com", (
        "git itself follows them"
    )
    assert said(desk, tmp_path / "after") == before
