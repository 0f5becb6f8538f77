"""A thousand changed envelopes and hundreds of changed signatures, no two alike: where another reader says no, so do we, and where we alone do, why.

The changes are those of an attacker who can rewrite every byte and, in some classes, sign anew with a key of their own or
with the very key. The classes in `STRICTER` are the only ones in which we refuse what somebody else accepts.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import re
import shlex
import subprocess
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import asyncssh
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from securesystemslib import dsse as other_dsse
from securesystemslib.exceptions import UnverifiedSignatureError, VerificationError
from securesystemslib.signer import Key

from labelvc.codec import canonical, dsse, sshsig
from labelvc.errors import Error
from labelvc.model.approval import NAMESPACE
from labelvc.model.policy import PublicKey, Trust
from labelvc.ops import approvals, trust
from labelvc.store import git as plumbing
from labelvc.store import keys, tree
from tests.authenticator import armour, strings
from tests.people import Desk
from tests.trusting import desk, desk_template, people_keys

__all__ = ["desk", "desk_template", "people_keys"]
MESSAGE = b"DSSEv1 28 application/vnd.in-toto+json 2 {}"
N256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
KINDS = (
    "ssh-ed25519",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)
STRICTER = {
    "armour": "ssh-keygen ignores how lines are broken and what follows the last one, asyncssh also what stands before: "
    "many files would be one signature",
    "version": "ssh-keygen accepts versions before the first",
    "untouched": "ssh-keygen calls a security key's signature good that nobody touched it for",
    "unsigned": "ssh-keygen and asyncssh do not look at the reserved field, and verify as if it were empty",
    "numbers": "ssh-keygen and asyncssh accept numbers with more leading zeros than the SSH standard has",
    "spelling": "DSSE lets readers ignore unknown and doubled members, spacing and base64 variants: many files would be one",
    "signatures": "a reader that looks for a good signature does not mind what else stands there, nor the order",
    "keyid": "a reader of the first signature does not look at the id beside it",
    "type": "the recipe with ssh-keygen writes the payload type it expects, whatever the file says",
    "statement": "who reads the signature does not read what was signed",
}


class Party(NamedTuple):
    """A private key, and what it composes: any field may be other than it should be, and is signed all the same."""

    kind: str
    private: Any

    @property
    def key(self) -> PublicKey:
        """The public half."""
        public = self.private.public_key()
        if isinstance(public, rsa.RSAPublicKey):
            numbers = public.public_numbers()
            parts = [mpint(numbers.e), mpint(numbers.n)]
        elif isinstance(public, ec.EllipticCurvePublicKey):
            form = serialization.PublicFormat.UncompressedPoint
            parts = [b"nistp256", public.public_bytes(serialization.Encoding.X962, form)]
        else:
            parts = [public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)]
        return PublicKey(self.kind, strings(self.kind.encode(), *parts, *([b"ssh:"] if self.on_device else [])))

    @property
    def on_device(self) -> bool:
        """Whether it is a security key."""
        return self.kind.startswith("sk-")

    def compose(
        self,
        message: bytes = MESSAGE,
        *,
        namespace: bytes = NAMESPACE.encode(),
        reserved: bytes = b"",
        hash_name: bytes = b"sha512",
        digest: str = "",
        flags: int = 5,
        counter: bytes = b"\0\0\0\7",
        algorithm: str = "",
        reshape: Callable[[bytes], bytes] = bytes,
        key: PublicKey | None = None,
    ) -> bytes:
        """Return the blob of a signature."""
        told = hashlib.new(digest or "sha512", message).digest()
        blob = b"SSHSIG" + strings(namespace, reserved, hash_name, told)
        tail = bytes([flags]) + counter if self.on_device else b""
        asserted = hashlib.sha256(b"ssh:").digest() + tail + hashlib.sha256(blob).digest()
        made = reshape(self._sign(asserted if self.on_device else blob))
        algorithm = algorithm or ("rsa-sha2-512" if self.kind == "ssh-rsa" else self.kind)
        inner = strings(algorithm.encode(), made) + tail
        return b"SSHSIG\0\0\0\1" + strings((key or self.key).blob, namespace, reserved, hash_name, inner)

    def _sign(self, data: bytes) -> bytes:
        if isinstance(self.private, rsa.RSAPrivateKey):
            return self.private.sign(data, padding.PKCS1v15(), hashes.SHA512())
        if isinstance(self.private, ec.EllipticCurvePrivateKey):
            return strings(*map(mpint, decode_dss_signature(self.private.sign(data, ec.ECDSA(hashes.SHA256())))))
        return self.private.sign(data)


class Case(NamedTuple):
    """A changed signature over a message, by a party whom the readers know."""

    sort: str
    party: Party
    armoured: bytes
    message: bytes = MESSAGE


def place(chance: random.Random, data: bytes) -> int:
    """Return a place in data; whatever its length, the same places are next."""
    return int(chance.random() * len(data))


def mpint(number: int) -> bytes:
    return number.to_bytes(number.bit_length() // 8 + 1) if number else b""


def numbers(raw: bytes) -> list[int]:
    size = int.from_bytes(raw[:4])
    return [int.from_bytes(raw[4 : 4 + size]), int.from_bytes(raw[8 + size :])]


@pytest.fixture(scope="module")
def parties() -> list[Party]:
    """Return a key of each kind, and a second one of the first."""
    curve = ec.SECP256R1()
    made = {
        "ssh-rsa": lambda: rsa.generate_private_key(65537, 3072),
        "ecdsa-sha2-nistp256": lambda: ec.generate_private_key(curve),
        "sk-ecdsa-sha2-nistp256@openssh.com": lambda: ec.generate_private_key(curve),
    }
    return [Party(kind, made.get(kind, ed25519.Ed25519PrivateKey.generate)()) for kind in (*KINDS, KINDS[0])]


def binary(chance: random.Random, party: Party, other: Party) -> Iterator[tuple[str, bytes]]:
    """Yield changed blobs of a signature, each with its class."""
    good = party.compose()
    at = place(chance, good)
    yield "good", good
    yield "bit", good[:at] + bytes([good[at] ^ 1 << chance.randrange(8)]) + good[at + 1 :]
    yield "byte", good[:at] + bytes([chance.randrange(256)]) + good[at:]
    yield "byte", good[:at] + good[at + 1 :]
    yield "cut", good[:at]
    swapped = good[:at] + good[at : at + 4][::-1] + good[at + 4 :]
    yield "swap" if swapped != good else "good", swapped
    yield "after", good + bytes(chance.randrange(1, 9))
    yield "version", good.replace(b"SSHSIG\0\0\0\1", b"SSHSIG\0\0\0" + bytes([chance.choice((0, 2, 255))]), 1)
    yield (
        "namespace",
        party.compose(namespace=chance.choice((b"", b"git", b"file", NAMESPACE.encode() + b"\0", b"\xff"))),
    )
    reserved = chance.choice((b"\0", b"x", bytes(32)))
    yield "reserved", party.compose(reserved=reserved)
    yield "unsigned", good.replace(bytes(4) + strings(b"sha512"), strings(reserved, b"sha512"), 1)
    yield "sha256", party.compose(hash_name=b"sha256", digest="sha256")
    name, digest = chance.choice((("sha1", "sha1"), ("sha384", "sha384"), ("SHA512", "sha512"), ("sha256", "sha512")))
    yield "hash", party.compose(hash_name=name.encode(), digest=digest)
    yield "stranger", other.compose(key=party.key)
    yield "stranger", other.compose()
    names = {"ssh-rsa", "rsa-sha2-256", "ssh-ed25519", "ssh-dss", "x", *KINDS} - {party.kind}
    yield "algorithm", party.compose(algorithm=chance.choice(sorted(names)))
    yield "key", party.compose(key=PublicKey(party.kind, party.key.blob + b"\0"))
    yield "numbers", party.compose(reshape=lambda raw: reshaped(chance, party, raw))
    yield (
        "tail",
        party.compose(counter=chance.choice((b"", b"\0\0\0", bytes(5))), algorithm="" if party.on_device else "x"),
    )
    if isinstance(party.private, ec.EllipticCurvePrivateKey):  # whoever sees one such signature can make the other
        yield "twin", party.compose(reshape=lambda raw: strings(mpint(numbers(raw)[0]), mpint(N256 - numbers(raw)[1])))
    if party.on_device:
        yield "flags", party.compose(flags=1 | chance.randrange(256), counter=chance.randbytes(4))
        yield "untouched", party.compose(flags=chance.randrange(256) & 0xFE)


def reshaped(chance: random.Random, party: Party, raw: bytes) -> bytes:
    """Return a signature in another spelling, or another signature made from it."""
    if not isinstance(party.private, ec.EllipticCurvePrivateKey):
        return chance.choice((raw + b"\0", b"\0" + raw, raw[:-1], raw.lstrip(b"\0")[1:], bytes(len(raw))))
    first, second = numbers(raw)
    return chance.choice((
        strings(b"\0" + mpint(first), mpint(second)),
        strings(mpint(first), b"\0\0" + mpint(second)),
        strings(mpint(first + N256), mpint(second)),
        strings(mpint(first), b""),
        strings(b"", b""),
        strings(first.to_bytes(32), (second | 1 << 255).to_bytes(32)),
        strings(mpint(first), mpint(second), b""),
    ))  # fmt: skip


def rearmoured(chance: random.Random, good: bytes) -> bytes:
    """Return the same blob, written otherwise."""
    head, *body, tail = good.splitlines()
    text = b"".join(body)
    return chance.choice((
        good + b"and more\n",
        good + good,
        b"\n" + good,
        b"x" + good,
        good[:-1],
        good.replace(b"\n", b"\r\n"),
        b"\n".join([head, text, tail, b""]),
        b"\n".join([head, *[text[at : at + 76] for at in range(0, len(text), 76)], tail, b""]),
        b"\n".join([head, b"", *body, tail, b""]),
        b"\n".join([head, *[b" " + line for line in body], tail, b""]),
        b"\n".join([head, *body[:-1], body[-1] + b"=", tail, b""]),
        b"\n".join([head, *body, b""]),
        b"\n".join([head.lower(), *body, tail, b""]),
        b"\n".join([b"Version: 1", head, *body, tail, b""]),
        b"\n".join([head, b"Comment: x", *body, tail, b""]),
    ))  # fmt: skip


def cases(parties: list[Party], count: int) -> list[Case]:
    """Return that many changed signatures, no two alike, and the good ones met on the way; always the same for the same keys."""
    chance = random.Random(1)
    found: dict[tuple[PublicKey, bytes, bytes], Case] = {}
    *own, stranger = parties
    while sum(each.sort != "good" for each in found.values()) < count:
        for party in own:
            other = chance.choice([each for each in (*own, stranger) if each is not party])
            made = [Case(sort, party, armour(blob)) for sort, blob in binary(chance, party, other)]
            good = armour(party.compose())
            made += [Case("armour", party, rearmoured(chance, good)) for _ in range(5)]
            at = place(chance, MESSAGE)
            made.append(Case("message", party, good, MESSAGE[:at] + chance.randbytes(1) + MESSAGE[at:]))
            for each in made:
                found.setdefault((party.key, each.armoured, each.message), each)
    return list(found.values())


def allowed(party: Party) -> bytes:
    return f'x namespaces="{NAMESPACE}" {party.key}\n'.encode()


def ssh_keygen(folder: Path, asked: list[Case]) -> list[bool]:
    """Return ssh-keygen's verdicts; one shell starts it again and again, and only where something differs."""
    known = {(each.party.key, each.armoured, each.message): at for at, each in enumerate(asked)}
    lines = []
    for (key, armoured, message), at in known.items():
        owner = hashlib.sha256(key.blob).hexdigest()
        (folder / owner).write_bytes(f'x namespaces="{NAMESPACE}" {key}\n'.encode())
        (folder / f"{at}.sig").write_bytes(armoured)
        (folder / f"{at}.txt").write_bytes(message)
        words = ["ssh-keygen", "-Y", "verify", "-f", owner, "-I", "x", "-n", NAMESPACE, "-s", f"{at}.sig"]
        lines.append(f"{shlex.join(words)} < {at}.txt > out 2>&1 && echo {at}\n")
    done = subprocess.run(["sh"], cwd=folder, input="".join(lines), capture_output=True, text=True, check=False)
    good = set(map(int, done.stdout.split()))
    return [known[each.party.key, each.armoured, each.message] in good for each in asked]


