"""Handing an epoch's secret on: a key file that only the people who may import can open, and its way into their keyring."""

from __future__ import annotations

from pathlib import Path

from labelvc.codec import epochs, keyfile
from labelvc.errors import TrustError
from labelvc.model.secret import Secret
from labelvc.ops import pseudonyms, sharing
from labelvc.ops.sharing import Openers
from labelvc.store import keyring, tree
from labelvc.store.git import Git

_PURPOSE = "tokenise"


def share(git: Git) -> bytes:
    """Return a key file with the active epoch's secret, for the people of the role `tokenise` at HEAD.

    Raises:
        TrustError: the secret is not on this machine.
        ConfigurationError: no active epoch, or nobody has the role.
    """
    to = sharing.role(git, _PURPOSE)
    with tree.reader(git) as reader:
        secret = pseudonyms.active(git, tree.work(git), reader)
    return keyfile.write(sharing.lock(secret.reveal(), to, secret.epoch))


def accept(git: Git, path: Path, openers: Openers) -> str:
    """Put the secret in a key file into this machine's keyring, once it is proved to be the epoch's.

    Returns:
        The epoch.

    Raises:
        DataError: the file is no key file.
        TrustError: it is of another purpose, project or epoch, no identity opens it, or another secret is here already.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TrustError(
            f"could not read the key file: {error.strerror}", where=str(path), hint=f"ls -l {path}"
        ) from None
    file = keyfile.read(data, str(path))
    if file.purpose != _PURPOSE:
        message = f"this key is for the purpose {file.purpose!r}, not for importing"
        raise TrustError(message, where=str(path), hint="ask for what `labelvc pseudonym share` writes")
    snapshot = tree.work(git)
    entry = snapshot.entries.get(epochs.PATH)
    with tree.reader(git) as reader:
        known = epochs.read(reader.read(epochs.PATH, entry)) if entry else ()
    if not any((epoch.id, epoch.commitment) == (file.epoch, file.commitment) for epoch in known):
        message = f"the key file is of no epoch of this project: its secret would make other people of {file.epoch!r}"
        raise TrustError(message, where=str(path), hint="git pull, then ask for a key file of the active epoch")
    keyring.keep(git, Secret(file.epoch, sharing.unlock(file, openers, str(path))))
    return file.epoch
