"""Policy: people and roles added and taken away, each time as a new signed version of `trust/policy.json`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from msgspec.structs import replace

from labelvc.codec import statement
from labelvc.errors import RefusedError, TrustError
from labelvc.model.policy import ROOT_ROLE, Need, Policy, Principal, Role, Root, Trust
from labelvc.ops import trust as trusting
from labelvc.store import disk, files
from labelvc.store import git as plumbing
from labelvc.store.git import Git
from labelvc.store.keys import Signer

_CHECK = "labelvc policy check"
_ROOT = "there is no command yet that adds or takes away a root key; `labelvc policy remove NAME --role ROLE` takes one role"


class Person(NamedTuple):
    """What `policy add` says of a principal; what is empty stays as it is."""

    id: str
    name: str = ""
    kind: Literal["human", "ci", "bot"] | None = None
    keys: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    pseudonyms: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()


def added(policy: Policy, person: Person) -> Policy:
    """Return the policy with a principal added, or with more said about one it has.

    Args:
        policy: the policy before.
        person: id and whatever is to be added.

    Returns:
        The policy with the same version.

    Raises:
        TrustError: an id that none can have, a role the policy does not have, or a new principal without a name.
    """
    if not statement.PRINCIPAL.fullmatch(person.id):
        raise TrustError(
            f"{person.id!r} is no principal's id: lower-case letters, digits, dot, dash, underscore",
            hint=f'labelvc policy add {trusting.slug(person.id)} --name "FULL NAME"',
        )
    before = policy.principals.get(person.id)
    if before is None and not person.name:
        raise TrustError(
            f"{person.id} is new and needs a name", hint=f'labelvc policy add {person.id} --name "FULL NAME"'
        )
    old = before or Principal(person.name)
    new = Principal(
        person.name or old.name,
        person.kind or old.kind,
        _joined(old.keys, person.keys),
        _joined(old.emails, person.emails),
        _joined(old.pseudonyms, person.pseudonyms),
    )
    roles = dict(policy.roles)
    for name in person.roles:
        if name not in roles or name == ROOT_ROLE:
            known = ", ".join(sorted(set(roles) - {ROOT_ROLE}))
            raise TrustError(f"the policy has no role {name}", hint=f"roles it has: {known}")
        roles[name] = replace(roles[name], members=_joined(roles[name].members, (person.id,)))
    return replace(policy, principals={**policy.principals, person.id: new}, roles=roles)


def removed(policy: Policy, principal: str, role: str | None = None, key: str | None = None) -> Policy:
    """Return the policy without a principal, or with one role or key less of theirs.

    Approvals that came into history while the principal was there stay valid: the policy before each step judges it.

    Raises:
        TrustError: there is no such principal, role or key, or the role is the root's.
    """
    if principal not in policy.principals:
        raise TrustError(f"{principal} is no principal", hint="labelvc policy show")
    if role == ROOT_ROLE:
        raise TrustError("who is of the root is said by the root keys, not by the policy", hint=_ROOT)
    if role is not None and principal not in policy.roles.get(role, Role(())).members:
        raise TrustError(f"{principal} does not hold the role {role}", hint="labelvc policy show")
    if key is not None:
        return _without_key(policy, principal, key)
    roles = {
        name: replace(each, members=tuple(member for member in each.members if member != principal))
        if role in (None, name)
        else each
        for name, each in policy.roles.items()
    }
    people = dict(policy.principals)
    if role is None:
        del people[principal]
    return replace(policy, principals=people, roles=roles)


def enrol(role: str, words: str = "") -> str:
    """Return the command that gives a role to somebody else.

    Args:
        role: the hat.
        words: the range that waits for it; in `A...B` the policy at A judges, so that is where to add them.
    """
    if role == ROOT_ROLE:
        return f"labelvc policy show; {_ROOT}"
    target = words.partition("...")[0] if "..." in words else ""
    place = f"on {target}: " if target else ""
    return f'{place}labelvc policy add NAME --role {role} --name "FULL NAME" --email ADDRESS --key FILE.pub'


def signed(trust: Trust, policy: Policy, signer: Signer) -> bytes:
    """Return the file of the next version of a policy.

    Args:
        trust: the version before.
        policy: what the next one says.
        signer: the key of somebody the root lets sign policies.

    Returns:
        Bytes of `trust/policy.json`.

    Raises:
        RefusedError: the policy contradicts itself, or the key is not one the root names.
        TrustError: the root demands more signatures than one, or the policy takes somebody away whom a role or the root
            cannot do without.
    """
    following = replace(
        policy,
        version=trust.policy.version + 1,
        previous=trust.digest,
        roles={name: role for name, role in policy.roles.items() if name != ROOT_ROLE},
    )
    for flaw in statement.flaws(following):
        raise RefusedError(flaw, where=trusting.POLICY, hint=_CHECK)
    _spare(trust, policy)
    keyids, threshold = trust.root.targets
    if signer.key.fingerprint not in keyids:
        message = f"the key {signer.key.fingerprint} is none of those that the root lets sign policies"
        raise RefusedError(message, where=signer.where, hint="labelvc policy show")
    if threshold > 1:
        raise TrustError(f"the root asks {threshold} people to sign a policy; one command can only make one signature")
    return trusting.sealed_policy(following, signer)


def write(git: Git, contents: dict[str, bytes]) -> None:
    """Write trust or approval files to the work tree, all or none, and stage them.

    Raises:
        StoreError: the disk or the index could not be written.
    """
    with files.lock(git):
        disk.write_all({git.top / path: data for path, data in contents.items()}, git.top)
        plumbing.add(git, sorted(contents))


def _spare(trust: Trust, policy: Policy) -> None:
    """Return when a policy takes nobody away who is needed: then nobody could approve some change any more."""
    before, after = trust.policy, trusting.with_root(policy, trust.root)
    gone = sorted(set(before.roles[ROOT_ROLE].members) - set(after.roles[ROOT_ROLE].members))
    left, least = len(after.roles[ROOT_ROLE].members), trust.root.root[1]
    if gone and left < least:
        one = "is the only person of the root" if not left else f"is one of the {left + len(gone)} people of the root"
        message = f"{gone[0]} {one}, which needs {least} with their root keys in the policy"
        raise TrustError(message, where=trusting.POLICY, hint=_ROOT)
    for rule in after.rules:
        for need in rule.needs:
            left = len(_keyed(after, need))
            if left < min(need.count, len(_keyed(before, need))):
                message = (
                    f"the rule {rule.name!r} asks for {need.count} of the role {need.role} and {left} would be left"
                )
                raise TrustError(message, where=trusting.POLICY, hint=f"first {enrol(need.role)}")


def _keyed(policy: Policy, need: Need) -> set[str]:
    """Return the members of a role who have a key that can sign what a need asks for."""
    members = ((name, policy.principals[name]) for name in policy.roles.get(need.role, Role(())).members)
    return {name for name, person in members if person.keys and person.can_prove(need.presence)}


def raised(trust: Trust, edited: Policy) -> Iterator[str]:
    """Yield the concerns that an edited policy has and the one before it had not."""
    known = set(concerns(trust.policy, trust.root))
    yield from (each for each in concerns(trusting.with_root(edited, trust.root), trust.root) if each not in known)


def concerns(policy: Policy, root: Root) -> Iterator[str]:
    """Yield what works and is still worth mending: needs that nobody can meet for some author, people without keys.

    Args:
        policy: with the role `root`.
        root: the root in force.
    """
    if root.root[1] == 1:
        yield "one person alone can change the root of trust (threshold 1)"
    for rule in policy.rules:
        for need in rule.needs:
            keyed = _keyed(policy, need)
            if len(keyed) < need.count:
                sort = "security key" if any(need.presence) else "key"
                yield f"rule {rule.name!r}: {need.count} of role {need.role} must agree and {len(keyed)} of them have a {sort}"
            elif "author" in need.distinct_from:
                stuck = [name for name in sorted(policy.principals) if len(keyed - {name}) < need.count]
                if stuck:
                    yield f"rule {rule.name!r}: nobody can approve as {need.role} what {', '.join(stuck)} changed"
    for name, person in policy.principals.items():
        if not person.emails and person.kind == "human":
            yield f"{name} has no address, so their commits belong to nobody"


def _without_key(policy: Policy, principal: str, key: str) -> Policy:
    old = policy.principals[principal]
    keys = tuple(line for line in old.keys if line != key)
    if keys == old.keys:
        raise TrustError(f"{principal} has no such key", hint="labelvc key list")
    return replace(policy, principals={**policy.principals, principal: replace(old, keys=keys)})


def _joined(old: tuple[str, ...], new: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*old, *new)))
