"""Profiles: settings of checks that datasets take by name, and which of them holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from labelvc.model.project import CheckSetting, Dataset, Profile

_MEMBERS = ("severity", "threshold")


class Dispute(NamedTuple):
    """Two profiles of a dataset that want one rule differently, in `severity` or `threshold`."""

    one: str
    other: str
    rule: str
    member: str


def taken(datasets: Mapping[str, Dataset], known: Mapping[str, Profile]) -> dict[str, Dataset]:
    """Return datasets with the settings of their profiles under their own: each member of a setting that a dataset says wins.

    Args:
        datasets: name to dataset, with its own settings.
        known: name to profile; those that a dataset names are in it, and agree where it says nothing.
    """
    return {
        name: msgspec.structs.replace(dataset, checks=_merged(dataset, known)) if dataset.profiles else dataset
        for name, dataset in datasets.items()
    }


def disputes(own: Mapping[str, Mapping[str, Any]], asked: Sequence[tuple[str, Mapping[str, Any]]]) -> Iterator[Dispute]:
    """Yield where profiles disagree on what a dataset leaves open: their order means nothing, so nothing would decide.

    Args:
        own: the dataset's `checks`, as its document has them.
        asked: name and `checks` of each profile that it takes.
    """
    said: dict[tuple[str, str], tuple[str, Any]] = {}
    for name, rules in asked:
        for rule, setting in rules.items():
            for member in _MEMBERS:
                value = setting.get(member)
                if value is None or own.get(rule, {}).get(member) is not None:
                    continue
                first, other = said.setdefault((rule, member), (name, value))
                if other != value:
                    yield Dispute(first, name, rule, member)


def _merged(dataset: Dataset, known: Mapping[str, Profile]) -> dict[str, CheckSetting]:
    found: dict[str, CheckSetting] = {}
    for settings in (*[known[name].checks for name in dataset.profiles], dataset.checks):
        for rule, setting in settings.items():
            before = found.get(rule, CheckSetting())
            found[rule] = CheckSetting(
                before.severity if setting.severity is None else setting.severity,
                before.threshold if setting.threshold is None else setting.threshold,
            )
    return found
