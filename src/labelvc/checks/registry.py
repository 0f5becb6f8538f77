"""The checks there are: a literal table, then what installed packages bring under the entry point `labelvc.checks`."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points

from labelvc.checks.boxes import Boxes
from labelvc.checks.interface import Check, Rule
from labelvc.checks.layout import Layout
from labelvc.checks.pseudonyms import Pseudonyms
from labelvc.checks.records import Records
from labelvc.checks.references import References
from labelvc.checks.values import Values

BUILT_IN: dict[str, type[Check]] = {
    "records": Records,
    "layout": Layout,
    "references": References,
    "pseudonyms": Pseudonyms,
    "values": Values,
    "boxes": Boxes,
}


@cache
def all_checks() -> tuple[Check, ...]:
    """Return one of each check, built in ones first, then those of installed packages by name."""
    brought = sorted(entry_points(group="labelvc.checks"), key=lambda point: point.name)
    return (*[check() for check in BUILT_IN.values()], *[point.load()() for point in brought])


def catalogue() -> dict[str, Rule]:
    """Return every rule by its id."""
    return {rule.id: rule for check in all_checks() for rule in check.rules}


def versions() -> str:
    """Return the names and versions of all checks: part of the key under which results are remembered."""
    return ",".join([f"{check.name}/{check.version}" for check in all_checks()])
