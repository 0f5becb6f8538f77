"""Other people's programs come to the same verdict on our files: ssh-keygen, securesystemslib, python-tuf."""

from __future__ import annotations

import base64
import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st
from in_toto_attestation.v1.statement import Statement as InTotoStatement
from securesystemslib import dsse as other_dsse
from securesystemslib.exceptions import UnverifiedSignatureError, VerificationError
from securesystemslib.signer import KEY_FOR_TYPE_AND_SCHEME, Key, SSlibKey
from tuf.api.dsse import SimpleEnvelope
from tuf.api.exceptions import RepositoryError, UnsignedMetadataError
from tuf.api.metadata import Root as OtherRoot
from tuf.ngclient._internal.trusted_metadata_set import TrustedMetadataSet
from tuf.ngclient.config import EnvelopeType

from labelvc.codec import canonical, dsse, merkle, rootfile, sshsig, statement
from labelvc.errors import Error
from labelvc.model.approval import NAMESPACE, TRUST_NAMESPACE, Envelope, Signature
from labelvc.model.names import Digest
from labelvc.model.policy import Root, RootKey
from labelvc.ops import approvals, seals, trust
from labelvc.store import git as plumbing
from labelvc.store import keys, tree
from tests.cli.test_release import released
from tests.cli.test_witness import witnessed
from tests.people import PROJECT, Desk
from tests.trusting import desk, desk_template, people_keys

__all__ = ["desk", "desk_template", "people_keys"]


class SshKey(Key):
    """An SSH key for securesystemslib and python-tuf, whose signatures ssh-keygen verifies."""

    @classmethod
    def from_dict(cls, keyid: str, key_dict: dict[str, Any]) -> SshKey:
        return cls(keyid, key_dict.pop("keytype"), key_dict.pop("scheme"), key_dict.pop("keyval"), key_dict)

    def to_dict(self) -> dict[str, Any]:
        return self._to_dict()

    def verify_signature(self, signature, data: bytes) -> None:
        namespace = self.scheme.removeprefix("sshsig:")
        if not ssh_keygen(self.keyval["public"], bytes.fromhex(signature.signature), data, namespace):
            raise UnverifiedSignatureError("ssh-keygen says no")


KEY_FOR_TYPE_AND_SCHEME[("ssh", f"sshsig:{TRUST_NAMESPACE}")] = SshKey
KEY_FOR_TYPE_AND_SCHEME[("ssh", f"sshsig:{NAMESPACE}")] = SshKey


def ssh_keygen(public: str, armoured: bytes, message: bytes, namespace: str) -> bool:
    folder = Path(subprocess.run(["mktemp", "-d"], capture_output=True, text=True, check=True).stdout.strip())
    (folder / "allowed").write_text(f'x namespaces="{namespace}" {public}\n')
    (folder / "sig").write_bytes(armoured)
    words = ["ssh-keygen", "-Y", "verify", "-f", "allowed", "-I", "x", "-n", namespace, "-s", "sig"]
    return subprocess.run(words, cwd=folder, input=message, capture_output=True, check=False).returncode == 0


def signer(desk: Desk, who: str) -> keys.Signer:
    return keys.signer(desk.key(who), None, lambda words: words)


