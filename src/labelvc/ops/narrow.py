"""Narrow a diff to some keys or labels, and tell a person who asked for something that is not there."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches

from labelvc.core.choose import Labels, Way
from labelvc.core.diff import Comparison
from labelvc.errors import DataError
from labelvc.model.change import Delta
from labelvc.ops import diff, naming
from labelvc.ops.diff import Range
from labelvc.store import tree
from labelvc.store.git import Git

_FOLDER = "taxonomies/"
Named = Mapping[str, set[str]]


class Left:
    """How many changes were left out."""

    def __init__(self) -> None:
        self.number = 0


def to_keys(git: Git, pair: Range, deltas: Iterable[Delta], keys: Sequence[str], left: Left) -> Iterator[Delta]:
    """Yield the deltas of some keys, items, datasets or documents.

    Args:
        git: the repository.
        pair: the snapshots, fully listed.
        deltas: all deltas.
        keys: what was typed.
        left: counts the others.

    Yields:
        The deltas that concern one of the keys.

    Raises:
        DataError: a key names nothing in either snapshot; at the end, since most that name something differ.
    """
    met: set[str] = set()
    for delta in deltas:
        found = [key for key in keys if diff.matches(delta, key)]
        if found:
            met.update(found)
            yield delta
        else:
            left.number += 1
    for key in keys:
        if key not in met:
            naming.demand(git, pair, key)


def to_labels(ways: Sequence[Way], named: Named, left: Left) -> Callable[[Comparison], bool]:
    """Return a filter that lets through records whose label went one of some ways, and counts the others."""
    labels = Labels(ways, named)

    def wanted(seen: Comparison) -> bool:
        fits = labels.match(seen)
        left.number += not fits
        return fits

    return wanted


def names(git: Git, pair: Range) -> dict[str, set[str]]:
    """Return the names and ids of all labels of both snapshots (case folded) to the ids they may mean.

    Raises:
        StoreError: a taxonomy cannot be read from git or the disk.
    """
    found: dict[str, set[str]] = {}
    value = importlib.import_module("labelvc.ops.documents").value
    with tree.reader(git) as reader:
        for snapshot in pair:
            for path, entry in snapshot.entries.items():
                if path.startswith(_FOLDER) and path.endswith(".yaml"):
                    said = value(path, "taxonomy", reader.read(path, entry))
                    for label in said.get("labels", []) if isinstance(said, dict) else []:
                        if isinstance(label, dict) and isinstance(label.get("id"), str):
                            for word in (label["id"], str(label.get("name", label["id"]))):
                                found.setdefault(word.casefold(), set()).add(label["id"])
    return found


def demand(ways: Iterable[Way], named: Named) -> None:
    """Refuse a label that no taxonomy knows; a number may be a score.

    Raises:
        DataError: says which label, and what it may have meant.
    """
    for word in [side for way in ways for side in way if side not in ("", "*")]:
        if named and word.casefold() not in named and not word.lstrip("-").replace(".", "", 1).isdigit():
            near = get_close_matches(word.casefold(), named)
            hint = f"did you mean {', '.join(near)}?" if near else "labels are in taxonomies/, by id and name"
            raise DataError(f"{word!r} is no label of any taxonomy", hint=hint)