def with_asyncssh(case: Case) -> bool:
    try:
        return asyncssh.validate_sshsig(case.message, case.armoured, "x", allowed(case.party))
    except (ValueError, asyncssh.Error, UnicodeError):
        return False


def ours(case: Case) -> bool:
    try:
        sshsig.verify(case.armoured, case.message, NAMESPACE, case.party.key)
    except Error:
        return False
    return True


def compare(rows: Iterator[tuple[str, bool, bool, bool]]) -> dict[str, Counter[str]]:
    """Return, for each class, how often we and the others said what; never are we laxer."""
    told: dict[str, Counter[str]] = defaultdict(Counter)
    for sort, mine, first, second in rows:
        told[sort]["accepted" if mine else "refused"] += 1
        assert not mine or first, f"{sort}: accepted, and ssh-keygen refuses it"
        assert not mine or second, f"{sort}: accepted, and the second reader refuses it"
        if not mine and (first or second):
            told[sort]["stricter"] += 1
            assert sort in STRICTER, f"{sort}: refused, and ssh-keygen {first}, the second reader {second}"
    return told


@pytest.mark.parametrize("count", [500, pytest.param(5_000, marks=pytest.mark.long)])
def test_signatures(parties: list[Party], tmp_path: Path, count: int):
    asked = cases(parties, count)
    told = compare(
        (each.sort, ours(each), first, with_asyncssh(each))
        for each, first in zip(asked, ssh_keygen(tmp_path, asked), strict=True)
    )
    assert {sort for sort, row in told.items() if row["accepted"]} == {"good", "sha256", "flags", "twin"}
    assert not any(told[sort]["refused"] for sort in ("good", "sha256", "flags", "twin"))
    assert {sort for sort, row in told.items() if row["stricter"]} == {
        "armour",
        "version",
        "untouched",
        "unsigned",
        "numbers",
    }


