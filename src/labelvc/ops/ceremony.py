"""Ceremony: the root of trust made, rotated and signed, by one person or by several one after another.

A file with too few signatures is a draft: it lies where it will count, and counts for nothing until enough people signed it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from labelvc.codec import dsse, rootfile, sshsig, statement
from labelvc.errors import DataError, RefusedError, StoreError, TrustError
from labelvc.model.approval import Envelope
from labelvc.model.names import Digest
from labelvc.model.policy import ROOT_ROLE, Need, Policy, Principal, PublicKey, Role, Root, RootKey, Rule, Trust
from labelvc.model.snapshot import Snapshot
from labelvc.ops import policy as governing
from labelvc.ops import seals
from labelvc.ops import trust as trusting
from labelvc.ops.seals import Seal
from labelvc.ops.trust import FIRST_ROOT, POLICY, Chain
from labelvc.store import git as plumbing
from labelvc.store import tree
from labelvc.store.git import Git
from labelvc.store.keys import Signer
from labelvc.store.reader import Reader

SHOW, SIGN = "labelvc trust show", "labelvc trust sign"
_TEN_YEARS = timedelta(days=3652)


def ensure_none(git: Git) -> None:
    """Return when the work tree has no trust files.

    Raises:
        RefusedError: it has some; a new root would make the old one worthless.
    """
    if (git.top / FIRST_ROOT).exists() or (git.top / POLICY).exists():
        raise RefusedError("this project has a root of trust", where="trust/", hint=SHOW)


def create(
    git: Git,
    project_id: str,
    principal_id: str,
    printed_name: str,
    email: str,
    signer: Signer,
    now: datetime,
    others: Mapping[str, PublicKey] | None = None,
    threshold: int = 1,
) -> dict[str, bytes]:
    """Return the first trust files of a project, signed by one person; with a higher threshold they are drafts.

    Args:
        git: the repository.
        project_id: UUID of the project.
        principal_id: id of the person, `ada`; see `labelvc.ops.trust.slug`.
        printed_name: their name as people read it.
        email: address of their commits.
        signer: their key.
        now: UTC.
        others: the other owners of the root, by id; their names are their ids until somebody says more.
        threshold: how many owners must sign root and policy.

    Returns:
        Path to bytes, `trust/root/1.json` and `trust/policy.json`; nothing is written.

    Raises:
        RefusedError: the project has trust files already, or nobody could satisfy such a root.
        TrustError: an id that none can have, or the key could not sign.
    """
    ensure_none(git)
    owners = {principal_id: signer.key, **(others or {})}
    if owners[principal_id] != signer.key:
        message = f"the key that signs is not the one that --owner names for {principal_id}"
        raise RefusedError(message, where=signer.where, hint="--as ID says who you are")
    people = {
        principal_id: Principal(printed_name, keys=(str(signer.key),), emails=(email,) if email else ()),
        **{name: Principal(name, keys=(str(key),)) for name, key in owners.items() if name != principal_id},
    }
    policy = _first_policy(project_id, people)
    for flaw in statement.flaws(policy):
        raise TrustError(flaw, hint=f"{trusting.INIT} --as ID --name NAME --email ADDRESS")
    root = _root(1, project_id, owners, threshold)
    payload = rootfile.encode(root, _expires(now))
    return {
        FIRST_ROOT: dsse.encode(trusting.seal(dsse.TUF, payload, signer)),
        POLICY: trusting.sealed_policy(policy, signer),
    }


def look(git: Git, pin: str | None = None, *, drafts: bool = True) -> Chain:
    """Read the trust files as they lie in the work tree, in a bare repository at HEAD.

    Raises:
        TrustError: there are none, one cannot be read, or, unless drafts are asked for, one is a draft.
    """
    with tree.reader(git) as reader:
        snapshot = tree.commit(git, "HEAD", ("trust",)) if git.bare else tree.work(git, ("trust",))
        return trusting.chain(reader, snapshot, pin, drafts=drafts)


def drafts(reader: Reader, snapshot: Snapshot) -> tuple[Seal, ...]:
    """Return the trust files of a snapshot that wait for signatures; none also when they cannot be read at all."""
    try:
        return trusting.chain(reader, snapshot, drafts=True).drafts if trusting.present(snapshot) else ()
    except TrustError:
        return ()


def standing(git: Git, found: Chain, *, pinned: bool) -> Trust:
    """Return what the next policy is to follow: the policy in force; of a policy that is a draft, the version before it.

    A draft is written anew, and the signatures it had are gone.

    Args:
        git: where the policies before lie.
        found: the trust files of the work tree.
        pinned: whether they start at a root that the reader named.

    Raises:
        RefusedError: a rotation waits for signatures.
    """
    trust, policy = found.trust(pinned=pinned), found.seals[-1]
    last = _in_force(git) if policy.draft else 0
    if any(seal.draft for seal in found.seals[1:-1]) or (policy.draft and last >= policy.version):
        waits = found.drafts[0].path
        message = "it waits for signatures, and until they are there no other policy can follow"
        raise RefusedError(message, where=waits, hint=SIGN)
    if not policy.draft:
        return trust
    first, *rest = trust.policy.earlier or [None]
    before = replace(trust.policy, version=trust.policy.version - 1, previous=first, earlier=tuple(rest))
    return trust._replace(policy=before, digest=trust.policy.previous or Digest(""))


def ensure_mine(found: Chain, key: PublicKey) -> None:
    """Return when a policy is in force, or a draft that a key has signed: who edits another's draft would sign what they said.

    Raises:
        RefusedError: it is somebody else's draft.
    """
    policy = found.seals[-1]
    if policy.draft and (not policy.counts(key.fingerprint) or policy.wants(key.fingerprint)):
        message = "this policy is a draft that you have not signed"
        raise RefusedError(message, where=policy.path, hint=f"{SHOW}, then {SIGN}; or take the draft back with git")


def waiting(found: Chain, key: PublicKey) -> list[Seal]:
    """Return the trust files that wait for a signature with a key: drafts, and the newest root, which proves its owners.

    Raises:
        RefusedError: the key counts for none of them, or has signed them all.
    """
    newest = found.seals[-2]
    asked = [seal for seal in found.seals if seal.draft or seal is newest]
    wanted = [seal for seal in asked if seal.wants(key.fingerprint)]
    if wanted:
        return wanted
    if any(seal.counts(key.fingerprint) for seal in asked):
        raise RefusedError("nothing waits for your signature", where="trust/", hint=SHOW)
    names = sorted({name for seal in asked for demand in seal.demands for name in demand.owners.values()})
    message = f"the key {key.fingerprint} is none of those that count here"
    raise RefusedError(message, where=asked[0].path, hint=f"ask {' or '.join(names)} to run: {SIGN}")


def sign(wanted: Sequence[Seal], signer: Signer) -> dict[str, bytes]:
    """Return trust files with one more signature each.

    Raises:
        TrustError: the key could not sign.
    """
    return {seal.path: dsse.encode(_signed(seal.envelope, signer)) for seal in wanted}


def rotated(
    found: Chain, added: Mapping[str, PublicKey], removed: Sequence[str], threshold: int | None, now: datetime
) -> Root:
    """Return the next root.

    Args:
        found: root and policy in force.
        added: owner to key; one that is an owner already gets this key instead.
        removed: owners to take away.
        threshold: how many must sign; None leaves it.
        now: UTC; a root whose own date is over may be followed by one that says the same until later.

    Returns:
        The root, not yet signed.

    Raises:
        TrustError: somebody to remove is no owner.
        RefusedError: nothing would change, a key would have two owners, or nobody could satisfy it: too few owners, or one
            whose root key the policy does not know as theirs.
    """
    trust, root = found.trust(pinned=False), found.roots[-1]
    owners = {each.owner: key_of(each) for keyid, each in root.keys.items() if keyid in root.root[0]}
    for name in removed:
        if name not in owners:
            raise TrustError(f"{name} is no owner of the root", hint=SHOW)
    kept = {name: key for name, key in owners.items() if name not in removed}
    least = root.root[1] if threshold is None else threshold
    following = _root(root.version + 1, root.repository, {**kept, **added}, least)
    same = (following.keys, following.root, following.targets) == (root.keys, root.root, root.targets)
    if same and not over(root, now):
        raise RefusedError("the root would stay as it is", where=trusting.root_path(root.version), hint=SHOW)
    after = trusting.with_root(found.policy, following)
    for each in following.keys.values():
        if each.owner not in after.roles[ROOT_ROLE].members:
            new = "" if each.owner in trust.policy.principals else ' --name "FULL NAME" --email ADDRESS'
            message = f"the policy does not know this key as one of {each.owner}, so it could approve nothing"
            shown = "--proof FILE" if found.policy.proven_keys else "--key FILE.pub"
            hint = f"first: labelvc policy add {each.owner}{new} {shown}"
            raise RefusedError(message, where=key_of(each).fingerprint, hint=hint)
    governing.spare(trust, found.policy, following)
    return following


def over(root: Root, now: datetime) -> bool:
    """Tell whether the date is over that a root says of itself; labelvc goes on believing it, other readers of TUF do not."""
    return now.astimezone(UTC) > datetime.fromisoformat(root.expires)


def rotate(found: Chain, root: Root, signer: Signer, now: datetime) -> dict[str, bytes]:
    """Return the file of the next root with one signature, and that of the policy when the new root asks more people for it.

    Args:
        found: the trust files in force.
        root: see `rotated`.
        signer: the key of an owner, of the root in force or of the new one.
        now: UTC.

    Raises:
        RefusedError: the key is none of theirs.
        TrustError: the key could not sign.
    """
    path, key = trusting.root_path(root.version), signer.key.fingerprint
    envelope = trusting.seal(dsse.TUF, rootfile.encode(root, _expires(now)), signer)
    if not seals.of_root(path, envelope, root, found.roots[-1]).counts(key):
        message = f"the key {key} is none of the root's, before or after"
        raise RefusedError(message, where=signer.where, hint=SHOW)
    policy = seals.of_policy(POLICY, found.seals[-1].envelope, found.policy.version, root)
    return {path: dsse.encode(envelope), **(sign([policy], signer) if policy.draft and policy.wants(key) else {})}


def in_force(git: Git, pin: str | None) -> Trust | None:
    """Return the trust in force at HEAD: what enough people signed, one version after another; None when there is none yet.

    Args:
        git: where.
        pin: digest of root version 1, from outside the repository; None when there is none.
    """
    with tree.reader(git) as reader:
        past = (tree.commit(git, each, ("trust",)) for each in reversed(_commits(git, "trust", "--first-parent")))
        return trusting.newest(reader, past, lambda snapshot: trusting.load(reader, snapshot, pin))


def known(git: Git, policy: Policy) -> frozenset[str]:
    """Return the principals of a policy and of those before it in this history."""
    return frozenset(policy.principals).union(*(old.principals for old in _past(git)))


def ensure_theirs(git: Git, policy: Policy, principal: str, name: str) -> None:
    """Return when an id is nobody's, or was the same person's: what somebody signed years ago must not look like another's.

    Source: 21 CFR 11.100(a), a signature is not reassigned to anyone else.

    Args:
        git: where.
        policy: the policy before.
        principal: the id.
        name: the printed name that it is to have.

    Raises:
        RefusedError: somebody of another name had it in this history, and left.
    """
    if not name or principal in policy.principals:
        return
    held = next((old.principals[principal].name for old in _past(git) if principal in old.principals), name)
    if held != name:
        message = f"{principal} was {held}, who signed under this id; it is never given to somebody else"
        raise RefusedError(message, where=POLICY, hint=f'labelvc policy add {principal}-2 --name "{name}"')


def key_of(owned: RootKey) -> PublicKey:
    """Return the key of an owner."""
    return sshsig.read_public(owned.key)


def _past(git: Git) -> Iterator[Policy]:
    """Yield the policies of this history, newest first; nothing is verified."""
    for commit in _commits(git, POLICY):
        try:
            yield statement.decode_policy(dsse.decode(plumbing.show(git, commit, POLICY), dsse.IN_TOTO).payload)
        except (StoreError, DataError):  # it was taken away here, or is none
            continue


def _in_force(git: Git) -> int:
    """Return the version of the newest policy of this history that enough people signed; 0 when there is none."""
    with tree.reader(git) as reader:
        for commit in _commits(git, "trust"):
            try:
                return trusting.load(reader, tree.commit(git, commit, ("trust",))).policy.version
            except TrustError:
                continue
    return 0


def _commits(git: Git, path: str, how: str = "--full-history") -> list[str]:
    """Return the commits of this history that changed a path, newest first."""
    try:
        return plumbing.run(git, "rev-list", how, "HEAD", "--", path).decode().split()
    except StoreError:  # no commit yet
        return []


def _signed(envelope: Envelope, signer: Signer) -> Envelope:
    """Return an envelope with one more signature; another one by the same key falls away."""
    (made,) = trusting.seal(envelope.payload_type, envelope.payload, signer).signatures
    kept = (each for each in envelope.signatures if each.keyid != made.keyid)
    return envelope._replace(signatures=(*kept, made))


def _root(version: int, repository: str, owners: Mapping[str, PublicKey], threshold: int) -> Root:
    """Return a root whose owners sign both the next root and policies."""
    keys = {key.fingerprint: RootKey(str(key), name) for name, key in owners.items()}
    for name in owners:
        governing.ensure_id(name)
    if len(keys) < len(owners):
        raise RefusedError("two owners have one key; a threshold counts people", hint="each makes a key of their own")
    if not 1 <= threshold <= len(keys):
        message = f"the root would have {len(keys)} owner{'s'[: len(keys) != 1]}, so {threshold} of them can never sign"
        raise RefusedError(message, hint=f"--threshold {max(1, min(threshold, len(keys)))}, or more owners")
    once = (tuple(keys), threshold)
    return Root(version, repository, keys, once, once, Digest(""))


def _expires(now: datetime) -> str:
    return (now + _TEN_YEARS).strftime("%Y-%m-%dT%H:%M:%SZ")


def _first_policy(project_id: str, people: dict[str, Principal]) -> Policy:
    """Return the policy a project starts with; what it does not name inside the protected places is denied."""
    review = Need("reviewer", 1, ("author", "annotators"))
    lead = Need("lead", 1, ("author",))
    rules = (
        Rule("labels and items", ("labels", "items"), (review,)),
        Rule("documents", ("guidelines", "taxonomies", "datasets", "project", "registers", "privacy"), (lead,)),
        Rule("controls", ("controls",), (Need(ROOT_ROLE, 1),)),
    )
    roles = {"lead": Role(tuple(people)), "reviewer": Role(tuple(people))}
    return Policy(1, None, project_id, people, roles, rules)
