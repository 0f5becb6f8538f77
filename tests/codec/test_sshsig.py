"""SSHSIG: what ssh-keygen makes is verified, and nothing else is."""

from __future__ import annotations

import base64
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelvc.codec import sshsig
from labelvc.codec.armour import write as armour
from labelvc.errors import TrustError
from labelvc.model.policy import PublicKey
from tests import authenticator

P = 2**255 - 19
KINDS = [
    ("ed25519", ()),
    ("rsa", ("-b", "3072")),
    ("ecdsa", ("-b", "256")),
    ("ecdsa", ("-b", "384")),
    ("ecdsa", ("-b", "521")),
]


def sign(key: Path, message: bytes, namespace: str = "test@labelvc", *more: str) -> bytes:
    words = ["ssh-keygen", "-q", "-Y", "sign", "-n", namespace, "-f", str(key), *more]
    return subprocess.run(words, input=message, capture_output=True, check=True).stdout


def blob(armoured: bytes) -> bytes:
    return base64.b64decode(b"".join(armoured.splitlines()[1:-1]))


@pytest.mark.parametrize(("kind", "options"), KINDS, ids=str)
def test_what_ssh_keygen_signs_is_verified(ssh_key: Callable[..., Path], kind: str, options: tuple[str, ...]):
    path = ssh_key("k", kind, options)
    key = sshsig.read_public(Path(f"{path}.pub").read_text())
    for number in range(8):  # ECDSA numbers vary in length
        message = b"message %d" % number
        made = sign(path, message)
        sshsig.verify(made, message, "test@labelvc", key)
        for changed in (message + b"\n", message[:-1], b""):
            with pytest.raises(TrustError, match="not good for these bytes"):
                sshsig.verify(made, changed, "test@labelvc", key)
    with pytest.raises(TrustError, match="made for 'test@labelvc'"):
        sshsig.verify(made, message, "git", key)


def test_sha256_is_read_as_well(ssh_key: Callable[..., Path]):
    path = ssh_key("k")
    key = sshsig.read_public(Path(f"{path}.pub").read_text())
    made = sign(path, b"m", "n", "-O", "hashalg=sha256")
    sshsig.verify(made, b"m", "n", key)


def test_another_key_is_named(ssh_key: Callable[..., Path]):
    one, two = ssh_key("one"), ssh_key("two")
    other = sshsig.read_public(Path(f"{two}.pub").read_text())
    with pytest.raises(TrustError, match="not by SHA256:"):
        sshsig.verify(sign(one, b"m"), b"m", "test@labelvc", other)


def test_fingerprint_is_ssh_keygen_s(ssh_key: Callable[..., Path]):
    path = ssh_key("k")
    told = subprocess.run(["ssh-keygen", "-l", "-f", str(path)], capture_output=True, text=True, check=True).stdout
    assert told.split()[1] == sshsig.read_public(Path(f"{path}.pub").read_text()).fingerprint


@pytest.mark.parametrize(
    "change",
    [
        lambda made: made + b"\n",
        lambda made: made + b"and more\n",
        lambda made: b"\n" + made,
        lambda made: made.rstrip(b"\n"),
        lambda made: made.replace(b"\n", b"\r\n"),
        lambda made: made.replace(b"SSH SIGNATURE", b"SSH  SIGNATURE"),
        lambda made: made.replace(b"\n", b"", 2).replace(b"-----U", b"-----\nU"),
        lambda made: armour(blob(made) + b"\0"),
        lambda made: armour(blob(made)[:-1]),
        lambda made: armour(blob(made).replace(b"SSHSIG\0\0\0\1", b"SSHSIG\0\0\0\2")),
        lambda made: armour(blob(made).replace(b"SSHSIG", b"SSHSIH")),
        lambda made: armour(blob(made).replace(b"sha512", b"sha384")),
        lambda made: armour(blob(made).replace(b"\0\0\0\0\0\0\0\6sha512", b"\0\0\0\1x\0\0\0\6sha512")),
        lambda made: armour(b""),
        lambda made: b"",
    ],
)
def test_only_one_spelling_is_read(ssh_key: Callable[..., Path], change: Callable[[bytes], bytes]):
    path = ssh_key("k")
    key = sshsig.read_public(Path(f"{path}.pub").read_text())
    made = sign(path, b"m")
    bad = change(made)
    assert bad != made
    with pytest.raises(TrustError):
        sshsig.verify(bad, b"m", "test@labelvc", key)


