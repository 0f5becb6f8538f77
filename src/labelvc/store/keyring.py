"""The keyring: secrets of pseudonymisation epochs in files that only their owner can read, outside of git's history.

One file an epoch, `<git common dir>/labelvc/keyring/<epoch>.key`: all work trees share it and no commit can hold it. Who only
judges has `<epoch>.gate` instead, the gate key that is derived from it.
"""

from __future__ import annotations

import hmac
import os
import shlex
import stat
from contextlib import suppress
from pathlib import Path

from labelvc.codec import epochs
from labelvc.codec.derive import commitment
from labelvc.errors import StoreError, TrustError
from labelvc.model.secret import Epoch, Secret
from labelvc.store import disk, files
from labelvc.store.git import Git

SECRET_BYTES = 32
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_LONGEST = 4096


def path(git: Git, epoch: str) -> Path:
    """Return where the secret of an epoch is kept on this machine."""
    return git.common / "labelvc" / "keyring" / f"{epoch}.key"


def create(git: Git, epoch: str) -> Secret:
    """Make the secret of a new epoch and keep it.

    Args:
        git: the repository.
        epoch: the new epoch's letters.

    Returns:
        The secret: 32 bytes from the system's generator.

    Raises:
        TrustError: there is a key file of this epoch already; nothing is overwritten.
        StoreError: the file cannot be written.
    """
    secret = Secret(epoch, os.urandom(SECRET_BYTES))
    keep(git, secret)
    return secret


def keep(git: Git, secret: Secret) -> None:
    """Put a secret into the keyring: a new one, or one that a colleague handed over.

    Raises:
        TrustError: there is a key file of this epoch already, with another secret.
        StoreError: the file cannot be written.
    """
    _keep(git, path(git, secret.epoch), secret, epochs.EPOCH)


def gate_path(git: Git, epoch: str) -> Path:
    """Return where the gate key of an epoch is kept on this machine, when the epoch's secret is not here."""
    return git.common / "labelvc" / "keyring" / f"{epoch}.gate"


def keep_gate(git: Git, key: Secret) -> None:
    """Put a gate key that a colleague handed over into the keyring.

    Raises:
        TrustError: there is another gate key of this epoch already.
        StoreError: the file cannot be written.
    """
    _keep(git, gate_path(git, key.epoch), key, epochs.GATE)


def load_gate(git: Git, epoch: str) -> Secret | None:
    """Return the gate key of an epoch that was handed over; None when there is none here.

    Raises:
        TrustError: others may read it, or it is damaged.
        StoreError: the disk refuses.
    """
    file = gate_path(git, epoch)
    data = _read(file)
    if data is None:
        return None
    key = epochs.read_secret(data, epoch, epochs.GATE)
    if key is None:
        hint = f"rm {shlex.quote(str(file))}; then ask for it again: labelvc pseudonym share --role gate -o FILE"
        raise TrustError(f"this is no gate key of epoch {epoch!r}", where=str(file), hint=hint)
    return key


def filter_path(git: Git) -> Path:
    """Return where the filter of people whom the vault knows is kept on this machine."""
    return git.common / "labelvc" / "keyring" / "known"


def keep_filter(git: Git, data: bytes) -> None:
    """Put a filter of known people into the keyring, in place of one that is there.

    Raises:
        StoreError: the disk refuses.
    """
    disk.private_folder(git, "keyring").chmod(0o700)
    disk.write_private(filter_path(git), data)


def load_filter(git: Git) -> bytes | None:
    """Return the filter of known people; None when there is none here.

    Raises:
        TrustError: others may read it.
        StoreError: the disk refuses.
    """
    return _read(filter_path(git), -1)


def _keep(git: Git, file: Path, secret: Secret, header: str) -> None:
    folder = disk.private_folder(git, "keyring")
    unfinished = folder / f".{file.name}.{os.urandom(4).hex()}{files.UNFINISHED}"
    try:
        folder.chmod(0o700)
        handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as opened:
            opened.write(epochs.write_secret(secret, header))
            opened.flush()
            os.fsync(handle)
        os.link(unfinished, file)  # unlike a rename, a link fails where a key already is
    except FileExistsError:
        if epochs.read_secret(_read(file) or b"", secret.epoch, header) != secret:
            raise TrustError(
                f"there is another secret of epoch {secret.epoch!r} already",
                where=str(file),
                hint=f"mv {file} {file}.old",
            ) from None
    except OSError as error:
        raise disk.failure(error, file) from None
    finally:
        with suppress(OSError):
            unfinished.unlink()


def _read(file: Path, longest: int = _LONGEST) -> bytes | None:
    """Return the bytes of a key file that only its owner can read; None when there is none.

    Raises:
        TrustError: others may read it, it is a link, or another user's.
        StoreError: the disk refuses.
    """
    try:
        _guarded(file)
        with file.open("rb") as opened:
            return opened.read(longest)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"could not read: {error.strerror}", where=str(file), hint=f"ls -l {file}") from None


def load(git: Git, epoch: Epoch) -> Secret:
    """Return the secret of an epoch.

    Args:
        git: the repository.
        epoch: the epoch as `privacy/epochs.jsonl` has it; the commitment is compared unless it is empty.

    Returns:
        The secret.

    Raises:
        TrustError: no key file here, others may read it, it is damaged, or it is not the secret the commitment names:
            tokens made with a wrong secret would quietly be other people.
        StoreError: the disk refuses.
    """
    file = path(git, epoch.id)
    data = _read(file)
    if data is None:
        raise TrustError(
            f"the secret of epoch {epoch.id!r} is not on this machine", where=str(file), hint=_copied(file)
        )
    secret = epochs.read_secret(data, epoch.id)
    if secret is None:
        raise TrustError(
            f"this is no key file of epoch {epoch.id!r}",
            where=str(file),
            hint=f"rm {shlex.quote(str(file))}; {_copied(file)}",
        )
    if epoch.commitment and not hmac.compare_digest(commitment(secret.reveal()), epoch.commitment):
        raise TrustError(
            f"this is not the secret that epoch {epoch.id!r} of the project commits to; its tokens would be other people",
            where=str(file),
            hint=f"mv {shlex.quote(str(file))} {shlex.quote(f'{file}.wrong')}; {_copied(file)}",
        )
    return secret


def _copied(file: Path) -> str:
    """Return how a secret that another clone has comes here, and what to do when none has it."""
    folder, place = shlex.quote(str(file.parent)), shlex.quote(str(file))
    return (
        f"copy {file.name} from .git/labelvc/keyring/ of a clone that imports already, by a way nobody listens to: "
        f"mkdir -p -m 700 {folder} && install -m 600 {file.name} {place}; when nobody has it any more: labelvc pseudonym new"
    )


def _guarded(file: Path) -> None:
    """Refuse a key or keyring folder that others may enter or read, a link, or one that is another user's."""
    for place, mode in ((file.parent, "700"), (file, "600")):
        found = place.lstat()
        if stat.S_ISLNK(found.st_mode):
            raise TrustError(
                "the key is a symbolic link", where=str(place), hint=f"replace it by the file itself: ls -l {place}"
            )
        if found.st_uid != os.geteuid():
            raise TrustError("the key belongs to another user", where=str(place), hint=f"ls -l {place}")
        if found.st_mode & _OTHERS:
            raise TrustError("others may read the key", where=str(place), hint=f"chmod {mode} {place}")
