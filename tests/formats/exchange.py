"""Read and write with a format as `import` and `export` do: through canonical lines, records in the order of shards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from labelvc.codec import canonical, shard
from labelvc.formats import registry
from labelvc.formats.interface import Plan
from labelvc.model.project import Dataset, Label, Task, Taxonomy

DATASET = Dataset("d", "7c1a4d3e-0000-4000-8000-000000000002", {"t": False})
PETS = Taxonomy("pets", "1.0.0", (Label("cat", "Cat"), Label("dog", "Hund"), Label("bird")))

Thing = dict[str, Any]


def plan(kind: str = "score", *, taxonomy: Taxonomy | None = None, **words: Any) -> Plan:
    """Return a plan for a task of a type."""
    return Plan(task="t", asked=Task(kind), taxonomy=taxonomy, **words)


def read(name: str, source: Path, said: Plan) -> tuple[list[Thing], list[Thing]]:
    """Return items and records as stored lines give them back; assert that an item comes before its records and keys are unique."""
    items: dict[str, Thing] = {}
    records: dict[tuple[str, str], Thing] = {}
    for row in registry.find(name).read(source, said):
        assert row.where.split(":")[0]
        if row.layer == "items":
            assert row.fields["id"] not in items, row
            items[row.fields["id"]] = canonical.decode(canonical.encode_item(row.fields))
        elif row.layer == "annotations":
            row.fields.setdefault("id", f"unnamed-{len(records)}")  # `import` finds it by its content
            key = row.fields["item"], row.fields["id"]
            assert row.fields["item"] in items, row
            assert key not in records, row
            records[key] = canonical.decode(canonical.encode_record(row.fields))
    return list(items.values()), list(records.values())


def write(name: str, items: list[Thing], records: list[Thing], target: Path, said: Plan) -> int:
    """Write items and records as a shard would hold them: placed by digest, sorted by bytes."""
    ordered = sorted(records, key=lambda record: (shard.place(record["item"], 4), canonical.encode_record(record)))
    placed = sorted(items, key=lambda item: (shard.place(item["id"], 4), canonical.encode_item(item)))
    return registry.find(name).write(placed, ordered, DATASET, said, target)


def keyed(records: list[Thing]) -> dict[tuple[str, str], Thing]:
    """Return records by (item, id)."""
    return {(record["item"], record["id"]): record for record in records}


def sample(folder: Path, name: str, text: str | bytes) -> Path:
    """Write a sample file."""
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path
