"""Hooks and drivers with real git: what is staged is judged, whatever the work tree holds; nothing passes unseen."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from labelvc.cli import main as cli
from labelvc.codec import canonical, shard
from tests.copying import copied

GOOD, BAD = 1, 9
MANIFEST = Path(__file__).resolve().parents[2] / ".pre-commit-hooks.yaml"
_made: dict[str, Path] = {}


def item_line(item: str) -> bytes:
    return canonical.encode_item({"id": item, "text": f"word {item}"})


def record_line(item: str, score: int, rev: int = 1, identifier: str = "r1") -> bytes:
    value = {"score": score}
    return canonical.encode_record(
        {"item": item, "id": identifier, "rev": rev, "task": "sentiment", "under": "sentiment@1.0.0", "value": value}
    )


def place(folder: Path, item: str, layer: str = "annotations") -> Path:
    return folder / shard.path("ratings", layer, shard.place(item, 2))


def write(folder: Path, item: str, score: int, rev: int = 1, identifier: str = "r1") -> Path:
    """Write a record, and its item when that is new, into the shards they belong to."""
    for layer, line in (("items", item_line(item)), ("annotations", record_line(item, score, rev, identifier))):
        path = place(folder, item, layer)
        path.parent.mkdir(parents=True, exist_ok=True)
        before = shard.lines(path.read_bytes()) if path.exists() else []
        start = shard.prefix(shard.key_of(line, "ratings", layer))
        path.write_bytes(shard.write([*(old for old in before if not old.startswith(start)), line]))
    return place(folder, item)


def attempt(folder: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    """Run git where it may fail: (exit code, all it said)."""
    done = subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, **environment}
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def project(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, git: Callable[..., str]) -> Path:
    """Return a project with six records, committed through the hooks that `labelvc install` set up."""
    if "project" not in _made:
        folder = tmp_path_factory.mktemp("made") / "labels"
        assert cli.run(["-q", "init", str(folder), "--template", "rating"]) == 0
        assert cli.run(["-q", "-C", str(folder), "install"]) == 0
        for number in range(6):
            write(folder, f"w{number}", GOOD)
        git(folder, "add", "--all")
        git(folder, "commit", "-qm", "start")
        _made["project"] = folder
    folder = tmp_path / "labels"
    copied(_made["project"], folder)
    return folder


def test_a_bad_staged_record_fails_though_the_work_tree_is_mended(project, git):
    write(project, "w1", BAD, rev=2)
    git(project, "add", "--all")
    write(project, "w1", GOOD + 1, rev=2)
    code, said = attempt(project, "commit", "-m", "bad")
    assert code == 1
    assert "score.range" in said
    assert "ratings/w1#r1" in said
    assert "pre-commit: stopped by 1 error" in said
    assert git(project, "log", "--oneline").count("\n") == 1


def test_a_good_staged_record_passes_though_the_work_tree_is_bad(project, git):
    write(project, "w1", GOOD + 1, rev=2)
    git(project, "add", "--all")
    write(project, "w1", BAD, rev=2)
    assert attempt(project, "commit", "-m", "good")[0] == 0


def test_commit_a_and_commit_path_judge_the_index_git_makes_for_them(project):
    write(project, "w1", BAD, rev=2)
    assert attempt(project, "commit", "-am", "bad")[0] == 1
    path = str(place(project, "w1").relative_to(project))
    assert attempt(project, "commit", "-m", "bad", "--", path)[0] == 1
    write(project, "w2", GOOD + 1, rev=2)
    assert attempt(project, "commit", "-m", "good", "--", str(place(project, "w2").relative_to(project)))[0] == 0


def test_a_commit_that_only_deletes_is_judged(project, git):
    git(project, "rm", "-q", str(place(project, "w1", "items").relative_to(project)))
    code, said = attempt(project, "commit", "-m", "delete an item whose record stays")
    assert code == 1
    assert "w1" in said


def test_a_commit_that_deletes_the_project_is_not_green(project, git):
    git(project, "rm", "-q", "labelvc.yaml")
    code, said = attempt(project, "commit", "-m", "no project")
    assert code != 0
    assert "labelvc.yaml" in said


def test_a_linked_work_tree_runs_the_hooks_too(project, git, tmp_path):
    git(project, "worktree", "add", "-q", "-b", "other", str(tmp_path / "other"))
    write(tmp_path / "other", "w1", BAD, rev=2)
    git(tmp_path / "other", "add", "--all")
    assert attempt(tmp_path / "other", "commit", "-m", "bad")[0] == 1
    write(tmp_path / "other", "w1", GOOD + 1, rev=2)
    git(tmp_path / "other", "add", "--all")
    assert attempt(tmp_path / "other", "commit", "-m", "good")[0] == 0


def test_a_clean_merge_of_two_good_branches_that_do_not_fit_is_stopped(project, git):
    git(project, "switch", "-qc", "less")
    for layer in ("items", "annotations"):
        git(project, "rm", "-q", str(place(project, "w1", layer).relative_to(project)))
    git(project, "commit", "-qm", "take w1 away", "--no-verify")
    git(project, "switch", "-q", "-")
    write(project, "w1", GOOD, identifier="r2")
    git(project, "commit", "-qnam", "a second rating of w1")
    code, said = attempt(project, "merge", "--no-edit", "less")
    assert code != 0, said


def test_a_merge_without_conflict_runs_pre_merge_commit(project, git):
    git(project, "switch", "-qc", "theirs")
    write(project, "w1", BAD, rev=2)
    git(project, "commit", "-qam", "bad", "--no-verify")
    git(project, "switch", "-q", "-")
    write(project, "w2", GOOD + 1, rev=2)
    git(project, "commit", "-qam", "good")
    code, said = attempt(project, "merge", "--no-edit", "theirs")
    assert code != 0
    assert "score.range" in said
    assert "pre-merge-commit: stopped" in said
    git(project, "merge", "--abort")
    git(project, "switch", "-q", "theirs")
    write(project, "w1", GOOD + 2, rev=2)
    git(project, "commit", "-q", "--amend", "--no-edit", "--no-verify", "-a")
    git(project, "switch", "-q", "-")
    git(project, "merge", "-q", "--no-edit", "theirs")


@pytest.mark.parametrize("way", ["merge", "push"])
def test_a_record_that_changed_twice_on_a_branch_passes_when_the_branch_arrives(project, git, tmp_path, way):
    git(tmp_path, "init", "-q", "--bare", "-b", "main", "server.git")
    git(project, "branch", "-qM", "main")
    git(project, "remote", "add", "origin", str(tmp_path / "server.git"))
    git(project, "push", "-q", "origin", "main")
    git(project, "switch", "-qc", "theirs")
    for rev in (2, 3):
        write(project, "w1", rev, rev=rev)
        write(project, "w9", rev, rev=rev - 1)
        git(project, "add", "--all")
        git(project, "commit", "-qm", f"change to {rev}")
    if way == "push":
        assert attempt(project, "push", "origin", "theirs:main")[0] == 0
    else:
        git(project, "switch", "-q", "main")
        assert attempt(project, "merge", "--no-ff", "--no-edit", "theirs")[0] == 0


@pytest.fixture
def conflicting(project, git) -> Path:
    """Return a project where two branches changed one record."""
    git(project, "switch", "-qc", "theirs")
    write(project, "w1", 3, rev=2)
    git(project, "commit", "-qnam", "theirs")
    git(project, "switch", "-q", "-")
    write(project, "w1", 2, rev=2)
    git(project, "commit", "-qnam", "ours")
    return project


def test_a_conflict_has_markers_and_cannot_be_committed_with_them(conflicting, git):
    assert attempt(conflicting, "merge", "theirs")[0] == 1
    text = place(conflicting, "w1").read_text()
    assert text.count("<<<<<<< ours\n") == text.count(">>>>>>> theirs\n") == 1
    git(conflicting, "add", "--all")
    assert attempt(conflicting, "commit", "--no-edit")[0] == 1
    write(conflicting, "w1", 3, rev=3)
    place(conflicting, "w1").write_bytes(shard.write([record_line("w1", 3, rev=3)]))
    git(conflicting, "add", "--all")
    assert attempt(conflicting, "commit", "--no-edit")[0] == 0


@pytest.mark.parametrize("where", ["linked work tree", "submodule"])
def test_a_checkout_whose_git_folder_is_elsewhere_merges_by_record_too(conflicting, git, labelvc, tmp_path, where):
    folder = tmp_path / "other"
    if where == "submodule":
        git(tmp_path, "init", "-q", "super")
        add = ("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(conflicting), "labels")
        git(tmp_path / "super", *add)
        folder = tmp_path / "super" / "labels"
        git(folder, "branch", "-q", "theirs", "origin/theirs")
        assert labelvc(folder, "install")[0] == 0
    else:
        git(conflicting, "worktree", "add", "-q", "-b", "other", str(folder))
    assert (folder / ".git").is_file()
    assert attempt(folder, "merge", "theirs")[0] == 1
    assert place(folder, "w1").read_text().count("<<<<<<< ours\n") == 1
    git(folder, "add", "--all")
    code, said = attempt(folder, "commit", "--no-edit")
    assert (code, "shard.markers" in said) == (1, True), said
    git(folder, "merge", "--abort")
    assert labelvc(folder, "merge", "theirs")[0] == 1
    assert labelvc(folder, "resolve", "--theirs")[0] == 0
    assert labelvc(folder, "merge", "--continue")[0] == 0
    assert record_line("w1", 3, rev=3) in place(folder, "w1").read_bytes()
    assert labelvc(folder, "check", "--all")[0] == labelvc(folder, "check", "HEAD^1..HEAD")[0] == 0
    assert git(folder, "status", "--porcelain") == ""
    assert '"score":2' in place(conflicting, "w1").read_text(), "the other checkout is as it was"


@pytest.mark.parametrize("trouble", ["gone", "ends with 1", "killed"])
def test_a_broken_labelvc_leaves_the_text_merge_and_its_markers(conflicting, git, tmp_path, trouble):
    python = tmp_path / "python"
    if trouble != "gone":
        python.write_text(f"#!/bin/sh\n{'exit 1' if trouble == 'ends with 1' else 'kill -9 $$'}\n")
        python.chmod(0o755)
    driver = git(conflicting, "config", "merge.labelvc.driver").strip()
    git(conflicting, "config", "merge.labelvc.driver", driver.replace(sys.executable, str(python)))
    assert attempt(conflicting, "merge", "theirs")[0] == 1
    text = place(conflicting, "w1").read_text()
    assert "<<<<<<< ours\n" in text
    assert '"score":2' in text
    assert '"score":3' in text


def test_the_driver_merges_what_does_not_conflict_with_and_without_labelvc(project, git):
    both = place(project, "w1")
    both.write_bytes(shard.write([record_line("w1", GOOD, identifier=f"r{number}") for number in range(1, 8)]))
    git(project, "commit", "-qnam", "seven ratings")
    git(project, "switch", "-qc", "theirs")
    write(project, "w1", 2, rev=2, identifier="r7")
    git(project, "commit", "-qnam", "theirs")
    git(project, "switch", "-q", "-")
    write(project, "w1", 3, rev=2, identifier="r1")
    git(project, "commit", "-qnam", "ours")
    start = git(project, "rev-parse", "HEAD").strip()
    git(project, "merge", "-q", "--no-edit", "theirs")
    merged = both.read_bytes()
    assert merged.count(b'"rev":2') == 2
    git(project, "reset", "-q", "--hard", start)
    git(
        project,
        "config",
        "merge.labelvc.driver",
        git(project, "config", "merge.labelvc.driver").replace(sys.executable, "/nowhere"),
    )
    git(project, "merge", "-q", "--no-edit", "theirs")
    assert both.read_bytes() == merged


def test_hunks_show_keys_and_words_are_fields(project, git):
    place(project, "w1").write_bytes(
        shard.write([record_line("w1", GOOD, identifier=f"r{number}") for number in range(1, 8)])
    )
    git(project, "commit", "-qnam", "seven ratings")
    write(project, "w1", 2, rev=2, identifier="r7")
    assert '@@ w1","id":"r6' in git(project, "diff", "-U0")
    assert '{"score":[-1-]{+2+}}' in git(project, "diff", "--word-diff")


def test_a_hook_that_was_there_runs_first_and_may_stop(project, git, tmp_path):
    assert cli.run(["-q", "-C", str(project), "install", "--uninstall"]) == 0
    hooks = project / ".git" / "hooks"
    log = tmp_path / "log"
    for name, words in (("pre-commit", 'echo "first $@"'), ("pre-push", 'echo "push $@"; cat')):
        (hooks / name).write_text(f"#!/bin/sh\n{{ {words}; }} >> {log}\nexit ${{STOP:-0}}\n")
        (hooks / name).chmod(0o755)
    assert cli.run(["-q", "-C", str(project), "install"]) == 0
    before = sorted(path.name for path in hooks.iterdir())
    assert cli.run(["-q", "-C", str(project), "install"]) == 0
    assert sorted(path.name for path in hooks.iterdir()) == before
    assert {"pre-commit", "pre-commit.legacy", "pre-push.legacy"} <= set(before)
    write(project, "w1", BAD, rev=2)
    assert attempt(project, "commit", "-am", "bad")[0] == 1
    assert log.read_text() == "first \n"
    write(project, "w1", GOOD + 1, rev=2)
    assert attempt(project, "commit", "-am", "stopped", STOP="7")[0] == 1
    assert attempt(project, "commit", "-am", "good")[0] == 0
    git(tmp_path, "init", "-q", "--bare", "server.git")
    git(project, "push", "-q", str(tmp_path / "server.git"), "HEAD~:refs/heads/main")
    assert "refs/heads/main 0000000" in log.read_text()
    assert cli.run(["-q", "-C", str(project), "install", "--uninstall"]) == 0
    assert "first" in (hooks / "pre-commit").read_text()
    assert not (hooks / "pre-commit.legacy").exists()


def test_two_hooks_that_cannot_both_be_kept_are_refused(project, labelvc):
    hooks = project / ".git" / "hooks"
    for name in ("pre-commit", "pre-commit.legacy"):
        (hooks / name).write_text(f"#!/bin/sh\n# {name} of somebody else\n")
    before = {path.name: path.read_bytes() for path in hooks.iterdir()}
    code, _, err = labelvc(project, "install")
    assert code == 1
    assert "pre-commit.legacy is taken" in err
    assert {path.name: path.read_bytes() for path in hooks.iterdir()} == before


def test_hooks_path_of_the_clone_is_honoured(project, git, labelvc):
    labelvc(project, "install", "--uninstall")
    git(project, "config", "core.hooksPath", ".githooks")
    assert labelvc(project, "install")[0] == 0
    assert (project / ".githooks" / "pre-commit").exists()
    assert not (project / ".git" / "hooks" / "pre-commit").exists()
    write(project, "w1", BAD, rev=2)
    assert attempt(project, "commit", "-am", "bad")[0] == 1


def test_hooks_path_of_the_user_is_not_written_to(repo, git, labelvc, tmp_path):
    git(repo, "config", "--global", "core.hooksPath", str(tmp_path / "shared"))
    code, _, err = labelvc(repo, "install")
    assert code == 1
    assert "every repository" in err
    assert not (tmp_path / "shared").exists()
    git(repo, "config", "--local", "core.hooksPath", str(repo / ".git" / "hooks"))
    assert labelvc(repo, "install")[0] == 0


def test_a_hook_in_a_repository_without_a_project_lets_everything_pass(repo, git, labelvc):
    assert labelvc(repo, "install")[0] == 0
    (repo / "readme").write_text("no labels here\n")
    git(repo, "add", "--all")
    git(repo, "commit", "-qm", "start")


def test_a_hook_that_finds_no_labelvc_fails_with_the_cure(project, git, tmp_path):
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("git", "sh", "grep"):
        (tools / tool).symlink_to(shutil.which(tool))
    git(project, "config", "--unset", "labelvc.python")
    code, said = attempt(project, "commit", "--allow-empty", "-m", "nothing", PATH=str(tools))
    assert code != 0
    assert "labelvc was not found" in said
    assert "labelvc install" in said


def test_a_hook_imports_nothing_from_the_work_tree(project, git):
    (project / "labelvc").mkdir()
    for path in ("labelvc/__init__.py", "json.py", "click.py", "sitecustomize.py"):
        (project / path).write_text("open('imported', 'w').close()\nraise SystemExit(0)\n")
    write(project, "w1", BAD, rev=2)
    git(project, "add", "datasets")
    assert attempt(project, "commit", "-m", "bad")[0] == 1
    assert not (project / "imported").exists()


@pytest.fixture
def server(project, git, tmp_path) -> Path:
    """Return a bare repository with labelvc's hook that the project can push to."""
    git(tmp_path, "init", "-q", "--bare", "-b", "main", "server.git")
    git(project, "branch", "-qM", "main")
    git(project, "remote", "add", "origin", str(tmp_path / "server.git"))
    assert cli.run(["-q", "-C", str(tmp_path / "server.git"), "install"]) == 0
    git(project, "push", "-q", "origin", "main")
    return tmp_path / "server.git"


