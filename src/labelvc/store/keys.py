"""Signers: where a private key is (a file, ssh-agent, ssh-keygen's reach) and how it is asked to sign; it never leaves.

Sources: OpenSSH `PROTOCOL.sshsig`, the ssh-agent protocol (RFC 9987 sections 3.5 and 3.6), `PROTOCOL.key`.
"""

from __future__ import annotations

import base64
import binascii
import importlib
import os
import shlex
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ed25519

from labelvc.codec import rawsig, sshsig
from labelvc.errors import TrustError
from labelvc.model.policy import PublicKey

if TYPE_CHECKING:
    import socket

_SERIALIZATION = "cryptography.hazmat.primitives.serialization"  # who only verifies reads no private key
_IDENTITIES, _IDENTITIES_ANSWER, _SIGN, _SIGN_ANSWER = 11, 12, 13, 14
_RSA_SHA512 = 4
_LONGEST = 1 << 18
_PATIENCE = 60.0
_MAGIC = b"openssh-key-v1\0"
_PRIVATE = b"-----BEGIN OPENSSH PRIVATE KEY-----"

_KINDS = ("ssh-", "ecdsa-", "sk-")

Ask = Callable[[str], str]
"""Asks a person for a passphrase; gets the words to show."""


class Signer(NamedTuple):
    """A key that can sign.

    Attributes:
        key: its public half.
        where: in words, for messages.
        sign: takes the message and the namespace, returns an armoured SSHSIG; raises TrustError.
        sign_raw: takes the message, returns a raw signature over it; None where the key or its keeper makes none.
    """

    key: PublicKey
    where: str
    sign: Callable[[bytes, str], bytes]
    sign_raw: Callable[[bytes], bytes] | None = None


class _Half(NamedTuple):
    """What a private key's file says to everybody: its public half, and whether it has a passphrase."""

    key: PublicKey
    locked: bool


def signer(words: str, agent: str | None, ask: Ask) -> Signer:
    """Return the signer that a setting names.

    Args:
        words: path of a private key, path of a `.pub` file (its private half is then looked for in the agent, else
            beside it), or a public key itself, with or without git's `key::` before it.
        agent: path of ssh-agent's socket; None when there is none.
        ask: asks for a passphrase, only when the key has one.

    Returns:
        The signer.

    Raises:
        TrustError: no such file, not a key, a wrong passphrase, or the private half cannot be reached.
    """
    literal = words.removeprefix("key::")
    if literal.startswith(_KINDS):
        return _by_agent(sshsig.read_public(literal), agent, literal[:30])
    path = Path(words).expanduser()
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _unread(path, error) from None
    if b"PRIVATE KEY-----" in data:
        return _by_file(path, data, agent, ask)
    key = sshsig.read_public(data.decode("utf-8", "replace"), where=str(path))
    if agent and any(key == held for held, _ in agent_keys(agent)):
        return _by_agent(key, agent, str(path))
    private = path.with_suffix("")
    if path.suffix == ".pub" and private.is_file():
        return _by_file(private, private.read_bytes(), agent, ask)
    raise TrustError(
        "the private half of this key is in no agent and not beside it", where=str(path), hint="ssh-add FILE"
    )


def absolute(words: str) -> str:
    """Return the words that name a key so that they mean the same from every folder."""
    literal = words.removeprefix("key::").startswith(_KINDS)
    return words if literal else os.path.normpath(Path(words).expanduser().absolute())


def agent_signers(agent: str | None) -> list[Signer]:
    """Return a signer for every key that ssh-agent holds and labelvc can verify."""
    if not agent:
        return []
    return [_by_agent(key, agent, f"ssh-agent ({comment})") for key, comment in agent_keys(agent)]


def agent_keys(agent: str) -> list[tuple[PublicKey, str]]:
    """Return the keys that ssh-agent holds, with their comments; types that labelvc cannot verify are left out.

    Args:
        agent: path of its socket.

    Raises:
        TrustError: nobody answers there.
    """
    answer = _request(agent, bytes([_IDENTITIES]), _IDENTITIES_ANSWER)
    count, rest = struct.unpack(">I", answer[:4])[0], answer[4:]
    found = []
    for _ in range(min(count, 1000)):
        blob, rest = sshsig.unpack(rest)
        comment, rest = sshsig.unpack(rest)
        try:
            key = sshsig.read_public(str(sshsig.key_of_blob(blob)))
        except TrustError:
            continue
        found.append((key, comment.decode("utf-8", "replace")))
    return found


