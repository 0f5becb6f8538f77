"""The trust files of a repository: read, and believed only along the chain of roots that signed them."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

import msgspec

from labelvc.codec import dsse, rootfile, sshsig, statement
from labelvc.errors import ConfigurationError, DataError, TrustError
from labelvc.model import listing
from labelvc.model.approval import TRUST_NAMESPACE, Envelope, Signature
from labelvc.model.names import Digest
from labelvc.model.policy import ROOT_ROLE, Need, Policy, Role, Root, Rule, Trust
from labelvc.model.snapshot import Entry, Snapshot
from labelvc.ops import seals
from labelvc.ops.project import TOP
from labelvc.ops.seals import Seal
from labelvc.store import tree
from labelvc.store.git import Git
from labelvc.store.keys import Signer
from labelvc.store.reader import Reader

POLICY = "trust/policy.json"
FIRST_ROOT = "trust/root/1.json"
_ROOT = re.compile(r"trust/root/([1-9][0-9]*)\.json")
INIT = "labelvc trust init"


class Chain(NamedTuple):
    """The trust files of a snapshot.

    Attributes:
        roots: version 1 first.
        policy: as it was signed, without the role `root`.
        seals: of the roots in their order, and of the policy.
    """

    roots: tuple[Root, ...]
    policy: Policy
    seals: tuple[Seal, ...]

    @property
    def drafts(self) -> tuple[Seal, ...]:
        """Files that too few people signed."""
        return tuple(seal for seal in self.seals if seal.draft)

    def trust(self, *, pinned: bool) -> Trust:
        """Return what these files say, as far as they were enforced."""
        policy = with_root(self.policy, self.roots[-1])
        return Trust(policy, self.seals[-1].digest, self.roots, pinned)


def root_path(version: int) -> str:
    """Return the path of a version of the root."""
    return f"trust/root/{version}.json"


def project_id(git: Git) -> str:
    """Return the project's UUID from the work tree's labelvc.yaml; no other document is read, since trust needs none.

    Raises:
        ConfigurationError: there is no labelvc.yaml, or it is not sound.
    """
    path = git.top / TOP
    if not path.is_file():
        raise ConfigurationError(f"there is no {TOP} here", where=str(git.top), hint="labelvc init")
    found = importlib.import_module("labelvc.ops.parsing").parse("project", path.read_bytes())
    for trouble in found.troubles[:1]:
        where = f"{TOP}:{trouble.line}" if trouble.line else TOP
        raise ConfigurationError(
            f"{trouble.pointer} {trouble.message}".strip(), where=where, hint=f"mend {where}, then run: labelvc check"
        )
    return str(found.value["id"])


def slug(words: str) -> str:
    """Return a principal's id made from a name or an address: `Ada Author` gives `ada-author`."""
    return re.sub(r"[^a-z0-9]+", "-", words.partition("@")[0].casefold()).strip("-")[:40] or "lead"


def seal(payload_type: str, payload: bytes, signer: Signer, namespace: str = TRUST_NAMESPACE) -> Envelope:
    """Return an envelope with one signature.

    Raises:
        TrustError: the key could not sign, or what it gave back is not good; nothing unverified is ever written.
    """
    message = dsse.pae(payload_type, payload)
    made = signer.sign(message, namespace)
    sshsig.verify(made, message, namespace, signer.key)
    return Envelope(payload_type, payload, (Signature(signer.key.fingerprint, made),))


def sealed_policy(policy: Policy, signer: Signer) -> bytes:
    """Return the file of a policy signed by one person."""
    return dsse.encode(seal(dsse.IN_TOTO, statement.encode_policy(policy), signer))


def present(snapshot: Snapshot) -> bool:
    """Tell whether a snapshot has any trust file."""
    return any(listing.paths(snapshot.entries, "trust/"))