def test_pre_receive_refuses_what_went_round_every_hook(project, server, git):
    write(project, "w1", BAD, rev=2)
    git(project, "commit", "-qam", "bad", "--no-verify")
    code, said = attempt(project, "push", "--no-verify", "origin", "main")
    assert code != 0
    assert "score.range" in said
    assert "pre-receive: stopped by 1 error" in said
    assert git(server, "rev-list", "--count", "main").strip() == "1"


def test_pre_receive_judges_every_commit(project, server, git):
    write(project, "w1", BAD, rev=2)
    git(project, "commit", "-qam", "bad", "--no-verify")
    write(project, "w1", GOOD, rev=3)
    git(project, "commit", "-qam", "mended")
    assert attempt(project, "push", "--no-verify", "origin", "main")[0] != 0
    assert attempt(project, "push", "--no-verify", "origin", "main:refs/heads/other")[0] != 0
    git(project, "reset", "-q", "--soft", "origin/main")
    write(project, "w1", GOOD + 1, rev=2)
    git(project, "commit", "-qam", "good")
    git(project, "push", "-q", "origin", "main", "main:refs/heads/other")
    git(project, "push", "-q", "origin", "--delete", "other")
    assert git(server, "rev-list", "--count", "main").strip() == "2"


def test_pre_receive_refuses_what_is_no_commit(project, server, git):
    blob = git(project, "rev-parse", "HEAD:labelvc.yaml").strip()
    for around in ((), ("--no-verify",)):
        code, said = attempt(project, "push", *around, "origin", f"{blob}:refs/tags/blob")
        assert code != 0
        assert "only commits can be judged" in said


