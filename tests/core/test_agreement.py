"""Agreement against published figures, and the laws that any coefficient keeps."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelvc.core import agreement
from labelvc.core.agreement import Opinions, opinions

BINARY = ("0 1 0 0 0 0 0 0 1 0", "1 1 1 0 0 1 0 0 0 0")
NOMINAL = ("a a b b d c c c e d d a", "b a b b b c c c e d d d")
FOUR = ("1 2 3 3 2 1 4 1 2 . . .", "1 2 3 3 2 2 4 1 2 5 . 3", ". 3 3 3 2 3 4 2 2 5 1 .", "1 2 3 3 2 4 4 1 2 5 1 .")
THREE = (
    ". . . . . 3 4 1 2 1 1 3 3 . 3",
    "1 . 2 1 3 3 4 3 . . . . . . .",
    ". . 2 1 3 4 4 . 2 1 1 3 3 . 4",
)
Rows = list[dict[str, str]]


def units_of(coders: tuple[str, ...]) -> Rows:
    """Return of each unit who said what, from one line of answers for each person; a dot is no answer."""
    columns = zip(*[line.split() for line in coders], strict=True)
    return [{str(who): said for who, said in enumerate(column) if said != "."} for column in columns]


def counted(rows: Rows) -> Counter[tuple[Opinions, Opinions]]:
    return Counter((opinions(row.values()), opinions(row.values())) for row in rows)


def side(rows: Rows) -> agreement.Side:
    found = agreement.measured(counted(rows)).before
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("coders", "alpha"),
    [(BINARY, 0.0952), (NOMINAL, 0.6920), (FOUR, 0.7434), (THREE, 0.6914)],
    ids=["Krippendorff A", "Krippendorff B", "Krippendorff C", "three coders with gaps"],
)
def test_alpha_is_what_the_papers_print(coders, alpha):
    assert round(side(units_of(coders)).alpha.value, 4) == alpha


def test_observed_agreement_and_the_interval_are_those_of_irrcac():
    """Percent agreement .8181818 and, for alpha .74342, a standard error of .14548: R irrCAC, `cac.raw4raters`."""
    found = side(units_of(FOUR))
    assert (found.units, found.values) == (11, 40)
    assert round(found.observed.value, 7) == 0.8181818
    assert (found.alpha.value - found.alpha.low) / 1.959963984540054 == pytest.approx(0.14548, abs=5e-6)
    assert found.alpha.high == 1.0


def test_too_few_units_and_answers_that_never_differ_have_no_coefficient():
    assert agreement.measured(counted([{"x": "a", "y": "b"}] * 9)).before is None
    found = side([{"x": "a", "y": "a"}] * 10)
    assert found.alpha is None
    assert found.observed == agreement.Estimate(1.0, None, None)
    assert side([*[{"x": "a", "y": "a"}] * 10, *[{"x": "b", "y": "b"}] * 3]).alpha.value == 1.0


def test_a_difference_is_known_better_than_its_two_sides():
    """One answer of a hundred changes: the same units stand on both sides, so their own spread cancels."""
    rows = [{"x": "ab"[at % 2], "y": "ab"[at % 3 % 2]} for at in range(100)]
    units = counted(rows)
    old = opinions(rows[0].values())
    new = (("a", 1), ("b", 1))
    assert old != new
    units[old, old] -= 1
    units[old, new] += 1
    found = agreement.measured(units)
    assert found.observed.value == pytest.approx(-0.01)
    assert found.observed.high - found.observed.low < (found.before.observed.high - found.before.observed.low) / 3
    assert found.alpha.low < found.alpha.value < 0
    assert agreement.measured(counted(rows)).alpha == agreement.Estimate(0.0, None, None)


_rows = st.lists(
    st.dictionaries(st.sampled_from("stuvw"), st.sampled_from("abc"), min_size=0, max_size=5), min_size=12, max_size=40
)


@given(_rows, st.permutations("abc"), st.permutations("stuvw"))
def test_names_of_answers_and_people_do_not_matter_and_single_answers_do_not_count(rows, answers, people):
    one = agreement.measured(counted(rows)).before
    called = dict(zip("abc", answers, strict=True)), dict(zip("stuvw", people, strict=True))
    renamed = [{called[1][who]: called[0][said] for who, said in row.items()} for row in rows]
    two = agreement.measured(counted([*reversed(renamed), {"s": "a"}])).before
    assert (one is None) == (two is None)
    if one is None or two is None:
        return
    assert one[:2] == two[:2]
    for left, right in zip(one[2:], two[2:], strict=True):
        assert (left is None) == (right is None)
        if left is not None and right is not None:
            assert left.value == pytest.approx(right.value)


@given(_rows)
def test_alpha_is_what_its_definition_says(rows):
    """Worked out again pair by pair, with no formula shared: coincidences of values within units against those by chance."""
    found = agreement.measured(counted(rows)).before
    units = [list(row.values()) for row in rows if len(row) > 1]
    if found is None:
        assert len(units) < agreement.FEWEST
        return
    everything = [said for unit in units for said in unit]
    seen = sum(
        (one != two) / (len(unit) - 1)
        for unit in units
        for at, one in enumerate(unit)
        for two in unit[:at] + unit[at + 1 :]
    ) / len(everything)
    pairs = [one != two for at, one in enumerate(everything) for two in everything[:at] + everything[at + 1 :]]
    chance = sum(pairs) / len(pairs)
    if not chance:
        assert found.alpha is None
    else:
        assert math.isclose(found.alpha.value, 1 - seen / chance, abs_tol=1e-9)
