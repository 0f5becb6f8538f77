"""Policy: people and roles added and taken away, each time as a new signed version of `trust/policy.json`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from msgspec.structs import replace

from labelvc.codec import possession, sshsig, statement
from labelvc.core import decide
from labelvc.errors import RefusedError, TrustError
from labelvc.model.policy import (
    EARLIER,
    ROOT_ROLE,
    ChangeKind,
    Need,
    Policy,
    Principal,
    PublicKey,
    Role,
    Root,
    Rule,
    Trust,
)
from labelvc.model.shell import word
from labelvc.ops import trust as trusting
from labelvc.store import disk, files
from labelvc.store import git as plumbing
from labelvc.store.git import Git
from labelvc.store.keys import Signer

_CHECK = "labelvc policy check"
_ROTATE = "labelvc trust rotate"
_RULED: tuple[ChangeKind, ...] = (
    "labels", "items", "guidelines", "taxonomies", "datasets", "project", "registers", "privacy", "controls",
)  # fmt: skip
"""Kinds of which a policy should speak: nobody can change what no rule is about."""


class Person(NamedTuple):
    """What `policy add` says of a principal; what is empty stays as it is."""

    id: str
    name: str = ""
    kind: Literal["human", "ci", "bot"] | None = None
    keys: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    pseudonyms: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    proofs: tuple[bytes, ...] = ()


def added(policy: Policy, person: Person) -> Policy:
    """Return the policy with a principal added, or with more said about one it has.

    Args:
        policy: the policy before.
        person: id and whatever is to be added.

    Returns:
        The policy with the same version.

    Raises:
        TrustError: an id that none can have, a role the policy does not have, a new principal without a name, or a proof of
            a key that was not made for this person and project.
        RefusedError: the policy says all of it already.
    """
    ensure_id(person.id)
    proved = {str(_proved(each, policy.repository, person.id)): possession.packed(each) for each in person.proofs}
    before = policy.principals.get(person.id)
    if before is None and not person.name:
        raise TrustError(
            f"{person.id} is new and needs a name", hint=f'labelvc policy add {person.id} --name "FULL NAME"'
        )
    old = before or Principal(person.name)
    new = Principal(
        person.name or old.name,
        person.kind or old.kind,
        _joined(old.keys, (*person.keys, *proved)),
        _joined(old.emails, person.emails),
        _joined(old.pseudonyms, person.pseudonyms),
        (*_proofs_without(policy, person.id, old, {*proved}), *proved.values()),
    )
    roles = dict(policy.roles)
    for name in person.roles:
        if name not in roles or name == ROOT_ROLE:
            known = ", ".join(sorted(set(roles) - {ROOT_ROLE}))
            raise TrustError(f"the policy has no role {name}", hint=f"roles it has: {known}")
        roles[name] = replace(roles[name], members=_joined(roles[name].members, (person.id,)))
    after = replace(policy, principals={**policy.principals, person.id: new}, roles=roles)
    if after == policy:
        raise RefusedError(
            f"the policy says all of this of {person.id} already", where=person.id, hint="labelvc policy show"
        )
    return after


def _proved(armoured: bytes, repository: str, principal: str) -> PublicKey:
    try:
        return possession.proved(armoured, repository, principal)
    except TrustError as error:
        hint = f"whoever holds the key runs: labelvc key prove {principal}"
        message = f"the proof does not show that {principal} holds a key for this project: {error.message}"
        raise TrustError(message, where=error.where, hint=hint) from None


def _proofs_without(policy: Policy, name: str, person: Principal, lines: set[str]) -> tuple[str, ...]:
    """Return a person's proofs but those of some keys."""
    return tuple(each for each in person.proofs if lines.isdisjoint(possession.lines((each,), policy.repository, name)))


