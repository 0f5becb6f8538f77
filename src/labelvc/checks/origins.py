"""Origins: under which licence is each item, from which source, and who or what made each record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from labelvc.checks.interface import Line, Look, Rule, Shard, asked, finding
from labelvc.model.finding import Finding, Place
from labelvc.model.project import Dataset, Project

_RULES = ("item.licence", "item.source", "source.licence", "record.maker", "record.unguided")
_SPELLINGS = ("licence", "license")


class Origins:
    """Looks at what items and records say of where they come from."""

    name: ClassVar[str] = "labelvc.origins"
    version: ClassVar[int] = 1
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "item.licence",
            "warning",
            "Item has no licence",
            "What nobody gave leave to use cannot be released.",
            on_request=True,
        ),
        Rule(
            "item.source",
            "error",
            "Item names a source that its dataset does not have",
            "A source that is written down nowhere has no licence and no address.",
            on_request=True,
        ),
        Rule(
            "source.licence",
            "warning",
            "Source has no licence",
            "What holds for all of its items was never written down.",
            on_request=True,
        ),
        Rule(
            "record.maker",
            "warning",
            "Record says neither who made it nor which model",
            "A machine's answer that does not say so is counted as a person's.",
            on_request=True,
        ),
        Rule(
            "record.unguided",
            "warning",
            "Record does not say what it was decided by",
            "A label is only explicable with the definition in force.",
            on_request=True,
        ),
    )

    def applies(self, project: Project, dataset: Dataset) -> bool:
        """Apply where a dataset asks for one of the rules."""
        return asked(dataset, *_RULES)

    def look(self, shard: Shard, project: Project) -> Look:
        """Return items without licence or with an unknown source, and records without maker or guideline."""
        found: list[Finding] = []
        if asked(shard.dataset, "item.licence", "item.source"):
            found += _items(shard)
        if asked(shard.dataset, "record.maker", "record.unguided"):
            found += _records(shard)
        return Look(found)

    def judge(self, summaries: Iterable[tuple[str, bytes]], project: Project, dataset: Dataset) -> Iterator[Finding]:
        """Yield the sources of the dataset that name no licence."""
        if not asked(dataset, "source.licence"):
            return
        path = f"datasets/{dataset.name}/dataset.yaml"
        for number, source in enumerate(dataset.sources):
            if not _licence(source):
                message = f"the source {source.get('name', '')!r} has no licence"
                hint = f"write its licence, an SPDX identifier if there is one, under sources in {path}"
                yield finding(Origins, "source.licence", Place(path, 0, "", f"/sources/{number}"), message, hint)


def _items(shard: Shard) -> Iterator[Finding]:
    sources = {source["name"]: source for source in shard.dataset.sources if "name" in source}
    licences, names = asked(shard.dataset, "item.licence"), asked(shard.dataset, "item.source")
    good = {name for name, source in sources.items() if isinstance(name, str) and (_licence(source) or not licences)}
    for line in shard.records("items"):
        fields = line.fields or {}
        source = fields.get("source")
        if isinstance(source, str) and source in good:
            continue
        known = sources.get(source) if isinstance(source, str) else None
        if licences and line.fields and not _licence(fields) and not _licence(known or {}):
            hint = "write `licence` into the item, or into its source in dataset.yaml; or leave the item out"
            yield finding(
                Origins, "item.licence", _place(line, shard), "neither the item nor its source has a licence", hint
            )
        if names and source is not None and known is None:
            message = "the item's source is none of the dataset's"
            hint = f"add it under sources in datasets/{shard.dataset.name}/dataset.yaml"
            yield finding(Origins, "item.source", _place(line, shard)._replace(pointer="/source"), message, hint)


def _records(shard: Shard) -> Iterator[Finding]:
    makers, guided = asked(shard.dataset, "record.maker"), asked(shard.dataset, "record.unguided")
    _, by, said = shard.answers()
    if not (makers and "" in by) and not (guided and any(not one.under for one in set(said))):
        return
    for line in shard.records():
        fields = line.fields or {}
        if not fields or fields.get("gone") is True:
            continue
        origin = fields.get("origin")
        model = origin.get("model") if isinstance(origin, dict) else None
        if makers and not fields.get("by") and not model:
            hint = "write `by`, or `origin.model` where a machine made it; labelvc import --by takes the annotator"
            message = "the record names neither a person nor a model"
            yield finding(Origins, "record.maker", _place(line, shard), message, hint)
        if guided and not fields.get("under"):
            message = "the record names no version of a guideline"
            hint = "give its task a guideline in labelvc.yaml; labelvc import writes `under` from then on"
            yield finding(Origins, "record.unguided", _place(line, shard), message, hint)


def _licence(fields: Mapping[str, Any]) -> bool:
    """Tell whether a licence is named: by the item or source itself, or as its source format has it (`ext.coco.license`)."""
    ext = fields.get("ext")
    holders = [fields, *[other for other in (ext.values() if isinstance(ext, dict) else ()) if isinstance(other, dict)]]
    return any(holder.get(name) not in (None, "") for holder in holders for name in _SPELLINGS)


def _place(line: Line, shard: Shard) -> Place:
    return Place(shard.path(line.layer), line.number, str(line.key or ""))
