"""A diff gathered for a page: as many changes as a page can show, the others counted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from labelvc.core import diff
from labelvc.core.counts import Rows

MOST_RECORDS = 1_000
MOST_DOCUMENTS = 200
_ORDER = ("changed", "removed", "added", "touched")


class Gathered(NamedTuple):
    """The changes a page shows, and how many it does not.

    Attributes:
        mechanical: documents that tell of a mechanical change.
        documents: the other documents.
        records: records and items.
        more_documents: number of documents left away.
        more_records: number of records and items left away.
    """

    mechanical: list[diff.Comparison]
    documents: list[diff.Comparison]
    records: list[diff.Comparison]
    more_documents: int
    more_records: int

    def without_records(self) -> Gathered:
        """Return the documents alone."""
        return self._replace(records=[], more_records=0)


class Report(NamedTuple):
    """Everything a page says.

    Attributes:
        base: what was compared with.
        head: what was looked at.
        gathered: the changes shown.
        summary: counts over all that was not filtered out.
        tables: name to rows, as `labelvc.core.counts` makes them.
        notes: sentences on what is not shown: filtered out, or outside of a sample.
    """

    base: str
    head: str
    gathered: Gathered
    summary: diff.Summary
    tables: Mapping[str, Rows]
    notes: list[str]


def gather(changes: Iterable[diff.Comparison]) -> Gathered:
    """Read changes to their end and keep the first of them: what was changed before what only came, went or was touched."""
    mechanical, documents = list[diff.Comparison](), list[diff.Comparison]()
    records: dict[str, list[diff.Comparison]] = {kind: [] for kind in _ORDER}
    more_documents = number = 0
    for seen in changes:
        if seen.kind == "mechanical":
            if seen.said:
                mechanical.append(seen)
        elif isinstance(seen.delta.key, str):
            if len(documents) < MOST_DOCUMENTS:
                bare = seen.delta._replace(old=None, new=None)  # a page shows no whole document
                documents.append(seen._replace(delta=bare, edits=seen.edits[:MOST_DOCUMENTS]))
            else:
                more_documents += 1
        else:
            number += 1
            if len(records[seen.kind]) < MOST_RECORDS:
                records[seen.kind].append(seen)
    shown = [seen for kind in _ORDER for seen in records[kind]][:MOST_RECORDS]
    return Gathered(mechanical, documents, shown, more_documents, number - len(shown))
