"""Profiles: settings of checks and reviews that datasets take by name, and which of them holds."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from labelvc.model.project import CheckSetting, Dataset, Profile, ReviewSetting

EXAMPLES, BUDGET = 3, 60_000
"""Examples of a way, and characters of Markdown, of a review of which nobody says how it is wanted."""
REVIEW = "review"
_MEMBERS = ("severity", "threshold")
_SHOWN = ("slices", "examples", "budget")


class Dispute(NamedTuple):
    """Two profiles of a dataset that want a member of one rule, or of `review`, differently."""

    one: str
    other: str
    rule: str
    member: str


class Said(NamedTuple):
    """What a document says of checks and reviews, as it has it."""

    checks: Mapping[str, Mapping[str, Any]]
    review: Mapping[str, Any]

    def of(self) -> Iterator[tuple[str, str, Any]]:
        """Yield rule or `review`, member and value of all that is said."""
        for rule, setting in self.checks.items():
            yield from ((rule, member, setting[member]) for member in _MEMBERS if setting.get(member) is not None)
        yield from ((REVIEW, member, self.review[member]) for member in _SHOWN if self.review.get(member) is not None)


def taken(
    datasets: Mapping[str, Dataset], known: Mapping[str, Profile], unsliced: Collection[str] = ()
) -> dict[str, Dataset]:
    """Return datasets with the settings of their profiles under their own: each member of a setting that a dataset says wins.

    Args:
        datasets: name to dataset, with its own settings.
        known: name to profile; those that a dataset names are in it, and agree where it says nothing.
        unsliced: names of datasets that want no slices, whatever their profiles say.
    """
    return {
        name: _taking(dataset, known, sliced=name not in unsliced) if dataset.profiles else dataset
        for name, dataset in datasets.items()
    }


def disputes(own: Said, asked: Sequence[tuple[str, Said]]) -> Iterator[Dispute]:
    """Yield where profiles disagree on what a dataset leaves open: their order means nothing, so nothing would decide.

    Args:
        own: what the dataset's document says.
        asked: name of each profile that it takes, and what that says.
    """
    decided = {(rule, member) for rule, member, _ in own.of()}
    said: dict[tuple[str, str], tuple[str, Any]] = {}
    for name, wanted in asked:
        for rule, member, value in wanted.of():
            if (rule, member) in decided:
                continue
            first, other = said.setdefault((rule, member), (name, value))
            if other != value:
                yield Dispute(first, name, rule, member)


def examples(wanted: Iterable[ReviewSetting], usual: int) -> int:
    """Return how many examples of each way a review of some datasets shows: the most that one of them wants.

    Args:
        wanted: by each dataset that is reviewed; one that says nothing wants what is usual.
        usual: how many that is.
    """
    return max([usual if one.examples is None else one.examples for one in wanted], default=usual)


def budget(wanted: Iterable[ReviewSetting]) -> int:
    """Return how many characters of Markdown a review of some datasets has at most: the most that one of them wants."""
    return max([one.budget or BUDGET for one in wanted], default=BUDGET)


def _taking(dataset: Dataset, known: Mapping[str, Profile], *, sliced: bool) -> Dataset:
    taken = [known[name] for name in dataset.profiles]
    review = ReviewSetting(dataset.slices)
    for one in taken:
        review = ReviewSetting(
            review.slices or one.review.slices,
            one.review.examples if review.examples is None else review.examples,
            review.budget or one.review.budget,
        )
    checks = _merged([*[one.checks for one in taken], dataset.checks])
    shown = msgspec.structs.replace(review, slices=())
    return msgspec.structs.replace(dataset, checks=checks, slices=review.slices if sliced else (), review=shown)


def _merged(said: Iterable[Mapping[str, CheckSetting]]) -> dict[str, CheckSetting]:
    """Return settings of rules, member by member; the later one wins."""
    found: dict[str, CheckSetting] = {}
    for settings in said:
        for rule, setting in settings.items():
            before = found.get(rule, CheckSetting())
            found[rule] = CheckSetting(
                before.severity if setting.severity is None else setting.severity,
                before.threshold if setting.threshold is None else setting.threshold,
            )
    return found
