"""Domains: is what a token stands for one of so many values that nobody finds it by counting or trying."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

import msgspec

from labelvc.checks.interface import Look, Rule, Shard, finding, threshold
from labelvc.core import protection
from labelvc.model import jsonpointer
from labelvc.model.finding import Finding, Place
from labelvc.model.project import Dataset, Project, Sensitive

LEAST = 500
"""How many values must have been seen before they are judged: of fewer, nobody can tell how many there may be."""
_MANY = 1 << 16
_MOST_COUNTED = 1 << 12  # of one shard; more different values than that are many
_DIGEST = 8
_DETERMINISTIC = ("keyed", "random", "sealed")
_IDENTIFIERS = frozenset(("person", "account", "email", "phone", "device", "iban"))
_CURE = "give it scope: record, or mode: generalise or drop"


class Domains:
    """Looks at declared fields whose equal values are seen to be equal: with few values, their counts say which is which."""

    name: ClassVar[str] = "labelvc.domains"
    version: ClassVar[int] = 1
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "privacy.domain",
            "error",
            "Pseudonym of a field with few values",
            "A gender, a postcode or a year is found by counting its tokens, or by trying all values.",
            across=True,
        ),
        Rule(
            "privacy.dominant",
            "warning",
            "One value of a pseudonymous field stands out",
            "Who knows which value is the most frequent one knows what its token stands for.",
            0.05,
            "share of the field's places in which its most frequent value stands",
            across=True,
        ),
    )

    def applies(self, project: Project, dataset: Dataset) -> bool:
        """Apply where a field is declared sensitive."""
        return any(field.mode in _DETERMINISTIC for field in dataset.sensitive)

    def look(self, shard: Shard, project: Project) -> Look:
        """Return how often each value of each field occurs in this shard, by a digest of its token."""
        summary: dict[str, dict[bytes, int] | None] = {}
        for number, field in _counted(shard.dataset):
            steps, seen = jsonpointer.steps(field.pointer), Counter[str]()
            for line in shard.records(field.layer):
                if line.fields:
                    seen.update(value for value in _values(line.fields, steps) if protection.protected(value))
            summary[str(number)] = None if len(seen) > _MOST_COUNTED else {_digest(v): n for v, n in seen.items()}
        return Look([], msgspec.msgpack.encode(summary) if any(value != {} for value in summary.values()) else b"")

    def judge(self, summaries: Iterable[tuple[str, bytes]], project: Project, dataset: Dataset) -> Iterator[Finding]:
        """Yield fields whose values are few, or whose most frequent value stands out."""
        path = f"datasets/{dataset.name}/dataset.yaml"
        counts: dict[str, Counter[bytes] | None] = {}
        for _, raw in summaries:
            for number, seen in (msgspec.msgpack.decode(raw) if raw else {}).items():
                so_far = counts.setdefault(number, Counter())
                if seen is None or so_far is None:
                    counts[number] = None
                else:
                    so_far.update(seen)
        for number, field in _counted(dataset):
            place = Place(path, 0, "", f"/sensitive/{number}")
            yield from _judged(field, counts.get(str(number), Counter()), dataset, place)


def _judged(field: Sensitive, counts: Counter[bytes] | None, dataset: Dataset, place: Place) -> Iterator[Finding]:
    """Yield what is wrong with one field, given how often each value occurs; None where these are many."""
    declared = _declared_values(field, dataset)
    if declared:
        message = (
            f"{field.pointer} has {declared} values by its schema, so its pseudonyms can be told by trying all of them"
        )
        yield finding(Domains, "privacy.domain", place, message, _CURE)
        return
    total = counts.total() if counts else 0
    if counts is None or total < LEAST:
        return
    estimate = _estimate(counts)
    if field.kind not in _IDENTIFIERS and estimate < _MANY:
        message = f"{field.pointer} seems to have only {estimate:,} different values, so counting tells them"
        yield finding(Domains, "privacy.domain", place, message, _CURE)
        return
    (_, most), *_ = counts.most_common(1)
    if most > threshold(Domains, "privacy.dominant", dataset) * total:
        message = f"one value of {field.pointer} stands in {100 * most / total:.0f} % of {total:,} places"
        yield finding(Domains, "privacy.dominant", place, message, _CURE)


def _counted(dataset: Dataset) -> list[tuple[int, Sensitive]]:
    """Return the fields whose equal values have equal tokens, with their places in the document."""
    return [
        (number, field)
        for number, field in enumerate(dataset.sensitive)
        if field.mode in _DETERMINISTIC and field.scope != "record"
    ]


def _values(fields: Mapping[str, Any], steps: list[str]) -> Iterator[Any]:
    for holder, name in jsonpointer.places(fields, steps):
        yield holder[name]


def _digest(value: str) -> bytes:
    """Return a digest of a token, which is public; of a sealed value, of the token it begins with."""
    return hashlib.sha256(value.partition(":")[0].encode()).digest()[:_DIGEST]


def _estimate(counts: Counter[bytes]) -> int:
    """Return how many values there may be in all, seen or not, at least.

    Chao's estimator from the numbers of values seen once and twice (Chao 1984, Scandinavian Journal of Statistics 11,
    265-270), in its bias-corrected form, which needs no value to be seen twice.
    """
    times = Counter(counts.values())
    return len(counts) + times[1] * (times[1] - 1) // (2 * (times[2] + 1))


def _declared_values(field: Sensitive, dataset: Dataset) -> int:
    """Return how many values the schema of an item's field allows; 0 where it does not say, or they are many."""
    steps = jsonpointer.steps(field.pointer)
    rules = dataset.item_fields.get(steps[0]) if field.layer == "items" and len(steps) == 1 else None
    if not isinstance(rules, dict):
        return 0
    if isinstance(rules.get("enum"), list) or "const" in rules:
        return len(rules.get("enum", [0]))
    if rules.get("type") == "boolean":
        return 2
    low, high = rules.get("minimum"), rules.get("maximum")
    if rules.get("type") == "integer" and isinstance(low, int | float) and isinstance(high, int | float):
        number = int(high) - int(low) + 1
        return number if 0 < number < _MANY else 0
    return 0
