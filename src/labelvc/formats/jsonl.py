"""JSON lines: labelvc's own items and records without loss, or any objects whose fields the person names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from labelvc.codec import canonical
from labelvc.errors import DataError
from labelvc.formats import source as text
from labelvc.formats import tables, values
from labelvc.formats import target as output
from labelvc.formats.block import Block, Columns, Extra, begin
from labelvc.formats.block import lines as lines_of
from labelvc.formats.interface import Fidelity, Plan, Row
from labelvc.formats.jsonl_shape import Found, Shapes
from labelvc.formats.tables import Entry, Roles
from labelvc.model import jsonpointer
from labelvc.model.project import Dataset

_ABSENT = object()
Answer = Callable[[bytes], dict[str, Any] | None]


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
        for block in self.blocks(source, plan):
            yield from block.rows()

    def blocks(self, source: Path, plan: Plan) -> Iterator[Block]:
        """Yield them in blocks; see `labelvc.formats.block.of`."""
        text.prove(source)
        if plan.item is None and plan.by is None and plan.value is None and not plan.key:
            yield Block(lambda: _own(source))
            return
        roles = tables.roles(plan, _columns(source, plan), str(source))
        origin = tables.Origin(source.name, self.name, plan.prefix)
        if plan.layout == "long":
            yield from _blocks(source, plan, roles, origin)
            return
        read = values.from_json(plan.asked, plan.taxonomy)
        yield Block(lambda: tables.wide(lambda: _entries(source, roles, plan), read, roles.claims, origin))

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


def _objects(path: Path, lines: Iterable[tuple[int, bytes]] | None = None) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in text.lines(path) if lines is None else lines:
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


def _blocks(path: Path, plan: Plan, roles: Roles, origin: tables.Origin) -> Iterator[Block]:
    """Yield the blocks of a long table."""
    read = values.from_json(plan.asked, plan.taxonomy)
    rows, shapes, number = tables.Long(read, origin).rows, Shapes(), 1

    def text_read(cell: bytes) -> dict[str, Any] | None:
        return read(cell.decode())

    def json_read(cell: bytes) -> dict[str, Any] | None:
        return read(canonical.decode(cell))

    def entries(lines: Sequence[tuple[int, bytes]]) -> Iterator[Row]:
        return rows(_entries(path, roles, plan, lines))

    with begin(path) as file:
        while chunk := lines_of(file, b"\n"):
            lines = list(enumerate(chunk.removesuffix(b"\n").split(b"\n"), number))
            apart = [_columns_of(found, roles, origin, (text_read, json_read)) for found in shapes.apart(chunk, number)]
            if not apart or None in apart:
                yield Block(partial(entries, lines))
            else:
                for columns in filter(None, apart):
                    yield Block(partial(entries, [lines[at - number] for at in columns.numbers]), columns)
            number += len(lines)


def _columns_of(found: Found, roles: Roles, origin: tables.Origin, readers: Sequence[Answer]) -> Columns | None:
    """Return lines of one shape as columns, given what reads a text and what reads JSON; None where a pointer is named."""
    if any(name.startswith("/") and name not in found.members for name in roles.used):
        return None
    nothing = [b""] * len(found.numbers)

    def texts(name: str | None) -> Sequence[bytes]:
        member = found.members.get(name or "")
        if member is None or not member.json:
            return nothing if member is None else member.cells
        return [_plain(cell) for cell in member.cells]

    parts = [texts(name) for name in roles.names]
    answers = found.members.get(roles.values[0], Extra([b"null"] * len(found.numbers), json=True))
    return Columns(
        numbers=found.numbers,
        names=parts[0] if len(parts) == 1 else [b"/".join(row) for row in zip(*parts, strict=True)],
        shown=texts(roles.text or roles.item),
        natural={key.name: texts(key.column) for key in roles.key},
        by=texts(roles.by),
        ids=texts(roles.id),
        at=texts(roles.at),
        answers=answers.cells,
        value=readers[answers.json],
        extra={name: member for name, member in found.members.items() if name not in roles.used},
        space=origin.space,
        sparse=False,
        prefix=origin.prefix,
        plain=found.plain,
    )


def _plain(cell: bytes) -> bytes:
    """Return a JSON value as `_scalar` gives it."""
    if cell == b"null":
        return b""
    return cell if cell[:1] != b'"' else str(canonical.decode(cell)).encode()


def _entries(path: Path, roles: Roles, plan: Plan, lines: Iterable[tuple[int, bytes]] | None = None) -> Iterator[Entry]:
    used = roles.used | {name[1:] for name in roles.used if name.startswith("/") and "/" not in name[1:]}
    for number, found in _objects(path, lines):
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
