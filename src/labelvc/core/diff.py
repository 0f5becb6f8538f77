"""What changed: deltas from differing lines, their kind, the fields that differ, and counts over all of them."""

# No `from __future__ import annotations`: typing would compile the text of each at every start.

import importlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from operator import lt
from typing import Any, NamedTuple

import msgspec

from labelvc.codec import canonical, shard
from labelvc.codec.quick import UNREADABLE
from labelvc.core.align import align, keyed
from labelvc.model import jsonpointer
from labelvc.model.change import Delta, Edit, Kind
from labelvc.model.names import Key, Layer
from labelvc.model.snapshot import FileChange

_Row = tuple[re.Match[bytes], bytes | None, bytes | None]
_BOOKKEEPING = frozenset(("/rev", "/at"))
_ABSENT = object()
_TEXTS = frozenset((str,))
_PLAIN = (str, int)  # equal ones of one type are written alike; 0.0 and -0.0 are not
_decode = msgspec.json.Decoder().decode
_written = msgspec.json.Encoder().encode  # 1 and true are equal to Python, not to JSON


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
        mechanical: `record`, `item` or `document` to number of those that differ without a change of content.
    """

    records: Counter[Kind]
    items: Counter[Kind]
    documents: Counter[Kind]
    touched_items: int
    transitions: Counter[Transition]
    mechanical: Counter[str] = Counter()  # noqa: RUF012 - of a tuple, and nobody adds to it


class Comparison(NamedTuple):
    """A delta looked at once, for everybody who shows or counts it.

    Attributes:
        delta: the delta.
        kind: how the thing changed: a tombstone counts as absent, a difference in `rev` or `at` alone as touched.
        old: the old line as an object; empty when there is none, or for a document.
        new: the same after.
        pointers: the JSON pointers that differ, in order, bookkeeping included.
        edits: what a document says differently; empty when nobody asked, or when nothing but its layout differs.
        said: of a document in one sentence, where one says it; empty for a record.
    """

    delta: Delta
    kind: Kind
    old: dict[str, Any]
    new: dict[str, Any]
    pointers: list[str]
    edits: Sequence[Edit] = ()
    said: str = ""

    @property
    def fields(self) -> list[str]:
        """The JSON pointers that differ, bookkeeping (`/rev`, `/at`) left out."""
        return [pointer for pointer in self.pointers if pointer not in _BOOKKEEPING]


def compare(delta: Delta) -> Comparison:
    """Look at a delta: decode both sides once and find where they differ."""
    key, one, two, _ = delta
    if isinstance(key, str):
        kind: Kind = "added" if one is None else "removed" if two is None else "changed"
        return Comparison(delta, kind, {}, {}, [])
    old, new = decoded(one), decoded(two)
    before = one is not None and old.get("gone") is not True
    after = two is not None and new.get("gone") is not True
    found = pointers(old, new)
    if before and after:
        return Comparison(delta, "touched" if _BOOKKEEPING.issuperset(found) else "changed", old, new, found)
    return Comparison(delta, "added" if after else "removed" if before else "touched", old, new, found)


def pair(change: FileChange) -> Iterator[Delta]:
    """Pair the differing lines of one shard by their key.

    Args:
        change: the differing lines of a shard.

    Yields:
        A delta for every key that differs, none dropped even when a broken shard holds a key twice; a line whose key
        cannot be read stands alone under `path:<digest>`.
    """
    found = shard.parse_path(change.path)
    if found is None:
        return
    dataset, layer, _ = found
    rows = _paired(change, shard.HEADS[layer].match)
    if rows is None:
        for key, (old, new) in align(keyed(change.old, dataset, layer), keyed(change.new, dataset, layer)):
            delta = Delta(key if isinstance(key, Key) else f"{change.path}:{canonical.digest(key)[7:19]}", old, new)
            if delta:
                yield delta
        return
    for head, old, new in rows:
        if old != new:  # equal where a line only moved within its file
            named = shard.key_in(head, dataset)
            yield Delta(named or f"{change.path}:{canonical.digest(head.group())[7:19]}", old, new)


def _paired(change: FileChange, match: Callable[[bytes], re.Match[bytes] | None]) -> Iterable[_Row] | None:
    """Return head, old and new line of every key in order; None where a line has no head, or a side has one twice."""
    old, new = change.old, change.new
    heads = [head for head in map(match, new) if head is not None]
    names = [head.group() for head in heads]
    if len(names) == len(old) == len(new) and all(map(bytes.startswith, old, names)) and all(map(lt, names, names[1:])):
        return zip(heads, old, new, strict=True)  # lines that were changed where they stand, as most are
    before = {head.group(): head for head in map(match, old) if head is not None}
    after = dict(zip(names, heads, strict=True))
    if len(before) != len(old) or len(after) != len(new):
        return None
    return [
        (after.get(name) or before[name], _line(before.get(name)), _line(after.get(name)))
        for name in sorted(before.keys() | after.keys())
    ]


def _line(head: re.Match[bytes] | None) -> bytes | None:
    return None if head is None else head.string


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
    """Return how a thing changed, as `compare` does, without looking into what only came or only went."""
    before, after = [side is not None and (isinstance(delta.key, str) or not _is_gone(side)) for side in delta[1:3]]
    if before and after:
        return compare(delta).kind
    return "added" if after else "removed" if before else "touched"


def _is_gone(raw: bytes) -> bool:
    """Tell whether a line is a tombstone, however it is spelt."""
    return (b"gone" in raw or b"\\" in raw) and decoded(raw).get("gone") is True


def live(raw: bytes | None) -> bytes | None:
    """Return the line, or None when it is absent or a tombstone."""
    return None if raw is None or (b'"gone":true' in raw and decoded(raw).get("gone") is True) else raw


def decoded(raw: bytes | None) -> dict[str, Any]:
    """Return a line as an object; of a line that is none the digest, under `unreadable`: it may hold a plain name."""
    if raw is None:
        return {}
    try:
        value = _decode(raw)
    except UNREADABLE:
        value = None
    return value if isinstance(value, dict) else {"unreadable": canonical.digest(raw)}


def fields(delta: Delta) -> list[str]:
    """Return the JSON pointers that differ between two lines, bookkeeping (`/rev`, `/at`) left out."""
    return compare(delta).fields


def pointers(old: Any, new: Any, at: str = "") -> list[str]:
    """Return the JSON pointers (RFC 6901) at which two values differ, sorted: objects are walked, lists taken whole."""
    if type(old) is not dict or type(new) is not dict:
        return [] if old == new and _same(old, new) else [at]
    if not old or not new:
        return sorted([_step(at, name) for name in old or new])
    if old.keys() != new.keys():
        old, new = [{**dict.fromkeys((*old, *new), _ABSENT), **side} for side in (old, new)]
    found: list[str] = []
    for name, one in old.items():
        two = new[name]
        if one == two and (type(one) is str or _same(one, two)):
            continue
        if type(one) is dict and type(two) is dict:
            found += pointers(one, two, _step(at, name))
        elif one is not two:
            found.append(_step(at, name))
    found.sort()
    return found


@lru_cache(maxsize=1024)  # lines have few names, and each changed record asks for some
def _step(at: str, name: str) -> str:
    return f"{at}/{jsonpointer.escaped(name)}"


def _same(one: Any, two: Any) -> bool:
    """Tell whether two values that are equal to Python are written alike: 1, 1.0 and true are equal to it, and 0.0 and -0.0."""
    if type(one) is dict and type(two) is dict:
        return _TEXTS.issuperset(map(type, one.values())) or _written(one) == _written(two)
    return one is two or type(one) is type(two) in _PLAIN or _written(one) == _written(two)


def transition(seen: Comparison) -> Transition | None:
    """Return how the label or score of a changed record went, or None when that did not change; free text is no label."""
    if _is_text(seen.old) and _is_text(seen.new):
        return None
    before, after = answer(seen.old), answer(seen.new)
    return Transition(str(seen.new.get("task", "")), before, after) if before != after else None


def _is_text(fields: dict[str, Any]) -> bool:
    value = fields.get("value")
    return type(value) is dict and value.keys() == {"text"}


def answer(fields: Mapping[str, Any]) -> str:
    """Return the answer a record gives in one word: its label, score, labels or relation; empty when it has none."""
    value = fields.get("value")
    if type(value) is not dict:
        return ""
    for name in ("label", "score", "deprel", "text"):
        if name in value:
            return str(value[name])
    if "empty" in value:
        return "(empty)"
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
        tally.add(compare(delta))
    return tally.summary()


class _Distinct:
    """Counts distinct hashes in eight bytes each; those that follow each other, as an item's records do, in no more."""

    def __init__(self) -> None:
        array = importlib.import_module("array").array  # who compares single records counts none
        self._parts = [array("q") for _ in range(256)]
        self._last: int | None = None

    def add(self, value: int) -> None:
        if value != self._last:
            self._last = value
            self._parts[value & 255].append(value)

    def count(self) -> int:
        return sum(len(set(part)) for part in self._parts)


