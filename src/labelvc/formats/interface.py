"""What a format is: a reader and a writer of one kind of file, with a plain word on what survives.

A reader yields items and records as plain dicts, in the order of the source. It sets no `rev`, makes no pseudonym and
chooses no shard: `labelvc.ops.transfer` does, the same way for every format.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple, Protocol

import msgspec

from labelvc.model.project import Dataset, Task, Taxonomy


class Plan(msgspec.Struct, frozen=True):
    """What the person said about the source.

    Attributes:
        task: name of the task the records answer.
        asked: the task itself.
        key: columns or fields that name an item, `word=1` to call column 1 a word; empty: the format's own id, or
            `source-<line>` where it has none.
        layout: `long` (a row a record) or `wide` (a row an item, a column an annotator).
        item, by, value: names of columns, for the formats that have columns; None means the format's default.
        taxonomy: where labels are looked up by name or id; None when the task has no labels.
        prefix: stands before the ids that a reader makes up for records (`mood.` makes `mood.r01`), so that the answers to two
            tasks of one dataset never meet under one key; ids that the source gives stay as they are.
    """

    task: str
    asked: Task
    key: tuple[str, ...] = ()
    layout: Literal["long", "wide"] = "long"
    item: str | None = None
    by: str | None = None
    value: str | None = None
    taxonomy: Taxonomy | None = None
    prefix: str = ""


class Row(NamedTuple):
    """One thing a reader found: an item (equal ones may come again), a record of an item yielded before, or what belongs to the dataset as a whole.

    Attributes:
        layer: `items`, `annotations` or `dataset`.
        fields: the item (`id`, `text` or `media` ...) or the record (`item`, `id`, `value`, perhaps `by`, `at`, `origin`,
            `ext`) as JSON values; `task` and `rev` are left to the caller. A record without `id` is one that the source
            does not name, or not so that it could be trusted: it is found by its content. Of a dataset, its `ext`.
        where: place in the source, `labels.csv:12`, for messages.
    """

    layer: Literal["items", "annotations", "dataset"]
    fields: dict[str, Any]
    where: str


class Fidelity(NamedTuple):
    """What a format keeps on a round trip, said in one line each."""

    kept: tuple[str, ...]
    lost: tuple[str, ...]


class Format(Protocol):
    """A reader and writer of one kind of file."""

    name: ClassVar[str]
    title: ClassVar[str]
    reads: ClassVar[bool]
    writes: ClassVar[bool]
    fidelity: ClassVar[Fidelity]

    def read(self, source: Path, plan: Plan) -> Iterator[Row]:
        """Yield the items and records of a file or folder; an item before its records.

        Raises:
            DataError: the source is not of this format; says the line, and never echoes more than a short excerpt.
        """
        ...

    def write(
        self,
        items: Iterable[Mapping[str, Any]],
        records: Iterable[Mapping[str, Any]],
        dataset: Dataset,
        plan: Plan,
        target: Path,
    ) -> int:
        """Write items and records to a file or folder, rebuilt from the records alone.

        Args:
            items: items in any order; the writer puts them as the source had them, else by id.
            records: records without tombstones, in shard order; those of other tasks are left out.
            dataset: where they come from.
            plan: the same words as for reading.
            target: file or folder to write; written to a temporary name first.

        Returns:
            Number of records written.
        """
        ...
