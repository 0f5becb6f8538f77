"""Progress: how many answers each label has, and in which slices, held against what the dataset asks for."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

import msgspec

from labelvc.codec import shard
from labelvc.core import census, hierarchy, ways
from labelvc.core.diff import decoded
from labelvc.core.veil import HIDDEN, Veil
from labelvc.errors import ConfigurationError
from labelvc.model import dashboard as page
from labelvc.model.names import Key
from labelvc.model.project import Dataset, Project
from labelvc.model.snapshot import Snapshot
from labelvc.ops import census as counting
from labelvc.ops import slices, spread
from labelvc.store.cache import Cache
from labelvc.store.reader import Reader

COVERAGE = "slice.coverage"
"""The rule whose threshold is the fewest answers that a label shall have in each slice, where a dataset asks for it."""
_BY = "labelvc.progress/1"
_MOST, _MOST_SLICES = 60, 10
Cells = Counter[tuple[str, str, str]]
"""Task, label and slice to the number of answers."""


def of(
    reader: Reader, cache: Cache, snapshot: Snapshot, project: Project, veil: Veil, by: str
) -> Iterator[page.Progress]:
    """Yield how far each task of each dataset is.

    Args:
        reader: reads the shards.
        cache: where counts are remembered by the ids of shards.
        snapshot: where they are.
        project: its project.
        veil: hides plain values.
        by: JSON pointer of the slice; empty for the first that each dataset declares.

    Raises:
        ConfigurationError: no dataset declares the slice.
        StoreError: a shard cannot be read.
    """
    pointer = by if by.startswith("/") or not by else f"/{by}"
    declared = sorted({each for dataset in project.datasets.values() for each in dataset.slices})
    if pointer and pointer not in declared:
        known = ", ".join(declared) or "none yet"
        raise ConfigurationError(f"no dataset declares the slice {pointer}", hint=f"choose one of: {known}")
    for _, dataset in sorted(project.datasets.items()):
        chosen = pointer if pointer in dataset.slices else "" if pointer else next(iter(dataset.slices), "")
        found = cells(reader, cache, snapshot, dataset, veil, chosen)
        tasks = {*dataset.tasks, *(task for task, _, _ in found)}
        for task in sorted(tasks):
            yield _task(project, dataset, task, chosen, found, veil)


def cells(reader: Reader, cache: Cache, snapshot: Snapshot, dataset: Dataset, veil: Veil, pointer: str) -> Cells:
    """Count a dataset by task, label and slice.

    Args:
        reader: reads the shards.
        cache: where counts are remembered by the ids of shards.
        snapshot: where they are.
        dataset: the dataset.
        veil: hides plain values.
        pointer: of the slice; empty for none.

    Raises:
        StoreError: a shard cannot be read.
    """
    count = _BySlice(dataset.name, veil.alone(dataset.name), pointer)
    by = f"{_BY}:{pointer}\0{dataset.sensitive}"
    return counting.by_shard(reader, cache, snapshot, dataset, by, count, items=bool(pointer))


class _BySlice(msgspec.Struct, frozen=True):
    """Counts a shard by task, label and slice, here or on a worker."""

    dataset: str
    veil: Veil
    pointer: str

    def __call__(self, annotations: bytes, items: bytes) -> Mapping[tuple[str, str, str], int]:
        return census.by_slice(annotations, self._slices(items))

    def _slices(self, items: bytes) -> dict[str, str]:
        if not self.pointer:
            return {}
        found, start = {}, len(f"{self.dataset} {self.pointer}=")
        for row in map(decoded, shard.lines(items)):
            shown = self.veil.over(Key(self.dataset, str(row.get("id")), ""), row)
            found[str(row.get("id"))] = slices.rows(self.dataset, [self.pointer], shown)[0][start:]
        return found


def _task(project: Project, dataset: Dataset, task: str, pointer: str, counted: Cells, veil: Veil) -> page.Progress:
    labels: dict[str, Counter[str]] = defaultdict(Counter)
    sizes = Counter[str]()
    for (of_task, label, of_item), number in counted.items():
        if of_task == task:
            labels[label][of_item] += number
            sizes[of_item] += number
    active = spread.in_use(project, task)
    own = {label: row.total() for label, row in labels.items()} | dict.fromkeys(active - labels.keys(), 0)
    asked = (spread.FLOOR, COVERAGE) if active else ()
    floor, least = [spread.least(project, dataset.name, rule) for rule in asked] or (None, None)
    short = _short(project, task, own, floor)
    named = [name for name, _ in sorted(sizes.items(), key=lambda row: (-row[1], row[0]))] if pointer else []
    shown = named[:_MOST_SLICES]
    ranked = sorted(own, key=lambda label: (-own[label], label))
    total = sum(own.values())
    rows = [
        page.Class(
            ways.named(shown_label(veil, dataset.name, label)),
            own[label],
            ways.percent(own[label], total),
            label in active,
            label in short,
            _row(labels.get(label, {}), shown, others=len(named) > len(shown)),
        )
        for label in islice(ranked, _MOST)
    ]
    return page.Progress(
        dataset.name, task, total, floor, least if pointer else None, len(short), pointer,
        tuple(name or slices.NONE for name in shown), len(named) > len(shown), tuple(rows), len(ranked) - len(rows),
    )  # fmt: skip


def shown_label(veil: Veil, dataset: str, label: str) -> str:
    """Return a label as it may be shown: where labels must be pseudonyms, a plain one is not."""
    fields = {"value": {"label": label, "labels": [label]}}
    return label if veil.over(Key(dataset, "-", "-"), fields) == fields else HIDDEN


def _short(project: Project, task: str, own: Mapping[str, int], floor: int | None) -> frozenset[str]:
    """Return the labels in use with fewer answers than the floor, those of labels below them included, as `label.floor` counts."""
    asked = project.tasks.get(task)
    taxonomy = project.taxonomies.get(asked.taxonomy or "") if asked else None
    if floor is None or taxonomy is None:
        return frozenset()
    whole = hierarchy.with_descendants(own, taxonomy.labels)
    return frozenset(label for label in spread.in_use(project, task) if whole[label] < floor)


def _row(counted: Mapping[str, int], shown: Sequence[str], *, others: bool) -> tuple[int, ...]:
    cells = [counted.get(name, 0) for name in shown]
    return (*cells, *([sum(counted.values()) - sum(cells)] if others else []))
