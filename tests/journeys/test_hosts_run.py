"""The files of `init --ci`: accepted by the hosts' schemas, safe, never written over, and run step by step where we play the host."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from ruamel.yaml import YAML

from labelvc.ops import hosts
from tests.cli.test_ci import Run, desk
from tests.people import Desk
from tests.trusting import people_keys
from tests.zoo import Zoo, zoo, zoo_template

__all__ = ["desk", "people_keys", "zoo", "zoo_template"]
BIN = Path(sys.executable).parent
WORKFLOW = ".github/workflows/labels.yml"
NOTHING = "0" * 40
_PLACE = re.compile(r"\$\{\{ *(.*?) *\}\}")


# ---------------------------------------------------------------- the files themselves
@pytest.mark.parametrize("host", hosts.HOSTS)
def test_the_files_are_written_into_a_project_and_never_over_an_edit(zoo: Zoo, labelvc: Run, host: str):
    assert labelvc(zoo.folder, "init", "--ci", host)[0] == 0
    told = hosts.contents(host)
    assert {path: zoo.read(path) for path in told} == told
    assert ("labelvc policy codeowners --write" in labelvc(zoo.folder, "init", "--ci", host)[1]) == (
        host in ("github", "gitlab")
    )
    code, out, _ = labelvc(zoo.folder, "init", "--ci", host)
    assert (code, out.count("as it was")) == (0, len(told))
    path = next(iter(told))
    zoo.write(path, "mine\n")
    code, out, _ = labelvc(zoo.folder, "init", "--ci", host)
    assert (code, "says otherwise; left as it is" in out) == (0, True)
    assert zoo.read(path) == b"mine\n"
    assert zoo.git("status", "--porcelain", "--", "datasets", "labelvc.yaml") == ""


def test_a_link_is_not_followed_out_of_the_project(zoo: Zoo, labelvc: Run, tmp_path: Path):
    (tmp_path / "elsewhere").mkdir()
    (zoo.folder / ".github").symlink_to(tmp_path / "elsewhere")
    assert labelvc(zoo.folder, "init", "--ci", "github")[0] == 2
    assert not any((tmp_path / "elsewhere").iterdir())


def test_a_new_project_is_made_with_them(labelvc: Run, tmp_path: Path):
    assert labelvc(tmp_path, "init", "new", "--ci", "github")[0] == 0
    assert (tmp_path / "new" / WORKFLOW).is_file()
    assert (tmp_path / "new" / "labelvc.yaml").is_file()


@pytest.mark.parametrize(
    ("host", "path", "schema"),
    [("github", WORKFLOW, "github-workflows"), ("gitlab", ".gitlab/labels.yml", "gitlab-ci"), ("gitlab", ".gitlab-ci.yml", "gitlab-ci")],
)  # fmt: skip
def test_the_hosts_schemas_accept_them(tmp_path: Path, host: str, path: str, schema: str):
    file = tmp_path / "labels.yml"
    file.write_bytes(hosts.contents(host)[path])
    words = [str(BIN / "check-jsonschema"), "--builtin-schema", f"vendor.{schema}", str(file)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    file.write_text(
        file.read_text().replace("steps:", "stepps:").replace("script:", "scripts:").replace("local:", "locals:")
    )
    assert subprocess.run(words, capture_output=True, check=False).returncode == 1


def test_zizmor_finds_nothing_unsafe(tmp_path: Path):
    file = tmp_path / "labels.yml"
    file.write_bytes(hosts.contents("github")[WORKFLOW])
    words = [str(BIN / "zizmor"), "--offline", "--pedantic", "--no-progress", str(file)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    file.write_text(file.read_text().replace('"$HEAD"', "${{ github.head_ref }}"))
    assert subprocess.run(words, capture_output=True, check=False).returncode != 0


# ---------------------------------------------------------------- GitHub, played
class Ran(NamedTuple):
    """What a job came to: names of steps to exit codes, what they printed, the step summary and the names of uploaded files."""

    codes: dict[str, int]
    said: str
    summary: str
    uploaded: list[str]

    @property
    def green(self) -> bool:
        return not any(self.codes.values())


class Host:
    """A bare repository with pull requests, and a runner for the workflow of one."""

    def __init__(self, desk: Desk, folder: Path) -> None:
        self.desk, self.folder = desk, folder
        desk.git("clone", "-q", "--bare", str(desk.folder), str(folder / "host.git"))
        root = re.search(r"sha256:[0-9a-f]{64}", desk.labelvc("policy", "show")[1])
        assert root
        self.variables = {"LABELVC": "labelvc", "LABELVC_ROOT": root[0]}
        self.runs = 0

    def event(self, head: str = "topic", base: str = "main") -> dict[str, Any]:
        """Push a branch, make the merge that a host makes, and return what a `pull_request` event tells."""
        self.desk.git(
            "push", "-qf", str(self.folder / "host.git"), f"{head}:refs/pull/1/head", f"{base}:refs/heads/{base}"
        )
        one, two = (self.desk.git("rev-parse", name) for name in (base, head))
        tree = self.desk.git("merge-tree", "--write-tree", one, two)
        merge = self.desk.git("commit-tree", tree, "-p", one, "-p", two, "-m", "Merge")
        self.desk.git("push", "-qf", str(self.folder / "host.git"), f"{merge}:refs/pull/1/merge")
        return {"pull_request": {"base": {"sha": one}, "head": {"sha": two}, "number": 1}, "ref": "refs/pull/1/merge"}

    def run(
        self,
        event: dict[str, Any],
        *,
        depth: int | None = None,
        secrets: Mapping[str, str] | None = None,
        name: str = "topic",
    ) -> Ran:
        """Run the job as a runner does: each step with bash, the actions played."""
        self.runs += 1
        place = self.folder / f"run-{self.runs}"
        (place / "temp").mkdir(parents=True)
        job = YAML(typ="safe").load(hosts.contents("github")[WORKFLOW])["jobs"]["judge"]
        contexts = {
            "github": {"event": event, "event_name": event.get("name", next(iter(event))), "sha": NOTHING},
            "vars": self.variables,
            "secrets": secrets or {},
            "runner": {"temp": str(place / "temp")},
        }
        around = {
            **os.environ,
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_HEAD_REF": name,
            "GITHUB_STEP_SUMMARY": str(place / "summary"),
            "RUNNER_TEMP": str(place / "temp"),
        }
        around |= _evaluated(job["env"], contexts)
        ran = Ran({}, "", "", [])
        for step in job["steps"]:
            ran = self._step(step, place, contexts, around, ran, depth)
        summary = place / "summary"
        return ran._replace(summary=summary.read_text() if summary.exists() else "")

    def _step(
        self, step: Any, place: Path, contexts: Any, around: Mapping[str, str], ran: Ran, depth: int | None
    ) -> Ran:
        name, top = step["name"], place / "labels"
        asked = str(step.get("if", "")).strip("${} ").split(" && ")
        if not all(_holds(one, contexts["github"]["event_name"], top) for one in asked):
            return ran
        if not ran.green and "!cancelled()" not in asked:
            return ran
        if "uses" in step:
            action = step["uses"].partition("@")[0]
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", step["uses"])
            if action == "actions/checkout":
                self._checkout(
                    contexts["github"]["event"], top, step["with"]["fetch-depth"] if depth is None else depth
                )
            if action == "actions/upload-artifact":
                folder = Path(_filled(step["with"]["path"], contexts))
                return ran._replace(uploaded=sorted(file.name for file in folder.glob("*")))
            return ran
        script = place / "script.sh"
        script.write_text(step["run"])
        environment = {**around, **_evaluated(step.get("env", {}), contexts)}
        done = subprocess.run(
            ["bash", "-e", str(script)], cwd=top, env=environment, capture_output=True, text=True, check=False
        )
        code = 0 if step.get("continue-on-error") else done.returncode
        return ran._replace(codes={**ran.codes, name: code}, said=ran.said + done.stdout + done.stderr)

    def _checkout(self, event: Mapping[str, Any], top: Path, depth: int) -> None:
        top.mkdir()
        some = [f"--depth={depth}"] if depth else []
        names = [event["ref"]] if depth else ["+refs/heads/*:refs/remotes/origin/*", event["ref"]]
        for words in (
            ["init", "-q"],
            ["fetch", "-q", *some, f"file://{self.folder}/host.git", *names],
            ["checkout", "-q", "FETCH_HEAD" if depth else self._tip(event)],
        ):
            subprocess.run(["git", *words], cwd=top, check=True, capture_output=True)

    def _tip(self, event: Mapping[str, Any]) -> str:
        words = ["git", "rev-parse", event["ref"]]
        return subprocess.run(
            words, cwd=self.folder / "host.git", check=True, capture_output=True, text=True
        ).stdout.strip()


def _holds(asked: str, event: str, top: Path) -> bool:
    """Tell whether a condition of a step holds; one that is not known here is an error of the test."""
    if asked in ("", "!cancelled()"):
        return True
    if asked.startswith("hashFiles"):
        return bool(list(top.rglob("*.dvc")))
    found = re.fullmatch(r"github\.event_name (==|!=) '(\w+)'", asked)
    assert found, asked
    return (event == found[2]) == (found[1] == "==")


def _evaluated(values: Mapping[str, str], contexts: Any) -> dict[str, str]:
    return {name: _filled(str(value), contexts) for name, value in values.items()}


def _filled(text: str, contexts: Any) -> str:
    return _PLACE.sub(
        lambda found: next(filter(None, (_reached(path, contexts) for path in found[1].split(" || "))), ""), text
    )


def _reached(path: str, contexts: Any) -> str:
    value: Any = contexts
    for part in path.split("."):
        value = value.get(part, {}) if isinstance(value, dict) else {}
    return value if isinstance(value, str) else ""


@pytest.fixture
def host(desk: Desk, tmp_path: Path) -> Host:
    return Host(desk, tmp_path)


def test_the_workflow_is_green_for_a_pull_request_in_order(host: Host):
    host.desk.approve("ben")
    ran = host.run(host.event())
    assert ran.green, ran.said
    assert "## Nothing stands against it" in ran.summary
    assert {"review.html", "summary.md", "findings.sarif"} <= set(ran.uploaded)
    assert "::error" not in ran.said


def test_the_workflow_is_red_for_a_finding(host: Host):
    zoo = Zoo(host.desk.folder)
    zoo.change("pets/p3#m1", value={"score": 9})
    zoo.commit("Nine")
    host.desk.approve("ben")
    ran = host.run(host.event())
    assert ran.codes["Judge"] == 1
    assert "::error file=datasets/pets/annotations/" in ran.said
    assert "score.range" in ran.summary
    assert ran.uploaded


def test_the_workflow_is_red_for_what_nobody_approved(host: Host):
    ran = host.run(host.event())
    assert ran.codes["Judge"] == 1
    assert "approval.missing" in ran.said
    assert "0 of 1 reviewer" in ran.summary


def test_the_workflow_could_not_tell_in_a_shallow_checkout(host: Host):
    host.desk.approve("ben")
    ran = host.run(host.event(), depth=1)
    assert ran.codes["Judge"] == 2
    assert "Could not be told" in ran.summary
    assert "fetch-depth: 0" in ran.summary
    assert ran.uploaded


def test_the_workflow_of_a_fork_needs_no_secret(host: Host):
    host.desk.approve("ben")
    host.variables.pop("LABELVC_ROOT")
    ran = host.run(host.event(), secrets={})
    assert ran.codes["Judge"] == 2, "a host that gives a fork no variables either: the root is not pinned"
    assert "nobody pinned" in ran.summary
    host.variables["LABELVC_ROOT"] = re.search(r"sha256:[0-9a-f]{64}", host.desk.labelvc("policy", "show")[1])[0]
    ran = host.run(host.event(), secrets={})
    assert ran.green, ran.said


def test_the_workflow_takes_the_name_of_a_branch_for_a_name(host: Host):
    host.desk.approve("ben")
    ran = host.run(host.event(), name="x$(touch pwned)`touch pwned`;touch pwned")
    assert ran.green, ran.said
    assert not list(host.folder.rglob("pwned"))


TRAPS = ("pip.py", "dvc.py", "json.py", "logging.py", "sitecustomize.py", "labelvc/__init__.py")
"""Modules that Python would take from a checkout, were it let."""


def trap(desk: Desk) -> None:
    """Have a branch bring modules of the names that a job imports; one that runs leaves a file."""
    for path in TRAPS:
        desk.write(path, "open('imported', 'w').close()\nraise SystemExit(0)\n")
    desk.write("datasets/pets/media.dvc", "outs: []\n")
    desk.commit("Modules of mine")


def test_the_workflow_runs_nothing_that_a_branch_brings(host: Host):
    trap(host.desk)
    ran = host.run(host.event())
    assert {"Install labelvc", "Judge"} <= set(ran.codes)
    assert not list(host.folder.rglob("imported"))
    assert ran.codes["Judge"] == 1, ran.said


def test_the_workflow_judges_nothing_for_another_branch_than_main():
    """A green for a soft branch would be green for main too, once the pull request goes there: a check hangs on the commit."""
    starts = YAML(typ="safe").load(hosts.contents("github")[WORKFLOW])["on"]
    assert (
        starts["pull_request"]["branches"]
        == starts["merge_group"]["branches"]
        == starts["push"]["branches"]
        == ["main"]
    )
    assert set(starts["pull_request"]["types"]) == {"opened", "synchronize", "reopened", "edited"}, (
        "edited: it goes elsewhere now"
    )


def test_the_workflow_is_red_where_main_went_back(host: Host):
    zoo = Zoo(host.desk.folder)
    zoo.git("switch", "-q", "main")
    old = zoo.git("rev-parse", "main")
    zoo.write("notes.md", "main went on")
    zoo.commit("On")
    event = host.event(head=old)
    ran = host.run(
        {
            "name": "push",
            "before": event["pull_request"]["base"]["sha"],
            "merge_group": {"head_sha": old},
            "ref": event["ref"],
        }
    )
    assert (ran.codes["Judge"], ran.green) == (0, False), ran.said
    assert "goes forward only" in ran.said


def test_the_workflow_says_what_it_lacks_to_install_labelvc(host: Host):
    host.variables.pop("LABELVC")
    ran = host.run(host.event())
    assert ran.codes["Install labelvc"] != 0
    assert "set the variable LABELVC" in ran.said


def test_the_workflow_judges_a_merge_queue_and_a_push(host: Host):
    host.desk.approve("ben")
    event = host.event()
    one, two = event["pull_request"]["base"]["sha"], event["pull_request"]["head"]["sha"]
    queue = {"merge_group": {"base_sha": one, "head_sha": host._tip(event)}, "ref": event["ref"]}
    assert host.run(queue).green
    ran = host.run({"before": one, "merge_group": {"head_sha": two}, "ref": event["ref"]})
    assert ran.green, ran.said


def test_the_workflow_looks_at_all_of_main_once_a_day(host: Host):
    """A record that was wrong before anybody judged is found by no judgement of a change."""
    zoo = Zoo(host.desk.folder)
    zoo.git("switch", "-q", "main")
    host.event()
    daily = {"name": "schedule", "ref": "refs/heads/main"}
    ran = host.run(daily)
    assert (ran.green, "Judge" in ran.codes, ran.summary, ran.uploaded) == (True, False, "", []), ran.said
    zoo.change("pets/p3#m1", value={"score": 9})
    zoo.commit("Nine, past everybody")
    host.event()
    ran = host.run(daily)
    assert ran.codes["Look at all that is there"] == 1
    assert "score.range" in ran.said


# ---------------------------------------------------------------- the others
def test_the_server_judges_what_is_pushed_to_main(desk: Desk, tmp_path: Path, labelvc: Run):
    server = tmp_path / "server.git"
    desk.git("clone", "-q", "--bare", str(desk.folder), str(server))
    hook = server / "hooks" / "pre-receive"
    hook.write_bytes(hosts.contents("pre-receive")["hooks/pre-receive"])
    hook.chmod(0o755)
    root = re.search(r"sha256:[0-9a-f]{64}", desk.labelvc("policy", "show")[1])
    around = {"PATH": f"{BIN}:{os.environ['PATH']}"}
    desk.git("push", "-q", str(server), "topic:other", **around)
    done = _push(desk, server, "topic:main", **around, LABELVC_ROOT=root[0])
    assert (done.returncode != 0, "approval.missing" in done.stderr) == (True, True), done.stderr
    done = _push(desk, server, ":main", **around)
    assert done.returncode != 0
    desk.approve("ben")
    assert "nobody pinned" in _push(desk, server, "topic:main", **around).stderr
    done = _push(desk, server, "topic:main", **around, LABELVC_ROOT=root[0])
    assert done.returncode == 0, done.stderr
    for words in (
        "+topic~1:main",
        "+main~1:main",
    ):  # what somebody said would be gone, and an old policy in force again
        done = _push(desk, server, words, **around, LABELVC_ROOT=root[0])
        assert (done.returncode != 0, "goes forward only" in done.stderr) == (True, True), done.stderr


def test_the_server_judges_the_branch_that_its_head_names(desk: Desk, tmp_path: Path):
    server = tmp_path / "server.git"
    desk.git("clone", "-q", "--bare", str(desk.folder), str(server))
    desk.git("-C", str(server), "branch", "-m", "main", "live")
    desk.git("-C", str(server), "symbolic-ref", "HEAD", "refs/heads/live")
    hook = server / "hooks" / "pre-receive"
    hook.write_bytes(hosts.contents("pre-receive")["hooks/pre-receive"])
    hook.chmod(0o755)
    around = {"PATH": f"{BIN}:{os.environ['PATH']}"}
    done = _push(desk, server, "topic:live", **around)
    assert (done.returncode != 0, "approval.missing" in done.stderr) == (True, True), done.stderr
    done = _push(desk, server, "topic:live", **around, LABELVC_BRANCH="refs/heads/other")
    assert done.returncode == 0, done.stderr


def test_the_server_judges_each_ref_of_one_push(desk: Desk, tmp_path: Path):
    """One bad ref refuses all of them: git takes in a push as a whole, or nothing of it, where pre-receive decides."""
    server = tmp_path / "server.git"
    desk.git("clone", "-q", "--bare", str(desk.folder), str(server))
    desk.git("push", "-q", str(server), "main:refs/heads/old")
    desk.git("-C", str(server), "symbolic-ref", "HEAD", "refs/heads/main")
    hook = server / "hooks" / "pre-receive"
    hook.write_bytes(hosts.contents("pre-receive")["hooks/pre-receive"])
    hook.chmod(0o755)
    around = {"PATH": f"{BIN}:{os.environ['PATH']}"}
    desk.git("tag", "-a", "-m", "first", "v1", "main")
    before = desk.git("ls-remote", str(server))
    good = ("v1", ":refs/heads/old", "+main:refs/heads/topic", "topic:refs/heads/new")
    for bad, why in (("topic:main", "approval.missing"), (":main", "main stays")):
        for words in ([bad, *good], [*good, bad]):
            done = _push(desk, server, *words, **around)
            assert (done.returncode != 0, why in done.stderr) == (True, True), done.stderr
            assert desk.git("ls-remote", str(server)) == before
    done = _push(desk, server, *good, **around)
    assert done.returncode == 0, done.stderr
    refs = dict(row.split()[::-1] for row in desk.git("ls-remote", str(server)).splitlines())
    assert ("refs/tags/v1" in refs, "refs/heads/old" in refs, "refs/heads/new" in refs) == (True, False, True)
    assert refs["refs/heads/topic"] == refs["refs/heads/main"]


def _push(desk: Desk, server: Path, *words: str, **around: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", "push", "-q", str(server), *words],
        cwd=desk.folder, env={**os.environ, **around}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_make_judges_a_branch_whatever_its_name(desk: Desk):
    path, data = next(iter(hosts.contents("make").items()))
    desk.write(path, data)
    name = "x$(touch${IFS}pwned)`id`'"
    desk.git("branch", name, "topic")
    around = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}
    words = ["make", "-f", path, "BASE=main", f"HEAD={name}", "OUT=../out"]
    done = subprocess.run(words, cwd=desk.folder, env=around, capture_output=True, text=True, check=False)
    assert "approval.missing" in done.stdout, done.stdout + done.stderr
    assert done.returncode != 0
    assert not list(desk.folder.parent.rglob("pwned"))
