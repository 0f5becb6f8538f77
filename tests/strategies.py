"""Hypothesis strategies for what labelvc stores: text, JSON, projects, records."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from labelvc.model.project import Dataset, Guideline, Label, Project, Task, Taxonomy

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
names = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters=[*map(chr, range(32)), "\x7f"]), min_size=1, max_size=8
)
identifiers = names.map(lambda name: name.replace("#", "+"))
numbers = st.one_of(
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.floats(-(2.0**53) + 1, 2.0**53 - 1),
    st.decimals(-9, 9, places=3).map(float),
)
scalars = st.one_of(st.none(), st.booleans(), numbers, texts)
json_values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=8,
)

LABELS = ("cat", "dog", 'q"uote', "ünïcode")
PROJECT = Project(
    id="7c1a4d3e-0000-4000-8000-000000000001",
    name="zoo",
    tasks={
        "mood": Task("score", minimum=-4, maximum=4, step=1, guideline="mood"),
        "share": Task("score", minimum=0, maximum=1),
        "kind": Task("label", taxonomy="animals"),
        "kinds": Task("labels", taxonomy="animals"),
        "where": Task("box", taxonomy="animals"),
        "words": Task("span", taxonomy="animals"),
        "odds": Task("soft", taxonomy="animals"),
        "link": Task("relation", taxonomy="animals"),
        "note": Task("text"),
        "syntax": Task("token", fields=("form", "head", "deprel")),
        "outline": Task("polygon", taxonomy="animals"),
    },
    datasets={},
    taxonomies={
        "animals": Taxonomy("animals", "1.0.0", (*[Label(name) for name in LABELS], Label("dodo", status="deprecated")))
    },
    guidelines={"mood": Guideline("mood", "1.1.0", "active", None, ("1.0.0", "1.1.0"))},
    digest="sha256:zoo",
)
DATASET = Dataset(
    name="pets", id="7c1a4d3e-0000-4000-8000-000000000002", tasks=dict.fromkeys(PROJECT.tasks, False), shards=16
)
TOKEN = "prs_bcdfghjklmnpqrstvwxzbcdfgbcdf"

labels = st.sampled_from(LABELS)
points = st.lists(numbers, min_size=2, max_size=2)
values: dict[str, st.SearchStrategy[Any]] = {
    "mood": st.fixed_dictionaries({"score": st.integers(-4, 4)}),
    "share": st.fixed_dictionaries({"score": st.floats(0, 1)}),
    "kind": st.fixed_dictionaries({"label": labels}),
    "kinds": st.fixed_dictionaries({"labels": st.lists(labels, unique=True).map(sorted)}),
    "where": st.fixed_dictionaries({"label": labels, "box": st.lists(numbers, min_size=4, max_size=4)}),
    "words": st.fixed_dictionaries(
        {"label": labels, "span": st.lists(st.integers(0, 99), min_size=2, max_size=2), "text": texts}
    ),
    "odds": st.fixed_dictionaries({"soft": st.dictionaries(labels, st.floats(0, 1), min_size=1)}),
    "link": st.fixed_dictionaries({"label": labels, "from": identifiers, "to": identifiers}),
    "note": st.fixed_dictionaries({"text": texts}),
    "syntax": st.fixed_dictionaries({"form": texts}, optional={"head": texts, "deprel": texts}),
    "outline": st.fixed_dictionaries({"label": labels, "polygon": st.lists(points, min_size=3, max_size=4)}),
}


@st.composite
def records(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a valid record of any task, sometimes a tombstone."""
    head = {"item": draw(names), "id": draw(identifiers), "rev": draw(st.integers(1, 9))}
    if draw(st.integers(0, 9)) == 0:
        return {**head, "gone": True}
    task = draw(st.sampled_from(sorted(PROJECT.tasks)))
    value = {"empty": True} if draw(st.integers(0, 9)) == 0 else draw(values[task])
    optional = {
        "at": st.just("2026-03-01T09:12:44Z"),
        "by": st.just(TOKEN),
        "origin": st.fixed_dictionaries({"tool": names}, optional={"ref": names}),
        "ext": st.dictionaries(texts, scalars, max_size=2),
    }
    under = {"under": draw(st.sampled_from(["mood@1.0.0", "mood@1.1.0"]))} if task == "mood" else {}
    return {**head, "task": task, "value": value, **under, **draw(st.fixed_dictionaries({}, optional=optional))}