def ensure_id(principal: str) -> None:
    """Return when a principal can have this id.

    Raises:
        TrustError: it is not spelled as one.
    """
    if not statement.PRINCIPAL.fullmatch(principal):
        raise TrustError(
            f"{principal!r} is no principal's id: lower-case letters, digits, dot, dash, underscore",
            hint=f'labelvc policy add {trusting.slug(principal)} --name "FULL NAME"',
        )


def removed(policy: Policy, principal: str, role: str | None = None, key: str | None = None) -> Policy:
    """Return the policy without a principal, or with one role or key less of theirs.

    Approvals that came into history while the principal was there stay valid: the policy before each step judges it.

    Raises:
        TrustError: there is no such principal, role or key, or the role is the root's.
    """
    if principal not in policy.principals:
        raise TrustError(f"{principal} is no principal", where=trusting.POLICY, hint="labelvc policy show")
    if role == ROOT_ROLE:
        raise TrustError(
            "who is of the root is said by the root keys, not by the policy", hint=f"{_ROTATE} --remove {principal}"
        )
    if role is not None and principal not in policy.roles.get(role, Role(())).members:
        message = f"{principal} does not hold the role {role}"
        raise TrustError(message, where=trusting.POLICY, hint="labelvc policy show")
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
        return f"{_ROTATE} --add NAME=FILE.pub"
    target = words.partition("...")[0] if "..." in words else ""
    place = f"on {word(target)}: " if target else ""
    return f'{place}labelvc policy add NAME --role {role} --name "FULL NAME" --email ADDRESS --key FILE.pub'


def signed(trust: Trust, policy: Policy, signer: Signer) -> bytes:
    """Return the file of the next version of a policy, with one signature: a draft where the root asks for more.

    Args:
        trust: the version before; of version 0, which says nothing, the digest is empty.
        policy: what the next one says.
        signer: the key of somebody the root lets sign policies.

    Returns:
        Bytes of `trust/policy.json`.

    Raises:
        RefusedError: the policy contradicts itself, or the key is not one the root names.
        TrustError: the policy takes somebody away whom a role or the root cannot do without.
    """
    following = replace(
        policy,
        version=trust.policy.version + 1,
        previous=trust.digest or None,
        earlier=tuple(filter(None, [trust.policy.previous, *trust.policy.earlier]))[:EARLIER],
        roles={name: role for name, role in policy.roles.items() if name != ROOT_ROLE},
    )
    for flaw in statement.flaws(following):
        raise RefusedError(flaw, where=trusting.POLICY, hint=_CHECK)
    spare(trust, policy, trust.root)
    if signer.key.fingerprint not in trust.root.targets[0]:
        message = f"the key {signer.key.fingerprint} is none of those that the root lets sign policies"
        raise RefusedError(message, where=signer.where, hint="labelvc trust show")
    return trusting.sealed_policy(following, signer)


def write(git: Git, contents: dict[str, bytes]) -> None:
    """Write trust or approval files to the work tree, all or none, and stage them.

    Raises:
        StoreError: the disk or the index could not be written.
    """
    with files.lock(git):
        disk.write_all({git.top / path: data for path, data in contents.items()}, git.top)
        plumbing.add(git, sorted(contents))


def spare(trust: Trust, policy: Policy, root: Root) -> None:
    """Return when a policy and a root take nobody away who is needed: then nobody could approve some change any more.

    Args:
        trust: what is in force.
        policy: the next policy, or the same, as it is signed: without what `with_root` lays over it.
        root: the next root, or the same.

    Raises:
        TrustError: too few would be left of the root, or of a role that a rule asks for.
    """
    before, after = trust.policy, trusting.with_root(policy, root)
    gone = sorted(set(before.roles[ROOT_ROLE].members) - set(after.roles[ROOT_ROLE].members))
    left, least = len(after.roles[ROOT_ROLE].members), root.root[1]
    if gone and left < least:
        one = "is the only person of the root" if not left else f"is one of the {left + len(gone)} people of the root"
        message = f"{gone[0]} {one}, which needs {least} with their root keys in the policy"
        hint = f"first: {_ROTATE} --add ID=FILE.pub --remove {gone[0]}"
        raise TrustError(message, where=trusting.POLICY, hint=hint)
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