def public_key(path: Path) -> PublicKey:
    """Return the public key of a `.pub` file.

    Raises:
        TrustError: it cannot be read, or is no key that can be trusted.
    """
    try:
        text = path.read_text("utf-8", "replace")
    except OSError as error:
        raise _unread(path, error) from None
    if "PRIVATE KEY" in text:
        raise TrustError(
            "this is a private key; it must not be shown to anybody", where=str(path), hint=f"use {path}.pub"
        )
    return sshsig.read_public(text, where=str(path))


def untyped(path: str, agent: str | None) -> TrustError:
    """Return the error of a passphrase that nobody is there to type.

    Args:
        path: the key.
        agent: path of ssh-agent's socket; None when there is none.
    """
    start = "" if agent else 'eval "$(ssh-agent)" && '
    hint = f"{start}ssh-add {shlex.quote(path)}, then the same command again"
    return TrustError("the key has a passphrase, and no terminal is here to type it on", where=path, hint=hint)


def _unread(path: Path, error: OSError) -> TrustError:
    hint = f"check the path; a new key is made by: ssh-keygen -t ed25519 -f {str(path).removesuffix('.pub')}"
    return TrustError(f"cannot read the key: {error.strerror}", where=str(path), hint=hint)


def _by_file(path: Path, data: bytes, agent: str | None, ask: Ask) -> Signer:
    """Sign with a private key: through the agent when it is locked and the agent has it, else itself or by ssh-keygen."""
    half = _public_half(path, data)
    locked = half.locked
    if locked and agent and half.key in _held(agent):
        return _by_agent(half.key, agent, str(path))
    if not data.startswith(_PRIVATE) or half.key.kind != sshsig.ED25519:
        return _by_program(path, half, agent)
    try:
        private = _open(path, data, ask)
    except UnsupportedAlgorithm:
        return _by_program(path, half, agent)
    if not isinstance(private, ed25519.Ed25519PrivateKey):
        raise TrustError("not a private key that can be read", where=str(path), hint=f"ssh-keygen -y -f {path}")
    raw = private.public_key().public_bytes_raw()
    key = PublicKey(sshsig.ED25519, sshsig.public_blob(sshsig.ED25519, raw))

    def sign(message: bytes, namespace: str) -> bytes:
        made = private.sign(sshsig.to_sign(message, namespace))
        return sshsig.wrap(key, namespace, sshsig.signature_blob(sshsig.ED25519, made))

    return Signer(key, str(path), sign, private.sign)


def _public_half(path: Path, data: bytes) -> _Half:
    """Return what a private key's file says without its passphrase; older formats leave the public half to the file beside."""
    if not data.startswith(_PRIVATE):
        beside = path.with_name(path.name + ".pub")
        if not beside.is_file():
            hint = f"ssh-keygen -y -f {shlex.quote(str(path))} > {shlex.quote(str(beside))}"
            raise TrustError(
                "a private key in an older format needs its public half beside it", where=str(path), hint=hint
            )
        return _Half(public_key(beside), b"ENCRYPTED" in data)
    try:
        body = base64.b64decode(b"".join(data.split(b"-----")[2].split()), validate=True)
        fields, rest = [], body.removeprefix(_MAGIC)
        for _ in range(3):
            field, rest = sshsig.unpack(rest)
            fields.append(field)
        blob, _ = sshsig.unpack(rest[4:])
        found = _Half(sshsig.key_of_blob(blob), fields[0] != b"none")
    except (binascii.Error, ValueError, TrustError):
        found = None
    if found is None or not body.startswith(_MAGIC):
        raise TrustError("not a private key that can be read", where=str(path), hint=f"ssh-keygen -y -f {path}")
    return found


def _held(agent: str) -> list[PublicKey]:
    """Return the keys of an agent that a private key's file may do without; one that does not answer has none."""
    try:
        return [key for key, _ in agent_keys(agent)]
    except TrustError:
        return []


def _open(path: Path, data: bytes, ask: Ask) -> object:
    """Load a private key; ask for the passphrase when it has one."""
    load: Callable[..., object] = importlib.import_module(_SERIALIZATION).load_ssh_private_key
    try:
        return load(data, password=None)
    except TypeError:
        pass  # it is encrypted
    except ValueError:
        raise TrustError(
            "not a private key that can be read", where=str(path), hint=f"ssh-keygen -y -f {path}"
        ) from None
    try:
        return load(data, password=ask(f"passphrase of {path}").encode())
    except ValueError:
        raise TrustError(
            "the passphrase does not open this key", where=str(path), hint="the same command again, or first ssh-add"
        ) from None


