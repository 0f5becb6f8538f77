"""Ed25519 signatures that no honest signer makes: none is good here that ssh-keygen calls bad."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from labelvc.codec import sshsig
from labelvc.errors import TrustError
from labelvc.model.policy import PublicKey
from tests.oracles import curve25519 as curve

SECRET, NONCE = 12345678901234567890, 998877665544332211
KEY = curve.encode(curve.times(SECRET, curve.BASE))
R = curve.encode(curve.times(NONCE, curve.BASE))
NOTHING = curve.encode(curve.NOTHING)
MIXED = curve.encode(curve.add(curve.times(NONCE, curve.BASE), curve.EIGHTH))
MIXED_KEY = curve.encode(curve.add(curve.times(SECRET, curve.BASE), curve.EIGHTH))
SPELLED_OTHERWISE = (curve.P + 1).to_bytes(32, "little")
SIGNED = sshsig.to_sign(b"m", "n")


@pytest.mark.parametrize(
    ("what", "key", "nonce", "first", "more", "good"),
    [
        ("as RFC 8032 makes it", KEY, NONCE, R, 0, True),
        ("S + L", KEY, NONCE, R, curve.L, False),
        ("R with a part of order 8, good with the cofactor alone", KEY, NONCE, MIXED, 0, False),
        ("R of order 1", KEY, 0, NOTHING, 0, True),
        ("R of order 1, not reduced", KEY, 0, SPELLED_OTHERWISE, 0, False),
        ("another R", KEY, NONCE + 1, R, 0, False),
        ("a key with a part of order 8", MIXED_KEY, NONCE, R, 0, None),
        ("a key of order 1", NOTHING, NONCE, R, 0, False),
        ("a key of order 8", curve.encode(curve.EIGHTH), NONCE, R, 0, False),
        ("a key of order 1, not reduced", SPELLED_OTHERWISE, NONCE, R, 0, False),
    ],
)
def test_none_is_good_that_ssh_keygen_calls_bad(
    tmp_path: Path, what: str, key: bytes, nonce: int, first: bytes, more: int, good: bool | None
):
    """Where `good` is None, one message in eight is."""
    trusted = PublicKey(sshsig.ED25519, sshsig.public_blob(sshsig.ED25519, key))
    secret = 0 if key not in (KEY, MIXED_KEY) else SECRET
    made = sshsig.wrap(
        trusted, "n", sshsig.signature_blob(sshsig.ED25519, curve.signature(secret, key, nonce, first, SIGNED, more))
    )
    try:
        sshsig.verify(made, b"m", "n", trusted)
        ours = True
    except TrustError:
        ours = False
    (tmp_path / "sig").write_bytes(made)
    (tmp_path / "allowed").write_text(f"x {trusted}\n")
    words = ["ssh-keygen", "-Y", "verify", "-f", "allowed", "-I", "x", "-n", "n", "-s", "sig"]
    theirs = subprocess.run(words, cwd=tmp_path, input=b"m", capture_output=True, check=False).returncode == 0
    assert ours <= theirs, what
    assert good is None or ours is good, what
