"""Deltas set aside come back whole, those of a key together, and cost no memory however many they are."""

from __future__ import annotations

import tracemalloc
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from labelvc.core import diff
from labelvc.model.change import Delta
from labelvc.model.names import Key
from labelvc.store.aside import Aside

keys = st.one_of(
    st.builds(Key, st.sampled_from(["a", "b"]), st.sampled_from(["x", "ü/#", "\u2028"]), st.sampled_from(["", "1"])),
    st.sampled_from(["datasets/a/items/0.jsonl:00ff", "datasets/\udcff/items/0.jsonl:11"]),
)
halves = st.lists(
    st.tuples(keys, st.booleans(), st.sampled_from([b"one", b"two"])).map(
        lambda row: Delta(row[0], row[2], None) if row[1] else Delta(row[0], None, row[2])
    )
)


@given(halves, st.integers(1, 9))
def test_however_few_fit_in_memory_the_groups_hold_everything_and_join_to_the_same(found: list[Delta], most: int):
    with Aside(most) as aside:
        for delta in found:
            aside.add(delta)
        groups = list(aside.groups())
    assert Counter(delta for group in groups for delta in group) == Counter(found)
    for group in groups:
        assert all(
            {delta.key for delta in group}.isdisjoint(d.key for d in other) for other in groups if other is not group
        )
        for key in {delta.key for delta in group}:
            assert [d for d in group if d.key == key] == [d for d in found if d.key == key]
    assert Counter(delta for group in groups for delta in diff.join(group)) == Counter(diff.join(found))


def test_memory_stays_flat():
    def peak(number: int) -> int:
        tracemalloc.start()
        with Aside(1000) as aside:
            for at in range(number):
                aside.add(Delta(Key("d", f"item-{at}", "1"), None, b"x" * 200))
            assert sum(len(group) for group in aside.groups()) == number
            found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(40_000) < 1.5 * peak(10_000)
