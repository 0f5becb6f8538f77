"""Trust for people and programs: a verified step, a change about to be signed, a policy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from labelvc.cli.render.text import count, deltas, paint, safe, short
from labelvc.codec import moment
from labelvc.core.quorum import Standing
from labelvc.model.approval import Approval
from labelvc.model.policy import Distrust, Need, Policy, Presence, Rule, Trust
from labelvc.model.shell import word
from labelvc.ops import approve as approving
from labelvc.ops import materials, remedy
from labelvc.ops.approvals import Lost, Problem
from labelvc.ops.approve import Change
from labelvc.ops.glimpse import Glimpse
from labelvc.ops.steps import Said, Step

SHOWN = 10
"""How many things of a step or of a change are listed."""
_COLOURS = {
    "approved": "+",
    "conditional": "warning",
    "unchanged": "dim",
    "ungoverned": "warning",
    "undecidable": "error",
}
ENDED = "does not count any more: it expired or is too old"
"""What is said of somebody's yes that has an end, or of which a need asks that it is young."""
_BESIDE = {"author": "no author of the change", "annotators": "nobody who made a touched record"}


def step_item(step: Step) -> Mapping[str, Any]:
    """Return a step as `verify --format json` prints it (`schemas/verify.v1.json`)."""
    return {
        "commit": step.commit,
        "parent": step.parent,
        "state": step.state,
        "covered": step.covered,
        "total": step.total,
        "uncovered": list(step.uncovered),
        "needs": [_need_item(need) for need in step.needs],
        "policy": step.policy,
        "changeset": step.root,
        "approvals": [_said_item(said) for said in step.said],
        "later": [_said_item(said) for said in step.later],
        "ratified_by": list(step.ratified),
        **({} if step.at is None else {"at": moment.instant(step.at)}),
        **({} if step.due is None else {"ratify_by": moment.instant(step.due)}),
        "problems": [{"path": each.path, "message": each.message} for each in step.problems],
    }


def step_lines(step: Step, names: str, now: datetime, *, color: bool) -> Iterator[str]:
    """Yield a step as a person reads it.

    Args:
        step: the step.
        names: the range to approve, as the hint should write it; A..B is in history already, and keeps what it came with.
        now: tells how old what was said in an emergency is.
        color: whether to paint.
    """
    state = paint(step.state.ljust(11), _COLOURS.get(step.state, "error"), on=color)
    yield f"{state} {step.commit[:12]}  {_sum(step)}\n"
    indent = " " * 12
    for said in step.said:
        yield f"{indent}{_told(said, step, now)}\n"
    for said in step.later:
        yield f"{indent}later {_told(said, step, now)}\n"
    if step.state in ("approved", "unchanged", "ungoverned"):
        yield from (f"{indent}{line}\n" for line in faults(step.problems))
        return
    for each in step.needs:
        if each.have < each.asked:
            yield f"{indent}{each.have} of {each.asked} {each.role}{_with(each.presence)}{_young(each.max_age)}; {able(each)}\n"
            yield from (f"{indent}{safe(name)}'s yes {ENDED}\n" for name in each.ended)
    for key in step.uncovered[:SHOWN]:
        yield f"{indent}not approved: {safe(key)}\n"
    if len(step.uncovered) > SHOWN:
        yield f"{indent}... and {len(step.uncovered) - SHOWN:,} more\n"
    yield from (f"{indent}{line}\n" for line in faults(step.problems))
    if hint := remedy.hint(step, names):
        yield f"{indent}{paint('next: ' + hint, 'dim', on=color)}\n"


def faults(problems: Sequence[Problem]) -> Iterator[str]:
    """Yield the first problems in a line each, what was taken away before all: whoever brings thousands of files hides nothing by them."""
    first = sorted(problems, key=lambda problem: not isinstance(problem, Lost))[:SHOWN]
    yield from (f"{safe(problem.path)}: {safe(problem.message)}" for problem in first)
    if len(problems) > SHOWN:
        yield f"... and {len(problems) - SHOWN:,} more files that count for nothing; --format json lists them"


