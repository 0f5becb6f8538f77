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
    return climb(leaf_hash, index, size, path) == tree


def climb(leaf_hash: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """Return the root that an audit path leads to, or None when it cannot be a path from that place in a tree of that size.

    Source and arguments: as for `proves`.
    """
    if not 0 <= index < size or any(len(node) != 32 for node in path):
        return None
    node, last = leaf_hash, size - 1
    for sibling in path:
        if last == 0:
            return None
        if index & 1 or index == last:
            node = _join(sibling, node)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            node = _join(node, sibling)
        index, last = index >> 1, last >> 1
    return node if last == 0 else None


def consistency(leaves: Sequence[bytes], size: int) -> list[bytes]:
    """Return the proof that the tree of the first leaves is the beginning of the tree of all; RFC 6962 section 2.1.2.

    Args:
        leaves: data of each leaf.
        size: how many of them the earlier tree had, 1 at least.

    Returns:
        Hashes of 32 bytes; none when the two trees are the same.

    Raises:
        DataError: there are not so many leaves, or the earlier tree had none: of nothing everything is the continuation.
    """
    if not 1 <= size <= len(leaves):
        raise DataError(f"no tree of {size} leaves is the beginning of one of {len(leaves)}")
    return _subproof(leaves, size, whole=True)


def consistent(size: int, tree: bytes, later_size: int, later: bytes, path: Sequence[bytes]) -> bool:
    """Tell whether a proof shows that a tree is the beginning of a later one.

    Source: RFC 9162 section 2.1.4.2, the algorithm for RFC 6962 trees.

    Args:
        size: number of leaves of the earlier tree, 1 at least.
        tree: its root.
        later_size: number of leaves of the later tree.
        later: its root.
        path: the proof.

    Returns:
        True only for exactly the right proof.
    """
    if not 1 <= size <= later_size or any(len(node) != 32 for node in path):
        return False
    if size == later_size:
        return not path and tree == later
    nodes = [tree, *path] if size & (size - 1) == 0 else [*path]
    if not nodes:
        return False
    index, last = size - 1, later_size - 1
    while index & 1:
        index, last = index >> 1, last >> 1
    old = new = nodes[0]
    for node in nodes[1:]:
        if last == 0:
            return False
        if index & 1 or index == last:
            old, new = _join(node, old), _join(node, new)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            new = _join(new, node)
        index, last = index >> 1, last >> 1
    return last == 0 and old == tree and new == later


def _subproof(leaves: Sequence[bytes], size: int, *, whole: bool) -> list[bytes]:
    """Return SUBPROOF of RFC 6962 section 2.1.2, nearest hash first."""
    if size == len(leaves):
        return [] if whole else [root(leaves)]
    left = 1 << (len(leaves) - 1).bit_length() - 1
    if size <= left:
        return [*_subproof(leaves[:left], size, whole=whole), root(leaves[left:])]
    return [*_subproof(leaves[left:], size - left, whole=False), root(leaves[:left])]


def _above(level: list[bytes]) -> list[bytes]:
    sha256 = hashlib.sha256
    pairs = zip(level[::2], level[1::2], strict=False)
    above = [sha256(b"\1" + left + right).digest() for left, right in pairs]
    if len(level) & 1:
        above.append(level[-1])
    return above


def _join(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()
