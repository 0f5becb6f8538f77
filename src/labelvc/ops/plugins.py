"""Plug-ins: checks and formats that installed packages bring, and which datasets name them."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import NamedTuple

from labelvc.checks.interface import Rule
from labelvc.formats import registry as formats
from labelvc.model.project import Project

_CHECKS = "labelvc.checks"


class Plugin(NamedTuple):
    """What one entry point of an installed package brings.

    Attributes:
        kind: `check` or `format`.
        name: what the package calls it.
        package: name of the package.
        version: of the package.
        rules: what a check tells of.
        datasets: those that set one of its rules; in no other it runs.
        trouble: why it cannot be loaded, else empty.
    """

    kind: str
    name: str
    package: str
    version: str
    rules: tuple[Rule, ...] = ()
    datasets: tuple[str, ...] = ()
    trouble: str = ""


def installed(project: Project | None) -> list[Plugin]:
    """Return what is installed beside labelvc, checks before formats, by name.

    Args:
        project: whose datasets are asked; None outside of a project.
    """
    points = [("check", point) for point in entry_points(group=_CHECKS)]
    points += [("format", point) for point in entry_points(group=formats.GROUP)]
    return sorted([_plugin(kind, point, project) for kind, point in points])


def _plugin(kind: str, point: EntryPoint, project: Project | None) -> Plugin:
    package = (point.dist.name, point.dist.version) if point.dist else ("", "")
    found = Plugin(kind, point.name, *package)
    try:
        loaded = point.load()
        rules: tuple[Rule, ...] = tuple(loaded.rules) if kind == "check" else ()
    except Exception as error:  # noqa: BLE001 - a foreign module may fail in any way, and the list is what says so
        return found._replace(trouble=f"{point.value} cannot be loaded: {type(error).__name__}")
    own = {rule.id for rule in rules}
    datasets = project.datasets.values() if project else ()
    return found._replace(
        rules=rules, datasets=tuple([dataset.name for dataset in datasets if own & dataset.checks.keys()])
    )
