"""Bindings: did the labels of a record exist, in use, when the guideline it names explained them, and do they mean the same today."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from labelvc.checks.interface import Look, Rule, Shard, finding
from labelvc.core import bearing, semver
from labelvc.core.diff import decoded, live
from labelvc.model.finding import Finding, Place
from labelvc.model.project import Binding, Dataset, Project


class Bindings:
    """Looks at the records made under versions of which the project says that they leave something open."""

    name: ClassVar[str] = "labelvc.bindings"
    version: ClassVar[int] = 1
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "under.label",
            "warning",
            "Label was not in the taxonomy that its guideline explains",
            "What nobody explained yet, or not any more, was decided by no guideline.",
        ),
        Rule(
            "under.outdated",
            "warning",
            "Label means something else today",
            "Who uses old and new answers together mixes two meanings.",
        ),
    )

    def applies(self, project: Project, dataset: Dataset) -> bool:
        """Apply where a version leaves something open."""
        return bool(project.bindings)

    def look(self, shard: Shard, project: Project) -> Look:
        """Return the records that their version does not bear out."""
        data, found = shard.data("annotations"), list[Finding]()
        needles = {f'"under":"{under}"'.encode(): binding for under, binding in project.bindings.items()}
        needles = {needle: binding for needle, binding in needles.items() if needle in data}
        for number, raw in enumerate(shard.raw("annotations") if needles else (), 1):
            for needle, binding in needles.items():
                if needle in raw and live(raw) is not None:
                    place = Place(shard.path("annotations"), number, str(shard.key("annotations", number - 1) or ""))
                    found += _wrong(decoded(raw), binding, place, project)
        return Look(found)

    def judge(self, summaries: Iterable[tuple[str, bytes]], project: Project, dataset: Dataset) -> Iterator[Finding]:
        """Yield nothing: each record stands for itself."""
        return iter(())


def _wrong(fields: Mapping[str, Any], binding: Binding, place: Place, project: Project) -> Iterator[Finding]:
    under, task = str(fields.get("under")), project.tasks.get(str(fields.get("task")))
    if project.bindings.get(under) is not binding or task is None:
        return  # the needle stands in its `ext`
    value = fields.get("value")
    labels = bearing.token_labels(value, task) if task.type == "token" else bearing.labels(value)
    later = _migrated(fields, binding)
    for label in dict.fromkeys(labels):
        came = binding.absent.get(label)
        if came and not (later and not semver.precedes(later, came)):
            message = (
                f"the label {_short(label)} is not in {binding.taxonomy}, which {under} explains: it came with {came}"
            )
            hint = f"explain it, labelvc guideline publish {under.rpartition('@')[0]}, and decide by that version; or correct the label"
            yield finding(Bindings, "under.label", place._replace(pointer="/under"), message, hint)
        elif label in binding.retired:
            message = f"the label {_short(label)} was out of use in {binding.taxonomy}, which {under} explains"
            yield finding(Bindings, "under.label", place._replace(pointer="/under"), message, "choose a label in use")
    if binding.outdated is None or any(label in binding.outdated for label in labels):
        name = under.rpartition("@")[0]
        message = f"was made under {under}, by which it meant something else than today"
        hint = f"look at it again and import the answer; labelvc guideline impact {name} lists all of them"
        yield finding(Bindings, "under.outdated", place._replace(pointer="/under"), message, hint)


def _migrated(fields: Mapping[str, Any], binding: Binding) -> str:
    """Return the version of the taxonomy that a migration gave a record its label by; empty for none."""
    origin = fields.get("origin")
    said = str(origin.get("migration", "")) if isinstance(origin, dict) else ""
    name, _, version = said.rpartition("@")
    return version if name == binding.taxonomy.rpartition("@")[0] and semver.is_version(version) else ""


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:39] + "…")
