"""What changed: deltas from differing lines, their kind, the fields that differ, and counts over all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgspec

from labelvc.codec import canonical, shard
from labelvc.core.align import align, keyed
from labelvc.model.change import Delta, Kind
from labelvc.model.names import Key, Layer
from labelvc.model.snapshot import FileChange

_BOOKKEEPING = ("/rev", "/at")
_decode = msgspec.json.Decoder().decode


class Transition(NamedTuple):
    """One way a value went: `sentiment 2 -> 3`."""

    task: str
    old: str
    new: str


class Summary(NamedTuple):
    """Counts over many deltas.

    Attributes:
        records: kind to number of records.
        items: kind to number of items.
        documents: kind to number of documents.
        touched_items: number of distinct items whose records differ.
        transitions: (task, old, new) to number, for changed records.
    """

    records: Counter[Kind]
    items: Counter[Kind]
    documents: Counter[Kind]
    touched_items: int
    transitions: Counter[Transition]


def pair(change: FileChange) -> Iterator[Delta]:
    """Pair the differing lines of one shard by their key.

    Args:
        change: the differing lines of a shard.

    Yields:
        A delta for every key that differs; a line whose key cannot be read stands alone under `path:<digest>`.
    """
    found = shard.parse_path(change.path)
    if found is None:
        return
    dataset, layer, _ = found
    for key, (old, new) in align(keyed(change.old, dataset, layer), keyed(change.new, dataset, layer)):
        delta = Delta(key if isinstance(key, Key) else f"{change.path}:{canonical.digest(key)[7:19]}", old, new)
        if delta:
            yield delta


def join(deltas: Iterable[Delta]) -> Iterator[Delta]:
    """Bring together what left one shard and came into another, as a reshard or a storage move does.

    Args:
        deltas: halves, each of them a line that came or a line that went.

    Yields:
        One delta for each line that went and one of the same key that came; a line without a counterpart, such as the
        second of a key that a broken snapshot holds in two shards, stays a delta of its own.
    """
    waiting: dict[Key | str, list[Delta]] = {}
    for delta in deltas:
        halves = waiting.setdefault(delta.key, [])
        at = next((at for at, half in enumerate(halves) if _completes(half, delta)), None)
        if at is None:
            halves.append(delta)
            continue
        half = halves.pop(at)
        whole = Delta(
            delta.key, delta.old if half.old is None else half.old, delta.new if half.new is None else half.new
        )
        if whole:
            halves.append(whole)
    for halves in waiting.values():
        yield from halves


def _completes(one: Delta, two: Delta) -> bool:
    """Tell whether of two deltas one only went and the other only came."""
    return (one.old is None and two.new is None) or (one.new is None and two.old is None)


def kind_of(delta: Delta) -> Kind:
    """Return how a thing changed: a tombstone counts as absent, a difference in `rev` or `at` alone as touched."""
    old, new = live(delta.old), live(delta.new)
    if old is None and new is None:
        return "touched"
    if old is None:
        return "added"
    if new is None:
        return "removed"
    return "touched" if isinstance(delta.key, Key) and not fields(delta) else "changed"


def live(raw: bytes | None) -> bytes | None:
    """Return the line, or None when it is absent or a tombstone."""
    return None if raw is None or (b'"gone":true' in raw and decoded(raw).get("gone") is True) else raw


def decoded(raw: bytes | None) -> dict[str, Any]:
    """Return a line as an object; a line that is none is shown under `unreadable`."""
    if raw is None:
        return {}
    try:
        value = _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {"unreadable": raw[:200].decode(errors="replace")}
    return value if isinstance(value, dict) else {"unreadable": raw[:200].decode(errors="replace")}


def fields(delta: Delta) -> list[str]:
    """Return the JSON pointers that differ between two lines, bookkeeping (`/rev`, `/at`) left out."""
    return [pointer for pointer in pointers(decoded(delta.old), decoded(delta.new)) if pointer not in _BOOKKEEPING]


def pointers(old: Any, new: Any, at: str = "") -> Iterator[str]:
    """Yield the JSON pointers (RFC 6901) at which two values differ, objects walked, lists taken whole."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in sorted(set(old) | set(new)):
            step = f"{at}/{name.replace('~', '~0').replace('/', '~1')}"
            if name in old and name in new:
                yield from pointers(old[name], new[name], step)
            else:
                yield step
    elif not _same(old, new):
        yield at


def _same(old: Any, new: Any) -> bool:
    """Tell whether two values are one JSON value: to Python `true` is 1."""
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(_same, old, new))
    if isinstance(old, dict) and isinstance(new, dict):
        return old.keys() == new.keys() and all([_same(old[name], new[name]) for name in old])
    return bool(old == new) and isinstance(old, bool) == isinstance(new, bool)


def at_pointer(value: Any, pointer: str) -> Any:
    """Return what stands at a JSON pointer, or None."""
    for name in pointer.split("/")[1:]:
        if not isinstance(value, dict):
            return None
        value = value.get(name.replace("~1", "/").replace("~0", "~"))
    return value


def transition(delta: Delta) -> Transition | None:
    """Return how the label or score of a changed record went, or None when that did not change."""
    old, new = decoded(delta.old), decoded(delta.new)
    before, after = answer(old), answer(new)
    return Transition(str(new.get("task", "")), before, after) if before != after else None


def answer(fields: dict[str, Any]) -> str:
    """Return the answer a record gives in one word: its label, score, labels or relation; empty when it has none."""
    value = fields.get("value")
    if not isinstance(value, dict):
        return ""
    if "empty" in value:
        return "(empty)"
    for name in ("label", "score", "deprel", "text"):
        if name in value:
            return str(value[name])
    chosen = value.get("labels") or value.get("ranking") or []
    return ",".join(map(str, chosen))


def summarise(deltas: Iterable[Delta]) -> Summary:
    """Count deltas in one pass.

    Args:
        deltas: any number, in any order.

    Returns:
        The counts.
    """
    tally = Tally()
    for delta in deltas:
        tally.add(delta)
    return tally.summary()


class Tally:
    """A running summary, for streams that are printed while they are counted."""

    def __init__(self) -> None:
        """Start at nothing."""
        self._records: Counter[Kind] = Counter()
        self._items: Counter[Kind] = Counter()
        self._documents: Counter[Kind] = Counter()
        self._touched: set[tuple[str, str]] = set()
        self._transitions: Counter[Transition] = Counter()

    def add(self, delta: Delta) -> None:
        """Count one delta."""
        kind = kind_of(delta)
        if not isinstance(delta.key, Key):
            self._documents[kind] += 1
        elif layer_of(delta.key) == "items":
            self._items[kind] += 1
        else:
            self._records[kind] += 1
            self._touched.add((delta.key.dataset, delta.key.item))
            moved = transition(delta) if kind == "changed" else None
            if moved:
                self._transitions[moved] += 1

    def counted(self, deltas: Iterable[Delta]) -> Iterator[Delta]:
        """Yield deltas as they come, each counted."""
        for delta in deltas:
            self.add(delta)
            yield delta

    def summary(self) -> Summary:
        """Return the counts so far."""
        return Summary(self._records, self._items, self._documents, len(self._touched), self._transitions)


def layer_of(key: Key) -> Layer:
    """Return the layer a key belongs to: an item's key has an empty id."""
    return "annotations" if key.id else "items"
