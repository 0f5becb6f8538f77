"""Age files and the keys that open them: X25519, SSH keys with and without a passphrase, and what is refused before any work."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pyrage
import pytest

from labelvc.codec import agefile
from labelvc.errors import TrustError
from labelvc.store import age

DATA = b"a secret \0\xff" * 100


def never(words: str) -> str:
    raise AssertionError(f"asked for {words}")


def ssh(path: Path, kind: str, passphrase: str = "", *more: str) -> str:
    subprocess.run(
        ["ssh-keygen", "-q", "-t", kind, *more, "-N", passphrase, "-C", "ada@example.com", "-f", str(path)], check=True
    )
    return path.with_suffix(".pub").read_text().strip()


@pytest.mark.parametrize(("kind", "more"), [("ed25519", ()), ("rsa", ("-b", "2048"))])
@pytest.mark.parametrize("passphrase", ["", "correct horse"])
def test_an_ssh_key_opens_what_was_encrypted_to_its_public_half(
    tmp_path: Path, kind: str, more: tuple[str, ...], passphrase: str
):
    public = ssh(tmp_path / "key", kind, passphrase, *more)
    locked = age.encrypt(DATA, [public])
    assert DATA[:9] not in locked
    asked: list[str] = []
    found = age.load(tmp_path / "key", (lambda words: asked.append(words) or passphrase) if passphrase else never)
    assert age.decrypt(locked, found) == DATA
    assert asked == ([f"passphrase of {tmp_path / 'key'}"] if passphrase else [])
    other, _ = age.generate()
    assert age.decrypt(locked, [age.identity(other, "other")]) is None


def test_any_one_of_several_keys_opens(tmp_path: Path):
    private, public = age.generate()
    (tmp_path / "id").write_text(f"# created: today\n\n{private}\n")
    locked = age.encrypt(DATA, [public, ssh(tmp_path / "key", "ed25519")])
    for name in ("id", "key"):
        assert age.decrypt(locked, age.load(tmp_path / name, never)) == DATA
    assert age.encrypt(DATA, [public]) != age.encrypt(DATA, [public])
    assert age.decrypt(locked[:-40], age.load(tmp_path / "id", never)) is None
    assert age.decrypt(b"garbage", age.load(tmp_path / "id", never)) is None


def test_an_identity_with_a_passphrase_is_what_other_programs_of_age_read(tmp_path: Path):
    private, public = age.generate()
    (tmp_path / "id.age").write_bytes(age.protect(private, "correct horse"))
    assert pyrage.passphrase.decrypt((tmp_path / "id.age").read_bytes(), "correct horse").decode() == f"{private}\n"
    assert 1 <= (agefile.work((tmp_path / "id.age").read_bytes()) or 0) <= agefile.MOST_WORK
    assert age.decrypt(age.encrypt(DATA, [public]), age.load(tmp_path / "id.age", lambda _: "correct horse")) == DATA
    with pytest.raises(TrustError, match="passphrase is wrong"):
        age.load(tmp_path / "id.age", lambda _: "wrong")


@pytest.mark.parametrize("work", ["21", "29", "99", "0", "x", "-1", "010", "1000"])
@pytest.mark.parametrize("armored", [True, False])
def test_too_much_work_is_refused_before_the_passphrase_is_asked_for(tmp_path: Path, work: str, armored: bool):
    import base64

    header = (
        f"age-encryption.org/v1\n-> scrypt bBjlhJVYZeE4aqUdmtRHfw {work}\n".encode()
        + b"A" * 43
        + b"\n--- "
        + b"A" * 43
        + b"\n"
    )
    body = header + bytes(48)
    if armored:
        body = (
            b"-----BEGIN AGE ENCRYPTED FILE-----\n" + base64.encodebytes(body) + b"-----END AGE ENCRYPTED FILE-----\n"
        )
    (tmp_path / "id").write_bytes(body)
    with pytest.raises(TrustError, match="steps of scrypt"):
        age.load(tmp_path / "id", never)
    with pytest.raises(TrustError, match="no file that labelvc encrypted"):
        age.decrypt(body, [])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no identity"),
        ("AGE-SECRET-KEY-1", "no identity"),
        ("age1qqq", "no identity"),
        ("AGE-PLUGIN-YUBIKEY-1QQQ\n", "needs a plugin"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n", "SSH key cannot open"),
    ],
)
def test_what_opens_nothing_is_said_with_the_way_to_a_key_that_does(tmp_path: Path, text: str, said: str):
    (tmp_path / "id").write_text(text)
    with pytest.raises(TrustError, match=said) as caught:
        age.load(tmp_path / "id", never)
    assert caught.value.where == str(tmp_path / "id")
    assert caught.value.hint


def test_a_wrong_passphrase_of_an_ssh_key_is_said(tmp_path: Path):
    ssh(tmp_path / "key", "ed25519", "correct horse")
    for wrong in ("", "wrong"):
        with pytest.raises(TrustError, match="passphrase is wrong"):
            age.load(tmp_path / "key", lambda _, wrong=wrong: wrong)


def test_an_ssh_key_of_another_kind_is_refused_on_both_sides(tmp_path: Path):
    public = ssh(tmp_path / "key", "ecdsa")
    with pytest.raises(TrustError, match="SSH key cannot open"):
        age.load(tmp_path / "key", never)
    with pytest.raises(TrustError, match="cannot be encrypted to"):
        age.encrypt(DATA, [public])
    with pytest.raises(TrustError, match="cannot be encrypted to"):
        age.encrypt(DATA, ["age1qqqq"])
