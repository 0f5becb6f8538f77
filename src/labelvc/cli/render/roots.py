"""The root of trust for people and programs: its chain, what waits for signatures, and what is about to be signed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from labelvc.cli.render import trust as render
from labelvc.cli.render.text import safe
from labelvc.codec import sshsig
from labelvc.model.policy import Policy, Principal, Role, Root, Rule, Trust
from labelvc.ops import ceremony
from labelvc.ops.seals import Demand, Seal
from labelvc.ops.trust import Chain, with_root

_TOLD = ("version", "previous", "earlier", "repository", "principals", "roles", "rules", "distrusted")


def lines(chain: Chain, *, pinned: bool) -> Iterator[str]:
    """Yield the chain as a person reads it, the digest to pin first."""
    said = "pinned" if pinned else "unpinned: publish this digest and pass it as --root"
    yield f"to pin      {chain.roots[0].digest}  ({said})\n"
    for root, seal in zip(chain.roots, chain.seals, strict=False):
        yield f"{f'root {root.version}'.ljust(11)} {_people(root)}; {state(seal)}\n"
        if seal is chain.seals[-2]:
            yield from (f"            {line}\n" for line in unproven(seal))
    policy = chain.seals[-1]
    yield f"{f'policy {policy.version}'.ljust(11)} {policy.digest}; {state(policy)}\n"
    if chain.drafts:
        yield f"next: {cure(chain.drafts)}\n"


def items(chain: Chain) -> list[Mapping[str, Any]]:
    """Return the trust files as `trust show --format json` lists them (`schemas/trust-show.v1.json`)."""
    return [
        {
            "path": seal.path,
            "kind": seal.kind,
            "version": seal.version,
            "digest": seal.digest,
            "draft": seal.draft,
            "demands": [_demand(each) for each in seal.demands],
        }
        for seal in chain.seals
    ]


def summary(chain: Chain, *, pinned: bool) -> Mapping[str, Any]:
    """Return what stands around the trust files in JSON."""
    root = chain.roots[-1]
    owners = [root.keys[keyid].owner for keyid in root.root[0]]
    return {
        "root": chain.roots[0].digest,
        "pinned": pinned,
        "version": root.version,
        "owners": owners,
        "threshold": root.root[1],
        "drafts": len(chain.drafts),
    }


def state(seal: Seal) -> str:
    """Return who signed a file, and for whom it waits."""
    said = f"signed by {', '.join(map(safe, seal.signed)) or 'nobody who counts'}"
    return f"{said}; {waits(seal)}" if seal.draft else said


def waits(seal: Seal) -> str:
    """Return for whom a draft waits, in words: `waits for ben`, `waits for 1 of ben, cleo`."""
    asked = [(each.missing, each.others, each.root) for each in seal.demands if each.missing]
    alike = len({(number, others) for number, others, _ in asked}) == 1
    told = [
        f"{some(number, others)}" + ("" if alike else f" (as root {root} asks)")
        for number, others, root in (asked[:1] if alike else asked)
    ]
    return f"waits for {' and '.join(told)}"


def some(number: int, names: Sequence[str]) -> str:
    """Return `ada and ben` where all of them are meant, else `1 of ada, ben`."""
    return " and ".join(names) if number >= len(names) else f"{number} of {', '.join(names)}"


def cure(drafts: Sequence[Seal]) -> str:
    """Return who has to run what so that drafts count."""
    names = dict.fromkeys(name for seal in drafts for each in seal.demands if each.missing for name in each.others)
    return f"{' or '.join(names)}: {ceremony.SIGN}"


def unproven(seal: Seal) -> Iterator[str]:
    """Yield the owners of a root who have not signed it: only a signature proves that a key is theirs."""
    for name in seal.demands[0].others if not seal.draft else ():
        yield f"{name} has not signed it, so nothing proves yet that the key is theirs: {ceremony.SIGN}"


def over(root: Root, now: datetime) -> Iterator[str]:
    """Yield that the date of a root is over, if it is."""
    if ceremony.over(root, now):
        yield f"the root says that it ends at {root.expires}; it counts here, and other readers of TUF refuse it: labelvc trust rotate"


def written(chain: Chain, what: str, message: str) -> Iterator[str]:
    """Yield what to do after trust files were written: commit them, or have others sign them first.

    Args:
        chain: the files as they lie there now.
        what: was written, `policy version 4`.
        message: of the commit.
    """
    commit = f"git commit -m '{message}' -- trust"
    if not chain.drafts:
        yield f"{what}, signed and staged; next: {commit}"
        return
    for seal in chain.drafts:
        yield f"a draft     {seal.path}: {state(seal)}"
    yield "staged; a draft counts for nothing, so keep it off the main branch until enough owners signed it"
    yield f"next: git switch -c trust && {commit}; there, {cure(chain.drafts)}"


def preview(chain: Chain, seal: Seal, before: Trust | None) -> Iterator[str]:
    """Yield what is about to be signed, against what is in force: drafts that lie between say nothing.

    Args:
        chain: the trust files.
        seal: the one to sign.
        before: the trust in force; None when there is none.
    """
    yield f"{seal.kind.ljust(11)} version {seal.version}, {seal.digest}; {state(seal)}\n"
    new = before is None or seal.version > before.root.version
    if seal.kind == "policy":
        yield _against(f"policy {before.policy.version}" if before else "")
        yield from (
            changes(before.policy, with_root(chain.policy, before.root)) if before else changes(None, chain.policy)
        )
    elif new:
        yield _against(f"root {before.root.version}" if before else "")
        yield from _root(chain.roots[seal.version - 1], before.root if before else None)
    else:
        yield from _root(chain.roots[seal.version - 1], chain.roots[seal.version - 2] if seal.version > 1 else None)


def _against(old: str) -> str:
    told = f"{old}, in force at HEAD" if old else "nothing is in force at HEAD; all of it is shown"
    return f"against     {told}\n"


def owner(wanted: Sequence[Seal], keyid: str) -> str:
    """Return who signs with a key."""
    return next(each.owners[keyid] for seal in wanted for each in seal.demands if keyid in each.owners)


def changes(before: Policy | None, after: Policy) -> Iterator[str]:
    """Yield a line for everything that one policy says and another does not."""
    old, new = Counter(_said(before) if before else ()), Counter(_said(after))
    for mark, rows in (("-", old - new), ("+", new - old)):
        yield from (f"{mark} {safe(row)}\n" for row in rows)
    if old == new:
        yield "  nothing in it says otherwise than before\n"


def _said(policy: Policy) -> Iterator[str]:
    """Yield everything a policy says, each in words that nothing else in it could have."""
    for name, person in policy.principals.items():
        kind = f" ({person.kind})" if person.kind != "human" else ""
        yield f"principal {name}: {person.name}{kind}{_more(person, 'name', 'kind', 'keys', 'emails', 'pseudonyms')}"
        yield from (f"principal {name}: key {sshsig.read_public(line).fingerprint}" for line in person.keys)
        yield from (f"principal {name}: email {address}" for address in person.emails)
        yield from (f"principal {name}: pseudonym {token}" for token in person.pseudonyms)
    for name, role in policy.roles.items():
        yield f"role {name}{_more(role, 'members', 'incompatible')}"
        yield from (f"role {name}: {member}" for member in role.members)
        yield from (f"role {name}: incompatible with {other}" for other in role.incompatible)
    for rule in policy.rules:
        yield f"rule {rule.name!r}: {render.rule(rule)}{_more(rule, 'name', 'kinds', 'needs', 'paths')}"
    yield from (f"distrusted {render.distrust(each)}" for each in policy.distrusted)
    yield f"repository {policy.repository}{_more(policy, *_TOLD)}"


def _more(value: Principal | Role | Rule | Policy, *told: str) -> str:
    """Return the members that have no words here, so that nothing is signed unseen."""
    rest = {name: member for name, member in msgspec.to_builtins(value).items() if name not in told}
    return f" {json.dumps(rest)}" if rest else ""


def _root(root: Root, before: Root | None) -> Iterator[str]:
    yield f"            {_people(root)}\n"
    old = {} if before is None else {keyid: each.owner for keyid, each in before.keys.items()}
    new = {keyid: each.owner for keyid, each in root.keys.items()}
    yield from (f"- owner {name}, {keyid}\n" for keyid, name in old.items() if new.get(keyid) != name)
    yield from (f"+ owner {name}, {keyid}\n" for keyid, name in new.items() if old.get(keyid) != name)
    if before is not None and before.root[1] != root.root[1]:
        yield f"- threshold {before.root[1]}\n+ threshold {root.root[1]}\n"


def _people(root: Root) -> str:
    """Return who must sign: of the next root, and of policies where that differs."""
    told = [some(least, [root.keys[keyid].owner for keyid in keyids]) for keyids, least in (root.root, root.targets)]
    return f"{told[0]} must sign" if told[0] == told[1] else f"{told[0]} must sign roots, {told[1]} policies"


def _demand(demand: Demand) -> Mapping[str, Any]:
    return {
        "root": demand.root,
        "owners": list(demand.owners.values()),
        "threshold": demand.threshold,
        "signed": sorted(demand.signed),
        "missing": demand.missing,
    }