def test_rsa_with_sha1_is_refused(ssh_key: Callable[..., Path]):
    path = ssh_key("k", "rsa", ("-b", "3072"))
    key = sshsig.read_public(Path(f"{path}.pub").read_text())
    made = sign(path, b"m")
    bad = blob(made).replace(
        struct.pack(">I", 404) + b"\0\0\0\x0crsa-sha2-512", struct.pack(">I", 399) + b"\0\0\0\x07ssh-rsa"
    )
    assert bad != blob(made)
    with pytest.raises(TrustError, match="'ssh-rsa' is not accepted"):
        sshsig.verify(armour(bad), b"m", "test@labelvc", key)


def test_a_short_rsa_key_is_refused(ssh_key: Callable[..., Path]):
    path = ssh_key("k", "rsa", ("-b", "2048"))
    with pytest.raises(TrustError, match="3072 bits"):
        sshsig.read_public(Path(f"{path}.pub").read_text())


@pytest.mark.parametrize(
    "kind",
    [
        "ssh-dss",
        "ssh-mldsa44-ed25519@openssh.com",
        "webauthn-sk-ecdsa-sha2-nistp256@openssh.com",
        "ssh-ed25519-cert-v01@openssh.com",
    ],
)
def test_a_type_it_cannot_verify_is_named_and_never_a_bad_signature(kind: str):
    blob = sshsig.public_blob(kind, bytes(32))
    key = PublicKey(kind, blob)
    with pytest.raises(TrustError, match="unsupported key type"):
        sshsig.read_public(str(key))
    for trusted in (key, authenticator.make().key):
        with pytest.raises(TrustError, match="unsupported key type"):
            sshsig.verify(sshsig.wrap(key, "n", sshsig.signature_blob(kind, bytes(64))), b"m", "n", trusted)


def test_a_browser_s_signature_is_named_and_never_a_bad_one():
    """Browsers sign with an sk-ecdsa key like any other, but over other bytes."""
    device = authenticator.make(authenticator.ECDSA)
    made = device.sign(b"m", "n", kind=f"webauthn-{device.kind}")
    with pytest.raises(TrustError, match=r"unsupported key type 'webauthn-sk-ecdsa-sha2-nistp256@openssh.com'"):
        sshsig.verify(made, b"m", "n", device.key)


@pytest.mark.parametrize("kind", authenticator.KINDS)
@pytest.mark.parametrize("flags", range(8))
def test_a_security_key_tells_of_touch_and_pin_and_must_be_touched(tmp_path: Path, kind: str, flags: int):
    """ssh-keygen calls all of them good."""
    device = authenticator.make(kind)
    made = device.sign(b"m", "n", flags)
    assert stock(tmp_path, made, b"m", "n", device.key)
    if flags & 1:
        assert sshsig.verify(made, b"m", "n", device.key) == (True, bool(flags & 4))
    else:
        with pytest.raises(TrustError, match="without being touched"):
            sshsig.verify(made, b"m", "n", device.key)