class AsyncKey(Key):
    """An SSH key for securesystemslib, whose signatures asyncssh verifies."""

    @classmethod
    def from_dict(cls, keyid: str, key_dict: dict[str, Any]) -> AsyncKey:
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        return self._to_dict()

    def verify_signature(self, signature: Any, data: bytes) -> None:
        line = f'x namespaces="{NAMESPACE}" {self.keyval["public"]}\n'.encode()
        try:
            good = asyncssh.validate_sshsig(data, bytes.fromhex(signature.signature), "x", line)
        except (ValueError, asyncssh.Error):
            good = False
        if not good:
            raise UnverifiedSignatureError("asyncssh says no")


def files(chance: random.Random, raw: bytes, others: Signers) -> Iterator[tuple[str, bytes]]:
    """Yield changed files of an approval with and without its raw signature, each with its class."""
    value = json.loads(raw)
    first, second = value["signatures"]
    data = written(value, signatures=[first])
    value = json.loads(data)
    payload = base64.b64decode(value["payload"])
    yield "good", chance.choice((data, raw))
    at = place(chance, data)
    for _ in range(4):
        at = place(chance, data)
        yield "spelling", data[:at] + bytes([data[at] ^ 1 << chance.randrange(7)]) + data[at + 1 :]
    yield "cut", data[: min(at, len(data) - 2)]  # without its last byte, the newline, it is whole in another spelling
    yield (
        "spelling",
        chance.choice((data + b"\n", data[:-1], b"\xef\xbb\xbf" + data, data * 2, data.replace(b",", b", "))),
    )
    yield "spelling", json.dumps(value, indent=chance.choice((None, 1, 2))).encode()
    yield "spelling", data.replace(b'{"payload":', b'{"payload":"e30=","payload":', 1)
    yield "spelling", data.replace(b'{"payload":', b'{"extra":1,"payload":', 1)
    yield "spelling", data.replace(b"payload", b"\\u0070ayload", 1)
    yield "spelling", written(value, payload=chance.choice((" ", "\n", "=", "")) + value["payload"] + "\n")
    yield "spelling", written(value, payload=value["payload"].replace("+", "-").replace("/", "_").rstrip("="))
    for _ in range(16):
        yield "spelling", respelt(chance, value)
    yield "type", written(value, payloadType=chance.choice((dsse.TUF, "application/json", dsse.IN_TOTO + " ", "")))
    yield "payload", written(value, payload=base64.b64encode(changed(chance, payload)).decode())
    yield (
        "keyid",
        written(value, signatures=[{**first, "keyid": chance.choice((second["keyid"], "x", "", first["keyid"][:-1]))}]),
    )
    mallory = others.sign("mallory", payload)
    rows: list[list[Any]] = [
        [], [mallory], [{**mallory, "keyid": first["keyid"]}], [first, mallory], [mallory, first], [first, first],
        [second], [second, first], [first, {**second, "sig": first["sig"]}], [first, {**second, "keyid": "x"}],
        [first, second, mallory], [first] * 65, [first, {**second, "sig": "AAAA"}],
    ]  # fmt: skip
    yield "signatures", written(value, signatures=chance.choice(rows))
    told = others.restated(chance, payload)
    yield "statement", written(value, payload=base64.b64encode(told).decode(), signatures=[others.sign("ben", told)])


