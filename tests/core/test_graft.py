"""Graft: what changed elsewhere comes in, what was edited here stays, and what both changed is told."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot

from labelvc.codec import document
from labelvc.core import graft

WORDS = st.sampled_from(["a", "b", "c", "d"])
TEXTS = st.lists(WORDS, unique=True, max_size=3)
LABELS = st.lists(
    st.fixed_dictionaries({"id": WORDS, "name": WORDS}, optional={"parent": WORDS}),
    unique_by=lambda one: one["id"],
    max_size=4,
)
BLOCKS = st.fixed_dictionaries({}, optional={"definition": WORDS, "use_when": TEXTS})
DOCUMENTS = st.fixed_dictionaries(
    {"version": st.sampled_from(["1.0.0", "1.1.0", "2.0.0"]), "labels": LABELS},
    optional={"title": WORDS, "blocks": st.dictionaries(WORDS, BLOCKS, max_size=3)},
)


def same(one: Any, two: Any) -> bool:
    return json.dumps(one, sort_keys=True) == json.dumps(two, sort_keys=True)


def merged(base: Any, ours: Any, theirs: Any) -> Any:
    found = graft.graft(base, ours, theirs)
    assert not found.conflicts
    return found.value


@given(DOCUMENTS, DOCUMENTS)
def test_who_changed_nothing_gets_the_other_side(base, other):
    assert same(merged(base, base, other), other)
    assert same(merged(base, other, base), other)
    assert same(merged(base, other, other), other)


@given(DOCUMENTS, DOCUMENTS, DOCUMENTS)
def test_sides_can_change_places_but_for_the_order_of_what_both_added(base, ours, theirs):
    one, two = graft.graft(base, ours, theirs), graft.graft(base, theirs, ours)
    assert sorted(one.conflicts) == sorted(two.conflicts)
    if not one.conflicts:
        assert ordered(one.value) == ordered(two.value)


@given(DOCUMENTS, DOCUMENTS, DOCUMENTS)
def test_where_nothing_is_told_no_edit_is_lost(base, ours, theirs):
    """A label that one side gave another name has that name afterwards, unless it is told."""
    found = graft.graft(base, ours, theirs)
    before, here, there, now = (
        {one["id"]: one for one in side["labels"]} for side in (base, ours, theirs, found.value)
    )
    for side, other in ((here, there), (there, here)):
        for name, label in side.items():
            told = [
                at
                for at in found.conflicts
                if at in ("/labels", f"/labels/{name}") or at.startswith(f"/labels/{name}/")
            ]
            if label != before.get(name) and other.get(name) == before.get(name):
                assert now.get(name) == label or told


@given(DOCUMENTS, DOCUMENTS)
def test_edits_make_one_value_the_other(old, new):
    new = {**{name: new.get(name, old[name]) for name in old}, **new}
    data = b"# a comment\n" + document.edit(b"x: 1\n", {(name,): value for name, value in old.items()})
    wanted = {"x": 1, **new}
    edits = dict(graft.changes({"x": 1, **old}, wanted))
    done = document.edit(data, {path: value for path, value in edits.items() if path[-1] != "-"})
    for path, members in edits.items():
        done = document.extend(done, path[:-1], members) if path[-1] == "-" else done
    assert same(document.read(done), wanted)
    assert done.startswith(b"# a comment\n")


BASE = {
    "version": "1.0.0",
    "labels": [{"id": "cat", "name": "Cat"}, {"id": "dog", "name": "Dog"}],
    "rules": ["look twice", "ask"],
    "cat": {"definition": "a cat"},
}


def test_two_wordings_of_one_rule_are_told():
    ours = {**BASE, "rules": ["look three times", "ask"], "version": "1.0.1"}
    theirs = {**BASE, "rules": ["look once", "ask"], "version": "1.1.0"}
    assert graft.graft(BASE, ours, theirs) == (
        {**BASE, "rules": ["look three times", "ask"], "version": "1.1.0"},
        ["/rules"],
    )


def test_a_label_removed_here_and_renamed_there_is_told():
    ours = {**BASE, "labels": BASE["labels"][:1]}
    theirs = {**BASE, "labels": [BASE["labels"][0], {"id": "dog", "name": "Hound"}]}
    assert graft.graft(BASE, ours, theirs).conflicts == snapshot(["/labels/dog"])


def test_without_a_base_what_one_side_lacks_comes_in_and_what_differs_is_told():
    ours = {"title": "Ours", "cat": {"definition": "a cat"}}
    theirs = {
        "title": "Theirs",
        "cat": {"definition": "a cat", "use_when": ["it purrs"]},
        "dog": {"definition": "a dog"},
    }
    found = graft.graft({}, ours, theirs)
    assert found.conflicts == ["/title"]
    assert found.value == {**theirs, "title": "Ours"}


def ordered(value: Any) -> Any:
    """Return a value with its lists and members in one order."""
    if isinstance(value, dict):
        return {name: ordered(value[name]) for name in sorted(value)}
    return sorted(map(ordered, value), key=str) if isinstance(value, list) else value