class Tally:
    """A running summary, for streams that are printed while they are counted.

    Args:
        kinds: count kinds only, where nobody reads items and transitions: that takes a tenth less time.
        ways: count transitions.
    """

    def __init__(self, *, kinds: bool = False, ways: bool = True) -> None:
        self._kinds, self._ways = kinds, ways
        self._records: Counter[Kind] = Counter()
        self._items: Counter[Kind] = Counter()
        self._documents: Counter[Kind] = Counter()
        self._touched = _Distinct()
        self._transitions: Counter[Transition] = Counter()
        self._mechanical: Counter[str] = Counter()

    def add(self, seen: Comparison) -> None:
        """Count one delta."""
        key = seen.delta.key
        if seen.kind == "mechanical":
            self._mechanical["document" if isinstance(key, str) else "record" if key.id else "item"] += 1
        elif isinstance(key, str):
            self._documents[seen.kind] += 1
        elif not key.id:
            self._items[seen.kind] += 1
        else:
            self._records[seen.kind] += 1
            if self._kinds:
                return
            self._touched.add(hash((key.dataset, key.item)))
            moved = transition(seen) if self._ways and seen.kind == "changed" else None
            if moved:
                self._transitions[moved] += 1

    def counted(
        self,
        deltas: Iterable[Delta],
        drawn: Callable[[Comparison], Comparison] = lambda seen: seen,
        wanted: Callable[[Comparison], bool] | None = None,
    ) -> Iterator[Comparison]:
        """Yield deltas as they come, each looked at, its plain values hidden by a veil, and counted if it is wanted."""
        for delta in deltas:
            seen = drawn(compare(delta))
            if wanted is None or wanted(seen):
                self.add(seen)
                yield seen

    def summary(self) -> Summary:
        """Return the counts so far."""
        return Summary(
            self._records, self._items, self._documents, self._touched.count(), self._transitions, self._mechanical
        )


def layer_of(key: Key) -> Layer:
    """Return the layer a key belongs to: an item's key has an empty id."""
    return "annotations" if key.id else "items"
