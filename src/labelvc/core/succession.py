"""Succession: the key a record had before, where one commit took it away and brought an equal record under another key."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import msgspec

from labelvc.core import diff
from labelvc.model import jsonpointer
from labelvc.model.change import Delta
from labelvc.model.names import Key

Natural = tuple[bytes, ...]
"""The values of an item's natural key, as canonical text."""
_LOOKED_UP = 32
_BOOKKEEPING = frozenset(("item", "id", "rev", "at", "origin"))
_written = msgspec.json.Encoder(order="deterministic").encode


class _Found(NamedTuple):
    """What a commit did to records that say the same: those that vanished, those that appeared, and items' natural keys."""

    gone: list[Key]
    come: list[Key]
    before: dict[str, Natural | None]
    after: dict[str, Natural | None]


def predecessor(
    born: Delta,
    deltas: Iterable[Delta],
    pointers: Sequence[str],
    item_before: Callable[[str], bytes | None],
    item_after: Callable[[str], bytes | None],
) -> Key | None:
    """Return the record that a record which appeared in a commit was until then.

    It vanished in the same commit and said the same but for its key, `rev`, `at` and `origin`; it belongs to the same item, or
    to one with the same natural key. Of several its namesake by id is taken, otherwise there must be only one such pair.

    Args:
        born: the record that appeared; the record that vanished and inverted deltas ask for the successor.
        deltas: what the commit changed in the dataset, records and items.
        pointers: the natural key of items.
        item_before: reads the line of an item that the commit did not change, as it was before.
        item_after: the same after.

    Returns:
        Its key; None when there is none, or when it is not certain.
    """
    if not isinstance(born.key, Key) or not born.key.id or diff.live(born.old) or not diff.live(born.new):
        return None
    found = _sorted(born, deltas, pointers)
    if not found.gone:
        return None
    gone, come = [[key for key in keys if key.item == born.key.item] for keys in (found.gone, found.come)]
    if not gone:
        natural = _natural_of(born.key.item, found.after, item_after, pointers)
        gone = _beside(natural, found.gone, found.before, item_before, pointers)
        come = _beside(natural, found.come, found.after, item_after, pointers) if len(gone) == 1 else []
    named = [key for key in gone if key.id == born.key.id]
    if len(named) == 1:
        return named[0]
    return gone[0] if len(gone) == 1 and not come else None


def _beside(
    natural: Natural | None,
    keys: Sequence[Key],
    known: dict[str, Natural | None],
    read: Callable[[str], bytes | None],
    pointers: Sequence[str],
) -> list[Key]:
    """Return the keys of items with a natural key; many items that the commit did not change are not looked up."""
    if natural is None:
        return []
    if len({key.item for key in keys} - known.keys()) > _LOOKED_UP:
        keys = [key for key in keys if key.item in known]
    return [key for key in keys if _natural_of(key.item, known, read, pointers) == natural]


def substance(raw: bytes | None) -> bytes | None:
    """Return what a record says, without its key, version, time and origin; None when it is absent or a tombstone."""
    if raw is None or diff.live(raw) is None:
        return None
    return _written({name: value for name, value in diff.decoded(raw).items() if name not in _BOOKKEEPING})


def _sorted(born: Delta, deltas: Iterable[Delta], pointers: Sequence[str]) -> _Found:
    said = substance(born.new)
    found = _Found([], [], {}, {})
    for delta in deltas:
        key = delta.key
        if not isinstance(key, Key) or key == born.key:
            continue
        if not key.id:
            for raw, known in ((delta.old, found.before), (delta.new, found.after)):
                known[key.item] = _natural(raw, pointers)
        elif substance(delta.old) == said and diff.live(delta.new) is None:
            found.gone.append(key)
        elif substance(delta.new) == said and diff.live(delta.old) is None:
            found.come.append(key)
    return found


def _natural_of(
    item: str, known: dict[str, Natural | None], read: Callable[[str], bytes | None], pointers: Sequence[str]
) -> Natural | None:
    if item not in known:
        known[item] = _natural(read(item), pointers)
    return known[item]


def _natural(raw: bytes | None, pointers: Sequence[str]) -> Natural | None:
    """Return the values of an item's natural key; None when it lacks one of them."""
    fields = diff.decoded(raw)
    found = [jsonpointer.reach(fields, pointer) for pointer in pointers]
    return None if any(value is None for value in found) else tuple(_written(value) for value in found)
