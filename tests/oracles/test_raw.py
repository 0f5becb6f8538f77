"""The raw signature behind an approval is read by programs that know no SSHSIG, and changes nothing for us."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from securesystemslib import dsse as other_dsse
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

from labelvc.codec import dsse, rawsig, sshsig
from labelvc.errors import DataError, TrustError
from labelvc.model.approval import Envelope, Signature
from labelvc.ops import approvals, approve, sealing, trust
from labelvc.ops import policy as governing
from labelvc.store import git as plumbing
from labelvc.store import keys, tree
from tests import authenticator
from tests.people import Desk
from tests.trusting import desk, desk_template, people_keys

__all__ = ["desk", "desk_template", "people_keys"]
SCHEMES = {"ssh-rsa": "rsa-pkcs1v15-sha512"}  # of the others securesystemslib's own default


def theirs(public: Path) -> SSlibKey:
    """Return a key as securesystemslib reads it, without our code."""
    words = public.read_text().split()
    key: Any = serialization.load_ssh_public_key(public.read_bytes())
    return SSlibKey.from_crypto(key, scheme=SCHEMES.get(words[0]))


def openssl(folder: Path, public: Path, message: bytes, raw: bytes) -> bool:
    key = serialization.load_ssh_public_key(public.read_bytes())
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    (folder / "key.pem").write_bytes(key.public_bytes(serialization.Encoding.PEM, form))
    (folder / "message").write_bytes(message)
    (folder / "raw").write_bytes(raw)
    words = [
        "openssl",
        "pkeyutl",
        "-verify",
        "-pubin",
        "-inkey",
        "key.pem",
        "-rawin",
        "-in",
        "message",
        "-sigfile",
        "raw",
    ]
    bits = public.read_text().split()[0].removeprefix("ecdsa-sha2-nistp")
    digest = {"256": "sha256", "384": "sha384", "521": "sha512", "ssh-rsa": "sha512"}.get(bits)
    words += ["-digest", digest] if digest else []
    return subprocess.run(words, cwd=folder, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize(
    ("kind", "bits"), [("ed25519", "0"), ("rsa", "3072"), ("ecdsa", "256"), ("ecdsa", "384"), ("ecdsa", "521")]
)
def test_the_agent_s_raw_signature_is_good_for_securesystemslib_and_openssl(
    ssh_key, tmp_path: Path, agent: Callable[..., str], kind: str, bits: str
):
    path = ssh_key("k", kind, ("-b", bits) if bits != "0" else ())
    public = Path(f"{path}.pub")
    signer = keys.signer(str(public), agent(str(path)), lambda words: words)
    assert signer.sign_raw is not None
    envelope = other_dsse.Envelope(b"{}", dsse.IN_TOTO, {})
    for number in range(8):  # ECDSA numbers vary in length
        envelope.payload = b"%d" % number
        message = dsse.pae(dsse.IN_TOTO, envelope.payload)
        made = signer.sign_raw(message)
        rawsig.verify(signer.key, message, made)
        other = json.loads(
            dsse.encode(Envelope(dsse.IN_TOTO, envelope.payload, (Signature(theirs(public).keyid, made),)))
        )
        assert list(other_dsse.Envelope.from_dict(other).verify([theirs(public)], 1)) == [rawsig.keyid(signer.key)]
        with pytest.raises(TrustError, match="not good for these bytes"):
            rawsig.verify(signer.key, message + b"!", made)
    assert openssl(tmp_path, public, message, made)
    assert not openssl(tmp_path, public, message + b"!", made)


def test_an_approval_with_a_raw_signature_is_read_by_stock_securesystemslib(desk: Desk, tmp_path: Path):
    """It counts as before, and its payload digest, which names it, does not depend on the raw signature."""
    path = desk.approve("ben", "main...topic", "reviewer", "--also-raw")
    assert desk.verify()[0] == 0
    public = Path(desk.key("ben") + ".pub")
    data = json.loads(path.read_bytes())
    envelope = other_dsse.Envelope.from_dict(json.loads(path.read_bytes()))
    assert list(envelope.verify([theirs(public)], 1)) == [data["signatures"][1]["keyid"]]
    message = dsse.pae(dsse.IN_TOTO, base64.b64decode(data["payload"]))
    assert openssl(tmp_path, public, message, base64.b64decode(data["signatures"][1]["sig"]))
    with pytest.raises(VerificationError):
        other_dsse.Envelope.from_dict({**data, "payload": base64.b64encode(b"{}").decode()}).verify([theirs(public)], 1)
    with pytest.raises(VerificationError):
        envelope.verify([theirs(Path(desk.key("cleo") + ".pub"))], 1)


def test_threat_11_30_two_signatures_have_one_shape(desk: Desk):
    """Whatever stands behind the signature must be one good raw signature by the same key."""
    raw = dsse.decode(desk.approve("ben", "main...topic", "reviewer", "--also-raw").read_bytes(), dsse.IN_TOTO)
    git = plumbing.find(desk.folder)
    with tree.reader(git) as reader:
        trusted = trust.load(reader, tree.commit(git, "HEAD"))
    message = dsse.pae(raw.payload_type, raw.payload)
    ssh, second = raw.signatures
    ben, cleo = (keys.signer(desk.key(who), None, lambda words: words) for who in ("ben", "cleo"))
    assert ben.sign_raw is not None
    assert cleo.sign_raw is not None
    others = Signature(rawsig.keyid(cleo.key), cleo.sign_raw(message))
    wrapped = Signature(second.keyid, ssh.sig)
    assert approvals.opened(dsse.encode(raw), trusted) == approvals.Opened(
        raw, raw.digest, approvals.opened(dsse.encode(raw), trusted).approval, (False, False)
    )
    assert approvals.opened(dsse.encode(raw._replace(signatures=(ssh,))), trusted)
    for signatures in [
        (second,),
        (second, ssh),
        (ssh, others),
        (ssh, second, others),
        (ssh, wrapped),
        (ssh, Signature(ben.key.fingerprint + "x", second.sig)),
        (ssh, Signature(second.keyid, others.sig)),
        (ssh, Signature(second.keyid, ben.sign_raw(message + b"!"))),
        (ssh, Signature(second.keyid, b"")),
        (ssh, Signature(second.keyid.upper(), second.sig)),
    ]:
        with pytest.raises((TrustError, DataError)):
            approvals.opened(dsse.encode(raw._replace(signatures=signatures)), trusted)


def test_every_flipped_bit_of_a_raw_signature_is_refused(desk: Desk):
    data = desk.approve("ben", "main...topic", "reviewer", "--also-raw").read_bytes()
    git = plumbing.find(desk.folder)
    with tree.reader(git) as reader:
        trusted = trust.load(reader, tree.commit(git, "HEAD"))
    start = data.rindex(b'{"keyid"')
    for at in range(start, len(data)):
        with pytest.raises((TrustError, DataError)):
            approvals.opened(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :], trusted)


def test_a_key_that_only_ssh_keygen_reaches_makes_no_raw_signature(desk: Desk, ssh_key):
    path = ssh_key("k", "ecdsa")
    code, out, err = desk.labelvc("policy", "add", "ben", "--key", f"{path}.pub", "--sign-with", desk.key("ada"))
    assert code == 0, out + err
    desk.commit("Another key")
    desk.git("checkout", "-q", "main")
    desk.git("merge", "-q", "topic")
    desk.git("checkout", "-q", "-b", "next")
    desk.relabel("fine", "rev-2")
    words = ["approve", "main...next", "--role", "reviewer", "--also-raw", "--yes", "--key"]
    code, _, err = desk.labelvc(*words, str(path))
    assert code == 2
    assert "make raw signatures" in err
    assert "ssh-add FILE" in err
    assert not list(desk.folder.glob("approvals/*"))


def test_a_security_key_makes_no_raw_signature(desk: Desk):
    device = authenticator.make()
    desk.git("checkout", "-q", "main")
    git = plumbing.find(desk.folder)
    with tree.reader(git) as reader:
        before = trust.load(reader, tree.commit(git, "HEAD"))
    edited = governing.added(before.policy, governing.Person("ben", keys=(str(device.key),)))
    ada = keys.signer(desk.key("ada"), None, lambda words: words)
    desk.write(trust.POLICY, governing.signed(before, edited, ada))
    desk.commit("A device")
    change = approve.examine(git, "main...topic")
    said = approve.draft(change, approve.Wish("reviewer"), device.key, datetime.now(UTC), "0" * 32)
    with pytest.raises(TrustError, match="signs its counter as well"):
        sealing.seal(change, said, device.signer(), also_raw=True)
    assert not rawsig.possible(device.key)
    assert rawsig.possible(sshsig.read_public(Path(desk.key("ben") + ".pub").read_text()))
