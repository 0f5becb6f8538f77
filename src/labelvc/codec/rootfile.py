"""The root of trust as it is signed: TUF root metadata, accepted only when its bytes are those this module writes.

Source: TUF specification 1.0 section 4.3.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from labelvc.codec import canonical, moment, sshsig
from labelvc.codec.statement import PRINCIPAL
from labelvc.errors import DataError
from labelvc.model import approval
from labelvc.model.policy import Root, RootKey

_SPELLING = "the root is not spelled canonically, or holds something that is not part of a root"
_SPEC_VERSION = "1.0.34"
_SCHEME = f"sshsig:{approval.TRUST_NAMESPACE}"
_OWNER = "x-labelvc-principal"
_REPOSITORY = "x-labelvc-repository"


def encode(value: Root, expires: str) -> bytes:
    """Return the payload of a root: TUF root metadata, whose other two roles repeat the targets keys as TUF demands four.

    Args:
        value: the root; its digest is not used.
        expires: RFC 3339 UTC.

    Returns:
        Canonical JSON.
    """
    keys = {
        keyid: {"keytype": "ssh", "keyval": {"public": each.key}, "scheme": _SCHEME, _OWNER: each.owner}
        for keyid, each in value.keys.items()
    }
    root, targets = ({"keyids": list(keyids), "threshold": count} for keyids, count in (value.root, value.targets))
    roles = {"root": root, "snapshot": targets, "targets": targets, "timestamp": targets}
    head = {"_type": "root", "consistent_snapshot": True, "expires": expires, "spec_version": _SPEC_VERSION}
    return canonical.encode(
        {**head, "keys": keys, "roles": roles, "version": value.version, _REPOSITORY: value.repository}
    )


def decode(payload: bytes) -> Root:
    """Read the payload of a root.

    Raises:
        DataError: it is anything but the exact bytes of one root, a key is named by another fingerprint than its own,
            two keys have one owner (a threshold counts people), or a threshold cannot be met.
        TrustError: a key cannot be used.
    """
    value = canonical.decode(payload)
    try:
        found = _root_of(value, payload)
        good = moment.is_instant(found.expires) and encode(found, found.expires) == payload
        flaws = list(_flaws_of_root(found)) if good else [_SPELLING]
    except (KeyError, TypeError, AttributeError, ValueError):
        raise DataError("the root is not well formed") from None
    for flaw in flaws:
        raise DataError(flaw)
    return found


def _root_of(value: Any, payload: bytes) -> Root:
    keys = {keyid: RootKey(each["keyval"]["public"], each[_OWNER]) for keyid, each in value["keys"].items()}
    root, targets = (
        (tuple(each["keyids"]), each["threshold"]) for each in map(value["roles"].get, ("root", "targets"))
    )
    digest, expires = canonical.digest(payload), value["expires"]
    return Root(value["version"], value[_REPOSITORY], keys, root, targets, digest, expires)


def _flaws_of_root(found: Root) -> Iterator[str]:
    if not isinstance(found.version, int) or found.version < 1 or not isinstance(found.repository, str):
        yield "the root has no version or repository"
    for keyid, each in found.keys.items():
        if sshsig.read_public(each.key).fingerprint != keyid:
            yield f"the root names a key {keyid} that has another fingerprint"
    if len({each.owner for each in found.keys.values()}) != len(found.keys):
        yield "two root keys have one owner; a threshold counts people"
    if not all(isinstance(each.owner, str) and PRINCIPAL.fullmatch(each.owner) for each in found.keys.values()):
        yield "an owner of a root key is no principal's id"
    for keyids, threshold in (found.root, found.targets):
        if len(set(keyids)) != len(keyids) or not set(keyids) <= set(found.keys):
            yield "a role of the root names a key twice or a key it does not have"
        if type(threshold) is not int or not 1 <= threshold <= len(keyids):
            yield "a threshold of the root cannot be met"
