"""Each label rolls up to its own ancestor of a level, as climbing step by step finds it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from labelvc.core import hierarchy
from labelvc.model.project import Label

TREES = st.lists(st.integers(0, 1000), max_size=30)


@given(TREES, st.integers(1, 6))
def test_it_is_the_ancestor_that_climbing_finds(parents, level):
    above = {str(at): str(seed % at) if at and seed % 4 else None for at, seed in enumerate(parents)}
    labels = [Label(name, parent=parent) for name, parent in reversed(above.items())]
    for label, found in hierarchy.at_level(labels, level).items():
        way = [label]
        while above[way[-1]] is not None:
            way.append(above[way[-1]])
        assert found == way[::-1][min(level, len(way)) - 1]


def test_a_long_chain_is_quick():
    labels = [Label(str(at), parent=str(at - 1) if at else None) for at in range(20_000)]
    assert hierarchy.at_level(reversed(labels), 2)["19999"] == "1"
