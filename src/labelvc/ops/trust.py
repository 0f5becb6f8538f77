"""The trust files of a repository: made, read, and believed only along the chain of roots that signed them."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from labelvc.codec import dsse, sshsig, statement
from labelvc.errors import ConfigurationError, DataError, RefusedError, TrustError
from labelvc.model import listing
from labelvc.model.approval import TRUST_NAMESPACE, Envelope, Signature
from labelvc.model.names import Digest
from labelvc.model.policy import ROOT_ROLE, Need, Policy, Principal, Role, Root, RootKey, Rule, Trust
from labelvc.model.snapshot import Snapshot
from labelvc.ops.project import TOP
from labelvc.store.git import Git
from labelvc.store.keys import Signer
from labelvc.store.reader import Reader

POLICY = "trust/policy.json"
FIRST_ROOT = "trust/root/1.json"
_ROOT = re.compile(r"trust/root/([1-9][0-9]*)\.json")
_TEN_YEARS = timedelta(days=3652)
_INIT = "labelvc policy init"


def create(
    git: Git, project_id: str, principal_id: str, printed_name: str, email: str, signer: Signer, now: datetime
) -> dict[str, bytes]:
    """Return the first trust files of a project: a 1-of-1 root and the default policy, signed by one person.

    Args:
        git: the repository.
        project_id: UUID of the project.
        principal_id: id of the person, `ada`; see `slug`.
        printed_name: their name as people read it.
        email: address of their commits.
        signer: their key.
        now: UTC.

    Returns:
        Path to bytes, `trust/root/1.json` and `trust/policy.json`; nothing is written.

    Raises:
        RefusedError: the project has trust files already; a new root would make the old one worthless.
        TrustError: the key could not sign.
    """
    ensure_none(git)
    fingerprint = signer.key.fingerprint
    once = ((fingerprint,), 1)
    root = Root(1, project_id, {fingerprint: RootKey(str(signer.key), principal_id)}, once, once, Digest(""))
    person = Principal(printed_name, keys=(str(signer.key),), emails=(email,) if email else ())
    policy = default_policy(project_id, principal_id, person)
    expires = (now + _TEN_YEARS).strftime("%Y-%m-%dT%H:%M:%SZ")
    for flaw in statement.flaws(policy):
        raise TrustError(flaw, hint="labelvc policy init --as ID --name NAME --email ADDRESS")
    return {
        FIRST_ROOT: dsse.encode(seal(dsse.TUF, statement.encode_root(root, expires), signer)),
        POLICY: sealed_policy(policy, signer),
    }


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


def ensure_none(git: Git) -> None:
    """Return when the work tree has no trust files.

    Raises:
        RefusedError: it has some; a new root would make the old one worthless.
    """
    if (git.top / FIRST_ROOT).exists() or (git.top / POLICY).exists():
        raise RefusedError("this project has a root of trust", where="trust/", hint="labelvc policy show")


def default_policy(project_id: str, principal_id: str, person: Principal) -> Policy:
    """Return the policy a project starts with; what it does not name inside the protected places is denied."""
    review = Need("reviewer", 1, ("author", "annotators"))
    lead = Need("lead", 1, ("author",))
    rules = (
        Rule("labels and items", ("labels", "items"), (review,)),
        Rule("documents", ("guidelines", "taxonomies", "datasets", "project", "registers", "privacy"), (lead,)),
        Rule("controls", ("controls",), (Need(ROOT_ROLE, 1),)),
    )
    roles = {"lead": Role((principal_id,)), "reviewer": Role((principal_id,))}
    return Policy(1, None, project_id, {principal_id: person}, roles, rules)


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
    paths = listing.paths(snapshot.entries, "trust/")
    numbers = {int(found[1]): path for path in paths if (found := _ROOT.fullmatch(path))}
    if not numbers or POLICY not in snapshot.entries:
        raise TrustError("there is no root of trust or no policy", where=f"{snapshot.name}:trust/", hint=_INIT)
    if sorted(numbers) != list(range(1, len(numbers) + 1)):
        raise TrustError("a version is missing in the chain of roots", where=f"{snapshot.name}:trust/root/")
    roots: list[Root] = []
    for number in sorted(numbers):
        path = numbers[number]
        roots.append(_root(reader.read(path, snapshot.entries[path]), roots, path))
    if pin is not None and roots[0].digest != pin:
        message = f"the root is not the pinned one: it is {roots[0].digest}"
        raise TrustError(
            message, where=f"{snapshot.name}:{FIRST_ROOT}", hint="ask the project's lead for the right digest"
        )
    policy, digest = _policy(reader.read(POLICY, snapshot.entries[POLICY]), roots[-1])
    return Trust(with_root(policy, roots[-1]), digest, tuple(roots), pinned=pin is not None)


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
    old, new = before.policy, after.policy
    if new.version <= old.version or (new.version == old.version + 1 and new.previous != before.digest):
        message = f"policy version {new.version} does not follow version {old.version}"
        raise TrustError(message, where=f"{snapshot.name}:{POLICY}", hint="make changes with `labelvc policy`")
    return after


def _root(data: bytes, before: list[Root], path: str) -> Root:
    try:
        envelope = dsse.decode(data, dsse.TUF)
        root = statement.decode_root(envelope.payload)
    except DataError as error:
        raise TrustError(error.message, where=path, hint="git log -- trust/root") from None
    if root.version != len(before) + 1:
        raise TrustError(f"the file holds version {root.version} of the root", where=path)
    if before and root.repository != before[0].repository:
        raise TrustError("the root belongs to another repository", where=path)
    _met(envelope, root.keys, root.root, path)
    if before:
        _met(envelope, before[-1].keys, before[-1].root, path)
    return root


def _policy(data: bytes, root: Root) -> tuple[Policy, Digest]:
    try:
        envelope = dsse.decode(data, dsse.IN_TOTO)
        _met(envelope, root.keys, root.targets, POLICY)
        policy = statement.decode_policy(envelope.payload)
    except DataError as error:
        raise TrustError(error.message, where=POLICY, hint="labelvc policy check") from None
    if policy.repository != root.repository:
        raise TrustError("the policy belongs to another repository than the root", where=POLICY)
    return policy, envelope.digest


def _met(envelope: Envelope, keys: Mapping[str, RootKey], role: tuple[tuple[str, ...], int], path: str) -> None:
    """Return when enough owners of a role's keys signed; every signature is looked at, and people are counted."""
    keyids, threshold = role
    message = dsse.pae(envelope.payload_type, envelope.payload)
    good: set[str] = set()
    reason = ""
    for each in envelope.signatures:
        if each.keyid not in keyids:
            continue
        try:
            sshsig.verify(each.sig, message, TRUST_NAMESPACE, sshsig.read_public(keys[each.keyid].key))
            good.add(keys[each.keyid].owner)
        except TrustError as error:
            reason = f": {error.message}"
    if len(good) < threshold:
        raise TrustError(f"signed by {len(good)} of the {threshold} people who must sign it{reason}", where=path)


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
    """Raise what a rule asks of the role `root` to the root's own threshold."""
    needs = tuple(
        msgspec.structs.replace(need, count=max(need.count, least)) if need.role == ROOT_ROLE else need
        for need in rule.needs
    )
    return msgspec.structs.replace(rule, needs=needs)
