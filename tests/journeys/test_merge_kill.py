"""A merge or a resolve killed before any of its writes: the repository is before, after, or one named command from either."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.journeys.test_every_write import staged, state
from tests.killing import every_write
from tests.ops.test_merge import behind, both, fork, scored, stored
from tests.zoo import Zoo, zoo, zoo_template

__all__ = ["zoo", "zoo_template"]
Run = Callable[..., tuple[int, str, str]]
MODULES = ("labelvc.ops.merge", "labelvc.ops.resolve", "labelvc.ops.check", "labelvc.ops.doctor", "labelvc.cli.merge")
WITH_DVC = (*MODULES, "labelvc.store.dvc")


def killed(zoo: Zoo, words: tuple[str, ...], out: Path, modules: tuple[str, ...], step: int) -> list[Path]:
    out.mkdir()
    return every_write(zoo.folder, words, out, modules=modules, step=step)


@pytest.mark.parametrize(
    ("in_dvc", "step"),
    [
        (False, 5),
        (True, 29),
        pytest.param(False, 1, marks=pytest.mark.long),
        pytest.param(True, 1, marks=pytest.mark.long),
    ],
)
def test_a_killed_merge_is_taken_back_or_goes_on(zoo: Zoo, labelvc: Run, tmp_path: Path, in_dvc, step):
    ours, theirs = [scored("pets/p1#m1", 3)], [scored("pets/p1#m2", -3), scored("pets/p2#m1", -3)]
    if in_dvc:
        fork(zoo, stored(*ours), stored(*theirs), behind)
    else:
        fork(zoo, both(*ours), both(*theirs, lambda zoo: zoo.write("notes.txt", "theirs")))
    before, index = state(zoo.folder), staged(zoo.folder)
    copies = killed(zoo, ("merge", "topic"), tmp_path / "killed", WITH_DVC if in_dvc else MODULES, step)
    after = state(copies[-1])
    ways = set()
    for copy in copies[:-1]:
        (copy / ".git/index.lock").unlink(missing_ok=True)  # of a git that was killed with it
        _, told, _ = labelvc(copy, "doctor")
        merging = (copy / ".git/MERGE_HEAD").exists()
        if "labelvc merge --abort" in told:
            assert labelvc(copy, "check", "--staged")[0] == 2, "half a merge must not pass for a work tree"
            assert labelvc(copy, "merge", "topic")[0] == 2
            assert labelvc(copy, "merge", "--abort")[0] == 0, copy
            ways.add("taken back")
        elif merging:
            again = shutil.copytree(copy, copy.with_name(f"{copy.name}-again"), symlinks=True)
            assert labelvc(again, "merge", "--abort")[0] == 0
            assert state(again) == before
            assert labelvc(copy, "merge", "--continue")[0] == 0, copy
            assert state(copy) == after
            ways.add("gone on")
            continue
        else:
            ways.add("nothing to do")
        assert state(copy) in (before, after), (copy, sorted(set(state(copy).items()) ^ set(before.items())))
        assert (staged(copy) == index) == (state(copy) == before)
        assert labelvc(copy, "merge", "topic")[0] == 0, copy
        assert state(copy) == after
    assert "nothing to do" in ways
    assert ways & {"taken back", "gone on"}


def test_a_killed_resolve_is_before_or_after(zoo: Zoo, labelvc: Run, tmp_path: Path):
    fork(
        zoo,
        both(scored("pets/p1#m1", 3), scored("pets/p2#m1", 3)),
        both(scored("pets/p1#m1", -3), scored("pets/p2#m1", -3)),
    )
    assert labelvc(zoo.folder, "merge", "topic")[0] == 1
    before, index = state(zoo.folder), staged(zoo.folder)
    copies = killed(zoo, ("resolve", "--theirs"), tmp_path / "killed", MODULES, 1)
    after, done = state(copies[-1]), staged(copies[-1])
    for copy in copies[:-1]:
        (copy / ".git/index.lock").unlink(missing_ok=True)
        assert labelvc(copy, "doctor", "--finish")[0] == 0
        assert (state(copy), staged(copy)) in [(before, index), (after, done)], copy