def load(reader: Reader, snapshot: Snapshot, pin: str | None = None) -> Trust:
    """Read and verify the policy in force at a snapshot.

    Args:
        reader: reads the snapshot's entries.
        snapshot: where.
        pin: digest of root version 1 that the reader got from somewhere else; None when they have none.

    Returns:
        The policy, the chain of roots, and whether the chain starts at the pin.

    Raises:
        TrustError: there is none, a root is missing in the chain or not signed by enough people of the root before it and
            of its own, another root than the pinned one, or the policy is not signed as the root demands.
    """
    return chain(reader, snapshot, pin).trust(pinned=pin is not None)


def anchor(git: Git, commit: str, pin: str | None) -> dict[Digest, bool]:
    """Return the digest of root version 1 at a commit, with whether it was pinned; a pinned one must be there and be the right one.

    Args:
        git: where.
        commit: full id.
        pin: its digest, from outside the repository; None when there is none.

    Raises:
        TrustError: it is pinned, and the trust files are not there or do not verify.
        StoreError: a file cannot be read.
    """
    snapshot = tree.commit(git, commit, ("trust",))
    if not present(snapshot) and pin is None:
        return {}
    with tree.reader(git) as reader:
        try:
            trust = load(reader, snapshot, pin)
        except TrustError:
            if pin is not None:
                raise
            return {}
    return {trust.anchor: trust.pinned}


def chain(reader: Reader, snapshot: Snapshot, pin: str | None = None, *, drafts: bool = False) -> Chain:
    """Read the trust files of a snapshot.

    Args:
        reader: reads the snapshot's entries.
        snapshot: where.
        pin: digest of root version 1 that the reader got from somewhere else; None when they have none.
        drafts: read on when too few people signed a file; what is returned then proves nothing but what its seals say.

    Returns:
        The files.

    Raises:
        TrustError: as `load`.
    """
    paths = listing.paths(snapshot.entries, "trust/")
    numbers = {int(found[1]): path for path in paths if (found := _ROOT.fullmatch(path))}
    if not numbers or POLICY not in snapshot.entries:
        raise TrustError("there is no root of trust or no policy", where=f"{snapshot.name}:trust/", hint=INIT)
    if sorted(numbers) != list(range(1, len(numbers) + 1)):
        raise TrustError("a version is missing in the chain of roots", where=f"{snapshot.name}:trust/root/")
    settle = _let if drafts else seals.enforce
    roots: list[Root] = []
    found_seals: list[Seal] = []
    for number in sorted(numbers):
        path = numbers[number]
        root, seal = read_root(reader.read(path, snapshot.entries[path]), roots[-1] if roots else None, path)
        settle(seal)
        roots.append(root)
        found_seals.append(seal)
    if pin is not None and roots[0].digest != pin:
        message = f"the root is not the pinned one: it is {roots[0].digest}"
        raise TrustError(
            message, where=f"{snapshot.name}:{FIRST_ROOT}", hint="ask the project's lead for the right digest"
        )
    policy, seal = _policy(reader.read(POLICY, snapshot.entries[POLICY]), roots[-1], settle)
    return Chain(tuple(roots), policy, (*found_seals, seal))


def succeeds(reader: Reader, before: Trust, snapshot: Snapshot) -> Trust:
    """Read the trust files of a later snapshot and verify that those before vouch for them.

    Args:
        reader: reads the snapshot's entries.
        before: trust at the snapshot before.
        snapshot: the later one.

    Returns:
        Trust at the later snapshot.

    Raises:
        TrustError: a root was replaced, the policy went back to an older version, was changed without a new version, or
            belongs to another repository; or anything that `load` refuses.
    """
    after = load(reader, snapshot, before.anchor)
    known = [root.digest for root in before.roots]
    if [root.digest for root in after.roots][: len(known)] != known:
        raise TrustError("a root that was in force is gone or replaced", where=f"{snapshot.name}:trust/root/")
    if after.digest == before.digest:
        return after
    if not follows(before, after):
        message = f"policy version {after.policy.version} does not follow version {before.policy.version}"
        raise TrustError(message, where=f"{snapshot.name}:{POLICY}", hint="make changes with `labelvc policy`")
    return after