def preview(change: Change, shown: Sequence[Glimpse], approval: Approval, fingerprint: str, *, color: bool) -> str:
    """Return what is about to be signed, before it is.

    Args:
        change: what it is about.
        shown: the first things of it, to read here.
        approval: what would be signed.
        fingerprint: of the key.
        color: whether to paint.
    """
    found, policy = change.found, change.trust.policy
    counts = zip(found.sums, ("added", "changed", "removed"), strict=True)
    told = ", ".join(f"{number:,} {word}" for number, word in counts if number)
    sorts = ", ".join(f"{kind} {number:,}" for kind, number in sorted(approving.kinds(change).items()))
    urgent = approval.meaning == "emergency"
    asked = "; ".join(need(each) for each in change.needs) or "nobody's word"
    asked += f"; lets act in an emergency {'; '.join(need(each) for each in change.emergencies)}" if urgent else ""
    why = f": {safe(approval.reason)}" if approval.reason else ""
    more = len(found.changeset.moves) - len(shown)
    rows = [
        ("change-set", found.changeset.root),
        ("from, to", f"{change.base.commit[:12]}, {change.head.commit[:12]}"),
        ("changes", f"{told} ({sorts})"),
        *(("", line) for line in _glimpses(shown, color=color)),
        *([("", f"... and {more:,} more")] if more else []),
        *_rest(change),
        ("to read", f"labelvc diff {word(change.words)}"),
        *(("denied", f"{safe(each.path)}: {safe(each.message)}") for each in change.denied),
        ("made by", ", ".join(sorted(change.authors.principals)) or "nobody the policy knows"),
        ("policy", f"version {policy.version} asks {asked}"),
        *(
            [("expires", f"{approval.expires_at}; what it takes back and whom it names as authors stays")]
            if approval.expires_at
            else []
        ),
        *(("went by", f"{safe(each.name)} sha256:{each.sha256}") for each in materials.shown(approval.materials)),
        *([("reference", safe(approval.reference))] if approval.reference else []),
        ("decision", f"{approval.decision} as {approval.role}{' in an emergency' if urgent else ''}{why}"),
        *([("", "counts as conditional until those whom the policy asks have approved too")] if urgent else []),
        ("signed by", f"{safe(approval.signer.printed_name)} ({approval.signer.principal}), {fingerprint}"),
    ]
    if not any(need.role == approval.role for need in change.asked(approval.meaning)):
        rows.append(("note", f"no rule asks the role {approval.role} about these changes"))
    return "".join(f"{name.ljust(10)}  {value}\n" for name, value in rows)


def _glimpses(shown: Sequence[Glimpse], *, color: bool) -> Iterator[str]:
    """Yield what changed, from what to what, and once for those that follow each other the item that it was said about."""
    last: Mapping[str, Any] = {}
    for each in shown:
        told = list(deltas([each.seen], color=color)) or [f"= {safe(str(each.seen.delta.key))}  mechanical\n"]
        yield from (line.rstrip("\n") for line in told)
        if each.odd:
            yield f"    not in canonical form, so that programs may read it otherwise than it is shown: {each.odd}"
        about = each.item.get("text") or each.item.get("media")
        if about and each.item != last:
            yield f"    on {short(about.get('path', '') if isinstance(about, dict) else about)}"
        last = each.item or last


def _rest(change: Change) -> Iterator[tuple[str, str]]:
    """Yield what is said of the moves that are not signed."""
    left = change.total - len(change.found.lines)
    if change.excepted:
        yield "left out", f"{change.excepted:,} of {count(change.total, 'change')}, by name"
    if carried := left - change.excepted:
        verb = "needs" if len(change.found.lines) == 1 else "need"
        told = (
            f"{carried:,} of {count(change.total, 'change')} carried over; {len(change.found.lines):,} {verb} approval"
        )
        yield "carried", told


def policy_lines(trust: Trust, *, color: bool) -> Iterator[str]:
    """Yield a policy as a person reads it."""
    policy = trust.policy
    wide = max(10, *map(len, policy.principals)) + 2
    pinned = "pinned" if trust.pinned else "unpinned: publish this digest and pass it as --root"
    rows = [
        ("root", f"{trust.anchor}  ({pinned})"),
        (
            "root keys",
            f"{count(len(trust.root.keys), 'key')}, {trust.root.root[1]} must sign; version {trust.root.version}",
        ),
        ("policy", f"version {policy.version}, {trust.digest}"),
        ("project", policy.repository),
    ]
    for name, person in policy.principals.items():
        roles = ", ".join(role for role, each in policy.roles.items() if name in each.members) or "no role"
        kind = "" if person.kind == "human" else f" ({person.kind})"
        proved = f" ({len(person.proofs)} proved)" if person.proofs else ""
        known = f"{count(len(person.keys), 'key')}{proved}, {count(len(person.emails), 'email')}"
        rows.append((name, f"{safe(person.name)}{kind}: {roles}; {known}"))
    rows += [("rule", safe(f"{each.name!r}: {rule(each)}")) for each in policy.rules]
    rows += [("distrusted", safe(distrust(each))) for each in policy.distrusted]
    if policy.proven_keys:
        rows.append(("keys", "each must come with a proof that its owner holds it: labelvc key prove ID"))
    rest = "denied inside the protected folders; trust/root and trust/policy.json answer to the root keys alone"
    for name, value in (*rows, ("otherwise", rest)):
        heading = paint(name.ljust(wide), "bold", on=color and name in policy.principals)
        yield f"{heading}{value}\n"


def rule(asked: Rule) -> str:
    """Return what a rule is about and what it asks, in words."""
    places = f" in {', '.join(asked.paths)}" if asked.paths else ""
    urgent = f"; in an emergency {need(asked.emergency)} first{soon(asked)}" if asked.emergency else ""
    own = "; others only their own records" if asked.own_records else ""
    return f"{', '.join(asked.kinds)}{places}: {'; '.join(need(each) for each in asked.needs)}{urgent}{own}"


def soon(asked: Rule) -> str:
    """Return how soon a rule asks that an emergency is ratified, in words."""
    return "" if asked.ratify_within is None else f", to be ratified within {moment.told(asked.ratify_within)}"


