"""Documents compared by what they say: nothing that differs goes untold, and words spell both texts."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from labelvc.core import documents, prose
from labelvc.model import jsonpointer
from tests.strategies import json_values

TEXTS = st.text(alphabet="ab .,\n", max_size=30)
LABELS = st.lists(
    st.fixed_dictionaries(
        {"id": st.sampled_from("abcd"), "name": st.sampled_from(["A", "B", "C"])},
        optional={
            "parent": st.sampled_from(["a", None]),
            "status": st.sampled_from(["active", "deprecated"]),
            "attributes": json_values,
        },
    ),
    max_size=4,
)
TAXONOMIES = st.fixed_dictionaries(
    {"version": st.sampled_from(["1.0.0", "1.0.1"]), "labels": LABELS},
    optional={
        "title": TEXTS,
        "lineage": st.lists(st.fixed_dictionaries({"kind": st.sampled_from(["rename", "merge"])}), max_size=2),
    },
)
GUIDELINES = st.fixed_dictionaries(
    {
        "version": st.sampled_from(["1.0.0", "1.0.1"]),
        "labels": st.dictionaries(
            st.sampled_from("ab/"),
            st.fixed_dictionaries({}, optional={"definition": TEXTS, "use_when": st.lists(TEXTS, max_size=3)}),
            max_size=3,
        ),
    }
)


def alike(one: Any, two: Any) -> bool:
    return json.dumps(one, sort_keys=True) == json.dumps(two, sort_keys=True)


def reach(value: Any, pointer: str) -> Any:
    for name in jsonpointer.steps(pointer):
        value = value[int(name)] if isinstance(value, list) else value[name]
    return value


@given(
    st.one_of(
        st.tuples(st.just("taxonomy"), TAXONOMIES, TAXONOMIES),
        st.tuples(st.just("guideline"), GUIDELINES, GUIDELINES),
        st.tuples(st.just(""), json_values, json_values),
    )
)
def test_whatever_differs_is_told_and_nothing_else(case: tuple[str, Any, Any]) -> None:
    noun, old, new = case
    found = documents.edits(noun, old, new)
    assert bool(found) != alike(old, new)
    for edit in found:
        side, said = (old, edit.old) if edit.what == "removed" else (new, edit.new)
        if edit.what == "ordered" or edit.block == "status":
            continue
        try:
            assert alike(reach(side, edit.pointer), said)
        except KeyError:
            assert said is None  # a member of a label that went


@given(TAXONOMIES, TAXONOMIES)
def test_a_rename_changes_names_alone(old: Any, new: Any) -> None:
    if documents.renames(old, new) is None:
        return
    bare = [[{k: v for k, v in label.items() if k != "name"} for label in side["labels"]] for side in (old, new)]
    assert alike(*bare)
    assert alike(old.get("title"), new.get("title"))
    assert documents.renames(new, old)


@given(TEXTS, TEXTS)
def test_words_spell_both_texts(old: str, new: str) -> None:
    found = prose.words(old, new)
    assert "".join([one.text for one in found if one.sign != "+"]) == old
    assert "".join([one.text for one in found if one.sign != "-"]) == new


@given(st.lists(st.sampled_from("abc"), max_size=6), st.lists(st.sampled_from("abc"), max_size=6))
def test_pairs_are_all_that_differs(old: list[str], new: list[str]) -> None:
    found = prose.pairs(old, new)
    one = [entry for at, entry in enumerate(old) if at not in {before for before, _ in found}]
    two = [entry for at, entry in enumerate(new) if at not in {after for _, after in found}]
    assert one == two


def test_a_sample_is_uniform() -> None:
    from collections import Counter

    from labelvc.core.choose import Sample
    from labelvc.core.diff import compare
    from labelvc.model.change import Delta
    from labelvc.model.names import Key

    seen = [compare(Delta(Key("d", f"i{n}", "1"), None, b'{"item":"i","id":"1"}')) for n in range(20)]
    times: Counter[str] = Counter()
    for seed in range(2_000):
        sample = Sample(5, str(seed))
        for one in seen:
            sample.add(one)
        times.update([str(one.delta.key) for one in sample.drawn()])
    assert sum(times.values()) == 10_000
    # 500 each, with a standard deviation of 19.4
    assert all(400 < number < 600 for number in times.values())
