"""A census against a walk over all records, and the laws that let it be worked out from the last one."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from labelvc.core import census
from labelvc.core.answers import Changed, Said, said_of
from labelvc.core.census import Asked, Counting
from labelvc.core.sums import Turned, gathered
from labelvc.core.veil import HIDDEN

COMPARED = ("kind", "mood")
PEOPLE = ["prs_bcdfghjklmnpqrstvwxzbcdfghjk", "someone in plain", None, 7]
Record = dict[str, Any]

_value = (
    st.sampled_from(["a", "b", "ü"]).map(lambda label: {"label": label})
    | st.sampled_from([0.5, 1, -3]).map(lambda score: {"score": score})
    | st.lists(st.sampled_from("abc"), max_size=2).map(lambda labels: {"labels": labels})
    | st.sampled_from([{"empty": True}, {"text": "long"}, {"label": ""}, {}, None, 5])
)
_record = st.fixed_dictionaries(
    {
        "item": st.sampled_from(["1", "2", "2 ", "ß"]),
        "id": st.sampled_from(["a", "a!", "b", "c", "d"]),
        "by": st.sampled_from(PEOPLE),
        "origin": st.sampled_from([None, {"tool": "x"}, {"model": "m"}]),
        "task": st.sampled_from(["kind", "kind", "mood", "free"]),
        "value": _value,
    },
    optional={"gone": st.booleans()},
)
_plain = st.builds(
    lambda item, number, label: {"item": item, "id": f"{number}", "by": f"p{number}", "task": "kind", "value": {"label": label}},
    st.sampled_from(["1", "2", "3"]),
    st.integers(0, 8),
    st.sampled_from("abc"),
)  # fmt: skip
_shards = st.lists(st.lists(_record | _plain, max_size=12) | st.lists(_plain, max_size=20), max_size=5)


def shard_of(records: list[Record]) -> bytes:
    rows = {(one["item"], one["id"]): json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in records}
    return "".join([f"{row}\n" for row in sorted(rows.values())]).encode()


def records_of(data: bytes) -> list[Record]:
    return [one for one in map(json.loads, data.decode().splitlines()) if not one.get("gone")]


def counted(shards: list[bytes], items: bytes = b"") -> census.Census:
    counting = Counting(Asked(COMPARED))
    for data in shards:
        counting.add(data, items)
    return counting.census()


def votes_of(records: list[Record]) -> dict[tuple[str, str], dict[str, str]]:
    """Return (item, task) to who said what, the last record by name of each person."""
    found: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for one in sorted(records, key=lambda one: one["id"]):
        by_model = isinstance(one.get("origin"), dict) and "model" in one["origin"]
        if one["task"] in COMPARED and isinstance(one["by"], str) and not by_model:
            value = one["value"] if isinstance(one["value"], dict) else {}
            name = next((name for name in ("label", "score", "text") if name in value), "")
            said = str(value[name]) if name else "(empty)" if "empty" in value else ",".join(value.get("labels", []))
            if said:
                found[one["item"], one["task"]][one["by"]] = said
    return found


@given(_shards)
def test_a_census_is_what_a_walk_over_all_records_counts(rows):
    shards = list(map(shard_of, rows))
    found = counted(shards, b"{}\n")
    records = [one for data in shards for one in records_of(data)]
    assert (found.items, found.records) == (len(shards), len(records))
    shown = [one["by"] if one["by"] in PEOPLE[:1] else "(nobody)" if one["by"] is None else HIDDEN for one in records]
    assert found.people == Counter(shown)
    assert sum(sum(labels.values()) for labels in found.labels.values()) == sum(
        max(1, len(one["value"]["labels"])) if isinstance(one["value"], dict) and "labels" in one["value"] else 1
        for one in records
    )
    labelled = Counter((one["task"], one["value"]["label"]) for one in records if _has_label(one))
    for (task, label), number in labelled.items():
        assert found.labels[task][label] >= number
    units: dict[str, list[list[str]]] = defaultdict(list)
    for data in shards:
        for (_, task), votes in votes_of(records_of(data)).items():
            units[task].append(list(votes.values()))
    expected = {task: gathered(some) for task, some in units.items()}
    assert found.agreement == {task: sums for task, sums in expected.items() if sums.answers}


def _has_label(one: Record) -> bool:
    return isinstance(one["value"], dict) and bool(one["value"].get("label"))


@given(_shards, _shards)
def test_shards_that_came_and_went_make_of_the_last_census_the_next(rows, others):
    some, rest = list(map(shard_of, rows)), list(map(shard_of, others))
    whole, gone = counted([*some, *rest]), counted(rest)
    assert census.combined([(1, whole), (-1, gone)]) == counted(some)
    assert census.combined([(1, counted(some)), (1, gone)]) == whole


_moves = st.dictionaries(
    st.tuples(st.sampled_from(["1", "2", "ß", "new"]), st.sampled_from(["a", "b", "3", "z"])),
    st.none() | st.builds(Said, st.sampled_from(COMPARED), st.sampled_from(["p1", "p2", "q"]), st.sampled_from("abc")),
    max_size=8,
)


def changed_by(moves: dict[tuple[str, str], Said | None]) -> Changed:
    """Return moves as they are kept, of all items in one shard but for `new`."""
    found = Changed(lambda item: "1" if item == "new" else "0")
    for (item, name), now in moves.items():
        found.add(item, name, now)
    return found


def sums_of(turned: dict[str, Turned]) -> dict[str, Any]:
    return {task: (*found.sums(), found.units) for task, found in turned.items()}


@given(st.lists(_record | _plain, max_size=20), st.booleans(), _moves)
def test_what_was_said_of_items_that_change_is_what_their_records_say(rows, broken, moves):
    """Worked out again record by record; what the census counts beside them, and what is counted of them alone, is the same."""
    data, changed = shard_of(rows) + b'{"item":"1"\n' * broken, changed_by(moves)
    assert changed.shards() == sorted({"1" if item == "new" else "0" for item, _ in moves})
    expected: dict[str, Turned] = {}
    for item in {item for item, _ in moves}:
        records = [one for one in records_of(shard_of(rows)) if one["item"] == item and item != "new"]
        old = {one["id"]: said for one in records if (said := said_of(one, COMPARED))}
        new = {**old, **{name: now for (of, name), now in moves.items() if of == item}}
        one, two = [
            {(each.task, each.by): each.answer for _, each in sorted(side.items()) if each} for side in (old, new)
        ]
        for task in COMPARED:
            before, after = [[said for (of, _), said in sorted(side.items()) if of == task] for side in (one, two)]
            if sorted(before) != sorted(after):
                expected.setdefault(task, Turned()).add(before, after)
    beside: dict[str, Turned] = {}
    Counting(Asked(COMPARED), beside).add(data, b"", changed.of("0"))
    alone: dict[str, Turned] = {}
    census.turn(alone, data, changed.of("0"), COMPARED)
    for found in (beside, alone):
        census.turn(found, b"", changed.of("1"), COMPARED)
        assert sums_of(found) == sums_of(expected)


def test_lines_that_cannot_be_read_count_for_nothing_and_items_that_lie_apart_are_one():
    one = b'{"item":"1","id":"a","by":"p","task":"kind","value":{"label":"x"}}\n'
    two = one.replace(b'"a"', b'"b"').replace(b'"p"', b'"q"')
    other = one.replace(b'"1"', b'"2"')
    apart = counted([one + other + b"<<<<<<< HEAD\n{}\n" + two + b'{"item":7}\n'])
    assert apart.agreement == {"kind": gathered([["x", "x"], ["x"]])}
    assert apart.labels["kind"] == {"x": 3}
