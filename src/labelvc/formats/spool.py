"""A spool: items and their records set aside in a temporary file, so that a writer can take them item by item.

Shards come in the order of their names, a file wants the order of its source; memory holds one place an item.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import groupby
from types import TracebackType
from typing import Any, Self

import msgspec

from labelvc.errors import DataError
from labelvc.spill import Blocks

_ITEM = {"id": str, "ext": dict, "media": dict, "natural": dict}
_RECORD = {"item": str, "id": str, "value": dict, "ext": dict}
_NEEDED = ("item", "id", "value")
_DIGITS = re.compile(r"(\d+)")


class Spool:
    """What is to be written, by item; a context manager, since it holds a temporary file.

    Args:
        items: items in any order.
        records: records, all of one item best in one run, as shards have them; those of other tasks are left out.
        task: name of the task to write.

    Raises:
        DataError: an item or record lacks its id or value, or has them in another shape; says which.
    """

    def __init__(self, items: Iterable[Mapping[str, Any]], records: Iterable[Mapping[str, Any]], task: str) -> None:
        self._blocks = Blocks()
        self._items: dict[str, tuple[int, int]] = {}
        self._runs: dict[str, list[tuple[int, int]]] = {}
        self._encode = msgspec.json.Encoder().encode
        self._decode = msgspec.json.Decoder().decode
        try:
            self._fill(items, records, task)
        except BaseException:
            self._blocks.close()
            raise

    def _fill(self, items: Iterable[Mapping[str, Any]], records: Iterable[Mapping[str, Any]], task: str) -> None:
        for item in items:
            if not item.get("gone"):
                _demand(item, _ITEM)
                self._items[item["id"]] = self._put(dict(item))
        wanted = (record for record in records if record.get("task", task) == task and not record.get("gone"))
        for name, run in groupby(wanted, lambda record: record.get("item")):
            found = [dict(record) for record in run]
            for record in found:
                _demand(record, _RECORD)
            self._runs.setdefault(str(name), []).append(self._put(found))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._blocks.close()

    def __iter__(self) -> Iterator[str]:
        """Yield the ids of all items, those included that only records name, numbers in them in counting order."""
        return iter(sorted(self._items.keys() | self._runs.keys(), key=counting))

    def item(self, name: str) -> dict[str, Any]:
        """Return an item; one that only records name is its id alone."""
        place = self._items.get(name)
        return {"id": name} if place is None else self._get(place)

    def records(self, name: str) -> list[dict[str, Any]]:
        """Return the records of an item, by id, numbers in it in counting order."""
        found = [record for place in self._runs.get(name, ()) for record in self._get(place)]
        return sorted(found, key=lambda record: counting(str(record["id"])))

    def _put(self, value: object) -> tuple[int, int]:
        return self._blocks.put(self._encode(value))

    def _get(self, place: tuple[int, int]) -> Any:
        return self._decode(self._blocks.get(*place))


@contextmanager
def understood(item: Mapping[str, Any]) -> Iterator[None]:
    """Turn what stumbles over free-form fields of an item and its records into an error that names the item.

    Raises:
        DataError: something under `ext`, `media` or `value` has not the shape that the reader gives it.
    """
    try:
        yield
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        message = f"ext, media or a value has another shape than an import gives it ({type(error).__name__})"
        raise DataError(message, where=f"{item['id']}#", hint="labelvc check --all") from error


def _demand(thing: Mapping[str, Any], shapes: Mapping[str, type]) -> None:
    for name, shape in shapes.items():
        found = thing.get(name)
        if not isinstance(found, shape) and (found is not None or name in _NEEDED):
            where = "#".join([str(thing.get(part, ""))[:80] for part in shapes if part in ("item", "id")])
            raise DataError(f"{name} is missing or of another shape", where=where, hint="labelvc check --all")


def counting(text: str) -> tuple[tuple[str, int], ...]:
    """Return a sort key under which `source-9` stands before `source-10`."""
    parts = _DIGITS.split(text)
    numbers = [int(part) if part.isdecimal() else 0 for part in parts[1::2]]
    return (*zip(parts[::2], [*numbers, 0], strict=True), (text, 0))
