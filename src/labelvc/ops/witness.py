"""Witnesses: people with clones of their own who sign that they saw a release, and what of their statements holds."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec

from labelvc import __version__
from labelvc.codec import dsse, note, rawsig, sshsig, statement
from labelvc.codec.note import Cosigner
from labelvc.core import release as rules
from labelvc.errors import DataError, RefusedError, TrustError
from labelvc.model import witness as model
from labelvc.model.approval import Envelope
from labelvc.model.approval import Signer as Signatory
from labelvc.model.names import Digest
from labelvc.model.policy import Policy
from labelvc.model.release import FOLDER, Previous, Release, Version
from labelvc.model.witness import Counted, Witness
from labelvc.ops import people
from labelvc.ops import trust as trusting
from labelvc.ops.manifest import Touched
from labelvc.store import disk, tree
from labelvc.store.git import Git
from labelvc.store.keys import Signer
from labelvc.store.reader import Reader

_PLACE = re.compile(rf"{FOLDER}/({statement.VERSION.pattern})\.witness\.({statement.PRINCIPAL.pattern})\.json")
_MEMORY = "witness"
_COMPARE = "labelvc release compare CLONE, with a clone of somebody who saw that release"


class Link(NamedTuple):
    """A release in a chain: what a witness's statement on it must say."""

    release: Release
    digest: Digest


class Filed(NamedTuple):
    """A statement in `releases/`, as it was added.

    Attributes:
        path: its file.
        version: of its file's name.
        present: whether it is there now, as it was added.
        said: what it says; None when its signature, signer or name does not hold.
        problem: why it does not; empty when it does.
        silent: why it is no word of a witness any more: its signer is distrusted; the release stands without it.
    """

    path: str
    version: Version
    present: bool
    said: Witness | None
    problem: str = ""
    silent: str = ""


def path_of(version: Version, principal: str) -> str:
    """Return the path of a witness's statement on a release."""
    return f"{FOLDER}/{version}.witness.{principal}.json"


def opened(data: bytes) -> tuple[Envelope, Witness]:
    """Read a statement; no signature is verified.

    Raises:
        DataError: it is anything but the statement of a witness in its one spelling.
    """
    envelope = dsse.decode(data, dsse.IN_TOTO)
    return envelope, statement.decode_witness(envelope.payload)


def judge(envelope: Envelope, said: Witness, policy: Policy | None) -> None:
    """Return when a statement is signed by the principal it names, with one of their keys, for this repository.

    Raises:
        TrustError: it is not.
    """
    if policy is None:
        raise TrustError("no policy was in force before it")
    person = policy.principals.get(said.signer.principal)
    if person is None:
        raise TrustError(f"{said.signer.principal} is no principal of the policy in force")
    if person.name != said.signer.printed_name:
        raise TrustError(f"the printed name is not the one the policy has for {said.signer.principal}")
    if said.repository != policy.repository:
        raise TrustError("it was made for another repository")
    if len(envelope.signatures) != 1:
        raise TrustError("a witness signs alone: each writes a file")
    (signature,) = envelope.signatures
    key = next((key for line in person.keys if (key := sshsig.read_public(line)).fingerprint == signature.keyid), None)
    if key is None:
        raise TrustError(
            f"the key {signature.keyid[:60]} does not belong to {said.signer.principal} in the policy in force"
        )
    sshsig.verify(signature.sig, dsse.pae(envelope.payload_type, envelope.payload), model.NAMESPACE, key)


def flaws(said: Witness, chain: Sequence[Link]) -> Iterator[str]:
    """Yield what a statement says otherwise than a chain of releases.

    Args:
        said: the statement.
        chain: the releases, by sequence.
    """
    link = chain[said.sequence - 1] if said.sequence <= len(chain) else None
    if link is None:
        yield f"it is about release {said.version}, number {said.sequence} of them, and here are {len(chain)}"
        return
    release = link.release
    if (said.root, said.version) != (link.digest, release.version):
        here = f"{release.version} {link.digest}"
        yield f"it is about {said.version} {said.root} where release number {said.sequence} here is {here}"
    elif said.approvals != Counted(release.approvals.size, release.approvals.root):
        yield "it counted other approvals than the release"
    if said.since is not None and not any(_is(said.since, before) for before in chain[: said.sequence - 1]):
        yield f"the release {said.since.version} that its signer saw before is not in this history"
    if said.signer.principal == release.signer.principal:
        yield f"{said.signer.principal} signed the release, and cannot be its witness"


