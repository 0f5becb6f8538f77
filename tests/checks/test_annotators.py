"""Annotators: who presses one key or copies is found, and honest ones are named no more often than is stated."""

from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction
from math import comb

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelvc.checks import annotators
from labelvc.checks.annotators import Annotators
from labelvc.checks.view import View
from labelvc.codec import canonical
from labelvc.core import chance, pseudonym
from labelvc.model.project import CheckSetting
from tests.strategies import DATASET, PROJECT
from tests.zoo import ID, SECRET

RULES = ("annotator.constant", "annotator.copy")
ASKED = msgspec.structs.replace(DATASET, checks={rule: CheckSetting(severity="warning") for rule in RULES})
PEOPLE = [pseudonym.token(SECRET, ID, "main", "person", f"rater {at}") for at in range(12)]
LABELS = ["cat", "dog", "ünïcode"]
Rater = Callable[[random.Random, str, dict[str, str]], str]


def honest(right: float) -> Rater:
    return lambda luck, truth, before: truth if luck.random() < right else luck.choice(LABELS)


def crowd(seed: int, raters: list[Rater], items: int = 60) -> list[tuple[str, str, str]]:
    """Return (item, by, label) of a crowd; each item is answered by all, some items are harder than others."""
    luck, found = random.Random(seed), []
    for at in range(items):
        truth, said = luck.choice(LABELS), dict[str, str]()
        hard = luck.random() < 0.2
        for by, rater in zip(PEOPLE, raters, strict=False):
            said[by] = rater(luck, luck.choice(LABELS) if hard else truth, said)
        found += [(f"i{at:04}", by, label) for by, label in said.items()]
    return found


def told(*parts: list[tuple[str, str, str]]) -> set[tuple[str, str]]:
    summaries = []
    for at, part in enumerate(parts):
        rows = [
            {"item": item, "id": by[4:20], "by": by, "rev": 1, "task": "kind", "value": {"label": label}}
            for item, by, label in part
        ]
        data = b"".join([canonical.encode_record(row) + b"\n" for row in rows])
        summaries.append((str(at), Annotators().look(View(PROJECT, ASKED, "00", b"", data), PROJECT).summary))
    found = Annotators().judge([pair for pair in summaries if pair[1]], PROJECT, ASKED)
    return {(finding.rule, finding.message) for finding in found}


def test_who_presses_one_key_and_who_copies_are_named_and_nobody_else():
    copier: Rater = lambda luck, truth, before: before[PEOPLE[0]]  # noqa: E731
    constant: Rater = lambda luck, truth, before: "cat"  # noqa: E731
    rows = crowd(3, [honest(0.6), honest(0.7), honest(0.6), honest(0.8), copier, constant])
    pair = sorted([PEOPLE[0], PEOPLE[4]])
    expected = {
        ("annotator.constant", f"{PEOPLE[5]} gives one answer to nearly all of 'kind'"),
        ("annotator.copy", f"{pair[0]} and {pair[1]} answer 'kind' alike where others differ"),
    }
    assert told(rows) == expected
    spread = [[row for row in rows if int(row[0][1:]) % 3 == part] for part in range(3)]
    assert told(*spread) == told(*spread[::-1]) == expected


def test_of_two_hundred_honest_crowds_no_more_are_named_than_is_stated():
    """The stated rate is one in a hundred; the bounds are safe ones, so that fewer are."""
    luck = random.Random(11)
    named = sum(bool(told(crowd(seed, [honest(luck.uniform(0.3, 0.9)) for _ in range(5)], 40))) for seed in range(200))
    assert named <= 2 * annotators.ALARM * 200


@pytest.mark.parametrize("items", [annotators.LEAST - 1, annotators.LEAST])
def test_below_the_least_number_nothing_is_said(items: int):
    constant: Rater = lambda luck, truth, before: "cat"  # noqa: E731
    rows = crowd(5, [*[honest(0.8)] * 6, constant], items)
    assert bool(told(rows)) == (items >= annotators.LEAST)


def test_a_unanimous_crowd_copies_nobody():
    assert told(crowd(1, [honest(1)] * 5)) == set()


@given(st.integers(0, 40), st.integers(-1, 42), st.integers(0, 20))
def test_the_tail_is_what_is_summed_in_fractions(trials: int, successes: int, twentieths: int):
    share = Fraction(twentieths, 20)
    exact = sum(
        comb(trials, at) * share**at * (1 - share) ** (trials - at) for at in range(max(successes, 0), trials + 1)
    )
    assert chance.at_least(trials, successes, float(share)) == pytest.approx(float(exact), rel=1e-9, abs=1e-12)


@given(st.lists(st.integers(1, 19), min_size=1, max_size=12), st.integers(0, 12))
def test_the_bound_of_unequal_trials_is_never_below_the_truth(twentieths: list[int], successes: int):
    exact = [Fraction(1)]
    for share in [Fraction(number, 20) for number in twentieths]:
        exact = [
            (exact[at] if at < len(exact) else 0) * (1 - share) + (exact[at - 1] * share if at else 0)
            for at in range(len(exact) + 1)
        ]
    truth = float(sum(exact[successes:]))
    assert chance.at_least_of_unequal(len(twentieths), successes, sum(twentieths) / 20) >= truth - 1e-12
