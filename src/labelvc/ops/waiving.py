"""Waiving: what is wrong with the waivers of a snapshot: ended, answered for by nobody, covering nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from labelvc.core import waivers
from labelvc.model.finding import Finding, Place, Severity
from labelvc.model.snapshot import Snapshot
from labelvc.model.waiver import WAIVERS, Waived, Waiver
from labelvc.ops import registers
from labelvc.store import tree
from labelvc.store.git import Git

_SEVERITY: dict[str, Severity] = {"waiver.expired": "error", "waiver.unused": "warning", "waiver.owner": "error"}
_BY = "labelvc.waivers/1"


def troubles(git: Git, known: Sequence[Waiver], snapshot: Snapshot, today: str) -> Iterator[Finding]:
    """Yield waivers that are over, and those whose `by` is nobody the policy knows.

    Args:
        git: the repository.
        known: the waivers of the snapshot.
        snapshot: where the policy is.
        today: date; empty: of days nothing is said.

    Raises:
        StoreError: the policy cannot be read.
    """
    with tree.reader(git) as reader:
        policy = registers.policy_of(snapshot, reader)
    for number, one in enumerate(known, 1):
        hint = f"mend what it is about; then labelvc waiver remove {one.rule} {one.at}"
        if today and waivers.ended(one, today):
            yield _finding("waiver.expired", number, f"the waiver of {one.rule} ended on {one.expires}", hint)
        if policy is not None and one.by not in policy.principals:
            said = f"{one.by!r}, who answers for the waiver of {one.rule}, is nobody the policy knows"
            yield _finding("waiver.owner", number, said, "labelvc policy show; then labelvc waiver add again")


def unused(known: Sequence[Waiver], waived: Sequence[Waived], today: str) -> Iterator[Finding]:
    """Yield waivers that hold and cover nothing of what was found, where everything was looked at.

    Args:
        known: the waivers.
        waived: the findings that stand by them.
        today: date.
    """
    for number, one in enumerate(known, 1):
        if not waivers.ended(one, today) and not any(waivers.covers(one, each.finding) for each in waived):
            said = f"nothing that is found needs this waiver of {one.rule}, or not yet"
            hint = f"leave it while its finding is still to come; else labelvc waiver remove {one.rule} {one.at}"
            yield _finding("waiver.unused", number, said, hint)


def _finding(rule: str, number: int, message: str, hint: str) -> Finding:
    return Finding(rule, _SEVERITY[rule], Place(WAIVERS, number), message, hint, _BY)
