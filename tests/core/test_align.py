"""Alignment: no line is ever lost, whatever broken versions hold, and no version counts more than another."""

from __future__ import annotations

from collections import Counter

from hypothesis import example, given
from hypothesis import strategies as st

from labelvc.codec import canonical
from labelvc.core.align import Keyed, align, keyed
from labelvc.model.names import Key
from tests.strategies import identifiers, names, records

keys = st.one_of(
    st.builds(
        Key, st.sampled_from(["d", "e"]), st.sampled_from(["a", "b", "a#b", "é"]), st.sampled_from(["", "1", "2"])
    ),
    st.sampled_from([b"junk", b"other"]),
)
versions = st.lists(st.lists(st.tuples(keys, st.binary(max_size=2)), max_size=12), min_size=1, max_size=3)


@given(versions)
@example([[(b"junk", b"junk"), (b"junk", b"junk")], []])
def test_no_line_is_lost_and_none_is_made_up(sides: list[list[Keyed]]) -> None:
    rows = list(align(*sides))
    for at, side in enumerate(sides):
        assert Counter((key, row[at]) for key, row in rows if row[at] is not None) == Counter(side)
    assert all(any(line is not None for line in row) for _, row in rows)
    assert all(len(row) == len(sides) for _, row in rows)


@given(versions)
def test_no_side_counts_more_than_another(sides: list[list[Keyed]]) -> None:
    there = list(align(*sides))
    back = list(align(*reversed(sides)))
    assert [(key, row[::-1]) for key, row in back] == there


@given(versions)
def test_keys_come_in_the_order_of_their_text(sides: list[list[Keyed]]) -> None:
    found = [key for key, _ in align(*sides)]
    named = [key for key in found if isinstance(key, Key)]
    assert named == sorted(named, key=lambda key: tuple(part.encode() for part in key))
    assert found == [key for key in found if isinstance(key, bytes)] + named


@given(st.lists(st.tuples(keys, st.binary(max_size=2)), max_size=12), st.randoms(use_true_random=False))
def test_the_order_of_distinct_keys_in_a_version_does_not_matter(side: list[Keyed], chance) -> None:
    single = list(dict(side).items())
    mixed = list(single)
    chance.shuffle(mixed)
    assert list(align(mixed, side)) == list(align(single, side))


@given(st.lists(records(), max_size=4), st.lists(st.binary(max_size=6), max_size=3))
def test_every_line_gets_a_key_and_stays_whole(rows: list[dict], junk: list[bytes]) -> None:
    lines = [*map(canonical.encode_record, rows), *junk]
    found = list(keyed(lines, "pets", "annotations"))
    assert [line for _, line in found] == lines
    assert [key for key, _ in found][: len(rows)] == [Key("pets", row["item"], row["id"]) for row in rows]
    assert [key for key, _ in found][len(rows) :] == junk


@given(names, identifiers)
def test_a_key_is_read_from_the_line_alone(item: str, name: str) -> None:
    line = canonical.encode_record({"item": item, "id": name, "rev": 1})
    assert next(keyed([line], "d", "annotations"))[0] == Key("d", item, name)
    assert next(keyed([canonical.encode_item({"id": item})], "d", "items"))[0] == Key("d", item, "")
