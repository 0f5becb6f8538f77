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
