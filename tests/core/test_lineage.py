"""Operations on the labels of a taxonomy: no label is lost, none is used twice, and every record's label leads on."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelvc.codec import canonical, document
from labelvc.core import diff, lineage, references
from labelvc.core.lineage import Operation
from labelvc.core.references import Document
from labelvc.errors import RefusedError
from labelvc.model.change import Delta
from labelvc.model.names import Key

START = """schema: urn:labelvc:schema:taxonomy:1
name: t
version: 1.0.0
labels:
  - {id: a, name: A}
  - {id: b, name: B, parent: a}   # below a
  - {id: c, name: C}
  - id: d
    name: D
    parent: b
"""
IDS = st.sampled_from(["a", "b", "c", "d", "e", "f", "g"])
OPERATIONS = st.one_of(
    st.builds(lambda into, parent: Operation("add", (), (into,), "", parent), IDS, st.none()),
    st.builds(lambda label, name: Operation("rename", (label,), (), name), IDS, st.sampled_from(["X", "Y", "a", "B"])),
    st.builds(
        lambda labels, into: Operation("merge", tuple(label for label in labels if label != into), (into,)),
        st.lists(IDS, min_size=1, max_size=3, unique=True),
        IDS,
    ),
    st.builds(
        lambda label, into: Operation("split", (label,), tuple(into)),
        IDS,
        st.lists(IDS, min_size=2, max_size=3, unique=True),
    ),
    st.builds(lambda label, parent: Operation("move", (label,), (), "", parent), IDS, st.none() | IDS),
    st.builds(lambda label: Operation("deprecate", (label,)), IDS),
)


def carried_out(data: bytes, asked: Operation) -> bytes:
    """Return a document after an operation, or as it was where it is refused."""
    try:
        edits = lineage.changes(document.read(data), asked)
    except RefusedError:
        return data
    step = dict(lineage.step(asked, "1.1.0"))
    data = document.edit(data, {**edits.values, ("version",): "1.1.0", ("lineage", "-"): step})
    return document.extend(data, ("labels",), edits.fresh)


@given(st.lists(OPERATIONS, max_size=8))
def test_no_sequence_of_operations_orphans_a_record_or_makes_a_wrong_tree(asked):
    data = START.encode()
    for one in asked:
        before = document.read(data)
        data = carried_out(data, one)
        value = document.read(data)
        assert {row["id"] for row in before["labels"]} <= {row["id"] for row in value["labels"]}
        assert list(references.troubles([Document("taxonomy", "t", value)], {"taxonomy": frozenset("t")})) == []
        names = [row["name"].casefold() for row in value["labels"]]
        assert len(set(names)) == len(names)
    value = document.read(data)
    known = {row["id"]: row.get("status", "active") for row in value["labels"]}
    fates = lineage.fates(value)
    ended = {label for step in value.get("lineage", ()) if step["kind"] == "deprecate" for label in step["from"]}
    for label, status in known.items():
        fate = fates.get(label)
        assert status == "active" or fate is not None or label in ended
        for now in fate.to if fate else ():
            assert known[now] == "active" or now in ended
    assert b"# below a" in data


def tree(data: bytes) -> dict[str, tuple[str, str | None]]:
    """Return the labels in use: id to name and the label above."""
    rows = document.read(data)["labels"]
    return {row["id"]: (row["name"], row.get("parent")) for row in rows if row.get("status") != "deprecated"}


def inverse(before: dict[str, tuple[str, str | None]], asked: Operation) -> Operation | None:
    """Return the operation that undoes another; None for one that ends a label, whose id is never used again."""
    (label, *_) = asked.labels or asked.into
    name, parent = before.get(label, ("", None))
    fresh = tuple(one for one in asked.into if one not in before)
    if asked.kind == "rename":
        return Operation("rename", (label,), (), name)
    if asked.kind == "move":
        return Operation("move", (label,), (), "", parent)
    if asked.kind == "add":
        return Operation("deprecate", asked.into)
    if asked.kind == "split" and label in asked.into and len(fresh) == len(asked.into) - 1:
        return Operation("merge", fresh, (label,))
    return None


@given(st.lists(OPERATIONS, max_size=8))
def test_what_is_done_and_undone_gives_the_same_tree_and_leads_every_label_back(asked):
    data = START.encode()
    for one in asked:
        before, after = tree(data), carried_out(data, one)
        back = inverse(before, one) if after != data and set(one.labels) <= before.keys() else None
        if back:
            undone = carried_out(after, back)
            assert tree(undone) == before
            fates = lineage.fates(document.read(undone))
            for label in before.keys() & set(one.labels):
                assert lineage.migrated({"label": label}, fates) == {"label": label}
            for label in set(one.into) - before.keys() if one.kind == "split" else ():
                assert lineage.migrated({"label": label}, fates) == {"label": one.labels[0]}
        data = after


def test_what_was_split_and_merged_away_later_is_decided_by_a_person():
    value = {
        "lineage": [
            {"version": "2.0.0", "kind": "split", "from": ["a"], "to": ["a", "b"]},
            {"version": "3.0.0", "kind": "merge", "from": ["a"], "to": ["c"]},
        ]
    }
    assert lineage.fates(value)["a"] == lineage.Fate(("c", "b"), "3.0.0")
    assert lineage.fates(value, "2.0.0")["a"] == lineage.Fate(("c",), "3.0.0")
    assert lineage.fates(value, "3.0.0") == {}


VALUES = st.one_of(
    IDS.map(lambda label: {"label": label}),
    st.sets(IDS, min_size=1).map(lambda labels: {"labels": sorted(labels)}),
    st.dictionaries(IDS, st.sampled_from([0.25, 0.5]), min_size=1).map(lambda shares: {"soft": shares}),
    st.lists(IDS, min_size=1, unique=True).map(lambda labels: {"ranking": labels}),
    st.just({"score": 3}),
    st.just({"label": "a", "span": [0, 2], "text": "ab"}),
)


@given(st.lists(OPERATIONS, max_size=8), VALUES)
def test_a_migration_is_done_once_and_brings_no_label_that_was_merged(asked, said):
    data = START.encode()
    for one in asked:
        data = carried_out(data, one)
    fates = lineage.fates(document.read(data))
    before = json.dumps(said)
    new = lineage.migrated(said, fates)
    assert json.dumps(said) == before
    assert lineage.migrated(new, fates) is new
    merged = {label for label, fate in fates.items() if len(fate.to) == 1}
    assert not merged & set(labels(new))
    assert new.keys() == said.keys()
    if "soft" in said:
        assert sum(new["soft"].values()) == pytest.approx(sum(said["soft"].values()))
    if "labels" in said:
        assert new["labels"] == sorted(set(new["labels"]))


PAIRS = VALUES.flatmap(
    lambda one: st.tuples(st.just(one), VALUES.filter(lambda other: other.keys() == one.keys()) | st.just(one))
)


def delta(old: dict[str, Any], new: dict[str, Any]) -> Delta:
    """Return a change of one record from a value to another."""
    lines = [
        canonical.encode_record({"item": "i", "id": "r", "rev": 1, "task": "t", "value": said}) for said in (old, new)
    ]
    return Delta(Key("d", "i", "r"), *lines)


@given(st.lists(OPERATIONS, max_size=8), PAIRS)
def test_a_migration_commutes_with_a_diff(asked, pair):
    """What differs between two moved records is what differed between the records, said in the labels of today."""
    data = START.encode()
    for one in asked:
        data = carried_out(data, one)
    fates = lineage.fates(document.read(data))
    old, new = pair
    moved = [lineage.migrated(said, fates) for said in pair]
    before, after = diff.compare(delta(old, new)), diff.compare(delta(*moved))
    tops = [{"/".join(pointer.split("/")[:3]) for pointer in seen.fields} for seen in (before, after)]
    assert tops[1] <= tops[0]
    if "label" in old:
        fate = {
            label: fates[label].to[0] if label in fates and len(fates[label].to) == 1 else label for label in "abcdefg"
        }
        wanted = [(fate[old["label"]], fate[new["label"]])] if fate[old["label"]] != fate[new["label"]] else []
        assert [(moved[0]["label"], moved[1]["label"])] * ("/value/label" in after.fields) == wanted


def labels(value: dict[str, Any]) -> list[str]:
    found: list[str] = []
    for name in ("label", "labels", "soft", "ranking"):
        said = value.get(name, [])
        found += [said] if isinstance(said, str) else list(said)
    return found


def test_fates_are_followed_to_the_end():
    value = {
        "lineage": [
            {"version": "1.1.0", "kind": "merge", "from": ["a"], "to": ["b"]},
            {"version": "1.2.0", "kind": "rename", "from": ["b"], "to": ["b"]},
            {"version": "2.0.0", "kind": "merge", "from": ["b", "x"], "to": ["c"]},
            {"version": "3.0.0", "kind": "split", "from": ["c"], "to": ["c", "d"]},
            {"version": "4.0.0", "kind": "merge", "from": ["d"], "to": ["e"]},
        ]
    }
    found = lineage.fates(value)
    assert {label: fate.to for label, fate in found.items()} == {
        "a": ("c", "e"),
        "b": ("c", "e"),
        "x": ("c", "e"),
        "c": ("c", "e"),
        "d": ("e",),
    }
    assert found["c"].kept
    assert list(lineage.undecided(["c", "e", "q"], found)) == ["c"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (Operation("rename", ("a",), (), "b"), "'b' is the label 'b' already"),
        (Operation("rename", ("a",), (), "A"), "the label 'a' is called so already"),
        (Operation("rename", ("z",), (), "Z"), "there is no label 'z'"),
        (Operation("add", (), ("A",)), "'A' is the label 'a' already"),
        (Operation("move", ("a",), (), "", "d"), "the label 'a' would be its own ancestor"),
        (Operation("move", ("a",), (), "", None), "the label 'a' is there already"),
        (Operation("merge", (), ("a",)), "the label 'a' would be merged into itself"),
        (Operation("split", ("a",), ("a", "a")), "the label 'a' is split into two labels or more, each named once"),
    ],
)
def test_what_the_labels_do_not_allow_is_refused(asked, said):
    with pytest.raises(RefusedError) as refused:
        lineage.changes(document.read(START.encode()), asked)
    assert refused.value.message == said