def filed(
    git: Git, reader: Reader, commit: str, rows: Sequence[Touched], policy_before: Callable[[str], Policy | None]
) -> list[Filed]:
    """Return the witnesses' statements of a history with what is wrong with each by itself.

    Args:
        git: the repository.
        reader: reads files.
        commit: full id of the commit.
        rows: what that commit and its history did to the files of releases.
        policy_before: returns the policy in force before a commit; raises TrustError when it does not verify.

    Returns:
        One for each content that a file had.
    """
    rows = [row for row in rows if _PLACE.fullmatch(row.path)]
    now = tree.commit(git, commit, (FOLDER,)).entries if rows else {}
    found: dict[tuple[str, str], Filed] = {}
    for row in rows:
        entry = tree.commit(git, row.commit, (FOLDER,)).entries[row.path]
        present = row.path in now and now[row.path].id == entry.id
        data = reader.read(row.path, entry)
        found[row.path, entry.id] = _filed(row.path, data, policy_before, row.commit, present=present)
    return [found[name] for name in sorted(found)]


def _filed(
    path: str, data: bytes, policy_before: Callable[[str], Policy | None], commit: str, *, present: bool
) -> Filed:
    name, _, who = path.removeprefix(f"{FOLDER}/").removesuffix(".json").partition(".witness.")
    version = rules.version(name)
    try:
        envelope, said = opened(data)
        policy = policy_before(commit)
        judge(envelope, said, policy)
    except (DataError, TrustError) as error:
        return Filed(path, version, present, None, error.message)
    if (said.version, said.signer.principal) != (name, who):
        return Filed(path, version, present, None, "the file is not named after its release and signer")
    return Filed(path, version, present, said, silent=_silent(envelope, said, policy))


def _silent(envelope: Envelope, said: Witness, policy: Policy | None) -> str:
    """Return why a witness is not believed any more; empty when they are."""
    entry = policy.distrusts(said.signer.principal, envelope.signatures[0].keyid) if policy else None
    return str(entry) if entry else ""


def plan(
    chain: Sequence[Link], wanted: Version | None, before: Collection[Witness], principal: str, policy: Policy
) -> Witness:
    """Return what a witness would sign of a release; the time is not in it yet.

    Args:
        chain: all releases, proved.
        wanted: which one; None: the last.
        before: what the witness signed earlier.
        principal: the witness.
        policy: the policy in force.

    Raises:
        DataError: there is no such release.
        RefusedError: they signed the release itself, or something that this history does not hold.
    """
    for said in sorted(before, key=lambda said: said.sequence):
        for flaw in flaws(said, chain):
            message = f"this is not the history that {principal} witnessed: {flaw}"
            raise RefusedError(message, where=f"{FOLDER}/{said.version}.json", hint=_COMPARE)
    link = next((link for link in reversed(chain) if wanted is None or link.release.version == str(wanted)), None)
    if link is None:
        message = f"there is no release {wanted}" if wanted else "nothing was released yet"
        raise DataError(message, where=f"{FOLDER}/", hint="labelvc release list")
    release, digest = link
    if release.signer.principal == principal:
        message = f"{principal} signed release {release.version}, and cannot be its witness"
        raise RefusedError(
            message, where=path_of(rules.version(release.version), principal), hint="--key of somebody else"
        )
    last = max(
        (said for said in before if said.sequence < release.sequence), key=lambda said: said.sequence, default=None
    )
    return Witness(
        root=digest,
        version=release.version,
        sequence=release.sequence,
        repository=release.repository,
        approvals=Counted(release.approvals.size, release.approvals.root),
        signer=Signatory(principal, policy.principals[principal].name),
        signed_at="",
        tool=f"labelvc {__version__}",
        since=Previous(last.version, last.root.removeprefix("sha256:")) if last else None,
    )


def demand_new(git: Git, path: str) -> None:
    """Return when there is no statement at a path yet.

    Raises:
        RefusedError: there is one; a statement that held must stay as it is.
    """
    if (git.top / path).exists():
        raise RefusedError("the release has this witness already", where=path, hint="labelvc release verify")


def policy_at_head(git: Git, pin: str | None) -> Policy:
    """Return the policy in force at HEAD.

    Raises:
        TrustError: there is none, or it does not verify.
    """
    with tree.reader(git) as reader:
        return trusting.load(reader, tree.commit(git, "HEAD", ("trust",)), pin).policy


