"""Profiles: the dataset's own setting wins, member by member, and the order of profiles means nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from labelvc.core import profiles
from labelvc.model.project import CheckSetting, Dataset, Profile

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
    disputed = list(profiles.disputes(plain(own), [("one", plain(one)), ("two", plain(two))]))
    assert (found == said(dataset, known, ("two", "one"))) == (not disputed)
    assert said(dataset, known, ()) == own
