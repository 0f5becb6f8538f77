"""Every job of the benchmarks runs at a tiny size, is right there, and names the peers that are not there."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from benchmarks import histories, jobs, measure, merges, report, tools
from benchmarks.jobs import Plan
from benchmarks.report import Job, Row

PEERS = {
    "peers": {"csv-diff", "daff (npm)", "daff (pip)", "nbdime", "oxen", "doltlite"},
    "merge": {"git merge", "git merge, merge=union", "daff (npm)", "daff (pip)", "nbdime", "git-json-merge (npm)"},
    "driver": {"git merge-file"},
    "blame": {"doltlite, each row", "git blame of every shard"},
    "layouts": {"git, one file", "git, a file a record"},
}
RECORDS = 4900
_told: dict[str, list[Job]] = {}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bench")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Run everything once, without the peers that are fetched apart: what is held here is that it works."""
    for module in (
        jobs,
        merges,
        histories,
        jobs.peers,
        jobs.pointers,
        jobs.pulls,
        jobs.scaling,
        jobs.imports,
        jobs.votes,
        jobs.leaks,
        jobs.taxonomies,
    ):
        monkeypatch.setattr(module, "least", lambda run, times=1: run(), raising=False)
        monkeypatch.setattr(module, "in_turn", lambda *runs, times=1: [run() for run in runs], raising=False)
    monkeypatch.setattr(jobs.leaks, "_BYTES", 100_000)
    monkeypatch.setattr(tools, "PEERS", tmp_path / "nothing")


def run(folder: Path, only: str) -> list[Job]:
    """Run a job, or return what it told the test before."""
    if only not in _told:
        _told[only] = jobs.run_all(Plan(folder, RECORDS, only=only))
    told = _told[only]
    assert report.failed(told) == []
    assert PEERS.get(only, set()) <= {row.tool for job in told for row in job.rows}
    return told


@pytest.mark.parametrize(
    "only",
    [
        "pull",
        "diff",
        "work",
        "merge",
        "driver",
        "blame",
        "push",
        "layouts",
        "import",
        "growth",
        "verify",
        "state",
        "leaks",
        "taxonomy",
    ],
)
def test_a_job_is_right_about_a_few_records(folder, only):
    told = run(folder, only)
    ours = [row for job in told for row in job.rows if row.tool.startswith("labelvc")]
    assert ours
    text = report.table(told, (0.5, 0.5, 0.5))
    assert all(f"## {job.title}\n" in text for job in told)


def test_a_dataset_behind_dvc_is_told_apart_to_the_record(folder):
    run(folder, "dvc")
    (job,) = run(folder, "dvc")  # in clones of an earlier run, what it stored is known there
    assert {row.tool: row.right for row in job.rows} == {
        "labelvc diff and check": True, "labelvc diff": True, "dvc status": True, "dvc diff": True, "labelvc format": True,
    }  # fmt: skip


def test_git_is_seen_to_be_wrong_where_it_is(folder):
    (job,) = run(folder, "merge")
    rows = {row.tool: row for row in job.rows}
    assert rows["labelvc merge"].right
    assert rows["labelvc's driver, git merge"].right
    assert not rows["git merge, merge=union"].right
    assert "doubled" in rows["git merge, merge=union"].note
    assert "missed" in rows["git merge, merge=union"].note


def test_a_peer_that_is_not_there_is_named(folder):
    rows = {row.tool: row for job in run(folder, "peers") for row in job.rows}
    for tool in ("daff (npm)", "nbdime", "doltlite", "oxen"):
        assert "not installed: make bench-peers" in rows[tool].note
    for tool in ("csv-diff", "daff (pip)"):
        assert rows[tool].right, rows[tool]


@pytest.mark.parametrize("program", ["raise ValueError", "print('no number')", "raise SystemExit(2)"])
def test_a_peer_that_crashes_told_nothing(tmp_path: Path, program: str):
    """A program of Python that fails ends with 1, which other tools end with where they found a change."""
    cost = measure.process([sys.executable, "-c", program], tmp_path)
    row = jobs.peers._beside("work", "oxen", cost, 1.0, jobs.peers._told(cost, int), 7, "")
    assert (row.right, row.note) == (None, f"exit {cost.code}")


def test_without_real_data_the_trace_says_why_it_is_not_measured(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("LABELVC_TEST_DATA", str(tmp_path))
    (job,) = run(folder, "trace")
    assert (job.met, job.rows) == (None, [])
    assert "needs histories/ud_ewt_dev.bundle" in report.table([job], (0.5,))


@pytest.mark.long
def test_a_few_real_revisions_are_traced(folder, monkeypatch, real_data):
    if not (real_data / "histories/ud_ewt_dev.bundle").is_file():
        pytest.skip("ud_ewt_dev.bundle is not among the real data")
    monkeypatch.setenv("LABELVC_TEST_DATA", str(real_data))
    shutil.rmtree(folder / "ud", ignore_errors=True)
    histories.treebank.make(folder / "ud", last=2)
    (job,) = run(folder, "trace")
    rows = {row.tool: row for row in job.rows}
    assert rows["labelvc trace"].right
    assert rows["git log -p -U0 of its shard"].right


def test_a_wrong_row_of_labelvc_fails_the_run_and_one_of_a_peer_does_not():
    rows = [Row("a merge", "labelvc merge", 1, 1, 1, right=False), Row("a merge", "git merge", 1, 1, 1, right=False)]
    job = Job("merge", "no fault", "1 wrong", met=False, rows=rows)
    assert report.failed([job]) == ["merge: a merge"]
    text = report.table([job], (0.5, 0.5, 0.5))
    assert "Targets met: 0 of 1." in text
    assert "**missed**" in text
    assert "| a merge | git merge | 1.00 | 1.00 | 1 |  | **no** |  |" in text
