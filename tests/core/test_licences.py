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
        ({"source": "corpus"}, [CORPUS, {"name": "corpus", "licence": "MIT"}], ""),
        ({"source": "corpus"}, [CORPUS, CORPUS], "CC-BY-4.0"),
        ({"source": "corpus"}, [{**CORPUS, "url": "https://example.org/replace-me"}], "CC-BY-4.0"),
        ({"source": "corpus"}, [{**CORPUS, "licence": "replace-me"}], ""),
        ({"source": ["corpus"], "licence": ["MIT"]}, [CORPUS], ""),
    ],
)
def test_licence(item: dict[str, str], sources: list[dict[str, str]], expected: str):
    assert licences.of(Dataset("d", "i", {}, sources=tuple(sources))).licence(item) == expected


ENDED = {"name": "old", "licence": "MIT", "expires": "2026-12-01"}
CLOSED = {"name": "kept", "licence": "MIT", "export": "forbidden", "register": "source/0001-kept"}
ENDS = "perhaps from old, whose licence ended on 2026-12-01"


@pytest.mark.parametrize(
    ("item", "allowed", "expected"),
    [
        ({"source": "corpus"}, None, ""),
        ({}, None, ENDS),
        ({"source": "corpus"}, {"CC-BY-4.0"}, ""),
        ({"source": "corpus"}, {"MIT"}, "under 'CC-BY-4.0', which labelvc.yaml does not allow"),
        ({"source": "corpus", "licence": "MIT"}, {"MIT"}, ""),
        ({}, {"MIT"}, ENDS),
        ({"licence": "MIT"}, None, ENDS),
        ({"licence": "MIT", "source": "corpus"}, set(), "under 'MIT', which labelvc.yaml does not allow"),
        ({"source": "old"}, None, "from old, whose licence ended on 2026-12-01"),
        ({"source": "old", "licence": "MIT"}, {"MIT"}, "from old, whose licence ended on 2026-12-01"),
        ({"source": "kept"}, None, "from source/0001-kept, which forbids it"),
    ],
)
def test_why_an_item_may_not_be_handed_out(item: dict[str, str], allowed: set[str] | None, expected: str):
    terms = licences.of(Dataset("d", "i", {}, sources=(CORPUS, ENDED, CLOSED)))
    assert licences.objection(item, terms, allowed, "2026-12-02") == expected


SECRET = {"name": "corpus", "licence": "MIT", "export": "forbidden"}
FORBIDS = "from corpus, which forbids it"


@pytest.mark.parametrize(
    ("item", "sources", "expected"),
    [
        ({"source": "corpus"}, [CORPUS, SECRET], f"perhaps {FORBIDS}"),
        ({"source": "corpus"}, [SECRET, CORPUS], f"perhaps {FORBIDS}"),
        ({}, [SHOP, SECRET], f"perhaps {FORBIDS}"),
        ({"licence": "MIT"}, [SHOP, SECRET], f"perhaps {FORBIDS}"),
        ({}, [SECRET], FORBIDS),
        ({"source": "corpus"}, [{**SECRET, "url": "https://example.org/replace-me"}], FORBIDS),
        ({}, [{**SECRET, "name": "replace-me"}], "from a source without a name, which forbids it"),
        ({"source": "corpus"}, [{**SECRET, "export": "Forbidden"}], FORBIDS),
        ({"source": "elsewhere"}, [SECRET], "from 'elsewhere', which is none of the dataset's sources"),
        (
            {"source": "elsewhere", "licence": "MIT"},
            [SECRET],
            "from 'elsewhere', which is none of the dataset's sources",
        ),
        ({"source": ["corpus"]}, [SECRET], "from ['corpus'], which is none of the dataset's sources"),
        ({"source": "shop"}, [SHOP, SECRET], "without a licence"),
        ({"source": "shop", "licence": "MIT"}, [SHOP, SECRET], ""),
        ({"source": "elsewhere"}, [CORPUS], ""),
    ],
)
def test_where_a_source_forbids_it_each_item_shows_that_it_may_go(item: dict, sources: list, expected: str):
    terms = licences.of(Dataset("d", "i", {}, sources=tuple(sources)))
    assert licences.objection(item, terms, None, "2026-12-02") == expected


@pytest.mark.parametrize(
    ("item", "sources", "expected"),
    [
        ({"source": "elsewhere"}, [CORPUS], "from 'elsewhere', which is none of the dataset's sources"),
        ({"source": "corpus"}, [CORPUS, SHOP], ""),
        ({}, [CORPUS], ""),
        ({}, [CORPUS, SHOP], "without a licence"),
        ({}, [CORPUS, {**CORPUS, "name": "other"}], ""),
        ({}, [], "without a licence"),
        ({"licence": "MIT"}, [], ""),
        ({}, [{"name": "replace-me", "licence": "replace-me"}], "without a licence"),
    ],
)
def test_where_sources_are_registered_too(item: dict[str, str], sources: list, expected: str):
    terms = licences.of(Dataset("d", "i", {}, sources=tuple(sources)), registered=True)
    assert licences.objection(item, terms, None, "2026-12-02") == expected


def test_the_last_day_is_a_day_on_which_it_holds():
    terms = licences.of(Dataset("d", "i", {}, sources=(ENDED,)))
    assert licences.objection({}, terms, None, "2026-12-01") == ""
