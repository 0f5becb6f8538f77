"""The signed statements: in-toto Statement v1 for approvals, re-keys, policies, releases and their witnesses.

A statement is accepted only when its bytes are those this module writes for the same content: no duplicate, missing,
unknown or differently cased member, no escape or number in another spelling can then mean something else elsewhere.
Source: in-toto/attestation `spec/v1/statement.md` and `digest_set.md`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

import msgspec

from labelvc.codec import canonical, moment, plain, possession, sshsig
from labelvc.errors import DataError, TrustError
from labelvc.model import approval, policy, release, witness
from labelvc.model.approval import Approval, Rekeying
from labelvc.model.names import Digest
from labelvc.model.policy import Distrust, Policy
from labelvc.model.release import Release
from labelvc.model.secret import ALPHABET
from labelvc.model.witness import Witness

TYPE = plain.TYPE
CHANGE_SET = plain.CHANGE_SET
DOCUMENT = "labelvc:document"
STATE = "labelvc:state"
RELEASE = "labelvc:release"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
PRINCIPAL = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
"""What the id of a principal looks like."""
VERSION = re.compile(r"(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})")
"""What the version of a release looks like: Semantic Versioning 2.0.0 without a suffix."""
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
_EPOCH = re.compile(f"[{ALPHABET}]{{1,2}}")
_REKEY = f'"predicateType":"{approval.REKEY}"'.encode()
_NONCE = re.compile(r"[0-9a-f]{32}")
_Said = TypeVar("_Said", bound=msgspec.Struct)


def encode_approval(value: Approval) -> bytes:
    """Return the payload of an approval, or of a statement on a re-key, which is one that says more.

    Raises:
        DataError: text that is not NFC, or that holds control or direction characters.
    """
    return about(approval.REKEY if isinstance(value, Rekeying) else approval.PREDICATE, CHANGE_SET, value)


def decode_approval(payload: bytes) -> Approval:
    """Read the payload of an approval.

    Args:
        payload: the bytes that were verified.

    Returns:
        The decision; a `Rekeying` of a statement on a re-key.

    Raises:
        DataError: it is anything but the exact bytes of one of the two.
    """
    kind, sort = (approval.REKEY, Rekeying) if _REKEY in payload else (approval.PREDICATE, Approval)
    value = plain.approval(payload) or _read(payload, kind, CHANGE_SET, sort, "the approval")
    good = (
        PRINCIPAL.fullmatch(value.signer.principal)
        and moment.is_instant(value.signed_at)
        and _NONCE.fullmatch(value.nonce)
        and all(map(_DIGEST.fullmatch, value.supersedes))
        and all([_SHA256.fullmatch(each.sha256) for each in value.materials])
        and all(map(PRINCIPAL.fullmatch, value.authors))
        and min(value.scope.added, value.scope.changed, value.scope.removed) >= 0
        and (value.reason or (value.decision == "approve" and value.meaning != "emergency"))
        and (not value.expires_at or _ends(value))
        and (not isinstance(value, Rekeying) or _is_rekeying(value))
    )
    if not good:
        raise DataError("the approval is not well formed: a name, digest, time, count or reason is not as it must be")
    return value


def _ends(value: Approval) -> bool:
    """Tell whether what expires is a yes, and one that was good when it was signed; a no that is over would let things in."""
    good = value.decision == "approve" and not isinstance(value, Rekeying) and moment.is_instant(value.expires_at)
    return good and value.expires_at > value.signed_at


def _is_rekeying(value: Rekeying) -> bool:
    digests = (value.mapping.sha256, value.states.before, value.states.after)
    letters = (*value.epochs.before, value.epochs.after)
    return (
        (value.decision, value.meaning, value.supersedes, value.materials, value.reference)
        == ("approve", "verification", (), (), "")
        and all(_SHA256.fullmatch(each) for each in digests)
        and all(_EPOCH.fullmatch(each) for each in letters)
        and value.mapping.tokens > 0 < len(value.epochs.before)
    )


def encode_policy(value: Policy) -> bytes:
    """Return the payload of a policy; its subject is the SHA-256 of the canonical predicate."""
    predicate = msgspec.to_builtins(value)
    return _statement(policy.PREDICATE, DOCUMENT, canonical.digest(canonical.encode(predicate)), predicate)


def decode_policy(payload: bytes) -> Policy:
    """Read the payload of a policy.

    Raises:
        DataError: it is anything but the exact bytes of one policy, or the policy contradicts itself (`flaws`).
    """
    predicate, digest = opened(payload, policy.PREDICATE, DOCUMENT)
    if canonical.digest(canonical.encode(predicate)) != digest:
        raise DataError("the policy is not the document its statement is about")
    try:
        value = msgspec.convert(predicate, Policy)
    except msgspec.ValidationError as error:
        raise DataError(f"the policy is not well formed: {error}") from None
    if encode_policy(value) != payload:
        raise DataError("the policy is not spelled canonically")
    for flaw in flaws(value):
        raise DataError(flaw)
    return value


def flaws(value: Policy) -> Iterator[str]:
    """Yield what makes a policy unusable: one thing that belongs to two principals, or a name that nothing stands behind."""
    if value.version < 1 or (value.version == 1) != (value.previous is None):
        yield "the version of a policy counts from 1, and every version but the first names the one before"
    if value.previous is not None and not _DIGEST.fullmatch(value.previous):
        yield "the digest of the policy before is not sha256:<hex>"
    if not all(map(_DIGEST.fullmatch, value.earlier)) or len(value.earlier) > min(
        policy.EARLIER, max(0, value.version - 2)
    ):
        yield f"the policies before are named by sha256:<hex>, at most {policy.EARLIER} of them and no more than there can be"
    if policy.ROOT_ROLE in value.roles:
        yield "the role root comes from the root keys; a policy cannot fill it"
    yield from _flaws_of_people(value)
    yield from _flaws_of_proofs(value)
    for name, role in value.roles.items():
        if strangers := sorted(set(role.members) - set(value.principals)):
            yield f"the role {name} names {strangers[0]}, who is no principal"
        if len(set(role.members)) != len(role.members):
            yield f"the role {name} names somebody twice"
        for other in role.incompatible:
            both = set(role.members) & set(value.roles[other].members) if other in value.roles else set()
            if both:
                yield f"{min(both)} holds {name} and {other}, which exclude each other"
    for rule in value.rules:
        if not rule.kinds or not rule.needs:
            yield f"the rule {rule.name!r} has no kinds or no needs"
        for need in (*rule.needs, *([rule.emergency] if rule.emergency else ())):
            if need.count < 1 or (need.role != policy.ROOT_ROLE and need.role not in value.roles):
                yield f"the rule {rule.name!r} asks for {need.count} of the role {need.role}, which cannot be"
            if need.max_age is not None and need.max_age < 1:
                yield f"the rule {rule.name!r} asks for a yes that is no older than {need.max_age} seconds, which none can be"
        if rule.ratify_within is not None and (rule.emergency is None or rule.ratify_within < 1):
            yield f"the rule {rule.name!r} asks that an emergency is ratified within {rule.ratify_within} seconds, which cannot be"
    yield from _flaws_of_distrust(value.distrusted)


def encode_release(value: Release) -> bytes:
    """Return the payload of a release.

    Raises:
        DataError: text that is not NFC, or that holds control or direction characters.
    """
    return about(release.PREDICATE, STATE, value)


def decode_release(payload: bytes) -> Release:
    """Read the payload of a release.

    Args:
        payload: the bytes that were verified.

    Returns:
        What it says.

    Raises:
        DataError: it is anything but the exact bytes of one release.
    """
    value = _read(payload, release.PREDICATE, STATE, Release, "the release")
    for flaw in _flaws_of_release(value):
        raise DataError(f"the release is not well formed: {flaw}")
    return value


def encode_witness(value: Witness) -> bytes:
    """Return the payload of a witness's statement.

    Raises:
        DataError: text that is not NFC, or that holds control or direction characters.
    """
    return about(witness.PREDICATE, RELEASE, value)


def decode_witness(payload: bytes) -> Witness:
    """Read the payload of a witness's statement.

    Raises:
        DataError: it is anything but the exact bytes of one.
    """
    value = _read(payload, witness.PREDICATE, RELEASE, Witness, "the statement of the witness")
    since = value.since
    good = (
        VERSION.fullmatch(value.version)
        and value.sequence >= 1
        and value.approvals.size >= 0
        and _SHA256.fullmatch(value.approvals.root)
        and PRINCIPAL.fullmatch(value.signer.principal)
        and moment.is_instant(value.signed_at)
        and (since is None or (VERSION.fullmatch(since.version) and _SHA256.fullmatch(since.sha256)))
    )
    if not good:
        raise DataError(
            "the statement of the witness is not well formed: a name, digest, time or number is not as it must be"
        )
    return value


def _flaws_of_release(value: Release) -> Iterator[str]:
    before, log = value.previous, value.approvals
    if not all(VERSION.fullmatch(one) for one in (value.version, before.version if before else value.version)):
        yield "a version is not three numbers"
    if value.sequence < 1 or (value.sequence == 1) != (before is None):
        yield "releases count from 1, and every one but the first names the one before"
    if not PRINCIPAL.fullmatch(value.signer.principal) or not moment.is_instant(value.signed_at):
        yield "its signer or time is not as it must be"
    digests = [value.policy.sha256, log.root, *log.consistency, *(one.sha256 for one in value.documents)]
    digests += [each.root for one in value.datasets for each in (one, one.salted) if each]
    if not all(map(_SHA256.fullmatch, [*digests, before.sha256 if before else log.root])):
        yield "a digest is not SHA-256 in lower-case hexadecimal"
    numbers = [number for one in value.datasets for number in (one.shards, one.items, one.records, one.tombstones)]
    if min(log.size, *numbers, 0) < 0:
        yield "a count is less than nothing"
    for names in ([one.name for one in value.datasets], [one.path for one in value.documents]):
        if names != sorted(set(names)):
            yield "its datasets or documents are not in order, or one stands there twice"


def _flaws_of_people(value: Policy) -> Iterator[str]:
    for name, person in value.principals.items():
        if not PRINCIPAL.fullmatch(name):
            yield f"{name!r} is no principal's id: lower-case letters, digits, dot, dash, underscore"
        for line in person.keys:
            try:
                key = sshsig.read_public(line)
            except TrustError as error:
                yield f"a key of {name} cannot be used: {error.message}"
            else:
                if str(key) != line:
                    yield f"a key of {name} is not spelled as type and base64 alone"
    for noun, pairs in (
        ("key", ((line, name) for name, each in value.principals.items() for line in each.keys)),
        ("address", ((line.casefold(), name) for name, each in value.principals.items() for line in each.emails)),
        ("pseudonym", ((line, name) for name, each in value.principals.items() for line in each.pseudonyms)),
    ):
        if owners := _shared(pairs):
            yield f"one {noun} belongs to {owners[0]} and {owners[1]}; it stands for one principal"


def _flaws_of_proofs(value: Policy) -> Iterator[str]:
    for name, person in value.principals.items():
        try:
            proved = possession.lines(person.proofs, value.repository, name)
        except TrustError as error:
            yield f"a proof that {name} holds a key is not good: {error.message}"
            continue
        if proved - {*person.keys} or len(proved) != len(person.proofs):
            yield f"{name} has a proof of a key that is not theirs here, or two of one"
        if value.proven_keys and (bare := sorted({*person.keys} - proved)):
            yield f"nothing proves that {name} holds {sshsig.read_public(bare[0]).fingerprint}, and the policy asks for it"


def _flaws_of_distrust(entries: Sequence[Distrust]) -> Iterator[str]:
    for entry in entries:
        if not PRINCIPAL.fullmatch(entry.principal) or not entry.reason.strip():
            yield "somebody is distrusted without an id or a reason"
        if not _COMMIT.fullmatch(entry.since) or not (not entry.key or _FINGERPRINT.fullmatch(entry.key)):
            yield f"{entry.principal} is distrusted from something that is no full commit id, or with no key's fingerprint"
    if len({(entry.principal, entry.key) for entry in entries}) != len(entries):
        yield "one principal and key are distrusted twice"


def _shared(pairs: Iterable[tuple[str, str]]) -> tuple[str, str] | None:
    seen: dict[str, str] = {}
    for thing, owner in pairs:
        if thing in seen:
            return seen[thing], owner
        seen[thing] = owner
    return None


def about(predicate_type: str, name: str, value: msgspec.Struct) -> bytes:
    """Return a statement about what a value calls its root; the other members are the predicate."""
    predicate = msgspec.to_builtins(value)
    return _statement(predicate_type, name, predicate.pop("root"), predicate)


def _statement(predicate_type: str, name: str, digest: str, predicate: dict[str, Any]) -> bytes:
    subject = [{"digest": {"sha256": digest.removeprefix("sha256:")}, "name": name}]
    raw = canonical.encode({"_type": TYPE, "predicate": predicate, "predicateType": predicate_type, "subject": subject})
    if not plain.is_printed(raw):
        _readable(predicate)
    return raw


def _read(payload: bytes, predicate_type: str, name: str, kind: type[_Said], what: str) -> _Said:
    """Read a statement that `about` wrote, and only that."""
    predicate, digest = opened(payload, predicate_type, name)
    try:
        value = msgspec.convert({**predicate, "root": digest}, kind)
    except msgspec.ValidationError as error:
        raise DataError(f"{what} is not well formed: {error}") from None
    if about(predicate_type, name, value) != payload:
        raise DataError(f"{what} is not spelled canonically")
    return value


def opened(payload: bytes, predicate_type: str, name: str) -> tuple[dict[str, Any], Digest]:
    """Return the predicate of a statement and the digest of its one subject, which has a name; raises DataError."""
    value = canonical.decode(payload)
    if not isinstance(value, dict) or sorted(value) != ["_type", "predicate", "predicateType", "subject"]:
        raise DataError("a statement has the members _type, subject, predicateType and predicate, and no other")
    if value["_type"] != TYPE or value["predicateType"] != predicate_type:
        raise DataError(_other(value["predicateType"], predicate_type))
    subject = value["subject"]
    if not isinstance(subject, list) or len(subject) != 1:
        raise DataError("a statement is about exactly one subject")
    digest = subject[0].get("digest") if isinstance(subject[0], dict) else None
    hexadecimal = digest.get("sha256") if isinstance(digest, dict) else None
    if not isinstance(hexadecimal, str) or not _SHA256.fullmatch(hexadecimal):
        raise DataError("the subject has no SHA-256 digest in lower-case hexadecimal")
    if subject[0] != {"digest": {"sha256": hexadecimal}, "name": name}:
        raise DataError(f"the subject is not {name} with its SHA-256 and nothing else")
    if not isinstance(value["predicate"], dict) or "root" in value["predicate"]:
        raise DataError("the predicate is not well formed")
    return value["predicate"], Digest(f"sha256:{hexadecimal}")


def _other(found: Any, wanted: str) -> str:
    """Say what a statement is not; one of another version of labelvc says its version."""
    if isinstance(found, str) and re.fullmatch(rf"{re.escape(wanted.rpartition(':')[0])}:[1-9][0-9]{{0,3}}", found):
        return f"a statement of type {found}, which another version of labelvc made; this one reads {wanted}"
    return f"not a statement of type {wanted}"


_PLAIN = "write it in plain letters, be it a name, a reason or a file: what is signed must be what is seen"
_LONGEST = 80


def _readable(value: Any) -> None:
    """Refuse text that could be shown as something else than it is: what is seen is what is signed."""
    if isinstance(value, str):
        if not value.isascii() and unicodedata.normalize("NFC", value) != value:
            raise DataError(f"text in a statement is not in Unicode form NFC: {value[:_LONGEST]!a}", hint=_PLAIN)
        if not value.isprintable() and {"Cc", "Cf", "Zl", "Zp"}.intersection(map(unicodedata.category, value)):
            raise DataError(
                f"text in a statement holds control or direction characters: {value[:_LONGEST]!a}", hint=_PLAIN
            )
    elif isinstance(value, dict):
        for inside in (*value, *value.values()):
            _readable(inside)
    elif isinstance(value, list | tuple):
        for member in value:
            _readable(member)
