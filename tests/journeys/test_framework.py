"""The pre-commit framework run for real, from a repository that offers our manifest: what is committed is judged, however it comes.

The offered hooks run the labelvc of this environment (`language: unsupported` instead of `python`), so that no test installs a
package; all else in the manifest is as it ships.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from labelvc.cli import main as cli
from labelvc.model.framework import OFFERS, manifest
from labelvc.model.hooks import HOOKS
from tests.copying import copied
from tests.journeys.test_hooks import BAD, GOOD, attempt, framework, place, project, record_line, write

__all__ = ["framework", "project"]
MANY = 10_000
_made: dict[str, Path] = {}


@pytest.fixture
def offered(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    framework: Path,
    monkeypatch: pytest.MonkeyPatch,
    git: Callable[..., str],
) -> Path:
    """Return the project with the framework's hooks of all stages, taken from a repository that offers them; one cache serves all."""
    if _made:
        monkeypatch.setenv("PRE_COMMIT_HOME", str(_made["framework"]))
        return copied(_made["project"], tmp_path / "labels")
    top = tmp_path_factory.mktemp("made")
    monkeypatch.setenv("PRE_COMMIT_HOME", str(top / "framework"))
    project: Path = request.getfixturevalue("project")
    take(project, top / "hooks", framework, git)
    _made.update(project=copied(project, top / "labels"), framework=top / "framework")
    return project


def take(project: Path, hooks: Path, framework: Path, git: Callable[..., str]) -> None:
    """Make the repository that offers the hooks, and commit in the project that it takes them."""
    hooks.mkdir()
    git(hooks, "init", "-q")
    (hooks / ".pre-commit-hooks.yaml").write_text(manifest().replace("language: python", "language: unsupported"))
    git(hooks, "add", "--all")
    git(hooks, "commit", "-qm", "Hooks")
    names = "".join([f"      - id: {offer.id}\n" for offer in OFFERS])
    (project / ".pre-commit-config.yaml").write_text(
        f"default_install_hook_types: [{', '.join(HOOKS)}]\n"
        f"repos:\n  - repo: {hooks}\n    rev: {git(hooks, 'rev-parse', 'HEAD').strip()}\n    hooks:\n{names}"
    )
    assert cli.run(["-q", "-C", str(project), "install", "--uninstall"]) == 0
    subprocess.run([framework, "install"], cwd=project, check=True, capture_output=True)
    git(project, "branch", "-qM", "main")
    git(project, "add", "--all")
    git(project, "commit", "-qm", "Take the hooks of the framework")


def ran(said: str, result: str) -> list[str]:
    """Return the names of the hooks that the framework shows with a result."""
    return [line.split("...")[0] for line in said.splitlines() if "..." in line and line.endswith(result)]


def test_every_offer_is_tried_on_all_files(offered: Path, framework: Path):
    done = subprocess.run(
        [framework, "run", "--all-files", "--hook-stage", "manual"],
        cwd=offered,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, ran(done.stdout, "Passed")) == (0, ["labelvc format", "labelvc check"]), done.stdout


def test_a_commit_that_only_deletes_is_judged(offered: Path, git):
    git(offered, "rm", "-q", str(place(offered, "w1", "items").relative_to(offered)))
    code, said = attempt(offered, "commit", "-m", "delete an item whose record stays")
    assert code == 1
    assert ran(said, "Failed") == ["labelvc check"]
    assert "item.missing" in said


def test_a_merge_without_conflict_of_branches_that_do_not_fit_is_stopped(offered: Path, git):
    git(offered, "switch", "-qc", "side")
    document = offered / "labelvc.yaml"
    document.write_text(document.read_text().replace("maximum: 4", f"maximum: {GOOD}"))
    git(offered, "commit", "-qam", "a shorter scale")
    git(offered, "switch", "-q", "main")
    write(offered, "w1", GOOD + 1, rev=2)
    git(offered, "commit", "-qam", "a record on the old one")
    code, said = attempt(offered, "merge", "--no-edit", "side")
    assert code != 0
    assert ran(said, "Failed") == ["labelvc check"], said
    assert "score.range" in said
    assert "CONFLICT" not in said


def test_a_good_merge_passes_and_both_stages_run(offered: Path, git):
    git(offered, "switch", "-qc", "side")
    write(offered, "w1", GOOD + 1, rev=2)
    git(offered, "commit", "-qam", "one")
    git(offered, "switch", "-q", "main")
    write(offered, "w2", GOOD + 1, rev=2)
    git(offered, "commit", "-qam", "two")
    code, said = attempt(offered, "merge", "--no-edit", "side")
    assert code == 0, said
    assert ran(said, "Passed") == ["labelvc format", "labelvc check", "labelvc check of the message"]


