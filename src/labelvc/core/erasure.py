"""Erasure: what becomes of the lines that bear a token of somebody who is to be forgotten."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

from labelvc.codec import canonical, shard
from labelvc.core import pseudonym, revise
from labelvc.core.diff import decoded, live
from labelvc.errors import DataError
from labelvc.model import jsonpointer
from labelvc.model.change import Delta
from labelvc.model.names import Key, Layer
from labelvc.model.secret import SEALED

Way = Literal["drop", "unlink"]
"""`drop` takes a line's content away, `unlink` puts a marker in place of the token and leaves the rest."""

_MAKER = "/by"
_GONE = object()
_is_sealed = re.compile(SEALED).fullmatch


class Fate(NamedTuple):
    """What becomes of one line.

    Attributes:
        key: of the line; it may hold the token itself.
        way: how it goes.
        pointers: where the token stands; none where a record goes with its item.
        sealed: how many sealed values of the person are among them.
        deltas: what to change.
    """

    key: Key
    way: Way
    pointers: tuple[str, ...]
    sealed: int
    deltas: tuple[Delta, ...]


class Eraser:
    """Says of lines that bear some tokens what becomes of them.

    Without a way, a record in which the token stands as `by` alone is unlinked: what somebody said of another's item is the
    project's label, and the same without knowing who said it. Everything else that bears it is about the person, and dropped.

    Args:
        tokens: what must stand nowhere any more.
        way: the way of every line; None for the one of its place.
        draw: returns 32 random bytes.
    """

    def __init__(self, tokens: Collection[str], way: Way | None, draw: Callable[[], bytes]) -> None:
        self._tokens, self._way, self._draw = frozenset(tokens), way, draw
        self._markers: dict[tuple[str, str], str] = {}

    def fates(self, dataset: str, items: bytes, records: bytes) -> Iterator[Fate]:
        """Yield what becomes of the lines of one shard of a dataset.

        Args:
            dataset: its name.
            items: its shard of items; empty where there is none.
            records: its shard of annotations of the same name.

        Raises:
            DataError: a line that bears a token has no key.
        """
        self._markers = {}
        gone = set()
        if self.bears(items):
            for raw in shard.lines(items):
                if self.bears(raw):
                    fate = self._item(*_read(raw, dataset, "items"), raw)
                    gone.update([fate.key.item] if fate.way == "drop" else [])
                    yield fate
        if gone or self.bears(records):
            for raw in shard.lines(records):
                if self.bears(raw):
                    yield self._record(*_read(raw, dataset, "annotations"), raw, gone)
                elif gone and (key := _read(raw, dataset, "annotations")[0]).item in gone and live(raw) is not None:
                    yield Fate(key, "drop", (), 0, (Delta(key, raw, revise.successor(raw, None, key)),))

    def bears(self, data: bytes) -> bool:
        """Tell whether some bytes hold one of the tokens."""
        return not self._tokens.isdisjoint(pseudonym.found_in(data))

    def _item(self, key: Key, value: dict[str, Any], raw: bytes) -> Fate:
        way, pointers, sealed = self._way or "drop", *self._places(value)
        if way == "drop":
            return Fate(key, way, pointers, sealed, (Delta(key, raw, None),))
        after = self._without(value, key.item)
        return Fate(key, way, pointers, sealed, _moved(key, raw, key._replace(item=after["id"]), after))

    def _record(self, key: Key, value: dict[str, Any], raw: bytes, gone: Collection[str]) -> Fate:
        pointers, sealed = self._places(value)
        named = self.bears(str(key).encode())
        way = self._way or ("unlink" if pointers == (_MAKER,) else "drop")
        if way == "drop" or key.item in gone or live(raw) is None:
            after = None if named else revise.successor(raw, None, key)
            return Fate(key, "drop", pointers, sealed, (Delta(key, raw, after),))
        new = self._without(value, key.item)
        there = key._replace(item=new["item"], id=new["id"])
        return Fate(key, way, pointers, sealed, _moved(key, raw, there, new))

    def _places(self, value: Any) -> tuple[tuple[str, ...], int]:
        found = list(self._pointers(value, ""))
        sealed = sum(_is_sealed(text) is not None for _, text in found)
        return tuple([pointer for pointer, _ in found]), sealed

    def _pointers(self, value: Any, pointer: str) -> Iterator[tuple[str, str]]:
        """Yield where tokens stand in a value and what stands there; a member whose name holds one is one place."""
        if isinstance(value, dict):
            for name, inside in value.items():
                if self.bears(name.encode()):
                    yield pointer, name
                yield from self._pointers(inside, f"{pointer}/{jsonpointer.escaped(name)}")
        elif isinstance(value, list):
            for at, inside in enumerate(value):
                yield from self._pointers(inside, f"{pointer}/{at}")
        elif isinstance(value, str) and self.bears(value.encode()):
            yield pointer, value

    def _without(self, value: Any, item: str) -> Any:
        """Return a value with markers in place of tokens; what was sealed under one of them is left out."""
        if isinstance(value, dict):
            inner = {self._marked(name, item): self._without(inside, item) for name, inside in value.items()}
            return {name: inside for name, inside in inner.items() if inside is not _GONE}
        if isinstance(value, list):
            return [inside for one in value if (inside := self._without(one, item)) is not _GONE]
        if not isinstance(value, str):
            return value
        if _is_sealed(value) and value.partition(":")[0] in self._tokens:
            return _GONE
        return self._marked(value, item)

    def _marked(self, text: str, item: str) -> str:
        """Return a text with markers in place of tokens: within an item one token has one marker, so that references hold."""
        if not self.bears(text.encode()):
            return text
        found = sorted(self._tokens & pseudonym.found_in(text.encode()), key=len, reverse=True)
        for token in found:
            if (item, token) not in self._markers:
                self._markers[item, token] = pseudonym.marker(token, self._draw())
            text = text.replace(token, self._markers[item, token])
        return text


def _moved(key: Key, raw: bytes, there: Key, new: dict[str, Any]) -> tuple[Delta, ...]:
    """Return what puts a line in place of another, whose key may be another: then nothing of the old one stays."""
    if not key.id:
        line = canonical.encode_item(new)
        return (Delta(key, raw, line),) if key == there else (Delta(key, raw, None), Delta(there, None, line))
    if key == there:
        return (Delta(key, raw, revise.successor(raw, new, key)),)
    return Delta(key, raw, None), Delta(there, None, canonical.encode_record({**new, "rev": 1}))


def _read(raw: bytes, dataset: str, layer: Layer) -> tuple[Key, dict[str, Any]]:
    """Return the key of a line and what it holds."""
    key = shard.key_of(raw, dataset, layer)
    value = decoded(raw)
    if key is None or "unreadable" in value:
        hint = "labelvc check --all, and mend what it finds"
        raise DataError("a line that bears a token cannot be read", where=f"datasets/{dataset}/{layer}", hint=hint)
    return key, value


def tokens_of(lines: Iterable[str]) -> Sequence[str]:
    """Return some tokens, each once, in order; a marker is none, since it stands for nobody.

    Raises:
        DataError: one is no token, or a marker.
    """
    found = sorted(set(lines))
    for text in found:
        if not pseudonym.is_token(text):
            raise DataError("this is no token", hint="copy it whole from a record: labelvc blame dataset/item")
        if pseudonym.is_marker(text):
            raise DataError(f"{text} marks somebody who was erased", hint="labelvc erase --list")
    return found
