"""Profiles: the dataset's own setting wins, member by member, and the order of profiles means nothing."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from labelvc.core import profiles
from labelvc.core.profiles import Said
from labelvc.model.project import CheckSetting, Dataset, Profile, ReviewSetting

SETTINGS = st.builds(CheckSetting, st.sampled_from([None, "off", "error"]), st.sampled_from([None, 0.5, 0.7]))
CHECKS = st.dictionaries(st.sampled_from(["a.b", "c.d"]), SETTINGS)


def plain(checks: dict[str, CheckSetting]) -> dict[str, dict[str, object]]:
    return {rule: {"severity": one.severity, "threshold": one.threshold} for rule, one in checks.items()}


def said(dataset: Dataset, known: dict[str, Profile], names: tuple[str, ...]) -> dict[str, CheckSetting]:
    taking = Dataset("d", "x", {}, checks=dataset.checks, profiles=names)
    return profiles.taken({"d": taking}, known)["d"].checks


@given(CHECKS, CHECKS, CHECKS)
def test_own_settings_win_and_order_means_nothing_without_a_dispute(own, one, two):
    dataset = Dataset("d", "x", {}, checks=own)
    known = {"one": Profile("one", one), "two": Profile("two", two)}
    found = said(dataset, known, ("one", "two"))
    for rule, setting in own.items():
        for member in ("severity", "threshold"):
            mine = getattr(setting, member)
            assert mine is None or getattr(found[rule], member) == mine
    disputed = list(
        profiles.disputes(Said(plain(own), {}), [("one", Said(plain(one), {})), ("two", Said(plain(two), {}))])
    )
    assert (found == said(dataset, known, ("two", "one"))) == (not disputed)
    assert said(dataset, known, ()) == own


SLICES = st.sampled_from([(), ("/source",), ("/source", "/ext/year")])
REVIEWS = st.builds(
    ReviewSetting, SLICES, st.sampled_from([None, 0, 3, 20]), st.sampled_from([None, 2_000, 60_000, 90_000])
)


def in_yaml(review: ReviewSetting) -> dict[str, object]:
    said = {"slices": list(review.slices) or None, "examples": review.examples, "budget": review.budget}
    return {member: value for member, value in said.items() if value is not None}


@given(st.none() | SLICES, REVIEWS, REVIEWS)
def test_own_slices_win_and_order_means_nothing_of_reviews_without_a_dispute(own, one, two):
    """A dataset that says `slices: []` wants none."""
    dataset = Dataset("d", "x", {}, slices=own or (), profiles=("one", "two"))
    unsliced = {"d"} if own == () else set()
    known = {"one": Profile("one", review=one), "two": Profile("two", review=two)}
    ahead, back = (
        profiles.taken({"d": msgspec.structs.replace(dataset, profiles=names)}, known, unsliced)["d"]
        for names in (("one", "two"), ("two", "one"))
    )
    assert ahead.slices == (one.slices or two.slices if own is None else own)
    assert ahead.review.slices == (), "slices stand in one place"
    asked = [("one", Said({}, in_yaml(one))), ("two", Said({}, in_yaml(two)))]
    disputed = list(profiles.disputes(Said({}, {} if own is None else {"slices": list(own)}), asked))
    assert ((ahead.slices, ahead.review) == (back.slices, back.review)) == (not disputed)
    assert {dispute.rule for dispute in disputed} <= {"review"}
    bare = Dataset("d", "x", {}, slices=own or ())
    assert profiles.taken({"d": bare}, known)["d"] == bare


@given(st.lists(REVIEWS), st.integers(3, 24))
def test_a_review_of_several_datasets_shows_what_the_one_that_wants_most_wants(wanted, usual):
    """So that touching a dataset that wants little hides nothing of another."""
    shown, room = profiles.examples(wanted, usual), profiles.budget(wanted)
    for one in wanted:
        assert shown >= (usual if one.examples is None else one.examples)
        assert room >= (one.budget or 60_000)
    assert wanted or (shown, room) == (usual, 60_000)
    assert shown == usual or shown in {one.examples for one in wanted}
