"""A review: everything that the page of a label pull request says, as one value; what renders it adds no number."""

# No `from __future__ import annotations`: msgspec would compile and evaluate the text of each at every start.

from collections.abc import Mapping, Sequence

import msgspec

from labelvc.model.agreement import Agreement
from labelvc.model.change import Edit, Kind
from labelvc.model.finding import Finding
from labelvc.model.waiver import Waived
from labelvc.model.ways import Shift, Ways


class End(msgspec.Struct, frozen=True):
    """One end of the range: as it was typed, and its commit."""

    name: str
    commit: str


class Need(msgspec.Struct, frozen=True):
    """A word that the policy asks for: role, how many people, how many gave it, how many are missing, who can and who may not."""

    role: str
    asked: int
    have: int
    missing: int
    who_can: tuple[str, ...]
    barred: tuple[str, ...]


class Said(msgspec.Struct, frozen=True):
    """A valid statement on the change; `covers` is the number of its moves, `superseded` whether its signer took it back, `ended` whether it is a yes that does not count any more."""

    principal: str
    role: str
    decision: str
    meaning: str
    signed_at: str
    reason: str
    covers: int
    superseded: bool
    ended: bool


class Problem(msgspec.Struct, frozen=True):
    """Something that counted for nothing, or kept others from being judged: where, and why."""

    where: str
    message: str


class Verdict(msgspec.Struct, frozen=True):
    """How the change stands to the policy.

    Attributes:
        state: see `labelvc.core.decide.Decision`; `ungoverned` when no policy was in force yet.
        covered, total: things that moved, and how many of them are approved.
        policy: version in force; None when there was none, or it could not be used.
        needs, said, problems: what is asked, what was said, what counted for nothing.
        uncovered: the first things that are not approved; `more` others are not listed.
        next: the command that brings it further; empty when nothing is missing.
        pinned: whether the first root was named from outside; None without one.
    """

    state: str
    covered: int
    total: int
    policy: int | None
    needs: tuple[Need, ...]
    said: tuple[Said, ...]
    problems: tuple[Problem, ...]
    uncovered: tuple[str, ...]
    more: int
    next: str
    pinned: bool | None


class Records(msgspec.Struct, frozen=True):
    """Live records of the datasets that the change touches, before and after, and what became of them."""

    before: int
    after: int
    added: int
    removed: int
    changed: int
    relabelled: int
    touched: int


class Items(msgspec.Struct, frozen=True):
    """Their items; `concerned` are those whose records differ."""

    before: int
    after: int
    added: int
    removed: int
    changed: int
    concerned: int


class Documents(msgspec.Struct, frozen=True):
    """How many documents came, went and changed."""

    added: int
    removed: int
    changed: int


class Counts(msgspec.Struct, frozen=True):
    """How much there is.

    Attributes:
        datasets: that the change touches, or whose labels it governs anew.
        records, items, documents: what became of them.
        shards: files of records or items that differ; `all_shards` there are in those datasets.
        annotators: whose records differ.
        commits: in the range; `edits` of records were made in them, more than differ where some were edited twice.
        mechanical: `record`, `item` or `document` to number of those that differ without a change of content.
    """

    datasets: tuple[str, ...]
    records: Records
    items: Items
    documents: Documents
    shards: int
    all_shards: int
    annotators: int
    commits: int
    edits: int
    mechanical: dict[str, int]


class Quality(msgspec.Struct, frozen=True):
    """What checks find at the head and did not find at the base, and the other way round.

    Attributes:
        new, fixed: severity to number; what is fixed is not there any more.
        unchanged: findings of the files looked at that were there before and are there still.
        waived: new ones that somebody lets stand; `more_waived` others are not listed.
        findings: the new ones, worst first; `more` others are not listed.
        gone: the fixed ones, worst first; `more_gone` others are not listed.
    """

    new: dict[str, int]
    fixed: dict[str, int]
    unchanged: int
    findings: tuple[Finding, ...]
    more: int
    gone: tuple[Finding, ...]
    more_gone: int
    waived: Sequence[Waived] = ()
    more_waived: int = 0


class Rate(msgspec.Struct, frozen=True):
    """How many records of somebody, or of a slice, differ: of `records` there before or after, so many in a thousand."""

    name: str
    records: int
    changed: int
    added: int
    removed: int
    touched: int
    per_thousand: float | None


class Rates(msgspec.Struct, frozen=True):
    """Rates, highest number of differences first; `more` rows are not listed."""

    rows: tuple[Rate, ...]
    more: int


class Document(msgspec.Struct, frozen=True):
    """A document that differs: its path, how, in one sentence, and what it says differently; `more` edits are not listed."""

    path: str
    kind: Kind
    said: str
    edits: tuple[Edit, ...]
    more: int


class Stranded(msgspec.Struct, frozen=True):
    """Records that stand on a label which the change takes out of use."""

    dataset: str
    task: str
    label: str
    records: int


class Lost(msgspec.Struct, frozen=True):
    """What is to be said of a line of a merge commit; see `labelvc.core.audit.Verdict`."""

    commit: str
    kind: str
    key: str
    side: str
    fields: tuple[str, ...]


class Merges(msgspec.Struct, frozen=True):
    """The merge commits of the range, worked out again: kind of verdict to number, the first of them, and what could not be told."""

    commits: int
    verdicts: dict[str, int]
    rows: tuple[Lost, ...]
    more: int
    problems: tuple[Problem, ...]


class Licence(msgspec.Struct, frozen=True):
    """What is said of the licence of a dataset, and how many of its sources say nothing."""

    dataset: str
    licences: tuple[str, ...]
    sources: int
    silent: int


class Privacy(msgspec.Struct, frozen=True):
    """What the change does to people.

    Attributes:
        findings: new findings of plain personal data, by rule.
        fields: declared fields that must never hold a plain value.
        hidden: texts on this page in which something was covered.
    """

    findings: dict[str, int]
    fields: int
    hidden: int


class Provenance(msgspec.Struct, frozen=True):
    """Where the page comes from: change-set, tool, policy, root, the day by which exceptions were judged, and how to make it again."""

    changeset: str
    tool: str
    policy: str
    root: str
    day: str
    command: str


class Review(msgspec.Struct, frozen=True):
    """The page. `pictures`, bytes by their digest, and the `budget`, characters of Markdown at most, are in no JSON."""

    range: str
    base: End
    head: End
    verdict: Verdict
    counts: Counts
    quality: Quality
    ways: Ways
    annotators: Rates
    slices: Rates
    fields: Rates
    shifts: tuple[Shift, ...]
    agreement: tuple[Agreement, ...]
    documents: tuple[Document, ...]
    more_documents: int
    stranded: tuple[Stranded, ...]
    merges: Merges
    privacy: Privacy
    licences: tuple[Licence, ...]
    provenance: Provenance
    pictures: Mapping[str, bytes] = {}
    budget: int = 60_000
