"""Pseudonyms: is every token one that labelvc made, judged by its check letters."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import ClassVar

from labelvc.checks.interface import Look, Rule, Shard, finding
from labelvc.core import pseudonym
from labelvc.model.finding import Finding, Place
from labelvc.model.names import Layer
from labelvc.model.project import Dataset, Project

_MOST_KEPT = 1 << 16
_LENGTHS = (32, 33)
_LAYERS: tuple[Layer, ...] = ("annotations", "items")
_genuine: set[str] = set()


class Pseudonyms:
    """Looks at the distinct `by` of a shard: the accept path proves a token's letters, this proves they belong together."""

    name: ClassVar[str] = "labelvc.pseudonyms"
    version: ClassVar[int] = 3
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "privacy.token",
            "error",
            "Pseudonym has wrong check letters",
            "A mistyped token is another person, or nobody.",
        ),
        Rule(
            "privacy.erased",
            "error",
            "Pseudonym of somebody who was forgotten",
            "What the project says it erased must stand in no record.",
        ),
    )

    def applies(self, project: Project, dataset: Dataset) -> bool:
        """Apply to every dataset."""
        return True

    def look(self, shard: Shard, project: Project) -> Look:
        """Return each token whose check letters are wrong, at the first record that bears it."""
        found = []
        heads = shard.heads("annotations")
        for by in sorted(set(heads.by) - _genuine):
            if pseudonym.is_token(by):
                _keep(by)
            elif len(by) in _LENGTHS and by[3] == "_":
                at = heads.by.index(by)
                place = Place(shard.path("annotations"), at + 1, str(shard.key("annotations", at) or ""), "/by")
                message = "the check letters of the pseudonym are wrong"
                found.append(finding(Pseudonyms, "privacy.token", place, message, "copy it whole from another record"))
        return Look([*found, *forgotten(shard, project.erased)])

    def judge(self, summaries: Iterable[tuple[str, bytes]], project: Project, dataset: Dataset) -> Iterator[Finding]:
        """Yield nothing: each token stands for itself."""
        return iter(())


def forgotten(shard: Shard, tokens: Collection[str]) -> Iterator[Finding]:
    """Yield the lines that hold a token of somebody who was forgotten, wherever in the line it stands."""
    gone = frozenset(tokens)
    for layer in _LAYERS if gone else ():
        if gone.isdisjoint(pseudonym.found_in(shard.data(layer))):
            continue
        for at, line in enumerate(shard.raw(layer)):
            if not gone.isdisjoint(pseudonym.found_in(line)):
                place = Place(shard.path(layer), at + 1, str(shard.key(layer, at) or ""))
                message = "the line holds the pseudonym of somebody who was forgotten (privacy/erasures)"
                hint = "labelvc erase TOKEN --apply takes it out of all records; the history keeps what was pushed"
                yield finding(Pseudonyms, "privacy.erased", place, message, hint)


def _keep(token: str) -> None:
    """Remember a good token for the shards that follow, within bounds."""
    if len(_genuine) >= _MOST_KEPT:
        _genuine.clear()
    _genuine.add(token)