def speaker(policy: Policy, signer: Signer) -> str:
    """Return who a key belongs to.

    Raises:
        TrustError: the key belongs to nobody the policy knows.
    """
    who = people.owner_of(policy, signer.key)
    if who is None:
        message = "the key belongs to no principal of the policy in force"
        raise TrustError(message, where=signer.key.fingerprint, hint="labelvc key list")
    if silent := policy.distrusts(who, signer.key.fingerprint):
        raise RefusedError(str(silent), where=signer.key.fingerprint, hint="labelvc policy show")
    return who


def signed(said: Witness, signer: Signer, policy: Policy, now: datetime) -> bytes:
    """Sign a statement.

    Args:
        said: the statement.
        signer: the witness's key.
        policy: the policy in force.
        now: with the person's offset from UTC.

    Returns:
        Its file.

    Raises:
        TrustError: the key could not sign, or what it made would not be accepted.
    """
    offset = now.utcoffset() or timedelta()
    dated = _dated(said, now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), int(offset.total_seconds() // 60))
    envelope = trusting.seal(dsse.IN_TOTO, statement.encode_witness(dated), signer, model.NAMESPACE)
    data = dsse.encode(envelope)
    judge(*opened(data), policy)
    return data


def cosigner(signer: Signer) -> Cosigner:
    """Return whom a key stands for in a note.

    Raises:
        TrustError: it is no Ed25519 key that makes raw signatures.
    """
    who = note.cosigner(signer.key)
    if who is None or signer.sign_raw is None:
        message = "a cosignature is made with an Ed25519 key of a file or of ssh-agent, not with this one"
        raise TrustError(message, where=signer.key.fingerprint, hint="leave out --cosign, or pass --key of such a key")
    return who


def cosigned(said: Witness, signer: Signer, now: datetime) -> str:
    """Return a note that any reader of C2SP's transparency logs verifies: the log of approvals, as the witness found it.

    Args:
        said: what they witness.
        signer: their key.
        now: the moment they claim.

    Raises:
        TrustError: the key makes no such signature.
    """
    who, moment = cosigner(signer), int(now.timestamp())
    text = note.checkpoint(f"labelvc/{said.repository}/approvals", said.approvals.size, said.approvals.root)
    made = signer.sign_raw(note.to_sign(text, moment)) if signer.sign_raw else b""
    rawsig.verify(signer.key, note.to_sign(text, moment), made)
    return note.note(text, who, moment, made)


def remembered(git: Git, principal: str) -> list[Witness]:
    """Return what this clone remembers that a witness signed last: one statement or none.

    Raises:
        DataError: what is remembered is no statement.
    """
    path = _memory(git, principal)
    return [read(path)] if path.exists() else []


def read(path: Path, policy: Policy | None = None) -> Witness:
    """Read a statement outside the repository.

    Args:
        path: its file.
        policy: whose principals may have signed it; None: it is the reader's own, and a key that was theirs then may be gone.

    Raises:
        DataError: it is none.
        TrustError: its signature is not good, or of nobody the policy knows.
    """
    try:
        envelope, said = opened(path.read_bytes())
        if policy is not None:
            judge(envelope, said, policy)
    except DataError as error:
        raise DataError(error.message, where=str(path), hint="name a file that labelvc release witness wrote") from None
    except TrustError as error:
        raise TrustError(error.message, where=str(path), hint="labelvc key list") from None
    if silent := _silent(envelope, said, policy):
        raise TrustError(silent, where=str(path), hint="labelvc policy show")
    return said


def remember(git: Git, principal: str, data: bytes, known: Collection[Witness]) -> None:
    """Remember in this clone what a witness signed, unless they signed a later release before.

    Raises:
        StoreError: the disk is full, read-only or not ours.
    """
    if opened(data)[1].sequence >= max((said.sequence for said in known), default=0):
        disk.replace(_memory(git, principal), data)


def _memory(git: Git, principal: str) -> Path:
    return disk.private_folder(git, _MEMORY) / f"{principal}.json"


def _is(since: Previous, link: Link) -> bool:
    return (since.version, f"sha256:{since.sha256}") == (link.release.version, link.digest)


def _dated(said: Witness, at: str, offset: int) -> Witness:
    return msgspec.structs.replace(said, signed_at=at, tz_offset_minutes=offset)
