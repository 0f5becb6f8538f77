"""Trees and proofs of RFC 6962 as pymerkle, which knows nothing of labelvc, works them out."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pymerkle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelvc.codec import merkle
from tests.cli.test_release import main, people, released, salted
from tests.people import Desk
from tests.trusting import desk, desk_template, people_keys

__all__ = ["desk", "desk_template", "main", "people", "people_keys"]
LEAVES = st.lists(st.binary(max_size=40), min_size=1, max_size=70)


def tree(leaves: list[bytes]) -> pymerkle.InmemoryTree:
    made = pymerkle.InmemoryTree(algorithm="sha256")
    made.append_entries(leaves)
    return made


@settings(max_examples=60)
@given(LEAVES, st.data())
def test_pymerkle_finds_the_same_roots_and_proofs(leaves: list[bytes], data: st.DataObject):
    theirs = tree(leaves)
    assert theirs.get_root() == merkle.root(leaves)
    at = data.draw(st.integers(0, len(leaves) - 1))
    proof = theirs.prove_inclusion(at + 1)
    assert proof.path[1:] == list(merkle.prove(leaves, at))
    before = data.draw(st.integers(1, len(leaves)))
    path = merkle.consistency(leaves, before)
    assert merkle.consistent(before, theirs.get_root(before), len(leaves), theirs.get_root(), path)
    pymerkle.verify_consistency(
        theirs.get_root(before), merkle.root(leaves), theirs.prove_consistency(before, len(leaves))
    )


def climbed(leaf: bytes, way: dict[str, Any]) -> bytes:
    """Return the root that pymerkle climbs to by our path, in the layout that it works out for a place in a tree of that size."""
    size, index, base = way["size"], way["index"] + 1, hashlib.sha256(b"\0" + leaf).digest()
    rule = tree([b""] * size).prove_inclusion(index).rule
    proof = pymerkle.InclusionProof("sha256", True, size, index, rule, [base, *map(bytes.fromhex, way["path"])])
    proof.verify(base, proof.compute_root(), index=index, size=size, algorithm="sha256")
    return proof.compute_root()


@pytest.mark.parametrize("salt", [False, True], ids=["plain", "salted"])
def test_pymerkle_follows_the_proof_of_a_label(people: Desk, salt: bool):
    """From the line over its shard and its dataset to the root that the release has."""
    if salt:
        salted(people)
    else:
        released(people, "1.0.0")
    told = json.loads(people.labelvc("audit", "prove", "reviews/rev-2#r1")[1])
    lines = (people.folder / told["file"]).read_bytes().splitlines()
    assert lines[told["lines"]["index"]] == told["line"].encode()
    root = climbed(bytes.fromhex(told.get("salt", "")) + told["line"].encode(), told["lines"])
    assert salt or root == tree(lines).get_root()
    top = climbed(f"{told['file']}\0{told['lines']['size']}\0{root.hex()}".encode(), told["shards"])
    payload = json.loads(base64.b64decode(json.loads(told["manifest"])["payload"]))
    (data,) = payload["predicate"]["datasets"]
    assert top.hex() == (data["salted"]["root"] if salt else data["root"])
