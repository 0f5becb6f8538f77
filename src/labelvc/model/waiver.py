"""A waiver: a finding that somebody lets stand, why, and until when."""

# No `from __future__ import annotations`: msgspec would compile and evaluate the text of each at every start.

from typing import NamedTuple

import msgspec

from labelvc.model.finding import Finding

WAIVERS = "waivers.jsonl"
"""The list of findings that somebody lets stand."""


class Waiver(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line of `waivers.jsonl`.

    Attributes:
        at: key of a record or item, `dataset/item#id`, path of a file, or a glob over either (`*` stops at `/`, `**` does not).
        by: principal of the policy who answers for it.
        expires: last day on which it holds, `2027-06-30`.
        made: day on which it was written.
        reason: why the finding may stand, for people.
        rule: of the findings.
        label: only findings whose message names this label; empty: all.
    """

    at: str
    by: str
    expires: str
    made: str
    reason: str
    rule: str
    label: str = ""


class Waived(NamedTuple):
    """A finding, and the waiver that lets it stand."""

    finding: Finding
    waiver: Waiver
