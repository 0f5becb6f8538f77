"""How well detection does on corpora that others made: precision and recall by type, held to what the design asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

import pytest
from benchmarks import corpora, leaks

from labelvc.core import detect

pytestmark = pytest.mark.skipif(not corpora.DATA.is_dir(), reason="LABELVC_TEST_DATA names no folder with pii/")


@pytest.mark.parametrize("corpus", [corpora.synth, corpora.faker])
def test_structured_types_are_found(
    corpus: Callable[[], Iterable[corpora.Row]], record_property: pytest.RecordProperty
):
    rows = list(corpus())
    found = corpora.counted(rows, [leaks.found_by_labelvc(text) for text, _ in rows])
    for kind, figures in found.items():
        record_property(kind, str(figures))
    whole = corpora.together(found.values())
    assert whole.f1 >= 0.95
    assert whole.recall >= 0.94
    assert {kind: found[kind].f1 for kind in corpora.STRICT if kind in found and found[kind].f1 < 0.99} == {}


def test_what_only_looks_like_it_is_left_alone():
    rows = corpora.negatives()
    hits = Counter(kind for kind, text in rows if detect.spans(text, leaks.SETTINGS))
    hits.pop("version")  # four-part versions have the form of an IPv4 address
    assert sum(hits.values()) / len(rows) <= 0.005, hits
