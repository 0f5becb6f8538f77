"""After `git switch` without `dvc checkout` the former branch's shards lie beside this branch's pointer: nobody stores them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from dvc.repo import Repo

from labelvc.ops import tidy
from labelvc.store import proved, stale
from labelvc.store.reader import Reader
from tests.copying import copied
from tests.journeys.conftest import contents
from tests.zoo import ANNA, Zoo, rating, zoo, zoo_template

__all__ = ["zoo", "zoo_template"]
Command = Callable[..., tuple[int, str, str]]
FOLDER = "datasets/pets/annotations"
_made: dict[str, Path] = {}


def dvc_checkout(zoo: Zoo, *, force: bool = False) -> None:
    """Do what `dvc checkout` does, of which labelvc hears nothing."""
    with Repo(str(zoo.folder)) as repo:
        repo.checkout(force=force)


@pytest.fixture
def branches(zoo: Zoo, tmp_path_factory: pytest.TempPathFactory) -> Zoo:
    """Return the zoo behind DVC on `main`, where p1 is rated anew and p2 twice; `other` has p3 changed and lacks both.

    It is a copy: nothing that labelvc noted of the files holds here.
    """
    if "branches" not in _made:
        zoo.store_in_dvc()
        zoo.commit("Store in DVC")
        zoo.git("branch", "other")
        zoo.change("pets/p1#m1", value={"score": 3})
        zoo.put("pets/p2#m9", rating("p2", name="m9"))
        tidy.tidy(zoo.at)
        zoo.commit("On main")
        zoo.git("switch", "-q", "other")
        dvc_checkout(zoo)
        zoo.change("pets/p3#m1", value={"score": -3})
        tidy.tidy(zoo.at)
        zoo.commit("On other")
        zoo.git("switch", "-q", "main")
        dvc_checkout(zoo)
        _made["branches"] = copied(zoo.folder, tmp_path_factory.mktemp("made") / "zoo")
    fresh = Zoo(zoo.folder.parent / "copy")
    copied(_made["branches"], fresh.folder)
    fresh.git("update-index", "-q", "--refresh")
    return fresh


def refused(labelvc: Command, zoo: Zoo, *words: str) -> str:
    before = contents(zoo.folder)
    code, out, err = labelvc(zoo.folder, *words)
    assert code == 2, (words, out, err)
    assert contents(zoo.folder) == before
    return err


def done(labelvc: Command, zoo: Zoo, *words: str) -> str:
    code, out, err = labelvc(zoo.folder, *words)
    assert code == 0, (words, out, err)
    return out + err


COMMANDS = {
    "format": ("format",),
    "import": ("import", "jsonl", "SOURCE", "--dataset", "pets", "--task", "mood"),
    "dry": ("import", "jsonl", "SOURCE", "--dataset", "pets", "--task", "mood", "--dry-run"),
    "reshard": ("dataset", "reshard", "pets", "--shards", "16"),
    "to git": ("dataset", "storage", "pets", "git"),
    "apply": ("plumbing", "apply", "DIFF"),
    "forward": ("merge", "further"),
    "merge": ("merge", "main"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_stores_the_former_branch(branches: Zoo, labelvc: Command, tmp_path: Path, name: str):
    (tmp_path / "in.jsonl").write_text(
        f'{{"item":"p4","id":"m5","by":"{ANNA}","task":"mood","under":"mood@1.1.0","value":{{"score":1}}}}\n'
    )
    (tmp_path / "diff.jsonl").write_text(done(labelvc, branches, "diff", "other~1..other", "--format", "jsonl"))
    branches.git("branch", "further", "other")
    branches.git("switch", "-q", "--detach" if name in ("apply", "forward") else "other")
    if name in ("apply", "forward"):
        branches.git("switch", "-q", "--detach", "other~1")
    words = [
        {"SOURCE": str(tmp_path / "in.jsonl"), "DIFF": str(tmp_path / "diff.jsonl")}.get(w, w) for w in COMMANDS[name]
    ]
    said = refused(labelvc, branches, *words)
    assert "holds the shards of main (" in said
    assert f"where: {FOLDER}\n" in said
    assert f"next: dvc checkout {FOLDER}.dvc" in said
    dvc_checkout(branches)
    done(labelvc, branches, *words)


def test_edits_of_what_the_pointer_names_are_stored(branches: Zoo, labelvc: Command):
    """Here is nothing that labelvc noted: not a line of another branch lies there."""
    branches.change("pets/p5#m1", bump=0, value={"score": 0})
    done(labelvc, branches, "format")
    assert "~ pets/p5#m1  /value/score -2 -> 0" in done(labelvc, branches, "diff")
    branches.commit("Edited on main")
    branches.git("switch", "-q", "other")
    dvc_checkout(branches)
    branches.change("pets/p1#m1", bump=0, value={"score": -3})  # where the branches differ
    done(labelvc, branches, "format")
    assert "records: 1 changed, 0 added, 0 removed" in done(labelvc, branches, "diff")


def test_taking_back_by_hand_what_was_just_stored_is_an_edit(branches: Zoo, labelvc: Command):
    """The shards are byte for byte those of the commit before, and the pointer is the one labelvc put there."""
    branches.put("pets/p2#m8", rating("p2", name="m8"))
    done(labelvc, branches, "format")
    branches.commit("One more")
    branches.put("pets/p2#m8", None)
    done(labelvc, branches, "format")
    assert branches.row("pets/p2#m8") == {"item": "p2", "id": "m8", "gone": True, "rev": 2}


def test_what_another_commit_holds_is_stored_where_a_person_says_so(branches: Zoo, labelvc: Command):
    kept = {path.name: path.read_bytes() for path in (branches.folder / FOLDER).iterdir()}
    branches.git("switch", "-q", "other")
    refused(labelvc, branches, "format")
    done(labelvc, branches, "format", "--edited")
    assert branches.row("pets/p1#m1")["value"] == {"score": 3}
    assert {path.name for path in (branches.folder / FOLDER).iterdir()} == kept.keys()
    branches.commit("As on main")
    assert "everything is in form already" in done(labelvc, branches, "format")


@pytest.mark.parametrize("before", [True, False])
def test_edits_made_on_the_former_branch_are_not_lost(branches: Zoo, labelvc: Command, before: bool):
    """Whether some or all of the shards that tell the branches apart were edited: the way back keeps the edits."""
    for key in ["pets/p5#m1", *(f"pets/{item}#m1" for item in ("p1", "p2", "p3"))]:
        if before:
            branches.change(key, bump=0, ext={"note": "edited"})
    branches.git("switch", "-q", "other")
    if not before:
        branches.change("pets/p5#m1", bump=0, ext={"note": "edited"})
    said = refused(labelvc, branches, "format")
    assert "holds the shards of main (" in said
    assert ", with edits in " in said
    assert "next: git switch main, labelvc format and git commit keep the edits; dvc checkout --force" in said
    branches.git("switch", "-q", "main")
    done(labelvc, branches, "format")
    branches.commit("What was edited")
    branches.git("switch", "-q", "other")
    dvc_checkout(branches)
    assert branches.row("pets/p1#m1")["value"] == {"score": -1}


def test_all_lines_that_tell_two_branches_apart_are_edited(branches: Zoo, labelvc: Command):
    """One record differs between the branches, another of its shard was edited before the switch."""
    branches.git("switch", "-q", "-c", "near", "other")
    dvc_checkout(branches)
    branches.change("pets/p1#m1", value={"score": 4})
    done(labelvc, branches, "format")
    branches.commit("Near")
    neighbour = next(key for key in ("pets/p1#m2", "pets/p1#k1") if branches.shard(key) == branches.shard("pets/p1#m1"))
    branches.change(neighbour, bump=0, ext={"note": "edited"})
    branches.git("switch", "-q", "other")
    said = refused(labelvc, branches, "format")
    assert "holds the shards of near (" in said
    assert "with edits in 1 shard" in said


def test_a_pointer_that_git_took_back_is_known(branches: Zoo, labelvc: Command):
    """What `format` stored and nobody committed is named by no commit once it is restored."""
    branches.change("pets/p5#m1", bump=0, value={"score": 0})
    done(labelvc, branches, "format")
    branches.git("restore", "--staged", "--worktree", ".")
    said = refused(labelvc, branches, "format")
    assert "holds what labelvc stored here last and not what its DVC pointer names" in said
    dvc_checkout(branches)
    assert "everything is in form already" in done(labelvc, branches, "format")


def test_a_pull_without_checkout_is_not_undone(branches: Zoo, labelvc: Command, tmp_path: Path):
    """The pointer moves on with the branch, and what lies there is older."""
    branches.git("switch", "-q", "-c", "mine", "main~1")
    dvc_checkout(branches)
    branches.git("merge", "-q", "--ff-only", "main")
    assert "holds the shards of " in refused(labelvc, branches, "format")
    dvc_checkout(branches)
    assert "everything is in form already" in done(labelvc, branches, "format")


def test_a_folder_that_was_never_checked_out_whole(branches: Zoo, labelvc: Command):
    first = min((branches.folder / FOLDER).iterdir())
    data = first.read_bytes()
    first.unlink()
    said = refused(labelvc, branches, "format")
    assert "the folder lacks 1 shard that its DVC pointer names" in said
    assert (
        f"next: dvc checkout {FOLDER}.dvc; or, if these are your edits of this branch, labelvc format --edited" in said
    )
    first.write_bytes(data)
    done(labelvc, branches, "format")
    first.unlink()  # now labelvc saw it whole
    done(labelvc, branches, "format")
    assert b'"gone":true' in first.read_bytes()


def test_a_branch_that_has_no_pointer_yet(zoo: Zoo, labelvc: Command):
    zoo.git("rm", "-rq", "datasets/pets/annotations", "datasets/pets/items")
    zoo.replace("datasets/pets/dataset.yaml", "storage: git", "storage: dvc")
    zoo.commit("Nothing yet")
    zoo.git("switch", "-q", "-c", "other")
    zoo.put("pets/p1#m1", rating("p1"))
    zoo.store_in_dvc()
    zoo.commit("On other")
    zoo.git("switch", "-q", "main")
    said = refused(labelvc, zoo, "format")
    assert "holds the shards of other (" in said
    assert f"next: rm -r {FOLDER}; or" in said
    shutil.rmtree(zoo.folder / FOLDER)
    assert "everything is in form already" in done(labelvc, zoo, "format")


def torn(zoo: Zoo) -> None:
    """Make a branch that has p1 rated otherwise than `main`."""
    zoo.git("switch", "-q", "-c", "torn", "main~1")
    dvc_checkout(zoo)
    zoo.change("pets/p1#m1", value={"score": -4})
    tidy.tidy(zoo.at)
    zoo.commit("Torn")


def test_in_a_merge_conflicts_are_settled_by_hand_and_formatted(branches: Zoo, labelvc: Command):
    torn(branches)
    assert labelvc(branches.folder, "merge", "main")[0] == 1
    path = branches.shard("pets/p1#m1")
    lines = branches.read(path).split(b"\n")
    kept = [
        line for line in lines if not line.startswith((b"<<<", b"|||", b"===", b">>>")) and b'"score":-1' not in line
    ]
    branches.write(
        path, b"\n".join([line for line in kept if b'"id":"m1"' not in line or b'"p1"' not in line or b"-4" in line])
    )
    done(labelvc, branches, "format")
    assert "merged as" in done(labelvc, branches, "merge", "--continue")
    assert branches.row("pets/p1#m1")["value"] == {"score": -4}
    assert branches.row("pets/p2#m9")["value"] == {"score": 1}


def test_a_merge_that_git_aborted_leaves_nothing_to_store(branches: Zoo, labelvc: Command):
    torn(branches)
    assert labelvc(branches.folder, "merge", "main")[0] == 1
    branches.git("merge", "--abort")
    said = refused(labelvc, branches, "format")
    assert "dvc checkout" in said
    dvc_checkout(branches, force=True)
    assert "everything is in form already" in done(labelvc, branches, "format")


def test_both_versions_of_a_pointer_are_no_pointer(branches: Zoo, labelvc: Command):
    """git cannot merge two pointers: storing what lies there would settle it in favour of this side, without a word."""
    torn(branches)
    branches.git("merge", "main", code=1)
    for words in (("format",), ("format", "--edited")):
        said = refused(labelvc, branches, *words)
        assert "a merge left both versions of a DVC pointer" in said
        assert "next: git merge --abort; labelvc merge REV" in said


def test_status_check_and_diff_say_the_same(branches: Zoo, labelvc: Command):
    branches.change("pets/p5#m1", bump=0, value={"score": 0})
    for words in (("status",), ("check",), ("diff",)):
        assert "holds the shards" not in "".join(labelvc(branches.folder, *words)[1:])
    branches.git("switch", "-q", "other")
    dvc_checkout(branches, force=True)
    branches.git("switch", "-q", "main")
    said = refused(labelvc, branches, "format")
    message, hint = said.splitlines()[0].removeprefix("error: "), said.splitlines()[2].strip()
    screen = done(labelvc, branches, "status")
    assert f"stale       {FOLDER}: {message}\n" in screen
    assert hint in screen
    code, out, _ = labelvc(branches.folder, "check")
    assert (code, message in out, hint in out) == (1, True, True)
    _, out, err = labelvc(branches.folder, "diff")
    assert f"{FOLDER}: {message}\n  {hint}\n" in err
    assert "stale" not in out
    assert json.loads(done(labelvc, branches, "status", "--format", "json"))["summary"]["stale"] == [FOLDER]
    assert "holds the shards" not in done(labelvc, branches, "diff", "main..other")


def test_a_folder_beside_a_pointer_that_git_put_there_anew_is_not_hashed_again(
    branches: Zoo, labelvc: Command, monkeypatch: pytest.MonkeyPatch
):
    """Only the shard that was edited is: the others are known to be what the manifest says."""
    monkeypatch.setattr(proved, "_REST", 0)
    done(labelvc, branches, "status")
    pointer = branches.folder / f"{FOLDER}.dvc"
    data = pointer.read_bytes()
    pointer.unlink()
    pointer.write_bytes(data)
    branches.change("pets/p1#m1", value={"score": -2})
    hashed: list[str] = []
    monkeypatch.setattr(stale._Folder, "_holds", noting(stale._Folder._holds, hashed))
    monkeypatch.setattr(Reader, "holds", noting(Reader.holds, hashed))
    done(labelvc, branches, "status")
    assert set(hashed) == {branches.shard("pets/p1#m1")}


def noting(method: Callable[..., bool], seen: list[str]) -> Callable[..., bool]:
    """Return a method that notes the path it is asked of."""

    def noted(self: object, path: str, *rest: object, **named: object) -> bool:
        seen.append(path)
        return method(self, path, *rest, **named)

    return noted