def _by_program(path: Path, half: _Half, agent: str | None) -> Signer:
    """Sign with `ssh-keygen -Y sign`, which knows every kind of key and asks for passphrase and touch itself."""

    def sign(message: bytes, namespace: str) -> bytes:
        tempfile = importlib.import_module("tempfile")
        with tempfile.TemporaryDirectory() as folder:  # standard input stays free for a person who types the passphrase
            file = Path(folder) / "message"
            file.write_bytes(message)
            words = ["ssh-keygen", "-q", "-Y", "sign", "-n", namespace, "-f", str(path), str(file)]
            typed = (
                None if os.isatty(0) else subprocess.DEVNULL
            )  # without a terminal it would read a passphrase from a pipe
            told = _prompts(half.key)
            try:
                done = subprocess.run(words, stdin=typed, stdout=subprocess.PIPE, stderr=told, check=False)
            except FileNotFoundError:
                raise TrustError("ssh-keygen is not installed", hint="install OpenSSH 8.2 or newer") from None
            if done.returncode == 0:
                return file.with_suffix(".sig").read_bytes()
        raise _unsigned(path, half, agent, done.stderr or b"see above")

    return Signer(half.key, f"ssh-keygen with {path}", sign)


def _unsigned(path: Path, half: _Half, agent: str | None, told: bytes) -> TrustError:
    """Return the error of a key that ssh-keygen did not sign with."""
    if path.stat().st_mode & 0o077:
        hint = f"chmod 600 {shlex.quote(str(path))}"
        return TrustError("others may read the key, so ssh-keygen does not use it", where=str(path), hint=hint)
    if half.locked and not _terminal():
        return untyped(str(path), agent)
    last = told.decode("utf-8", "replace").strip().rpartition("\n")[2]
    device = sshsig.is_security_key(half.key)
    hint = "plug the key in and touch it when it blinks" if device else "ssh-add FILE, then name FILE.pub"
    return TrustError(f"ssh-keygen could not sign: {last}", where=str(path), hint=hint)


def _prompts(key: PublicKey) -> int | None:
    """Return where ssh-keygen's messages go: to the terminal when it has to ask for a touch of the key, else to us."""
    return None if sshsig.is_security_key(key) and sys.stderr.isatty() else subprocess.PIPE


def _terminal() -> bool:
    """Tell whether this process has a terminal, where ssh-keygen asks."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _by_agent(key: PublicKey, agent: str | None, where: str) -> Signer:
    if not agent:
        raise TrustError("no ssh-agent is running", where=where, hint='eval "$(ssh-agent)"; ssh-add')

    def made(data: bytes) -> bytes:
        flags = _RSA_SHA512 if key.kind == sshsig.RSA else 0
        parts = sshsig.pack(key.blob) + sshsig.pack(data) + struct.pack(">I", flags)
        return sshsig.unpack(_request(agent, bytes([_SIGN]) + parts, _SIGN_ANSWER))[0]

    def sign(message: bytes, namespace: str) -> bytes:
        return sshsig.wrap(key, namespace, made(sshsig.to_sign(message, namespace)))

    def sign_raw(message: bytes) -> bytes:
        return rawsig.of_agent(key, made(message))

    return Signer(key, where, sign, sign_raw if rawsig.possible(key) else None)


def _request(agent: str, message: bytes, wanted: int) -> bytes:
    """Send one message to the agent and return the body of its answer."""
    try:
        sockets = importlib.import_module("socket")
        with sockets.socket(sockets.AF_UNIX) as line:
            line.settimeout(_PATIENCE)
            line.connect(agent)
            line.sendall(sshsig.pack(message))
            size = struct.unpack(">I", _read(line, 4))[0]
            answer = _read(line, min(size, _LONGEST))
    except (OSError, struct.error) as error:
        raise TrustError(f"ssh-agent does not answer: {error}", where=agent, hint="ssh-add -l") from None
    if answer[:1] != bytes([wanted]):
        why = (
            "ssh-agent refused: it is locked or lost the key, nobody touched it or confirmed a key added with -c, or the key "
            "was added with -h for some destinations and signs nothing but logins to them"
        )
        raise TrustError(why, where=agent, hint="ssh-add -l; then ssh-add -d FILE && ssh-add FILE")
    return answer[1:]


def _read(line: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = line.recv(size - len(data))
        if not more:
            raise ConnectionError("it ended the connection")
        data += more
    return data
