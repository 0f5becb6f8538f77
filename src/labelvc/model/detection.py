"""Detection: what is looked for in a text, and the spans of personal data and secrets that were found."""

# No `from __future__ import annotations`: msgspec would compile and evaluate the text of each at every start.

from typing import Literal, NamedTuple

import msgspec

Tier = Literal["block", "warn"]
"""`block`: the form itself or a word beside it proves it. `warn`: it looks so."""


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


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a project wants looked for, beyond what is always looked for.

    Attributes:
        regions: countries (ISO 3166-1 alpha-2) whose national telephone numbers and identity numbers are looked for.
        off: ids of detectors that are left out.
        domains: domains whose addresses may stand, the project's own: theirs and those below them.
        reserved: report values of ranges that are reserved for made-up data too; detection is measured with it.
    """

    regions: tuple[str, ...] = ()
    off: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    reserved: bool = False
