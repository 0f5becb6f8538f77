"""JSON lines: labelvc's own items and records without loss, or any objects whose fields the person names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from labelvc.codec import canonical
from labelvc.errors import DataError
from labelvc.formats import source as text
from labelvc.formats import tables, values
from labelvc.formats import target as output
from labelvc.formats.interface import Fidelity, Plan, Row
from labelvc.formats.tables import Entry, Roles
from labelvc.model import jsonpointer
from labelvc.model.project import Dataset

_ABSENT = object()


class Jsonl:
    """Reads and writes JSON lines."""

    name: ClassVar[str] = "jsonl"
    title: ClassVar[str] = "JSON lines: labelvc's own, or objects whose fields are named by --item, --by, --value"
    reads: ClassVar[bool] = True
    writes: ClassVar[bool] = True
    fidelity: ClassVar[Fidelity] = Fidelity(
        kept=("everything (own lines)", "fields that play no part, in ext.jsonl (other objects)"),
        lost=("rev (it is counted anew)", "tombstones", "order of lines and members, spelling of numbers"),
    )

    def read(self, source: Path, plan: Plan) -> Iterator[Row]:
        """Yield the items and records of a file; see `labelvc.formats.interface.Format`.

        Without named fields each line is a record (it has an `item`) or an item, an item before its records.
        """
        text.prove(source)
        if plan.item is None and plan.by is None and plan.value is None and not plan.key:
            yield from _own(source)
            return
        roles = tables.roles(plan, _columns(source, plan), str(source))
        origin = tables.Origin(source.name, self.name, plan.prefix)
        if plan.layout == "long":
            yield from tables.long(_entries(source, roles, plan), values.from_json(plan.asked, plan.taxonomy), origin)
        else:
            read = values.from_json(plan.asked, plan.taxonomy)
            yield from tables.wide(lambda: _entries(source, roles, plan), read, roles.claims, origin)

    def write(
        self,
        items: Iterable[Mapping[str, Any]],
        records: Iterable[Mapping[str, Any]],
        dataset: Dataset,
        plan: Plan,
        target: Path,
    ) -> int:
        """Write canonical lines, all items before all records; see `labelvc.formats.interface.Format`."""
        written = 0
        with output.file(target) as file:
            for item in items:
                if not item.get("gone"):
                    file.write(canonical.encode_item(dict(item)) + b"\n")
            for record in records:
                if record.get("task", plan.task) == plan.task and not record.get("gone"):
                    file.write(canonical.encode_record(dict(record)) + b"\n")
                    written += 1
        return written


FORMAT = Jsonl()


def _objects(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in text.lines(path):
        if not line.strip():
            continue
        try:
            found = canonical.decode(line)
        except DataError as error:
            raise DataError(
                f"the line is {error.message}" if error.message.startswith("not ") else error.message,
                where=f"{path}:{number}",
            ) from None
        if not isinstance(found, dict):
            raise DataError("the line is no JSON object", where=f"{path}:{number}")
        yield number, found


def _own(path: Path) -> Iterator[Row]:
    for number, found in _objects(path):
        where = f"{path.name}:{number}"
        if isinstance(found.get("id"), str) and isinstance(found.get("item"), str):
            if found.get("gone"):
                continue
            found.pop("rev", None)
            if isinstance(found.get("value"), dict):
                yield Row("annotations", found, where)
                continue
        elif isinstance(found.get("id"), str) and "item" not in found and "value" not in found:
            found.pop("rev", None)
            if not found.get("gone"):
                yield Row("items", found, where)
            continue
        hint = "name the fields of other objects: --item FIELD --by FIELD --value FIELD"
        raise DataError("the line is no record and no item of labelvc", where=f"{path}:{number}", hint=hint)


def _columns(path: Path, plan: Plan) -> list[str]:
    """Return the fields there are: of the first object, of all objects where each is an annotator; and the pointers named."""
    names: dict[str, None] = {}
    for _, found in _objects(path):
        names.update(dict.fromkeys(found))
        if plan.layout == "long" or plan.value is not None:
            break
    if not names:
        raise DataError("the file holds no objects", where=str(path))
    wanted = [name for name in (plan.item, plan.by, plan.value) if name is not None]
    wanted += [name if name.startswith("/") else name.partition("=")[2] for name in plan.key]
    return [*names, *(name for name in wanted if name.startswith("/") and name not in names)]


def _reach(column: str, found: dict[str, Any]) -> Any:
    """Return what a field name or JSON pointer (RFC 6901) leads to, or `_ABSENT`."""
    if column in found or not column.startswith("/"):
        return found.get(column, _ABSENT)
    value: Any = found
    for part in jsonpointer.steps(column):
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isascii() and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return _ABSENT
    return value


def _entries(path: Path, roles: Roles, plan: Plan) -> Iterator[Entry]:
    used = roles.used | {name[1:] for name in roles.used if name.startswith("/") and "/" not in name[1:]}
    for number, found in _objects(path):
        where = f"{path}:{number}"

        def cell(column: str | None, found: dict[str, Any] = found, where: str = where) -> str:
            return "" if column is None else _scalar(_reach(column, found), column, where)

        yield (
            number,
            tables.together([cell(column) for column in roles.names]),
            cell(roles.text or roles.item),
            {column.name: cell(column.column) for column in roles.key} or None,
            cell(roles.by),
            cell(roles.id),
            cell(roles.at),
            _answers(found, roles, plan, where),
            {name: value for name, value in found.items() if name not in used},
        )


def _answers(found: dict[str, Any], roles: Roles, plan: Plan, where: str) -> list[Any]:
    reached = [_reach(column, found) for column in roles.values]
    present = [None if answer is _ABSENT else answer for answer in reached]
    if plan.layout == "long":
        return present
    if not roles.listed:
        return list(zip(roles.values, present, strict=True))
    if present[0] is not None and not isinstance(present[0], list):
        raise DataError(
            "the field holds no list of answers", where=where, hint="name one field an annotator: --value FIELD,FIELD"
        )
    return [(tables.rater(n), answer) for n, answer in enumerate(present[0] or [], 1)]


def _scalar(value: Any, column: str, where: str) -> str:
    if value is _ABSENT or value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return canonical.encode(value).decode()
    raise DataError(f"the field {column[:40]!r} is a list or an object where a text is wanted", where=where)