def respelt(chance: random.Random, value: dict[str, Any]) -> bytes:
    """Return the file of an envelope, written otherwise somewhere: the very payload and signature, as a lenient reader takes it."""
    data = written(value)
    gaps = [found.end() for found in re.finditer(rb'[{}\[\],:](?=["{}\[\]])', data)]
    at = chance.choice(gaps)
    members = [found.start() for found in re.finditer(rb'(?<=[{,])"(?=[A-Za-z]+":)', data)]
    member = chance.choice(members)
    name = data[member + 1 : data.index(b'"', member + 1)]
    other = b'"%b":%b' % (name, chance.choice((b"null", b"0", b'""', b"[]", b'"%d"' % chance.randrange(10**6))))
    extra = b'"%c%d":%d,' % (chance.randrange(97, 123), chance.randrange(10**4), chance.randrange(10**4))
    letter = chance.choice([found.start() for found in re.finditer(rb"(?<=[A-Za-z])[A-Za-z](?=[A-Za-z])", data)])
    escaped = b"\\u%04X" if chance.randrange(2) else b"\\u%04x"
    text = value["payload"]
    cut = chance.randrange(len(text))
    return chance.choice((
        data[:at] + chance.choice((b" ", b"\t", b"\r\n", b"\n ", b" " * chance.randrange(2, 99))) + data[at:],
        data[:member] + other + b"," + data[member:],
        data[:member] + extra + data[member:],
        data[:letter] + escaped % data[letter] + data[letter + 1 :],
        written(value, payload=text[:cut] + chance.choice((" ", "\n", "\r\n", "!", "-", "_", "\t")) + text[cut:]),
        json.dumps(dict(chance.sample(list(value.items()), 3)), indent=chance.choice((None, 1, 4))).encode(),
        written({**value, "payload" + "\u200b" * chance.randrange(1, 9): text}),
    ))  # fmt: skip


