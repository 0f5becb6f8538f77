"""Agreement against published figures, and the laws that any coefficient keeps."""

from __future__ import annotations

import math
import pickle
from collections import Counter
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelvc.batches import batches
from labelvc.core import agreement
from labelvc.core.agreement import Estimate
from labelvc.core.sums import Sums, Turned, combined, gathered

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


def sums_of(rows: Rows) -> Sums:
    return gathered([sorted(row.values()) for row in rows])


def turned(turns: Iterable[tuple[Sequence[str], Sequence[str]]]) -> Turned:
    found = Turned()
    for old, new in turns:
        found.add(old, new)
    return found


def side(rows: Rows) -> agreement.Side:
    found = agreement.measured(sums_of(rows), Turned()).before
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
    assert agreement.measured(sums_of([{"x": "a", "y": "b"}] * 9), Turned()).before is None
    found = side([{"x": "a", "y": "a"}] * 10)
    assert found.alpha is None
    assert found.observed == agreement.Estimate(1.0, None, None)
    assert side([*[{"x": "a", "y": "a"}] * 10, *[{"x": "b", "y": "b"}] * 3]).alpha.value == 1.0


def test_a_difference_is_known_better_than_its_two_sides():
    """One answer of a hundred changes: the same units stand on both sides, so their own spread cancels."""
    rows = [{"x": "ab"[at % 2], "y": "ab"[at % 3 % 2]} for at in range(100)]
    old, new = sorted(rows[0].values()), ["a", "b"]
    assert old != new
    found = agreement.measured(sums_of(rows), turned([(old, new)]))
    assert found.observed.value == pytest.approx(-0.01)
    assert found.observed.high - found.observed.low < (found.before.observed.high - found.before.observed.low) / 3
    assert found.alpha.low < found.alpha.value < 0
    assert agreement.measured(sums_of(rows), Turned()).alpha == agreement.Estimate(0.0, None, None)


_rows = st.lists(
    st.dictionaries(st.sampled_from("stuvw"), st.sampled_from("abc"), min_size=0, max_size=5), min_size=12, max_size=40
)


@given(_rows, st.permutations("abc"), st.permutations("stuvw"))
def test_names_of_answers_and_people_do_not_matter_and_single_answers_do_not_count(rows, answers, people):
    one = agreement.measured(sums_of(rows), Turned()).before
    called = dict(zip("abc", answers, strict=True)), dict(zip("stuvw", people, strict=True))
    renamed = [{called[1][who]: called[0][said] for who, said in row.items()} for row in rows]
    two = agreement.measured(sums_of([*reversed(renamed), {"s": "a"}]), Turned()).before
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
    found = agreement.measured(sums_of(rows), Turned()).before
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


_unit = st.lists(st.sampled_from(["a", "b", "c", "dd"]), max_size=5).map(sorted) | st.lists(
    st.sampled_from(["a", "b"]), min_size=15, max_size=20
).map(sorted)
_turns = st.lists(_unit.flatmap(lambda unit: st.tuples(st.just(unit), st.just(unit) | _unit)), min_size=8, max_size=40)
Turns = list[tuple[list[str], list[str]]]


def weights_of(units: Sequence[Sequence[str]], number: int) -> tuple[float, list[float], float | None, list[float]]:
    """Return observed agreement and alpha with what each unit weighs in them: the derivative by how often it is there."""
    several = [unit for unit in units if len(unit) > 1]
    totals = Counter(said for unit in several for said in unit)
    values = sum(totals.values())

    def share(unit: Sequence[str]) -> float:
        return sum(one == two for one in unit for two in unit) / len(unit) / (len(unit) - 1) - 1 / (len(unit) - 1)

    def apart(unit: Sequence[str]) -> float:
        return sum(one != two for one in unit for two in unit) / (len(unit) - 1)

    mean = sum(map(share, several)) / number
    observed = [(share(unit) - mean) / number if len(unit) > 1 else 0.0 for unit in units]
    chance = values**2 - sum(times**2 for times in totals.values())
    if not chance:
        return mean, observed, None, []
    differ = sum(map(apart, several))

    def slope(unit: Sequence[str]) -> float:
        one = apart(unit) * values + differ * len(unit)
        two = 2 * sum(values - totals[said] for said in unit)
        return differ * values * two / chance**2 - one / chance

    alpha = [slope(unit) if len(unit) > 1 else 0.0 for unit in units]
    return mean, observed, 1 - differ * (values - 1) / chance, alpha


def interval(weights: Sequence[float], units: int) -> float:
    return 1.959963984540054 * math.sqrt(math.fsum(one * one for one in weights) * units / (units - 1))


def held(found: Estimate | None, value: float | None, reach: float, least: float, most: float) -> None:
    """Hold an estimate to a figure and how far its interval reaches, as far as doubles tell."""
    if value is None:
        assert found is None
        return
    assert found.value == pytest.approx(value, abs=1e-9)
    if found.low is None:
        assert reach < 1e-6
    else:
        assert found.low == pytest.approx(max(least, value - reach), abs=1e-6)
        assert found.high == pytest.approx(min(most, value + reach), abs=1e-6)


@given(_turns, st.booleans())
def test_sums_say_what_a_walk_over_all_units_says(turns, all_touched):
    """Worked out again unit by unit, in doubles, whatever of the units is told as touched and whatever as summed."""
    touched = turned((old, new) for old, new in turns if all_touched or old != new)
    found = agreement.measured(gathered([old for old, _ in turns]), touched)
    told, counts = [], [sum(len(turn[side]) > 1 for turn in turns) for side in (0, 1)]
    for side, measured in enumerate((found.before, found.after)):
        if counts[side] < agreement.FEWEST:
            assert measured is None
            assert found.observed is found.alpha is None
            return
        mean, observed, alpha, weights = weights_of([turn[side] for turn in turns], counts[side])
        assert (measured.units, measured.values) == (counts[side], sum(len(t[side]) for t in turns if len(t[side]) > 1))
        held(measured.observed, mean, interval(observed, counts[side]), 0, 1)
        held(measured.alpha, alpha, interval(weights, counts[side]), -1, 1)
        told.append((mean, observed, alpha, weights))
    units = sum(len(old) > 1 or len(new) > 1 for old, new in turns)
    one, two = told
    moved = [after - before for before, after in zip(one[1], two[1], strict=True)]
    held(found.observed, two[0] - one[0], interval(moved, units), -2, 2)
    if one[2] is None or two[2] is None:
        assert found.alpha is None
    else:
        moved = [after - before for before, after in zip(one[3], two[3], strict=True)]
        held(found.alpha, two[2] - one[2], interval(moved, units), -9, 9)


@given(st.lists(_unit, max_size=30), st.lists(_unit, max_size=30))
def test_what_is_counted_apart_is_added_and_what_went_is_taken_out(some, others):
    one, two, both = map(gathered, (some, others, [*some, *others]))
    assert combined([(1, one), (1, two)]) == both
    assert combined([(1, both), (-1, two)]) == one


@given(_turns, st.integers(1, 5))
def test_units_that_are_summed_a_few_at_a_time_elsewhere_too_are_summed_alike(turns, few):
    before = gathered([old for old, _ in turns])
    whole = agreement.measured(before, turned(turns))
    apart = Turned()
    for some in batches(turns, few):
        apart.join(pickle.loads(pickle.dumps(turned(some))))
        apart.sums()
    assert agreement.measured(before, apart) == whole
    assert apart.units == sum(len(old) > 1 or len(new) > 1 for old, new in turns)
