"""Sealing: a decision signed and put in its file, beside the list of what it is about."""

from __future__ import annotations

from collections.abc import Callable

from labelvc.codec import dsse, rawsig, sshsig, statement
from labelvc.core import changeset
from labelvc.errors import RefusedError, TrustError
from labelvc.model.approval import NAMESPACE, Approval, Signature
from labelvc.ops import approvals
from labelvc.ops import trust as trusting
from labelvc.ops.approvals import Opened
from labelvc.ops.approve import Change
from labelvc.store.keys import Signer


def seal(change: Change, approval: Approval, signer: Signer, *, also_raw: bool = False) -> dict[str, bytes]:
    """Sign a decision.

    Args:
        change: what it is about.
        approval: the decision, as shown.
        signer: whose key.
        also_raw: put a raw signature behind, for programs that know no SSHSIG.

    Returns:
        Path to bytes: the statement and, where it is kept, the change-set.

    Raises:
        TrustError: the key could not sign, or what it made would not be accepted.
        RefusedError: the policy asks for a touch or a PIN of a security key, and the signature proves none.
    """
    envelope = trusting.seal(dsse.IN_TOTO, statement.encode_approval(approval), signer, NAMESPACE)
    if also_raw:
        made = _signs_raw(signer)(dsse.pae(envelope.payload_type, envelope.payload))
        envelope = envelope._replace(signatures=(*envelope.signatures, Signature(rawsig.keyid(signer.key), made)))
    path = approvals.path_of(approval.root, approval.signer.principal, envelope.digest)
    data = dsse.encode(envelope)
    found = approvals.opened(data, change.trust)
    approvals.judge(path, approval.root, found, change.trust)
    _present(change, found)
    if approval.scope.binding == "whole":
        return {path: data}
    listing = changeset.write(change.found.lines)
    return {f"{approvals.folder_of(approval.root)}/{approvals.CHANGE_SET}": listing, path: data}


def _signs_raw(signer: Signer) -> Callable[[bytes], bytes]:
    """Return what makes a raw signature with a key, or refuse."""
    if signer.sign_raw is not None:
        return signer.sign_raw
    if sshsig.is_security_key(signer.key):
        message, hint = "a security key makes no raw signatures: it signs its counter as well", "leave out --also-raw"
    else:
        message = "only an Ed25519 key file in OpenSSH's format and ssh-agent make raw signatures"
        hint = "ssh-add FILE, then pass --key FILE.pub; or leave out --also-raw"
    raise TrustError(message, where=signer.where, hint=hint)


def _present(change: Change, found: Opened) -> None:
    """Return when a yes would count for some need of its role, by what its signature proves of the person."""
    approval, presence = found.approval, found.presence
    asked = [need.presence for need in change.asked(approval.meaning) if need.role == approval.role]
    if approval.decision == "approve" and asked and not any(presence.proves(each) for each in asked):
        proof = "a touched security key" if not presence.touch else "a security key that asks for a PIN or fingerprint"
        option = "" if not presence.touch else " -O verify-required"
        message = f"the policy asks the role {approval.role} to sign with {proof}; nothing was written"
        hint = f"pass --key FILE of such a key of yours; a new one is made by: ssh-keygen -t ed25519-sk{option}"
        raise RefusedError(message, where=found.envelope.signatures[0].keyid, hint=hint)
