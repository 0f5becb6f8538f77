"""Outcomes: what looking at many shards came to, gathered as it comes; what checks need of all shards waits on the disk."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from labelvc.model.finding import Finding
from labelvc.spill import Spill

_DIGITS = 3
_PARTS = 4**_DIGITS
_OVERHEAD = 150


class Outcome(msgspec.Struct, frozen=True, array_like=True):
    """What looking at one shard gave: its findings, one summary a check, and its number of lines."""

    findings: list[Finding]
    summaries: dict[str, bytes]
    lines: int


class Outcomes:
    """The sum of the outcomes of many shards, in whatever order they came.

    Attributes:
        findings: of single shards.
        shards: number of shards.
        lines: number of items and records in them.
        remembered: how many of the shards were answered from the cache.
    """

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.shards = self.lines = self.remembered = 0
        self._summaries: dict[tuple[str, str], Spill] = {}

    def add(self, dataset: str, name: str, outcome: Outcome, *, remembered: bool = False) -> None:
        """Take the outcome of one shard.

        Raises:
            OSError: the disk of temporary files is full.
        """
        self.findings += outcome.findings
        self.shards += 1
        self.lines += outcome.lines
        self.remembered += remembered
        for check, summary in outcome.summaries.items():
            waiting = self._summaries.setdefault((dataset, check), Spill(_PARTS))
            waiting.add(int(name[:_DIGITS].ljust(_DIGITS, "0"), 4), (name, summary), len(summary) + _OVERHEAD)

    def summaries(self, dataset: str, check: str) -> Iterator[tuple[str, bytes]]:
        """Yield (shard name, summary) of the shards of a dataset of which a check has something to remember, by name."""
        waiting = self._summaries.get((dataset, check))
        if waiting is not None:
            for rows in waiting.all():
                yield from sorted(rows)