def test_a_conflict_is_judged_when_it_is_committed(offered: Path, git):
    git(offered, "switch", "-qc", "side")
    write(offered, "w1", GOOD + 1, rev=2)
    git(offered, "commit", "-qam", "one")
    git(offered, "switch", "-q", "main")
    write(offered, "w1", GOOD - 1, rev=2)
    git(offered, "commit", "-qam", "two")
    assert attempt(offered, "merge", "side")[0] == 1
    git(offered, "add", "--all")
    code, said = attempt(offered, "commit", "--no-edit")
    assert code == 1
    assert "labelvc check" in ran(said, "Failed")
    assert "shard.markers" in said
    path = place(offered, "w1")
    kept = git(offered, "show", f"main:{path.relative_to(offered)}").encode().splitlines()
    path.write_bytes(b"".join([line + b"\n" for line in kept if b'"w1"' not in line]))
    write(offered, "w1", GOOD + 1, rev=3)
    git(offered, "add", "--all")
    assert attempt(offered, "commit", "--no-edit")[0] == 0


@pytest.mark.parametrize(("staged", "left", "code"), [(BAD, GOOD + 1, 1), (GOOD + 1, BAD, 0)])
def test_what_is_staged_hunk_by_hunk_is_judged_and_the_rest_stays(offered: Path, git, staged, left, code):
    first, second = (
        "w1",
        next(item for item in ("w0", "w2", "w3", "w4", "w5") if place(offered, item) != place(offered, "w1")),
    )
    write(offered, first, staged, rev=2)
    write(offered, second, left, rev=2)
    wanted = sorted(str(place(offered, item).relative_to(offered)) for item in (first, second))
    answers = "".join(["y\n" if path == str(place(offered, first).relative_to(offered)) else "n\n" for path in wanted])
    subprocess.run(["git", "add", "-p"], cwd=offered, input=answers, text=True, check=True, capture_output=True)
    assert git(offered, "diff", "--cached", "--name-only").split() == [str(place(offered, first).relative_to(offered))]
    got, said = attempt(offered, "commit", "-m", "a part")
    assert got == code, said
    assert ("score.range" in said) == bool(code)
    assert record_line(second, left, 2) in place(offered, second).read_bytes().splitlines()
    assert git(offered, "diff", "--name-only").split() == [str(place(offered, second).relative_to(offered))]


@pytest.mark.long
def test_ten_thousand_files_are_judged_at_once(offered: Path, git):
    folder = offered / "notes"
    folder.mkdir()
    for number in range(MANY):
        (folder / f"a note with a long name that fills a command line soon {number:05}.txt").write_text("nothing\n")
    write(offered, "w1", BAD, rev=2)
    git(offered, "add", "--all")
    code, said = attempt(offered, "commit", "-qm", "many")
    assert code == 1
    assert said.count("stopped by 1 error") == 1


def test_windows_line_ends_are_mended_by_the_formatter_and_then_pass(offered: Path, git):
    git(offered, "config", "core.autocrlf", "false")
    path = write(offered, "w1", GOOD + 1, rev=2)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    git(offered, "add", "--all")
    code, said = attempt(offered, "commit", "-m", "from a Windows machine")
    if code:
        assert ran(said, "Failed")[0] == "labelvc format"
        assert "files were modified by this hook" in said
        git(offered, "add", "--all")
        assert attempt(offered, "commit", "-m", "again")[0] == 0
    kept = git(offered, "cat-file", "-p", f"HEAD:{path.relative_to(offered)}")
    assert "\r" not in kept
    assert record_line("w1", GOOD + 1, 2).decode() in kept


def test_a_line_out_of_form_is_rewritten_and_the_commit_stops_once(offered: Path, git):
    path = write(offered, "w1", GOOD + 1, rev=2)
    path.write_bytes(path.read_bytes().replace(b'"rev":2', b'"rev": 2'))
    git(offered, "add", "--all")
    code, said = attempt(offered, "commit", "-m", "out of form")
    assert code == 1
    assert ran(said, "Failed")[0] == "labelvc format"
    assert record_line("w1", GOOD + 1, 2) in path.read_bytes().splitlines()
    git(offered, "add", "--all")
    assert attempt(offered, "commit", "-m", "in form")[0] == 0


def test_skip_leaves_out_the_hook_that_it_names_and_no_other(offered: Path, git):
    write(offered, "w1", BAD, rev=2)
    git(offered, "add", "--all")
    assert attempt(offered, "commit", "-m", "bad")[0] == 1
    code, said = attempt(offered, "commit", "-m", "write to anna.smith@firma.de", SKIP="labelvc-check")
    assert code == 1
    assert ran(said, "Skipped") == ["labelvc check"]
    assert ran(said, "Failed") == ["labelvc check of the message"]
    code, said = attempt(offered, "commit", "-m", "bad, and known to be", SKIP="labelvc-check")
    assert code == 0, said


def test_a_push_is_judged(offered: Path, git, tmp_path: Path):
    git(tmp_path, "init", "-q", "--bare", "-b", "main", "server.git")
    git(offered, "remote", "add", "origin", str(tmp_path / "server.git"))
    git(offered, "push", "-q", "origin", "main")
    write(offered, "w2", BAD, rev=2)
    git(offered, "commit", "-qam", "bad", "--no-verify")
    code, said = attempt(offered, "push", "origin", "main")
    assert code != 0
    assert ran(said, "Failed") == ["labelvc check before push"]
    assert "score.range" in said
