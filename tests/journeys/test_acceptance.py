"""What the journeys of a lead, a reviewer, a CI engineer and an auditor come down to: thirteen points, each with the tests that hold it.

A point that a journey holds already is named here and not run a second time; the others are tests of this file.
"""

from __future__ import annotations

import ast
import os
import re
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.journeys.test_hooks import GOOD, attempt, project, write
from tests.people import Desk
from tests.trusting import desk, desk_template, people_keys

__all__ = ["desk", "desk_template", "people_keys", "project"]
TOP = Path(__file__).resolve().parents[2]
HERE = "tests/journeys/test_acceptance.py"
Run = Callable[..., tuple[int, str, str]]
POINTS: dict[int, tuple[str, Sequence[str]]] = {
    1: (
        "a commit that only deletes is checked",
        (
            "tests/journeys/test_hooks.py::test_a_commit_that_only_deletes_is_judged",
            "tests/journeys/test_framework.py::test_a_commit_that_only_deletes_is_judged",
        ),
    ),
    2: (
        "a clean merge and a merge in conflict are checked",
        (
            "tests/journeys/test_hooks.py::test_a_clean_merge_of_two_good_branches_that_do_not_fit_is_stopped",
            "tests/journeys/test_hooks.py::test_a_conflict_has_markers_and_cannot_be_committed_with_them",
            "tests/journeys/test_framework.py::test_a_merge_without_conflict_of_branches_that_do_not_fit_is_stopped",
            "tests/journeys/test_framework.py::test_a_conflict_is_judged_when_it_is_committed",
        ),
    ),
    3: (
        "a missing driver never loses a label unnoticed",
        (
            "tests/journeys/test_hooks.py::test_a_broken_labelvc_leaves_the_text_merge_and_its_markers",
            "tests/journeys/test_hooks.py::test_the_driver_merges_what_does_not_conflict_with_and_without_labelvc",
            "tests/cli/test_ci.py::test_what_a_merge_of_the_branch_did_wrong_is_an_error_with_a_rule_of_the_catalogue",
        ),
    ),
    4: (
        "a pull request that changes who may approve, to approve itself, fails",
        ("tests/cli/test_ci.py::test_a_branch_that_makes_its_own_policy_is_judged_by_the_base",),
    ),
    5: (
        "after a rebase or an amended commit an approval holds where the records are the same, and only there",
        (
            f"{HERE}::test_an_approval_outlives_a_rebase_and_an_amend_where_the_records_are_the_same",
            "tests/ops/test_attacks.py::test_an_approval_after_a_rebase_onto_another_old_value_covers_nothing",
        ),
    ),
    6: (
        "the summary has at most 60,000 characters, whatever the size of a change",
        (
            "tests/cli/test_ci.py::test_a_summary_stays_within_the_budget",
            "tests/cli/test_review.py::test_a_long_text_and_ten_thousand_labels",
        ),
    ),
    7: (
        "pages open from a file without a network",
        (
            "tests/journeys/test_review.py::test_a_browser_draws_the_boxes_on_the_right_cells",
            "tests/oracles/test_axe.py::test_a_dashboard",
        ),
    ),
    8: (
        "every number of a page is the one in the JSON",
        (
            "tests/cli/test_review.py::test_every_number_of_the_html_is_the_one_in_the_json",
            "tests/cli/test_report.py::test_every_number_of_a_page_is_the_one_in_the_json",
        ),
    ),
    9: (
        "SARIF with a finding on the whole repository has a place that hosts accept",
        (
            "tests/oracles/test_hosts.py::test_sarif_of_hostile_texts_is_valid_and_each_result_has_a_place_and_a_rule",
            "tests/oracles/test_hosts.py::test_every_finding_is_told_at_a_file_that_the_host_has",
        ),
    ),
    10: (
        "real names of annotators stand in no output until somebody reveals them",
        (f"{HERE}::test_no_command_prints_the_name_of_an_annotator",),
    ),
    11: (
        "two runs, two machines and any number of jobs give the same bytes",
        (
            "tests/cli/test_ci.py::test_two_runs_of_any_number_of_jobs_write_the_same_bytes",
            "tests/cli/test_review.py::test_the_same_change_gives_the_same_bytes",
            "tests/cli/test_report.py::test_the_same_history_gives_the_same_bytes",
        ),
    ),
    12: (
        "the hook on a change of one shard takes half a second at most",
        (f"{HERE}::test_the_hook_on_one_shard_costs_little_beside_python_itself",),
    ),
    13: (
        "the environment of the hook has at most 250 MiB",
        (f"{HERE}::test_what_a_hook_environment_holds_is_small_enough_for_hosts",),
    ),
}


def test_there_are_thirteen_points():
    assert list(POINTS) == list(range(1, 14))


@pytest.mark.parametrize("number", POINTS)
def test_a_point_is_held(number: int):
    """The tests that are named are there, and run by `make test`."""
    _, nodes = POINTS[number]
    assert nodes
    for node in nodes:
        path, _, name = node.partition("::")
        found = [one for one in ast.parse((TOP / path).read_text()).body if getattr(one, "name", "") == name]
        assert len(found) == 1, node
        marks = {ast.unparse(mark) for mark in getattr(found[0], "decorator_list", ())}
        assert not any(word in mark for mark in marks for word in ("mark.skip", "mark.xfail", "mark.long")), node


