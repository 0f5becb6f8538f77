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
from labelvc.ops.witness import Filed

_COLOURS = {"good": "+", "wrong": "error", "undecidable": "error"}
_WHY = {
    "major": "records or items were edited or removed",
    "minor": "records or items were added",
    "patch": "the same data",
}


def preview(plan: Plan, who: str, role: str, fingerprint: str, commit: str) -> Iterator[str]:
    """Yield what is about to be signed, before it is."""
    release, policy = plan.release, plan.trust.policy
    last = (
        f"after {release.previous.version}: {_WHY[plan.bump]}"
        if release.previous and plan.bump
        else "the first release"
    )
    yield f"release     {release.version} ({last})\n"
    yield f"of          {commit[:12]}, state {release.root}\n"
    yield from _content(release)
    name = policy.principals[who].name
    yield f"signed by   {safe(name)} ({who}) as {role}, {fingerprint}\n"


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


def verdict(found: Verdict, *, color: bool) -> Iterator[str]:
    """Yield what is wrong with a release."""
    state = paint(found.state.ljust(11), _COLOURS[found.state], on=color)
    yield f"{state} {found.version}  {found.commit[:12]}  {found.digest}\n"
    for filed in found.witnesses:
        if filed.said is not None:
            who = f"{safe(filed.said.signer.printed_name)} ({filed.said.signer.principal})"
            yield f"            witnessed by {who}, {filed.said.signed_at}\n"
    for word, lines in (("", found.problems), ("cannot tell: ", found.doubts), ("note: ", found.notes)):
        for one in lines:
            yield f"            {word}{safe(one)}\n"


def verdict_item(found: Verdict) -> Mapping[str, Any]:
    """Return a verdict as JSON (`schemas/release-verify.v1.json`)."""
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
