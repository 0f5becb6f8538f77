"""Inclusion: one line proved to be in a release, by a few hashes and nothing else of the data."""

from __future__ import annotations

import re
from typing import NamedTuple

import msgspec

from labelvc.codec import canonical, dsse, merkle, shard, sshsig, statement
from labelvc.core.release import leaf
from labelvc.errors import DataError, TrustError
from labelvc.model.names import Digest, Key
from labelvc.model.release import NAMESPACE, Release

SCHEMA = "urn:labelvc:schema:inclusion:1"
_LIMIT = 32 << 20
_HASH = re.compile(r"[0-9a-f]{64}")  # of a longer salt the line could be an end of the real one


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What all parts of a proof share."""


class Step(_Part, frozen=True):
    """One tree on the way up.

    Attributes:
        size: number of its leaves.
        index: which leaf, from 0.
        path: hashes beside the way, nearest first, in hexadecimal; RFC 6962 section 2.1.1.
    """

    size: int
    index: int
    path: tuple[str, ...]


class Proof(_Part, frozen=True, kw_only=True):
    """That a line is in a release.

    Attributes:
        schema: `SCHEMA`.
        key: of the record or item.
        line: the line as it is stored, without its line end.
        file: the shard it lies in.
        lines: from the line to its shard's root.
        shards: from the shard to the root of the dataset.
        manifest: the release's file.
        salt: 64 hexadecimal digits before the line in its leaf; empty where the tree is the plain one.
    """

    schema: str
    key: str
    line: str
    file: str
    lines: Step
    shards: Step
    manifest: str
    salt: str = ""


class Proved(NamedTuple):
    """What a proof shows, and who says so.

    Attributes:
        key: of the line.
        release: what the manifest says.
        digest: payload digest of the manifest: compare it with the one that the project publishes.
        fingerprints: the keys that signed it; whose they are, only a policy tells.
        salted: whether the salted root was the one.
    """

    key: Key
    release: Release
    digest: Digest
    fingerprints: tuple[str, ...]
    salted: bool


def encode(proof: Proof) -> bytes:
    """Return the file of a proof: canonical JSON and `\\n`."""
    return canonical.encode(msgspec.to_builtins(proof)) + b"\n"


def decode(data: bytes) -> Proof:
    """Read the file of a proof; nothing is proved yet.

    Raises:
        DataError: it is no proof.
    """
    if len(data) > _LIMIT:
        raise DataError(f"a proof of {len(data)} bytes is larger than {_LIMIT}")
    try:
        proof = msgspec.convert(canonical.decode(data), Proof)
    except msgspec.ValidationError as error:
        raise DataError(f"this is no proof of inclusion: {error}") from None
    if proof.schema != SCHEMA:
        raise DataError(f"this is no {SCHEMA}")
    return proof


def check(proof: Proof) -> Proved:
    """Follow a proof from its line to the root that the manifest in it names.

    Args:
        proof: the proof.

    Returns:
        What it shows.

    Raises:
        DataError: the manifest in it is none.
        TrustError: it does not show what it says, or a signature of the manifest is not good.
    """
    envelope = dsse.decode(proof.manifest.encode(), dsse.IN_TOTO)
    release = statement.decode_release(envelope.payload)
    message = dsse.pae(envelope.payload_type, envelope.payload)
    for each in envelope.signatures:
        signer = sshsig.parse(each.sig).key
        if signer.fingerprint != each.keyid:
            raise TrustError("a signature of the manifest is by another key than it names")
        sshsig.verify(each.sig, message, NAMESPACE, signer)
    key, line, place = Key.parse(proof.key), proof.line.encode(), shard.parse_path(proof.file)
    if place is None or place[0] != key.dataset or shard.key_of(line, *place[:2]) != key:
        raise TrustError("the line is not that of the key, or its file is none of the dataset's")
    data = next((one for one in release.datasets if one.name == key.dataset), None)
    root = (data.salted.root if data.salted else "") if data and proof.salt else data.root if data else ""
    size = data.shards if data else -1
    above = _root(merkle.leaf((_bytes(proof.salt) if proof.salt else b"") + line), proof.lines)
    if not root or proof.shards.size != size or not _holds(proof, above, root):
        raise TrustError(f"the proof does not lead to the root that release {release.version} has for {key.dataset}")
    fingerprints = tuple(each.keyid for each in envelope.signatures)
    return Proved(key, release, envelope.digest, fingerprints, bool(proof.salt))


def _holds(proof: Proof, above: bytes, root: str) -> bool:
    node = merkle.leaf(leaf(proof.file, proof.lines.size, above))
    path = [_bytes(each) for each in proof.shards.path]
    return bool(above) and merkle.proves(node, proof.shards.index, proof.shards.size, path, _bytes(root))


def _root(node: bytes, step: Step) -> bytes:
    """Return the root that a path leads to; empty when the path has not the length that size and place ask for."""
    return merkle.climb(node, step.index, step.size, [_bytes(each) for each in step.path]) or b""


def _bytes(text: str) -> bytes:
    if not _HASH.fullmatch(text):
        raise DataError("a hash in the proof is not 64 hexadecimal digits")
    return bytes.fromhex(text)
