"""Articles of a policy: its rules, its roles and whom it distrusts; each edit returns the policy with the same version."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace

from labelvc.codec import statement
from labelvc.errors import RefusedError, TrustError
from labelvc.model.policy import ROOT_ROLE, ChangeKind, Distrust, Need, Policy, Role, Rule
from labelvc.ops import trust as trusting

_SHOW = "labelvc policy show"
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")


class Wish(NamedTuple):
    """What a rule is to say; what is empty or None stays as it is, and `ordinary` takes the way of an emergency away."""

    name: str
    kinds: Sequence[ChangeKind] = ()
    paths: Sequence[str] = ()
    needs: Sequence[Need] = ()
    emergency: Need | None = None
    own_records: bool | None = None
    ordinary: bool = False
    ratify_within: int | None = None


def with_rule(policy: Policy, wish: Wish) -> Policy:
    """Return the policy with a rule added, or with one of this name set anew.

    Raises:
        TrustError: a new rule without kinds or needs, or one that asks for a role the policy does not have.
        RefusedError: the policy says so already.
    """
    name = wish.name
    old = next((rule for rule in policy.rules if rule.name == name), None)
    start = old or Rule(name, (), ())
    new = replace(
        start,
        kinds=tuple(dict.fromkeys(wish.kinds)) or start.kinds,
        needs=tuple(wish.needs) or start.needs,
        paths=tuple(dict.fromkeys(wish.paths)) or start.paths,
        emergency=None if wish.ordinary else wish.emergency or start.emergency,
        own_records=start.own_records if wish.own_records is None else wish.own_records,
        ratify_within=None if wish.ordinary else wish.ratify_within or start.ratify_within,
    )
    if new.ratify_within and not new.emergency:
        hint = f'labelvc policy rule set "{name}" --emergency ROLE --ratify-within SPAN'
        raise TrustError(f"nobody may act in an emergency by the rule {name!r}", where=trusting.POLICY, hint=hint)
    if not name or not new.kinds or not new.needs:
        hint = f'labelvc policy rule set "{name or "NAME"}" --kind KIND --need ROLE; rules it has: {_names(policy)}'
        message = f"the policy has no rule {name!r}, and a new one needs a name, --kind and --need"
        raise TrustError(message, where=trusting.POLICY, hint=hint)
    for need in (*new.needs, *filter(None, [new.emergency])):
        if need.role != ROOT_ROLE and need.role not in policy.roles:
            known = ", ".join(sorted(policy.roles))
            hint = f"labelvc policy role add {need.role}; roles it has: {known}"
            raise TrustError(f"the policy has no role {need.role}", where=trusting.POLICY, hint=hint)
    rules = tuple(new if rule is old else rule for rule in policy.rules if rule is old or rule.name != name)
    return _changed(policy, replace(policy, rules=rules if old else (*rules, new)))


def without_rule(policy: Policy, name: str) -> Policy:
    """Return the policy without a rule.

    Raises:
        TrustError: it has no rule of this name.
    """
    rules = tuple(rule for rule in policy.rules if rule.name != name)
    if rules == policy.rules:
        hint = f"rules it has: {_names(policy)}"
        raise TrustError(f"the policy has no rule {name!r}", where=trusting.POLICY, hint=hint)
    return replace(policy, rules=rules)


def with_role(policy: Policy, name: str, incompatible: Sequence[str]) -> Policy:
    """Return the policy with a role added, or with more roles that it excludes.

    Raises:
        TrustError: a name that no role can have, or a role to exclude that the policy does not have.
        RefusedError: the policy says so already.
    """
    if name == ROOT_ROLE or not statement.PRINCIPAL.fullmatch(name):
        message = (
            f"{name!r} cannot be the name of a role: lower-case letters, digits, dot, dash, underscore, and not root"
        )
        raise TrustError(message, where=trusting.POLICY, hint="labelvc policy role add NAME")
    for other in incompatible:
        if other == name or other not in policy.roles:
            known = ", ".join(sorted(set(policy.roles) - {name})) or "none"
            raise TrustError(f"{other} is no other role", where=trusting.POLICY, hint=f"roles it has: {known}")
    old = policy.roles.get(name, Role(()))
    role = replace(old, incompatible=tuple(dict.fromkeys((*old.incompatible, *incompatible))))
    return _changed(policy, replace(policy, roles={**policy.roles, name: role}))


def without_role(policy: Policy, name: str) -> Policy:
    """Return the policy without a role; nobody holds it any more, and no role excludes it.

    Raises:
        TrustError: it has no such role.
        RefusedError: a rule asks for it.
    """
    if name not in policy.roles:
        known = ", ".join(sorted(policy.roles)) or "none"
        raise TrustError(f"the policy has no role {name}", where=trusting.POLICY, hint=f"roles it has: {known}")
    for rule in policy.rules:
        if any(need.role == name for need in rule.needs):
            hint = f'first: labelvc policy rule set "{rule.name}" --need OTHER_ROLE'
            raise RefusedError(f"the rule {rule.name!r} asks for the role {name}", where=trusting.POLICY, hint=hint)
    roles = {
        other: replace(role, incompatible=tuple(each for each in role.incompatible if each != name))
        for other, role in policy.roles.items()
        if other != name
    }
    return replace(policy, roles=roles)


def with_distrust(policy: Policy, entry: Distrust) -> Policy:
    """Return the policy with somebody distrusted from a commit on; the same person and key are named once.

    Args:
        policy: the policy before.
        entry: a principal whom this or an earlier policy knows, and a commit that there is.

    Raises:
        TrustError: the key is no fingerprint.
        RefusedError: no reason, or the policy says so already.
    """
    if not entry.reason.strip():
        raise RefusedError("a distrust needs a reason", hint='--reason "..."')
    if entry.key and not _FINGERPRINT.fullmatch(entry.key):
        raise TrustError(f"{entry.key!r} is no fingerprint of a key", hint="labelvc key list")
    kept = (each for each in policy.distrusted if (each.principal, each.key) != (entry.principal, entry.key))
    return _changed(policy, replace(policy, distrusted=(*kept, entry)))


def with_proofs(policy: Policy, *, required: bool) -> Policy:
    """Return the policy that asks for a proof of every key, or does not.

    Raises:
        RefusedError: the policy says so already.
    """
    return _changed(policy, replace(policy, proven_keys=required))


def _names(policy: Policy) -> str:
    return ", ".join(repr(rule.name) for rule in policy.rules) or "none"


def _changed(before: Policy, after: Policy) -> Policy:
    if after == before:
        raise RefusedError("the policy says so already", where=trusting.POLICY, hint=_SHOW)
    return after