def envelopes(raw: bytes, others: Signers, count: int) -> list[tuple[str, bytes]]:
    """Return that many changed files of an approval, no two alike, and the good ones met on the way, each with its class."""
    chance = random.Random(2)
    found: dict[bytes, str] = {}
    while sum(sort != "good" for sort in found.values()) < count:
        for sort, data in files(chance, raw, others):
            found.setdefault(data, sort)
    return [(sort, data) for data, sort in found.items()]


def changed(chance: random.Random, payload: bytes) -> bytes:
    at = place(chance, payload)
    return payload[:at] + bytes([payload[at] ^ 1 << chance.randrange(8)]) + payload[at + 1 :]


def written(value: dict[str, Any], **members: Any) -> bytes:
    return json.dumps({**value, **members}, sort_keys=True, separators=(",", ":")).encode() + b"\n"


class Signers(NamedTuple):
    """People who sign whatever they like with programs of their own."""

    desk: Desk

    def sign(self, who: str, payload: bytes) -> dict[str, str]:
        """Return a signature by somebody over a payload."""
        signer = keys.signer(self.desk.key(who), None, lambda words: words)
        made = signer.sign(dsse.pae(dsse.IN_TOTO, payload), NAMESPACE)
        return {"keyid": signer.key.fingerprint, "sig": base64.b64encode(made).decode()}

    def restated(self, chance: random.Random, payload: bytes) -> bytes:
        """Return a payload that says something else, or the same in another way."""
        value = json.loads(payload)
        predicate = value["predicate"]
        return chance.choice((
            json.dumps(value, indent=1).encode(),
            payload.replace(b'"decision":"approve"', b'"decision":"reject","decision":"approve"'),
            payload.replace(b'"decision"', b'"Decision"'),
            payload.replace(b'"decision"', b'"\\u0064ecision"'),
            payload.replace(b"/Statement/v1", b"/Statement/v0.1"),
            payload.replace(b"urn:labelvc:approval:1", b"urn:labelvc:approval:2"),
            payload.replace(b'"subject"', b'"subjects"'),
            payload.replace(b'"sha256"', b'"sha1"', 1),
            payload + b" ",
            canonical.encode({**value, "predicate": {**predicate, "extra": 1}}),
            canonical.encode({**value, "subject": value["subject"] * 2}),
            canonical.encode({**value, "predicate": {**predicate, "signer": {"principal": "cleo", "printedName": "Cleo Checker"}}}),
            canonical.encode({**value, "predicate": {**predicate, "role": 7}}),
        ))  # fmt: skip


