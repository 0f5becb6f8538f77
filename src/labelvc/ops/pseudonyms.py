"""Pseudonyms in a project: begin its first epoch, find the active secret, turn plain values into tokens."""

from __future__ import annotations

from collections.abc import Callable

from labelvc.codec import epochs
from labelvc.core import pseudonym
from labelvc.errors import ConfigurationError
from labelvc.model.secret import Epoch, Secret
from labelvc.model.snapshot import Snapshot
from labelvc.store import keyring
from labelvc.store.git import Git
from labelvc.store.reader import Reader


def begin(git: Git, created: str, known: bytes = b"") -> bytes:
    """Begin an epoch: make its secret on this machine and return the public list with the epoch in it.

    Args:
        git: the repository.
        created: the time, UTC, `2026-03-01T09:00:00Z`.
        known: `privacy/epochs.jsonl` as it is; empty for the first epoch. The epoch active until now is retired.

    Returns:
        The new bytes of `privacy/epochs.jsonl`.

    Raises:
        DataError: the list cannot be read.
        TrustError: a key file of that epoch is already here.
    """
    before = epochs.read(known)
    name = pseudonym.next_epoch(before[-1].id if before else "")
    secret = keyring.create(git, name)
    retired = [epoch._replace(status="retired") if epoch.status == "active" else epoch for epoch in before]
    return epochs.write([*retired, Epoch(name, "active", created, pseudonym.commitment(secret))])


def active(git: Git, snapshot: Snapshot, reader: Reader) -> Secret:
    """Return the secret that makes new tokens.

    Args:
        git: the repository.
        snapshot: where `privacy/epochs.jsonl` is read from.
        reader: reads it.

    Returns:
        The active epoch's secret, proved against its commitment.

    Raises:
        ConfigurationError: the project has no active epoch.
        TrustError: the secret is not on this machine, is readable by others, or is the wrong one.
    """
    entry = snapshot.entries.get(epochs.PATH)
    epoch = epochs.active(epochs.read(reader.read(epochs.PATH, entry))) if entry else None
    if epoch is None:
        raise ConfigurationError(
            "the project has no active epoch for pseudonyms", where=epochs.PATH, hint="labelvc init"
        )
    return keyring.load(git, epoch)


def tokeniser(secret: Secret, project_id: str, domain: str) -> Callable[[str, str], str]:
    """Return a function from (kind, plain value) to token that remembers what it made.

    Args:
        secret: the active epoch's secret.
        project_id: UUID of the project.
        domain: pseudonymisation domain.

    Returns:
        The function; a value that is a token already comes back as it is.
    """
    made: dict[tuple[str, str], str] = {}

    def tokenise(kind: str, value: str) -> str:
        found = made.get((kind, value))
        if found is None:
            found = value if pseudonym.is_token(value) else pseudonym.token(secret, project_id, domain, kind, value)
            made[kind, value] = found
        return found

    return tokenise
