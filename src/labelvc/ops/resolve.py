"""Resolve: decide what a merge, a rebase or a cherry-pick left in conflict, record by record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from labelvc.codec import shard
from labelvc.core import markers, merge, reconcile
from labelvc.core.diff import decoded
from labelvc.core.markers import Block, Torn
from labelvc.core.merge import Resolve
from labelvc.errors import StoreError
from labelvc.model.change import Conflict, Strategy
from labelvc.model.names import Key
from labelvc.model.snapshot import FileChange
from labelvc.ops import layers, strategies
from labelvc.store import conflicts, files, folder, journal, patch
from labelvc.store.git import Git
from labelvc.store.journal import Transaction
from labelvc.store.objects import Objects

Choose = Callable[[Conflict], Strategy]
"""Says how one conflict is to be decided; `conflict` leaves it."""


class Left(NamedTuple):
    """What is in conflict.

    Attributes:
        conflicts: path of a shard to its conflicts, those that rules settle left out.
        documents: other files that git could not merge.
    """

    conflicts: Mapping[str, list[Conflict]]
    documents: list[str]

    def records(self) -> int:
        """Return the number of records and items in conflict."""
        return sum(map(len, self.conflicts.values()))


class Resolved(NamedTuple):
    """What resolving did: the conflicts it settled, and what is left."""

    settled: int
    left: Left


def left(git: Git) -> Left:
    """Return what is in conflict in the work tree.

    Raises:
        StoreError: nothing is; or a shard in conflict cannot be read.
        DataError: conflict markers that do not pair.
    """
    torn, documents = _torn(git)
    found = {path: [conflict for block in parts for conflict in block.conflicts] for path, parts in torn.items()}
    return Left({path: conflicts for path, conflicts in found.items() if conflicts}, documents)


def resolve(git: Git, choose: Choose) -> Resolved:
    """Decide conflicts in the work tree and stage every shard that has none left; a DVC dataset is stored with DVC.

    Where a side is chosen it wins the fields that both sides changed; what only the other side changed stays.

    Args:
        git: the repository.
        choose: asked once for each conflict.

    Returns:
        How many were settled, and what is left.

    Raises:
        StoreError: nothing is in conflict, a shard was edited meanwhile, or the disk is full; then no file has changed.
        DataError: conflict markers that do not pair.
    """
    with files.lock(git) as since:
        torn, documents = _torn(git)
        rules = _Rules(git)
        contents: dict[str, bytes] = {}
        rest: dict[str, list[Conflict]] = {}
        settled = 0
        for path, parts in torn.items():
            lines, open_ones = [line for part in parts for line in part.lines], list[Conflict]()
            for part in parts:
                for conflict in part.conflicts:
                    answer = rules.of(path, choose(conflict))(conflict)
                    if isinstance(answer, Conflict):
                        open_ones.append(answer)
                    else:
                        lines += answer
                        settled += 1
            contents[path] = markers.weave(lines, open_ones, ("HEAD", "base", "theirs"))
            if open_ones:
                rest[path] = open_ones
        with journal.transaction(git, "resolve", since) as change:
            for path, data in contents.items():
                change.write(path, data) if data else change.delete(path)
            _follow(git, change, [path for path in contents if path not in rest], rest)
    return Resolved(settled, Left(rest, documents))


class _Part(NamedTuple):
    """A stretch of a shard: lines that are as they should be, and what is in conflict."""

    lines: list[bytes]
    conflicts: list[Conflict]


class _Sides(NamedTuple):
    """The three versions of a shard in conflict; None where it is not there, or, behind a pointer, where nobody can say."""

    base: bytes | None = None
    ours: bytes | None = None
    theirs: bytes | None = None


class _Rules:
    """The rules of merging of each dataset, as HEAD has them."""

    def __init__(self, git: Git) -> None:
        self._project = layers.project_at(git, "HEAD")

    def of(self, path: str, chosen: Strategy = "conflict") -> Resolve:
        name, layer, _ = shard.parse_path(path) or ("", "annotations", "")
        return reconcile.resolver(layer, strategies.of(self._project, name), chosen)


def _torn(git: Git) -> tuple[dict[str, list[_Part]], list[str]]:
    """Return the shards in conflict, each as its parts, and the other files git could not merge."""
    stages = conflicts.stages(git)
    if not stages:
        raise StoreError("nothing is in conflict", hint="labelvc status")
    rules = _Rules(git)
    torn: dict[str, list[_Part]] = {}
    documents: list[str] = []
    with Objects(git) as objects:
        for path, versions in stages.items():
            if shard.parse_path(path):
                sides = _Sides(*[objects.read(versions[n]) if n in versions else None for n in (1, 2, 3)])
                torn[path] = list(_parts(path, _read(git, path), sides, rules.of(path)))
            elif folder.is_shards(git, path):
                for name, data in folder.marked(git, path.removesuffix(".dvc")):
                    torn[name] = list(_parts(name, data, _Sides(), rules.of(name)))
                if not any(name.startswith(path.removesuffix("dvc")[:-1] + "/") for name in torn):
                    documents.append(path)
            else:
                documents.append(path)
    return torn, documents


def _parts(path: str, data: bytes | None, sides: _Sides, decide: Resolve) -> Iterator[_Part]:
    """Yield a shard's parts: what stands outside of markers, then each block merged by the rules.

    A file that is one side's or is not there decides nothing: so git leaves it where one side deleted it, where the driver
    could not run, and outside of a sparse checkout. The three versions are merged again then.
    """
    if data is None or _plain(data) in map(_plain, filter(None, (sides.ours, sides.theirs))):
        base, ours, theirs = [tuple(shard.lines(side or b"")) for side in sides]
        yield _whole(path, Block(ours, base, theirs), decide)
        return
    torn: Torn = markers.read(data, path)
    yield _Part(torn.lines, [])
    for block in torn.blocks:
        before = block.base
        if before is None and sides.base is not None:
            before = _of_keys(shard.lines(sides.base), {*block.ours, *block.theirs}, path)
        yield _apart(path, block, before, decide)


def _whole(path: str, block: Block, decide: Resolve) -> _Part:
    """Merge the three versions of a file."""
    ours, theirs = [
        patch.walk(path, shard.write(block.base or ()), shard.write(side)) for side in (block.ours, block.theirs)
    ]
    found = merge.merge(ours, theirs, decide)
    return _Part(markers.without(block.ours, found.gone) + found.come, found.conflicts)


def _apart(path: str, block: Block, base: tuple[bytes, ...] | None, decide: Resolve) -> _Part:
    """Merge one block; without a base nobody can tell a deletion from an addition, so all that differs is a conflict."""
    known = base or ()
    sides = [
        FileChange(path, [line for line in known if line not in side], [line for line in side if line not in known])
        for side in (block.ours, block.theirs)
    ]
    if base is None:
        return _Part([line for line in block.ours if line in block.theirs], list(merge.differences(*sides)))
    found = merge.merge(sides[0], sides[1], decide)
    return _Part(markers.without(block.ours, found.gone) + found.come, found.conflicts)


def _of_keys(lines: Iterable[bytes], wanted: set[bytes], path: str) -> tuple[bytes, ...]:
    """Return the lines that have the key of one of some others."""
    name, layer, _ = shard.parse_path(path) or ("", "annotations", "")
    keys = {shard.key_of(line, name, layer) for line in wanted}
    return tuple(line for line in lines if shard.key_of(line, name, layer) in keys)


def _follow(git: Git, change: Transaction, done: list[str], rest: Mapping[str, list[Conflict]]) -> None:
    """Have the shards without conflicts staged; those behind a pointer stored when none of their folder is left."""
    stages = conflicts.stages(git)
    change.then("stage", [path for path in done if path in stages])
    behind = sorted({"/".join(path.split("/")[:3]) for path in done if path not in stages})
    whole = [top for top in behind if not any(path.startswith(f"{top}/") for path in rest)]
    if whole:
        change.then("store", whole)


def _read(git: Git, path: str) -> bytes | None:
    try:
        return (git.top / path).read_bytes()
    except FileNotFoundError:
        return None  # deleted on one side, or outside of a sparse checkout


def _plain(data: bytes) -> bytes:
    """Return a file with the line ends that git stores."""
    return data.replace(b"\r\n", b"\n")


def by_side(choice: Strategy, keys: Iterable[str] = (), annotator: str = "") -> Choose:
    """Return a choice for all conflicts, for some keys, or for the side an annotator wrote.

    Args:
        choice: what to do; not asked for an annotator.
        keys: texts of keys, items (`dataset/item`) or datasets; none for all.
        annotator: pseudonym; the side whose record it made wins, where only one side's is.
    """
    wanted = set(keys)

    def choose(conflict: Conflict) -> Strategy:
        key = conflict.key
        names = {str(key), f"{key.dataset}/{key.item}", key.dataset} if isinstance(key, Key) else {key}
        if wanted and not wanted & names:
            return "conflict"
        if not annotator:
            return choice
        made = [any(decoded(line).get("by") == annotator for line in side) for side in (conflict.ours, conflict.theirs)]
        return "conflict" if made[0] == made[1] else "ours" if made[0] else "theirs"

    return choose
