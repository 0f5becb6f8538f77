"""Privacy: does personal data or a secret stand in plain in a shard, in its texts, ids, other fields and names of fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import ClassVar

from labelvc.checks.interface import Look, Rule, Shard
from labelvc.core import leaks
from labelvc.model.finding import Finding
from labelvc.model.names import Layer
from labelvc.model.project import Dataset, Project

_LAYERS: tuple[Layer, ...] = ("annotations", "items")


class Privacy:
    """Looks at every string and long number of a shard; those that stand in it often, once."""

    name: ClassVar[str] = "labelvc.privacy"
    version: ClassVar[int] = 1
    rules: ClassVar[tuple[Rule, ...]] = tuple(
        Rule(f"privacy.{name}", "error", words.title, words.why) for name, words in leaks.RULES.items()
    )

    def applies(self, project: Project, dataset: Dataset) -> bool:
        """Apply to every dataset."""
        return True

    def look(self, shard: Shard, project: Project) -> Look:
        """Return what stands in plain, by layer and line; a value that is only likely is a warning."""
        found: list[Finding] = []
        for layer in _LAYERS:
            if data := shard.data(layer):
                found += leaks.in_shard(shard.path(layer), data, _keys(shard, layer), project.leaks)
        return Look(found)

    def judge(self, summaries: Iterable[tuple[str, bytes]], project: Project, dataset: Dataset) -> Iterator[Finding]:
        """Yield nothing: each line stands for itself."""
        return iter(())


def _keys(shard: Shard, layer: Layer) -> Callable[[int], str]:
    return lambda at: str(shard.key(layer, at) or "")
