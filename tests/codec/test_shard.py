"""Where lines live, and what is read of them without decoding."""

from __future__ import annotations

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelvc.codec import canonical, shard
from labelvc.errors import ConfigurationError, DataError
from labelvc.model.names import Key
from tests.strategies import identifiers, names, records


@given(names, st.integers(1, 8))
def test_a_place_is_the_first_base_4_digits_of_the_digest(group: str, k: int) -> None:
    bits = "".join(f"{byte:08b}" for byte in hashlib.sha256(group.encode()).digest())
    expected = "".join(str(int(bits[at : at + 2], 2)) for at in range(0, 2 * k, 2))
    assert shard.place(group, k) == expected


@given(names)
def test_a_finer_sharding_only_splits_shards(group: str) -> None:
    assert shard.place(group, 5).startswith(shard.place(group, 4))


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("03", "datasets/d/items/03.jsonl"),
        ("0312", "datasets/d/items/0312.jsonl"),
        ("031203", "datasets/d/items/031/031203.jsonl"),
    ],
)
def test_paths_fan_out_above_256_shards(name: str, path: str) -> None:
    assert shard.path("d", "items", name) == path
    assert shard.parse_path(path) == ("d", "items", name)


@pytest.mark.parametrize(
    "path",
    [
        "datasets/d/items/04.jsonl",
        "datasets/d/other/03.jsonl",
        "x/datasets/d/items/03.jsonl",
        "datasets/d/items/03.json",
    ],
)
def test_other_paths_are_no_shards(path: str) -> None:
    assert shard.parse_path(path) is None


@given(st.data())
def test_the_pattern_of_all_shards_holds_the_paths_that_are_their_own(data: st.DataObject) -> None:
    digits = data.draw(st.dictionaries(st.sampled_from(["pets", "b.c", "bxc", "q-1"]), st.integers(1, 7)))
    dataset = data.draw(st.sampled_from(["pets", "b.c", "bxc", "q-1"]))
    name = data.draw(st.text("0123", min_size=1, max_size=7))
    folder = data.draw(st.sampled_from(["", f"{name[:3]}/", "012/", "0/"]))
    layer, end = (
        data.draw(st.sampled_from(["annotations", "items", "other"])),
        data.draw(st.sampled_from(["jsonl", "json"])),
    )
    path = f"datasets/{dataset}/{layer}/{folder}{name}.{end}"
    found = shard.own_path(path)
    own = found is not None and digits.get(found[0]) == len(found[2])
    assert bool(shard.own_paths(digits).fullmatch(path)) == own


def test_git_picks_a_delta_base_for_every_shard_name() -> None:
    """The name hash of builtin/pack-objects.c must be distinct, or pushes lose their delta bases."""

    def name_hash(path: str) -> int:
        found = 0
        for character in path:
            found = ((found >> 2) + (ord(character) << 24)) & 0xFFFFFFFF
        return found

    for k in (4, 6):
        paths = [shard.path("d", "annotations", shard_name(number, k)) for number in range(4**k)]
        assert len({name_hash(path) for path in paths}) == len(paths)


def shard_name(number: int, k: int) -> str:
    return "".join("0123"[number >> 2 * at & 3] for at in reversed(range(k)))


@pytest.mark.parametrize("count", [0, 1, 2, 8, 15, 17, 100, -4])
def test_only_powers_of_four_are_numbers_of_shards(count: int) -> None:
    with pytest.raises(ConfigurationError):
        shard.digits(count)


def test_at_most_500_records_a_shard() -> None:
    assert [shard.count_for(number) for number in (0, 8000, 8001, 75_200, 1_000_000)] == [16, 16, 64, 256, 4096]


@given(records())
def test_the_key_is_read_without_decoding(record: dict[str, str]) -> None:
    raw = canonical.encode_record(record)
    key = Key("d", record["item"], record["id"])
    assert shard.key_of(raw, "d") == key
    assert raw.startswith(shard.prefix(key))
    assert Key.parse(str(key)) == key


@given(st.lists(records(), max_size=8, unique_by=lambda record: (record["item"], record["id"])))
def test_a_line_is_found_by_its_key_alone(found: list[dict[str, str]]) -> None:
    raws = {Key("d", record["item"], record["id"]): canonical.encode_record(record) for record in found}
    data = shard.write(raws.values())
    assert shard.lines(data) == sorted(raws.values())
    for key, raw in raws.items():
        assert shard.find(data, key) == raw
    assert shard.find(data, Key("d", "nobody", "nothing")) is None


def test_a_prefix_of_an_id_is_not_the_id() -> None:
    data = shard.write([b'{"item":"a","id":"r1","rev":1}', b'{"item":"a","id":"r10","rev":1}'])
    assert shard.find(data, Key("d", "a", "r1")) == b'{"item":"a","id":"r1","rev":1}'
    assert shard.find(data, Key("d", "a", "r")) is None


@given(names, identifiers)
def test_keys_split_at_the_last_hash(item: str, identifier: str) -> None:
    assert Key.parse(f"d/{item}#{identifier}") == Key("d", item, identifier)


@pytest.mark.parametrize("text", ["", "d", "d/i", "i#r", "/i#r", "d/#r"])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(DataError):
        Key.parse(text)


def test_markers_are_seen() -> None:
    data = b'{"item":"a"}\n<<<<<<< ours\n{"item":"b"}\n=======\n>>>>>>> theirs\n'
    assert list(shard.markers(data)) == [2, 4, 5]


@pytest.mark.parametrize(
    ("pattern", "group"), [(None, "doc1-s3"), (r"^(doc\d+)", "doc1"), (r"doc\d+", "doc1"), ("(x)", "doc1-s3")]
)
def test_neighbours_share_a_group(pattern: str | None, group: str) -> None:
    assert shard.group_of("doc1-s3", re.compile(pattern) if pattern else None) == group


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=4)), st.integers(1, 10), st.data()
)
def test_the_items_astray_are_those_whose_place_is_another_shard(items: list[str], k: int, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([*(shard.place(item, k) for item in items), "0" * k, "3" * k, "1" * k]))
    assert shard.astray(items, name, None) == [item for item in items if shard.place(item, k) != name]
