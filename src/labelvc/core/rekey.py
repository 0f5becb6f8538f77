"""A re-key told from other changes: every token of some epochs became one other token of new epochs, and nothing else changed."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

from labelvc.core.diff import Comparison
from labelvc.core.pseudonym import epoch_of, is_token
from labelvc.model import jsonpointer
from labelvc.model.secret import TOKEN

MOST = 100_000
"""How many tokens are looked at; a re-key of more is shown record by record."""
_KIND = 4
_tokens = re.compile(rb"(?<![a-z_])" + TOKEN.encode() + rb"(?![a-z])").findall


class Rekey:
    """A re-key as it is found out, in two readings: first every change is weighed, then each is told to be part of it or not.

    Args:
        old: ids of the epochs that were there before.
        new: ids of the epochs that began.
    """

    def __init__(self, old: Collection[str], new: Collection[str]) -> None:
        self._old, self._new = frozenset(old), frozenset(new)
        self._into: dict[str, str] = {}
        self._from: dict[str, str] = {}
        self.possible = True
        self.records = 0

    def weigh(self, seen: Comparison, fields: Collection[str]) -> None:
        """Take in one change.

        Args:
            seen: the change.
            fields: pointers of the fields that hold pseudonyms in such a line.
        """
        if not self.possible:
            return
        for old, new in self._swaps(seen, fields).values():
            if (
                self._into.setdefault(old, new) != new
                or self._from.setdefault(new, old) != old
                or len(self._into) > MOST
            ):
                self.possible = False
                return

    def weigh_lines(self, *, old: Iterable[bytes] = (), new: Iterable[bytes] = ()) -> None:
        """Take in whole shards: an old token that stays somewhere, or a new one that was there before, is one person made two.

        Args:
            old: bytes of the shards before.
            new: bytes of the shards after.
        """
        for sides, taken in ((old, self._from), (new, self._into)):
            for data in sides:
                if not self.possible:
                    return
                self.possible = not any(token.decode() in taken for token in set(_tokens(data)))

    @property
    def found(self) -> bool:
        """Whether there is a re-key: tokens changed, one to one."""
        return self.possible and bool(self._into)

    @property
    def tokens(self) -> int:
        """How many tokens became others."""
        return len(self._into)

    def covers(self, seen: Comparison, fields: Collection[str]) -> bool:
        """Tell whether a change is part of the re-key and nothing but that; `rev` grows with every change.

        Args:
            seen: the change.
            fields: as for `weigh`.
        """
        if not self.found or not seen.pointers or seen.kind != "changed":
            return False
        swaps = self._swaps(seen, fields)
        rest = [pointer for pointer in seen.pointers if pointer not in swaps]
        return bool(swaps) and rest in ([], ["/rev"]) and all(self._into.get(old) == new for old, new in swaps.values())

    def _swaps(self, seen: Comparison, fields: Collection[str]) -> Mapping[str, tuple[str, str]]:
        """Return where a token of an old epoch became one of the same kind of a new epoch: pointer to both."""
        found = {}
        for pointer in fields:
            if pointer not in seen.pointers:
                continue
            old, new = jsonpointer.reach(seen.old, pointer), jsonpointer.reach(seen.new, pointer)
            if self._is_swap(old, new):
                found[pointer] = (old, new)
        return found

    def _is_swap(self, old: object, new: object) -> bool:
        if not isinstance(old, str) or not isinstance(new, str) or old[:_KIND] != new[:_KIND]:
            return False
        return is_token(old) and is_token(new) and epoch_of(old) in self._old and epoch_of(new) in self._new
