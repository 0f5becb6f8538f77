"""Prove: that one line is in a release, without the rest of the data."""

from __future__ import annotations

import re
from collections.abc import Mapping

from labelvc.codec import merkle, shard
from labelvc.core import diff, inclusion
from labelvc.core import release as rules
from labelvc.core.inclusion import Proof, Step
from labelvc.core.release import Salt
from labelvc.errors import DataError, RefusedError, TrustError
from labelvc.model.names import Key
from labelvc.model.release import Release, Version
from labelvc.model.secret import Secret
from labelvc.model.snapshot import Snapshot
from labelvc.ops import manifest as manifests
from labelvc.ops import project as projects
from labelvc.ops import release as releasing
from labelvc.ops import veil
from labelvc.ops.state import Scale, shards_of
from labelvc.store import git as plumbing
from labelvc.store import tree
from labelvc.store.cache import Cache
from labelvc.store.git import Git
from labelvc.store.reader import Reader


def prove(git: Git, key: Key, wanted: Version | None = None, *, plain: bool = False) -> Proof:
    """Return the proof that a line is in a release.

    Args:
        git: the repository.
        key: of the record or item.
        wanted: the release; None: the last.
        plain: prove it in the plain tree, though the release has a salted one.

    Returns:
        The proof, checked.

    Raises:
        DataError: no such release, or the record is not in it, or the release is not what its commit holds.
        TrustError: the release has a salted tree and the secret is not on this machine.
        RefusedError: the line shows a plain value where a pseudonym must be.
    """
    made = manifests.find(git, plumbing.resolve(git, "HEAD"), wanted)
    snapshot = tree.commit(git, made.commit)
    with tree.reader(git) as reader, Cache(git) as cache:
        manifest = reader.read(made.path, snapshot.entries[made.path])
        release = manifests.opened(manifest, made.path)[1]
        data = next((one for one in release.datasets if one.name == key.dataset), None)
        file, lines, line = _line(git, reader, snapshot, key)
        if data is None or line is None:
            raise DataError(f"{key} is not in release {made.version}", hint=f"labelvc trace '{key}'")
        fields = diff.decoded(line)
        if veil.over(git, snapshot).over(key, fields) is not fields:
            raise RefusedError(
                "the line holds a plain value where a pseudonym must be", where=str(key), hint="labelvc check"
            )
        secret = None if plain or data.salted is None else _secret(git, reader, snapshot, data.salted.epoch, release)
        shards = Scale(reader, cache, secret, release.repository).shards(key.dataset, shards_of(snapshot)[key.dataset])
    salt = Salt(secret, release.repository, key.dataset) if secret else None
    shard_leaves = rules.leaves(shards, salted=salt is not None)
    own = next(one for one in shards if one.path == file)
    place = shard_leaves.index(rules.leaf(own.path, own.size, own.salted if salt else own.root))
    proof = Proof(
        schema=inclusion.SCHEMA,
        key=str(key),
        line=line.decode(),
        file=file,
        lines=_step([salt.over(raw) for raw in lines] if salt else lines, lines.index(line)),
        shards=_step(shard_leaves, place),
        manifest=manifest.decode(),
        salt=salt.of(line).hex() if salt else "",
    )
    inclusion.check(proof)
    return proof


def _step(leaves: list[bytes], index: int) -> Step:
    return Step(len(leaves), index, tuple(node.hex() for node in merkle.prove(leaves, index)))


def _line(git: Git, reader: Reader, snapshot: Snapshot, key: Key) -> tuple[str, list[bytes], bytes | None]:
    """Return the shard that holds a key, its lines, and the key's own; the shard where it belongs is looked at first."""
    path = f"datasets/{key.dataset}/dataset.yaml"
    documents = [("dataset", reader.read(path, entry))] if (entry := snapshot.entries.get(path)) else []
    group = next((said.get("group") for said in projects.values(git, documents) if isinstance(said, Mapping)), None)
    named = shard.group_of(key.item, re.compile(group) if group else None)
    layer = diff.layer_of(key)
    layer, shards = diff.layer_of(key), shards_of(snapshot).get(key.dataset, [])
    places = [(place, row) for row in shards if (place := shard.parse_path(row[0])) and place[1] == layer]
    for _, (path, held) in sorted(places, key=lambda one: one[0][2] != shard.place(named, len(one[0][2]))):
        data = reader.read(path, held)
        if line := shard.find(data, key):
            return path, shard.lines(data), line
    return "", [], None


def _secret(git: Git, reader: Reader, snapshot: Snapshot, epoch: str, release: Release) -> Secret:
    secret = releasing.secret_of(git, reader, snapshot, epoch)
    if secret is None:
        message = f"release {release.version} is salted with the secret of epoch {epoch}, which is not on this machine"
        raise TrustError(message, hint="run it where that secret is, or --plain for a reader who may guess at labels")
    return secret