def test_pre_push_judges_what_a_push_brings(project, git, tmp_path):
    git(tmp_path, "init", "-q", "--bare", "-b", "main", "server.git")
    git(project, "branch", "-qM", "main")
    git(project, "remote", "add", "origin", str(tmp_path / "server.git"))
    git(project, "push", "-q", "origin", "main")
    git(project, "switch", "-qc", "topic")
    write(project, "w1", BAD, rev=2)
    git(project, "commit", "-qam", "bad", "--no-verify")
    for target in ("topic", "topic:main"):
        code, said = attempt(project, "push", "origin", target)
        assert code != 0
        assert "score.range" in said
        assert "pre-push: stopped by 1 error" in said
    write(project, "w1", GOOD + 1, rev=2)
    git(project, "commit", "-qa", "--amend", "--no-edit", "--no-verify")
    git(project, "push", "-q", "origin", "topic")
    git(project, "push", "-q", "origin", "--delete", "topic")


@pytest.fixture
def framework(tmp_path, monkeypatch):
    """Return the pre-commit framework, which is among the packages of the tests, with a cache of its own."""
    found = Path(sys.executable).with_name("pre-commit")
    assert found.exists()
    monkeypatch.setenv("PATH", f"{found.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PRE_COMMIT_HOME", str(tmp_path / "framework"))
    return found


