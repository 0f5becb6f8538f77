"""Sharing keys: who gets which, as `privacy/recipients.yaml` at HEAD says, and how enough of them open one together."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from labelvc.codec import keyfile
from labelvc.codec.derive import commitment
from labelvc.codec.keyfile import KeyFile, Share
from labelvc.errors import ConfigurationError, TrustError
from labelvc.ops import project as projects
from labelvc.store import age, tree
from labelvc.store import git as plumbing
from labelvc.store.age import Identity
from labelvc.store.git import Git

_COMMIT = f"write {projects.RECIPIENTS} (docs/formats/vault.md shows one), have it approved and commit it"


class Role(NamedTuple):
    """Who holds a key.

    Attributes:
        name: `gate`, `tokenise` or `reverse`.
        people: person to the recipients that open what is meant for them.
        needs: how many of them must come together.
    """

    name: str
    people: dict[str, list[str]]
    needs: int


class Openers(NamedTuple):
    """What somebody brought to open a key: identities, and shares that others lent them."""

    identities: Sequence[Identity]
    lent: Sequence[Path] = ()


def role(git: Git, name: str) -> Role:
    """Return who holds a key, as the last commit says: what is not committed was approved by nobody.

    Raises:
        ConfigurationError: no such file or role there, or the file or the project is wrong.
    """
    if not plumbing.head(git):
        raise ConfigurationError("the repository has no commit yet", hint=f"git commit; {_COMMIT}")
    snapshot = tree.commit(git, "HEAD")
    with tree.reader(git) as reader:
        projects.load(git, snapshot, reader)
        entry = snapshot.entries.get(projects.RECIPIENTS)
        data = reader.read(projects.RECIPIENTS, entry) if entry else b""
    if not data:
        raise ConfigurationError(
            "the last commit does not say who gets which key", where=projects.RECIPIENTS, hint=_COMMIT
        )
    (value,) = projects.values(git, [("recipients", data)])
    found = value["roles"].get(name)
    if found is None:
        raise ConfigurationError(
            f"nobody has the role {name!r}", where=projects.RECIPIENTS, hint=f"add it under roles; {_COMMIT}"
        )
    return Role(name, {person: value["people"][person] for person in found["people"]}, found.get("needs", 1))


def recipients(git: Git, person: str) -> list[str]:
    """Return the public keys of a person, as the last commit says.

    Raises:
        ConfigurationError: nobody of that name is in a role there.
    """
    for name in ("reverse", "tokenise", "gate"):
        try:
            found = role(git, name).people.get(person)
        except ConfigurationError:
            continue
        if found:
            return found
    raise ConfigurationError(f"there is nobody {person!r} in a role", where=projects.RECIPIENTS, hint=_COMMIT)


def lock(secret: bytes, to: Role, epoch: str = "", recipient: str = "") -> KeyFile:
    """Return the key file of a secret: a share for each person of a role, encrypted to them alone.

    Args:
        secret: the bytes.
        to: who gets it; its name is what the key is for.
        epoch: of a `tokenise` key.
        recipient: of a `reverse` key, what others encrypt to.
    """
    people = sorted(to.people)
    random = secrets.token_bytes((to.needs - 1) * len(secret))
    cut = keyfile.shares(to.name, secret, to.needs, people, random)
    shares = {person: age.encrypt(cut[person], to.people[person]).decode() for person in people}
    return KeyFile(to.name, commitment(secret), to.needs, shares, epoch, recipient)


def unlock(file: KeyFile, openers: Openers, where: str) -> bytes:
    """Return the secret of a key file, from as many shares as it needs.

    Raises:
        TrustError: no identity opens a share, there are too few, or one is of another key.
    """
    found = [share for text in file.shares.values() if (share := _opened(text.encode(), openers)) is not None]
    for path in openers.lent:
        share = _opened(_bytes(path), openers)
        if share is None:
            hint = "ask for it again, encrypted to you: labelvc vault lend --to YOU -o FILE"
            raise TrustError("no identity here opens the share that was lent", where=str(path), hint=hint)
        found.append(share)
    if not found:
        here = ", ".join([identity.where for identity in openers.identities]) or "none was named"
        raise TrustError(
            f"no identity here opens a share of the {file.purpose} key (tried: {here})",
            where=where,
            hint=f"--identity with the key of one of: {', '.join(sorted(file.shares))}",
        )
    return keyfile.join(file, found, where)


def lend(file: KeyFile, openers: Openers, to: Sequence[str], where: str) -> bytes:
    """Return one's own share of a key, encrypted to somebody else.

    Raises:
        TrustError: no identity here opens a share, or the identities open several: a person lends their own.
    """
    found = {share.place: share for text in file.shares.values() if (share := _opened(text.encode(), openers))}
    if len(found) != 1:
        message = "no identity here opens a share of the key" if not found else "these identities open several shares"
        raise TrustError(message, where=where, hint="--identity with your own key, and nobody else's")
    (share,) = found.values()
    text = f"labelvc-share-v1 {share.purpose} {share.commitment} {share.place} {share.data.hex()}\n"
    return age.encrypt(text.encode(), to)


def _opened(data: bytes, openers: Openers) -> Share | None:
    plain = age.decrypt(data, openers.identities) if openers.identities else None
    return None if plain is None else keyfile.read_share(plain)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise TrustError(f"could not read the share: {error.strerror}", where=str(path), hint=f"ls -l {path}") from None
