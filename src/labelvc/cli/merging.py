"""The merge driver of one file, as git calls it; it imports next to nothing, for git starts it once a file.

139 shards took 25 s when each start imported Click, GitPython and jsonschema. The project's rules are read only where a
record was changed on both sides. Whatever goes wrong here, git's own text merge takes over, which keeps both sides.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from labelvc.cli import harmless
from labelvc.codec import shard
from labelvc.core import markers, merge
from labelvc.core.merge import Resolve
from labelvc.errors import DataError, Error
from labelvc.model.change import Conflict
from labelvc.model.names import Layer
from labelvc.store import disk, patch

CLEAN, CONFLICT = 0, 1


def run(arguments: Sequence[str]) -> int:
    """Merge one file where it lies.

    Args:
        arguments: what git puts for `%O %A %B %L %P`: the files with base, ours and theirs, the length of conflict
            markers, and the path the result will have.

    Returns:
        0 when merged clean, 1 when a person must decide; git knows no other answer from a driver (gitattributes(5)).
    """
    base, ours, theirs, size, path = arguments
    try:
        return _by_record(Path(base), Path(ours), Path(theirs), int(size), path)
    except (Error, OSError, ValueError, RecursionError) as problem:
        sys.stderr.write(harmless.shown(f"labelvc: {path} is merged as text: {problem}\n"))
        return _as_text(base, ours, theirs, size, path)


def _by_record(base: Path, ours: Path, theirs: Path, size: int, path: str) -> int:
    """Merge the records of a shard; nothing is written before all is known."""
    found = shard.parse_path(path)
    if found is None:
        raise DataError("it is no shard")
    old, mine, new = [side.read_bytes() for side in (base, ours, theirs)]
    for data in (old, mine, new):
        if next(shard.markers(data), 0):
            raise DataError("one side holds conflict markers")
    dataset, layer, _ = found
    sides = [patch.walk(path, old, side) for side in (mine, new)]
    for line in [line for side in sides for lines in (side.old, side.new) for line in lines]:
        if shard.HEADS[layer].match(line) is None:
            raise DataError("a line has no key")
    merged = merge.merge(sides[0], sides[1], _deciding(dataset, layer))
    lines = markers.without(shard.lines(mine), merged.gone) + merged.come
    disk.replace(ours, markers.weave(lines, merged.conflicts, size=size))
    return CONFLICT if merged.conflicts else CLEAN


def _deciding(dataset: str, layer: Layer) -> Resolve:
    """Return what decides about a record that both sides changed; it reads the project when it is first asked."""
    known: list[Resolve] = []

    def decide(conflict: Conflict) -> tuple[bytes, ...] | Conflict:
        if not known:
            rules = importlib.import_module("labelvc.ops.strategies").here(Path.cwd(), dataset)
            known.append(importlib.import_module("labelvc.core.reconcile").resolver(layer, rules))
        return known[0](conflict)

    return decide


def _as_text(base: str, ours: str, theirs: str, size: str, path: str) -> int:
    labels = ("-L", "ours", "-L", "base", "-L", "theirs")
    program = importlib.import_module("labelvc.store.program")
    done = program.run(["git", "merge-file", f"--marker-size={size}", *labels, ours, base, theirs], Path.cwd())
    if done.code == 0:
        return CLEAN
    if not 0 < done.code < 128:  # git merge-file: a negative code is an error, others count conflicts
        said = done.err.decode("utf-8", "replace").strip() or f"git merge-file ended with {done.code}"
        sys.stderr.write(harmless.shown(f"labelvc: {path} stays as it was on our side and is in conflict: {said}\n"))
    return CONFLICT
