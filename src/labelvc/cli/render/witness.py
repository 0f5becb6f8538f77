"""Witnesses and comparisons for people and programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from labelvc.cli.render import release
from labelvc.cli.render.text import count, safe
from labelvc.model.witness import Witness
from labelvc.ops import compare
from labelvc.ops.compare import Compared, Side

_WORDS = {
    "same": "both end with release {there}",
    "ahead": "this clone goes on after release {there}, which the other ends with",
    "behind": "the other goes on after release {here}, which this clone ends with",
    "forked": "the histories part: release {one} here is not {two} there",
    "unproved": "the witness saw release {there}, and here the last is {here}; git fetch, and compare again",
}


def preview(said: Witness, fingerprint: str) -> Iterator[str]:
    """Yield what is about to be signed, before it is."""
    yield f"witness     release {said.version}, number {said.sequence}, {said.root}\n"
    yield f"approvals   {count(said.approvals.size, 'statement')}, sha256:{said.approvals.root}\n"
    since = (
        f"continues {said.since.version}, which you signed before"
        if said.since
        else "nothing you signed before is known"
    )
    yield f"since       {since}\n"
    yield f"signed by   {safe(said.signer.printed_name)} ({said.signer.principal}), {fingerprint}\n"


def compared(found: Compared) -> Iterator[str]:
    """Yield how two sides stand."""
    one, two = compare.versions(found)
    words = _WORDS[found.state].format(here=found.here.version, there=found.there.version, one=one, two=two)
    yield f"{found.state.ljust(11)} {words}\n"
    for name, side in (("here", found.here), ("there", found.there)):
        yield f"{name.ljust(11)} {side.version} {side.digest}, {count(side.approvals.size, 'statement')}\n"
    if found.first is not None:
        here, there = found.first
        yield f"parted      {one} {here.digest} here\n"
        yield f"            {two} {there.root if isinstance(there, Witness) else there.digest} there\n"
    if found.state in {"ahead", "behind"} and found.proof:
        yield f"proof       {len(found.proof)} hashes: the approvals of the one begin those of the other\n"
    for name, side in (("here", found.here), ("there", found.there)):
        for verdict in side.faults:
            yield f"{name.ljust(11)} " + "".join(release.verdict(verdict, color=False)).lstrip()


def code(found: Compared) -> int:
    """Return the exit code; that something could not be told weighs more than that something was found."""
    states = {verdict.state for side in (found.here, found.there) for verdict in side.faults}
    if found.state == "unproved" or "undecidable" in states:
        return 2
    return int(found.state == "forked" or bool(states))


def summary(found: Compared) -> Mapping[str, Any]:
    """Return a comparison as JSON (`schemas/release-compare.v1.json`)."""
    first = None
    if found.first is not None:
        one, two = compare.versions(found)
        here, there = found.first
        other = there.root if isinstance(there, Witness) else there.digest
        first = {"here": {"version": one, "digest": here.digest}, "there": {"version": two, "digest": other}}
    return {"state": found.state, "first": first, "proof": list(found.proof)}


def sides(found: Compared) -> list[Mapping[str, Any]]:
    """Return the two sides as JSON."""
    return [_side("here", found.here), _side("there", found.there)]


def _side(name: str, side: Side) -> Mapping[str, Any]:
    return {
        "side": name,
        "releases": side.number,
        "version": side.version,
        "digest": side.digest,
        "approvals": {"size": side.approvals.size, "root": side.approvals.root},
        "faults": [release.verdict_item(verdict) for verdict in side.faults],
    }
