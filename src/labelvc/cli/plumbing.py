"""Plumbing: what git, hooks and other programs call; its words may change, so people type the other commands."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, BinaryIO

import click

from labelvc.cli import merging
from labelvc.cli.lazy import LazyGroup
from labelvc.codec import canonical, shard
from labelvc.errors import DataError
from labelvc.model import jsonpointer

TABLE = {
    "hook": ("labelvc.cli.hooks", "hook", "Judge what git is about to take in."),
    "merge-driver": ("labelvc.cli.plumbing", "merge_driver", "Merge one file, as git's merge driver."),
    "textconv": ("labelvc.cli.plumbing", "textconv", "Print a shard with one field a line, for `git diff`."),
    "digest": ("labelvc.cli.plumbing", "digest", "Print the SHA-256 of each canonical line."),
    "changeset": ("labelvc.cli.hooks", "changeset", "Print the change-set between two revisions."),
    "apply": ("labelvc.cli.applying", "apply", "Bring the changes of a diff into the work tree."),
}


@click.command(cls=LazyGroup, table=TABLE)
def plumbing() -> None:
    """What git, hooks and other programs call; people type the other commands."""


@click.command("merge-driver")
@click.argument("base")
@click.argument("ours")
@click.argument("theirs")
@click.argument("size", type=click.IntRange(min=1))
@click.argument("path")
def merge_driver(base: str, ours: str, theirs: str, size: int, path: str) -> int:
    """Merge BASE, OURS and THEIRS into OURS, as git calls a merge driver: `%O %A %B %L %P`.

    Exit 0 when the merge is clean and 1 when conflict markers need a person.
    """
    return merging.run((base, ours, theirs, str(size), path))


@click.command()
@click.argument("file", type=click.File("rb"), default="-")
def digest(file: BinaryIO) -> None:
    """Print `sha256:<hex>  item#id` for each line of FILE (or stdin), made canonical first.

    These are the digests a change-set holds; for a line in canonical form it is what sha256sum gives without its end.
    """
    for number, raw in enumerate(shard.lines(file.read()), 1):
        record = _decoded(raw, getattr(file, "name", "stdin"), number)
        first = canonical.RECORD_FIRST if "item" in record else canonical.ITEM_FIRST
        name = f"{record['item']}#{record.get('id', '')}" if "item" in record else str(record.get("id", ""))
        sys.stdout.write(f"{canonical.digest(canonical.encode(record, first))}  {name}\n")


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def textconv(file: Path) -> None:
    """Print FILE with one field a line; what is no record is printed as it is.

    For those who want it: git config diff.labelvc.textconv "labelvc plumbing textconv"
    """
    for raw in shard.lines(file.read_bytes()):
        sys.stdout.write(_unfolded(raw))


def _unfolded(raw: bytes) -> str:
    """Return a record as its name and one line a field."""
    try:
        record = canonical.decode(raw)
    except DataError:
        return raw.decode("utf-8", "backslashreplace") + "\n"
    if not isinstance(record, dict) or "id" not in record:
        return raw.decode() + "\n"
    name = f"{record.pop('item')}#{record.pop('id')}" if "item" in record else str(record.pop("id"))
    return "".join(
        [f"{name}\n", *(f"  {path} = {json.dumps(leaf, ensure_ascii=False)}\n" for path, leaf in _leaves(record))]
    )


def _leaves(value: Any, path: str = "") -> list[tuple[str, Any]]:
    """Return (JSON pointer, value) of every field that holds no further fields."""
    if not isinstance(value, dict) or not value:
        return [(path, value)]
    names = sorted(value)
    return [leaf for name in names for leaf in _leaves(value[name], f"{path}/{jsonpointer.escaped(name)}")]


def _decoded(raw: bytes, name: str, number: int) -> dict[str, Any]:
    try:
        record = canonical.decode(raw)
    except DataError as problem:
        raise DataError(problem.message, where=f"{name}:{number}", hint=problem.hint) from None
    if not isinstance(record, dict):
        raise DataError("a record is a JSON object", where=f"{name}:{number}")
    return record
