"""Handing keys on: a key file that only the people of a role can open, and its way into their keyring."""

from __future__ import annotations

from pathlib import Path

from labelvc.codec import epochs, keyfile, subkeys
from labelvc.errors import ConfigurationError, TrustError
from labelvc.model.secret import Secret
from labelvc.ops import project as projects
from labelvc.ops import pseudonyms, sharing
from labelvc.ops.sharing import Openers
from labelvc.store import keyring, tree
from labelvc.store.git import Git

TOKENISE, GATE = "tokenise", "gate"
"""What may be handed on: the epoch's secret to who imports, the gate key that is derived from it to hooks and CI."""


def share(git: Git, purpose: str = TOKENISE, epoch: str | None = None) -> bytes:
    """Return a key file with an epoch's secret, or its gate key, for the people of the role at HEAD.

    Args:
        git: the repository.
        purpose: what is handed on; the role of those who can open it.
        epoch: letters of the epoch; None: of the active one.

    Raises:
        TrustError: the secret is not on this machine.
        ConfigurationError: no active epoch, or none of these letters, or nobody has the role.
    """
    to = sharing.role(git, purpose)
    snapshot = tree.work(git)
    with tree.reader(git) as reader:
        known = {each.id: each for each in pseudonyms.listed(snapshot, reader)}
        if epoch is not None and epoch not in known:
            message = f"there is no epoch {epoch!r}"
            raise ConfigurationError(message, where=epochs.PATH, hint=f"one of: {', '.join(known) or 'none'}")
        secret = keyring.load(git, known[epoch]) if epoch else pseudonyms.active(git, snapshot, reader)
        project = projects.load(git, snapshot, reader)
    key = secret.reveal() if purpose == TOKENISE else subkeys.subkey(secret, project.id, subkeys.GATE)
    return keyfile.write(sharing.lock(key, to, secret.epoch))


def accept(git: Git, path: Path, openers: Openers) -> tuple[str, str]:
    """Put the key in a key file into this machine's keyring, once a secret is proved to be its epoch's.

    Returns:
        What it is for, and the epoch.

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
    if file.purpose not in (TOKENISE, GATE):
        message = f"this key is for the purpose {file.purpose!r}, not for importing"
        raise TrustError(message, where=str(path), hint="ask for what `labelvc pseudonym share` writes")
    snapshot = tree.work(git)
    entry = snapshot.entries.get(epochs.PATH)
    with tree.reader(git) as reader:
        known = epochs.read(reader.read(epochs.PATH, entry)) if entry else ()
    proved = {(epoch.id, epoch.commitment if file.purpose == TOKENISE else file.commitment) for epoch in known}
    if (file.epoch, file.commitment) not in proved:
        message = f"the key file is of no epoch of this project: its secret would make other people of {file.epoch!r}"
        raise TrustError(message, where=str(path), hint="git pull, then ask for a key file of the active epoch")
    key = Secret(file.epoch, sharing.unlock(file, openers, str(path)))
    (keyring.keep if file.purpose == TOKENISE else keyring.keep_gate)(git, key)
    return file.purpose, file.epoch