# ---------------------------------------------------------------- 5
def test_an_approval_outlives_a_rebase_and_an_amend_where_the_records_are_the_same(desk: Desk):
    desk.approve("ben")
    assert [step["state"] for step in desk.verify()[1]] == ["approved"]
    desk.git("switch", "-q", "main")
    desk.relabel("worse", "rev-6")
    desk.git("switch", "-q", "topic")
    desk.git("rebase", "-q", "main")
    assert [step["state"] for step in desk.verify()[1]] == ["approved"]
    desk.git("commit", "-q", "--amend", "-m", "Said otherwise")
    assert [step["state"] for step in desk.verify()[1]] == ["approved"]
    records = desk.records()
    records["rev-1"]["value"]["text"] = "better"
    desk.save(records)
    desk.git("commit", "-q", "--amend", "--no-verify", "--all", "--no-edit")
    assert [step["state"] for step in desk.verify()[1]] == ["missing"]


# ---------------------------------------------------------------- 10
NAMES = ("Wilhelmine Osterkamp", "Theobald Zwickl")
SAYS = (
    ("status",), ("doctor",), ("check", "--all"), ("log",), ("log", "ratings"), ("diff", "HEAD~1..HEAD"),
    ("blame", "ratings/w1"), ("trace", "ratings/w1#a1"), ("dataset", "show", "ratings"), ("dataset", "list"),
    ("review", "HEAD~1..HEAD"), ("report",), ("policy", "show"), ("release", "list"), ("audit", "population", "--all"),
    ("guideline", "list"), ("taxonomy", "list"), ("register", "list"), ("privacy", "scan"), ("verify", "--all"),
)  # fmt: skip


def test_no_command_prints_the_name_of_an_annotator(labelvc: Run, git: Callable[..., str], tmp_path: Path):
    folder = tmp_path / "labels"
    said = list(labelvc(tmp_path, "init", str(folder), "--template", "rating"))

    def bring(score: int) -> None:
        rows = [f"a{at},w{item},word {item},{name},{score}" for item in range(12) for at, name in enumerate(NAMES)]
        (tmp_path / "in.csv").write_text("\n".join(["id,item,text,annotator,score", *rows]) + "\n")
        mode = ("--mode", "replace") if score > 1 else ()
        code, out, err = labelvc(folder, "import", "csv", str(tmp_path / "in.csv"), "--dataset", "ratings", *mode)
        assert code == 0, err
        said.extend([out, err])
        git(folder, "add", "--all")
        git(folder, "commit", "-qm", "Ratings")

    bring(1)
    bring(2)
    told = 0
    for words in SAYS:
        for form in ("text", "json", "markdown", "html", "sarif", "github"):
            code, out, err = labelvc(folder, *words, "--format", form)
            assert code in (0, 1, 2), (words, err)
            told += code < 2
            said += [out, err]
    assert told >= 2 * len(SAYS)
    assert labelvc(folder, "export", "csv", "--dataset", "ratings", "-o", str(tmp_path / "out.csv"))[0] == 0
    said.append((tmp_path / "out.csv").read_text())
    stored = subprocess.run(
        ["git", "cat-file", "--batch-all-objects", "--batch"], cwd=folder, capture_output=True, check=True
    )
    said.append(stored.stdout.decode(errors="replace"))
    whole = "\n".join(map(str, said))
    assert "prs_" in whole
    for name in " ".join(NAMES).split():
        assert not re.search(name, whole, re.IGNORECASE), name


# ---------------------------------------------------------------- 12
def seconds(words: Sequence[str], folder: Path, times: int) -> float:
    """Return the least processor time that a program took, in some runs."""
    least = float("inf")
    for _ in range(times):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(words, cwd=folder, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        least = min(least, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return least


def test_the_hook_on_one_shard_costs_little_beside_python_itself(project: Path, git: Callable[..., str]):
    """Half a second where Python starts in 20 ms; both are measured here, so that a slow machine changes nothing."""
    write(project, "w1", GOOD + 1, 2)
    git(project, "add", "--all")
    python = seconds([sys.executable, "-c", "pass"], project, 10)
    hook = seconds([sys.executable, "-m", "labelvc.cli", "plumbing", "hook", "pre-commit"], project, 5)
    assert hook < 25 * max(python, 0.005), (hook, python)
    assert attempt(project, "commit", "-m", "One")[0] == 0


# ---------------------------------------------------------------- 13
def packages(name: str, seen: set[str]) -> Iterator[str]:
    """Yield a package and all that it needs, without extras."""
    plain = re.sub(r"[-_.]+", "-", name).lower()
    if plain in seen:
        return
    seen.add(plain)
    yield plain
    for row in map(Requirement, distribution(name).requires or ()):
        if row.marker is None or row.marker.evaluate({"extra": ""}):
            yield from packages(row.name, seen)


def test_what_a_hook_environment_holds_is_small_enough_for_hosts():
    """pre-commit.ci refuses environments over 250 MiB; pip and what Python compiled are in it."""
    names = [*packages("labelvc", set()), "pip"]
    size = 0
    for name in names:
        try:
            files = distribution(name).files or ()
        except PackageNotFoundError:  # made without pip
            size += 20 << 20
            continue
        size += sum(os.lstat(path).st_size for path in (row.locate() for row in files) if os.path.lexists(path))
    assert {"labelvc", "dvc", "cryptography"} <= set(names)
    assert 50 << 20 < size < 250 << 20