def test_the_pre_commit_framework_runs_the_same_hooks(project, git, tmp_path, framework):
    subprocess.run([framework, "validate-manifest", str(MANIFEST)], check=True, capture_output=True)
    assert cli.run(["-q", "-C", str(project), "install", "--uninstall"]) == 0
    subprocess.run([framework, "install"], cwd=project, check=True, capture_output=True)
    assert cli.run(["-q", "-C", str(project), "install"]) == 0
    assert not (project / ".git" / "hooks" / "pre-commit.legacy").exists()
    git(tmp_path, "init", "-q", "--bare", "-b", "main", "server.git")
    git(project, "branch", "-qM", "main")
    git(project, "remote", "add", "origin", str(tmp_path / "server.git"))
    git(project, "push", "-q", "origin", "main")
    write(project, "w1", BAD, rev=2)
    git(project, "add", "--all")
    write(project, "w1", GOOD + 1, rev=2)
    code, said = attempt(project, "commit", "-m", "bad")
    assert code == 1
    assert "score.range" in said
    git(project, "add", "--all")
    git(project, "commit", "-qm", "good")
    write(project, "w2", BAD, rev=2)
    git(project, "commit", "-qam", "bad", "--no-verify")
    code, said = attempt(project, "push", "origin", "main")
    assert code != 0
    assert "score.range" in said


