"""Pace: who answers faster than one can look, and who presses one key in a row, is found by the times of records; others are not."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import groupby, permutations
from math import comb
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelvc.checks import annotators
from labelvc.checks.pace import Pace
from labelvc.checks.view import View
from labelvc.codec import canonical
from labelvc.core import chance, pseudonym
from labelvc.model.project import CheckSetting
from tests.strategies import DATASET, PROJECT
from tests.zoo import ID, SECRET

RULES = ("annotator.too_fast", "annotator.run")
START = datetime(2026, 3, 1, 9, tzinfo=UTC)
Row = tuple[str, str, float | None, str]
"""Item, annotator, seconds since the start, label."""


def person(name: str) -> str:
    return pseudonym.token(SECRET, ID, "main", "person", name)


ANNA, BEN, CLEO = map(person, ("anna", "ben", "cleo"))


def told(rows: Sequence[Row], parts: int = 1, **thresholds: float) -> set[tuple[str, str]]:
    """Return rule and annotator of each finding, of records spread over shards by their item."""
    checks = {
        rule: CheckSetting(severity="warning", threshold=thresholds.get(rule.partition(".")[2])) for rule in RULES
    }
    dataset = msgspec.structs.replace(DATASET, checks=checks)
    shards: list[list[bytes]] = [[] for _ in range(parts)]
    places = {item: at % parts for at, item in enumerate(sorted({row[0] for row in rows}))}
    for number, (item, by, at, label) in enumerate(rows):
        record = {"item": item, "id": f"r{number}", "by": by, "rev": 1, "task": "kind", "value": {"label": label}}
        if at is not None:
            record["at"] = (START + timedelta(seconds=at)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        shards[places[item]].append(canonical.encode_record(record) + b"\n")
    looks = [Pace().look(View(PROJECT, dataset, "00", b"", b"".join(sorted(shard))), PROJECT) for shard in shards]
    summaries = [(str(at), look.summary) for at, look in enumerate(looks) if look.summary]
    found = list(Pace().judge(summaries, PROJECT, dataset))
    assert all(name not in finding.message for finding in found for name in ("i0", "0."))
    return {(finding.rule.partition(".")[2], finding.message.split()[0]) for finding in found}


def session(by: str, pace: Callable[[int], float], labels: Callable[[int], str], items: int = 60) -> list[Row]:
    at, rows = 0.0, []
    for number in range(items):
        at += pace(number)
        rows.append((f"i{number:04}", by, at, labels(number)))
    return rows


def either(seed: int) -> Callable[[int], str]:
    luck = random.Random(seed)
    return lambda _: luck.choice(["cat", "dog"])


# ---------------------------------------------------------------- too fast
def test_who_is_faster_than_one_can_look_is_named_and_who_takes_time_is_not():
    rows = [
        *session(ANNA, lambda at: 0.5 if at % 20 else 600, either(1)),  # pauses do not help
        *session(BEN, lambda at: 4, either(2)),
        *session(CLEO, lambda at: 1.0, either(3)),  # at the threshold is not below it
    ]
    assert told(rows) == told(rows, 5) == {("too_fast", ANNA)}
    assert told(rows, too_fast=5) == {("too_fast", one) for one in (ANNA, BEN, CLEO)}


def test_answers_saved_at_one_moment_share_the_time_since_the_moment_before():
    """Ten pictures a page, as in CIFAR-10N: half of its 15,000 pages took 42 s or less, a quick worker's 15 s, and worker 177's 3 s."""
    rows = [
        *session(ANNA, lambda at: 0 if at % 10 else 42, either(1)),
        *session(BEN, lambda at: 0 if at % 10 else 3, either(2)),
        *session(CLEO, lambda at: 0 if at % 10 else 15, either(3)),
    ]
    assert told(rows) == {("too_fast", BEN)}


@pytest.mark.parametrize("gaps", [annotators.LEAST - 1, annotators.LEAST])
def test_below_the_least_number_nothing_is_said(gaps: int):
    assert bool(told(session(ANNA, lambda at: 0.1, either(1), gaps + 1))) == (gaps >= annotators.LEAST)


def test_without_times_nothing_is_said():
    fast = session(ANNA, lambda at: 0.1, lambda at: "cat" if at > 20 else "dog")
    assert told(fast) == {("too_fast", ANNA), ("run", ANNA)}
    assert told([(item, by, None, label) for item, by, _, label in fast]) == set()
    assert told([(item, by, 5.0, label) for item, by, _, label in fast]) == set()  # saved at once, in whatever order


def test_pages_of_one_answer_are_a_run_and_mixed_pages_are_none():
    page = lambda at: 0 if at % 10 else 60  # noqa: E731
    luck = random.Random(7)
    rows = session(ANNA, page, lambda at: luck.choice(["cat", "dog"]) if at < 30 else "dog")
    assert told(rows) == {("run", ANNA)}
    assert told(session(ANNA, page, lambda at: "dog" if at % 10 else "cat")) == set()


# ---------------------------------------------------------------- runs
def test_who_stops_looking_is_named_and_who_alternates_is_not():
    luck = random.Random(5)
    tired = session(ANNA, lambda at: 9, lambda at: luck.choice(["cat", "dog"]) if at < 40 else "dog")
    assert told([*tired, *session(BEN, lambda at: 9, either(6))]) == {("run", ANNA)}
    assert told([*tired, *session(BEN, lambda at: 9, either(6))], run=25) == set()


def test_a_run_on_which_others_agree_is_none():
    """Items that came sorted give runs to everybody who is right."""
    truth = lambda at: "cat" if at < 30 else "dog"  # noqa: E731
    assert told([row for by in (ANNA, BEN, CLEO) for row in session(by, lambda at: 9, truth)]) == set()
    assert told(session(ANNA, lambda at: 9, truth)) == {("run", ANNA)}


def test_who_answers_always_the_same_has_no_order_that_could_be_odd():
    assert told(session(ANNA, lambda at: 9, lambda at: "cat")) == set()


def honest(luck: random.Random) -> list[Row]:
    share = luck.uniform(0.5, 0.95)
    label = lambda at: "cat" if luck.random() < share else "dog"  # noqa: E731
    return [row for number in range(4) for row in session(person(f"rater {number}"), lambda at: 9, label)]


def test_of_a_hundred_honest_crowds_no_more_are_named_than_is_stated():
    named = sum(bool(told(honest(random.Random(seed)))) for seed in range(100))
    assert named <= 2 * annotators.ALARM * 100


@given(st.integers(1, 7), st.integers(0, 7), st.integers(1, 7))
def test_the_bound_of_a_run_is_never_below_the_truth(trials: int, successes: int, length: int):
    """All orders are tried."""
    successes = min(successes, trials)
    orders = set(permutations([1] * successes + [0] * (trials - successes)))
    assert len(orders) == comb(trials, successes)
    hit = sum(any(mark and len(list(row)) >= length for mark, row in groupby(order)) for order in orders)
    truth = float(Fraction(hit, len(orders)))
    bound = chance.run_of(trials, successes, length)
    assert bound >= truth - 1e-12
    if 2 * length > successes:  # no order holds two such runs, so that nothing is counted twice
        assert bound == pytest.approx(truth)


# ---------------------------------------------------------------- real crowds
def crowd(folder: Path, name: str, *, shuffled: bool) -> list[Row]:
    """Return real answers, ten seconds apart: shuffled, or as their file has them, which lists one label after the other."""
    source = folder / "gal-crowd" / name / "labels.txt"
    if not source.is_file():
        pytest.skip("the crowds' labels are not among the real data")
    lines = [line.split("\t")[:3] for line in source.read_text(encoding="utf-8").splitlines()]
    first = {(who, item): label for who, item, label in lines}
    kept = set(sorted({item for _, item in first})[:1_200])
    some = [(item.replace("#", "-"), person(who), label) for (who, item), label in first.items() if item in kept]
    if shuffled:
        random.Random(1).shuffle(some)
    return [(item, who, 10.0 * at, label) for at, (item, who, label) in enumerate(some)]


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("HITspam-UsingMTurk", 5, 25),  # its workers do not agree beyond chance
        ("HITspam-UsingCrowdflower", 0, 0),  # its workers all agree: whoever is right has a run
    ],
)
def test_of_real_crowds_nobody_is_named_in_an_order_of_chance_and_some_are_in_an_order_by_label(
    real_data: Path, name: str, least: int, most: int
):
    assert told(crowd(real_data, name, shuffled=True)) == set()
    named = told(crowd(real_data, name, shuffled=False))
    assert {rule for rule, _ in named} <= {"run"}
    assert least <= len(named) <= most