@pytest.mark.parametrize("kind", authenticator.KINDS)
def test_every_flipped_bit_of_a_security_key_s_signature_is_refused(kind: str):
    device = authenticator.make(kind)
    made = blob(device.sign(b"m", "n"))
    for at in range(len(made)):
        for bit in (1, 4, 0x80):
            with pytest.raises(TrustError):
                sshsig.verify(armour(made[:at] + bytes([made[at] ^ bit]) + made[at + 1 :]), b"m", "n", device.key)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("rsa", (False, False)),
        ("ecdsa", (False, False)),
        ("ed25519", (False, False)),
        ("ecdsa_sk", (True, False)),
        ("ed25519_sk", (True, False)),
        ("ecdsa_sk_webauthn", "unsupported key type"),
        ("dsa", "unsupported key type"),
    ],
)
def test_openssh_s_own_vectors(name: str, told: tuple[bool, bool] | str):
    folder = authenticator.DUMMY.parents[2] / "unittests" / "sshsig" / "testdata"
    if not (folder / f"{name}.sig").exists():
        pytest.skip(f"no vectors at {folder}: apt-get install openssh-tests")
    made, message = (folder / f"{name}.sig").read_bytes(), (folder / "signed-data").read_bytes()
    line = (folder / f"{name}.pub").read_text()
    if isinstance(told, str):
        with pytest.raises(TrustError, match=told):
            sshsig.read_public(line)
        with pytest.raises(TrustError, match=told):
            sshsig.verify(made, message, "unittest", sshsig.parse(made).key)
    else:
        assert sshsig.verify(made, message, "unittest", sshsig.read_public(line)) == told
        with pytest.raises(TrustError, match="not good for these bytes"):
            sshsig.verify(made, message + b"!", "unittest", sshsig.read_public(line))


@pytest.mark.parametrize("change", [lambda made: made[:-1], lambda made: made + b"\0", lambda made: made[:-5]])
def test_a_security_key_s_signature_ends_in_flags_and_a_counter(change: Callable[[bytes], bytes]):
    device = authenticator.make()
    inner = sshsig.parse(device.sign(b"m", "n"))
    signature = change(sshsig.signature_blob(inner.kind, inner.raw) + inner.tail)
    with pytest.raises(TrustError, match="does not end as one of its key type"):
        sshsig.verify(sshsig.wrap(device.key, "n", signature), b"m", "n", device.key)


def test_a_plain_key_s_signature_proves_no_touch_and_takes_no_flags(ssh_key: Callable[..., Path]):
    path = ssh_key("k")
    key = sshsig.read_public(Path(f"{path}.pub").read_text())
    made = sign(path, b"m", "n")
    assert sshsig.verify(made, b"m", "n", key) == (False, False)
    inner = sshsig.parse(made)
    longer = sshsig.wrap(key, "n", sshsig.signature_blob(inner.kind, inner.raw) + b"\1\0\0\0\7")
    with pytest.raises(TrustError, match="does not end as one of its key type"):
        sshsig.verify(longer, b"m", "n", key)


def test_a_security_key_made_for_web_pages_is_refused():
    """Sites can have such a key sign what they like; OpenSSH makes keys for `ssh:...` only."""
    with pytest.raises(TrustError, match="made for web pages"):
        sshsig.read_public(str(authenticator.make(application=b"https://example.com").key))
    assert sshsig.read_public(str(authenticator.make(application=b"ssh:labels").key))


@pytest.mark.parametrize("kind", ["ecdsa-sha2-nistp256", authenticator.ECDSA])
@pytest.mark.parametrize("change", ["compressed", "elsewhere", "infinity", "curve"])
def test_a_point_has_one_spelling_and_lies_on_its_curve(kind: str, change: str):
    """A second spelling would be a second fingerprint: one key could be enrolled for two people."""
    whole = authenticator.make(authenticator.ECDSA).key.blob
    point = whole[whole.index(b"\0\0\0\x41\4") + 4 :][:65]
    changed = {
        "compressed": bytes([2 + (point[-1] & 1)]) + point[1:33],
        "elsewhere": point[:-1] + bytes([point[-1] ^ 1]),
        "infinity": b"\0",
        "curve": point,
    }[change]
    name = b"nistp384" if change == "curve" else b"nistp256"
    more = [b"ssh:"] if kind == authenticator.ECDSA else []
    assert sshsig.read_public(str(PublicKey(kind, sshsig.public_blob(kind, b"nistp256", point, *more))))
    with pytest.raises(TrustError, match=r"malformed|two curves"):
        sshsig.read_public(str(PublicKey(kind, sshsig.public_blob(kind, name, changed, *more))))