def follows(before: Trust, after: Trust) -> bool:
    """Tell whether another policy is a later one that goes on from a policy, and names it.

    A version number alone shows nothing: policies that enough people signed on a branch that was given up have higher ones too.
    """
    old, new = before.policy.version, after.policy.version
    if new == old + 1:
        return after.policy.previous == before.digest
    return new > old and before.digest in after.policy.earlier


def newest(
    reader: Reader, snapshots: Iterable[Snapshot], start: Callable[[Snapshot], Trust] | None = None
) -> Trust | None:
    """Return the trust that snapshots of one line end with; trust files that those before do not vouch for count for nothing.

    Args:
        reader: reads the snapshots' entries.
        snapshots: in the order of their history.
        start: reads the first one that has a policy in force; raises TrustError where none is.

    Returns:
        The trust; None when there was never any.
    """
    found: Trust | None = None
    known: list[tuple[str, Entry]] = []
    for snapshot in snapshots:
        files = list(listing.under(snapshot.entries, "trust/"))
        if files == known:
            continue
        try:
            found = succeeds(reader, found, snapshot) if found else (start or partial(load, reader))(snapshot)
        except TrustError:
            continue
        known = files
    return found


def read_root(data: bytes, before: Root | None, path: str) -> tuple[Root, Seal]:
    """Read the file of a root; whether enough people signed it is said by its seal.

    Args:
        data: the file.
        before: the version before; None for the first.
        path: for messages.

    Raises:
        TrustError: it is no root, or does not follow the one before.
    """
    try:
        envelope = dsse.decode(data, dsse.TUF)
        root = rootfile.decode(envelope.payload)
    except (DataError, TrustError) as error:
        raise TrustError(error.message, where=path, hint="git log -- trust/root") from None
    if root.version != (before.version + 1 if before else 1):
        raise TrustError(f"the file holds version {root.version} of the root", where=path)
    if before and root.repository != before.repository:
        raise TrustError("the root belongs to another repository", where=path)
    return root, seals.of_root(path, envelope, root, before)


def _policy(data: bytes, root: Root, settle: Callable[[Seal], None]) -> tuple[Policy, Seal]:
    """Read the file of a policy; what is not settled is not even decoded."""
    try:
        envelope = dsse.decode(data, dsse.IN_TOTO)
        seal = seals.of_policy(POLICY, envelope, 0, root)
        settle(seal)
        policy = statement.decode_policy(envelope.payload)
    except DataError as error:
        raise TrustError(error.message, where=POLICY, hint=f"git log -- {POLICY}") from None
    if policy.repository != root.repository:
        raise TrustError("the policy belongs to another repository than the root", where=POLICY)
    return policy, seal._replace(version=policy.version)


def _let(seal: Seal) -> None:
    """Let a draft pass."""


def with_root(policy: Policy, root: Root) -> Policy:
    """Return the policy with the role `root` filled with the owners of the root keys it knows under those keys."""
    owners = [
        each.owner
        for keyid, each in root.keys.items()
        if keyid in root.root[0] and each.owner in policy.principals and each.key in policy.principals[each.owner].keys
    ]
    rules = tuple(_threshold(rule, root.root[1]) for rule in policy.rules)
    return msgspec.structs.replace(policy, roles={**policy.roles, ROOT_ROLE: Role(tuple(owners))}, rules=rules)


def _threshold(rule: Rule, least: int) -> Rule:
    """Raise what a rule asks of the role `root`, in an emergency too, to the root's own threshold."""
    needs = tuple(_raised(need, least) for need in rule.needs)
    emergency = rule.emergency and _raised(rule.emergency, least)
    return msgspec.structs.replace(rule, needs=needs, emergency=emergency)


def _raised(need: Need, least: int) -> Need:
    return msgspec.structs.replace(need, count=max(need.count, least)) if need.role == ROOT_ROLE else need
