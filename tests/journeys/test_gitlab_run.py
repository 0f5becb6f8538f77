"""The job that `init --ci gitlab` writes, run line by line where we play GitLab: a bare remote, a runner's clone, its variables."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from ruamel.yaml import YAML

from labelvc.ops import hosts
from tests.cli.test_ci import Run, desk
from tests.journeys.test_hosts_run import BIN, NOTHING, trap
from tests.people import Desk
from tests.trusting import people_keys
from tests.zoo import Zoo, zoo, zoo_template

__all__ = ["desk", "people_keys", "zoo", "zoo_template"]
REQUEST = "refs/merge-requests/1"


class Ran(NamedTuple):
    """What a job came to: its exit code, the line of the script that ended it, what it printed, and what it left.

    Attributes:
        code: 0, or that of the line that failed.
        last: the line that was begun last.
        said: stdout and stderr.
        files: names of the files in `artifacts.paths`.
        reports: name to path of those of `artifacts.reports` that are there.
        summary: `summary.md`.
    """

    code: int
    last: str
    said: str
    files: list[str]
    reports: dict[str, str]
    summary: str


class GitLab:
    """A bare repository with a merge request, and a runner for the job."""

    def __init__(self, desk: Desk, folder: Path) -> None:
        self.desk, self.folder = desk, folder
        self.server = folder / "host.git"
        desk.git("clone", "-q", "--bare", str(desk.folder), str(self.server))
        root = re.search(r"sha256:[0-9a-f]{64}", desk.labelvc("policy", "show")[1])
        assert root
        self.variables = {"LABELVC": "labelvc", "LABELVC_ROOT": root[0], "CI_DEFAULT_BRANCH": "main"}
        written: Any = YAML(typ="safe").load(hosts.contents("gitlab")[".gitlab/labels.yml"])
        self.job: dict[str, Any] = written["labels"]
        self.runs = 0

    def request(self, *, merged: bool = False, name: str = "topic") -> dict[str, str]:
        """Push main and the branch of a merge request, and return the variables of its pipeline, or of that of its merged result."""
        head, base = self.desk.git("rev-parse", "topic"), self.desk.git("rev-parse", "main")
        self.desk.git("push", "-qf", str(self.server), f"{head}:{REQUEST}/head", f"{base}:refs/heads/main")
        told = {
            "CI_PIPELINE_SOURCE": "merge_request_event",
            "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
            "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": name,
            "CI_COMMIT_BEFORE_SHA": NOTHING,
            "CI_COMMIT_SHA": head,
            "ref": f"{REQUEST}/head",
        }
        if not merged:
            return told
        tree = self.desk.git("merge-tree", "--write-tree", base, head)
        merge = self.desk.git("commit-tree", tree, "-p", base, "-p", head, "-m", "Merged result")
        self.desk.git("push", "-qf", str(self.server), f"{merge}:{REQUEST}/merge")
        more = {"CI_COMMIT_SHA": merge, "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": head, "ref": f"{REQUEST}/merge"}
        return {**told, **more}

    def push(self, old: str, new: str) -> dict[str, str]:
        """Push to main, and return the variables of the branch's pipeline."""
        self.desk.git("push", "-qf", str(self.server), f"{new}:refs/heads/main")
        return {
            "CI_PIPELINE_SOURCE": "push",
            "CI_COMMIT_BRANCH": "main",
            "CI_COMMIT_BEFORE_SHA": self.desk.git("rev-parse", old),
            "CI_COMMIT_SHA": self.desk.git("rev-parse", new),
            "ref": "refs/heads/main",
        }

    def run(self, pipeline: Mapping[str, str], *, depth: int | None = None) -> Ran:
        """Run the job as a runner does: its clone, then the lines of its script in one shell that stops at the first that fails."""
        assert any(_holds(rule["if"], {**self.variables, **pipeline}) for rule in self.job["rules"]), "no job for it"
        self.runs += 1
        top = self.folder / f"build-{self.runs}"
        asked = int(self.job["variables"]["GIT_DEPTH"]) if depth is None else depth
        self._checkout(pipeline, top, asked)
        script = self.folder / f"script-{self.runs}.sh"
        lines = [f"echo 'line {number}' >&3\n{line}" for number, line in enumerate(self.job["script"])]
        script.write_text("\n".join(["set -eo pipefail", *lines, ""]))
        marks = self.folder / f"marks-{self.runs}"
        around = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "CI": "true", "GITLAB_CI": "true"}
        around |= {**self.variables, **pipeline}
        done = subprocess.run(
            ["bash", "-c", 'exec 3>"$1"; . "$2"', "runner", str(marks), str(script)],
            cwd=top, env=around, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        last = int(marks.read_text().split()[-1])
        return self._left(top, done, self.job["script"][last])

    def _checkout(self, pipeline: Mapping[str, str], top: Path, depth: int) -> None:
        top.mkdir()
        some = [f"--depth={depth}"] if depth else []
        wanted = [f"+{pipeline['ref']}:refs/pipelines/1"]
        wanted += [] if depth else ["+refs/heads/*:refs/remotes/origin/*"]
        for words in (
            ["init", "-q"],
            ["remote", "add", "origin", f"file://{self.server}"],
            ["fetch", "-q", *some, "origin", *wanted],
            ["checkout", "-qf", "--detach", pipeline["CI_COMMIT_SHA"]],
        ):
            subprocess.run(["git", *words], cwd=top, check=True, capture_output=True)

    def _left(self, top: Path, done: subprocess.CompletedProcess[str], last: str) -> Ran:
        artifacts = self.job["artifacts"]
        assert artifacts["when"] == "always"
        files = sorted(file.name for path in artifacts["paths"] for file in (top / path).glob("*"))
        reports = {name: path for name, path in artifacts["reports"].items() if (top / path).is_file()}
        page = top / "labelvc-out" / "summary.md"
        summary = page.read_text() if page.exists() else ""
        return Ran(done.returncode, last, done.stdout + done.stderr, files, reports, summary)


def _holds(rule: str, variables: Mapping[str, str]) -> bool:
    """Tell whether `$NAME == "text"` or `$NAME == $OTHER` holds, or all of some with && between them."""
    if "&&" in rule:
        return all(_holds(part, variables) for part in rule.split("&&"))
    one, two = [part.strip() for part in rule.split("==")]
    right = two.strip('"') if two.startswith('"') else variables.get(two[1:], "")
    return variables.get(one[1:], "") == right


@pytest.fixture
def lab(desk: Desk, tmp_path: Path) -> GitLab:
    return GitLab(desk, tmp_path)


def test_the_job_is_green_for_a_merge_request_in_order(lab: GitLab):
    lab.desk.approve("ben")
    ran = lab.run(lab.request())
    assert ran.code == 0, ran.said
    assert "## Nothing stands against it" in ran.summary
    assert {"review.html", "summary.md", "findings.sarif"} <= set(ran.files)
    assert ran.reports == {"codequality": "labelvc-out/gl-code-quality.json", "junit": "labelvc-out/junit.xml"}


def test_the_job_judges_a_merged_result_by_its_branch(lab: GitLab):
    """The merge that the host made is nobody's change: the branch is, and main may have gone on."""
    zoo = Zoo(lab.desk.folder)
    lab.desk.approve("ben")
    zoo.git("checkout", "-q", "main")
    zoo.write("notes.md", "main went on\n")
    zoo.commit("Main went on")
    zoo.git("checkout", "-q", "topic")
    ran = lab.run(lab.request(merged=True))
    assert ran.code == 0, ran.said


def test_the_job_is_red_for_a_finding(lab: GitLab):
    zoo = Zoo(lab.desk.folder)
    zoo.change("pets/p3#m1", value={"score": 9})
    zoo.commit("Nine")
    lab.desk.approve("ben")
    ran = lab.run(lab.request())
    assert (ran.code, ran.last.startswith("labelvc ci")) == (1, True), ran.said
    assert "score.range" in ran.summary
    assert set(ran.reports) == {"codequality", "junit"}


def test_the_job_is_red_for_what_nobody_approved(lab: GitLab):
    ran = lab.run(lab.request())
    assert (ran.code, "approval.missing" in ran.said) == (1, True), ran.said
    assert "0 of 1 reviewer" in ran.summary


def test_the_job_could_not_tell_in_a_shallow_clone(lab: GitLab):
    lab.desk.approve("ben")
    ran = lab.run(lab.request(), depth=1)
    assert ran.code == 2, ran.said
    assert "Could not be told" in ran.summary
    assert "GIT_DEPTH: 0" in ran.summary
    assert ran.reports


def test_the_job_could_not_tell_under_a_root_that_nobody_pinned(lab: GitLab):
    lab.desk.approve("ben")
    lab.variables.pop("LABELVC_ROOT")
    ran = lab.run(lab.request())
    assert (ran.code, "nobody pinned" in ran.summary) == (2, True), ran.said


def test_the_job_runs_nothing_that_a_branch_brings(lab: GitLab):
    trap(lab.desk)
    lab.desk.write("labelvc-out/junit.xml", "<testsuites/>")
    lab.desk.commit("A report of mine")
    lab.variables["LABELVC"] = ""
    ran = lab.run(lab.request())
    assert (ran.code, ran.reports) == (1, {}), "what lies there is no report of the job"
    lab.variables["LABELVC"] = "labelvc"
    ran = lab.run(lab.request())
    assert (ran.code, ran.last.startswith("labelvc ci")) == (1, True), ran.said
    assert not list(lab.folder.rglob("imported"))


def test_the_job_judges_nothing_for_another_branch_than_the_default(lab: GitLab):
    """A green for a soft branch would stay when the merge request goes to main instead: no pipeline starts for that."""
    other = {**lab.request(), "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "soft"}
    assert not any(_holds(rule["if"], {**lab.variables, **other}) for rule in lab.job["rules"])


def test_the_job_is_red_where_main_went_back(lab: GitLab):
    zoo = Zoo(lab.desk.folder)
    zoo.git("switch", "-q", "main")
    zoo.write("notes.md", "main went on")
    zoo.commit("On")
    zoo.git("push", "-q", str(lab.server), "main:refs/heads/backup")
    pipeline = lab.push("main", "main~1")
    ran = lab.run(pipeline)
    assert (ran.code, "goes forward only" in ran.said) == (1, True), ran.said


def test_the_job_says_what_it_lacks_to_install_labelvc(lab: GitLab):
    lab.variables.pop("LABELVC")
    ran = lab.run(lab.request())
    assert ran.code != 0
    assert ran.last.startswith("python -P -m pip install")
    assert "set the variable LABELVC" in ran.said


def test_the_job_takes_the_name_of_a_branch_for_a_name(lab: GitLab):
    lab.desk.approve("ben")
    ran = lab.run(lab.request(name="x$(touch pwned)`touch pwned`;touch pwned"))
    assert ran.code == 0, ran.said
    assert not list(lab.folder.rglob("pwned"))


def test_the_job_judges_a_push_to_main_and_no_other(lab: GitLab, labelvc: Run):
    lab.desk.approve("ben")
    ran = lab.run(lab.push("main", "topic"))
    assert ran.code == 0, ran.said
    other = {**lab.push("main", "topic"), "CI_COMMIT_BRANCH": "topic"}
    assert not any(_holds(rule["if"], {**lab.variables, **other}) for rule in lab.job["rules"])


def test_a_schedule_looks_at_all_of_main(lab: GitLab):
    pipeline = {**lab.push("main", "main"), "CI_PIPELINE_SOURCE": "schedule", "CI_COMMIT_BEFORE_SHA": NOTHING}
    ran = lab.run(pipeline)
    assert (ran.code, "labelvc check --all" in ran.last) == (0, True), ran.said
    zoo = Zoo(lab.desk.folder)
    zoo.git("switch", "-q", "main")
    zoo.change("pets/p3#m1", value={"score": 9})
    zoo.commit("Nine, past everybody")
    ran = lab.run(
        {
            **lab.push("main", "main"),
            **{name: pipeline[name] for name in ("CI_PIPELINE_SOURCE", "CI_COMMIT_BEFORE_SHA")},
        }
    )
    assert (ran.code, "score.range" in ran.said) == (1, True), ran.said


def test_a_first_push_of_main_has_nothing_before_it(lab: GitLab):
    """GitLab says forty zeros then, and no commit has that id: that is not green."""
    ran = lab.run({**lab.push("main", "topic"), "CI_COMMIT_BEFORE_SHA": NOTHING})
    assert (ran.code, "the base" in ran.said) == (2, True), ran.said