def stock(data: bytes) -> tuple[bytes, list[bytes]]:
    """Return what the recipe of the page on approvals reads with jq and base64: the PAE and the signatures, with any JSON."""
    try:
        value = json.loads(data)
        payload = base64.b64decode(value["payload"])
        signatures = [base64.b64decode(each["sig"]) for each in value["signatures"]]
    except (ValueError, KeyError, TypeError):
        return b"", []
    return b"DSSEv1 28 application/vnd.in-toto+json %d %b" % (len(payload), payload), signatures


def with_securesystemslib(data: bytes, key: PublicKey) -> bool:
    known = AsyncKey(key.fingerprint, "ssh", f"sshsig:{NAMESPACE}", {"public": str(key)})
    try:
        return bool(other_dsse.Envelope.from_dict(json.loads(data)).verify([known], 1))
    except (ValueError, KeyError, TypeError, AttributeError, VerificationError):
        return False


@pytest.mark.parametrize("count", [1_000, pytest.param(5_000, marks=pytest.mark.long)])
def test_envelopes(desk: Desk, tmp_path: Path, count: int):
    raw = desk.approve("ben", "main...topic", "reviewer", "--also-raw").read_bytes()
    git = plumbing.find(desk.folder)
    with tree.reader(git) as reader:
        trusted = trust.load(reader, tree.commit(git, "HEAD"))
    asked = envelopes(raw, Signers(desk), count)
    ben = Party("ssh-ed25519", serialization.load_ssh_private_key(Path(desk.key("ben")).read_bytes(), None))
    read = [
        (at, message, each) for at, (_, file) in enumerate(asked) for message, found in [stock(file)] for each in found
    ]
    verdicts = ssh_keygen(tmp_path, [Case("", ben, each, message) for _, message, each in read])
    good = {at for (at, _, _), verdict in zip(read, verdicts, strict=True) if verdict}
    told = compare(
        (sort, opened(file, trusted), at in good, with_securesystemslib(file, ben.key))
        for at, (sort, file) in enumerate(asked)
    )
    assert {sort for sort, row in told.items() if row["accepted"]} == {"good"}
    assert not told["good"]["refused"]
    assert {sort for sort, row in told.items() if row["stricter"]} == {
        "spelling",
        "signatures",
        "keyid",
        "type",
        "statement",
    }


def opened(data: bytes, trusted: Trust) -> bool:
    try:
        approvals.opened(data, trusted)
    except Error:
        return False
    return True
