"""Compare: whether two clones, or a clone and a witness, saw one history of releases."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from labelvc.codec import merkle
from labelvc.core.release import Log
from labelvc.errors import DataError
from labelvc.model.names import Digest
from labelvc.model.policy import Policy
from labelvc.model.witness import Counted, Witness
from labelvc.ops import attest
from labelvc.ops import witness as witnessing
from labelvc.ops.attest import Verdict
from labelvc.ops.witness import Link
from labelvc.store import git as plumbing
from labelvc.store import process
from labelvc.store.cache import Cache
from labelvc.store.git import Git

State = Literal["same", "ahead", "behind", "forked", "unproved"]


class Side(NamedTuple):
    """What one side knows.

    Attributes:
        number: number of releases up to its last.
        version: its last release.
        digest: payload digest of that.
        approvals: checkpoint of the log of approvals.
        faults: releases of its chain that do not hold; none of a witness, who shows one release alone.
    """

    number: int
    version: str
    digest: Digest
    approvals: Counted
    faults: tuple[Verdict, ...] = ()


class Compared(NamedTuple):
    """How two sides stand.

    Attributes:
        state: `same`; `ahead`, `behind`: this side has more, or less, and one continues the other; `forked`; `unproved`:
            a witness saw more than is here, and no statement shows that it continues this.
        here, there: the sides.
        first: the first release in which they differ, as each has it; None unless they forked.
        proof: hashes that prove the shorter log of approvals to be the beginning of the longer (RFC 6962 section 2.1.2).
    """

    state: State
    here: Side
    there: Side
    first: tuple[Link, Link | Witness] | None = None
    proof: tuple[str, ...] = ()


def clones(git: Git, other: Path, pin: str | None) -> Compared:
    """Compare the releases at HEAD of two clones; chain, signatures and approvals of both are proved, data are not read.

    Args:
        git: this clone.
        other: where the other one is.
        pin: digest of root version 1, from outside; None when there is none.

    Raises:
        DataError: one of them has no release, or they are clones of two projects.
        StoreError: the other is no clone, or cannot be read.
    """
    with Cache(git) as cache:
        here, ours = _side(git, pin, cache)
        with process.without_fetching():
            there, theirs = _side(plumbing.find(other), pin, cache)
    if ours.chain[0].release.repository != theirs.chain[0].release.repository:
        raise DataError("this is a clone of another project", where=str(other), hint="labelvc release show")
    for one, two in zip(ours.chain, theirs.chain, strict=False):
        if one.digest != two.digest:
            return Compared("forked", here, there, (one, two))
    if here.number == there.number:
        return Compared("same", here, there)
    longer, shorter = (ours.log, there) if here.number > there.number else (theirs.log, here)
    later = here if here.number > there.number else there
    return Compared("ahead" if later is here else "behind", here, there, proof=_proof(longer, shorter, later))


def witnessed(git: Git, file: Path, pin: str | None, policy: Policy) -> Compared:
    """Compare the releases at HEAD with what a witness signed.

    Args:
        git: this clone.
        file: the witness's statement.
        pin: digest of root version 1, from outside; None when there is none.
        policy: the policy in force here, which knows the witness.

    Raises:
        DataError: nothing is released here, or the file is no statement.
        TrustError: its signature is not good, or of nobody the policy knows.
    """
    said = witnessing.read(file, policy)
    with Cache(git) as cache:
        here, ours = _side(git, pin, cache)
    there = Side(said.sequence, said.version, said.root, said.approvals)
    for link, digest in _met(said, ours.chain):
        if link.digest != digest:
            return Compared("forked", here, there, (link, said))
    if said.sequence > len(ours.chain):
        seen = said.since is not None and here.digest == f"sha256:{said.since.sha256}"
        return Compared("behind" if seen else "unproved", here, there)
    if said.sequence == len(ours.chain):
        return Compared("same", here, there)
    return Compared("ahead", here, there, proof=_proof(ours.log, there, here))


def _met(said: Witness, chain: Sequence[Link]) -> list[tuple[Link, str]]:
    """Return the releases here that a statement speaks of, each with the digest it has there."""
    met = [(chain[said.sequence - 1], str(said.root))] if said.sequence <= len(chain) else []
    since = said.since
    if since is not None:
        met += [(link, f"sha256:{since.sha256}") for link in chain if link.release.version == since.version]
    return sorted(met, key=lambda row: row[0].release.sequence)


def _side(git: Git, pin: str | None, cache: Cache) -> tuple[Side, attest.Proof]:
    proof = attest.verify(git, None, pin, None, everything=True, cache=cache)
    if not proof.chain:
        raise DataError("nothing was released yet", where=str(git.top), hint="labelvc release list")
    release, digest = proof.chain[-1]
    counted = Counted(release.approvals.size, release.approvals.root)
    faults = tuple(verdict for verdict in proof.verdicts if verdict.state != "good")
    return Side(len(proof.chain), release.version, digest, counted, faults), proof


def _proof(log: Log, before: Side, after: Side) -> tuple[str, ...]:
    """Return the proof that one log of approvals is the beginning of the other, checked.

    Raises:
        DataError: it is not.
    """
    size, root = before.approvals.size, bytes.fromhex(before.approvals.root)
    if not size:
        return ()
    proof = merkle.consistency(log.leaves(), size) if size <= len(log.rows) else []
    later = bytes.fromhex(after.approvals.root)
    if not merkle.consistent(size, root, after.approvals.size, later, proof):
        message = f"the approvals of release {after.version} do not continue those of {before.version}"
        raise DataError(message, where="approvals/", hint="labelvc release verify --all")
    return tuple(node.hex() for node in proof)


def versions(found: Compared) -> tuple[str, str]:
    """Return the versions of the first release in which two sides differ."""
    if found.first is None:
        return "", ""
    one, two = found.first
    return one.release.version, two.version if isinstance(two, Witness) else two.release.version
