"""Age files (age-encryption.org/v1): encrypted to people's public keys, opened with their private ones, through pyrage."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyrage
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from labelvc.codec import agefile
from labelvc.errors import TrustError

LONGEST = 1 << 26
_LONGEST_IDENTITY = 1 << 16
_AGE, _PLUGIN = "AGE-SECRET-KEY-1", "AGE-PLUGIN-"
_OPENSSH = b"-----BEGIN OPENSSH PRIVATE KEY-----"
_PRIVATE = b"-----BEGIN "
_OTHER_KEY = "labelvc vault identity -o FILE makes a key that can; put its age1... into privacy/recipients.yaml"

Ask = Callable[[str], str]
"""Asks a person for a passphrase; gets the words to show."""


class Identity(NamedTuple):
    """A private key that opens age files; where it is, in words for messages. It never shows itself."""

    where: str
    key: Any

    def __repr__(self) -> str:
        """Show the place only."""
        return f"Identity({self.where!r}, ...)"


def generate() -> tuple[str, str]:
    """Return a fresh X25519 identity, `AGE-SECRET-KEY-1...`, and its recipient, `age1...`."""
    identity = pyrage.x25519.Identity.generate()
    return str(identity), str(identity.to_public())


def identity(text: str, where: str) -> Identity:
    """Return the identity that a text is, `AGE-SECRET-KEY-1...`.

    Raises:
        TrustError: the text is none.
    """
    try:
        return Identity(where, pyrage.x25519.Identity.from_str(text))
    except pyrage.IdentityError:
        raise TrustError("this is no identity that opens age files", where=where, hint="labelvc vault status") from None


def encrypt(data: bytes, recipients: Iterable[str], where: str = "privacy/recipients.yaml") -> bytes:
    """Return an armored age file that each of some recipients can open.

    Args:
        data: what it holds.
        recipients: `age1...`, `ssh-ed25519 ...` or `ssh-rsa ...`.
        where: what names them, for messages.

    Raises:
        TrustError: a recipient cannot be read, or is of a kind that cannot open files.
    """
    return bytes(pyrage.encrypt(data, [_recipient(text, where) for text in recipients], armored=True))


def decrypt(data: bytes, identities: Sequence[Identity]) -> bytes | None:
    """Return what an age file holds, or None when it is damaged or none of the identities opens it.

    Raises:
        TrustError: the file asks for a passphrase, which no file of labelvc's own does.
    """
    if len(data) > LONGEST or agefile.work(data) is not None:
        raise TrustError("this is no file that labelvc encrypted", hint="labelvc vault status")
    try:
        return bytes(pyrage.decrypt(data, [identity.key for identity in identities]))
    except (pyrage.DecryptError, ValueError):
        return None


def protect(identity: str, passphrase: str) -> bytes:
    """Return an identity encrypted with a passphrase, as `age -p` does, armored."""
    return bytes(pyrage.passphrase.encrypt(f"{identity}\n".encode(), passphrase, armored=True))


def load(path: Path, ask: Ask) -> list[Identity]:
    """Return the identities in a file.

    Args:
        path: an age identity, one that a passphrase protects (`age -p`), or a private SSH key, ed25519 or RSA.
        ask: asks for the passphrase, when there is one.

    Raises:
        TrustError: the file cannot be read, is none of these, asks for too much work, or the passphrase is wrong.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_LONGEST_IDENTITY)
    except OSError as error:
        raise TrustError(
            f"could not read the identity: {error.strerror}", where=str(path), hint=f"ls -l {path}"
        ) from None
    if agefile.is_age(data):
        data = _unlocked(data, path, ask)
    if data.lstrip().startswith(_PRIVATE):
        return [Identity(str(path), _ssh(data, path, ask))]
    lines = [line.strip() for line in data.decode(errors="replace").splitlines()]
    found = [line for line in lines if line and not line.startswith("#")]
    if any(line.upper().startswith(_PLUGIN) for line in found):
        raise TrustError(
            "the identity needs a plugin of age, which labelvc does not start", where=str(path), hint=_OTHER_KEY
        )
    try:
        keys = [pyrage.x25519.Identity.from_str(line) for line in found if line.startswith(_AGE)]
    except pyrage.IdentityError:
        keys = []
    if not keys or len(keys) < len(found):
        hint = "name an age identity or a private SSH key (ed25519 or RSA) with --identity"
        raise TrustError("this is no identity that opens age files", where=str(path), hint=hint)
    return [Identity(str(path), key) for key in keys]


def _unlocked(data: bytes, path: Path, ask: Ask) -> bytes:
    """Return what a passphrase opens; the work it asks for is weighed before any of it is done."""
    work = agefile.work(data)
    if work is None:
        raise TrustError("the identity is encrypted to another key", where=str(path), hint=f"age --decrypt {path}")
    if work > agefile.MOST_WORK:
        message = (
            f"opening the identity asks for 2^{work} steps of scrypt, and more than 2^{agefile.MOST_WORK} are not done"
        )
        raise TrustError(message, where=str(path), hint=f"age --decrypt {path}, then protect it again: age -p")
    try:
        return bytes(pyrage.passphrase.decrypt(data, ask(f"passphrase of {path}")))
    except pyrage.DecryptError:
        raise TrustError("the passphrase is wrong, or the file is damaged", where=str(path), hint="try again") from None


def _ssh(data: bytes, path: Path, ask: Ask) -> Any:
    """Return a private SSH key as an identity; one with a passphrase is opened in memory and never written."""
    try:
        return pyrage.ssh.Identity.from_buffer(data)
    except pyrage.IdentityError as error:
        if "decrypted" not in str(error):
            raise _no_ssh(path) from None
    try:
        key = serialization.load_ssh_private_key(data, ask(f"passphrase of {path}").encode())
        form = serialization.PrivateFormat.OpenSSH
        opened = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
        return pyrage.ssh.Identity.from_buffer(opened)
    except UnsupportedAlgorithm:
        raise _no_ssh(path) from None
    except (ValueError, TypeError):
        raise TrustError("the passphrase is wrong, or the key is damaged", where=str(path), hint="try again") from None
    except pyrage.IdentityError:
        raise _no_ssh(path) from None


def _no_ssh(path: Path) -> TrustError:
    return TrustError(
        "this SSH key cannot open files: only ed25519 and RSA keys in a file can, no security key and no agent",
        where=str(path),
        hint=_OTHER_KEY,
    )


def _recipient(text: str, where: str) -> Any:
    try:
        if text.startswith("age1"):
            return pyrage.x25519.Recipient.from_str(text)
        return pyrage.ssh.Recipient.from_str(text)
    except pyrage.RecipientError:
        message = f"the recipient {text[:24]!r}... cannot be encrypted to: age1..., ssh-ed25519 or ssh-rsa"
        raise TrustError(message, where=where, hint=_OTHER_KEY) from None
