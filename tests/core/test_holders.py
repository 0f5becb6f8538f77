"""Holders: the index says what going through all change-sets says."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from labelvc.core.holders import Holders
from labelvc.model.change import ChangeSet, Move
from labelvc.model.names import Digest

MOVES = st.builds(Move, st.sampled_from("abc"), st.none(), st.sampled_from([Digest("1"), Digest("2")]))
LISTS = st.lists(st.lists(MOVES, unique=True, max_size=4), max_size=6)


@given(LISTS, st.lists(MOVES, max_size=4))
def test_the_index_says_what_going_through_all_says(lists: list[list[Move]], wanted: list[Move]):
    holders = Holders()
    changesets = [ChangeSet(moves, Digest(f"{at}")) for at, moves in enumerate(lists)]
    for changeset in [*changesets, *changesets]:
        holders.add(changeset)
        assert changeset.root in holders
    assert Digest("x") not in holders
    assert holders.of(wanted) == [each.root for each in changesets if set(wanted) & set(each.moves)]
