"""The population and samples of it, as an auditor meets them."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelvc.cli.render import population as render
from labelvc.codec import schema
from tests.oracles import rfc6962
from tests.people import Desk, record
from tests.trusting import desk, desk_template, people_keys

__all__ = ["desk", "desk_template", "people_keys"]


@pytest.fixture
def main(desk: Desk) -> Desk:
    """Return the desk with Ada's change merged as Ben approved it, and then one that nobody saw."""
    desk.approve("ben")
    desk.git("checkout", "-q", "main")
    desk.git("merge", "-q", "--no-ff", "--no-edit", "topic")
    desk.relabel("worse", "rev-2")
    return desk


def listed(desk: Desk, *words: str, code: int = 1) -> dict:
    found, out, err = desk.labelvc("audit", "population", *words, "--format", "json")
    assert (found, err) == (code, ""), err
    document = json.loads(out)
    assert schema.problems("audit-population", document) == []
    return document


def shell(desk: Desk, command: str, labelvc: str = "") -> str:
    """Run a command with coreutils, git and awk alone; a call of labelvc is replaced by what it printed."""
    script = command.replace(labelvc, "cat sheet") if labelvc else command
    done = subprocess.run(
        ["env", "-i", "PATH=/usr/bin:/bin", f"HOME={desk.folder}", "sh", "-euc", script],
        cwd=desk.folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def test_every_step_is_listed_approved_or_not(main: Desk):
    document = listed(main, "--all")
    items, summary = document["items"], document["summary"]
    assert [item["state"] for item in items] == ["ungoverned", "ungoverned", "approved", "missing"]
    assert [item["id"] for item in items] == main.git("rev-list", "--reverse", "--first-parent", "HEAD").split()
    assert [item["parent"] for item in items] == ["", *[item["id"] for item in items[:-1]]]
    assert [item["authors"] for item in items] == [["unknown"], ["unknown"], ["ada"], ["ada"]]
    assert items[2]["counts"]["records"] == {"added": 0, "changed": 1, "removed": 0}
    assert [(one["principal"], one["role"], one["decision"]) for one in items[2]["approvals"]] == [
        ("ben", "reviewer", "approve")
    ]
    assert items[3]["approvals"] == []
    assert (summary["size"], summary["states"]) == (4, {"approved": 1, "missing": 1, "ungoverned": 2})
    assert summary["to"]["commit"] == main.git("rev-parse", "HEAD")
    assert summary["to"]["approvals"]["size"] == 1
    (path,) = (main.folder / "approvals").glob("*/ben.*")
    told = main.git("hash-object", str(path))
    assert told
    leaf = f"{path.relative_to(main.folder)}\0{sha256(path)}".encode()
    assert summary["to"]["approvals"]["root"] == rfc6962.root([leaf]).hex()
    assert shell(main, f"{summary['command']} | sha256sum").split()[0] == summary["list"].removeprefix("sha256:")


def sha256(path: Path) -> str:
    return subprocess.run(["sha256sum", path], capture_output=True, text=True, check=True).stdout[:64]


def test_a_range_begins_and_ends_where_it_says(main: Desk):
    document = listed(main, "HEAD^..HEAD")
    assert [item["id"] for item in document["items"]] == [main.git("rev-parse", "HEAD")]
    assert document["summary"]["from"]["commit"] == main.git("rev-parse", "HEAD^")
    approved = listed(main, "HEAD^^..HEAD^", code=0)
    assert approved["summary"]["states"] == {"approved": 1}
    assert document["summary"]["from"] == approved["summary"]["to"]
    assert listed(main, "HEAD^...HEAD")["summary"]["command"].startswith("labelvc audit population ")


def test_by_record_each_move_is_a_row(main: Desk):
    records = main.records()
    records["rev-9"] = record("rev-9", "=cmd()")
    del records["rev-3"]
    main.save(records)
    main.commit("Two more")
    document = listed(main, "HEAD^..HEAD", "--by", "record")
    assert [(item["key"], item["what"]) for item in document["items"]] == [
        ("reviews/rev-3#r1", "removed"), ("reviews/rev-9#r1", "added"),
    ]  # fmt: skip
    head = main.git("rev-parse", "HEAD")
    assert [item["id"] for item in document["items"]] == [f"{head}/1", f"{head}/2"]
    assert {item["state"] for item in document["items"]} == {"missing"}
    assert document["summary"]["counts"]["records"] == {"added": 1, "changed": 0, "removed": 1}
    whole = listed(main, "--all", "--by", "record")
    assert whole["summary"]["states"]["approved"] == 1


def test_a_step_of_which_a_part_is_approved(main: Desk):
    main.git("switch", "-q", "-c", "more")
    main.relabel("fine", "rev-4")
    main.approve("ben", "main...more")
    main.git("checkout", "-q", "main")
    main.git("merge", "-q", "--no-ff", "--no-commit", "more")
    records = main.records()
    records["rev-5"] = record("rev-5", "slipped in", 2)
    main.save(records)
    main.commit("Merge, and something else")
    (item,) = listed(main, "HEAD^..HEAD")["items"]
    assert item["state"] == "missing"
    assert [one["principal"] for one in item["approvals"]] == ["ben"], "the approval of the part is shown"
    by_record = listed(main, "HEAD^..HEAD", "--by", "record")["items"]
    assert [(one["key"], one["state"]) for one in by_record] == [
        ("reviews/rev-4#r1", "approved"), ("reviews/rev-5#r1", "missing"),
    ]  # fmt: skip


def test_who_is_nobody_the_policy_knows(main: Desk):
    main.relabel("odd", "rev-6", who="mallory")
    document = listed(main, "HEAD^..HEAD", code=2)
    assert (document["items"][0]["state"], document["items"][0]["authors"]) == ("undecidable", ["unknown"])


def test_text_csv_and_lines_say_the_same(main: Desk, tmp_path: Path):
    code, out, err = main.labelvc("audit", "population", "--all")
    assert (code, err) == (1, "")
    assert "4 steps: 1 approved, 1 missing, 2 ungoverned" in out
    assert "approved by ben as reviewer" in out
    code, rows, err = main.labelvc("audit", "population", "--all", "--format", "csv")
    assert code == 1
    assert "log of approvals: 1 statement, sha256:" in err
    sheet = list(csv.DictReader(io.StringIO(rows)))
    lines = [
        json.loads(line) for line in main.labelvc("audit", "population", "--all", "--format", "jsonl")[1].splitlines()
    ]
    assert [row["id"] for row in sheet] == [line["id"] for line in lines]
    assert [row["state"] for row in sheet] == [line["state"] for line in lines]
    assert [row["approved_by"] for row in sheet] == ["", "", "ben as reviewer", ""]
    target = tmp_path / "p.csv"
    assert main.labelvc("audit", "population", "--all", "--format", "csv", "-o", str(target))[:2] == (1, "")
    assert target.read_text() == rows


@given(st.text(max_size=12))
def test_no_cell_is_a_formula(cell: str):
    shown = render.guarded(cell)
    assert not shown.lstrip().startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert "\x1b" not in shown
    (row,) = csv.reader(io.StringIO(next(render._lines([[cell, "x"]]))))
    assert row == [shown, "x"]


def test_a_name_that_is_a_formula(main: Desk):
    main.write('=HYPERLINK("http:x","y").txt', "x")
    main.commit("A trap")
    code, out, _ = main.labelvc("audit", "population", "HEAD^..HEAD", "--by", "record", "--format", "csv")
    assert code == 0
    assert next(csv.DictReader(io.StringIO(out)))["key"].startswith("'=HYPERLINK")


def test_ci_wants_a_pinned_root(main: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CI", "true")
    assert main.labelvc("audit", "population", "--all")[0] == 2
    anchor = json.loads(main.labelvc("policy", "show", "--format", "json")[1])["summary"]["root"]
    assert main.labelvc("audit", "population", "--all", "--root", anchor)[0] == 1


def drawn(desk: Desk, *words: str) -> tuple[dict, list[str]]:
    code, out, err = desk.labelvc("audit", "sample", *words, "--format", "json")
    assert (code, err) == (0, "")
    document = json.loads(out)
    assert schema.problems("audit-sample", document) == []
    return document["summary"], [item["id"] for item in document["items"]]


def test_somebody_else_draws_the_same_sample_with_git_and_coreutils(main: Desk):
    summary, ids = drawn(main, "--all", "--n", "3", "--seed", "it's 4711")
    assert [line.split()[1] for line in shell(main, summary["command"]).splitlines()] == ids
    assert summary["strata"] == [
        {
            "name": "", "size": 4, "drawn": 3, "bad_at_most": 1,
            "says": "3 of 4 steps drawn: if none of them is bad, then with 95 % confidence at most 1 of all 4 are (25.00 %; exact, hypergeometric)",
        }
    ]  # fmt: skip
    assert summary["list"] == listed(main, "--all")["summary"]["list"]
    assert drawn(main, "--all", "--n", "3", "--seed", "other")[1] != ids or len(ids) == 3
    assert (
        drawn(main, "--all", "--n", "9", "--seed", "x")[0]["strata"][0]["says"]
        == "all 4 steps drawn: nothing is left to infer"
    )


@pytest.mark.parametrize(
    ("by", "stratify"), [("record", None), ("record", "kind"), ("step", "kind"), ("step", "author"), ("step", "state")]
)
def test_of_records_and_of_parts_too(main: Desk, by: str, stratify: str | None):
    main.git("commit", "-q", "--allow-empty", "-m", "Nothing")
    more = ("--stratify", stratify) if stratify else ()
    summary, ids = drawn(main, "--all", "--n", "2", "--seed", "s", "--by", by, *more)
    command = summary["command"]
    call = command.partition(" | ")[0]
    assert call.startswith("labelvc audit population ")
    main.write("sheet", main.labelvc(*call.split()[1:])[1])
    found = [line.split()[-1] for line in shell(main, command, labelvc=call).splitlines()]
    assert sorted(found) == sorted(ids)
    assert sum(part["size"] for part in summary["strata"]) == summary["size"]
    if stratify == "kind" and by == "step":
        assert "-" in {part["name"] for part in summary["strata"]}, "what moved nothing is a part too"
    elif stratify == "kind":
        assert {part["name"] for part in summary["strata"]} == {"guidelines", "labels", "project", "trust"}


def test_of_one_kind(main: Desk):
    words = ("--all", "--by", "record", "--kind", "labels")
    items = listed(main, *words)["items"]
    assert {kind for item in items for kind in item["kinds"]} == {"labels"}
    assert len(items) == sum(item["kinds"] == ["labels"] for item in listed(main, *words[:3])["items"])
    summary, ids = drawn(main, *words, "--n", "2", "--seed", "s")
    call = summary["command"].partition(" | ")[0]
    assert " --kind labels " in call
    main.write("sheet", main.labelvc(*call.split()[1:])[1])
    assert [line.split()[-1] for line in shell(main, summary["command"], labelvc=call).splitlines()] == ids
    code, _, err = main.labelvc("audit", "population", "--all", "--kind", "labels")
    assert (code, "--kind goes with --by record" in err) == (2, True)


def test_a_clone_draws_the_same(main: Desk, tmp_path: Path):
    ids = drawn(main, "--all", "--n", "2", "--seed", "s", "--by", "record")[1]
    main.git("clone", "-q", str(main.folder), str(tmp_path / "clone"))
    assert (
        drawn(main._replace(folder=tmp_path / "clone"), "--all", "--n", "2", "--seed", "s", "--by", "record")[1] == ids
    )


def test_a_sample_for_people(main: Desk):
    code, out, _ = main.labelvc("audit", "sample", "--all", "--n", "2", "--seed", "s", "--stratify", "state")
    assert code == 0
    assert "the same sample: labelvc audit population " in out
    assert "missing\n" in out
    assert main.labelvc("audit", "sample", "--n", "2")[0] == 2
    assert main.labelvc("audit", "sample", "--n", "0", "--seed", "s")[0] == 2
    code, _, err = main.labelvc("audit", "sample", "--n", "2", "--seed", "a\nb")
    assert code == 2
    assert "can be printed" in err
