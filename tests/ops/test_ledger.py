"""The ledger: a page carried from step to step is the one that the commit itself gives."""

from __future__ import annotations

import shutil

import pytest

from labelvc.ops import lying
from labelvc.ops.approvals import Shelf
from labelvc.ops.deeds import Deeds
from labelvc.ops.ledger import Ledger
from labelvc.ops.verify import Walk
from labelvc.store import git as plumbing
from labelvc.store import tree
from tests.people import Desk
from tests.trusting import desk, desk_template, people_keys

__all__ = ["desk", "desk_template", "people_keys"]


def test_a_page_carried_on_is_the_page_of_its_commit(desk: Desk):
    first = desk.git("rev-list", "--max-parents=0", "HEAD")
    desk.approve("ben")
    said = desk.approve("cleo", "main...topic", "reviewer", "--decision", "reject", "--reason", "no")
    desk.relabel("fine", "rev-2")
    desk.approve("ben")
    said.unlink()
    desk.commit("Forget the no")
    words = ("policy", "add", "dora", "--name", "Dora", "--sign-with", desk.key("ada"))
    assert desk.labelvc(*words)[0] == 0
    desk.commit("Dora")
    desk.write("approvals/notes.txt", "no statement")
    desk.commit("A stray file")
    shutil.rmtree(desk.folder / "approvals")
    desk.commit("Nothing was ever said")
    git = plumbing.find(desk.folder)
    pairs = plumbing.first_parents(git, first, "HEAD")
    assert len(pairs) == 10
    with tree.reader(git) as reader:
        deeds, carried = Deeds(git, reader), Ledger(git, Shelf(reader))
        objecting: list[int] = []
        for parent, commit in pairs:
            page = carried.after(deeds.of(parent, commit))
            alone = Ledger(git, Shelf(reader))
            whole = alone.page(commit)
            assert page.folders == whole.folders
            told = carried.objecting(page)
            assert told == alone.objecting(whole)
            assert dict(page.trust.entries) == dict(whole.trust.entries)
            objecting.append(len(told))
    assert objecting == [0, 0, 0, 1, 1, 1, 0, 0, 0, 0]


@pytest.mark.parametrize("many", [0, 256])
def test_statements_on_what_did_not_move_are_not_read_where_there_are_many(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, many: int
):
    monkeypatch.setattr(lying, "_MANY", many)
    desk.approve("ben")
    before = desk.git("rev-parse", "HEAD")
    desk.relabel("fine", "rev-2")
    desk.approve("ben", f"{before}..HEAD")
    git = plumbing.find(desk.folder)
    with tree.reader(git) as reader:
        walk = Walk(git, reader, None)
        assert walk.step(before, desk.git("rev-parse", "HEAD")).state == "approved"
        assert len(walk.shelf._against) == (2 if many else 1)
