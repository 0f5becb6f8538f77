"""Releases for people and programs: what they say, what is about to be signed, what is wrong with one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from labelvc.cli.render.text import count, paint, safe
from labelvc.core.inclusion import Proved
from labelvc.model.approval import Envelope
from labelvc.model.release import Release
from labelvc.ops.attest import Verdict
from labelvc.ops.manifest import Made
from labelvc.ops.release import Plan
from labelvc.ops.reviewed import Reviewed
from labelvc.ops.witness import Filed

_COLOURS = {"good": "+", "wrong": "error", "undecidable": "error"}
_WHY = {
    "major": "records or items were edited or removed",
    "minor": "records or items were added",
    "patch": "the same data",
}


def preview(
    plan: Plan, found: Reviewed | None, who: str, role: str, fingerprint: str, commit: str, *, color: bool
) -> Iterator[str]:
    """Yield what is about to be signed, before it is, and how it stands."""
    release, policy = plan.release, plan.trust.policy
    last = (
        f"after {release.previous.version}: {_WHY[plan.bump]}"
        if release.previous and plan.bump
        else "the first release"
    )
    yield f"release     {release.version} ({last})\n"
    yield f"of          {commit[:12]}, state {release.root}\n"
    yield from _content(release)
    yield f"changes     {reviewed(found, color=color)}\n"
    name = policy.principals[who].name
    yield f"signed by   {safe(name)} ({who}) as {role}, {fingerprint}\n"


def reviewed(found: Reviewed | None, *, color: bool = False) -> str:
    """Return in words how much of what a release brings was approved, with the command that shows it."""
    if found is None:
        return "not told how many were approved: labelvc verify --all"
    since = f"since {found.since}" if found.since else "in all"
    bad = [f"{found.bare:,} NOT approved"] if found.bare else []
    bad += [f"of {found.untold:,} it cannot be told"] if found.untold else []
    told = [f"{found.approved:,} approved"] if found.approved else []
    told += [paint(words, "error", on=color) for words in bad]
    told += [f"{found.early:,} from before the first policy"] if found.early else []
    how = f": {', '.join(told)}  ({found.command})" if told else ""
    return f"{f'{found.total:,}' if found.total else 'none'} {since}{how}"


def line(made: Made, envelope: Envelope, release: Release) -> str:
    """Return a release in one line."""
    records = sum(one.records for one in release.datasets)
    who = f"{safe(release.signer.printed_name)} ({release.signer.principal}) as {safe(release.role)}"
    return f"{release.version:<9} {release.signed_at[:10]}  {made.commit[:12]}  {count(records, 'record'):>16}  {who}\n"


def whole(made: Made, envelope: Envelope, release: Release) -> Iterator[str]:
    """Yield a release as a person reads it."""
    previous = f"after {release.previous.version}" if release.previous else "the first"
    yield f"release     {release.version} ({previous}), number {release.sequence}\n"
    yield f"digest      {envelope.digest}\n"
    yield f"added by    {made.commit}\n"
    yield f"state       {release.root}\n"
    yield from _content(release)
    for one in release.documents:
        yield f"document    {safe(one.path)}{f' {safe(one.version)}' if one.version else ''}  sha256:{one.sha256}\n"
    signer = f"{safe(release.signer.printed_name)} ({release.signer.principal}) as {safe(release.role)}"
    yield f"signed by   {signer}, {release.signed_at}, {', '.join(each.keyid for each in envelope.signatures)}\n"


def _content(release: Release) -> Iterator[str]:
    for one in release.datasets:
        salted = f", salted with epoch {one.salted.epoch}" if one.salted else ""
        yield f"dataset     {safe(one.name)}: {count(one.items, 'item')}, {count(one.records, 'record')}, sha256:{one.root}{salted}\n"
    yield f"approvals   {count(release.approvals.size, 'statement')}, sha256:{release.approvals.root}\n"
    yield f"policy      version {release.policy.version}, sha256:{release.policy.sha256}\n"


def item(made: Made, envelope: Envelope, release: Release) -> Mapping[str, Any]:
    """Return a release as JSON (`schemas/release-list.v1.json`): the predicate, with where it is and its digests."""
    said = msgspec.to_builtins(release)
    del said["root"]
    return {"version": release.version, "commit": made.commit, "digest": envelope.digest, "state": release.root, **said}


def verdict(found: Verdict, changes: Reviewed | None = None, *, color: bool) -> Iterator[str]:
    """Yield what is wrong with a release; of one that is good, how its changes stand, where that was asked."""
    state = paint(found.state.ljust(11), _COLOURS[found.state], on=color)
    yield f"{state} {found.version}  {found.commit[:12]}  {found.digest}\n"
    if changes is not None:
        yield f"            changes: {reviewed(changes, color=color)}\n"
    for filed in found.witnesses:
        if filed.said is not None:
            who = f"{safe(filed.said.signer.printed_name)} ({filed.said.signer.principal})"
            yield f"            witnessed by {who}, {filed.said.signed_at}\n"
    for word, lines in (("", found.problems), ("cannot tell: ", found.doubts), ("note: ", found.notes)):
        for one in lines:
            yield f"            {word}{safe(one)}\n"


def verdict_item(found: Verdict) -> Mapping[str, Any]:
    """Return a verdict as JSON (`schemas/release-compare.v1.json`)."""
    return {
        "version": str(found.version),
        "commit": found.commit,
        "digest": found.digest or None,
        "state": found.state,
        "problems": list(found.problems),
        "doubts": list(found.doubts),
        "notes": list(found.notes),
        "witnesses": [_witness(one) for one in found.witnesses],
    }


def proved_item(found: Verdict, changes: Reviewed | None) -> Mapping[str, Any]:
    """Return a verdict as JSON with how the changes of the release stand (`schemas/release-verify.v1.json`)."""
    return {**verdict_item(found), "changes": changes_item(changes)}


def changes_item(found: Reviewed | None) -> Mapping[str, Any] | None:
    """Return as JSON how the changes of a release stand; null when that cannot be told."""
    if found is None:
        return None
    return {
        "since": found.since,
        "total": found.total,
        "approved": found.approved,
        "not_approved": found.bare,
        "before_policy": found.early,
        "not_told": found.untold,
        "command": found.command,
    }


def _witness(filed: Filed) -> Mapping[str, Any]:
    said = filed.said
    who = (said.signer.principal, said.signer.printed_name, said.signed_at) if said else ("", "", "")
    return {"path": filed.path, **dict(zip(("principal", "name", "signed_at"), who, strict=True))}


def proved(found: Proved, line: str) -> Iterator[str]:
    """Yield what a proof of inclusion shows."""
    how = "salted" if found.salted else "plain"
    yield f"included    {safe(str(found.key))} in release {found.release.version} ({how} tree)\n"
    yield f"line        {safe(line)}\n"
    yield f"digest      {found.digest}\n"
    yield f"project     {safe(found.release.repository)}\n"
    yield f"signed by   {safe(found.release.signer.printed_name)}, with {', '.join(found.fingerprints)}\n"