def test_the_framework_in_ci_is_not_green_because_nothing_is_staged(project, git, tmp_path, monkeypatch, framework):
    def run(*words: str, **environment: str) -> tuple[int, str]:
        done = subprocess.run(
            [framework, "run", *words],
            cwd=project,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **environment},
        )
        return done.returncode, done.stdout + done.stderr

    write(project, "w2", BAD, rev=2)
    git(project, "commit", "-qam", "bad", "--no-verify")
    write(project, "w3", GOOD + 1, rev=2)
    git(project, "commit", "-qam", "good", "--no-verify")
    for words, environment in (
        (["--all-files"], {"CI": "true"}),
        (["--from-ref", "HEAD~2", "--to-ref", "HEAD"], {}),
        (["--from-ref", "HEAD~2", "--to-ref", "HEAD"], {"CI": "true"}),
    ):
        code, said = run(*words, **environment)
        assert code == 1, said
        assert "score.range" in said
    assert run("--from-ref", "HEAD~1", "--to-ref", "HEAD", CI="true")[0] == 0
    assert run("--all-files")[0] == 0  # a person's: what is staged, as at a commit
    write(project, "w2", GOOD + 1, rev=3)
    git(project, "commit", "-qam", "mended", "--no-verify")
    assert run("--all-files", CI="true")[0] == 0
