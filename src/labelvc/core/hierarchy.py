"""Hierarchy: which label of a level stands above each label of a taxonomy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from labelvc.model.project import Label


def at_level(labels: Iterable[Label], level: int) -> Mapping[str, str]:
    """Return each label's own ancestor on a level; a label that lies above that level stands for itself.

    Args:
        labels: of one taxonomy, whose parents exist and go in no circle.
        level: 1 for the labels at the top, 2 for those below them ...

    Returns:
        Label to label.
    """
    parents = {label.id: label.parent for label in labels}
    found: dict[str, tuple[int, str]] = {}
    for start in parents:
        way: list[str] = []
        at: str | None = start
        while at is not None and at not in found:
            way.append(at)
            at = parents[at]
        depth, above = found[at] if at is not None else (0, "")
        for label in reversed(way):
            depth += 1
            above = label if depth <= level else above
            found[label] = depth, above
    return {label: above for label, (_, above) in found.items()}


def with_descendants(own: Mapping[str, int], labels: Iterable[Label]) -> Mapping[str, int]:
    """Return the number of records of each label or of one below it.

    Args:
        own: label to number; of labels that are not of the taxonomy nothing is told.
        labels: of one taxonomy; a circle of parents, which another check finds, is walked once.
    """
    parents = {label.id: label.parent for label in labels}
    found = dict.fromkeys(parents, 0)
    for label, number in own.items():
        above, seen = label, set[str]()
        while above in found and above not in seen:
            found[above] += number
            seen.add(above)
            above = parents.get(above) or ""
    return found
