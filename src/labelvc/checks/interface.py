"""What a check is: it looks at one shard at a time and judges the summaries of all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, NamedTuple, Protocol

from labelvc.model.finding import Finding, Severity
from labelvc.model.names import Key, Layer
from labelvc.model.project import Dataset, Project


class Rule(NamedTuple):
    """One kind of finding: the row of the catalogue that docs, SARIF and hooks are made from."""

    id: str
    severity: Severity
    title: str
    why: str
    threshold: float | None = None


class Line(NamedTuple):
    """One line of a shard, decoded.

    Attributes:
        layer: `annotations` or `items`.
        number: 1-based line in its file.
        key: the record's key; None when the line has none that can be read.
        fields: the decoded object; None when it is no JSON object.
        problem: why it could not be decoded, else empty.
    """

    layer: Layer
    number: int
    key: Key | None
    fields: Mapping[str, Any] | None
    problem: str = ""


class Shard(Protocol):
    """What a check sees of one shard: the annotations and the items that share its name."""

    dataset: Dataset
    name: str

    def path(self, layer: Layer) -> str:
        """Return the shard's path in a layer."""
        ...

    def raw(self, layer: Layer) -> list[bytes]:
        """Return the lines of a layer, without `\\n`."""
        ...

    def keys(self, layer: Layer) -> list[Key | None]:
        """Return the key of each line, without decoding the lines."""
        ...

    def records(self, layer: Layer = "annotations") -> list[Line]:
        """Return all lines, decoded once and kept."""
        ...

    def suspects(self, layer: Layer) -> list[Line]:
        """Return the lines that the accept path did not prove good: all that record-level checks need to look at."""
        ...


class Look(NamedTuple):
    """What a check saw in one shard: findings that need no other shard, and a small summary for `judge`."""

    findings: list[Finding]
    summary: bytes = b""


class Check(Protocol):
    """A check. `look` runs once a shard (cached, in parallel); `judge` sees all summaries at the end."""

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
