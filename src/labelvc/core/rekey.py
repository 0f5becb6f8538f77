"""A re-key told from other changes: every token of some epochs became one other token of new epochs, and nothing else changed."""

from __future__ import annotations

import copy
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from labelvc.core import redact
from labelvc.core.diff import Comparison, layer_of, pointers
from labelvc.core.pseudonym import epoch_of, is_marker, is_token
from labelvc.core.redact import Redacted
from labelvc.core.veil import Where
from labelvc.errors import DataError
from labelvc.model import jsonpointer
from labelvc.model.names import Key
from labelvc.model.secret import TOKEN

MOST = 100_000
"""How many tokens a diff looks at; a re-key of more is shown record by record."""
SPAN = "/value/span"
_KIND = 4
_tokens = re.compile(rb"(?<![a-z_])" + TOKEN.encode() + rb"(?![a-z])").findall
Pair = tuple[str, str]


class Flaw(NamedTuple):
    """What keeps a change from being part of a re-key: in which line, and why. No value is part of it.

    Attributes:
        key: the key of a record or item, or a path.
        message: one sentence.
    """

    key: str
    message: str


class Rekey:
    """A re-key as it is found out, in two readings: first every change is weighed, then each is told to be part of it or not.

    Args:
        old: ids of the epochs that were there before.
        new: ids of the epochs that began.
        most: how many tokens may have become others.
    """

    def __init__(self, old: Collection[str], new: Collection[str], most: int = MOST) -> None:
        self._old, self._new, self._most = frozenset(old), frozenset(new), most
        self._into: dict[str, str] = {}
        self._from: dict[str, str] = {}
        self._first: dict[str, str] = {}
        self._ways: dict[tuple[str, str], Redacted] = {}
        self.flaw: Flaw | None = None
        """What was found first that makes it no re-key at all."""
        self.records = 0

    @property
    def possible(self) -> bool:
        """Whether nothing was found yet that makes it none."""
        return self.flaw is None

    @property
    def found(self) -> bool:
        """Whether there is a re-key: tokens changed, one to one."""
        return self.possible and bool(self._into)

    @property
    def tokens(self) -> int:
        """How many tokens became others."""
        return len(self._into)

    @property
    def into(self) -> Mapping[str, str]:
        """Each old token with what it became."""
        return self._into

    @property
    def first(self) -> Mapping[str, str]:
        """Each old token with the key of the line in which it was met first."""
        return self._first

    def weigh(self, seen: Comparison, where: Where) -> None:
        """Take in one change.

        Args:
            seen: the change.
            where: tokens may stand in such a line.
        """
        if not self.possible:
            return
        key = str(seen.delta.key)
        pairs = self._swaps(seen, where)[0]
        self._remember(seen)
        for old, new in pairs:
            if self._into.setdefault(old, new) != new:
                self.flaw = Flaw(
                    key, f"one token became two: what became of it here is not what did in {self._where(old)}"
                )
            elif self._from.setdefault(new, old) != old:
                self.flaw = Flaw(key, f"two tokens became one: here and in {self._where(self._from[new])}")
            elif len(self._into) > self._most:
                self.flaw = Flaw(key, f"more than {self._most:,} tokens became others")
            else:
                self._first.setdefault(old, key)
                continue
            return

    def weigh_lines(self, *, old: Iterable[bytes] = (), new: Iterable[bytes] = ()) -> None:
        """Take in whole shards: an old token that stays somewhere, or a new one that was there before, is one person made two.

        Args:
            old: bytes of the shards before.
            new: bytes of the shards after.
        """
        for sides, taken, message in (
            (old, self._from, "a token that others became stood here before, so two people would be one"),
            (new, self._into, "a token that became another elsewhere stands here still, so one person would be two"),
        ):
            for data in sides:
                if not self.possible:
                    return
                if any(token.decode() in taken for token in set(_tokens(data))):
                    self.flaw = Flaw("", message)

    def covers(self, seen: Comparison, where: Where) -> bool:
        """Tell whether a change is part of the re-key and nothing but that; `rev` grows with every change.

        Args:
            seen: the change.
            where: as for `weigh`.
        """
        return self.found and not self.why(seen, where)

    def why(self, seen: Comparison, where: Where) -> str:
        """Return why a change is not part of the re-key, in words without values; empty when it is."""
        if seen.kind != "changed":
            return f"it was {seen.kind}, not re-keyed"
        pairs, rest = self._swaps(seen, where)
        rest = [pointer for pointer in rest if pointer != "/rev"]
        if rest:
            return f"something else than a token of the epoch before, in a field for pseudonyms or a redacted text, changed at {rest[0]}"
        if not pairs and SPAN not in seen.pointers:
            return "no token changed in it"
        if any(self._into.get(old) != new for old, new in pairs):
            return "a token became another one than elsewhere"
        return ""

    def left(self, data: bytes) -> str:
        """Return a token of the epochs before that stands in some bytes; empty when none does. What marks the erased stays."""
        found = {token.decode() for token in _tokens(data)} - self._from.keys()
        return next((token for token in found if epoch_of(token) in self._old and carries(token)), "")

    def _where(self, old: str) -> str:
        return self._first.get(old, "another line")

    def _remember(self, seen: Comparison) -> None:
        """Remember the way between two texts of an item where tokens are of another length: labels on it move."""
        old, new, key = seen.old.get("text"), seen.new.get("text"), seen.delta.key
        if not isinstance(key, Key) or key.id or not isinstance(old, str) or not isinstance(new, str):
            return
        if len(old) != len(new) and redact.exchanges(old, new) is not None:
            tokens = iter([mark[1] for mark in redact.marks(new)])
            self._ways[key.dataset, key.item] = redact.exchanged(old, lambda _: next(tokens))

    def _moved(self, old: Mapping[str, Any], new: Mapping[str, Any], key: Any) -> bool:
        """Tell whether a label is where the text of its item took it."""
        way = self._ways.get((key.dataset, key.item)) if isinstance(key, Key) else None
        match jsonpointer.reach(old, SPAN), jsonpointer.reach(new, SPAN):
            case [int(start), int(end)], [int(first), int(last)] if way is not None:
                try:
                    return way.place((start, end)) == (first, last)
                except DataError:
                    return False
        return False

    def _swaps(self, seen: Comparison, where: Where) -> tuple[list[Pair], list[str]]:
        """Return the pairs of tokens of which one took the other's place, and where else the two lines differ."""
        swaps = {pointer: pair for pointer in where.fields if (pair := self._plain(seen, pointer)) is not None}
        rest = [pointer for pointer in seen.pointers if pointer not in swaps]
        if rest in ([], ["/rev"]) or not (where.texts or any(jsonpointer.ANY in glob for glob in where.fields)):
            return list(swaps.values()), rest
        return self._deep(seen, where)

    def _plain(self, seen: Comparison, pointer: str) -> Pair | None:
        if pointer not in seen.pointers:
            return None
        return self._swap(jsonpointer.reach(seen.old, pointer), jsonpointer.reach(seen.new, pointer))

    def _deep(self, seen: Comparison, where: Where) -> tuple[list[Pair], list[str]]:
        """Return what `_swaps` does where several paths may lead to a field, or texts hold tokens, by undoing each swap in a copy."""
        pairs: list[Pair] = []
        undone = copy.deepcopy(seen.new)
        for glob in where.fields:
            steps = jsonpointer.steps(glob)
            rows = list(jsonpointer.places(seen.old, steps)), list(jsonpointer.places(undone, steps))
            if [name for _, name in rows[0]] != [name for _, name in rows[1]]:
                continue
            for (before, name), (after, _) in zip(*rows, strict=True):
                pair = self._swap(before[name], after[name])
                if pair is not None:
                    pairs.append(pair)
                    after[name] = before[name]
        for glob in where.texts:
            steps = jsonpointer.steps(glob)
            there = {pointer: (holder, name) for pointer, holder, name in jsonpointer.texts(undone, steps)}
            for pointer, holder, name in jsonpointer.texts(seen.old, steps):
                after, at = there.get(pointer, (None, None))
                swaps = self._exchanged(holder[name], after[at]) if after is not None else None
                if swaps:
                    pairs += swaps
                    after[at] = holder[name]
        if self._moved(seen.old, undone, seen.delta.key):
            undone["value"]["span"] = seen.old["value"]["span"]
        return pairs, pointers(seen.old, undone)

    def _exchanged(self, old: str, new: str) -> list[Pair] | None:
        """Return the pairs of tokens that took each other's place in a text; None where that is not all that differs."""
        swaps = [self._swap(*pair) for pair in redact.exchanges(old, new) or ()] if old != new else []
        found = [pair for pair in swaps if pair is not None]
        return found if len(found) == len(swaps) else None

    def _swap(self, old: Any, new: Any) -> Pair | None:
        """Return a token of an old epoch and the one of the same kind of a new epoch in its place; what is sealed stays."""
        if old == new or not isinstance(old, str) or not isinstance(new, str):
            return None
        if self._into.get(old) == new:
            return old, new
        (one, *sealed), (two, *other) = old.split(":", 1), new.split(":", 1)
        good = sealed == other and one[:_KIND] == two[:_KIND] and carries(one) and carries(two)
        return (one, two) if good and epoch_of(one) in self._old and epoch_of(two) in self._new else None


def tokens_in(data: bytes) -> Iterator[str]:
    """Yield every text in some bytes that has the shape of a token, check letters or not."""
    return (token.decode() for token in _tokens(data))


def carries(token: str) -> bool:
    """Tell whether a text is a token that a re-key carries: one that stands for somebody, not one that marks the erased."""
    return is_token(token) and not is_marker(token)


def grown(seen: Comparison) -> bool:
    """Tell whether the `rev` of a record went up by one; an item has none."""
    key = seen.delta.key
    if isinstance(key, str) or layer_of(key) == "items":
        return True
    old, new = seen.old.get("rev"), seen.new.get("rev")
    return type(old) is int and type(new) is int and new == old + 1
