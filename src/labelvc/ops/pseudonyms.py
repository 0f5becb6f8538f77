"""Pseudonyms in a project: begin its first epoch, find the active secret, turn plain values into tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from labelvc.codec import epochs
from labelvc.core import pseudonym
from labelvc.errors import ConfigurationError, StoreError
from labelvc.model.secret import Epoch, Secret
from labelvc.model.snapshot import Snapshot
from labelvc.ops.project import TOP
from labelvc.store import disk, files, keyring
from labelvc.store import git as plumbing
from labelvc.store.git import Git
from labelvc.store.reader import Reader

_NEW = "labelvc pseudonym new"


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
    return keyring.load(git, _active(git, listed(snapshot, reader), present=epochs.PATH in snapshot.entries))


def making(git: Git, snapshot: Snapshot, reader: Reader) -> tuple[Secret, ...]:
    """Return the secrets that make new tokens: the active epoch's, and before it those of the epochs it is chained to.

    Args:
        git: the repository.
        snapshot: where `privacy/epochs.jsonl` is read from.
        reader: reads it.

    Returns:
        Secrets, oldest first, each proved against its commitment.

    Raises:
        ConfigurationError: as for `active`, or nobody holds the secret of an epoch that new values must go through.
        TrustError: as for `active`, of any of them.
    """
    known = listed(snapshot, reader)
    return secrets(git, known, _active(git, known, present=epochs.PATH in snapshot.entries))


def secrets(git: Git, known: Sequence[Epoch], last: Epoch) -> tuple[Secret, ...]:
    """Return the secrets of an epoch's chain, oldest first.

    Raises:
        ConfigurationError: nobody holds one of them any more.
        TrustError: one is not on this machine, is readable by others, or is the wrong one.
    """
    chain = epochs.chain(known, last)
    for epoch in chain:
        if epoch.status == "destroyed":
            message = (
                f"nobody holds the secret of epoch {epoch.id!r} any more, and new values of {last.id!r} go through it"
            )
            raise ConfigurationError(message, where=epochs.PATH, hint=_NEW)
    return tuple(keyring.load(git, epoch) for epoch in chain)


def listed(snapshot: Snapshot, reader: Reader) -> tuple[Epoch, ...]:
    """Return the epochs of a snapshot; none where it has no list.

    Raises:
        DataError: the list cannot be read.
    """
    entry = snapshot.entries.get(epochs.PATH)
    return epochs.read(reader.read(epochs.PATH, entry)) if entry else ()


def _active(git: Git, known: Sequence[Epoch], *, present: bool) -> Epoch:
    epoch = epochs.active(known)
    if epoch is None:
        if not present:
            _never_had(git)
        raise ConfigurationError("the project has no active epoch for pseudonyms", where=epochs.PATH, hint=_NEW)
    return epoch


def renew(git: Git, created: str) -> str:
    """Begin an epoch in the work tree's list, and retire the one before: for a secret that is lost, or known to too many.

    Args:
        git: the repository.
        created: the time, UTC.

    Returns:
        The path of the list, written and staged.

    Raises:
        ConfigurationError: there is no project, or its list of epochs is gone.
        DataError: the list cannot be read.
        TrustError: a key file of the new epoch is already here.
        StoreError: the disk or the index could not be written.
    """
    if not (git.top / TOP).is_file():
        raise ConfigurationError(f"there is no {TOP} here", where=str(git.top), hint="labelvc init")
    path = git.top / epochs.PATH
    if not path.is_file():
        _never_had(git)
    with files.lock(git):
        data = begin(git, created, path.read_bytes() if path.is_file() else b"")
        try:
            disk.write_all({path: data}, git.top)
        except StoreError:
            keyring.path(git, epochs.read(data)[-1].id).unlink(missing_ok=True)
            raise
        plumbing.add(git, [epochs.PATH])
    return epochs.PATH


def _never_had(git: Git) -> None:
    """Refuse to go on without a list that history has: its letters would be given to another secret."""
    if plumbing.head(git) and plumbing.run(git, "rev-list", "--max-count=1", "HEAD", "--", epochs.PATH).strip():
        cure = f"git log --oneline -- {epochs.PATH}, then git restore --source=COMMIT~1 {epochs.PATH}"
        raise ConfigurationError("the list of epochs for pseudonyms is gone", where=epochs.PATH, hint=cure)


def tokeniser(secrets: Sequence[Secret], project_id: str) -> Callable[[str, str, str, str], str]:
    """Return a function from (domain, kind, plain value, scope) to token.

    Args:
        secrets: what `making` returns.
        project_id: UUID of the project.

    Returns:
        The function; a value that is a token already comes back as it is.
    """

    def tokenise(domain: str, kind: str, value: str, scope: str = "") -> str:
        if pseudonym.is_token(value):
            return value
        return pseudonym.lineage(secrets, project_id, domain, kind, value, scope)[-1]

    return tokenise
