"""The rule of `rev`: it starts at 1 and grows with every change, and a deleted record leaves a tombstone.

Without it an old approval could be replayed: A to B approved, B to A approved, then B pushed again under the first
approval. So the successor of a line is never a line that was there before. labelvc itself counts by one; a gap, as a
merge or a revert leaves one, does no harm.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from typing import Any

from labelvc.codec import canonical
from labelvc.core.diff import decoded, layer_of, live
from labelvc.core.pseudonym import found_in
from labelvc.errors import DataError
from labelvc.model.change import Delta
from labelvc.model.finding import Finding, Place
from labelvc.model.names import Key

_BOOKKEEPING = ("rev", "at")
_LEAP = 1_000_000  # more changes than one range holds; a rev near 2^53 could not grow any more


def problem(delta: Delta, erased: Collection[str] = frozenset()) -> str:
    """Return what is wrong with the `rev` of a change, or an empty text.

    Args:
        delta: a record's change; items and documents carry no `rev`.
        erased: tokens of people who were forgotten: of a record whose key holds one no tombstone may stay.

    Returns:
        One sentence, or an empty text when the change is a legal successor.
    """
    if not isinstance(delta.key, Key) or layer_of(delta.key) == "items" or not delta:
        return ""
    old, new = revision(delta.old), revision(delta.new)
    if delta.new is None:
        unnamed = not erased or found_in(str(delta.key).encode()).isdisjoint(erased)
        return "the record was deleted without a tombstone" if unnamed else ""
    if old < new <= old + _LEAP:
        return ""
    if new > old:
        return f"rev leaps from {old} to {new}"
    return (
        f"rev is {new} where {old + 1} must follow {old}" if delta.old else f"a new record starts with rev 1, not {new}"
    )


def finding(delta: Delta, erased: Collection[str], hint: str) -> Finding | None:
    """Return what `problem` says as a finding of the rule `record.rev`; None for a legal successor.

    Args:
        delta: as for `problem`.
        erased: as for `problem`.
        hint: what to type next.
    """
    said = problem(delta, erased)
    if not said or not isinstance(delta.key, Key):
        return None
    folder = f"datasets/{delta.key.dataset}/annotations"
    return Finding("record.rev", "error", Place(folder, 0, str(delta.key), "/rev" if delta.new else ""), said, hint)


def successor(old: bytes | None, new: dict[str, Any] | None, key: Key) -> bytes | None:
    """Return the line that may follow another one.

    Args:
        old: the line before; None when there was none.
        new: the record as it should be, its `rev` ignored; None when it is to be deleted.
        key: the record's key.

    Returns:
        The old line itself when it is canonical and nothing but bookkeeping differs, the new line with its `rev` set, a
        tombstone, or None when there was nothing and will be nothing.
    """
    before = decoded(old)
    if new is None:
        return old if old is None or before.get("gone") is True else tombstone(key, revision(old) + 1)
    content = {name: value for name, value in new.items() if name not in _BOOKKEEPING}
    if old is not None and content == {name: value for name, value in before.items() if name not in _BOOKKEEPING}:
        kept = {name: before[name] for name in _BOOKKEEPING if name in before}
        # Equal values may be spelled in two ways (1 and 1.0), and to Python true is 1: the bytes decide.
        with suppress(DataError):
            if canonical.encode_record({**content, **kept}) == old:
                return old
    return canonical.encode_record({**new, "rev": revision(old) + 1})


def past(old: bytes | None, line: bytes | None, key: Key) -> bytes | None:
    """Return a line that also follows another one, as after a `git revert`, which brings an old `rev` back.

    Args:
        old: the line that must have been outgrown; None when there was none.
        line: the line as it is; None when it is not there.
        key: the record's key.

    Returns:
        The line itself when it follows already, else the successor of the old one that says the same.
    """
    if not problem(Delta(key, old, line)):
        return line
    return successor(old, None if live(line) is None else decoded(line), key)


def tombstone(key: Key, rev: int) -> bytes:
    """Return the line that says a record was deleted: its key and `rev`, no content, so that erasure still works."""
    return canonical.encode_record({"item": key.item, "id": key.id, "gone": True, "rev": rev})


def revision(raw: bytes | None) -> int:
    """Return the `rev` of a line, 0 when there is no line or no whole number."""
    rev = decoded(raw).get("rev", 0)
    return rev if type(rev) is int else 0
