"""The journal: all files of a step or none, taken up again after any end of the process."""

from __future__ import annotations

import json
import os
import signal
import sys

import pytest

from labelvc.errors import StoreError
from labelvc.store import files, journal
from labelvc.store import git as plumbing


@pytest.fixture
def at(repo):
    (repo / "a").write_bytes(b"old a")
    (repo / "b").write_bytes(b"old b")
    return plumbing.find(repo)


def contents(at):
    return {
        path.relative_to(at.top).as_posix(): path.read_bytes()
        for path in at.top.rglob("*")
        if path.is_file() and ".git" not in path.parts
    }


def decided(at):
    """Run a transaction in a child that is killed before the first file is put in place; return its steps."""
    child = os.fork()
    if not child:
        sys.addaudithook(_kill_at_rename)
        try:
            with files.lock(at):
                stage(at)
        finally:
            os._exit(1)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    found = journal.pending(at)
    assert found is not None
    return found.steps


def _kill_at_rename(event, arguments):
    if event == "os.rename" and not str(arguments[1]).endswith("journal"):
        os.kill(os.getpid(), signal.SIGKILL)


def stage(at, trouble=None):
    """Change three files as one step, or raise before the end."""
    with journal.transaction(at, "import") as change:
        change.write("a", b"new a")
        change.write("deep/er/c", b"new c")
        change.delete("b")
        if trouble is not None:
            raise trouble


NEW = {"a": b"new a", "deep/er/c": b"new c"}
OLD = {"a": b"old a", "b": b"old b"}


def test_leaving_the_block_puts_all_in_place(at):
    with files.lock(at), journal.transaction(at, "import") as change:
        change.write("a", b"new a")
        change.write(at.top / "deep/er/c", b"new c")
        change.delete("b")
        change.delete("not there")
        assert {**OLD}.items() <= contents(at).items()
    assert contents(at) == NEW
    assert not journal.has_left(at)


def test_an_exception_leaves_everything_as_it_was(at):
    with files.lock(at), pytest.raises(ZeroDivisionError):
        stage(at, ZeroDivisionError())
    assert contents(at) == OLD
    assert not (at.top / "deep").exists()
    assert not journal.has_left(at)


def test_equal_bytes_are_left_alone_unless_a_link_is_to_be_cut(at):
    os.link(at.top / "a", at.top / "shared")
    for fresh, links in ((False, 2), (True, 1)):
        with files.lock(at), journal.transaction(at, "import") as change:
            change.write("a", b"old a", fresh=fresh)
        assert (at.top / "a").stat().st_nlink == links


def test_what_was_decided_is_finished_by_who_takes_the_lock(at):
    steps = decided(at)
    with pytest.raises(StoreError, match="killed half way") as caught:
        files.refuse_unfinished(at)
    assert caught.value.hint == journal.FINISH
    first = steps[0]
    (at.top / first.path).with_name(first.staged).replace(at.top / first.path)  # one of three is in place
    found = files.interrupted(at)
    assert (found.done, found.undone, found.strange, found.before) == (1, 2, [], False)
    with files.lock(at):
        pass
    assert contents(at) == NEW
    assert files.interrupted(at) is None


def test_what_had_changed_nothing_is_cleared_away(at):
    decided(at)
    assert files.interrupted(at).before
    assert files.settle(at).before
    assert contents(at) == OLD


def test_a_file_changed_since_is_not_written_over(at):
    steps = decided(at)
    (at.top / "a").with_name(steps[0].staged).replace(at.top / "a")
    (at.top / "b").write_bytes(b"mine")
    with pytest.raises(StoreError, match="1 of its files changed since") as caught, files.lock(at):
        pass
    assert caught.value.where == "b"
    assert contents(at)["b"] == b"mine"
    assert files.settle(at, forget=True).strange == ["b"]
    assert contents(at) == {"a": b"new a", "b": b"mine"}
    with files.lock(at):
        pass


@pytest.mark.parametrize("cut", range(0, 400, 7))
def test_a_draft_cut_anywhere_changed_nothing(at, cut):
    change = journal.Transaction(at, "import")
    change.write("a", b"new a")
    change.write("deep/c", b"new c")
    change._draft.close()
    draft = at.directory / "labelvc/draft"
    draft.write_bytes(draft.read_bytes()[:cut])
    with files.lock(at):
        pass
    kept = {path: data for path, data in contents(at).items() if not path.endswith(files.UNFINISHED)}
    assert kept == OLD
    assert not journal.has_left(at)


