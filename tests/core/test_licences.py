"""What an item may be used under: its own licence, else its source's, and nothing where nobody says so."""

from __future__ import annotations

import pytest

from labelvc.core import licences
from labelvc.model.project import Dataset

CORPUS = {"name": "corpus", "licence": "CC-BY-4.0"}
SHOP = {"name": "shop", "url": "https://x"}


@pytest.mark.parametrize(
    ("item", "sources", "expected"),
    [
        ({"licence": "MIT", "source": "corpus"}, [CORPUS, SHOP], "MIT"),
        ({"source": "corpus"}, [CORPUS, SHOP], "CC-BY-4.0"),
        ({"source": "shop"}, [CORPUS, SHOP], ""),
        ({"source": "elsewhere"}, [CORPUS], ""),
        ({}, [CORPUS], "CC-BY-4.0"),
        ({}, [CORPUS, SHOP], ""),
        ({}, [], ""),
        ({}, [{"name": "replace-me", "licence": "CC0-1.0"}], ""),
        ({}, [{"name": "replace-me", "licence": "CC0-1.0"}, CORPUS], "CC-BY-4.0"),
        ({"source": "corpus"}, [CORPUS, {"name": "corpus", "licence": "MIT"}], "CC-BY-4.0"),
    ],
)
def test_licence(item: dict[str, str], sources: list[dict[str, str]], expected: str):
    assert licences.of(Dataset("d", "i", {}, sources=tuple(sources))).licence(item) == expected


ENDED = {"name": "old", "licence": "MIT", "expires": "2026-12-01"}
CLOSED = {"name": "kept", "licence": "MIT", "export": "forbidden", "register": "source/0001-kept"}


@pytest.mark.parametrize(
    ("item", "allowed", "expected"),
    [
        ({"source": "corpus"}, None, ""),
        ({}, None, ""),
        ({"source": "corpus"}, {"CC-BY-4.0"}, ""),
        ({"source": "corpus"}, {"MIT"}, "under 'CC-BY-4.0', which labelvc.yaml does not allow"),
        ({"source": "corpus", "licence": "MIT"}, {"MIT"}, ""),
        ({}, {"MIT"}, "without a licence"),
        ({"licence": "MIT"}, set(), "under 'MIT', which labelvc.yaml does not allow"),
        ({"source": "old"}, None, "from old, whose licence ended on 2026-12-01"),
        ({"source": "old", "licence": "MIT"}, {"MIT"}, "from old, whose licence ended on 2026-12-01"),
        ({"source": "kept"}, None, "from source/0001-kept, which forbids it"),
    ],
)
def test_why_an_item_may_not_be_handed_out(item: dict[str, str], allowed: set[str] | None, expected: str):
    terms = licences.of(Dataset("d", "i", {}, sources=(CORPUS, ENDED, CLOSED)))
    assert licences.objection(item, terms, allowed, "2026-12-02") == expected


def test_the_last_day_is_a_day_on_which_it_holds():
    terms = licences.of(Dataset("d", "i", {}, sources=(ENDED,)))
    assert licences.objection({}, terms, None, "2026-12-01") == ""
