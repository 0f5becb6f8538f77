"""Who decides what of a project: a branch what there is, its base what is wrong."""

from __future__ import annotations

import msgspec
import pytest

from labelvc.core import governing
from labelvc.model.project import CheckSetting, Dataset, Project, ReviewSetting, Sensitive, Task

ID = "0c4a7f7e-6c1e-4b3a-9a5e-2f6c1b7d9e10"


def dataset(**members: object) -> Dataset:
    return Dataset("pets", ID, **{"tasks": {"mood": True}, **members})  # type: ignore[arg-type]


def project(found: Dataset, **members: object) -> Project:
    tasks = {"mood": Task("score", minimum=0, maximum=5, step=1, guideline="mood")}
    return Project(
        ID, "zoo", **{"tasks": tasks, "datasets": {"pets": found}, **members}, taxonomies={}, guidelines={}, digest="d"
    )  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("table", "kind"), [(governing.PROJECT, Project), (governing.DATASET, Dataset), (governing.TASK, Task)]
)
def test_of_every_member_somebody_decides(table: object, kind: type):
    """A member that is added to a project must be given to the branch or to the base: nobody decides by chance."""
    assert list(table) == list(kind.__struct_fields__)  # type: ignore[call-overload]


def test_a_project_is_judged_by_itself_as_it_is():
    one = project(dataset(natural_key=("/natural/word",), checks={"box.tiny": CheckSetting("error", 8)}))
    assert governing.by(one, one) == one


@pytest.mark.parametrize(
    ("member", "base", "own", "judged"),
    [
        ("tasks", {"mood": True}, {"mood": False}, {"mood": True}),
        ("tasks", {"mood": True}, {"mood": False, "kind": True}, {"mood": True, "kind": True}),
        ("natural_key", ("/natural/word",), (), ("/natural/word",)),
        ("natural_key", (), ("/natural/word",), ("/natural/word",)),
        ("item_fields", {"genre": {"enum": ["a"]}}, {"genre": {}, "new": {}}, {"genre": {"enum": ["a"]}, "new": {}}),
        ("item_fields", {"genre": {"enum": ["a"]}}, {}, {}),
        ("slices", ("/genre",), (), ("/genre",)),
        ("sensitive", (Sensitive("/ext/who"),), (), (Sensitive("/ext/who"),)),
        ("checks", {"score.range": CheckSetting()}, {"score.range": CheckSetting("off")}, {"score.range": CheckSetting()}),
        ("review", ReviewSetting(examples=9), ReviewSetting(examples=0), ReviewSetting(examples=9)),
        ("review", ReviewSetting(), ReviewSetting(budget=2_000), ReviewSetting()),
        ("merge", {}, {"/value": "ours"}, {}),
    ],
)  # fmt: skip
def test_a_dataset_softens_nothing(member: str, base: object, own: object, judged: object):
    found = governing.by(project(dataset(**{member: base})), project(dataset(**{member: own})))
    assert getattr(found.datasets["pets"], member) == judged


@pytest.mark.parametrize(
    ("own", "judged"),
    [
        (Task("score", minimum=-9, maximum=9), Task("score", minimum=0, maximum=5, step=1, guideline="mood")),
        (Task("score", minimum=1, maximum=4, step=1), Task("score", minimum=1, maximum=4, step=1, guideline="mood")),
        (Task("label", taxonomy="animals"), Task("label", taxonomy="animals")),
    ],
)
def test_a_scale_is_the_narrower_of_two(own: Task, judged: Task):
    found = governing.by(project(dataset()), project(dataset(), tasks={"mood": own}))
    assert found.tasks == {"mood": judged}


def test_what_is_remembered_of_a_check_by_the_settings_of_a_base_is_not_taken_for_that_by_the_branch_s_own():
    own = project(dataset(tasks={"mood": False}))
    assert governing.by(project(dataset()), own).digest != own.digest


def test_a_dataset_that_is_new_shows_no_less_of_itself():
    own = project(dataset(review=ReviewSetting(examples=0, budget=2_000)))
    base = msgspec.structs.replace(own, datasets={})
    assert governing.by(base, own).datasets["pets"].review == ReviewSetting()
