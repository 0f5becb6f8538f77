"""How profiles want reviews: slices, examples and budget of the base hold, and an option wins."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.zoo import BEN, Zoo, answer, zoo, zoo_template

__all__ = ["zoo", "zoo_template"]
Run = Callable[..., tuple[int, str, str]]
PETS, PICTURES = "datasets/pets/dataset.yaml", "datasets/pictures/dataset.yaml"
SHOWN = "profiles/shown.yaml"
PROFILE = """schema: urn:labelvc:schema:profile:1
name: shown
version: 1.0.0
review: {slices: [/source], examples: 1, budget: 2500}
"""


@pytest.fixture
def taken(zoo: Zoo) -> Zoo:
    """Return the zoo whose pets take a profile, and a branch that adds a dog to each of eight."""
    zoo.write(SHOWN, PROFILE)
    zoo.replace(PETS, "checks: {}", "profiles: [shown]")
    for name in ("p1", "p2", "p3"):
        zoo.change(f"pets/{name}#", source="news" if name == "p1" else "web")
    zoo.commit("Taken")
    zoo.git("switch", "-qc", "topic")
    for number in range(1, 9):
        zoo.put(f"pets/p{number}#k9", answer(f"p{number}", "k9", "kind", {"label": "dog"}, by=BEN))
    zoo.commit("Dogs")
    return zoo


def told(zoo: Zoo, labelvc: Run, *words: str) -> dict[str, Any]:
    code, out, err = labelvc(zoo.folder, "review", "main...topic", "--format", "json", *words)
    assert code == 0, err
    return dict(json.loads(out))


def sizes(zoo: Zoo, labelvc: Run, *words: str) -> tuple[list[str], list[int], bool]:
    """Return the rows by slice, the examples of each way, and whether the Markdown keeps to 2,500 characters."""
    found = told(zoo, labelvc, *words)
    code, out, err = labelvc(zoo.folder, "review", "main...topic", "--format", "markdown", *words)
    assert code == 0, err
    rows = sorted(row["name"] for row in found["slices"]["rows"])
    return rows, [way["shown"] for way in found["ways"]["list"]], len(out) <= 2_500


ROWS = ["pets /source=(not set)", "pets /source=news", "pets /source=web"]


def test_a_review_is_as_the_profile_of_its_dataset_wants_it(taken: Zoo, labelvc: Run):
    assert sizes(taken, labelvc) == (ROWS, [1], True)
    code, out, _ = labelvc(taken.folder, "diff", "main...topic", "--by", "slice")
    assert (code, "pets /source=news" in out) == (0, True)
    code, out, _ = labelvc(taken.folder, "report", "--format", "json")
    assert (code, "/source" in out) == (0, True)


def test_an_option_wins(taken: Zoo, labelvc: Run):
    assert sizes(taken, labelvc, "--examples", "4", "--budget", "60000") == (ROWS, [4], False)
    assert sizes(taken, labelvc, "--examples", "0") == (ROWS, [0], True)


def test_own_slices_win(taken: Zoo, labelvc: Run):
    taken.git("switch", "-q", "main")
    taken.replace(PETS, "profiles: [shown]", "profiles: [shown]\nslices: [/text]")
    taken.commit("Own")
    taken.git("switch", "-q", "topic")
    taken.git("rebase", "-q", "main")
    assert sizes(taken, labelvc) == (["pets /text=the cat and the dog"], [1], True)


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        (SHOWN, "slices: [/source], examples: 1, budget: 2500", "slices: [/text], examples: 0, budget: 2000"),
        (PETS, "profiles: [shown]", "checks: {}"),
        (PETS, "profiles: [shown]", "profiles: [shown]\nslices: [/text]"),
        (SHOWN, "schema: urn", "schema: nothing"),
    ],
)
def test_a_branch_does_not_choose_how_it_is_reviewed(taken: Zoo, labelvc: Run, path: str, old: str, new: str):
    taken.replace(path, old, new)
    taken.commit("As I like it")
    assert sizes(taken, labelvc)[1:] == ([1], True)
    assert sizes(taken, labelvc)[0] == ROWS


def test_touching_a_dataset_that_wants_little_hides_nothing_of_another(taken: Zoo, labelvc: Run):
    taken.bury("pictures/b.jpg#x2")
    taken.commit("A box")
    assert sizes(taken, labelvc)[1] == [8, 1], "as is usual: pictures say nothing"


def test_profiles_that_disagree_on_reviews_are_findings(taken: Zoo):
    other = PROFILE.replace("shown", "other").replace("/source", "/text").replace("examples: 1", "examples: 0")
    taken.write("profiles/other.yaml", other)
    taken.replace(PETS, "[shown]", "[shown, other]")
    assert [(one.place.pointer, one.message) for one in taken.everything()] == [
        ("/profiles", "'shown' and 'other' disagree on slices of review; say it under slices"),
        ("/profiles", "'shown' and 'other' disagree on examples of review; take one of them"),
    ]
    taken.replace(PETS, "profiles:", "slices: [/text]\nprofiles:")
    assert [one.message for one in taken.everything()] == [
        "'shown' and 'other' disagree on examples of review; take one of them"
    ]


def test_the_one_of_the_library_is_used_where_no_item_has_a_source(zoo: Zoo, labelvc: Run):
    code, out, err = labelvc(zoo.folder, "module", "add", "text-checks", "--dataset", "pets", "--anyway")
    assert code == 0, err
    assert "pets  review slices default -> /source\n  pets  review examples default -> 5\n" in out
    zoo.commit("Taken")
    zoo.git("switch", "-qc", "topic")
    for number in range(1, 9):
        zoo.put(f"pets/p{number}#k9", answer(f"p{number}", "k9", "kind", {"label": "dog"}, by=BEN))
    zoo.commit("Dogs")
    assert sizes(zoo, labelvc)[:2] == (["pets /source=(not set)"], [5])
    assert labelvc(zoo.folder, "report")[0] == 0


def test_a_module_that_shows_less_is_told_to(zoo: Zoo, labelvc: Run):
    folder = zoo.folder.parent / "shared"
    (folder / "profiles").mkdir(parents=True)
    manifest = "schema: urn:labelvc:schema:module:1\nname: shown\nversion: 1.0.0\nlicence: CC0-1.0\n"
    (folder / "module.yaml").write_text(manifest + "provides: [profiles/shown.yaml]\n")
    (folder / SHOWN).write_text(PROFILE)
    code, _, err = labelvc(zoo.folder, "module", "add", "../shared", "--dataset", "pets")
    assert code == 0, err
    zoo.commit("Taken")
    (folder / "module.yaml").write_text(manifest.replace("1.0.0", "1.1.0") + "provides: [profiles/shown.yaml]\n")
    less = PROFILE.replace("1.0.0", "1.1.0").replace("slices: [/source], ", "").replace("examples: 1", "examples: 0")
    (folder / SHOWN).write_text(less)
    code, out, err = labelvc(zoo.folder, "module", "update", "shown")
    assert code == 0, err
    assert "pets  review slices /source -> default  softer\n  pets  review examples 1 -> 0  softer\n" in out
    code, out, _ = labelvc(zoo.folder, "module", "list")
    assert (code, "shown" in out) == (0, True)


def test_the_comment_of_ci_has_the_room_that_the_base_gives(taken: Zoo, labelvc: Run, tmp_path: Path):
    def written() -> str:
        assert labelvc(taken.folder, "ci", "--base", "main", "--head", "topic", "-o", str(tmp_path / "out"))[0] == 0
        return (tmp_path / "out/summary.md").read_text()

    small = written().partition("```\n\n")[2]
    assert small.startswith("## ")
    assert (len(small) <= 2_500, "Left out for want of room" in small) == (True, True)
    taken.git("switch", "-q", "main")
    taken.replace(SHOWN, "2500", "60000")
    taken.commit("Room")
    taken.git("switch", "-q", "topic")
    taken.git("rebase", "-q", "main")
    assert "Left out for want of room" not in written()


def test_review_check_and_ci_judge_alike_by_what_the_base_says_today(zoo: Zoo, labelvc: Run, tmp_path: Path):
    """The base was made stricter in one thing and softer in another after the branch had left it."""
    zoo.git("switch", "-qc", "topic")
    zoo.change("pets/p1#m1", value={"score": 3})
    zoo.bury("pets/p2#m1")  # mood is needed
    zoo.commit("A mood of three")
    judged = lambda: {name: rules(zoo, labelvc, tmp_path, name) for name in ("review", "check", "ci")}  # noqa: E731
    assert judged() == {name: ["label.missing"] for name in ("review", "check", "ci")}
    zoo.git("switch", "-q", "main")
    zoo.replace("labelvc.yaml", "maximum: 4", "maximum: 2")
    zoo.replace(PETS, "checks: {}", "checks: {label.missing: {severity: off}}")
    zoo.commit("Two is the most")
    assert judged() == {name: ["score.range"] for name in ("review", "check", "ci")}
    zoo.write("labelvc.yaml", "schema: nothing\n")
    zoo.commit("Broken")
    for words in (("review", "main...topic"), ("check", "main...topic")):
        code, _, err = labelvc(zoo.folder, *words)
        assert (code, "the documents of the base cannot be read" in err) == (2, True), err


def rules(zoo: Zoo, labelvc: Run, folder: Path, name: str) -> list[str]:
    """Return the rules of what a command finds new on `topic`."""
    if name == "ci":
        labelvc(zoo.folder, "ci", "--base", "main", "--head", "topic", "-o", str(folder / "judged"))
        found = json.loads((folder / "judged/review.json").read_text())["quality"]["findings"]
    else:
        found = json.loads(labelvc(zoo.folder, name, "main...topic", "--format", "json")[1])
        found = found["quality"]["findings"] if name == "review" else found["items"]
    return sorted({one["rule"] for one in found})
