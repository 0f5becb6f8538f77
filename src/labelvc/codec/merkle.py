"""RFC 6962 Merkle trees over lines: one root for all, and a short proof for one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from labelvc.errors import DataError
from labelvc.model.names import Digest


def leaf(data: bytes) -> bytes:
    """Return the hash of a leaf, `SHA-256(0x00 || data)`; RFC 6962 section 2.1."""
    return hashlib.sha256(b"\0" + data).digest()


def root(leaves: Iterable[bytes]) -> bytes:
    """Return the Merkle tree hash of leaves given by their data.

    Pairing neighbours level by level and carrying a last odd node up gives the tree of RFC 6962 section 2.1, whose left
    part always holds the largest power of two leaves.

    Args:
        leaves: data of each leaf, in order.

    Returns:
        32 bytes; of no leaves, the hash of nothing.
    """
    sha256 = hashlib.sha256
    level = [sha256(b"\0" + data).digest() for data in leaves]
    if not level:
        return sha256().digest()
    while len(level) > 1:
        level = _above(level)
    return level[0]


def digest(leaves: Iterable[bytes]) -> Digest:
    """Return the Merkle tree hash as `sha256:<hex>`."""
    return Digest(f"sha256:{root(leaves).hex()}")


def prove(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Return the audit path of one leaf, nearest sibling first; RFC 6962 section 2.1.1.

    Args:
        leaves: data of each leaf.
        index: which one, from 0.

    Returns:
        Hashes of 32 bytes.

    Raises:
        DataError: there is no such leaf.
    """
    if not 0 <= index < len(leaves):
        raise DataError(f"there is no leaf {index} among {len(leaves)}")
    level = [leaf(data) for data in leaves]
    path = []
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            path.append(level[sibling])
        level, index = _above(level), index >> 1
    return path


def proves(leaf_hash: bytes, index: int, size: int, path: Sequence[bytes], tree: bytes) -> bool:
    """Tell whether an audit path shows that a leaf is at a place in a tree.

    Source: RFC 9162 section 2.1.3.2, the algorithm for RFC 6962 trees.

    Args:
        leaf_hash: `leaf(data)`.
        index: its place, from 0.
        size: number of leaves of the tree.
        path: hashes, nearest sibling first.
        tree: root of the tree.

    Returns:
        True only for exactly the right path.
    """
    if not 0 <= index < size or any(len(node) != 32 for node in path):
        return False
    node, last = leaf_hash, size - 1
    for sibling in path:
        if last == 0:
            return False
        if index & 1 or index == last:
            node = _join(sibling, node)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            node = _join(node, sibling)
        index, last = index >> 1, last >> 1
    return last == 0 and node == tree


def _above(level: list[bytes]) -> list[bytes]:
    sha256 = hashlib.sha256
    pairs = zip(level[::2], level[1::2], strict=False)
    above = [sha256(b"\1" + left + right).digest() for left, right in pairs]
    if len(level) & 1:
        above.append(level[-1])
    return above


def _join(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()
