"""Detection: what is looked for in a text, and the spans of personal data and secrets that were found."""

# No `from __future__ import annotations`: msgspec would compile and evaluate the text of each at every start.

from typing import Literal, NamedTuple

import msgspec

Tier = Literal["block", "warn"]
"""`block`: the form itself or a word beside it proves it. `warn`: it looks so."""

BASELINE = "privacy/baseline.jsonl"
"""The list of findings of plain text that somebody answers for."""


class Span(NamedTuple):
    """One piece of a text that is personal data or a secret.

    Attributes:
        start, end: code points; of a value that was written in another form (percent, base64), all of what it is written as.
        kind: kind of value, as pseudonyms have it (`labelvc.core.pseudonym.KINDS`); `secret` for what lets somebody in.
        detector: id of the detector.
        tier: how sure that is.
    """

    start: int
    end: int
    kind: str
    detector: str
    tier: Tier


class Unread(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Files behind DVC or git LFS that are not read: pictures that CI does not fetch, or raw data that only their store may hold.

    Attributes:
        paths: globs of them (`*` stops at `/`, `**` does not).
        why: the reason, for people.
    """

    paths: tuple[str, ...]
    why: str


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a project wants looked for, beyond what is always looked for.

    Attributes:
        regions: countries (ISO 3166-1 alpha-2) whose national telephone numbers and identity numbers are looked for.
        off: ids of detectors that are left out.
        domains: domains whose addresses may stand, the project's own: theirs and those below them.
        reserved: report values of ranges that are reserved for made-up data too; detection is measured with it.
        unread: files behind DVC or git LFS that are not read.
    """

    regions: tuple[str, ...] = ()
    off: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    reserved: bool = False
    unread: tuple[Unread, ...] = ()

    @property
    def left_unread(self) -> tuple[str, ...]:
        """The globs of all files that are not read."""
        return tuple(glob for one in self.unread for glob in one.paths)


Why = Literal["false_positive", "synthetic", "public", "consented"]
"""Why a finding may stand: it is none, its value was made up, is published, or its person agreed."""


class Accepted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line of `privacy/baseline.jsonl`: a finding that somebody answers for.

    Attributes:
        at: key of the record or item, `dataset/item#id`, or the path of another file.
        by: token of who wrote the line.
        epoch: epoch whose gate key made the mark.
        fp: ten letters that only the gate key makes of rule and value.
        rule: rule of the finding.
        why: why it may stand.
        expires: last day on which it holds, `2027-06-30`; None for no end.
        pointer: JSON pointer into the record; empty for another file.
    """

    at: str
    by: str
    epoch: str
    fp: str
    rule: str
    why: Why
    expires: str | None = None
    pointer: str = ""
