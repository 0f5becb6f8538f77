"""Keys are asked to sign wherever they are, and ssh-keygen accepts what they make."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from labelvc.codec import sshsig
from labelvc.errors import TrustError
from labelvc.store import keys
from labelvc.store.keys import Signer
from tests.authenticator import DUMMY

NAMESPACE = "approval@labelvc.v1"
MESSAGE = b"DSSEv1 1 x 2 \xff\n"


def nobody(words: str) -> str:
    raise AssertionError(words)


def good(signer: Signer, public: Path, tmp_path: Path) -> None:
    """Sign; both labelvc and ssh-keygen must accept it."""
    made = signer.sign(MESSAGE, NAMESPACE)
    sshsig.verify(made, MESSAGE, NAMESPACE, sshsig.read_public(public.read_text()))
    (tmp_path / "sig").write_bytes(made)
    (tmp_path / "allowed").write_text(f'me namespaces="{NAMESPACE}" {public.read_text()}')
    words = ["ssh-keygen", "-Y", "verify", "-f", "allowed", "-I", "me", "-n", NAMESPACE, "-s", "sig"]
    done = subprocess.run(words, cwd=tmp_path, input=MESSAGE, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    done = subprocess.run(words, cwd=tmp_path, input=MESSAGE + b"!", capture_output=True, check=False)
    assert done.returncode != 0


@pytest.mark.parametrize(
    ("kind", "options"),
    [("ed25519", ()), ("rsa", ("-b", "3072")), ("ecdsa", ("-b", "384")), ("rsa", ("-b", "3072", "-m", "PEM"))],
)
def test_a_key_file(ssh_key, tmp_path: Path, kind: str, options: tuple[str, ...]):
    path = ssh_key("k", kind, options)
    good(keys.signer(str(path), None, nobody), Path(f"{path}.pub"), tmp_path)


@pytest.mark.parametrize(("kind", "options"), [("ed25519", ()), ("rsa", ("-b", "3072")), ("ecdsa", ("-b", "521"))])
def test_a_key_in_the_agent(ssh_key, tmp_path: Path, agent, kind: str, options: tuple[str, ...]):
    path = ssh_key("k", kind, options)
    socket = agent(str(path))
    path.unlink()
    public = Path(f"{path}.pub")
    text = public.read_text()
    for words in (str(public), text, f"key::{text}"):
        good(keys.signer(words, socket, nobody), public, tmp_path)
    (only,) = keys.agent_signers(socket)
    good(only, public, tmp_path)


@pytest.mark.skipif(not DUMMY.exists(), reason=f"no security key in software at {DUMMY}: apt-get install openssh-tests")
@pytest.mark.parametrize("kind", ["ed25519-sk", "ecdsa-sk"])
@pytest.mark.parametrize("by", ["file", "pub", "agent"])
def test_a_security_key_signs_by_ssh_keygen_or_by_the_agent(
    ssh_key, tmp_path: Path, agent, monkeypatch: pytest.MonkeyPatch, kind: str, by: str
):
    monkeypatch.setenv("SSH_SK_PROVIDER", str(DUMMY.resolve()))
    path = ssh_key("k", kind)
    public = Path(f"{path}.pub")
    if by == "agent":
        socket = agent(str(path))
        path.unlink()
        (only,) = keys.agent_signers(socket)
        good(only, public, tmp_path)
    good(keys.signer(str(path if by == "file" else public), agent(), nobody), public, tmp_path)


@pytest.mark.skipif(not DUMMY.exists(), reason=f"no security key in software at {DUMMY}: apt-get install openssh-tests")
def test_a_security_key_that_needs_no_touch_signs_nothing_that_counts(
    ssh_key, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SSH_SK_PROVIDER", str(DUMMY.resolve()))
    path = ssh_key("k", "ed25519-sk", ("-O", "no-touch-required"))
    with pytest.raises(TrustError, match="without being touched"):
        good(keys.signer(str(path), None, nobody), Path(f"{path}.pub"), tmp_path)


def test_a_security_key_that_is_not_plugged_in_is_told(ssh_key, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    if not DUMMY.exists():
        pytest.skip(f"no security key in software at {DUMMY}: apt-get install openssh-tests")
    monkeypatch.setenv("SSH_SK_PROVIDER", str(DUMMY.resolve()))
    path = ssh_key("k", "ed25519-sk")
    monkeypatch.setenv("SSH_SK_PROVIDER", str(tmp_path / "gone.so"))
    with pytest.raises(TrustError, match="ssh-keygen could not sign") as told:
        keys.signer(str(path), None, nobody).sign(MESSAGE, NAMESPACE)
    assert "touch it" in told.value.hint


def test_a_passphrase_is_asked_for_once(ssh_key, tmp_path: Path):
    path = ssh_key("k", "ed25519", ("-N", "secret"))
    asked: list[str] = []

    def ask(words: str) -> str:
        asked.append(words)
        return "secret"

    good(keys.signer(str(path), None, ask), Path(f"{path}.pub"), tmp_path)
    assert asked == [f"passphrase of {path}"]
    with pytest.raises(TrustError, match="does not open"):
        keys.signer(str(path), None, lambda _: "wrong")


def test_the_private_half_beside_a_pub_file_signs(ssh_key, tmp_path: Path):
    path = ssh_key("k")
    good(keys.signer(f"{path}.pub", None, nobody), Path(f"{path}.pub"), tmp_path)


@pytest.mark.parametrize(
    "content",
    [b"", b"hello", b"\xff\xfe", b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"],
)
def test_what_is_no_key_is_refused_cleanly(tmp_path: Path, content: bytes):
    path = tmp_path / "k"
    path.write_bytes(content)
    with pytest.raises(TrustError):
        keys.signer(str(path), None, nobody)


def test_a_missing_file_and_a_missing_private_half_are_told(ssh_key, tmp_path: Path, agent):
    with pytest.raises(TrustError, match="cannot read the key"):
        keys.signer(str(tmp_path / "none"), None, nobody)
    path = ssh_key("k")
    path.unlink()
    with pytest.raises(TrustError, match="in no agent"):
        keys.signer(f"{path}.pub", agent(), nobody)
    with pytest.raises(TrustError, match="no ssh-agent"):
        keys.signer(Path(f"{path}.pub").read_text(), None, nobody)


def test_a_key_bound_to_a_destination_signs_nothing_but_logins(ssh_key, tmp_path: Path, agent):
    path, host = ssh_key("k"), ssh_key("host")
    words = Path(f"{host}.pub").read_text().split()[:2]
    (tmp_path / "known").write_text(f"host.example {' '.join(words)}\n")
    socket = agent("-h", "host.example", "-H", str(tmp_path / "known"), str(path))
    signer = keys.signer(f"{path}.pub", socket, nobody)
    assert signer.sign_raw is not None
    for sign in (lambda: signer.sign(MESSAGE, NAMESPACE), lambda: signer.sign_raw(MESSAGE)):
        with pytest.raises(TrustError, match="was added with -h for some destinations") as told:
            sign()
    assert told.value.hint == "ssh-add -l; then ssh-add -d FILE && ssh-add FILE"


def test_a_key_that_nobody_confirmed_is_told(ssh_key, agent, monkeypatch: pytest.MonkeyPatch):
    """The agent of these tests has no program to ask with, which is a no."""
    path = ssh_key("k")
    with pytest.raises(TrustError, match="confirmed a key added with -c"):
        keys.signer(f"{path}.pub", agent("-c", str(path)), nobody).sign(MESSAGE, NAMESPACE)


def test_a_private_key_without_its_public_half_is_told_how_to_make_it(ssh_key):
    path = ssh_key("k", "ecdsa", ("-m", "PEM"))
    public = Path(f"{path}.pub")
    before = public.read_text().split()[:2]
    public.unlink()
    with pytest.raises(TrustError, match="needs its public half beside it") as told:
        keys.signer(str(path), None, nobody)
    subprocess.run(["sh", "-c", told.value.hint], check=True)
    assert public.read_text().split()[:2] == before
    assert keys.signer(str(path), None, nobody).sign(MESSAGE, NAMESPACE)


def test_a_key_that_others_may_read_is_told(ssh_key):
    """ssh-keygen will not touch it and says only that there is none; a locked one is no question of the passphrase."""
    for words in (("-N", ""), ("-N", "secret")):
        path = ssh_key(f"k{words[1]}", "ecdsa", words)
        path.chmod(0o644)
        with pytest.raises(TrustError, match="others may read the key") as told:
            keys.signer(str(path), None, nobody).sign(MESSAGE, NAMESPACE)
        assert told.value.hint == f"chmod 600 {path}"


def test_an_agent_without_the_key_is_told(ssh_key, agent):
    one, other = ssh_key("one"), ssh_key("other")
    socket = agent(str(one))
    with pytest.raises(TrustError, match="ssh-agent refused"):
        keys.signer(Path(f"{other}.pub").read_text(), socket, nobody).sign(MESSAGE, NAMESPACE)


def test_an_agent_that_is_not_there_is_told(tmp_path: Path):
    assert keys.agent_signers(None) == []
    with pytest.raises(TrustError, match="does not answer"):
        keys.agent_signers(str(tmp_path / "none"))
