"""Bearing: the labels that a record's value names, whatever its shape."""

from __future__ import annotations

from labelvc.model.project import Task

_WORDS = frozenset(("form", "lemma", "misc"))
"""Fields of a token that hold words of the text, not what somebody decided about them (CoNLL-U)."""


def labels(value: object) -> list[str]:
    """Return the labels that a record's value names, in its order; of a score the number."""
    if not isinstance(value, dict):
        return []
    for name in ("label", "score"):
        if name in value:
            return [str(value[name])]
    several = next((value[name] for name in ("labels", "soft", "ranking") if name in value), ())
    return [str(label) for label in several] if isinstance(several, list | dict) else []


def holding(task: Task, taxonomy: str) -> tuple[str, ...]:
    """Return the fields of a token that hold labels of the task's taxonomy: the one called like it, else all that hold no words.

    Args:
        task: whose type is `token`.
        taxonomy: its name.
    """
    return (taxonomy,) if taxonomy in task.fields else tuple(name for name in task.fields if name not in _WORDS)


def token_labels(value: object, task: Task) -> list[str]:
    """Return what somebody decided about a token: the values of its fields but those that hold words of the text."""
    if not isinstance(value, dict):
        return []
    return [value[name] for name in task.fields if name not in _WORDS and isinstance(value.get(name), str)]
