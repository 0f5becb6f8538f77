"""Keys with dates: whatever form an expired key comes in, it is refused with the reason, and no date decides whether a key counts."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from labelvc.codec import sshsig, statement
from labelvc.errors import DataError, TrustError
from labelvc.model.approval import NAMESPACE
from tests import people
from tests.people import Desk
from tests.trusting import desk, desk_template, people_keys

__all__ = ["desk", "desk_template", "people_keys"]
AWAY = "for nothing: a key counts from the commit that brings it to the one that takes it out"


@pytest.fixture
def dated(tmp_path: Path, people_keys: Path) -> dict[str, tuple[Path, str]]:
    """Return Ben's second key in each form in which a key can have a date or an authority, and what is said of it."""
    for name in ("ben2", "ben2.pub", "mallory", "mallory.pub"):
        shutil.copy(people_keys / name, tmp_path / name)
    words = ("ssh-keygen", "-q", "-s", "mallory", "-I", "ben", "-n", "ben", "-V", "20240101:20250101", "ben2.pub")
    subprocess.run(words, cwd=tmp_path, check=True)
    line = " ".join((tmp_path / "ben2.pub").read_text().split()[:2])
    forms = {
        "allowed_signers": f'ben valid-before="20250101Z",namespaces="git" {line} ben@example.com',
        "allowed_signers that holds": f'ben valid-after="20250101" {line}',
        "allowed_signers without dates": f"ben@example.com {line}",
        "authorized_keys": f'expiry-time="20250101",no-pty {line}',
        "an authority": f"cert-authority {line}",
        "known_hosts": f"@revoked * {line}",
    }
    found = {
        "a certificate": (
            tmp_path / "ben2-cert.pub",
            "a certificate, good until a date and on the word of an authority",
        )
    }
    for number, (name, text) in enumerate(forms.items()):
        place = tmp_path / f"{number}.pub"
        place.write_text(f"{text}\n")
        what = "dates" if "valid" in text or "expiry" in text else "a name or options"
        found[name] = (place, f"a key with {what} before it, which would count {AWAY}")
    return found


def test_threat_17_an_expired_key_is_not_enrolled_in_any_form(desk: Desk, dated: dict[str, tuple[Path, str]]):
    trusted = people.in_force(desk).policy
    before = desk.git("status", "--porcelain")
    for form, (file, why) in dated.items():
        ways = (
            ("policy", "add", "ben", "--key", str(file), "--sign-with", desk.key("ada")),
            ("policy", "remove", "ben", "--key", str(file), "--sign-with", desk.key("ada")),
            ("trust", "rotate", "--add", f"ben={file}", "--key", desk.key("ada")),
            ("key", "use", str(file)),
            ("approve", "main...topic", "--role", "reviewer", "--key", str(file)),
        )
        for words in ways if form in ("a certificate", "allowed_signers") else ways[:1]:
            code, out, err = desk.labelvc(*words)
            assert (code, out) == (2, ""), (form, words)
            assert why in err, (form, words)
        line = file.read_text().strip()
        forged = replace(
            trusted, principals={**trusted.principals, "ben": replace(trusted.principals["ben"], keys=(line,))}
        )
        with pytest.raises(DataError, match="a key of ben cannot be used"):
            statement.decode_policy(
                statement.encode_policy(
                    replace(forged, roles={name: one for name, one in trusted.roles.items() if name != "root"})
                )
            )
    assert desk.git("status", "--porcelain") == before


def test_threat_17_the_cure_is_typed_as_it_is_told(desk: Desk, dated: dict[str, tuple[Path, str]]):
    file, _ = dated["allowed_signers"]
    err = desk.labelvc("policy", "add", "ben", "--key", str(file), "--sign-with", desk.key("ada"))[2]
    command = err.partition("if the key still holds: ")[2].partition(", and pass")[0]
    subprocess.run(["sh", "-c", command], cwd=desk.folder, check=True)
    words = ("policy", "add", "ben", "--key", str(desk.folder / "KEY.pub"), "--sign-with", desk.key("ada"))
    assert desk.labelvc(*words)[0] == 0


def test_threat_17_a_certificate_signs_nothing(
    dated: dict[str, tuple[Path, str]], tmp_path: Path, agent: Callable[..., str]
):
    """ssh-keygen signs with a certificate that an agent holds, and names it in the signature instead of the key."""
    file, why = dated["a certificate"]
    around = {**os.environ, "SSH_AUTH_SOCK": agent(str(tmp_path / "ben2"))}
    words = ["ssh-keygen", "-q", "-Y", "sign", "-n", NAMESPACE, "-f", str(file)]
    made = subprocess.run(words, input=b"message", env=around, capture_output=True, check=True).stdout
    key = sshsig.read_public((tmp_path / "ben2.pub").read_text())
    with pytest.raises(TrustError, match=r"unsupported key type 'ssh-ed25519-cert-v01@openssh\.com'") as told:
        sshsig.verify(made, b"message", NAMESPACE, key)
    assert why in told.value.message
    assert "FILE.pub and not FILE-cert.pub" in told.value.hint


def test_threat_17_the_keys_that_are_exported_have_no_dates(desk: Desk):
    code, out, _ = desk.labelvc("key", "list", "--format", "allowed-signers")
    assert code == 0
    assert out.count("namespaces=") == len(out.splitlines()) > 2
    assert "valid-" not in out