def need(asked: Need) -> str:
    """Return what a need asks, in words."""
    apart = f" ({' and '.join(_BESIDE[each] for each in asked.distinct_from)})" if asked.distinct_from else ""
    return f"{asked.count} {asked.role}{_with(asked.presence)}{_young(asked.max_age)}{apart}"


def distrust(entry: Distrust) -> str:
    """Return whose words count for nothing after which commit, in words."""
    key = f" with {entry.key}" if entry.key else ""
    return f"{entry.principal}{key} after {entry.since}: {entry.reason}"


def policy_summary(trust: Trust) -> Mapping[str, Any]:
    """Return what stands around a policy in JSON."""
    distrusted = [msgspec.to_builtins(each) for each in trust.policy.distrusted]
    return {
        "root": trust.anchor,
        "root_version": trust.root.version,
        "pinned": trust.pinned,
        "version": trust.policy.version,
        "digest": trust.digest,
        "repository": trust.policy.repository,
        "roles": {name: list(role.members) for name, role in trust.policy.roles.items()},
        "rules": [msgspec.to_builtins(each) for each in trust.policy.rules],
        **({"distrusted": distrusted} if distrusted else {}),
        **({"proven_keys": True} if trust.policy.proven_keys else {}),
    }


def people_items(policy: Policy) -> Sequence[Mapping[str, Any]]:
    """Return the principals of a policy as JSON items."""
    return [{"id": name, **msgspec.to_builtins(person)} for name, person in policy.principals.items()]


def _said_item(said: Said) -> Mapping[str, Any]:
    return {
        "principal": said.principal,
        "role": said.role,
        "decision": said.decision,
        "meaning": said.meaning,
        "signed_at": said.signed_at,
        "reason": said.reason,
        "covers": said.moves,
        "statement": said.digest,
        "superseded_by": said.superseded or None,
        **({"expires_at": said.expires_at} if said.expires_at else {}),
    }


def _told(said: Said, step: Step, now: datetime) -> str:
    """Return a statement in one line: what it is about when that is not the whole step, and what became of it."""
    part = "" if said.moves == step.total else f" ({said.moves:,} of {count(step.total, 'change')})"
    urgent = (
        f" in an emergency: {safe(said.reason)}, {_age(said.signed_at, now)}" if said.meaning == "emergency" else ""
    )
    by = next((each for each in (*step.said, *step.later) if each.digest == said.superseded), None)
    gone = f"; superseded by {safe(by.principal)}'s {by.decision}" if by else "; superseded" if said.superseded else ""
    return f"{safe(said.principal)} said {said.decision} as {safe(said.role)}{part}{urgent}{limit(said, step.at)}{gone}"


def limit(said: Said, at: int | None) -> str:
    """Return until when a yes counts, in words; empty where it has no end.

    Args:
        said: what was said.
        at: seconds since 1970 by which it was judged.
    """
    if not said.expires_at:
        return ""
    return f", {'expired' if at is not None and at > moment.seconds(said.expires_at) else 'until'} {said.expires_at}"


def _age(signed: str, now: datetime) -> str:
    """Return a claimed time with the days since; nothing is decided by it."""
    days = (now - datetime.fromisoformat(signed)).days
    return f"{signed}, {count(days, 'day')} ago" if days > 0 else signed


def _need_item(need: Standing) -> Mapping[str, Any]:
    asked: dict[str, Any] = {f"require_{name}": True for name, value in need.presence._asdict().items() if value}
    asked |= {} if need.max_age is None else {"max_age": need.max_age}
    asked |= {"ended": list(need.ended)} if need.ended else {}
    return {"role": need.role, "count": need.asked, "have": need.have, "who_can": list(need.who_can), **asked}


def _sum(step: Step) -> str:
    if step.state == "ungoverned":
        return f"{count(step.total, 'change')}, no policy was in force yet"
    version = "no usable policy" if step.policy is None else f"policy {step.policy}"
    ratified = f", ratified by {', '.join(step.ratified)}" if step.ratified else ""
    if step.state == "conditional" and step.due is not None:
        ratified = f", to be ratified by {moment.instant(step.due)}"
    return f"{step.covered:,} of {count(step.total, 'change')} covered, {version}{ratified}"


def able(need: Standing) -> str:
    """Return who can meet a need that is not met, in words."""
    if need.who_can:
        return f"{', '.join(need.who_can)} can{', which is too few' if need.stuck else ''}"
    held = f"holds the role {need.role}{' and a security key' if any(need.presence) else ''}"
    if need.barred:
        return f"nobody {held} but {', '.join(need.barred)}, who had a part in the change"
    return f"nobody {'else ' if need.have else ''}{held}"


def _young(max_age: int | None) -> str:
    """Return how old a yes may be, in words."""
    return "" if max_age is None else f", said at most {moment.told(max_age)} before it comes in"


def _with(presence: Presence) -> str:
    """Return what a signature must prove of the person, in words."""
    if presence.verification:
        return " with a security key's PIN or fingerprint"
    return " with a touched security key" if presence.touch else ""
