"""Parts: which of the moves of a change a person decides on."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from labelvc.core import globs
from labelvc.core.changeset import Gathered
from labelvc.errors import DataError, RefusedError
from labelvc.model.shell import word


def kept(whole: Gathered, words: str, excepted: Sequence[str]) -> frozenset[str]:
    """Return the keys that no glob leaves out; a key stands for itself, whatever letters it is made of.

    Args:
        whole: all that moved.
        words: the range as it was typed.
        excepted: keys, or globs of them.

    Raises:
        DataError: a glob fits nothing that moved: who mistypes one would sign what they mean to leave out.
    """
    keys = frozenset(move.key for move in whole.changeset.moves)
    left: set[str] = set()
    for glob in excepted:
        found = {glob} if glob in keys else {key for key in keys if globs.match(key, (glob,))}
        if not found:
            raise DataError("nothing that changed has such a key", where=glob, hint=f"labelvc diff {word(words)}")
        left |= found
    return keys - left


def refuse_none(keys: Collection[str], words: str, role: str) -> None:
    """Refuse to sign nothing.

    Args:
        keys: what there is to sign.
        words: the range as it was typed.
        role: whose word is still needed, when that is all that shall be signed; else empty.

    Raises:
        RefusedError: there is nothing.
    """
    if not keys:
        message = f"nothing here still needs the word of the role {role}" if role else "nothing is left to sign"
        raise RefusedError(message, where=words, hint=f"labelvc verify {word(words)}")
