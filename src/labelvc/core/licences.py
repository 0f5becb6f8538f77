"""Licences of items: what each may be used under, by its own word or by that of the source it comes from."""

from __future__ import annotations

from collections.abc import Mapping
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