def test_ssh_keygen_accepts_the_approval_over_a_pae_made_by_printf(desk: Desk, tmp_path: Path):
    """The PAE is rebuilt with base64 and printf alone, so nothing of labelvc is believed."""
    path = desk.approve("ben")
    _, out, _ = desk.labelvc("key", "list", "--format", "allowed-signers")
    (tmp_path / "allowed").write_text(out)
    script = r"""
      set -eu
      body="$(jq -r .payload "$1" | base64 -d | wc -c)"
      jq -r .payload "$1" | base64 -d > body
      printf 'DSSEv1 28 application/vnd.in-toto+json %s ' "$body" > pae
      cat body >> pae
      jq -r '.signatures[0].sig' "$1" | base64 -d > sig
      ssh-keygen -Y verify -f allowed -I ben -n approval@labelvc.v1 -s sig < pae
      ! ssh-keygen -Y verify -f allowed -I cleo -n approval@labelvc.v1 -s sig < pae
      ! ssh-keygen -Y verify -f allowed -I ben -n git -s sig < pae
      printf x >> pae
      ! ssh-keygen -Y verify -f allowed -I ben -n approval@labelvc.v1 -s sig < pae
    """
    done = subprocess.run(
        ["sh", "-c", script, "sh", str(path)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'Good "approval@labelvc.v1" signature for ben' in done.stdout


@pytest.mark.parametrize("field", [None, "decision", "role", "principal", "sha256", "nonce", "repository"])
def test_securesystemslib_agrees_on_the_envelope(desk: Desk, field: str | None):
    from tests.people import flipped

    data = json.loads(desk.approve("ben").read_bytes())
    if field is not None:
        payload = flipped(base64.b64decode(data["payload"]), field)
        data["payload"] = base64.b64encode(payload).decode()
    public = str(signer(desk, "ben").key)
    key = SshKey(signer(desk, "ben").key.fingerprint, "ssh", f"sshsig:{NAMESPACE}", {"public": public})
    envelope = other_dsse.Envelope.from_dict(json.loads(json.dumps(data)))
    assert envelope.pae() == dsse.pae(data["payloadType"], base64.b64decode(data["payload"]))
    if field is None:
        assert list(envelope.verify([key], 1)) == [key.keyid]
    else:
        with pytest.raises(VerificationError):
            envelope.verify([key], 1)


def test_securesystemslib_s_own_envelopes_have_our_pae():
    private = __import__("securesystemslib.signer", fromlist=["CryptoSigner"]).CryptoSigner.generate_ed25519()
    envelope = other_dsse.Envelope(b"\xffbody", "text/ünï", {})
    envelope.sign(private)
    assert isinstance(private.public_key, SSlibKey)
    assert envelope.pae() == dsse.pae("text/ünï", b"\xffbody")


def chain_root(desk: Desk, version: int, owners: str, threshold: int) -> Root:
    """Return a root owned by people given by their initials."""
    names = [{"a": "ada", "b": "ben", "c": "cleo", "m": "mallory"}[letter] for letter in owners]
    table = {signer(desk, who).key.fingerprint: RootKey(str(signer(desk, who).key), who) for who in names}
    role = (tuple(table), threshold)
    return Root(version, PROJECT, table, role, role, Digest(""))


def sealed(desk: Desk, root: Root, by: str) -> bytes:
    payload = rootfile.encode(root, "2036-01-01T00:00:00Z")
    names = [{"a": "ada", "b": "ben", "c": "cleo", "m": "mallory"}[letter] for letter in by]
    signatures: tuple[Signature, ...] = tuple(
        trust.seal(dsse.TUF, payload, signer(desk, who)).signatures[0] for who in names
    )
    return dsse.encode(Envelope(dsse.TUF, payload, signatures))


CHAINS = [
    ([("a", 1, "a")], True),
    ([("a", 1, "b")], False),
    ([("ab", 2, "ab")], True),
    ([("ab", 2, "a")], False),
    ([("a", 1, "a"), ("abc", 2, "ab")], True),
    ([("a", 1, "a"), ("abc", 2, "bc")], False),
    ([("a", 1, "a"), ("abc", 2, "am")], False),
    ([("abc", 2, "ab"), ("bc", 2, "bc")], True),
    ([("abc", 2, "ab"), ("bcm", 2, "bm")], False),
    ([("abc", 2, "ab"), ("abc", 2, "ac"), ("c", 1, "bc")], True),
    ([("abc", 2, "ab"), ("abc", 2, "ac"), ("c", 1, "c")], False),
    ([("abc", 1, "c"), ("m", 1, "m")], False),
    ([("abc", 1, "c"), ("m", 1, "mb")], True),
]


@pytest.mark.parametrize(("chain", "good"), CHAINS)
def test_python_tuf_agrees_on_chains_of_roots(desk: Desk, chain: list[tuple[str, int, str]], good: bool):
    files = [
        sealed(desk, chain_root(desk, at, owners, threshold), by) for at, (owners, threshold, by) in enumerate(chain, 1)
    ]
    assert ours(files) is good
    assert theirs(files) is good


def ours(files: list[bytes]) -> bool:
    roots: list[Root] = []
    try:
        for data in files:
            root, seal = trust.read_root(data, roots[-1] if roots else None, "trust/root")
            seals.enforce(seal)
            roots.append(root)
    except Error:
        return False
    return True


def theirs(files: list[bytes]) -> bool:
    """Walk the chain as the TUF client does: each root signed as the one before and as itself demands."""
    before: OtherRoot | None = None
    for data in files:
        envelope = SimpleEnvelope[OtherRoot].from_bytes(data)
        root = envelope.get_signed()
        assert root.expires > datetime(2026, 1, 1, tzinfo=UTC)
        try:
            for judge in (before or root, root):
                judge.verify_delegate("root", envelope.pae(), envelope.signatures)
        except UnsignedMetadataError:
            return False
        before = root
    return True


def client(files: list[bytes]) -> bool:
    """Update along the chain as the client of python-tuf does, from the first root it was given."""
    try:
        known = TrustedMetadataSet(files[0], EnvelopeType.SIMPLE)
        for data in files[1:]:
            known.update_root(data)
    except RepositoryError:
        return False
    return True


@st.composite
def links(draw: st.DrawFn) -> list[tuple[int, str, int, str]]:
    """Draw versions, owners, thresholds and signers of a chain; most versions follow, some skip or go back."""
    made = []
    for at in range(1, draw(st.integers(1, 3)) + 1):
        owners = "".join(sorted(draw(st.sets(st.sampled_from("abcm"), min_size=1, max_size=3))))
        threshold = draw(st.integers(1, len(owners)))
        signers = "".join(sorted(draw(st.sets(st.sampled_from("abcm"), min_size=1))))
        version = at if at == 1 else max(1, at + draw(st.sampled_from([0, 0, 0, 0, 1, -1])))
        made.append((version, owners, threshold, signers))
    return made


@settings(max_examples=30, deadline=None, derandomize=True)
@given(links())
def test_the_client_of_python_tuf_agrees_on_generated_chains(people_keys: Path, chain: list[tuple[int, str, int, str]]):
    desk = Desk(people_keys, people_keys, print)  # type: ignore[arg-type]
    files = [sealed(desk, chain_root(desk, version, owners, threshold), by) for version, owners, threshold, by in chain]
    assert ours(files) is client(files)


def test_the_client_of_python_tuf_follows_the_roots_that_commands_made(desk: Desk):
    """From 1 of 1 to 2 of 3 to another owner: the client accepts the finished chain, and no draft of it."""
    places = [desk.folder / f"trust/root/{number}.json" for number in (1, 2, 3)]
    add = [word for who in ("ben", "cleo") for word in ("--add", f"{who}={desk.key(who)}.pub")]
    assert desk.labelvc("trust", "rotate", *add, "--threshold", "2", "--key", desk.key("ada"))[0] == 0
    assert not client([place.read_bytes() for place in places[:2]])
    assert desk.labelvc("trust", "sign", "--key", desk.key("cleo"))[0] == 0
    assert client([place.read_bytes() for place in places[:2]])
    assert desk.labelvc("trust", "rotate", "--remove", "ada", "--key", desk.key("ben"))[0] == 0
    assert not client([place.read_bytes() for place in places])
    assert desk.labelvc("trust", "sign", "--key", desk.key("cleo"))[0] == 0
    assert client([place.read_bytes() for place in places])
    assert not client([places[0].read_bytes(), places[2].read_bytes()]), "a version is skipped"
    assert not client([place.read_bytes() for place in (*places, places[1])]), "a version comes back"


def test_python_tuf_verifies_the_policy_of_a_fresh_project(desk: Desk):
    root = SimpleEnvelope[OtherRoot].from_bytes((desk.folder / trust.FIRST_ROOT).read_bytes()).get_signed()
    envelope = other_dsse.Envelope.from_dict(json.loads((desk.folder / trust.POLICY).read_bytes()))
    root.verify_delegate("targets", envelope.pae(), envelope.signatures)
    envelope.payload += b" "
    with pytest.raises(UnsignedMetadataError):
        root.verify_delegate("targets", envelope.pae(), envelope.signatures)


@pytest.mark.parametrize("which", ["approval", "policy", "release", "witness"])
def test_in_toto_reads_the_statements(desk: Desk, which: str):
    """in-toto's own parser and validator, which refuses doubled members, find what we wrote."""
    path = desk.approve("ben") if which == "approval" else desk.folder / trust.POLICY
    if which in ("release", "witness"):
        desk.git("checkout", "-q", "main")
        released(desk, "1.0.0")
        path = desk.folder / (witnessed(desk) if which == "witness" else "releases/1.0.0.json")
    payload = dsse.decode(path.read_bytes(), dsse.IN_TOTO).payload
    found = json_format.Parse(payload, InTotoStatement([], "", {}).pb)
    InTotoStatement.copy_from_pb(found).validate()
    assert found.type == statement.TYPE
    assert found.predicate_type == f"urn:labelvc:{which}:1"
    (subject,) = found.subject
    assert list(subject.digest) == ["sha256"]
    told = json_format.MessageToDict(found.predicate)
    if which == "policy":
        assert subject.digest["sha256"] == canonical.digest(canonical.encode(decoded(payload))).removeprefix("sha256:")
        assert set(told["principals"]) == {"ada", "ben", "cleo"}
    elif which == "release":
        assert (subject.name, told["version"]) == ("labelvc:state", "1.0.0")
        assert f"sha256:{subject.digest['sha256']}" in desk.labelvc("release", "show")[1]
    elif which == "witness":
        released_as = dsse.decode((desk.folder / "releases/1.0.0.json").read_bytes(), dsse.IN_TOTO).digest
        assert (f"sha256:{subject.digest['sha256']}", told["signer"]["principal"]) == (released_as, "ben")
    else:
        assert subject.digest["sha256"] == path.parent.name
        assert told["signer"] == {"principal": "ben", "printedName": "Ben Builder"}
    doubled = payload.replace(b'"predicateType"', b'"_type":"x","predicateType"', 1)
    with pytest.raises(json_format.ParseError):
        json_format.Parse(doubled, InTotoStatement([], "", {}).pb)


def decoded(payload: bytes) -> Any:
    return json.loads(payload)["predicate"]


def test_asyncssh_reads_our_signatures_and_we_read_its_own(desk: Desk):
    ben = signer(desk, "ben")
    message = dsse.pae(dsse.IN_TOTO, b"{}")
    lines = desk.labelvc("key", "list", "--format", "allowed-signers")[1].encode()
    made = ben.sign(message, NAMESPACE)
    assert asyncssh.validate_sshsig(message, made, "ben", lines)
    assert not asyncssh.validate_sshsig(message, made, "cleo", lines)
    assert not asyncssh.validate_sshsig(message, ben.sign(message, "git"), "ben", lines)
    theirs = asyncssh.create_sshsig(desk.key("ben"), message, namespace=NAMESPACE)
    assert sshsig.verify(theirs, message, NAMESPACE, ben.key) == (False, False)


def test_a_change_set_s_root_is_computed_with_sha256sum_alone(desk: Desk, tmp_path: Path):
    """RFC 6962 by shell: printf, xxd's inverse through printf, and sha256sum."""
    desk.relabel("fine", "rev-2")
    desk.relabel("dull", "rev-3")
    path = desk.approve("ben").with_name("changeset.jsonl")
    lines = path.read_bytes().splitlines()
    assert len(lines) == 3
    script = r"""
      set -eu
      n=0
      while IFS= read -r line; do
        n=$((n + 1))
        { printf '\000'; printf %s "$line"; } | openssl dgst -sha256 -binary > "leaf$n"
      done < "$1"
      { printf '\001'; cat leaf1 leaf2; } | openssl dgst -sha256 -binary > node
      { printf '\001'; cat node leaf3; } | sha256sum | cut -d ' ' -f 1
    """
    done = subprocess.run(
        ["sh", "-c", script, "sh", str(path)], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == path.parent.name == merkle.root(lines).hex()


def test_the_shelf_and_ssh_keygen_read_the_same_statement(desk: Desk):
    path = desk.approve("ben")
    git = plumbing.find(desk.folder)
    with tree.reader(git) as reader:
        snapshot = tree.commit(git, "HEAD")
        trusted = trust.load(reader, tree.commit(git, "main"))
        ((root, files),) = approvals.folders(snapshot).items()
        (found,) = approvals.Shelf(reader).statements(root, files, trusted)
    assert isinstance(found, approvals.Statement)
    assert found.path == path.relative_to(desk.folder).as_posix()
    assert found.digest == canonical.digest(base64.b64decode(json.loads(path.read_bytes())["payload"]))
