"""Secrets of pseudonymisation: an epoch is public and in git, its secret is not and never shows itself."""

# No `from __future__ import annotations`: typing would compile the text of each at every start.

from typing import Literal, NamedTuple

ALPHABET = "bcdfghjklmnpqrstvwxz"
"""The 20 letters of a token and an epoch id: no digits, so no detector or spreadsheet takes it for a number; no vowels, so no words."""

TOKEN = f"[a-z]{{3}}_[{ALPHABET}]{{28,29}}"
"""What a token looks like; whether labelvc made it, its check letters tell."""

SEALED = f"{TOKEN}:[{ALPHABET}]{{34,}}"
"""What a sealed value looks like: a token that says whose it is, and a ciphertext in letters, two a byte."""


EPOCHS = "privacy/epochs.jsonl"
"""Path of the file that lists the epochs of a project."""


class Epoch(NamedTuple):
    """One line of `privacy/epochs.jsonl`: a period in which one secret made the tokens.

    Attributes:
        id: one or two letters of the alphabet; every token of the epoch carries them.
        status: `active` (makes new tokens), `retired` (only old tokens carry it) or `destroyed` (nobody holds the secret).
        created: UTC time, `2026-03-01T09:00:00Z`.
        commitment: 32 hex digits that only this epoch's secret yields.
        before: the epoch whose tokens its own are made of, by a chained re-key; empty: they are made of values.
        rekeyed: whether a re-key by values began it, so that no token of an epoch before it is left.
    """

    id: str
    status: Literal["active", "retired", "destroyed"]
    created: str
    commitment: str
    before: str = ""
    rekeyed: bool = False

    @property
    def ends(self) -> bool:
        """Whether it began with a re-key, which left no token of an epoch before it."""
        return self.rekeyed or bool(self.before)


class Secret:
    """The 32 random bytes of an epoch; printing, logging or pickling it yields no byte of them."""

    __slots__ = ("_key", "epoch")

    def __init__(self, epoch: str, key: bytes) -> None:
        self.epoch = epoch
        self._key = key

    def reveal(self) -> bytes:
        """Return the bytes; the only way to them, so that every use can be found by this name."""
        return self._key

    def __eq__(self, other: object) -> bool:
        """Compare epoch and bytes."""
        return isinstance(other, Secret) and (self.epoch, self._key) == (other.epoch, other._key)

    def __hash__(self) -> int:
        """Hash epoch and bytes, so that derived keys can be remembered."""
        return hash((self.epoch, self._key))

    def __repr__(self) -> str:
        """Show the epoch only."""
        return f"Secret({self.epoch!r}, ...)"

    def __reduce__(self) -> tuple[object, ...]:
        """Refuse to be pickled: a secret does not travel to a worker, a cache or a log by accident."""
        raise TypeError("a secret cannot be pickled")
