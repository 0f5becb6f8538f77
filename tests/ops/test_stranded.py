"""What an import adds is gone through and not kept, however much it is, to find labels that a changed text would strand."""

from __future__ import annotations

import tracemalloc
from collections.abc import Collection, Iterator

import pytest

from labelvc.codec import canonical
from labelvc.errors import RefusedError
from labelvc.model.change import Delta
from labelvc.model.names import Key
from labelvc.ops import stranded
from labelvc.store import tree
from tests.zoo import Zoo, zoo, zoo_template

__all__ = ["zoo", "zoo_template"]
NUMBER = 20_000


class Added(Collection[Delta]):
    """So many items that come in, made as they are asked for; the last deltas are those given."""

    def __init__(self, *last: Delta) -> None:
        self._last = last

    def __iter__(self) -> Iterator[Delta]:
        for number in range(NUMBER):
            item = f"new-{number}"
            yield Delta(Key("pets", item, ""), None, canonical.encode_item({"id": item, "text": "x" * 200}))
        yield from self._last

    def __len__(self) -> int:
        return NUMBER + len(self._last)

    def __contains__(self, delta: object) -> bool:
        return delta in self._last


def test_what_comes_in_waits_nowhere(zoo: Zoo):
    work = tree.work(zoo.at)
    tracemalloc.start()
    try:
        stranded.refuse(zoo.at, work, "pets", Added())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < NUMBER * 20, "a key alone would take more of each"


def test_a_label_that_the_source_does_not_bring_is_still_found_behind_them(zoo: Zoo):
    old = zoo.raw("pets/p1#")
    text = Delta(
        Key("pets", "p1", ""), old, canonical.encode_item({**zoo.row("pets/p1#"), "text": "[[x]] cat and the dog"})
    )
    with pytest.raises(RefusedError, match="2 stored labels would cover other text"):
        stranded.refuse(zoo.at, tree.work(zoo.at), "pets", Added(text))
    brought = [Delta(Key("pets", "p1", name), zoo.raw(f"pets/p1#{name}"), b"{}") for name in ("w1", "w2")]
    stranded.refuse(zoo.at, tree.work(zoo.at), "pets", Added(text, *brought))
