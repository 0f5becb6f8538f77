"""Licences of items: what each may be used under, by its own word or by that of the source it comes from."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from labelvc.core import disclosure
from labelvc.model.project import Dataset


class Terms(NamedTuple):
    """What the sources of a dataset say of the items that come from them.

    Attributes:
        sources: name of a source to what the dataset lists of it.
        alone: the only source the dataset lists, from which an item comes that names none; empty where there are several.
    """

    sources: Mapping[str, Mapping[str, str]]
    alone: Mapping[str, str]

    def source(self, item: Mapping[str, Any]) -> Mapping[str, str]:
        """Return what is listed of the source of an item; empty where nobody says where it comes from."""
        return self.sources.get(item["source"], {}) if "source" in item else self.alone

    def licence(self, item: Mapping[str, Any]) -> str:
        """Return the licence of an item: its own, else that of its source; empty where nobody names one."""
        return item.get("licence") or self.source(item).get("licence", "")


def of(dataset: Dataset) -> Terms:
    """Return what a dataset's sources say; those that only say to be replaced are none."""
    listed = disclosure.sources(dataset.sources)
    named = {source["name"]: source for source in reversed(listed) if "name" in source}
    return Terms(named, listed[0] if len(listed) == 1 else {})


def objection(item: Mapping[str, Any], terms: Terms, allowed: Collection[str] | None, on: str) -> str:
    """Say why an item may not be handed out, in words that follow a number of items; empty when it may.

    Args:
        item: the item.
        terms: what the sources of its dataset say.
        allowed: licences under which items may be handed out; None where the project does not say.
        on: the day, `2026-12-02`.
    """
    source, said = terms.source(item), terms.licence(item)
    called = source.get("register") or source.get("name", "")
    if source.get("export") == "forbidden":
        return f"from {called}, which forbids it"
    if source.get("expires", on) < on:
        return f"from {called}, whose licence ended on {source['expires']}"
    if allowed is None or said in allowed:
        return ""
    return f"under {said!r}, which labelvc.yaml does not allow" if said else "without a licence"
