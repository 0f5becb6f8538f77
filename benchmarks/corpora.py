"""Corpora of personal data that others made, and how well a detector does on them: right, wrong and missed spans by type."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

DATA = Path(os.environ.get("LABELVC_TEST_DATA", "nowhere")) / "pii"
GOLD = {
    "EMAIL_ADDRESS": "email", "EMAIL": "email", "PHONE_NUMBER": "phone", "PHONE": "phone", "IBAN_CODE": "iban", "IBAN": "iban",
    "IP_ADDRESS": "ip", "IP": "ip", "IPV6": "ip", "CREDIT_CARD": "card", "US_SSN": "ssn", "MAC": "mac", "URLUSER": "url",
    "CPF": "br", "PESEL": "pl", "DNI": "es", "CF": "it",
}  # fmt: skip
"""What the corpora, and Presidio, call a type to what it is called here."""
STRICT = ("email", "iban", "ip", "card")
"""Types with a form that proves them."""
_HALF = 0.5
Span = tuple[int, int, str]
Row = tuple[str, list[Span]]


class Counted(NamedTuple):
    """Spans that were found rightly, wrongly and not at all."""

    right: int
    wrong: int
    missed: int

    @property
    def precision(self) -> float:
        """Share of what was found that is right."""
        return self.right / (self.right + self.wrong) if self.right else 0.0

    @property
    def recall(self) -> float:
        """Share of what there is that was found."""
        return self.right / (self.right + self.missed) if self.right else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of the two."""
        return 2 * self.right / (2 * self.right + self.wrong + self.missed)


def synth() -> Iterable[Row]:
    """Yield text and spans of presidio-research's synth_dataset_v2."""
    for row in json.loads((DATA / "presidio-research/synth_dataset_v2.json").read_bytes()):
        spans = [(one["start_position"], one["end_position"], one["entity_type"]) for one in row["spans"]]
        yield row["full_text"], spans


def faker() -> Iterable[Row]:
    """Yield text and spans of the rows that Faker made."""
    for line in (DATA / "faker_generated/structured_spans.jsonl").read_bytes().splitlines():
        row = json.loads(line)
        yield row["text"], [tuple(span) for span in row["spans"]]


def negatives() -> list[tuple[str, str]]:
    """Return kind and text of rows that hold no personal data and look like it."""
    lines = (DATA / "faker_generated/hard_negatives.jsonl").read_bytes().splitlines()
    return [(row["kind"], row["text"]) for row in map(json.loads, lines)]


def counted(rows: Iterable[Row], found: Iterable[Iterable[Span]]) -> dict[str, Counted]:
    """Return the figures by type; a span counts when its type is right and half of both is the same.

    Args:
        rows: texts and what is in them; types that are none of `GOLD` are left out.
        found: what was found in each, under the names used here.
    """
    right, wrong, missed = Counter[str](), Counter[str](), Counter[str]()
    for (_, gold), spans in zip(rows, found, strict=True):
        wanted = [(start, end, GOLD[kind]) for start, end, kind in gold if kind in GOLD]
        for start, end, kind in spans:
            match = next((one for one in wanted if one[2] == kind and _overlap(one[:2], (start, end)) >= _HALF), None)
            if match:
                wanted.remove(match)
                right[kind] += 1
            elif kind in GOLD.values():
                wrong[kind] += 1
        missed.update(kind for _, _, kind in wanted)
    return {kind: Counted(right[kind], wrong[kind], missed[kind]) for kind in sorted({*right, *wrong, *missed})}


def together(figures: Iterable[Counted]) -> Counted:
    """Return the sum over all types."""
    return Counted(*map(sum, zip(*figures, strict=True)))


def _overlap(one: tuple[int, int], two: tuple[int, int]) -> float:
    shared = min(one[1], two[1]) - max(one[0], two[0])
    return max(shared, 0) / (max(one[1], two[1]) - min(one[0], two[0]))
