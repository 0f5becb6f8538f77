"""Erasure as a law: whatever holds a token, no line holds it afterwards, other lines stay, and markers link nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelvc.codec import canonical, shard
from labelvc.core import erasure, pseudonym, revise
from labelvc.core.erasure import Eraser, Way
from labelvc.model.names import Key
from tests.zoo import ANNA, BEN

TEXTS = st.one_of(
    st.sampled_from([ANNA, BEN, f"see {ANNA}", f"x{ANNA}b", f"{ANNA} and {BEN}", f"{ANNA}:{'bcdf' * 10}", "shy", ""]),
    st.integers(0, 9),
)
VALUES = st.recursive(
    TEXTS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["a", "b", ANNA]), inner, max_size=3)
    ),
    max_leaves=6,
)
NAMES = st.sampled_from(["i1", "i2", "i3", ANNA])
ITEMS = st.dictionaries(NAMES, VALUES, max_size=4)
RECORDS = st.dictionaries(
    st.tuples(NAMES, st.sampled_from(["r1", "r2", BEN, ANNA])),
    st.tuples(st.sampled_from([ANNA, BEN]), VALUES, st.booleans()),
    max_size=8,
)


def draw() -> Iterator[bytes]:
    number = 0
    while True:
        number += 1
        yield number.to_bytes(32, "big")


def lines(items: dict[str, Any], records: dict[Any, Any]) -> tuple[bytes, bytes]:
    some = [canonical.encode_item({"id": name, "ext": {"v": value}}) for name, value in items.items()]
    more = []
    for (item, name), (by, value, gone) in records.items():
        head = {"item": item, "id": name}
        whole = (
            {**head, "gone": True, "rev": 2}
            if gone
            else {**head, "by": by, "rev": 1, "task": "t", "value": {"text": "x"}, "ext": {"v": value}}
        )
        more.append(canonical.encode_record(whole))
    return shard.write(some), shard.write(more)


def after(items: bytes, records: bytes, way: Way | None) -> dict[Key, bytes]:
    """Return what lies there when the fates are done, each delta held to what it starts from."""
    there = {shard.key_of(raw, "d", "items"): raw for raw in shard.lines(items)}
    there |= {shard.key_of(raw, "d"): raw for raw in shard.lines(records)}
    found = {key: raw for key, raw in there.items() if key}
    random = draw()
    for fate in Eraser([ANNA], way, lambda: next(random)).fates("d", items, records):
        for delta in fate.deltas:
            assert isinstance(delta.key, Key)
            assert found.pop(delta.key, None) == delta.old
            assert not delta.key.id or not revise.problem(delta, {ANNA})
            if delta.new is not None:
                found[delta.key] = delta.new
    return found


@given(ITEMS, RECORDS, st.sampled_from(["drop", "unlink", None]))
def test_no_line_holds_the_token_and_others_stay(items: dict[str, Any], records: dict[Any, Any], way: Way | None):
    before = lines(items, records)
    found = after(*before, way)
    assert not any(ANNA.encode() in raw for raw in found.values())
    whole = shard.lines(before[0]) + shard.lines(before[1])
    gone = {name for name in items if way != "unlink" and ANNA in json.dumps({name: items[name]})}
    kept = [raw for raw in whole if ANNA.encode() not in raw and json.loads(raw).get("item") not in gone]
    assert set(kept) <= set(found.values())
    if way == "unlink":
        dead = sum(ANNA in key and told[2] for key, told in records.items())
        assert len(found) == len(whole) - dead
    for raw in found.values():
        assert canonical.decode(raw) == json.loads(raw)
    shards = [
        b"".join(raw + b"\n" for key, raw in sorted(found.items()) if bool(key.id) == layer) for layer in (False, True)
    ]
    assert not list(Eraser([ANNA], way, lambda: b"\1" * 32).fates("d", *shards)), "twice changes nothing"


def test_markers_of_two_items_have_nothing_in_common_and_are_told_from_tokens():
    tokens = [pseudonym.marker(ANNA, bytes([number]) * 32) for number in range(1, 50)]
    assert len(set(tokens)) == 49
    assert all(pseudonym.is_token(token) and pseudonym.is_marker(token) for token in tokens)
    assert all(
        (pseudonym.kind_of(token), pseudonym.epoch_of(token)) == ("person", pseudonym.epoch_of(ANNA))
        for token in tokens
    )
    assert not pseudonym.is_marker(ANNA)
    with pytest.raises(Exception, match="marks somebody who was erased"):
        erasure.tokens_of(tokens)