@pytest.mark.parametrize("damage", [b"[1, 2]\n", b"{nonsense\n", b"\xff\n", b"7\n", b'{"after": 3}\n'])
def test_a_broken_journal_is_told(at, damage):
    decided(at)
    (at.directory / "labelvc/journal").write_bytes(damage)
    with pytest.raises(StoreError, match="cannot be read") as caught, files.lock(at):
        pass
    assert caught.value.hint.startswith("rm ")


def test_paths_outside_are_refused(at, tmp_path):
    (at.top / "link").symlink_to(tmp_path)
    for path in ("../outside", "link/outside", tmp_path / "outside"):
        with (
            pytest.raises(StoreError, match="leads out"),
            files.lock(at),
            journal.transaction(at, "import") as change,
        ):
            change.write(path, b"x")
    assert not (tmp_path / "outside").exists()


def test_files_of_git_itself_take_part(at):
    with files.lock(at), journal.transaction(at, "merge") as change:
        change.write("a", b"merged")
        change.write(at.directory / "MERGE_MSG", b"Merge\n")
        change.then("stage", ["a", "never there"])
    assert (at.directory / "MERGE_MSG").read_bytes() == b"Merge\n"
    assert plumbing.run(at, "ls-files").decode() == "a\n"


def test_a_linked_work_tree_has_its_own_journal(at, git):
    git(at.top, "add", "--all")
    git(at.top, "commit", "-qm", "start")
    git(at.top, "worktree", "add", "-q", "../linked")
    linked = plumbing.find(at.top.parent / "linked")
    steps = decided(linked)
    (linked.top / "a").with_name(steps[0].staged).replace(linked.top / "a")
    with files.lock(at):
        assert files.interrupted(at) is None
    with files.lock(linked):
        pass
    assert {path: data for path, data in contents(linked).items() if path != ".git"} == NEW


def test_a_running_command_is_waited_for_not_called_killed(at):
    decided(at)
    with files.alone(at):
        assert files.interrupted(at) is None


def format_and_stage(at):
    with journal.transaction(at, "format") as change:
        change.write("a", b"new a")
        change.then("stage", ["a"])


def test_what_must_follow_and_fails_is_tried_again(at):
    (at.directory / "index.lock").touch()
    with files.lock(at), pytest.raises(StoreError):
        format_and_stage(at)
    assert contents(at)["a"] == b"new a"
    assert json.loads((at.directory / "labelvc/journal").read_text().splitlines()[0]) == {"command": "format"}
    (at.directory / "index.lock").unlink()
    assert files.settle(at).command == "format"
    assert plumbing.run(at, "ls-files").decode() == "a\n"


def test_a_draft_that_a_full_disk_cut_short_is_cleared_away_in_the_same_process(at):
    def cut_short() -> None:
        with journal.transaction(at, "import") as change:
            change.write("a", b"new a")
            change._draft.write('["b", ".b.0123')
            change._draft.flush()
            raise ZeroDivisionError

    with files.lock(at), pytest.raises(ZeroDivisionError):
        cut_short()
    assert contents(at) == OLD
    assert not journal.has_left(at)


@pytest.mark.parametrize("edited", ["a", "b", "deep/er/c"])
@pytest.mark.parametrize("before", [True, False])
def test_what_changed_since_the_command_began_is_not_written_over(at, edited, before):
    with pytest.raises(StoreError, match="changed while labelvc worked on it") as caught:
        interrupted_by(at, at.top / edited, before=before)
    assert (caught.value.where, caught.value.hint) == (edited, "run the command again")
    assert contents(at) == {**OLD, edited: b"mine"}
    assert not journal.has_left(at)


def interrupted_by(at, place, *, before):
    """Change three files as one step while somebody edits one of them: before it is staged, or after."""
    with files.lock(at) as since, journal.transaction(at, "import", since) as change:
        if before:
            edit(place)
        change.write("a", b"new a")
        change.write("deep/er/c", b"new c")
        change.delete("b")
        if not before:
            edit(place)


def edit(place):
    """Change a file as an editor does that puts another in its place, with times of its own."""
    place.parent.mkdir(parents=True, exist_ok=True)
    beside = place.with_name("swap")
    beside.write_bytes(b"mine")
    os.utime(beside, ns=(0, 0))
    beside.replace(place)
