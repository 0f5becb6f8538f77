"""Materials: the documents that a signer went by: those in force, and reports, plans and lists that they name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from labelvc.codec import canonical
from labelvc.errors import RefusedError, StoreError
from labelvc.model.approval import Material
from labelvc.model.change import ChangeSet
from labelvc.model.shell import word
from labelvc.model.snapshot import Snapshot
from labelvc.ops.project import TOP
from labelvc.store.git import Git
from labelvc.store.reader import Reader

OUTSIDE = "file:"
"""Before the name of what is not among the files of the branch, or other bytes than there."""
_FOLDERS = ("guidelines/", "taxonomies/", "profiles/", "datasets/")


def of(git: Git, reader: Reader, head: Snapshot, found: ChangeSet, files: Iterable[Path]) -> tuple[Material, ...]:
    """Return what a signer goes by, in the order of names.

    Args:
        git: where.
        reader: reads its objects.
        head: what the documents in force are looked for in: those on labels, the project, and those of datasets whose records or items move.
        found: what moves.
        files: what the signer names: called by its path where the head holds the same bytes there, else by its own name.

    Raises:
        StoreError: a file cannot be read.
        RefusedError: two of one name.
    """
    made = {*_in_force(reader, head, found), *_named(git, reader, head, files)}
    return tuple(sorted(made, key=lambda each: each.name))


def shown(materials: Iterable[Material]) -> list[Material]:
    """Return those that the signer named: the others are of the project itself, in its own places."""
    return [each for each in materials if each.name != TOP and not each.name.startswith(_FOLDERS)]


def _in_force(reader: Reader, head: Snapshot, found: ChangeSet) -> Iterator[Material]:
    touched = {move.key.partition("/")[0] for move in found.moves if "#" in move.key}
    asked = {TOP, *(f"datasets/{name}/dataset.yaml" for name in touched)}
    for path, entry in head.entries.items():
        if path in asked or (path.startswith(_FOLDERS[:3]) and path.endswith(".yaml")):
            yield Material(path, _digest(reader.read(path, entry)))


def _named(git: Git, reader: Reader, head: Snapshot, files: Iterable[Path]) -> Iterator[Material]:
    top, seen = git.top.resolve(), set[str]()
    for file in files:
        try:
            digest = _digest(file.read_bytes())
        except OSError as error:
            hint = f"ls -l {word(str(file))}"
            raise StoreError(f"cannot be read: {error.strerror}", where=str(file), hint=hint) from None
        path = file.resolve()
        inside = path.relative_to(top).as_posix() if path.is_relative_to(top) else ""
        entry = head.entries.get(inside)
        name = inside if entry and _digest(reader.read(inside, entry)) == digest else f"{OUTSIDE}{file.name}"
        if name in seen:
            raise RefusedError("two materials have one name", where=name, hint="rename one of them")
        seen.add(name)
        yield Material(name, digest)


def _digest(data: bytes) -> str:
    return canonical.digest(data).removeprefix("sha256:")
