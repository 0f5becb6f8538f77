"""The renumbering rule: ids that moved are told from labels that changed, however many did."""

from __future__ import annotations

import random
from typing import Any

import pytest

from labelvc.codec import canonical
from labelvc.core import renumber
from labelvc.model.names import Key

Lines = dict[Key, bytes]
COUNT = 200


def lines(rows: dict[tuple[str, str], Any], by: str = "") -> Lines:
    made = {}
    for (item, name), value in rows.items():
        fields = {"item": item, "id": name, "rev": 1, "task": "t", "value": value, **({"by": by} if by else {})}
        made[Key("d", item, name)] = canonical.encode_record(fields)
    return made


def boxes(moved: int = 0, label: str = "cat", shift: float = 0) -> dict[tuple[str, str], Any]:
    """Return boxes, four a picture, whose numbers begin at another one."""
    return {
        (f"i{at // 4}", str(at + moved)): {"label": label, "box": [at + shift, at * 2, 5, 5]} for at in range(COUNT)
    }


def look(old: Lines, new: Lines, *, whole: bool = True) -> renumber.Renumbering | None:
    return renumber.measure(old, new, lambda key, _: key.item.encode(), whole=whole)


@pytest.mark.parametrize("whole", [True, False])
def test_numbers_that_moved_are_told(whole: bool) -> None:
    found = look(lines(boxes()), lines(boxes(moved=1)), whole=whole)
    assert found is not None
    assert (found.stored, found.elsewhere) == (COUNT, COUNT)


def test_items_that_swapped_their_names_are_told() -> None:
    old = boxes()
    new = {(f"i{49 - int(item[1:])}", str(199 - int(name))): value for (item, name), value in old.items()}
    found = look(lines(old), lines(new))
    assert found == renumber.Renumbering(COUNT, COUNT, COUNT)


@pytest.mark.parametrize(
    "new",
    [
        boxes(),
        boxes(label="dog"),  # every label changed
        boxes(shift=2.5),  # every box moved
        dict(list(boxes().items())[:20]),  # nearly all removed
        {**boxes(), **{(f"j{at}", "1"): {"label": "cat", "box": [0, at, 7, 7]} for at in range(5000)}},
        {(f"j{at}", "1"): {"label": "cat", "box": [0, at, 7, 7]} for at in range(5000)},  # another collection
    ],
)  # fmt: skip
@pytest.mark.parametrize("whole", [True, False])
def test_true_changes_are_none_however_many(new: dict[tuple[str, str], Any], whole: bool) -> None:
    assert look(lines(boxes()), lines(new), whole=whole) is None


def test_copies_of_pictures_that_are_added_are_none() -> None:
    copies = {(f"copy-{item}", name): value for (item, name), value in boxes().items()}
    assert look(lines(boxes()), lines({**boxes(), **copies})) is None
    assert look(lines(boxes()), lines(copies), whole=False) is None


def test_ratings_given_anew_are_none_though_the_same_few_scores_occur_everywhere() -> None:
    chance = random.Random(5)

    def rated(by: str) -> Lines:
        return lines({(f"i{at}", f"r-{by}"): {"score": chance.randint(-4, 4)} for at in range(COUNT)}, by)

    old = rated("a") | rated("b") | rated("c")
    assert look(old, rated("a") | rated("b") | rated("c")) is None


def test_few_are_left_to_people() -> None:
    few = dict(list(boxes().items())[: renumber.LEAST - 1])
    moved = {(item, f"9{name}"): value for (item, name), value in few.items()}
    assert look(lines(few), lines(moved)) is None


def test_the_first_glance_lets_no_renumbering_pass() -> None:
    for old, new in ((100, 100), (30, 1000), (1000, 100), (60, 100)):
        least = max(renumber.LEAST, min(old, new) // 2 + 1)
        moved = least + max(new - old, 0) if old < new else least
        assert renumber.likely(moved, 0, new), (old, new)