@pytest.mark.parametrize("exponent", [1, 2])
def test_an_rsa_key_that_anybody_can_sign_for_is_refused(exponent: int):
    modulus = b"\0" + b"\xff" * 384
    with pytest.raises(TrustError, match="malformed"):
        sshsig.read_public(str(PublicKey("ssh-rsa", sshsig.public_blob("ssh-rsa", bytes([exponent]), modulus))))


def stock(folder: Path, armoured: bytes, message: bytes, namespace: str, key: PublicKey) -> bool:
    (folder / "allowed").write_text(f'x namespaces="{namespace}" {key}\n')
    (folder / "sig").write_bytes(armoured)
    words = ["ssh-keygen", "-Y", "verify", "-f", "allowed", "-I", "x", "-n", namespace, "-s", "sig"]
    return subprocess.run(words, cwd=folder, input=message, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ssh-ed25519",
        "ssh-ed25519 !!!!",
        "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIA==",
        "hello world",
        "ssh-ed25519 AAAA\nssh-ed25519 AAAA",
    ],
)
def test_what_is_no_public_key_is_refused(text: str):
    with pytest.raises(TrustError):
        sshsig.read_public(text)


def edwards(y: int, sign: int) -> tuple[int, int] | None:
    """Return the point with this y, by RFC 8032 section 5.1.3, written without looking at the code under test."""
    d = -121665 * pow(121666, -1, P) % P
    square = (y * y - 1) * pow(d * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    if x * x % P != square:
        return None
    return (P - x if x & 1 != sign else x) % P, y % P


def add(one: tuple[int, int], two: tuple[int, int]) -> tuple[int, int]:
    d = -121665 * pow(121666, -1, P) % P
    (a, b), (c, e) = one, two
    t = d * a * c * b * e % P
    return (a * e + b * c) * pow(1 + t, -1, P) % P, (b * e + a * c) * pow(1 - t, -1, P) % P


def test_the_small_order_points_are_those_of_the_curve():
    """Each listed y, with each sign that is on the curve, has order 1, 2, 4 or 8; and there are eight such points."""
    points = set()
    for y in sshsig._SMALL_ORDER:
        for sign in (0, 1):
            point = edwards(y % P, sign)
            assert point is not None
            eightfold = point
            for _ in range(3):
                eightfold = add(eightfold, eightfold)
            assert eightfold == (0, 1)
            points.add(point)
    assert len(points) == 8


@pytest.mark.parametrize("y", [*sorted(sshsig._SMALL_ORDER), P + 5])
@pytest.mark.parametrize("sign", [0, 1])
def test_small_order_and_unreduced_keys_are_refused(y: int, sign: int):
    raw = (y | sign << 255).to_bytes(32, "little")
    with pytest.raises(TrustError, match="small order"):
        sshsig.read_public(str(PublicKey("ssh-ed25519", sshsig.public_blob("ssh-ed25519", raw))))


@given(st.binary(max_size=60))
def test_any_bytes_are_refused_cleanly(data: bytes):
    for bad in (data, armour(data), armour(b"SSHSIG\0\0\0\1" + data)):
        with pytest.raises(TrustError):
            sshsig.parse(bad)


@given(st.binary(max_size=40), st.binary(max_size=40), st.binary(max_size=6), st.text("abc@.", max_size=9))
def test_fields_come_back(key: bytes, raw: bytes, tail: bytes, namespace: str):
    public = PublicKey("ssh-x", sshsig.public_blob("ssh-x", key))
    made = sshsig.wrap(public, namespace, sshsig.signature_blob("ssh-x", raw) + tail)
    assert sshsig.parse(made) == (public, namespace, "sha512", "ssh-x", raw, tail)