def unproven(before: Policy, after: Policy, signer: PublicKey) -> Iterator[str]:
    """Yield the keys that a policy adds and nobody has signed with yet: an insider could enrol one that is not theirs.

    Args:
        before: the policy before.
        after: the one that follows.
        signer: the key that signs it, which is thereby proved.
    """
    known = {line for person in before.principals.values() for line in person.keys} | {str(signer)}
    for name, person in after.principals.items():
        proved = possession.lines(person.proofs, after.repository, name)
        for line in (each for each in person.keys if each not in known | proved):
            fingerprint = sshsig.read_public(line).fingerprint
            yield f"nothing proves yet that {name} holds {fingerprint}; compare it with them, or ask for what `labelvc key prove {name}` prints"


def concerns(policy: Policy, root: Root) -> Iterator[str]:
    """Yield what works and is still worth mending: needs that nobody can meet for some author, people without keys.

    Args:
        policy: with the role `root`.
        root: the root in force.
    """
    if root.root[1] == 1:
        yield f"one person alone can change the root of trust (threshold 1): {_ROTATE} --add ID=FILE.pub --threshold 2"
    for each in root.keys.values():
        if each.owner not in policy.roles[ROOT_ROLE].members or policy.distrusts(each.owner):
            yield f"{each.owner} owns a root key that the policy does not trust: {_ROTATE} --remove {each.owner}"
    for rule in policy.rules:
        for need in rule.needs:
            keyed = {name for name in _keyed(policy, need) if not policy.distrusts(name)}
            if len(keyed) < need.count:
                sort = "security key" if any(need.presence) else "key"
                yield f"rule {rule.name!r}: {need.count} of role {need.role} must agree and {len(keyed)} of them have a {sort}"
            elif "author" in need.distinct_from:
                stuck = [name for name in sorted(policy.principals) if len(keyed - {name}) < need.count]
                if stuck:
                    yield f"rule {rule.name!r}: nobody can approve as {need.role} what {', '.join(stuck)} changed"
        yield from _pointless(policy, rule)
    for kind in _RULED:
        if not any(kind in rule.kinds for rule in policy.rules):
            yield f"no rule is about {kind}, so every change of them is denied: labelvc policy rule set NAME --kind {kind}"
    for name, person in policy.principals.items():
        if policy.distrusts(name):
            yield f"{name} is distrusted and still in the policy: labelvc policy remove {name}"
        if not person.emails and person.kind == "human":
            yield f"{name} has no address, so their commits belong to nobody"


def _pointless(policy: Policy, rule: Rule) -> Iterator[str]:
    """Yield the paths of a rule about records or items in which none can lie, so that the rule asks nobody."""
    keys = {"labels": "{}/*#*", "items": "{}/*#"}
    if set(rule.kinds) <= set(keys):
        for glob in rule.paths:
            name = glob.split("/")[1].replace("*", "") if "/" in glob else ""
            alone = replace(policy, rules=(replace(rule, paths=(glob,)),))
            if not any(decide.rules_for(alone, keys[kind].format(name or "any")) for kind in rule.kinds):
                place = " or ".join(decide.place_of(keys[kind].format("NAME")) for kind in rule.kinds)
                yield f"rule {rule.name!r}: nothing lies in {glob}; its place is {place}"


def _without_key(policy: Policy, principal: str, key: str) -> Policy:
    old = policy.principals[principal]
    keys = tuple(line for line in old.keys if line != key)
    if keys == old.keys:
        raise TrustError(f"{principal} has no such key", where=trusting.POLICY, hint="labelvc key list")
    proofs = _proofs_without(policy, principal, old, {key})
    return replace(policy, principals={**policy.principals, principal: replace(old, keys=keys, proofs=proofs)})


def _joined(old: tuple[str, ...], new: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*old, *new)))
