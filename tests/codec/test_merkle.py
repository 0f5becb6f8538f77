"""RFC 6962 trees: the tree of the RFC's own words, and proofs that hold for exactly one leaf at one place."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelvc.codec import merkle
from labelvc.errors import DataError
from tests.oracles import rfc6962

LEAVES = st.lists(st.binary(max_size=4), max_size=40)


def by_the_book(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962 section 2.1, as it is written there."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\1" + by_the_book(leaves[:k]) + by_the_book(leaves[k:])).digest()


# Roots of the first n of these leaves, from the tests of Certificate Transparency's reference implementations.
CT_LEAVES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
CT_ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


@pytest.mark.parametrize("size", CT_ROOTS)
def test_published_roots(size: int):
    assert merkle.root(CT_LEAVES[:size]).hex() == CT_ROOTS[size]


@given(LEAVES)
def test_root_is_by_the_book(leaves: list[bytes]):
    assert merkle.root(leaves) == by_the_book(leaves)
    assert merkle.digest(leaves) == "sha256:" + by_the_book(leaves).hex()


@given(LEAVES.filter(bool), st.data())
def test_a_proof_proves(leaves: list[bytes], data: st.DataObject):
    index = data.draw(st.integers(0, len(leaves) - 1))
    path, root = merkle.prove(leaves, index), merkle.root(leaves)
    leaf = merkle.leaf(leaves[index])
    assert merkle.proves(leaf, index, len(leaves), path, root)
    assert len(path) <= (len(leaves) - 1).bit_length()
    assert not merkle.proves(merkle.leaf(leaves[index] + b"!"), index, len(leaves), path, root)
    assert not merkle.proves(leaf, index, len(leaves), [*path, bytes(32)], root)
    assert not merkle.proves(leaf, index, len(leaves), [each[:31] for each in path] or [b""], root)
    assert not merkle.proves(leaf, len(leaves), len(leaves), path, root)
    assert not merkle.proves(leaf, -1, len(leaves), path, root)
    if path:
        at = data.draw(st.integers(0, len(path) - 1))
        bent = [bytes([node[0] ^ 1]) + node[1:] if place == at else node for place, node in enumerate(path)]
        assert not merkle.proves(leaf, index, len(leaves), bent, root)
        assert not merkle.proves(leaf, index, len(leaves), path[:-1], root)


@given(st.lists(st.binary(max_size=4), min_size=2, max_size=20, unique=True), st.data())
def test_a_proof_holds_at_no_other_place(leaves: list[bytes], data: st.DataObject):
    index, other = data.draw(st.lists(st.integers(0, len(leaves) - 1), min_size=2, max_size=2, unique=True))
    path, root = merkle.prove(leaves, index), merkle.root(leaves)
    assert not merkle.proves(merkle.leaf(leaves[index]), other, len(leaves), path, root)


def test_a_leaf_that_is_not_there_has_no_proof():
    with pytest.raises(DataError, match="no leaf 3 among 3"):
        merkle.prove([b"a", b"b", b"c"], 3)


@given(LEAVES.filter(bool), st.data())
def test_a_consistency_proof_holds_for_exactly_the_beginning(leaves: list[bytes], data: st.DataObject):
    size = data.draw(st.integers(1, len(leaves)))
    old, new, path = merkle.root(leaves[:size]), merkle.root(leaves), merkle.consistency(leaves, size)
    assert merkle.consistent(size, old, len(leaves), new, path)
    other = hashlib.sha256(b"other").digest()
    assert not merkle.consistent(size, other, len(leaves), new, path)
    assert not merkle.consistent(size, old, len(leaves), other, path)
    assert not merkle.consistent(size, old, len(leaves), new, [*path, other])
    assert not path or not merkle.consistent(size, old, len(leaves), new, path[:-1])
    assert not path or not merkle.consistent(size, old, len(leaves), new, [other, *path[1:]])
    assert not merkle.consistent(0, hashlib.sha256().digest(), len(leaves), new, [])


@given(LEAVES.filter(bool), st.data())
def test_a_changed_beginning_has_no_consistency_proof(leaves: list[bytes], data: st.DataObject):
    size, at = data.draw(st.integers(1, len(leaves))), data.draw(st.integers(0, len(leaves) - 1))
    changed = [*leaves[:at], leaves[at] + b"x", *leaves[at + 1 :]]
    path = merkle.consistency(changed, size)
    held = merkle.consistent(size, merkle.root(leaves[:size]), len(changed), merkle.root(changed), path)
    assert held is (at >= size)


# Proofs of the same eight leaves, from the tests of Certificate Transparency's reference implementations.
CT_CONSISTENCY = {
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}


@pytest.mark.parametrize(("sizes", "path"), CT_CONSISTENCY.items())
def test_consistency_proofs_of_certificate_transparency(sizes: tuple[int, int], path: list[str]):
    assert [node.hex() for node in merkle.consistency(CT_LEAVES[: sizes[1]], sizes[0])] == path


@pytest.mark.parametrize("size", [0, 9])
def test_no_consistency_with_nothing_or_more(size: int):
    with pytest.raises(DataError):
        merkle.consistency(CT_LEAVES, size)


@given(LEAVES.filter(bool), st.data())
def test_an_independent_implementation_agrees(leaves: list[bytes], data: st.DataObject):
    at = data.draw(st.integers(0, len(leaves) - 1))
    assert rfc6962.root(leaves) == merkle.root(leaves)
    node = hashlib.sha256(b"\0" + leaves[at]).digest()
    assert rfc6962.climb(node, at, len(leaves), merkle.prove(leaves, at)) == merkle.root(leaves)
