"""The checks there are: a literal table, then what installed packages bring under the entry point `labelvc.checks`."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from functools import cache
from typing import Any, NoReturn

from labelvc.checks.annotators import Annotators
from labelvc.checks.bindings import Bindings
from labelvc.checks.boxes import Boxes
from labelvc.checks.counts import Counts
from labelvc.checks.domains import Domains
from labelvc.checks.doubles import Doubles
from labelvc.checks.interface import Check, Rule
from labelvc.checks.layout import Layout
from labelvc.checks.origins import Origins
from labelvc.checks.outlines import Outlines
from labelvc.checks.pace import Pace
from labelvc.checks.pseudonyms import Pseudonyms
from labelvc.checks.records import Records
from labelvc.checks.references import References
from labelvc.checks.spans import Spans
from labelvc.checks.undeclared import Undeclared
from labelvc.checks.values import Values
from labelvc.core import leaks
from labelvc.errors import ConfigurationError
from labelvc.model.names import Layer
from labelvc.model.project import Dataset, Project

BUILT_IN: dict[str, type[Check]] = {
    "records": Records,
    "layout": Layout,
    "references": References,
    "pseudonyms": Pseudonyms,
    "values": Values,
    "boxes": Boxes,
    "outlines": Outlines,
    "spans": Spans,
    "domains": Domains,
    "undeclared": Undeclared,
    "counts": Counts,
    "origins": Origins,
    "doubles": Doubles,
    "annotators": Annotators,
    "pace": Pace,
    "bindings": Bindings,
}


_ELSEWHERE = frozenset(
    {"record.rev", "shard.stray", "shard.ignored", "file.link", "file.twin", "dvc.unstored", "dvc.pointer"}
    | {"approval.stray"}
    | {"privacy.baseline", "privacy.hidden"}
    | {f"privacy.{name}" for name in leaks.RULES}
    | {f"document.{problem}" for problem in ("yaml", "schema", "reference", "version", "register", "invisible")}
    | {"register.owner", "register.rights", "waiver.expired", "waiver.unused", "waiver.owner"}
    | {
        f"guideline.{part}"
        for part in (
            "definition",
            "example",
            "edge_case",
            "ambiguity",
            "silent",
            "deprecated",
            "rival",
            "taxonomy",
            "because",
        )
    }
    | {f"example.{problem}" for problem in ("contradicted", "vanished", "deprecated")}
    | {"module.missing", "module.edited", "module.conflict", "module.rewritten"}
)
"""Rules of documents, of plain text and of the whole tree: modules of `labelvc.ops` have them."""
_RULES = frozenset(rule.id for check in BUILT_IN.values() for rule in check.rules)


def checks_for(project: Project) -> tuple[Check, ...]:
    """Return the checks of a project: the built-in ones, and those of installed packages that its datasets name.

    A dataset names a package's check by setting one of its rules, so that what is installed beside labelvc never changes
    a verdict in silence.

    Args:
        project: the documents in force.

    Returns:
        One of each check, built-in ones first.

    Raises:
        ConfigurationError: a rule is set that no check has.
    """
    named = {rule for dataset in project.datasets.values() for rule in dataset.checks} - _RULES - _ELSEWHERE
    found, unknown = _brought(frozenset(named)) if named else ((), ())
    if unknown:
        _refuse(project, unknown[0])
    return (*_built_in(), *found)


def unknown(rules: Iterable[str]) -> frozenset[str]:
    """Return the rules that no check has, neither a built-in one nor one that an installed package brings."""
    rest = frozenset(rules) - _RULES - _ELSEWHERE
    return rest.difference(rule.id for check in (_installed() if rest else ()) for rule in check.rules)


def catalogue() -> dict[str, Rule]:
    """Return every rule of the built-in checks by its id."""
    return {rule.id: rule for check in _built_in() for rule in check.rules}


def counted(project: Project, dataset: Dataset) -> set[Layer]:
    """Return the layers whose lines the checks of a dataset count across shards: items, and records where it asks for that."""
    found: set[Layer] = set()
    for check in checks_for(project):
        if check.applies(project, dataset):
            found.update(getattr(check, "counts", ("items",)))
    return found


def versions(project: Project) -> str:
    """Return the names and versions of a project's checks: part of the key under which results are remembered."""
    return ",".join([f"{check.name}/{check.version}" for check in checks_for(project)])


@cache
def _built_in() -> tuple[Check, ...]:
    return tuple(check() for check in BUILT_IN.values())


@cache
def _brought(rules: frozenset[str]) -> tuple[tuple[Check, ...], tuple[str, ...]]:
    """Return the installed checks that have some of these rules, and the rules that none has.

    Only for such rules are packages asked, which takes 25 ms.
    """
    found = tuple(check for check in _installed() if any(rule.id in rules for rule in check.rules))
    return found, tuple(sorted(rules - {rule.id for check in found for rule in check.rules}))


def _refuse(project: Project, rule: str) -> NoReturn:
    """Say which dataset sets a rule that no check has, and which one may be meant."""
    dataset = next(dataset for dataset in project.datasets.values() if rule in dataset.checks)
    near = importlib.import_module("difflib").get_close_matches(rule, sorted(_RULES | _ELSEWHERE), 1)
    meant = f"write {near[0]}, if that is meant" if near else "labelvc check --rules lists the rules"
    raise ConfigurationError(
        f"sets the rule {rule!r}, which no check here has",
        where=f"datasets/{dataset.name}/dataset.yaml",
        hint=f"{meant}; or install the package that brings it",
    )


@cache
def _installed() -> tuple[Check, ...]:
    points = sorted(importlib.import_module("importlib.metadata").entry_points(group="labelvc.checks"), key=_name)
    return tuple(point.load()() for point in points)


def _name(point: Any) -> str:
    return str(point.name)
