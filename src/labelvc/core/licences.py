"""Licences of items: what each may be used under, by its own word or by those of the sources it may come from."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from labelvc.core import disclosure
from labelvc.model.project import Dataset

Source = Mapping[str, str]
_BINDS = ("export", "expires")
_TERMS = ("licence", "expires", "export")


class Terms(NamedTuple):
    """What the sources of a dataset say of the items that come from them.

    Attributes:
        sources: what the dataset lists, without what only says to be replaced.
        shown: the right to hand an item out must be shown; else it is enough that nothing speaks against it.
    """

    sources: tuple[Source, ...]
    shown: bool = False

    def candidates(self, item: Mapping[str, Any]) -> list[Source]:
        """Return the sources an item may come from: all that have the name it says; all there are where it says none."""
        if "source" not in item:
            return list(self.sources)
        return [source for source in self.sources if source.get("name") == item["source"]]

    def licence(self, item: Mapping[str, Any]) -> str:
        """Return the licence of an item: its own, else the one of every source it may come from; empty where there is none."""
        found = {_licence(item, source) for source in self.candidates(item) or [{}]}
        return found.pop() if len(found) == 1 else ""


def of(dataset: Dataset, *, registered: bool = False) -> Terms:
    """Return what a dataset's sources say; those that only say to be replaced are none.

    Args:
        dataset: the dataset.
        registered: the project keeps a register of sources. Then, and where a source of the dataset forbids or ends, the
            right to hand out each item must be shown.
    """
    said = map(disclosure.filled, dataset.sources)
    listed = tuple(source for source in said if "name" in source or any(name in source for name in _BINDS))
    return Terms(listed, registered or any(name in source for source in listed for name in _BINDS))


def terms(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an entry of the register of sources says of the items that come from it."""
    return {name: entry[name] for name in _TERMS if name in entry}


def objection(item: Mapping[str, Any], terms: Terms, allowed: Collection[str] | None, on: str) -> str:
    """Say why an item may not be handed out, in words that follow a number of items; empty when it may.

    An item that may come from several sources goes out when each of them lets it.

    Args:
        item: the item.
        terms: what the sources of its dataset say.
        allowed: licences under which items may be handed out; None where the project does not say.
        on: the day, `2026-12-02`.
    """
    candidates = terms.candidates(item)
    if terms.shown and not candidates and "source" in item:
        return f"from {item['source']!r}, which is none of the dataset's sources"
    return next(_objections(item, candidates or [{}], terms, allowed, on), "")


def _objections(
    item: Mapping[str, Any], candidates: list[Source], terms: Terms, allowed: Collection[str] | None, on: str
) -> Iterator[str]:
    perhaps = "perhaps " if len(candidates) > 1 else ""
    for source in candidates:
        called = f"{perhaps}from {source.get('register') or source.get('name', 'a source without a name')}"
        if source.get("export", "allowed") != "allowed":
            yield f"{called}, which forbids it"
        if source.get("expires", on) < on:
            yield f"{called}, whose licence ended on {source['expires']}"
    said = [_licence(item, source) for source in candidates]
    if "" in said and (terms.shown or allowed is not None):
        yield "without a licence"
    for one in said:
        if allowed is not None and one not in allowed:
            yield f"under {one!r}, which labelvc.yaml does not allow"


def _licence(item: Mapping[str, Any], source: Source) -> str:
    own = item.get("licence")
    return own if isinstance(own, str) and own else source.get("licence", "")
