"""What a check is: it looks at one shard at a time and judges the summaries of all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Protocol

import msgspec

from labelvc.codec import shard
from labelvc.model.finding import Finding, Place, Severity
from labelvc.model.names import Key, Layer
from labelvc.model.project import Dataset, Project


class Rule(NamedTuple):
    """One kind of finding: the row of the catalogue that lists, pages and outputs for hosts are made from.

    Attributes:
        id: `noun.problem`.
        severity: how bad it is, where a dataset says nothing else.
        title: what is wrong, a few words without a full stop.
        why: why that is bad, one sentence.
        threshold: from which on it is wrong, where that is a matter of degree; a dataset may set another.
        measure: what the threshold counts, `intersection over union`.
        on_request: whether it keeps still until a dataset sets it: what it asks is not true of every dataset.
        across: whether it judges by the records of more than one shard, so that only `judge` can tell it; every other rule is
            done with one shard's.
    """

    id: str
    severity: Severity
    title: str
    why: str
    threshold: float | None = None
    measure: str = ""
    on_request: bool = False
    across: bool = False


class Line(msgspec.Struct, frozen=True, gc=False):
    """One line of a shard, decoded.

    Attributes:
        layer: `annotations` or `items`.
        number: 1-based line in its file.
        dataset: name of the dataset.
        raw: the line without its `\\n`; of one beyond 16 MiB only the beginning.
        fields: the decoded object; None when it is no JSON object.
        problem: why it could not be decoded, else empty.
    """

    layer: Layer
    number: int
    dataset: str
    raw: bytes
    fields: Mapping[str, Any] | None
    problem: str = ""

    @property
    def key(self) -> Key | None:
        """The record's key, read when it is asked for; None when the line has none that can be read."""
        return shard.key_of(self.raw, self.dataset, self.layer)


class Heads(NamedTuple):
    """The first members of all lines of a layer, column by column, as they stand in the file with their escapes kept.

    Equal columns of canonical lines mean equal keys, so keys are compared without decoding a line.

    Attributes:
        items: the item of each line; empty where a line does not begin as a record or item does.
        ids: the record's id of each line; empty in the items layer.
        by: who made the record; empty where it does not say.
    """

    items: Sequence[str]
    ids: Sequence[str]
    by: Sequence[str]


class Said(msgspec.Struct, frozen=True, eq=False):
    """What a record says: its task, what it was decided by, and its value.

    Records that say the same share one of these wherever that is told without decoding them, so that a check that judges each
    once, and remembers it by the object itself, has little to do for a record.

    Attributes:
        task: as the record has it; None where it has none.
        under: likewise.
        value: likewise; `msgspec.UNSET` where it has none, as tombstones do.
    """

    task: Any = None
    under: Any = None
    value: Any = msgspec.UNSET


class Answers(NamedTuple):
    """What the records of a shard say, column by column, a cell a line.

    Attributes:
        items: what each is about.
        by: who made it; empty where it does not say.
        said: what it says.
    """

    items: Sequence[str]
    by: Sequence[str]
    said: Sequence[Said]


class Shard(Protocol):
    """What a check sees of one shard: the annotations and the items that share its name."""

    dataset: Dataset
    name: str

    def path(self, layer: Layer) -> str:
        """Return the shard's path in a layer."""
        ...

    def data(self, layer: Layer) -> bytes:
        """Return the bytes of a layer; of a line beyond 16 MiB only the beginning."""
        ...

    def raw(self, layer: Layer) -> list[bytes]:
        """Return the lines of a layer, without `\\n`."""
        ...

    def heads(self, layer: Layer) -> Heads:
        """Return the first members of all lines, read without decoding them."""
        ...

    def key(self, layer: Layer, at: int) -> Key | None:
        """Return the key of the line at a position (from 0); None when it cannot be read."""
        ...

    def records(self, layer: Layer = "annotations") -> list[Line]:
        """Return all lines, decoded once and kept."""
        ...

    def answers(self) -> Answers:
        """Return what the records say, column by column."""
        ...

    def times(self) -> Sequence[Any]:
        """Return when each record was made, as it has it; empty or None where it does not say."""
        ...

    def holding(self, *members: str) -> list[Line]:
        """Return the records whose value has a member of one of these names; some may be among them whose value has none."""
        ...

    def texts(self) -> Mapping[str, Any]:
        """Return the `text` of each item, as it has it; None where it has none."""
        ...

    def suspects(self, layer: Layer) -> list[Line]:
        """Return the lines that the accept path did not prove good: all that record-level checks need to look at."""
        ...


class Look(NamedTuple):
    """What a check saw in one shard: findings that need no other shard, and a small summary for `judge`."""

    findings: list[Finding]
    summary: bytes = b""


class Check(Protocol):
    """A check. `look` runs once a shard (cached, in parallel); `judge` sees all summaries at the end.

    One whose `judge` counts records says so by `counts: ClassVar[tuple[Layer, ...]]`; without it, only changed items call
    for a new judgement of the whole dataset.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    rules: ClassVar[tuple[Rule, ...]]

    def applies(self, project: Project, dataset: Dataset) -> bool:
        """Tell whether the check has anything to say about this dataset."""
        ...

    def look(self, shard: Shard, project: Project) -> Look:
        """Return what is wrong in this shard."""
        ...

    def judge(self, summaries: Iterable[tuple[str, bytes]], project: Project, dataset: Dataset) -> Iterator[Finding]:
        """Yield what is wrong across shards, from (shard name, summary) pairs."""
        ...


def finding(check: type[Check], rule: str, place: Place, message: str, hint: str = "") -> Finding:
    """Make a finding of one of a check's own rules, with the rule's default severity.

    Args:
        check: the check that saw it.
        rule: id of one of its rules.
        place: where.
        message: what is wrong, one sentence, never a sensitive value.
        hint: the command or edit that mends it.

    Returns:
        The finding.
    """
    severity = next(row.severity for row in check.rules if row.id == rule)
    return Finding(rule, severity, place, message, hint, f"{check.name}/{check.version}")


def threshold(check: type[Check], rule: str, dataset: Dataset) -> float:
    """Return a rule's threshold: the dataset's own, else the rule's default."""
    setting = dataset.checks.get(rule)
    if setting is not None and setting.threshold is not None:
        return setting.threshold
    return next(row.threshold or 0.0 for row in check.rules if row.id == rule)


def asked(dataset: Dataset, *rules: str) -> bool:
    """Tell whether a dataset sets one of these rules and does not silence it: what rules on request wait for."""
    settings = [dataset.checks[rule] for rule in rules if rule in dataset.checks]
    return any(setting.severity != "off" for setting in settings)
