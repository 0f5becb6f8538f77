"""How well detection does on corpora that others made: precision and recall by type, held to what the design asks."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from labelvc.core import detect
from labelvc.model.detection import Settings

DATA = Path(os.environ.get("LABELVC_TEST_DATA", "nowhere")) / "pii"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="LABELVC_TEST_DATA names no folder with pii/")
SETTINGS = Settings(regions=("BR", "DE", "ES", "FR", "GB", "IT", "PL", "US"), reserved=True)
GOLD = {
    "EMAIL_ADDRESS": "email", "EMAIL": "email", "PHONE_NUMBER": "phone", "PHONE": "phone", "IBAN_CODE": "iban", "IBAN": "iban",
    "IP_ADDRESS": "ip", "IP": "ip", "IPV6": "ip", "CREDIT_CARD": "card", "US_SSN": "ssn", "MAC": "mac", "URLUSER": "url",
    "CPF": "br", "PESEL": "pl", "DNI": "es", "CF": "it",
}  # fmt: skip
FOUND = {"ipv4": "ip", "ipv6": "ip", "url.password": "url", "ssn.bare": "ssn"}
STRICT = ("email", "iban", "ip", "card")
Row = tuple[str, list[tuple[int, int, str]]]


def synth() -> Iterable[Row]:
    for row in json.loads((DATA / "presidio-research/synth_dataset_v2.json").read_bytes()):
        yield (
            row["full_text"],
            [(one["start_position"], one["end_position"], one["entity_type"]) for one in row["spans"]],
        )


def faker() -> Iterable[Row]:
    for line in (DATA / "faker_generated/structured_spans.jsonl").read_bytes().splitlines():
        row = json.loads(line)
        yield row["text"], [tuple(span) for span in row["spans"]]


def type_of(detector: str) -> str:
    group, _, rest = detector.partition(".")
    return FOUND.get(detector) or (rest[:2] if group == "identity" else group)


def overlap(one: tuple[int, int], two: tuple[int, int]) -> float:
    shared = min(one[1], two[1]) - max(one[0], two[0])
    return max(shared, 0) / (max(one[1], two[1]) - min(one[0], two[0]))


def counted(rows: Iterable[Row]) -> dict[str, tuple[int, int, int]]:
    """Return what was found rightly, wrongly and not at all by type; a span counts when half of both is the same."""
    right, wrong, missed = Counter[str](), Counter[str](), Counter[str]()
    for text, gold in rows:
        wanted = [(start, end, GOLD[kind]) for start, end, kind in gold if kind in GOLD]
        for span in detect.spans(text, SETTINGS):
            kind = type_of(span.detector)
            match = next(
                (one for one in wanted if one[2] == kind and overlap(one[:2], (span.start, span.end)) >= 0.5), None
            )
            if match:
                wanted.remove(match)
                right[kind] += 1
            elif kind in GOLD.values():
                wrong[kind] += 1
        missed.update(kind for _, _, kind in wanted)
    return {kind: (right[kind], wrong[kind], missed[kind]) for kind in sorted({*right, *wrong, *missed})}


def f1(right: int, wrong: int, missed: int) -> float:
    return 2 * right / (2 * right + wrong + missed)


@pytest.mark.parametrize("corpus", [synth, faker])
def test_structured_types_are_found(corpus, record_property: pytest.RecordProperty):
    found = counted(corpus())
    for kind, figures in found.items():
        record_property(kind, figures)
    right, wrong, missed = (sum(figures) for figures in zip(*found.values(), strict=True))
    assert f1(right, wrong, missed) >= 0.95
    assert right / (right + missed) >= 0.94
    assert {kind: f1(*found[kind]) for kind in STRICT if kind in found and f1(*found[kind]) < 0.99} == {}


def test_what_only_looks_like_it_is_left_alone():
    rows = [json.loads(line) for line in (DATA / "faker_generated/hard_negatives.jsonl").read_bytes().splitlines()]
    hits = Counter(row["kind"] for row in rows if detect.spans(row["text"], SETTINGS))
    hits.pop("version")  # four-part versions have the form of an IPv4 address
    assert sum(hits.values()) / len(rows) <= 0.005, hits
