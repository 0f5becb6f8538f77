"""Values: rules between the parts of one answer that no schema can say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from labelvc.checks.interface import Line, Look, Rule, Shard, finding, threshold
from labelvc.model.finding import Finding, Place
from labelvc.model.project import Dataset, Project

_TYPES = frozenset({"soft", "labels", "span", "relation", "token"})
_SLACK = 1e-6
_TARGETS = ("head", "from", "to")


class Values:
    """Looks at soft labels, label sets, spans and references between records of one item."""

    name: ClassVar[str] = "labelvc.values"
    version: ClassVar[int] = 2
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "soft.sum",
            "error",
            "Soft label does not sum to one",
            "Shares that do not sum to one are no distribution.",
            _SLACK,
        ),
        Rule("labels.order", "error", "Label set is not sorted and unique", "Equal sets must have equal bytes."),
        Rule(
            "span.outside",
            "error",
            "Span leaves its text",
            "A span past the end labels nothing; offsets are code points.",
        ),
        Rule(
            "span.text",
            "error",
            "Span does not cover the text it says",
            "The text or the offsets changed without the other.",
        ),
        Rule(
            "reference.missing",
            "error",
            "Record refers to a record that does not exist",
            "A head or relation must point somewhere.",
        ),
    )

    def applies(self, project: Project, dataset: Dataset) -> bool:
        """Apply where a task has such values."""
        return any(name in project.tasks and project.tasks[name].type in _TYPES for name in dataset.tasks)

    def look(self, shard: Shard, project: Project) -> Look:
        """Return what is wrong inside values."""
        lines = shard.holding("soft", "labels", "span", *_TARGETS)
        if not lines:
            return Look([])
        texts, ids, slack = shard.texts(), _ids(shard), threshold(Values, "soft.sum", shard.dataset)
        found: list[Finding] = []
        for line in lines:
            value = line.fields.get("value") if line.fields else None
            if isinstance(value, Mapping) and line.fields:
                item = str(line.fields.get("item"))
                for rule, pointer, message, hint in _problems(value, texts.get(item), ids.get(item, set()), slack):
                    place = Place(shard.path("annotations"), line.number, _key(line), pointer)
                    found.append(finding(Values, rule, place, message, hint))
        return Look(found)

    def judge(self, summaries: Iterable[tuple[str, bytes]], project: Project, dataset: Dataset) -> Iterator[Finding]:
        """Yield nothing: all records of an item share a shard."""
        return iter(())


def _ids(shard: Shard) -> dict[str, set[str]]:
    """Return the ids of each item's records; none where no record refers to one."""
    found: dict[str, set[str]] = defaultdict(set)
    for at in range(len(shard.raw("annotations")) if shard.holding(*_TARGETS) else 0):
        key = shard.key("annotations", at)
        if key:
            found[key.item].add(key.id)
    return found


def _key(line: Line) -> str:
    return str(line.key or "")


def _problems(value: Mapping[str, Any], text: Any, ids: set[str], slack: float) -> Iterator[tuple[str, str, str, str]]:
    soft, labels, span = value.get("soft"), value.get("labels"), value.get("span")
    if isinstance(soft, dict) and all(isinstance(share, int | float) for share in soft.values()):
        total = sum(soft.values())
        if abs(total - 1) > slack:
            yield "soft.sum", "/value/soft", f"the shares sum to {total:.7g}, not 1", "correct the shares"
    if isinstance(labels, list) and all(isinstance(label, str) for label in labels) and labels != sorted(set(labels)):
        yield "labels.order", "/value/labels", "the labels are not sorted, or one occurs twice", "labelvc format"
    if isinstance(span, list) and len(span) == 2 and isinstance(text, str) and all(type(n) is int for n in span):
        yield from _span(span, value.get("text"), text)
    for name in _TARGETS:
        target = value.get(name)
        if isinstance(target, str) and target != "root" and target not in ids:
            yield (
                "reference.missing",
                f"/value/{name}",
                f"there is no record {target!r} of this item",
                "point it to a record of the same item",
            )


def _span(span: list[int], covered: Any, text: str) -> Iterator[tuple[str, str, str, str]]:
    start, end = span
    if not 0 <= start < end <= len(text):
        yield (
            "span.outside",
            "/value/span",
            f"[{start},{end}] does not lie in a text of {len(text)} characters",
            "re-import with the right offset unit",
        )
    elif isinstance(covered, str) and text[start:end] != covered:
        yield (
            "span.text",
            "/value/text",
            f"[{start},{end}] covers other text than the record says",
            "correct the offsets or the text",
        )
